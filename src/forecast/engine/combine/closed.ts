// Closed: steps of a season on which nothing ever sells, as a shop's Sundays or an office's nights. A model's spread is no reason to expect a sale there.
//
//   Z1. Decided from what lay before a cut alone. A step known to differ from all such days (open, by a number known ahead) is not closed.

import type { Series } from "../contract.ts";

/** So many of a phase's latest known values in a row were nothing. By the rule of succession the next is something in one of ten at most. */
const fewest = 8;
/** Were the phase like the others, so many nothings in a row would come less often than this. */
const chance = 1e-3;

/**
 * What models are shown of the values before `end`: closed steps are no demand of nothing, they are no demand at all. As zeros they made a steady shop
 * one of rare sales, with spreads and levels of such. The values themselves where nothing is closed.
 */
export function withoutClosed(series: Series, end: number): Float64Array {
  let shown = series.values.subarray(0, end);
  for (const season of series.seasons) {
    if (!isLookedAt(season, end)) continue;
    const phases = closedPhases(series, end, season);
    if (phases === undefined) continue;
    shown = shown.map((value, t) => (value === 0 && phases[t % season] === 1 ? Number.NaN : value));
  }
  return shown;
}

/** Of a longer season no phase has been seen often enough. */
const isLookedAt = (season: number, end: number): boolean => Number.isInteger(season) && season >= 2 && fewest * season <= end;

/** Which of the steps `[end, end + horizon)` are closed, by the values before `end`; undefined where none is. Values must mean demand. */
export function closedSteps(series: Series, end: number, horizon: number): Uint8Array | undefined {
  let closed: Uint8Array | undefined;
  for (const season of series.seasons) {
    if (!isLookedAt(season, end)) continue;
    const phases = closedPhases(series, end, season);
    if (phases === undefined) continue;
    for (let h = 0; h < horizon; h++) {
      const phase = (end + h) % season;
      if (phases[phase] === 0 || differs(series, end, end + h, season)) continue;
      closed ??= new Uint8Array(horizon);
      closed[h] = 1;
    }
  }
  return closed;
}

function closedPhases({ values }: Series, end: number, season: number): Uint8Array | undefined {
  const run = new Int32Array(season);
  const ended = new Uint8Array(season);
  for (let t = end - 1; t >= 0; t--) {
    const phase = t % season;
    if (ended[phase] === 1 || Number.isNaN(values[t])) continue;
    if (values[t] === 0) run[phase]++;
    else ended[phase] = 1;
  }
  const phases = Uint8Array.from(run, (length) => (length >= fewest ? 1 : 0));
  if (!phases.includes(1)) return undefined;
  let known = 0;
  let sales = 0;
  for (let t = 0; t < end; t++) {
    if (phases[t % season] === 1 || Number.isNaN(values[t])) continue;
    known++;
    if (values[t] !== 0) sales++;
  }
  const idle = known === 0 ? 1 : 1 - sales / known;
  return idle ** fewest < chance ? phases : undefined;
}

/** Whether some number known ahead says of step `t` what it said on none of the phase's days before `end`. */
function differs({ regressors }: Series, end: number, t: number, season: number): boolean {
  return regressors.some(({ values }) => {
    const own = values[t];
    if (Number.isNaN(own)) return false;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let s = t - season; s >= 0; s -= season) {
      if (s >= end || Number.isNaN(values[s])) continue;
      least = Math.min(least, values[s]);
      most = Math.max(most, values[s]);
    }
    return own < least || own > most;
  });
}
