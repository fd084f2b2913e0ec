// Every command that a document tells to type exists: its command, its flags, the number of its words; and every command that exists stands in a
// document. Nothing runs.

import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { blocksOf, commandsOf, spansOf } from "../../test/kit/documents.ts";
import type { Command } from "../platform/command/contract.ts";
import { childrenOf, resolve } from "../platform/command/declared.ts";
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

const top = path.join(import.meta.dirname, "../..");
const read = (name: string): string => readFileSync(path.join(top, name), "utf8");
const documents = [
  "README.md",
  "RUNBOOK.md",
  ...globSync("docs/**/*.md", { cwd: top })
    .map((name) => name.replaceAll("\\", "/"))
    .toSorted(),
];

/** Without what documents write around a command: what it is for in a column of its own, other commands behind a dot, brackets of what may be left out. */
const plainly = (text: string): string =>
  text
    .split("\n")
    .map((line) =>
      line
        .replace(/(\S) {2,}[^\s#-]\S* [^#].*$/, "$1")
        .replace(/ · .*$/, "")
        .replaceAll(/(?<=\s)\[([^\]]*)\]/g, "$1"),
    )
    .join("\n");

/** Lines of a document's blocks, and of its text, that call stockroom. */
function callsIn(markdown: string): string[][] {
  return [...blocksOf(markdown), ...spansOf(markdown)]
    .flatMap((text) => commandsOf(plainly(text)))
    .filter(([name = ""]) => /^(\.\/bin\/)?stockroom$/.test(name))
    .map(([, ...words]) => words)
    .filter((words) => words.length > 0 && words[0] !== "--version" && !words.includes("COMMAND"));
}

/** What is wrong with a line. `isName`: a command that text only names may leave out its words. */
async function problem(words: readonly string[], isName = false): Promise<string | undefined> {
  try {
    const call = await findCall(makeRoot(tools), words);
    if (call.former !== undefined) return `is stockroom ${call.former.now} now`;
    if (call.flags.help || (isName && call.rawArgs.length === 0)) return undefined;
    if (call.command.run === undefined) return "is a group of commands, none of them named";
    await readArgs(call);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** The words of each command that runs. */
async function commandsBelow(command: Command, before: readonly string[] = []): Promise<string[]> {
  const below = await Promise.all(
    Object.entries(await childrenOf(command)).map(
      async ([name, child]) => await commandsBelow((await resolve<Command>(child)) ?? {}, [...before, name]),
    ),
  );
  return [...(command.run === undefined ? [] : [before.join(" ")]), ...below.flat()];
}

describe("commands in documents", () => {
  it.each(documents)("%s names only commands that there are", async (name) => {
    const calls = callsIn(read(name));
    const isHandbook = name === "README.md" || name === "RUNBOOK.md";
    // A handbook that names hardly any was not read as it is written.
    expect(calls.length).toBeGreaterThan(isHandbook ? 15 : -1);
    const wrong = [];
    for (const words of calls) {
      const told = await problem(words, !isHandbook);
      if (told !== undefined) wrong.push(`${words.join(" ")}: ${told}`);
    }
    expect(wrong).toEqual([]);
  });

  it("are all commands that there are", async () => {
    const commands = await commandsBelow(makeRoot(tools));
    expect(commands.length).toBeGreaterThan(60);
    const named = new Set<string>();
    for (const words of documents.flatMap((name) => callsIn(read(name)))) {
      const call = await findCall(makeRoot(tools), words).catch(() => undefined);
      if (call !== undefined) named.add(call.path.join(" "));
    }
    expect(commands.filter((words) => !named.has(words))).toEqual([]);
  });

  it("finds what is wrong with a line", async () => {
    const text = "Text\n\n    A=1 ./bin/stockroom runs lst && stockroom put a b --tpye x   # why: stockroom no\n    stockroom put 'a; b'\n";
    const calls = callsIn(text);
    expect(calls).toEqual([
      ["runs", "lst"],
      ["put", "a", "b", "--tpye", "x"],
      ["put", "a; b"],
    ]);
    const told = await Promise.all(calls.map(async (words) => await problem(words)));
    expect(told.map((each) => /lst|tpye|KEY/.exec(each ?? "")?.[0])).toEqual(["lst", "tpye", "KEY"]);
  });
});
