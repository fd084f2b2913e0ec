// The forecast of a node over time: fan, planners' line, backtests, last year, an earlier forecast; price and promotion under it.

import { useAsk } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import type { AnswerOf } from "../../data/client.ts";
import { CopyAs } from "../../parts/button.tsx";
import { Chart, type Band, type Line } from "../../parts/chart.tsx";
import { CheckField, SelectField } from "../../parts/fields.tsx";
import { amount, Figure, percent, whenText } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import type { Looked } from "./group.tsx";
import { alignedTo, bandsOf, summedText, sumOf, yearBefore, zoomed } from "./curve.ts";
import { queryOf, titleOf, type Node } from "./node.ts";

export type Curve = AnswerOf<"GET /api/forecast/runs/:id/curve">;

/** The curve of a node of a forecast. */
export const useCurve = (id: string, node: Node, when = true) =>
  useAsk("GET /api/forecast/runs/:id/curve", { params: { id }, query: queryOf(node) }, { live: ["events"], when });

const layers = [
  ["planners", "Planners' forecast"],
  ["tried", "Backtests"],
  ["year", "A year before"],
  ["known", "Prices, promotions"],
] as const;
type Layer = (typeof layers)[number][0];

/** Which layers are shown: those of the URL, else the usual ones. */
function shownLayers(text: string): ReadonlySet<Layer> {
  if (text === "") return new Set(["planners", "known"]);
  const named = text.split(".");
  return new Set(layers.flatMap(([layer]) => (named.includes(layer) ? [layer] : [])));
}

export function Fan({ run, runs, node }: Looked) {
  const filters = useFilters();
  const curve = useCurve(run.id, node);
  const shown = shownLayers(filters.get("show"));
  const before = filters.get("before");
  const earlier = useCurve(before, node, before !== "");
  const turn = (layer: Layer, isOn: boolean): void => {
    const next = layers.flatMap(([each]) => ((each === layer ? isOn : shown.has(each)) ? [each] : []));
    filters.set({ show: next.length === 0 ? "none" : next.join(".") });
  };
  return (
    <>
      <div class="filters">
        {layers.map(([layer, name]) => (
          <CheckField key={layer} title={name} checked={shown.has(layer)} onChecked={(isOn) => turn(layer, isOn)} />
        ))}
        <SelectField
          title="Earlier forecast over it"
          value={before}
          onValue={(before) => filters.set({ before })}
          choices={[
            { value: "", name: "none" },
            ...runs
              .filter(({ id }) => id !== run.id)
              .map(({ id, endedAt }) => ({ value: id, name: endedAt === undefined ? id : whenText(endedAt) })),
          ]}
        />
        {filters.get("from") !== "" && (
          <button type="button" class="button" onClick={() => filters.set({ from: "", to: "" })}>
            Show all of the time
          </button>
        )}
      </div>
      <Shown of={curve} lines={10}>
        {(curve) => (
          <CurveCard
            curve={curve}
            earlier={before === "" ? undefined : earlier.value}
            shown={shown}
            node={node}
            path={`/api/forecast/runs/${encodeURIComponent(run.id)}/curve?${new URLSearchParams(queryOf(node)).toString()}`}
          />
        )}
      </Shown>
    </>
  );
}

interface CardProps {
  readonly curve: Curve;
  readonly earlier: Curve | undefined;
  readonly shown: ReadonlySet<Layer>;
  readonly node: Node;
  readonly path: string;
}

function CurveCard({ curve, earlier, shown, node, path }: CardProps) {
  const filters = useFilters();
  if (curve.series === 0 || curve.system === null) {
    return (
      <Empty>{curve.series === 0 ? "No series has these levels." : "These series have no forecast: there is nothing to go by."}</Empty>
    );
  }
  const window = zoomed(curve.instants, Number(filters.get("from")), Number(filters.get("to")));
  const cut = <Value,>(values: readonly Value[]): readonly Value[] => values.slice(window.from, window.to);
  const zoom = (from: number, to: number): void => filters.set({ from: String(Math.round(from)), to: String(Math.round(to)) });
  const planned = shown.has("planners") && curve.planners !== null ? curve.planners : undefined;
  const lines = linesOf(curve, earlier, shown).map((line) => ({ ...line, values: cut(line.values) }));
  const bands = bandsOf(curve).map(({ title, low, high, strength }): Band => ({ title, low: cut(low), high: cut(high), strength }));
  const at = cut(curve.instants);
  const mark = curve.instants[curve.split];
  const used = curve.planners ?? curve.system;
  return (
    <section class="card">
      <header>
        <h2>{titleOf(node)}</h2>
        <CopyAs said={{ method: "GET", path }} />
      </header>
      <div class="cards">
        <Figure title="Ahead, the system" note={`${curve.system.mean.length} steps`}>
          {amount(sumOf(curve.system.mean))}
        </Figure>
        {curve.planners !== null && (
          <Figure title="Ahead, the planners" note={percent(sumOf(used.mean) / sumOf(curve.system.mean) - 1, { signed: true })}>
            {amount(sumOf(curve.planners.mean))}
          </Figure>
        )}
        <Figure title="As long before" note="what was sold">
          {amount(sumOf(curve.history.slice(-curve.system.mean.length)))}
        </Figure>
        <Figure title="Series">{amount(curve.forecast)}</Figure>
      </div>
      {curve.warnings.map((warning) => (
        <Note key={warning} kind="warn">
          {warning}
        </Note>
      ))}
      <Chart
        title={`Sold and forecast: ${titleOf(node)}`}
        at={at}
        lines={lines}
        bands={bands}
        height={320}
        {...(mark === undefined ? {} : { mark })}
        onZoom={zoom}
      />
      <p class="dim">
        {summedText(curve)}
        {planned === undefined ? "" : " The fan is the system's; the planners' line is its mean after what they set."} Drag over the chart
        to look closer.
      </p>
      {shown.has("known") &&
        curve.related.map(({ name, values, seen }) => (
          <Chart
            key={name}
            title={`${name}${curve.series > 1 ? ", the mean of the series" : ""}${seen === null ? "" : ` (seen: ${amount(seen.low)} to ${amount(seen.high)})`}`}
            at={at}
            lines={[{ title: name, values: cut(values), colour: "--chart-4" }]}
            height={120}
            {...(mark === undefined ? {} : { mark })}
            onZoom={zoom}
          />
        ))}
    </section>
  );
}

function linesOf(curve: Curve, earlier: Curve | undefined, shown: ReadonlySet<Layer>): readonly Line[] {
  const { instants, split, history, system, planners, backtests } = curve;
  const ahead = (values: readonly number[]): readonly (number | null)[] => [...instants.slice(0, split).map(() => null), ...values];
  const lines: Line[] = [
    { title: "Sold", values: [...history, ...instants.slice(split).map(() => null)], colour: "--chart-5" },
    { title: "System's forecast", values: ahead(system?.mean ?? []), colour: "--chart-1" },
  ];
  if (shown.has("planners") && planners !== null)
    lines.push({ title: "Planners' forecast", values: ahead(planners.mean), colour: "--chart-2" });
  if (shown.has("tried")) {
    for (const { at, mean } of backtests) {
      lines.push({
        title: `Backtest from ${instants[at] ?? ""}`,
        values: instants.map((_, t) => mean[t - at] ?? null),
        colour: "--chart-3",
        dash: true,
        width: 1.5,
      });
    }
  }
  if (shown.has("year")) lines.push({ title: "A year before", values: yearBefore(curve), colour: "--chart-4", dash: true, width: 1.5 });
  if (earlier?.system !== undefined && earlier.system !== null) {
    lines.push({ title: "Earlier forecast", values: alignedTo(instants, earlier), colour: "--chart-3", width: 1.5 });
  }
  return lines;
}
