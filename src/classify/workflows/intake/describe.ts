// What was understood of a catalogue, in words, and the flags that say the same again.

import { shellWord } from "../../../platform/command/flags.ts";
import { counted } from "../../../platform/figures.ts";
import { mapEntry } from "../../../platform/formats/columns.ts";
import { noExport } from "../../../platform/intake/exports/index.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import type { FileProfile } from "../../../platform/intake/profile.ts";
import { labelOfRow } from "../../engine/categories.ts";
import type { CataloguePlan, CatalogueProposal } from "./proposal.ts";

/** A line a use, one for all that is left out, and the notes. */
export function describeCatalogue(profile: FileProfile, { plan, uses, notes }: CatalogueProposal): readonly string[] {
  const order = ["code", "text", "category", "number", "group", "id"] as const;
  const lines = order.flatMap((use) =>
    uses
      .filter((one) => one.use === use)
      .map(
        ({ column, why }) =>
          `${use}: ${column} (${why}${use === "code" && plan.label.columns.length === 1 ? figuresOf(profile, plan) : ""})`,
      ),
  );
  const out = uses.filter(({ use }) => use === "left out");
  if (out.length > 0) lines.push(`left out: ${out.map(({ column, why }) => `${column} (${why})`).join("; ")}`);
  return [...lines, ...notes];
}

function figuresOf({ sample, columns, rows }: FileProfile, { label }: CataloguePlan): string {
  const places = label.columns.map((name) => columns.findIndex((column) => column.name === name));
  const codes = sample
    .map((row) =>
      labelOfRow(
        places.map((place) => (isUnknown(row[place] ?? "") ? "" : (row[place] ?? ""))),
        label,
      ),
    )
    .filter((code) => code !== "");
  const share = sample.length === 0 ? 0 : codes.length / sample.length;
  const without = share >= 1 ? "" : `, ${Math.round((1 - share) * 100)} % of the rows without one`;
  return `; ${counted(new Set(codes).size, "code")}${rows > sample.length ? " in the rows looked at" : ""}${without}`;
}

/** The flags that take a file in just so. */
export function catalogueFlagsOf(plan: CataloguePlan, known: string, level: string | undefined): readonly string[] {
  const map = [
    ...plan.text.map((name) => mapEntry(name, "text")),
    ...plan.label.columns.map((name) => mapEntry(name, "label")),
    ...(plan.group === null ? [] : [mapEntry(plan.group, "group")]),
    ...(plan.id === null ? [] : [mapEntry(plan.id, "id")]),
  ];
  return [
    ...(map.length === 0 ? [] : ["--map", shellWord(map.join(","))]),
    ...(plan.label.level === null ? (level === "none" ? ["--label-level", "none"] : []) : ["--label-level", String(plan.label.level)]),
    "--categories",
    plan.categories.length === 0 ? "none" : shellWord(plan.categories.join(",")),
    ...(plan.numbers.length === 0 ? [] : ["--numbers", shellWord(plan.numbers.join(","))]),
    ...(known === noExport ? [] : ["--export", known]),
  ];
}
