// Holding: whether a better challenger may take over by itself, or a person must look first.
//
// Owns: the verdict on the ground the line already stands on, jumps of codes against the line's history, what both make of the gate's verdict.
// Does not own: the gate itself (gate), where the items and figures come from (flow).
//   H1. A challenger that leads is promoted by itself only if it is not worse on the line's kept test items: labels that came with one file cannot
//       outvote those kept from before, for nobody can say by arithmetic which of the two are wrong.
//   H2. Nor if a code's share of items or kg, or its unit weight, would leave what the line's history has shown by more than the bounds.
//   H3. Both only ever hold back: what the gate did not promote, they do not promote; an equal challenger passes no more often than the gate lets it.

import { percent, points } from "../../platform/figures.ts";
import { judgeChallenger, type Bout, type GateOptions, type GateScores, type Verdict } from "./gate.ts";
import type { Interval } from "./intervals.ts";

/** How both did on one part of the test items. */
export interface GroundVerdict {
  readonly items: number;
  readonly challenger: GateScores;
  readonly champion: GateScores;
  /** Macro-F1 of the challenger less that of the champion. */
  readonly difference: number;
  readonly interval: Interval & { readonly confidence: number };
  /** Chance of so large a loss between equal models. */
  readonly p: number;
  readonly holds: boolean;
}

/** Twice the gate's alpha: a loss stops a promotion sooner than a lead earns one. */
const LOSS_ALPHA = 2;

/** Judges whether a challenger loses to the champion by more than chance. `bout.champion` must be there. */
export function judgeHolding(bout: Required<Bout>, options: GateOptions = {}): GroundVerdict {
  const { alpha = 0.05 } = options;
  const reverse = judgeChallenger(
    { ...bout, challenger: bout.champion, champion: bout.challenger },
    { ...options, alpha: Math.min(0.49, LOSS_ALPHA * alpha) },
  );
  const { low, high, confidence } = reverse.interval;
  const { kind: _, ...challenger } = reverse.opponent;
  return {
    items: reverse.items,
    challenger,
    champion: reverse.challenger,
    difference: 0 - reverse.difference,
    interval: { low: 0 - high, high: 0 - low, confidence },
    p: reverse.p,
    holds: !reverse.promoted,
  };
}

/** What one code adds up to in some sales. */
export interface CodeSums {
  readonly items: number;
  readonly units: number;
  readonly kg: number;
}

/** By scheme version, then code. */
export type Sums = Readonly<Record<string, Readonly<Record<string, CodeSums>>>>;

/** A code that would leave what the line has shown so far. */
export interface Jump {
  readonly version: string;
  readonly code: string;
  readonly what: "share of items" | "share of kg" | "kg per unit";
  /** What it was in the line's history, the sales at hand included. */
  readonly before: { readonly low: number; readonly high: number };
  readonly after: number;
}

export interface JumpBounds {
  /** Points of share (0..1) beyond the history's range. Default 0.05. */
  readonly share?: number;
  /** Factor of kg per unit beyond the history's range. Default 1.5. */
  readonly weight?: number;
}

/** Below this share of the items a code's unit weight is that of a few items. */
const FEWEST_SHARE = 0.01;
/** Periods of fewer items in a version show no share. */
const FEWEST_ITEMS = 50;

/**
 * Compares what a challenger makes of the newest sales with what the line made of them and of the sales before.
 *
 * `current` is the line's own coding of the very sales that `challenger` coded; `history` its codings of earlier periods, one each.
 */
export function findJumps(challenger: Sums, current: Sums, history: readonly Sums[], bounds: JumpBounds = {}): readonly Jump[] {
  const { share = 0.05, weight = 1.5 } = bounds;
  const jumps: Jump[] = [];
  for (const [version, codes] of Object.entries(challenger)) {
    const past = [current, ...history.filter((sums) => totalOf(sums[version], "items") >= FEWEST_ITEMS)].flatMap((sums) =>
      sums[version] === undefined ? [] : [sums[version]],
    );
    // Nothing was ever coded in this version: there is no history to leave.
    if (past.length === 0) continue;
    const all = [codes, ...past];
    for (const code of new Set(all.flatMap((one) => Object.keys(one)))) {
      for (const what of ["items", "kg"] as const) {
        const seen = past.map((one) => shareOf(one, code, what));
        const [low, high, after] = [Math.min(...seen), Math.max(...seen), shareOf(codes, code, what)];
        if (after > high + share || after < low - share)
          jumps.push({ version, code, what: `share of ${what}`, before: { low, high }, after });
      }
      const common = all.every((one) => shareOf(one, code, "items") >= FEWEST_SHARE);
      const weights = past.map((one) => weightOf(one[code]));
      const [low, high, after] = [Math.min(...weights), Math.max(...weights), weightOf(codes[code])];
      if (common && low > 0 && (after > high * weight || after < low / weight))
        jumps.push({ version, code, what: "kg per unit", before: { low, high }, after });
    }
  }
  return jumps.toSorted((a, b) => sizeOf(b) - sizeOf(a));
}

type CodesOf = Readonly<Record<string, CodeSums>>;

const totalOf = (codes: CodesOf | undefined, what: keyof CodeSums): number =>
  Object.values(codes ?? {}).reduce((sum, one) => sum + Math.max(0, one[what]), 0);

function shareOf(codes: CodesOf, code: string, what: "items" | "kg"): number {
  const total = totalOf(codes, what);
  return total > 0 ? Math.max(0, codes[code]?.[what] ?? 0) / total : 0;
}

const weightOf = (sums: CodeSums | undefined): number => (sums === undefined || sums.units <= 0 ? 0 : sums.kg / sums.units);

const sizeOf = ({ before, after }: Jump): number => Math.max(after - before.high, before.low - after);

/** A jump in words. */
export function describeJump({ code, what, before, after }: Jump): string {
  const show = (value: number): string => (what === "kg per unit" ? `${value.toFixed(2)} kg` : percent(value));
  const range = show(before.low) === show(before.high) ? show(before.low) : `${show(before.low)} to ${show(before.high)}`;
  return `the ${what} of ${code} would go from ${range} to ${show(after)}`;
}

/** What becomes of a challenger. */
export type Outcome = Omit<Verdict, "decision"> & {
  readonly decision: Verdict["decision"] | "held";
  /** On the line's kept test items; null without a champion or without kept items. */
  readonly ground: GroundVerdict | null;
  readonly jumps: readonly Jump[];
};

/** Puts the gate's verdict, the ground's and the jumps together. Pure. */
export function concludeVerdict(verdict: Verdict, ground: GroundVerdict | null, jumps: readonly Jump[]): Outcome {
  const lost = ground !== null && !ground.holds;
  const lostGround = lost
    ? ` On the ${ground.items} test items the line has kept from before, it loses ${points(-ground.difference)} (${ground.challenger.macroF1.toFixed(4)} against ${ground.champion.macroF1.toFixed(4)}): the new labels contradict the former ones.`
    : "";
  const moved = jumps.length === 0 ? "" : ` On the line's newest sales ${jumps.slice(0, 3).map(describeJump).join("; ")}.`;
  const isHeld = verdict.decision === "promote" && (lost || jumps.length > 0);
  if (!isHeld) return { ...verdict, reason: `${verdict.reason}${verdict.promoted ? "" : lostGround}`, ground, jumps };
  return {
    ...verdict,
    decision: "held",
    promoted: false,
    reason: `${verdict.reason.replace(/ Promoted\.$/, "")}${lostGround}${moved} Held for a person.`,
    ground,
    jumps,
  };
}
