// Inferences: which model coded which sales of which period, with the figures by code; and when a period was whole.
//
// Owns: classify_inference, classify_completion. Does not own: the predictions themselves (objects).
//   I1. An inference is never changed: coding again makes another row, and the newest of (sales object, line) counts, as long as the very version of
//       the sales object that it coded is the current one. Whatever counts, lists or shows codings asks `countingInferences`, nothing else.
//   I2. Completion is told once for each set of inferences (its fingerprint), however many workers finish at once.

import { createHash } from "node:crypto";
import type { Tx } from "../../platform/database/contract.ts";
import { instantOf, microsOf, type Keyed, type Placing } from "../../platform/database/sort-key.ts";
import type { CodeFigures } from "../engine/figures.ts";
import type { ObjectRef } from "./keys.ts";

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
  /** Items that are also in another current file of the same sales, by its `KEY@VERSION`. */
  readonly shared: Readonly<Record<string, number>>;
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
  readonly shared: Readonly<Record<string, number>> | null;
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
  shared: row.shared ?? {},
  figures: row.figures,
  drift: row.drift,
  runId: row.run_id,
  at: row.at,
});

/** Keeps an inference; false when this one was kept before (a resumed step). */
export async function insertInference(tx: Tx, row: InferenceRow): Promise<boolean> {
  const inserted = await tx.query(
    `insert into stockroom.classify_inference
       (id, period, country, line, model, sales_key, sales_version, predictions_key, predictions_version, scheme_revision,
        items, auto_items, review_items, bad_rows, figures, drift, run_id, at, shared)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
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
      Object.keys(row.shared).length === 0 ? null : JSON.stringify(row.shared),
    ],
  );
  return inserted.length > 0;
}

/**
 * SQL of the inferences that count: the newest of each (sales object, line), of sales whose coded version is the current one. What was deleted or
 * replaced is in the table but not in here. `where` narrows the inferences `i` before the newest is chosen.
 */
export function countingInferences(where = "true"): string {
  return `(select distinct on (i.sales_key, i.line) i.* from stockroom.classify_inference i
    join stockroom.object o on o.key = i.sales_key collate "C" and o.version = i.sales_version collate "C" and o.state = 'current'
   where ${where} order by i.sales_key, i.line, i.at desc, i.id desc)`;
}

/** The inferences that count for a period. */
export async function currentInferences(tx: Tx, period: string, country?: string): Promise<readonly InferenceRow[]> {
  const rows = await tx.query<InferenceRecord>(
    `select * from ${countingInferences("i.period = $1 and ($2::text is null or i.country = $2)")} c order by sales_key, line`,
    [period, country ?? null],
  );
  return rows.map(toInference);
}

/** The inferences that count of a line's periods before one, at most a year of them. */
export async function earlierInferences(tx: Tx, line: string, period: string): Promise<readonly InferenceRow[]> {
  const [year = 0, month = 1] = period.split("-").map(Number);
  const rows = await tx.query<InferenceRecord>(
    `select * from ${countingInferences("i.line = $1 and i.period < $2 and i.period >= $3")} c order by period, sales_key`,
    [line, period, `${year - 1}-${String(month).padStart(2, "0")}`],
  );
  return rows.map(toInference);
}

/** Periods that have codings that count, or a report of codings that once did. */
export async function listPeriods(
  tx: Tx,
): Promise<readonly { readonly period: string; readonly countries: number; readonly items: number }[]> {
  return await tx.query(
    `select p.period, count(distinct c.country)::int as countries, coalesce(sum(c.items), 0)::float8 as items
       from (select period from stockroom.classify_inference union select period from stockroom.classify_report_revision) p
       left join ${countingInferences()} c on c.period = p.period
      group by p.period
     having count(c.id) > 0 or exists (select 1 from stockroom.classify_report_revision r where r.period = p.period)
      order by p.period desc`,
  );
}

/** The sales of former codings, and whether each is still there under a newer version. */
export async function listLapsedSales(
  tx: Tx,
  inferences: readonly string[],
): Promise<readonly { readonly key: string; readonly replaced: boolean }[]> {
  if (inferences.length === 0) return [];
  return await tx.query(
    `select i.sales_key as key, bool_or(now.key is not null) as replaced from stockroom.classify_inference i
       join stockroom.object o on o.key = i.sales_key collate "C" and o.version = i.sales_version collate "C" and o.state <> 'current'
       left join stockroom.object now on now.key = i.sales_key collate "C" and now.state = 'current'
      where i.id = any($1) group by i.sales_key order by i.sales_key`,
    [inferences],
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
export async function insertCompletion(tx: Tx, period: string, country: string, fingerprint: string, at: string): Promise<boolean> {
  const rows = await tx.query(
    `insert into stockroom.classify_completion (period, country, fingerprint, at) values ($1, $2, $3, $4)
     on conflict do nothing returning period`,
    [period, country, fingerprint, at],
  );
  return rows.length > 0;
}

/** The models that made these codings, line by line. */
export async function listModelsOf(
  tx: Tx,
  inferences: readonly string[],
): Promise<readonly { readonly line: string; readonly model: string }[]> {
  return await tx.query("select distinct line, model from stockroom.classify_inference where id = any($1) order by line, model", [
    inferences,
  ]);
}

/** Every version of sales that a line has ever coded. */
export async function listCodedSales(tx: Tx, line: string): Promise<readonly ObjectRef[]> {
  return await tx.query<ObjectRef>(
    "select distinct sales_key as key, sales_version as version from stockroom.classify_inference where line = $1 order by 1, 2",
    [line],
  );
}

/**
 * Codings of a line, or of all, the newest first, and whether each counts at present; each with where it stands: when it was made (microseconds), id.
 */
export async function placeCodings(
  tx: Tx,
  line?: string,
  { after, limit }: Placing = {},
): Promise<readonly Keyed<InferenceRow & { readonly counts: boolean }>[]> {
  const rows = await tx.query<InferenceRecord & { readonly counts: boolean; readonly place: string }>(
    `select i.*, c.id is not null as counts, ${microsOf("i.at")} as place from stockroom.classify_inference i
       left join ${countingInferences("$1::text is null or i.line = $1")} c on c.id = i.id
      where ($1::text is null or i.line = $1)
        and ($2::bigint is null or i.at < ${instantOf("$2")} or (i.at = ${instantOf("$2")} and i.id > $3))
      order by i.at desc, i.id limit $4`,
    [line ?? null, after?.[0] ?? null, after?.[1] ?? null, limit ?? null],
  );
  return rows.map((row) => ({ row: { ...toInference(row), counts: row.counts }, key: [row.place, row.id] }));
}

export async function countCodings(tx: Tx, line?: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    "select count(*)::int as count from stockroom.classify_inference where $1::text is null or line = $1",
    [line ?? null],
  );
  return row?.count ?? 0;
}

/** From where on the models of these codings decide by themselves; of one trained before that was kept, the model alone. */
export async function listBounds(tx: Tx, inferences: readonly string[]): Promise<readonly CodingBounds[]> {
  const rows = await tx.query<{ inference: string; model: string; floor: number | null; confidence: number | null }>(
    `select i.id as inference, i.model, (m.metrics->>'automatic_floor')::float8 as floor,
            (m.metrics->>'automatic_confidence')::float8 as confidence
       from stockroom.classify_inference i left join stockroom.classify_model m on m.id = i.model
      where i.id = any($1) order by i.id`,
    [inferences],
  );
  return rows.map(({ floor, confidence, ...row }) => ({
    ...row,
    ...(floor === null ? {} : { floor }),
    ...(confidence === null ? {} : { confidence }),
  }));
}

export interface CodingBounds {
  readonly inference: string;
  readonly model: string;
  /** Least probability. */
  readonly floor?: number;
  /** Least confidence: the probability against that of the runner-up. Absent beside a floor: nothing is decided automatically. */
  readonly confidence?: number;
}

/** The newest periods that a line has ever coded. */
export async function listCodedPeriods(tx: Tx, line: string, limit: number): Promise<readonly string[]> {
  const rows = await tx.query<{ period: string }>(
    "select distinct period from stockroom.classify_inference where line = $1 order by period desc limit $2",
    [line, limit],
  );
  return rows.map((row) => row.period);
}

/** Ids of all codings of a line by one model. */
export async function listInferencesBy(tx: Tx, line: string, model: string): Promise<readonly string[]> {
  const rows = await tx.query<{ id: string }>("select id from stockroom.classify_inference where line = $1 and model = $2 order by id", [
    line,
    model,
  ]);
  return rows.map((row) => row.id);
}
