// keys: zone keys, who may use them, who did.

import { defineCommand } from "citty";
import { printRows, timeText } from "../output.ts";
import { readChoice, readNumber } from "../read-args.ts";
import { jsonFlag, limitFlag } from "../tools.ts";
import type { Tools } from "../tools.ts";

const keysList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "The key versions of every zone; never the keys themselves" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const { vault } = await tools.open();
      printRows(
        tools.output,
        await vault.keys(),
        [
          { name: "zone", cell: (key) => key.zone },
          { name: "version", cell: (key) => key.version },
          { name: "created", cell: (key) => timeText(key.createdAt) },
          { name: "current", cell: (key) => (key.current ? "yes" : "no") },
        ],
        { json: args.json ?? false, none: "no keys" },
      );
    },
  });

const grantsList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "Every grant in force" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const { vault } = await tools.open();
      printRows(
        tools.output,
        await vault.grants(),
        [
          { name: "role", cell: (grant) => grant.role },
          { name: "zone", cell: (grant) => grant.zone },
          { name: "access", cell: (grant) => grant.access },
        ],
        { json: args.json ?? false, none: "no grants" },
      );
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
      const { vault } = await tools.open();
      await vault.setGrant({ role: args.role, zone: args.zone, access }, name === "allow");
      tools.output.print(
        `${name === "allow" ? "allowed" : "denied"}: ${args.role} may ${name === "allow" ? "" : "not "}${access} ${args.zone}`,
      );
    },
  });

export const keysCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "keys", description: "Zone keys: list, rotate, grants, uses" },
    args: { json: jsonFlag },
    run: keysList(tools).run,
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
          const { vault } = await tools.open();
          const version = await vault.rotate(args.zone);
          tools.output.print(`rotated: zone ${args.zone} now seals with key version ${version}`);
          tools.output.say("The key file has changed: back it up, or what is sealed from now on cannot be opened from an older backup.");
        },
      }),
      grants: defineCommand({
        meta: { name: "grants", description: "Who may read and write which zone" },
        args: { json: jsonFlag },
        run: grantsList(tools).run,
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
          const limit = readNumber("--limit", args.limit, 1, 100_000);
          const { vault } = await tools.open();
          printRows(
            tools.output,
            await vault.uses({ zone: args.zone, role: args.role, limit }),
            [
              { name: "at", cell: (use) => timeText(use.at) },
              { name: "allowed", cell: (use) => (use.allowed ? "yes" : "NO") },
              { name: "role", cell: (use) => use.role },
              { name: "access", cell: (use) => use.access },
              { name: "zone", cell: (use) => `${use.zone}/${use.keyVersion}` },
              { name: "object", cell: (use) => use.key },
              { name: "purpose", cell: (use) => use.purpose },
            ],
            { json: args.json ?? false, none: "no uses" },
          );
        },
      }),
    },
  });
