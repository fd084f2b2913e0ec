// Answers: what a person said of an item, and whether it still holds where the item is coded by another version of the scheme.
//
// Owns: when an answer stands, is carried over, or must be asked again. Does not own: where answers are kept (store).
//   A1. An answer belongs to (item, day, scheme version). The newest word that can be brought into the wanted version holds there.
//   A2. A code is brought over only where the mapping leaves no choice; where it splits, drops or does not know the code, a person is asked again.

import { itemCodes, recode, type Scheme } from "./schemes.ts";

/** The last word given on an item in one version. */
export interface GivenAnswer {
  readonly id: string;
  readonly schemeVersion: string;
  /** Undefined: it was taken back, because the version had lost the code. */
  readonly answer: string | undefined;
}

export type Standing =
  /** It was given in this very version, and the version has the code. */
  | { readonly kind: "stands"; readonly code: string; readonly id: string }
  /** It was given in another version, and the mappings name exactly one code of this one. */
  | { readonly kind: "carried"; readonly code: string; readonly id: string }
  /** It was given in this version, but the version as it is now has no such code. */
  | { readonly kind: "lapsed"; readonly id: string }
  | { readonly kind: "open" };

/** Finds what holds in `version`. `answers`: the last one of each version, the newest first. `scheme` null: never imported, only the same version counts. */
export function standingOf(scheme: Scheme | null, answers: readonly GivenAnswer[], version: string): Standing {
  let lapsed: string | undefined;
  for (const given of answers) {
    if (given.answer === undefined) continue;
    if (given.schemeVersion === version) {
      if (isCode(scheme, version, given.answer)) return { kind: "stands", code: given.answer, id: given.id };
      lapsed = given.id;
    } else if (scheme !== null) {
      const brought = recode(scheme, given.answer, given.schemeVersion, version);
      if (brought.kind === "same" || brought.kind === "mapped") return { kind: "carried", code: brought.code, id: given.id };
    }
  }
  return lapsed === undefined ? { kind: "open" } : { kind: "lapsed", id: lapsed };
}

/** Whether an item can be given a code; anything goes in a version nobody has imported. */
export function isCode(scheme: Scheme | null, version: string, code: string): boolean {
  const known = scheme?.versions.find((one) => one.version === version);
  return known === undefined || itemCodes(known).includes(code);
}
