// The errors around the regression: a damped level that is learnt step by step.
//
//   e[t] = phi l[t-1] + v[t],   l[t] = phi l[t-1] + alpha v[t],   v uncorrelated
//
// phi = 1 is exponential smoothing, alpha = 1 an AR(1), alpha = 0 white noise; in between an ARMA(1,1) (Hyndman, Koehler, Ord & Snyder 2008).
// Owns: choosing (phi, alpha), whitening. Does not own: what is whitened.
//   E1. A step without a value moves the level by phi alone and has no innovation.

/** How errors hang together over time. */
export interface Memory {
  readonly phi: number;
  readonly alpha: number;
}

const phis = [0.3, 0.55, 0.75, 0.88, 0.95, 0.985, 1];
const alphas = [0.03, 0.07, 0.13, 0.2, 0.3, 0.45, 0.65, 0.85, 1];

/** Sum of squared innovations of `errors` where `known` is 1. */
export function innovationSquares(errors: Float64Array, known: Uint8Array, phi: number, alpha: number): number {
  let level = 0;
  let sum = 0;
  for (let t = 0; t < errors.length; t++) {
    const expected = phi * level;
    if (known[t] === 1) {
      const v = errors[t] - expected;
      sum += v * v;
      level = expected + alpha * v;
    } else {
      level = expected;
    }
  }
  return sum;
}

/** A level that decays must beat one that stays by this much in AIC: short histories otherwise find a mean to return to where there is none. */
const decayCost = 10;

/** The memory with the least one-step error, a decaying level paid for; white noise where no memory helps. */
export function chooseMemory(errors: Float64Array, known: Uint8Array, count: number): Memory {
  let bestPhi = 0;
  let bestAlpha = 0;
  let best = innovationSquares(errors, known, 0, 0);
  if (!(best > 0)) return { phi: 0, alpha: 0 };
  best = count * Math.log(best);
  for (const phi of phis) {
    const cost = phi === 1 ? 0 : decayCost;
    for (const alpha of alphas) {
      const squares = innovationSquares(errors, known, phi, alpha);
      if (!(squares > 0)) continue;
      const score = count * Math.log(squares) + cost;
      if (score < best) {
        best = score;
        bestPhi = phi;
        bestAlpha = alpha;
      }
    }
  }
  return { phi: bestPhi, alpha: bestAlpha };
}

/** Whitens `columns` columns of `known.length` steps each: innovations where a value is known, 0 elsewhere. `out` may be the same array. */
export function whiten(source: Float64Array, columns: number, known: Uint8Array, memory: Memory, out: Float64Array): void {
  const { phi, alpha } = memory;
  const count = known.length;
  for (let j = 0; j < columns; j++) {
    const at = j * count;
    let level = 0;
    for (let t = 0; t < count; t++) {
      const expected = phi * level;
      if (known[t] === 1) {
        const v = source[at + t] - expected;
        out[at + t] = v;
        level = expected + alpha * v;
      } else {
        out[at + t] = 0;
        level = expected;
      }
    }
  }
}
