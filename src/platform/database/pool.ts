// Pool: statements, transactions, sessions and listening over one pool of connections.
//
// Owns: the pool, retries of lost races. Does not own: where the server is (open.ts), what is stored.
//   P1. A `Tx` is dead once its transaction or session has ended: a forgotten await fails loudly instead of writing outside.
//   P2. A connection whose state is unknown never goes back into the pool.
//   P3. No statement waits for ever: one without an answer fails as `RECORDS_SILENT`, and `reset` drops every connection at once when the
//       other end is known to be silent (a firewall that forgot the flow says nothing, and TCP alone would wait a quarter of an hour).
// Concurrency: any number of callers; each transaction has a connection to itself, each `query` borrows one for a statement.

import { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Client, Pool } from "pg";
import type { ClientBase, ClientConfig, PoolClient, QueryConfig, QueryArrayConfig } from "pg";
import { codeOf, StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { TableTx, Tx, TxTable } from "./contract.ts";
import { isLostRace, translate } from "./failures.ts";
import { endClient, makeListener } from "./listener.ts";
import { parserOf } from "./value-shapes.ts";

const tries = 5;

/** How connections are made; `where` is asked each time, because an embedded server may have moved. */
export interface PoolOptions {
  readonly where: () => ClientConfig;
  /** A connection could not be made, or was lost: the next one may be tried elsewhere. */
  readonly lost?: (() => void) | undefined;
  readonly applicationName: string;
  readonly size: number;
  readonly log: Log;
  /** How long a statement may be without an answer. Default 60,000. */
  readonly statementMs?: number | undefined;
}

export interface Connections extends Tx {
  readonly query: <Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
  readonly transaction: <T>(work: (tx: TableTx) => Promise<T>, options?: { readonly statementMs?: number }) => Promise<T>;
  readonly session: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  readonly listen: (channel: string, heard: (payload: string) => void) => Promise<() => Promise<void>>;
  readonly reset: () => void;
  readonly pool: Pool;
  readonly close: () => Promise<void>;
}

/**
 * What the server is told first on every connection: ISO and UTC whatever its own settings, so that values have one shape; and to end
 * what a frozen or vanished process leaves behind, so that its locks do not outlive it by more than seconds.
 *
 * As statements, because a pooler refuses or drops options given at the start.
 */
const sessionSettings = [
  "timezone = 'UTC'",
  "datestyle = 'ISO'",
  "intervalstyle = 'postgres'",
  "idle_in_transaction_session_timeout = 20000",
  "tcp_keepalives_idle = 10",
  "tcp_keepalives_interval = 3",
  "tcp_keepalives_count = 3",
  "tcp_user_timeout = 20000",
]
  .map((setting) => `set ${setting}`)
  .join("; ");

/** The settings every connection of the app shares. */
function connectionConfig(where: ClientConfig, applicationName: string): ClientConfig {
  return {
    ...where,
    application_name: applicationName,
    keepAlive: true,
    // Node asks ten times, a second apart, before it gives a silent connection up.
    keepAliveInitialDelayMillis: 5_000,
    connectionTimeoutMillis: 15_000,
    types: { getTypeParser: parserOf },
  };
}

const defaultStatementMs = 60_000;

async function run<Row extends object>(
  on: ClientBase | Pool,
  text: string,
  values: readonly unknown[] | undefined,
  statementMs: number | undefined,
): Promise<Row[]> {
  try {
    // The driver's own bound on one statement; its typings know it only for a whole client.
    const config: QueryConfig & { readonly query_timeout?: number } = {
      text,
      ...(values === undefined ? {} : { values: [...values] }),
      ...(statementMs === undefined ? {} : { query_timeout: statementMs }),
    };
    const result = await on.query<Row>(config);
    // Several statements in one text give a list of results; the last one counts.
    const last: { readonly rows: Row[] } = Array.isArray(result) ? result.at(-1) : result;
    return last.rows;
  } catch (thrown) {
    throw translate(thrown);
  }
}

async function runTable(on: ClientBase, text: string, statementMs: number | undefined): Promise<TxTable> {
  try {
    const config: QueryArrayConfig & { readonly query_timeout?: number } = {
      text,
      rowMode: "array",
      ...(statementMs === undefined ? {} : { query_timeout: statementMs }),
    };
    const { fields, rows } = await on.query<unknown[]>(config);
    return { columns: fields.map(({ name, dataTypeID: oid }) => ({ name, oid })), rows };
  } catch (thrown) {
    throw translate(thrown);
  }
}

const ignore = (): void => undefined;

/** A Tx over one connection that can be ended (P1). */
function fenced(client: ClientBase, statementMs: number | undefined): { readonly tx: TableTx; readonly end: () => void } {
  let ended = false;
  const checkOpen = (): void => {
    if (!ended) return;
    throw new StockroomError(
      "fault",
      "RECORDS_TX_ENDED",
      "Expected a statement inside its transaction but that has ended. Await every statement before returning.",
    );
  };
  return {
    end: () => {
      ended = true;
    },
    tx: {
      query: async <Row extends object>(text: string, values?: readonly unknown[]) => {
        checkOpen();
        return run<Row>(client, text, values, statementMs);
      },
      table: async (text) => {
        checkOpen();
        return await runTable(client, text, statementMs);
      },
    },
  };
}

/** Opens a pool; nothing connects before the first statement. */
export function openPool(options: PoolOptions): Connections {
  const { log } = options;
  const sockets = new Set<Socket>();
  const config = (): ClientConfig => ({
    ...connectionConfig(options.where(), options.applicationName),
    // Sockets of our own, so that one whose other end is silent can be dropped at once.
    stream: () => openSocket(sockets, options.lost),
  });
  const pool = makePool(config, options.size);
  // An idle connection that breaks must not end the process; the next statement gets a new one.
  pool.on("error", (error) => log.debug("an idle database connection was lost", { error: error.message }));
  const statementMs = options.statementMs ?? defaultStatementMs;
  const listener = makeListener(config, log);
  return {
    pool,
    query: (text, values) => run(pool, text, values, statementMs),
    transaction: (work, wanted) => runTransaction(pool, work, wanted?.statementMs ?? statementMs),
    session: (work) => runSession(config(), log, work),
    listen: (channel, heard) => listener.listen(channel, heard),
    reset: () => {
      for (const socket of sockets) socket.destroy(new Error("Connection terminated: the database was silent"));
    },
    close: async () => {
      await listener.close();
      await pool.end();
    },
  };
}

function makePool(config: () => ClientConfig, size: number): Pool {
  // The pool keeps one config object; a class of our own lets each new connection ask where the server is now.
  class Located extends Client {
    constructor() {
      super(config());
      // Whoever holds it learns of its loss from the next statement; between holders there must be a listener too, or the process ends.
      this.on("error", ignore);
    }
  }
  return new Pool({
    ...config(),
    max: size,
    idleTimeoutMillis: 30_000,
    Client: Located,
    // In the driver's own style: nobody gets the client before it is told.
    verify: (client, done) => client.query(sessionSettings, (thrown: Error | null) => done(thrown ?? undefined)),
  });
}

/** Runs `work` in a transaction, again when it lost a race. */
async function runTransaction<T>(pool: Pool, work: (tx: TableTx) => Promise<T>, boundMs: number): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryTransaction(pool, work, boundMs);
    } catch (thrown) {
      const race = isLostRace(thrown) || (thrown instanceof StockroomError && isLostRace(thrown.cause));
      if (!race || attempt === tries) throw translate(thrown);
      // Full jitter: two that collided must not collide again in step.
      await pause(Math.random() * 10 * 2 ** attempt);
    }
  }
}

async function tryTransaction<T>(pool: Pool, work: (tx: TableTx) => Promise<T>, boundMs: number): Promise<T> {
  const client = await borrow(pool);
  const { tx, end } = fenced(client, boundMs);
  let broken = true;
  try {
    await run(client, "begin", undefined, boundMs);
    const value = await work(tx);
    end();
    await run(client, "commit", undefined, boundMs);
    broken = false;
    return value;
  } catch (thrown) {
    end();
    // A rollback would wait behind the statement that got no answer.
    broken =
      codeOf(thrown) === "RECORDS_SILENT" ||
      (await run(client, "rollback", undefined, boundMs).then(
        () => false,
        () => true,
      ));
    throw thrown;
  } finally {
    client.release(broken);
  }
}

async function borrow(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (thrown) {
    throw translate(thrown);
  }
}

/** A connection of its own, not from the pool: work that holds a lock for hours must not take a place from short statements, and a locked session must end. */
async function runSession<T>(config: ClientConfig, log: Log, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = new Client(config);
  client.on("error", (error) => log.debug("a database session was lost", { error: error.message }));
  try {
    await client.connect();
    await client.query(sessionSettings);
  } catch (thrown) {
    await endClient(client);
    throw translate(thrown);
  }
  const { tx, end } = fenced(client, undefined);
  try {
    return await work(tx);
  } finally {
    end();
    await endClient(client);
  }
}

function openSocket(sockets: Set<Socket>, lost: (() => void) | undefined): Socket {
  const socket = new Socket();
  sockets.add(socket);
  socket.once("error", () => lost?.());
  socket.once("close", () => sockets.delete(socket));
  return socket;
}
