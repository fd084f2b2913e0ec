import { createHmac } from "node:crypto";
import { copyFile, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clerk, codeOf, grants, openDeps, openTestStore, zones, type TestStore } from "../../../test/integration/store-kit.ts";
import { makeMemoryLog } from "../log.ts";
import { asCaller } from "../web/caller.ts";
import { roles as people, type Role } from "../web/roles.ts";
import type { Access, Grant } from "./contract.ts";
import { openVault } from "./vault.ts";

let app: TestStore;
beforeEach(async () => {
  app = await openTestStore();
});
afterEach(() => app.close());

const keyOf = (zone: string): string => `${zones.find((one) => one.name === zone)?.prefixes[0] ?? ""}x`;
const again = (over: Partial<Parameters<typeof openVault>[0]> = {}) =>
  openVault({ keyFile: app.keyFile, zones, grants, database: app.database, clock: app.clock, log: app.log, ...over });

/** What the test sets: one grant more than the defaults, and one less. */
const allowed = (grant: Grant): boolean =>
  (grant.role === "train" && grant.zone === "sales" && grant.access === "read") ||
  (!(grant.role === "clerk" && grant.access === "write") &&
    grants.some((one) => one.role === grant.role && one.zone === grant.zone && one.access === grant.access));

describe("grants", () => {
  test("every role, zone and access is allowed exactly where granted, and every use is on record before the answer", async () => {
    await app.vault.setGrant({ role: "train", zone: "sales", access: "read" }, true);
    await app.vault.setGrant({ role: "clerk", zone: "sales", access: "write" }, false);
    const roles = ["extract", "train", "compare", "infer", "report", "review", "clerk", "", "Train"];
    let uses = 0;
    for (const role of roles) {
      for (const zone of zones) {
        for (const access of ["read", "write"] satisfies Access[]) {
          const code = await codeOf(app.vault.handle({ role, purpose: `run ${uses}` }, access, keyOf(zone.name)));
          uses += 1;
          expect([role, zone.name, access, code]).toEqual([
            role,
            zone.name,
            access,
            allowed({ role, zone: zone.name, access }) ? "none" : "VAULT_NO_GRANT",
          ]);
          const [use] = await app.vault.uses({ limit: 1 });
          expect(use).toMatchObject({
            role,
            zone: zone.name,
            access,
            purpose: `run ${uses - 1}`,
            key: keyOf(zone.name),
            keyVersion: 1,
            allowed: code === "none",
            at: "2026-10-01T00:00:00.000Z",
          });
        }
      }
    }
    expect(await app.vault.uses({ limit: 1000 })).toHaveLength(uses);
    expect(await app.vault.uses({ role: "train", zone: "sales" })).toHaveLength(2);
    const held = await app.vault.grants();
    for (const role of roles) {
      for (const zone of zones) {
        for (const access of ["read", "write"] satisfies Access[]) {
          const grant = { role, zone: zone.name, access };
          expect(held.some((one) => one.role === role && one.zone === zone.name && one.access === access)).toBe(allowed(grant));
        }
      }
    }
    const refused = await app.vault.handle({ role: "report", purpose: "p" }, "write", keyOf("models")).catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: "denied", facts: { role: "report", zone: "models", access: "write" } });
  });

  test("of a person's roles one must hold the grant too; the app's own work needs none of theirs", async () => {
    const as = async (has: readonly Role[] | undefined, access: Access, zone: string): Promise<string> => {
      const caller = has === undefined ? undefined : ({ id: "password:anna", name: "anna", roles: has, via: "session" } as const);
      return await asCaller(caller, async () => await codeOf(app.vault.handle(clerk, access, keyOf(zone))));
    };
    const zone = "sales";
    for (const role of people) {
      for (const access of ["read", "write"] satisfies Access[]) {
        const grant = { role: `person:${role}`, zone, access };
        const other = people.find((one) => one !== role) ?? role;
        expect([role, access, await as([role], access, zone)]).toEqual([role, access, "none"]);
        await app.vault.setGrant(grant, false);
        const said = [await as([role], access, zone), await as([role, other], access, zone), await as([other], access, zone)];
        expect([role, access, ...said]).toEqual([role, access, "VAULT_NO_GRANT", "none", "none"]);
        expect([await as(undefined, access, zone), await as([], access, zone)]).toEqual(["none", "VAULT_NO_GRANT"]);
        expect(await as([role], access, "models")).toBe(await as(undefined, access, "models"));
        expect((await app.vault.grants()).some((one) => one.role === grant.role && one.zone === zone && one.access === access)).toBe(false);
        const [use] = await app.vault.uses({ zone, limit: 4 });
        expect(use).toMatchObject({ role: clerk.role });
        await app.vault.setGrant(grant, true);
      }
    }
    await app.vault.setGrant({ role: "person:viewer", zone, access: "read" }, false);
    const refused = await asCaller(
      { id: "machine:1", name: "machine:wall", roles: ["viewer"], via: "token" },
      async () => await app.vault.handle(clerk, "read", keyOf(zone)).catch((error: unknown) => error),
    );
    expect(refused).toMatchObject({ kind: "denied", facts: { role: "person:viewer", zone, access: "read" } });
    expect(await codeOf(app.vault.setGrant({ role: "person:king", zone, access: "read" }, true))).toBe("VAULT_ROLE_UNKNOWN");
  });

  test("without a row in the log no key is handed out", async () => {
    await app.database.query("alter table stockroom.key_use add constraint no_more check (false) not valid");
    expect(await codeOf(app.vault.handle(clerk, "read", keyOf("sales")))).toBe("23514");
  });

  test("the log of uses can be neither changed, nor shortened, nor emptied", async () => {
    await app.vault.handle(clerk, "read", keyOf("sales"));
    const before = await app.vault.uses({});
    for (const sql of [
      "update stockroom.key_use set allowed = false",
      "delete from stockroom.key_use",
      "delete from stockroom.key_use where false",
      "truncate stockroom.key_use",
    ]) {
      await expect(app.database.query(sql)).rejects.toThrow("append-only");
    }
    expect(await app.vault.uses({})).toEqual(before);
  });

  test("a grant for a zone that is not there is refused", async () => {
    expect(await codeOf(app.vault.setGrant({ role: "train", zone: "slaes", access: "read" }, true))).toBe("VAULT_UNKNOWN_ZONE");
    expect(await codeOf(again({ grants: [{ role: "train", zone: "slaes", access: "read" }] }))).toBe("VAULT_UNKNOWN_ZONE");
  });
});

describe("zones", () => {
  test("the longest prefix decides, and a key of no zone is refused", async () => {
    const nested = await again({ zones: [...zones, { name: "secret", prefixes: ["classify/sales/secret/"] }] });
    expect(nested.zoneOf("classify/sales/secret/x").name).toBe("secret");
    expect(nested.zoneOf("classify/sales/secre").name).toBe("sales");
    expect(() => nested.zoneOf("forecast/x")).toThrow("classify/labelled/, classify/models/");
  });

  test("names and prefixes clash loudly", async () => {
    for (const bad of [
      [...zones, { name: "sales", prefixes: ["other/"] }],
      [...zones, { name: "other", prefixes: ["classify/sales/"] }],
      [{ name: "Not A Name", prefixes: [] }],
    ]) {
      expect(await codeOf(again({ zones: bad }))).toBe("VAULT_BAD_ZONES");
    }
  });
});

describe("keys", () => {
  test("objects sealed before a rotation open after it, new ones use the new key, and another process sees it at once", async () => {
    const elsewhere = await openDeps(app.url, app.folder, app.clock);
    try {
      const old = await app.store.put(clerk, "classify/sales/old", Buffer.from("sealed with one"));
      expect(await app.vault.rotate("sales")).toBe(2);
      const fresh = await elsewhere.store.put(clerk, "classify/sales/new", Buffer.from("sealed with two"));
      expect([old.keyVersion, fresh.keyVersion]).toEqual([1, 2]);
      for (const { store } of [app, elsewhere]) {
        expect(Buffer.from(await store.read(clerk, "classify/sales/old")).toString()).toBe("sealed with one");
        expect(Buffer.from(await store.read(clerk, "classify/sales/new")).toString()).toBe("sealed with two");
      }
      expect((await app.vault.keys()).map((key) => [key.zone, key.version, key.current])).toEqual([
        ["labelled", 1, true],
        ["models", 1, true],
        ["sales", 1, false],
        ["sales", 2, true],
      ]);
      expect(await codeOf(app.vault.rotate("nothing"))).toBe("VAULT_UNKNOWN_ZONE");
    } finally {
      await elsewhere.database.close();
    }
  });

  test("many who open and rotate at once lose no key", async () => {
    const vaults = await Promise.all(Array.from({ length: 4 }, () => again()));
    const versions = await Promise.all([...vaults, ...vaults].map((vault) => vault.rotate("sales")));
    expect(versions.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    for (const vault of vaults) {
      for (let version = 1; version <= 9; version++)
        await vault.handle(clerk, "read", keyOf("sales"), { zone: "sales", keyVersion: version });
    }
  });

  test("a new module's zone gets its key at the next opening", async () => {
    const more = await again({ zones: [...zones, { name: "forecasts", prefixes: ["forecast/"] }] });
    expect((await more.keys()).map((key) => key.zone)).toEqual(["forecasts", "labelled", "models", "sales"]);
    const before = await readFile(app.keyFile, "utf8");
    await again();
    expect(await readFile(app.keyFile, "utf8")).toBe(before);
  });

  test("a lost, an older and another store's key file are errors, and nothing is written over", async () => {
    const kept = path.join(app.folder, "kept.json");
    await copyFile(app.keyFile, kept);
    await app.vault.rotate("sales");
    const newest = await readFile(app.keyFile, "utf8");

    await copyFile(kept, app.keyFile);
    expect(await codeOf(again())).toBe("VAULT_ZONE_LOST");
    expect(await readFile(app.keyFile, "utf8")).toBe(await readFile(kept, "utf8"));

    await rm(app.keyFile);
    expect(await codeOf(again())).toBe("VAULT_KEY_FILE_LOST");
    expect(await codeOf(readFile(app.keyFile))).toBe("ENOENT");

    const other = await openTestStore();
    try {
      await other.vault.rotate("sales");
      await copyFile(other.keyFile, app.keyFile);
      expect(await codeOf(again())).toBe("VAULT_KEY_FILE_WRONG");
    } finally {
      await other.close();
    }
    expect(newest).not.toBe("");
  });

  test("a handle for a key version this copy of the file lacks says what to do", async () => {
    const kept = path.join(app.folder, "kept.json");
    await copyFile(app.keyFile, kept);
    const vault = await again();
    await app.vault.rotate("sales");
    await rename(kept, app.keyFile);
    expect(await codeOf(vault.handle(clerk, "write", keyOf("sales")))).toBe("VAULT_KEY_MISSING");
  });

  test("no key reaches the log, a row or an error", async () => {
    await app.vault.rotate("sales");
    await app.store.put(clerk, "classify/sales/x", Buffer.from("x"));
    await codeOf(app.vault.handle({ role: "nobody", purpose: "p" }, "read", keyOf("sales")));
    const file: { macKey: string; zones: Record<string, { key: string }[]> } = JSON.parse(await readFile(app.keyFile, "utf8"));
    const secrets = [file.macKey, ...Object.values(file.zones).flatMap((keys) => keys.map(({ key }) => key))];
    expect(secrets).toHaveLength(5);
    const tables = await app.database.query<{ name: string }>("select tablename as name from pg_tables where schemaname = 'stockroom'");
    const rows = await Promise.all(tables.map(({ name }) => app.database.query(`select * from stockroom.${name}`)));
    const shown = JSON.stringify([rows, app.log.lines]);
    expect(shown).toContain("key use denied");
    for (const secret of secrets) {
      expect(shown).not.toContain(secret);
      expect(shown).not.toContain(Buffer.from(secret, "base64").toString("hex"));
    }
  });
});

test("the digest is keyed, stable over openings and of its purpose alone", async () => {
  const vault = await again({ log: makeMemoryLog() });
  const digest = Buffer.from(app.vault.mac("audit", "row")).toString("hex");
  expect(digest).toHaveLength(64);
  expect(Buffer.from(vault.mac("audit", Buffer.from("row"))).toString("hex")).toBe(digest);
  expect(Buffer.from(vault.mac("other", "row")).toString("hex")).not.toBe(digest);
  expect(createHmac("sha256", "audit").update("row").digest("hex")).not.toBe(digest);
});
