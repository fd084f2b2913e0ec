// A store on a fresh database and a fresh folder, for the tests of vault and objects.

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Body } from "../../src/platform/bytes.ts";
import { makeManualClock, type ManualClock } from "../../src/platform/time.ts";
import { makeMemoryLog, type MemoryLog } from "../../src/platform/log.ts";
import type { ObjectStore } from "../../src/platform/objects/contract.ts";
import { objectsMigrations } from "../../src/platform/objects/migrations.ts";
import { openObjectStore } from "../../src/platform/objects/store.ts";
import type { Database } from "../../src/platform/database/contract.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import type { Actor, Grant, Vault, Zone } from "../../src/platform/vault/contract.ts";
import { vaultMigrations } from "../../src/platform/vault/migrations.ts";
import { openVault } from "../../src/platform/vault/vault.ts";
import { testDatabase } from "../kit/database.ts";

export const zones: readonly Zone[] = [
  { name: "labelled", prefixes: ["classify/labelled/"] },
  { name: "sales", prefixes: ["classify/sales/"] },
  { name: "models", prefixes: ["classify/models/"] },
];
export const grants: readonly Grant[] = [
  { role: "extract", zone: "labelled", access: "write" },
  { role: "train", zone: "labelled", access: "read" },
  { role: "train", zone: "models", access: "write" },
  { role: "clerk", zone: "sales", access: "read" },
  { role: "clerk", zone: "sales", access: "write" },
];
/** May read and write `classify/sales/`. */
export const clerk: Actor = { role: "clerk", purpose: "test" };

export interface TestStore {
  readonly url: string;
  readonly folder: string;
  readonly keyFile: string;
  readonly root: string;
  readonly database: Database;
  readonly vault: Vault;
  readonly store: ObjectStore;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  close(): Promise<void>;
}

export const graceMs = 60_000;

/** Opens what a process of its own would open on the same database and folders. */
export async function openDeps(url: string, folder: string, clock: ManualClock, log: MemoryLog = makeMemoryLog()) {
  const database = await openDatabase({ url, home: folder, log, migrations: [...vaultMigrations, ...objectsMigrations] });
  const keyFile = path.join(folder, "keys.json");
  const root = path.join(folder, "store");
  const vault = await openVault({ keyFile, zones, grants, database, clock, log });
  const store = await openObjectStore({ driver: { kind: "folder", root }, vault, database, clock, log, graceMs });
  return { database, vault, store, keyFile, root, log };
}

export async function openTestStore(): Promise<TestStore> {
  const postgres = await testDatabase();
  const folder = await mkdtemp(path.join(os.tmpdir(), "stockroom-store-"));
  const clock = makeManualClock(Date.parse("2026-10-01T00:00:00Z"));
  const parts = await openDeps(postgres.url, folder, clock);
  return {
    ...parts,
    url: postgres.url,
    folder,
    clock,
    close: async () => {
      await parts.store.close();
      await parts.database.close();
      await postgres.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function* pieces(bytes: Uint8Array, size: number): Body {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The `code` of the error that `work` ends with; "none" when it ends well. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
  }
}
