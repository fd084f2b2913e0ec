// infer: a period's sales again, with today's champions.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { waitFlag } from "../../platform/command/flags.ts";
import { newInferRuns } from "../workflows/commands.ts";
import type { ClassifyTools } from "./tools.ts";
import { startRuns } from "./start-runs.ts";

export const inferCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "infer", description: "code a period's sales again with today's champions (done by itself when sales arrive)" },
    args: {
      period: { type: "string", required: true, description: "e.g. 2026-10" },
      line: { type: "string", description: "only this line" },
      wait: waitFlag,
    },
    run: async ({ args }) => {
      const { period, line, wait } = args;
      await startRuns(tools, {
        here: async (deps) => await newInferRuns(deps, args),
        there: async (server) => await server.call("POST /api/classify/infer", { body: { period, line } }),
        wait,
      });
    },
  });
