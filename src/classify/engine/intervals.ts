// Intervals: how far a rate counted in some items may lie from the rate in all of them.
//
// Owns: binomial intervals, and the bound that holds however often a growing sample is looked at.
// Does not own: how the sample is drawn (jobs/review-picks.ts), margins of reported figures (margins.ts).
//   I1. Every interval lies in 0..1, holds the observed rate, and is never NaN; without items it is all of 0..1.
//   I2. More items at the same rate never widen an interval.

import { StockroomError } from "../../platform/errors.ts";

/** Bounds of an unknown rate; 0..1. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** Natural logarithm of the gamma function for x > 0; relative error below 1e-13 (Lanczos, g = 7, nine terms). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const z = x - 1;
  const t = z + 7.5;
  let sum: number = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (z + i);
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * The share of a Beta(a, b) distribution that lies below x: the regularised incomplete beta function.
 *
 * Continued fraction by Lentz's method; it needs about sqrt(max(a, b)) terms.
 */
export function betaBelow(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(a, b, x)) / a : 1 - (front * betaFraction(b, a, 1 - x)) / b;
}

function betaFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let i = 1; i <= 20_000; i++) {
    const even = (i * (b - i) * x) / ((a + 2 * i - 1) * (a + 2 * i));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + i) * (a + b + i) * x) / ((a + 2 * i) * (a + 2 * i + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const change = d * c;
    fraction *= change;
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return fraction;
}

/** The x below which a Beta(a, b) distribution has the given share; by bisection, to 1e-15. */
export function betaQuantile(a: number, b: number, share: number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60 && high - low > 1e-15; i++) {
    const middle = (low + high) / 2;
    if (betaBelow(a, b, middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Share of the standard normal distribution below z; absolute error below 1e-14 (series near 0, continued fraction in the tails). */
export function normalBelow(z: number): number {
  if (z === 0) return 0.5;
  const x = Math.abs(z);
  let tail: number;
  const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  if (x < 3) {
    let term = x;
    let sum = x;
    for (let k = 1; k < 100 && term > sum * 1e-17; k++) {
      term *= (x * x) / (2 * k + 1);
      sum += term;
    }
    tail = 0.5 - density * sum;
  } else {
    let fraction = x;
    for (let k = 60; k >= 1; k--) fraction = x + k / fraction;
    tail = density / fraction;
  }
  return z < 0 ? tail : 1 - tail;
}

/** The z below which the standard normal distribution has the given share (0 < share < 1); by bisection, to 1e-12. */
export function normalQuantile(share: number): number {
  let low = -40;
  let high = 40;
  for (let i = 0; i < 80 && high - low > 1e-12; i++) {
    const middle = (low + high) / 2;
    if (normalBelow(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Wilson's score interval: short, and right on average; may miss the promised confidence by a little in some cases. */
export function wilson(hits: number, items: number, confidence = 0.95): Interval {
  mustBeCounts(hits, items);
  if (items === 0) return { low: 0, high: 1 };
  const z = normalQuantile(1 - (1 - confidence) / 2);
  return wilsonAt(hits / items, items, z);
}

function wilsonAt(rate: number, items: number, z: number): Interval {
  const shrink = 1 + (z * z) / items;
  const middle = (rate + (z * z) / (2 * items)) / shrink;
  const half = (z / shrink) * Math.sqrt((rate * (1 - rate)) / items + (z * z) / (4 * items * items));
  // Rounding may not push a bound past the rate it must hold, nor out of 0..1.
  return { low: Math.max(0, Math.min(rate, middle - half)), high: Math.min(1, Math.max(rate, middle + half)) };
}

/** Clopper and Pearson's exact interval: never less than the promised confidence, therefore wider. */
export function clopperPearson(hits: number, items: number, confidence = 0.95): Interval {
  mustBeCounts(hits, items);
  const tail = (1 - confidence) / 2;
  return {
    low: hits === 0 ? 0 : betaQuantile(hits, items - hits + 1, tail),
    high: hits === items ? 1 : betaQuantile(hits + 1, items - hits, 1 - tail),
  };
}

function mustBeCounts(hits: number, items: number): void {
  if (Number.isInteger(hits) && Number.isInteger(items) && hits >= 0 && items >= hits) return;
  throw new StockroomError(
    "fault",
    "INTERVAL_COUNTS",
    `Expected whole numbers with 0 <= hits <= items but received ${hits} of ${items}. Count the hits among the items.`,
  );
}

/** What is expected of error rates beyond a promise: a beta distribution of mean 1 in 11, cut off below it. */
const [mixedErrors, mixedRights] = [1, 10];

/**
 * The error rate that a growing sample shows to be exceeded, however often it is looked at: if the true rate is no higher than a bound, this value ever
 * passes the bound, after any of all answers to come, with a chance of at most 1 - confidence.
 *
 * A fixed interval looked at after every answer would raise twice the false alarms it states (Ville's inequality on a mixture of likelihood ratios;
 * Robbins 1970, Howard et al. 2021).
 */
export function everExceeded(wrong: number, answers: number, confidence = 0.95): number {
  if (wrong === 0 || answers === 0) return 0;
  const needed = -Math.log(1 - confidence);
  let [low, high] = [0, wrong / answers];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (logEvidence(wrong, answers, middle) >= needed) low = middle;
    else high = middle;
  }
  return low;
}

/** Logarithm of how many times likelier the answers are under rates above `rate`, mixed, than under `rate` itself. */
function logEvidence(wrong: number, answers: number, rate: number): number {
  const [a, b] = [mixedErrors + wrong, mixedRights + answers - wrong];
  const above = (1 - betaBelow(a, b, rate)) / (1 - betaBelow(mixedErrors, mixedRights, rate));
  const likelihood = wrong * Math.log(rate) + (answers - wrong) * Math.log1p(-rate);
  return logBeta(a, b) - logBeta(mixedErrors, mixedRights) + Math.log(above) - likelihood;
}

const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);
