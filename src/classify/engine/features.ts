// Features: an item becomes hashed words, pieces of words, categories, crosses of both, and numbers.
//
// Owns: the rule by which text becomes 32-bit keys, written down so that another program can follow it (see `hashingRule`).
// Does not own: what a feature weighs (weighing), which are known (the model).
//   F1. The keys of an item depend on the item and the spec alone, not on other items or on the machine.
//   F2. Each column is a namespace of its own: "case" in a title and "case" in a fault report are two features.
//   F3. At most `maxPoints` code points of a column are read; memory is bounded by the spec, not by the text.
//   F4. Within an item a key occurs once, with its count.

import { StockroomError } from "../../platform/errors.ts";
import { hashText } from "../../platform/random.ts";
import { notNumber, parseNumber as readNumber } from "../../platform/formats/numbers.ts";
import { mix32, type Item } from "./dataset.ts";
import { foldText, kindOf, pointKind } from "./fold.ts";

/** How a text column becomes features. */
export interface TextSpec {
  readonly column: string;
  /** Pairs of neighbouring words too. */
  readonly pairs: boolean;
  /** Lengths of character pieces, both included. */
  readonly minChars: number;
  readonly maxChars: number;
  /** Whether pieces run on over the space between words; else a space can only begin or end one. */
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

/** What a feature is within its namespace; 3 to 6 are character pieces of that length. */
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

const PRIME = 0x01000193;
const SPACE = 32;
/** Lower-case letter or digit per ASCII code, 0 for what stands between words. */
const ascii = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code).toLowerCase();
  return /[a-z0-9]/.test(char) ? char.charCodeAt(0) : 0;
});

export function openExtractor(spec: FeatureSpec): Extractor {
  const namespaces = namespacesOf(spec);
  const salts = Int32Array.from(namespaces, (namespace) => namespace.salt | 0);
  const firstCategory = 1 + spec.text.length;
  const firstCross = firstCategory + spec.categories.length;
  const firstNumber = firstCross + spec.crosses.length;

  // Small, so that the table of an ordinary item stays in the nearest cache.
  let capacity = 512;
  let keys = new Uint32Array(capacity);
  let kinds = new Uint16Array(capacity);
  let amounts = new Float32Array(capacity);
  let owners = new Uint32Array(capacity);
  let count = 0;

  // Open addressing over the keys of one item; `seenIn` makes clearing free.
  let slots = capacity * 2;
  let seenIn = new Uint32Array(slots);
  let entryAt = new Uint32Array(slots);
  let round = 0;

  // Code points of all text read since `forget`, and the token each belongs to.
  let points = new Uint32Array(1 << 14);
  let pointTokens = new Uint32Array(1 << 14);
  let pointsEnd = 0;
  let tokenNamespaces = new Uint8Array(1 << 10);
  let tokenFrom = new Uint32Array(1 << 10);
  let tokenTo = new Uint32Array(1 << 10);
  let tokenTexts: (string | undefined)[] = [];
  let tokens = 0;

  let wordHashes = new Int32Array(256);
  let firstWords = 0;
  let firstToken = 0;

  const shortHashes = namespaces.map(() => new Map<string, number>());
  /** Hash of a category's value; country codes and the like come again and again. */
  const hashValue = (namespace: number, text: string): number => {
    // Longer texts may be slices that would keep their whole file in memory.
    if (text.length > 12) return hashFolded(salts[namespace], text);
    const hashes = shortHashes[namespace];
    let hash = hashes.get(text);
    if (hash === undefined) {
      hash = hashFolded(salts[namespace], text);
      if (hashes.size < 1024) hashes.set(text, hash);
    }
    return hash;
  };

  const grow = (): void => {
    capacity *= 2;
    slots = capacity * 2;
    keys = widen(keys, new Uint32Array(capacity));
    kinds = widen(kinds, new Uint16Array(capacity));
    amounts = widen(amounts, new Float32Array(capacity));
    owners = widen(owners, new Uint32Array(capacity));
    seenIn = new Uint32Array(slots);
    entryAt = new Uint32Array(slots);
    round = 1;
    for (let entry = 0; entry < count; entry++) {
      let slot = keys[entry] & (slots - 1);
      while (seenIn[slot] === round) slot = (slot + 1) & (slots - 1);
      seenIn[slot] = round;
      entryAt[slot] = entry;
    }
  };

  const put = (hash: number, kind: number, owner: number): void => {
    // mix32 by hand: the call is not always inlined here, and this is the hottest line of labelling.
    let key = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    key = Math.imul(key ^ (key >>> 13), 0xc2b2ae35);
    key = (key ^ (key >>> 16)) >>> 0;
    let slot = key & (slots - 1);
    while (seenIn[slot] === round) {
      const entry = entryAt[slot];
      if (keys[entry] === key) {
        amounts[entry] += 1;
        return;
      }
      slot = (slot + 1) & (slots - 1);
    }
    seenIn[slot] = round;
    entryAt[slot] = count;
    keys[count] = key;
    kinds[count] = kind;
    amounts[count] = 1;
    owners[count] = owner;
    count += 1;
    if (count === capacity) grow();
  };

  const addToken = (namespace: number, from: number, to: number, text?: string): number => {
    if (tokens === tokenFrom.length) {
      tokenNamespaces = widen(tokenNamespaces, new Uint8Array(tokens * 2));
      tokenFrom = widen(tokenFrom, new Uint32Array(tokens * 2));
      tokenTo = widen(tokenTo, new Uint32Array(tokens * 2));
    }
    tokenNamespaces[tokens] = namespace;
    tokenFrom[tokens] = from;
    tokenTo[tokens] = to;
    tokenTexts[tokens] = text;
    return tokens++;
  };

  /** Writes the words of a text to `points`, one space around each, and their hashes to `wordHashes`; gives back how many there are. */
  const readWords = (text: string, namespace: number): number => {
    let read = text;
    for (let i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) > 127) {
        // Folding costs with length; twice the bound leaves room for pairs of surrogates.
        read = foldText(text.length > 2 * spec.maxPoints ? text.slice(0, 2 * spec.maxPoints) : text);
        break;
      }
    }
    const most = 2 * spec.maxPoints + 2;
    if (pointsEnd + most > points.length) {
      const size = Math.max(points.length * 2, pointsEnd + most);
      points = widen(points, new Uint32Array(size));
      pointTokens = widen(pointTokens, new Uint32Array(size));
    }
    let words = 0;
    let left = spec.maxPoints;
    let hash = 0;
    let from = -1;
    points[pointsEnd] = SPACE;
    pointTokens[pointsEnd++] = tokens;
    const close = (): void => {
      if (words === wordHashes.length) wordHashes = widen(wordHashes, new Int32Array(words * 2));
      wordHashes[words++] = hash;
      addToken(namespace, from, pointsEnd);
      from = -1;
    };
    for (let i = 0; i < read.length && left > 0; i++, left--) {
      let point = read.charCodeAt(i);
      let kind: number;
      if (point < 128) {
        point = ascii[point];
        kind = point === 0 ? pointKind.between : pointKind.letter;
      } else {
        if (point >= 0xd800 && point < 0xdc00 && i + 1 < read.length) {
          const low = read.charCodeAt(i + 1);
          if (low >= 0xdc00 && low < 0xe000) {
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            i += 1;
          }
        }
        kind = kindOf(point);
      }
      if (kind === pointKind.between) {
        if (from >= 0) close();
        if (points[pointsEnd - 1] !== SPACE) {
          points[pointsEnd] = SPACE;
          pointTokens[pointsEnd++] = tokens;
        }
        continue;
      }
      if (from >= 0 && kind === pointKind.single) close();
      if (from < 0) {
        from = pointsEnd;
        hash = 0x811c9dc5 | 0;
      }
      hash = Math.imul(hash ^ point, PRIME);
      points[pointsEnd] = point;
      pointTokens[pointsEnd++] = tokens;
      if (kind === pointKind.single) close();
    }
    if (from >= 0) close();
    if (points[pointsEnd - 1] !== SPACE) {
      points[pointsEnd] = SPACE;
      pointTokens[pointsEnd++] = Math.max(0, tokens - 1);
    }
    return words;
  };

  const readText = (text: string, column: number): void => {
    const namespace = 1 + column;
    const salt = salts[namespace];
    const { pairs, minChars, maxChars, across } = spec.text[column];
    const begin = pointsEnd;
    const token = tokens;
    const words = readWords(text, namespace);
    if (column === 0) {
      firstWords = words;
      firstToken = token;
    }
    if (words === 0) {
      put(salt, kindCode(namespace, featureKind.whole), addToken(namespace, 0, 0, ""));
      return;
    }
    const wordKind = kindCode(namespace, featureKind.word);
    const pairKind = kindCode(namespace, featureKind.pair);
    for (let w = 0; w < words; w++) {
      const one = Math.imul(wordHashes[w] ^ salt, PRIME);
      put(one, wordKind, token + w);
      if (pairs && w + 1 < words) put(Math.imul(one, 31) + wordHashes[w + 1], pairKind, token + w);
    }
    const end = pointsEnd;
    const pieceSalt = ~salt;
    for (let a = begin; a + minChars <= end; a++) {
      let hash = pieceSalt;
      const stop = Math.min(end, a + maxChars);
      for (let b = a; b < stop; b++) {
        const point = points[b];
        hash = Math.imul(hash ^ point, PRIME);
        const length = b - a + 1;
        if (length >= minChars) put(hash, kindCode(namespace, length), pointTokens[a + (length >> 1)]);
        if (point === SPACE && !across && b > a) break;
      }
    }
  };

  const readCategories = (item: Item): void => {
    for (let c = 0; c < spec.categories.length; c++) {
      const namespace = firstCategory + c;
      const text = item.categories[c];
      put(hashValue(namespace, text), kindCode(namespace, featureKind.whole), addToken(namespace, 0, 0, text));
    }
  };

  const readCrosses = (item: Item): void => {
    for (let x = 0; x < spec.crosses.length; x++) {
      const namespace = firstCross + x;
      const base = mix32(hashValue(namespace, item.categories[spec.crosses[x]]));
      let whole = base;
      for (let w = 0; w < firstWords; w++) {
        const word = wordHashes[w];
        put(Math.imul(base ^ word, PRIME), kindCode(namespace, featureKind.word), firstToken + w);
        whole = Math.imul(whole, 31) + word;
      }
      put(~whole, kindCode(namespace, featureKind.whole), firstToken);
    }
  };

  const readNumbers = (item: Item): void => {
    for (let n = 0; n < spec.numbers.length; n++) {
      const namespace = firstNumber + n;
      const value = parseNumber(item.numbers[n]);
      const token = addToken(namespace, 0, 0, item.numbers[n]);
      const kind = kindCode(namespace, featureKind.whole);
      if (value === undefined) {
        put(salts[namespace], kind, token);
        continue;
      }
      const { mean, deviation, edges } = spec.numbers[n];
      let bin = 0;
      while (bin < edges.length && value >= edges[bin]) bin += 1;
      put(salts[namespace] + Math.imul(bin + 1, 0x9e3779b1), kind, token);
      put(~salts[namespace], kindCode(namespace, featureKind.amount), token);
      amounts[count - 1] = Math.min(4, Math.max(-4, (value - mean) / deviation));
    }
  };

  return {
    namespaces,
    get count() {
      return count;
    },
    get keys() {
      return keys;
    },
    get kinds() {
      return kinds;
    },
    get amounts() {
      return amounts;
    },
    get owners() {
      return owners;
    },
    get tokens() {
      return tokens;
    },
    read: (item) => {
      count = 0;
      round += 1;
      if (round === 2 ** 32) {
        seenIn.fill(0);
        round = 1;
      }
      put(salts[0], kindCode(0, featureKind.whole), addToken(0, 0, 0, ""));
      for (let column = 0; column < spec.text.length; column++) {
        readText(item.text[column], column);
        if (column === 0) readCrosses(item);
      }
      readCategories(item);
      readNumbers(item);
    },
    forget: () => {
      tokens = 0;
      tokenTexts = [];
      pointsEnd = 0;
    },
    token: (index) => {
      const text = tokenTexts[index];
      if (text !== undefined) return { namespace: tokenNamespaces[index], text };
      let word = "";
      for (let at = tokenFrom[index]; at < tokenTo[index]; at++) word += String.fromCodePoint(points[at]);
      return { namespace: tokenNamespaces[index], text: word };
    },
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

function widen<T extends Uint32Array | Uint16Array | Uint8Array | Float32Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
