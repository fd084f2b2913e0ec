// Pieces: what a run keeps between its stages, their names, and the plain bytes they are made of.
//
//   I1. A name holds the SHA-256 of everything the piece depends on: a piece is never stale, only unneeded.

import { createHash, type Hash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import { StockroomError } from "../../../platform/errors.ts";
import type { Panel, Unfit } from "../../engine/contract.ts";
import type { GlobalModel } from "../../engine/global/global.ts";
import type { MixPlan, Trial } from "../../engine/combine/contract.ts";
import type { ChunkStore, RunSettings, SeriesResult, SumResult } from "./contract.ts";

/** Raised when the same panel and settings come to give other numbers, so that pieces of an older program are not taken up. */
export const programOfRuns = 16;

const hashedAtOnce = 1 << 23;

/** Hashes numbers a few megabytes at a time, so that a large panel does not hold up whoever else runs in this thread. */
async function addNumbers(hash: Hash, numbers: Float64Array | Float32Array | Int32Array): Promise<void> {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  for (let from = 0; from < bytes.length; from += hashedAtOnce) {
    hash.update(bytes.subarray(from, from + hashedAtOnce));
    if (bytes.length > hashedAtOnce) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** SHA-256 (hex) of all that a panel holds. */
export async function hashPanel(panel: Panel): Promise<string> {
  const hash = createHash("sha256");
  const { grid, itemIds, dimensions, metadata, regressors, shared, seasons } = panel;
  const names = [...dimensions, ...metadata].map(({ name, levels }) => [name, levels]);
  const parts = [dimensions.length, metadata.length, ...regressors.map(({ name }) => name), ...shared.map(({ name }) => name)];
  hash.update(JSON.stringify([grid, itemIds, names, parts, seasons]));
  await addNumbers(hash, panel.offsets);
  await addNumbers(hash, panel.values);
  for (const { codes } of [...dimensions, ...metadata]) await addNumbers(hash, codes);
  for (const { values } of [...regressors, ...shared]) await addNumbers(hash, values);
  return hash.digest("hex");
}

/** SHA-256 (hex) of a run: the same for the same results. */
export function hashRun(panelHash: string, settings: RunSettings): string {
  const { levels, windows, offset, models, nonNegative, seed, hierarchy } = settings;
  const hashed = JSON.stringify([programOfRuns, panelHash, levels, windows, offset, models, nonNegative, seed, hierarchy]);
  return createHash("sha256").update(hashed).digest("hex");
}

/** Plain values with typed arrays as bytes; the functions below give them back. Only for bytes of our own making. */
export const pack = (
  value: readonly Trial[] | MixPlan | readonly SeriesResult[] | readonly SumResult[] | GlobalModel | Unfit,
): Uint8Array => serialize(value);

// Pieces are named by content and made by this program: their form is known.
/* oxlint-disable typescript/no-unsafe-type-assertion */
export const unpackTrials = (bytes: Uint8Array): readonly Trial[] => deserialize(bytes) as readonly Trial[];
export const unpackPlan = (bytes: Uint8Array): MixPlan => deserialize(bytes) as MixPlan;
export const unpackResults = (bytes: Uint8Array): readonly SeriesResult[] => deserialize(bytes) as readonly SeriesResult[];
export const unpackGlobal = (bytes: Uint8Array): GlobalModel | Unfit => deserialize(bytes) as GlobalModel | Unfit;
export const unpackSums = (bytes: Uint8Array): readonly SumResult[] => deserialize(bytes) as readonly SumResult[];
/* oxlint-enable */

/** The global model of a piece; undefined where too little was there to learn one. */
export function unpackFitted(bytes: Uint8Array): GlobalModel | undefined {
  const model = unpackGlobal(bytes);
  return model.kind === "unfit" ? undefined : model;
}

/** Pieces in memory, for tests and small panels. */
export function memoryChunks(): ChunkStore & { readonly pieces: ReadonlyMap<string, Uint8Array> } {
  const pieces = new Map<string, Uint8Array>();
  return {
    pieces,
    has: (name) => Promise.resolve(pieces.has(name)),
    put: (name, bytes) => {
      pieces.set(name, bytes);
      return Promise.resolve();
    },
    get: (name) => {
      const found = pieces.get(name);
      if (found !== undefined) return Promise.resolve(found);
      return Promise.reject(pieceMissing(name));
    },
  };
}

/** The error of a piece that should be there and is not. */
export function pieceMissing(name: string, cause?: unknown): StockroomError {
  return new StockroomError("fault", "FORECAST_PIECE_MISSING", `Expected the piece ${name} of a run but it is gone. Run it again.`, {
    facts: { piece: name },
    cause,
  });
}

/**
 * Cuts the series of a panel into runs of neighbours `[from, to)` of about equal weight: enough for every thread and for a fine progress, few
 * enough that handing one out costs nothing. Depends on the panel alone.
 */
export function chunksOf(panel: Panel): readonly (readonly [from: number, to: number])[] {
  const series = panel.offsets.length - 1;
  const perSeries = 100;
  const weight = panel.offsets[series] + series * perSeries;
  const target = Math.max(600, Math.min(400_000, weight / 96));
  const chunks: (readonly [number, number])[] = [];
  let from = 0;
  while (from < series) {
    let to = from;
    for (let held = 0; to < series && held < target; to++) held += panel.offsets[to + 1] - panel.offsets[to] + perSeries;
    chunks.push([from, to]);
    from = to;
  }
  return chunks;
}
