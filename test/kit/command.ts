// Commands for tests: run as the command line runs them, but over an app that is open already: a process has one at most.

import { describeError, meanings } from "../../src/platform/errors.ts";
import { makeCommandTools } from "../../src/platform/command/output.ts";
import type { Output } from "../../src/platform/command/output.ts";
import { findCall, runCall } from "../../src/platform/command/parse.ts";
import { makeRoot } from "../../src/cli/root.ts";
import type { App } from "../../src/app.ts";
import { modules } from "../../src/modules.ts";
import type { AnyModule } from "../../src/platform/module.ts";
import type { TestPlace } from "./app.ts";
import { askingHere } from "./tools.ts";

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
 * const { out } = await runWords(place, app, ["forecasts", "list", "--json"]);
 */
export async function runWords(place: TestPlace, app: App, words: readonly string[], all: readonly AnyModule[] = modules): Promise<Told> {
  let out = "";
  let said = "";
  let exit = 0;
  const output: Output = {
    columns: 100,
    live: false,
    print: (text) => void (out += `${text}\n`),
    write: (bytes) => {
      out += Buffer.from(bytes).toString("utf8");
      return Promise.resolve();
    },
    say: (text) => void (said += `${text}\n`),
  };
  const signal = new AbortController().signal;
  const root = makeRoot(
    {
      ...makeCommandTools(output, { signal, cwd: place.home, version: "0.0.0-test", exitWith: (code) => void (exit = code) }),
      where: () => ({ cwd: place.home, env: place.env }),
      checkConfig: () => Promise.reject(new Error("not asked for here")),
      open: () => Promise.resolve(app),
      ...askingHere(() => Promise.resolve(app)),
    },
    all,
  );
  try {
    await runCall(await findCall(root, words));
  } catch (error) {
    const { kind, code, message } = describeError(error);
    exit = meanings[kind].exit;
    said += `${message} ${code}`;
  }
  return { exit, out, said };
}
