// Run: one command from its words to its exit code. The process around it (signals, pipes) is main.ts.
//
//   M1. The app a command opened is closed before the command ends, whatever happened.
//   M2. An error is four things: what was expected, what came, what to do, its code. The stack is for --debug.

import { readFile } from "node:fs/promises";
import { renderHelp } from "../platform/command/help.ts";
import { makeCommandTools } from "../platform/command/output.ts";
import type { Output } from "../platform/command/output.ts";
import { findCall, noFlags, runCall, type GlobalFlags } from "../platform/command/parse.ts";
import { holdOutput, isWatched, watchCall } from "../platform/command/watch.ts";
import { describeError, isStockroomError, meanings, StockroomError } from "../platform/errors.ts";
import type { App, AppOptions } from "../app.ts";
import { visible } from "../platform/text.ts";
import type { AskedServer, ServerPlace } from "./server.ts";
import { checkAsks } from "./stays-here.ts";
import type { OpenOptions, Tools } from "./tools.ts";

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
  let app: Promise<App> | undefined;
  let exit: number | "stopped" = 0;
  const where = (options: OpenOptions = {}) => ({
    cwd,
    env,
    file: flags.config,
    flags: { home: flags.home, ...(flags.debug ? { "log.level": "debug" } : {}), ...options.settings },
  });
  const held = holdOutput(output);
  const common = makeCommandTools(held, {
    signal: stop,
    cwd,
    version,
    exitWith: (code) => {
      exit = code;
    },
  });
  let server: Promise<AskedServer | undefined> | undefined;
  const tools: Tools = {
    ...common,
    server: () => {
      server ??= openNamed({ flags, env, cwd, version, signal: stop, say: (text) => output.say(text) });
      return server;
    },
    ask: async (here, there) => {
      const asked = await tools.server();
      return asked === undefined ? await here(await tools.open()) : await there(asked);
    },
    where: (settings = {}) => where({ settings }),
    checkConfig: async () => (await import("../app.ts")).checkSettings(where()),
    open: (options = {}) => {
      if (isServerNamed(flags, env)) throw unasked();
      app ??= openWith(
        { work: false, quiet: options.work !== true, ...options },
        { ...where(options), open: options.open, serves: options.serves },
        stop,
      );
      return app;
    },
  };
  try {
    const [{ makeRoot }, { modules }] = await Promise.all([import("./root.ts"), import("../modules.ts")]);
    const call = await findCall(makeRoot(tools), argv);
    flags = call.flags;
    if (call.former !== undefined)
      output.say(`note: \`stockroom ${call.former.old}\` is \`stockroom ${call.former.now}\` now; both do the same`);
    const byFlag = flags.server !== undefined;
    if (!flags.help && isServerNamed(flags, env)) checkAsks(call.path, byFlag, modules);
    if (flags.help || (call.command.run === undefined && call.rawArgs.length === 0)) {
      output.print((await renderHelp(call, output.columns)).trimEnd());
      return 0;
    }
    await ((await isWatched(call)) ? watchCall(call, held, stop) : runCall(call));
  } catch (error) {
    exit = stop.aborted ? "stopped" : await tell(error, output, flags.debug);
  } finally {
    exit = await closed(app, exit, output, flags.debug);
  }
  return exit;
}

const isServerNamed = (flags: Pick<GlobalFlags, "server">, env: World["env"]): boolean =>
  flags.server !== undefined || (env["STOCKROOM_SERVER"] ?? "").trim() !== "";

/** A command that opens this machine's app though a server was named: none may. */
const unasked = (): StockroomError =>
  new StockroomError(
    "fault",
    "SERVER_PASSED_OVER",
    "Expected the named server to be asked but the command wanted this machine's. Report this.",
  );

/** The server that flags or environment name, if they do; what opens it is loaded only then. */
async function openNamed(place: ServerPlace): Promise<AskedServer | undefined> {
  if (!isServerNamed(place.flags, place.env)) return undefined;
  return await (await import("./server.ts")).openServer(place);
}

/** An app that works tells its story; one that somebody reads along only what is amiss, unless the settings ask for more. */
async function openWith(
  { work, quiet }: Pick<OpenOptions, "quiet"> & { work: boolean },
  options: Omit<AppOptions, "work">,
  signal: AbortSignal,
): Promise<App> {
  const { logOf, openApp, readSettings } = await import("../app.ts");
  const { makeLog } = await import("../platform/log.ts");
  const { values, origins } = readSettings(options);
  const log = !(quiet ?? false) || origins.has("log.level") ? logOf(values) : makeLog({ level: "warn", format: "pretty" });
  return await openApp({ ...options, work, log, signal });
}

async function closed<Exit>(app: Promise<App> | undefined, exit: Exit, output: Output, debug: boolean): Promise<Exit | number> {
  // An app that failed to open has told so already and holds nothing.
  const open = await app?.catch(() => undefined);
  if (open === undefined) return exit;
  try {
    await open.close();
    return exit;
  } catch (error) {
    return await tell(error, output, debug);
  }
}

/** Prints an error for people and gives the exit code of its kind. */
async function tell(error: unknown, output: Output, debug: boolean): Promise<number> {
  const { concealText } = await import("../platform/log.ts");
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
