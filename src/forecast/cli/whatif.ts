// `stockroom forecast whatif`: the forecast under other prices or promotions, beside the one that was made.

import { StockroomError } from "../../platform/errors.ts";
import { jsonFlag, readThreads, usage } from "../../platform/command/flags.ts";
import { percent, rounded } from "../../platform/figures.ts";
import { defineCommand, type Command, type CommandTools } from "../../platform/command/contract.ts";
import { openCompute } from "../../platform/compute/index.ts";
import { makeLog } from "../../platform/log.ts";
import type { Effect } from "../engine/scenario/apply.ts";
import type { Change } from "../engine/scenario/change.ts";
import type { Comparison } from "../engine/scenario/comparison.ts";
import { scenarioPairBody } from "../workflows/planning/scenario.ts";
import type { FinishedForecast } from "../workflows/planning/finished.ts";
import { forecastWhatif, readChanges, type WhatifAnswer } from "../workflows/planning/whatif.ts";
import { round } from "../workflows/run/rows.ts";
import { openFinished } from "./finished.ts";
import { readTextFile } from "./app-tools.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";

const shownRows = 15;

export const whatifCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: {
      name: "whatif",
      description: `Forecast a run once more under other prices, promotions or holidays, and compare
Examples:
  stockroom forecast whatif june --set "price *= 0.9 where category = juice and timestamp >= 2026-07-01"
  stockroom forecast whatif june --set "promotion_applied = 1 where location in (oslo, bergen); price -= 10%" --out scenario.csv
Changes apply to what lies ahead: =, +=, -=, *=, /= a number, or a share with %.`,
    },
    args: {
      dir: { type: "positional", required: true, description: "folder of a run" },
      set: { type: "string", description: "changes, separated by semicolons", valueHint: "CHANGES" },
      file: { type: "string", description: "changes as TimeSeriesTransformations (JSON)", valueHint: "FILE" },
      out: { type: "string", description: "table of both forecasts to write", valueHint: "FILE" },
      threads: { type: "string", description: "absent: as many as there are processors", valueHint: "N" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      if (args.set === undefined && args.file === undefined) throw usage("--set", 'changes such as "price *= 0.9"', "nothing");
      const changes = readChanges(args.set, args.file === undefined ? undefined : await readTextFile(args.file, "changes"));
      const threads = readThreads(args.threads);
      const finished = await openFinished(args.dir, tools.signal);
      const { panel, pairs, comparison, effects, warnings } = await forecastInThreads(finished, changes, threads, tools);
      if (effects.every(({ cells }) => cells === 0)) {
        const found = warnings.join(" ");
        throw new StockroomError("input", "SCENARIO_IDLE", `Expected changes that meet numbers ahead but they met none. ${found}`);
      }
      if (args.out !== undefined) await writeFileAtomically(args.out, scenarioPairBody(panel, pairs));
      const { print } = tools;
      for (const warning of warnings) print.say(warning);
      // Of several changes one met nothing: the rest is answered.
      if (effects.some(({ cells }) => cells === 0)) tools.exitWith(3);
      if (args.json) print.json({ effects, warnings, ...comparison });
      else printComparison(comparison, effects, tools);
    },
  });

async function forecastInThreads(
  finished: FinishedForecast,
  changes: readonly Change[],
  threads: number,
  tools: CommandTools,
): Promise<WhatifAnswer> {
  const progress = tools.progress("forecasting");
  const compute = openCompute({ threads, log: makeLog({ level: "silent" }) });
  try {
    return await forecastWhatif(finished, changes, {
      compute,
      signal: tools.signal,
      onProgress: (done, total) => progress.update(done, total),
    });
  } finally {
    progress.end();
    await compute.close();
  }
}

function printComparison(comparison: Comparison, effects: readonly Effect[], tools: CommandTools): void {
  const { print } = tools;
  for (const [at, { cells, series }] of effects.entries()) print.line(`Change ${at + 1} met ${cells} steps of ${series} series.`);
  const { total, items } = comparison;
  const change = (value: number | undefined): string => percent(value === undefined ? undefined : value / 100, { signed: true });
  print.line(`In all: ${round(total.baseline)} before, ${round(total.scenario)} after (${change(total.percent)}).`);
  const moved = items
    .filter(({ delta }) => Math.abs(delta) > 1e-6 * Math.abs(total.baseline))
    .toSorted((a, b) => Math.abs(b.delta) - Math.abs(a.delta));
  print.table(
    moved.slice(0, shownRows).map(({ id, baseline, scenario, delta, percent: share }) => ({
      series: id,
      before: rounded(baseline, 2),
      after: rounded(scenario, 2),
      change: rounded(delta, 2),
      percent: change(share),
    })),
    { json: false, empty: "No series is forecast otherwise." },
  );
  if (moved.length > shownRows) print.line(`and ${moved.length - shownRows} more; --out writes all of them`);
}
