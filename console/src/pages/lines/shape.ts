// What verdicts and models keep as plain JSON, read with care: older ones lack what newer ones have.

import type { AnswerOf } from "../../data/client.ts";

export type Line = AnswerOf<"GET /api/classify/lines">["lines"][number];
export type Model = AnswerOf<"GET /api/classify/models">["models"][number];
export type Verdict = AnswerOf<"GET /api/classify/verdicts">["verdicts"][number];
export type Coding = AnswerOf<"GET /api/classify/codings">["codings"][number];
export type Champions = AnswerOf<"GET /api/classify/champions">;

type Bag = Readonly<Record<string, unknown>>;

const isBag = (value: unknown): value is Bag => typeof value === "object" && value !== null && !Array.isArray(value);
const bagOf = (value: unknown): Bag => (isBag(value) ? value : {});
const numberOf = (value: unknown): number | undefined => (typeof value === "number" && Number.isFinite(value) ? value : undefined);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const bagsOf = (value: unknown): readonly Bag[] => (Array.isArray(value) ? value.filter(isBag) : []);

export interface Scores {
  readonly macroF1: number | undefined;
  readonly accuracy: number | undefined;
  readonly weightedF1: number | undefined;
}

export interface Lead {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number | undefined;
}

export interface Change {
  readonly truth: string;
  readonly champion: string;
  readonly challenger: string;
  readonly items: number;
}

export interface Jump {
  readonly version: string;
  readonly code: string;
  readonly what: string;
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly after: number | undefined;
}

export interface VerdictShape {
  readonly items: number | undefined;
  readonly codes: number | undefined;
  readonly p: number | undefined;
  readonly alpha: number | undefined;
  readonly challenger: Scores;
  readonly opponent: Scores & { readonly kind: string };
  readonly lead: Lead | undefined;
  readonly onlyChallenger: number | undefined;
  readonly onlyOpponent: number | undefined;
  /** On the test items the line has kept from before. */
  readonly ground: { readonly items: number | undefined; readonly lead: Lead | undefined; readonly holds: boolean } | undefined;
  readonly jumps: readonly Jump[];
  /** Undefined: the verdict is from before they were kept. */
  readonly changes: readonly Change[] | undefined;
}

const scoresOf = (value: unknown): Scores => {
  const { macroF1, accuracy, weightedF1 } = bagOf(value);
  return { macroF1: numberOf(macroF1), accuracy: numberOf(accuracy), weightedF1: numberOf(weightedF1) };
};

function leadOf(value: Bag): Lead | undefined {
  const { low, high, confidence } = bagOf(value["interval"]);
  const [difference, from, to] = [numberOf(value["difference"]), numberOf(low), numberOf(high)];
  if (difference === undefined || from === undefined || to === undefined) return undefined;
  return { difference, low: from, high: to, confidence: numberOf(confidence) };
}

/** Pure. */
export function readVerdict(verdict: Bag): VerdictShape {
  const mcnemar = bagOf(verdict["mcnemar"]);
  const { ground, changes } = verdict;
  return {
    items: numberOf(verdict["items"]),
    codes: numberOf(verdict["codes"]),
    p: numberOf(verdict["p"]),
    alpha: numberOf(verdict["alpha"]),
    challenger: scoresOf(verdict["challenger"]),
    opponent: { ...scoresOf(verdict["opponent"]), kind: textOf(bagOf(verdict["opponent"])["kind"]) },
    lead: leadOf(verdict),
    onlyChallenger: numberOf(mcnemar["onlyChallenger"]),
    onlyOpponent: numberOf(mcnemar["onlyOpponent"]),
    ground: isBag(ground) ? { items: numberOf(ground["items"]), lead: leadOf(ground), holds: ground["holds"] === true } : undefined,
    jumps: bagsOf(verdict["jumps"]).map((jump) => ({
      version: textOf(jump["version"]),
      code: textOf(jump["code"]),
      what: textOf(jump["what"]),
      low: numberOf(bagOf(jump["before"])["low"]),
      high: numberOf(bagOf(jump["before"])["high"]),
      after: numberOf(jump["after"]),
    })),
    changes: Array.isArray(changes)
      ? bagsOf(changes).map(({ truth, champion, challenger, items }) => ({
          truth: textOf(truth),
          champion: textOf(champion),
          challenger: textOf(challenger),
          items: numberOf(items) ?? 0,
        }))
      : undefined,
  };
}

/** A figure of a model's metrics. */
export const metricOf = (model: Pick<Model, "metrics">, name: string): number | undefined => numberOf(model.metrics[name]);

/** A change seen from the true code: which of the two was right. */
export const changeText = ({ truth, champion, challenger }: Pick<Change, "truth" | "champion" | "challenger">): "won" | "lost" | "moved" =>
  challenger === truth ? "won" : champion === truth ? "lost" : "moved";

/** The end of a model's id, which tells those of a line apart. */
export const shortModel = (id: string): string => {
  const at = id.lastIndexOf("@");
  return at === -1 ? id : id.slice(at + 1, at + 9);
};

/** Where a lead and its interval stand on an axis that holds zero, with room at both ends: shares of the width. Pure. */
export function placeLead({ difference, low, high }: Lead): {
  readonly zero: number;
  readonly low: number;
  readonly high: number;
  readonly at: number;
} {
  const [from, to] = [Math.min(0, low, difference), Math.max(0, high, difference)];
  const room = Math.max((to - from) * 0.15, 0.001);
  const [start, width] = [from - room, to - from + 2 * room];
  const place = (value: number): number => (value - start) / width;
  return { zero: place(0), low: place(low), high: place(high), at: place(difference) };
}
