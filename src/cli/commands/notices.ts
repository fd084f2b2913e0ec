// notices: what people and systems were told.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readWhole, watchFlag } from "../../platform/command/flags.ts";
import type { Tools } from "../tools.ts";

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
      const { notices } = await tools.open();
      tools.print.table(await notices.list({ topic: args.topic, limit }), {
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
          const { notices, workflows } = await tools.open();
          for (const { channel, run } of await notices.resend(workflows, args.id, args.channel))
            tools.print.line(`queued: by ${channel} as run ${run}`);
        },
      }),
    },
  });
