// Every place of a scheme file where a key may be unknown or misspelt, or a value of the wrong kind: each is told with its line and column.

import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { readSchemeFiles } from "./schemes.ts";

const whole = [
  {
    scheme: "GBR-WEEE",
    country: "GBR",
    name: "Waste",
    versions: [
      {
        version: "A",
        valid_from: "2014-01-01",
        valid_to: "2020-01-01",
        basis: "law",
        codes: [{ code: "1", name: "Large", heading: true }],
      },
      {
        version: "B",
        valid_from: "2020-01-02",
        codes: [
          { code: "1", name: "Large" },
          { code: "2", name: "Small", parent: "1" },
        ],
      },
    ],
    mappings: [{ from: "A", to: "B", codes: [{ from: "1", to: ["1", "2"] }] }],
  },
  { scheme: "OTHER", versions: [{ version: "A", valid_from: "2014-01-01", codes: [{ code: "1" }] }] },
];

type Path = readonly (string | number)[];

function placesIn(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [at];
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((each, i) => [i, each])
    : Object.entries(value);
  return [at, ...entries.flatMap(([key, each]) => placesIn(each, [...at, key]))];
}

function changed(value: unknown, [first, ...rest]: Path, make: (old: unknown) => unknown): unknown {
  if (first === undefined) return make(value);
  if (Array.isArray(value)) return value.map((item: unknown, i) => (i === first ? changed(item, rest, make) : item));
  return Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, key === first ? changed(each, rest, make) : each]));
}

const at = (path: Path): unknown => path.reduce<unknown>((value, key) => Reflect.get(value as object, key), whole);
const isMap = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);

async function problemsOf(value: unknown): Promise<{ readonly text: string; readonly problems: readonly string[] }> {
  const text = stringify(value);
  const { problems } = await readSchemeFiles([{ name: "uk.yaml", bytes: Buffer.from(text) }]);
  return { text, problems: problems.filter(({ severity }) => severity === "error").map(({ where, message }) => `${where}: ${message}`) };
}

/** `uk.yaml:LINE:COLUMN` of the first place of a word. */
function placeOf(text: string, word: string): string {
  const lines = text.split("\n");
  const line = lines.findIndex((each) => each.includes(word));
  return `uk.yaml:${line + 1}:${(lines[line] ?? "").indexOf(word) + 1}`;
}

test("the file itself is without mistakes", async () => {
  expect(parse(stringify(whole))).toEqual(whole);
  expect((await problemsOf(whole)).problems).toEqual([]);
});

test.each(
  placesIn(whole)
    .filter((path) => isMap(at(path)))
    .map((path) => [path.join("."), path] as const),
)("an unknown key, and every misspelt one, at %s", async (_, path) => {
  const { text, problems } = await problemsOf(changed(whole, path, (old) => ({ ...(old as object), zqxjkv: 1 })));
  expect(problems).toContainEqual(expect.stringMatching(`^${placeOf(text, "zqxjkv")}: .*"zqxjkv"`));
  for (const key of Object.keys(at(path) as object).filter((each) => each.length > 3)) {
    const wrong = `${key}s`;
    const misspelt = await problemsOf(
      changed(whole, path, (old) =>
        Object.fromEntries(Object.entries(old as object).map(([own, each]) => [own === key ? wrong : own, each])),
      ),
    );
    expect(misspelt.problems).toContainEqual(expect.stringMatching(`^uk.yaml:\\d+:\\d+: .*"${wrong}". Did you mean ${key}\\?`));
  }
});

test.each(
  placesIn(whole)
    .filter((path) => path.length > 0)
    .map((path) => [path.join("."), path] as const),
)("a value of the wrong kind at %s", async (_, path) => {
  const wrong = Array.isArray(at(path)) && path.at(-1) !== "to" ? "zqxjkv" : isMap(at(path)) ? ["zqxjkv"] : { zqxjkv: 1 };
  const { text, problems } = await problemsOf(changed(whole, path, () => wrong));
  const [file, line = 0] = placeOf(text, "zqxjkv").split(":");
  const near = [Number(line), Number(line) - 1].map((each) => `${file}:${each}:`);
  expect(problems.some((problem) => near.some((start) => problem.startsWith(start))) ? [] : problems).toEqual([]);
});
