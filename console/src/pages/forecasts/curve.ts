// Arithmetic of curves: aligning, bands, sums. No component.

import type { AnswerOf } from "../../data/client.ts";

type Curve = AnswerOf<"GET /api/forecast/runs/:id/curve">;
type Values = readonly (number | null)[];

export const sumOf = (values: Values): number => values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** A stamp of the files (`2026-11-23`, `2026-11-23 15:00:00`) in seconds, UTC. */
export const secondsOf = (stamp: string): number => Date.parse(stamp.includes(" ") ? `${stamp.replace(" ", "T")}Z` : stamp) / 1_000;

/** Which of the instants lie in a stretch of seconds; all, where it holds fewer than two or is none. */
export function zoomed(
  instants: readonly string[],
  fromSeconds: number,
  toSeconds: number,
): { readonly from: number; readonly to: number } {
  const all = { from: 0, to: instants.length };
  if (!(toSeconds > fromSeconds)) return all;
  const from = instants.findIndex((stamp) => secondsOf(stamp) >= fromSeconds);
  const to = instants.findLastIndex((stamp) => secondsOf(stamp) <= toSeconds) + 1;
  return from < 0 || to - from < 2 ? all : { from, to };
}

/** What was sold a year before each instant; none where the frequency has no year. */
export function yearBefore({ instants, history, yearSteps }: Pick<Curve, "instants" | "history" | "yearSteps">): Values {
  return instants.map((_, t) => (yearSteps === null ? null : (history[t - yearSteps] ?? null)));
}

/** The mean of another forecast, at the instants of this one. */
export function alignedTo(instants: readonly string[], other: Pick<Curve, "instants" | "split" | "system">): Values {
  const at = new Map(other.instants.map((stamp, t) => [stamp, t]));
  return instants.map((stamp) => {
    const t = at.get(stamp);
    return t === undefined ? null : (other.system?.mean[t - other.split] ?? null);
  });
}

export interface FanBand {
  readonly title: string;
  readonly low: Values;
  readonly high: Values;
  readonly strength: number;
}

const percentText = (level: number): string => `${Number((100 * level).toFixed(2))} %`;

/** Pairs of quantiles around the middle, the widest first. */
export function bandsOf({ levels, instants, split, system }: Pick<Curve, "levels" | "instants" | "split" | "system">): readonly FanBand[] {
  if (system === null) return [];
  const before = instants.slice(0, split).map(() => null);
  return levels.flatMap((level, i): FanBand[] => {
    const mirror = levels.length - 1 - i;
    const [low, high] = [system.quantiles[i], system.quantiles[mirror]];
    if (i >= mirror || low === undefined || high === undefined) return [];
    const title = `${percentText(level)} to ${percentText(levels[mirror] ?? 0)}`;
    return [{ title, low: [...before, ...low], high: [...before, ...high], strength: 0.16 + 0.08 * i }];
  });
}

/** How the band of a node came about, for people. */
export function summedText({ summed: { method, paths, windows }, forecast }: Pick<Curve, "summed" | "forecast">): string {
  if (method === "own") return "The band is the series' own quantiles.";
  if (method === "none") return "";
  const how = `Quantiles do not add up. The band is read off ${paths} joint draws of all ${forecast} series`;
  return method === "joint draws"
    ? `${how}, which go together as their errors did in ${windows} backtest ${windows === 1 ? "window" : "windows"}.`
    : `${how}, taken as independent of each other.`;
}
