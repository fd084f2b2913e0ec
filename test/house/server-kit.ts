// The ground floor with the server on it, on a fresh database, for the tests of the server: everything real, no wing.

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { StockroomError } from "../../src/base/errors.ts";
import { openEvents } from "../../src/base/events/index.ts";
import { makeMemoryLog } from "../../src/base/log.ts";
import { makeNotify, notifyMigrations } from "../../src/base/notify/notify.ts";
import type { NotifyOptions } from "../../src/base/notify/notify.ts";
import { objectsMigrations } from "../../src/base/objects/migrations.ts";
import { openObjectStore } from "../../src/base/objects/store.ts";
import { openRecords } from "../../src/base/records/open.ts";
import { vaultMigrations } from "../../src/base/vault/migrations.ts";
import { openVault } from "../../src/base/vault/vault.ts";
import { openWorkflows, workflowMigrations } from "../../src/base/workflow/index.ts";
import type { WorkflowDefinition } from "../../src/base/workflow/contract.ts";
import { openServer } from "../../src/server/index.ts";
import type { Probe, ServerSettings } from "../../src/server/index.ts";
import { testDatabase } from "../kit/database.ts";

/** Fails until `mended` says otherwise. */
export const poison = { mended: false };

const eat: WorkflowDefinition = {
  name: "test.eat",
  queue: "test",
  tries: 1,
  title: (input) => `eat ${String(input)}`,
  run: async (context) =>
    await context.step(
      "bite",
      async () => {
        if (!poison.mended) throw new StockroomError("input", "TEST_POISON", "Expected food but it is <b>poison</b>. Take it away.");
        return "eaten";
      },
      { tries: 1 },
    ),
};

/** Opens everything and a server on a free port. */
export async function openTestServer(
  settings: Partial<ServerSettings> = {},
  probes: Readonly<Record<string, Probe>> = {},
  notify: Pick<NotifyOptions, "channels" | "topics"> = { channels: {}, topics: {} },
) {
  const database = await testDatabase();
  const home = await mkdtemp(path.join(os.tmpdir(), "stockroom-server-"));
  const log = makeMemoryLog();
  const clock = systemClock;
  const migrations = [...vaultMigrations, ...objectsMigrations, ...workflowMigrations, ...notifyMigrations];
  const records = await openRecords({ url: database.url, home, log, migrations });
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
    records,
    clock,
    log,
  });
  const root = path.join(home, "objects");
  const objects = await openObjectStore({ driver: { kind: "folder", root }, vault, records, clock, log });
  const notices = makeNotify({ records, ...notify, log });
  const workflows = await openWorkflows({
    records,
    executorId: path.basename(home),
    queues: [{ name: "test", perWorker: 1 }, notices.queue],
    workflows: [eat, ...notices.workflows],
    log,
    pollMs: 20,
  });
  const events = await openEvents({ records, workflows, subscriptions: notices.subscriptions, log, pollMs: 20 });
  const parts = { log, clock, records, vault, objects, notices, workflows, events };
  const server = await openServer({
    parts,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 64 * 1024 * 1024, ...settings },
    version: "1.2.3",
    probes,
  });
  return {
    ...parts,
    root,
    url: server.url,
    close: async () => {
      await server.close();
      await events.close();
      await workflows.close();
      await objects.close();
      await records.close();
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
