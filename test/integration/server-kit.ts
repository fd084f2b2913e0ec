// The platform with the server on it, on a fresh database, for the tests of the server: everything real, no module.

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { systemClock, type Clock } from "../../src/platform/time.ts";
import { StockroomError } from "../../src/platform/errors.ts";
import { openEvents } from "../../src/platform/events/index.ts";
import { identityMigrations } from "../../src/platform/identity/migrations.ts";
import { makeMemoryLog, type Log } from "../../src/platform/log.ts";
import { makeNotify, notifyMigrations } from "../../src/platform/notify/notify.ts";
import type { NotifyOptions } from "../../src/platform/notify/notify.ts";
import { objectsMigrations } from "../../src/platform/objects/migrations.ts";
import { openObjectStore } from "../../src/platform/objects/store.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { vaultMigrations } from "../../src/platform/vault/migrations.ts";
import { openVault } from "../../src/platform/vault/vault.ts";
import { openWorkflows, workflowMigrations } from "../../src/platform/workflow/index.ts";
import type { WorkflowDefinition } from "../../src/platform/workflow/contract.ts";
import type { BaseSettings } from "../../src/platform/config/index.ts";
import { openEntrance, openServer } from "../../src/server/index.ts";
import type { Probe, ServerSettings } from "../../src/server/index.ts";
import { testDatabase } from "../kit/database.ts";

/** Fails until `mended` says otherwise. */
export const poison = { mended: false };

const makeEat = (log: Log): WorkflowDefinition => ({
  name: "test.eat",
  rerun: (input) => input,
  queue: "test",
  tries: 1,
  title: (input) => `eat ${String(input)}`,
  run: async (context) =>
    await context.step(
      "bite",
      async () => {
        if (!poison.mended) throw new StockroomError("input", "TEST_POISON", "Expected food but it is <b>poison</b>. Take it away.");
        log.info("bites", { password: "hush" });
        log.warn("full");
        return "eaten";
      },
      { tries: 1 },
    ),
});

/** Opens everything and a server on a free port. */
export async function openTestServer(
  settings: Partial<ServerSettings> = {},
  probes: Readonly<Record<string, Probe>> = {},
  notify: Pick<NotifyOptions, "channels" | "topics"> = { channels: {}, topics: {} },
  signIn?: { readonly auth?: Partial<BaseSettings["auth"]>; readonly clock?: Clock },
) {
  const postgres = await testDatabase();
  const home = await mkdtemp(path.join(os.tmpdir(), "stockroom-server-"));
  const log = makeMemoryLog();
  const clock = systemClock;
  const migrations = [...vaultMigrations, ...objectsMigrations, ...workflowMigrations, ...notifyMigrations, ...identityMigrations];
  const database = await openDatabase({ url: postgres.url, home, log, migrations });
  const vault = await openVault({
    keyFile: path.join(home, "keys.json"),
    zones: [
      { name: "general", prefixes: [""] },
      { name: "closed", prefixes: ["closed/"] },
    ],
    grants: [
      { role: "operator", zone: "general", access: "read" },
      { role: "operator", zone: "general", access: "write" },
    ],
    database,
    clock,
    log,
  });
  const root = path.join(home, "objects");
  const objects = await openObjectStore({ driver: { kind: "folder", root }, vault, database, clock, log });
  const notices = makeNotify({ database, ...notify, log });
  const workflows = await openWorkflows({
    database,
    executorId: path.basename(home),
    queues: [{ name: "test", perWorker: 1 }, notices.queue],
    workflows: [makeEat(log), ...notices.workflows],
    log,
    pollMs: 20,
  });
  const events = await openEvents({ database, workflows, subscriptions: notices.subscriptions, log, pollMs: 20 });
  const deps = { log, clock, database, vault, objects, notices, workflows, events };
  const served = { host: "127.0.0.1", port: 0, uploadMaxBytes: 64 * 1024 * 1024, ...settings };
  const usersFile = path.join(home, "users.yaml");
  const auth = { usersFile, sessionIdleMs: 12 * 3_600_000, sessionLongestMs: 7 * 86_400_000, trustedProxies: [], ...signIn?.auth };
  const entrance = openEntrance({ settings: { server: served, auth }, database, clock: signIn?.clock ?? clock, log, vault });
  const server = await openServer({
    deps,
    settings: served,
    ...(signIn === undefined ? {} : { entrance }),
    version: "1.2.3",
    probes,
  });
  return {
    ...deps,
    identity: entrance.identity,
    usersFile,
    root,
    url: server.url,
    close: async () => {
      await server.close();
      await events.close();
      await workflows.close();
      await objects.close();
      await database.close();
      await postgres.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
