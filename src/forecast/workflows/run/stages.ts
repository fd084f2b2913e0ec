// The stages of a run: each over the chunks of the panel, each leaving its pieces in the store.
//
//   Concurrency: at most one task more than there are threads is on its way at a time, so that results do not pile up before a slow store.

import type { ComputeOptions, ComputeTask } from "../../../platform/compute/contract.ts";
import type { MixPlan } from "../../engine/combine/contract.ts";
import type { Panel } from "../../engine/contract.ts";
import type { PanelLifts } from "../../engine/events/lifts.ts";
import type { RunSettings, RunStage, RunTools, SeriesResult, SumResult } from "./contract.ts";
import { lateModel, learnGlobal, type GlobalModels } from "./global-model.ts";
import { keyOf, numbersOf, sentOptions, type SentOptions } from "./jobs.ts";
import { liftsOf } from "./lifted.ts";
import { mixJob } from "./mix-job.ts";
import { chunksOf, pack, pieceMissing, unpackPlan, unpackResults, unpackSums } from "./pieces.ts";
import { planJob } from "./plan-job.ts";
import { hierarchyFor, reconcileRun, sumsOf } from "./reconcile.ts";
import { tryJob } from "./try-job.ts";

/** What every stage of a run works on. */
export interface RunContext {
  readonly panel: Panel;
  /** The panel without its texts, for threads. */
  readonly numbers: Panel;
  readonly settings: RunSettings;
  readonly options: SentOptions;
  readonly key: string;
  readonly tools: RunTools;
  /** The chunks of the panel: series `[from, to)`. */
  readonly ranges: readonly (readonly [from: number, to: number])[];
  /** What events do, worked out once. */
  lifts(): Promise<readonly PanelLifts[] | undefined>;
  /** The stage `learn`, done once. */
  globalModels(): Promise<GlobalModels | undefined>;
}

/** As pieces are called in stores: a name on disk does not change with ours. */
const pieceWords: Readonly<Record<RunStage, string>> = { learn: "learn", try: "try", plan: "plan", mix: "mix", reconcile: "agree" };

function pieceName(key: string, stage: RunStage, chunk?: number): string {
  return `${pieceWords[stage]}-${key.slice(0, 40)}${chunk === undefined ? "" : `-${String(chunk).padStart(5, "0")}`}`;
}

/** The piece that holds the global model of a run of that key. */
export const globalPieceOf = (key: string): string => pieceName(key, "learn", lateModel);

const pieceOf = ({ key }: RunContext, stage: RunStage, chunk?: number): string => pieceName(key, stage, chunk);

const report = ({ tools }: RunContext, stage: RunStage, done: number, total: number): void => tools.onProgress?.({ stage, done, total });

const computeOptionsOf = ({ tools: { signal } }: RunContext): ComputeOptions => (signal === undefined ? {} : { signal });

export function openContext(panel: Panel, settings: RunSettings, key: string, tools: RunTools): RunContext {
  let lifts: Promise<readonly PanelLifts[] | undefined> | undefined;
  let models: Promise<GlobalModels | undefined> | undefined;
  const context: RunContext = {
    panel,
    numbers: numbersOf(panel),
    settings,
    options: sentOptions(panel, settings),
    key,
    tools,
    ranges: chunksOf(panel),
    lifts: () => (lifts ??= liftsOf(panel, settings, tools)),
    globalModels: () =>
      (models ??= context.lifts().then((known) =>
        learnGlobal({ panel, lifts: known }, settings, key, {
          ...tools,
          pieceOf: (number) => pieceOf(context, "learn", number),
          say: (done, total) => report(context, "learn", done, total),
        }),
      )),
  };
  return context;
}

/** Makes the piece of every chunk that is not there yet, as many at a time as there are threads. */
async function overChunks<Input>(
  context: RunContext,
  stage: "try" | "mix",
  task: ComputeTask<Input, Uint8Array>,
  inputOf: (chunk: number, from: number, to: number) => Promise<Input> | Input,
): Promise<void> {
  const { panel, ranges } = context;
  const { chunks, compute, signal } = context.tools;
  const series = panel.offsets.length - 1;
  let done = 0;
  const missing: number[] = [];
  for (const [chunk, [from, to]] of ranges.entries()) {
    if (await chunks.has(pieceOf(context, stage, chunk))) done += to - from;
    else missing.push(chunk);
  }
  report(context, stage, done, series);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < missing.length) {
      signal?.throwIfAborted();
      const chunk = missing[next++];
      const [from, to] = ranges[chunk];
      const bytes = await compute.run(task, await inputOf(chunk, from, to), computeOptionsOf(context));
      await chunks.put(pieceOf(context, stage, chunk), bytes);
      done += to - from;
      report(context, stage, done, series);
    }
  };
  // All workers end before an error is told, so that nobody cleans up under one that still writes.
  const ends = await Promise.allSettled(Array.from({ length: Math.min(missing.length, compute.threads + 1) }, work));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Every candidate on every series. */
export async function tryCandidates(context: RunContext): Promise<void> {
  const { panel, numbers, options } = context;
  const models = await context.globalModels();
  const lifts = await context.lifts();
  await overChunks(context, "try", tryJob, (_, from, to) => ({
    panel: models === undefined ? numbers : panel,
    from,
    to,
    keys: Array.from({ length: to - from }, (_each, at) => keyOf(panel, from + at)),
    options,
    globalModels: models,
    lifts,
  }));
}

/** Weights and calibration, over all series. */
export async function planMixes(context: RunContext): Promise<MixPlan> {
  const { chunks, compute, signal } = context.tools;
  const piece = pieceOf(context, "plan");
  if (!(await chunks.has(piece))) {
    await tryCandidates(context);
    report(context, "plan", 0, 1);
    const trials: SharedArrayBuffer[] = [];
    for (const chunk of context.ranges.keys()) {
      signal?.throwIfAborted();
      const bytes = await chunks.get(pieceOf(context, "try", chunk));
      const shared = new SharedArrayBuffer(bytes.byteLength);
      new Uint8Array(shared).set(bytes);
      trials.push(shared);
    }
    await chunks.put(piece, await compute.run(planJob, { trials, options: context.options }, computeOptionsOf(context)));
  }
  report(context, "plan", 1, 1);
  return unpackPlan(await chunks.get(piece));
}

/** Forecast, backtests and their accuracy of every series. */
export async function mixForecasts(context: RunContext): Promise<void> {
  const { panel, numbers, options, ranges } = context;
  const { chunks } = context.tools;
  const found = await Promise.all(ranges.map((_, chunk) => chunks.has(pieceOf(context, "mix", chunk))));
  const series = panel.offsets.length - 1;
  if (found.every(Boolean)) return report(context, "mix", series, series);
  const plan = await planMixes(context);
  await overChunks(context, "mix", mixJob, async (chunk, from, to) => ({
    panel: numbers,
    from,
    trials: await chunks.get(pieceOf(context, "try", chunk)),
    plan: { series: plan.series.slice(from, to), calibrations: plan.calibrations },
    options,
  }));
}

/** The series of a chunk as a stage left them. Throws `fault` `FORECAST_PIECE_MISSING`. */
export async function readChunk(context: RunContext, stage: "mix" | "reconcile", chunk: number): Promise<readonly SeriesResult[]> {
  const { chunks } = context.tools;
  const name = pieceOf(context, stage, chunk);
  if (!(await chunks.has(name))) throw pieceMissing(name);
  return unpackResults(await chunks.get(name));
}

/** The sums that `reconcileSums` left. */
export const readSums = async (context: RunContext): Promise<readonly SumResult[]> =>
  unpackSums(await context.tools.chunks.get(pieceOf(context, "reconcile")));

/** The plan's bytes. */
export const readPlan = async (context: RunContext): Promise<Uint8Array> => await context.tools.chunks.get(pieceOf(context, "plan"));

/** Forecasts the sums of the hierarchy, `forecastSums` as a run of their own, and reconciles all levels. The piece of the sums is written last: where it is, all are. */
export async function reconcileSums(context: RunContext, forecastSums: (sums: Panel) => AsyncIterable<SeriesResult>): Promise<void> {
  const { panel, settings, ranges, tools } = context;
  const { chunks, signal } = tools;
  if (settings.hierarchy.length === 0 || (await chunks.has(pieceOf(context, "reconcile")))) return;
  const hierarchy = hierarchyFor(panel, settings.hierarchy);
  report(context, "reconcile", 0, ranges.length);
  const sums = sumsOf(panel, hierarchy);
  const series: SeriesResult[] = [];
  for await (const each of forecastSums(sums)) series.push(each);
  async function* bottom(): AsyncGenerator<SeriesResult> {
    for (const chunk of ranges.keys()) yield* await readChunk(context, "mix", chunk);
  }
  const reconciled = await reconcileRun({ panel, settings, hierarchy, sums: { panel: sums, series }, bottom: bottom() }, tools);
  for (const chunk of ranges.keys()) {
    signal?.throwIfAborted();
    await chunks.put(pieceOf(context, "reconcile", chunk), pack(reconciled.apply(await readChunk(context, "mix", chunk))));
    report(context, "reconcile", chunk + 1, ranges.length);
  }
  await chunks.put(pieceOf(context, "reconcile"), pack(reconciled.sums));
}
