// Several models of one family (ETS, CES) as one: their futures mixed by weight of evidence.
//
// Picking one model throws away what its near equals say, and which of them wins turns on a few values. Weights from AICc mend that (Kolassa
// 2011, "Combining exponential smoothing forecasts using Akaike weights"). Ours are flatter than Akaike's exp(-gap / 2): exp(-gap / 4) was
// better at six of seven frequencies in backtests inside the training parts of M1 and M3.

import type { Random } from "../../../../platform/random.ts";
import type { Fitted, Forecast, Series, Unfit } from "../../contract.ts";
import { normalCdf, normalPdf, normalQuantile } from "../../numerics/normal.ts";

/** A model whose future has a formula, as a part of a mixture. */
export interface Member extends Fitted {
  /** Mean and standard deviation of each coming step; undefined for models that are simulated, which cannot be mixed. */
  spread(horizon: number): { readonly mean: Float64Array; readonly deviation: Float64Array } | undefined;
  advance(series: Series): Member | Unfit;
}

/** A member with less says too little to carry along. */
const leastWeight = 0.02;

/** Weights of models by their AICc, the lowest first; those under 2 % are 0 and the rest sum to 1. */
export function weigh(aiccs: readonly number[]): Float64Array {
  const weights = Float64Array.from(aiccs, (aicc) => Math.exp((aiccs[0] - aicc) / 4));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let kept = 0;
  for (let i = 0; i < weights.length; i++) {
    weights[i] = weights[i] / total < leastWeight ? 0 : weights[i];
    kept += weights[i];
  }
  return weights.map((weight) => weight / kept);
}

/** The mixture of `members` as one fitted model, named and described by the first. */
export function blend(members: readonly Member[], weights: Float64Array): Fitted {
  const used = members.filter((_, i) => weights[i] > 0);
  const shares = weights.filter((weight) => weight > 0);
  const [first] = used;
  if (used.length === 1) return first;
  const fitted = new Float64Array(first.fitted.length);
  for (let i = 0; i < used.length; i++) {
    const own = used[i].fitted;
    for (let t = 0; t < fitted.length; t++) fitted[t] += shares[i] * own[t];
  }
  const others = used.length - 1;
  return {
    kind: "fitted",
    title: `${first.title} and ${others} more`,
    parameters: { ...first.parameters, weight: shares[0] },
    fitted,
    ...(first.likelihood ? { likelihood: first.likelihood } : {}),
    forecast: (horizon, levels) => forecast(used, shares, horizon, levels),
    simulate: (horizon, paths, stream) => simulate(used, shares, horizon, paths, stream),
    advance: (series) => advance(used, shares, series),
  };
}

function advance(members: readonly Member[], shares: Float64Array, series: Series): Fitted | Unfit {
  const moved: Member[] = [];
  const kept: number[] = [];
  let refusal: Unfit | undefined;
  for (let i = 0; i < members.length; i++) {
    const next = members[i].advance(series);
    if (next.kind === "unfit") {
      refusal ??= next;
      continue;
    }
    moved.push(next);
    kept.push(shares[i]);
  }
  if (moved.length === 0) return refusal ?? { kind: "unfit", reason: "No model of the mixture serves the longer history." };
  const total = kept.reduce((sum, share) => sum + share, 0);
  return blend(
    moved,
    Float64Array.from(kept, (share) => share / total),
  );
}

/** Each path comes from one member, drawn by weight. */
function simulate(members: readonly Member[], shares: Float64Array, horizon: number, paths: number, random: Random): Float64Array {
  const drawn = new Int32Array(paths);
  const counts = new Int32Array(members.length);
  for (let p = 0; p < paths; p++) {
    let left = random.next();
    let i = 0;
    while (i < members.length - 1 && left >= shares[i]) left -= shares[i++];
    drawn[p] = i;
    counts[i]++;
  }
  const samples = members.map((member, i) => member.simulate(horizon, counts[i], random));
  const taken = new Int32Array(members.length);
  const result = new Float64Array(paths * horizon);
  for (let p = 0; p < paths; p++) {
    const from = taken[drawn[p]]++ * horizon;
    result.set(samples[drawn[p]].subarray(from, from + horizon), p * horizon);
  }
  return result;
}

/** Quantiles of the mixture of normal laws; the family's default models all have a formula. */
function forecast(members: readonly Member[], shares: Float64Array, horizon: number, levels: readonly number[]): Forecast {
  const mean = new Float64Array(horizon);
  const quantiles = new Float64Array(levels.length * horizon);
  const spreads = members.map((member) => member.spread(horizon));
  const count = members.length;
  const centres = new Float64Array(count);
  const widths = new Float64Array(count);
  for (let h = 0; h < horizon; h++) {
    for (let i = 0; i < count; i++) {
      const own = spreads[i];
      if (!own) continue;
      centres[i] = own.mean[h];
      widths[i] = own.deviation[h];
      mean[h] += shares[i] * own.mean[h];
    }
    for (let j = 0; j < levels.length; j++) quantiles[j * horizon + h] = mixtureQuantile(levels[j], centres, widths, shares);
  }
  for (let j = 1; j < levels.length; j++) {
    for (let h = 0; h < horizon; h++) {
      const at = j * horizon + h;
      quantiles[at] = Math.max(quantiles[at], quantiles[at - horizon]);
    }
  }
  return { mean, quantiles, levels };
}

/** Quantile of a mixture of normal laws: it lies between those of the parts, where Newton's steps, kept inside by halving, find it. */
function mixtureQuantile(level: number, means: Float64Array, deviations: Float64Array, weights: Float64Array): number {
  const z = normalQuantile(level);
  let low = Infinity;
  let high = -Infinity;
  let x = 0;
  for (let i = 0; i < means.length; i++) {
    const own = means[i] + z * deviations[i];
    low = Math.min(low, own);
    high = Math.max(high, own);
    x += weights[i] * own;
  }
  const enough = 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  for (let round = 0; round < 60 && high - low > enough; round++) {
    let probability = 0;
    let density = 0;
    for (let i = 0; i < means.length; i++) {
      if (deviations[i] > 0) {
        const u = (x - means[i]) / deviations[i];
        probability += weights[i] * normalCdf(u);
        density += (weights[i] * normalPdf(u)) / deviations[i];
      } else if (x >= means[i]) probability += weights[i];
    }
    const gap = probability - level;
    if (gap > 0) high = x;
    else low = x;
    const next = density > 0 ? x - gap / density : Number.NaN;
    if (Math.abs(next - x) <= enough) return Math.min(Math.max(next, low), high);
    x = next > low && next < high ? next : 0.5 * (low + high);
  }
  return x;
}
