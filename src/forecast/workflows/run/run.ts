// The run: its stages in order, each over the chunks of the panel, each leaving its pieces in the store.
//
//   Concurrency: at most one task more than there are threads is on its way at a time, so that results do not pile up before a slow store.

import { eachBounded } from "../../../platform/concurrency/bounded.ts";
import type { ComputeOptions, ComputeTask } from "../../../platform/compute/contract.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { MixPlan } from "../../engine/combine/contract.ts";
import type { Panel } from "../../engine/contract.ts";
import type { PanelLifts } from "../../engine/events/lifts.ts";
import { agree, hierarchyFor, sumsOf } from "./reconcile.ts";
import type { RunModel, RunProgress, RunResult, RunSettings, RunStage, RunTools, SeriesResult } from "./contract.ts";
import { keyOf, numbersOf, sentOptions } from "./jobs.ts";
import { liftsOf } from "./lifted.ts";
import { lateModel, learnModels, type Learned } from "./global-model.ts";
import { mixJob } from "./mix-job.ts";
import { chunksOf, hashPanel, hashRun, pack, pieceMissing, unpackPlan, unpackResults, unpackSums } from "./pieces.ts";
import { planJob } from "./plan-job.ts";
import { openResult } from "./result.ts";
import { tryJob } from "./try-job.ts";

/** A run under way. Each stage may be called again: what is in the store is not made anew; a stage makes first what it needs of those before it. */
export interface Run {
  readonly key: string;
  /** The piece of the global model on everything: put there before `learn`, another run's serves in its place. */
  readonly globalPiece: string;
  /** The global model: at the earliest cut and on everything. Nothing where it cannot help. */
  learn(): Promise<void>;
  /** Every candidate on every series. The long part. */
  try(): Promise<void>;
  /** Weights and calibration, over all series. */
  plan(): Promise<void>;
  /** Forecast, backtests and their accuracy of every series; with a hierarchy, of every sum as well, made to agree. */
  mix(): Promise<void>;
  /** What `mix` left to forecast again with. */
  model(): Promise<RunModel>;
  /** Reads what `mix` left. Throws `FORECAST_PIECE_MISSING` while reading when it did not come to its end. */
  result(): RunResult;
}

function pieceName(key: string, stage: RunStage, part?: number): string {
  return `${stage}-${key.slice(0, 40)}${part === undefined ? "" : `-${String(part).padStart(5, "0")}`}`;
}

/** The piece that holds the global model of a run of that key. */
export const globalPieceOf = (key: string): string => pieceName(key, "learn", lateModel);

/**
 * Checks the settings and names the pieces of a run; starts nothing.
 *
 * Throws `input` `FORECAST_SETTINGS`. The panel must stay as it is until the run is done.
 */
export async function openRun(panel: Panel, settings: RunSettings, tools: RunTools): Promise<Run> {
  checkSettings(panel, settings);
  const { compute, chunks, signal } = tools;
  const key = hashRun(await hashPanel(panel), settings);
  const parts = chunksOf(panel);
  const options = sentOptions(panel, settings);
  const numbers = numbersOf(panel);
  const pieceOf = (stage: RunStage, part?: number): string => pieceName(key, stage, part);
  const say = (stage: RunStage, done: number, total: number): void => tools.onProgress?.({ stage, done, total } satisfies RunProgress);
  const computeOptions: ComputeOptions = signal === undefined ? {} : { signal };

  /** Makes the piece of every chunk that is not there yet, as many at a time as there are threads. */
  const overChunks = async <Input>(
    stage: "try" | "mix",
    task: ComputeTask<Input, Uint8Array>,
    inputOf: (part: number, from: number, to: number) => Promise<Input> | Input,
  ): Promise<void> => {
    const series = panel.offsets.length - 1;
    let done = 0;
    const missing: number[] = [];
    for (const [part, [from, to]] of parts.entries()) {
      if (await chunks.has(pieceOf(stage, part))) done += to - from;
      else missing.push(part);
    }
    say(stage, done, series);
    const make = async (part: number): Promise<void> => {
      const [from, to] = parts[part];
      const bytes = await compute.run(task, await inputOf(part, from, to), computeOptions);
      await chunks.put(pieceOf(stage, part), bytes);
      done += to - from;
      say(stage, done, series);
    };
    await eachBounded(missing, compute.threads + 1, make, signal);
  };

  let lifts: Promise<readonly PanelLifts[] | undefined> | undefined;
  const lift = (): Promise<readonly PanelLifts[] | undefined> => {
    lifts ??= liftsOf(panel, settings, tools);
    return lifts;
  };

  let learned: Promise<Learned | undefined> | undefined;
  const learn = (): Promise<Learned | undefined> => {
    learned ??= lift().then((known) =>
      learnModels({ panel, lifts: known }, settings, key, {
        ...tools,
        pieceOf: (part) => pieceOf("learn", part),
        say: (done, total) => say("learn", done, total),
      }),
    );
    return learned;
  };

  const tried = async (): Promise<void> => {
    const model = await learn();
    const seen = model === undefined ? numbers : panel;
    const known = await lift();
    await overChunks("try", tryJob, (_, from, to) => ({
      panel: seen,
      from,
      to,
      keys: Array.from({ length: to - from }, (_, at) => keyOf(panel, from + at)),
      options,
      learned: model,
      lifts: known,
    }));
  };

  const planned = async (): Promise<MixPlan> => {
    const piece = pieceOf("plan");
    if (!(await chunks.has(piece))) {
      await tried();
      say("plan", 0, 1);
      const trials: SharedArrayBuffer[] = [];
      for (const part of parts.keys()) {
        signal?.throwIfAborted();
        const bytes = await chunks.get(pieceOf("try", part));
        const shared = new SharedArrayBuffer(bytes.byteLength);
        new Uint8Array(shared).set(bytes);
        trials.push(shared);
      }
      await chunks.put(piece, await compute.run(planJob, { trials, options }, computeOptions));
    }
    say("plan", 1, 1);
    return unpackPlan(await chunks.get(piece));
  };

  const mixed = async (): Promise<void> => {
    const whole = await Promise.all(parts.map((_, part) => chunks.has(pieceOf("mix", part)))).then((found) => found.every(Boolean));
    if (whole) return say("mix", panel.offsets.length - 1, panel.offsets.length - 1);
    const plan = await planned();
    await overChunks("mix", mixJob, async (part, from, to) => ({
      panel: numbers,
      from,
      trials: await chunks.get(pieceOf("try", part)),
      plan: { series: plan.series.slice(from, to), calibrations: plan.calibrations },
      options,
    }));
  };

  const read = async (stage: "mix" | "agree", part: number): Promise<readonly SeriesResult[]> => {
    const name = pieceOf(stage, part);
    if (!(await chunks.has(name))) throw pieceMissing(name);
    return unpackResults(await chunks.get(name));
  };

  // The piece of the sums is written last: where it is, all are.
  const agreed = async (): Promise<void> => {
    if (settings.hierarchy.length === 0 || (await chunks.has(pieceOf("agree")))) return;
    const hierarchy = hierarchyFor(panel, settings.hierarchy);
    const total = parts.length;
    say("agree", 0, total);
    const sums = sumsOf(panel, hierarchy);
    const { onProgress: _, ...quiet } = tools;
    const upper = await runForecast(sums, { ...settings, hierarchy: [] }, quiet);
    const series: SeriesResult[] = [];
    for await (const each of upper.series(signal)) series.push(each);
    async function* lower(): AsyncGenerator<SeriesResult> {
      for (const part of parts.keys()) yield* await read("mix", part);
    }
    const agreement = await agree(panel, settings, hierarchy, { panel: sums, series }, lower(), tools);
    for (const part of parts.keys()) {
      signal?.throwIfAborted();
      await chunks.put(pieceOf("agree", part), pack(agreement.settle(await read("mix", part))));
      say("agree", part + 1, total);
    }
    await chunks.put(pieceOf("agree"), pack(agreement.sums));
  };

  const last = settings.hierarchy.length === 0 ? "mix" : "agree";
  return {
    key,
    globalPiece: globalPieceOf(key),
    learn: async () => void (await learn()),
    try: tried,
    plan: async () => void (await planned()),
    mix: async () => {
      await mixed();
      await agreed();
    },
    model: async () => ({
      plan: await chunks.get(pieceOf("plan")),
      global: await learn().then((model) => (model?.late === undefined ? undefined : Uint8Array.from(new Uint8Array(model.late)))),
    }),
    result: () =>
      openResult(panel, settings, key, {
        parts: parts.length,
        read: (part) => read(last, part),
        sums: async () => (last === "mix" ? [] : unpackSums(await chunks.get(pieceOf("agree")))),
      }),
  };
}

/**
 * Forecasts a panel: every model on every series, weighed by what they would have been worth in the past.
 *
 * Rejects with the signal's reason after an abort; called again with the same store it goes on. The same panel, settings and seed give the same
 * numbers on any number of threads.
 *
 * @example
 * const result = await runForecast(panel, settings, { compute: inlineCompute(), chunks: memoryChunks() });
 * for await (const { mixed } of result.series()) console.log(mixed.key, mixed.forecast?.mean);
 */
export async function runForecast(panel: Panel, settings: RunSettings, tools: RunTools): Promise<RunResult> {
  const run = await openRun(panel, settings, tools);
  await run.mix();
  return run.result();
}

const most = { levels: 99, windows: 20 } as const;

function checkSettings(panel: Panel, settings: RunSettings): void {
  const { levels, windows, offset } = settings;
  const { length, horizon } = panel.grid;
  const wrong = (expected: string, came: string | number, cure: string): never => {
    throw new StockroomError("input", "FORECAST_SETTINGS", `Expected ${expected} but ${came} came. ${cure}`);
  };
  if (panel.offsets.length < 2) wrong("at least one series", 0, "Check the target file.");
  if (!Number.isInteger(horizon) || horizon < 1) wrong("a horizon of at least one step", horizon, "Correct the horizon.");
  if (levels.length > most.levels) wrong(`at most ${most.levels} quantiles`, levels.length, "Ask for fewer.");
  if (levels.some((level, i) => !(level > 0 && level < 1) || (i > 0 && !(level > levels[i - 1]))))
    wrong("quantiles between 0 and 1 in rising order", levels.join(", "), "Correct them.");
  if (settings.hierarchy.length > 0) {
    if (levels.length < 2) wrong("two quantiles or more for sums that agree", levels.length, "Ask for quantiles such as 0.1, 0.5, 0.9.");
    hierarchyFor(panel, settings.hierarchy);
  }
  if (!Number.isInteger(windows) || windows < 0 || windows > most.windows)
    wrong(`0 to ${most.windows} backtest windows`, windows, "Correct their number.");
  if (windows > 0 && (!Number.isInteger(offset) || offset < horizon))
    wrong(`a backtest offset of at least the horizon (${horizon} steps)`, offset, "Raise it.");
  if (windows > 0 && offset >= length)
    wrong(`a backtest offset shorter than the history (${length} steps)`, offset, "Lower it, or ask for no backtest windows.");
}
