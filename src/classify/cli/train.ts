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
      const { deps } = await tools.open();
      const runs = await newTrainRuns(deps, args);
      if (runs.length === 0) tools.print.line("No line yet: nothing to train.");
      await startRuns(tools, runs, args.wait);
    },
  });
