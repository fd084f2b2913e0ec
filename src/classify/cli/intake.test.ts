import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCommand } from "citty";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CatalogueFile, catalogueFiles } from "../../../test/kit/catalogues.ts";
import { quietTools } from "../../../test/kit/tools.ts";
import { fileBody } from "../../platform/formats/index.ts";
import { profileFile } from "../../platform/intake/profile.ts";
import { adviceOn } from "../workflows/look.ts";
import { makeCommands } from "./commands.ts";
import { lookAtCatalogue, tellCatalogue } from "./intake.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "catalogues-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { signal } = new AbortController();
const files = catalogueFiles().map((file) => [file.name, file] as const);
const put = (file: Pick<CatalogueFile, "name" | "bytes">): string => {
  const at = path.join(folder, file.name);
  writeFileSync(at, file.bytes);
  return at;
};

interface Ran {
  readonly exit: number;
  readonly said: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Runs a command of the engine; words as a shell would split them. */
async function run(command: "fit" | "predict" | "evaluate", ...rawArgs: readonly string[]): Promise<Ran> {
  let exit = 0;
  let json: Readonly<Record<string, unknown>> = {};
  const said: string[] = [];
  const print = {
    say: (text: string) => void said.push(text),
    line: (text: string) => void said.push(text),
    json: (value: unknown) => void (json = value as Readonly<Record<string, unknown>>),
    table: () => undefined,
  };
  const commands = makeCommands(quietTools(print, { exitWith: (code) => void (exit = code) }));
  await runCommand(commands[command] ?? {}, { rawArgs: [...rawArgs] });
  return { exit, json, said: said.join("\n") };
}

/** The words of a command as it was told. */
const wordsOf = (command: string): readonly string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/gu)].map(([, quoted, plain]) => quoted ?? plain ?? "");

test.each(files.filter(([, { question }]) => question === undefined))(
  "%s is learned from as it is, and the command told does the same",
  async (_, file) => {
    const at = put(file);
    const looked = await lookAtCatalogue(at, {}, [], signal);
    expect(looked.proposal).toMatchObject({ questions: [], plan: file.plan ?? {} });
    const printed = tellCatalogue(looked).join("\n");
    const unsaid = looked.profile.columns.filter((column) => !printed.includes(column.name));
    expect(unsaid).toEqual([]);

    const out = path.join(folder, `${file.name}.model`);
    const fitted = await run("fit", at, "--out", out, "--json", "--threads", "1", ...(file.flags ?? []));
    expect(fitted.exit).toBe(0);
    expect(fitted.said).toMatch(file.told ?? /./);
    expect(fitted.json).toMatchObject({
      ...(file.codes === undefined ? {} : { classes: file.codes }),
      ...(file.items === undefined ? {} : { items: file.items }),
      bad_rows: 0,
    });
    const again = /the same again: stockroom classify fit (.*)/.exec(fitted.said)?.[1] ?? "";
    const twin = path.join(folder, `${file.name}.again.model`);
    await run("fit", ...wordsOf(again).map((word) => (word === out ? twin : word)), "--json");
    expect(await modelOf(twin)).toEqual(await modelOf(out));

    const evaluated = await run("evaluate", out, at, "--json");
    expect(Number(evaluated.json["accuracy"])).toBeGreaterThan(0.8);
    const predicted = await run("predict", out, at, "--out", path.join(folder, `${file.name}.out.csv`), "--json");
    expect(predicted.exit).toBe(0);
  },
);

const modelOf = async (file: string): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const part of fileBody(file)) parts.push(part);
  return Buffer.concat(parts).toString("base64");
};

test.each(files.filter(([, { question }]) => question !== undefined))(
  "%s asks one question, and nothing is made where nobody answers",
  async (_, file) => {
    const at = put(file);
    const { proposal } = await lookAtCatalogue(at, {}, [], signal);
    expect(proposal.questions.map(({ about }) => about)).toEqual([file.question]);
    const out = path.join(folder, `${file.name}.model`);
    await expect(run("fit", at, "--out", out)).rejects.toMatchObject({ kind: "input", code: "INTAKE_QUESTION" });
    expect(existsSync(out)).toBe(false);
  },
);

test.each(files)("whoever only looks at %s is told a command, a question, or nothing", async (_, file) => {
  const at = put(file);
  const profile = await profileFile({ name: file.name, open: () => fileBody(at) });
  const { proposal } = await lookAtCatalogue(at, {}, [], signal);
  const advice = adviceOn(profile).join("\n");
  expect(advice).toMatch(proposal.questions.length > 0 ? /^(?:question: .* Say --map|$)/ : /\nstockroom classify fit \S+ --map /);
});
