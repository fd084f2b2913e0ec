// Sealing: which rows of the module's tables the audit log vouches for, and whether they are still what it says.
//
// Owns: the list of tables, the hash of a row, comparing tables with the log. Does not own: the log (store/audit.ts), the objects it names (flow).
//   L1. Whoever writes rows of these tables hands them to `insertAudit` in the same transaction; the record then holds a hash of every row.
//   L2. The hash is of the row as the database has it after the write, all columns, those without a value left out: a column added later, without a
//       value in old rows, changes no hash.
//   L3. A row that is changed lawfully is sealed again; the newest record counts.

import { createHash } from "node:crypto";
import type { Tx } from "../../platform/database/contract.ts";
import { canonicalJson, type AuditRow, type AuditValue } from "../engine/audit.ts";

/** The tables and what names a row in them. A new table that a page, command or API shows belongs here (a test enumerates them). */
export const sealedTables = {
  classify_scheme: ["revision"],
  classify_scheme_file: ["key", "version"],
  classify_reading: ["object_key", "object_version"],
  classify_line: ["line"],
  classify_model: ["id"],
  classify_verdict: ["id"],
  classify_champion: ["line", "since"],
  classify_ruling: ["verdict"],
  classify_ground: ["model"],
  classify_automatic: ["seq"],
  classify_inference: ["id"],
  classify_completion: ["period", "country", "fingerprint"],
  classify_review: ["id"],
  classify_answer: ["id"],
  classify_report_revision: ["period", "country", "revision"],
  classify_report: ["period", "country", "revision", "scheme", "scheme_version", "code"],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>;

export type SealedTable = keyof typeof sealedTables;

/** The rows of a table whose columns have one of these values. */
export interface Written {
  readonly table: SealedTable;
  readonly where: Readonly<Record<string, string | number | readonly string[]>>;
}

type Row = Readonly<Record<string, AuditValue>>;

/** Hashes of rows by table and key: what a record of the log holds as `rows`. */
export type RowHashes = Readonly<Record<string, Readonly<Record<string, string>>>>;

const keyOf = (table: SealedTable, row: Row): string => JSON.stringify(sealedTables[table].map((column) => row[column] ?? null));

function hashOf(row: Row): string {
  const filled = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
  return createHash("sha256").update(canonicalJson(filled)).digest("base64url");
}

/** Hashes rows as they stand in the transaction that wrote them. */
export async function hashWritten(tx: Tx, written: readonly Written[]): Promise<RowHashes> {
  const hashes: Record<string, Record<string, string>> = {};
  for (const { table, where } of written) {
    const columns = Object.keys(where);
    const rows = await tx.query<{ row: Row }>(
      `select to_jsonb(t) as row from stockroom.${table} t where ${columns.map((column, at) => `t.${column} = any($${at + 1})`).join(" and ")}`,
      Object.values(where).map((value) => (Array.isArray(value) ? value : [value])),
    );
    const own = (hashes[table] ??= {});
    for (const { row } of rows) own[keyOf(table, row)] = hashOf(row);
  }
  return hashes;
}

/** A row that is not what the log says. */
export interface RowProblem {
  readonly table: SealedTable;
  /** Values of the columns that name it. */
  readonly key: string;
  /** `unknown`: no record of the log wrote it. */
  readonly problem: "changed" | "gone" | "unknown";
  /** The record that vouched for it. */
  readonly seq: number | undefined;
  readonly hash: string | undefined;
}

export interface RowVerifier {
  /** Takes the records in their order. */
  add(row: AuditRow): void;
  /** Compares every table with what the records said. */
  compare(tx: Tx, signal: AbortSignal): AsyncIterable<RowProblem>;
  /** Rows compared so far. */
  count(): number;
}

const isTable = (name: string): name is SealedTable => Object.hasOwn(sealedTables, name);

export function openRowVerifier(): RowVerifier {
  const sealed = new Map<SealedTable, Map<string, { readonly hash: string; readonly seq: number }>>();
  let compared = 0;
  return {
    add({ seq, record }) {
      for (const [table, hashes] of Object.entries(record["rows"] ?? {})) {
        if (!isTable(table)) continue;
        let own = sealed.get(table);
        if (own === undefined) sealed.set(table, (own = new Map()));
        // Null: somebody vouched for it being gone.
        for (const [key, hash] of Object.entries(hashes as object)) {
          if (typeof hash === "string") own.set(key, { hash, seq });
          else own.delete(key);
        }
      }
    },
    async *compare(tx, signal) {
      for (const table of Object.keys(sealedTables).filter(isTable)) {
        const due = new Map(sealed.get(table));
        for await (const row of readTable(tx, table)) {
          signal.throwIfAborted();
          compared += 1;
          const key = keyOf(table, row);
          const hash = hashOf(row);
          const known = due.get(key);
          due.delete(key);
          if (known?.hash === hash) continue;
          yield { table, key, problem: known === undefined ? "unknown" : "changed", seq: known?.seq, hash };
        }
        for (const [key, { seq }] of due) yield { table, key, problem: "gone", seq, hash: undefined };
      }
    },
    count: () => compared,
  };
}

/** Every row in the order of its key, in pages. */
async function* readTable(tx: Tx, table: SealedTable): AsyncIterable<Row> {
  const columns = sealedTables[table].join(", ");
  const places = sealedTables[table].map((_, at) => `$${at + 1}`).join(", ");
  let after: readonly AuditValue[] | undefined;
  for (;;) {
    const rows = await tx.query<{ row: Row }>(
      `select to_jsonb(t) as row from stockroom.${table} t ${after === undefined ? "" : `where (${columns}) > (${places})`} order by ${columns} limit 1000`,
      after ?? [],
    );
    for (const { row } of rows) yield row;
    const last = rows.at(-1)?.row;
    if (last === undefined) return;
    after = sealedTables[table].map((column) => last[column] ?? null);
  }
}
