// Prepare: a dataset hashed once, so that every trial begins where the arithmetic begins.
//
// Owns: the spec that fits a dataset, the entries of its items, document frequencies. Does not own: hyperparameters.
//   P1. Features are numbered from the most to the least frequent, so that the rows of weights that training touches most lie together;
//       numbering and entries depend on the dataset and the spec alone.
//   P2. The arrays may lie in shared memory: trials on other threads read them in place, nobody writes them.

import type { Dataset, Item } from "./dataset.ts";
import { openExtractor, parseNumber, type FeatureSpec, type NumberSpec } from "./features.ts";
import { foldText } from "./fold.ts";
import { classifyFrequency, orderByFrequency, type Entries } from "./term-weights.ts";

export interface PrepareOptions {
  /** Put the arrays into shared memory. Default false. */
  readonly shared?: boolean;
  /** Only the first so many items decide the spec; default all. */
  readonly decidedBy?: number;
  /** Hash bits; default: by how many features there are. */
  readonly bits?: number;
}

/** Plain data; crosses threads without being copied when shared. */
export interface Prepared {
  readonly spec: FeatureSpec;
  readonly classes: readonly string[];
  readonly labels: Int32Array;
  readonly groups: Uint32Array;
  readonly size: number;
  /** Item i has the entries `starts[i]` up to `starts[i + 1]`. */
  readonly starts: Uint32Array;
  readonly entries: Entries;
  /** Bucket of each feature. */
  readonly buckets: Uint32Array;
  /** All features by rising bucket: the order of a model file. */
  readonly byBucket: Uint32Array;
}

const MAX_BITS = 22;
const MIN_BITS = 14;
/** Weights of all buckets in single precision should not pass this. */
const MAX_WEIGHT_BYTES = 2 ** 30;
/** A category with more values than this is not crossed: nearly every pair would be met once. */
const MAX_CROSSED_VALUES = 64;
const NUMBER_BINS = 12;
/** Entries there is room for from the start, at most: 640 MB of addresses. */
const MOST_ROOM = 2 ** 26;

/** Hashes a dataset with the spec that fits it, or with a spec given. */
export function prepare(dataset: Dataset, options: PrepareOptions = {}, given?: FeatureSpec): Prepared {
  const decidedBy = options.decidedBy ?? dataset.size;
  const draft = given ?? draftSpec(dataset, dataset.items.slice(0, decidedBy));
  const extractor = openExtractor(draft);
  const starts = new Uint32Array(dataset.size + 1);
  const { shared = false } = options;
  // Generous, because pages never written cost nothing, and written in place, because a copy costs as much as the hashing of the words.
  let room = Math.max(1024, Math.min(dataset.size * 160, MOST_ROOM));
  let keys = new Uint32Array(memoryOf(4 * room, shared));
  let kinds = new Uint16Array(memoryOf(2 * room, shared));
  let amounts = new Float32Array(memoryOf(4 * room, shared));
  let end = 0;
  for (let item = 0; item < dataset.size; item++) {
    extractor.forget();
    extractor.read(dataset.items[item]);
    const { count } = extractor;
    if (end + count > room) {
      room = Math.max(room * 2, end + count);
      keys = copyInto(new Uint32Array(memoryOf(4 * room, shared)), keys);
      kinds = copyInto(new Uint16Array(memoryOf(2 * room, shared)), kinds);
      amounts = copyInto(new Float32Array(memoryOf(4 * room, shared)), amounts);
    }
    keys.set(extractor.keys.subarray(0, count), end);
    kinds.set(extractor.kinds.subarray(0, count), end);
    amounts.set(extractor.amounts.subarray(0, count), end);
    end += count;
    starts[item + 1] = end;
  }
  const bits = given?.bits ?? options.bits ?? chooseBits(keys.subarray(0, starts[decidedBy]), dataset.classes.length);
  const features = keys.subarray(0, end);
  const { buckets, byBucket } = numberFeatures(features, bits);
  const place = shared ? placeShared : <T>(array: T): T => array;
  return {
    spec: { ...draft, bits },
    classes: dataset.classes,
    labels: place(dataset.labels),
    groups: place(dataset.groups),
    size: dataset.size,
    starts: place(starts),
    entries: { features, kinds: kinds.subarray(0, end), amounts: amounts.subarray(0, end) },
    buckets: place(buckets),
    byBucket: place(byBucket),
  };
}

/** How many of the items named have each feature. */
export function countFrequencies(prepared: Prepared, items: Uint32Array): Uint32Array {
  const frequencies = new Uint32Array(prepared.buckets.length);
  const { features } = prepared.entries;
  for (const item of items) {
    for (let entry = prepared.starts[item]; entry < prepared.starts[item + 1]; entry++) frequencies[features[entry]] += 1;
  }
  return frequencies;
}

/** The spec for a dataset: every column as it stands, categories of few values crossed with the first text column, numbers cut at quantiles. */
function draftSpec({ columns }: Dataset, items: readonly Item[]): FeatureSpec {
  const crosses = columns.categories.flatMap((_, c) => {
    const values = new Set<string>();
    for (const item of items) {
      values.add(foldText(item.categories[c]).trim());
      if (values.size > MAX_CROSSED_VALUES) break;
    }
    return columns.text.length > 0 && values.size > 1 && values.size <= MAX_CROSSED_VALUES ? [c] : [];
  });
  return {
    rule: "stockroom-features-1",
    bits: MAX_BITS,
    maxPoints: 5000,
    text: columns.text.map((column, index) => ({ column, pairs: true, minChars: 3, maxChars: 5, across: index === 0 })),
    categories: columns.categories,
    crosses,
    numbers: columns.numbers.map((column, n) => describeNumber(column, items, n)),
  };
}

function describeNumber(column: string, items: readonly Item[], n: number): NumberSpec {
  const values = Float64Array.from(items.flatMap((item) => parseNumber(item.numbers[n]) ?? [])).sort();
  const mean = values.length === 0 ? 0 : values.reduce((sum, value) => sum + value / values.length, 0);
  const variance = values.length === 0 ? 0 : values.reduce((sum, value) => sum + (value - mean) ** 2 / values.length, 0);
  const edges = new Set<number>();
  for (let bin = 1; bin < NUMBER_BINS && values.length > 0; bin++) edges.add(values[Math.floor((bin * values.length) / NUMBER_BINS)]);
  return { column, mean, deviation: Number.isFinite(variance) && variance > 0 ? Math.sqrt(variance) : 1, edges: [...edges] };
}

/** Eight buckets a feature keep collisions rare; many classes make fewer bits affordable. */
function chooseBits(keys: Uint32Array, classes: number): number {
  const met = new Uint8Array(2 ** MAX_BITS);
  let distinct = 0;
  for (let i = 0; i < keys.length; i++) {
    const bucket = keys[i] >>> (32 - MAX_BITS);
    distinct += 1 - met[bucket];
    met[bucket] = 1;
  }
  let bits = MIN_BITS;
  while (bits < MAX_BITS && 2 ** bits < distinct * 8) bits += 1;
  const lanes = (classes + 3) & ~3;
  while (bits > MIN_BITS && Math.min(distinct, 2 ** bits) * lanes * 4 > MAX_WEIGHT_BYTES) bits -= 1;
  return bits;
}

/** Puts the numbers of features in the place of their keys: 0 for the bucket met most often, and so on. */
function numberFeatures(keys: Uint32Array, bits: number): { readonly buckets: Uint32Array; readonly byBucket: Uint32Array } {
  const shift = 32 - bits;
  // First how often a bucket is met, then the number of its feature.
  const table = new Uint32Array(2 ** bits);
  let distinct = 0;
  for (let i = 0; i < keys.length; i++) if ((table[keys[i] >>> shift] += 1) === 1) distinct += 1;
  const met = new Uint32Array(distinct);
  for (let bucket = 0, next = 0; next < distinct; bucket++) if (table[bucket] > 0) met[next++] = bucket;
  const order = orderByFrequency(Uint8Array.from(met, (bucket) => classifyFrequency(table[bucket])));
  const buckets = Uint32Array.from(order, (place) => met[place]);
  const byBucket = new Uint32Array(met.length);
  for (let feature = 0; feature < buckets.length; feature++) {
    byBucket[order[feature]] = feature;
    table[buckets[feature]] = feature;
  }
  for (let i = 0; i < keys.length; i++) keys[i] = table[keys[i] >>> shift];
  return { buckets, byBucket };
}

type Words = Uint32Array | Int32Array | Uint16Array | Uint8Array | Int8Array | Float32Array;

/** The same numbers in shared memory. */
export function placeShared<T extends Words>(array: T): T {
  const make = array.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => T; // the array's own kind
  const copy = new make(memoryOf(array.byteLength, true), 0, array.length);
  copy.set(array);
  return copy;
}

const memoryOf = (bytes: number, shared: boolean): ArrayBufferLike => (shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));

function copyInto<T extends Words>(to: T, from: T): T {
  to.set(from);
  return to;
}
