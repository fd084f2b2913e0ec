import { describe, expect, test } from "vitest";
import { defineCommand } from "./contract.ts";
import { watchFlag } from "./flags.ts";
import { makePrinter, type Output } from "./output.ts";
import { noFlags, type Call } from "./parse.ts";
import { holdOutput, isWatched, watchCall } from "./watch.ts";

type Memory = { -readonly [Part in keyof Output]: Output[Part] } & { readonly printed: string[] };

function memory(terminal?: { readonly columns: number; readonly rows: number }): Memory {
  const printed: string[] = [];
  return {
    printed,
    columns: 80,
    terminalColumns: terminal?.columns,
    terminalRows: terminal?.rows,
    live: false,
    print: (text) => void printed.push(text),
    write: async () => await Promise.resolve(),
    say: (text) => void printed.push(text),
  };
}

/** Looks as often as there are texts, then stops. */
async function watched(texts: readonly string[], output: Output): Promise<unknown> {
  const held = holdOutput(output);
  const stop = new AbortController();
  const left = [...texts];
  const command = defineCommand({
    args: { watch: watchFlag },
    run: () => {
      makePrinter(held).line(left.shift() ?? "");
      if (left.length === 0) stop.abort();
    },
  });
  const call: Call = { path: [], command, rawArgs: ["--watch"], flags: noFlags };
  expect(await isWatched(call)).toBe(true);
  return await watchCall(call, held, stop.signal, 10).catch((error: unknown) => error);
}

describe("watching", () => {
  test("shows each look that differs from the one before, where it goes to a file", async () => {
    const output = memory();
    expect(await watched(["one", "one", "two"], output)).toMatchObject({ name: "AbortError" });
    expect(output.printed).toEqual(["one", "\ntwo"]);
  });

  test("puts each look over the one before on a terminal, cut to its height", async () => {
    const output = memory({ columns: 80, rows: 6 });
    await watched(["a\nb\nc\nd\ne\nf"], output);
    expect(output.printed).toEqual([
      "\u001B[Ha\u001B[K\nb\u001B[K\nc\u001B[K\n... and 3 more lines\u001B[K\nevery 0.01 s; Ctrl-C ends it\u001B[K\u001B[J",
    ]);
  });

  test("is cut to the height that the terminal has at each look", async () => {
    const output = memory({ columns: 80, rows: 6 });
    output.print = (text) => {
      output.printed.push(text);
      output.terminalRows = undefined;
    };
    await watched(["a\nb\nc\nd\ne\nf", "a\nb\nc\nd\ne\nf"], output);
    expect(output.printed.map((text) => text.split("\n").length)).toEqual([5, 7]);
  });

  test("ends with the first look that fails, and holds nothing back then", async () => {
    const output = memory();
    const held = holdOutput(output);
    const command = defineCommand({
      args: { watch: watchFlag },
      run: () => {
        throw new Error("broken");
      },
    });
    const flags = noFlags;
    await expect(watchCall({ path: [], command, rawArgs: ["--watch"], flags }, held, new AbortController().signal)).rejects.toThrow(
      "broken",
    );
    held.say("why");
    expect(output.printed).toEqual(["why"]);
    expect(await isWatched({ path: [], command: defineCommand({ args: {} }), rawArgs: ["--watch"], flags })).toBe(false);
    expect(await isWatched({ path: [], command, rawArgs: [], flags })).toBe(false);
  });
});
