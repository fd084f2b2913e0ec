// The commands that work on files alone: no app is opened.

import type { Command, CommandTools } from "../../platform/command/contract.ts";
import { accuracyCommand } from "./accuracy.ts";
import { explainCommand } from "./explain.ts";
import { replenishCommand } from "./replenish.ts";
import { whatifCommand } from "./whatif.ts";
import { lookCommand } from "./look.ts";
import { runCommand } from "./run.ts";

/** `run` and its companions, to be mounted under `stockroom forecast`. */
export function makeDirectCommands(tools: CommandTools): Record<string, Command> {
  return {
    look: lookCommand(tools),
    run: runCommand(tools),
    accuracy: accuracyCommand(tools),
    whatif: whatifCommand(tools),
    explain: explainCommand(tools),
    replenish: replenishCommand(tools),
  };
}
