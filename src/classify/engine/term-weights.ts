// Weighing: from what an item has to how much each of it counts.
//
// Owns: term and document frequency, scales and lengths of namespaces, which kinds of features are used at all.
// Does not own: the features, the model's weights.
//   G1. The values of an item depend on its entries, the hyperparameters and the document frequencies alone.
//   G2. Each namespace of an item has length `scale` (numbers excepted, whose size means something): a long description does not outvote a title.
//   G3. A feature not met in training has no part, not even in the length.
// `weight` takes its parameters by place: it is called for every item learned and coded, with places in arrays that are written, not made.

import { featureKind, namespacesOf, type FeatureSpec } from "./features.ts";

/** The hyperparameters of one model. */
export interface Hyperparameters {
  readonly epochs: number;
  /** AdaGrad's rate at the start; it falls to 0 in a straight line. */
  readonly rate: number;
  /** Lengths of the namespaces: first text column, other text columns, categories, crosses; and the scale of numbers. */
  readonly firstTextScale: number;
  readonly otherTextScale: number;
  readonly categoryScale: number;
  readonly crossScale: number;
  readonly numberScale: number;
  /** Power of the inverse document frequency. */
  readonly idfPower: 0 | 0.5 | 1;
  /** Features of fewer training items are left out. */
  readonly minItems: number;
  readonly minChars: number;
  readonly maxChars: number;
  readonly pairs: boolean;
  /** Share of an item's features hidden at random in each pass. */
  readonly dropout: number;
  /** Importance of a class = (mean class size / its size) ** this. */
  readonly classPower: 0 | 0.25 | 0.5 | 1;
}

/** What serves well where nothing is known; see decisions/classifier-engine.md for how it was found. */
export const defaultHyperparameters: Hyperparameters = {
  epochs: 5,
  rate: 0.7,
  firstTextScale: 1.2,
  otherTextScale: 0.55,
  categoryScale: 0.5,
  crossScale: 0.6,
  numberScale: 0.3,
  idfPower: 0.5,
  minItems: 1,
  minChars: 3,
  maxChars: 5,
  pairs: true,
  dropout: 0,
  classPower: 0,
};

const ALWAYS_SCALE = 0.3;

/** Entries of one item with their features known: what `weight` reads. */
export interface Entries {
  readonly features: Uint32Array;
  readonly kinds: Uint16Array;
  readonly amounts: Float32Array;
}

export interface TermWeighter {
  /**
   * Writes the used entries `from` up to `to` to `features` and `values` from `at` on; gives back where the next may begin.
   *
   * `picked`, when given, receives the index of the entry behind each.
   */
  weight(entries: Entries, from: number, to: number, features: Uint32Array, values: Float32Array, at: number, picked?: Uint32Array): number;
}

/**
 * Frequencies in 256 classes: exact below 32, then eight classes a doubling. One byte a feature stays in the cache where four do not.
 */
export function classifyFrequency(frequency: number): number {
  if (frequency < 32) return frequency;
  return Math.min(255, 32 + Math.floor(8 * (Math.log2(frequency) - 5)));
}

/** Features from the most to the least frequent, those of one class of frequency in their order. */
export function orderByFrequency(frequencyClasses: Uint8Array): Uint32Array {
  const starts = new Uint32Array(257);
  for (const frequencyClass of frequencyClasses) starts[256 - frequencyClass] += 1;
  for (let place = 1; place < starts.length; place++) starts[place] += starts[place - 1];
  const order = new Uint32Array(frequencyClasses.length);
  for (let feature = 0; feature < order.length; feature++) order[starts[255 - frequencyClasses[feature]]++] = feature;
  return order;
}

/** Inverse document frequency per class of frequency, 0 for features that are left out. */
export function weightFrequencies(items: number, parameters: Hyperparameters): Float64Array {
  const { idfPower, minItems } = parameters;
  return Float64Array.from({ length: 256 }, (_, frequencyClass) => {
    const frequency = frequencyClass < 32 ? frequencyClass : 2 ** (5 + (frequencyClass - 32) / 8);
    if (frequency < Math.max(1, minItems)) return 0;
    const idf = Math.max(1, 1 + Math.log((1 + items) / (1 + frequency)));
    return idfPower === 0 ? 1 : idfPower === 1 ? idf : Math.sqrt(idf);
  });
}

/** `frequencyClasses` by feature, of `items` training items. */
export function makeTermWeighter(
  spec: FeatureSpec,
  parameters: Hyperparameters,
  frequencyClasses: Uint8Array,
  items: number,
): TermWeighter {
  const idf = weightFrequencies(items, parameters);
  const namespaces = namespacesOf(spec);
  let texts = 0;
  const scales = Float64Array.from(namespaces, ({ kind }) => {
    if (kind === "always") return ALWAYS_SCALE;
    if (kind === "text") return texts++ === 0 ? parameters.firstTextScale : parameters.otherTextScale;
    return kind === "category" ? parameters.categoryScale : kind === "cross" ? parameters.crossScale : parameters.numberScale;
  });
  const sized = Uint8Array.from(namespaces, ({ kind }) => (kind === "number" ? 0 : 1));
  const used = new Uint8Array(8).fill(1);
  used[featureKind.pair] = parameters.pairs ? 1 : 0;
  for (let length = 3; length <= 6; length++) used[length] = length >= parameters.minChars && length <= parameters.maxChars ? 1 : 0;
  const squares = new Float64Array(namespaces.length);
  const factors = new Float64Array(namespaces.length);
  let owners = new Uint16Array(1024);

  return {
    weight: (entries, from, to, features, values, at, picked) => {
      const { kinds, amounts } = entries;
      if (owners.length < to - from) owners = new Uint16Array(2 * (to - from));
      squares.fill(0);
      let end = at;
      for (let entry = from; entry < to; entry++) {
        const feature = entries.features[entry];
        const weight = idf[frequencyClasses[feature]];
        const kind = kinds[entry] & 7;
        if (!(weight > 0) || used[kind] === 0) continue;
        const namespace = kinds[entry] >> 3;
        const amount = amounts[entry];
        // Most features occur once in an item: no logarithm for them.
        const value = kind === featureKind.amount ? amount : amount === 1 ? weight : (1 + Math.log(amount)) * weight;
        squares[namespace] += value * value;
        features[end] = feature;
        values[end] = value;
        owners[end - at] = namespace;
        if (picked !== undefined) picked[end] = entry;
        end += 1;
      }
      for (let namespace = 0; namespace < squares.length; namespace++) {
        const square = squares[namespace];
        factors[namespace] = sized[namespace] === 0 ? scales[namespace] : square > 0 ? scales[namespace] / Math.sqrt(square) : 0;
      }
      for (let entry = at; entry < end; entry++) values[entry] *= factors[owners[entry - at]];
      return end;
    },
  };
}
