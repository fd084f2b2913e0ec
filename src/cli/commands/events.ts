// events: the outbox.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readWhole, watchFlag } from "../../platform/command/flags.ts";
import { takeRows } from "../../platform/web/remote.ts";
import type { Tools } from "../tools.ts";
import { pageOf } from "./list-args.ts";

const eventsListArgs = {
  kind: { type: "string", description: "Only this kind, e.g. object.stored", valueHint: "kind" },
  prefix: { type: "string", description: "Only subjects that begin so", valueHint: "text" },
  limit: limitFlag,
  json: jsonFlag,
  watch: watchFlag,
} as const;

const eventsList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "Events of the outbox, newest first" },
    args: eventsListArgs,
    run: async ({ args }) => {
      const limit = readWhole("--limit", args.limit, 1, 100_000);
      const query = { kind: args.kind, prefix: args.prefix };
      const found = await tools.ask(
        async ({ events }) => await events.list({ ...query, limit }),
        async (server) =>
          await takeRows(server.pages("GET /api/events", { query: { ...query, limit: pageOf(limit) } }), (page) => page.events, limit),
      );
      tools.print.table(found, {
        json: args.json,
        empty: "no events",
        columns: {
          id: (event) => event.id,
          at: (event) => ({ at: event.at }),
          kind: (event) => event.kind,
          subject: (event) => event.subject,
          relayed: (event) => ({ at: event.relayedAt }),
          by: (event) => event.by,
        },
      });
    },
  });

export const eventsCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "events", description: "Events of the outbox: list" },
    args: eventsListArgs,
    run: (context) => eventsList(tools).run?.(context),
    subCommands: {
      list: eventsList(tools),
    },
  });
