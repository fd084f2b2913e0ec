// Target: a schema of somebody else's PostgreSQL or Redshift, in which tables of ours are replaced as wholes.
//
//   Q1. Readers see the old rows or the new ones, of all tables alike: everything is loaded into tables of the connection's own first, and
//       then put in the place of the old rows in one transaction. Tables are emptied, never dropped, so views and rights on them stay.
//   Q2. What is there already is not written again: beside the tables stands what they were made of (`stockroom_published`). A table that is
//       gone there, or a column of it, is filled anew whatever stands beside it.
//   Q3. A column that our table has no more stays, empty; one that is new is added; one of another type is refused by name.
//   Q4. Only tables that are ours are touched: one of that name that stands there with rows, or is no table, is refused. A password never reaches
//       an error, a fact or a log.
//   Q5. Of two that publish at once, one has written when the other would: that one is over, and tried again.
//   Q6. A target that says nothing any more is given up, so that it does not hold up the others.

import { Client } from "pg";
import { StockroomError } from "../errors.ts";
import type { AnswerCell, LakeColumn, LakeType } from "../warehouse/index.ts";
import { columnsThere, identifier, nameThere, postgres, redshift, valuesThere, type Dialect, type TargetColumn } from "./dialects.ts";

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
  /** How long a table that somebody else holds is waited for. Default 30,000. */
  readonly lockTimeoutMs?: number;
  /** How long a statement may be without an answer. Default an hour. */
  readonly statementMs?: number;
}

export interface Published {
  readonly table: string;
  readonly rows: number;
  /** False: it stood there already. */
  readonly isNew: boolean;
}

const ledger = "stockroom_published";

const usualLockTimeoutMs = 30_000;
const usualStatementMs = 60 * 60_000;
/** After so long without a word the system asks whether the other end lives. */
const keepAliveMs = 30_000;

const rowsAtOnce = 2_000;

/**
 * Brings the tables to the target, all or none.
 *
 * Throws `busy` `PUBLISH_UNREACHABLE`, `PUBLISH_MEANWHILE`, `denied` `PUBLISH_DENIED`, `conflict` `PUBLISH_COLUMN`, `PUBLISH_NAME`, `PUBLISH_VALUE`,
 * `PUBLISH_TAKEN`, `PUBLISH_READER`, `PUBLISH_CONSTRAINT`, `fault` `PUBLISH_FAULT`, and what reading the rows throws.
 */
export async function publishTables(
  target: Target,
  tables: readonly Publication[],
  options: PublishOptions,
): Promise<readonly Published[]> {
  const { signal, statementMs = usualStatementMs } = options;
  signal.throwIfAborted();
  const dialect = target.url.startsWith("redshift:") ? redshift : postgres;
  const places = placesOf(target, tables, dialect);
  const client = new Client({
    connectionString: target.url.replace(/^redshift:/, "postgres:"),
    connectionTimeoutMillis: 15_000,
    query_timeout: statementMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    application_name: "stockroom publish",
  });
  // Without a listener a connection that breaks between two statements would end the process; the next statement meets the error too.
  client.on("error", () => {});
  const stop = (): void => void client.end().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    await client.connect();
    return await new Publishing(client, dialect, target, options).all(places);
  } catch (thrown) {
    signal.throwIfAborted();
    throw explain(thrown, target);
  } finally {
    signal.removeEventListener("abort", stop);
    await client.end().catch(() => {});
  }
}

/** A table with the names that it has there. */
interface Place {
  readonly publication: Publication;
  readonly table: string;
  readonly columns: readonly TargetColumn[];
}

/** What stands there under a table's name: its columns and their types, by their keys. */
interface There {
  readonly isTable: boolean;
  readonly columns: ReadonlyMap<string, string>;
}

type Ledger = ReadonlyMap<string, { readonly content: string; readonly rows: number }>;

/** Throws `conflict` `PUBLISH_NAME` for names that the database does not tell apart. */
function placesOf({ schema }: Target, tables: readonly Publication[], dialect: Dialect): readonly Place[] {
  if (nameThere(schema, dialect) !== schema) {
    throw new StockroomError(
      "conflict",
      "PUBLISH_NAME",
      `Expected a schema with a name of at most ${dialect.mostNameBytes} bytes, as ${dialect.name} takes, but ${schema} is none. Choose another in publish.targets.`,
    );
  }
  const seen = new Map([[ledger, ledger]]);
  return [...new Map(tables.map((one) => [one.name, one])).values()].map((publication) => {
    const table = nameThere(publication.name, dialect);
    const other = seen.get(dialect.keyOf(table));
    if (other !== undefined) {
      throw new StockroomError(
        "conflict",
        "PUBLISH_NAME",
        `Expected tables with names that ${dialect.name} tells apart but ${other} and ${publication.name} are one there. Publish one of them into another schema.`,
        { facts: { table: publication.name, other } },
      );
    }
    seen.set(dialect.keyOf(table), publication.name);
    return { publication, table, columns: columnsThere(publication.name, publication.columns, dialect) };
  });
}

interface Staged extends Place {
  readonly stage: string;
  readonly rows: number;
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

  async all(places: readonly Place[]): Promise<readonly Published[]> {
    for (const setting of this.#dialect.settings(this.#options.lockTimeoutMs ?? usualLockTimeoutMs)) await this.#client.query(setting);
    const there = await this.#prepare(places);
    const known = await this.#known();
    const published: Published[] = [];
    const staged: Staged[] = [];
    for (const [index, place] of places.entries()) {
      const { name, content } = place.publication;
      const row = known.get(place.table);
      if (row?.content === content && this.#isWhole(place, there)) {
        published.push({ table: name, rows: row.rows, isNew: false });
        continue;
      }
      await this.#fit(place);
      const stage = `stockroom_stage_${index}`;
      const rows = await this.#stage(place, stage);
      staged.push({ ...place, stage, rows });
      published.push({ table: name, rows, isNew: true });
    }
    if (staged.length > 0) await this.#swap(staged, known);
    return published;
  }

  /** Makes the schema and the ledger where they are not, one publisher after the other, and looks at what else is there. */
  async #prepare(places: readonly Place[]): Promise<ReadonlyMap<string, There>> {
    const { schema } = this.#target;
    const before = await this.#look(places);
    if (before.has(ledger)) return before;
    await this.#within(async () => {
      if (this.#dialect === postgres) {
        await this.#client.query("select pg_advisory_xact_lock(hashtext('stockroom publish'), hashtext($1))", [schema]);
      }
      const found = await this.#client.query("select 1 from information_schema.schemata where schema_name = $1", [
        this.#dialect.keyOf(schema),
      ]);
      // Whoever prepared the schema need not let us make schemas.
      if (found.rows.length === 0) await this.#client.query(`create schema ${identifier(schema)}`);
      await this.#client.query(
        `create table if not exists ${this.#named(ledger)} (table_name varchar(256) not null, content varchar(256) not null, row_count bigint not null, published_at timestamp not null)`,
      );
    });
    return await this.#look(places);
  }

  #named(table: string): string {
    return `${identifier(this.#target.schema)}.${identifier(table)}`;
  }

  /** What stands in the schema under the names of our tables and of the ledger. */
  async #look(places: readonly Place[]): Promise<ReadonlyMap<string, There>> {
    const names = [ledger, ...places.map(({ table }) => this.#dialect.keyOf(table))];
    const marks = names.map((_, at) => `$${at + 2}`).join(", ");
    const { rows } = await this.#client.query<{ table_name: string; table_type: string; column_name: string | null; data_type: string }>(
      `select t.table_name, t.table_type, c.column_name, c.data_type from information_schema.tables t
         left join information_schema.columns c on c.table_schema = t.table_schema and c.table_name = t.table_name
        where t.table_schema = $1 and t.table_name in (${marks})`,
      [this.#dialect.keyOf(this.#target.schema), ...names],
    );
    const found = new Map<string, { readonly isTable: boolean; readonly columns: Map<string, string> }>();
    for (const row of rows) {
      const one = found.get(row.table_name) ?? { isTable: row.table_type === "BASE TABLE", columns: new Map<string, string>() };
      if (row.column_name !== null) one.columns.set(this.#dialect.keyOf(row.column_name), row.data_type);
      found.set(row.table_name, one);
    }
    return found;
  }

  #isWhole({ table, columns }: Place, there: ReadonlyMap<string, There>): boolean {
    const has = there.get(this.#dialect.keyOf(table))?.columns;
    return columns.every(({ name, type }) => readsAs[type].test(has?.get(this.#dialect.keyOf(name)) ?? ""));
  }

  async #known(): Promise<Ledger> {
    const { rows } = await this.#client.query<{ table_name: string; content: string; row_count: string }>(
      `select table_name, content, row_count from ${this.#named(ledger)}`,
    );
    return new Map(rows.map((row) => [row.table_name, { content: row.content, rows: Number(row.row_count) }]));
  }

  /** Makes the table, or adds what it lacks (Q3), one publisher after the other. One with rows that we did not write is not ours (Q4). */
  async #fit(place: Place): Promise<void> {
    await this.#within(async () => {
      await this.#client.query(`lock table ${this.#named(ledger)} ${this.#dialect.lockMode}`);
      const { table, columns } = place;
      const there = (await this.#look([place])).get(this.#dialect.keyOf(table));
      if (there === undefined) {
        const list = columns.map((column) => `${identifier(column.name)} ${this.#dialect.types[column.type]}`);
        await this.#client.query(`create table if not exists ${this.#named(table)} (${list.join(", ")})`);
      } else {
        await this.#checkOurs(place, there);
        for (const column of columns) await this.#fitColumn(place, column, there.columns.get(this.#dialect.keyOf(column.name)));
      }
      for (const reader of this.#target.readers) await this.#letRead(table, reader);
    });
  }

  async #fitColumn({ table, publication }: Place, { name, type }: TargetColumn, has: string | undefined): Promise<void> {
    const wanted = this.#dialect.types[type];
    if (has === undefined) {
      await this.#client.query(`alter table ${this.#named(table)} add column ${identifier(name)} ${wanted}`);
      return;
    }
    if (readsAs[type].test(has)) return;
    throw new StockroomError(
      "conflict",
      "PUBLISH_COLUMN",
      `Expected the column ${name} of ${this.#target.schema}.${table} as ${wanted} but it is ${has} there. Drop the column or the table; it is filled anew.`,
      { facts: { table: publication.name, column: name, type: has } },
    );
  }

  async #checkOurs({ table }: Place, { isTable }: There): Promise<void> {
    const isOurs = isTable && (await this.#known()).has(table);
    if (isOurs || (isTable && (await this.#client.query(`select 1 from ${this.#named(table)} limit 1`)).rows.length === 0)) return;
    throw new StockroomError(
      "conflict",
      "PUBLISH_TAKEN",
      `Expected ${this.#target.schema}.${table} to be a table that publishing made, or an empty one, but there is ${isTable ? "one with rows of somebody else's" : "a view"}. Rename or drop it, or choose another schema in publish.targets.`,
      { facts: { table } },
    );
  }

  /** Where the schema is another's, its owner must let readers in; a grant of ours says nothing then. */
  async #letRead(table: string, reader: string): Promise<void> {
    const { schema } = this.#target;
    try {
      await this.#client.query(`grant usage on schema ${identifier(schema)} to ${identifier(reader)}`);
      await this.#client.query(`grant select on ${this.#named(table)} to ${identifier(reader)}`);
    } catch (thrown) {
      if (sqlStateOf(thrown) !== "42704") throw thrown;
      throw new StockroomError(
        "conflict",
        "PUBLISH_READER",
        `Expected the role ${reader} of publish.targets.*.readers in the target's database but there is none. Make it there, or correct its name.`,
        { facts: { reader } },
      );
    }
    if (this.#dialect !== postgres) return;
    const { rows } = await this.#client.query<{ may: boolean }>(
      "select has_schema_privilege($1::name, $2, 'usage') and has_table_privilege($1::name, $3, 'select') as may",
      [reader, schema, this.#named(table)],
    );
    if (rows[0]?.may ?? false) return;
    throw new StockroomError(
      "conflict",
      "PUBLISH_READER",
      `Expected to let the role ${reader} read ${schema}.${table} but the schema or the table is another's. Let its owner run: grant usage on schema ${identifier(schema)} to ${identifier(reader)}; grant select on ${this.#named(table)} to ${identifier(reader)}`,
      { facts: { reader, table } },
    );
  }

  async #stage({ columns, publication: { name, rows } }: Place, stage: string): Promise<number> {
    const { signal, onRows } = this.#options;
    const list = columns.map((column) => `${identifier(column.name)} ${this.#dialect.types[column.type]}`);
    await this.#client.query(`create temp table ${stage} (${list.join(", ")})`);
    let count = 0;
    for await (const batch of await rows(signal)) {
      for (let from = 0; from < batch.length; from += rowsAtOnce) {
        signal.throwIfAborted();
        const some = valuesThere(name, columns, batch.slice(from, from + rowsAtOnce), this.#dialect);
        await this.#dialect.load(this.#client, stage, columns, some);
        count += some.length;
        onRows?.(name, count);
      }
    }
    return count;
  }

  async #swap(staged: readonly Staged[], known: Ledger): Promise<void> {
    await this.#within(async () => {
      // Two that publish to one schema come one after the other; readers are not held up.
      await this.#client.query(`lock table ${this.#named(ledger)} ${this.#dialect.lockMode}`);
      const now = await this.#known();
      for (const { publication, table, columns, stage, rows } of staged) {
        const { name, content } = publication;
        if (now.get(table)?.content !== known.get(table)?.content) throw meanwhile(this.#target, name);
        const list = columns.map((column) => identifier(column.name)).join(", ");
        await this.#client.query(`delete from ${this.#named(table)}`);
        await this.#client.query(`insert into ${this.#named(table)} (${list}) select ${list} from ${stage}`);
        await this.#client.query(`delete from ${this.#named(ledger)} where table_name = $1`, [table]);
        await this.#client.query(`insert into ${this.#named(ledger)} values ($1, $2, $3, current_timestamp at time zone 'UTC')`, [
          table,
          content,
          rows,
        ]);
      }
    });
  }

  async #within(work: () => Promise<void>): Promise<void> {
    await this.#client.query("begin");
    try {
      await work();
      await this.#client.query("commit");
    } catch (thrown) {
      await this.#client.query("rollback").catch(() => {});
      throw thrown;
    }
  }
}

/** Tried again, it finds what the other wrote. */
const meanwhile = ({ schema }: Target, table: string): StockroomError =>
  new StockroomError(
    "busy",
    "PUBLISH_MEANWHILE",
    `Expected nobody else to publish ${schema}.${table} at the same time but somebody did. It is tried again.`,
    { facts: { table } },
  );

const readsAs: Readonly<Record<LakeType, RegExp>> = {
  text: /^(text|character varying)$/,
  number: /^(double precision|numeric|real)$/,
  timestamp: /^timestamp/,
  date: /^date$/,
};

const sqlStateOf = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";

function explain(thrown: unknown, { schema }: Target): unknown {
  if (!(thrown instanceof Error) || thrown.name === "StockroomError") return thrown;
  const code = sqlStateOf(thrown);
  const facts = { schema, sqlstate: code };
  if (code === "42501" || code.startsWith("28")) {
    return new StockroomError(
      "denied",
      "PUBLISH_DENIED",
      `Expected to be let into the schema ${schema} of the target but it is refused: ${thrown.message}. Grant the role of its URL usage and create on the schema, and temporary on the database.`,
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
  if (code.startsWith("23")) {
    return new StockroomError(
      "conflict",
      "PUBLISH_CONSTRAINT",
      `Expected tables of ${schema} that can be emptied and filled but a rule there forbids it: ${thrown.message}. Drop that rule (a foreign key, not null, unique) in the target.`,
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
