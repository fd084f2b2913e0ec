// Comments and documents name files and laws; what they name is there.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { absentFiles, absentLaws, brokenLinks, commentsOf, repeatedLaws, slugOf, type TextFile } from "./links.ts";

const root = path.resolve(import.meta.dirname, "..");
const names = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .trim()
  .split("\n");
const read = (name: string): TextFile => ({ name, text: readFileSync(path.join(root, name), "utf8") });
const isText = (name: string): boolean => /\.(ts|js|md)$/.test(name) && !/\.d\.ts$|(^|\/)links\.test\.ts$/.test(name);
const files = names.filter(isText).map(read);

test("every file that a comment or a document names is there", () => {
  expect(files.length).toBeGreaterThan(500);
  expect(absentFiles(files, names)).toEqual([]);
});

test("every link of a document leads to a file, a folder or a heading", () => {
  expect(brokenLinks(files, names)).toEqual([]);
});

test("every law has one place, and every law that is named is one", () => {
  expect(repeatedLaws(files)).toEqual([]);
  expect(absentLaws(files)).toEqual([]);
});

const file = (name: string, text: string): TextFile => ({ name, text });

test("an absent file is found, in a comment and in a document, and one that is there is not", () => {
  const tree = [
    file(
      "src/a/run.ts",
      '// See walk.ts and ./deliver.ts.\nconst text = "not-there.ts"; // b/walk.ts\n/* https://example.com/src/far.ts */',
    ),
    file("docs/a.md", "See [design](design.md) and `src/a/run.ts`.\n"),
  ];
  expect(absentFiles(tree, ["src/a/run.ts", "src/b/walk.ts", "docs/a.md"])).toEqual([
    "docs/a.md:1: design.md",
    "src/a/run.ts:1: ./deliver.ts",
  ]);
});

test("a link to no file or to no heading is found, and code is no link", () => {
  const tree = [
    file(
      "docs/how-to/a.md",
      "# A `b`: c, d\n\n## Twice\n\n## Twice\n\n[1](../b.md#c) [2](../b.md#no) [3](c.md) [4](#a-b-c-d) [5](#twice-1) [6](#twice-2) [7](..)\n" +
        "`[8](none.md)` [9](https://example.com/x.md)\n\n```\n[10](none.md)\n# e\n```\n[11](#e) ![12](p.png) [13](../../../b.md)\n",
    ),
    file("docs/b.md", "# C\n"),
  ];
  expect(brokenLinks(tree, ["docs/how-to/a.md", "docs/b.md"])).toEqual([
    "docs/how-to/a.md:14: #e",
    "docs/how-to/a.md:14: ../../../b.md",
    "docs/how-to/a.md:14: p.png",
    "docs/how-to/a.md:7: #twice-2",
    "docs/how-to/a.md:7: ../b.md#no",
    "docs/how-to/a.md:7: c.md",
  ]);
  expect(slugOf("Settings: forecast-defaults.yaml, `a_b` [x](y.md)")).toBe("settings-forecast-defaultsyaml-a_b-x");
});

test("a law that is nowhere, or twice in one file, is found", () => {
  const tree = [
    file("src/a/run.ts", "// Run.\n//   R1. One.\n//   R2. Two.\n//   R2. Again.\n// As R1 has it, and R3 too (walk.W1, walk.W2).\n"),
    file("src/b/walk.ts", "// Walk.\n//   W1. Goes.\n// Of 3 GiB, HTTP1 and (E2E) nothing is meant.\n"),
  ];
  expect(repeatedLaws(tree)).toEqual(["src/a/run.ts:4: R2"]);
  expect(absentLaws(tree)).toEqual(["src/a/run.ts:5: R3", "src/a/run.ts:5: walk.W2"]);
});

test("comments are told from texts", () => {
  const source = ['const a = "// no"; // yes', "const b = `/* no ${1 /* inner */} */`;", "/* one", "two */ call(/[/*]/);", "// three"].join(
    "\n",
  );
  expect(commentsOf(source).map(({ line, text }) => `${line}:${text.trim()}`)).toEqual(["1:yes", "3:one", "4:two", "5:three"]);
});
