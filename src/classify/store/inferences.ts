// Inferences: which model coded which sales of which period, with the figures by code; and when a period was whole.
//
// Owns: classify_inference, classify_completion. Does not own: the predictions themselves (objects).
//   I1. An inference is never changed: coding again makes another row, and the newest of (sales object, line) counts.
//   I2. Completion is told once for each set of inferences (its fingerprint), however many workers finish at once.

import { createHash } from "node:crypto";
import type { Tx } from "../../base/records/contract.ts";
import type { CodeFigures, ObjectRef } from "../engine/words.ts";

/** Figures of an inference by scheme version, then code. */
export type VersionFigures = Readonly<Record<string, Readonly<Record<string, CodeFigures>>>>;

export interface InferenceRow {
  readonly id: string;
  readonly period: string;
  readonly country: string;
  readonly line: string;
  readonly model: string;
  readonly sales: ObjectRef;
  readonly predictions: ObjectRef;
  readonly schemeRevision: number | undefined;
  readonly items: number;
  readonly autoItems: number;
  readonly reviewItems: number;
  readonly badRows: number;
  readonly figures: VersionFigures;
  readonly drift: Readonly<Record<string, unknown>>;
  readonly runId: string;
  readonly at: string;
}

interface InferenceRecord {
  readonly id: string;
  readonly period: string;
  readonly country: string;
  readonly line: string;
  readonly model: string;
  readonly sales_key: string;
  readonly sales_version: string;
  readonly predictions_key: string;
  readonly predictions_version: string;
  readonly scheme_revision: string | null;
  readonly items: string;
  readonly auto_items: string;
  readonly review_items: string;
  readonly bad_rows: string;
  readonly figures: VersionFigures;
  readonly drift: Record<string, unknown>;
  readonly run_id: string;
  readonly at: string;
}

const toInference = (row: InferenceRecord): InferenceRow => ({
  id: row.id,
  period: row.period,
  country: row.country,
  line: row.line,
  model: row.model,
  sales: { key: row.sales_key, version: row.sales_version },
  predictions: { key: row.predictions_key, version: row.predictions_version },
  schemeRevision: row.scheme_revision === null ? undefined : Number(row.scheme_revision),
  items: Number(row.items),
  autoItems: Number(row.auto_items),
  reviewItems: Number(row.review_items),
  badRows: Number(row.bad_rows),
  figures: row.figures,
  drift: row.drift,
  runId: row.run_id,
  at: row.at,
});

/** Keeps an inference; false when this one was kept before (a resumed step). */
export async function keepInference(tx: Tx, row: InferenceRow): Promise<boolean> {
  const inserted = await tx.query(
    `insert into stockroom.classify_inference
       (id, period, country, line, model, sales_key, sales_version, predictions_key, predictions_version, scheme_revision,
        items, auto_items, review_items, bad_rows, figures, drift, run_id, at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
     on conflict (id) do nothing returning id`,
    [
      row.id,
      row.period,
      row.country,
      row.line,
      row.model,
      row.sales.key,
      row.sales.version,
      row.predictions.key,
      row.predictions.version,
      row.schemeRevision ?? null,
      row.items,
      row.autoItems,
      row.reviewItems,
      row.badRows,
      JSON.stringify(row.figures),
      JSON.stringify(row.drift),
      row.runId,
      row.at,
    ],
  );
  return inserted.length > 0;
}

/** The inferences that count for a period: the newest of each (sales object, line) whose sales object is still current. */
export async function currentInferences(tx: Tx, period: string, country?: string): Promise<readonly InferenceRow[]> {
  const rows = await tx.query<InferenceRecord>(
    `select distinct on (sales_key, line) * from stockroom.classify_inference
      where period = $1 and ($2::text is null or country = $2) order by sales_key, line, at desc, id desc`,
    [period, country ?? null],
  );
  return rows.map(toInference);
}

export async function listPeriods(
  tx: Tx,
): Promise<readonly { readonly period: string; readonly countries: number; readonly items: number }[]> {
  return await tx.query(
    `select period, count(distinct country)::int as countries, sum(items)::float8 as items
       from (select distinct on (sales_key, line) * from stockroom.classify_inference order by sales_key, line, at desc) i
      group by period order by period desc`,
  );
}

/** What is known of a country's period: which sales it has and which of its lines have not coded them yet. */
export interface Completion {
  readonly sales: readonly ObjectRef[];
  readonly missing: readonly { readonly line: string; readonly sales: string }[];
  readonly inferences: readonly InferenceRow[];
}

/** Compares the sales at hand with the inferences kept. `lines` are the lines that have a champion. */
export async function readCompletion(
  tx: Tx,
  period: string,
  country: string,
  sales: readonly ObjectRef[],
  lines: readonly string[],
): Promise<Completion> {
  const current = new Set(sales.map((object) => `${object.key}@${object.version}`));
  const inferences = (await currentInferences(tx, period, country)).filter((row) => current.has(`${row.sales.key}@${row.sales.version}`));
  const done = new Set(inferences.map((row) => `${row.sales.key} ${row.line}`));
  const missing = sales.flatMap((object) =>
    lines.filter((line) => !done.has(`${object.key} ${line}`)).map((line) => ({ line, sales: object.key })),
  );
  return { sales, missing, inferences };
}

/** Names a set of inferences. */
export function fingerprintOf(inferences: readonly InferenceRow[]): string {
  const ids = inferences.map((row) => row.id).toSorted();
  return createHash("sha256").update(ids.join("\n")).digest("hex").slice(0, 24);
}

/** Serialises those who look whether a country's period is whole, so that exactly one of them sees the last piece fall. */
export async function lockPeriod(tx: Tx, period: string, country: string): Promise<void> {
  await tx.query("select pg_advisory_xact_lock(hashtext($1))", [`classify.period/${period}/${country}`]);
}

/** Marks a period as whole; false when this very set was marked before. */
export async function keepCompletion(tx: Tx, period: string, country: string, fingerprint: string, at: string): Promise<boolean> {
  const rows = await tx.query(
    `insert into stockroom.classify_completion (period, country, fingerprint, at) values ($1, $2, $3, $4)
     on conflict do nothing returning period`,
    [period, country, fingerprint, at],
  );
  return rows.length > 0;
}
