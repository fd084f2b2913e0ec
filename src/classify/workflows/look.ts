// What a classifier could make of a stranger's table: which column holds the right code, which texts it would be read from.

import path from "node:path";
import { shellWord } from "../../platform/command/flags.ts";
import { noExport } from "../../platform/intake/exports/index.ts";
import type { FileProfile } from "../../platform/intake/profile.ts";
import { catalogueFlagsOf, describeCatalogue } from "./intake/describe.ts";
import { type CataloguePlan, type CatalogueProposal, proposeCatalogue } from "./intake/proposal.ts";

/** Lines for a person; none where a name or a profile speaks neither for a code nor for a text to read it from. */
export function adviceOn(profile: FileProfile): readonly string[] {
  const proposal = catalogueIn(profile);
  if (proposal === undefined) return [];
  const { plan, questions } = proposal;
  if (questions.length > 0) return questions.map(({ text, answers }) => `question: ${text} Say ${answers.join(" or ")}.`);
  const out = `${path.basename(profile.name).replace(/(?:\.(?:csv|tsv|txt|jsonl|parquet|xlsx|gz|zip))+$/i, "")}.model`;
  return [
    ...describeCatalogue(profile, { ...proposal, uses: proposal.uses.filter(({ use }) => use !== "left out") }),
    ["stockroom classify fit", shellWord(profile.name), ...flagsIn(profile, plan), "--out", shellWord(out)].join(" "),
  ];
}

/** The same as plain JSON: the proposal, and the flags of `classify fit` that say it again. Undefined where the file is no catalogue. */
export function proposalOf(profile: FileProfile): (CatalogueProposal & { readonly flags: readonly string[] }) | undefined {
  const proposal = catalogueIn(profile);
  return proposal === undefined ? undefined : { ...proposal, flags: flagsIn(profile, proposal.plan) };
}

const flagsIn = (profile: FileProfile, plan: CataloguePlan): readonly string[] =>
  catalogueFlagsOf(plan, profile.export?.name ?? noExport, undefined);

/** What could be learned from the file; undefined where nothing speaks for a catalogue. */
function catalogueIn(profile: FileProfile): CatalogueProposal | undefined {
  const proposal = proposeCatalogue(profile);
  const { plan, questions, uses } = proposal;
  const isSales = profile.export !== undefined && profile.export.columns.category === undefined;
  if (isSales || (plan.text.length === 0 && plan.label.columns.length === 0)) return undefined;
  // A list of names is no catalogue yet, and neither are codes without a text.
  if (questions.some(({ about }) => about === "label") && plan.label.columns.length === 0) return undefined;
  if (questions.some(({ about }) => about === "text") && !uses.some(({ use, why }) => use === "code" && why === "its name"))
    return undefined;
  return proposal;
}
