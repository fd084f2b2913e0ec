// schedule: what runs by the clock.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { instantText } from "../../platform/figures.ts";
import type { Tools } from "../tools.ts";

export const scheduleCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "schedule", description: "What runs by the clock: the rule, the last and the next time (UTC)" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const { workflows } = await tools.open();
      tools.print.table(await workflows.schedules(), {
        json: args.json,
        empty: "no schedules",
        columns: {
          name: (schedule) => schedule.name,
          cron: (schedule) => schedule.cron,
          workflow: (schedule) => schedule.workflow,
          last: (schedule) => instantText(schedule.lastAt),
          next: (schedule) => instantText(schedule.nextAt),
        },
      });
    },
  });
