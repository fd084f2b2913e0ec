// Models that were named must serve: a forecast without the model that was asked for is not what was asked for.

import { StockroomError } from "../../../platform/errors.ts";
import { grouped } from "../../../platform/figures.ts";
import type { CandidateName } from "../../engine/combine/contract.ts";
import type { RunResult } from "./contract.ts";

/**
 * Throws `input` `FORECAST_MODEL_UNFIT` when a model that was named suits no series, or when no series of a run has a forecast.
 *
 * `hasGlobal`: the model over all series was learned.
 */
export async function refuseUnserved(result: RunResult, hasGlobal: boolean, signal?: AbortSignal): Promise<void> {
  const { models } = result.settings;
  const missing = new Map<CandidateName, { count: number; reason: string }>();
  let series = 0;
  let forecast = 0;
  for await (const { mixed, unfit } of result.series(signal)) {
    series += 1;
    if (mixed.forecast !== undefined) forecast += 1;
    for (const { model, reason } of unfit) {
      const name = models === "auto" ? undefined : models.find((each) => each === model);
      if (name === undefined) continue;
      const known = missing.get(name) ?? { count: 0, reason };
      missing.set(name, known);
      known.count += 1;
    }
  }
  if (models !== "auto") {
    const unserved = models.flatMap((model) => {
      if (model === "global") {
        return hasGlobal ? [] : [`global (it learns across series, and ${series} of them are too few or hold too little)`];
      }
      const known = missing.get(model);
      return known !== undefined && known.count >= series ? [`${model} (${known.reason})`] : [];
    });
    if (unserved.length > 0) {
      const rest = models.length > unserved.length ? "Leave it out, or name" : "Name";
      throw new StockroomError(
        "input",
        "FORECAST_MODEL_UNFIT",
        `Expected the models that were named to suit a series but ${unserved.join(", ")} suits none of ${series}. ${rest} models that do, or auto.`,
        { facts: { series, models: unserved.length } },
      );
    }
  }
  if (forecast > 0) return;
  throw new StockroomError(
    "input",
    "FORECAST_MODEL_UNFIT",
    `Expected a forecast of at least one of ${series} series but none has a value or anything else to go by. Check the target file.`,
    { facts: { series } },
  );
}

/** What is told of series without a forecast; undefined when every one has one. Models that were named may be what a series is too short for. */
export function unservedNote(series: number, silent: number, models: "auto" | readonly string[]): string | undefined {
  if (silent === 0) return undefined;
  const some = `${grouped(silent)} of ${grouped(series)} series`;
  return models === "auto"
    ? `${some} could not be forecast: they have no value and nothing else to go by. models.csv says why.`
    : `${some} have no forecast: none of the models that were named (${models.join(", ")}) suits them. models.csv says why; auto has models for each.`;
}
