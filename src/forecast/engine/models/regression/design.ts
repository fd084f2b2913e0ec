// The columns of the regression: a trend that may bend, seasons as waves, and what is known ahead.
//
// Owns: which columns a series gets and their numbers for any stretch of the grid. Does not own: how strongly they are held back, or the errors.
//   D1. A column is a function of the grid index and of regressors alone, never of the target: the same index gives the same number in every fit.
//   D2. What a column is centred and scaled by is fixed when the structure is made, so a longer history does not move it.

import type { Regressor, Series } from "../../contract.ts";

/** Which prior strength a column obeys. */
export const groups = { free: 0, knots: 1, seasons: 2, regressors: 3 } as const;

/** One regressor as one column. */
interface Input {
  readonly name: string;
  /** Place in `series.regressors`. */
  readonly index: number;
  /** Steps ahead that are looked at: 1 is the eve of a holiday, -1 the day after, 0 the step itself. */
  readonly lead: number;
  /** Prices act by their ratio to the usual price. */
  readonly log: boolean;
  readonly centre: number;
  readonly scale: number;
  /** Stands where nothing is known and nothing was known before. */
  readonly blank: number;
  /** A switch (0 or 1): unknown means off, not the last value. */
  readonly binary: boolean;
}

/** The shape of a fit without its coefficients. */
export interface Structure {
  /** Grid index at which trend time is 0. */
  readonly origin: number;
  /** Steps in which trend time grows by 1. */
  readonly span: number;
  /** Grid indices where the trend may bend, ascending. */
  readonly knots: Float64Array;
  /** Waves: `cycles[i]` is the frequency in cycles per step, ascending within a season. */
  readonly cycles: Float64Array;
  /** Number of columns: 2 + knots + twice the waves (once for a wave of two steps) + inputs. */
  readonly width: number;
  readonly inputs: readonly Input[];
  /** Per column, see `groups`. */
  readonly group: Uint8Array;
  /** Per column: the penalty relative to its group's strength. */
  readonly weight: Float64Array;
  readonly names: readonly string[];
}

const maxInputs = 60;
const nyquist = 0.5;

/** How many waves a season of `period` steps gets: all that fit for short ones, fewer for long and smooth ones. */
function waves(period: number, steps: number): number {
  const fit = Math.floor(period / 2 + 1e-9);
  const wanted = period <= 31 ? fit : period <= 100 ? 8 : period <= 200 ? 24 : 8;
  // Two rounds are needed to tell a season from a trend; with less, only its slowest waves.
  return Math.min(fit, steps < 2 * period ? Math.min(wanted, 2) : wanted);
}

/**
 * Decides the columns for a history of which `[start, series.values.length)` counts, with `count` known values in it.
 *
 * Knots stand evenly over the first 85 % (80 % in Taylor & Letham 2018), one per ten values and at most 12. A season is taken from 1.5 rounds on;
 * waves shared by two seasons are taken once. Rare switches (holidays) also act a step before and a step after. A regressor that never moved in
 * the history has no column.
 */
export function makeStructure(series: Series, start: number, count: number): Structure {
  const steps = series.values.length - start;
  const origin = series.position + start;
  const names = ["level", "slope"];
  const group: number[] = [groups.free, groups.free];
  const weight: number[] = [0, 0];

  const knotCount = steps < 16 ? 0 : Math.min(12, Math.floor(count / 10));
  const knots = new Float64Array(knotCount);
  for (let k = 0; k < knotCount; k++) {
    knots[k] = origin + Math.round((0.85 * steps * (k + 1)) / (knotCount + 1));
    names.push(`bend ${k + 1}`);
    group.push(groups.knots);
    weight.push(1);
  }

  const cycles: number[] = [];
  for (const period of series.seasons) {
    if (!(period > 1) || steps < 1.5 * period) continue;
    const wanted = waves(period, steps);
    for (let k = 1; k <= wanted && 2 * cycles.length < count / 2; k++) {
      const cycle = k / period;
      if (cycle > nyquist + 1e-9 || cycles.some((known) => Math.abs(known - cycle) * steps < 0.25)) continue;
      cycles.push(cycle);
      for (const part of cycle > nyquist - 1e-9 ? ["cos"] : ["cos", "sin"]) {
        names.push(`${part} ${k}/${period}`);
        group.push(groups.seasons);
        // Smooth shapes first: the k-th wave of a smooth season shrinks at least like 1/k.
        weight.push(0.5 + 0.5 * k * k * Math.min(1, 12 / period));
      }
    }
  }

  const inputs = makeInputs(series, start);
  for (const input of inputs) {
    names.push(input.lead === 0 ? input.name : `${input.name} ${input.lead > 0 ? "ahead" : "after"}`);
    group.push(groups.regressors);
    weight.push(1);
  }
  return {
    origin,
    span: Math.max(1, steps),
    knots,
    cycles: Float64Array.from(cycles),
    width: names.length,
    inputs,
    group: Uint8Array.from(group),
    weight: Float64Array.from(weight),
    names,
  };
}

function makeInputs(series: Series, start: number): Input[] {
  const length = series.values.length;
  const inputs: Input[] = [];
  for (let index = 0; index < series.regressors.length; index++) {
    const { name, values } = series.regressors[index];
    let binary = true;
    let positive = true;
    let ones = 0;
    let known = 0;
    let onesSeen = 0;
    for (let t = start; t < length; t++) {
      const x = values[t];
      if (!Number.isFinite(x)) continue;
      known++;
      if (x !== 0 && x !== 1) binary = false;
      if (x <= 0) positive = false;
      if (x === 1) ones++;
      if (x === 1 && Number.isFinite(series.values[t])) onesSeen++;
    }
    if (known < 2) continue;
    const log = positive && /price|cost|tariff|rate/i.test(name);
    let sum = 0;
    let seen = 0;
    for (let t = start; t < length; t++) {
      if (!Number.isFinite(values[t]) || !Number.isFinite(series.values[t])) continue;
      sum += log ? Math.log(values[t]) : values[t];
      seen++;
    }
    if (seen < 2) continue;
    const mean = sum / seen;
    let squares = 0;
    for (let t = start; t < length; t++) {
      if (!Number.isFinite(values[t]) || !Number.isFinite(series.values[t])) continue;
      squares += ((log ? Math.log(values[t]) : values[t]) - mean) ** 2;
    }
    const spread = Math.sqrt(squares / seen);
    if (!(spread > 1e-9 * Math.max(1e-300, Math.abs(mean)))) continue;
    const rare = binary && onesSeen >= 2 && ones < 0.08 * known;
    const scale = binary ? Math.max(spread, 0.2) : spread;
    const blank = binary ? 0 : log ? Math.exp(mean) : mean;
    for (const lead of rare ? [0, 1, -1] : [0]) {
      inputs.push({ name, index, lead, log, centre: binary ? 0 : mean, scale, blank, binary });
    }
  }
  if (inputs.length <= maxInputs) return inputs;
  // Too many for the history: the neighbours of holidays go first.
  return inputs.filter((input) => input.lead === 0).slice(0, maxInputs);
}

/** The columns for grid indices `[from, from + count)`, column by column: column j at step i is `[j * count + i]`. */
export function makeColumns(structure: Structure, series: Series, from: number, count: number): Float64Array {
  const { origin, span, knots, cycles, inputs, width } = structure;
  const columns = new Float64Array(width * count);
  let at = 0;
  columns.fill(1, 0, count);
  at += count;
  for (let i = 0; i < count; i++) columns[at + i] = (from + i - origin) / span;
  at += count;
  for (let k = 0; k < knots.length; k++) {
    const knot = knots[k];
    for (let i = Math.max(0, Math.ceil(knot - from)); i < count; i++) columns[at + i] = (from + i - knot) / span;
    at += count;
  }
  for (let w = 0; w < cycles.length; w++) {
    const angle = 2 * Math.PI * cycles[w];
    // One turn per step; the phase comes from the absolute index (its whole turns dropped), so every stretch agrees.
    const phase = 2 * Math.PI * ((from * cycles[w]) % 1);
    let c = Math.cos(phase);
    let s = Math.sin(phase);
    const turnC = Math.cos(angle);
    const turnS = Math.sin(angle);
    const both = cycles[w] <= nyquist - 1e-9;
    for (let i = 0; i < count; i++) {
      columns[at + i] = c;
      if (both) columns[at + count + i] = s;
      const next = c * turnC - s * turnS;
      s = s * turnC + c * turnS;
      c = next;
    }
    at += both ? 2 * count : count;
  }
  for (const input of inputs) {
    fillInput(input, series.regressors[input.index], from - series.position, columns.subarray(at, at + count));
    at += count;
  }
  return columns;
}

/** Writes one input; `first` is the index in the regressor of the first step. Where nothing is known, a switch is off and a number keeps its last value. */
function fillInput(input: Input, regressor: Regressor, first: number, column: Float64Array): void {
  const { values } = regressor;
  const { lead, log, centre, scale, blank, binary } = input;
  let last = blank;
  if (!binary) {
    for (let t = Math.min(first + lead, values.length) - 1; t >= 0; t--) {
      if (Number.isFinite(values[t]) && (!log || values[t] > 0)) {
        last = values[t];
        break;
      }
    }
  }
  for (let i = 0; i < column.length; i++) {
    const t = first + i + lead;
    const x = t >= 0 && t < values.length ? values[t] : Number.NaN;
    if (Number.isFinite(x) && (!log || x > 0)) {
      if (!binary) last = x;
      column[i] = ((log ? Math.log(x) : x) - centre) / scale;
    } else {
      column[i] = ((log ? Math.log(last) : last) - centre) / scale;
    }
  }
}
