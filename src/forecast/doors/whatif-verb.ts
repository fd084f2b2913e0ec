// `stockroom forecast whatif`: the forecast under other prices or promotions, beside the one that was made.

import { readFile } from "node:fs/promises";
import { defineCommand, type CommandDef } from "citty";
import { openCompute } from "../../base/compute/index.ts";
import { StockroomError } from "../../base/errors.ts";
import { makeLog } from "../../base/log.ts";
import { writeTable, type Cell as TableCell } from "../../base/tables/index.ts";
import type { Forecast, Panel } from "../engine/contract.ts";
import { applyChanges } from "../engine/scenario/apply.ts";
import { parseTransformations, type Change, type Parsed } from "../engine/scenario/change.ts";
import { parseCommand } from "../engine/scenario/command.ts";
import { compareForecasts, type Comparison } from "../engine/scenario/comparison.ts";
import { forecastAgain } from "../flow/run/again.ts";
import { idColumns, idsOf, instantsOf, labelOf, tidy } from "../flow/run/rows.ts";
import { keyInPanel, readForecasts, readModel, readPanel, readRecord } from "./finished.ts";
import { settingsOf, usage } from "./request.ts";
import { readThreads, type RunRecord } from "./run-verb.ts";
import type { DirectTools } from "./tools.ts";
import { writeWhole } from "./whole.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

const shownRows = 15;

export const whatifVerb = (tools: DirectTools): AnyCommand =>
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
      const changes = await readChanges(args.set, args.file);
      const threads = readThreads(args.threads);
      const record = await readRecord(args.dir);
      const panel = await readPanel(args.dir, record, tools.signal);
      const applied = applyChanges(panel, changes);
      if (applied.kind === "faults") throw faulty(applied.faults);
      const both = await forecastBoth(args.dir, record, panel, applied.panel, threads, tools);
      const comparison = compareForecasts(
        both.map(({ id, baseline, scenario }) => ({ id, baseline: baseline.mean, scenario: scenario.mean })),
      );
      if (args.out !== undefined) await writeBoth(args.out, panel, record, both);
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

const faulty = (faults: readonly { readonly where: string; readonly message: string }[]): StockroomError =>
  new StockroomError(
    "input",
    "SCENARIO_FAULTS",
    `Expected changes that can be applied. ${faults.map(({ where, message }) => `${where}: ${message}`).join(" ")}`,
  );

async function readChanges(set: string | undefined, file: string | undefined): Promise<readonly Change[]> {
  const parsed: Parsed[] = [];
  if (set !== undefined) parsed.push(parseCommand(set));
  if (file !== undefined) {
    const text = await readFile(file, "utf8").catch((cause: unknown) => {
      throw new StockroomError("missing", "FILE_MISSING", `Expected changes in ${file} but it cannot be read. Check the path.`, {
        facts: { file },
        cause,
      });
    });
    try {
      parsed.push(parseTransformations(JSON.parse(text)));
    } catch (cause) {
      throw new StockroomError("input", "JSON_BROKEN", `Expected JSON in ${file} but it is not. Correct it.`, { facts: { file }, cause });
    }
  }
  if (parsed.length === 0) throw usage("set", 'changes such as "price *= 0.9"', "nothing");
  return parsed.flatMap((each) => {
    if (each.kind === "faults") throw faulty(each.faults);
    return each.changes;
  });
}

interface Both {
  readonly index: number;
  readonly id: string;
  readonly baseline: Forecast;
  readonly scenario: Forecast;
}

async function forecastBoth(
  folder: string,
  record: RunRecord,
  panel: Panel,
  changed: Panel,
  threads: number,
  tools: DirectTools,
): Promise<readonly Both[]> {
  const { signal } = tools;
  const model = await readModel(folder);
  const settings = settingsOf(record.request);
  const indices = Array.from({ length: panel.itemIds.length }, (_, index) => index);
  const progress = tools.progress("forecasting");
  const compute = openCompute({ threads, log: makeLog({ level: "silent" }) });
  try {
    const again = async (one: Panel): Promise<(Forecast | undefined)[]> => {
      const answers = await forecastAgain(one, settings, model, indices, {
        compute,
        signal,
        onProgress: (done, total) => progress.update(done, total),
      });
      return answers.map(({ forecast }) => forecast);
    };
    const scenarios = await again(changed);
    // Sums that were made to agree are not what one series alone would have been forecast as: both sides are then asked alike.
    const stored = record.request.hierarchy.length === 0 ? await readForecasts(folder, record, signal) : undefined;
    const baselines = stored === undefined ? await again(panel) : indices.map((index) => stored.forecasts.get(keyInPanel(panel, index)));
    return indices.flatMap((index) => {
      const [baseline, scenario] = [baselines[index], scenarios[index]];
      return baseline === undefined || scenario === undefined ? [] : [{ index, id: idsOf(panel, index).join(" · "), baseline, scenario }];
    });
  } finally {
    progress.end();
    await compute.close();
  }
}

async function writeBoth(file: string, panel: Panel, { request }: RunRecord, both: readonly Both[]): Promise<void> {
  const { length, horizon } = panel.grid;
  const instant = instantsOf(panel);
  const labels = ["mean", ...request.quantiles.map(labelOf)];
  const valuesOf = ({ mean, quantiles }: Forecast, h: number): number[] =>
    [mean[h], ...request.quantiles.map((_, i) => quantiles[i * horizon + h])].map(tidy);
  async function* rows(): AsyncGenerator<TableCell[][]> {
    for (const { index, baseline, scenario } of both) {
      yield Array.from({ length: horizon }, (_, h) => [
        ...idsOf(panel, index),
        instant(length + h),
        ...valuesOf(scenario, h),
        ...valuesOf(baseline, h),
      ]);
    }
  }
  await writeWhole(
    file,
    writeTable(rows(), {
      format: "csv",
      columns: [...idColumns(panel), "timestamp", ...labels, ...labels.map((label) => `baseline_${label}`)],
    }),
  );
}

function tell(comparison: Comparison, met: readonly { readonly cells: number; readonly series: number }[], tools: DirectTools): void {
  const { print } = tools;
  for (const [at, { cells, series }] of met.entries()) print.line(`Change ${at + 1} met ${cells} steps of ${series} series.`);
  const { total, items } = comparison;
  const percent = (value: number | undefined): string => (value === undefined ? "-" : `${value >= 0 ? "+" : ""}${value.toFixed(1)} %`);
  print.line(`In all: ${tidy(total.baseline)} before, ${tidy(total.scenario)} after (${percent(total.percent)}).`);
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
