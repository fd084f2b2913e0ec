// A finished run, read back from its folder: what it was asked, its panel, its forecasts, its models.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { StockroomError } from "../../platform/errors.ts";
import { fileBody, readTable } from "../../platform/formats/index.ts";
import type { Forecast, Panel } from "../engine/contract.ts";
import { parseInstant } from "../engine/scenario/apply.ts";
import type { RunModel } from "../workflows/run/contract.ts";
import { idsOf, labelOf } from "../workflows/run/rows.ts";
import { readRequest } from "./request.ts";
import type { RunRecord } from "./run.ts";

/** Reads `run.json`. Throws `missing` `RUN_MISSING`, `input` `RUN_UNREADABLE`. */
export async function readRecord(folder: string): Promise<RunRecord> {
  const file = path.join(folder, "run.json");
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new StockroomError(
      "missing",
      "RUN_MISSING",
      `Expected a finished run in ${folder} but there is no run.json. Make it with \`stockroom forecast run\`, or check the path.`,
      { facts: { folder }, cause },
    );
  });
  const parsed = parseJson(text);
  if (isRecord(parsed)) return parsed;
  throw new StockroomError("input", "RUN_UNREADABLE", `Expected ${file} to be what a run wrote but it is not. Run it again.`, {
    facts: { file },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is RunRecord =>
  typeof value === "object" && value !== null && "request" in value && "files" in value && "summary" in value && "key" in value;

/**
 * Reads the run's inputs again. Throws `conflict` `RUN_INPUTS_CHANGED` when a file is not what it was: its models would not fit it.
 */
export async function readPanel(folder: string, record: RunRecord, signal: AbortSignal): Promise<Panel> {
  for (const { kind, file, sha256 } of record.files) {
    const place = path.resolve(folder, file);
    const hash = createHash("sha256");
    for await (const chunk of fileBody(place, signal)) hash.update(chunk);
    if (hash.digest("hex") === sha256) continue;
    throw new StockroomError(
      "conflict",
      "RUN_INPUTS_CHANGED",
      `Expected the ${kind} file ${path.relative("", place)} to be the one that was forecast but it has changed. Run the forecast again.`,
      { facts: { file, kind } },
    );
  }
  const { inputs } = await readRequest(record.request, folder, { signal });
  return inputs.panel;
}

/** The models of a run. */
export async function readModel(folder: string): Promise<RunModel> {
  const read = (name: string): Promise<Uint8Array | undefined> =>
    readFile(path.join(folder, "model", name)).catch((thrown: unknown) => {
      if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
      throw thrown;
    });
  const plan = await read("plan.bin");
  if (plan === undefined) {
    throw new StockroomError(
      "missing",
      "RUN_MODEL_MISSING",
      `Expected the models of the run in ${folder}/model but they are gone. Run it again.`,
      {
        facts: { folder },
      },
    );
  }
  return { plan, global: await read("global.bin") };
}

/** What `forecast.csv` holds. */
export interface StoredForecasts {
  /** Columns that tell series apart. */
  readonly ids: readonly string[];
  /** By `keyOfIds`. */
  readonly forecasts: ReadonlyMap<string, Forecast>;
  /** When the steps begin (UTC). */
  readonly instants: readonly number[];
}

/** Reads `forecast.csv`. Throws `input` `RUN_UNREADABLE`. */
export async function readForecasts(folder: string, record: RunRecord, signal: AbortSignal): Promise<StoredForecasts> {
  const { horizon, quantiles: levels } = record.request;
  const file = path.join(folder, "forecast.csv");
  const broken = (): never => {
    throw new StockroomError("input", "RUN_UNREADABLE", `Expected ${file} to be what the run wrote but it is not. Run it again.`, {
      facts: { file },
    });
  };
  const table = await readTable(fileBody(file, signal), { name: file, onBadRow: broken, signal });
  const at = (name: string): number => (table.columns.includes(name) ? table.columns.indexOf(name) : broken());
  const places = { time: at("timestamp"), mean: at("mean"), quantiles: levels.map((level) => at(labelOf(level))) };
  const forecasts = new Map<string, Forecast>();
  const instants: number[] = [];
  let open: { readonly key: string; step: number; readonly forecast: Forecast } | undefined;
  for await (const { rows } of table.batches) {
    for (const row of rows) {
      const key = keyOfIds(row.slice(0, places.time));
      if (open?.key !== key) {
        open = {
          key,
          step: 0,
          forecast: { mean: new Float64Array(horizon), quantiles: new Float64Array(levels.length * horizon), levels },
        };
        forecasts.set(key, open.forecast);
      }
      if (forecasts.size === 1) instants.push(parseInstant(row[places.time] ?? "") ?? broken());
      open.forecast.mean[open.step] = Number(row[places.mean]);
      for (const [i, place] of places.quantiles.entries()) open.forecast.quantiles[i * horizon + open.step] = Number(row[place]);
      open.step += 1;
    }
  }
  return { ids: table.columns.slice(0, places.time), forecasts, instants };
}

/** Item and dimensions as one text; no two series share it. */
export const keyOfIds = (ids: readonly string[]): string => JSON.stringify(ids);

/** The same for a series of a panel. */
export const keyInPanel = (panel: Panel, index: number): string => keyOfIds(idsOf(panel, index));
