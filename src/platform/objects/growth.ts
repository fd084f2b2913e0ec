// Growth: how much sealed bytes the store holds, by zone, and how much came each day.

import type { Tx } from "../database/contract.ts";

export interface ZoneBytes {
  readonly zone: string;
  readonly objects: number;
  /** Sealed, as they lie in the store. */
  readonly bytes: number;
}

/** What lies in the store, former versions included. */
export async function bytesByZone(tx: Tx): Promise<readonly ZoneBytes[]> {
  return await tx.query<ZoneBytes>(
    `select zone, count(*)::int as objects, sum(sealed_bytes)::float8 as bytes from stockroom.object
     where state <> 'swept' group by zone order by zone`,
  );
}

/** What came on each day (UTC) from a moment (ISO) on and lies there still, the oldest day first; days on which nothing came are left out. */
export async function bytesByDay(tx: Tx, since: string): Promise<readonly (ZoneBytes & { readonly day: string })[]> {
  return await tx.query<ZoneBytes & { readonly day: string }>(
    `select to_char(stored_at at time zone 'UTC', 'YYYY-MM-DD') as day, zone, count(*)::int as objects, sum(sealed_bytes)::float8 as bytes
     from stockroom.object where state <> 'swept' and stored_at >= $1::timestamptz group by 1, zone order by 1, zone`,
    [since],
  );
}
