// Migrate: the schema, brought up to date once by whoever comes first.
//
//   M1. All that is pending goes in one transaction: an upgrade happens wholly or not at all.
//   M2. Two processes never migrate at once (advisory lock); the second finds nothing left to do.

import { createHash } from "node:crypto";
import { codeOf, StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Migration, TransactionOptions, Tx } from "./contract.ts";

/** "stockroom" and 2, as two 32-bit numbers; 1 is the presence lock of the embedded server. */
const migrationLock = "1937006946, 2";

/** Another process may be migrating, and an index over many rows takes its time. */
const longStatements: TransactionOptions = { statementMs: 6 * 3_600_000 };

interface Applied {
  readonly id: string;
  readonly checksum: string;
}

/** Line ends and trailing blanks are not a change. */
function checksumOf(sql: string): string {
  const text = sql
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Applies what is pending of `migrations`, in the order of the list, and gives the ids applied.
 *
 * Throws `conflict` `RECORDS_NEWER` (the database knows migrations we do not), `fault` `RECORDS_MIGRATION_CHANGED` (the text of an
 * applied one differs), `fault` `RECORDS_MIGRATION_FAILED` naming the one that failed; then nothing of this call was applied.
 */
export async function migrate(
  database: Tx & { transaction<T>(work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T> },
  migrations: readonly Migration[],
  log: Log,
): Promise<readonly string[]> {
  const ids = new Set(migrations.map(({ id }) => id));
  if (ids.size !== migrations.length) {
    const twice = migrations.map(({ id }) => id).find((id, i, all) => all.indexOf(id) !== i);
    throw new StockroomError("fault", "RECORDS_MIGRATION_TWICE", `Expected each migration once but ${twice} is listed twice. Rename one.`);
  }
  // The usual start has nothing to do, and finds out without a lock.
  if (pendingOf(migrations, await readApplied(database)).length === 0) return [];
  return database.transaction(async (tx) => {
    await tx.query(`select pg_advisory_xact_lock(${migrationLock})`);
    await tx.query(`
      create schema if not exists stockroom;
      create table if not exists stockroom.migrations (
        id text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`);
    const pending = pendingOf(migrations, await readApplied(tx));
    for (const { id, sql } of pending) {
      try {
        await tx.query(sql);
      } catch (thrown) {
        if (thrown instanceof StockroomError) throw thrown;
        throw new StockroomError(
          "fault",
          "RECORDS_MIGRATION_FAILED",
          `Expected migration ${id} to apply but it failed: ${thrown instanceof Error ? thrown.message : String(thrown)}. Nothing was changed; this is a mistake in Stockroom, please report it.`,
          { cause: thrown, facts: { id, sqlstate: codeOf(thrown) } },
        );
      }
      await tx.query("insert into stockroom.migrations (id, checksum) values ($1, $2)", [id, checksumOf(sql)]);
    }
    if (pending.length > 0) log.info("brought the database's tables up to date", { migrations: pending.length });
    return pending.map(({ id }) => id);
  }, longStatements);
}

async function readApplied(tx: Tx): Promise<readonly Applied[]> {
  const [found] = await tx.query<{ there: boolean }>("select to_regclass('stockroom.migrations') is not null as there");
  return found?.there ? tx.query<Applied>("select id, checksum from stockroom.migrations") : [];
}

function pendingOf(migrations: readonly Migration[], applied: readonly Applied[]): readonly Migration[] {
  const checksums = new Map(applied.map(({ id, checksum }) => [id, checksum]));
  const known = new Set(migrations.map(({ id }) => id));
  const newer = applied.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  if (newer.length > 0) {
    throw new StockroomError(
      "conflict",
      "RECORDS_NEWER",
      `Expected a database no newer than this program but it was used by a newer Stockroom (unknown: ${newer.sort().join(", ")}). Upgrade this program, or restore a backup from before the upgrade.`,
      { facts: { unknown: newer.length } },
    );
  }
  for (const { id, sql } of migrations) {
    const checksum = checksums.get(id);
    if (checksum !== undefined && checksum !== checksumOf(sql)) {
      throw new StockroomError(
        "fault",
        "RECORDS_MIGRATION_CHANGED",
        `Expected migration ${id} as it was applied to this database but its text has changed since. Put the old text back and write the change as a new migration.`,
        { facts: { id } },
      );
    }
  }
  return migrations.filter(({ id }) => !checksums.has(id));
}
