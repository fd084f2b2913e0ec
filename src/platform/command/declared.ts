// Declared: what a command declares. citty allows every part of a declaration to be a value, a promise, or a function that gives either, so that
// a command is loaded only when somebody calls it.

import type { ArgsDef } from "citty";
import type { Command } from "./contract.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- citty's `Resolvable` of any of the parts.
export async function resolve<T>(value: any): Promise<T | undefined> {
  return typeof value === "function" ? await value() : await value;
}

export const argsOf = async (command: Command): Promise<ArgsDef> => (await resolve<ArgsDef>(command.args)) ?? {};

/** The commands below this one, not yet loaded. */
export const childrenOf = async (command: Command): Promise<Record<string, unknown>> =>
  (await resolve<Record<string, unknown>>(command.subCommands)) ?? {};

export const descriptionOf = async (command: Command): Promise<string> =>
  (await resolve<{ description?: string }>(command.meta))?.description ?? "";
