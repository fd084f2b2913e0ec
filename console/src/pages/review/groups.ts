// Groups: what a person answers once. The same item in the same version of a scheme is one question, in however many lines, periods and codings it waits.
//
//   G1. Only rows with the same words are one question: an id that two countries use for two things stays two.
//   G2. Questions on one item stand one after another, so that its words are read once.

import { schemeOf } from "../../data/codebook.ts";
import type { AnswerOf } from "../../data/client.ts";

export type Review = AnswerOf<"GET /api/classify/review">["reviews"][number];

export interface Group {
  readonly key: string;
  readonly scheme: string;
  readonly version: string;
  /** The first of them is the one that is shown. */
  readonly reviews: readonly [Review, ...Review[]];
  readonly title: string;
  /** Texts under the title. */
  readonly more: readonly string[];
}

const fold = (text: string): string => text.normalize("NFKC").toLowerCase();

/** What two titles have in common that a person would call the same. */
export const plainTitle = (title: string): string =>
  fold(title)
    .replaceAll(/[^\p{L}\p{N}\p{M}]+/gu, " ")
    .trim();

export const textsOf = (review: Review, columns: readonly string[]): readonly string[] =>
  columns.flatMap((column) => {
    const text = (review.item[column] ?? "").trim();
    return text === "" ? [] : [text];
  });

/** Pure. In the order of the queue, but that questions on one item follow its first. */
export function groupReviews(reviews: readonly Review[], columns: readonly string[]): readonly Group[] {
  const groups = new Map<string, [Review, ...Review[]]>();
  const items = new Map<string, Set<string>>();
  for (const review of reviews) {
    const item = JSON.stringify([review.itemId, plainTitle(textsOf(review, columns).join(" "))]);
    const key = JSON.stringify([item, schemeOf(review.line), review.schemeVersion]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [review]);
    else known.push(review);
    const questions = items.get(item);
    if (questions === undefined) items.set(item, new Set([key]));
    else questions.add(key);
  }
  return [...items.values()].flatMap((keys) =>
    [...keys].flatMap((key) => {
      const of = groups.get(key);
      if (of === undefined) return [];
      const [title = "(no text)", ...more] = textsOf(of[0], columns);
      return [{ key, scheme: schemeOf(of[0].line), version: of[0].schemeVersion, reviews: of, title, more }];
    }),
  );
}

/** Other questions with the same predicted code and the same title: one answer may do for all. Pure. */
export function alikeOf(group: Group, groups: readonly Group[]): readonly Group[] {
  const title = plainTitle(group.title);
  const [{ predicted }] = group.reviews;
  return groups.filter(
    (other) =>
      other.key !== group.key &&
      other.scheme === group.scheme &&
      other.version === group.version &&
      other.reviews[0].predicted === predicted &&
      plainTitle(other.title) === title,
  );
}

/** The rows to send an answer for: it holds for the item, its day and the version, so that rows that share them are answered by one of them. Pure. */
export function toSend(reviews: readonly Review[]): readonly Review[] {
  const first = new Map<string, Review>();
  for (const review of reviews) {
    const { line, itemId, day, schemeVersion } = review;
    const name = JSON.stringify([line, itemId, day, schemeVersion]);
    if (!first.has(name)) first.set(name, review);
  }
  return [...first.values()];
}

/** Where an answer goes: "GBR-WASTE 2026-09, 2026-10". */
export function placesText({ reviews }: Group): string {
  return [...Map.groupBy(reviews, ({ line }) => line)]
    .map(([line, of]) => `${line} ${[...new Set(of.map(({ period }) => period))].toSorted().join(", ")}`)
    .join("; ");
}

/** Answers an hour over the last ten minutes; undefined before there are three. Pure. */
export function paceOf(times: readonly number[], now: number): number | undefined {
  const recent = times.filter((time) => now - time < 600_000);
  const [first] = recent;
  if (first === undefined || recent.length < 3) return undefined;
  // Between n answers lie n - 1 stretches.
  const spanMs = Math.max(1, (recent.at(-1) ?? first) - first);
  return ((recent.length - 1) / spanMs) * 3_600_000;
}
