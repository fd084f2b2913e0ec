// subscriptions: who is to hear of which events.

import { defineCommand, nounCommand } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { giveUpSubscription } from "../../platform/events/give-up.ts";
import { instantText } from "../../platform/figures.ts";
import type { Tools } from "../tools.ts";

const listSubscriptions = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "list",
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
  });

const forgetSubscription = (tools: Tools) =>
  defineCommand({
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
  });

export const subscriptionsCommand = (tools: Tools) =>
  nounCommand(
    { name: "subscriptions", description: "Who is to hear of which events: list, forget" },
    { list: listSubscriptions(tools), forget: forgetSubscription(tools) },
  );
