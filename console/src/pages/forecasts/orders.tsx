// Replenishment: what to order, and the reasons of each order.

import { useAct } from "../../data/act.ts";
import { useMe } from "../../data/me.ts";
import { useFilters } from "../../data/url.ts";
import { Button, CopyAs } from "../../parts/button.tsx";
import { CheckField, SelectField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { amount, counted, Figure, grouped, percent, whenText } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { Chosen, downloadOf, namesBefore, useScenarios, useTable, type ScenarioOf } from "./answers.tsx";
import { useAuthor } from "./author.tsx";
import type { Looked } from "./group.tsx";

const asNumber = (text: string, usual: number): number => (text === "" || Number.isNaN(Number(text)) ? usual : Number(text));

export function Orders({ run }: Looked) {
  const filters = useFilters();
  const me = useMe();
  const { author, isMissing, field } = useAuthor();
  const answers = useScenarios(run.id, "replenish");
  const ask = useAct("POST /api/forecast/scenarios/replenish", { done: "Asked; the orders come by themselves" });
  const kind = filters.get("service") === "fill" ? "fill" : "cycle";
  const body = {
    forecast: run.id,
    ...author,
    leadTime: asNumber(filters.get("lead"), 1),
    reviewPeriod: asNumber(filters.get("review"), 1),
    service: { kind, level: asNumber(filters.get("level"), 95) / 100 } as const,
  };
  return (
    <>
      {me.may("planner") && (
        <section class="card">
          <h2>Propose orders</h2>
          <p class="dim">These hold where a row of stock says nothing of its own. Steps are those of the forecast.</p>
          <form
            class="filters"
            onSubmit={(event) => {
              event.preventDefault();
              void ask.run({ body }).then((answer) => answer !== undefined && filters.set({ orders: answer.scenario }));
            }}
          >
            <FilterField title="Lead time, steps" type="number" name="lead" placeholder="1" />
            <FilterField title="Order every, steps" type="number" name="review" placeholder="1" />
            <SelectField
              title="Service"
              value={kind}
              onValue={(service) => filters.set({ service: service === "fill" ? "fill" : "" })}
              choices={[
                { value: "cycle", name: "cycles without running out" },
                { value: "fill", name: "demand served from the shelf" },
              ]}
            />
            <FilterField title="Level, percent" type="number" name="level" placeholder="95" />
            {field}
            <Button type="submit" look="first" busy={ask.isRunning} disabled={isMissing}>
              Propose
            </Button>
            <CopyAs
              said={{
                method: "POST",
                path: "/api/forecast/scenarios/replenish",
                body,
                command: ["forecast", "scenarios", "replenish", run.id],
              }}
            />
          </form>
        </section>
      )}
      <Chosen
        of={answers}
        name="orders"
        title="Proposal"
        titleOf={({ at, author }) => `${whenText(at)}, ${author}`}
        none="No orders were proposed from this forecast yet."
      >
        {(shown) => <Proposal of={shown} />}
      </Chosen>
    </>
  );
}

const mostRows = 300;

function Proposal({ of: { id, summary } }: { of: ScenarioOf<"replenish"> }) {
  const filters = useFilters();
  const table = useTable(id, "orders", 20_000);
  const isAll = filters.get("rows") === "all";
  return (
    <section class="card">
      <header>
        <h2>Orders</h2>
        <a href={downloadOf(id, "orders")} download>
          Download
        </a>
      </header>
      <div class="cards">
        <Figure title="Orders" note={`of ${summary.rows} rows of stock`}>
          {amount(summary.orders)}
        </Figure>
        <Figure title="Units">{amount(summary.units)}</Figure>
        <Figure title="Highest chance of running out" note="before an order arrives">
          {percent(summary.highestStockOutChance)}
        </Figure>
      </div>
      {summary.badRows > 0 && (
        <Note kind="warn">
          {counted(summary.badRows, "row")} of stock could not be used. {summary.firstBad}
        </Note>
      )}
      {(summary.withoutStock ?? 0) > 0 && (
        <Note>{counted(summary.withoutStock ?? 0, "series", "series")} have no row of stock: nothing is proposed for them.</Note>
      )}
      {summary.warnings?.map((warning) => (
        <Note key={warning} kind="warn">
          {warning}
        </Note>
      ))}
      <CheckField title="Also series that need no order" checked={isAll} onChecked={(all) => filters.set({ rows: all ? "all" : "" })} />
      <Shown of={table}>
        {({ rows, more }) => {
          const names = namesBefore(rows[0], "quantity");
          const wanted = rows.filter((row) => isAll || Number(row["quantity"]) > 0);
          const number = (name: string) => (row: Readonly<Record<string, string>>) =>
            row[name] === undefined || row[name] === "" ? undefined : Number(row[name]);
          const figure = (column: string, title: string) => ({
            id: column,
            title,
            number: true,
            by: number(column),
            cell: (row: Readonly<Record<string, string>>) => amount(number(column)(row) ?? null),
          });
          return wanted.length === 0 && more === 0 ? (
            <Empty>Nothing needs to be ordered.</Empty>
          ) : (
            <>
              {more > 0 && (
                <Note kind="warn">
                  Only the first {grouped(rows.length)} rows are looked through; {grouped(more)} more are in the download.
                </Note>
              )}
              <Table
                label="Orders"
                rows={wanted.slice(0, mostRows)}
                idOf={(row) => names.map((name) => row[name] ?? "").join(" · ")}
                tight
                sortName="by"
                columns={[
                  {
                    id: "series",
                    title: "Series",
                    by: (row) => row[names[0] ?? ""] ?? "",
                    cell: (row) => names.map((name) => row[name] ?? "").join(" · "),
                  },
                  figure("quantity", "Order"),
                  figure("packs", "Packs"),
                  figure("position", "Stock and on order"),
                  figure("expected_demand", "Expected demand"),
                  figure("safety_stock", "Safety stock"),
                  {
                    id: "chance",
                    title: "Chance of running out",
                    number: true,
                    by: number("stock_out_chance"),
                    cell: (row) => percent(number("stock_out_chance")(row) ?? null),
                  },
                  { id: "why", title: "Why", cell: (row) => <span class="dim">{row["reasons"]}</span> },
                ]}
              />
              {wanted.length > mostRows && <p class="dim">And {counted(wanted.length - mostRows, "further row")}: in the download.</p>}
            </>
          );
        }}
      </Shown>
    </section>
  );
}
