// mappings: how files with other columns are read, by sender and key prefix: list, set, forget.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, readChoice, readShare } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { mappingRow, shownMapping } from "../../platform/mappings/fields.ts";
import { prefixes } from "../store/keys.ts";
import type { InputKind } from "../workflows/inputs/schema.ts";
import { blockOfSaid } from "../workflows/intake/said.ts";
import { answerFor, forgetFor, listKept, noMapping } from "../workflows/pipeline/kept.ts";
import type { ForecastTools } from "./app-tools.ts";
import { readingFlags } from "./input-flags.ts";
import { intakeFlags, readIntakeFlags } from "./intake.ts";

const kinds: readonly InputKind[] = ["target", "related", "metadata"];
const groupArg = { type: "positional", required: true, description: "a dataset group" } as const;

export const mappingsCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "mappings", description: "How files with columns of their own are read, by sender and key: list, set, forget" },
    subCommands: { list: listMappings(tools), set: setMapping(tools), forget: forgetMappings(tools) },
  });

const listMappings = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "list", description: "Every mapping that is kept, or those of one group" },
    args: { group: { type: "positional", required: false, description: "only this group" }, json: jsonFlag },
    run: async ({ args }) => {
      const found = await tools.ask(
        async ({ deps }) =>
          (await listKept(deps.database, args.group)).map(({ group, kind, row, intake }) => ({
            group,
            kind,
            ...shownMapping(row, intake),
          })),
        async (server) => (await server.call("GET /api/forecast/mappings", { query: { group: args.group } })).mappings,
      );
      if (args.json) {
        tools.print.json(found);
        return;
      }
      tools.print.table(
        found.map(({ group, kind, ...row }) => ({ group, kind, ...mappingRow(row, row.intake) })),
        { json: false, empty: "No mapping is kept: every file had the usual columns." },
      );
    },
  });

const setMapping = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "set",
      description: `Say how the files of a group are read that come from the sender of its newest file
Examples:
  stockroom forecast mappings set retail --date-format dd/mm/yyyy
  stockroom forecast mappings set retail --kind related --map Preis=price --known price
A forecast that failed over this question goes on.`,
    },
    args: {
      group: groupArg,
      kind: { type: "string", default: "target", description: "which of its files", valueHint: kinds.join("|") },
      dimensions: { type: "string", description: "columns to forecast by, beside the item; none: the item alone", valueHint: "location" },
      map: readingFlags.map,
      without: readingFlags.without,
      "date-format": readingFlags["date-format"],
      decimal: readingFlags.decimal,
      encoding: readingFlags.encoding,
      "max-bad-share": readingFlags["max-bad-share"],
      ...intakeFlags,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const kind = readChoice("--kind", args.kind, kinds);
      const share = args["max-bad-share"];
      const block = {
        ...blockOfSaid(readIntakeFlags(args)),
        ...(share === undefined ? {} : { maxBadShare: readShare("--max-bad-share", share) }),
      };
      if (Object.keys(block).length === 0) {
        throw new StockroomError(
          "input",
          "USAGE",
          "Expected flags that say how the file is read, such as --map Menge=demand, but there is none. Give one.",
        );
      }
      const { group } = args;
      const { sender, goesOn } = await tools.ask(
        async ({ deps, workflows }) => {
          const { place, goesOn: own } = await answerFor(deps, workflows, { group, kind, block, prefix: prefixes.train });
          return { sender: place.sender, goesOn: own };
        },
        async (server) => await server.call("PUT /api/forecast/mappings", { body: { group, kind, intake: { ...block } } }),
      );
      if (args.json) tools.print.json({ group, kind, sender, intake: block, goesOn });
      else tools.print.line(`${kind} files of ${group} from ${sender} are read so${goesOn ? "; its forecast goes on" : ""}`);
    },
  });

const forgetMappings = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "forget", description: "Forget how the files of a group are read: the next one is looked at anew" },
    args: {
      group: groupArg,
      kind: { type: "string", description: "only these of its files", valueHint: kinds.join("|") },
      sender: { type: "string", description: "only files of this sender", valueHint: "inbox" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const kind = args.kind === undefined ? undefined : readChoice("--kind", args.kind, kinds);
      const { group, sender } = args;
      const { forgotten, goesOn } = await tools.ask(
        async ({ deps, workflows }) => await forgetFor(deps, workflows, { group, kind, sender }),
        async (server) => await server.call("DELETE /api/forecast/mappings", { query: { group, kind, sender } }),
      );
      if (forgotten === 0) throw noMapping(group);
      if (args.json) tools.print.json({ group: args.group, forgotten, goesOn });
      else tools.print.line(`forgotten: ${forgotten}${goesOn ? "; its forecast goes on" : ""}`);
    },
  });
