// lines: every line (country and scheme) with its champion.

import { defineCommand, nounCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, watchFlag } from "../../platform/command/flags.ts";
import { parseMoment } from "../workflows/commands.ts";
import { listLines } from "../store/lines.ts";
import { score, type ClassifyTools } from "./tools.ts";

const linesList = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "list", description: "every line (country and scheme) with its champion" },
    args: { date: { type: "string", description: "who was champion on this day (or moment), ISO" }, json: jsonFlag, watch: watchFlag },
    run: async ({ args }) => {
      const at = args.date === undefined ? undefined : parseMoment(args.date);
      const lines = await tools.ask(
        async ({ deps }) => await listLines(deps.database, at === undefined ? {} : { at }),
        async (server) => (await server.call("GET /api/classify/lines", { query: { date: at } })).lines,
      );
      tools.print.table(
        lines.map((line) => ({
          line: line.line,
          country: line.country,
          scheme: line.scheme,
          models: line.models,
          champion: line.champion,
          since: args.json ? line.championSince : { at: line.championSince },
          macro_f1: score(line.macroF1),
          coverage: score(line.coverage),
          last_verdict: line.lastVerdict,
          automatic: line.automatic ? "" : "off",
          ...(args.json ? { why_nothing_automatic: line.whyNothing ?? null } : {}),
        })),
        { json: args.json, empty: "No line yet. Put labelled items: stockroom put FILE classify/labelled/COUNTRY/NAME.csv" },
      );
      for (const line of lines)
        if (line.whyNothing !== undefined) tools.print.say(`${line.line} decides nothing by itself: ${line.whyNothing}`);
    },
  });

export const linesCommand = (tools: ClassifyTools): Command =>
  nounCommand({ name: "lines", description: "lines (country and scheme): list" }, { list: linesList(tools) });
