// Database: PostgreSQL behind a small interface.
//
// Owns: the server's life (embedded or DATABASE_URL), the pool, transactions, migrations, the outbox table.
// Does not own: what the other parts keep in their tables; each part hands in its own migrations.
//   R1. A migration runs once, in order, under an advisory lock; a changed text of an applied one is an error.
//   R2. Every table lives in the schema `stockroom`; the durable engine's tables live in `dbos`.
//   R3. An outbox event is committed with the fact it tells of, or not at all.

import type { Pool } from "pg";

/**
 * Rows as values of JSON: bigint and numeric as text (cast to `int` or `float8` for numbers), timestamptz as ISO text in UTC with
 * milliseconds, date and timestamp as PostgreSQL's text, json parsed, bytea as Buffer.
 *
 * Throws `busy` `RECORDS_UNREACHABLE`, `RECORDS_SILENT`, `RECORDS_DISK_FULL`, `RECORDS_CONTENDED` when trying again may help; other errors are the
 * driver's own, with SQLSTATE in `code` (`23505` for a broken unique constraint).
 */
export interface Tx {
  query<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** What a statement gave, by place: names may repeat. Values as of `query`. */
export interface TxTable {
  readonly columns: readonly { readonly name: string; readonly oid: number }[];
  readonly rows: readonly (readonly unknown[])[];
}

/** A Tx that also gives tables. */
export interface TableTx extends Tx {
  table(text: string): Promise<TxTable>;
}

export interface TransactionOptions {
  /** How long one statement of it may be without an answer. Default 60,000. */
  readonly statementMs?: number;
}

export interface Database extends Tx {
  /** Runs `work` in one transaction; a throw rolls back. Serialisation failures and deadlocks are tried again up to 5 times. */
  transaction<T>(work: (tx: TableTx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Holds one connection of its own for as long as `work` runs: session advisory locks. Released locks and all when it ends. */
  session<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Calls `heard` for every NOTIFY on `channel` until the returned function is called. Delivery is a hint, not a promise: after a
   * lost connection it listens again by itself and calls `heard("")` once, because something may have been missed.
   */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>;
  /** Drops every connection, idle or not: the other end is known to be silent. What waits on one fails as `RECORDS_UNREACHABLE`. */
  reset(): void;
  /** The driver's own pool, for the durable engine, so that a process has one. Never ended by who borrows it. */
  readonly driverPool: Pool;
  /** The connection string; holds the password, so it is never logged. An embedded server may move to another port when it restarts. */
  readonly url: string;
  /** What runs beneath, for `stockroom doctor` and `/health`. No secret in it. */
  about(): DatabaseAbout;
  /** Closes the pool; the last process of a home also stops the embedded server, unless `keepServer`. */
  close(options?: { readonly keepServer?: boolean }): Promise<void>;
}

export type DatabaseAbout =
  | { readonly kind: "external"; readonly host: string; readonly port: number; readonly database: string }
  | {
      readonly kind: "embedded";
      readonly port: number;
      readonly pid: number | undefined;
      /** `down`: being restarted; statements meanwhile fail with `busy`. */
      readonly state: "up" | "down";
      /** True when another process (or one that was killed) had started the server. */
      readonly adopted: boolean;
      readonly folder: string;
      readonly serverLog: string;
      /** PostgreSQL refuses to run as root; then this is the user id it runs under. */
      readonly uid: number | undefined;
    };

/** One step of the schema. `id` sorts nothing: the order is the order of the list. */
export interface Migration {
  /** `part-nnn-what`, unique in the app. */
  readonly id: string;
  readonly sql: string;
}

/** A fact others may want to hear of. */
export interface OutboxEvent {
  /** `noun.command`, past tense: `object.stored`, `classify.model.trained`. */
  readonly kind: string;
  /** What it is about, e.g. an object key; subscribers filter by prefix. */
  readonly subject: string;
  /** References only, never data. JSON. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Two events with one `dedupe` are one: the second is not written. Absent: always written. */
  readonly dedupe?: string;
}
