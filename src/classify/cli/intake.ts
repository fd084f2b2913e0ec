// Taking a stranger's catalogue in at the command line: flags to what a person said, a proposal told, questions asked or failed with.

import path from "node:path";
import type { CommandTools } from "../../platform/command/contract.ts";
import { readNames, shellWord, usage } from "../../platform/command/flags.ts";
import { type FileFlags, answerQuestions } from "../../platform/command/questions.ts";
import { parseColumnMap } from "../../platform/formats/columns.ts";
import { fileBody } from "../../platform/formats/index.ts";
import { type Condition, conditionText } from "../../platform/intake/conditions.ts";
import { describeFile } from "../../platform/intake/describe.ts";
import { noExport } from "../../platform/intake/exports/index.ts";
import { type FileProfile, profileFile } from "../../platform/intake/profile.ts";
import { checkColumnNames, noRowsOf } from "../../platform/intake/said.ts";
import type { LabelLevel } from "../engine/categories.ts";
import { takenOf, type TakenCatalogue } from "../workflows/intake/apply.ts";
import { catalogueFlagsOf, describeCatalogue } from "../workflows/intake/describe.ts";
import { type CatalogueProposal, type GivenCatalogue, proposeCatalogue } from "../workflows/intake/proposal.ts";
import { columnTargets, namesIn } from "../workflows/intake/said.ts";
import { readingOf } from "./files.ts";

/** Flags that say what the columns of a catalogue are. */
export const catalogueFlags = {
  map: { type: "string", description: "what columns are: text, label, group or id", valueHint: "Title=text,Type=label" },
  "label-level": {
    type: "string",
    description: "of categories that are paths: leaf, top, or how many parts make the code; none: cells as they stand; absent: found",
    valueHint: "N",
  },
  without: { type: "string", description: "columns to leave out", valueHint: "a,b" },
  export: {
    type: "string",
    description: "the system the file comes from; absent: known by its columns; none: as it stands",
    valueHint: "NAME",
  },
} as const;

export interface Catalogue {
  readonly profile: FileProfile;
  readonly proposal: CatalogueProposal;
}

const textOf = (flags: FileFlags, name: string): string | undefined => {
  const value = flags[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
};

function readLevel(text: string | undefined): LabelLevel | "none" | undefined {
  if (text === undefined || text === "leaf" || text === "top" || text === "none") return text;
  const level = Number(text);
  if (Number.isInteger(level) && level >= 1 && level <= 20) return level;
  throw usage("--label-level", "leaf, top, none or a number from 1 to 20", text);
}

/** What the flags say of the file; throws `input` `USAGE`. `targets`: what `--map` may say that a column is. */
export function readCatalogueFlags(flags: FileFlags, targets: readonly string[] = columnTargets): GivenCatalogue {
  const map = { ...parseColumnMap(textOf(flags, "map") ?? "", "--map", ["text", "label"]) };
  const wrong = Object.entries(map).find(([, to]) => !targets.includes(to));
  if (wrong !== undefined) throw usage("--map", `columns that are ${targets.join(", ")}`, wrong.join("="));
  for (const [flag, target] of [
    ["text", "text"],
    ["label", "label"],
    ["group", "group"],
  ] as const) {
    for (const name of readNames(textOf(flags, flag))) map[name] = target;
  }
  const level = readLevel(textOf(flags, "label-level"));
  const [categories, numbers, without] = ["categories", "numbers", "without"].map((name) => textOf(flags, name));
  return {
    map,
    ...(level === undefined ? {} : { level }),
    ...(categories === undefined ? {} : { categories: categories === "none" ? [] : readNames(categories) }),
    ...(numbers === undefined ? {} : { numbers: readNames(numbers) }),
    ...(without === undefined ? {} : { without: readNames(without) }),
  };
}

/** Looks at a catalogue and proposes how to learn from it. Throws what `profileFile` throws, and `input` `INTAKE_COLUMN_MISSING`, `INTAKE_NO_ROWS`. */
export async function lookAtCatalogue(
  file: string,
  flags: FileFlags,
  conditions: readonly Condition[],
  signal: AbortSignal,
): Promise<Catalogue> {
  const given = readCatalogueFlags(flags);
  const { encoding, decimal } = readingOf({ encoding: textOf(flags, "encoding"), decimal: textOf(flags, "decimal"), "max-bad": "1" });
  const name = path.relative("", path.resolve(file));
  const hints = { encoding, decimal, export: textOf(flags, "export"), where: conditions, signal };
  const profile = await profileFile({ name, open: () => fileBody(file, signal) }, hints);
  checkColumnNames(profile, namesIn(given));
  if (profile.rows === 0 && profile.bad.length === 0) throw noRowsOf(name, conditions);
  return { profile, proposal: proposeCatalogue(profile, given) };
}

export const tellCatalogue = ({ profile, proposal }: Catalogue): readonly string[] => [
  ...describeFile(profile),
  ...describeCatalogue(profile, proposal),
];

/** What is said of how to fit, not of how to read: it stands in the command that does the same again as it was written. */
const fitFlags = ["valid", "trials", "seed", "precision", "floor", "date", "threads", "max-bad", "encoding", "decimal"] as const;

/** The command that does the same again, with nothing left to find. */
export function fitAgain(
  file: string,
  { profile, proposal }: Catalogue,
  more: { readonly flags: FileFlags; readonly rawArgs: readonly string[]; readonly conditions: readonly Condition[]; readonly out: string },
): string {
  const { flags, rawArgs, conditions, out } = more;
  const said = fitFlags.filter((name) => rawArgs.some((word) => word === `--${name}` || word.startsWith(`--${name}=`)));
  return [
    "stockroom classify fit",
    shellWord(file),
    ...catalogueFlagsOf(proposal.plan, profile.export?.name ?? noExport, textOf(flags, "label-level")),
    ...conditions.flatMap((condition) => ["--where", shellWord(conditionText(condition))]),
    ...said.flatMap((name) => [`--${name}`, shellWord(textOf(flags, name) ?? "")]),
    "--out",
    shellWord(out),
  ].join(" ");
}

/**
 * What a fit reads: strictly where both code and text are named by `--label` and `--text`, else as the file tells, with what it does not tell asked.
 *
 * Throws `input` `INTAKE_QUESTION` where nobody can answer, and what `lookAtCatalogue` throws.
 */
export async function takeCatalogue(
  flags: FileFlags & { readonly file: string },
  words: { readonly rawArgs: readonly string[]; readonly conditions: readonly Condition[]; readonly out: string },
  tools: CommandTools,
): Promise<TakenCatalogue> {
  const strict = takeStrictly(flags);
  if (strict !== undefined) return strict;
  let said: FileFlags = flags;
  for (;;) {
    const catalogue = await lookAtCatalogue(flags.file, said, words.conditions, tools.signal);
    const { profile, proposal } = catalogue;
    if (proposal.questions.length > 0) for (const line of tellCatalogue(catalogue)) tools.print.say(line);
    const more = await answerQuestions(profile.name, proposal.questions, said, tools.signal);
    if (more !== undefined) {
      said = more;
      continue;
    }
    for (const line of tellCatalogue(catalogue)) tools.print.say(line);
    tools.print.say(`the same again: ${fitAgain(flags.file, catalogue, { flags: said, ...words })}`);
    return takenOf(profile, proposal.plan);
  }
}

/** Columns by the names that a person gave, nothing found; undefined unless both code and text are named. */
function takeStrictly(flags: FileFlags): TakenCatalogue | undefined {
  const [label, text] = [textOf(flags, "label"), textOf(flags, "text")];
  const found = ["map", "label-level", "without", "export"].some((name) => textOf(flags, name) !== undefined);
  if (label === undefined || text === undefined || found) return undefined;
  const categories = textOf(flags, "categories");
  return {
    label: { columns: [label], path: null, several: null, level: null },
    group: textOf(flags, "group"),
    id: undefined,
    columns: {
      text: readNames(text),
      categories: categories === "none" ? [] : readNames(categories),
      numbers: readNames(textOf(flags, "numbers")),
    },
    reading: undefined,
  };
}
