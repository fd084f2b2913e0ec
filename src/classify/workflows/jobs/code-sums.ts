// Code sums: the figures of a line by scheme version and code, added up row by row.
//
//   C1. What is given back does not depend on the order of adding: floats are rounded to a thousandth, codes stand in order.

import { noMoves, type Amounts, type CodeFigures, type CodeMoves, type Triple } from "../../engine/figures.ts";
import type { Prediction } from "../../engine/predict.ts";
import type { Outcome } from "./outcomes.ts";
import type { Sold } from "./sold.ts";

/** A row and what its model made of it. */
export interface CodedRow {
  readonly sold: Sold;
  readonly answer: Prediction;
  readonly outcome: Outcome;
  /** Of the runner-up. */
  readonly second: Outcome;
  /** Rounded to a millionth, as it is written. */
  readonly probability: number;
  readonly decision: "auto" | "review";
}

export interface CodeSums {
  add(row: CodedRow): void;
  /** By scheme version, then code. */
  finish(): Readonly<Record<string, Readonly<Record<string, CodeFigures>>>>;
}

export function openCodeSums(): CodeSums {
  const figures = new Map<string, Map<string, Sums>>();
  const sumsOf = (version: string, code: string): Sums => {
    let codes = figures.get(version);
    if (codes === undefined) figures.set(version, (codes = new Map()));
    let sums = codes.get(code);
    if (sums === undefined) codes.set(code, (sums = noFigures()));
    return sums;
  };
  return {
    add({ sold, answer, outcome, second, probability, decision }) {
      const sums = sumsOf(outcome.version, outcome.code);
      sums.items += 1;
      sums.units += sold.units;
      sums.kg += sold.kg;
      const amounts: Triple = [1, Math.abs(sold.units), Math.abs(sold.kg)];
      if (sold.units < 0) addTo(sums.returned, amounts, 1);
      addMoves(sums, sumsOf(second.version, second.code), answer, decision === "auto", amounts);
      if (outcome.others.length > 0) {
        addTo(sums.moves.splitOut, amounts, 1);
        for (const other of outcome.others) addTo(sumsOf(outcome.version, other).moves.splitIn, amounts, 1);
      }
      if (decision === "auto") {
        sums.autoItems += 1;
        sums.autoUnits += sold.units;
        sums.autoKg += sold.kg;
      } else {
        const doubt = 1 - probability;
        sums.doubtItems += doubt;
        sums.doubtUnits += doubt * amounts[1];
        sums.doubtKg += doubt * amounts[2];
      }
    },
    finish: () => Object.fromEntries([...figures].map(([version, codes]) => [version, roundFigures(codes)])),
  };
}

type Sums = { -readonly [Key in keyof Omit<CodeFigures, "returned" | "moves">]: number } & {
  readonly returned: Amounts;
  readonly moves: ReturnType<typeof noMoves>;
};

const noFigures = (): Sums => ({
  items: 0,
  units: 0,
  kg: 0,
  autoItems: 0,
  autoUnits: 0,
  autoKg: 0,
  doubtItems: 0,
  doubtUnits: 0,
  doubtKg: 0,
  returned: [0, 0, 0],
  moves: noMoves(),
});

/** Adds an item's amounts, each times a share. */
function addTo(sum: Amounts, amounts: Triple, share: number): void {
  for (let i = 0; i < 3; i++) sum[i] = (sum[i] ?? 0) + (amounts[i] ?? 0) * share;
}

/** What an item's probabilities say of where it may belong instead. */
function addMoves(own: Sums, second: Sums, answer: Prediction, automatic: boolean, amounts: Triple): void {
  const p = answer.probability;
  const q = Math.min(1 - p, answer.runnerUpProbability);
  const squares = amounts.map((amount) => amount * amount) as unknown as Triple; // of three comes three
  const [leaves, comes] = [own.moves, second.moves];
  const out = automatic ? leaves.autoOut : leaves.reviewOut;
  addTo(out, amounts, 1 - p);
  if (own === second) return;
  addTo(automatic ? leaves.autoSpread : leaves.reviewSpread, squares, p * (1 - p));
  addTo(automatic ? leaves.autoRest : leaves.reviewRest, amounts, 1 - p - q);
  addTo(automatic ? comes.autoIn : comes.reviewIn, amounts, q);
  addTo(automatic ? comes.autoSpread : comes.reviewSpread, squares, q * (1 - q));
}

/** Sums of floats to a thousandth, codes in order: what is kept does not depend on the order of adding. */
function roundFigures(codes: ReadonlyMap<string, Sums>): Record<string, CodeFigures> {
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  const triple = (sum: Triple): Triple => [round(sum[0]), round(sum[1]), round(sum[2])];
  return Object.fromEntries(
    [...codes]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, figure]) => [
        code,
        {
          items: figure.items,
          units: round(figure.units),
          kg: round(figure.kg),
          autoItems: figure.autoItems,
          autoUnits: round(figure.autoUnits),
          autoKg: round(figure.autoKg),
          doubtItems: round(figure.doubtItems),
          doubtUnits: round(figure.doubtUnits),
          doubtKg: round(figure.doubtKg),
          ...(figure.returned[0] > 0 ? { returned: triple(figure.returned) } : {}),
          moves: Object.fromEntries(Object.entries(figure.moves).map(([name, sum]) => [name, triple(sum)])) as unknown as CodeMoves, // the same keys
        },
      ]),
  );
}
