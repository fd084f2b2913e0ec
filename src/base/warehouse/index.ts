// Warehouse, the door of the room. See contract.ts for what it promises.

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
export { listPart, openSealed, type Sealed, type SealedRef } from "./sealed.ts";

/**
 * Opens a warehouse for reading. DuckDB opens its file at once; PostgreSQL connects with the first query.
 *
 * Throws `missing` `WAREHOUSE_MISSING` when a DuckDB file is not there, `input` `WAREHOUSE_ADDRESS` for an address that is none.
 *
 * @example
 * const warehouse = await openWarehouse({ kind: "duckdb" });
 * const table = await warehouse.query("select * from 'items.parquet' where country = $country", { parameters: { country: "DEU" } });
 */
export async function openWarehouse(address: WarehouseAddress): Promise<Warehouse> {
  // Each driver is loaded only by whoever uses it.
  if (address.kind === "duckdb") return (await import("./duckdb.ts")).openDuckDB(address);
  return (await import("./postgres.ts")).openPostgres(address);
}

/** Asks sealed tables by one SELECT. See lake.ts. */
export async function askLake(tables: readonly LakeTable[], sql: string, options: LakeOptions = {}): Promise<LakeAnswer> {
  return await (await import("./lake.ts")).askLake(tables, sql, options);
}
