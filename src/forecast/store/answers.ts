// What was asked of finished runs, and what came of it: what-ifs, explanations, orders, and the judgement of each import.
//
// Owns: forecast_plan. Does not own: the results themselves (sealed objects).
//   N1. An id is derived from the run and the question: the same question to the same run is one row, whoever asks and however often.
//   N2. A row is written together with its objects, its event and its notice, and never changed.

import { StockroomError } from "../../platform/errors.ts";
import type { Migration, Tx } from "../../platform/database/contract.ts";
import { instantOf, microsOf, type Keyed, type SortKey } from "../../platform/database/sort-key.ts";
import type { Verdict } from "../engine/monitor/monitor.ts";
import type { AdjustmentValue, ValueAdded, ValueReport } from "../engine/monitor/value-added.ts";
import type { StockDefaults } from "../engine/replenish/proposal.ts";
import type { Change } from "../engine/scenario/change.ts";
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

export const answerKinds = ["whatif", "explain", "replenish", "monitor"] as const;
export type AnswerKind = (typeof answerKinds)[number];

/** What holds for every answer. */
export interface AnswerBase {
  readonly id: string;
  readonly group: string;
  /** The forecast that was asked. */
  readonly run: string;
  /** The question in plain words. */
  readonly title: string;
  readonly author: string;
  /** By name. */
  readonly exports: Readonly<Record<string, ObjectRef>>;
  readonly at: string;
}

/** A question to a finished forecast and its answer in a few figures. Not a number (of nothing) is null, as in all JSON. */
export type Scenario =
  | { readonly kind: "whatif"; readonly asked: { readonly changes: readonly Change[] }; readonly summary: WhatifSummary }
  | { readonly kind: "explain"; readonly asked: { readonly item: string | null }; readonly summary: ExplainSummary }
  | { readonly kind: "replenish"; readonly asked: ReplenishAsked; readonly summary: ReplenishSummary };

/** The judgement of an import: nobody asks it. */
export interface Judgement {
  readonly kind: "monitor";
  readonly asked: { readonly sha256: string; readonly adjustments: readonly string[] };
  readonly summary: MonitorSummary;
}

export type Answer = AnswerBase & (Scenario | Judgement);
export type AnswerOf<Kind extends AnswerKind> = Extract<Answer, { readonly kind: Kind }>;

export interface WhatifSummary {
  /** Demand over the horizon, all series together: without the changes, with them, and the difference in units and percent. */
  readonly baseline: number;
  readonly scenario: number;
  readonly delta: number;
  readonly percent: number | null;
  readonly series: number;
  /** Series that are forecast otherwise. */
  readonly moved: number;
  /** Without and with, step by step. */
  readonly steps: readonly (readonly [baseline: number, scenario: number])[];
  /** One for each change. */
  readonly effects: readonly { readonly cells: number; readonly series: number }[];
  /** Whole sentences. */
  readonly warnings: readonly string[];
}

export interface ExplainedAttribute {
  readonly attribute: string;
  /** -1..1, relative to the strongest, effects both ways cancelling. */
  readonly score: number;
  /** 0..1, the same without cancelling. */
  readonly strength: number;
  /** Units of demand over the horizon, all explained series together. */
  readonly impact: number;
}

export interface ExplainSummary {
  readonly series: number;
  /** The strongest; the table has all. */
  readonly attributes: readonly ExplainedAttribute[];
}

export interface ReplenishAsked {
  /** The versions that are used: the forecast's, the stock's, the open orders'. */
  readonly forecast: ObjectRef;
  readonly stock: ObjectRef;
  readonly openOrders: ObjectRef | null;
  readonly defaults: StockDefaults;
}

export interface ReplenishSummary {
  /** Rows of stock that were served. */
  readonly rows: number;
  readonly orders: number;
  readonly units: number;
  /** Of series that want an order: the highest chance of running out before it arrives. */
  readonly highestStockOutChance: number;
  readonly badRows: number;
  readonly firstBad: string | null;
  /** Series that were forecast and have no row of stock; absent in answers kept by earlier versions. */
  readonly withoutStock?: number;
  /** How numbers were read that may be meant in two ways, in sentences; absent in answers kept by earlier versions. */
  readonly warnings?: readonly string[];
}

export interface MonitorSummary {
  /** Steps with an actual, over all series; 0: nothing of what was forecast has come. */
  readonly points: number;
  readonly series: number;
  /** First and last instant that came. */
  readonly from: string | null;
  readonly to: string | null;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly wape: number | null;
  readonly averageWql: number | null;
  readonly bias: number | null;
  readonly coverage: number | null;
  readonly ratio: number | null;
  readonly ratioBound: number | null;
  readonly alarms: number;
  readonly watches: number;
  readonly value: {
    readonly all: ValueAdded;
    readonly adjusted: AdjustmentValue;
    readonly verdict: ValueReport["verdict"];
    readonly reason: string;
  };
}

type AnswerRecord = Answer extends infer One ? Omit<One, "group"> & { readonly dataset_group: string } : never;

const columns = "id, kind, dataset_group, run, title, author, asked, summary, exports, at";

// Rows are written by `insertAnswer` alone: kind, question and summary fit each other.
const rowOf = ({ dataset_group: group, ...row }: AnswerRecord): Answer => ({ ...row, group }) as Answer; // oxlint-disable-line typescript/no-unsafe-type-assertion

/** Keeps an answer; false when it was kept before (N1). */
export async function insertAnswer(tx: Tx, row: Answer): Promise<boolean> {
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

export async function findAnswer(tx: Tx, id: string): Promise<Answer | undefined> {
  const [row] = await tx.query<AnswerRecord>(`select ${columns} from stockroom.forecast_plan where id = $1`, [id]);
  return row === undefined ? undefined : rowOf(row);
}

/** Throws `missing` `FORECAST_SCENARIO_MISSING`. */
export async function getAnswer(tx: Tx, id: string): Promise<Answer> {
  const found = await findAnswer(tx, id);
  if (found !== undefined) return found;
  throw new StockroomError(
    "missing",
    "FORECAST_SCENARIO_MISSING",
    `Expected a scenario "${id}" but there is none. \`stockroom forecast scenarios list\` shows them.`,
  );
}

/** Newest first; of some kinds, of a group, of a run; each with where it stands in the list. */
export async function placeAnswers<Kind extends AnswerKind = AnswerKind>(
  tx: Tx,
  query: {
    readonly kinds?: readonly Kind[];
    readonly group?: string | undefined;
    readonly run?: string | undefined;
    /** Only those that come after this place of the list: when it was asked (microseconds), its id. */
    readonly after?: SortKey | undefined;
    readonly limit?: number;
  } = {},
): Promise<readonly Keyed<AnswerOf<Kind>>[]> {
  const rows = await tx.query<AnswerRecord & { readonly place: string }>(
    `select ${columns}, ${microsOf("at")} as place from stockroom.forecast_plan
      where kind = any($1::text[]) and ($2::text is null or dataset_group = $2) and ($3::text is null or run = $3)
        and ($5::bigint is null or at < ${instantOf("$5")} or (at = ${instantOf("$5")} and id > $6))
      order by at desc, id limit $4`,
    [
      query.kinds ?? answerKinds,
      query.group ?? null,
      query.run ?? null,
      query.limit ?? 100,
      query.after?.[0] ?? null,
      query.after?.[1] ?? null,
    ],
  );
  // The query gives no other kind.
  return rows.map(({ place, ...row }) => ({ row: rowOf(row) as AnswerOf<Kind>, key: [place, row.id] })); // oxlint-disable-line typescript/no-unsafe-type-assertion
}

/** As `placeAnswers`, without the places. */
export const listAnswers = async <Kind extends AnswerKind = AnswerKind>(
  ...asked: Parameters<typeof placeAnswers<Kind>>
): Promise<readonly AnswerOf<Kind>[]> => (await placeAnswers<Kind>(...asked)).map(({ row }) => row);
