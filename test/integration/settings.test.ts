// Every place of the settings where a key may stand, with one that nobody knows: each is found with its path, line and column.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { baseSections } from "../../src/platform/config/schema.ts";
import { checkConfig } from "../../src/platform/config/index.ts";
import { moduleSections } from "../../src/app.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "stockroom-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sections: Readonly<Record<string, z.ZodType>> = { ...baseSections, ...moduleSections };

type Schema = z.core.$ZodType;

function inner(schema: Schema): Schema {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly
  )
    return inner(schema.unwrap());
  return schema instanceof z.ZodPipe ? inner(schema.in) : schema;
}

const samples: readonly unknown[] = [
  "a",
  "A",
  "AA",
  "secrets/x",
  "https://host/x",
  "postgres://host/d",
  "smtp://host",
  "a@b",
  "whsec_x",
  "0123456789abcdef",
  0.1,
  0.9,
  1,
  20,
  60,
  200,
  5,
  1e6,
  1e7,
  true,
  "2026-01-01",
  "1 s",
  "a.mjs",
  "presets",
  "duckdb",
  "log",
  "GBR",
  "Europe/Berlin",
  "100",
  "D",
];

function sampleOf(schema: Schema): unknown {
  const at = inner(schema);
  const own = at instanceof z.ZodEnum ? at.options : at instanceof z.ZodLiteral ? [...at.values] : [];
  const found = [...own, ...samples].find((sample) => z.safeParse(schema, sample).success);
  if (found === undefined) throw new Error(`No sample fits ${JSON.stringify(z.toJSONSchema(at, { unrepresentable: "any" }))}; add one.`);
  return found;
}

/** Every value of `schema` that shows one more of its containers, in all kinds of its unions, with the paths of the maps in it. */
function variants(schema: Schema): readonly { readonly value: unknown; readonly maps: readonly (readonly string[])[] }[] {
  const at = inner(schema);
  if (at instanceof z.ZodUnion) return at.options.flatMap((option: Schema) => variants(option));
  if (at instanceof z.ZodArray)
    return variants(at.element).map(({ value, maps }) => ({ value: [value], maps: maps.map((each) => ["0", ...each]) }));
  if (at instanceof z.ZodRecord) {
    const key = String(sampleOf(at.keyType));
    return variants(at.valueType).map(({ value, maps }) => ({ value: { [key]: value }, maps: maps.map((each) => [key, ...each]) }));
  }
  if (at instanceof z.ZodObject) {
    const parts = Object.entries(at.shape).map(([key, each]) => ({ key, all: variants(each) }));
    const most = Math.max(1, ...parts.map(({ all }) => all.length));
    return Array.from({ length: most }, (_, turn) => {
      const chosen = parts.map(({ key, all }) => ({ key, one: all[Math.min(turn, all.length - 1)] }));
      return {
        value: Object.fromEntries(chosen.map(({ key, one }) => [key, one?.value])),
        maps: [[], ...chosen.flatMap(({ key, one }) => (one?.maps ?? []).map((each) => [key, ...each]))],
      };
    });
  }
  if (at instanceof z.ZodUnknown) return [{ value: "x", maps: [] }];
  return [{ value: sampleOf(schema), maps: [] }];
}

/** A copy with one more key in the map at `at`. */
function withKey(value: unknown, at: readonly string[], key: string): unknown {
  const [first, ...rest] = at;
  if (first === undefined) return { ...(value as object), [key]: 1 };
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === first ? withKey(item, rest, key) : item));
  const map = value as Readonly<Record<string, unknown>>;
  return { ...map, [first]: withKey(map[first], rest, key) };
}

function problemsOf(yaml: string): readonly string[] {
  const file = path.join(folder, "stockroom.yaml");
  writeFileSync(file, yaml);
  const check = checkConfig({ sections: moduleSections, env: {}, cwd: folder, file });
  return check.kind === "good" ? [] : check.problems.map(({ where, path: at, message }) => `${where} ${at} ${message}`);
}

const stranger = "zqxjkv";

describe.each(Object.keys(sections))("section %s", (name) => {
  const all = variants(sections[name]);

  test("has no place where an unknown key is not told", () => {
    for (const { value, maps } of all) {
      // Sections that contradict each other (a topic of no channel) have mistakes of their own, which are told beside.
      const before = problemsOf(stringify({ [name]: value }));
      for (const at of maps) {
        const yaml = stringify({ [name]: withKey(value, at, stranger) });
        const line = yaml.split("\n").findIndex((text) => text.includes(stranger));
        const column = (yaml.split("\n")[line] ?? "").indexOf(stranger);
        const told = problemsOf(yaml).filter((problem) => !before.includes(problem));
        const own = told.filter((problem) =>
          problem.startsWith(`stockroom.yaml:${line + 1}:${column + 1} ${[name, ...at, stranger].join(".")} unknown setting`),
        );
        expect(own.length === 1 ? "told once" : yaml).toBe("told once");
      }
    }
  });

  test("takes the samples without an unknown key", () => {
    for (const { value } of all)
      expect(problemsOf(stringify({ [name]: value })).filter((problem) => problem.includes("unknown setting"))).toEqual([]);
  });
});
