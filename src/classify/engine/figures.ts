// Figures: amounts by code, and what the models' probabilities say of how they may be wrong.
//
// Owns: the shapes that codings write and reports add up. Does not own: the arithmetic (jobs/code-sums.ts, workflows/report.ts, margins.ts).
//   F1. No item text in any of these values: they go into rows, events and notices.

/** An amount in items, units and kg. */
export type Triple = readonly [items: number, units: number, kg: number];

/** The same while it is added up. */
export type Amounts = [items: number, units: number, kg: number];

/**
 * What the models' own probabilities say of how a code's figures may be wrong, in items, units and kg; amounts of returns count by their size.
 *
 * An item with probability p for its code and q for its runner-up leaves with 1 - p, goes to the runner-up with q and anywhere else with the rest.
 */
export interface CodeMoves {
  readonly autoOut: Triple;
  readonly autoIn: Triple;
  readonly autoRest: Triple;
  /** Sums of squared amounts times p (1 - p), and q (1 - q) at the runner-up. */
  readonly autoSpread: Triple;
  readonly reviewOut: Triple;
  readonly reviewIn: Triple;
  readonly reviewRest: Triple;
  readonly reviewSpread: Triple;
  /** Whole amounts whose code a law has split: all of it may belong to another of the codes (out), or come to this one (in). */
  readonly splitOut: Triple;
  readonly splitIn: Triple;
}

/** Nothing moves: where adding up begins. */
export function noMoves(): { readonly [Kind in keyof CodeMoves]: Amounts } {
  const none = (): Amounts => [0, 0, 0];
  return {
    autoOut: none(),
    autoIn: none(),
    autoRest: none(),
    autoSpread: none(),
    reviewOut: none(),
    reviewIn: none(),
    reviewRest: none(),
    reviewSpread: none(),
    splitOut: none(),
    splitIn: none(),
  };
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a record made here has these keys and no other
export const moveKinds = Object.keys(noMoves()) as readonly (keyof CodeMoves)[];

/** The figures of one code in one inference: what reports add up. Units and kg are net of returns. */
export interface CodeFigures {
  readonly items: number;
  readonly units: number;
  readonly kg: number;
  /** The part of them that the model decided by itself. */
  readonly autoItems: number;
  readonly autoUnits: number;
  readonly autoKg: number;
  /** Expected wrong ones among the rest: the sum of 1 - probability (times units, kg). */
  readonly doubtItems: number;
  readonly doubtUnits: number;
  readonly doubtKg: number;
  /** Rows that were returns, and how many units and kg came back: positive numbers. Absent: none. */
  readonly returned?: Triple;
  /** Absent in codings of earlier versions of this program. */
  readonly moves?: CodeMoves;
}
