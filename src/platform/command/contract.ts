// Command: the one contract of the command line. A command declares its words, gets tools, prints a result; the rest is done around it.
//
// Owns: the shape of a command, what it may print, flags that many share and how their texts are read (flags.ts), parsing (parse.ts),
// help (help.ts), tables and progress (output.ts). Does not own: what commands do, the process around them (src/cli).
//   C1. A flag or a word that is not declared never passes; it is an error that names the nearest declared one.
//   C2. Help comes from the same declarations that parsing reads, so that it cannot be out of date.
//   C3. `--json` gives one JSON document and nothing else on standard output.

import { defineCommand as defineWithCitty } from "citty";
import type { ArgsDef, CommandDef } from "citty";

/** A command of any shape. */
// oxlint-disable-next-line typescript/no-explicit-any -- a tree holds commands with arguments of every type; `any` is how citty's own types say so.
export type Command = CommandDef<any> & {
  /** Of a group: the command below it that a word is for which names a file and no command: `stockroom forecast sales.csv`. */
  readonly forFiles?: string;
  /** Of the root: commands by the words they had before. */
  readonly formerWords?: readonly FormerWords[];
};

/** A command that has another name now. */
export interface FormerWords {
  readonly old: string;
  readonly now: string;
  /** Former only where a word follows, and none of these. */
  readonly unlessBefore?: readonly string[];
}

/** Why a command is never asked of a server elsewhere. */
export interface StaysHere {
  /** `files`: asks no installation at all. `installation`: works on the one of this machine. */
  readonly kind: "files" | "installation";
  readonly why: string;
}

/** Commands by the word that calls them. */
export type Commands = Readonly<Record<string, Command>>;

/** A declaration of words: positionals and flags by name. */
export type Flags = ArgsDef;

/** What a command is made with: the same as citty's, with the type of its arguments inferred and then forgotten. */
export const defineCommand = <const Args extends ArgsDef>(command: CommandDef<Args>): Command => defineWithCitty(command);

/** A noun: its verbs, and alone what its `list` gives without its words. */
export function nounCommand(
  meta: { readonly name: string; readonly description: string },
  { list, ...verbs }: Readonly<Record<string, Command>> & { readonly list: Command },
): Command {
  const args = Object.entries((list.args ?? {}) as ArgsDef).filter(([, def]) => def.type !== "positional");
  return { meta, args: Object.fromEntries(args), run: (context) => list.run?.(context), subCommands: { list, ...verbs } };
}

/** A point in time in a table: how long ago on a terminal, in full elsewhere. */
export interface Instant {
  /** ISO 8601; undefined: never. */
  readonly at: string | undefined;
}

/** What stands in one place of a table. */
export type Cell = string | number | boolean | null | undefined | Instant;

/** What is printed of rows. */
export interface TableOptions<Row> {
  /** The rows themselves as one JSON array, whatever the columns. */
  readonly json: boolean;
  /** Said instead of a table without rows. */
  readonly empty: string;
  /** Columns in their order; absent: the fields of the first row. */
  readonly columns?: Readonly<Record<string, (row: Row) => Cell>>;
}

/** Results go to standard output, everything said about them to standard error. */
export interface Printer {
  /** A person sees standard output. */
  readonly isTerminal: boolean;
  table<Row extends object>(rows: readonly Row[], options: TableOptions<Row>): void;
  json(value: unknown): void;
  /** One or more whole lines. */
  line(text: string): void;
  /** Bytes as they are, waiting while the reader is slow. */
  bytes(bytes: Uint8Array): Promise<void>;
  /** A word beside the result, to standard error: `--json` stays one document. */
  say(text: string): void;
}

/** How far a piece of work is: a bar on a terminal, plain lines in a log. */
export interface Progress {
  update(done: number, total: number, note?: string): void;
  end(): void;
}

/** What every command gets of the command line. */
export interface CommandTools {
  readonly print: Printer;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Paths that a person typed are meant from here. */
  readonly cwd: string;
  readonly version: string;
  progress(title: string): Progress;
  /** The command ends with this code instead of 0: 1 for a fault, 2 for wrong input that it told of itself, 3 for partly done. */
  exitWith(code: 1 | 2 | 3): void;
}

/** The same with an app behind it, as one module's commands see it. The command line closes it when the command ends. */
export interface AppCommandTools<App> extends CommandTools {
  /** Opens the app without taking runs, once. Throws what opening throws. */
  open(): Promise<App>;
}
