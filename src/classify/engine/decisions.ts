// Decisions: which items a model may code by itself, so that it is right as often as promised.
//
// Owns: the confidence score, a threshold per segment (a country, say) with its safety bound, the decision itself.
// Does not own: the probabilities (calibration), what happens to an item sent to a person (flow).
//   D1. A segment with items enough of its own gets the loosest threshold above which the exact lower bound of its precision on unseen items
//       (Clopper-Pearson, one-sided, chance of error `risk`) reaches what is aimed at: the promise, less `reserve` of its allowed errors, for items to
//       come are never drawn quite like those at hand. A threshold that merely met the promise by luck does not do. With the defaults, a true
//       precision of just the promise passes in 1 of 9 cases from 107 items without error, in 1 of 30 from 500 automatic items, hardly ever from 2,000.
//   D2. Segments too small for that share one threshold, found in the same way from all of them together, or if they are too few, the strictest that any
//       larger part needed; small segments whose own items speak against it are left to people. The promise holds for them together, not for each.
//   D3. A segment never seen gets the strictest threshold of all. Where no threshold keeps the promise, nothing is automatic.
//   D4. More confidence never turns "auto" into "review".
//   D5. Nothing is automatic below a floor of the calibrated probability, nor where too little of the text is known, however right such items were among
//       those at hand: what they were there is no promise for items unlike them. Thresholds are found among the others.
//   D6. Decisions are plain JSON; the same unseen items give the same value.

import { StockroomError } from "../../platform/errors.ts";
import { counted, percentShort } from "../../platform/figures.ts";
import { betaBelow, clopperPearson } from "./intervals.ts";
import type { UnknownText } from "./vocabulary.ts";

/**
 * What orders items by trust: the top probability, or how far it stands above the runner-up: top / (top + second).
 *
 * The margin covers a little more (see decisions/classify-thresholds.md): what is left for a third code matters less than whether there is a second.
 */
export type ConfidenceScore = "top" | "margin";

/** The confidence from which on a segment's items are automatic, and what was seen above it. */
export type Threshold =
  | {
      readonly kind: "from";
      /** Items of this confidence or more are automatic. */
      readonly confidence: number;
      readonly seen: Seen;
    }
  | { readonly kind: "never"; readonly seen: Seen };

/** Unseen items the threshold was found with. */
export interface Seen {
  readonly items: number;
  readonly automatic: number;
  readonly wrong: number;
  /** One-sided exact lower bound of precision among the automatic ones; 0 without any. */
  readonly precisionLow: number;
}

/** Where a segment's threshold comes from. */
export type SegmentRule = Threshold & { readonly from: "own" | "rest" };

/** Thresholds of a model; stored in the model file. */
export interface Decisions {
  /** Promised precision of automatic decisions; 0..1. */
  readonly promise: number;
  /** Accepted chance of taking a threshold whose true precision is below what is aimed at: the promise with its reserve. */
  readonly risk: number;
  /** Part of the allowed errors that is not spent. */
  readonly reserve: number;
  readonly score: ConfidenceScore;
  /** Least calibrated probability of an automatic decision; absent in models from before there was one: `usualFloor`. */
  readonly floor?: number;
  readonly segments: Readonly<Record<string, SegmentRule>>;
  /** For segments that were not among the unseen items. */
  readonly unknown: Threshold;
  /** Share of the unseen items that would have been automatic. */
  readonly coverage: number;
  /** Where that is 0: the most certain of the unseen items, as many as speak best for themselves. */
  readonly surest?: Seen;
}

/** Calibrated predictions of unseen, labelled items, row by row. */
export interface Judged {
  /** Calibrated probability of the top class. */
  readonly top: ArrayLike<number>;
  /** Calibrated probability of the runner-up. */
  readonly second: ArrayLike<number>;
  /** 1 where the top class is the true one. */
  readonly right: ArrayLike<number>;
  /** Absent: all items are one segment, named "". */
  readonly segments?: ArrayLike<string>;
  /** 1 where enough of the item's text is known (see vocabulary.ts); absent: everywhere. */
  readonly known?: ArrayLike<number>;
}

export interface DecisionOptions {
  /** Default 0.98. */
  readonly promise?: number;
  /** Default 0.2. */
  readonly risk?: number;
  /** Default 0.25: for a promise of 0.98, 0.985 is aimed at. */
  readonly reserve?: number;
  /** Default `usualFloor`; 0 for none. */
  readonly floor?: number;
  /** Fewest unseen items with which a segment gets a threshold of its own. Default 300. */
  readonly minItems?: number;
  /** Default "margin". */
  readonly score?: ConfidenceScore;
}

/** The least calibrated probability of an automatic decision, unless told otherwise: measured in bench/results/classify-floor.md. */
export const usualFloor = 0.9;

/** Why an item is not decided automatically; for people and for tables. */
export type ReviewReason =
  | Exclude<UnknownText, "">
  | "below the floor"
  | "below the threshold"
  /** Its segment has no threshold that keeps the promise. */
  | "no safe threshold";

/** What is known of an item when it is decided. */
export interface Answer {
  readonly top: number;
  readonly second: number;
  /** As in the fit; default "". */
  readonly segment?: string;
  readonly unknownText?: UnknownText;
  /** A floor above the model's own; a lower one changes nothing, for no threshold was tried there. */
  readonly floor?: number;
}

/** Why a person must look, or undefined when the top class may stand without one. */
export function reasonForReview(decisions: Decisions, answer: Answer): ReviewReason | undefined {
  const { top, second, segment = "", unknownText = "", floor = 0 } = answer;
  if (unknownText !== "") return unknownText;
  if (!(top >= Math.max(floor, decisions.floor ?? usualFloor))) return "below the floor";
  const rule = Object.hasOwn(decisions.segments, segment) ? decisions.segments[segment] : decisions.unknown;
  if (rule.kind === "never") return "no safe threshold";
  return confidenceOf(decisions.score, top, second) >= rule.confidence ? undefined : "below the threshold";
}

/** The confidence of one item, 0..1, rising with trust. */
export function confidenceOf(score: ConfidenceScore, top: number, second: number): number {
  if (score === "top") return top;
  return top > 0 ? top / (top + second) : 0;
}

/** Whether the top class of an item of which enough text is known may stand without a person; `segment` as in the fit. */
export function decide(decisions: Decisions, top: number, second: number, segment = ""): "auto" | "review" {
  return reasonForReview(decisions, { top, second, segment }) === undefined ? "auto" : "review";
}

/**
 * Finds the thresholds that keep the promise, from items the model has not learned from.
 *
 * Throws `DECISIONS_PROMISE` (an `input`) for a promise or risk outside 0..1, `DECISIONS_SHAPE` (a `fault`) for columns of unequal length.
 */
export function fitDecisions(judged: Judged, options: DecisionOptions = {}): Decisions {
  const { promise = 0.98, risk = 0.2, reserve = 0.25, minItems = 300, score = "margin", floor = usualFloor } = options;
  if (!(promise > 0 && promise < 1 && risk > 0 && risk < 1 && reserve >= 0 && reserve < 1 && floor >= 0 && floor < 1)) {
    throw new StockroomError(
      "input",
      "DECISIONS_PROMISE",
      `Expected promise and risk between 0 and 1, reserve and floor of at least 0 and below 1 but received ${promise}, ${risk}, ${reserve} and ${floor}. Promise, say, 0.98 with risk 0.2, reserve 0.25 and floor 0.9.`,
    );
  }
  const items = judged.top.length;
  const segments = judged.segments ?? [];
  const { known = { length: items } } = judged;
  const lengths = [judged.second.length, judged.right.length, known.length, judged.segments === undefined ? items : segments.length];
  if (lengths.some((length) => length !== items)) {
    throw new StockroomError(
      "fault",
      "DECISIONS_SHAPE",
      `Expected ${items} values in every column of the judged items. Hand over one per item.`,
    );
  }
  const rowsOf = new Map<string, number[]>();
  for (let row = 0; row < items; row++) {
    const segment = segments[row] ?? "";
    const rows = rowsOf.get(segment);
    if (rows === undefined) rowsOf.set(segment, [row]);
    else rows.push(row);
  }
  const confidence = Float64Array.from(judged.top, (top, row) => confidenceOf(score, top, judged.second[row]));
  const isEligible = (row: number): boolean => judged.top[row] >= floor && (judged.known?.[row] ?? 1) > 0;
  const aim = 1 - (1 - promise) * (1 - reserve);
  const ladderOf = (rows: readonly number[]): Ladder => climb(confidence, judged.right, rows, rows.filter(isEligible));

  const large = [...rowsOf].filter(([, rows]) => rows.length >= minItems);
  const small = [...rowsOf].filter(([, rows]) => rows.length < minItems);
  const own = large.map(([segment, rows]): [string, Threshold] => [segment, loosest(ladderOf(rows), aim, risk)]);
  const smallRows = small.flatMap(([, rows]) => rows);
  const everything = [...rowsOf.values()].flat();
  const pooled = smallRows.length >= minItems ? loosest(ladderOf(smallRows), aim, risk) : undefined;
  // Too few even together: the strictest that all items or a large segment demand, unless the small ones' own items speak against it.
  const borrowed = strictest([
    loosest(ladderOf(everything), aim, risk),
    ...own.map(([, threshold]) => threshold).filter(({ kind }) => kind === "from"),
  ]);
  const tried = seenAbove(borrowed, ladderOf(smallRows), risk);
  const lent: Threshold = tried.kind === "from" && speaksAgainst(tried.seen, promise) ? { kind: "never", seen: tried.seen } : borrowed;
  const rest = pooled?.kind === "from" ? pooled : lent;

  const rules = new Map<string, SegmentRule>();
  for (const [segment, threshold] of own) rules.set(segment, { ...threshold, from: "own" });
  for (const [segment, rows] of small) {
    const threshold = seenAbove(rest, ladderOf(rows), risk);
    const against = threshold.kind === "from" && speaksAgainst(threshold.seen, promise);
    rules.set(segment, against ? { kind: "never", seen: threshold.seen, from: "rest" } : { ...threshold, from: "rest" });
  }
  const automatic = [...rules.values()].reduce((sum, rule) => sum + (rule.kind === "from" ? rule.seen.automatic : 0), 0);
  return {
    promise,
    risk,
    reserve,
    score,
    floor,
    segments: Object.fromEntries([...rules].sort(([a], [b]) => (a < b ? -1 : 1))),
    unknown: strictest([rest, borrowed, ...own.map(([, threshold]) => threshold)]),
    coverage: everything.length === 0 ? 0 : automatic / everything.length,
    ...(automatic > 0 ? {} : { surest: surestOf(ladderOf(everything), risk) }),
  };
}

/** The part of a ladder from the top whose lower bound of precision is the highest; of long ladders some hundred steps are tried. */
function surestOf({ items, steps }: Ladder, risk: number): Seen {
  const stride = Math.max(1, Math.floor(steps.length / 300));
  let best = see(items, 0, 0, risk);
  for (let i = 0; i < steps.length; i += stride) {
    const seen = see(items, steps[i].automatic, steps[i].wrong, risk);
    if (seen.precisionLow >= best.precisionLow) best = seen;
  }
  return best;
}

/** Items of a segment from the most to the least confident: how many stand at or above each confidence, and how many of them are wrong. */
interface Ladder {
  readonly items: number;
  readonly steps: readonly { readonly confidence: number; readonly automatic: number; readonly wrong: number }[];
}

/** Of the rows of a segment only the eligible ones can be automatic. */
function climb(confidence: Float64Array, right: ArrayLike<number>, rows: readonly number[], eligible: readonly number[]): Ladder {
  const order = eligible.toSorted((a, b) => confidence[b] - confidence[a]);
  const steps: { confidence: number; automatic: number; wrong: number }[] = [];
  let wrong = 0;
  for (let i = 0; i < order.length; i++) {
    const here = confidence[order[i]];
    if (right[order[i]] === 0) wrong += 1;
    // Ties stand or fall together.
    if (i + 1 === order.length || confidence[order[i + 1]] < here) steps.push({ confidence: here, automatic: i + 1, wrong });
  }
  return { items: rows.length, steps };
}

/** The loosest step whose exact lower bound of precision reaches what is aimed at. */
function loosest(ladder: Ladder, aim: number, risk: number): Threshold {
  for (let i = ladder.steps.length - 1; i >= 0; i--) {
    const step = ladder.steps[i];
    // Only where the aim was met can it have been met for sure; then the chance of so few wrong ones were the precision just that: a binomial tail, as a
    // beta integral.
    const holds = step.wrong <= (1 - aim) * step.automatic && 1 - betaBelow(step.wrong + 1, step.automatic - step.wrong, 1 - aim) <= risk;
    if (holds) return { kind: "from", confidence: step.confidence, seen: see(ladder.items, step.automatic, step.wrong, risk) };
  }
  return { kind: "never", seen: see(ladder.items, 0, 0, risk) };
}

/** The same threshold with what a ladder of other items shows above it. */
function seenAbove(threshold: Threshold, ladder: Ladder, risk: number): Threshold {
  if (threshold.kind === "never") return { kind: "never", seen: see(ladder.items, 0, 0, risk) };
  const step = ladder.steps.findLast((one) => one.confidence >= threshold.confidence);
  return { ...threshold, seen: see(ladder.items, step?.automatic ?? 0, step?.wrong ?? 0, risk) };
}

function see(items: number, automatic: number, wrong: number, risk: number): Seen {
  const precisionLow = automatic === 0 ? 0 : clopperPearson(automatic - wrong, automatic, 1 - 2 * Math.min(risk, 0.5)).low;
  return { items, automatic, wrong, precisionLow };
}

/** Whether so many wrong ones would come in fewer than 1 in 20 cases if the promise held. */
function speaksAgainst(seen: Seen, promise: number): boolean {
  return seen.wrong > 0 && betaBelow(seen.wrong, seen.automatic - seen.wrong + 1, 1 - promise) < 0.05;
}

function strictest(thresholds: readonly Threshold[]): Threshold {
  return thresholds.reduce((strict, one) =>
    strict.kind === "never" || (one.kind === "from" && one.confidence <= strict.confidence) ? strict : one,
  );
}

/**
 * Why a model decides nothing by itself, for the person who waits for it: the bound, what was measured, how many items would do; undefined when it does
 * decide something.
 *
 * `judged`: the unseen items the thresholds were looked for with.
 */
export function whyNothing(decisions: Decisions, judged: number): string | undefined {
  if (decisions.coverage > 0) return undefined;
  const { promise, reserve, risk, surest } = decisions;
  const aim = 1 - (1 - promise) * (1 - reserve);
  const needed = Math.ceil(Math.log(risk) / Math.log(aim));
  const promised = `a promised precision of ${percentShort(promise)}`;
  const bound = `${needed} unseen items decided without an error are needed for ${promised}, or more with few`;
  if (surest === undefined || surest.precisionLow < 0.3) {
    const floor = decisions.floor ?? usualFloor;
    return judged < needed
      ? `${bound}; there were ${judged} unseen items in all. Add labelled items.`
      : `${bound}; of ${judged} unseen items hardly any reached the floor of ${percentShort(floor)} with known text, or not without error. Add labelled items, or correct labels that contradict each other.`;
  }
  const { automatic, wrong, precisionLow } = surest;
  const measured = `of ${judged} unseen items the ${automatic} surest had ${wrong === 0 ? "no error" : counted(wrong, "error")}, which shows ${percentShort(Math.floor(precisionLow * 1000) / 1000)} and no more`;
  const enough = itemsNeeded(wrong / automatic, aim, risk);
  const advice =
    enough === undefined
      ? "More items alone would not do: correct labels that contradict each other, or add text that tells the codes apart."
      : `About ${roughly((enough * judged) / automatic)} labelled items would do if the further ones are alike.`;
  return `${bound}; ${measured}. ${advice}`;
}

/** How many items with such a share of errors show what is aimed at; undefined where none do. */
function itemsNeeded(errors: number, aim: number, risk: number): number | undefined {
  if (errors >= 0.9 * (1 - aim)) return undefined;
  for (let items = 1; items < 1e6; items = Math.ceil(items * 1.02)) {
    const wrong = Math.round(errors * items);
    if (wrong <= (1 - aim) * items && 1 - betaBelow(wrong + 1, items - wrong, 1 - aim) <= risk) return items;
  }
  return undefined;
}

/** Two digits that count, rounded up. */
function roughly(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 1);
  return Math.ceil(value / unit) * unit;
}
