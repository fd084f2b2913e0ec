// `stockroom forecast whatif`: the forecast under other prices or promotions, beside the one that was made.

import { defineCommand, type CommandDef } from "citty";
import { openCompute } from "../../platform/compute/index.ts";
import { makeLog } from "../../platform/log.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import type { Panel } from "../engine/contract.ts";
import { applyChanges } from "../engine/scenario/apply.ts";
import type { Comparison } from "../engine/scenario/comparison.ts";
import { scenarioPairBody, compareScenarioPair, forecastScenarioPair, type ScenarioPair } from "../workflows/planning/scenario.ts";
import { readChanges, refuseChanges } from "../workflows/planning/whatif.ts";
import { round } from "../workflows/run/rows.ts";
import { keyInPanel, readForecasts, readModel, readPanel, readRecord } from "./finished.ts";
import { settingsOf } from "./request.ts";
import { usage } from "./flags.ts";
import { readThreads, type RunRecord } from "./run.ts";
import { readTextFile } from "./app-tools.ts";
import type { DirectTools } from "./tools.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

const shownRows = 15;

export const whatifCommand = (tools: DirectTools): AnyCommand =>
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
      json: { type: "boolean", description: "print JSON", default: false },
    },
    run: async ({ args }) => {
      if (args.set === undefined && args.file === undefined) throw usage("set", 'changes such as "price *= 0.9"', "nothing");
      const changes = readChanges(args.set, args.file === undefined ? undefined : await readTextFile(args.file, "changes"));
      const threads = readThreads(args.threads);
      const record = await readRecord(args.dir);
      const panel = await readPanel(args.dir, record, tools.signal);
      const applied = applyChanges(panel, changes);
      if (applied.kind === "faults") throw refuseChanges(applied.faults);
      const both = await forecastScenario(args.dir, record, panel, applied.panel, threads, tools);
      const comparison = compareScenarioPair(both);
      if (args.out !== undefined) await writeFileAtomically(args.out, scenarioPairBody(panel, both));
      const { print } = tools;
      for (const warning of applied.warnings) print.say(warning);
      if (args.json) print.json({ effects: applied.effects, warnings: applied.warnings, ...comparison });
      else
        tell(
          comparison,
          applied.effects.map(({ cells, series }) => ({ cells, series })),
          tools,
        );
    },
  });

async function forecastScenario(
  folder: string,
  record: RunRecord,
  panel: Panel,
  changed: Panel,
  threads: number,
  tools: DirectTools,
): Promise<readonly ScenarioPair[]> {
  const { signal } = tools;
  const model = await readModel(folder);
  // Sums that were made to agree are not what one series alone would have been forecast as: both sides are then asked alike.
  const stored = record.request.hierarchy.length === 0 ? await readForecasts(folder, record, signal) : undefined;
  const progress = tools.progress("forecasting");
  const compute = openCompute({ threads, log: makeLog({ level: "silent" }) });
  try {
    return await forecastScenarioPair(panel, changed, settingsOf(record.request), model, {
      compute,
      signal,
      ...(stored === undefined ? {} : { made: (index: number) => stored.forecasts.get(keyInPanel(panel, index)) }),
      onProgress: (done, total) => progress.update(done, total),
    });
  } finally {
    progress.end();
    await compute.close();
  }
}

function tell(comparison: Comparison, met: readonly { readonly cells: number; readonly series: number }[], tools: DirectTools): void {
  const { print } = tools;
  for (const [at, { cells, series }] of met.entries()) print.line(`Change ${at + 1} met ${cells} steps of ${series} series.`);
  const { total, items } = comparison;
  const percent = (value: number | undefined): string => (value === undefined ? "-" : `${value >= 0 ? "+" : ""}${value.toFixed(1)} %`);
  print.line(`In all: ${round(total.baseline)} before, ${round(total.scenario)} after (${percent(total.percent)}).`);
  const moved = items
    .filter(({ delta }) => Math.abs(delta) > 1e-6 * Math.abs(total.baseline))
    .toSorted((a, b) => Math.abs(b.delta) - Math.abs(a.delta));
  print.table(
    moved.slice(0, shownRows).map(({ id, baseline, scenario, delta, percent: share }) => ({
      series: id,
      before: Number(baseline.toFixed(2)),
      after: Number(scenario.toFixed(2)),
      change: Number(delta.toFixed(2)),
      percent: percent(share),
    })),
    { json: false, empty: "No series is forecast otherwise." },
  );
  if (moved.length > shownRows) print.line(`and ${moved.length - shownRows} more; --out writes all of them`);
}
