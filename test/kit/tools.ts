// Tools for commands under test: silent but for what a test listens to.

import process from "node:process";
import type { AppCommandTools, CommandTools, Printer } from "../../src/platform/command/contract.ts";

const nothing = (): void => undefined;

/** Tools that print only into what is given; there is no app behind them to open. */
export function quietTools(print: Partial<Printer> = {}, more: Partial<CommandTools> = {}): AppCommandTools<never> {
  return {
    print: { isTerminal: false, table: nothing, json: nothing, line: nothing, say: nothing, bytes: () => Promise.resolve(), ...print },
    signal: new AbortController().signal,
    cwd: process.cwd(),
    version: "0.0.0-test",
    progress: () => ({ update: nothing, end: nothing }),
    exitWith: nothing,
    open: () => Promise.reject(new Error("Expected a command that opens no app but it did.")),
    ...more,
  };
}
