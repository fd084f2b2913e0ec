// What-if: a finished run forecast again under other prices, promotions or holidays; both forecasts are kept side by side.

import { StockroomError } from "../../../platform/errors.ts";
import { writeThrough } from "../../../platform/objects/handles.ts";
import type { WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { applyChanges, checkChanges, type Effect } from "../../engine/scenario/apply.ts";
import { parseTransformations, type Change, type Fault, type Parsed } from "../../engine/scenario/change.ts";
import { parseCommand } from "../../engine/scenario/command.ts";
import type { Comparison } from "../../engine/scenario/comparison.ts";
import type { WhatifSummary } from "../../store/answers.ts";
import { getRun } from "../../store/runs.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import type { ReforecastTools } from "../run/reforecast.ts";
import { idsOf, round } from "../run/rows.ts";
import { faultsText } from "./adjustments.ts";
import { answerPrefix, askedId, commitAnswer, findAnswered, type Answered, type Plain } from "./asked.ts";
import { gatherForecasts, keyOfIds, type FinishedForecast } from "./finished.ts";
import { comparePairs, comparisonBody, forecastPairs, scenarioPairBody, type ScenarioPair } from "./scenario.ts";
import { findFinished, openStored, readNames } from "./stored.ts";

/** `said` is the question in words. */
export type WhatifInput = {
  readonly run: string;
  readonly said: string;
  readonly changes: readonly Plain<Change>[];
  readonly author: string;
};

const idOf = (input: Pick<WhatifInput, "run" | "changes">): string => askedId("whatif", [input.run, input.changes]);

const whatifRunId = (input: Pick<WhatifInput, "run" | "changes">): string => `forecast.whatif/${idOf(input)}`;

export function makeWhatif(deps: ForecastDeps): WorkflowDefinition<WhatifInput, Answered> {
  return {
    name: "forecast.whatif",
    queue: "forecast.plan",
    title: (input) => `what if ${input.said} (${input.run})`,
    run: async (context, input) =>
      await context.step("forecast", async (signal): Promise<Answered> => {
        const id = idOf(input);
        const known = await findAnswered(deps, id);
        if (known !== undefined) return known;
        const run = await getRun(deps.database, input.run);
        const actor = actAs("plan", context.runId);
        const { panel, pairs, comparison, effects, warnings } = await forecastWhatif(openStored(deps, actor, run, signal), input.changes, {
          compute: deps.compute,
          signal,
          onProgress: (done, total) => context.progress(done, total, "series forecast"),
        });
        const prefix = answerPrefix(run.group, id);
        const staged = [
          await writeThrough(await deps.objects.writeHandle(actor, `${prefix}forecast.csv`), scenarioPairBody(panel, pairs), signal),
          await writeThrough(
            await deps.objects.writeHandle(actor, `${prefix}comparison.csv`),
            comparisonBody(panel, pairs, comparison),
            signal,
          ),
        ];
        return await commitAnswer(
          deps,
          context.runId,
          {
            id,
            kind: "whatif",
            group: run.group,
            run: run.id,
            title: input.said,
            author: input.author,
            asked: { changes: input.changes },
            summary: summaryOf(comparison, effects, warnings),
          },
          staged,
          signal,
        );
      }),
  };
}

function summaryOf({ total, items, steps }: Comparison, effects: WhatifAnswer["effects"], warnings: readonly string[]): WhatifSummary {
  return {
    baseline: round(total.baseline),
    scenario: round(total.scenario),
    delta: round(total.delta),
    percent: total.percent === undefined ? null : round(total.percent),
    series: items.length,
    moved: items.filter(({ delta }) => delta !== 0).length,
    steps: steps.map(({ baseline, scenario }) => [round(baseline), round(scenario)]),
    effects: effects.map(({ cells, series }) => ({ cells, series })),
    warnings,
  };
}

export interface WhatifAnswer {
  readonly panel: Panel;
  /** Every series that has a forecast. */
  readonly pairs: readonly ScenarioPair[];
  readonly comparison: Comparison;
  /** One for each change. */
  readonly effects: readonly Effect[];
  /** Whole sentences. */
  readonly warnings: readonly string[];
}

/** Forecasts under changes, beside the forecast that was made. Throws `input` `SCENARIO_FAULTS`. */
export async function forecastWhatif(
  finished: Pick<FinishedForecast, "settings" | "panel" | "model" | "rows">,
  changes: readonly Change[],
  tools: ReforecastTools,
): Promise<WhatifAnswer> {
  const panel = await finished.panel();
  const applied = applyChanges(panel, changes);
  if (applied.kind === "faults") throw refuseChanges(applied.faults);
  const made = await readMade(finished, panel);
  const pairs = await forecastPairs(
    { panel, changed: applied.panel, settings: finished.settings, model: await finished.model() },
    {
      ...tools,
      ...(made === undefined ? {} : { made }),
    },
  );
  const { effects, warnings } = applied;
  return { panel, pairs, comparison: comparePairs(pairs), effects, warnings };
}

/** The forecast that was made, as it was written down; undefined where that lacks the mean, or where sums were reconciled: both sides are then forecast alike. */
async function readMade(
  finished: Pick<FinishedForecast, "settings" | "rows">,
  panel: Panel,
): Promise<((index: number) => Forecast | undefined) | undefined> {
  if (finished.settings.hierarchy.length > 0) return undefined;
  const rows = await finished.rows("system");
  if (!rows.hasMean) return undefined;
  const { forecasts } = await gatherForecasts(rows);
  return (index) => forecasts.get(keyOfIds(idsOf(panel, index)));
}

/** The error of changes that cannot be applied, with everything that is wrong with them. */
function refuseChanges(faults: readonly Fault[]): StockroomError {
  return new StockroomError("input", "SCENARIO_FAULTS", `Expected changes that can be applied. ${faultsText(faults)}`);
}

/** Reads changes as a line of text, as TimeSeriesTransformations (JSON), or both. Throws `input` `SCENARIO_FAULTS`, `SCENARIO_EMPTY`. */
export function readChanges(set: string | undefined, json: string | undefined): readonly Change[] {
  const parsed: Parsed[] = [];
  if (set !== undefined) parsed.push(parseCommand(set));
  if (json !== undefined) parsed.push(parseTransformations(parseJson(json)));
  if (parsed.length === 0)
    throw new StockroomError("input", "SCENARIO_EMPTY", 'Expected changes such as "price *= 0.9" but received none. Give --set or --file.');
  return parsed.flatMap((each) => {
    if (each.kind === "faults") throw refuseChanges(each.faults);
    return each.changes;
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StockroomError("input", "JSON_BROKEN", "Expected changes as JSON but they are not. Correct them.", { cause });
  }
}

/** Makes the question of a group's latest forecast or of a run, refusing what its columns do not have. Starts nothing. */
export async function askWhatif(
  deps: Pick<ForecastDeps, "objects" | "database">,
  word: string,
  { changes, said, author }: Pick<WhatifInput, "changes" | "said" | "author">,
): Promise<{ readonly input: WhatifInput; readonly id: string; readonly answer: string }> {
  const run = await findFinished(deps.database, word);
  const faults = checkChanges(await readNames(deps, actAs("plan", `what if ${author}`), run), changes);
  if (faults.length > 0) throw refuseChanges(faults);
  const input: WhatifInput = { run: run.id, said, changes, author };
  return { input, id: whatifRunId(input), answer: idOf(input) };
}
