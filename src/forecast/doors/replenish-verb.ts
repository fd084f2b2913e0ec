// `stockroom forecast replenish`: from the quantiles of a run and what lies on the shelf to orders, each with its reasons.

import path from "node:path";
import { defineCommand, type CommandDef } from "citty";
import type { Body } from "../../base/bytes.ts";
import { isStockroomError, StockroomError } from "../../base/errors.ts";
import { makeRandom } from "../../base/random.ts";
import { writeTable, type BadRow, type Cell as TableCell } from "../../base/tables/index.ts";
import { proposeOrder, type Proposal, type Service } from "../engine/replenish/proposal.ts";
import { tidy } from "../flow/run/rows.ts";
import { keyOfIds, readForecasts, readRecord } from "./finished.ts";
import { usage } from "./request.ts";
import { readStock, type StockRow } from "./stock.ts";
import type { DirectTools } from "./tools.ts";
import { writeWhole } from "./whole.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

const shownRows = 20;

export const replenishVerb = (tools: DirectTools): AnyCommand =>
  defineCommand({
    meta: {
      name: "replenish",
      description: `Propose orders from a run and a table of stock
Stock has the columns of a series (item_id, location ...), on_hand, and where it differs: backorders, on_order, on_order_due, lead_time, lead_time_sd,
review_period, pack_size, min_order, service_level, fill_rate, max_stock, shelf_life. Times are in steps of the forecast.`,
    },
    args: {
      dir: { type: "positional", required: true, description: "folder of a run" },
      stock: { type: "string", required: true, description: "table of stock", valueHint: "FILE" },
      out: { type: "string", description: "table of orders to write; absent: orders.csv in the folder of the run", valueHint: "FILE" },
      "lead-time": { type: "string", default: "1", description: "steps from order to shelf, where the stock does not say", valueHint: "N" },
      "review-period": { type: "string", default: "1", description: "steps between chances to order", valueHint: "N" },
      "service-level": {
        type: "string",
        default: "0.95",
        description: "chance that a cycle passes without running out",
        valueHint: "0.95",
      },
      "fill-rate": { type: "string", description: "instead: share of demand served from the shelf", valueHint: "0.98" },
      json: { type: "boolean", description: "print JSON", default: false },
    },
    run: async ({ args }) => {
      const { signal } = tools;
      const record = await readRecord(args.dir);
      if (record.request.quantiles.length < 2) {
        throw new StockroomError(
          "input",
          "REPLENISH_QUANTILES",
          "Expected a run with two quantiles or more but it has fewer. Run it with --quantiles 0.1,0.5,0.9.",
        );
      }
      const number = (flag: string, given: string | undefined): number => {
        const value = Number(given);
        if (given === undefined || given.trim() === "" || !Number.isFinite(value) || value < 0)
          throw usage(flag, "a number of 0 or more", given ?? "");
        return value;
      };
      const service: Service =
        args["fill-rate"] === undefined
          ? { kind: "cycle", level: number("service-level", args["service-level"]) }
          : { kind: "fill", level: number("fill-rate", args["fill-rate"]) };
      const bad: BadRow[] = [];
      const { ids, forecasts } = await readForecasts(args.dir, record, signal);
      const stock = await readStock(
        args.stock,
        ids,
        { leadTime: number("lead-time", args["lead-time"]), reviewPeriod: number("review-period", args["review-period"]), service },
        { signal, onBadRow: (row) => bad.push(row) },
      );
      const random = makeRandom(record.request.seed);
      const orders: { readonly row: StockRow; readonly proposal: Proposal }[] = [];
      for (const row of stock) {
        signal.throwIfAborted();
        const key = keyOfIds(row.ids);
        const forecast = forecasts.get(key);
        const setApart = (reason: string): void =>
          void bad.push({ line: row.line, column: 1, code: "STOCK_ROW", reason, sample: row.ids.join(", ").slice(0, 200) });
        if (forecast === undefined) {
          setApart("Expected a series that was forecast but this one was not. Correct its item or dimensions, or remove the row.");
          continue;
        }
        try {
          orders.push({ row, proposal: proposeOrder({ ...row.input, forecast, random: random.fork(key) }) });
        } catch (thrown) {
          if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
          setApart(thrown.message);
        }
      }
      const out = args.out ?? path.join(args.dir, "orders.csv");
      await writeWhole(out, ordersBody(ids, orders));
      const { print } = tools;
      if (bad.length > 0) {
        const lines = bad.toSorted((a, b) => a.line - b.line).map((row) => `${JSON.stringify(row)}\n`);
        await writeWhole(`${out}.bad.jsonl`, lines.join(""));
        print.say(
          `${bad.length} rows of ${args.stock} were set apart, the first on line ${bad[0].line}: ${bad[0].reason} See ${out}.bad.jsonl.`,
        );
        tools.exitWith(3);
      }
      const wanted = orders.filter(({ proposal }) => proposal.quantity > 0);
      if (args.json) {
        print.json({
          out,
          rows: stock.length,
          orders: wanted.length,
          bad_rows: bad.length,
          proposals: orders.map(({ row, proposal }) => ({ series: row.ids, ...proposal })),
        });
        return;
      }
      print.line(`${wanted.length} of ${orders.length} rows want an order. Wrote ${out}.`);
      const shown = wanted.toSorted((a, b) => b.proposal.stockOutChance - a.proposal.stockOutChance).slice(0, shownRows);
      print.table(
        shown.map(({ row, proposal }) => ({
          series: row.ids.join(" · "),
          order: tidy(proposal.quantity),
          position: tidy(proposal.position),
          "reorder point": Number(proposal.reorderPoint.toFixed(1)),
          "runs out before": `${(100 * proposal.stockOutChance).toFixed(0)} %`,
          because: proposal.decidedBy,
        })),
        { json: false, empty: "Nothing needs to be ordered." },
      );
    },
  });

function ordersBody(ids: readonly string[], orders: readonly { readonly row: StockRow; readonly proposal: Proposal }[]): Body {
  const columns = [
    "quantity",
    "packs",
    "position",
    "reorder_point",
    "safety_stock",
    "expected_demand",
    "protection",
    "cycle_service",
    "fill_rate",
    "stock_out_step",
    "stock_out_chance",
    "decided_by",
    "reasons",
  ];
  async function* rows(): AsyncGenerator<TableCell[][]> {
    yield orders.map(({ row, proposal }) => [
      ...row.ids,
      tidy(proposal.quantity),
      proposal.packs,
      tidy(proposal.position),
      tidy(proposal.reorderPoint),
      tidy(proposal.safetyStock),
      tidy(proposal.expectedDemand),
      tidy(proposal.protection),
      tidy(proposal.cycleService),
      tidy(proposal.fillRate),
      proposal.stockOutStep === undefined ? null : tidy(proposal.stockOutStep),
      tidy(proposal.stockOutChance),
      proposal.decidedBy,
      proposal.reasons.join(" "),
    ]);
  }
  return writeTable(rows(), { format: "csv", columns: [...ids, ...columns] });
}
