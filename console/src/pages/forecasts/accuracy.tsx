// How good the forecast is: what the backtests missed, step by step ahead, and level by level.

import type { AnswerOf } from "../../data/client.ts";
import { useAsk } from "../../data/query.ts";
import { Chart } from "../../parts/chart.tsx";
import { amount, counted, percent } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { figures, Table } from "../../parts/table.tsx";
import { useFilters } from "../../data/url.ts";
import { useCurve } from "./fan.tsx";
import type { Looked } from "./group.tsx";
import { itemAxis, printNode, queryOf, titleOf } from "./node.ts";

type Level = AnswerOf<"GET /api/forecast/runs/:id/figures">["levels"][number];

const signed = (value: number | null): string => percent(value, { signed: true });

export function Accuracy({ run, node, ...looked }: Looked) {
  const curve = useCurve(run.id, node);
  return (
    <>
      <section class="card">
        <h2>Error by step ahead: {titleOf(node)}</h2>
        <Shown of={curve} lines={8}>
          {({ errors, series }) =>
            errors.length === 0 ? (
              <Empty>There is no backtest of these series: they are too short, or the settings ask for none.</Empty>
            ) : (
              <>
                <Chart
                  title="What the backtests missed, as a share of what was sold"
                  over="number"
                  at={errors.map(({ step }) => step)}
                  lines={[
                    { title: "WAPE, series by series", values: errors.map(({ wape }) => wape), colour: "--chart-1" },
                    ...(series > 1
                      ? [{ title: "WAPE of the sum", values: errors.map(({ sumWape }) => sumWape), colour: "--chart-3" as const }]
                      : []),
                    { title: "Bias", values: errors.map(({ bias }) => bias), colour: "--chart-2" as const, dash: true },
                  ]}
                  format={(value) => percent(value)}
                />
                <p class="dim">WAPE: what was missed, as a share of what was sold. Bias above zero: the forecast was too low.</p>
              </>
            )
          }
        </Shown>
      </section>
      <Levels run={run} node={node} {...looked} />
    </>
  );
}

function Levels({ run, node }: Looked) {
  const filters = useFilters();
  const by = filters.get("by");
  const found = useAsk("GET /api/forecast/runs/:id/figures", {
    params: { id: run.id },
    query: { ...queryOf(node), ...(by === "" || node.some(([axis]) => axis === by) ? {} : { by }) },
  });
  return (
    <section class="card">
      <Shown of={found} lines={6}>
        {({ by, levels, more, since }) => (
          <>
            <h2>By {by.name}</h2>
            {since !== undefined && <p class="dim">Months since {since.slice(0, 7)} alone; earlier ones are too many to read here.</p>}
            <Table
              label={`Accuracy by ${by.name}`}
              rows={levels}
              idOf={({ name }) => name ?? ""}
              sortName="levels"
              columns={[
                {
                  id: "name",
                  title: by.name,
                  by: ({ name }) => name ?? "",
                  cell: ({ name }) => (
                    <button
                      type="button"
                      class="button plain small"
                      onClick={() =>
                        filters.set({ at: printNode([...node, [by.column === itemAxis ? itemAxis : by.name, name ?? ""]]), by: "" }, "push")
                      }
                    >
                      {name ?? "(none)"}
                    </button>
                  ),
                },
                figures("sold", "Sold in the backtests", ({ actual }: Level) => actual, amount),
                figures("wape", "WAPE", ({ wape }: Level) => wape, percent),
                figures("naive", "Last season repeated", ({ naiveWape }: Level) => naiveWape, percent),
                figures("bias", "Bias", ({ bias }: Level) => bias, signed),
                figures("ahead", "Ahead", ({ ahead }: Level) => ahead, amount),
              ]}
            />
            {more > 0 && <p class="dim">{counted(more, "smaller one")} not shown. Hold another axis first, or ask by SQL.</p>}
          </>
        )}
      </Shown>
    </section>
  );
}
