// What a person says of a catalogue, in settings and over HTTP: the words of the flags, as a block `intake`.
//
//   intake:
//     map: { Bezeichnung: text, Warengruppe: label }
//     labelLevel: 2
//     scheme: DEU-SHOP
//
// Owns: the block's words, reading them, the block of a plan. Does not own: flags (cli/intake.ts).

import { z } from "zod";
import { readAnswer } from "../../../platform/command/questions.ts";
import type { DecimalSign } from "../../../platform/formats/index.ts";
import type { Condition } from "../../../platform/intake/conditions.ts";
import { noExport } from "../../../platform/intake/exports/index.ts";
import type { LookHints } from "../../../platform/intake/profile.ts";
import { columnMap, columnNames, conditionsIn, saidFields, whereIn, type WhereWords } from "../../../platform/intake/said.ts";
import type { LabelLevel } from "../../engine/categories.ts";
import { isCountry, isScheme } from "../../engine/lines.ts";
import type { CataloguePlan, GivenCatalogue } from "./proposal.ts";

/** What a block says of one file; plain JSON. */
export interface CatalogueBlock {
  /** From a column of the file to `text`, `label`, `id`, `group`, `country` or `date`. */
  readonly map?: Readonly<Record<string, string>> | undefined;
  readonly labelLevel?: LabelLevel | "none" | undefined;
  readonly categories?: readonly string[] | undefined;
  readonly numbers?: readonly string[] | undefined;
  readonly without?: readonly string[] | undefined;
  readonly where?: WhereWords | undefined;
  readonly export?: string | undefined;
  readonly encoding?: string | undefined;
  readonly decimal?: DecimalSign | undefined;
  /** Of all rows, where neither the key nor a column tells it. */
  readonly country?: string | undefined;
  /** The rule book that the codes are of. */
  readonly scheme?: string | undefined;
}

/** What columns can be; `country` and `date` for uploads alone. */
export const columnTargets = ["text", "label", "group", "id"] as const;
export const uploadTargets = [...columnTargets, "country", "date"] as const;

export const catalogueBlockSchema = z.strictObject({
  ...saidFields,
  map: columnMap
    .refine(
      (map) => Object.values(map ?? {}).every((to) => uploadTargets.some((target) => target === to)),
      `columns that are ${uploadTargets.join(", ")}`,
    )
    .meta({ description: `from a column of the file to ${uploadTargets.join(", ")}` }),
  labelLevel: z
    .union([z.enum(["leaf", "top", "none"]), z.int().min(1).max(20)])
    .optional()
    .meta({ description: "of paths: the parts that make the code" }),
  categories: columnNames.optional().meta({ description: "columns of few values to learn from" }),
  numbers: columnNames.optional().meta({ description: "columns of numbers to learn from" }),
  country: z.string().refine(isCountry, "a country such as GBR").optional(),
  scheme: z.string().refine(isScheme, "letters, digits, dots, hyphens and underscores").optional(),
});

/** What the block says of columns, as a proposal takes it. */
export const givenIn = ({ map, labelLevel, categories, numbers, without }: CatalogueBlock): GivenCatalogue => ({
  ...(map === undefined ? {} : { map }),
  ...(labelLevel === undefined ? {} : { level: labelLevel }),
  ...(categories === undefined ? {} : { categories }),
  ...(numbers === undefined ? {} : { numbers }),
  ...(without === undefined ? {} : { without }),
});

/** What the block says of the file as a whole. */
export const hintsIn = ({ encoding, decimal, export: from }: CatalogueBlock): Pick<LookHints, "encoding" | "decimal" | "export"> => ({
  ...(encoding === undefined ? {} : { encoding }),
  ...(decimal === undefined ? {} : { decimal }),
  ...(from === undefined ? {} : { export: from }),
});

export const whereOf = ({ where }: CatalogueBlock): readonly Condition[] => (where === undefined ? [] : conditionsIn(where));

/** Names of columns that a person spoke of. */
export const namesIn = ({ map, categories, numbers, without }: GivenCatalogue): readonly string[] => [
  ...Object.keys(map ?? {}),
  ...(categories ?? []),
  ...(numbers ?? []),
  ...(without ?? []),
];

/** The columns of a plan by what they are. */
export const mapOf = ({ text, label, group, id }: CataloguePlan): Readonly<Record<string, string>> =>
  Object.fromEntries([
    ...text.map((name) => [name, "text"]),
    ...label.columns.map((name) => [name, "label"]),
    ...(group === null ? [] : [[group, "group"]]),
    ...(id === null ? [] : [[id, "id"]]),
  ]);

/** The block that reads a file in just so. `more`: the words that are no plan's. */
export function blockOfPlan(
  plan: CataloguePlan,
  where: readonly Condition[],
  { export: from, ...hints }: Pick<LookHints, "encoding" | "decimal" | "export">,
  more: Pick<CatalogueBlock, "map" | "country" | "scheme">,
): CatalogueBlock {
  const { map, ...others } = more;
  return {
    map: { ...mapOf(plan), ...map },
    ...(plan.label.level === null ? {} : { labelLevel: plan.label.level }),
    categories: plan.categories,
    ...(plan.numbers.length === 0 ? {} : { numbers: plan.numbers }),
    ...(where.length === 0 ? {} : { where: whereIn(where) }),
    ...(from === undefined || from === noExport ? {} : { export: from }),
    ...hints,
    ...others,
  };
}

/** The same answer to a question as a block. */
export function blockOfAnswer(answer: string): CatalogueBlock {
  const { map, scheme, country } = readAnswer(answer);
  const at = typeof map === "string" ? map.lastIndexOf("=") : -1;
  return {
    ...(typeof map === "string" ? { map: { [map.slice(0, at).replaceAll('"', "")]: map.slice(at + 1) } } : {}),
    ...(typeof scheme === "string" ? { scheme } : {}),
    ...(typeof country === "string" ? { country } : {}),
  };
}
