// What this module's commands need of the command line.

export type Cell = string | number | boolean | null | undefined;

export interface Printer {
  /** Aligned columns on a terminal; with `--json` one array of objects on standard output. */
  table(rows: readonly Readonly<Record<string, Cell>>[], options: { readonly json: boolean; readonly empty: string }): void;
  json(value: unknown): void;
  line(text: string): void;
  /** A word beside the result, to standard error: `--json` stays one document. */
  say(text: string): void;
}

/** How far a piece of work is: a bar on a terminal, plain lines in a log. */
export interface Progress {
  update(done: number, total: number, note?: string): void;
  end(): void;
}

/** What commands need that open no app. */
export interface DirectTools {
  readonly print: Printer;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly version: string;
  progress(title: string): Progress;
  /** The command ends with this exit code instead of 0: 3 for partly done. */
  exitWith(code: 3): void;
}
