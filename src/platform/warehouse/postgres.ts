// PostgreSQL and Redshift as a warehouse: one read-only transaction a query, its rows through a cursor.
//
// Values come in the server's text form and are brought to canonical text by their type's number, so that nothing passes through a
// floating number or a Date. Session settings a server does not know (Redshift knows fewer) are left as they are.

import { Client, type CustomTypesConfig, type FieldDef, type QueryResult } from "pg";
import Cursor from "pg-cursor";
import { type RowBatch, type Table, checkHeader, plainNumber } from "../formats/index.ts";
import type { QueryOptions, Warehouse, WarehouseAddress } from "./contract.ts";
import { bindNames, firstWord, notSelect, placeAt, sqlError, warehouseError } from "./sql-place.ts";

/** float4, float8 and numeric, as PostgreSQL numbers its types. */
const numericTypes: ReadonlySet<number> = new Set([700, 701, 1700]);

type PostgresAddress = Extract<WarehouseAddress, { kind: "postgres" }>;

const thirtyMinutesMs = 1_800_000;
const readingWords = new Set(["select", "with", "values", "table"]);

export function openPostgres(address: PostgresAddress): Warehouse {
  if (!/^(postgres|postgresql|redshift):\/\//.test(address.url) || !URL.canParse(address.url)) {
    // The text may hold a password, so it is not repeated.
    throw warehouseError(
      "input",
      "WAREHOUSE_ADDRESS",
      "Expected an address like postgres://user:password@host:5432/database but another came. Correct it.",
      {},
    );
  }
  const open = new Set<Client>();
  return {
    kind: "postgres",
    query: async (sql, options = {}) => {
      const word = firstWord(sql);
      if (!readingWords.has(word)) throw notSelect(`the statement begins with ${word === "" ? "nothing" : word.toUpperCase()}`);
      options.signal?.throwIfAborted();
      const client = await connect(address);
      open.add(client);
      const release = async (): Promise<void> => {
        if (open.delete(client)) await client.end().catch(() => {});
      };
      try {
        return await startQuery(client, address, sql, options, release);
      } catch (thrown) {
        await release();
        throw thrown;
      }
    },
    close: async () => {
      const all = [...open];
      open.clear();
      await Promise.all(all.map((client) => client.end().catch(() => {})));
    },
  };
}

async function connect(address: PostgresAddress): Promise<Client> {
  const client = new Client({
    connectionString: address.url.replace(/^redshift:/, "postgres:"),
    connectionTimeoutMillis: address.connectTimeoutMs ?? 15_000,
    application_name: "stockroom",
  });
  // Without a listener a connection that breaks between two reads would end the process; the read meets the error too.
  client.on("error", () => {});
  try {
    await client.connect();
    for (const setting of ["datestyle = 'ISO, YMD'", "timezone = 'UTC'", "extra_float_digits = 1", "intervalstyle = 'iso_8601'"]) {
      await client.query(`set ${setting}`).catch((thrown: unknown) => {
        if (!("code" in Object(thrown))) throw thrown;
      });
    }
    await client.query(`set statement_timeout = ${Math.trunc(address.statementTimeoutMs ?? thirtyMinutesMs)}`);
    await client.query("begin read only");
    return client;
  } catch (thrown) {
    await client.end().catch(() => {});
    throw explain(thrown, address);
  }
}

async function startQuery(
  client: Client,
  address: PostgresAddress,
  sql: string,
  options: QueryOptions,
  release: () => Promise<void>,
): Promise<Table> {
  const { signal, batchRows = 2048 } = options;
  signal?.throwIfAborted();
  const cancel = (): void => void cancelOnServer(client, address);
  signal?.addEventListener("abort", cancel, { once: true });
  const bound = bindNames(sql, options.parameters ?? {});
  const cursor = client.query(
    new Cursor<string[]>(bound.sql, [...bound.values], {
      rowMode: "array",
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pg types its parsers by overloads for each type's number
      types: { getTypeParser: () => (text: string) => text } as unknown as CustomTypesConfig,
    }),
  );
  const read = async (): Promise<{ readonly rows: (string | null)[][]; readonly fields: readonly FieldDef[] }> => {
    try {
      return await new Promise((resolve, reject) => {
        // A connection that breaks tells the client, not always the cursor.
        client.once("end", () => reject(new Error("Connection terminated unexpectedly")));
        // The types promise a result always; on an error, and after the last row, there is none.
        cursor.read(batchRows, (error, rows, result: QueryResult | undefined) => {
          if (error === undefined || error === null) resolve({ rows, fields: result?.fields ?? [] });
          else reject(error);
        });
      });
    } catch (thrown) {
      signal?.throwIfAborted();
      throw explain(thrown, address, sql);
    } finally {
      client.removeAllListeners("end");
    }
  };
  const end = async (): Promise<void> => {
    signal?.removeEventListener("abort", cancel);
    await release();
  };
  try {
    const first = await read();
    const columns = checkHeader(
      first.fields.map((field) => field.name),
      "the query's result",
    );
    const typed = new Set(first.fields.filter((field) => numericTypes.has(field.dataTypeID)).map((field) => field.name));
    return { columns, isTyped: (column) => typed.has(column), batches: batchesOf(first.rows, first.fields, read, signal, end) };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

async function* batchesOf(
  first: readonly (readonly (string | null)[])[],
  fields: readonly FieldDef[],
  read: () => Promise<{ readonly rows: readonly (readonly (string | null)[])[] }>,
  signal: AbortSignal | undefined,
  end: () => Promise<void>,
): AsyncGenerator<RowBatch> {
  const toText = fields.map((field) => textOf[field.dataTypeID]);
  let count = 0;
  try {
    for (let rows = first; rows.length > 0; { rows } = await read()) {
      signal?.throwIfAborted();
      const from = count + 1;
      count += rows.length;
      yield {
        rows: rows.map((row) => row.map((value, i) => (value === null ? "" : (toText[i]?.(value) ?? value)))),
        lines: rows.map((_, i) => from + i),
      };
    }
  } finally {
    await end();
  }
}

/** By the numbers PostgreSQL gives its types; those not named are as the server writes them. */
const textOf: Readonly<Record<number, (text: string) => string>> = {
  16: (text) => (text === "t" ? "true" : "false"),
  700: floatText,
  701: floatText,
  1114: (text) => text.replace(" ", "T"),
  1184: (text) => text.replace(" ", "T").replace(/\+00$/, "Z"),
};

function floatText(text: string): string {
  return /e/.test(text) && Number.isFinite(Number(text)) ? plainNumber(Number(text)) : text;
}

/** Asks the server, by a second connection, to stop what the first one does; then the first read fails at once. */
async function cancelOnServer(client: Client, address: PostgresAddress): Promise<void> {
  const pid = "processID" in client ? Number(client.processID) : Number.NaN;
  try {
    const second = await connect(address);
    try {
      await second.query("select pg_cancel_backend($1)", [pid]);
    } finally {
      await second.end();
    }
  } catch {
    // The server cannot be asked: closing the connection is what is left, and the statement's own timeout.
    await client.end().catch(() => {});
  }
}

/** Turns what the server or the network said into one of ours; never repeats the address beyond host and port. */
function explain(thrown: unknown, address: PostgresAddress, sql = ""): unknown {
  if (!(thrown instanceof Error) || thrown.name === "StockroomError") return thrown;
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
  const { hostname: host, port } = new URL(address.url);
  const facts = { host, port, sqlState: code };
  const said = thrown.message;
  if (code === "57014") {
    const limitMs = address.statementTimeoutMs ?? thirtyMinutesMs;
    return warehouseError(
      "busy",
      "WAREHOUSE_TIMEOUT",
      `Expected an answer from ${host} within ${limitMs} ms but the statement took longer. Try later, or select less.`,
      facts,
    );
  }
  if (code.startsWith("28") || code === "42501") {
    return warehouseError(
      "denied",
      "WAREHOUSE_DENIED",
      `Expected to be let in by ${host} but it refuses: ${said}. Check user, password and rights.`,
      facts,
    );
  }
  if (/password must be a string|no password/i.test(said)) {
    return warehouseError("denied", "WAREHOUSE_DENIED", `Expected a password for ${host} but the address holds none. Add it.`, facts);
  }
  if (code === "3D000")
    return warehouseError("missing", "WAREHOUSE_MISSING", `Expected a database at ${host} but it says: ${said}. Check the name.`, facts);
  if (code === "25006") return notSelect(`the server says: ${said}`);
  if (code === "" || /^(08|53|57P|E[A-Z])/.test(code)) {
    return warehouseError(
      "busy",
      "WAREHOUSE_UNREACHABLE",
      `Expected ${host} to answer but it does not: ${said || code}. See that it runs, and try again.`,
      facts,
    );
  }
  if (/^(42|22|2F|0A|21|54)/.test(code)) {
    const position = "position" in thrown && typeof thrown.position === "string" ? Number(thrown.position) : undefined;
    return sqlError(said, position === undefined ? undefined : placeAt(sql, position - 1));
  }
  return warehouseError("fault", "WAREHOUSE_FAULT", `Expected ${host} to run the query but it says: ${said}.`, facts);
}
