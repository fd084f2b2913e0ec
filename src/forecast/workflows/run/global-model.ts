// The global model, once as it stood at the earliest backtest cut and once on everything, and its forecasts as a candidate of the mix.
//
//   Q1. The model of the earliest cut serves all windows: its trees saw nothing after that cut, its features nothing after the window's own.
//   Q2. It is learned and asked without the events whose lifts are known, like every model; the mix puts them onto what it says.

import type { GivenForecast, MixOptions } from "../../engine/combine/contract.ts";
import { yearlySeason, type YearlySeason } from "../../engine/combine/yearly.ts";
import { trialLevels } from "../../engine/combine/trial.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { type PanelLifts, withoutEvents } from "../../engine/events/lifts.ts";
import { forecastReady, readyGlobal, type ReadyGlobal } from "../../engine/global/global.ts";
import type { RunSettings, RunTools } from "./contract.ts";
import { sentOptions } from "./jobs.ts";
import { learnJob } from "./global-model-job.ts";
import { unpackGlobal } from "./pieces.ts";

/** A model learned from the whole panel, as it crosses threads: packed, in shared memory. */
export interface GlobalModels {
  /** Names panel and settings. */
  readonly key: string;
  /** As it stood at the earliest cut. Absent without a backtest, or where too little lay before it. */
  readonly early: SharedArrayBuffer | undefined;
  readonly late: SharedArrayBuffer | undefined;
}

/** A panel, and what its events do at every cut. */
export interface LiftedPanel {
  readonly panel: Panel;
  readonly lifts: readonly PanelLifts[] | undefined;
}

/** The panel without events as it stood at `cut`; without the regressors of events known at `learnedAt`, when the model was learned. */
export function panelAt({ panel, lifts }: LiftedPanel, cut: number, fittedAt: number = cut): Panel {
  const own = lifts?.find((each) => each.cut === cut);
  return own === undefined ? panel : withoutEvents(panel, own, lifts?.find((each) => each.cut === fittedAt)?.names);
}

/** The factors of a long season, made at each cut of what stood before it without events. */
export function yearlyWithout(lifted: LiftedPanel): YearlySeason | undefined {
  const { panel, lifts } = lifted;
  const plain = yearlySeason(panel);
  if (plain === undefined || lifts === undefined) return plain;
  const made = new Map(lifts.map(({ cut }) => [cut, yearlySeason(panelAt(lifted, cut))]));
  return (index, cut) => (made.get(cut) ?? plain)(index, cut);
}

export interface LearnTools extends RunTools {
  /** Name of a piece of this stage. */
  readonly pieceOf: (part: number) => string;
  readonly say: (done: number, total: number) => void;
}

/** The number of the piece that holds the model on everything. */
export const lateModel = 1;

/** With fewer series there is nothing that one could learn from the others. */
const leastSeries = 5;

/** The instants at which the windows asked for begin, oldest first; those before the panel are left out. */
export function cutsOf(panel: Panel, { windows, offset }: Pick<RunSettings, "windows" | "offset">): readonly number[] {
  const { length, horizon } = panel.grid;
  return Array.from({ length: windows }, (_, w) => length - offset - (windows - 1 - w) * horizon).filter((cut) => cut > 0);
}

/** Learns what can be learned from the whole panel; undefined where that is nothing, or nobody asked for it. */
export async function learnGlobal(
  lifted: LiftedPanel,
  settings: RunSettings,
  key: string,
  tools: LearnTools,
): Promise<GlobalModels | undefined> {
  const { panel } = lifted;
  const wanted = settings.models === "auto" ? panel.offsets.length > leastSeries : settings.models.includes("global");
  if (!wanted) return undefined;
  const { compute, chunks, signal, pieceOf, say } = tools;
  const cuts = [cutsOf(panel, settings)[0], panel.grid.length];
  const options = sentOptions(panel, settings);
  let done = 0;
  say(done, cuts.length);
  const learn = async (cut: number | undefined, part: number): Promise<SharedArrayBuffer | undefined> => {
    if (cut === undefined) return undefined;
    const piece = pieceOf(part);
    if (!(await chunks.has(piece)))
      await chunks.put(
        piece,
        await compute.run(learnJob, { panel: panelAt(lifted, cut), cut, options }, signal === undefined ? {} : { signal }),
      );
    const bytes = await chunks.get(piece);
    done += 1;
    say(done, cuts.length);
    if (unpackGlobal(bytes).kind === "unfit") return undefined;
    const shared = new SharedArrayBuffer(bytes.byteLength);
    new Uint8Array(shared).set(bytes);
    return shared;
  };
  const ends = await Promise.allSettled(cuts.map(learn));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const [early, late] = ends.map((end) => (end.status === "fulfilled" ? end.value : undefined));
  return late === undefined ? undefined : { key, early, late };
}

/** A model made ready for every cut, in one thread. */
interface Ready {
  readonly key: string;
  readonly windows: readonly (ReadyGlobal | undefined)[];
  readonly future: ReadyGlobal | undefined;
}

// Making ready reads the whole panel, so a thread keeps it from chunk to chunk; a while after the last one it lets go of the panel.
let kept: Ready | undefined;
let forget: NodeJS.Timeout | undefined;
const keptMs = 20_000;

function ready(models: GlobalModels, lifted: LiftedPanel, options: Pick<MixOptions, "windows" | "offset">): Ready {
  clearTimeout(forget);
  forget = setTimeout(() => (kept = undefined), keptMs);
  forget.unref();
  if (kept?.key === models.key) return kept;
  const cuts = cutsOf(lifted.panel, options);
  const open = (bytes: SharedArrayBuffer | undefined, cut: number, fittedAt: number): ReadyGlobal | undefined => {
    const model = bytes === undefined ? undefined : unpackGlobal(new Uint8Array(bytes));
    return model === undefined || model.kind === "unfit" ? undefined : readyGlobal(model, panelAt(lifted, cut, fittedAt), cut);
  };
  const { length } = lifted.panel.grid;
  kept = {
    key: models.key,
    windows: cuts.map((cut) => open(models.early, cut, cuts[0])),
    future: open(models.late, length, length),
  };
  return kept;
}

/** The forecasts of a learned model for series `[from, to)`, as candidates of the mix. */
export function givenForecasts(
  models: GlobalModels,
  lifted: LiftedPanel,
  [from, to]: readonly [from: number, to: number],
  options: MixOptions,
): readonly (readonly GivenForecast[])[] {
  const { windows, future } = ready(models, lifted, options);
  const levels = trialLevels(options.levels);
  const ask = (one: ReadyGlobal | undefined): readonly Forecast[] | undefined =>
    one === undefined ? undefined : forecastReady(one, { from, to }, options.horizon, levels);
  const tried = windows.map(ask);
  const ahead = ask(future);
  // Windows that begin before the panel are no one's.
  const absent = Array.from({ length: options.windows - tried.length }, () => undefined);
  return Array.from({ length: to - from }, (_, at) => [
    { name: "global" as const, windows: [...absent, ...tried.map((window) => window?.[at])], future: ahead?.[at] },
  ]);
}
