// up, worker: the app at work until Ctrl-C.

import { once } from "node:events";
import process from "node:process";
import { defineCommand, type Flags } from "../../platform/command/contract.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { AnyModule } from "../../platform/module.ts";
import { didYouMean } from "../../platform/similar.ts";
import { examplesOf, readOwnSettings } from "../module-tools.ts";
import type { Tools } from "../tools.ts";
import { showSample } from "./demo.ts";
import { hasScreen, showInBrowser } from "./open.ts";

/** Flags that modules have where they are opened alone, with whose they are. */
const aloneFlags = (all: readonly AnyModule[]): readonly (readonly [flag: string, module: AnyModule])[] =>
  all.flatMap((module) => Object.keys(module.alone?.args ?? {}).map((flag) => [flag, module] as const));

export const upCommand = (tools: Tools, all: readonly AnyModule[]) => {
  const args: Flags = {
    ...moduleWords(all),
    ...Object.assign({}, ...all.map(({ alone }) => alone?.args ?? {})),
    demo: { type: "boolean", description: "Put the sample shop in first and follow it through" },
    open: { type: "boolean", description: "Show the console in a browser, where this machine has a screen" },
    host: {
      type: "string",
      description: "Address to listen on (server.host); beyond this machine it needs a token",
      valueHint: "address",
    },
    port: { type: "string", description: "Port to listen on (server.port); 0 takes any free one", valueHint: "port" },
  };
  return defineCommand({
    meta: {
      name: "up",
      description: `Open Stockroom: take runs, relay events, watch the inbox, serve HTTP; until Ctrl-C
Examples:
${["stockroom up", "stockroom up --demo --port 0", ...examplesOf(all, "up")].map((line) => `  ${line}`).join("\n")}
Everything runs in this process; more workers beside it: stockroom worker`,
    },
    args,
    run: async ({ args: given, rawArgs }) => {
      const text = (flag: string): string | undefined => (typeof given[flag] === "string" ? given[flag] : undefined);
      const named = readModules(given._, all);
      const server = { "server.host": text("host"), "server.port": text("port") };
      const [only] = named.length === 1 ? named : [];
      const stray = aloneFlags(all).find(([flag, module]) => text(flag) !== undefined && module !== only);
      if (stray !== undefined) {
        const [flag, { name }] = stray;
        throw new StockroomError(
          "input",
          "USAGE",
          `Expected --${flag} beside \`up ${name}\` only. Beside other modules, name the same in stockroom.yaml.`,
        );
      }
      const demo = given["demo"] === true;
      if (demo && named.length > 0 && named.every(({ sample }) => sample === undefined)) {
        const [one] = named;
        throw new StockroomError(
          "input",
          "USAGE",
          `Expected --demo beside modules with a sample but ${one?.name ?? ""} has none. Leave it out.`,
        );
      }
      if (only?.alone !== undefined) {
        const own = Object.entries(only.alone.flags).map(([flag, setting]) => [setting, text(flag)] as const);
        await upAlone(tools, only.alone, readOwnSettings(tools, only, all, { ...server, ...Object.fromEntries(own) }), rawArgs);
      } else {
        await upApp(tools, { open: namesOf(named), demo, isShown: given["open"] === true, server });
      }
    },
  });
};

/** The names of modules, as `up` and `worker` take them. */
function moduleWords(all: readonly AnyModule[]): Flags {
  const names = all.map(({ name }) => name);
  return {
    modules: {
      type: "positional",
      required: false,
      description: `Which modules: ${names.join(", ")} (default: all)`,
      valueHint: `${names.join("|")}...`,
    },
  };
}

/** The modules that were named, each once; throws `input` `USAGE`. */
function readModules(words: readonly string[], all: readonly AnyModule[]): readonly AnyModule[] {
  const names = all.map(({ name }) => name);
  const found = words.map((word) => {
    const module = all.find(({ name }) => name === word);
    if (module !== undefined) return module;
    const meant = didYouMean(word, names);
    throw new StockroomError("input", "USAGE", `Expected MODULES of ${names.join(", ")} but received "${word}".${meant || " Correct it."}`);
  });
  return [...new Set(found)];
}

/** None named are all. */
const namesOf = (named: readonly AnyModule[]): readonly string[] | undefined =>
  named.length === 0 ? undefined : named.map(({ name }) => name);

interface UpOptions {
  readonly open: readonly string[] | undefined;
  readonly demo: boolean;
  /** In a browser. */
  readonly isShown: boolean;
  readonly server: Readonly<Record<string, string | undefined>>;
}

/** The app with all modules, those that were named at work. */
async function upApp(tools: Tools, { open, demo, isShown, server: settings }: UpOptions): Promise<void> {
  const app = await tools.open({ work: true, serves: true, quiet: demo, settings, open });
  const { appProbes } = await import("../../app.ts");
  const { openEntrance, openServer } = await import("../../server/index.ts");
  const server = await openServer({
    deps: app,
    settings: app.settings.server,
    entrance: openEntrance(app),
    version: tools.version,
    modules: app.modules,
    probes: appProbes(app),
  });
  try {
    const what = open === undefined ? "" : ` for ${open.join(", ")}`;
    tools.print.say(`Stockroom is open${what} at ${server.url} (home ${app.settings.home}). Ctrl-C closes it.`);
    tools.print.say(`Its console: ${server.url}/console/`);
    if (isShown && hasScreen(process.env)) await showInBrowser(`${server.url}/console/`);
    if (demo) await showSample(tools, app, server.url);
    await untilStopped(tools.signal);
  } finally {
    await server.close();
  }
}

/** One module by itself: no database, open in well under a second. */
async function upAlone(
  tools: Tools,
  alone: NonNullable<AnyModule["alone"]>,
  settings: ReturnType<typeof readOwnSettings>,
  words: readonly string[],
): Promise<void> {
  const server = await alone.open(settings, words);
  try {
    tools.print.say(`${server.about} Ctrl-C closes it.`);
    await untilStopped(tools.signal);
  } finally {
    await server.close();
  }
}

export const workerCommand = (tools: Tools, all: readonly AnyModule[]) =>
  defineCommand({
    meta: {
      name: "worker",
      description: `One more worker on the same database and store, without HTTP; until Ctrl-C
On another machine give it the same DATABASE_URL, store and key file.`,
    },
    args: moduleWords(all),
    run: async ({ args: given }) => {
      const open = namesOf(readModules(given._, all));
      const app = await tools.open({ work: true, open });
      const what = open === undefined ? "" : ` of ${open.join(", ")}`;
      tools.print.say(`This worker takes runs${what} (home ${app.settings.home}). Ctrl-C stops it; what it leaves is taken up by others.`);
      await untilStopped(tools.signal);
    },
  });

async function untilStopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
