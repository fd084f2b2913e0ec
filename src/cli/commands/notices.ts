// notices: what people and systems were told.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readWhole, watchFlag } from "../../platform/command/flags.ts";
import { takeRows } from "../../platform/web/remote.ts";
import type { Tools } from "../tools.ts";
import { pageOf } from "./list-args.ts";

const listArgs = {
  topic: { type: "string", description: "Only this topic, or a beginning that ends in a dot", valueHint: "topic" },
  limit: limitFlag,
  json: jsonFlag,
  watch: watchFlag,
} as const;

const noticesList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "Notices sent to people and systems, newest first, with each delivery's state" },
    args: listArgs,
    run: async ({ args }) => {
      const limit = readWhole("--limit", args.limit, 1, 100_000);
      const { topic } = args;
      const found = await tools.ask(
        async ({ notices }) => await notices.list({ topic, limit }),
        async (server) =>
          await takeRows(server.pages("GET /api/notices", { query: { topic, limit: pageOf(limit) } }), (page) => page.notices, limit),
      );
      tools.print.table(found, {
        json: args.json,
        empty: "no notices",
        columns: {
          at: (notice) => ({ at: notice.at }),
          severity: (notice) => notice.severity,
          topic: (notice) => notice.topic,
          title: (notice) => notice.title,
          deliveries: (notice) => notice.deliveries.map(({ channel, state }) => `${channel} ${state}`).join(", "),
          id: (notice) => notice.id,
        },
      });
    },
  });

export const noticesCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "notices", description: "Notices sent to people and systems: list, resend" },
    args: listArgs,
    run: (context) => noticesList(tools).run?.(context),
    subCommands: {
      list: noticesList(tools),
      resend: defineCommand({
        meta: { name: "resend", description: "Send a notice again by the channels that failed; whoever has it gets it no second time" },
        args: {
          id: { type: "positional", required: true, description: "The notice's id" },
          channel: { type: "string", description: "Only by this channel", valueHint: "name" },
        },
        run: async ({ args }) => {
          const deliveries = await tools.ask(
            async ({ notices, workflows }) => await notices.resend(workflows, args.id, args.channel),
            async (server) =>
              (await server.call("POST /api/notices/:id/resend", { params: { id: args.id }, body: { channel: args.channel } })).deliveries,
          );
          for (const { channel, run } of deliveries) tools.print.line(`queued: by ${channel} as run ${run}`);
        },
      }),
    },
  });
