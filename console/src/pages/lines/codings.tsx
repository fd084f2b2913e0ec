// Codings of a line: which model coded which sales, how many by itself, and how far the items were from its training data.

import { useAsk } from "../../data/query.ts";
import { Chart } from "../../parts/chart.tsx";
import { Badge, grouped, percent, RunLink, State, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { shortModel, type Coding } from "./shape.ts";

export function Codings({ line }: { line: string }) {
  const codings = useAsk("GET /api/classify/codings", { query: { line, limit: 200 } }, { live: ["events"] });
  return (
    <Shown of={codings}>
      {({ codings }) => {
        if (codings.length === 0) return <Empty>Nothing was coded yet. Put a file of sales of this country.</Empty>;
        return (
          <>
            <section class="card">
              <DriftChart codings={codings} />
            </section>
            <Table
              label="Codings of this line, the newest first"
              rows={codings}
              idOf={({ id }) => id}
              columns={[
                {
                  id: "period",
                  title: "Period",
                  cell: ({ period, runId, counts }) => (
                    <span class="row">
                      <RunLink id={runId}>{period}</RunLink> {!counts && <Badge>replaced</Badge>}
                    </span>
                  ),
                  by: ({ period }) => period,
                },
                { id: "at", title: "Coded", cell: ({ at }) => <When at={at} />, by: ({ at }) => at },
                { id: "model", title: "Model", cell: ({ model }) => <code>{shortModel(model)}</code> },
                { id: "items", title: "Items", number: true, cell: ({ items }) => grouped(items), by: ({ items }) => items },
                {
                  id: "auto",
                  title: "By itself",
                  number: true,
                  cell: ({ autoItems, items }) => percent(autoItems / items, { digits: 0, of: items }),
                  by: ({ autoItems, items }) => (items === 0 ? undefined : autoItems / items),
                },
                {
                  id: "drift",
                  title: "Drift",
                  cell: ({ drift }) => (
                    <span class="row">
                      <State of={drift.level ?? "not measured"} /> {drift.psi?.toFixed(3) ?? ""}
                    </span>
                  ),
                  by: ({ drift }) => drift.psi,
                },
                { id: "why", title: "What moved", cell: ({ drift }) => drift.summary ?? "" },
              ]}
            />
          </>
        );
      }}
    </Shown>
  );
}

function DriftChart({ codings }: { codings: readonly Coding[] }) {
  // One point a period: the coding that counts, or the newest there was.
  const periods = [...Map.groupBy(codings, ({ period }) => period)]
    .map(([period, of]) => ({ period, of: of.find(({ counts }) => counts) ?? of[0] }))
    .toSorted((a, b) => a.period.localeCompare(b.period));
  return (
    <Chart
      title="How far each period's items were from the training data (PSI; 0.1 is watched, 0.25 is an alarm)"
      at={periods.map(({ period }) => `${period}-01`)}
      format={(value) => value.toFixed(2)}
      lines={[
        { title: "Drift", values: periods.map(({ of }) => of?.drift.psi), look: "bars" },
        {
          title: "Decided by itself",
          values: periods.map(({ of }) => (of === undefined || of.items === 0 ? undefined : of.autoItems / of.items)),
        },
      ]}
    />
  );
}
