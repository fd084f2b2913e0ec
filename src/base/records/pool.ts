// Pool: statements, transactions, sessions and listening over one pool of connections.
//
// Owns: the pool, retries of lost races, the shapes of values. Does not own: where the server is (open.ts), what is stored.
//   P1. A `Tx` is dead once its transaction or session has ended: a forgotten await fails loudly instead of writing outside.
//   P2. A connection whose state is unknown never goes back into the pool.
// Concurrency: any number of callers; each transaction has a connection to itself, each `query` borrows one for a statement.

import { setTimeout as pause } from "node:timers/promises";
import { Client, Pool, types } from "pg";
import type { ClientBase, ClientConfig, PoolClient } from "pg";
import { StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Tx } from "./contract.ts";
import { codeOf, isLostRace, translate } from "./failures.ts";

const tries = 5;

/** 2026-06-01 12:00:00.123456+00 -> 2026-06-01T12:00:00.123Z, the form of Date.toISOString, so that both compare as text. */
function isoInstant(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/.exec(text);
  // infinity, years before Christ or beyond 9999: PostgreSQL's own words.
  if (match === null) return text;
  return `${match[1]}T${match[2]}.${(match[3] ?? "").slice(0, 3).padEnd(3, "0")}Z`;
}

/** The driver's typings know only the built-in numbers; its code takes any. */
const driver: { readonly getTypeParser: (oid: number, format?: "text" | "binary") => (text: string) => unknown } = types;

const asText = (text: string): string => text;
const shapes = new Map<number, (text: string) => unknown>([
  [types.builtins.INT8, asText],
  [types.builtins.NUMERIC, asText],
  [types.builtins.DATE, asText],
  [types.builtins.TIMESTAMP, asText],
  [types.builtins.TIMESTAMPTZ, isoInstant],
  [types.builtins.INTERVAL, asText],
  [600, asText], // point
  [718, asText], // circle
]);

/** Of arrays the driver keeps its own parsers, but not those that make local dates or lose digits. */
const arrayShapes = new Map<number, number>([
  [1016, types.builtins.INT8],
  [1231, types.builtins.NUMERIC],
  [1182, types.builtins.DATE],
  [1115, types.builtins.TIMESTAMP],
  [1185, types.builtins.TIMESTAMPTZ],
]);
const textArray = driver.getTypeParser(1009, "text");

function parserOf(oid: number, format?: "text" | "binary"): (text: string) => unknown {
  if (format === "binary") return driver.getTypeParser(oid, "binary");
  const shape = shapes.get(oid);
  if (shape !== undefined) return shape;
  const element = shapes.get(arrayShapes.get(oid) ?? -1);
  if (element === undefined) return driver.getTypeParser(oid, "text");
  return (text: string) => mapNested(textArray(text), element);
}

function mapNested(value: unknown, element: (text: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => mapNested(inner, element));
  return typeof value === "string" ? element(value) : value;
}

/** How connections are made; `where` is asked each time, because an embedded server may have moved. */
export interface PoolOptions {
  readonly where: () => ClientConfig;
  readonly applicationName: string;
  readonly size: number;
  readonly log: Log;
}

export interface Connections extends Tx {
  readonly query: <Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
  readonly transaction: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  readonly session: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  readonly listen: (channel: string, heard: (payload: string) => void) => Promise<() => Promise<void>>;
  readonly close: () => Promise<void>;
}

/** The settings every connection of the house shares. */
export function connectionConfig(where: ClientConfig, applicationName: string): ClientConfig {
  return {
    ...where,
    application_name: applicationName,
    keepAlive: true,
    connectionTimeoutMillis: 15_000,
    // ISO and UTC whatever the server's own settings, so that values have one shape.
    options: [where.options, "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres"].filter(Boolean).join(" "),
    types: { getTypeParser: parserOf },
  };
}

async function run<Row extends object>(on: ClientBase | Pool, text: string, values?: readonly unknown[]): Promise<Row[]> {
  try {
    const result = await on.query<Row>(text, values === undefined ? undefined : [...values]);
    // Several statements in one text give a list of results; the last one counts.
    const last: { readonly rows: Row[] } = Array.isArray(result) ? result.at(-1) : result;
    return last.rows;
  } catch (thrown) {
    throw translate(thrown);
  }
}

const ignore = (): void => undefined;

/** A Tx over one connection that can be ended (P1). */
function fenced(client: ClientBase): { readonly tx: Tx; readonly end: () => void } {
  let ended = false;
  return {
    end: () => {
      ended = true;
    },
    tx: {
      query: async <Row extends object>(text: string, values?: readonly unknown[]) => {
        if (ended) {
          throw new StockroomError(
            "fault",
            "RECORDS_TX_ENDED",
            "Expected a statement inside its transaction but that has ended. Await every statement before returning.",
          );
        }
        return run<Row>(client, text, values);
      },
    },
  };
}

/** Opens a pool; nothing connects before the first statement. */
export function openPool(options: PoolOptions): Connections {
  const { log } = options;
  const config = (): ClientConfig => connectionConfig(options.where(), options.applicationName);
  // The pool keeps one config object; a class of our own lets each new connection ask where the server is now.
  class Located extends Client {
    constructor() {
      super(config());
    }
  }
  const pool = new Pool({ ...config(), max: options.size, idleTimeoutMillis: 30_000, Client: Located });
  // An idle connection that breaks must not end the process; the next statement gets a new one.
  pool.on("error", (error) => log.debug("an idle database connection was lost", { error: error.message }));

  const borrow = async (): Promise<PoolClient> => {
    try {
      return await pool.connect();
    } catch (thrown) {
      throw translate(thrown);
    }
  };

  const once = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    const client = await borrow();
    // Between statements nobody awaits the connection; its loss is told by the next statement.
    client.on("error", ignore);
    const { tx, end } = fenced(client);
    let broken = true;
    try {
      await run(client, "begin");
      const value = await work(tx);
      end();
      await run(client, "commit");
      broken = false;
      return value;
    } catch (thrown) {
      end();
      broken = await run(client, "rollback").then(
        () => false,
        () => true,
      );
      throw thrown;
    } finally {
      client.off("error", ignore);
      client.release(broken);
    }
  };

  const listeners = new Set<() => Promise<void>>();

  return {
    query: (text, values) => run(pool, text, values),

    transaction: async (work) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(work);
        } catch (thrown) {
          const race = isLostRace(thrown) || (thrown instanceof StockroomError && isLostRace(thrown.cause));
          if (!race || attempt === tries) throw translate(thrown);
          // Full jitter: two that collided must not collide again in step.
          await pause(Math.random() * 10 * 2 ** attempt);
        }
      }
    },

    // Not from the pool: work that holds a lock for hours must not take a place from short statements, and a locked session must end.
    session: async (work) => {
      const client = new Client(config());
      client.on("error", (error) => log.debug("a database session was lost", { error: error.message }));
      try {
        await client.connect();
      } catch (thrown) {
        await client.end().catch(() => undefined);
        throw translate(thrown);
      }
      const { tx, end } = fenced(client);
      try {
        return await work(tx);
      } finally {
        end();
        await client.end().catch(() => undefined);
      }
    },

    listen: async (channel, heard) => {
      const stop = await openListener(config, channel, heard, log);
      const close = async (): Promise<void> => {
        listeners.delete(close);
        await stop();
      };
      listeners.add(close);
      return close;
    },

    close: async () => {
      await Promise.all([...listeners].map((close) => close()));
      await pool.end();
    },
  };
}

/** Keeps one connection listening until stopped; reconnects by itself, first after 50 ms, then up to every 2 s. */
async function openListener(
  config: () => ClientConfig,
  channel: string,
  heard: (payload: string) => void,
  log: Log,
): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  let client: Client | undefined;
  const connect = async (): Promise<void> => {
    const next = new Client(config());
    next.on("error", (error) => log.debug("the listening connection was lost", { channel, error: error.message }));
    try {
      await next.connect();
      await next.query(`listen ${next.escapeIdentifier(channel)}`);
    } catch (thrown) {
      await next.end().catch(() => undefined);
      throw translate(thrown);
    }
    next.on("notification", (message) => {
      if (!stopping.signal.aborted && message.channel === channel) heard(message.payload ?? "");
    });
    next.on("end", () => {
      if (!stopping.signal.aborted) void again();
    });
    client = next;
  };
  const again = async (): Promise<void> => {
    for (let waitMs = 50; !stopping.signal.aborted; waitMs = Math.min(waitMs * 2, 2_000)) {
      await pause(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        await connect();
        break;
      } catch (thrown) {
        if (codeOf(thrown) !== "RECORDS_UNREACHABLE")
          log.warn("could not listen to the database, trying again", { channel, error: thrown });
      }
    }
    if (stopping.signal.aborted) await client?.end().catch(() => undefined);
    else heard("");
  };
  await connect();
  return async () => {
    stopping.abort();
    await client?.end().catch(() => undefined);
  };
}
