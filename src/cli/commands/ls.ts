// ls: objects by the beginning of their key.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readWhole, watchFlag } from "../../platform/command/flags.ts";
import { takeRows } from "../../platform/web/remote.ts";
import type { Tools } from "../tools.ts";
import { pageOf } from "./list-args.ts";

export const lsCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "ls", description: "List objects by the beginning of their key" },
    args: {
      prefix: { type: "positional", required: false, description: "How the keys begin; nothing lists all" },
      versions: { type: "boolean", description: "Every version of the one object whose key is PREFIX" },
      after: { type: "string", description: "Begin after this key", valueHint: "key" },
      limit: { ...limitFlag, default: "1000" },
      json: jsonFlag,
      watch: watchFlag,
    },
    run: async ({ args }) => {
      const limit = readWhole("--limit", args.limit, 1, 1_000_000);
      const { after, versions } = args;
      const prefix = args.prefix ?? "";
      const found = await tools.ask(
        async ({ objects }) => (versions ? await objects.versions(prefix) : await objects.list(prefix, { after, limit })),
        async (server) =>
          versions
            ? (await server.call("GET /api/object-versions", { query: { key: prefix } })).objects
            : await takeRows(
                server.pages("GET /objects", { query: { prefix, after, limit: pageOf(limit) } }),
                (page) => page.objects,
                limit,
              ),
      );
      tools.print.table(found, {
        json: args.json,
        empty: `no objects under "${prefix}"`,
        columns: {
          key: (entry) => entry.key,
          bytes: (entry) => entry.bytes,
          version: (entry) => entry.version,
          zone: (entry) => entry.zone,
          stored: (entry) => ({ at: entry.storedAt }),
          by: (entry) => entry.writtenBy,
        },
      });
      if (!args.versions && found.length === limit)
        tools.print.say(`There may be more: --after '${found.at(-1)?.key ?? ""}', or a larger --limit.`);
    },
  });
