// Report: what was sold in a period, by country, scheme and code, with margins; what was told first, and why it has changed.

import type { CodeBook } from "../../data/codebook.ts";
import { useCodes } from "../../data/codes.ts";
import { useMe } from "../../data/me.ts";
import { useAsk } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { tellError } from "../../frame/toasts.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { amount, Badge, counted, When } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { Restate } from "./restate.tsx";
import { measures, mostOf, placeBar, rowsOf, tableOf, type CountryReport, type Measure, type PeriodReport, type Row } from "./rows.ts";
import { saveCsv, saveXlsx } from "./save.ts";
import "./report.css";

export function Report() {
  const filters = useFilters();
  const periods = useAsk("GET /api/classify/periods", {}, { live: ["events"] });
  return (
    <Shown of={periods}>
      {({ periods }) => {
        const asked = filters.get("period");
        const period = asked === "" ? (periods.find(({ reported }) => reported.length > 0) ?? periods[0])?.period : asked;
        return period === undefined ? (
          <Page title="Report">
            <Empty>Nothing was coded yet: a report is written when every line of a country has coded a period's sales.</Empty>
          </Page>
        ) : (
          <OfPeriod period={period} periods={periods.map((one) => one.period)} />
        );
      }}
    </Shown>
  );
}

function OfPeriod({ period, periods }: { period: string; periods: readonly string[] }) {
  const filters = useFilters();
  const [country, revision] = [filters.get("country"), filters.get("revision")];
  const measure = measures.find((one) => one === filters.get("measure")) ?? "kg";
  const report = useAsk(
    "GET /api/classify/report",
    { query: { period, ...(country === "" ? {} : { country, ...(revision === "" ? {} : { revision }) }) } },
    { live: ["events"] },
  );
  // Which countries there are, whichever is chosen.
  const whole = useAsk("GET /api/classify/report", { query: { period } }, { live: ["events"] });
  const reports = report.value?.reports ?? [];
  const { value: book } = useCodes(reports.flatMap(({ figures }) => figures.map(({ scheme }) => scheme)));
  const schemes = [...new Set(reports.flatMap(({ figures }) => figures.map(({ scheme }) => scheme)))];
  return (
    <Page
      title={`Report of ${period}`}
      about="What was sold, by code. A margin says how far a figure may be off because a model coded the items."
      acts={<Acts report={report.value} book={book} />}
    >
      <div class="filters">
        <SelectField title="Period" value={period} onValue={(period) => filters.set({ period, revision: "" })} choices={periods} />
        <SelectField
          title="Country"
          value={country}
          onValue={(country) => filters.set({ country, revision: "", scheme: "" })}
          choices={[{ value: "", name: "all countries" }, ...(whole.value?.reports ?? []).map((one) => one.country)]}
        />
        <SelectField
          title="Scheme"
          value={filters.get("scheme")}
          onValue={(scheme) => filters.set({ scheme })}
          choices={[{ value: "", name: "all schemes" }, ...schemes]}
        />
        <SelectField
          title="In"
          value={measure}
          onValue={(measure) => filters.set({ measure: measure === "kg" ? "" : measure })}
          choices={measures}
        />
      </div>
      <Shown of={report}>
        {({ reports, unreported }) => (
          <>
            {unreported.length > 0 && (
              <Note kind="warn">
                No report yet of {unreported.join(", ")}: not every line there has coded the sales of {period}.
              </Note>
            )}
            {reports.length === 0 && <Empty>There is no report of {period} yet.</Empty>}
            {reports.map((one) => (
              <OfCountry key={one.country} period={period} report={one} measure={measure} scheme={filters.get("scheme")} book={book} />
            ))}
          </>
        )}
      </Shown>
    </Page>
  );
}

function Acts({ report, book }: { report: PeriodReport | undefined; book: CodeBook | undefined }) {
  const filters = useFilters();
  if (report === undefined) return null;
  const { period, reports } = report;
  const shown = Object.fromEntries(
    ["country", "revision"].flatMap((name) => (filters.get(name) === "" ? [] : [[name, filters.get(name)]])),
  );
  const name = `report-${period}${reports.length === 1 ? `-${reports[0]?.country ?? ""}` : ""}`;
  const rows = () => tableOf(period, reports, (scheme, version, code) => book?.nameOf(scheme, version, code) ?? "");
  return (
    <>
      <Button onPress={() => saveCsv(rows(), name)}>CSV</Button>
      <Button onPress={() => void saveXlsx(rows(), name).catch(tellError)}>XLSX</Button>
      <Button onPress={() => window.print()}>Print</Button>
      <CopyAs
        said={{
          method: "GET",
          path: `/api/classify/report?${new URLSearchParams({ period, ...shown }).toString()}`,
          command: [
            "classify",
            "reports",
            "show",
            "--period",
            period,
            ...Object.entries(shown).flatMap(([name, value]) => [`--${name}`, value]),
          ],
        }}
        small={false}
      />
    </>
  );
}

interface OfCountryProps {
  readonly period: string;
  readonly report: CountryReport;
  readonly measure: Measure;
  readonly scheme: string;
  readonly book: CodeBook | undefined;
}

function OfCountry({ period, report, measure, scheme, book }: OfCountryProps) {
  const { country, revision, figures, models, revisions, outdated, waits, twice } = report;
  const me = useMe();
  const rows = rowsOf(figures, measure).filter((row) => scheme === "" || row.scheme === scheme);
  const last = revisions.at(-1)?.revision ?? 0;
  return (
    <section class="card" aria-label={`Report of ${country}`}>
      <header>
        <h2>
          {country}{" "}
          <Badge tone={revision === last ? "plain" : "warn"}>
            revision {revision}
            {revision === last ? "" : `, the last is ${last}`}
          </Badge>
        </h2>
        <span class="row report-acts">
          {me.may("operator") && (outdated || waits.length > 0) && <Restate period={period} country={country} />}
        </span>
      </header>
      {outdated && (
        <Note kind="warn">
          Answers or codings since the last revision change these figures. The nightly schedule writes the next one, or somebody restates it
          now.
        </Note>
      )}
      {waits.length > 0 && <Note kind="warn">No revision is written before these are coded: {waits.join("; ")}.</Note>}
      {twice.map((sentence) => (
        <Note key={sentence} kind="warn">
          {sentence}
        </Note>
      ))}
      <Figures country={country} rows={rows} measure={measure} book={book} />
      <Revisions period={period} country={country} shown={revision} revisions={revisions} />
      <p class="dim">
        Coded by {models.map(({ model }) => model).join(", ") || "nobody"} in {counted(rows.length, "row")}.
      </p>
    </section>
  );
}

function Figures({
  country,
  rows,
  measure,
  book,
}: {
  country: string;
  rows: readonly Row[];
  measure: Measure;
  book: CodeBook | undefined;
}) {
  if (rows.length === 0) return <p class="dim">No code has a figure.</p>;
  // Schemes are different ways to count the same things: each has an axis of its own.
  const most = new Map([...Map.groupBy(rows, ({ scheme }) => scheme)].map(([scheme, of]) => [scheme, mostOf(of)]));
  return (
    <>
      <Table
        label={`Figures of ${country} in ${measure}`}
        rows={rows}
        idOf={({ scheme, version, code }) => `${scheme} ${version} ${code}`}
        sortName={`sort-${country}`}
        tight
        columns={[
          {
            id: "code",
            title: "Code",
            cell: ({ scheme, version, code }) => (
              <>
                <b>{code === "" ? "no code" : code}</b> {book?.nameOf(scheme, version, code) ?? ""}{" "}
                <span class="dim">
                  {scheme} {version}
                </span>
              </>
            ),
            by: ({ code }) => code,
          },
          { id: "bar", title: "Figure and margin", cell: (row) => <BarOf row={row} most={most.get(row.scheme) ?? 0} measure={measure} /> },
          { id: "value", title: measure, number: true, cell: ({ value }) => <b>{amount(value)}</b>, by: ({ value }) => value },
          { id: "margin", title: "± margin", number: true, cell: ({ margin }) => amount(margin), by: ({ margin }) => margin },
          { id: "first", title: "First told", number: true, cell: ({ first }) => amount(first ?? null), by: ({ first }) => first },
          {
            id: "change",
            title: "Change",
            number: true,
            cell: ({ value, first }) => <Moved value={value} first={first} />,
            by: ({ value, first }) => Math.abs(value - (first ?? 0)),
          },
          ...(measure === "items"
            ? []
            : [{ id: "returned", title: "Returned", number: true, cell: ({ returned }: Row) => amount(returned ?? null) }]),
        ]}
      />
      <p class="report-key">
        <span>bar: the present figure</span>
        <span>whisker: its margin</span>
        <span>upright line: what was told first</span>
      </p>
    </>
  );
}

function Moved({ value, first }: { value: number; first: number | undefined }) {
  if (first === undefined) return <Badge tone="ink">new</Badge>;
  if (value === first) return <span class="dim">none</span>;
  return (
    <span class="warn">
      {value > first ? "+" : ""}
      {amount(value - first)}
    </span>
  );
}

function BarOf({ row, most, measure }: { row: Row; most: number; measure: Measure }) {
  const { bar, low, high } = placeBar(row, most);
  const first = row.first === undefined || row.first === row.value ? undefined : placeBar({ value: row.first, margin: 0 }, most).bar;
  const said = `${amount(row.value)} ± ${amount(row.margin)} ${measure}${row.first === undefined ? "" : `, first ${amount(row.first)}`}`;
  return (
    <span class="report-bar" role="img" aria-label={said}>
      <i style={{ width: `${100 * bar}%` }} />
      {row.margin > 0 && <u style={{ insetInlineStart: `${100 * low}%`, width: `${100 * (high - low)}%` }} />}
      {first !== undefined && <s style={{ insetInlineStart: `${100 * first}%` }} />}
    </span>
  );
}

function Revisions({
  period,
  country,
  shown,
  revisions,
}: {
  period: string;
  country: string;
  shown: number;
  revisions: CountryReport["revisions"];
}) {
  const filters = useFilters();
  const last = revisions.at(-1)?.revision;
  const kept = { measure: filters.get("measure"), scheme: filters.get("scheme") };
  return (
    <>
      <h3>From the first figure to the present one</h3>
      <Table
        label={`Revisions of ${country}`}
        rows={revisions}
        idOf={({ revision }) => String(revision)}
        sortName={`sort-revisions-${country}`}
        tight
        columns={[
          {
            id: "revision",
            title: "Revision",
            cell: ({ revision }) => (
              <a
                href={to("/report", { period, country, ...(revision === last ? {} : { revision }), ...kept })}
                {...(revision === shown ? { "aria-current": "true" as const } : {})}
              >
                {revision === 0 ? "first" : revision}
              </a>
            ),
          },
          { id: "at", title: "Written", cell: ({ at }) => <When at={at} /> },
          { id: "reason", title: "Why", cell: ({ reason }) => reason },
        ]}
      />
    </>
  );
}
