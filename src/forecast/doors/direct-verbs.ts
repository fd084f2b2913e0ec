// The commands that work on files alone: no house is opened.

import type { CommandDef } from "citty";
import { accuracyVerb } from "./accuracy-verb.ts";
import { explainVerb } from "./explain-verb.ts";
import { replenishVerb } from "./replenish-verb.ts";
import { whatifVerb } from "./whatif-verb.ts";
import { runVerb } from "./run-verb.ts";
import type { DirectTools } from "./tools.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

/** `run` and its companions, to be mounted under `stockroom forecast`. */
export function makeDirectVerbs(tools: DirectTools): Record<string, AnyCommand> {
  return {
    run: runVerb(tools),
    accuracy: accuracyVerb(tools),
    whatif: whatifVerb(tools),
    explain: explainVerb(tools),
    replenish: replenishVerb(tools),
  };
}
