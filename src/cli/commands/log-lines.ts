// Lines of runs' logs, as `runs logs` and `logs` print them.

import { printable } from "../../platform/command/output.ts";
import { instantText } from "../../platform/figures.ts";
import type { RunLogLevel } from "../../platform/workflow/contract.ts";

export const runLogLevels = ["info", "warn", "error"] as const satisfies readonly RunLogLevel[];

export interface ShownLine {
  readonly at: string;
  readonly level: RunLogLevel;
  /** Of a line among those of other runs. */
  readonly run?: string;
  readonly step?: string | undefined;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export const logLineText = ({ at, level, run, step, message, facts }: ShownLine): string => {
  const told = Object.entries(facts).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const whose = run === undefined ? [] : [run];
  return printable([instantText(at), level.padEnd(5), ...whose, step === undefined ? "-" : `[${step}]`, message, ...told].join(" "));
};
