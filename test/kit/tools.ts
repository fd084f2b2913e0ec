// Tools for commands under test: silent but for what a test listens to.

import process from "node:process";
import type { Asking } from "../../src/platform/module.ts";
import type { AppCommandTools, CommandTools, Printer } from "../../src/platform/command/contract.ts";

const nothing = (): void => undefined;

/** Tools that print only into what is given; there is no app behind them to open. */
export function quietTools(
  print: Partial<Printer> = {},
  more: Partial<CommandTools> = {},
): AppCommandTools<never> & Asking<never, never> & { server(): Promise<undefined> } {
  return {
    print: { isTerminal: false, table: nothing, json: nothing, line: nothing, say: nothing, bytes: () => Promise.resolve(), ...print },
    signal: new AbortController().signal,
    cwd: process.cwd(),
    version: "0.0.0-test",
    progress: () => ({ update: nothing, end: nothing }),
    exitWith: nothing,
    open: () => Promise.reject(new Error("Expected a command that opens no app but it did.")),
    ask: () => Promise.reject(new Error("Expected a command that asks no app but it did.")),
    server: () => Promise.resolve(undefined),
    ...more,
  };
}

/** What a command asks where no server is named: the app. */
export const askingHere = <App>(open: () => Promise<App>): Asking<App, never> & { server(): Promise<undefined> } => ({
  ask: async (here) => await here(await open()),
  server: () => Promise.resolve(undefined),
});
