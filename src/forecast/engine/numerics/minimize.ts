// Minimising a smooth function of a few numbers: BFGS with a line search.
//
// Owns: the search. Does not own: what is minimised, nor bounds; a function keeps a forbidden region out by answering Infinity there.

/** Where a search ended. */
export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  /** Values asked for, those of a numeric gradient included. */
  readonly evaluations: number;
  readonly iterations: number;
  /** Whether it stopped by tolerance and not by a limit. */
  readonly converged: boolean;
}

export interface MinimizeOptions {
  /** Writes the gradient at `x` into `out`. Absent: differences of the function (`differences`). */
  readonly gradient?: (x: Float64Array, out: Float64Array) => void;
  /** "forward" costs n values a gradient, "central" 2n and is good to the square of the step. Default "central". */
  readonly differences?: "forward" | "central";
  /** Step of a difference, in units of x (times max(1, |x|)). Default 1e-7 forward, 1e-5 central. */
  readonly step?: number;
  /** Stops when an iteration gains less than this times (|value| + tolerance). Default 1e-9. */
  readonly tolerance?: number;
  /** Default 200. */
  readonly maxIterations?: number;
  /** No step is longer than this in any coordinate. Default Infinity. */
  readonly maxStep?: number;
  /** Asked after each iteration with the value reached and what the iteration gained; true gives up the search there. */
  readonly enough?: (value: number, gain: number) => boolean;
}

/**
 * Minimises `value` from `start` by BFGS (Nocedal & Wright 2006, algorithm 6.1) with a backtracking search for sufficient decrease.
 *
 * Answers the best point seen; a value that is NaN or infinite counts as worse than anything. The start should be finite: if it is not, it is
 * given back unchanged with `converged` false. The function gets the same array each time and must not keep it. Pure: same input, same output.
 */
export function minimize(value: (x: Float64Array) => number, start: ArrayLike<number>, options: MinimizeOptions = {}): Minimum {
  const { differences = "central", tolerance = 1e-9, maxIterations = 200, maxStep = Infinity } = options;
  const width = options.step ?? (differences === "forward" ? 1e-7 : 1e-5);
  const n = start.length;
  let evaluations = 0;
  const ask = (x: Float64Array): number => {
    evaluations++;
    const answer = value(x);
    return Number.isNaN(answer) ? Infinity : answer;
  };
  const x = Float64Array.from(start);
  const probe = new Float64Array(n);
  const slope =
    options.gradient ??
    ((at: Float64Array, out: Float64Array): void => {
      probe.set(at);
      for (let i = 0; i < n; i++) {
        const h = width * Math.max(1, Math.abs(at[i]));
        probe[i] = at[i] + h;
        const up = ask(probe);
        if (differences === "forward" && up < Infinity) {
          out[i] = (up - best) / h;
        } else {
          probe[i] = at[i] - h;
          const down = ask(probe);
          // At the rim of a forbidden region only one side counts.
          if (up < Infinity && down < Infinity) out[i] = (up - down) / (2 * h);
          else if (down < Infinity) out[i] = (best - down) / h;
          else out[i] = up < Infinity ? (up - best) / h : 0;
        }
        probe[i] = at[i];
      }
    });
  let best = ask(x);
  let converged = n === 0;
  let iterations = 0;
  if (n === 0 || best === Infinity) return { point: x, value: best, evaluations, iterations, converged: converged && best < Infinity };

  const gradient = new Float64Array(n);
  const former = new Float64Array(n);
  const direction = new Float64Array(n);
  const trial = new Float64Array(n);
  const change = new Float64Array(n);
  const product = new Float64Array(n);
  const inverse = new Float64Array(n * n);
  const reset = (): void => {
    inverse.fill(0);
    for (let i = 0; i < n; i++) inverse[i * n + i] = 1;
  };
  reset();
  let fresh = true;
  slope(x, gradient);
  while (iterations < maxIterations) {
    iterations++;
    let downhill = 0;
    let longest = 0;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum -= inverse[i * n + j] * gradient[j];
      direction[i] = sum;
      downhill += sum * gradient[i];
      longest = Math.max(longest, Math.abs(sum));
    }
    if (!(downhill < 0) || !Number.isFinite(longest)) {
      if (fresh) {
        converged = longest === 0;
        break;
      }
      reset();
      fresh = true;
      continue;
    }
    // Without curvature the length of the gradient says nothing: begin with a step of one unit at most.
    let step = Math.min(1, maxStep / longest, fresh ? 1 / longest : Infinity);
    let next = Infinity;
    let accepted = false;
    for (let tries = 0; tries < 30; tries++) {
      for (let i = 0; i < n; i++) trial[i] = x[i] + step * direction[i];
      next = ask(trial);
      if (next <= best + 1e-4 * step * downhill) {
        accepted = true;
        break;
      }
      // The lowest point of the parabola through both values and the slope, kept within a tenth and a half.
      const curved = next < Infinity ? (-downhill * step) / (2 * ((next - best) / step - downhill)) : 0;
      step = Math.min(0.5 * step, Math.max(0.1 * step, curved));
    }
    if (!accepted || !(next <= best)) {
      if (fresh) {
        converged = true;
        break;
      }
      reset();
      fresh = true;
      continue;
    }
    const gain = best - next;
    for (let i = 0; i < n; i++) change[i] = trial[i] - x[i];
    x.set(trial);
    best = next;
    if (gain <= tolerance * (Math.abs(best) + tolerance)) {
      converged = true;
      break;
    }
    if (options.enough?.(best, gain) === true) break;
    former.set(gradient);
    slope(x, gradient);
    // From here `former` is the change of the gradient.
    let curvature = 0;
    let square = 0;
    for (let i = 0; i < n; i++) {
      former[i] = gradient[i] - former[i];
      curvature += former[i] * change[i];
      square += former[i] * former[i];
    }
    if (!(curvature > 1e-12 * square)) continue;
    if (fresh) {
      // The first curvature sets the scale of the identity (Nocedal & Wright, equation 6.20).
      for (let i = 0; i < n; i++) inverse[i * n + i] = curvature / square;
      fresh = false;
    }
    let weight = 0;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += inverse[i * n + j] * former[j];
      product[i] = sum;
      weight += sum * former[i];
    }
    const own = (1 + weight / curvature) / curvature;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        inverse[i * n + j] += own * change[i] * change[j] - (product[i] * change[j] + change[i] * product[j]) / curvature;
      }
    }
  }
  return { point: x, value: best, evaluations, iterations, converged };
}
