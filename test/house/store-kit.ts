// A store on a fresh database and a fresh folder, for the tests of vault and objects.

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Body } from "../../src/base/bytes.ts";
import { makeManualClock, type ManualClock } from "../../src/base/clock.ts";
import { makeMemoryLog, type MemoryLog } from "../../src/base/log.ts";
import type { ObjectStore } from "../../src/base/objects/contract.ts";
import { objectsMigrations } from "../../src/base/objects/migrations.ts";
import { openObjectStore } from "../../src/base/objects/store.ts";
import type { Records } from "../../src/base/records/contract.ts";
import { openRecords } from "../../src/base/records/open.ts";
import type { Actor, Grant, Vault, Zone } from "../../src/base/vault/contract.ts";
import { vaultMigrations } from "../../src/base/vault/migrations.ts";
import { openVault } from "../../src/base/vault/vault.ts";
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
  readonly records: Records;
  readonly vault: Vault;
  readonly store: ObjectStore;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  close(): Promise<void>;
}

export const graceMs = 60_000;

/** Opens what a process of its own would open on the same database and folders. */
export async function openParts(url: string, folder: string, clock: ManualClock, log: MemoryLog = makeMemoryLog()) {
  const records = await openRecords({ url, home: folder, log, migrations: [...vaultMigrations, ...objectsMigrations] });
  const keyFile = path.join(folder, "keys.json");
  const root = path.join(folder, "store");
  const vault = await openVault({ keyFile, zones, grants, records, clock, log });
  const store = await openObjectStore({ driver: { kind: "folder", root }, vault, records, clock, log, graceMs });
  return { records, vault, store, keyFile, root, log };
}

export async function openTestStore(): Promise<TestStore> {
  const database = await testDatabase();
  const folder = await mkdtemp(path.join(os.tmpdir(), "stockroom-store-"));
  const clock = makeManualClock(Date.parse("2026-10-01T00:00:00Z"));
  const parts = await openParts(database.url, folder, clock);
  return {
    ...parts,
    url: database.url,
    folder,
    clock,
    close: async () => {
      await parts.store.close();
      await parts.records.close();
      await database.drop();
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
