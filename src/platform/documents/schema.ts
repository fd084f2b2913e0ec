// Schema: plain values against a zod schema, with every mistake found, at any depth, in plain words.
//
// Owns: looking through a schema, keys that nobody knows, the wording "expected ... but got ...". Does not own: places of a text (yaml.ts).
//   documents.S1. All mistakes are told at once. A key that nobody knows is one, and says what was probably meant; that the key it was meant as is
//       missing is no second mistake.
//   documents.S2. Of a union, the kind that fits best is judged.
//   documents.S3. No value is refused without a word why.

import { z } from "zod";
import { concealText } from "../log.ts";
import { nearest, editDistance } from "../similar.ts";

export type Schema = z.core.$ZodType;
export type Path = readonly string[];
export type Tree = Record<string, unknown>;

/** What a schema's `meta` may say here. */
export interface SchemaMeta {
  /** What a right value looks like, as it follows "expected". Default: what zod says, in plain words. */
  readonly expected?: string;
}

/** A map, as opposed to a list or a value. */
export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function own<T>(from: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}

/** The value at a path of keys and indices, or undefined where there is none. */
export function getAt(tree: unknown, path: Path): unknown {
  let at = tree;
  for (const key of path) {
    if (Array.isArray(at)) at = at[Number(key)];
    else if (isTree(at)) at = own(at, key);
    else return undefined;
  }
  return at;
}

/** The schema inside its wrappers (optional, default and the like), with the meta of all of them. */
export function unwrap(schema: Schema): { readonly at: Schema; readonly meta: Readonly<Record<string, unknown>> } {
  let at = schema;
  let meta: Readonly<Record<string, unknown>> = {};
  for (;;) {
    meta = { ...z.globalRegistry.get(at), ...meta };
    if (
      at instanceof z.ZodOptional ||
      at instanceof z.ZodDefault ||
      at instanceof z.ZodPrefault ||
      at instanceof z.ZodNullable ||
      at instanceof z.ZodReadonly ||
      at instanceof z.ZodNonOptional ||
      at instanceof z.ZodLazy
    ) {
      at = at.unwrap();
    } else if (at instanceof z.ZodPipe) {
      at = at.in;
    } else {
      return { at, meta };
    }
  }
}

export function accepts(schema: Schema | undefined, value: unknown): boolean {
  return schema !== undefined && z.safeParse(schema, value).success;
}

export interface UnknownKey {
  readonly path: Path;
  /** The names the schema has at that place; empty where it takes any. */
  readonly known: readonly string[];
}

/** Paths in `value` that the schema has no place for, at every depth: inside maps, lists and whichever kind of a union fits best. */
export function unknownKeysIn(schema: Schema, value: unknown, path: Path = []): UnknownKey[] {
  const { at } = unwrap(schema);
  if (at instanceof z.ZodUnion) {
    const options: readonly Schema[] = at.options;
    const tag = at instanceof z.ZodDiscriminatedUnion ? at.def.discriminator : undefined;
    return unknownKeysOfUnion(options, tag, value, path);
  }
  if (at instanceof z.ZodArray) {
    return Array.isArray(value) ? value.flatMap((item, index) => unknownKeysIn(at.element, item, [...path, String(index)])) : [];
  }
  if (!isTree(value)) return [];
  if (at instanceof z.ZodRecord) return Object.keys(value).flatMap((key) => unknownKeysIn(at.valueType, value[key], [...path, key]));
  if (!(at instanceof z.ZodObject)) return [];
  const shape: Readonly<Record<string, Schema>> = at.shape;
  return Object.keys(value).flatMap((key): UnknownKey[] => {
    const inner = own(shape, key);
    return inner === undefined ? [{ path: [...path, key], known: Object.keys(shape) }] : unknownKeysIn(inner, value[key], [...path, key]);
  });
}

function unknownKeysOfUnion(options: readonly Schema[], tag: string | undefined, value: unknown, path: Path): UnknownKey[] {
  if (!isTree(value)) {
    const list = options.map((option) => unwrap(option).at).find((option) => option instanceof z.ZodArray);
    return list === undefined ? [] : unknownKeysIn(list, value, path);
  }
  const maps = options
    .map((option) => unwrap(option).at)
    .filter((option) => option instanceof z.ZodObject || option instanceof z.ZodRecord);
  const chosen =
    tag === undefined ? maps : maps.filter((option) => option instanceof z.ZodObject && accepts(own(option.shape, tag), value[tag]));
  if (chosen.length === 0) {
    // A kind that nobody knows: what no kind has is unknown all the same.
    const known = [...new Set(maps.flatMap((option) => (option instanceof z.ZodObject ? Object.keys(option.shape) : [])))];
    return Object.keys(value)
      .filter((key) => known.length > 0 && !known.includes(key))
      .map((key) => ({ path: [...path, key], known }));
  }
  const [best] = chosen
    .map((option) => ({ misfits: misfitsOf(option, value), unknown: unknownKeysIn(option, value, path) }))
    .toSorted((a, b) => a.misfits - b.misfits || oddnessOf(a.unknown) - oddnessOf(b.unknown));
  return best?.unknown ?? [];
}

function misfitsOf(schema: Schema, value: unknown): number {
  const parsed = z.safeParse(schema, value);
  return parsed.success
    ? 0
    : parsed.error.issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1), 0);
}

/** How far unknown keys are from the names they may have been meant as. */
function oddnessOf(unknown: readonly UnknownKey[]): number {
  return unknown.reduce((sum, { path, known }) => {
    const name = (path.at(-1) ?? "").toLowerCase();
    return sum + Math.min(name.length, ...known.map((each) => editDistance(name, each.toLowerCase())));
  }, 0);
}

export interface SchemaProblem {
  readonly path: Path;
  /** "expected ... but got ..." */
  readonly message: string;
  /** Whether the key itself is wrong, or the value under it. */
  readonly of: "key" | "value";
}

export interface CheckOptions {
  /** What a key is called in a message. Default "key". */
  readonly keyWord?: string;
  /** How a wrong value is shown; undefined: as it is, shortened. `metas`: of the schemas from the top down to the value's. */
  readonly show?: (value: unknown, metas: readonly Readonly<Record<string, unknown>>[]) => string | undefined;
  /** What to do about a value that is missing, after "it is missing". */
  readonly remedy?: (path: Path) => string;
}

export type Checked = { readonly problems: readonly SchemaProblem[]; readonly data: unknown };

/** Checks `value`, which must be a map, against `schema`. `data` is what zod made of it: undefined when a value (not merely a key) is wrong. */
export function checkValue(schema: Schema, value: Tree, options: CheckOptions = {}): Checked {
  const check = new Check(schema, value, options);
  return { data: check.run(), problems: check.problems };
}

class Check {
  readonly problems: SchemaProblem[] = [];
  readonly #schema: Schema;
  readonly #value: Tree;
  readonly #options: CheckOptions;
  /** Names that unknown keys were probably meant as. */
  readonly #meant = new Set<string>();

  constructor(schema: Schema, value: Tree, options: CheckOptions) {
    this.#schema = schema;
    this.#value = structuredClone(value);
    this.#options = options;
  }

  run(): unknown {
    for (const unknown of unknownKeysIn(this.#schema, this.#value)) this.#rejectKey(unknown);
    const parsed = z.safeParse(this.#schema, this.#value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) this.#issue(issue);
    // S3: when all of them were thought to be told already.
    if (this.problems.length === 0)
      for (const issue of parsed.error.issues) this.#tell(issue.path.map(String), `expected ${expectedBy(issue)}`);
    return undefined;
  }

  #tell(path: Path, message: string, of: SchemaProblem["of"] = "value"): void {
    // Two demands on one value may fail for the same reason, and in the same words.
    if (this.problems.some((known) => known.message === message && known.path.join(".") === path.join("."))) return;
    this.problems.push({ path, message, of });
  }

  get #unknown(): string {
    return `unknown ${this.#options.keyWord ?? "key"}`;
  }

  #rejectKey({ path, known }: UnknownKey): void {
    const name = path.at(-1) ?? "";
    const meant = nearest(name, known);
    if (meant !== undefined) this.#meant.add([...path.slice(0, -1), meant].join("."));
    const names = known.length <= 16 ? known.join(", ") : `${known.slice(0, 16).join(", ")}, ...`;
    this.#tell(path, `${this.#unknown}; ${meant === undefined ? `known here: ${names}` : `did you mean ${meant}?`}`, "key");
    const above = getAt(this.#value, path.slice(0, -1));
    if (isTree(above)) delete above[name];
  }

  #issue(issue: z.core.$ZodIssue): void {
    const at = issue.path.map(String);
    const value = getAt(this.#value, at);
    const metas = metasAlong(this.#schema, this.#value, at);
    const shown = this.#options.show?.(value, metas) ?? showValue(value);
    const told = metas.length > at.length ? metas.at(-1)?.["expected"] : undefined;
    const own = typeof told === "string" ? told : undefined;
    if (issue.code === "custom" && issue.message !== "Invalid input") {
      this.#tell(at, issue.message.startsWith("expected ") ? issue.message : `expected ${issue.message} but got ${shown}`);
      return;
    }
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) this.#tell([...at, key], this.#unknown, "key");
      return;
    }
    if (issue.code === "invalid_key") {
      this.#tell(at, `expected a name that is ${issue.issues.map(expectedBy).join(" and ")} but got ${JSON.stringify(at.at(-1))}`, "key");
      return;
    }
    if (issue.code === "invalid_union" && this.#insideUnion(issue.errors, at, own === undefined || isTree(value))) return;
    const expected = own ?? expectedBy(issue);
    if (value !== undefined) this.#tell(at, `expected ${expected} but got ${shown}`);
    else if (!this.#meant.has(at.join("."))) this.#tell(at, `expected ${expected} but it is missing${this.#options.remedy?.(at) ?? ""}`);
  }

  /** Tells what is wrong with the kind of a union that fits best; false when none of its kinds fits at all, or only the schema's own words do. */
  #insideUnion(kinds: readonly (readonly z.core.$ZodIssue[])[], at: Path, mayLookInside: boolean): boolean {
    const fitting = kinds.filter((issues) => issues.length > 0 && issues.every(({ path: inner }) => inner.length > 0));
    const within = fitting.map((issues) => issues.map((issue) => ({ ...issue, path: [...at, ...issue.path] })));
    // Told already, by the name that stands in its place.
    if (within.some((issues) => issues.every(({ path: inner }) => this.#meant.has(inner.map(String).join("."))))) return true;
    const [best] = within.toSorted((a, b) => a.length - b.length);
    if (best === undefined || !mayLookInside) return false;
    for (const issue of best) this.#issue(issue);
    return true;
  }
}

/** The meta of the schemas on the way to a path, the top's first; shorter than the path where the schema cannot be followed. */
function metasAlong(schema: Schema, value: unknown, path: Path): readonly Readonly<Record<string, unknown>>[] {
  const { at, meta } = unwrap(schema);
  const [key, ...rest] = path;
  if (key === undefined) return [meta];
  const inner = innerOf(at, value, key);
  return inner === undefined ? [meta] : [meta, ...metasAlong(inner, getAt(value, [key]), rest)];
}

function innerOf(at: Schema, value: unknown, key: string): Schema | undefined {
  if (at instanceof z.ZodObject) return own<Schema>(at.shape, key);
  if (at instanceof z.ZodRecord) return at.valueType;
  if (at instanceof z.ZodArray) return at.element;
  if (at instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = at.def;
    const option = at.options.find((one) => one instanceof z.ZodObject && accepts(one.shape[discriminator], getAt(value, [discriminator])));
    return option instanceof z.ZodObject ? own<Schema>(option.shape, key) : undefined;
  }
  return undefined;
}

const typeWords: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  boolean: "true or false",
  object: "a section",
  record: "a section",
  array: "a list",
};

function expectedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return typeWords[issue.expected] ?? `a ${issue.expected}`;
  if (issue.code === "invalid_value") return `one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options))
    return `one of ${issue.options.map(String).join(", ")}`;
  if (issue.code === "too_small") return sizeOf(issue.origin, "at least", issue.minimum);
  if (issue.code === "too_big") return sizeOf(issue.origin, "at most", issue.maximum);
  // A schema that says in words what it wants has said it better.
  if (issue.code === "invalid_format" && !issue.message.startsWith("Invalid ")) return issue.message;
  if (issue.code === "invalid_format")
    return issue.format === "regex" ? `text of the form ${issue.pattern}` : `a well-formed ${issue.format}`;
  return "a valid value";
}

function sizeOf(origin: string, bound: string, size: number | bigint): string {
  if (origin === "string") return size === 1 ? "text that is not empty" : `text of ${bound} ${size} characters`;
  if (origin === "array" || origin === "set") return `${bound} ${size} entries`;
  return `${bound} ${size}`;
}

/** A value as a message shows it: short, and without what looks like a secret. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isTree(value)) return "a section";
  if (typeof value !== "string") return String(value);
  const text = concealText(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
