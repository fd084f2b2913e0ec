// Records: PostgreSQL behind a small door.
//
// Owns: the server's life (embedded or DATABASE_URL), the pool, transactions, migrations, the outbox table.
// Does not own: what the other rooms keep in their tables; each room hands in its own migrations.
//   R1. A migration runs once, in order, under an advisory lock; a changed text of an applied one is an error.
//   R2. Every table lives in the schema `stockroom`; the durable engine's tables live in `dbos`.
//   R3. An outbox event is committed with the fact it tells of, or not at all.

/** Rows as the driver gives them: bigint and numeric as text unless the statement casts them. */
export interface Tx {
  query<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Records extends Tx {
  /** Runs `work` in one transaction; a throw rolls back. Serialisation failures and deadlocks are tried again up to 5 times. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Holds one connection for as long as `work` runs: session advisory locks, LISTEN, COPY. */
  session<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** The connection string; holds the password, so it is never logged. */
  readonly url: string;
  close(): Promise<void>;
}

/** One step of the schema. `id` sorts nothing: the order is the order of the list. */
export interface Migration {
  /** `room-nnn-what`, unique in the house. */
  readonly id: string;
  readonly sql: string;
}

/** A fact others may want to hear of. */
export interface OutboxEvent {
  /** `noun.verb`, past tense: `object.stored`, `classify.model.trained`. */
  readonly kind: string;
  /** What it is about, e.g. an object key; subscribers filter by prefix. */
  readonly subject: string;
  /** References only, never data. JSON. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Two events with one `dedupe` are one: the second is not written. Absent: always written. */
  readonly dedupe?: string;
}
