// Reading: what routes and pages show, read from rows and sealed objects in the role of whoever stands at the door.

import { z } from "zod";
import { makeSemaphore } from "../../platform/concurrency/semaphore.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { ObjectEntry } from "../../platform/objects/contract.ts";
import type { Actor } from "../../platform/vault/contract.ts";
import { readAnswers } from "../workflows/sap/import-rows.ts";
import type { ForecastDeps } from "../workflows/deps.ts";
import { readDrill, type Drill } from "../workflows/views/drill.ts";
import type { ObjectRef } from "../store/keys.ts";
import { findLatest, getRun, listGroups, type ForecastRunRow } from "../store/runs.ts";
import { getImport, listBatches, listUnanswered, type ImportRow } from "../store/sap.ts";
import { line as text, readFields } from "./fields.ts";

/** Whom the vault sees behind the module's routes: the operator, as behind /objects. */
export const operatorOverHttp = (path: string): Actor => ({ role: "operator", purpose: `http GET ${path}` });

/** What has exports: a run, or what was asked of one. */
export interface Exporter {
  readonly id: string;
  readonly group: string;
  readonly exports: Readonly<Record<string, ObjectRef>>;
}

/** An export of a run. */
export interface ExportRow {
  /** forecast, backtest/accuracy-metrics, aggregated/month_starting=2026-10-01/part-0.parquet */
  readonly name: string;
  readonly key: string;
  readonly version: string;
  readonly bytes: number;
  readonly contentType: string;
}

/** A run's exports: its tables first, then the months of the aggregated view. */
export async function readExports({ objects }: Pick<ForecastDeps, "objects">, of: Exporter): Promise<readonly ExportRow[]> {
  const rows = await Promise.all(
    Object.entries(of.exports).map(async ([name, { key, version }]): Promise<ExportRow[]> => {
      const entry = await objects.head(key, version);
      return entry === undefined ? [] : [{ name, key, version, bytes: entry.bytes, contentType: entry.contentType }];
    }),
  );
  const rank = ({ name }: ExportRow): string => `${name.startsWith("aggregated/") ? "1" : "0"}${name}`;
  return rows.flat().toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** An export's entry, whose bytes can then be read. Throws `missing` `FORECAST_EXPORT_MISSING`. */
export async function findExport({ objects }: Pick<ForecastDeps, "objects">, of: Exporter, name: string): Promise<ObjectEntry> {
  const ref = Object.hasOwn(of.exports, name) ? of.exports[name] : undefined;
  const entry = ref === undefined ? undefined : await objects.head(ref.key, ref.version);
  if (entry !== undefined) return entry;
  throw new StockroomError(
    "missing",
    "FORECAST_EXPORT_MISSING",
    `Expected an export "${name}" of ${of.id} but there is none. It has: ${Object.keys(of.exports).slice(0, 12).join(", ")}`,
  );
}

/** The run that was asked for, or the group's latest. Throws `missing` `FORECAST_GROUP_MISSING`, `FORECAST_NONE_YET`, `FORECAST_RUN_MISSING`. */
export async function findShown(
  { database }: Pick<ForecastDeps, "database">,
  group: string,
  id: string | undefined,
): Promise<ForecastRunRow> {
  if (!(await listGroups(database)).some(({ name }) => name === group)) {
    throw new StockroomError(
      "missing",
      "FORECAST_GROUP_MISSING",
      `Expected a dataset group "${group}" but there is none. Put its files: stockroom put FILE forecast/train/NAME.csv`,
    );
  }
  const run = id === undefined ? await findLatest(database, group) : await getRun(database, id);
  if (run?.state === "done" && run.group === group) return run;
  if (id === undefined) {
    throw new StockroomError(
      "missing",
      "FORECAST_NONE_YET",
      `Expected a forecast of ${group} but there is none yet. \`stockroom runs\` shows what is at work, \`stockroom notices\` what went wrong.`,
    );
  }
  throw new StockroomError("missing", "FORECAST_RUN_MISSING", `Expected a finished forecast "${id}" of ${group} but there is none.`);
}

/** An answer of the ERP to one row of an import. */
export interface AnswerRow {
  readonly round: number;
  readonly batch: number;
  /** The row's number in the export, from 0. */
  readonly seq: number;
  readonly taken: boolean;
  readonly messages: readonly { readonly type: string; readonly id: string; readonly text: string }[];
}

export interface ImportDetail {
  readonly import: ImportRow;
  readonly batches: readonly { readonly round: number; readonly batch: number; readonly sent: number; readonly failed: number }[];
  /** Batches with rows of which nobody knows whether they were taken. */
  readonly unsure: readonly { readonly round: number; readonly batch: number; readonly rows: number; readonly reason: string }[];
  /** Those of refused rows, or all, in the order in which they came; at most as many as were asked for. */
  readonly answers: readonly AnswerRow[];
  readonly more: boolean;
}

/** An import with its answers, batch by batch until there are enough. Throws `missing` `SAP_IMPORT_MISSING`. */
export async function readImport(
  deps: Pick<ForecastDeps, "database" | "objects">,
  id: string,
  { all, limit, purpose }: { readonly all: boolean; readonly limit: number; readonly purpose: string },
): Promise<ImportDetail> {
  const row = await getImport(deps.database, id);
  const batches = await listBatches(deps.database, id);
  const answers: AnswerRow[] = [];
  for (const { round, batch, failed, answers: ref } of batches) {
    if (answers.length > limit) break;
    if (!all && failed === 0) continue;
    for (const { seq, taken, messages } of await readAnswers(deps, purpose, ref)) {
      if (all || !taken) {
        answers.push({ round, batch, seq, taken, messages: messages.map(({ type, id, text }) => ({ type, id, text })) });
      }
    }
  }
  return {
    import: row,
    batches: batches.map(({ round, batch, sent, failed }) => ({ round, batch, sent, failed })),
    unsure: (await listUnanswered(deps.database, id)).flatMap(({ round, batch, unsure, reason }) =>
      unsure > 0 ? [{ round, batch, rows: unsure, reason: reason ?? "" }] : [],
    ),
    answers: answers.slice(0, limit),
    more: answers.length > limit,
  };
}

const drillMs = 60_000;

/** Readings that wait for the one before them; a page that shows figures beside each other asks for some at once. */
const mostWaiting = 8;

export interface Driller {
  /** `signal`: of whoever asks; gone, they wait no longer. */
  read(run: ForecastRunRow, asked: Parameters<typeof readDrill>[3], purpose: string, signal: AbortSignal): Promise<Drill>;
}

/** Reads drills one at a time: each holds a run's newest months in memory. Past a short queue it throws `busy` `FORECAST_DRILL_BUSY`. */
export function makeDriller(deps: Pick<ForecastDeps, "objects" | "lake">): Driller {
  const turns = makeSemaphore({
    most: 1,
    mostWaiting,
    refusal: () =>
      new StockroomError(
        "busy",
        "FORECAST_DRILL_BUSY",
        `Expected fewer than ${mostWaiting} readings of figures to wait at the moment but there are as many. Ask again soon.`,
      ),
  });
  return {
    read: async (run, asked, purpose, signal) => {
      const leave = await turns.enter(1, signal);
      const late = AbortSignal.timeout(drillMs);
      try {
        return await readDrill(deps, operatorOverHttp(purpose), run, asked, AbortSignal.any([signal, late]));
      } catch (error) {
        if (!late.aborted) throw error;
        throw new StockroomError(
          "busy",
          "FORECAST_DRILL_LATE",
          `Expected the figures of ${run.id} within ${drillMs / 1_000} s but they take longer. Ask by SQL: stockroom sql`,
          { cause: error },
        );
      } finally {
        leave();
      }
    },
  };
}

/** `by=AXIS`, every other name an axis that is held at a level. */
export function parseDrill(query: unknown): { readonly by: string | undefined; readonly where: readonly (readonly [string, string])[] } {
  const { by, ...held } = readFields("query", z.record(text(100), text(1_000)), query);
  return { by: by === "" ? undefined : by, where: Object.entries(held) };
}
