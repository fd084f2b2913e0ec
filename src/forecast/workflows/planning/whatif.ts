// What-if: a finished run forecast again under other prices, promotions or holidays; both forecasts are kept side by side.

import { StockroomError } from "../../../platform/errors.ts";
import { writeThrough } from "../../../platform/objects/handles.ts";
import type { Actor } from "../../../platform/vault/contract.ts";
import type { WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { applyChanges, checkChanges } from "../../engine/scenario/apply.ts";
import { parseTransformations, type Change, type Fault, type Parsed } from "../../engine/scenario/change.ts";
import { parseCommand } from "../../engine/scenario/command.ts";
import { getRun, type ForecastRunRow } from "../../store/runs.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import { round } from "../run/rows.ts";
import { faultsText } from "./adjusted.ts";
import { answerPrefix, askedId, findAnswer, insertAnswer, type Answered, type Plain } from "./asked.ts";
import { findFinished, forecastOf, keyOfIds, placesIn, readModel, readNames, readPanel, readRows, settingsOfRun } from "./finished.ts";
import { scenarioPairBody, compareScenarioPair, comparisonBody, forecastScenarioPair, type ScenarioPairTools } from "./scenario.ts";

/** `said` is the question in words. */
export type WhatifInput = {
  readonly run: string;
  readonly said: string;
  readonly changes: readonly Plain<Change>[];
  readonly author: string;
};

const idOf = (input: Pick<WhatifInput, "run" | "changes">): string => askedId("whatif", [input.run, input.changes]);

export const whatifRunId = (input: Pick<WhatifInput, "run" | "changes">): string => `forecast.whatif/${idOf(input)}`;

export function makeWhatif(deps: ForecastDeps): WorkflowDefinition<WhatifInput, Answered> {
  return {
    name: "forecast.whatif",
    queue: "forecast.plan",
    title: (input) => `what if ${input.said} (${input.run})`,
    run: async (context, input) =>
      await context.step("forecast", async (signal): Promise<Answered> => {
        const id = idOf(input);
        const known = await findAnswer(deps, id);
        if (known !== undefined) return known;
        const run = await getRun(deps.database, input.run);
        const actor = actAs("plan", context.runId);
        const panel = await readPanel(deps, actor, run, signal);
        const applied = applyChanges(panel, input.changes);
        if (applied.kind === "faults") throw refuseChanges(applied.faults);
        const both = await forecastScenarioPair(
          panel,
          applied.panel,
          settingsOfRun(run),
          await readModel(deps, actor, run, panel, signal),
          {
            compute: deps.compute,
            signal,
            ...(await readMade(deps, actor, run, panel, signal)),
            onProgress: (done, total) => context.progress(done, total, "series forecast"),
          },
        );
        const comparison = compareScenarioPair(both);
        const prefix = answerPrefix(run.group, id);
        const staged = [
          await writeThrough(await deps.objects.writeHandle(actor, `${prefix}forecast.csv`), scenarioPairBody(panel, both), signal),
          await writeThrough(
            await deps.objects.writeHandle(actor, `${prefix}comparison.csv`),
            comparisonBody(panel, both, comparison),
            signal,
          ),
        ];
        const { total, items, steps } = comparison;
        return await insertAnswer(
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
            summary: {
              baseline: round(total.baseline),
              scenario: round(total.scenario),
              delta: round(total.delta),
              percent: total.percent === undefined ? null : round(total.percent),
              series: items.length,
              moved: items.filter(({ delta }) => delta !== 0).length,
              steps: steps.map(({ baseline, scenario }) => [round(baseline), round(scenario)]),
              effects: applied.effects.map(({ cells, series }) => ({ cells, series })),
              warnings: applied.warnings,
            },
          },
          staged,
          signal,
        );
      }),
  };
}

/** The forecast that was made, from its export; nothing where that lacks the mean. */
async function readMade(
  deps: Pick<ForecastDeps, "objects">,
  actor: Actor,
  run: ForecastRunRow,
  panel: Panel,
  signal: AbortSignal,
): Promise<Pick<ScenarioPairTools, "made">> {
  const ref = run.exports["forecast"];
  if (ref === undefined) return {};
  const { body } = await deps.objects.get(actor, ref.key, { version: ref.version, signal });
  const rows = await readRows(body, ref.key, signal);
  if (!rows.hasMean) return {};
  const places = placesIn(panel);
  const forecasts = new Map<number, Forecast>();
  for await (const stored of rows.series()) forecasts.set(places.get(keyOfIds(stored.ids)) ?? -1, forecastOf(stored, rows.levels));
  return { made: (index) => forecasts.get(index) };
}

/** The error of changes that cannot be applied, with everything that is wrong with them. */
export function refuseChanges(faults: readonly Fault[]): StockroomError {
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
export async function planWhatif(
  deps: Pick<ForecastDeps, "objects" | "database">,
  word: string,
  changes: readonly Change[],
  said: string,
  author: string,
): Promise<{ readonly input: WhatifInput; readonly id: string; readonly answer: string }> {
  const run = await findFinished(deps.database, word);
  const faults = checkChanges(await readNames(deps, actAs("plan", `what if ${author}`), run), changes);
  if (faults.length > 0) throw refuseChanges(faults);
  const input: WhatifInput = { run: run.id, said, changes, author };
  return { input, id: whatifRunId(input), answer: idOf(input) };
}
