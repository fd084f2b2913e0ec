// Watch: a command that only looks, again and again: `--watch`.
//
//   W1. On a terminal each look takes the place of the one before, cut to its height. Elsewhere a look is printed when it differs from the one before.
//   W2. It ends with Ctrl-C, and with the first look that fails.

import { setTimeout as pause } from "node:timers/promises";
import type { Output } from "./output.ts";
import { argsOf } from "./declared.ts";
import { runCall, type Call } from "./parse.ts";

const usualMs = 2_000;

/** Whether a call asks for it, and its command allows it: only those that change nothing declare the flag. */
export async function isWatched({ command, rawArgs }: Call): Promise<boolean> {
  return (await argsOf(command))["watch"] !== undefined && rawArgs.some((word) => word === "--watch" || word === "--watch=true");
}

/** An output whose results can be held back to be shown at once. */
export interface HeldOutput extends Output {
  /** What `work` prints, in its order, without a line break at its end. Words to standard error are among it. */
  hold(work: () => Promise<void>): Promise<string>;
}

export function holdOutput(output: Output): HeldOutput {
  let held: string[] | undefined;
  const put = (text: string, to: "print" | "say"): void => {
    if (held === undefined) output[to](text);
    else held.push(text);
  };
  return {
    get columns() {
      return output.columns;
    },
    get terminalColumns() {
      return output.terminalColumns;
    },
    get terminalRows() {
      return output.terminalRows;
    },
    color: output.color,
    live: output.live,
    write: async (bytes) => await output.write(bytes),
    print: (text) => put(text, "print"),
    say: (text) => put(text, "say"),
    hold: async (work) => {
      const own: string[] = (held = []);
      try {
        await work();
      } finally {
        held = undefined;
      }
      return own.join("\n");
    },
  };
}

/** Looks until `stop` aborts, which rejects as aborting does. Throws what a look throws. */
export async function watchCall(call: Call, output: HeldOutput, stop: AbortSignal, everyMs = usualMs): Promise<void> {
  let shown: string | undefined;
  for (;;) {
    const text = await output.hold(async () => await runCall(call));
    const { terminalColumns, terminalRows = Number.POSITIVE_INFINITY } = output;
    if (terminalColumns !== undefined) output.print(pictureOf(text, terminalRows, everyMs));
    else if (text !== shown) output.print(shown === undefined ? text : `\n${text}`);
    shown = text;
    await pause(everyMs, undefined, { signal: stop });
  }
}

/** Over what stood there, without a flicker: each line is cleared to its end, and all below the last. */
function pictureOf(text: string, rows: number, everyMs: number): string {
  const all = text.split("\n");
  const lines = all.length < rows - 1 ? all : [...all.slice(0, rows - 3), `... and ${all.length - rows + 3} more lines`];
  const foot = `every ${everyMs / 1000} s; Ctrl-C ends it`;
  return `\u001B[H${[...lines, foot].map((line) => `${line}\u001B[K`).join("\n")}\u001B[J`;
}
