// Value added: whose forecast was better, the last season repeated, the system's, or the planners'; by planner, reason and item.

import type { AnswerOf } from "../../data/client.ts";
import { useAsk } from "../../data/query.ts";
import { CopyAs } from "../../parts/button.tsx";
import { amount, Badge, counted, Figure, percent } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { figures, Table } from "../../parts/table.tsx";
import type { Looked } from "./group.tsx";

const signed = (value: number | null): string => percent(value, { signed: true });

type Adjusted = AnswerOf<"GET /api/forecast/value-added">["adjusted"];
type Judged = Adjusted["byAuthor"][number];

export function ValueAdded({ group }: Looked) {
  const value = useAsk("GET /api/forecast/value-added", { query: { group } }, { live: ["events"] });
  return (
    <section class="card">
      <header>
        <h2>Value added</h2>
        <CopyAs
          said={{
            method: "GET",
            path: `/api/forecast/value-added?group=${encodeURIComponent(group)}`,
            command: ["forecast", "adjustments", "value", group],
          }}
        />
      </header>
      <Shown of={value}>
        {({ adjusted }) =>
          adjusted.all.points === null || adjusted.all.points === 0 ? (
            <Empty>Nothing is known yet: no actuals have come since a forecast was made.</Empty>
          ) : (
            <>
              <p>
                <Badge tone={adjusted.verdict === "adjustments harm" ? "bad" : adjusted.verdict === "adjustments help" ? "good" : "plain"}>
                  {adjusted.verdict}
                </Badge>{" "}
                {adjusted.reason}
              </p>
              <div class="cards">
                <Figure title="Last season repeated">{percent(adjusted.all.wapeNaive)}</Figure>
                <Figure title="System" note={`adds ${percent(adjusted.all.systemAdded, { signed: true })}`}>
                  {percent(adjusted.all.wapeSystem)}
                </Figure>
                <Figure title="In use, with planners" note={`adds ${percent(adjusted.all.adjustmentAdded, { signed: true })}`}>
                  {percent(adjusted.all.wapeUsed)}
                </Figure>
              </div>
              <p class="dim">WAPE over {amount(adjusted.all.points)} points. Planners are judged where they changed something alone:</p>
              <ValueTable title="Planner" rows={adjusted.byAuthor} />
              <ValueTable title="Reason" rows={adjusted.byReason} />
              <ValueTable title="Item" rows={adjusted.byItem} />
            </>
          )
        }
      </Shown>
    </section>
  );
}

const mostRows = 100;

function ValueTable({ title, rows }: { title: string; rows: Adjusted["byAuthor"] }) {
  if (rows.length === 0) return null;
  return (
    <>
      <Table
        label={`Value added by ${title.toLowerCase()}`}
        rows={rows.slice(0, mostRows)}
        idOf={({ group }) => group}
        tight
        sortName={`by-${title.toLowerCase()}`}
        columns={[
          { id: "name", title, by: ({ group }) => group, cell: ({ group }) => group },
          figures("points", "Points", ({ points }: Judged) => points, amount),
          figures("system", "System", ({ wapeSystem }: Judged) => wapeSystem, percent),
          figures("used", "Planner", ({ wapeUsed }: Judged) => wapeUsed, percent),
          figures("added", "Added", ({ adjustmentAdded }: Judged) => adjustmentAdded, signed),
          figures("improved", "Better", ({ improved }: Judged) => improved, amount),
          figures("worsened", "Worse", ({ worsened }: Judged) => worsened, amount),
        ]}
      />
      {rows.length > mostRows && <p class="dim">And {counted(rows.length - mostRows, "further row")}: the command shows all.</p>}
    </>
  );
}
