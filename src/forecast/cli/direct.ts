// The commands that work on files alone: no app is opened.

import type { CommandDef } from "citty";
import { accuracyCommand } from "./accuracy.ts";
import { explainCommand } from "./explain.ts";
import { replenishCommand } from "./replenish.ts";
import { whatifCommand } from "./whatif.ts";
import { runCommand } from "./run.ts";
import type { DirectTools } from "./tools.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

/** `run` and its companions, to be mounted under `stockroom forecast`. */
export function makeDirectCommands(tools: DirectTools): Record<string, AnyCommand> {
  return {
    run: runCommand(tools),
    accuracy: accuracyCommand(tools),
    whatif: whatifCommand(tools),
    explain: explainCommand(tools),
    replenish: replenishCommand(tools),
  };
}
