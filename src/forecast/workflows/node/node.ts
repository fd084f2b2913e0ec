// A node of a finished forecast, read for whoever looks at it: its curve, its cells, its exceptions.
//
//   N1. Read in threads of their own, so that nobody who looks waits for a training, within a minute or not at all.

import { StockroomError } from "../../../platform/errors.ts";
import { hashText } from "../../../platform/random.ts";
import type { Actor } from "../../../platform/vault/contract.ts";
import type { ForecastRunRow } from "../../store/runs.ts";
import type { ForecastDeps } from "../deps.ts";
import { exportOf, panelKey } from "../planning/stored.ts";
import { axesOf, findAxis } from "../views/drill.ts";
import { cellsJob, type Cells } from "./cells-job.ts";
import { curveJob, type Curve } from "./curve-job.ts";
import { exceptionsJob, type Exceptions } from "./exceptions-job.ts";
import type { Held } from "./pick.ts";

/** Names (or columns) of axes with the level each is held at. */
export type Levels = readonly (readonly [string, string])[];

/** Who asks for what, until when. */
export interface Look {
  readonly actor: Actor;
  readonly run: ForecastRunRow;
  readonly where: Levels;
  readonly signal: AbortSignal;
}

type Reads = Pick<ForecastDeps, "objects" | "checks">;

/** Throws `input` `FORECAST_AXIS` for what is no axis of the run. */
function heldOf(run: ForecastRunRow, where: Levels): readonly Held[] {
  const axes = axesOf(run);
  return where.map(([text, level]) => {
    const { column, name } = findAxis(axes, text);
    const kind = column === "identifier" ? "item" : column.startsWith("metadata_") ? "metadata" : "dimension";
    return { kind, name, level };
  });
}

/** Reads a node over time. Throws `input` `FORECAST_AXIS`, `busy` `FORECAST_LOOK_LATE`. */
export async function readCurve(deps: Reads, look: Look): Promise<Curve> {
  const { actor, run, where } = look;
  const held = heldOf(run, where);
  const handles = await openHandles(deps, look);
  const tried = run.exports["backtest/forecasted-values"];
  const backtests = tried === undefined ? undefined : await deps.objects.readHandle(actor, tried.key, tried.version);
  const seed = hashText(JSON.stringify([run.id, held]));
  return await inTime(look, async (signal) => await deps.checks.run(curveJob, { ...handles, backtests, where: held, seed }, { signal }));
}

/** Reads the series of a node, step by step, those whose ids hold a text. Throws as `readCurve`. */
export async function readCells(deps: Reads, look: Look, holding: string): Promise<Cells> {
  const held = heldOf(look.run, look.where);
  const handles = await openHandles(deps, look);
  return await inTime(look, async (signal) => await deps.checks.run(cellsJob, { ...handles, where: held, holding }, { signal }));
}

/** Reads which series of a node deserve a look. Throws as `readCurve`. */
export async function readExceptions(deps: Reads, look: Look): Promise<Exceptions> {
  const { actor, run } = look;
  const held = heldOf(run, look.where);
  const { panel, forecast } = await openHandles(deps, look);
  const measured = run.exports["accuracy"];
  const accuracy = measured === undefined ? undefined : await deps.objects.readHandle(actor, measured.key, measured.version);
  return await inTime(look, async (signal) => await deps.checks.run(exceptionsJob, { panel, forecast, accuracy, where: held }, { signal }));
}

async function openHandles({ objects }: Reads, { actor, run }: Look) {
  const forecast = exportOf(run, "forecast");
  const { adjusted } = run.exports;
  return {
    panel: await objects.readHandle(actor, panelKey(run)),
    forecast: await objects.readHandle(actor, forecast.key, forecast.version),
    adjusted: adjusted === undefined ? undefined : await objects.readHandle(actor, adjusted.key, adjusted.version),
  };
}

const mostMs = 60_000;

/** Throws `busy` `FORECAST_LOOK_LATE` for what takes longer than a minute. */
async function inTime<Value>({ run, signal }: Pick<Look, "run" | "signal">, read: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  const late = AbortSignal.timeout(mostMs);
  try {
    return await read(AbortSignal.any([signal, late]));
  } catch (error) {
    if (!late.aborted) throw error;
    throw new StockroomError(
      "busy",
      "FORECAST_LOOK_LATE",
      `Expected an answer about ${run.id} within ${mostMs / 1_000} s but it takes longer. Ask for fewer series, or ask by SQL: stockroom sql`,
      { cause: error },
    );
  }
}
