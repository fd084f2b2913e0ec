// Outcomes: what becomes of a model's code in the scheme version valid on an item's day.
//
//   L2. An item is coded in the version valid on its date. Where the model's version is another one, the mapping decides, and what it splits
//       or drops goes to a person.

import { recode, versionOn } from "../../engine/schemes.ts";
import type { LabelInput, LineTask } from "./label-contract.ts";
import { openVersion } from "./labelled.ts";

/** What becomes of a model's code on an item's day. */
export interface Outcome {
  readonly code: string;
  readonly version: string;
  /** False: only a person can say. */
  readonly certain: boolean;
  /** The other codes it may be, where a law has split the model's code. */
  readonly others: readonly string[];
}

/** Makes the way from the model's codes to the codes of a day; every (code, version) is worked out once. */
export function makeOutcomes(
  { scheme, modelSchemeVersion: own }: Pick<LineTask, "scheme" | "modelSchemeVersion">,
  asked: LabelInput["versions"],
): (code: string, day: string) => Outcome {
  if (scheme === null || own === openVersion) return (code) => ({ code, version: own, certain: true, others: [] });
  const fixed = asked.kind === "fixed" ? asked.version : undefined;
  const firstDay = asked.kind === "by-date" ? `${asked.period}-01` : "";
  const versions = new Map<string, string | undefined>();
  const versionFor = (day: string): string | undefined => {
    if (fixed !== undefined) return fixed;
    const known = versions.get(day);
    if (known !== undefined || versions.has(day)) return known;
    const valid = versionOn(scheme, day === "" ? firstDay : day)?.version;
    versions.set(day, valid);
    return valid;
  };
  const outcomes = new Map<string, Outcome>();
  return (code, day) => {
    const version = versionFor(day);
    // No version is valid on that day: the model's own codes, for a person to look at.
    if (version === undefined) return { code, version: own, certain: false, others: [] };
    if (version === own) return { code, version, certain: true, others: [] };
    const key = `${version}\n${code}`;
    let outcome = outcomes.get(key);
    if (outcome === undefined) {
      const mapped = recode(scheme, code, own, version);
      if (mapped.kind === "same" || mapped.kind === "mapped") outcome = { code: mapped.code, version, certain: true, others: [] };
      else {
        const [first = "", ...others] = mapped.kind === "ambiguous" ? mapped.candidates : [];
        outcome = { code: first, version, certain: false, others };
      }
      outcomes.set(key, outcome);
    }
    return outcome;
  };
}
