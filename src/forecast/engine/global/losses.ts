// What a forest is asked to be good at, as gradients: squared error, Tweedie deviance, and the pinball loss of quantiles.
//
// Sources: Friedman 2001 (gradient boosting; leaves of the absolute and quantile losses are refitted by order statistics); Koenker & Bassett 1978
// (quantile regression); Jørgensen 1987 and Yang, Qian & Zou 2018 (Tweedie compound Poisson models, boosted on the log link).

/** The loss of a mean. `tweedie` works on the logarithm of the mean; power 1 is Poisson, towards 2 it is gamma. */
export type MeanLoss = { readonly kind: "squared" } | { readonly kind: "tweedie"; readonly power: number };

/** Scores on the log link are kept within this of zero: a ratio of 1e6 to the item's own level is no forecast. */
const linkBound = 14;

/** Turns a score into a mean in the unit of the target; on the log link, a score at the lower bound is a mean of 0. */
export function meanOf(loss: MeanLoss, score: number): number {
  if (loss.kind === "squared") return score;
  return score <= -linkBound ? 0 : Math.exp(Math.min(linkBound, score));
}

/** Where boosting starts: the score whose mean is the weighted mean of the targets. */
export function startOf(loss: MeanLoss, targets: Float32Array, weights: Float32Array, rows: number): number {
  let sum = 0;
  let weight = 0;
  for (let i = 0; i < rows; i++) {
    sum += weights[i] * targets[i];
    weight += weights[i];
  }
  const mean = weight > 0 ? sum / weight : 0;
  if (loss.kind === "squared") return mean;
  return mean > 0 ? Math.max(-linkBound, Math.log(mean)) : -linkBound;
}

/** Rows with their present scores. */
export interface Scored {
  readonly targets: Float32Array;
  readonly weights: Float32Array;
  readonly scores: Float64Array;
}

/** Writes gradient and hessian of rows `[0, rows)` at their present scores. */
export function differentiate(
  loss: MeanLoss,
  { targets, weights, scores }: Scored,
  rows: number,
  out: { readonly gradients: Float32Array; readonly hessians: Float32Array },
): void {
  const { gradients, hessians } = out;
  if (loss.kind === "squared") {
    for (let i = 0; i < rows; i++) {
      gradients[i] = weights[i] * (scores[i] - targets[i]);
      hessians[i] = weights[i];
    }
    return;
  }
  const { power } = loss;
  for (let i = 0; i < rows; i++) {
    const score = Math.max(-linkBound, Math.min(linkBound, scores[i]));
    // mu^(1-p) and mu^(2-p), of one exponential: they differ by the factor mu.
    const mu = Math.exp(score);
    const one = power === 1 ? 1 : Math.exp((1 - power) * score);
    const two = one * mu;
    const y = targets[i];
    gradients[i] = weights[i] * (two - y * one);
    hessians[i] = weights[i] * ((2 - power) * two + (power - 1) * y * one);
  }
}

/** Mean loss of rows `[from, to)`: squared error, or the Tweedie deviance up to a constant. */
export function meanLossOf(loss: MeanLoss, { targets, weights, scores }: Scored, from: number, to: number): number {
  let sum = 0;
  let weight = 0;
  for (let i = from; i < to; i++) {
    weight += weights[i];
    if (loss.kind === "squared") {
      const error = targets[i] - scores[i];
      sum += weights[i] * error * error;
    } else {
      const score = Math.max(-linkBound, Math.min(linkBound, scores[i]));
      const { power } = loss;
      const first = power === 1 ? score : Math.exp((1 - power) * score) / (1 - power);
      sum += weights[i] * (Math.exp((2 - power) * score) / (2 - power) - targets[i] * first);
    }
  }
  return weight > 0 ? sum / weight : 0;
}

/** Twice the pinball loss of one forecast at one level, as in weighted quantile loss. */
export function pinball(level: number, target: number, forecast: number): number {
  const error = target - forecast;
  return 2 * (error >= 0 ? level * error : (level - 1) * error);
}

/**
 * The weighted quantile of `values[0 .. length)`: the smallest value with at least `level` of the weight at or below it.
 *
 * Reorders both arrays. Linear time on average (quickselect of Hoare 1961 with weights).
 */
export function weightedQuantile(values: Float64Array, weights: Float32Array, length: number, level: number): number {
  if (length === 0) return 0;
  let total = 0;
  for (let i = 0; i < length; i++) total += weights[i];
  let want = level * total;
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const a = values[low];
    const b = values[middle];
    const c = values[high];
    const pivot = a < b ? (b < c ? b : a < c ? c : a) : a < c ? a : b < c ? c : b;
    // Three parts: below, equal to and above the pivot. Demand has many equal values, zeros above all.
    let below = low;
    let above = high;
    let at = low;
    let weightBelow = 0;
    let weightEqual = 0;
    while (at <= above) {
      const value = values[at];
      const weight = weights[at];
      if (value < pivot) {
        weightBelow += weight;
        values[at] = values[below];
        weights[at] = weights[below];
        values[below] = value;
        weights[below++] = weight;
        at++;
      } else if (value > pivot) {
        values[at] = values[above];
        weights[at] = weights[above];
        values[above] = value;
        weights[above--] = weight;
      } else {
        weightEqual += weight;
        at++;
      }
    }
    if (want <= weightBelow && below > low) high = below - 1;
    else if (want <= weightBelow + weightEqual || above === high) return pivot;
    else {
      want -= weightBelow + weightEqual;
      low = above + 1;
    }
  }
  return values[low];
}
