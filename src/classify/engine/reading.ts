// Reading: how the items of a model were read where their file was taken in as it lay, so that it is read alike when the model answers.

import type { Inheritance } from "../../platform/intake/inherit.ts";
import type { LabelRule } from "./categories.ts";

/** Plain JSON, kept on the model's card. Texts with tags are read as what they show. */
export interface Reading {
  readonly label: LabelRule;
  /** The profile of an export, or `none`. */
  readonly export: string;
  /** What rows leave blank for others to say, where the profile does not say it. */
  readonly inherit: Inheritance | null;
}
