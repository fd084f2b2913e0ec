// monitor: each import against the forecast made before it.

import { jsonFlag } from "../../platform/command/flags.ts";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { readStandingOut } from "../workflows/planning/standing-out.ts";
import { listAnswers } from "../store/answers.ts";
import { checkGroup, download, figure, operatorAt, outArg, type ForecastTools } from "./app-tools.ts";
import { checkGroupThere } from "./there.ts";

export const monitorCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "monitor", description: "Each import against the forecast made before it, newest first, and the series that stand out" },
    args: {
      group: { type: "positional", required: true, description: "a dataset group" },
      out: { ...outArg, description: "also write the tables of the newest one into this folder" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { group } = args;
      const { answers, items } = await tools.ask(
        async ({ deps }) => {
          await checkGroup(deps.database, group);
          const found = await listAnswers(deps.database, { kinds: ["monitor"], group });
          const [first] = found;
          return {
            answers: found,
            items: first === undefined ? [] : await readStandingOut(deps, operatorAt("monitor"), first, tools.signal),
          };
        },
        async (server) => {
          await checkGroupThere(server, group);
          const page = await server.call("GET /api/forecast/monitor", { query: { group, limit: 100 } });
          return { answers: page.imports, items: page.items };
        },
      );
      const [newest] = answers;
      if (newest !== undefined && args.out !== undefined)
        await download(tools, `monitor ${newest.id}`, { ...newest, kind: "scenarios" }, args.out);
      if (args.json) {
        tools.print.json({ imports: answers, items });
        return;
      }
      tools.print.table(
        answers.map(({ run, title, summary, at }) => ({
          period: title,
          forecast: run,
          verdict: summary.verdict,
          points: figure(summary.points),
          wape: figure(summary.wape),
          average_wql: figure(summary.averageWql),
          to_backtest: figure(summary.ratio),
          alarms: figure(summary.alarms),
          at,
        })),
        { json: false, empty: `No import of ${args.group} was judged yet: nothing of what was forecast has come.` },
      );
      if (newest === undefined) return;
      tools.print.line(newest.summary.reason);
      tools.print.table(
        items.slice(0, 20).map(({ series, verdict, reason }) => ({ series, verdict, reason })),
        { json: false, empty: "No series stands out." },
      );
    },
  });
