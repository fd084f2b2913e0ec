// What planners have said of a group's forecasts, and what has been laid over each run.
//
// Owns: forecast_adjustment, forecast_adjusted. Does not own: exports themselves (sealed objects), what an adjustment does (engine/adjust).
//   D1. An adjustment is never changed and never deleted: withdrawn, it stays with who withdrew it and when.
//   D2. Adjustments act in the order of their numbers. They belong to the group, not to a run: each new run takes them up until their dates pass.
//   D3. The adjusted export of a run is told of in the transaction that finds nothing newer said of the group (`lockGroup`).

import { StockroomError } from "../../platform/errors.ts";
import type { Migration, Tx } from "../../platform/database/contract.ts";
import type { AdjustmentKind } from "../engine/adjust/adjust.ts";
import type { Condition } from "../engine/scenario/change.ts";
import type { ObjectRef } from "./keys.ts";

export const adjustmentMigrations: readonly Migration[] = [
  {
    id: "forecast-003-adjustments",
    sql: `
      create table stockroom.forecast_adjustment (
        id bigserial primary key,
        dataset_group text not null references stockroom.forecast_group,
        kind text not null check (kind in ('set', 'add', 'percent')),
        value float8 not null,
        said text not null,
        conditions jsonb not null,
        from_at timestamptz not null,
        until_at timestamptz not null check (until_at > from_at),
        author text not null,
        reason text not null,
        made_at timestamptz not null,
        withdrawn_at timestamptz,
        withdrawn_by text
      );
      create index forecast_adjustment_group on stockroom.forecast_adjustment (dataset_group, id);

      create table stockroom.forecast_adjusted (
        run text primary key references stockroom.forecast_run,
        adjustments jsonb not null,
        cells bigint not null,
        export_key text,
        export_version text,
        at timestamptz not null
      );
    `,
  },
];

export interface AdjustmentRow {
  /** A number as text; people type it. */
  readonly id: string;
  readonly group: string;
  readonly kind: AdjustmentKind;
  readonly value: number;
  /** The conditions as they were typed; empty: every series. */
  readonly said: string;
  readonly conditions: readonly Condition[];
  /** The first instant it holds for, and the first after it. */
  readonly fromAt: string;
  readonly untilAt: string;
  readonly author: string;
  readonly reason: string;
  readonly madeAt: string;
  readonly withdrawnAt: string | undefined;
  readonly withdrawnBy: string | undefined;
}

interface AdjustmentRecord {
  readonly id: string;
  readonly dataset_group: string;
  readonly kind: AdjustmentKind;
  readonly value: number;
  readonly said: string;
  readonly conditions: readonly Condition[];
  readonly from_at: string;
  readonly until_at: string;
  readonly author: string;
  readonly reason: string;
  readonly made_at: string;
  readonly withdrawn_at: string | null;
  readonly withdrawn_by: string | null;
}

const columns = "id, dataset_group, kind, value, said, conditions, from_at, until_at, author, reason, made_at, withdrawn_at, withdrawn_by";

const rowOf = (row: AdjustmentRecord): AdjustmentRow => ({
  id: row.id,
  group: row.dataset_group,
  kind: row.kind,
  value: row.value,
  said: row.said,
  conditions: row.conditions,
  fromAt: row.from_at,
  untilAt: row.until_at,
  author: row.author,
  reason: row.reason,
  madeAt: row.made_at,
  withdrawnAt: row.withdrawn_at ?? undefined,
  withdrawnBy: row.withdrawn_by ?? undefined,
});

/** Holds the group until the transaction ends: adjustments of it, and what is told of them, come one after the other. */
export async function lockGroup(tx: Tx, group: string): Promise<void> {
  await tx.query("select name from stockroom.forecast_group where name = $1 for update", [group]);
}

/** Keeps an adjustment and gives it its number. */
export async function addAdjustment(tx: Tx, row: Omit<AdjustmentRow, "id" | "withdrawnAt" | "withdrawnBy">): Promise<AdjustmentRow> {
  await lockGroup(tx, row.group);
  const [made] = await tx.query<AdjustmentRecord>(
    `insert into stockroom.forecast_adjustment (dataset_group, kind, value, said, conditions, from_at, until_at, author, reason, made_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning ${columns}`,
    [row.group, row.kind, row.value, row.said, JSON.stringify(row.conditions), row.fromAt, row.untilAt, row.author, row.reason, row.madeAt],
  );
  if (made === undefined)
    throw new StockroomError("fault", "ADJUSTMENT_LOST", "Expected the adjustment to be kept but it was not. Report this.");
  return rowOf(made);
}

/** Throws `missing` `ADJUSTMENT_MISSING`. */
export async function getAdjustment(tx: Tx, id: string): Promise<AdjustmentRow> {
  const [row] = /^\d{1,18}$/.test(id)
    ? await tx.query<AdjustmentRecord>(`select ${columns} from stockroom.forecast_adjustment where id = $1`, [id])
    : [];
  if (row !== undefined) return rowOf(row);
  throw new StockroomError(
    "missing",
    "ADJUSTMENT_MISSING",
    `Expected an adjustment "${id}" but there is none. \`stockroom forecast adjustments list\` shows them.`,
  );
}

/** Takes an adjustment back (D1). Throws `missing` `ADJUSTMENT_MISSING`, `conflict` `ADJUSTMENT_WITHDRAWN` when it was before. */
export async function withdrawAdjustment(tx: Tx, id: string, by: string, at: string): Promise<AdjustmentRow> {
  const known = await getAdjustment(tx, id);
  await lockGroup(tx, known.group);
  const [row] = await tx.query<AdjustmentRecord>(
    `update stockroom.forecast_adjustment set withdrawn_at = $2, withdrawn_by = $3 where id = $1 and withdrawn_at is null returning ${columns}`,
    [id, at, by],
  );
  if (row !== undefined) return rowOf(row);
  throw new StockroomError(
    "conflict",
    "ADJUSTMENT_WITHDRAWN",
    `Expected adjustment ${id} to stand but it was withdrawn before${known.withdrawnBy === undefined ? "" : ` by ${known.withdrawnBy}`}. There is nothing to do.`,
  );
}

/** In the order in which they were made (D2). */
export async function listAdjustments(
  tx: Tx,
  query: {
    readonly group?: string | undefined;
    readonly standing?: boolean;
    /** Only those with a smaller number. */
    readonly before?: string | undefined;
    readonly limit?: number;
  } = {},
): Promise<readonly AdjustmentRow[]> {
  const rows = await tx.query<AdjustmentRecord>(
    `select ${columns} from (
       select * from stockroom.forecast_adjustment a
        where ($1::text is null or a.dataset_group = $1) and (not $2::boolean or a.withdrawn_at is null)
          and ($4::bigint is null or a.id < $4) order by a.id desc limit $3) a order by a.id`,
    [query.group ?? null, query.standing ?? false, query.limit ?? 100_000, query.before ?? null],
  );
  return rows.map(rowOf);
}

/** Some adjustments by number, withdrawn ones too. */
export async function readAdjustments(tx: Tx, ids: readonly string[]): Promise<readonly AdjustmentRow[]> {
  const rows = await tx.query<AdjustmentRecord>(
    `select ${columns} from stockroom.forecast_adjustment where id = any($1::bigint[]) order by id`,
    [ids],
  );
  return rows.map(rowOf);
}

/** What was last laid over a run. */
export interface AdjustedRow {
  readonly run: string;
  /** Numbers of the adjustments that stood, whether or not they met anything. */
  readonly adjustments: readonly string[];
  /** Cells they changed. */
  readonly cells: number;
  /** Absent while none ever met anything. */
  readonly export: ObjectRef | undefined;
  readonly at: string;
}

export async function findAdjusted(tx: Tx, run: string): Promise<AdjustedRow | undefined> {
  const [row] = await tx.query<{
    run: string;
    adjustments: readonly string[];
    cells: number;
    export_key: string | null;
    export_version: string | null;
    at: string;
  }>("select run, adjustments, cells::float8, export_key, export_version, at from stockroom.forecast_adjusted where run = $1", [run]);
  if (row === undefined) return undefined;
  const { export_key: key, export_version: version } = row;
  return {
    run: row.run,
    adjustments: row.adjustments,
    cells: row.cells,
    export: key === null || version === null ? undefined : { key, version },
    at: row.at,
  };
}

export async function insertAdjusted(tx: Tx, row: AdjustedRow): Promise<void> {
  await tx.query(
    `insert into stockroom.forecast_adjusted (run, adjustments, cells, export_key, export_version, at) values ($1, $2, $3, $4, $5, $6)
     on conflict (run) do update set adjustments = excluded.adjustments, cells = excluded.cells, export_key = excluded.export_key,
       export_version = excluded.export_version, at = excluded.at`,
    [row.run, JSON.stringify(row.adjustments), row.cells, row.export?.key ?? null, row.export?.version ?? null, row.at],
  );
}
