// Every command that a document tells to type exists: its command, its flags, the number of its words. Nothing runs.

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { blocksOf, commandsOf, spansOf } from "../../test/kit/documents.ts";
import { findCall, readArgs } from "../platform/command/parse.ts";
import { quietTools } from "../../test/kit/tools.ts";
import { makeRoot } from "./root.ts";
import type { Tools } from "./tools.ts";

const no = (): never => {
  throw new Error("nothing is to run here");
};
const tools: Tools = {
  ...quietTools(),
  where: no,
  checkConfig: no,
  open: no,
};

/** Lines of a document's blocks, and of its text, that call stockroom. */
function callsIn(markdown: string): string[][] {
  return [...blocksOf(markdown), ...spansOf(markdown)]
    .flatMap(commandsOf)
    .filter(([name = ""]) => /^(\.\/bin\/)?stockroom$/.test(name))
    .map(([, ...words]) => words)
    .filter((words) => words.length > 0 && !words.includes("COMMAND"));
}

async function problem(words: readonly string[]): Promise<string | undefined> {
  try {
    const call = await findCall(makeRoot(tools), words);
    if (!call.flags.help && call.command.run === undefined) return "is a group of commands, none of them named";
    if (!call.flags.help) await readArgs(call);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

describe("commands in documents", () => {
  it.each(["README.md", "RUNBOOK.md"])("%s names only commands that there are", async (name) => {
    const calls = callsIn(readFileSync(path.join(import.meta.dirname, "../..", name), "utf8"));
    expect(calls.length).toBeGreaterThan(15);
    const wrong = [];
    for (const words of calls) {
      const told = await problem(words);
      if (told !== undefined) wrong.push(`${words.join(" ")}: ${told}`);
    }
    expect(wrong).toEqual([]);
  });

  it("finds what is wrong with a line", async () => {
    const text = "Text\n\n    A=1 ./bin/stockroom runs lst && stockroom put a b --tpye x   # why: stockroom no\n    stockroom put 'a; b'\n";
    const calls = callsIn(text);
    expect(calls).toEqual([
      ["runs", "lst"],
      ["put", "a", "b", "--tpye", "x"],
      ["put", "a; b"],
    ]);
    const told = await Promise.all(calls.map(problem));
    expect(told.map((each) => /lst|tpye|KEY/.exec(each ?? "")?.[0])).toEqual(["lst", "tpye", "KEY"]);
  });
});
