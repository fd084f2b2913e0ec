// events: the outbox, and who is to hear of it.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readWhole, watchFlag } from "../../platform/command/flags.ts";
import { instantText } from "../../platform/figures.ts";
import { giveUpSubscription } from "../../platform/events/give-up.ts";
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
    meta: { name: "events", description: "Events of the outbox, and who is to hear of them: list, subscriptions, forget" },
    args: eventsListArgs,
    run: (context) => eventsList(tools).run?.(context),
    subCommands: {
      list: eventsList(tools),
      subscriptions: defineCommand({
        meta: {
          name: "subscriptions",
          description: "Who is told of which events, whether a process serves it, and how many events wait for it",
        },
        args: { json: jsonFlag },
        run: async ({ args }) => {
          const subscriptions = await tools.ask(
            async ({ events }) => await events.subscriptions(),
            async (server) => (await server.call("GET /api/subscriptions")).subscriptions,
          );
          tools.print.table(subscriptions, {
            json: args.json,
            empty: "no subscriptions: no process has worked here yet",
            columns: {
              name: (one) => one.name,
              kind: (one) => one.kind,
              prefix: (one) => one.prefix,
              workflow: (one) => one.workflow,
              served: (one) => (one.served ? "yes" : `no, last ${instantText(one.seenAt)}`),
              waiting: (one) => one.waiting,
            },
          });
        },
      }),
      forget: defineCommand({
        meta: {
          name: "forget",
          description: "Give up a subscription that no process serves any more, with the events and runs that wait for it",
        },
        args: { name: { type: "positional", description: "The subscription's name, e.g. notify.ops", required: true } },
        run: async ({ args }) => {
          const { events: waiting, runs } = await tools.ask(
            async (app) => await giveUpSubscription(app, args.name),
            async (server) => await server.call("DELETE /api/subscriptions/:name", { params: { name: args.name } }),
          );
          tools.print.line(`forgotten: ${args.name}; given up: ${waiting} events, ${runs} runs`);
        },
      }),
    },
  });
