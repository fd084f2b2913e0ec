// monitor: each import against the forecast made before it.

import { jsonFlag } from "../../platform/command/flags.ts";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { readTable } from "../../platform/formats/index.ts";
import { listAnswers, type AnswerOf } from "../store/answers.ts";
import { checkGroup, download, figure, operatorAt, outArg, type ForecastTools } from "./app-tools.ts";

export const monitorCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "monitor", description: "Each import against the forecast made before it, newest first, and the series that stand out" },
    args: {
      group: { type: "positional", required: true, description: "a dataset group" },
      out: { ...outArg, description: "also write the tables of the newest one into this folder" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      await checkGroup(deps.database, args.group);
      const answers = await listAnswers(deps.database, { kinds: ["monitor"], group: args.group });
      const [newest] = answers;
      const items = newest === undefined ? [] : await standingOut(tools, newest);
      if (newest !== undefined && args.out !== undefined)
        await download(deps.objects, `monitor ${newest.id}`, newest.exports, args.out, tools.signal);
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

/** The series of a judgement that are not as forecast, alarms first. */
async function standingOut(
  tools: ForecastTools,
  answer: AnswerOf<"monitor">,
): Promise<readonly { readonly series: string; readonly verdict: string; readonly reason: string }[]> {
  const ref = answer.exports["items"];
  if (ref === undefined) return [];
  const { deps } = await tools.open();
  const { body } = await deps.objects.get(operatorAt("monitor"), ref.key, { version: ref.version, signal: tools.signal });
  const read = await readTable(body, { name: ref.key, onBadRow: () => undefined, signal: tools.signal });
  const [at, because] = [read.columns.lastIndexOf("verdict"), read.columns.lastIndexOf("reason")];
  const found: { series: string; verdict: string; reason: string }[] = [];
  for await (const { rows } of read.batches) {
    for (const row of rows) {
      const verdict = row[at] ?? "";
      if (verdict === "alarm" || verdict === "watch")
        found.push({ series: row.slice(0, at).join(" · "), verdict, reason: row[because] ?? "" });
    }
  }
  return found.toSorted((a, b) => (a.verdict < b.verdict ? -1 : a.verdict > b.verdict ? 1 : 0));
}
