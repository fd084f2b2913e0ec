// Target: a schema of somebody else's PostgreSQL or Redshift, in which tables of ours are replaced as wholes.
//
//   Q1. Readers see the old rows or the new ones, of all tables alike: everything is loaded into tables of the connection's own first, and
//       then put in the place of the old rows in one transaction. Tables are emptied, never dropped, so views and rights on them stay.
//   Q2. What is there already is not written again: beside the tables stands what they were made of (`stockroom_published`).
//   Q3. A column that our table has no more stays, empty; one that is new is added; one of another type is refused by name.
//   Q4. Only the tables named here are touched. A password never reaches an error, a fact or a log.

import { Client } from "pg";
import { StockroomError } from "../errors.ts";
import type { AnswerCell, LakeColumn, LakeType } from "../warehouse/index.ts";

export interface Target {
  /** `postgres://...` or `redshift://...` */
  readonly url: string;
  readonly schema: string;
  /** Roles of that database that may read the tables. */
  readonly readers: readonly string[];
}

/** A table as it is to stand there. */
export interface Publication {
  readonly name: string;
  readonly columns: readonly LakeColumn[];
  /** Changes whenever the rows do. */
  readonly content: string;
  /** Called only when the rows are not there yet. */
  readonly rows: (signal: AbortSignal) => Promise<AsyncIterable<readonly (readonly AnswerCell[])[]>>;
}

export interface PublishOptions {
  readonly signal: AbortSignal;
  readonly onRows?: (table: string, rows: number) => void;
  /** How long a table that somebody else holds is waited for. */
  readonly lockTimeoutMs?: number;
}

export interface Published {
  readonly table: string;
  readonly rows: number;
  /** False: it stood there already. */
  readonly isNew: boolean;
}

const ledger = "stockroom_published";

const usualLockTimeoutMs = 30_000;

/** Values of one statement; PostgreSQL takes 65,535 parameters, Redshift 32,767. */
const mostParameters = 30_000;
const rowsAtOnce = 2_000;

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

interface Dialect {
  /** Keeps other writers out and lets readers in, where the database has such a lock. */
  readonly lockMode: string;
  /** Said at the beginning of a connection. */
  settings(lockTimeoutMs: number): readonly string[];
  readonly types: Readonly<Record<LakeType, string>>;
  load(client: Client, table: string, columns: readonly LakeColumn[], rows: readonly (readonly AnswerCell[])[]): Promise<void>;
}

const postgres: Dialect = {
  lockMode: "in exclusive mode",
  // Whoever waits for a table holds up those who come after; a reader that never ends must not stop the others.
  settings: (lockTimeoutMs) => [`set lock_timeout = ${lockTimeoutMs}`],
  types: { text: "text", number: "double precision", timestamp: "timestamp", date: "date" },
  // A parameter a column, an array of its values each.
  load: async (client, table, columns, rows) => {
    const arrays = columns.map(({ type }, index) => `$${index + 1}::${postgres.types[type]}[]`);
    const values = columns.map((_, index) => rows.map((row) => valueOf(row[index] ?? null)));
    await client.query(`insert into ${table} select * from unnest(${arrays.join(", ")})`, values);
  },
};

const redshift: Dialect = {
  lockMode: "",
  settings: () => [],
  // Its `text` has 256 bytes.
  types: { ...postgres.types, text: "varchar(65535)" },
  load: async (client, table, columns, rows) => {
    const most = Math.max(1, Math.floor(mostParameters / columns.length));
    for (let from = 0; from < rows.length; from += most) {
      const some = rows.slice(from, from + most);
      const places = some.map(
        (_, row) => `(${columns.map(({ type }, index) => `$${row * columns.length + index + 1}::${redshift.types[type]}`).join(", ")})`,
      );
      await client.query(
        `insert into ${table} values ${places.join(", ")}`,
        some.flatMap((row) => columns.map((_, index) => valueOf(row[index] ?? null))),
      );
    }
  },
};

/** Zero bytes are no text to either of them. */
const valueOf = (cell: AnswerCell): string | null => {
  if (cell === null) return null;
  return (typeof cell === "object" ? JSON.stringify(cell) : String(cell)).replaceAll("\0", "");
};

/**
 * Brings the tables to the target, all or none.
 *
 * Throws `busy` `PUBLISH_UNREACHABLE`, `denied` `PUBLISH_DENIED`, `conflict` `PUBLISH_COLUMN`, `fault` `PUBLISH_FAULT`, and what reading the rows throws.
 */
export async function publishTables(
  target: Target,
  tables: readonly Publication[],
  options: PublishOptions,
): Promise<readonly Published[]> {
  const { signal } = options;
  signal.throwIfAborted();
  const dialect = target.url.startsWith("redshift:") ? redshift : postgres;
  const client = new Client({
    connectionString: target.url.replace(/^redshift:/, "postgres:"),
    connectionTimeoutMillis: 15_000,
    application_name: "stockroom publish",
  });
  // Without a listener a connection that breaks between two statements would end the process; the next statement meets the error too.
  client.on("error", () => {});
  const stop = (): void => void client.end().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    await client.connect();
    return await new Publishing(client, dialect, target, options).all(tables);
  } catch (thrown) {
    signal.throwIfAborted();
    throw explain(thrown, target);
  } finally {
    signal.removeEventListener("abort", stop);
    await client.end().catch(() => {});
  }
}

class Publishing {
  readonly #client: Client;
  readonly #dialect: Dialect;
  readonly #target: Target;
  readonly #options: PublishOptions;

  constructor(client: Client, dialect: Dialect, target: Target, options: PublishOptions) {
    this.#client = client;
    this.#dialect = dialect;
    this.#target = target;
    this.#options = options;
  }

  async all(tables: readonly Publication[]): Promise<readonly Published[]> {
    await this.#prepare();
    const known = await this.#known();
    const published: Published[] = [];
    const staged: { readonly table: Publication; readonly stage: string; readonly rows: number }[] = [];
    for (const [index, table] of tables.entries()) {
      const there = known.get(table.name);
      if (there?.content === table.content) {
        published.push({ table: table.name, rows: there.rows, isNew: false });
        continue;
      }
      await this.#fit(table);
      const stage = `stockroom_stage_${index}`;
      const rows = await this.#stage(table, stage);
      staged.push({ table, stage, rows });
      published.push({ table: table.name, rows, isNew: true });
    }
    if (staged.length > 0) await this.#swap(staged);
    return published;
  }

  async #prepare(): Promise<void> {
    const { schema } = this.#target;
    for (const setting of this.#dialect.settings(this.#options.lockTimeoutMs ?? usualLockTimeoutMs)) await this.#client.query(setting);
    const found = await this.#client.query("select 1 from information_schema.schemata where schema_name = $1", [schema]);
    // Whoever prepared the schema need not let us make schemas.
    if (found.rows.length === 0) await this.#client.query(`create schema ${identifier(schema)}`);
    await this.#client.query(
      `create table if not exists ${this.#named(ledger)} (table_name varchar(256) not null, content varchar(256) not null, row_count bigint not null, published_at timestamp not null)`,
    );
  }

  #named(table: string): string {
    return `${identifier(this.#target.schema)}.${identifier(table)}`;
  }

  async #known(): Promise<ReadonlyMap<string, { readonly content: string; readonly rows: number }>> {
    const { rows } = await this.#client.query<{ table_name: string; content: string; row_count: string }>(
      `select table_name, content, row_count from ${this.#named(ledger)}`,
    );
    return new Map(rows.map((row) => [row.table_name, { content: row.content, rows: Number(row.row_count) }]));
  }

  /** Makes the table, or adds what it lacks (Q3). */
  async #fit({ name, columns }: Publication): Promise<void> {
    const { types } = this.#dialect;
    const list = columns.map((column) => `${identifier(column.name)} ${types[column.type]}`);
    await this.#client.query(`create table if not exists ${this.#named(name)} (${list.join(", ")})`);
    const { rows } = await this.#client.query<{ column_name: string; data_type: string }>(
      "select column_name, data_type from information_schema.columns where table_schema = $1 and table_name = $2",
      [this.#target.schema, name],
    );
    const there = new Map(rows.map((row) => [row.column_name, row.data_type]));
    for (const column of columns) {
      const type = there.get(column.name);
      if (type === undefined) {
        await this.#client.query(`alter table ${this.#named(name)} add column ${identifier(column.name)} ${types[column.type]}`);
      } else if (!readsAs[column.type].test(type)) {
        throw new StockroomError(
          "conflict",
          "PUBLISH_COLUMN",
          `Expected the column ${column.name} of ${this.#target.schema}.${name} as ${types[column.type]} but it is ${type} there. Drop the column or the table; it is filled anew.`,
          { facts: { table: name, column: column.name, type } },
        );
      }
    }
    for (const reader of this.#target.readers) {
      await this.#client.query(`grant usage on schema ${identifier(this.#target.schema)} to ${identifier(reader)}`);
      await this.#client.query(`grant select on ${this.#named(name)} to ${identifier(reader)}`);
    }
  }

  async #stage({ name, columns, rows }: Publication, stage: string): Promise<number> {
    const { signal, onRows } = this.#options;
    const list = columns.map((column) => `${identifier(column.name)} ${this.#dialect.types[column.type]}`);
    await this.#client.query(`create temp table ${stage} (${list.join(", ")})`);
    let count = 0;
    for await (const batch of await rows(signal)) {
      for (let from = 0; from < batch.length; from += rowsAtOnce) {
        signal.throwIfAborted();
        const some = batch.slice(from, from + rowsAtOnce);
        await this.#dialect.load(this.#client, stage, columns, some);
        count += some.length;
        onRows?.(name, count);
      }
    }
    return count;
  }

  async #swap(staged: readonly { readonly table: Publication; readonly stage: string; readonly rows: number }[]): Promise<void> {
    await this.#client.query("begin");
    try {
      // Two that publish to one schema come one after the other; readers are not held up.
      await this.#client.query(`lock table ${this.#named(ledger)} ${this.#dialect.lockMode}`);
      for (const { table, stage, rows } of staged) {
        const list = table.columns.map(({ name }) => identifier(name)).join(", ");
        await this.#client.query(`delete from ${this.#named(table.name)}`);
        await this.#client.query(`insert into ${this.#named(table.name)} (${list}) select ${list} from ${stage}`);
        await this.#client.query(`delete from ${this.#named(ledger)} where table_name = $1`, [table.name]);
        await this.#client.query(`insert into ${this.#named(ledger)} values ($1, $2, $3, current_timestamp at time zone 'UTC')`, [
          table.name,
          table.content,
          rows,
        ]);
      }
      await this.#client.query("commit");
    } catch (thrown) {
      await this.#client.query("rollback").catch(() => {});
      throw thrown;
    }
  }
}

const readsAs: Readonly<Record<LakeType, RegExp>> = {
  text: /^(text|character varying)$/,
  number: /^(double precision|numeric|real)$/,
  timestamp: /^timestamp/,
  date: /^date$/,
};

function explain(thrown: unknown, { schema }: Target): unknown {
  if (!(thrown instanceof Error) || thrown.name === "StockroomError") return thrown;
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
  const facts = { schema, sqlstate: code };
  if (code === "42501" || code.startsWith("28")) {
    return new StockroomError(
      "denied",
      "PUBLISH_DENIED",
      `Expected to be let into the schema ${schema} of the target but it is refused: ${thrown.message}. Grant the role of its URL usage and create on the schema.`,
      { facts },
    );
  }
  if (/^(08|53|57|40|55P03)/.test(code) || /^E[A-Z]+$/.test(code) || /terminated|timeout|closed/i.test(thrown.message)) {
    return new StockroomError(
      "busy",
      "PUBLISH_UNREACHABLE",
      `Expected the target of ${schema} to answer but it does not: ${code === "" ? thrown.message : code}. It is tried again.`,
      { facts },
    );
  }
  return new StockroomError(
    "fault",
    "PUBLISH_FAULT",
    `Expected the target of ${schema} to take the tables but it says: ${thrown.message}.`,
    {
      facts,
      cause: thrown,
    },
  );
}
