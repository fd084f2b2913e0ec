// Reviews: the items a person should look at, and how the coding that asks saw them.
//
// Owns: classify_review. Does not own: the items' text (a row points to a row of a sealed review object), the answers (store/answers.ts).
//   V1. A row is never changed. It is answered when the item has an answer in the row's scheme version, whichever coding asked; it waits while it is
//       not and its coding counts (store/inferences.ts I1); otherwise it is superseded.

import { StockroomError } from "../../platform/errors.ts";
import type { Tx } from "../../platform/database/contract.ts";
import type { Keyed, SortKey } from "../../platform/database/sort-key.ts";
import type { ObjectRef } from "./keys.ts";
import type { ItemKey } from "./answers.ts";
import { countingInferences } from "./inferences.ts";

export interface ReviewRow {
  readonly id: string;
  readonly inference: string;
  readonly line: string;
  readonly period: string;
  /**
   * `low`: not sure enough to decide; `audit`: decided by itself, drawn at random to learn the real error rate; `former`: decided by itself, but
   * a person had answered under another coding; `recode`: a former answer that no mapping brings into the version of a recoding.
   */
  readonly kind: "low" | "audit" | "former" | "recode";
  /** The item's id and the day it was sold: what an answer belongs to. */
  readonly itemId: string;
  readonly day: string;
  readonly object: ObjectRef;
  /** Zero-based row of the review object. */
  readonly row: number;
  readonly schemeVersion: string;
  readonly predicted: string;
  readonly runnerUp: string;
  readonly probability: number;
  readonly units: number;
  readonly kg: number;
  readonly state: "waiting" | "answered" | "superseded";
  readonly answer: string | undefined;
  readonly reviewer: string | undefined;
  readonly answeredAt: string | undefined;
  readonly answerId: string | undefined;
  /** While it waits: what a person last said of the item, in a version from which it does not carry over. */
  readonly former: FormerAnswer | undefined;
}

export interface FormerAnswer {
  readonly answer: string;
  readonly schemeVersion: string;
  readonly reviewer: string;
  readonly at: string;
}

interface ReviewRecord {
  readonly id: string;
  readonly inference: string;
  readonly line: string;
  readonly period: string;
  readonly kind: ReviewRow["kind"];
  readonly item: string;
  readonly day: string;
  readonly object_key: string;
  readonly object_version: string;
  readonly row_number: number;
  readonly scheme_version: string;
  readonly predicted: string;
  readonly runner_up: string;
  readonly probability: number;
  readonly units: number;
  readonly kg: number;
  readonly state: ReviewRow["state"];
  readonly answer: string | null;
  readonly reviewer: string | null;
  readonly answered_at: string | null;
  readonly answer_id: string | null;
  readonly former: FormerAnswer | null;
}

const toReview = (row: ReviewRecord): ReviewRow => ({
  id: row.id,
  inference: row.inference,
  line: row.line,
  period: row.period,
  kind: row.kind,
  itemId: row.item,
  day: row.day,
  object: { key: row.object_key, version: row.object_version },
  row: row.row_number,
  schemeVersion: row.scheme_version,
  predicted: row.predicted,
  runnerUp: row.runner_up,
  probability: row.probability,
  units: row.units,
  kg: row.kg,
  state: row.state,
  answer: row.answer ?? undefined,
  reviewer: row.reviewer ?? undefined,
  answeredAt: row.answered_at ?? undefined,
  answerId: row.answer_id ?? undefined,
  former: row.former ?? undefined,
});

export type NewReview = Omit<ReviewRow, "state" | "answer" | "reviewer" | "answeredAt" | "answerId" | "former">;

/** Reviews with what was answered and how each stands. `counting` narrows the codings that count, `i` (a row of another one is superseded). */
const reviewsWith = (counting: string): string => `
  select r.*, a.answer, a.id as answer_id, a.reviewer, a.at as answered_at, c.id is not null as counts,
         case when a.answer is not null then 'answered' when c.id is not null then 'waiting' else 'superseded' end as state,
         case when a.answer is null then (
           select json_build_object('answer', f.answer, 'schemeVersion', f.scheme_version, 'reviewer', f.reviewer, 'at', f.at)
             from stockroom.classify_answer f
            where f.line = r.line and f.item = r.item and f.day = r.day and f.answer is not null order by f.seq desc limit 1) end as former
    from stockroom.classify_review r
    left join lateral (
      select * from stockroom.classify_answer l
       where l.line = r.line and l.item = r.item and l.day = r.day and l.scheme_version = r.scheme_version
       order by l.revision desc limit 1) a on a.answer is not null
    left join ${countingInferences(counting)} c on c.id = r.inference`;

/** Queues items of one inference. */
export async function queueReviews(tx: Tx, reviews: readonly NewReview[]): Promise<void> {
  const size = 500;
  for (let start = 0; start < reviews.length; start += size) {
    await tx.query(
      `insert into stockroom.classify_review
         (id, inference, line, period, kind, item, day, object_key, object_version, row_number, scheme_version, predicted, runner_up, probability, units, kg)
       select x.id, x.inference, x.line, x.period, x.kind, x.item, x.day, x.object_key, x.object_version, x.row_number, x.scheme_version,
              x.predicted, x.runner_up, x.probability, x.units, x.kg
         from jsonb_to_recordset($1::jsonb) as x(id text, inference text, line text, period text, kind text, item text, day text, object_key text,
              object_version text, row_number integer, scheme_version text, predicted text, runner_up text,
              probability double precision, units double precision, kg double precision)
       on conflict (id) do nothing`,
      [
        JSON.stringify(
          reviews.slice(start, start + size).map((review) => ({
            id: review.id,
            inference: review.inference,
            line: review.line,
            period: review.period,
            kind: review.kind,
            item: review.itemId,
            day: review.day,
            object_key: review.object.key,
            object_version: review.object.version,
            row_number: review.row,
            scheme_version: review.schemeVersion,
            predicted: review.predicted,
            runner_up: review.runnerUp,
            probability: review.probability,
            units: review.units,
            kg: review.kg,
          })),
        ),
      ],
    );
  }
}

export interface ReviewQuery {
  readonly line?: string;
  readonly period?: string;
  readonly state?: ReviewRow["state"];
  readonly kind?: ReviewRow["kind"];
  /** Only those that come after this place of the list: kind, units, id. */
  readonly after?: SortKey | undefined;
  readonly limit?: number;
}

/** Those that weigh most first: audit samples, then by units; each with where it stands. Only of codings that count. */
export async function placeReviews(tx: Tx, query: ReviewQuery = {}): Promise<readonly Keyed<ReviewRow>[]> {
  const rows = await tx.query<ReviewRecord & { readonly place: string }>(
    `select *, units::text as place from (${reviewsWith("($1::text is null or i.line = $1) and ($2::text is null or i.period = $2)")}
               where ($1::text is null or r.line = $1) and ($2::text is null or r.period = $2) and ($4::text is null or r.kind = $4)) q
      where counts and ($3::text is null or state = $3)
        and ($6::text is null or (kind, -units, id) > ($6, -($7::float8), $8))
      order by kind, units desc, id limit $5`,
    [
      query.line ?? null,
      query.period ?? null,
      query.state ?? null,
      query.kind ?? null,
      query.limit ?? 50,
      ...(query.after ?? [null, null, null]),
    ],
  );
  return rows.map((row) => ({ row: toReview(row), key: [row.kind, row.place, row.id] }));
}

/** As `placeReviews`, without the places. */
export const listReviews = async (tx: Tx, query: ReviewQuery = {}): Promise<readonly ReviewRow[]> =>
  (await placeReviews(tx, query)).map(({ row }) => row);

/** Throws `missing` `REVIEW_MISSING`. */
export async function getReview(tx: Tx, id: string): Promise<ReviewRow> {
  const [row] = await tx.query<ReviewRecord>(
    `${reviewsWith("i.line = (select line from stockroom.classify_review where id = $1)")} where r.id = $1`,
    [id],
  );
  if (row === undefined) {
    throw new StockroomError(
      "missing",
      "REVIEW_MISSING",
      `Expected a review "${id}" but there is none. See \`stockroom classify reviews list\`.`,
    );
  }
  return toReview(row);
}

/** Reviews of these items in codings of a line that count. */
export async function findAsking(tx: Tx, line: string, items: readonly ItemKey[]): Promise<readonly ReviewRow[]> {
  const rows = await tx.query<ReviewRecord>(
    `select * from (${reviewsWith("i.line = $1")} where r.line = $1) q
      where counts and (item, day) in (select * from unnest($2::text[], $3::text[])) order by id`,
    [line, items.map((key) => key.item), items.map((key) => key.day)],
  );
  return rows.map(toReview);
}

/** Where the words of these reviews are. */
export async function findPlaces(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Pick<ReviewRow, "object" | "row">>> {
  const rows = await tx.query<Pick<ReviewRecord, "id" | "object_key" | "object_version" | "row_number">>(
    "select id, object_key, object_version, row_number from stockroom.classify_review where id = any($1)",
    [ids],
  );
  return new Map(rows.map((row) => [row.id, { object: { key: row.object_key, version: row.object_version }, row: row.row_number }]));
}

/**
 * What a line's next training learns from reviewers: the newest word on each item, with the review that has its words. Answers on sales that were
 * deleted since are among them: what a person said of an item's words stays true.
 *
 * `answers`: only these, as they were when a training began.
 */
export async function listAnswers(
  tx: Tx,
  query: { readonly line: string; readonly answers?: readonly string[] },
): Promise<readonly ReviewRow[]> {
  const rows = await tx.query<ReviewRecord>(
    `select r.id, r.inference, r.line, r.period, r.kind, a.item, a.day, r.object_key, r.object_version, r.row_number, a.scheme_version,
            r.predicted, r.runner_up, r.probability, r.units, r.kg, 'answered' as state, a.answer, a.reviewer, a.at as answered_at,
            a.id as answer_id, null as former
       from (select distinct on (item, day) * from stockroom.classify_answer
              where line = $1 and answer is not null and ($2::text[] is null or id = any($2)) order by item, day, seq desc) a
       join stockroom.classify_review r on r.id = a.review
      order by a.at, a.id`,
    [query.line, query.answers ?? null],
  );
  return rows.map(toReview);
}

export async function countReviews(
  tx: Tx,
): Promise<readonly { readonly line: string; readonly kind: string; readonly state: string; readonly count: number }[]> {
  return await tx.query(
    `select line, kind, state, count(*)::int as count
       from (select line, kind, case when state = 'answered' and not counts then 'superseded' else state end as state
               from (${reviewsWith("true")}) r) q
      group by 1, 2, 3 order by 1, 2, 3`,
  );
}

/** Answers to audit samples of the codings that count, by line: how many, and how many said that the model was wrong. */
export async function auditRates(tx: Tx): Promise<readonly { readonly line: string; readonly answered: number; readonly wrong: number }[]> {
  return await tx.query(
    `select line, count(*)::int as answered, (count(*) filter (where answer <> predicted))::int as wrong
       from (${reviewsWith("true")}) q where kind = 'audit' and state = 'answered' and counts group by line order by line`,
  );
}
