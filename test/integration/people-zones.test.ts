// Which zones the roles of people open: to SQL and to downloads, each role with each zone, allowed and taken away.

import { afterAll, beforeAll, expect, test } from "vitest";
import { readTable } from "../../src/platform/formats/index.ts";
import type { Actor } from "../../src/platform/vault/contract.ts";
import type { LakeTable } from "../../src/platform/warehouse/index.ts";
import { may, roles, type Role } from "../../src/platform/web/roles.ts";
import { makeEntrance } from "../../src/server/identity/entrance.ts";
import { openServer, type OpenServer } from "../../src/server/index.ts";
import { openTestServer } from "./server-kit.ts";

const zones = ["general", "closed"] as const;
const serverToken = "the-one-token-of-this-server";
const maker = { id: "server-token", roles: ["administrator"], via: "server-token" } as const;

let app: Awaited<ReturnType<typeof openTestServer>>;
let server: OpenServer;
const secrets = new Map<Role, string>();

/** A module with a table in each zone. */
function tablesOf(_deps: unknown, actor: Actor): readonly LakeTable[] {
  return zones.map((zone): LakeTable => {
    const columns = [{ name: "item", type: "text" }] as const;
    const read = async () => {
      const { body } = await app.objects.get(actor, `${zone}/rows.csv`);
      return await readTable(body, { name: `${zone}.csv`, onBadRow: () => undefined });
    };
    return {
      name: `${zone}_rows`,
      about: "",
      open: async () => ({ columns, places: [{ part: { id: zone, columns, read }, constants: {} }] }),
    };
  });
}

beforeAll(async () => {
  app = await openTestServer({ token: serverToken }, {}, undefined, {});
  for (const access of ["read", "write"] as const) await app.vault.setGrant({ role: "operator", zone: "closed", access }, true);
  const operator = { role: "operator", purpose: "test" };
  for (const zone of zones) await app.objects.put(operator, `${zone}/rows.csv`, Buffer.from(`item\n${zone}\n`));
  for (const role of roles) {
    secrets.set(role, (await app.identity.tokens.add({ name: role, roles: [role], days: 1, machine: true }, maker)).secret);
  }
  server = await openServer({
    deps: app,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000, token: serverToken },
    version: "1.2.3",
    entrance: makeEntrance({ identity: app.identity }),
    modules: [{ module: { name: "rows", tables: tablesOf } as never, parts: { deps: {} }, isOpen: true, front: undefined }],
  });
}, 120_000);
afterAll(async () => {
  await server.close();
  await app.close();
});

async function send(role: Role, way: string, body?: object): Promise<string> {
  const response = await fetch(`${server.url}${way}`, {
    headers: { authorization: `Bearer ${secrets.get(role) ?? ""}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return response.ok ? "open" : (/"code":"(\w+)"/.exec(text)?.[1] ?? `${response.status}`);
}
const bySql = async (role: Role, zone: string): Promise<string> => await send(role, "/api/sql", { query: `select item from ${zone}_rows` });
const byFile = async (role: Role, zone: string): Promise<string> => await send(role, `/objects/${zone}/rows.csv`);

test("a zone that is taken from a role is closed to it alone, by SQL and by downloads, and opens again", async () => {
  for (const zone of zones) {
    const other = zone === "general" ? "closed" : "general";
    for (const role of roles) {
      const grant = { role: `person:${role}`, zone, access: "read" } as const;
      const file = may([role], "operator") ? "open" : "ROLE_WANTED";
      await app.vault.setGrant(grant, false);
      expect([zone, role, await bySql(role, zone), await byFile(role, zone)]).toEqual([
        zone,
        role,
        "VAULT_NO_GRANT",
        file === "open" ? "VAULT_NO_GRANT" : file,
      ]);
      expect([zone, role, await byFile(role, other)]).toEqual([zone, role, file]);
      await app.vault.setGrant(grant, true);
      expect([zone, role, await bySql(role, zone), await byFile(role, zone)]).toEqual([zone, role, "open", file]);
    }
  }
}, 600_000);

test("tables of the app itself are for operators, and what proves who somebody is for nobody", async () => {
  const own = async (role: Role, query: string): Promise<string> => await send(role, "/api/sql", { query, system: true });
  for (const role of roles) {
    expect([role, await own(role, "select count(*) from outbox")]).toEqual([role, may([role], "operator") ? "open" : "ROLE_WANTED"]);
  }
  for (const query of [
    "select * from identity_session",
    "select digest from stockroom.identity_token",
    'select * from "identity_flow"',
    "select query_to_xml('select * from stockroom.identity_' || 'session', true, true, '')",
  ]) {
    expect([query, await own("administrator", query)]).toEqual([query, "SQL_REFUSED"]);
  }
}, 120_000);
