// The order of a model by itself: a walk over neighbours, each step to a lower AICc.
//
// Owns: which orders are tried and which wins. Does not own: how one is estimated (`estimate.ts`), how often is differenced (`differencing.ts`).
//   After Hyndman & Khandakar 2008, "Automatic time series forecasting: the forecast package for R", J. Stat. Software 27(3), section 3.2.

import { carry, estimate, makeWorkbench } from "./estimate.ts";
import type { Estimate, Sample, Workbench } from "./estimate.ts";
import { clearOfCircle, countParameters } from "./order.ts";
import type { ArimaOrder } from "./order.ts";

/** An estimate and whether a constant stands among its columns. */
export interface Chosen {
  readonly estimate: Estimate;
  readonly constant: boolean;
  /** Orders that were estimated on the way. */
  readonly tried: number;
}

/** What is searched. */
export interface SearchTask {
  /** With gaps, if it has them; columns without the constant. */
  readonly sample: Sample;
  /** The gaps bridged; the same sample where there are none. */
  readonly whole: Sample;
  /** The constant as a column: ones, or the time; undefined where differencing leaves none. */
  readonly constantColumn: Float64Array | undefined;
  /** Whether a model may do without the constant. */
  readonly mayDropConstant: boolean;
  readonly d: number;
  readonly D: number;
  /** 1 is no season. */
  readonly period: number;
}

const MAX_SHORT = 5;
const MAX_LONG = 2;
const MAX_TRIED = 94;
/** Up to this length, and up to this period, orders are compared by exact likelihood; R's auto.arima draws the line at the same place. */
const EXACT_LENGTH = 150;
const EXACT_PERIOD = 12;
/** A root within this radius of the unit circle makes a model unfit: Hyndman & Khandakar 2008 reject what is close to non-invertible. */
const CLEAR_RADIUS = 1.01;
/** Beyond this many values, or this many periods if more, orders are compared on the end of the series only. */
const SEARCH_LENGTH = 350;
const SEARCH_PERIODS = 16;
/** Numbers in a sample, columns included, above which the last estimate is granted few iterations. */
const HEAVY = 5000;

interface Candidate {
  readonly p: number;
  readonly q: number;
  readonly P: number;
  readonly Q: number;
  readonly constant: boolean;
}

/** Chooses the order, then estimates it exactly. Undefined when no order can be estimated. */
export function chooseOrder(task: SearchTask): Chosen | undefined {
  const { whole, constantColumn, d, D, period } = task;
  const length = whole.values.length;
  const byCondition = length > EXACT_LENGTH || period > EXACT_PERIOD;
  const benches = new Map<boolean, Workbench>();
  const from = Math.max(0, length - Math.max(SEARCH_LENGTH, SEARCH_PERIODS * period));
  const tail = from === 0 ? whole : cut(whole, from);
  const ones = constantColumn?.subarray(from);
  // The columns hardly change from order to order: in a long search they are taken out once, and again with the order in the end.
  const bare = byCondition && tail.columns.length > 0 ? withoutColumns(tail, ones, d, D, period) : undefined;
  const ground = bare ?? tail;
  const spent = bare === undefined ? 0 : tail.columns.length;
  if (ones !== undefined) benches.set(true, makeWorkbench({ ...ground, columns: [ones, ...ground.columns] }, d, D, period, spent));
  benches.set(false, makeWorkbench(ground, d, D, period, spent));
  const seen = new Map<string, Estimate | undefined>();
  const wholeCount = length - from - d - D * period;
  const maxShort = Math.min(MAX_SHORT, Math.floor(wholeCount / 3));
  const maxLong = period > 1 ? Math.min(MAX_LONG, Math.floor(wholeCount / 3 / period)) : 0;
  let best: { candidate: Candidate; estimate: Estimate } | undefined;

  const tryOut = (candidate: Candidate): boolean => {
    const { p, q, P, Q, constant } = candidate;
    const bench = benches.get(constant);
    if (bench === undefined || p < 0 || q < 0 || P < 0 || Q < 0 || p > maxShort || q > maxShort || P > maxLong || Q > maxLong) return false;
    if (!constant && !task.mayDropConstant && constantColumn !== undefined) return false;
    const key = `${p},${q},${P},${Q},${constant}`;
    if (seen.has(key) || seen.size >= MAX_TRIED) return false;
    const order: ArimaOrder = { p, d, q, P, D, Q, period };
    if (wholeCount - (countParameters(order) + bench.sample.columns.length + spent + 1) - 1 <= 0) return false;
    const start = best === undefined ? new Float64Array(countParameters(order)) : carry(best.estimate.order, best.estimate.free, order);
    const found = estimate(bench, order, {
      method: byCondition ? "conditional" : "exact",
      starts: [start],
      tolerance: byCondition ? 1e-5 : 1e-6,
      maxIterations: 60,
      ...(best === undefined ? {} : { hurdle: best.estimate.aicc }),
    });
    seen.set(key, found);
    if (found === undefined || !clearOfCircle(order, found.parameters, CLEAR_RADIUS)) return false;
    if (best !== undefined && !(found.aicc < best.estimate.aicc)) return false;
    best = { candidate, estimate: found };
    return true;
  };

  const constant = constantColumn !== undefined;
  tryOut({ p: Math.min(2, maxShort), q: Math.min(2, maxShort), P: Math.min(1, maxLong), Q: Math.min(1, maxLong), constant });
  tryOut({ p: 0, q: 0, P: 0, Q: 0, constant });
  tryOut({ p: 1, q: 0, P: Math.min(1, maxLong), Q: 0, constant });
  tryOut({ p: 0, q: 1, P: 0, Q: Math.min(1, maxLong), constant });
  if (constant) tryOut({ p: 0, q: 0, P: 0, Q: 0, constant: false });
  for (;;) {
    if (best === undefined) return undefined;
    const { p, q, P, Q, constant } = best.candidate;
    let moved = false;
    for (const [a, b, A, B] of MOVES) {
      moved = tryOut({ p: p + a, q: q + b, P: P + A, Q: Q + B, constant });
      if (moved) break;
    }
    if (!moved && !tryOut({ p, q, P, Q, constant: !constant })) break;
  }
  const final = finish(task, best);
  return final === undefined ? undefined : { estimate: final, constant: best.candidate.constant, tried: seen.size };
}

/** Changes of p, q, P, Q to the neighbours of a model. */
const MOVES: readonly (readonly [number, number, number, number])[] = [
  [0, 0, -1, 0],
  [0, 0, 0, -1],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
  [0, 0, -1, -1],
  [0, 0, -1, 1],
  [0, 0, 1, -1],
  [0, 0, 1, 1],
  [-1, 0, 0, 0],
  [0, -1, 0, 0],
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [-1, -1, 0, 0],
  [-1, 1, 0, 0],
  [1, -1, 0, 0],
  [1, 1, 0, 0],
];

/** The last word on the chosen order: exact likelihood of the whole sample, its gaps as gaps, from where the search ended and from nothing. */
function finish(task: SearchTask, { candidate, estimate: found }: { candidate: Candidate; estimate: Estimate }): Estimate | undefined {
  const { sample, constantColumn, d, D, period } = task;
  const own = candidate.constant && constantColumn !== undefined ? [constantColumn] : [];
  const bench = makeWorkbench({ ...sample, columns: [...own, ...sample.columns] }, d, D, period);
  const long = sample.hasGaps || sample.values.length > EXACT_LENGTH;
  // Where one look at the likelihood is dear, the end of the search is good to well within the error of estimation.
  const heavy = sample.hasGaps || sample.values.length * (1 + sample.columns.length) > HEAVY;
  return estimate(bench, found.order, {
    method: "exact",
    // A second start is for the likelihoods with two hills, which are those of short series.
    starts: long ? [found.free] : [found.free, new Float64Array(found.free.length).fill(0.1)],
    tolerance: long ? 1e-6 : 1e-9,
    maxIterations: heavy ? 12 : long ? 40 : 100,
  });
}

/** The sample less what its columns explain when its errors are (1,d,1)(1,D,1); undefined when that cannot be estimated. */
function withoutColumns(sample: Sample, ones: Float64Array | undefined, d: number, D: number, period: number): Sample | undefined {
  const long = period > 1 ? 1 : 0;
  const order: ArimaOrder = { p: 1, d, q: 1, P: long, D, Q: long, period };
  const own = ones === undefined ? [] : [ones];
  const found = estimate(makeWorkbench({ ...sample, columns: [...own, ...sample.columns] }, d, D, period), order, {
    method: "conditional",
    starts: [new Float64Array(countParameters(order))],
    tolerance: 1e-5,
    maxIterations: 20,
  });
  if (found === undefined) return undefined;
  const values = sample.values.slice();
  for (const [j, column] of sample.columns.entries()) {
    const coefficient = found.coefficients[own.length + j];
    for (let t = 0; t < values.length; t++) values[t] -= coefficient * column[t];
  }
  return { values, columns: [], hasGaps: false };
}

function cut(sample: Sample, from: number): Sample {
  return { ...sample, values: sample.values.subarray(from), columns: sample.columns.map((each) => each.subarray(from)) };
}
