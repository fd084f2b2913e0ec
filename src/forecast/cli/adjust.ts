// adjust: what a planner says demand will be instead.

import { jsonFlag, waitFlag, readNumber } from "../../platform/command/flags.ts";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { StockroomError } from "../../platform/errors.ts";
import { adjustmentKinds } from "../engine/adjust/adjust.ts";
import { sayAdjustment } from "../workflows/planning/adjustments.ts";
import { authorArg, authorOf, follow, type ForecastTools } from "./app-tools.ts";
import { wordsOf } from "./adjustment-words.ts";
import { authorThere } from "./there.ts";

export const adjustCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "add",
      description: `Say what demand will be instead of the system, for items, places and dates
The system's forecast stays; exports take yours where there is one, until the dates pass. A later --set replaces, a later --add or --percent
acts on what was said before.
Examples:
  stockroom forecast adjustments add retail --set 120 --where "item_id = A17 and location in (oslo, bergen)" --from 2026-07-01 --to 2026-07-14 --reason festival
  stockroom forecast adjustments add retail --percent=-10 --where "category = juice" --from 2026-08-01 --to 2026-08-31 --reason "shelf moved"`,
    },
    args: {
      group: { type: "positional", required: true, description: "a dataset group" },
      set: { type: "string", description: "mean and median; other quantiles keep their ratio", valueHint: "N" },
      add: { type: "string", description: "units more, or less with a minus (--add=-5)", valueHint: "N" },
      percent: { type: "string", description: "percent more, or less with a minus (--percent=-10)", valueHint: "N" },
      where: { type: "string", description: "on item_id, dimensions and metadata; absent: every series", valueHint: "CONDITIONS" },
      from: { type: "string", required: true, description: "first day, or moment", valueHint: "DATE" },
      to: { type: "string", description: "last day, or moment; absent: the day of --from", valueHint: "DATE" },
      reason: { type: "string", required: true, description: "why; forecast value added is told by it", valueHint: "TEXT" },
      again: { type: "boolean", description: "also when the same was said already: it then acts twice", default: false },
      author: authorArg,
      wait: waitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const given = adjustmentKinds.flatMap((kind) => (args[kind] === undefined ? [] : [{ kind, text: args[kind] }]));
      const [one] = given;
      if (one === undefined || given.length > 1)
        throw new StockroomError("input", "USAGE", `Expected one of --set, --add and --percent but received ${given.length}. Give one.`);
      const { again, author } = args;
      const said = {
        group: args.group,
        kind: one.kind,
        value: readNumber(`--${one.kind}`, one.text),
        where: args.where ?? "",
        from: args.from,
        to: args.to ?? args.from,
        reason: args.reason,
      };
      const { row, series, runId } = await tools.ask(
        async ({ deps, workflows }) =>
          await sayAdjustment(deps, workflows, { ...said, author: authorOf(author) }, { purpose: "cli forecast adjust", again }),
        async (server) => {
          const by = await authorThere(server, author, () => authorOf(undefined));
          const kept = await server.call("POST /api/forecast/adjustments", { body: { ...said, author: by, again } });
          return { row: kept.adjustment, series: kept.series, runId: kept.run };
        },
      );
      if (!args.json)
        tools.print.line(`adjustment ${row.id} of ${row.group}: ${wordsOf(row)}${series === undefined ? "" : `, ${series} series`}`);
      const result = await follow(tools, runId, { ...args, more: { adjustment: row, series } });
      if (isLaid(result) && result.cells === 0)
        tools.print.say("note: no step of the latest forecast begins within the dates; later ones may");
    },
  });

const isLaid = (value: unknown): value is { readonly cells: number } =>
  typeof value === "object" && value !== null && "cells" in value && typeof value.cells === "number";
