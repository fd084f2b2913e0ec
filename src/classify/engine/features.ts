// Features: an item becomes hashed words, character n-grams, categories, crosses of both, and numbers.
//
// Owns: the rule by which text becomes 32-bit keys, written down so that another program can follow it (see `hashingRule`).
// Does not own: what a feature weighs (weighing), which are known (the model).
//   F1. The keys of an item depend on the item and the spec alone, not on other items or on the machine.
//   F2. Each column is a namespace of its own: "case" in a title and "case" in a fault report are two features.
//   F3. At most `maxPoints` code points of a column are read; memory is bounded by the spec, not by the text.
//   F4. Within an item a key occurs once, with its count (entries.ts).

import { StockroomError } from "../../platform/errors.ts";
import { hashText } from "../../platform/random.ts";
import { notNumber, parseNumber as readNumber } from "../../platform/formats/numbers.ts";
import { mix32, type Item } from "./dataset.ts";
import { EntryTable } from "./entries.ts";
import { foldText } from "./fold.ts";
import { PRIME, SPACE, TokenStore } from "./tokens.ts";

/** How a text column becomes features. */
export interface TextSpec {
  readonly column: string;
  /** Pairs of neighbouring words too. */
  readonly pairs: boolean;
  /** Lengths of character n-grams, both included. */
  readonly minChars: number;
  readonly maxChars: number;
  /** Whether n-grams run on over the space between words; else a space can only begin or end one. */
  readonly across: boolean;
}

/** How a numeric column becomes features: a line, and steps at the quantiles of training. */
export interface NumberSpec {
  readonly column: string;
  readonly mean: number;
  readonly deviation: number;
  /** Rising; value v is in the bin of how many edges it reaches. */
  readonly edges: readonly number[];
}

/** Everything that decides which features an item has. Part of the model file. */
export interface FeatureSpec {
  readonly rule: "stockroom-features-1";
  /** A feature's bucket is the top `bits` bits of its key. */
  readonly bits: number;
  readonly maxPoints: number;
  readonly text: readonly TextSpec[];
  readonly categories: readonly string[];
  /** Indices into `categories`: those crossed with the words of the first text column. */
  readonly crosses: readonly number[];
  readonly numbers: readonly NumberSpec[];
}

/** A group of features that is normalised and scaled together. */
export interface Namespace {
  readonly kind: "always" | "text" | "category" | "cross" | "number";
  readonly name: string;
  readonly salt: number;
}

/** The namespaces of a spec, in the order of their numbers. */
export function namespacesOf(spec: FeatureSpec): readonly Namespace[] {
  const make = (kind: Namespace["kind"], name: string): Namespace => ({ kind, name, salt: hashText(`${kind}:${name}`) });
  return [
    make("always", ""),
    ...spec.text.map((text) => make("text", text.column)),
    ...spec.categories.map((category) => make("category", category)),
    ...spec.crosses.map((index) => make("cross", spec.categories[index] ?? "")),
    ...spec.numbers.map((number) => make("number", number.column)),
  ];
}

/** What a feature is within its namespace; 3 to 6 are character n-grams of that length. */
export const featureKind = { whole: 0, word: 1, pair: 2, amount: 7 } as const;

/** A kind as stored per entry: namespace and what it is within. */
export const kindCode = (namespace: number, kind: number): number => (namespace << 3) | kind;

/** Reads items into entries. One extractor is used by one thread at a time; its arrays are overwritten by the next `read`. */
export interface Extractor {
  readonly namespaces: readonly Namespace[];
  /** Entries of the item read last. */
  readonly count: number;
  readonly keys: Uint32Array;
  readonly kinds: Uint16Array;
  /** How often the feature occurs in the item; for `amount` the number itself. */
  readonly amounts: Float32Array;
  /** The token each entry speaks for. */
  readonly owners: Uint32Array;
  read(item: Item): void;
  /** Forgets the tokens of items read before. */
  forget(): void;
  /** Tokens read since `forget`. */
  readonly tokens: number;
  /** The namespace of a token and its text, folded as it was hashed. */
  token(index: number): { readonly namespace: number; readonly text: string };
}

export function openExtractor(spec: FeatureSpec): Extractor {
  const namespaces = namespacesOf(spec);
  const entries = new EntryTable();
  const tokens = new TokenStore(spec.maxPoints);
  const readText = makeTextReader(spec, namespaces, entries, tokens);
  const hashValue = makeValueHasher(namespaces);
  const firstCategory = 1 + spec.text.length;
  const firstCross = firstCategory + spec.categories.length;
  const readNumbers = makeNumberReader(spec, namespaces.slice(firstCross + spec.crosses.length), entries, tokens);

  const readCategories = (item: Item): void => {
    for (let c = 0; c < spec.categories.length; c++) {
      const namespace = firstCategory + c;
      const text = item.categories[c];
      entries.put(hashValue(namespace, text), kindCode(namespace, featureKind.whole), tokens.add(namespace, 0, 0, text));
    }
  };

  /** Right after the first text column, whose words are then in `tokens.wordHashes`. */
  const readCrosses = (item: Item, words: number, firstToken: number): void => {
    for (let x = 0; x < spec.crosses.length; x++) {
      const namespace = firstCross + x;
      const base = mix32(hashValue(namespace, item.categories[spec.crosses[x]]));
      let whole = base;
      for (let w = 0; w < words; w++) {
        const word = tokens.wordHashes[w];
        entries.put(Math.imul(base ^ word, PRIME), kindCode(namespace, featureKind.word), firstToken + w);
        whole = Math.imul(whole, 31) + word;
      }
      entries.put(~whole, kindCode(namespace, featureKind.whole), firstToken);
    }
  };

  return {
    namespaces,
    get count() {
      return entries.count;
    },
    get keys() {
      return entries.keys;
    },
    get kinds() {
      return entries.kinds;
    },
    get amounts() {
      return entries.amounts;
    },
    get owners() {
      return entries.owners;
    },
    get tokens() {
      return tokens.count;
    },
    read: (item) => {
      entries.begin();
      entries.put(namespaces[0].salt | 0, kindCode(0, featureKind.whole), tokens.add(0, 0, 0, ""));
      for (let column = 0; column < spec.text.length; column++) {
        const firstToken = tokens.count;
        const words = readText(item.text[column], column);
        if (column === 0) readCrosses(item, words, firstToken);
      }
      readCategories(item);
      readNumbers(item);
    },
    forget: () => tokens.forget(),
    token: (index) => tokens.token(index),
  };
}

/** Puts the words, pairs and character n-grams of a text column; gives back how many words there are. */
function makeTextReader(
  spec: FeatureSpec,
  namespaces: readonly Namespace[],
  entries: EntryTable,
  tokens: TokenStore,
): (text: string, column: number) => number {
  return (text, column) => {
    const namespace = 1 + column;
    const salt = namespaces[namespace].salt | 0;
    const { pairs, minChars, maxChars, across } = spec.text[column];
    const begin = tokens.end;
    const token = tokens.count;
    const words = tokens.readWords(text, namespace);
    if (words === 0) {
      entries.put(salt, kindCode(namespace, featureKind.whole), tokens.add(namespace, 0, 0, ""));
      return 0;
    }
    const { wordHashes, points, pointTokens, end } = tokens;
    const wordKind = kindCode(namespace, featureKind.word);
    const pairKind = kindCode(namespace, featureKind.pair);
    for (let w = 0; w < words; w++) {
      const one = Math.imul(wordHashes[w] ^ salt, PRIME);
      entries.put(one, wordKind, token + w);
      if (pairs && w + 1 < words) entries.put(Math.imul(one, 31) + wordHashes[w + 1], pairKind, token + w);
    }
    const gramSalt = ~salt;
    for (let a = begin; a + minChars <= end; a++) {
      let hash = gramSalt;
      const stop = Math.min(end, a + maxChars);
      for (let b = a; b < stop; b++) {
        const point = points[b];
        hash = Math.imul(hash ^ point, PRIME);
        const length = b - a + 1;
        if (length >= minChars) entries.put(hash, kindCode(namespace, length), pointTokens[a + (length >> 1)]);
        if (point === SPACE && !across && b > a) break;
      }
    }
    return words;
  };
}

/** Puts the bin of each number and the number itself; the namespaces are those of the numbers. */
function makeNumberReader(
  { numbers, text, categories, crosses }: FeatureSpec,
  namespaces: readonly Namespace[],
  entries: EntryTable,
  tokens: TokenStore,
): (item: Item) => void {
  const first = 1 + text.length + categories.length + crosses.length;
  return (item) => {
    for (let n = 0; n < numbers.length; n++) {
      const namespace = first + n;
      const salt = namespaces[n].salt | 0;
      const value = parseNumber(item.numbers[n]);
      const token = tokens.add(namespace, 0, 0, item.numbers[n]);
      const kind = kindCode(namespace, featureKind.whole);
      if (value === undefined) {
        entries.put(salt, kind, token);
        continue;
      }
      const { mean, deviation, edges } = numbers[n];
      let bin = 0;
      while (bin < edges.length && value >= edges[bin]) bin += 1;
      entries.put(salt + Math.imul(bin + 1, 0x9e3779b1), kind, token);
      entries.put(~salt, kindCode(namespace, featureKind.amount), token);
      entries.setAmount(Math.min(4, Math.max(-4, (value - mean) / deviation)));
    }
  };
}

/** Makes the hash of a category's value; country codes and the like come again and again. */
function makeValueHasher(namespaces: readonly Namespace[]): (namespace: number, text: string) => number {
  const shortHashes = namespaces.map(() => new Map<string, number>());
  return (namespace, text) => {
    const salt = namespaces[namespace].salt | 0;
    // Longer texts may be slices that would keep their whole file in memory.
    if (text.length > 12) return hashFolded(salt, text);
    const hashes = shortHashes[namespace];
    let hash = hashes.get(text);
    if (hash === undefined) {
      hash = hashFolded(salt, text);
      if (hashes.size < 1024) hashes.set(text, hash);
    }
    return hash;
  };
}

const canonicalNumber = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

/**
 * A number in canonical text (a decimal point, no thousands separators), or undefined for none.
 *
 * Throws `input` `ITEM_NUMBER` for anything else: `1234,56` taken for a missing value would cost a model its column without a word.
 */
export function parseNumber(text: string): number | undefined {
  const value = readNumber(text);
  if (Number.isNaN(value)) return undefined;
  if (value !== notNumber && canonicalNumber.test(text)) return value;
  throw new StockroomError(
    "input",
    "ITEM_NUMBER",
    `Expected a number with a decimal point and no thousands separators but received "${text.slice(0, 40).toWellFormed()}". Read the file's numbers before they become items.`,
  );
}

function hashFolded(salt: number, text: string): number {
  const folded = foldText(text).trim();
  let hash = salt;
  for (let i = 0; i < folded.length; i++) hash = Math.imul(hash ^ folded.charCodeAt(i), PRIME);
  return hash;
}
