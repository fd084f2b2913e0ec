// Vocabulary: whether enough of an item's text was met in training for a code to rest on it (the out-of-vocabulary check).
//
// Owns: what counts as known, the rule. Does not own: the features, what becomes of an item of which too little is known (decisions).
//   K1. Words and character n-grams of the text columns count, each once; categories, pairs and numbers do not: every item has a country.
//   K2. A word is known from two training items on: a bucket of one item is met by chance once in ten times (2^bits is eight buckets a feature).
//   K3. Enough is known when one word is, and half of all words and n-grams were met at least once.

import { featureKind, namespacesOf, type FeatureSpec } from "./features.ts";

/** Why nothing of an item's text may decide; "" when enough is known. */
export type UnknownText = "" | "no words" | "no known word" | "little known text";

/** Counts one item: `begin`, `add` for each of its entries, `finish`. */
export interface VocabularyCheck {
  begin(): void;
  /** `kind` as the extractor gives it; `frequency` is how many training items have the feature, 0 for none. Beyond 2 it may be anything larger. */
  add(kind: number, frequency: number): void;
  finish(): UnknownText;
}

const KNOWN_WORD = 2;
const KNOWN_SHARE = 0.5;

/** Makes a counter for items of a spec. Used by one thread at a time. */
export function openVocabularyCheck(spec: FeatureSpec): VocabularyCheck {
  const namespaces = namespacesOf(spec);
  // 2 for a word of a text column, 1 for a character n-gram, 0 for what does not count.
  const counted = new Uint8Array(namespaces.length * 8);
  for (const [namespace, { kind }] of namespaces.entries()) {
    if (kind !== "text") continue;
    counted[(namespace << 3) | featureKind.word] = 2;
    for (let length = 3; length <= 6; length++) counted[(namespace << 3) | length] = 1;
  }
  let words = 0;
  let knownWords = 0;
  let features = 0;
  let knownFeatures = 0;
  return {
    begin: () => {
      words = 0;
      knownWords = 0;
      features = 0;
      knownFeatures = 0;
    },
    add: (kind, frequency) => {
      const how = counted[kind];
      if (how === 0) return;
      features += 1;
      if (frequency > 0) knownFeatures += 1;
      if (how === 1) return;
      words += 1;
      if (frequency >= KNOWN_WORD) knownWords += 1;
    },
    finish: () => {
      if (words === 0) return "no words";
      if (knownWords === 0) return "no known word";
      return knownFeatures >= KNOWN_SHARE * features ? "" : "little known text";
    },
  };
}
