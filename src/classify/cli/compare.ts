// compare: models with their champions, on unseen items.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { waitFlag } from "../../platform/command/flags.ts";
import { newCompareRuns } from "../workflows/commands.ts";
import type { ClassifyTools } from "./tools.ts";
import { startRuns } from "./start-runs.ts";

export const compareCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "compare", description: "compare models with their champions on unseen items (done by itself after every training)" },
    args: {
      line: { type: "string", description: "only this line" },
      model: { type: "string", description: "only this model" },
      wait: waitFlag,
    },
    run: async ({ args }) => {
      const { line, model, wait } = args;
      await startRuns(tools, {
        here: async (deps) => await newCompareRuns(deps, args),
        there: async (server) => await server.call("POST /api/classify/compare", { body: { line, model } }),
        empty: "No model yet: nothing to compare.",
        wait,
      });
    },
  });
