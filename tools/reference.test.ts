// The pages that are made from the code are as the code has them, and everything in them says what it is.

import { expect, test } from "vitest";
import { close, codesOf, open } from "./reference/codes.ts";
import { errorsPage } from "./reference/errors.ts";
import { makeReference, stalePages } from "./reference/reference.ts";

test("the reference is up to date, and whole", async () => {
  const { pages, problems } = await makeReference();
  expect(problems).toEqual([]);
  expect(await stalePages(pages), "npm run reference").toEqual([]);
  const errors = pages.find(({ name }) => name === "errors.md")?.text ?? "";
  // Fewer would mean that they are no longer found.
  expect((errors.match(/^### /gm) ?? []).length).toBeGreaterThan(550);
});

const codes = (text: string) => codesOf([{ name: "src/a.ts", text }]);

test("a code is found however it is made, with its kind and words", () => {
  const found = codes(`
    const name = "X_CONST";
    function refuse(code: string, what: string): never { throw new StockroomError("denied", code, \`Expected that but \${what}. Ask.\`); }
    export function run(isNew: boolean, file: string) {
      if (isNew) throw new StockroomError("input", "A_ONE", "Expected a file " + "but none came.");
      if (file) throw new StockroomError(isNew ? "missing" : "busy", isNew ? "B_ONE" : "B_TWO", isNew ? "Expected one thing." : \`Expected \${file}.\`);
      if (name) throw new StockroomError("fault", name, "Expected nothing of that.");
      refuse("C_ONE", "it is " + "not");
      return [{ code: "D_ONE", reason: \`Expected a value in \${file.name}.\` }, ["busy", "E_ONE", (base: string) => \`Expected room under \${base}.\`]];
    }
    const other = "NOT_MADE";`);
  expect(found.unread).toEqual(["NOT_MADE"]);
  expect(found.codes.map(({ code, kinds, messages, isRemark }) => [code, kinds.join(), messages.join(" | "), isRemark])).toEqual([
    ["A_ONE", "input", "Expected a file but none came.", false],
    ["B_ONE", "missing", "Expected one thing.", false],
    ["B_TWO", "busy", `Expected ${open}file${close}.`, false],
    ["C_ONE", "denied", "Expected that but it is not. Ask.", false],
    ["D_ONE", "", `Expected a value in ${open}name${close}.`, true],
    ["E_ONE", "busy", `Expected room under ${open}base${close}.`, false],
    ["X_CONST", "fault", "Expected nothing of that.", false],
  ]);
});

test("a code without words, one without a kind and a name that nobody makes are told", () => {
  const { problems } = errorsPage([
    {
      name: "src/a.ts",
      text: 'throw new StockroomError("input", "A_BARE", said); throw new StockroomError(kind, "A_KINDLESS", "Expected a kind here."); const x = "A_NAME";',
    },
  ]);
  expect(problems.filter((each) => each.startsWith("A_"))).toEqual([
    "A_BARE has no words: declare them in tools/reference/said.ts",
    "A_KINDLESS has no kind: declare it in tools/reference/said.ts",
    "A_NAME looks like a code and is made nowhere: name it in tools/reference/said.ts",
  ]);
});
