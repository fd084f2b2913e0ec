// Tools: what a command gets of the command line: an output, a signal, the flags, the settings, and an open app if it asks for one.

import type { ConfigCheck, Sections } from "../platform/config/index.ts";
import type { Actor } from "../platform/vault/contract.ts";
import type { App, AppOptions } from "../app.ts";
import type { Output } from "./output.ts";

export interface OpenOptions {
  /** Take runs in this process. Default false: a client beside the app that works. */
  readonly work?: boolean;
  /** Log only what is amiss, unless the settings say otherwise: somebody reads along. Default true for a client. */
  readonly quiet?: boolean | undefined;
  /** Settings given by flags, by path: `{ "server.port": "9000" }`. */
  readonly settings?: Readonly<Record<string, string | undefined>>;
}

export interface Tools {
  readonly output: Output;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly cwd: string;
  readonly version: string;
  /** From where settings are read, for a command that reads only its own: file, environment, flags. */
  where(settings?: OpenOptions["settings"]): Pick<AppOptions, "cwd" | "env" | "flags" | "file">;
  /** Reads the settings as they would be in force, all mistakes as values. */
  checkConfig(): Promise<ConfigCheck<Sections>>;
  /** Opens the app, once; the command line closes it when the command ends. */
  open(options?: OpenOptions): Promise<App>;
  /** The command ends with this code instead of 0: 1 for a fault, 2 for wrong input that it told of itself, 3 for partly done. */
  exitWith(code: 1 | 2 | 3): void;
}

/** Whom the vault sees behind the command line; what it may do is a matter of grants like any other role's. */
export const operatorAtShell = (command: string): Actor => ({ role: "operator", purpose: `cli ${command}` });

export const jsonFlag = { type: "boolean", description: "Print JSON" } as const;

export const limitFlag = { type: "string", description: "At most so many", valueHint: "n", default: "100" } as const;
