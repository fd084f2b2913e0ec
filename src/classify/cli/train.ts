// train: lines again, on all their current labelled files.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { waitFlag } from "../../platform/command/flags.ts";
import { newTrainRuns } from "../workflows/commands.ts";
import type { ClassifyTools } from "./tools.ts";
import { startRuns } from "./start-runs.ts";

export const trainCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "train", description: "train lines again on all their current labelled files (and all answers of reviewers)" },
    args: { line: { type: "string", description: "only this line" }, wait: waitFlag },
    run: async ({ args }) => {
      const { line, wait } = args;
      await startRuns(tools, {
        here: async (deps) => await newTrainRuns(deps, args),
        there: async (server) => await server.call("POST /api/classify/train", { body: { line } }),
        empty: "No line yet: nothing to train.",
        wait,
      });
    },
  });
