// Taking in a labelled upload: read as it stands where it names its schemes, else looked at, with what was said and how its sender's files were read before.
//
// Owns: which words count, the country, the scheme and the day of its rows, changes of shape, the one question. Does not own: choosing columns
// (proposal.ts), rows (canonical.ts), where words and mappings come from.
//   T1. A file with a column of codes named after a scheme (`code.UK15`, or `scheme` and `code`) is read exactly as if nobody could look.
//   T2. What is said now wins over what was accepted before, and that over what the file tells.
//   T3. A harmful change of shape is a question, whatever the mapping says; others are told.
//   T4. A mapping once accepted keeps its plan to the letter: a level or a scheme that would be found otherwise today would give other codes.

import type { StockroomError } from "../../../platform/errors.ts";
import { readTable } from "../../../platform/formats/index.ts";
import { changeLines, describeFile, inTenLines } from "../../../platform/intake/describe.ts";
import { noExport } from "../../../platform/intake/exports/index.ts";
import { rankOfName, wordsOfName } from "../../../platform/intake/names.ts";
import { type ColumnProfile, type FileProfile, type IntakeFile, profileFile } from "../../../platform/intake/profile.ts";
import { changeQuestion, checkColumnNames, noRowsOf, printBlock, questionOf } from "../../../platform/intake/said.ts";
import { compareShapes, type FileShape, type ShapeChange, shapeOf } from "../../../platform/intake/shape.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import type { ReadBy } from "../../../platform/mappings/held.ts";
import { findLabelShape, labelOfRow } from "../../engine/categories.ts";
import { countryOf } from "../../engine/countries.ts";
import { isScheme } from "../../engine/lines.ts";
import { codeColumnPrefix, type ColumnSettings } from "../jobs/items.ts";
import { placesOf, type TakenLabelled } from "./canonical.ts";
import { describeCatalogue } from "./describe.ts";
import { countryNames } from "./names.ts";
import { type CataloguePlan, type CatalogueProposal, proposeCatalogue } from "./proposal.ts";
import { blockOfAnswer, blockOfPlan, type CatalogueBlock, givenIn, hintsIn, mapOf, namesIn, whereOf } from "./said.ts";

/** How files of this sender were read before: plain JSON. */
export interface KeptLabelled {
  readonly taken: TakenLabelled;
  readonly shape: FileShape | undefined;
}

/** A scheme that was imported, as far as a file's codes may be its own. */
export interface KnownScheme {
  readonly scheme: string;
  /** `*`: of every country. */
  readonly country: string;
  /** Of all its versions. */
  readonly codes: readonly string[];
}

/** Plain JSON: what a look at a file is told. */
export interface LabelledWords {
  /** From the file's key; null: its rows say it. */
  readonly country: string | null;
  readonly columns: ColumnSettings;
  readonly schemes: readonly KnownScheme[];
  /** What a person answered when a file of this sender was asked about. */
  readonly answer: CatalogueBlock | null;
  readonly kept: KeptLabelled | null;
}

export interface LabelledQuestion {
  readonly about: string;
  readonly text: string;
  /** Flags that answer it; none for a change of shape. */
  readonly answers: readonly string[];
}

/** What was understood of a file; plain JSON. */
export interface LabelledLook {
  readonly by: ReadBy;
  /** At most ten. */
  readonly lines: readonly string[];
  readonly changes: readonly ShapeChange[];
  readonly questions: readonly LabelledQuestion[];
  readonly taken: TakenLabelled;
  readonly shape: FileShape;
}

/** Whether a file names the schemes of its codes by its columns (T1). What cannot be opened as a table is not that. */
export async function isStrictlyLabelled(file: IntakeFile, encoding: string | undefined, signal: AbortSignal): Promise<boolean> {
  const columns = await readTable(file.open(), { name: file.name, onBadRow: () => undefined, signal, encoding }).then(
    (table) => table.columns,
    (): readonly string[] => {
      signal.throwIfAborted();
      return [];
    },
  );
  return columns.some((name) => name.startsWith(codeColumnPrefix)) || (columns.includes("scheme") && columns.includes("code"));
}

/** Whether a file has the settings' own texts and nothing that could be a code: no stranger's catalogue, but one whose labels were left out. */
export const isWithoutCodes = ({ questions, shape }: LabelledLook, { text }: ColumnSettings): boolean =>
  shape.columns.some(({ name }) => text.includes(name)) &&
  questions.some(({ about, answers }) => about === "label" && answers.some((answer) => answer.includes("COLUMN")));

/** Looks at a file with columns of its own. Throws what `profileFile` throws, and `input` `INTAKE_COLUMN_MISSING`, `INTAKE_NO_ROWS`. */
export async function lookAtLabelled(file: IntakeFile, words: LabelledWords, signal: AbortSignal): Promise<LabelledLook> {
  const { kept } = words;
  const said = words.answer ?? (kept === null ? {} : blockOfTaken(kept.taken));
  const by: ReadBy = words.answer !== null ? "settings" : kept === null ? "proposal" : "kept";
  const where = whereOf(said);
  const { encoding, decimal } = words.columns;
  const profile = await profileFile(file, { encoding, decimal, ...hintsIn(said), where, signal });
  const given = givenIn(said);
  if (by === "settings") checkColumnNames(profile, [...namesIn(given), ...where.map(({ column }) => column)]);
  if (profile.rows === 0) throw noRowsOf(file.name, where);
  const proposal = proposeCatalogue(profile, given);
  const plan = by === "kept" && kept !== null ? kept.taken.plan : proposal.plan;
  const found = findPlace(profile, plan, said, words);
  const taken: TakenLabelled = {
    plan,
    where,
    hints: { ...(encoding === undefined ? {} : { encoding }), ...(decimal === undefined ? {} : { decimal }), ...hintsKept(said, profile) },
    country: found.country,
    date: by === "kept" && kept !== null ? kept.taken.date : findDate(profile, plan, said, words),
    scheme: found.scheme,
  };
  const changes = kept?.shape === undefined ? [] : changesSince(kept.taken, kept.shape, profile);
  const changed = by === "kept" ? changeQuestion(profile.name, changes) : undefined;
  const questions =
    by === "kept"
      ? changed === undefined
        ? []
        : [{ about: changes[0]?.what ?? "kind", text: changed, answers: [] }]
      : [...proposal.questions, ...found.questions];
  return {
    by,
    lines: linesOf(profile, proposal, { taken, notes: found.notes, changes, columns: words.columns }),
    changes,
    questions,
    taken,
    shape: shapeOf(profile, taken.date === null ? {} : { [taken.date.column]: taken.date.style }),
  };
}

/** Kept with what is made of it: an export that is known tomorrow alone must not change what a file of today is read as. */
const hintsKept = (said: CatalogueBlock, profile: FileProfile): TakenLabelled["hints"] => ({
  ...hintsIn(said),
  export: profile.export?.name ?? noExport,
});

/** The block that reads a file as it was read. */
export function blockOfTaken({ plan, where, hints, country, date, scheme }: TakenLabelled): CatalogueBlock {
  const map = {
    ...(country !== null && "column" in country ? { [country.column]: "country" } : {}),
    ...(date === null ? {} : { [date.column]: "date" }),
  };
  return blockOfPlan(plan, where, hints, { map, scheme, ...(country !== null && "code" in country ? { country: country.code } : {}) });
}

// --- country, scheme, day ------------------------------------------------------------------------------------------------------------------------

interface Place {
  readonly country: TakenLabelled["country"];
  readonly scheme: string;
  readonly questions: readonly LabelledQuestion[];
  readonly notes: readonly string[];
}

function findPlace(profile: FileProfile, plan: CataloguePlan, said: CatalogueBlock, words: LabelledWords): Place {
  const country = findCountry(profile, said, words);
  const scheme = findScheme(profile, plan, said, words);
  return {
    country: country.country,
    scheme: scheme.scheme,
    questions: [...country.questions, ...scheme.questions],
    notes: [...country.notes, ...scheme.notes],
  };
}

const cellsOf = ({ sample }: FileProfile, { place }: ColumnProfile): readonly string[] =>
  sample.flatMap((row) => (isUnknown(row[place] ?? "") ? [] : [(row[place] ?? "").trim()]));

function findCountry(profile: FileProfile, said: CatalogueBlock, { country, columns }: LabelledWords): Omit<Place, "scheme"> {
  const nothing = { questions: [], notes: [] };
  if (said.country !== undefined && country === null) return { country: { code: said.country }, ...nothing };
  const named = Object.entries(said.map ?? {}).find(([, to]) => to === "country")?.[0];
  if (named !== undefined) return { country: { column: named }, ...nothing };
  const found = profile.columns.find((column) => column.name === columns.country || rankOfName(column.name, [countryNames]) === 0);
  const cells = found === undefined ? [] : cellsOf(profile, found);
  const counts = new Map<string | undefined, number>();
  for (const cell of cells) counts.set(countryOf(cell), (counts.get(countryOf(cell)) ?? 0) + 1);
  const isOfCountries = cells.length > 0 && (counts.get(undefined) ?? 0) <= 0.1 * cells.length;
  if (country !== null) {
    if (found === undefined || !isOfCountries) return { country: null, ...nothing };
    // Where an item comes from may be told as well: only a column that mostly names the key's country says whose a row is.
    if ((counts.get(countryOf(country)) ?? 0) >= 0.5 * cells.length) return { country: { column: found.name }, ...nothing };
    return {
      country: null,
      questions: [],
      notes: [`All rows count for ${country}, as the key says; "${found.name}" mostly names other countries and does not decide.`],
    };
  }
  if (found !== undefined && isOfCountries) return { country: { column: found.name }, ...nothing };
  return {
    country: null,
    questions: [
      {
        about: "country",
        text: "Of which country are these items? Neither the key names one (classify/labelled/COUNTRY/...) nor a column.",
        answers: ["--country GBR", "--map COLUMN=country"],
      },
    ],
    notes: [],
  };
}

/** Codes of a scheme that a file may lack, or misspell. */
const nearlyAll = 0.9;

function findScheme(
  profile: FileProfile,
  { label }: CataloguePlan,
  said: CatalogueBlock,
  { schemes, country }: LabelledWords,
): Omit<Place, "country"> {
  if (said.scheme !== undefined) return { scheme: said.scheme, questions: [], notes: [] };
  const places = label.columns.map((name) => profile.columns.findIndex((column) => column.name === name));
  const codes = new Set(
    profile.sample.map((row) =>
      labelOfRow(
        places.map((place) => (isUnknown(row[place] ?? "") ? "" : (row[place] ?? ""))),
        label,
      ),
    ),
  );
  codes.delete("");
  const fits = schemes.filter((scheme) => {
    if (scheme.country !== "*" && country !== null && scheme.country !== country) return false;
    const own = new Set(scheme.codes);
    return codes.size > 0 && [...codes].filter((code) => own.has(code)).length >= nearlyAll * codes.size;
  });
  const [first, ...others] = fits;
  const name = first?.scheme ?? schemeNamed(label.columns);
  if (others.length > 0) {
    return {
      scheme: name,
      questions: [
        {
          about: "scheme",
          text: `Of which scheme are the codes in "${label.columns.join('", "')}"? Those of ${fits.map(({ scheme }) => scheme).join(" and ")} fit alike.`,
          answers: fits.slice(0, 5).map(({ scheme }) => `--scheme ${scheme}`),
        },
      ],
      notes: [],
    };
  }
  return {
    scheme: name,
    questions: [],
    notes: [
      first === undefined
        ? `scheme: ${name}, after the column; its codes are taken as they stand (--scheme names another)`
        : `scheme: ${name}, whose codes they are`,
    ],
  };
}

/** A scheme after the column that holds its codes: `Warengruppe` is WARENGRUPPE; of several columns, and where no letter can stand in a name, CATEGORY. */
function schemeNamed(columns: readonly string[]): string {
  const [only] = columns;
  const name =
    only === undefined || columns.length > 1
      ? ""
      : wordsOfName(only)
          .toUpperCase()
          .replaceAll(/[^A-Z0-9]+/g, "-");
  const trimmed = name.replaceAll(/^-+|-+$/g, "").slice(0, 40);
  return isScheme(trimmed) ? trimmed : "CATEGORY";
}

/** The day a label was right: a column that a person names so, or one under the settings' own name whose dates can be read in one way. */
function findDate(profile: FileProfile, plan: CataloguePlan, said: CatalogueBlock, { columns }: LabelledWords): TakenLabelled["date"] {
  const named = Object.entries(said.map ?? {}).find(([, to]) => to === "date")?.[0] ?? columns.date;
  const column = profile.columns.find(({ name }) => name === named);
  if (column?.date === undefined || column.date.rival !== undefined || plan.text.includes(column.name)) return null;
  return { column: column.name, style: column.date.style.id };
}

// --- what changed, what is told ------------------------------------------------------------------------------------------------------------------

function changesSince({ plan, country, date }: TakenLabelled, shape: FileShape, profile: FileProfile): readonly ShapeChange[] {
  const used = new Set([
    ...Object.keys(mapOf(plan)),
    ...plan.categories,
    ...plan.numbers,
    ...(country !== null && "column" in country ? [country.column] : []),
    ...(date === null ? [] : [date.column]),
  ]);
  const changes = compareShapes(shape, profile, used);
  const [only, ...others] = plan.label.columns;
  const column = others.length > 0 ? undefined : profile.columns.find(({ name }) => name === only);
  if (column === undefined || plan.label.level === null) return changes;
  // The same categories written otherwise would be other codes, all of them.
  const now = findLabelShape([...new Set(cellsOf(profile, column))].slice(0, 3_000));
  if (now.path === plan.label.path) return changes;
  const text = `the parts of "${column.name}" are separated by ${now.path ?? "nothing"} now (${column.examples[0] ?? ""}) and were by ${plan.label.path ?? "nothing"}`;
  return [{ what: "kind", column: column.name, harmful: true, text }, ...changes];
}

interface Telling {
  readonly taken: TakenLabelled;
  readonly notes: readonly string[];
  readonly changes: readonly ShapeChange[];
  readonly columns: ColumnSettings;
}

function linesOf(profile: FileProfile, proposal: CatalogueProposal, { taken, notes, changes, columns }: Telling): readonly string[] {
  const { unknown } = placesOf(taken.plan, columns);
  return inTenLines([
    ...describeFile(profile),
    ...describeCatalogue(profile, proposal),
    ...(unknown.length === 0
      ? []
      : [
          `not learned from: ${unknown.join(", ")}; the settings (classify.columns) name ${[...columns.categories, ...columns.numbers].join(", ") || "no such column"}`,
        ]),
    ...(taken.country !== null && "column" in taken.country ? [`country: ${taken.country.column}`] : []),
    ...(taken.date === null ? [] : [`day of a label: ${taken.date.column} (${taken.date.style})`]),
    ...notes,
    ...changeLines(changes),
  ]);
}

/** The one question about an upload as an error, with the command that answers it; undefined where there is none. */
export function questionAbout(key: string, { questions }: Pick<LabelledLook, "questions">): StockroomError | undefined {
  const [question] = questions;
  if (question === undefined) return undefined;
  const [first, ...others] = question.answers;
  const how =
    first === undefined
      ? `If it is: \`stockroom classify mappings forget ${key}\`, and the file is looked at anew. If not: put a file like the one before.`
      : `Say it by \`stockroom classify mappings set ${key} ${first}\`${others.length === 0 ? "" : ` (or ${others.join(", or ")})`}, or over HTTP as\n${printBlock(blockOfAnswer(first)).join("\n")}`;
  return questionOf(key, question, how);
}
