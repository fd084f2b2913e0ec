// `stockroom forecast replenish`: from the quantiles of a run and what lies on the shelf to orders, each with its reasons.

import path from "node:path";
import { defineCommand, type CommandDef } from "citty";
import { StockroomError } from "../../platform/errors.ts";
import { fileBody, type BadRow } from "../../platform/formats/index.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import type { Service } from "../engine/replenish/proposal.ts";
import { ordersBody, proposeOrders } from "../workflows/planning/orders.ts";
import { readStock } from "../workflows/planning/stock.ts";
import { round } from "../workflows/run/rows.ts";
import { readForecasts, readRecord } from "./finished.ts";
import { usage } from "./flags.ts";
import type { DirectTools } from "./tools.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

const shownRows = 20;

export const replenishCommand = (tools: DirectTools): AnyCommand =>
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
      const { ids, forecasts, instants } = await readForecasts(args.dir, record, signal);
      const onBadRow = (row: BadRow): void => void bad.push(row);
      const stock = await readStock(
        fileBody(args.stock, signal),
        args.stock,
        { leadTime: number("lead-time", args["lead-time"]), reviewPeriod: number("review-period", args["review-period"]), service },
        { ids, instants, signal, onBadRow },
      );
      const orders = proposeOrders(stock, forecasts, { signal, onBadRow });
      const out = args.out ?? path.join(args.dir, "orders.csv");
      await writeFileAtomically(out, ordersBody(ids, orders));
      const { print } = tools;
      if (bad.length > 0) {
        const lines = bad.toSorted((a, b) => a.line - b.line).map((row) => `${JSON.stringify(row)}\n`);
        await writeFileAtomically(`${out}.bad.jsonl`, lines.join(""));
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
          order: round(proposal.quantity),
          position: round(proposal.position),
          "reorder point": Number(proposal.reorderPoint.toFixed(1)),
          "runs out before": `${(100 * proposal.stockOutChance).toFixed(0)} %`,
          because: proposal.decidedBy,
        })),
        { json: false, empty: "Nothing needs to be ordered." },
      );
    },
  });
