// The rule of an exported model: how an item becomes the inputs of the graph, as JSON for programs in other languages.
//
// Owns: the JSON, with every constant and table it needs, and its prose. Does not own: the rule itself (fold, features, weighing); a test follows this JSON
// alone and must find the same features.
//   J1. Nothing in the rule refers to our source: constants are written out, tables are in the file.

import { featureKind, namespacesOf, kindCode, type FeatureSpec } from "./features.ts";
import type { Model } from "./model.ts";
import { makeTermWeighter, weightFrequencies } from "./term-weights.ts";

/** How an item becomes `features` and `values`; follow `steps`. */
export interface HashingRule {
  readonly format: "stockroom-onnx-rule-1";
  readonly steps: readonly string[];
  readonly columns: { readonly text: readonly string[]; readonly categories: readonly string[]; readonly numbers: readonly string[] };
  readonly spec: FeatureSpec;
  readonly namespaces: readonly {
    readonly kind: string;
    readonly name: string;
    readonly salt: number;
    /** Length of the namespace's values, or their factor where `normalised` is false. */
    readonly scale: number;
    readonly normalised: boolean;
  }[];
  readonly constants: {
    readonly prime: number;
    readonly wordStart: number;
    readonly mix: readonly [number, number];
    readonly binStep: number;
    readonly pairFactor: number;
  };
  readonly used: { readonly pairs: boolean; readonly minChars: number; readonly maxChars: number };
  /** Base64 of little-endian arrays, one value per row of the weights. */
  readonly tables: { readonly rows: number; readonly buckets: string; readonly inverseFrequencies: string };
  readonly classes: readonly string[];
  readonly graph: { readonly inputs: Readonly<Record<string, string>>; readonly outputs: Readonly<Record<string, string>> };
}

const steps = [
  "All hashes are 32-bit; multiply(a, b) keeps the low 32 bits; ^ is exclusive or, ~ complement. P is constants.prime.",
  "fold(text): Unicode NFKC, then lower case.",
  "words(text): of the folded text read at most spec.maxPoints code points (a text longer than 2 * spec.maxPoints UTF-16 units and not all ASCII is cut there before folding). A letter is a code point of Unicode category L, N or M; one of the scripts Han, Hiragana, Katakana is a word by itself; everything else stands between words. In ASCII only a-z and 0-9 are letters.",
  "line(text): the code points of all letters in order, with one space (32) at the beginning, one at the end, and one wherever something stands between words (never two in a row).",
  "hash(word): h = constants.wordStart; for each code point h = multiply(h ^ point, P).",
  "put(hash): key = hash; key = multiply(key ^ (key >>> 16), mix[0]); key = multiply(key ^ (key >>> 13), mix[1]); key = key ^ (key >>> 16), unsigned. Equal keys in an item are one entry, counted; its namespace and what it is are those of the first. The order of putting is the order below.",
  "1. namespace `always`: put(salt).",
  "2. for each text column, in order, with s = salt of its namespace: without words put(s); this ends the column. Otherwise for each word w: one = multiply(hash(w) ^ s, P); put(one); and if spec.text[].pairs and a word n follows, put(multiply(one, constants.pairFactor) + hash(n)) as a pair. Then over the line, for each position a from which minChars code points are left: h = ~s; for b = a, a + 1, ... up to maxChars code points: h = multiply(h ^ point[b], P); if at least minChars were taken, put(h) as a piece of that length; if not `across` and point[b] is a space and b > a, stop here.",
  "3. right after the first text column, for each index in spec.crosses, with s of its namespace: base = mix(hashed(s, value of the category)), mix being the three lines of put; whole = base; for each word w of the first text column: put(multiply(base ^ hash(w), P)); whole = multiply(whole, constants.pairFactor) + hash(w). Then put(~whole).",
  "hashed(s, value): h = s; for each UTF-16 unit of fold(value) without white space around it: h = multiply(h ^ unit, P).",
  "4. for each category column: put(hashed(s, value)).",
  "5. for each number column: an empty value puts s (a text that is no number with a decimal point is an error). Otherwise bin = how many edges it reaches; put(s + multiply(bin + 1, constants.binStep)); then put(~s), whose amount is not its count but (value - mean) / deviation, held within -4..4.",
  "bucket = the top spec.bits bits of the key. The row is the place of the bucket in tables.buckets (u32, rising); entries whose bucket is not there are left out.",
  "value = (1 + ln(count)) * tables.inverseFrequencies[row] (f32), or for the amount of step 5 the amount itself. Rows whose inverse frequency is 0 are left out, and so are pairs unless used.pairs, and pieces shorter than used.minChars or longer than used.maxChars.",
  "Within each namespace that is `normalised`, divide the values by the root of the sum of their squares and multiply by `scale`; in others multiply by `scale`.",
  "Feed the graph: features = the rows, values = the values, items = for each the place of its item in the batch, count = the number of items.",
];

/** Writes the rule of a model. */
export function hashingRule(model: Model): HashingRule {
  const { spec, parameters } = model;
  const namespaces = namespacesOf(spec);
  const inverse = weightFrequencies(model.items, parameters);
  return {
    format: "stockroom-onnx-rule-1",
    steps,
    columns: {
      text: spec.text.map((text) => text.column),
      categories: spec.categories,
      numbers: spec.numbers.map((number) => number.column),
    },
    spec,
    namespaces: namespaces.map(({ kind, name, salt }, index) => ({
      kind,
      name,
      salt,
      scale: scaleOf(model, index, kind),
      normalised: kind !== "number",
    })),
    constants: { prime: 0x01000193, wordStart: 0x811c9dc5, mix: [0x85ebca6b, 0xc2b2ae35], binStep: 0x9e3779b1, pairFactor: 31 },
    used: { pairs: parameters.pairs, minChars: parameters.minChars, maxChars: parameters.maxChars },
    tables: {
      rows: model.buckets.length,
      buckets: base64(model.buckets),
      inverseFrequencies: base64(Float32Array.from(model.frequencyClasses, (frequencyClass) => inverse[frequencyClass])),
    },
    classes: model.classes,
    graph: {
      inputs: {
        features: "int64 [entries]: row of each entry",
        values: "float [entries]",
        items: "int64 [entries]: item of each entry, 0 <= item < count",
        count: "int64 [1]: items in the batch",
      },
      outputs: {
        logits: "float [count, classes]",
        probabilities: "float [count, classes]: calibrated",
        label: "int64 [count]: index into classes of the largest logit; of equal ones the first",
      },
    },
  };
}

/** A lone entry gives its namespace the length of its scale, and a number of 1 that of its factor: so the weigher itself says what they are. */
function scaleOf(model: Model, namespace: number, kind: string): number {
  const values = new Float32Array(1);
  const lone = kindCode(namespace, kind === "number" ? featureKind.amount : featureKind.whole);
  // A feature met by every item is never left out, whatever the hyperparameters.
  const frequencyClass = 255;
  makeTermWeighter(model.spec, model.parameters, Uint8Array.of(frequencyClass), model.items).weight(
    { features: Uint32Array.of(0), kinds: Uint16Array.of(lone), amounts: Float32Array.of(1) },
    0,
    1,
    new Uint32Array(1),
    values,
    0,
  );
  return values[0];
}

function base64(values: Uint32Array | Float32Array): string {
  const bytes = Buffer.alloc(values.length * 4);
  for (let i = 0; i < values.length; i++) {
    if (values instanceof Float32Array) bytes.writeFloatLE(values[i], i * 4);
    else bytes.writeUInt32LE(values[i], i * 4);
  }
  return bytes.toString("base64");
}
