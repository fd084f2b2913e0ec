// Former words do what today's do, and whatever the product says itself uses today's.

import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { quietTools } from "../../test/kit/tools.ts";
import { findCall } from "../platform/command/parse.ts";
import { modules } from "../modules.ts";
import { formerWordsOf } from "./former-words.ts";
import { makeRoot } from "./root.ts";
import { runCommand } from "./run.ts";

const no = (): never => {
  throw new Error("nothing is to run here");
};
const root = makeRoot({ ...quietTools(), where: no, checkConfig: no, open: no });

test.each(formerWordsOf(modules))("$old is $now", async ({ old, now, unlessBefore }) => {
  const word = unlessBefore === undefined ? [] : ["GBR-UK15"];
  const call = await findCall(root, ["--home", "/h", ...old.split(" "), ...word]);
  expect([call.path, call.former?.now, call.rawArgs, call.flags.home]).toEqual([now.split(" "), now, word, "/h"]);
  const today = await findCall(root, [...now.split(" "), ...word]);
  expect([today.path, today.former]).toEqual([now.split(" "), undefined]);
});

test("a noun alone, and before today's verbs, is no former word", async () => {
  for (const line of [
    "classify models",
    "classify models --json",
    "classify models list GBR-UK15",
    "forecast run sales.csv",
    "forecast sales.csv",
  ])
    expect([line, (await findCall(root, line.split(" "))).former]).toEqual([line, undefined]);
});

test("the new word is said beside the result", async () => {
  const told = { out: "", said: "" };
  const output = {
    columns: 100,
    live: false,
    print: (text: string) => void (told.out += text),
    write: async () => await Promise.resolve(),
    say: (text: string) => void (told.said += text),
  };
  await runCommand(["schedule", "pause"], { output, cwd: "/", env: {}, stop: new AbortController().signal });
  expect(told).toMatchObject({ out: "", said: expect.stringContaining("note: `stockroom schedule` is `stockroom schedules` now") });
});

const top = path.join(import.meta.dirname, "../..");
const sources = (pattern: string): readonly (readonly [string, string])[] =>
  globSync(pattern, { cwd: top })
    .filter((name) => !/\.test\.tsx?$|former-words|node_modules/.test(name))
    .map((name) => [name, readFileSync(path.join(top, name), "utf8")] as const);

/** What is wrong with the command that these words begin. */
async function flawOf(words: readonly string[]): Promise<string | undefined> {
  try {
    const { former, path: found } = await findCall(root, words);
    return former === undefined && found.length > 0 ? undefined : `is ${former?.now ?? "no command"}`;
  } catch (error) {
    return String(error);
  }
}

test("what the console copies as a command is one", async () => {
  const wrong: string[] = [];
  let count = 0;
  for (const [name, text] of sources("console/src/**/*.{ts,tsx}")) {
    for (const [, list = ""] of text.matchAll(/\bcommand: \[((?:"[a-z][a-z-]*"(?:, )?)+)/g)) {
      const words = [...list.matchAll(/"([a-z][a-z-]*)"/g)].map(([, word = ""]) => word);
      count += 1;
      const flaw = await flawOf(words);
      if (flaw !== undefined) wrong.push(`${name}: ${words.join(" ")} ${flaw}`);
    }
  }
  expect(count).toBeGreaterThan(20);
  expect(wrong).toEqual([]);
});

test("what messages and pages name as a command is one", async () => {
  const wrong: string[] = [];
  let count = 0;
  for (const [name, text] of [...sources("src/**/*.ts"), ...sources("console/src/**/*.tsx"), ...sources("deploy/**/*.{yaml,yml,json}")]) {
    for (const [, line = ""] of text.matchAll(/(?:`|<code>|: |\()stockroom ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)/g)) {
      // What a key's fingerprint is made with.
      if (line === "fingerprint") continue;
      const words = line.split(" ");
      const found: string[] = [];
      for (const word of words) {
        if ((await flawOf([...found, word])) !== undefined) break;
        found.push(word);
      }
      count += 1;
      const flaw = found.length > 0 ? await flawOf(found) : await flawOf(words.slice(0, 1));
      const former = formerWordsOf(modules).find(({ old, unlessBefore }) => unlessBefore === undefined && `${line} `.startsWith(`${old} `));
      if (flaw !== undefined || former !== undefined) wrong.push(`${name}: stockroom ${line}`);
    }
  }
  expect(count).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
});
