// Tools: what the command line's own commands get beside what every command gets: the settings, and an open app if they ask for one.

import { userInfo } from "node:os";
import type { CommandTools } from "../platform/command/contract.ts";
import type { ConfigCheck, Sections } from "../platform/config/index.ts";
import type { Asking } from "../platform/module.ts";
import type { Actor } from "../platform/vault/contract.ts";
import type { Word } from "../platform/workflow/acts.ts";
import type { App, AppOptions } from "../app.ts";
import type { AskedServer } from "./server.ts";

export interface OpenOptions {
  /** Take runs in this process. Default false: a client beside the app that works. */
  readonly work?: boolean;
  /** Open what answers HTTP in front of the routes. Default false. */
  readonly serves?: boolean;
  /** Names of the modules that are at work. Default: all. */
  readonly open?: readonly string[] | undefined;
  /** Log only what is amiss, unless the settings say otherwise: somebody reads along. Default true for a client. */
  readonly quiet?: boolean | undefined;
  /** Settings given by flags, by path: `{ "server.port": "9000" }`. */
  readonly settings?: Readonly<Record<string, string | undefined>>;
}

export interface Tools extends CommandTools, Asking<App, AskedServer> {
  /** From where settings are read, for a command that reads only its own: file, environment, flags. */
  where(settings?: OpenOptions["settings"]): Pick<AppOptions, "cwd" | "env" | "flags" | "file">;
  /** Reads the settings as they would be in force, all mistakes as values. */
  checkConfig(): Promise<ConfigCheck<Sections>>;
  /** Opens the app, once; the command line closes it when the command ends. */
  open(options?: OpenOptions): Promise<App>;
  /** The server that `--server` names, opened; undefined: this machine is meant. For a command that needs more than `ask`. */
  server(): Promise<AskedServer | undefined>;
}

/** Whose word it is at a shell: the user's of this machine. */
export function wordAtShell({ reason }: { readonly reason?: string | undefined }): Word {
  try {
    return { by: userInfo().username, reason };
  } catch {
    return { by: "shell", reason };
  }
}

/** Whom the vault sees behind the command line; what it may do is a matter of grants like any other role's. */
export const operatorAtShell = (command: string): Actor => ({ role: "operator", purpose: `cli ${command}` });
