// Reading: a YAML document taken section by section, for files whose form no schema says: what one key may be hangs on another far away.
//
// Owns: kinds of nodes, merge keys, the wording of "Expected this but received that". Does not own: what keys mean (the sections).
//   documents.R1. Every mistake has its path, line and column; one that several readers of a section find is told once.

import { isMap, isScalar, isSeq, type Node } from "yaml";
import { nearest } from "../similar.ts";
import { parseYaml, type YamlDocument } from "./yaml.ts";

/** Something in the file that cannot be done, or (a note) is done otherwise than the words say. */
export interface Remark {
  /** As `retail.Predictor.ForecastHorizon`, `Default.Datasets[0].Schema`; empty for the file as a whole. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A node and where it stands. `node` is undefined where a key was not given. */
export interface Place {
  readonly node: Node | undefined;
  readonly path: string;
  /** Characters from the file's begin: of the value, or of its key where there is no value. */
  readonly offset: number;
}

interface Entry extends Place {
  /** Of the key. */
  readonly keyOffset: number;
}

export type Handlers = Readonly<Record<string, (place: Place) => void>>;

/** One reading of one file; collects remarks. */
export class Reading {
  readonly name: string;
  readonly problems: Remark[] = [];
  readonly notes: Remark[] = [];
  readonly root: Place;
  readonly #document: YamlDocument;

  /** YAML 1.2, and of 1.1 the merge key. */
  constructor(text: string, name: string) {
    this.name = name;
    this.#document = parseYaml(text, { merge: true });
    for (const { message, ...position } of this.#document.mistakes) {
      this.problems.push({ path: "", ...position, message: `Expected YAML but ${lowerFirst(message.replace(/\.$/, ""))}. Correct it.` });
    }
    this.root = { node: this.#document.root, path: "", offset: 0 };
  }

  problem(place: Place, message: string): void {
    this.#remark(this.problems, place, message);
  }

  note(place: Place, message: string): void {
    this.#remark(this.notes, place, message);
  }

  #remark(into: Remark[], place: Place, message: string): void {
    const remark = { path: place.path, ...this.#document.positionAt(place.offset), message };
    // A section that several groups share is read for each of them.
    if (!into.some((each) => each.path === remark.path && each.message === message && each.line === remark.line)) into.push(remark);
  }

  /** The keys of a map with their places, merged ones included; undefined (and a problem) when it is none. */
  entries(place: Place, what: string): ReadonlyMap<string, Entry> | undefined {
    const { node } = place;
    if (!isMap(node)) {
      this.problem(place, `Expected ${what} as a map of keys but received ${describe(node)}.`);
      return undefined;
    }
    const found = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : String(key);
      const inner = this.#document.resolve(value);
      if (name === "<<" || (isScalar(key) && typeof key.value === "symbol")) {
        for (const source of isSeq(inner) ? inner.items : [inner]) {
          const from = this.entries({ ...place, node: this.#document.resolve(source) }, "a merge");
          for (const [mergedName, mergedPlace] of from ?? []) if (!merged.has(mergedName)) merged.set(mergedName, mergedPlace);
        }
        continue;
      }
      const keyOffset = isScalar(key) ? (key.range?.[0] ?? place.offset) : place.offset;
      const path = place.path === "" ? name : `${place.path}.${name}`;
      found.set(name, { node: inner, path, offset: inner?.range?.[0] ?? keyOffset, keyOffset });
    }
    for (const [name, inner] of merged) if (!found.has(name)) found.set(name, inner);
    return found;
  }

  /** Gives each known key to its handler; any other is a problem. False when the place is no map. */
  map(place: Place, what: string, handlers: Handlers, refused: Readonly<Record<string, string>> = {}): boolean {
    const places = this.places(place, what, Object.keys(handlers), refused);
    for (const [name, inner] of Object.entries(places ?? {})) if (inner !== undefined) handlers[name]?.(inner);
    return places !== undefined;
  }

  /** Where each known key stands, in the order of the file; any other is a problem. Undefined (and a problem) when the place is no map. */
  places<Key extends string>(
    place: Place,
    what: string,
    keys: readonly Key[],
    refused: Readonly<Record<string, string>> = {},
  ): Readonly<Partial<Record<Key, Place>>> | undefined {
    const entries = this.entries(place, what);
    if (entries === undefined) return undefined;
    const found: Partial<Record<Key, Place>> = {};
    for (const [name, inner] of entries) {
      const key = keys.find((each) => each === name);
      if (key !== undefined) {
        found[key] = inner;
      } else if (Object.hasOwn(refused, name)) {
        this.problem({ ...inner, offset: inner.keyOffset }, `Expected no ${name} here: ${refused[name]}`);
      } else {
        const meant = nearest(name, keys);
        const hint = meant === undefined ? `Known are ${keys.join(", ")}.` : `Did you mean ${meant}?`;
        this.problem({ ...inner, offset: inner.keyOffset }, `Expected a key of ${what} but ${name} is none. ${hint}`);
      }
    }
    return found;
  }

  /** The places of a list; undefined (and a problem) when it is none. */
  list(place: Place, what: string): readonly Place[] | undefined {
    if (!isSeq(place.node)) {
      this.problem(place, `Expected ${what} as a list but received ${describe(place.node)}.`);
      return undefined;
    }
    return place.node.items.map((item, i) => {
      const node = this.#document.resolve(item);
      return { node, path: `${place.path}[${i}]`, offset: node?.range?.[0] ?? place.offset };
    });
  }

  /** Text; numbers are taken as they are written (`0.10`). */
  text(place: Place, what: string): string | undefined {
    const { node } = place;
    if (isScalar(node)) {
      if (typeof node.value === "string" && node.value !== "") return node.value;
      if (typeof node.value === "number") return node.source ?? String(node.value);
    }
    this.problem(place, `Expected ${what} but received ${describe(node)}.`);
    return undefined;
  }

  /** One of the words given. */
  choice<Word extends string>(place: Place, what: string, words: readonly Word[]): Word | undefined {
    const text = this.text(place, `${what} (${words.join(", ")})`);
    if (text === undefined) return undefined;
    const found = words.find((word) => word === text);
    if (found === undefined) this.problem(place, `Expected ${what} to be one of ${words.join(", ")} but received ${quoted(text)}.`);
    return found;
  }

  /** A number, also when it is written as text. */
  number(place: Place, what: string, from: number, to: number, whole: boolean): number | undefined {
    const { node } = place;
    const value =
      isScalar(node) && (typeof node.value === "number" || (typeof node.value === "string" && node.value.trim() !== ""))
        ? Number(node.value)
        : Number.NaN;
    if (!Number.isNaN(value) && value >= from && value <= to && (!whole || Number.isInteger(value))) return value;
    const range =
      to === Number.POSITIVE_INFINITY ? (from === Number.NEGATIVE_INFINITY ? "" : ` of ${from} or more`) : ` from ${from} to ${to}`;
    this.problem(place, `Expected ${what} as a ${whole ? "whole " : ""}number${range} but received ${describe(node)}.`);
    return undefined;
  }

  /** True or false, also as the words of YAML 1.1 and as text. */
  flag(place: Place, what: string): boolean | undefined {
    const { node } = place;
    if (isScalar(node) && typeof node.value === "boolean") return node.value;
    const word = isScalar(node) && typeof node.value === "string" ? node.value.toLowerCase() : "";
    if (["true", "yes", "on"].includes(word)) return true;
    if (["false", "no", "off"].includes(word)) return false;
    this.problem(place, `Expected ${what} as true or false but received ${describe(node)}.`);
    return undefined;
  }
}

function describe(node: Node | undefined): string {
  if (isMap(node)) return "a map";
  if (isSeq(node)) return "a list";
  if (!isScalar(node) || node.value === null || node.value === "") return "nothing";
  return typeof node.value === "string" ? quoted(node.value) : JSON.stringify(node.value);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
