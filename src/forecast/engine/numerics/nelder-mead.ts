// Minimisation without derivatives: the simplex search of Nelder and Mead.

export interface NelderMeadOptions {
  /** Edge of the first simplex, per coordinate or one for all. Default 0.1. */
  readonly step?: number | ArrayLike<number>;
  /** Calls of the objective at most. Default 200 per coordinate. */
  readonly maxEvaluations?: number;
  /** Stops when best and worst value differ by less than this, relative to |best| + 1e-12. Default 1e-8. */
  readonly tolerance?: number;
}

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly evaluations: number;
  /** False when the evaluations ran out first. */
  readonly converged: boolean;
}

/**
 * Minimises `objective` from `start`; a point outside its domain is told by returning Infinity or NaN.
 *
 * The array handed to `objective` is reused: do not keep it. `start` must lie inside the domain. With no coordinates the start is returned.
 * Source: Nelder & Mead 1965; coefficients that depend on the number of coordinates after Gao & Han 2012, "Implementing the Nelder-Mead
 * simplex algorithm with adaptive parameters".
 */
export function nelderMead(objective: (point: Float64Array) => number, start: ArrayLike<number>, options: NelderMeadOptions = {}): Minimum {
  const size = start.length;
  const { step = 0.1, maxEvaluations = 200 * size, tolerance = 1e-8 } = options;
  const rows = Array.from({ length: size + 1 }, () => Float64Array.from(start));
  const values = new Float64Array(size + 1);
  let evaluations = 0;
  const evaluate = (point: Float64Array): number => {
    evaluations++;
    const value = objective(point);
    return Number.isNaN(value) ? Infinity : value;
  };
  for (let i = 0; i <= size; i++) {
    const row = rows[i];
    if (i > 0) row[i - 1] += typeof step === "number" ? step : step[i - 1];
    values[i] = evaluate(row);
  }
  if (size === 0) return { point: rows[0], value: values[0], evaluations, converged: true };

  const wide = Math.max(size, 2);
  const expansion = 1 + 2 / wide;
  const contraction = 0.75 - 0.5 / wide;
  const shrinkage = 1 - 1 / wide;
  const centre = new Float64Array(size);
  let trial = new Float64Array(size);
  let second = new Float64Array(size);
  const towards = (target: Float64Array, from: Float64Array, factor: number): void => {
    for (let j = 0; j < size; j++) target[j] = centre[j] + factor * (from[j] - centre[j]);
  };

  let converged = false;
  for (;;) {
    let best = 0;
    let worst = 0;
    for (let i = 1; i <= size; i++) {
      if (values[i] < values[best]) best = i;
      if (values[i] >= values[worst]) worst = i;
    }
    let next = best;
    for (let i = 0; i <= size; i++) if (i !== worst && values[i] > values[next]) next = i;
    if (values[worst] - values[best] <= tolerance * (Math.abs(values[best]) + 1e-12)) converged = true;
    if (converged || evaluations >= maxEvaluations) return { point: rows[best], value: values[best], evaluations, converged };

    centre.fill(0);
    for (let i = 0; i <= size; i++) {
      if (i === worst) continue;
      const row = rows[i];
      for (let j = 0; j < size; j++) centre[j] += row[j] / size;
    }
    const old = rows[worst];
    const accept = (value: number): void => {
      rows[worst] = trial;
      values[worst] = value;
      trial = old;
    };
    towards(trial, old, -1);
    const reflected = evaluate(trial);
    if (reflected < values[best]) {
      towards(second, old, -expansion);
      const expanded = evaluate(second);
      if (expanded < reflected) {
        [trial, second] = [second, trial];
        accept(expanded);
      } else accept(reflected);
      continue;
    }
    if (reflected < values[next]) {
      accept(reflected);
      continue;
    }
    const outside = reflected < values[worst];
    towards(second, old, outside ? -contraction : contraction);
    const contracted = evaluate(second);
    if (contracted < Math.min(reflected, values[worst])) {
      [trial, second] = [second, trial];
      accept(contracted);
      continue;
    }
    const anchor = rows[best];
    for (let i = 0; i <= size; i++) {
      if (i === best) continue;
      const row = rows[i];
      for (let j = 0; j < size; j++) row[j] = anchor[j] + shrinkage * (row[j] - anchor[j]);
      values[i] = evaluate(row);
    }
  }
}
