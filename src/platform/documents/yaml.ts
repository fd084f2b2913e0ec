// YAML: a text as plain values, with the line and column of everything in it.
//
// Owns: parsing, places, aliases. Does not own: what keys mean, and in which words a mistake is told.
//   documents.Y1. Every mistake of the text is found at once, each with its place. JSON is YAML, and is read as such.
//   documents.Y2. A path that has no place of its own has that of the nearest thing above it.

import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

/** From 1, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlMistake extends Position {
  /** In the parser's words, without a place. */
  readonly message: string;
}

/** Keys of maps and indices of lists, from the top. */
export type DocumentPath = readonly (string | number)[];

export interface YamlPlace {
  readonly path: DocumentPath;
  /** Of the key, for what stands in a map. */
  readonly key?: Position;
  /** Of the value where it is a scalar or stands in a list, else of the key: a map begins with its name. */
  readonly value: Position;
}

export interface YamlOptions {
  /** The merge key `<<` of YAML 1.1. Default false. */
  readonly merge?: boolean;
}

export interface YamlDocument {
  readonly mistakes: readonly YamlMistake[];
  readonly root: Node | undefined;
  /** What an alias stands for; any other node is itself. */
  resolve(node: unknown): Node | undefined;
  /** The document as plain values; only of one without mistakes. */
  value(): unknown;
  positionAt(offset: number): Position;
  /** The place of every key and every entry of a list, from the top down; not of what an alias stands for. */
  places(): readonly YamlPlace[];
  /** The nearest place to a path: of the key for maps, of the entry for lists; undefined for an empty document. */
  positionOf(path: DocumentPath): Position | undefined;
}

/** Parses one document. Never throws for what the text holds: see `mistakes`. */
export function parseYaml(text: string, options: YamlOptions = {}): YamlDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: options.merge ?? false });
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
  const resolve = (node: unknown): Node | undefined => {
    const resolved = isAlias(node) ? node.resolve(document) : node;
    return isNode(resolved) ? resolved : undefined;
  };

  function* placesIn(node: unknown, above: DocumentPath): Generator<YamlPlace> {
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        const path = [...above, index];
        yield { path, value: positionAt(startOf(item) ?? 0) };
        yield* placesIn(item, path);
      }
    }
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const path = [...above, String(key.value)];
      const at = startOf(key) ?? 0;
      const own = isScalar(value) && value.value !== null ? startOf(value) : undefined;
      yield { path, key: positionAt(at), value: positionAt(own ?? at) };
      yield* placesIn(value, path);
    }
  }

  const textOf = (path: DocumentPath): string => JSON.stringify(path.map(String));
  let byPath: ReadonlyMap<string, YamlPlace> | undefined;
  const find = (path: DocumentPath): YamlPlace | undefined => {
    byPath ??= new Map([...placesIn(document.contents, [])].map((place) => [textOf(place.path), place]));
    return byPath.get(textOf(path));
  };
  return {
    mistakes: document.errors.map(({ message, pos }) => ({ ...positionAt(pos[0]), message })),
    root: resolve(document.contents),
    resolve,
    value: () => document.toJS() as unknown,
    positionAt,
    places: () => [...placesIn(document.contents, [])],
    positionOf: (path) => {
      for (let depth = path.length; depth > 0; depth--) {
        const place = find(path.slice(0, depth));
        if (place !== undefined) return place.key ?? place.value;
      }
      const start = startOf(document.contents);
      return start === undefined ? undefined : positionAt(start);
    },
  };
}
