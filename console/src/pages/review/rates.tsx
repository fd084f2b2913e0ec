// How often automatic decisions were wrong, by what people said of the audit sample.

import { useAsk } from "../../data/query.ts";
import { percent } from "../../parts/show.tsx";
import { Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";

export function Rates({ line }: { line: string }) {
  const rates = useAsk("GET /api/classify/review/rates", {}, { live: ["events"] });
  return (
    <section class="card">
      <h2>Measured error of automatic decisions</h2>
      <Shown of={rates} lines={2}>
        {({ rates }) => {
          const rows = rates.filter((one) => line === "" || one.line === line);
          if (rows.length === 0) return <p class="dim">Nobody has answered an audit sample yet: answers to them measure it.</p>;
          return (
            <Table
              label="Measured error by line"
              rows={rows}
              idOf={({ line }) => line}
              columns={[
                { id: "line", title: "Line", cell: ({ line }) => line, by: ({ line }) => line },
                {
                  id: "answered",
                  title: "Looked at",
                  number: true,
                  cell: ({ answered }) => String(answered),
                  by: ({ answered }) => answered,
                },
                { id: "wrong", title: "Wrong", number: true, cell: ({ wrong }) => String(wrong), by: ({ wrong }) => wrong },
                { id: "rate", title: "Error", number: true, cell: ({ rate }) => percent(rate), by: ({ rate }) => rate ?? undefined },
                {
                  id: "range",
                  title: "95 % interval",
                  number: true,
                  cell: ({ low, high }) => `${percent(low)} to ${percent(high)}`,
                },
              ]}
            />
          );
        }}
      </Shown>
    </section>
  );
}
