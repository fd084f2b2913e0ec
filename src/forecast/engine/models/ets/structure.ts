// The thirty exponential smoothing models: their names, their parameters, and where those may lie.
//
// Notation and classes after Hyndman, Koehler, Snyder & Grose 2002, "A state space framework for automatic forecasting using exponential
// smoothing methods", and Hyndman, Koehler, Ord & Snyder 2008, "Forecasting with Exponential Smoothing".

/** Error A or M; trend N, A or M, perhaps damped; season N, A or M with `period` steps (1 without season). */
export interface Structure {
  readonly error: "A" | "M";
  readonly trend: "N" | "A" | "M";
  readonly damped: boolean;
  readonly season: "N" | "A" | "M";
  readonly period: number;
}

/** Smoothing parameters in the form of the state equations: `level' = level + trend + alpha * error`, `trend' = phi * trend + beta * error`. */
export interface Smoothing {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly phi: number;
}

/** Which region the smoothing parameters are kept in: the usual one (0 < beta < alpha, 0 < gamma < 1 - alpha), the admissible one, or both. */
export type Bounds = "usual" | "admissible" | "both";

/** Longest season that gets seasonal states; beyond it their number swamps the data. */
export const longestPeriod = 24;

/** `ETS(M,Ad,A)`. */
export function nameStructure(structure: Structure): string {
  return `ETS(${structure.error},${structure.trend}${structure.damped ? "d" : ""},${structure.season})`;
}

/** Reads `AAdM`, `MNN`, `ETS(A,Ad,M)`; undefined where the text names no model. `period` is ignored without season and must be whole and > 1 with one. */
export function parseStructure(text: string, period: number): Structure | undefined {
  const match = /^(?:ETS\()?([AM]),?(N|Ad|A|Md|M),?([NAM])\)?$/.exec(text.trim());
  if (!match) return undefined;
  const [, error, trend, season] = match;
  if (season !== "N" && !(Number.isInteger(period) && period > 1)) return undefined;
  return {
    error: error === "A" ? "A" : "M",
    trend: trend === "N" ? "N" : trend === "A" || trend === "Ad" ? "A" : "M",
    damped: trend === "Ad" || trend === "Md",
    season: season === "N" ? "N" : season === "A" ? "A" : "M",
    period: season === "N" ? 1 : period,
  };
}

/** Smoothing parameters and free first states; without the variance. */
export function countParameters({ trend, damped, season, period }: Structure): number {
  return 2 + (trend === "N" ? 0 : 2) + (damped ? 1 : 0) + (season === "N" ? 0 : period);
}

/**
 * The models worth trying, simplest first and related ones side by side.
 *
 * As the literature advises, additive errors are not joined with multiplicative states (unstable in long forecasts) and multiplicative trends
 * are left out (they forecast worse). Without `positive` data only additive models remain.
 */
export function listCandidates(period: number, positive: boolean): readonly Structure[] {
  const list: Structure[] = [];
  const seasons = period > 1 ? (positive ? (["N", "A", "M"] as const) : (["N", "A"] as const)) : (["N"] as const);
  for (const season of seasons) {
    for (const [trend, damped] of [["N", false] as const, ["A", false] as const, ["A", true] as const]) {
      for (const error of positive ? (["A", "M"] as const) : (["A"] as const)) {
        if (error === "A" && season === "M") continue;
        list.push({ error, trend, damped, season, period: season === "N" ? 1 : period });
      }
    }
  }
  return list;
}

/**
 * Whether the model forgets its distant past: all roots of its moving-average polynomial lie on or inside the unit circle (to 1e-10).
 *
 * For the linear models this is the forecastability condition of Hyndman et al. 2008, chapter 10; for the others it is used in its place.
 */
export function isAdmissible({ alpha, beta, gamma, phi }: Smoothing, structure: Structure): boolean {
  const trended = structure.trend !== "N";
  const damping = structure.damped ? phi : 1;
  if (structure.damped && !(phi > 0 && phi <= 1)) return false;
  if (structure.season === "N") {
    if (!trended) return alpha >= 0 && alpha <= 2;
    if (!(alpha >= 1 - 1 / damping && alpha <= 1 + 1 / damping)) return false;
    return beta >= alpha * (damping - 1) && beta <= (1 + damping) * (2 - alpha);
  }
  // y = Theta(B) e after differencing by (1 - phi B)(1 - B^m), or (1 - B^m) without trend.
  const m = structure.period;
  const poly = new Float64Array(m + (trended ? 2 : 1));
  if (trended) {
    const put = (power: number, value: number): void => {
      poly[power] += value;
    };
    put(0, 1 - alpha);
    put(1, -(1 - alpha) * damping);
    put(m, -(1 - alpha) + gamma);
    put(m + 1, (1 - alpha) * damping - gamma * damping);
    for (let i = 0; i < m; i++) {
      put(i, alpha);
      put(i + 1, damping * (beta - alpha));
    }
  } else {
    for (let i = 0; i < m; i++) poly[i] = alpha;
    poly[0] = 1;
    poly[m] = gamma - (1 - alpha);
  }
  return isStable(poly);
}

/** Schur-Cohn by the step-down recursion: whether 1 + c1 B + ... has no root inside the unit circle of B; a hair of slack for roots on it. Overwrites `poly`. */
export function isStable(poly: Float64Array): boolean {
  const slack = 1 - 1e-8;
  let degree = poly.length - 1;
  let factor = slack;
  for (let i = 1; i <= degree; i++, factor *= slack) poly[i] *= factor;
  for (; degree > 0; degree--) {
    const reflection = poly[degree] / poly[0];
    if (!(Math.abs(reflection) < 1)) return false;
    const scale = 1 / (1 - reflection * reflection);
    for (let i = 0, j = degree; i <= j; i++, j--) {
      const low = poly[i];
      const high = poly[j];
      poly[i] = (low - reflection * high) * scale;
      poly[j] = (high - reflection * low) * scale;
    }
  }
  return true;
}
