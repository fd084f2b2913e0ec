// schedules: what runs by the clock, resting or not.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, watchFlag } from "../../platform/command/flags.ts";
import { instantText } from "../../platform/figures.ts";
import { wordAtShell, type Tools } from "../tools.ts";
import { reasonArg } from "./list-args.ts";

const scheduleList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "What runs by the clock: the rule, the last and the next time (UTC)" },
    args: { json: jsonFlag, watch: watchFlag },
    run: async ({ args }) => {
      const schedules = await tools.ask(
        async ({ workflows }) => await workflows.schedules(),
        async (server) => (await server.call("GET /api/schedules")).schedules,
      );
      tools.print.table(schedules, {
        json: args.json,
        empty: "no schedules",
        columns: {
          name: (schedule) => schedule.name,
          cron: (schedule) => schedule.cron,
          workflow: (schedule) => schedule.workflow,
          last: (schedule) => ({ at: schedule.lastAt }),
          next: (schedule) => ({ at: schedule.nextAt }),
          paused: ({ paused }) =>
            paused === undefined
              ? ""
              : `since ${instantText(paused.at)} by ${paused.by}${paused.reason === undefined ? "" : `: ${paused.reason}`}`,
        },
      });
    },
  });

const nameArg = { name: { type: "positional", required: true, description: "The schedule's name" } } as const;

export const schedulesCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "schedules", description: "What runs by the clock: list, pause, resume, run" },
    args: { json: jsonFlag },
    run: (context) => scheduleList(tools).run?.(context),
    subCommands: {
      list: scheduleList(tools),
      pause: defineCommand({
        meta: { name: "pause", description: "Start nothing of it until it is resumed; what would have begun meanwhile is passed over" },
        args: { ...nameArg, ...reasonArg },
        run: async ({ args }) => {
          await tools.ask(
            async ({ workflows }) => await workflows.pauseSchedule(args.name, wordAtShell(args)),
            async (server) =>
              await server.call("POST /api/schedules/:name/pause", { params: { name: args.name }, body: { reason: args.reason } }),
          );
          tools.print.line(`paused: ${args.name}`);
        },
      }),
      resume: defineCommand({
        meta: { name: "resume", description: "Go on with the next time" },
        args: nameArg,
        run: async ({ args }) => {
          await tools.ask(
            async ({ workflows }) => await workflows.resumeSchedule(args.name),
            async (server) => await server.call("POST /api/schedules/:name/resume", { params: { name: args.name } }),
          );
          tools.print.line(`resumed: ${args.name}`);
        },
      }),
      run: defineCommand({
        meta: { name: "run", description: "Start its run now, beside its times" },
        args: nameArg,
        run: async ({ args }) => {
          const run = await tools.ask(
            async ({ workflows }) => await workflows.runSchedule(args.name),
            async (server) => (await server.call("POST /api/schedules/:name/run", { params: { name: args.name } })).run,
          );
          tools.print.line(`queued: ${run}`);
        },
      }),
    },
  });
