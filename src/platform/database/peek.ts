// Peek: a look into the database that changes nothing: no server is started, no table made, no row written.

import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Log } from "../log.ts";
import { serverDatabase, serverRole } from "./cluster.ts";
import { placesOf } from "./cluster-places.ts";
import type { Tx } from "./contract.ts";
import { parseDatabaseUrl } from "./places.ts";
import { openPool, type PoolOptions } from "./pool.ts";
import { lookForPostmaster, serverHost } from "./postmaster.ts";

/** `absent`: this home has no database yet. `down`: it has one that does not run. */
export type Peek =
  | { readonly kind: "absent" | "down" }
  | { readonly kind: "open"; readonly embedded: boolean; readonly where: string; readonly tx: Tx; close(): Promise<void> };

/** Connects to what runs already. Throws what a connection throws (`RECORDS_UNREACHABLE`, `RECORDS_PASSWORD_REFUSED` ...). */
export async function peekDatabase(options: { readonly url: string | undefined; readonly home: string; readonly log: Log }): Promise<Peek> {
  if (options.url !== undefined) {
    const [{ url, host, port, database }] = parseDatabaseUrl(options.url);
    return open({ connectionString: url }, { embedded: false, where: `${host}:${port}/${database}`, log: options.log });
  }
  const places = placesOf(options.home);
  if ((await stat(path.join(places.data, "PG_VERSION")).catch(() => undefined)) === undefined) return { kind: "absent" };
  const running = await lookForPostmaster(places.data);
  if (running === undefined) return { kind: "down" };
  const password = (await readFile(places.password, "utf8")).trim();
  return open(
    { host: serverHost, port: running.port, user: serverRole, password, database: serverDatabase },
    { embedded: true, where: `embedded, port ${running.port}, process ${running.pid}`, log: options.log },
  );
}

async function open(
  place: ReturnType<PoolOptions["where"]>,
  { embedded, where, log }: { readonly embedded: boolean; readonly where: string; readonly log: Log },
): Promise<Peek> {
  const pool = openPool({ where: () => place, applicationName: "stockroom doctor", size: 2, log });
  const query: Tx["query"] = (text, values) =>
    pool.transaction(async (tx) => {
      await tx.query("set transaction read only");
      return tx.query(text, values);
    });
  try {
    await query("select 1");
  } catch (thrown) {
    await pool.close();
    throw thrown;
  }
  return { kind: "open", embedded, where, tx: { query }, close: () => pool.close() };
}
