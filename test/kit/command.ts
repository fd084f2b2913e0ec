// Commands for tests: run as the command line runs them, but over an app that is open already: a process has one at most.

import { parseArgs } from "citty";
import { describeError, meanings } from "../../src/platform/errors.ts";
import { argsOf, checkArgs, findCall } from "../../src/cli/command.ts";
import { makeRoot } from "../../src/cli/root.ts";
import type { App } from "../../src/app.ts";
import type { TestPlace } from "./app.ts";

/** What a command printed (`out`), said on the side, and its exit code. */
export interface Told {
  readonly exit: number;
  readonly out: string;
  readonly said: string;
}

/**
 * Runs `stockroom` with these words.
 *
 * @example
 * const { out } = await runWords(place, app, ["forecast", "list", "--json"]);
 */
export async function runWords(place: TestPlace, app: App, words: readonly string[]): Promise<Told> {
  let out = "";
  let said = "";
  let exit = 0;
  const root = makeRoot({
    output: {
      columns: 100,
      live: false,
      print: (text) => void (out += `${text}\n`),
      write: (bytes) => {
        out += Buffer.from(bytes).toString("utf8");
        return Promise.resolve();
      },
      say: (text) => void (said += `${text}\n`),
    },
    signal: new AbortController().signal,
    cwd: place.home,
    version: "0.0.0-test",
    where: () => ({ cwd: place.home, env: place.env }),
    checkConfig: () => Promise.reject(new Error("not asked for here")),
    open: () => Promise.resolve(app),
    exitWith: (code) => void (exit = code),
  });
  try {
    const call = await findCall(root, words);
    await checkArgs(call);
    const rawArgs = [...call.rawArgs];
    await call.command.run?.({ rawArgs, args: parseArgs(rawArgs, await argsOf(call.command)), cmd: call.command });
  } catch (error) {
    const { kind, code, message } = describeError(error);
    exit = meanings[kind].exit;
    said += `${message} ${code}`;
  }
  return { exit, out, said };
}
