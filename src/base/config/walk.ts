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

/** Looks through optional, default and the like; a union of objects is decided by `value`, and is a leaf when it cannot be. */
export function nodeOf(schema: Schema, value: unknown): Node {
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
      break;
    }
  }
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

/** Paths in `value` that the schema has no place for, with the names it has there. */
export function strangersIn(schema: Schema, value: unknown, path: Path = []): { readonly path: Path; readonly known: readonly string[] }[] {
  const node = nodeOf(schema, value);
  if (node.kind === "leaf" || !isTree(value)) return [];
  return Object.keys(value).flatMap((key) => {
    const inner = node.kind === "record" ? node.value : own(node.shape, key);
    if (inner === undefined) return [{ path: [...path, key], known: node.kind === "object" ? Object.keys(node.shape) : [] }];
    return strangersIn(inner, value[key], [...path, key]);
  });
}

export function own<T>(from: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}

export function getAt(tree: unknown, path: Path): unknown {
  let at = tree;
  for (const key of path) {
    if (!isTree(at)) return undefined;
    at = own(at, key);
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

function editDistance(a: string, b: string): number {
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
