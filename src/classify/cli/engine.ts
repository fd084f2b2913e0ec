// The commands of the engine: fit, predict, evaluate. Files in, files out; no app is opened, nothing else is touched.
//
//   E1. The same files, options and seed give the same bytes: the date of a model comes from the data, never from the clock.
//   E2. An output appears whole under its name or not at all.
//   E3. Bad rows end up in OUTPUT.bad.jsonl with line and reason, and the exit code is 3. Past a bound (--max-bad) the file is refused as a whole.

import type { Command, CommandTools } from "../../platform/command/contract.ts";
import { exportCommand } from "./export.ts";
import { evaluateCommand } from "./evaluate.ts";
import { fitCommand } from "./fit.ts";
import { predictCommand } from "./predict.ts";

/** `fit`, `predict`, `evaluate`, `export`, to be mounted under `stockroom classify`. */
export function makeEngineCommands(tools: CommandTools): Record<string, Command> {
  return { fit: fitCommand(tools), predict: predictCommand(tools), evaluate: evaluateCommand(tools), export: exportCommand(tools) };
}
