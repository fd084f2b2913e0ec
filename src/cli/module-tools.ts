// Module tools: the command line as a module's commands see it.

import path from "node:path";
import { z } from "zod";
import { readConfig } from "../platform/config/index.ts";
import { StockroomError } from "../platform/errors.ts";
import type { AnyModule, ModuleApp, ModuleTools, OwnSettings } from "../platform/module.ts";
import type { App } from "../app.ts";
import type { Tools } from "./tools.ts";

/** Makes what the commands of `module` are given; `all` are the modules beside it and itself. */
export function moduleTools(tools: Tools, module: AnyModule, all: readonly AnyModule[]): ModuleTools<unknown> {
  const partOf = ({ modules, workflows }: App): ModuleApp<unknown> => {
    const found = modules.find((one) => one.module.name === module.name);
    if (found !== undefined) return { deps: found.parts.deps, workflows };
    throw new StockroomError("fault", "MODULE_UNKNOWN", `Expected the app to have the module ${module.name} but it has not.`);
  };
  return {
    ...tools,
    open: async () => partOf(await tools.open()),
    ask: async (here, there) => await tools.ask(async (app) => await here(partOf(app)), there),
    settings: () => readOwnSettings(tools, module, all),
  };
}

/**
 * Reads the settings of one module, of the server and of the log, as if the others were not there: their sections may hold anything.
 *
 * Throws `input` `CONFIG_INVALID` with every mistake at once.
 */
export function readOwnSettings(
  tools: Pick<Tools, "where">,
  module: AnyModule,
  all: readonly AnyModule[],
  flags: Readonly<Record<string, string | undefined>> = {},
): OwnSettings<unknown> {
  const place = tools.where(flags);
  const others = all.filter((one) => one !== module).map(({ name }) => [name, z.record(z.string(), z.unknown()).optional()] as const);
  const sections: Readonly<Record<string, z.ZodType>> = { ...Object.fromEntries(others), [module.name]: module.settings };
  const { values, file } = readConfig({ sections, ...place });
  const own: unknown = values[module.name];
  return { ...place, own, server: values.server, log: values.log, folder: file === undefined ? place.cwd : path.dirname(file) };
}

/** Lines for the help of a command of the platform's: what each module would try with it. */
export const examplesOf = (all: readonly AnyModule[], command: string): readonly string[] =>
  all.flatMap(({ examples }) => examples?.[command] ?? []);
