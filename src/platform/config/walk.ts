// Walk: a zod schema as a tree of settings: which paths there are, what each is called in the environment, what was meant by a typo.

import { z } from "zod";
import type { SettingMeta } from "./schema.ts";

type Schema = z.core.$ZodType;

/** A schema without its wrappers, with the meta of all of them. */
export type Node = { readonly meta: SettingMeta } & (
  | { readonly kind: "object"; readonly shape: Readonly<Record<string, Schema>> }
  | { readonly kind: "record"; readonly value: Schema }
  | { readonly kind: "leaf"; readonly reads: "text" | "number" | "boolean" | "list" | "yaml" }
);

/** The schema inside its wrappers (optional, default and the like), with the meta of all of them. */
function unwrap(schema: Schema): { readonly at: Schema; readonly meta: SettingMeta } {
  let at = schema;
  let meta: SettingMeta = {};
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

/** Looks through wrappers; a union of objects is decided by `value`, and is a leaf when it cannot be. */
export function nodeOf(schema: Schema, value: unknown): Node {
  const { at, meta } = unwrap(schema);
  if (at instanceof z.ZodObject) return { meta, kind: "object", shape: at.shape };
  if (at instanceof z.ZodRecord) return { meta, kind: "record", value: at.valueType };
  if (at instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = at.def;
    const tag = isTree(value) ? value[discriminator] : undefined;
    const option = at.options.find((one) => one instanceof z.ZodObject && accepts(one.shape[discriminator], tag));
    if (option instanceof z.ZodObject) return { meta, kind: "object", shape: option.shape };
    return { meta, kind: "leaf", reads: "yaml" };
  }
  return { meta, kind: "leaf", reads: readsOf(at) };
}

function accepts(schema: Schema | undefined, value: unknown): boolean {
  return schema !== undefined && z.safeParse(schema, value).success;
}

function readsOf(schema: Schema): Extract<Node, { kind: "leaf" }>["reads"] {
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodBoolean) return "boolean";
  if (schema instanceof z.ZodArray) return "list";
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat || schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral)
    return "text";
  // A union that takes text (sizes, durations, "auto or a number") reads its own text.
  if (schema instanceof z.ZodUnion) return schema.options.some((one) => readsOf(one) === "text") ? "text" : "yaml";
  return "yaml";
}

export type Path = readonly string[];
export type Tree = Record<string, unknown>;

/** A map of settings, as opposed to a list or a value. */
export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A place where a value may stand. */
export interface Setting {
  readonly path: Path;
  readonly node: Node;
}

/** All settings of `schema`, maps before their entries; entries of free maps as far as `value` has them. */
export function settingsOf(schema: Schema, value: unknown, path: Path = []): Setting[] {
  const node = nodeOf(schema, value);
  const tree = isTree(value) ? value : {};
  if (node.kind === "object") {
    return Object.entries(node.shape).flatMap(([key, inner]) => settingsOf(inner, own(tree, key), [...path, key]));
  }
  if (node.kind === "record") {
    return [{ path, node }, ...Object.keys(tree).flatMap((key) => settingsOf(node.value, own(tree, key), [...path, key]))];
  }
  return [{ path, node }];
}

export interface Stranger {
  readonly path: Path;
  /** The names the schema has at that place; empty where it takes any. */
  readonly known: readonly string[];
}

/** Paths in `value` that the schema has no place for, at every depth: inside maps, lists and whichever kind of a union fits best. */
export function strangersIn(schema: Schema, value: unknown, path: Path = []): Stranger[] {
  const { at } = unwrap(schema);
  if (at instanceof z.ZodUnion) {
    const options: readonly Schema[] = at.options;
    const tag = at instanceof z.ZodDiscriminatedUnion ? at.def.discriminator : undefined;
    return strangersOfUnion(options, tag, value, path);
  }
  if (at instanceof z.ZodArray) {
    return Array.isArray(value) ? value.flatMap((item, index) => strangersIn(at.element, item, [...path, String(index)])) : [];
  }
  if (!isTree(value)) return [];
  if (at instanceof z.ZodRecord) return Object.keys(value).flatMap((key) => strangersIn(at.valueType, value[key], [...path, key]));
  if (!(at instanceof z.ZodObject)) return [];
  const shape: Readonly<Record<string, Schema>> = at.shape;
  return Object.keys(value).flatMap((key): Stranger[] => {
    const inner = own(shape, key);
    return inner === undefined ? [{ path: [...path, key], known: Object.keys(shape) }] : strangersIn(inner, value[key], [...path, key]);
  });
}

function strangersOfUnion(options: readonly Schema[], tag: string | undefined, value: unknown, path: Path): Stranger[] {
  if (!isTree(value)) {
    const list = options.map((option) => unwrap(option).at).find((option) => option instanceof z.ZodArray);
    return list === undefined ? [] : strangersIn(list, value, path);
  }
  const maps = options
    .map((option) => unwrap(option).at)
    .filter((option) => option instanceof z.ZodObject || option instanceof z.ZodRecord);
  const chosen =
    tag === undefined ? maps : maps.filter((option) => option instanceof z.ZodObject && accepts(own(option.shape, tag), value[tag]));
  if (chosen.length === 0) {
    // A kind that nobody knows: what no kind has is a stranger all the same.
    const known = [...new Set(maps.flatMap((option) => (option instanceof z.ZodObject ? Object.keys(option.shape) : [])))];
    return Object.keys(value)
      .filter((key) => known.length > 0 && !known.includes(key))
      .map((key) => ({ path: [...path, key], known }));
  }
  const [best] = chosen
    .map((option) => ({ misfits: misfitsOf(option, value), strangers: strangersIn(option, value, path) }))
    .toSorted((a, b) => a.misfits - b.misfits || oddnessOf(a.strangers) - oddnessOf(b.strangers));
  return best?.strangers ?? [];
}

function misfitsOf(schema: Schema, value: unknown): number {
  const parsed = z.safeParse(schema, value);
  return parsed.success
    ? 0
    : parsed.error.issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1), 0);
}

/** How far strangers are from the names they may have been meant as. */
function oddnessOf(strangers: readonly Stranger[]): number {
  return strangers.reduce((sum, { path, known }) => {
    const name = (path.at(-1) ?? "").toLowerCase();
    return sum + Math.min(name.length, ...known.map((each) => editDistance(name, each.toLowerCase())));
  }, 0);
}

export function own<T>(from: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}

export function getAt(tree: unknown, path: Path): unknown {
  let at = tree;
  for (const key of path) {
    if (Array.isArray(at)) at = at[Number(key)];
    else if (isTree(at)) at = own(at, key);
    else return undefined;
  }
  return at;
}

/** Sets a value, making the maps on the way. */
export function setAt(tree: Tree, path: Path, value: unknown): void {
  let at = tree;
  for (const key of path.slice(0, -1)) {
    const next = own(at, key);
    if (isTree(next)) {
      at = next;
    } else {
      const made: Tree = {};
      at[key] = made;
      at = made;
    }
  }
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}

/** `server.uploadMaxBytes` -> `STOCKROOM_SERVER_UPLOAD_MAX_BYTES`. */
export function environmentName(path: Path): string {
  const words = path.map((key) => key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9]+/g, "_"));
  return ["STOCKROOM", ...words].join("_").toUpperCase();
}

/** The name most likely meant: at most a third of its letters wrong, swapped neighbours counting as one. */
export function closest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least && distance <= Math.max(1, Math.floor(candidate.length / 3))) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** Letters to change, add, leave out or swap with their neighbour to make one text of the other. */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? cell(i - 2, j - 2) + 1 : Infinity;
      row.push(Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1), swap));
    }
  }
  return cell(a.length, b.length);
}
