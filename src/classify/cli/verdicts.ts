// verdicts: what the gate decided.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { parseMoment } from "../workflows/commands.ts";
import { getLine, listVerdicts } from "../store/lines.ts";
import type { ClassifyTools } from "./tools.ts";

export const verdictsCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "verdicts", description: "what the gate decided, with its reasons; also who was champion on a date" },
    args: {
      line: { type: "positional", required: false, description: "e.g. GBR-UK15" },
      date: { type: "string", description: "only verdicts up to this day (or moment), ISO" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      if (args.line !== undefined) await getLine(deps.database, args.line);
      const until = args.date === undefined ? undefined : Date.parse(parseMoment(args.date));
      const verdicts = (await listVerdicts(deps.database, args.line)).filter(
        (verdict) => until === undefined || Date.parse(verdict.at) <= until,
      );
      if (args.json) {
        tools.print.json(verdicts);
        return;
      }
      tools.print.table(
        verdicts.map((verdict) => ({
          line: verdict.line,
          at: verdict.at,
          decision: verdict.decision,
          promoted: verdict.promoted,
          challenger: verdict.challenger,
          champion: verdict.champion,
          reason: verdict.reason,
        })),
        { json: false, empty: "No verdict yet." },
      );
    },
  });
