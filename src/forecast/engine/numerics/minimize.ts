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

type Gradient = (x: Float64Array, out: Float64Array, best: number) => void;

/**
 * Minimises `value` from `start` by BFGS (Nocedal & Wright 2006, algorithm 6.1) with a backtracking search for sufficient decrease.
 *
 * Answers the best point seen; a value that is NaN or infinite counts as worse than anything. The start should be finite: if it is not, it is
 * given back unchanged with `converged` false. The function gets the same array each time and must not keep it. Pure: same input, same output.
 */
export function minimize(value: (x: Float64Array) => number, start: ArrayLike<number>, options: MinimizeOptions = {}): Minimum {
  const { tolerance = 1e-9, maxIterations = 200, maxStep = Infinity } = options;
  const n = start.length;
  let evaluations = 0;
  const ask = (at: Float64Array): number => {
    evaluations++;
    const answer = value(at);
    return Number.isNaN(answer) ? Infinity : answer;
  };
  const x = Float64Array.from(start);
  let best = ask(x);
  let converged = n === 0;
  let iterations = 0;
  if (n === 0 || best === Infinity) return { point: x, value: best, evaluations, iterations, converged: converged && best < Infinity };

  const slope: Gradient = options.gradient ?? makeDifferences(ask, n, options);
  const search = makeSearch(x);
  const { gradient, former, trial, change } = search;
  // Whether the inverse of the curvature is still the identity.
  let fresh = true;
  slope(x, gradient, best);
  while (iterations < maxIterations) {
    iterations++;
    const { downhill, longest } = aim(search);
    const isDescent = downhill < 0 && Number.isFinite(longest);
    // Without curvature the length of the gradient says nothing: begin with a step of one unit at most.
    const step = Math.min(1, maxStep / longest, fresh ? 1 / longest : Infinity);
    const next = isDescent ? stepDown(search, ask, { best, downhill, step }) : undefined;
    if (next === undefined || !(next <= best)) {
      if (fresh) {
        converged = isDescent || longest === 0;
        break;
      }
      forgetCurvature(search);
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
    slope(x, gradient, best);
    if (learnCurvature(search, fresh)) fresh = false;
  }
  return { point: x, value: best, evaluations, iterations, converged };
}

/** The gradient by differences of the function, which is `best` at the point. */
function makeDifferences(ask: (x: Float64Array) => number, n: number, options: MinimizeOptions): Gradient {
  const { differences = "central" } = options;
  const width = options.step ?? (differences === "forward" ? 1e-7 : 1e-5);
  const probe = new Float64Array(n);
  return (at, out, best) => {
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
  };
}

/** What a search works with; an iteration allocates no array. */
interface Search {
  readonly x: Float64Array;
  readonly gradient: Float64Array;
  /** The gradient before the last step; `learnCurvature` makes it the change of the gradient. */
  readonly former: Float64Array;
  readonly direction: Float64Array;
  readonly trial: Float64Array;
  /** The last step taken. */
  readonly change: Float64Array;
  readonly product: Float64Array;
  /** The inverse of the curvature, n x n. */
  readonly inverse: Float64Array;
}

function makeSearch(x: Float64Array): Search {
  const n = x.length;
  const room = (): Float64Array => new Float64Array(n);
  const search = {
    x,
    gradient: room(),
    former: room(),
    direction: room(),
    trial: room(),
    change: room(),
    product: room(),
    inverse: new Float64Array(n * n),
  };
  forgetCurvature(search);
  return search;
}

function forgetCurvature({ x, inverse }: Search): void {
  inverse.fill(0);
  for (let i = 0; i < x.length; i++) inverse[i * x.length + i] = 1;
}

/** Sets the direction; gives its slope, below zero where it goes down, and its largest coordinate. */
function aim({ inverse, gradient, direction }: Search): { readonly downhill: number; readonly longest: number } {
  const n = direction.length;
  let downhill = 0;
  let longest = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum -= inverse[i * n + j] * gradient[j];
    direction[i] = sum;
    downhill += sum * gradient[i];
    longest = Math.max(longest, Math.abs(sum));
  }
  return { downhill, longest };
}

/** Sets the trial to a point along the direction that is low enough, and gives its value; undefined where none is found. */
function stepDown(
  { x, direction, trial }: Search,
  ask: (x: Float64Array) => number,
  from: { readonly best: number; readonly downhill: number; readonly step: number },
): number | undefined {
  const { best, downhill } = from;
  let { step } = from;
  for (let tries = 0; tries < 30; tries++) {
    for (let i = 0; i < x.length; i++) trial[i] = x[i] + step * direction[i];
    const next = ask(trial);
    if (next <= best + 1e-4 * step * downhill) return next;
    // The lowest point of the parabola through both values and the slope, kept within a tenth and a half.
    const curved = next < Infinity ? (-downhill * step) / (2 * ((next - best) / step - downhill)) : 0;
    step = Math.min(0.5 * step, Math.max(0.1 * step, curved));
  }
  return undefined;
}

/** Takes up the curvature that the last step has shown (`fresh`: the first one); false where it shows none. */
function learnCurvature({ gradient, former, change, product, inverse }: Search, fresh: boolean): boolean {
  const n = change.length;
  let curvature = 0;
  let square = 0;
  for (let i = 0; i < n; i++) {
    former[i] = gradient[i] - former[i];
    curvature += former[i] * change[i];
    square += former[i] * former[i];
  }
  if (!(curvature > 1e-12 * square)) return false;
  // The first curvature sets the scale of the identity (Nocedal & Wright, equation 6.20).
  if (fresh) for (let i = 0; i < n; i++) inverse[i * n + i] = curvature / square;
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
  return true;
}
