// Run: one command from its words to its exit code. The process around it (signals, pipes) is main.ts.
//
//   M1. The house a verb opened is closed before the command ends, whatever happened.
//   M2. An error is four things: what was expected, what came, what to do, its code. The stack is for --debug.

import { readFile } from "node:fs/promises";
import { parseArgs } from "citty";
import { describeError, isStockroomError, meanings } from "../base/errors.ts";
import { concealText, makeLog } from "../base/log.ts";
import type { House, HouseOptions } from "../house.ts";
import { visible } from "../base/text.ts";
import { argsOf, checkArgs, findCall, renderHelp } from "./command.ts";
import type { GlobalFlags } from "./command.ts";
import type { Output } from "./output.ts";
import { makeRoot } from "./root.ts";
import type { OpenOptions, Tools } from "./tools.ts";

const noFlags: GlobalFlags = { home: undefined, config: undefined, debug: false, help: false };

/** What a command sees of the process it runs in. */
export interface World {
  readonly output: Output;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on Ctrl-C and when the reader of the output has gone away. */
  readonly stop: AbortSignal;
}

/** Runs the command and gives its exit code, or `stopped` if `stop` cut it short. */
export async function runCommand(argv: readonly string[], { output, cwd, env, stop }: World): Promise<number | "stopped"> {
  const version = await readVersion();
  if (argv[0] === "--version" || argv[0] === "-v") {
    output.print(version);
    return 0;
  }
  let flags = noFlags;
  let house: Promise<House> | undefined;
  let exit: number | "stopped" = 0;
  const where = (options: OpenOptions = {}) => ({
    cwd,
    env,
    file: flags.config,
    flags: { home: flags.home, ...(flags.debug ? { "log.level": "debug" } : {}), ...options.settings },
  });
  const tools: Tools = {
    output,
    signal: stop,
    cwd,
    version,
    where: (settings = {}) => where({ settings }),
    checkConfig: async () => (await import("../house.ts")).checkSettings(where()),
    open: (options = {}) => {
      house ??= openWith({ work: false, quiet: options.work !== true, ...options }, where(options), stop);
      return house;
    },
    exitWith: (code) => {
      exit = code;
    },
  };
  try {
    const call = await findCall(makeRoot(tools), argv);
    flags = call.flags;
    const { verb, rawArgs } = call;
    if (flags.help || (verb.run === undefined && rawArgs.length === 0)) {
      output.print((await renderHelp(call, output.columns)).trimEnd());
      return 0;
    }
    await checkArgs(call);
    const args = parseArgs([...rawArgs], await argsOf(verb));
    await verb.run?.({ rawArgs: [...rawArgs], args, cmd: verb });
  } catch (error) {
    exit = stop.aborted ? "stopped" : tell(error, output, flags.debug);
  } finally {
    exit = await closed(house, exit, output, flags.debug);
  }
  return exit;
}

/** A house that works tells its story; one that somebody reads along only what is amiss, unless the settings ask for more. */
async function openWith(
  { work, quiet }: Pick<OpenOptions, "quiet"> & { work: boolean },
  options: Omit<HouseOptions, "work">,
  signal: AbortSignal,
): Promise<House> {
  const { logOf, openHouse, readSettings } = await import("../house.ts");
  const { values, origins } = readSettings(options);
  const log = !(quiet ?? false) || origins.has("log.level") ? logOf(values) : makeLog({ level: "warn", format: "pretty" });
  return await openHouse({ ...options, work, log, signal });
}

async function closed<Exit>(house: Promise<House> | undefined, exit: Exit, output: Output, debug: boolean): Promise<Exit | number> {
  // A house that failed to open has told so already and holds nothing.
  const open = await house?.catch(() => undefined);
  if (open === undefined) return exit;
  try {
    await open.close();
    return exit;
  } catch (error) {
    return tell(error, output, debug);
  }
}

/** Prints an error for people and gives the exit code of its kind. */
function tell(error: unknown, output: Output, debug: boolean): number {
  const { kind, code, message, facts } = describeError(error);
  const details = Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${String(value)}`]));
  const words = isStockroomError(error)
    ? message
    : `Expected this to work but it failed: ${message}. Run it again with --debug for the details.`;
  output.say(visible(concealText(`stockroom: ${words}\n  ${[code, ...details.map((each) => visible(each))].join("  ")}`), "\n\t"));
  if (debug) {
    for (let at = error; at instanceof Error; at = at.cause) output.say(visible(concealText(at.stack ?? at.message), "\n\t"));
  }
  return meanings[kind].exit;
}

async function readVersion(): Promise<string> {
  const { version }: { version: string } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  return version;
}
