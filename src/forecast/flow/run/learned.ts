// Learned: what is learned from all series at once, before each is tried on its own.

import type { Panel } from "../../engine/contract.ts";
import type { GivenForecast, MixOptions } from "../../engine/combine/contract.ts";
import type { RunSettings, RunTools } from "./contract.ts";

/** A model learned from the whole panel, as it crosses threads. */
export interface Learned {
  /** As it stood at the earliest cut, and on everything. */
  readonly early: SharedArrayBuffer | undefined;
  readonly late: SharedArrayBuffer | undefined;
}

export interface LearnTools extends RunTools {
  readonly piece: string;
  readonly say: (done: number, total: number) => void;
}

/** Learns what can be learned from the whole panel; undefined where that is nothing. */
export function learnModels(_panel: Panel, _settings: RunSettings, _tools: LearnTools): Promise<Learned | undefined> {
  return Promise.resolve(undefined);
}

/** The forecasts of a learned model for series `[from, to)`, as candidates of the mix. */
export function givenForecasts(
  _learned: Learned,
  _panel: Panel,
  from: number,
  to: number,
  _options: MixOptions,
): readonly (readonly GivenForecast[])[] {
  return Array.from({ length: to - from }, () => []);
}
