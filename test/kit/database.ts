// Database: a fresh PostgreSQL database for any test, in a few milliseconds.
//
// One embedded server per test run, started by the first test that asks, shared by all of vitest's workers through its home folder,
// stopped by the global teardown below. With STOCKROOM_TEST_DATABASE_URL that server is used instead.
//   K1. No server outlives its run: the teardown stops it; a run that was killed is swept by the next.

import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { Client } from "pg";
import { makeMemoryLog } from "../../src/platform/log.ts";
import { openEmbedded, stopEmbedded } from "../../src/platform/database/embedded.ts";

const prefix = "stockroom-test-";
const homeVariable = "STOCKROOM_TEST_HOME";

export interface TestDatabase {
  /** Of an empty database that nobody else uses. */
  readonly url: string;
  drop(): Promise<void>;
}

let server: Promise<string> | undefined;

/**
 * Makes an empty database. Call `drop` when done, after closing everything opened on it (it ends what is left).
 *
 * @example
 * const database = await testDatabase();
 * const records = await openDatabase({ url: database.url, home, log: makeMemoryLog(), migrations });
 */
export async function testDatabase(): Promise<TestDatabase> {
  server ??= findServer();
  const base = new URL(await server);
  const name = `test_${randomBytes(8).toString("hex")}`;
  // Copying template0's files takes less time than writing them through the log.
  await command(base.href, `create database ${name} template template0 strategy file_copy`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => command(base.href, `drop database if exists ${name} with (force)`) };
}

async function findServer(): Promise<string> {
  const given = process.env["STOCKROOM_TEST_DATABASE_URL"];
  if (given !== undefined && given !== "") return given;
  const shared = process.env[homeVariable];
  const home = shared ?? makeHome();
  const embedded = await openEmbedded({ home, log: makeMemoryLog(), durable: false });
  const { pid } = embedded.about();
  // No connection of ours may keep a worker from ending; the teardown stops the server.
  await embedded.close({ keepServer: true });
  if (shared === undefined && pid !== undefined) {
    // A script without vitest's teardown: at its end there is no time left for more than this.
    process.once("exit", () => {
      process.kill(pid, "SIGQUIT");
      rmSync(home, { recursive: true, force: true, maxRetries: 50, retryDelay: 10 });
    });
  }
  return embedded.url();
}

async function command(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** A folder named after the process that answers for it. */
function makeHome(): string {
  const home = mkdtempSync(path.join(os.tmpdir(), `${prefix}${process.pid}-`));
  process.env[homeVariable] = home;
  return home;
}

async function removeHome(home: string): Promise<void> {
  await stopEmbedded(home, makeMemoryLog());
  rmSync(home, { recursive: true, force: true });
}

/** Vitest's global setup: names the home before the workers start, removes it after the last. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[homeVariable] !== undefined) return undefined;
  const home = makeHome();
  for (const name of readdirSync(os.tmpdir())) {
    const owner = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || isRunning(Number(owner))) continue;
    await removeHome(path.join(os.tmpdir(), name)).catch(() => undefined);
  }
  return async () => {
    delete process.env[homeVariable];
    await removeHome(home);
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
  }
}
