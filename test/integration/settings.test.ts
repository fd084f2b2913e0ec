// Every place of the settings where a key may stand, with one that nobody knows: each is found with its path, line and column.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { baseSections } from "../../src/platform/config/schema.ts";
import { checkConfig } from "../../src/platform/config/index.ts";
import { environmentName, settingsOf } from "../../src/platform/config/walk.ts";
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
  "https://host",
  "10.0.0.0/8",
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
  "0 3 * * *",
  "log",
  "GBR",
  "Europe/Berlin",
  "utf-8",
  "dd.mm.yyyy",
  "a=b",
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

/** Where the values of `value` stand, containers and what is in them. */
function placesIn(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, each]) => placesIn(each, [...at, key]))];
}

/** Whether a place in a map of these keys has not come yet: variants have most places in common. */
function makeFilter(): (value: unknown, at: readonly string[]) => boolean {
  const seen = new Set<string>();
  return (value, at) => {
    const map = valueAt(value, at.slice(0, -1));
    const key = JSON.stringify([at, typeof map === "object" && map !== null ? Object.keys(map) : []]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
}

const valueAt = (value: unknown, at: readonly string[]): unknown =>
  at.reduce<unknown>((whole, key) => (typeof whole === "object" && whole !== null ? Reflect.get(whole, key) : undefined), value);

/** A copy with `made` of what stood at `at`. */
function changed(value: unknown, at: readonly string[], make: (old: unknown) => unknown): unknown {
  const [first, ...rest] = at;
  if (first === undefined) return make(value);
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === first ? changed(item, rest, make) : item));
  const map = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(map).map(([key, each]) => [key, key === first ? changed(each, rest, make) : each]));
}

/** Something that is none of the kinds settings have at the place of `old`. */
const wrongFor = (old: unknown): unknown => (Array.isArray(old) ? { [stranger]: [] } : [[stranger]]);

/** Two letters within, swapped. */
const swapped = (name: string): string => `${name.slice(0, 1)}${name[2] ?? ""}${name[1] ?? ""}${name.slice(3)}`;

describe.each(Object.keys(sections))("section %s", (name) => {
  const all = variants(sections[name]);

  test("has no place where a value of the wrong kind is not told with its place", () => {
    const isNew = makeFilter();
    for (const { value } of all) {
      const before = problemsOf(stringify({ [name]: value }));
      for (const at of placesIn(value)) {
        // "x" stands where anything may.
        if (!isNew(value, at) || valueAt(value, at) === "x") continue;
        const made = wrongFor(valueAt(value, at));
        const yaml = stringify({ [name]: changed(value, at, () => made) });
        const found = yaml.split("\n").findIndex((text) => text.includes(stranger)) + 1;
        const told = problemsOf(yaml).filter((problem) => !before.includes(problem));
        // At the value, or inside it; nothing is told of another place above all.
        const place = [name, ...at].join(".");
        const own = told.filter((problem) => {
          const [where = "", path = ""] = problem.split(" ");
          const line = Number(where.split(":")[1]);
          return (path === place || path.startsWith(`${place}.`)) && line <= found && line >= found - 2;
        });
        expect(own.length > 0 ? "told" : `${place}: ${told.join("; ")}\n${yaml}`).toBe("told");
      }
    }
  });

  test("has no key whose misspelling is not told with the right one, in lists at their second place too", () => {
    const isNew = makeFilter();
    for (const { value, maps } of all) {
      for (const at of maps) {
        if (!isNew(value, [...at, ""])) continue;
        const map = valueAt(value, at) as Readonly<Record<string, unknown>>;
        const keys = Object.keys(map);
        const known = keysAt(sections[name], value, at);
        for (const key of keys) {
          const wrong = swapped(key);
          if (!known.includes(key) || key.length < 4 || wrong === key || known.includes(wrong)) continue;
          const misspelt = changed(value, at, (old) =>
            Object.fromEntries(
              Object.entries(old as Readonly<Record<string, unknown>>).map(([own, each]) => [own === key ? wrong : own, each]),
            ),
          );
          const list = at.findLastIndex((part, depth) => part === "0" && Array.isArray(valueAt(value, at.slice(0, depth))));
          const second = at.map((part, depth) => (depth === list ? "1" : part));
          const given =
            list < 0
              ? misspelt
              : changed(value, at.slice(0, list), (items) => [...(items as unknown[]), valueAt(misspelt, at.slice(0, list + 1))]);
          const yaml = stringify({ [name]: given }, { aliasDuplicateObjects: false });
          const told = problemsOf(yaml).filter((problem) =>
            problem.includes(` ${[name, ...second, wrong].join(".")} unknown setting; did you mean `),
          );
          expect(told.length === 1 ? "told" : `${[...second, wrong].join(".")}: ${problemsOf(yaml).join("; ")}`).toBe("told");
          expect(told[0]).toMatch(new RegExp(`did you mean ${key}\\?`, "i"));
        }
      }
    }
  });
});

/** The names the schema has for the map at `at`; none where it takes any. */
function keysAt(schema: Schema, value: unknown, at: readonly string[]): readonly string[] {
  const here = inner(schema);
  if (here instanceof z.ZodUnion) return here.options.flatMap((option: Schema) => (fits(option, value) ? keysAt(option, value, at) : []));
  const [first, ...rest] = at;
  if (first === undefined) return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
  const below = valueAt(value, [first]);
  if (here instanceof z.ZodArray) return keysAt(here.element, below, rest);
  if (here instanceof z.ZodRecord) return keysAt(here.valueType, below, rest);
  return here instanceof z.ZodObject && here.shape[first] !== undefined ? keysAt(here.shape[first], below, rest) : [];
}

const fits = (schema: Schema, value: unknown): boolean => z.safeParse(schema, value).success;

describe("the environment and flags", () => {
  const schema = z.object({ ...sections });
  const settings = settingsOf(schema, {});
  const check = (given: { readonly env?: Record<string, string>; readonly flags?: Record<string, string> }): readonly string[] => {
    const checked = checkConfig({ sections: moduleSections, env: given.env ?? {}, flags: given.flags ?? {}, cwd: folder, file: empty });
    return checked.kind === "good" ? [] : checked.problems.map(({ where, path: at, message }) => `${where}: ${at}: ${message}`);
  };
  const empty = path.join(folder, "empty.yaml");
  writeFileSync(empty, "");

  test("have no name whose misspelling is not told with the right one", () => {
    const names = settings.map(({ path: at }) => environmentName(at));
    for (const { path: at } of settings) {
      const right = environmentName(at);
      const wrong = `${right.slice(0, -2)}${right.at(-1)}${right.at(-2)}`;
      if (names.includes(wrong) || wrong === right) continue;
      expect(check({ env: { [wrong]: "1" } })).toContainEqual(
        expect.stringMatching(`^environment ${wrong}: : unknown variable; did you mean STOCKROOM_`),
      );
      const key = at.join(".");
      const flag = `${key.slice(0, -2)}${key.at(-1)}${key.at(-2)}`;
      if (settings.some(({ path: each }) => each.join(".") === flag)) continue;
      expect(check({ flags: { [flag]: "1" } })).toContainEqual(expect.stringMatching(`^flag ${flag}: .*unknown setting; did you mean `));
    }
    expect(settings.length).toBeGreaterThan(60);
  });

  test("have no number, switch, list or map that takes a word", () => {
    for (const { path: at, node } of settings) {
      const takesText = node.kind === "leaf" && (node.reads === "text" || node.reads === "list");
      if (takesText) continue;
      const name = environmentName(at);
      const told = check({ env: { [name]: "qqq" } });
      expect(
        told.some((problem) => problem.startsWith(`environment ${name}: ${at.join(".")}: expected `))
          ? "told"
          : `${name}: ${told.join("; ")}`,
      ).toBe("told");
      expect(check({ flags: { [at.join(".")]: "qqq" } })).toContainEqual(
        expect.stringMatching(`^flag ${at.join(".")}: ${at.join(".")}: expected `),
      );
    }
  });
});
