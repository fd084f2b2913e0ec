// extract: an extraction of the settings, now.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { waitFlag } from "../../platform/command/flags.ts";
import { newExtractRuns } from "../workflows/commands.ts";
import type { ClassifyTools } from "./tools.ts";
import { startRuns } from "./start-runs.ts";

export const extractCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "extract",
      description: "run an extraction of the settings (classify.extracts): a query's rows become sealed objects, one a country",
    },
    args: {
      name: { type: "positional", required: false, description: "which; absent: all" },
      period: { type: "string", description: "fills $period, e.g. 2026-10; absent: last month" },
      wait: waitFlag,
    },
    run: async ({ args }) => {
      const { name, period, wait } = args;
      await startRuns(tools, {
        here: (deps) => newExtractRuns(deps, args),
        there: async (server) => await server.call("POST /api/classify/extract", { body: { name, period } }),
        wait,
      });
    },
  });
