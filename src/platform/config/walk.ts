// Walk: a zod schema as a tree of settings: which paths there are, and what each is called in the environment.

import { z } from "zod";
import { accepts, isTree, own, unwrap, type Path, type Schema, type Tree } from "../documents/index.ts";
import type { SettingMeta } from "./schema.ts";

/** A schema without its wrappers, with the meta of all of them. */
export type Node = { readonly meta: SettingMeta } & (
  | { readonly kind: "object"; readonly shape: Readonly<Record<string, Schema>> }
  | { readonly kind: "record"; readonly value: Schema }
  | { readonly kind: "leaf"; readonly reads: "text" | "number" | "boolean" | "list" | "yaml" }
);

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
