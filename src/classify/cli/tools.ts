// What this module's commands need of the command line: an open app when they ask for one, and a way to print.

import type { Json, WorkflowDefinition, Workflows } from "../../platform/workflow/contract.ts";
import type { ClassifyDeps } from "../workflows/deps.ts";

/** The app as the commands of this module see it. Closed by the command line when the command ends. */
export interface ClassifyApp {
  readonly deps: ClassifyDeps;
  readonly workflows: Pick<Workflows, "start" | "outcome">;
}

/** A column of a printed table. */
export type Cell = string | number | boolean | null | undefined;

export interface Printer {
  /** Aligned columns on a terminal; with `--json` one array of objects on standard output. */
  table(rows: readonly Readonly<Record<string, Cell>>[], options: { readonly json: boolean; readonly empty: string }): void;
  json(value: unknown): void;
  line(text: string): void;
  /** A word beside the result, to standard error: `--json` stays one document. */
  say(text: string): void;
}

export interface CommandTools {
  /** Opens the app without taking runs. Throws what opening throws. */
  open(): Promise<ClassifyApp>;
  readonly print: Printer;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** The command ends with this exit code instead of 0: 3 for partly done. */
  exitWith(code: 3): void;
}

export type AnyWorkflow = WorkflowDefinition<Json>;
