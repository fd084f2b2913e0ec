// Gate: whether a challenger is better than the champion by more than chance, judged on the same unseen items.
//
// Owns: the paired tests and the verdict with its reason. Does not own: how the items were labelled (flow), what a promotion does (flow).
//   G1. Macro-F1 decides, one-sided: promoted only if so large a lead would come by chance in at most `alpha` of comparisons of equal models.
//   G2. Two tests must agree, because each errs where the other holds: the paired bootstrap (with BCa correction) asks whether the lead would stand on other
//       items; the swap test, exact for equal models however few the items, asks whether it matters which model gave which answer. p is the larger, plus the error of resampling.
//   G3. McNemar's test on accuracy stands in the verdict beside it and decides nothing.
//   G4. Without a champion the opponent is the majority baseline: the code most frequent in the test, for every item.
//   G5. A verdict is plain JSON without NaN, also for empty tests, absent codes and equal predictions; the same input and seed give the same verdict.

import { makeRandom } from "../../platform/random.ts";
import type { Random } from "../../platform/random.ts";
import { StockroomError } from "../../platform/errors.ts";
import { points } from "../../platform/figures.ts";
import { normalBelow, normalQuantile } from "./intervals.ts";
import type { Interval } from "./intervals.ts";
import { scoreLabels } from "./metrics.ts";

/** Labels of the same unseen items; class indices, -1 in `truth` for a code no model knows. */
export interface Bout {
  readonly truth: ArrayLike<number>;
  readonly challenger: ArrayLike<number>;
  /** Absent: there is no champion yet. */
  readonly champion?: ArrayLike<number>;
  readonly classes: number;
}

export interface GateOptions {
  /** Accepted chance of promoting an equal model. Default 0.05. */
  readonly alpha?: number;
  /** Default 2,000. */
  readonly resamples?: number;
  /** Default 1. */
  readonly seed?: number;
}

export interface GateScores {
  readonly macroF1: number;
  readonly accuracy: number;
  readonly weightedF1: number;
}

/** McNemar's test on the items only one of the two got right; two-sided p values, 1 when there are none. */
export interface McNemar {
  readonly onlyChallenger: number;
  readonly onlyOpponent: number;
  /** Exact binomial. */
  readonly exact: number;
  /** Exact binomial, counting the observed outcome half: nearer to its level, never far above it. */
  readonly midP: number;
}

/** The judgement on a challenger, with all it rests on. */
export interface Verdict {
  /** `first`: there was no champion; whether it was promoted says `promoted`. */
  readonly decision: "promote" | "keep" | "first";
  readonly promoted: boolean;
  readonly reason: string;
  readonly metric: "macro-F1";
  readonly items: number;
  /** Codes that occur in the test. */
  readonly codes: number;
  readonly challenger: GateScores;
  readonly opponent: GateScores & { readonly kind: "champion" | "majority" };
  /** Macro-F1 of the challenger less that of the opponent. */
  readonly difference: number;
  /** Interval of the difference: its lower end is above 0 exactly when the bootstrap speaks for the challenger. */
  readonly interval: Interval & { readonly confidence: number };
  readonly test: "paired bootstrap (BCa) and swap test" | "none";
  /** One-sided: the larger of the two below, and the error of resampling on top. */
  readonly p: number;
  readonly pBootstrap: number;
  readonly pSwap: number;
  readonly alpha: number;
  readonly resamples: number;
  readonly seed: number;
  readonly mcnemar: McNemar;
}

/**
 * Judges a challenger against the champion, or against the majority baseline when there is none.
 *
 * Cost: about `resamples` x (different triples of true, challenger's and champion's code); 17,000 items of 40 codes take some 150 ms.
 * Throws `GATE_SHAPE` (a `fault`) when the columns differ in length.
 */
export function judgeChallenger(bout: Bout, options: GateOptions = {}): Verdict {
  const { alpha = 0.05, resamples = 2000, seed = 1 } = options;
  const { truth, challenger, classes } = bout;
  if (challenger.length !== truth.length || (bout.champion !== undefined && bout.champion.length !== truth.length)) {
    throw new StockroomError("fault", "GATE_SHAPE", `Expected ${truth.length} labels of either model. Hand over one per item.`);
  }
  const opponent = bout.champion ?? new Int32Array(truth.length).fill(majorityOf(truth, classes));
  const [own, other] = [challenger, opponent].map((labels) => {
    const { macroF1, accuracy, weightedF1 } = scoreLabels(truth, labels, classes);
    return { macroF1, accuracy, weightedF1 };
  });
  const present = new Set(Array.from(truth).filter((label) => label >= 0)).size;
  const mcnemar = testMcNemar(bout.truth, challenger, opponent);
  const cells = countCells(truth, challenger, opponent);
  const differ = cells.some((cell) => cell.a !== cell.b);
  const trial = present > 0 && differ ? resample(cells, classes, alpha, resamples, seed) : undefined;
  const difference = own.macroF1 - other.macroF1;
  const p = trial === undefined ? 1 : withError(Math.max(trial.pBootstrap, trial.pSwap), resamples);
  const better = difference > 0 && p <= alpha;
  const first = bout.champion === undefined;
  return {
    decision: first ? "first" : better ? "promote" : "keep",
    promoted: better,
    reason: giveReason({ first, better, items: truth.length, present, differ, own: own.macroF1, other: other.macroF1, p, alpha, trial }),
    metric: "macro-F1",
    items: truth.length,
    codes: present,
    challenger: own,
    opponent: { ...other, kind: first ? "majority" : "champion" },
    difference,
    interval: { ...(trial?.interval ?? { low: difference, high: difference }), confidence: 1 - 2 * alpha },
    test: trial === undefined ? "none" : "paired bootstrap (BCa) and swap test",
    p,
    pBootstrap: trial?.pBootstrap ?? 1,
    pSwap: trial?.pSwap ?? 1,
    alpha,
    resamples,
    seed,
    mcnemar,
  };
}

/** A share counted in few resamples may be too low by luck: 1.645 standard errors are added, so that luck does not promote. */
function withError(p: number, resamples: number): number {
  return Math.min(1, p + 1.645 * Math.sqrt((p * (1 - p)) / resamples));
}

interface Grounds {
  readonly first: boolean;
  readonly better: boolean;
  readonly items: number;
  readonly present: number;
  readonly differ: boolean;
  readonly own: number;
  readonly other: number;
  readonly p: number;
  readonly alpha: number;
  readonly trial: Trial | undefined;
}

function giveReason(grounds: Grounds): string {
  const { first, better, items, present, differ, own, other, p, alpha, trial } = grounds;
  const opponent = first ? "the majority baseline" : "the champion";
  const stays = first ? "There is still no champion." : "The champion stays.";
  if (items === 0) return `The test has no items, so nothing speaks for the challenger. ${stays} Add labelled items.`;
  if (present === 0) return `None of the ${items} test items has a code the models know, so nothing speaks for the challenger. ${stays}`;
  if (!differ) return `The challenger gives every one of the ${items} test items the same code as ${opponent}. ${stays}`;
  const scores = `macro-F1 ${own.toFixed(4)} against ${other.toFixed(4)} of ${opponent} on the same ${items} unseen items`;
  const lead = points(own - other);
  if (trial === undefined) return `${scores}. ${stays}`;
  const range = `90 %`.replace("90", String(Math.round(100 - 200 * alpha)));
  const interval = `${range} interval ${(100 * trial.interval.low).toFixed(2)} to ${points(trial.interval.high)}`;
  if (better)
    return `${capital(scores)}: a lead of ${lead} (${interval}); so large a lead by chance has p = ${show(p)}, at most ${alpha}. Promoted.`;
  if (own <= other) return `${capital(scores)}: no lead (${lead}, ${interval}). ${stays}`;
  const tiny = items < 100 ? ` ${items} items are few; more labelled items would tell.` : "";
  return `${capital(scores)}: a lead of ${lead} (${interval}) may be chance, p = ${show(p)} above ${alpha}. ${stays}${tiny}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const show = (p: number): string => (p < 0.001 ? "0.001 or less" : p.toFixed(3));

/** The most frequent true class; of equally frequent ones the lower. */
function majorityOf(truth: ArrayLike<number>, classes: number): number {
  const counts = new Uint32Array(classes);
  for (let i = 0; i < truth.length; i++) if (truth[i] >= 0) counts[truth[i]] += 1;
  return counts.reduce((best, count, c) => (count > counts[best] ? c : best), 0);
}

/** McNemar's test of two sets of labels on the same items. */
export function testMcNemar(truth: ArrayLike<number>, challenger: ArrayLike<number>, opponent: ArrayLike<number>): McNemar {
  let onlyChallenger = 0;
  let onlyOpponent = 0;
  for (let i = 0; i < truth.length; i++) {
    const own = challenger[i] === truth[i];
    if (own === (opponent[i] === truth[i])) continue;
    if (own) onlyChallenger += 1;
    else onlyOpponent += 1;
  }
  const discordant = onlyChallenger + onlyOpponent;
  if (discordant === 0) return { onlyChallenger, onlyOpponent, exact: 1, midP: 1 };
  const few = Math.min(onlyChallenger, onlyOpponent);
  // Fair coins: P(X <= few), term by term from P(X = 0) upwards in logarithms, since 2^-discordant soon vanishes.
  let log = -discordant * Math.LN2;
  let tail = 0;
  let last = 0;
  for (let k = 0; k <= few; k++) {
    last = Math.exp(log);
    tail += last;
    log += Math.log((discordant - k) / (k + 1));
  }
  return { onlyChallenger, onlyOpponent, exact: Math.min(1, 2 * tail), midP: Math.min(1, 2 * tail - last) };
}

/** Items that share their true code and both answers: they are exchangeable, so a resample only needs their number. */
interface Cell {
  readonly truth: number;
  readonly a: number;
  readonly b: number;
  readonly count: number;
}

function countCells(truth: ArrayLike<number>, a: ArrayLike<number>, b: ArrayLike<number>): readonly Cell[] {
  const cells = new Map<string, { truth: number; a: number; b: number; count: number }>();
  for (let i = 0; i < truth.length; i++) {
    const key = `${truth[i]} ${a[i]} ${b[i]}`;
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, { truth: truth[i], a: a[i], b: b[i], count: 1 });
    else cell.count += 1;
  }
  return [...cells.values()];
}

/** Running sums from which the difference of two macro-F1 follows. */
class Tally {
  readonly support: Float64Array;
  readonly hitsA: Float64Array;
  readonly hitsB: Float64Array;
  readonly namedA: Float64Array;
  readonly namedB: Float64Array;
  /** Items of true codes without a number. */
  nameless = 0;

  constructor(classes: number) {
    this.support = new Float64Array(classes);
    this.hitsA = new Float64Array(classes);
    this.hitsB = new Float64Array(classes);
    this.namedA = new Float64Array(classes);
    this.namedB = new Float64Array(classes);
  }

  clear(): void {
    this.support.fill(0);
    this.hitsA.fill(0);
    this.hitsB.fill(0);
    this.namedA.fill(0);
    this.namedB.fill(0);
    this.nameless = 0;
  }

  add(truth: number, a: number, b: number, count: number): void {
    if (truth >= 0) this.support[truth] += count;
    else this.nameless += count;
    if (a >= 0) this.namedA[a] += count;
    if (b >= 0) this.namedB[b] += count;
    if (truth >= 0 && a === truth) this.hitsA[truth] += count;
    if (truth >= 0 && b === truth) this.hitsB[truth] += count;
  }

  difference(): number {
    // Each mean is over the codes that are true or that this model guessed (M2 of metrics).
    let sumA = 0;
    let sumB = 0;
    let presentA = this.nameless > 0 ? 1 : 0;
    let presentB = presentA;
    for (let c = 0; c < this.support.length; c++) {
      const countA = this.support[c] + this.namedA[c];
      const countB = this.support[c] + this.namedB[c];
      if (countA > 0) {
        presentA += 1;
        sumA += (2 * this.hitsA[c]) / countA;
      }
      if (countB > 0) {
        presentB += 1;
        sumB += (2 * this.hitsB[c]) / countB;
      }
    }
    return (presentA === 0 ? 0 : sumA / presentA) - (presentB === 0 ? 0 : sumB / presentB);
  }
}

interface Trial {
  readonly pBootstrap: number;
  readonly pSwap: number;
  readonly interval: Interval;
}

function resample(cells: readonly Cell[], classes: number, alpha: number, resamples: number, seed: number): Trial {
  const random = makeRandom(seed);
  const tally = new Tally(classes);
  for (const cell of cells) tally.add(cell.truth, cell.a, cell.b, cell.count);
  const observed = tally.difference();

  // Bootstrap: macro-F1 does not change when all counts are scaled, so drawing each cell's count from its own Poisson distribution is as good as drawing
  // all of them with a fixed sum, and needs one random number a cell instead of one an item.
  const draws = new Float64Array(resamples);
  const poisson = cells.map((cell) => poissonTable(cell.count));
  const stream = random.fork("bootstrap");
  for (let r = 0; r < resamples; r++) {
    tally.clear();
    for (let i = 0; i < cells.length; i++) tally.add(cells[i].truth, cells[i].a, cells[i].b, draw(poisson[i], stream));
    draws[r] = tally.difference();
  }
  draws.sort();

  // Swap: for equal models each answer pair might as well have come the other way round.
  const differing = cells.filter((cell) => cell.a !== cell.b);
  const coins = differing.map((cell) => coinTable(cell.count));
  const swaps = random.fork("swap");
  const same = new Tally(classes);
  for (const cell of cells) if (cell.a === cell.b) same.add(cell.truth, cell.a, cell.b, cell.count);
  let asLarge = 1;
  for (let r = 0; r < resamples; r++) {
    tally.support.set(same.support);
    tally.hitsA.set(same.hitsA);
    tally.hitsB.set(same.hitsB);
    tally.namedA.set(same.namedA);
    tally.namedB.set(same.namedB);
    tally.nameless = same.nameless;
    for (let i = 0; i < differing.length; i++) {
      const { truth, a, b, count } = differing[i];
      const stay = draw(coins[i], swaps);
      tally.add(truth, a, b, stay);
      tally.add(truth, b, a, count - stay);
    }
    if (tally.difference() >= observed - 1e-12) asLarge += 1;
  }

  const correction = correct(cells, classes, draws, observed);
  const at = (share: number): number => draws[Math.min(resamples - 1, Math.max(0, Math.floor(correction.shareAt(share) * resamples)))];
  return {
    pBootstrap: correction.pOfZero,
    pSwap: asLarge / (resamples + 1),
    interval: { low: at(alpha), high: at(1 - alpha) },
  };
}

/**
 * Efron's BCa: the bias of the resamples against what was observed, and the skew (acceleration) by leaving out one item of each cell.
 *
 * Resamples equal to a value count half, since few differing items give many equal resamples.
 */
function correct(cells: readonly Cell[], classes: number, draws: Float64Array, observed: number) {
  const resamples = draws.length;
  const shareBelow = (value: number): number => {
    let below = 0;
    let equal = 0;
    for (const one of draws) {
      if (Math.abs(one - value) <= 1e-12) equal += 1;
      else if (one < value) below += 1;
    }
    return Math.min(1 - 0.5 / (resamples + 1), Math.max(0.5 / (resamples + 1), (below + equal / 2) / resamples));
  };
  const tally = new Tally(classes);
  for (const cell of cells) tally.add(cell.truth, cell.a, cell.b, cell.count);
  let items = 0;
  let mean = 0;
  const without = cells.map((cell) => {
    tally.add(cell.truth, cell.a, cell.b, -1);
    const value = tally.difference();
    tally.add(cell.truth, cell.a, cell.b, 1);
    items += cell.count;
    mean += value * cell.count;
    return value;
  });
  mean /= items;
  let square = 0;
  let cube = 0;
  cells.forEach((cell, i) => {
    const pull = mean - without[i];
    square += cell.count * pull * pull;
    cube += cell.count * pull * pull * pull;
  });
  const skew = square > 0 ? cube / (6 * square ** 1.5) : 0;
  const bias = normalQuantile(shareBelow(observed));
  const zero = normalQuantile(shareBelow(0)) - bias;
  return {
    /** The share of resamples below which the corrected quantile lies. */
    shareAt: (share: number): number => {
      const z = bias + normalQuantile(share);
      return normalBelow(bias + z / Math.max(1e-3, 1 - skew * z));
    },
    /** The alpha at which the lower bound would be exactly 0. */
    pOfZero: normalBelow(zero / Math.max(1e-3, 1 + skew * zero) - bias),
  };
}

/** A distribution of counts as its cumulative shares from `from` on, with a guide from a uniform number to where to begin looking. */
interface CountTable {
  readonly from: number;
  readonly upTo: Float64Array;
  readonly guide: Uint32Array;
}

const GUIDE = 64;

function tableOf(from: number, shares: readonly number[]): CountTable {
  const total = shares.reduce((sum, share) => sum + share, 0);
  let sum = 0;
  const upTo = Float64Array.from(shares, (share) => (sum += share / total));
  upTo[upTo.length - 1] = 1;
  let k = 0;
  const guide = Uint32Array.from({ length: GUIDE }, (_, g) => {
    while (upTo[k] < g / GUIDE) k += 1;
    return k;
  });
  return { from, upTo, guide };
}

function draw(table: CountTable, random: Random): number {
  const u = random.next();
  let k = table.guide[Math.floor(u * GUIDE)];
  while (table.upTo[k] <= u && k < table.upTo.length - 1) k += 1;
  return table.from + k;
}

const poissons = new Map<number, CountTable>();
const allCoins = new Map<number, CountTable>();

/** Poisson of the given mean, out to nine standard deviations. A cache of pure values. */
function poissonTable(mean: number): CountTable {
  return cached(poissons, mean, () => {
    const reach = 9 * Math.sqrt(mean) + 9;
    const from = Math.max(0, Math.floor(mean - reach));
    // Relative to the mode, so that nothing underflows however large the mean.
    return tableOf(
      from,
      spread(from, Math.ceil(mean + reach), Math.floor(mean), (k) => mean / k),
    );
  });
}

/** Heads among `count` fair coins. */
function coinTable(count: number): CountTable {
  return cached(allCoins, count, () =>
    tableOf(
      0,
      spread(0, count, count >> 1, (k) => (count - k + 1) / k),
    ),
  );
}

/** Shares of from..to in proportion, given share(k) / share(k - 1). */
function spread(from: number, to: number, mode: number, ratio: (k: number) => number): readonly number[] {
  const shares = Array<number>(to - from + 1).fill(0);
  shares[mode - from] = 1;
  for (let k = mode + 1; k <= to; k++) shares[k - from] = shares[k - from - 1] * ratio(k);
  for (let k = mode; k > from; k--) shares[k - from - 1] = shares[k - from] / ratio(k);
  return shares;
}

function cached(cache: Map<number, CountTable>, key: number, make: () => CountTable): CountTable {
  let table = cache.get(key);
  if (table === undefined) {
    table = make();
    if (cache.size >= 4096) cache.clear();
    cache.set(key, table);
  }
  return table;
}
