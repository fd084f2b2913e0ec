// Exceptions: the series that deserve a look, the most money first where a price is known; and what the newest actuals say of the forecast before.

import { useAsk, usePages } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { amount, Badge, percent, State, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { More, Table } from "../../parts/table.tsx";
import type { Looked } from "./group.tsx";
import { itemAxis, printNode, queryOf, titleOf } from "./node.ts";

const kinds = ["no forecast", "ended", "new", "bias", "worse than last season"] as const;

export function ExceptionList({ run, node, group }: Looked) {
  const filters = useFilters();
  const kind = kinds.find((one) => one === filters.get("kind"));
  const found = usePages("GET /api/forecast/runs/:id/exceptions", {
    params: { id: run.id },
    query: { ...queryOf(node), limit: 100, ...(kind === undefined ? {} : { kind }) },
  });
  return (
    <>
      <section class="card">
        <header>
          <h2>Worth a look: {titleOf(node)}</h2>
          <CopyAs said={{ method: "GET", path: `/api/forecast/runs/${encodeURIComponent(run.id)}/exceptions` }} />
        </header>
        <Shown of={found} lines={6}>
          {(pages) => {
            const [first] = pages;
            const rows = pages.flatMap((page) => page.rows);
            if (first === undefined) return null;
            return (
              <>
                <SelectField
                  title="Kind"
                  value={kind ?? ""}
                  onValue={(kind) => filters.set({ kind })}
                  choices={[
                    { value: "", name: "every kind" },
                    ...kinds.map((one) => ({ value: one, name: `${one} (${first.counts[one]})` })),
                  ]}
                />
                {rows.length === 0 ? (
                  <Empty>None of the {amount(first.series)} series is like that.</Empty>
                ) : (
                  <Table
                    label="Exceptions"
                    rows={rows}
                    idOf={({ ids }) => ids.join(" · ")}
                    tight
                    columns={[
                      {
                        id: "series",
                        title: "Series",
                        by: ({ ids }) => ids.join(" "),
                        cell: ({ ids }) => (
                          <button
                            type="button"
                            class="button plain small"
                            onClick={() => filters.set({ at: printNode([[itemAxis, ids[0] ?? ""]]), tab: "", kind: "" }, "push")}
                          >
                            {ids.join(" · ")}
                          </button>
                        ),
                      },
                      {
                        id: "kinds",
                        title: "Kind",
                        cell: ({ kinds }) =>
                          kinds.map((one) => (
                            <Badge key={one} tone="warn">
                              {one}
                            </Badge>
                          )),
                      },
                      { id: "why", title: "Why", cell: ({ reasons }) => reasons.join(" ") },
                      { id: "ahead", title: "Ahead", number: true, by: ({ ahead }) => ahead, cell: ({ ahead }) => amount(ahead) },
                      {
                        id: "money",
                        title: "At its price",
                        number: true,
                        by: ({ money }) => money ?? undefined,
                        cell: ({ money }) => amount(money),
                      },
                      { id: "wape", title: "WAPE", number: true, by: ({ wape }) => wape ?? undefined, cell: ({ wape }) => percent(wape) },
                      {
                        id: "bias",
                        title: "Bias",
                        number: true,
                        by: ({ bias }) => bias ?? undefined,
                        cell: ({ bias }) => percent(bias, { signed: true }),
                      },
                    ]}
                  />
                )}
              </>
            );
          }}
        </Shown>
        <More of={found} />
      </section>
      <Monitor group={group} />
    </>
  );
}

function Monitor({ group }: { group: string }) {
  const monitor = useAsk("GET /api/forecast/monitor", { query: { group, limit: 20 } }, { live: ["events"] });
  return (
    <section class="card">
      <header>
        <h2>Alarms: what came, against the forecast made before it</h2>
        <CopyAs
          said={{
            method: "GET",
            path: `/api/forecast/monitor?group=${encodeURIComponent(group)}`,
            command: ["forecast", "monitor", group],
          }}
        />
      </header>
      <Shown of={monitor} lines={3}>
        {({ imports, items }) =>
          imports.length === 0 ? (
            <Empty>No new actuals have come since a forecast was made.</Empty>
          ) : (
            <>
              <Table
                label="Imports against the forecast before"
                rows={imports}
                idOf={({ id }) => id}
                tight
                sortName="imports"
                columns={[
                  { id: "at", title: "When", cell: ({ at }) => <When at={at} /> },
                  { id: "verdict", title: "Verdict", cell: ({ summary }) => <State of={summary.verdict} /> },
                  { id: "reason", title: "Why", cell: ({ summary }) => summary.reason },
                  { id: "wape", title: "WAPE", number: true, cell: ({ summary }) => percent(summary.wape) },
                  { id: "bias", title: "Bias", number: true, cell: ({ summary }) => percent(summary.bias, { signed: true }) },
                  { id: "coverage", title: "Inside the band", number: true, cell: ({ summary }) => percent(summary.coverage) },
                ]}
              />
              {items.length > 0 && (
                <Table
                  label="Series that stand out in the newest"
                  rows={items}
                  idOf={({ series }) => series}
                  tight
                  sortName="items"
                  columns={[
                    { id: "series", title: "Series", by: ({ series }) => series, cell: ({ series }) => series },
                    { id: "verdict", title: "Verdict", by: ({ verdict }) => verdict, cell: ({ verdict }) => <State of={verdict} /> },
                    { id: "reason", title: "Why", cell: ({ reason }) => reason },
                  ]}
                />
              )}
            </>
          )
        }
      </Shown>
    </section>
  );
}
