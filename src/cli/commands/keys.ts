// keys: zone keys, who may use them, who did.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readChoice, readWhole } from "../../platform/command/flags.ts";
import { takeRows } from "../../platform/web/remote.ts";
import type { Tools } from "../tools.ts";
import { pageOf } from "./list-args.ts";

const keysList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "The key versions of every zone; never the keys themselves" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const keys = await tools.ask(
        async ({ vault }) => await vault.keys(),
        async (server) => (await server.call("GET /api/keys")).keys,
      );
      tools.print.table(keys, {
        json: args.json,
        empty: "no keys",
        columns: {
          zone: (key) => key.zone,
          version: (key) => key.version,
          created: (key) => ({ at: key.createdAt }),
          current: (key) => (key.current ? "yes" : "no"),
        },
      });
    },
  });

const grantsList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "Every grant in force" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const grants = await tools.ask(
        async ({ vault }) => await vault.grants(),
        async (server) => (await server.call("GET /api/grants")).grants,
      );
      tools.print.table(grants, {
        json: args.json,
        empty: "no grants",
        columns: {
          role: (grant) => grant.role,
          zone: (grant) => grant.zone,
          access: (grant) => grant.access,
        },
      });
    },
  });

const grantArgs = {
  role: { type: "positional", required: true, description: "e.g. train, operator" },
  zone: { type: "positional", required: true, description: "e.g. labelled, models" },
  access: { type: "positional", required: true, description: "read or write" },
} as const;

const setGrant = (tools: Tools, name: "allow" | "deny", description: string) =>
  defineCommand({
    meta: { name, description },
    args: grantArgs,
    run: async ({ args }) => {
      const access = readChoice("ACCESS", args.access, ["read", "write"]);
      const { role, zone } = args;
      const route = `${name === "allow" ? "PUT" : "DELETE"} /api/grants/:role/:zone/:access` as const;
      await tools.ask(
        async ({ vault }) => await vault.setGrant({ role, zone, access }, name === "allow"),
        async (server) => await server.call(route, { params: { role, zone, access } }),
      );
      tools.print.line(
        `${name === "allow" ? "allowed" : "denied"}: ${args.role} may ${name === "allow" ? "" : "not "}${access} ${args.zone}`,
      );
    },
  });

export const keysCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "keys", description: "Zone keys: list, rotate, grants, uses" },
    args: { json: jsonFlag },
    run: (context) => keysList(tools).run?.(context),
    subCommands: {
      list: keysList(tools),
      rotate: defineCommand({
        meta: {
          name: "rotate",
          description: `Make a new key for a zone
New objects use it at once; old ones keep opening with theirs. Back the key file up afterwards.`,
        },
        args: { zone: { type: "positional", required: true, description: "The zone" } },
        run: async ({ args }) => {
          const version = await tools.ask(
            async ({ vault }) => await vault.rotate(args.zone),
            async (server) => (await server.call("POST /api/keys/:zone/rotate", { params: { zone: args.zone } })).version,
          );
          tools.print.line(`rotated: zone ${args.zone} now seals with key version ${version}`);
          tools.print.say("The key file has changed: back it up, or what is sealed from now on cannot be opened from an older backup.");
        },
      }),
      grants: defineCommand({
        meta: { name: "grants", description: "Who may read and write which zone" },
        args: { json: jsonFlag },
        run: (context) => grantsList(tools).run?.(context),
        subCommands: {
          list: grantsList(tools),
          allow: setGrant(tools, "allow", "Give a role access to a zone"),
          deny: setGrant(tools, "deny", "Take a role's access to a zone away"),
        },
      }),
      uses: defineCommand({
        meta: { name: "uses", description: "Every use of a key and every refusal, newest first" },
        args: {
          zone: { type: "string", description: "Only this zone", valueHint: "zone" },
          role: { type: "string", description: "Only this role", valueHint: "role" },
          limit: limitFlag,
          json: jsonFlag,
        },
        run: async ({ args }) => {
          const limit = readWhole("--limit", args.limit, 1, 100_000);
          const query = { zone: args.zone, role: args.role };
          const uses = await tools.ask(
            async ({ vault }) => await vault.uses({ ...query, limit }),
            async (server) =>
              await takeRows(server.pages("GET /api/keys/uses", { query: { ...query, limit: pageOf(limit) } }), (page) => page.uses, limit),
          );
          tools.print.table(uses, {
            json: args.json,
            empty: "no uses",
            columns: {
              at: (use) => ({ at: use.at }),
              allowed: (use) => (use.allowed ? "yes" : "NO"),
              role: (use) => use.role,
              access: (use) => use.access,
              zone: (use) => `${use.zone}/${use.keyVersion}`,
              object: (use) => use.key,
              purpose: (use) => use.purpose,
              by: (use) => use.by,
            },
          });
        },
      }),
    },
  });
