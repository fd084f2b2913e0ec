// Two forecasts of a group beside each other: figures, curves over one another, and the levels that differ most.

import { useAsk } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { Chart } from "../../parts/chart.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { amount, percent, whenText } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { useCurve } from "./fan.tsx";
import type { Looked } from "./group.tsx";
import { queryOf, titleOf } from "./node.ts";
import { numberIn, textIn, type ForecastRow } from "./summary.ts";

const nameOf = ({ id, endedAt }: ForecastRow): string => (endedAt === undefined ? id : whenText(endedAt));

export function CompareRuns(looked: Looked) {
  const { run, runs } = looked;
  const filters = useFilters();
  const others = runs.filter(({ id }) => id !== run.id);
  const other = others.find(({ id }) => id === filters.get("before")) ?? others[0];
  if (other === undefined) return <Empty>This group has one forecast alone. With the next one there is something to compare.</Empty>;
  return (
    <>
      <SelectField
        title="Compared with"
        value={other.id}
        onValue={(before) => filters.set({ before })}
        choices={others.map((each) => ({ value: each.id, name: nameOf(each) }))}
      />
      <Figures run={run} other={other} />
      <Curves {...looked} other={other} />
      <LevelTable {...looked} other={other} />
    </>
  );
}

const figures: readonly { readonly name: string; readonly title: string; readonly show: (value: number | null) => string }[] = [
  { name: "series", title: "Series", show: amount },
  { name: "wape", title: "WAPE", show: (value) => percent(value) },
  { name: "seasonalNaiveWape", title: "Last season repeated", show: (value) => percent(value) },
  { name: "averageWql", title: "Average wQL", show: amount },
  { name: "mase", title: "MASE", show: amount },
];

const Figures = ({ run, other }: { run: ForecastRow; other: ForecastRow }) => (
  <section class="card">
    <h2>Figures</h2>
    <Table
      label="Figures of both"
      rows={figures}
      idOf={({ name }) => name}
      tight
      sortName="figures"
      columns={[
        { id: "title", title: "", cell: ({ title }) => title },
        { id: "this", title: nameOf(run), number: true, cell: ({ name, show }) => show(numberIn(run.summary, name)) },
        { id: "other", title: nameOf(other), number: true, cell: ({ name, show }) => show(numberIn(other.summary, name)) },
      ]}
    />
    <p class="dim">
      Leading models: {textIn(run.summary, "leader") ?? "–"}, {textIn(other.summary, "leader") ?? "–"}.
    </p>
  </section>
);

function Curves({ run, other, node }: Looked & { other: ForecastRow }) {
  const [one, two] = [useCurve(run.id, node), useCurve(other.id, node)];
  return (
    <section class="card">
      <h2>{titleOf(node)}</h2>
      <Shown of={one} lines={6}>
        {(mine) => (
          <Shown of={two} lines={6}>
            {(theirs) => {
              const stamps = [...new Set([...mine.instants, ...theirs.instants])]
                .toSorted()
                .slice(-Math.max(40, 6 * (mine.system?.mean.length ?? 1)));
              const at = (instants: readonly string[], values: readonly (number | null)[], from = 0) => {
                const known = new Map(values.map((value, t) => [instants[from + t], value]));
                return stamps.map((stamp) => known.get(stamp) ?? null);
              };
              return (
                <Chart
                  title={`Both forecasts: ${titleOf(node)}`}
                  at={stamps}
                  lines={[
                    { title: "Sold", values: at(mine.instants, mine.history), colour: "--chart-5" },
                    { title: nameOf(run), values: at(mine.instants, mine.system?.mean ?? [], mine.split), colour: "--chart-1" },
                    { title: nameOf(other), values: at(theirs.instants, theirs.system?.mean ?? [], theirs.split), colour: "--chart-2" },
                  ]}
                />
              );
            }}
          </Shown>
        )}
      </Shown>
    </section>
  );
}

function LevelTable({ run, other, node }: Looked & { other: ForecastRow }) {
  const filters = useFilters();
  const by = filters.get("by");
  const query = { ...queryOf(node), ...(by === "" || node.some(([axis]) => axis === by) ? {} : { by }) };
  const mine = useAsk("GET /api/forecast/runs/:id/figures", { params: { id: run.id }, query });
  // One reading of figures at a time: the second waits for the first.
  const theirs = useAsk("GET /api/forecast/runs/:id/figures", { params: { id: other.id }, query }, { when: mine.value !== undefined });
  return (
    <section class="card">
      <Shown of={mine}>
        {({ by, levels, more }) => (
          <Shown of={theirs}>
            {(before) => {
              const known = new Map(before.levels.map((level) => [level.name, level]));
              const rows = levels.map((level) => ({ level, was: known.get(level.name) })).toSorted((a, b) => gap(b) - gap(a));
              return (
                <>
                  <h2>By {by.name}, the largest difference first</h2>
                  {more + before.more > 0 && (
                    <p class="dim">
                      Among the {levels.length} largest alone. A dash under "the other": it is none of the {before.levels.length} largest
                      there, or was not yet.
                    </p>
                  )}
                  <Table
                    label={`Both forecasts by ${by.name}`}
                    rows={rows}
                    idOf={({ level }) => level.name ?? ""}
                    tight
                    sortName="levels"
                    columns={[
                      { id: "name", title: by.name, by: ({ level }) => level.name ?? "", cell: ({ level }) => level.name ?? "(none)" },
                      {
                        id: "ahead",
                        title: "Ahead",
                        number: true,
                        by: ({ level }) => level.ahead ?? undefined,
                        cell: ({ level }) => amount(level.ahead),
                      },
                      {
                        id: "was",
                        title: "Ahead, the other",
                        number: true,
                        by: ({ was }) => was?.ahead ?? undefined,
                        cell: ({ was }) => amount(was?.ahead ?? null),
                      },
                      {
                        id: "wape",
                        title: "WAPE",
                        number: true,
                        by: ({ level }) => level.wape ?? undefined,
                        cell: ({ level }) => percent(level.wape),
                      },
                      {
                        id: "wapeWas",
                        title: "WAPE, the other",
                        number: true,
                        by: ({ was }) => was?.wape ?? undefined,
                        cell: ({ was }) => percent(was?.wape),
                      },
                    ]}
                  />
                </>
              );
            }}
          </Shown>
        )}
      </Shown>
    </section>
  );
}

/** How far the two are apart; what only one of them tells stands last. */
const gap = ({
  level,
  was,
}: {
  readonly level: { readonly ahead: number | null };
  readonly was: { readonly ahead: number | null } | undefined;
}): number => (was === undefined ? -1 : Math.abs((level.ahead ?? 0) - (was.ahead ?? 0)));
