// Answers: what reviewers said of items, every word ever given.
//
// Owns: classify_answer. Does not own: which items are asked about (store/reviews.ts), what the words of an item are (sealed objects).
//   A1. A row is never changed: amending, carrying over and taking back add a row, and the last one of (line, item, day, scheme version) holds.
//   A2. Whoever answers and whoever codes a line hold `lockAnswers` while they write: no answer falls between a coding's look and its commit.

import { createHash } from "node:crypto";
import type { Tx } from "../../platform/database/contract.ts";
import type { GivenAnswer } from "../engine/answers.ts";

/** An item of a line as answers know it: its id and the day it was sold. */
export interface ItemKey {
  readonly item: string;
  readonly day: string;
}

export const nameItem = (key: ItemKey): string => JSON.stringify([key.item, key.day]);

export interface AnswerRow extends ItemKey, GivenAnswer {
  readonly line: string;
  readonly period: string;
  /** Counts the words given on this item in this version, from 0. */
  readonly revision: number;
  /**
   * `given`, `amended`: by a person. `carried`: brought over from another version by its mapping. `lapsed`: taken back, because the version
   * no longer has the code.
   */
  readonly kind: "given" | "amended" | "carried" | "lapsed";
  readonly reviewer: string;
  readonly reason: string;
  /** Where the item's words are. */
  readonly review: string;
  /** Of a carried or lapsed one: the answer it comes from. */
  readonly source: string | undefined;
  readonly at: string;
}

interface AnswerRecord {
  readonly id: string;
  readonly line: string;
  readonly period: string;
  readonly item: string;
  readonly day: string;
  readonly scheme_version: string;
  readonly revision: number;
  readonly answer: string | null;
  readonly kind: AnswerRow["kind"];
  readonly reviewer: string;
  readonly reason: string;
  readonly review: string;
  readonly source: string | null;
  readonly at: string;
}

const toAnswer = ({ scheme_version: schemeVersion, answer, source, ...row }: AnswerRecord): AnswerRow => ({
  ...row,
  schemeVersion,
  answer: answer ?? undefined,
  source: source ?? undefined,
});

/** Serialises answers and codings of a line until the transaction ends. */
export async function lockAnswers(tx: Tx, line: string): Promise<void> {
  await tx.query("select pg_advisory_xact_lock(hashtext($1))", [`classify.answers/${line}`]);
}

/** Adds a word on an item. The caller holds `lockAnswers`. */
export async function addAnswer(tx: Tx, row: Omit<AnswerRow, "id" | "revision">): Promise<AnswerRow> {
  const key = [row.line, row.item, row.day, row.schemeVersion];
  const [last] = await tx.query<{ revision: number }>(
    `select coalesce(max(revision), -1)::int as revision from stockroom.classify_answer
      where line = $1 and item = $2 and day = $3 and scheme_version = $4`,
    key,
  );
  const revision = (last?.revision ?? -1) + 1;
  const id = createHash("sha256")
    .update(JSON.stringify([...key, revision]))
    .digest("hex")
    .slice(0, 24);
  await tx.query(
    `insert into stockroom.classify_answer
       (id, line, item, day, scheme_version, revision, period, answer, kind, reviewer, reason, review, source, at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [id, ...key, revision, row.period, row.answer ?? null, row.kind, row.reviewer, row.reason, row.review, row.source ?? null, row.at],
  );
  return { ...row, id, revision };
}

/** The last word of each version on each of these items of a line, by `nameItem`, the newest first. */
export async function findAnswers(tx: Tx, line: string, items: readonly ItemKey[]): Promise<ReadonlyMap<string, readonly AnswerRow[]>> {
  if (items.length === 0) return new Map();
  const rows = await tx.query<AnswerRecord>(
    `select * from (
       select distinct on (a.item, a.day, a.scheme_version) a.* from stockroom.classify_answer a
         join (select distinct item, day from unnest($2::text[], $3::text[]) as x(item, day)) wanted on wanted.item = a.item and wanted.day = a.day
        where a.line = $1 order by a.item, a.day, a.scheme_version, a.revision desc) last
      order by seq desc`,
    [line, items.map((key) => key.item), items.map((key) => key.day)],
  );
  return Map.groupBy(rows.map(toAnswer), nameItem);
}

/** Every word ever given on an item of a period, the first one first. */
export async function listWords(tx: Tx, item: string, period: string): Promise<readonly AnswerRow[]> {
  const rows = await tx.query<AnswerRecord>("select * from stockroom.classify_answer where item = $1 and period = $2 order by seq", [
    item,
    period,
  ]);
  return rows.map(toAnswer);
}

/** The items of a line's period somebody was ever asked about, and whether anybody has answered. */
export async function listAsked(tx: Tx, line: string, period: string): Promise<readonly (ItemKey & { readonly answered: boolean })[]> {
  return await tx.query(
    `select r.item, r.day, bool_or(a.answer is not null) as answered from stockroom.classify_review r
       left join stockroom.classify_answer a on a.line = r.line and a.item = r.item and a.day = r.day
      where r.line = $1 and r.period = $2 group by r.item, r.day order by r.item, r.day`,
    [line, period],
  );
}
