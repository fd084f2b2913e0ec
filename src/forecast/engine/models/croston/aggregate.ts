// Forecasting in buckets: sparse demand summed over several steps is steadier, and its forecast is shared out again.

import { fitRate, runRate, type Demand } from "./demand.ts";

/** What a method of buckets keeps for another history. */
export interface Bucket {
  /** Steps per bucket. */
  readonly steps: number;
  /** `smooth` is simple exponential smoothing. */
  readonly method: "smooth" | "croston" | "sba";
  /** Smoothing constant of `smooth`, or of occurrence; of sizes. */
  readonly alpha: number;
  readonly sizeAlpha: number;
}

/** Sums of `steps` values each, aligned to the end; what does not fill a bucket at the start is left out. */
export function sumBuckets(values: Float64Array, steps: number): Float64Array {
  const count = Math.floor(values.length / steps);
  const sums = new Float64Array(count);
  const start = values.length - count * steps;
  for (let i = 0; i < count * steps; i++) sums[Math.floor(i / steps)] += values[start + i];
  return sums;
}

/** Mean steps from one demand to the next, rounded; at least 1. */
export function meanInterval({ values, occurrences }: Demand): number {
  return occurrences === 0 ? 1 : Math.max(1, Math.round(values.length / occurrences));
}

const alphas = [0.01, 0.03, 0.05, 0.08, 0.12, 0.17, 0.23, 0.3, 0.4, 0.55];

/** Simple exponential smoothing from the mean of the values: the last level, and the squared one-step errors in `loss[0]`. */
function smooth(values: Float64Array, alpha: number, loss: Float64Array): number {
  let level = 0;
  for (let t = 0; t < values.length; t++) level += values[t] / values.length;
  let sum = 0;
  for (let t = 0; t < values.length; t++) {
    const error = values[t] - level;
    sum += error * error;
    level += alpha * error;
  }
  loss[0] = sum;
  return level;
}

function fitSmooth(values: Float64Array): number {
  const loss = new Float64Array(1);
  let best = alphas[0];
  let least = Infinity;
  for (const alpha of alphas) {
    smooth(values, alpha, loss);
    if (loss[0] < least) {
      least = loss[0];
      best = alpha;
    }
  }
  return best;
}

/** The one bucket of ADIDA (Nikolopoulos, Syntetos, Boylan, Petropoulos & Assimakopoulos 2011): the mean interval, smoothed, shared out equally. */
export function fitAdida(demand: Demand): Bucket[] {
  const steps = Math.min(meanInterval(demand), demand.values.length);
  return [{ steps, method: "smooth", alpha: fitSmooth(sumBuckets(demand.values, steps)), sizeAlpha: 0 }];
}

/**
 * The buckets of iMAPA (Petropoulos & Kourentzes 2015): every size up to the mean interval (2 at least), each forecast by the method its demand
 * calls for (Syntetos, Boylan & Croston 2005: interval 1.32, squared variation 0.49), to be averaged.
 */
export function fitImapa(demand: Demand): Bucket[] {
  const most = Math.max(2, meanInterval(demand));
  const buckets: Bucket[] = [];
  for (let steps = 1; steps <= most && (steps === 1 || demand.values.length >= 4 * steps); steps++) {
    const summed = demandOf(sumBuckets(demand.values, steps));
    const { values, occurrences } = summed;
    if (occurrences === values.length) {
      buckets.push({ steps, method: "smooth", alpha: fitSmooth(values), sizeAlpha: 0 });
      continue;
    }
    const rough = values.length / Math.max(1, occurrences) >= 1.32 || variation(summed) >= 0.49;
    const { occurrenceAlpha, sizeAlpha } = fitRate(summed, "interval", rough);
    buckets.push({ steps, method: rough ? "sba" : "croston", alpha: occurrenceAlpha, sizeAlpha });
  }
  return buckets;
}

function demandOf(values: Float64Array): Demand {
  let occurrences = 0;
  let sum = 0;
  for (let t = 0; t < values.length; t++) {
    if (values[t] > 0) occurrences++;
    sum += values[t];
  }
  return { values, at: new Int32Array(0), occurrences, meanSize: occurrences > 0 ? sum / occurrences : 0, whole: false };
}

function variation({ values, occurrences, meanSize }: Demand): number {
  let sum = 0;
  for (let t = 0; t < values.length; t++) if (values[t] > 0) sum += (values[t] - meanSize) * (values[t] - meanSize);
  return sum / Math.max(1, occurrences - 1) / (meanSize * meanSize);
}

/** Mean demand per step that the buckets forecast after `values`: the mean over all of them. */
export function runBuckets(values: Float64Array, buckets: readonly Bucket[]): number {
  const loss = new Float64Array(1);
  let rate = 0;
  for (const { steps, method, alpha, sizeAlpha } of buckets) {
    const width = Math.min(steps, Math.max(1, values.length));
    const sums = sumBuckets(values, width);
    let level: number;
    if (method === "smooth") level = smooth(sums, alpha, loss);
    else {
      const factor = method === "sba" ? 1 - alpha / 2 : 1;
      const at = runRate(demandOf(sums), { smoothing: "interval", sizeAlpha, occurrenceAlpha: alpha, factor, start: "mean" });
      level = at.size * at.occurrence;
    }
    rate += level / width / buckets.length;
  }
  return rate;
}
