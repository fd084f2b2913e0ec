// Commands for tests: run as the command line runs them, but over a house that is open already: a process has one at most.

import { parseArgs } from "citty";
import { describeError, meanings } from "../../src/base/errors.ts";
import { argsOf, checkArgs, findCall } from "../../src/cli/command.ts";
import { makeRoot } from "../../src/cli/root.ts";
import type { House } from "../../src/house.ts";
import type { TestPlace } from "./house.ts";

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
 * const { out } = await runWords(place, house, ["forecast", "list", "--json"]);
 */
export async function runWords(place: TestPlace, house: House, words: readonly string[]): Promise<Told> {
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
    open: () => Promise.resolve(house),
    exitWith: (code) => void (exit = code),
  });
  try {
    const call = await findCall(root, words);
    await checkArgs(call);
    const rawArgs = [...call.rawArgs];
    await call.verb.run?.({ rawArgs, args: parseArgs(rawArgs, await argsOf(call.verb)), cmd: call.verb });
  } catch (error) {
    const { kind, code, message } = describeError(error);
    exit = meanings[kind].exit;
    said += `${message} ${code}`;
  }
  return { exit, out, said };
}
