// Lines, their models, the verdicts on them and who was champion when.
//
// Owns: classify_line, classify_model, classify_verdict, classify_champion. Does not own: the model's bytes (objects).
//   L1. A champion row is never changed: the champion on a date is the last one since before it.
//   L2. A verdict and the champion row it causes are one transaction.

import type { Tx } from "../../platform/database/contract.ts";
import { instantOf, microsOf, type Keyed, type Placing } from "../../platform/database/sort-key.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Line } from "../engine/lines.ts";
import type { ObjectRef } from "./keys.ts";
import type { Vault } from "../../platform/vault/contract.ts";
import { insertAudit } from "./audit.ts";
import { insertChampion } from "./champions.ts";
import { nearestName, parseLine } from "../engine/lines.ts";

/** A trained model, as the rows know it; its bytes are the object `object`. */
export interface ModelRow {
  readonly id: string;
  readonly line: string;
  readonly object: ObjectRef;
  /** The unseen items set apart for the comparison. */
  readonly test: ObjectRef;
  /** Models whose kept test items that object holds (store/champions.ts). */
  readonly ground: readonly string[];
  readonly trainedOn: readonly (ObjectRef & { readonly sha256: string })[];
  readonly schemeVersion: string;
  readonly schemeRevision: number | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly counts: Readonly<Record<string, number>>;
  /** Every trial of the search, failed ones with their reason. */
  readonly trials: readonly unknown[];
  readonly seed: number;
  readonly runId: string;
  readonly trainedAt: string;
}

export interface VerdictRow {
  readonly id: string;
  readonly line: string;
  readonly challenger: string;
  readonly champion: string | undefined;
  readonly decision: "promote" | "keep" | "first" | "held";
  readonly promoted: boolean;
  readonly reason: string;
  /** Scores of both, interval, test, p: as the gate gave them. */
  readonly verdict: Readonly<Record<string, unknown>>;
  /** Data versions, parameters and seed behind it. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly at: string;
}

export interface LineRow extends Line {
  readonly champion: string | undefined;
  readonly championSince: string | undefined;
  readonly models: number;
  readonly macroF1: number | undefined;
  /** Share of unseen items that the champion would decide by itself. */
  readonly coverage: number | undefined;
  /** Why that is none. */
  readonly whyNothing: string | undefined;
  readonly lastVerdict: string | undefined;
  /** False: every item goes to a person (store/champions.ts). */
  readonly automatic: boolean;
}

/** Makes sure the line is known, and logs it when it is new. Harmless to repeat. */
export async function insertLine(tx: Tx, vault: Pick<Vault, "mac">, line: Line, at: string): Promise<void> {
  const rows = await tx.query(
    "insert into stockroom.classify_line (line, country, scheme, since) values ($1, $2, $3, $4) on conflict do nothing returning line",
    [line.line, line.country, line.scheme, at],
  );
  if (rows.length === 0) return;
  const written = [{ table: "classify_line", where: { line: line.line } }] as const;
  await insertAudit(tx, vault, { at, kind: "line", record: { line: line.line }, written });
}

/** Every line with its champion on a moment (default: now). */
export async function listLines(tx: Tx, filter: { readonly country?: string; readonly at?: string } = {}): Promise<readonly LineRow[]> {
  const rows = await tx.query<{
    line: string;
    champion: string | null;
    since: string | null;
    models: number;
    macro_f1: number | null;
    coverage: number | null;
    why: string | null;
    last_verdict: string | null;
    automatic: boolean;
  }>(
    `select coalesce((select a.automatic from stockroom.classify_automatic a
                       where a.line = l.line and ($2::timestamptz is null or a.at <= $2) order by a.seq desc limit 1), true) as automatic,
            l.line, c.model as champion, c.since, m.macro_f1, m.coverage, m.why,
            (select count(*)::int from stockroom.classify_model x where x.line = l.line) as models,
            (select v.decision from stockroom.classify_verdict v where v.line = l.line order by v.at desc limit 1) as last_verdict
       from stockroom.classify_line l
       left join lateral (
         select model, since from stockroom.classify_champion c
          where c.line = l.line and ($2::timestamptz is null or c.since <= $2) order by since desc limit 1) c on true
       left join lateral (
         select (metrics->>'macro_f1')::float8 as macro_f1, (metrics->>'coverage')::float8 as coverage,
                metrics->>'why_nothing_automatic' as why from stockroom.classify_model m where m.id = c.model) m on true
      where $1::text is null or l.country = $1
      order by l.line`,
    [filter.country ?? null, filter.at ?? null],
  );
  return rows.map((row) => ({
    ...parseLine(row.line),
    champion: row.champion ?? undefined,
    championSince: row.since ?? undefined,
    models: row.models,
    macroF1: row.macro_f1 ?? undefined,
    coverage: row.coverage ?? undefined,
    whyNothing: row.why ?? undefined,
    lastVerdict: row.last_verdict ?? undefined,
    automatic: row.automatic,
  }));
}

/** One line by name. Throws `missing` `LINE_MISSING` with the line that may have been meant. */
export async function getLine(tx: Tx, text: string): Promise<LineRow> {
  const wanted = parseLine(text).line;
  const lines = await listLines(tx);
  const found = lines.find((row) => row.line === wanted);
  if (found !== undefined) return found;
  const near = nearestName(
    wanted,
    lines.map((row) => row.line),
  );
  const what =
    lines.length === 0
      ? "there is no line yet. Put labelled items first"
      : `there is none of that name. ${near === undefined ? "See `stockroom classify lines`" : `Did you mean ${near}?`}`;
  throw new StockroomError(
    "missing",
    "LINE_MISSING",
    `Expected a line with labelled items but received "${wanted}" and ${what}${/[?]$/.test(what) ? "" : "."}`,
    {
      facts: { line: wanted, near },
    },
  );
}

/** Keeps a model; false when one of the same bytes is there already. */
export async function insertModel(tx: Tx, model: ModelRow): Promise<boolean> {
  const inserted = await tx.query(
    `insert into stockroom.classify_model
       (id, line, object_key, object_version, test_key, test_version, trained_on, scheme_version, scheme_revision,
        parameters, metrics, counts, trials, seed, run_id, trained_at, ground)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) on conflict (id) do nothing returning id`,
    [
      model.id,
      model.line,
      model.object.key,
      model.object.version,
      model.test.key,
      model.test.version,
      JSON.stringify(model.trainedOn),
      model.schemeVersion,
      model.schemeRevision ?? null,
      JSON.stringify(model.parameters),
      JSON.stringify(model.metrics),
      JSON.stringify(model.counts),
      JSON.stringify(model.trials),
      model.seed,
      model.runId,
      model.trainedAt,
      JSON.stringify(model.ground),
    ],
  );
  return inserted.length > 0;
}

interface ModelRecord {
  readonly id: string;
  readonly line: string;
  readonly object_key: string;
  readonly object_version: string;
  readonly test_key: string;
  readonly test_version: string;
  readonly ground: string[] | null;
  readonly trained_on: ModelRow["trainedOn"];
  readonly scheme_version: string;
  readonly scheme_revision: string | null;
  readonly parameters: Record<string, unknown>;
  readonly metrics: Record<string, unknown>;
  readonly counts: Record<string, number>;
  readonly trials: unknown[];
  readonly seed: string;
  readonly run_id: string;
  readonly trained_at: string;
}

function toModel(row: ModelRecord): ModelRow {
  return {
    id: row.id,
    line: row.line,
    object: { key: row.object_key, version: row.object_version },
    test: { key: row.test_key, version: row.test_version },
    ground: row.ground ?? [],
    trainedOn: row.trained_on,
    schemeVersion: row.scheme_version,
    schemeRevision: row.scheme_revision === null ? undefined : Number(row.scheme_revision),
    parameters: row.parameters,
    metrics: row.metrics,
    counts: row.counts,
    trials: row.trials,
    seed: Number(row.seed),
    runId: row.run_id,
    trainedAt: row.trained_at,
  };
}

/** Throws `missing` `MODEL_MISSING`. */
export async function getModel(tx: Tx, id: string): Promise<ModelRow> {
  const [row] = await tx.query<ModelRecord>("select * from stockroom.classify_model where id = $1", [id]);
  if (row === undefined) {
    throw new StockroomError("missing", "MODEL_MISSING", `Expected a model "${id}" but there is none. See \`stockroom classify models\`.`);
  }
  return toModel(row);
}

/** Models of a line, or of all, by line, the newest first, each with where it stands: line, when it was trained (microseconds), id. */
export async function placeModels(tx: Tx, line?: string, { after, limit }: Placing = {}): Promise<readonly Keyed<ModelRow>[]> {
  const rows = await tx.query<ModelRecord & { readonly place: string }>(
    `select *, ${microsOf("trained_at")} as place from stockroom.classify_model
      where ($1::text is null or line = $1)
        and ($2::text is null or line > $2 or (line = $2 and (trained_at < ${instantOf("$3")} or (trained_at = ${instantOf("$3")} and id > $4))))
      order by line, trained_at desc, id limit $5`,
    [line ?? null, after?.[0] ?? null, after?.[1] ?? null, after?.[2] ?? null, limit ?? null],
  );
  return rows.map((row) => ({ row: toModel(row), key: [row.line, row.place, row.id] }));
}

/** As `placeModels`, all of them, without the places. */
export const listModels = async (tx: Tx, line?: string): Promise<readonly ModelRow[]> =>
  (await placeModels(tx, line)).map(({ row }) => row);

export async function countModels(tx: Tx, line?: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    "select count(*)::int as count from stockroom.classify_model where $1::text is null or line = $1",
    [line ?? null],
  );
  return row?.count ?? 0;
}

/** The champion of a line on a moment (default: now), if it had one. */
export async function findChampion(tx: Tx, line: string, at?: string): Promise<ModelRow | undefined> {
  const [row] = await tx.query<{ model: string }>(
    `select model from stockroom.classify_champion
      where line = $1 and ($2::timestamptz is null or since <= $2) order by since desc limit 1`,
    [line, at ?? null],
  );
  return row === undefined ? undefined : await getModel(tx, row.model);
}

/** Keeps a verdict and, when it promotes, the change of champion. False when this verdict was kept before (a resumed run). */
export async function insertVerdict(tx: Tx, row: VerdictRow): Promise<boolean> {
  const inserted = await tx.query(
    `insert into stockroom.classify_verdict (id, line, challenger, champion, decision, promoted, reason, verdict, data, at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do nothing returning id`,
    [
      row.id,
      row.line,
      row.challenger,
      row.champion ?? null,
      row.decision,
      row.promoted,
      row.reason,
      JSON.stringify(row.verdict),
      JSON.stringify(row.data),
      row.at,
    ],
  );
  if (inserted.length === 0) return false;
  if (row.promoted) {
    await insertChampion(tx, { line: row.line, since: row.at, model: row.challenger, verdict: row.id, kind: "gate", reason: "", by: "" });
  }
  return true;
}

/** Verdicts of a line, or of all, the newest first, each with where it stands: when it was given (microseconds), id. `until`: ISO. */
export async function placeVerdicts(
  tx: Tx,
  line?: string,
  { until, after, limit }: Placing & { readonly until?: string } = {},
): Promise<readonly Keyed<VerdictRow>[]> {
  const rows = await tx.query<{
    id: string;
    line: string;
    challenger: string;
    champion: string | null;
    decision: VerdictRow["decision"];
    promoted: boolean;
    reason: string;
    verdict: Record<string, unknown>;
    data: Record<string, unknown>;
    at: string;
    place: string;
  }>(
    `select *, ${microsOf("at")} as place from stockroom.classify_verdict
      where ($1::text is null or line = $1) and ($2::timestamptz is null or at <= $2)
        and ($3::bigint is null or at < ${instantOf("$3")} or (at = ${instantOf("$3")} and id > $4))
      order by at desc, id limit $5`,
    [line ?? null, until ?? null, after?.[0] ?? null, after?.[1] ?? null, limit ?? null],
  );
  return rows.map(({ place, ...row }) => ({ row: { ...row, champion: row.champion ?? undefined }, key: [place, row.id] }));
}

/** As `placeVerdicts`, all of them, without the places. */
export const listVerdicts = async (tx: Tx, line?: string): Promise<readonly VerdictRow[]> =>
  (await placeVerdicts(tx, line)).map(({ row }) => row);

export async function countVerdicts(tx: Tx, line?: string, until?: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    "select count(*)::int as count from stockroom.classify_verdict where ($1::text is null or line = $1) and ($2::timestamptz is null or at <= $2)",
    [line ?? null, until ?? null],
  );
  return row?.count ?? 0;
}
