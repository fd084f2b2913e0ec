// `stockroom forecast replenish`: from the quantiles of a run and what lies on the shelf to orders, each with its reasons.

import { jsonFlag, readNumber } from "../../platform/command/flags.ts";
import { percent, rounded, rowsOf } from "../../platform/figures.ts";
import { defineCommand, type Command, type CommandTools, type Flags } from "../../platform/command/contract.ts";
import path from "node:path";
import { fileBody } from "../../platform/formats/index.ts";
import type { Service } from "../engine/replenish/proposal.ts";
import { ordersBody, replenishForecast } from "../workflows/planning/orders.ts";
import { round } from "../workflows/run/rows.ts";
import { openFinished } from "./finished.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";

const shownRows = 20;

/** What is ordered by, where the stock does not say. */
export const supplyFlags = {
  "lead-time": { type: "string", default: "1", description: "steps from order to shelf, where the stock does not say", valueHint: "N" },
  "review-period": { type: "string", default: "1", description: "steps between chances to order", valueHint: "N" },
  "service-level": {
    type: "string",
    default: "0.95",
    description: "chance that a cycle passes without running out",
    valueHint: "0.95",
  },
  "fill-rate": { type: "string", description: "instead: share of demand served from the shelf", valueHint: "0.98" },
} as const satisfies Flags;

export const replenishCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: {
      name: "replenish",
      description: `Propose orders from a run and a table of stock
Stock has the columns of a series (item_id, location ...), on_hand, and where it differs: backorders, on_order, on_order_due, lead_time, lead_time_sd,
review_period, pack_size, min_order, service_level, fill_rate, max_stock, shelf_life. Times are in steps of the forecast; on_order_due may be a date.`,
    },
    args: {
      dir: { type: "positional", required: true, description: "folder of a run" },
      stock: { type: "string", required: true, description: "table of stock", valueHint: "FILE" },
      out: { type: "string", description: "table of orders to write; absent: orders.csv in the folder of the run", valueHint: "FILE" },
      ...supplyFlags,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const number = (flag: string, given: string): number => readNumber(`--${flag}`, given, { least: 0 });
      const service: Service =
        args["fill-rate"] === undefined
          ? { kind: "cycle", level: readNumber("--service-level", args["service-level"], { above: 0, below: 1 }) }
          : { kind: "fill", level: readNumber("--fill-rate", args["fill-rate"], { above: 0, below: 1 }) };
      const { signal } = tools;
      const defaults = {
        leadTime: number("lead-time", args["lead-time"]),
        reviewPeriod: number("review-period", args["review-period"]),
        service,
      };
      const stock = { name: args.stock, body: fileBody(args.stock, signal) };
      const { idColumns, orders, bad, summary } = await replenishForecast(
        await openFinished(args.dir, signal),
        { stock },
        defaults,
        signal,
      );
      const out = args.out ?? path.join(args.dir, "orders.csv");
      await writeFileAtomically(out, ordersBody(idColumns, orders));
      const { print } = tools;
      const rows = bad.map(({ row }) => row).toSorted((a, b) => a.line - b.line);
      const [first] = rows;
      if (first !== undefined) {
        const lines = rows.map((row) => `${JSON.stringify(row)}\n`);
        await writeFileAtomically(`${out}.bad.jsonl`, lines.join(""));
        print.say(`${rowsOf(rows.length, args.stock)} set apart, the first on line ${first.line}: ${first.reason} See ${out}.bad.jsonl.`);
        tools.exitWith(3);
      }
      const { withoutStock = 0, warnings = [] } = summary;
      for (const warning of warnings) print.say(warning);
      if (withoutStock > 0)
        print.say(`${withoutStock} series that were forecast have no row in ${args.stock}: no order is proposed for them.`);
      if (args.json) {
        print.json({
          out,
          rows: summary.rows,
          orders: summary.orders,
          without_stock: withoutStock,
          bad_rows: summary.badRows,
          warnings,
          proposals: orders.map(({ row, proposal }) => ({ series: row.ids, ...proposal })),
        });
        return;
      }
      print.line(`${summary.orders} of ${orders.length} rows want an order. Wrote ${out}.`);
      const wanted = orders.filter(({ proposal }) => proposal.quantity > 0);
      const shown = wanted.toSorted((a, b) => b.proposal.stockOutChance - a.proposal.stockOutChance).slice(0, shownRows);
      print.table(
        shown.map(({ row, proposal }) => ({
          series: row.ids.join(" · "),
          order: round(proposal.quantity),
          position: round(proposal.position),
          "reorder point": rounded(proposal.reorderPoint, 1),
          "runs out before": percent(proposal.stockOutChance, { digits: 0 }),
          because: proposal.decidedBy,
        })),
        { json: false, empty: orders.length === 0 ? "No row of stock could be served." : "Nothing needs to be ordered." },
      );
    },
  });
