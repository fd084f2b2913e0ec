// Lake load: a part's rows as a table in DuckDB, when it does not lie in a file that DuckDB can read by itself.

import {
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  DOUBLE,
  TIMESTAMP,
  VARCHAR,
} from "@duckdb/node-api";
import { StockroomError } from "../errors.ts";
import type { LakeColumn, LakeType } from "./contract.ts";
import { tableSql } from "./lake-shape.ts";
import type { Needed } from "./lake-plan.ts";

const vectorType: Readonly<Record<LakeType, DuckDBType>> = { text: VARCHAR, number: DOUBLE, timestamp: TIMESTAMP, date: VARCHAR };

/** DuckDB's own measure of a vector. */
const chunkRows = 2_048;

export interface Loaded {
  readonly table: string;
  readonly columns: ReadonlySet<string>;
  readonly rows: number;
}

/** Reads a part's wanted columns into the table `parts.NAME`. */
export async function loadPart(
  connection: DuckDBConnection,
  { part, columns: wanted }: Needed,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Loaded> {
  const table = await part.read(wanted, signal);
  const columns = part.columns.filter((column) => wanted.includes(column.name) && table.columns.includes(column.name));
  // Rows of which only their number is asked still need something to be rows of.
  const kept: readonly LakeColumn[] = columns.length > 0 ? columns : [{ name: "row", type: "number" }];
  await connection.run(tableSql(`parts.${name}`, kept));
  const appender = await connection.createAppender(name, "parts");
  const at = kept.map((column) => table.columns.indexOf(column.name));
  const types = kept.map(({ type }) => vectorType[type]);
  const makers = kept.map(({ type }) => valueMaker(type, part.id));
  let rows = 0;
  try {
    for await (const batch of table.batches) {
      signal?.throwIfAborted();
      for (let from = 0; from < batch.rows.length; from += chunkRows) {
        const some = batch.rows.slice(from, from + chunkRows);
        const chunk = DuckDBDataChunk.create(types, some.length);
        for (let c = 0; c < kept.length; c++) {
          const index = at[c] ?? -1;
          const make = makers[c];
          chunk.setColumnValues(
            c,
            some.map((row) => {
              const text = index < 0 ? "" : (row[index] ?? "");
              return text === "" || make === undefined ? null : make(text);
            }),
          );
        }
        appender.appendDataChunk(chunk);
      }
      rows += batch.rows.length;
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
  return { table: `parts.${name}`, columns: new Set(columns.map((column) => column.name)), rows };
}

const mostInstants = 100_000;

function valueMaker(type: LakeType, part: string): (text: string) => DuckDBValue {
  if (type === "number") {
    return (text) => {
      const value = Number(text);
      if (!Number.isNaN(value) || text === "NaN") return value;
      throw unreadable(part, "a number");
    };
  }
  if (type !== "timestamp") return (text) => text;
  // Few instants, many rows.
  const known = new Map<string, DuckDBTimestampValue>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const ms = Date.parse(text.length === 10 ? `${text}T00:00:00Z` : `${text.replace(" ", "T").replace(/Z$/, "")}Z`);
    if (Number.isNaN(ms)) throw unreadable(part, "a timestamp");
    const made = new DuckDBTimestampValue(BigInt(ms) * 1000n);
    if (known.size >= mostInstants) known.clear();
    known.set(text, made);
    return made;
  };
}

function unreadable(part: string, wanted: string): StockroomError {
  return new StockroomError(
    "fault",
    "LAKE_VALUE",
    `Expected ${wanted} in every row of ${part} but there is another value. The object was not written by this installation, or is of another version.`,
    { facts: { part } },
  );
}
