// notices: what people and systems were told.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readWhole } from "../../platform/command/flags.ts";
import { instantText } from "../../platform/figures.ts";
import type { Tools } from "../tools.ts";

export const noticesCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "notices", description: "Notices sent to people and systems, newest first, with each delivery's state" },
    args: {
      topic: { type: "string", description: "Only this topic, or a beginning that ends in a dot", valueHint: "topic" },
      limit: limitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const limit = readWhole("--limit", args.limit, 1, 100_000);
      const { notices } = await tools.open();
      tools.print.table(await notices.list({ topic: args.topic, limit }), {
        json: args.json,
        empty: "no notices",
        columns: {
          at: (notice) => instantText(notice.at),
          severity: (notice) => notice.severity,
          topic: (notice) => notice.topic,
          title: (notice) => notice.title,
          deliveries: (notice) => notice.deliveries.map(({ channel, state }) => `${channel} ${state}`).join(", "),
        },
      });
    },
  });
