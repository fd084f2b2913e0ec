// verdicts: what the gate decided.

import { defineCommand, nounCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { parseMoment } from "../workflows/commands.ts";
import { takeRows } from "../../platform/web/remote.ts";
import { getLine, listVerdicts } from "../store/lines.ts";
import type { ClassifyTools } from "./tools.ts";

const verdictsList = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "list", description: "what the gate decided, with its reasons; also who was champion on a date" },
    args: {
      line: { type: "positional", required: false, description: "e.g. GBR-UK15" },
      date: { type: "string", description: "only verdicts up to this day (or moment), ISO" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { line, date } = args;
      const until = date === undefined ? undefined : Date.parse(parseMoment(date));
      const verdicts = await tools.ask(
        async ({ deps }) => {
          if (line !== undefined) await getLine(deps.database, line);
          return (await listVerdicts(deps.database, line)).filter((verdict) => until === undefined || Date.parse(verdict.at) <= until);
        },
        async (server) =>
          await takeRows(server.pages("GET /api/classify/verdicts", { query: { line, date, limit: 1_000 } }), (page) => page.verdicts),
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

export const verdictsCommand = (tools: ClassifyTools): Command =>
  nounCommand({ name: "verdicts", description: "what the gate decided: list" }, { list: verdictsList(tools) });
