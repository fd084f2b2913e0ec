// What planners said of a group: what stands, and what was taken back.

import { client } from "../../data/client.ts";
import { useAct } from "../../data/act.ts";
import { useMe } from "../../data/me.ts";
import { usePages } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { Button } from "../../parts/button.tsx";
import { CheckField } from "../../parts/fields.tsx";
import { amount, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { More, Table } from "../../parts/table.tsx";
import { useAuthor } from "./author.tsx";

export function Said({ group }: { group: string }) {
  const filters = useFilters();
  const me = useMe();
  const isAll = filters.get("said") === "all";
  const { author, isMissing, field } = useAuthor();
  const said = usePages(
    "GET /api/forecast/adjustments",
    { query: { group, limit: 50, standing: isAll ? "no" : "yes" } },
    { live: ["events", "runs"] },
  );
  const withdraw = useAct("POST /api/forecast/adjustments/:id/withdraw", {
    done: "Taken back; the forecast is exported without it",
    undo: async ({ adjustment: { group, kind, value, said, fromAt, untilAt, reason } }) =>
      await client.call("POST /api/forecast/adjustments", {
        body: { group, kind, value, where: said, from: stampOf(fromAt), to: lastOf(untilAt), reason, again: true, ...author },
      }),
  });
  return (
    <section class="card">
      <header>
        <h2>What planners said</h2>
        <div class="row">
          {me.may("planner") && isMissing && field}
          <CheckField title="Also what was taken back" checked={isAll} onChecked={(all) => filters.set({ said: all ? "all" : "" })} />
        </div>
      </header>
      <Shown of={said} lines={3}>
        {(pages) => {
          const rows = pages.flatMap((page) => [...page.adjustments].toReversed());
          if (rows.length === 0) return <Empty>Nothing: the system's forecast stands as it is.</Empty>;
          return (
            <Table
              label="Adjustments, the newest first"
              rows={rows}
              idOf={({ id }) => id}
              tight
              sortName="adjustments"
              columns={[
                {
                  id: "what",
                  title: "What",
                  cell: ({ kind, value }) => (kind === "percent" ? `${value > 0 ? "+" : ""}${value} %` : `${kind} ${amount(value)}`),
                },
                { id: "where", title: "Of", cell: ({ said }) => (said === "" ? "every series" : said) },
                { id: "from", title: "From", cell: ({ fromAt }) => fromAt.slice(0, 16).replace("T00:00", "") },
                { id: "to", title: "Before", cell: ({ untilAt }) => untilAt.slice(0, 16).replace("T00:00", "") },
                { id: "reason", title: "Reason", cell: ({ reason }) => reason },
                { id: "author", title: "By", cell: ({ author }) => author },
                { id: "at", title: "Said", cell: ({ madeAt }) => <When at={madeAt} /> },
                {
                  id: "act",
                  title: "",
                  cell: ({ id, withdrawnAt, withdrawnBy }) =>
                    withdrawnAt !== undefined ? (
                      <span class="dim">taken back by {withdrawnBy}</span>
                    ) : me.may("planner") ? (
                      <Button
                        small
                        busy={withdraw.isRunning}
                        disabled={isMissing}
                        onPress={() => void withdraw.run({ params: { id }, body: author })}
                      >
                        Take back
                      </Button>
                    ) : null,
                },
              ]}
            />
          );
        }}
      </Shown>
      <More of={said} />
    </section>
  );
}

const stampOf = (iso: string): string => iso.slice(0, 19).replace("T", " ");
/** The last instant that counts: a millisecond before the end, so the second before it for ends of days. */
const lastOf = (iso: string): string => new Date(Date.parse(iso) - 1).toISOString().slice(0, 19).replace("T", " ");
