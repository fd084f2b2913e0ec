// Lines: every country and scheme that has a model, as a matrix.

import { useAsk } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { Badge, percent, State, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { shortModel, type Line } from "./shape.ts";
import "./lines.css";

/** `WASTE` of the scheme `GBR-WASTE` of Great Britain: what is alike in every country stands in one column. */
const kindOf = ({ country, scheme }: Line): string => (scheme.startsWith(`${country}-`) ? scheme.slice(country.length + 1) : scheme);

const whats = [
  { value: "", name: "all lines" },
  { value: "held", name: "a promotion waits" },
  { value: "review", name: "on review" },
  { value: "none", name: "no champion" },
];

export function Lines() {
  const filters = useFilters();
  const date = filters.get("date");
  const lines = useAsk("GET /api/classify/lines", date === "" ? {} : { query: { date } }, { live: ["events"] });
  const champions = useAsk("GET /api/classify/champions", {}, { live: ["events"] });
  const codings = useAsk("GET /api/classify/codings", { query: { limit: 1_000 } }, { live: ["events"] });
  const held = new Map((champions.value?.held ?? []).map((one) => [one.line, one]));
  const shares = new Map<string, number>();
  for (const { line, items, autoItems } of codings.value?.codings ?? [])
    if (!shares.has(line) && items > 0) shares.set(line, autoItems / items);
  const what = filters.get("what");
  const country = filters.get("country");
  const isShown = (line: Line): boolean =>
    (country === "" || line.country === country) &&
    (what === "" ||
      (what === "held" && held.has(line.line)) ||
      (what === "review" && !line.automatic) ||
      (what === "none" && line.champion === undefined));
  return (
    <Page
      title="Lines and models"
      about="A line is a country and a scheme of codes; its champion is the model that codes what is sold there."
      acts={
        <CopyAs
          said={{ method: "GET", path: `/api/classify/lines${date === "" ? "" : `?date=${date}`}`, command: ["classify", "lines"] }}
        />
      }
    >
      <div class="filters">
        <SelectField title="Show" value={what} onValue={(what) => filters.set({ what })} choices={whats} />
        <SelectField
          title="Country"
          value={country}
          onValue={(country) => filters.set({ country })}
          choices={[{ value: "", name: "all countries" }, ...new Set((lines.value?.lines ?? []).map((line) => line.country))]}
        />
        <FilterField title="As on the day" type="date" name="date" />
      </div>
      <Shown of={lines}>
        {({ lines }) => {
          const shown = lines.filter(isShown);
          if (lines.length === 0) return <Empty>No line yet. A file of labelled items begins one.</Empty>;
          if (shown.length === 0) return <Empty>No line is like that.</Empty>;
          return <Matrix lines={shown} shares={shares} isHeld={(line) => held.has(line)} />;
        }}
      </Shown>
    </Page>
  );
}

function Matrix({
  lines,
  shares,
  isHeld,
}: {
  lines: readonly Line[];
  shares: ReadonlyMap<string, number>;
  isHeld: (line: string) => boolean;
}) {
  const kinds = [...new Set(lines.map(kindOf))].toSorted();
  const countries = [...Map.groupBy(lines, (line) => line.country)];
  return (
    <Table
      label="Lines by country and scheme"
      rows={countries}
      idOf={([country]) => country}
      columns={[
        { id: "country", title: "Country", cell: ([country]) => <b>{country}</b>, by: ([country]) => country },
        ...kinds.map((kind) => ({
          id: kind,
          title: kind,
          cell: ([, of]: readonly [string, readonly Line[]]) => {
            const line = of.find((one) => kindOf(one) === kind);
            return line === undefined ? (
              <span class="dim">–</span>
            ) : (
              <Cell line={line} share={shares.get(line.line)} isHeld={isHeld(line.line)} />
            );
          },
          by: ([, of]: readonly [string, readonly Line[]]) => of.find((one) => kindOf(one) === kind)?.macroF1,
        })),
      ]}
    />
  );
}

function Cell({ line, share, isHeld }: { line: Line; share: number | undefined; isHeld: boolean }) {
  const { champion, championSince, macroF1, coverage, lastVerdict, automatic } = line;
  return (
    <div class="lines-cell">
      <div class="row">
        <a href={to(`/lines/${encodeURIComponent(line.line)}`)}>{line.scheme}</a>
        {isHeld && <Badge tone="warn">a promotion waits</Badge>}
        {!automatic && <Badge tone="bad">on review</Badge>}
      </div>
      {champion === undefined ? (
        <span class="dim">{line.models === 0 ? "no model yet" : "no champion"}</span>
      ) : (
        <>
          <span>
            <span class="mono">{shortModel(champion)}</span> since <When at={championSince} />
          </span>
          <span>
            macro F1 <b>{macroF1 === undefined ? "–" : macroF1.toFixed(3)}</b>, by itself <b>{percent(share ?? coverage, { digits: 0 })}</b>
            {share === undefined && coverage !== undefined && <span class="dim"> expected</span>}
          </span>
        </>
      )}
      {lastVerdict !== undefined && (
        <span class="row">
          <span class="dim">last verdict</span> <State of={lastVerdict} />
        </span>
      )}
    </div>
  );
}
