// Reviews: the items a person should look at, and the answers given.
//
// Owns: classify_review. Does not own: the items' text; a row points to a row of a sealed review object.
//   V1. An answer is kept once; a second one is a conflict that names the first.
//   V2. Coding a period again supersedes what still waits of the former coding; answers stay.

import { StockroomError } from "../../base/errors.ts";
import type { Tx } from "../../base/records/contract.ts";
import type { ObjectRef } from "../engine/words.ts";

export interface ReviewRow {
  readonly id: string;
  readonly inference: string;
  readonly line: string;
  readonly period: string;
  /** `low`: not sure enough to decide; `audit`: decided by itself, drawn at random to learn the real error rate. */
  readonly kind: "low" | "audit";
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
}

interface ReviewRecord {
  readonly id: string;
  readonly inference: string;
  readonly line: string;
  readonly period: string;
  readonly kind: ReviewRow["kind"];
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
}

const toReview = (row: ReviewRecord): ReviewRow => ({
  id: row.id,
  inference: row.inference,
  line: row.line,
  period: row.period,
  kind: row.kind,
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
});

export type NewReview = Omit<ReviewRow, "state" | "answer" | "reviewer" | "answeredAt">;

/** Queues items of one inference and supersedes what waits from former codings of the same sales by the same line. */
export async function queueReviews(
  tx: Tx,
  sales: ObjectRef,
  line: string,
  reviews: readonly NewReview[],
  inference: string,
): Promise<void> {
  await tx.query(
    `update stockroom.classify_review r set state = 'superseded'
       from stockroom.classify_inference i
      where i.id = r.inference and i.sales_key = $1 and i.line = $2 and i.id <> $3 and r.state = 'waiting'`,
    [sales.key, line, inference],
  );
  const size = 500;
  for (let start = 0; start < reviews.length; start += size) {
    await tx.query(
      `insert into stockroom.classify_review
         (id, inference, line, period, kind, object_key, object_version, row_number, scheme_version, predicted, runner_up, probability, units, kg)
       select x.id, x.inference, x.line, x.period, x.kind, x.object_key, x.object_version, x.row_number, x.scheme_version,
              x.predicted, x.runner_up, x.probability, x.units, x.kg
         from jsonb_to_recordset($1::jsonb) as x(id text, inference text, line text, period text, kind text, object_key text,
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
  readonly limit?: number;
}

/** Those that weigh most first: audit samples, then by units. */
export async function listReviews(tx: Tx, query: ReviewQuery = {}): Promise<readonly ReviewRow[]> {
  const rows = await tx.query<ReviewRecord>(
    `select * from stockroom.classify_review
      where ($1::text is null or line = $1) and ($2::text is null or period = $2)
        and ($3::text is null or state = $3) and ($4::text is null or kind = $4)
      order by kind, units desc, id limit $5`,
    [query.line ?? null, query.period ?? null, query.state ?? null, query.kind ?? null, query.limit ?? 50],
  );
  return rows.map(toReview);
}

/** Throws `missing` `REVIEW_MISSING`. */
export async function getReview(tx: Tx, id: string): Promise<ReviewRow> {
  const [row] = await tx.query<ReviewRecord>("select * from stockroom.classify_review where id = $1", [id]);
  if (row === undefined) {
    throw new StockroomError(
      "missing",
      "REVIEW_MISSING",
      `Expected a review "${id}" but there is none. See \`stockroom classify review list\`.`,
    );
  }
  return toReview(row);
}

/** Keeps an answer. Throws `conflict` `REVIEW_ANSWERED` when somebody else's stands already. */
export async function keepAnswer(tx: Tx, id: string, answer: string, reviewer: string, at: string): Promise<ReviewRow> {
  const [row] = await tx.query<ReviewRecord>(
    `update stockroom.classify_review set state = 'answered', answer = $2, reviewer = $3, answered_at = $4
      where id = $1 and state <> 'answered' returning *`,
    [id, answer, reviewer, at],
  );
  if (row !== undefined) return toReview(row);
  const former = await getReview(tx, id);
  throw new StockroomError(
    "conflict",
    "REVIEW_ANSWERED",
    `Expected review ${id} to be open but ${former.reviewer ?? "somebody"} answered "${former.answer ?? ""}" at ${former.answeredAt ?? "an earlier time"}.`,
    { facts: { id, answer: former.answer } },
  );
}

/** All answers of a line up to now: labels for its next training. */
export async function listAnswers(
  tx: Tx,
  query: { readonly line?: string; readonly period?: string; readonly lines?: readonly string[] },
): Promise<readonly ReviewRow[]> {
  const rows = await tx.query<ReviewRecord>(
    `select * from stockroom.classify_review where state = 'answered' and ($1::text is null or line = $1)
        and ($2::text is null or period = $2) and ($3::text[] is null or line = any($3)) order by answered_at, id`,
    [query.line ?? null, query.period ?? null, query.lines ?? null],
  );
  return rows.map(toReview);
}

export async function countReviews(
  tx: Tx,
): Promise<readonly { readonly line: string; readonly kind: string; readonly state: string; readonly count: number }[]> {
  return await tx.query(
    "select line, kind, state, count(*)::int as count from stockroom.classify_review group by 1, 2, 3 order by 1, 2, 3",
  );
}

/** Answers to audit samples by line: how many, and how many said that the model was wrong. */
export async function auditRates(tx: Tx): Promise<readonly { readonly line: string; readonly answered: number; readonly wrong: number }[]> {
  return await tx.query(
    `select line, count(*)::int as answered, (count(*) filter (where answer <> predicted))::int as wrong
       from stockroom.classify_review where kind = 'audit' and state = 'answered' group by line order by line`,
  );
}
