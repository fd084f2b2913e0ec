// What was asked of finished runs, and what came of it: what-ifs, explanations, orders, and the judgement of each import.
//
// Owns: forecast_plan. Does not own: the results themselves (sealed objects).
//   N1. An id is derived from the run and the question: the same question to the same run is one row, whoever asks and however often.
//   N2. A row is written together with its objects, its event and its notice, and never changed.

import { StockroomError } from "../../platform/errors.ts";
import type { Migration, Tx } from "../../platform/database/contract.ts";
import type { ObjectRef } from "./keys.ts";

export const planMigrations: readonly Migration[] = [
  {
    id: "forecast-003-plans",
    sql: `
      create table stockroom.forecast_plan (
        id text primary key,
        kind text not null check (kind in ('whatif', 'explain', 'replenish', 'monitor')),
        dataset_group text not null references stockroom.forecast_group,
        run text not null references stockroom.forecast_run,
        title text not null,
        author text not null,
        asked jsonb not null,
        summary jsonb not null,
        exports jsonb not null,
        at timestamptz not null
      );
      create index forecast_plan_latest on stockroom.forecast_plan (kind, dataset_group, at desc);
    `,
  },
];

export const planKinds = ["whatif", "explain", "replenish", "monitor"] as const;
export type PlanKind = (typeof planKinds)[number];

export interface PlanRow {
  readonly id: string;
  readonly kind: PlanKind;
  readonly group: string;
  /** The forecast that was asked. */
  readonly run: string;
  /** The question in plain words. */
  readonly title: string;
  readonly author: string;
  readonly asked: Readonly<Record<string, unknown>>;
  /** The answer in a few figures. */
  readonly summary: Readonly<Record<string, unknown>>;
  /** By name. */
  readonly exports: Readonly<Record<string, ObjectRef>>;
  readonly at: string;
}

interface PlanRecord extends Omit<PlanRow, "group"> {
  readonly dataset_group: string;
}

const columns = "id, kind, dataset_group, run, title, author, asked, summary, exports, at";

const rowOf = ({ dataset_group: group, ...row }: PlanRecord): PlanRow => ({ ...row, group });

/** Keeps an answer; false when it was kept before (N1). */
export async function insertPlan(tx: Tx, row: PlanRow): Promise<boolean> {
  const rows = await tx.query(
    `insert into stockroom.forecast_plan (${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do nothing returning id`,
    [
      row.id,
      row.kind,
      row.group,
      row.run,
      row.title,
      row.author,
      JSON.stringify(row.asked),
      JSON.stringify(row.summary),
      JSON.stringify(row.exports),
      row.at,
    ],
  );
  return rows.length === 1;
}

export async function findPlan(tx: Tx, id: string): Promise<PlanRow | undefined> {
  const [row] = await tx.query<PlanRecord>(`select ${columns} from stockroom.forecast_plan where id = $1`, [id]);
  return row === undefined ? undefined : rowOf(row);
}

/** Throws `missing` `FORECAST_SCENARIO_MISSING`. */
export async function getPlan(tx: Tx, id: string): Promise<PlanRow> {
  const found = await findPlan(tx, id);
  if (found !== undefined) return found;
  throw new StockroomError(
    "missing",
    "FORECAST_SCENARIO_MISSING",
    `Expected a scenario "${id}" but there is none. \`stockroom forecast scenario list\` shows them.`,
  );
}

/** Newest first. */
export async function listPlans(
  tx: Tx,
  query: { readonly kinds?: readonly PlanKind[]; readonly group?: string; readonly run?: string; readonly limit?: number } = {},
): Promise<readonly PlanRow[]> {
  const rows = await tx.query<PlanRecord>(
    `select ${columns} from stockroom.forecast_plan
      where kind = any($1::text[]) and ($2::text is null or dataset_group = $2) and ($3::text is null or run = $3) order by at desc, id limit $4`,
    [query.kinds ?? planKinds, query.group ?? null, query.run ?? null, query.limit ?? 100],
  );
  return rows.map(rowOf);
}
