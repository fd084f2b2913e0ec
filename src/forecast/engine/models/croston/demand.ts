// Intermittent demand: when it occurs, how much it is, and smoothing of both.
//
// Owns: the recursions of Croston, Syntetos & Boylan and Teunter, Syntetos & Babai, and the search for their parameters.
//   C1. Steps without a value are left out: they neither lengthen an interval nor count as no demand.

/** The known values of a history, oldest first. */
export interface Demand {
  readonly values: Float64Array;
  /** Index of each value in the history. */
  readonly at: Int32Array;
  /** How many are above zero. */
  readonly occurrences: number;
  readonly meanSize: number;
  /** Whether every value is a whole number. */
  readonly whole: boolean;
}

/** Reads a history; undefined when a value is negative. Anything not finite is missing. */
export function readDemand(history: Float64Array): Demand | undefined {
  const values = new Float64Array(history.length);
  const at = new Int32Array(history.length);
  let count = 0;
  let occurrences = 0;
  let sum = 0;
  let whole = true;
  for (let t = 0; t < history.length; t++) {
    const value = history[t];
    if (!Number.isFinite(value)) continue;
    if (value < 0) return undefined;
    values[count] = value;
    at[count] = t;
    count++;
    if (value > 0) {
      occurrences++;
      sum += value;
    }
    if (whole && value !== Math.floor(value)) whole = false;
  }
  return {
    values: values.subarray(0, count),
    at: at.subarray(0, count),
    occurrences,
    meanSize: occurrences > 0 ? sum / occurrences : 0,
    whole,
  };
}

/** How the occurrence of demand is smoothed: intervals between demands, or their probability at every step. */
export type Smoothing = "interval" | "probability";

/** Parameters of a Croston-like method; smoothing constants in (0, 1]. */
export interface RateParameters {
  readonly smoothing: Smoothing;
  /** Of sizes. */
  readonly sizeAlpha: number;
  /** Of intervals or of the probability. */
  readonly occurrenceAlpha: number;
  /** The factor of Syntetos & Boylan: 1 - occurrenceAlpha / 2 against Croston's bias, or 1. */
  readonly factor: number;
  /** Sizes and intervals start at the first seen (Croston) or at the means of the history. */
  readonly start: "first" | "mean";
}

/** Where a method stands after a history. */
export interface Rate {
  /** Mean size of a demand. */
  readonly size: number;
  /** Probability of a demand in a step, times the factor. */
  readonly occurrence: number;
}

/**
 * Runs a Croston-like method over the values; `fitted[t]` (if given) takes the mean demand forecast for value t from those before it.
 *
 * Croston 1972 smooths sizes and intervals at each demand; Teunter, Syntetos & Babai 2011 smooth the probability at each step, so that demand
 * that has ceased fades out. Before the first demand the forecast mean is 0 with `start: "first"`.
 */
export function runRate({ values, occurrences, meanSize }: Demand, parameters: RateParameters, fitted?: Float64Array): Rate {
  const { smoothing, sizeAlpha, occurrenceAlpha, factor } = parameters;
  const n = values.length;
  const begun = parameters.start === "mean" && occurrences > 0;
  let size = begun ? meanSize : 0;
  let share = begun ? occurrences / n : 0;
  let interval = begun ? n / occurrences : 0;
  let since = 1;
  let seen = begun;
  for (let t = 0; t < n; t++) {
    const value = values[t];
    if (fitted !== undefined) fitted[t] = seen ? factor * size * (smoothing === "interval" ? 1 / interval : share) : 0;
    if (value > 0) {
      if (seen) {
        size += sizeAlpha * (value - size);
        interval += occurrenceAlpha * (since - interval);
        share += occurrenceAlpha * (1 - share);
      } else {
        size = value;
        interval = since;
        share = 1 / since;
        seen = true;
      }
      since = 1;
    } else {
      if (seen) share -= occurrenceAlpha * share;
      since++;
    }
  }
  if (!seen) return { size: 0, occurrence: 0 };
  return { size, occurrence: factor * (smoothing === "interval" ? 1 / interval : share) };
}

const constants = [0.01, 0.03, 0.05, 0.08, 0.12, 0.17, 0.23, 0.3];

/**
 * Searches both smoothing constants of a method over a grid in 0.01..0.3, the span of the literature's advice.
 *
 * The loss is the mean squared rate error of Kourentzes 2014 ("On intermittent demand model optimisation and selection"): what is forecast
 * against the mean of all demand so far. Squared one-step errors would reward forecasting zero.
 */
export function fitRate(demand: Demand, smoothing: Smoothing, debiased: boolean): RateParameters {
  const n = demand.values.length;
  const fitted = new Float64Array(n);
  const soFar = new Float64Array(n);
  let sum = 0;
  for (let t = 0; t < n; t++) {
    sum += demand.values[t];
    soFar[t] = sum / (t + 1);
  }
  let best: RateParameters | undefined;
  let least = Infinity;
  for (const occurrenceAlpha of constants) {
    const factor = debiased ? 1 - occurrenceAlpha / 2 : 1;
    for (const sizeAlpha of constants) {
      const parameters: RateParameters = { smoothing, sizeAlpha, occurrenceAlpha, factor, start: "mean" };
      runRate(demand, parameters, fitted);
      let loss = 0;
      for (let t = 0; t < n; t++) loss += (fitted[t] - soFar[t]) * (fitted[t] - soFar[t]);
      if (loss < least) {
        least = loss;
        best = parameters;
      }
    }
  }
  return best ?? { smoothing, sizeAlpha: 0.1, occurrenceAlpha: 0.1, factor: debiased ? 0.95 : 1, start: "mean" };
}
