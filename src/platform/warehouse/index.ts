// Warehouse, the door of the part. See contract.ts for what it promises.

import { unknownKind } from "../errors.ts";
import type { LakeAnswer, LakeOptions, LakeTable, Warehouse, WarehouseAddress } from "./contract.ts";

export type {
  AnswerCell,
  LakeAnswer,
  LakeColumn,
  LakeOptions,
  LakePart,
  LakePlace,
  LakeTable,
  Parameter,
  QueryOptions,
  Warehouse,
  WarehouseAddress,
} from "./contract.ts";
export { answerOf, asCell, columnList, firstRows, gatherRows, plainCell, queryTimedOut, sqlName, type Answer } from "./answer.ts";
export { askReadOnly, type ReadOnlyBounds, type SqlDatabase } from "./read-only.ts";
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

/** Asks sealed tables by one SELECT of our own making. See lake.ts. */
export async function askLake(tables: readonly LakeTable[], sql: string, options: LakeOptions = {}): Promise<LakeAnswer> {
  return await (await import("./lake.ts")).askLake(tables, sql, options);
}

/** The same for a SELECT that somebody else wrote: in a process of its own. See isolated.ts. */
export async function askLakeIsolated(tables: readonly LakeTable[], sql: string, options: LakeOptions = {}): Promise<LakeAnswer> {
  return await (await import("./isolated.ts")).askLakeIsolated(tables, sql, options);
}
