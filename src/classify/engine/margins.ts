// Margins: how far the true figures of a code may lie from the reported ones, either way.
//
// Owns: 95 % margins of items, units and kg for each code of a line. Does not own: the probabilities (calibration), how a sample is drawn (flow).
//   E1. Both ways count: items given this code that belong to another (out), and items of this code that were given another (in).
//   E2. What the models' own probabilities expect to move is the prior; the audit sample moves it as far as its size allows. One right answer says next
//       to nothing, a hundred say a lot; many wrong ones outweigh any model's confidence in itself.
//   E3. A code whose amounts a law has split is not known better than the split: the whole amount is in the margins of all codes it may belong to.
//   E4. A margin holds the truth in 95 of 100 cases if the probabilities are right, and about so if the audit sample shows how wrong they are
//       (bench/results/classify-margins.md has the simulation).

import { betaQuantile, normalQuantile } from "./intervals.ts";
import type { CodeMoves, Triple } from "./figures.ts";

/** One code of a line. */
export interface MarginInput {
  readonly code: string;
  /** Items decided automatically, those already answered by a person left out. */
  readonly autoItems: number;
  /** All items. */
  readonly items: number;
  /** What may move, of items no person has answered. */
  readonly moves: CodeMoves;
}

/** An audited item: decided automatically, then looked at by a person. */
export interface AuditedMove {
  readonly from: string;
  readonly to: string;
}

/** Of what is stated. */
export const confidence = 0.95;
/** What the models' own probabilities say of a line weighs as much as so many audited items; what they say of one code more, for few are found of it. */
const linePrior = 80;
const codePrior = 300;
/** Once the sample has found an error, the most to expect is that of a model whose word weighs no more than this. */
const doubtedPrior = 20;
/** No model is surer than that: one item in a thousand is wrong for reasons that none knows. */
const leastDoubt = 0.001;
/** Units and kg have long tails, which a variance alone does not show: what moves at once counts as so much larger. */
const longTail = 1.4;
/** Half an error more than expected: a prior that expects nearly nothing would never learn. */
const priorErrors = 0.5;

/**
 * Gives every code its margins of items, units and kg.
 *
 * `audited`: every answered item of the audit sample of this line, right ones too.
 */
export function estimateCodeMargins(codes: readonly MarginInput[], audited: readonly AuditedMove[]): ReadonlyMap<string, Triple> {
  const auto = sum(codes, (one) => one.autoItems);
  const all = sum(codes, (one) => one.items);
  const autoRest = triple((k) => sum(codes, (one) => one.moves.autoRest[k]));
  const reviewRest = triple((k) => sum(codes, (one) => one.moves.reviewRest[k]));
  const flows = codes.map((one) => {
    // What goes nobody knows where goes to the other codes by their size.
    const share = all > 0 ? one.items / all : 0;
    const rest = (total: Triple, own: Triple): Triple => triple((k) => share * Math.max(0, total[k] - own[k]));
    const [restAuto, restReview] = [rest(autoRest, one.moves.autoRest), rest(reviewRest, one.moves.reviewRest)];
    const floor = leastDoubt * one.autoItems;
    return {
      ...one,
      out: Math.max(one.moves.autoOut[0], floor),
      in: Math.max(one.moves.autoIn[0] + restAuto[0], auto > 0 ? floor : 0),
      autoIn: triple((k) => one.moves.autoIn[k] + restAuto[k]),
      reviewIn: triple((k) => one.moves.reviewIn[k] + restReview[k]),
    };
  });
  const wrong = audited.filter((move) => move.from !== move.to).length;
  const factor = factorOf(
    sum(flows, (flow) => flow.out),
    auto,
    wrong,
    audited.length,
  );
  const found = { out: countBy(audited, (move) => move.from), in: countBy(audited, (move) => move.to) };
  return new Map(
    flows.map((flow) => {
      const out = movesOf(flow.out, factor, found.out.get(flow.code) ?? 0, auto, audited.length);
      const into = movesOf(flow.in, factor, found.in.get(flow.code) ?? 0, auto, audited.length);
      const margins = triple((k) => {
        const perOut = flow.moves.autoOut[0] > 0 ? flow.moves.autoOut[k] / flow.moves.autoOut[0] : k === 0 ? 1 : 0;
        const perIn = flow.autoIn[0] > 0 ? flow.autoIn[k] / flow.autoIn[0] : perOut;
        const spread = factor.mean * flow.moves.autoSpread[k] + flow.moves.reviewSpread[k];
        const moving = factor.mean * (flow.moves.autoOut[k] + flow.autoIn[k]) + flow.moves.reviewOut[k] + flow.reviewIn[k];
        // The size of what moves at once: heavy items make the same expected amount less certain.
        const size = (moving > 0 && spread > 0 ? spread / moving : Math.max(perOut, perIn)) * (k === 0 ? 1 : longTail);
        const reach = (o: number, i: number): number =>
          size * differenceBound((o * perOut + flow.moves.reviewOut[k]) / size, (i * perIn + flow.reviewIn[k]) / size);
        // One lump that is unlikely to move moves nothing in 95 of 100 months; what is expected to move is stated all the same.
        const expected = Math.max(out.mean * perOut + flow.moves.reviewOut[k], into.mean * perIn + flow.reviewIn[k]);
        const noise = size > 0 ? Math.max(reach(out.high, into.mean), reach(out.mean, into.high)) : 0;
        return Math.max(noise, expected) + flow.moves.splitOut[k] + flow.moves.splitIn[k];
      });
      return [flow.code, margins];
    }),
  );
}

interface Rates {
  readonly mean: number;
  readonly high: number;
}

/** How many times as wrong as they say the line's automatic decisions are, and the most to expect (97.5 %). */
function factorOf(expected: number, items: number, wrong: number, audited: number): Rates {
  if (!(items > 0 && expected > 0)) return { mean: 1, high: 1 };
  const stated = expected / items;
  const weight = linePrior + audited;
  const events = linePrior * stated + wrong;
  const high = highRate(events + priorErrors, weight);
  if (wrong === 0) return { mean: events / weight / stated, high: high / stated };
  // What a small sample found wrong may be more than bad luck of a good model.
  const doubted = highRate(doubtedPrior * stated + wrong + priorErrors, doubtedPrior + audited);
  return { mean: events / weight / stated, high: Math.max(high, doubted) / stated };
}

/** Items of one code expected to move, and the most of them to expect: as the line's, and as its own audited items say. */
function movesOf(expected: number, factor: Rates, found: number, items: number, audited: number): Rates {
  if (items <= 0) return { mean: 0, high: 0 };
  const weight = codePrior + audited;
  const events = (codePrior * factor.mean * expected) / items + found;
  const mean = (events / weight) * items;
  return { mean, high: Math.max(mean, factor.high * expected, found > 0 ? highRate(events, weight) * items : 0) };
}

/** The rate below which it lies with 97.5 %, after so many events among so many items. */
function highRate(events: number, items: number): number {
  return events >= items ? 1 : betaQuantile(events, items - events, 1 - (1 - confidence) / 2);
}

/** The smallest bound that the difference of two Poisson counts keeps, either way, with the stated confidence (Skellam; normal for large means). */
export function differenceBound(out: number, into: number): number {
  const total = out + into;
  if (total === 0) return 0;
  if (total > 60) {
    const spread = Math.sqrt(total);
    const drift = Math.abs(into - out);
    return drift + spread * normalQuantile(drift > spread ? confidence : 1 - (1 - confidence) / 2);
  }
  const [left, right] = [poisson(out), poisson(into)];
  const most = Math.max(left.length, right.length);
  const within = new Float64Array(most);
  for (let i = 0; i < left.length; i++) for (let j = 0; j < right.length; j++) within[Math.abs(i - j)] += left[i] * right[j];
  let covered = 0;
  for (let bound = 0; bound < most; bound++) {
    covered += within[bound];
    if (covered >= confidence) return bound;
  }
  return most;
}

/** Probabilities of 0, 1, 2, ... as far as they matter. */
function poisson(mean: number): Float64Array {
  const most = Math.ceil(mean + 8 * Math.sqrt(mean) + 12);
  const chances = new Float64Array(most + 1);
  chances[0] = Math.exp(-mean);
  for (let i = 1; i <= most; i++) chances[i] = (chances[i - 1] * mean) / i;
  return chances;
}

function countBy(moves: readonly AuditedMove[], codeOf: (move: AuditedMove) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const move of moves) if (move.from !== move.to) counts.set(codeOf(move), (counts.get(codeOf(move)) ?? 0) + 1);
  return counts;
}

function triple(of: (k: 0 | 1 | 2) => number): Triple {
  return [of(0), of(1), of(2)];
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}
