// The servers DATABASE_URL may name: behind a pooler, behind a socket, several; and how many connections a process takes of one.

import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeMemoryLog } from "../../src/platform/log.ts";
import type { Database } from "../../src/platform/database/contract.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { testDatabase, type TestDatabase } from "../kit/database.ts";
import { makePlace, openAt, settled, waitFor } from "../kit/app.ts";

let postgres: TestDatabase;
let folder: string;
beforeAll(async () => {
  postgres = await testDatabase();
  folder = await mkdtemp(path.join(os.tmpdir(), "stockroom-server-"));
  await chmod(folder, 0o755);
});
afterAll(async () => {
  await postgres.drop();
  await rm(folder, { recursive: true, force: true });
});

const open = async (url: string): Promise<Database> => await openDatabase({ url, home: "unused", log: makeMemoryLog(), migrations: [] });

/** A way to the test's server; gives its port, or listens on `socket`. */
async function wayTo(server: URL, socket?: string): Promise<number> {
  const way = createServer((near) => {
    const far = connect(Number(server.port), server.hostname);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => (socket === undefined ? way.listen(0, "127.0.0.1", resolve) : way.listen(socket, resolve)));
  onTestFinished(async () => await new Promise<void>((resolve) => way.close(() => resolve())));
  const address = way.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

it("a server behind a socket in a folder", async () => {
  const server = new URL(postgres.url);
  await wayTo(server, path.join(folder, ".s.PGSQL.5432"));
  const login = `${server.username}:${server.password}`;
  for (const url of [
    `postgres://${login}@/${server.pathname.slice(1)}?host=${folder}`,
    `postgres://${login}@${encodeURIComponent(folder)}${server.pathname}`,
  ]) {
    const database = await open(url);
    expect(await database.query("select 1 as one")).toEqual([{ one: 1 }]);
    expect(database.about()).toMatchObject({ kind: "external", host: folder });
    await database.close();
  }
});

it("several servers: the first that answers, and the next when it is gone", async () => {
  const server = new URL(postgres.url);
  const port = await wayTo(server);
  const login = `${server.username}:${server.password}`;
  const database = await open(`postgres://${login}@127.0.0.1:1,127.0.0.1:${port},${server.host}${server.pathname}`);
  expect(database.about()).toMatchObject({ port });
  const told: string[] = [];
  const stop = await database.listen("bell", (payload) => told.push(payload));
  database.reset();
  await waitFor(
    "statements over the next server",
    async () =>
      await database
        .query("select 1 as one")
        .then(() => true)
        .catch(() => false),
  );
  // Heard again, whichever server it is.
  await waitFor("a bell", async () => {
    await database.query("notify bell, 'rung'").catch(() => undefined);
    return told.includes("rung");
  });
  await stop();
  await database.close();
  await expect(open(`postgres://${login}@127.0.0.1:1,127.0.0.1:2${server.pathname}`)).rejects.toMatchObject({
    code: "RECORDS_UNREACHABLE",
    message: expect.stringContaining("127.0.0.1:1, 127.0.0.1:2"),
  });
});

describe("a pooler", () => {
  const binary = "/usr/sbin/pgbouncer";
  const there = spawnable(binary);

  /** Starts PgBouncer before the test's server. As root it is told to be somebody else, which it insists on. */
  async function bouncer(mode: string): Promise<string> {
    const server = new URL(postgres.url);
    const port = 20_000 + (process.pid % 20_000) + Math.floor(Math.random() * 100);
    const password = decodeURIComponent(server.password);
    const users = path.join(folder, `users-${port}`);
    const config = path.join(folder, `bouncer-${port}.ini`);
    await writeFile(users, `"${server.username}" "${password}"\n`);
    await writeFile(
      config,
      `[databases]\n* = host=${server.hostname} port=${server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nauth_type = plain\nauth_file = ${users}\npool_mode = ${mode}\nunix_socket_dir =\n`,
    );
    for (const file of [users, config]) await chmod(file, 0o644);
    const args = process.getuid?.() === 0 ? ["-u", "nobody", config] : [config];
    const child = spawn(binary, args, { stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    await waitFor(
      "the pooler to listen",
      async () =>
        await new Promise<boolean>((resolve) => {
          const probe = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
          probe.on("connect", () => probe.destroy());
        }),
    );
    return `postgres://${server.username}:${server.password}@127.0.0.1:${port}${server.pathname}`;
  }

  it.skipIf(!there)("in transaction or statement mode is refused with the reason", async () => {
    for (const mode of ["transaction", "statement"]) {
      const url = await bouncer(mode);
      await expect(open(url)).rejects.toMatchObject({ code: "RECORDS_POOLER", message: expect.stringContaining("session mode") });
    }
  });

  it.skipIf(!there)("in session mode is as good as the server itself", async () => {
    const database = await open(await bouncer("session"));
    expect(await database.query("select timestamptz '2026-06-01 12:00:00+02' as at, current_setting('TimeZone') as zone")).toEqual([
      { at: "2026-06-01T10:00:00.000Z", zone: "UTC" },
    ]);
    await database.close();
  });
  if (!there) console.warn("skipped: the tests of poolers need Debian's pgbouncer, which is not on this machine");
});

function spawnable(file: string): boolean {
  try {
    process.getBuiltinModule("node:fs").accessSync(file, process.getBuiltinModule("node:fs").constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

it("a working process takes at most ten connections", async () => {
  const place = await makePlace();
  const app = await openAt(place, { work: true, quiet: true });
  onTestFinished(async () => {
    await app.close();
    await place.remove();
  });
  const runs = Array.from(
    { length: 30 },
    async () => await app.database.transaction(async (tx) => await tx.query("select pg_sleep(0.05)")),
  );
  const count = async (): Promise<number> => {
    const [row] = await app.database.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and backend_type = 'client backend'",
    );
    return row?.n ?? 0;
  };
  const [most] = await Promise.all([count(), ...runs]);
  await settled(app);
  expect(Math.max(most, await count())).toBeLessThanOrEqual(10);
  expect(await count()).toBeGreaterThan(2);
});
