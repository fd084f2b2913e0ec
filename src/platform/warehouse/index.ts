// Warehouse, what other parts may import. See contract.ts for what it promises.

import type { Body } from "../bytes.ts";
import { unknownKind } from "../errors.ts";
import type * as AnswerParquet from "./answer-parquet.ts";
import type * as Arrow from "./arrow.ts";
import type { ExactCell, LakeAccess, LakeAnswer, LakeOptions, LakeTable, Warehouse, WarehouseAddress } from "./contract.ts";
import type { Lake } from "./lake.ts";
import { openMemoryFiles } from "./memory-files.ts";

export type {
  AnswerCell,
  AnswerType,
  ExactCell,
  LakeAccess,
  LakeAnswer,
  LakeColumn,
  LakeOptions,
  LakePart,
  LakePlace,
  LakeType,
  LakeTable,
  Parameter,
  QueryOptions,
  Warehouse,
  WarehouseAddress,
} from "./contract.ts";
export { answerOf, columnList, firstRows, gatherRows, plainCell, queryTimedOut, sqlName, type Answer } from "./answer.ts";
export { exactOf } from "./exact.ts";
export { askReadOnly, askReadOnlyTable, type ReadOnlyBounds, type SqlDatabase } from "./read-only.ts";
export { listPart, openSealed, type Sealed, type SealedRef } from "./sealed.ts";

/**
 * Opens a warehouse for reading; each query runs in a process of its own, which an abort ends at once and whose memory is bounded (isolated.ts).
 *
 * Throws `missing` `WAREHOUSE_MISSING` when a DuckDB file is not there, `input` `WAREHOUSE_ADDRESS` for an address that is none.
 *
 * @example
 * const warehouse = await openWarehouse({ kind: "duckdb" });
 * const table = await warehouse.query("select * from 'items.parquet' where country = $country", { parameters: { country: "DEU" } });
 */
export async function openWarehouse(address: WarehouseAddress): Promise<Warehouse> {
  // Each driver is loaded only by whoever uses it.
  switch (address.kind) {
    case "duckdb":
      await (await import("./duckdb.ts")).checkDuckDB(address);
      break;
    case "postgres":
      await (await import("./postgres.ts")).openPostgres(address).close();
      break;
    default:
      throw unknownKind(address, "warehouse");
  }
  return (await import("./isolated.ts")).warehouseIsolated(address);
}

/** What a query over sealed tables shares with the next one: files in memory, plans, instances. Loaded when the first query comes. */
export function openLake(): LakeAccess {
  let lake: Promise<Lake> | undefined;
  const files = openMemoryFiles();
  return {
    ask: async (tables, sql, options = {}) => {
      lake ??= import("./lake.ts").then(({ Lake }) => new Lake(files));
      return await (await lake).ask(tables, sql, options);
    },
    askIsolated: async (tables, sql, options = {}) => await (await import("./isolated.ts")).askLakeIsolated(files, tables, sql, options),
    askExact: async (tables, sql, options = {}) => await (await import("./isolated.ts")).askLakeExact(files, tables, sql, options),
    close: async () => {
      await (await lake)?.close();
      await files.close();
    },
  };
}

/**
 * Asks once, keeping nothing.
 *
 * @testing
 */
export async function askLake(tables: readonly LakeTable[], sql: string, options: LakeOptions = {}): Promise<LakeAnswer> {
  return await once((lake) => lake.ask(tables, sql, options));
}

/** Asks once in a process of its own, keeping nothing. */
export async function askLakeIsolated(tables: readonly LakeTable[], sql: string, options: LakeOptions = {}): Promise<LakeAnswer> {
  return await once((lake) => lake.askIsolated(tables, sql, options));
}

/** Asks once in a process of its own, with every value as nothing is lost of it. */
export async function askLakeExact(tables: readonly LakeTable[], sql: string, options: LakeOptions = {}): Promise<LakeAnswer<ExactCell>> {
  return await once((lake) => lake.askExact(tables, sql, options));
}

async function once<T>(work: (lake: LakeAccess) => Promise<T>): Promise<T> {
  const lake = openLake();
  try {
    return await work(lake);
  } finally {
    // Rows still to be pulled keep what they need until the last one is out.
    await lake.close();
  }
}

/** Rows as an Arrow stream, see arrow.ts; its library is loaded by who asks for it. */
export async function writeArrow(...given: Parameters<typeof Arrow.writeArrow>): Promise<Body> {
  return (await import("./arrow.ts")).writeArrow(...given);
}

/** Rows as Parquet, see answer-parquet.ts. */
export async function writeAnswerParquet(...given: Parameters<typeof AnswerParquet.writeAnswerParquet>): Promise<Body> {
  return (await import("./answer-parquet.ts")).writeAnswerParquet(...given);
}
