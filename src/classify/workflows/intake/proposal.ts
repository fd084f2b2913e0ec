// The proposal: which columns of a stranger's catalogue hold the text, the code and what else a model is learned from.
//
// Owns: the choice, with reasons, doubts and what is left out. Does not own: what columns hold (platform/intake), rows (rows.ts), the question to a
// person (the command).
//   R1. What a person said stands; then what is known of a well-known export; then names; then what the values are.
//   R2. A number is no text and no code unless its name says so; what tells the code by itself is left out, because it would not be there in use.
//   R3. What nothing speaks for is a question, not a guess.
//   R4. Every column is told of: used, or left out with the reason.

import { columnsOfPart, type ExportPart } from "../../../platform/intake/exports/index.ts";
import { isHtml } from "../../../platform/intake/html.ts";
import type { Inheritance } from "../../../platform/intake/inherit.ts";
import { rankOfName, wordsOfName } from "../../../platform/intake/names.ts";
import type { ColumnProfile, FileProfile } from "../../../platform/intake/profile.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import {
  findLabelShape,
  labelOfRow,
  levelsOf,
  pathOfRow,
  type LabelLevel,
  type LabelRule,
  type LevelFigures,
} from "../../engine/categories.ts";
import { featureNames, groupNames, idNames, labelNames, notLabels, textNames } from "./names.ts";

/** What a person said of the file. */
export interface GivenCatalogue {
  /** From a file's own name of a column to `text`, `label`, `id` or `group`; several may be `text`, and `label` (one a level). */
  readonly map?: Readonly<Record<string, string>>;
  /** `none`: cells are codes as they stand. */
  readonly level?: LabelLevel | "none";
  readonly categories?: readonly string[];
  readonly numbers?: readonly string[];
  readonly without?: readonly string[];
}

/** How a file becomes labelled items: plain JSON. */
export interface CataloguePlan {
  readonly text: readonly string[];
  readonly categories: readonly string[];
  readonly numbers: readonly string[];
  readonly label: LabelRule;
  /** Rows equal in this column are one product; null: rows of equal texts are. */
  readonly group: string | null;
  readonly id: string | null;
  readonly inherit: Inheritance | null;
}

export interface CatalogueQuestion {
  readonly about: "label" | "text";
  readonly text: string;
  /** Flags that answer it. */
  readonly answers: readonly string[];
}

export interface CatalogueUse {
  readonly column: string;
  readonly use: "text" | "code" | "id" | "group" | "category" | "number" | "left out";
  readonly why: string;
}

export interface CatalogueProposal {
  readonly plan: CataloguePlan;
  readonly uses: readonly CatalogueUse[];
  readonly questions: readonly CatalogueQuestion[];
  /** What was assumed, in sentences. */
  readonly notes: readonly string[];
  /** Figures of every level, where the codes have levels; of the rows looked at. */
  readonly levels: readonly LevelFigures[];
}

/** With fewer items a code is hardly learned. */
const enoughItems = 5;
/** A level is taken when so many of the items lie in codes of enough items. */
const wellCovered = 0.95;
/** Different cells that tell how a column is written. */
const mostShapes = 3_000;
/** A model of more codes than this takes more memory than it is worth. */
export const mostCodes = 10_000;

const rank = (column: ColumnProfile, lists: readonly (readonly string[])[]): number =>
  rankOfName(column.name, lists) ?? Number.POSITIVE_INFINITY;

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");

/** What the choices are made with. */
interface Choosing {
  readonly profile: FileProfile;
  readonly given: GivenCatalogue;
  readonly questions: CatalogueQuestion[];
  readonly use: (column: ColumnProfile, part: CatalogueUse["use"], why: string) => void;
  readonly free: () => readonly ColumnProfile[];
  /** Columns that a person or the export's profile names for a part, with the reason. */
  readonly named: (target: string, part: ExportPart) => readonly (readonly [column: ColumnProfile, why: string])[];
}

/** Makes a proposal for a file. Never throws: what cannot be is a question. */
export function proposeCatalogue(profile: FileProfile, given: GivenCatalogue = {}): CatalogueProposal {
  const choosing = startChoosing(profile, given);
  const { questions, use, free } = choosing;
  const without = new Set(given.without ?? []);
  for (const column of profile.columns) {
    if (without.has(column.name)) use(column, "left out", "as you said");
    else if (column.kind === "empty") use(column, "left out", "holds nothing");
  }
  const label = chooseLabel(choosing);
  for (const [column, why] of label) use(column, "code", why);
  const texts = chooseTexts(
    choosing,
    label.map(([column]) => column),
  );
  for (const [column, why] of texts) use(column, "text", why);
  const rule = ruleOf(
    profile,
    given,
    label.map(([column]) => column),
  );
  const codeOf = (row: readonly string[]): string =>
    labelOfRow(
      label.map(([column]) => row[column.place] ?? ""),
      rule.rule,
    );
  const [group] = chooseGroup(choosing);
  if (group !== undefined) use(group, "group", "rows of one product stay on one side of the split");
  for (const name of given.categories ?? []) {
    const column = findColumn(profile, name);
    if (column !== undefined && free().includes(column)) use(column, "category", "as you said");
  }
  for (const name of given.numbers ?? []) {
    const column = findColumn(profile, name);
    if (column !== undefined && free().includes(column)) use(column, "number", "as you said");
  }
  const id = chooseId(choosing);
  if (id !== undefined) use(id, "id", "names the item");
  for (const column of free()) judge(column, choosing, codeOf);
  const inherit = findInheritance(
    choosing,
    texts.map(([column]) => column),
  );
  const uses = choosing.uses();
  const columnsOf = (part: CatalogueUse["use"]): readonly string[] => uses.filter((one) => one.use === part).map(({ column }) => column);
  return {
    plan: {
      text: texts.map(([column]) => column.name),
      categories: columnsOf("category"),
      numbers: columnsOf("number"),
      label: rule.rule,
      group: group?.name ?? null,
      id: id?.name ?? null,
      inherit: inherit ?? null,
    },
    uses,
    questions,
    notes: [
      ...rule.notes,
      ...notesOf(
        profile,
        texts.map(([column]) => column),
        inherit,
      ),
    ],
    levels: rule.levels,
  };
}

function startChoosing(profile: FileProfile, given: GivenCatalogue): Choosing & { readonly uses: () => readonly CatalogueUse[] } {
  const taken = new Map<ColumnProfile, CatalogueUse>();
  const names = profile.columns.map(({ name }) => name);
  return {
    profile,
    given,
    questions: [],
    use: (column, part, why) => taken.set(column, { column: column.name, use: part, why }),
    free: () => profile.columns.filter((column) => !taken.has(column)),
    uses: () => [...taken.values()],
    named: (target, part) => {
      const said = Object.entries(given.map ?? {}).filter(([, to]) => to === target);
      if (said.length > 0)
        return said.flatMap(([name]) => [...toColumns(profile, [name])].map((column) => [column, "as you said"] as const));
      const { export: known } = profile;
      if (known === undefined) return [];
      return toColumns(profile, columnsOfPart(known, part, names))
        .filter((column) => !taken.has(column))
        .map((column) => [column, `as in ${known.title}`] as const);
    },
  };
}

const findColumn = (profile: FileProfile, name: string): ColumnProfile | undefined =>
  profile.columns.find((column) => column.name === name) ??
  profile.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());

const toColumns = (profile: FileProfile, names: readonly string[]): readonly ColumnProfile[] =>
  names.flatMap((name) => findColumn(profile, name) ?? []);

// --- the code ----------------------------------------------------------------------------------------------------------------------------------

type Chosen = readonly (readonly [column: ColumnProfile, why: string])[];

function chooseLabel(choosing: Choosing): Chosen {
  const { profile, questions, free } = choosing;
  const named = choosing.named("label", "category");
  if (named.some(([, why]) => why === "as you said")) return named;
  // Of an export's categories the first that at least half of the rows have, or else the fullest.
  const full = named.filter(([column]) => couldBeCode(profile, column));
  const best = full.find(([column]) => column.filled >= 0.5 * profile.rows) ?? full.toSorted(([a], [b]) => b.filled - a.filled)[0];
  if (best !== undefined) return [best];
  const candidates = free()
    .filter((column) => Number.isFinite(rank(column, labelNames)) && !notLabels.test(wordsOfName(column.name)))
    .filter((column) => couldBeCode(profile, column) && !isProse(profile, column))
    .toSorted((a, b) => rank(a, labelNames) - rank(b, labelNames) || b.filled - a.filled);
  const few = free().filter((column) => isFewValued(profile, column));
  const [first] = candidates;
  if (first !== undefined && isLearnable(profile, first)) return levelsAround(choosing, first, candidates);
  if (first !== undefined) {
    questions.push({
      about: "label",
      text: `Does "${first.name}" hold the right code? At every level of it many values come once or twice, too seldom to be learned.`,
      answers: [first, ...few.filter((column) => column !== first)].slice(0, 5).map(({ name }) => `--map "${name}=label"`),
    });
    return [[first, "its name"]];
  }
  const [only] = few;
  if (only !== undefined && few.length === 1) return [[only, "the only column of few values that come again"]];
  questions.push({
    about: "label",
    text:
      few.length === 0
        ? `Which column holds the right code? None of ${quoted(profile.columns.map(({ name }) => name))} has values that come again and again.`
        : `Which of ${quoted(few.slice(0, 8).map(({ name }) => name))} holds the right code?`,
    answers: few.length === 0 ? ["--map COLUMN=label"] : few.slice(0, 5).map(({ name }) => `--map "${name}=label"`),
  });
  return [];
}

/** The column chosen, with coarser and finer ones beside it where each follows from the next: a path in several columns. */
function levelsAround(choosing: Choosing, first: ColumnProfile, candidates: readonly ColumnProfile[]): Chosen {
  const { profile, questions } = choosing;
  // A number and a name that say the same: the name is what people read.
  const twin = candidates.find((column) => column.kind === "text" && first.kind !== "text" && isSame(profile, first, column));
  if (twin !== undefined)
    return levelsAround(
      choosing,
      twin,
      candidates.filter((column) => column !== first),
    );
  const chain = [first];
  const others: ColumnProfile[] = [];
  for (const column of candidates.filter((one) => one !== first)) {
    const fits = chain.every((one) => {
      const [finer, coarser] = distinctOf(profile, one) >= distinctOf(profile, column) ? [one, column] : [column, one];
      return distinctOf(profile, finer) > distinctOf(profile, coarser) && follows(profile, finer, coarser);
    });
    if (fits) chain.push(column);
    else if (!isSame(profile, first, column)) others.push(column);
  }
  const rival = others.find((column) => rank(column, labelNames) === rank(first, labelNames) || sameWord(column, first));
  if (rival !== undefined) {
    const same = [first, ...others.filter((column) => rank(column, labelNames) === rank(first, labelNames) || sameWord(column, first))];
    questions.push({
      about: "label",
      text: `Which of ${quoted(same.map(({ name }) => name))} holds the right code? Neither follows from the other.`,
      answers: same.slice(0, 5).map(({ name }) => `--map "${name}=label"`),
    });
  }
  if (chain.length === 1) return [[first, "its name"]];
  return chain
    .toSorted((a, b) => distinctOf(profile, a) - distinctOf(profile, b))
    .map((column) => [column, column === first ? "its name" : "a level beside it"] as const);
}

/** Whether two columns say the same in other words. */
const isSame = (profile: FileProfile, a: ColumnProfile, b: ColumnProfile): boolean => follows(profile, a, b) && follows(profile, b, a);

/** Names of one list that are ranked one after the other are as sure as each other. */
const sameWord = (a: ColumnProfile, b: ColumnProfile): boolean => {
  const size = labelNames.length;
  return rank(a, labelNames) === rank(b, labelNames) % size || rank(b, labelNames) === rank(a, labelNames) % size;
};

const valuesOf = ({ sample }: FileProfile, { place }: ColumnProfile): readonly string[] =>
  sample.flatMap((row) => (isUnknown(row[place] ?? "") ? [] : [(row[place] ?? "").trim()]));

const distinctOf = (profile: FileProfile, column: ColumnProfile): number => new Set(valuesOf(profile, column)).size;

/** Whether a column's value follows from another one's, in nearly all rows that have both. */
function follows({ sample }: FileProfile, from: ColumnProfile, to: ColumnProfile): boolean {
  const counts = new Map<string, Map<string, number>>();
  let both = 0;
  for (const row of sample) {
    const [a, b] = [(row[from.place] ?? "").trim(), (row[to.place] ?? "").trim()];
    if (isUnknown(a) || isUnknown(b)) continue;
    both += 1;
    const inner = counts.get(a) ?? new Map<string, number>();
    inner.set(b, (inner.get(b) ?? 0) + 1);
    counts.set(a, inner);
  }
  const most = [...counts.values()].reduce((sum, inner) => sum + Math.max(...inner.values()), 0);
  // A column in which nothing comes again says everything of all others.
  return both > counts.size && most >= 0.98 * both;
}

/** Whether values come again often enough to be learned: of a path its levels do. */
function couldBeCode(profile: FileProfile, column: ColumnProfile): boolean {
  const values = valuesOf(profile, column);
  const different = new Set(values);
  if (values.length === 0 || different.size < 2) return false;
  if (2 * different.size <= values.length) return true;
  const shape = findLabelShape([...different].slice(0, mostShapes));
  if (shape.path === null && shape.several === null) return false;
  const paths = values.map((value) => pathOfRow([value], { columns: [column.name], level: null, ...shape }));
  return levelsOf(paths, 2).some(({ codes }) => codes >= 2 && 2 * codes <= paths.length);
}

/** Whether most items have a code, at some level, that comes again and again. */
function isLearnable(profile: FileProfile, column: ColumnProfile): boolean {
  const values = valuesOf(profile, column);
  const rule = { columns: [column.name], level: null, ...findLabelShape([...new Set(values)].slice(0, mostShapes)) };
  const share = profile.sample.length / Math.max(1, profile.rows);
  const figures = levelsOf(
    values.map((value) => pathOfRow([value], rule)),
    Math.max(2, Math.round(enoughItems * share)),
  );
  return figures.some(({ covered, codes }) => covered >= 0.75 && codes >= 2) || values.length < 20 * enoughItems;
}

/** Few values, none of them long: what a code looks like where no name says so. */
function isFewValued(profile: FileProfile, column: ColumnProfile): boolean {
  if (column.kind !== "text" || column.isFlag || column.many || Number.isFinite(rank(column, featureNames)) || isLinks(profile, column))
    return false;
  if (notLabels.test(wordsOfName(column.name)) || Number.isFinite(rank(column, textNames))) return false;
  return column.distinct >= 2 && column.filled >= 4 * column.distinct && !isProse(profile, column);
}

const isLinks = (profile: FileProfile, column: ColumnProfile): boolean => {
  const values = valuesOf(profile, column).slice(0, 200);
  return values.filter((text) => /^(?:https?:|www\.|\/|data:)\S*$/i.test(text)).length > 0.5 * values.length;
};

/** Words in a value, on average. */
function wordsIn(profile: FileProfile, column: ColumnProfile): number {
  const values = valuesOf(profile, column).slice(0, 1_000);
  return values.reduce((sum, text) => sum + text.split(/\s+/u).length, 0) / Math.max(1, values.length);
}

/** Whether values are sentences and no names. */
const isProse = (profile: FileProfile, column: ColumnProfile): boolean =>
  wordsIn(profile, column) > 12 && findLabelShape([...new Set(valuesOf(profile, column))].slice(0, 500)).path === null;

/** How the cells of the code are written, and the level that serves. */
function ruleOf(
  profile: FileProfile,
  given: GivenCatalogue,
  columns: readonly ColumnProfile[],
): { readonly rule: LabelRule; readonly notes: readonly string[]; readonly levels: readonly LevelFigures[] } {
  const names = columns.map(({ name }) => name);
  const plain: LabelRule = { columns: names, path: null, several: null, level: null };
  const [only] = columns;
  if (only === undefined || (given.level === "none" && columns.length === 1)) return { rule: plain, notes: [], levels: [] };
  const shape =
    columns.length === 1 ? findLabelShape([...new Set(valuesOf(profile, only))].slice(0, mostShapes)) : { path: null, several: null };
  const notes: string[] = [];
  if (shape.several !== null) {
    const cells = valuesOf(profile, only);
    const more = cells.filter((cell) => cell.includes(shape.several === "list" ? "," : (shape.several ?? ""))).length;
    const which = shape.path === null ? "the first" : "the deepest, of equally deep ones the first,";
    notes.push(
      `${Math.round((100 * more) / Math.max(1, cells.length))} % of the cells in "${only.name}" hold several categories: ${which} is the code. --label-level none takes whole cells.`,
    );
  }
  if (shape.path === null && columns.length === 1) return { rule: { ...plain, ...shape }, notes, levels: [] };
  const whole: LabelRule = { columns: names, ...shape, level: null };
  const paths = profile.sample.flatMap((row) => {
    const path = pathOfRow(
      columns.map(({ place }) => cellOf(row[place])),
      whole,
    );
    return path.length === 0 ? [] : [path];
  });
  const share = profile.sample.length / Math.max(1, profile.rows);
  const levels = levelsOf(paths, Math.max(2, Math.round(enoughItems * share)));
  const asked = given.level === undefined || given.level === "none" ? undefined : given.level;
  const level = asked ?? usualLevel(levels);
  const what = columns.length > 1 ? `${quoted(names)} are levels` : `"${only.name}" holds paths`;
  const taken = levels.find((one) => one.level === level) ?? levels.at(-1);
  const leaf = levels.at(-1);
  if (taken !== undefined && leaf !== undefined && levels.length > 1)
    notes.push(
      `${what} of up to ${levels.length} parts; the code is ${levelWords(level)} (${taken.codes} codes, ${taken.single} of them with one item, of the rows looked at)${asked !== undefined || level === "leaf" ? "" : `: so ${Math.round(100 * taken.covered)} % of the items have a code of ${enoughItems} or more; whole paths would be ${leaf.codes} codes, ${leaf.single} with one item`}. --label-level says another: ${levels.map(({ level: each }) => String(each)).join(", ")} or none.`,
    );
  return { rule: { ...whole, level }, notes, levels };
}

const cellOf = (text: string | undefined): string => (text === undefined || isUnknown(text) ? "" : text);

const levelWords = (level: LabelLevel): string =>
  level === "leaf" ? "the whole path" : level === "top" ? "its first part" : `its first ${level} parts`;

/** The finest level at which nearly all items have a code of enough items; the top where none has. */
function usualLevel(levels: readonly LevelFigures[]): LabelLevel {
  const fits = levels.findLast(({ covered, codes }) => covered >= wellCovered && codes >= 2 && codes <= mostCodes / 4);
  const varied = levels.find(({ codes }) => codes >= 2);
  return (fits ?? varied ?? levels.at(-1))?.level ?? "leaf";
}

// --- the text ----------------------------------------------------------------------------------------------------------------------------------

function chooseTexts(choosing: Choosing, label: readonly ColumnProfile[]): Chosen {
  const { profile, given, questions, free } = choosing;
  const saidBy = choosing.named("text", "title");
  if (saidBy.some(([, why]) => why === "as you said")) return saidBy;
  const known = [...saidBy, ...choosing.named("-", "description"), ...choosing.named("-", "brand")].filter(
    ([column]) => column.kind === "text" && (column.distinct > 1 || column.many),
  );
  if (known.length > 0) return known;
  const kept = new Set([...(given.categories ?? []), ...(given.numbers ?? [])]);
  const texts = free().filter(
    (column) =>
      column.kind === "text" &&
      !label.includes(column) &&
      (column.distinct > 1 || column.many) &&
      !isLinks(profile, column) &&
      !kept.has(column.name),
  );
  const byName = texts
    .filter((column) => Number.isFinite(rank(column, textNames)) && !Number.isFinite(exactRank(column, idNames)))
    .filter((column) => !/\b(?:url|image|img|slug|link|number|nummer|nr|id|code|date)\b/.test(wordsOfName(column.name)))
    // A brand of few values is read as words all the same; other texts of few values are categories.
    .filter(
      (column) =>
        rank(column, textNames) % textNames.length === 2 ||
        column.many ||
        column.distinct > 0.05 * column.filled ||
        wordsIn(profile, column) >= 2,
    )
    .toSorted(
      (a, b) =>
        (rank(a, textNames) % textNames.length) - (rank(b, textNames) % textNames.length) ||
        rank(a, textNames) - rank(b, textNames) ||
        a.place - b.place,
    );
  if (byName.some((column) => rank(column, textNames) % textNames.length < 2)) return byName.map((column) => [column, "its name"] as const);
  const wordy = texts
    .filter((column) => wordsIn(profile, column) >= 1.5 && (column.many || column.distinct > 0.2 * column.filled))
    .toSorted((a, b) => a.place - b.place);
  if (wordy.length > 0)
    return [...wordy, ...byName.filter((column) => !wordy.includes(column))].map(
      (column) => [column, byName.includes(column) ? "its name" : "words that differ from row to row"] as const,
    );
  questions.push({
    about: "text",
    text: `Which column holds the text to tell the code from? None of ${quoted(profile.columns.map(({ name }) => name))} has words that differ from row to row.`,
    answers: ["--map COLUMN=text"],
  });
  return byName.map((column) => [column, "its name"] as const);
}

/** The rank of a name that is one of the lists', and does not only hold it among other words. */
const exactRank = (column: ColumnProfile, lists: readonly (readonly string[])[]): number => {
  const found = rank(column, lists);
  return found < lists.length ? found : Number.POSITIVE_INFINITY;
};

// --- all other columns -------------------------------------------------------------------------------------------------------------------------

function chooseGroup(choosing: Choosing): readonly ColumnProfile[] {
  const { profile, free } = choosing;
  const comesAgain = (column: ColumnProfile): boolean => distinctOf(profile, column) < valuesOf(profile, column).length;
  const named = choosing
    .named("group", "group")
    .filter(
      ([column, why]) =>
        free().includes(column) && (why === "as you said" || profile.export?.inherits?.kind === "parent" || comesAgain(column)),
    );
  const [first] = named;
  if (first !== undefined) return [first[0]];
  return free()
    .filter(
      (column) =>
        Number.isFinite(exactRank(column, groupNames)) &&
        comesAgain(column) &&
        distinctOf(profile, column) > 0.05 * valuesOf(profile, column).length,
    )
    .toSorted((a, b) => rank(a, groupNames) - rank(b, groupNames));
}

function chooseId(choosing: Choosing): ColumnProfile | undefined {
  const { profile, free } = choosing;
  const [named] = choosing.named("id", "id").filter(([column]) => free().includes(column));
  if (named !== undefined) return named[0];
  const isOwn = (column: ColumnProfile): boolean => column.many || column.distinct >= 0.9 * column.filled;
  return free()
    .filter((column) => Number.isFinite(rank(column, idNames)) && isOwn(column) && column.filled >= 0.5 * profile.rows)
    .toSorted((a, b) => rank(a, idNames) - rank(b, idNames))[0];
}

/** Gives a column that no part was found for yet its use (R2, R4). */
function judge(column: ColumnProfile, { profile, given, use }: Choosing, codeOf: (row: readonly string[]) => string): void {
  if (column.distinct === 1 && !column.many) return use(column, "left out", `is ${column.examples[0] ?? ""} in every row that has it`);
  if (column.kind === "date") return use(column, "left out", "a date");
  if (column.kind === "number")
    return use(
      column,
      "left out",
      Number.isFinite(rank(column, labelNames))
        ? "a number beside the code; --map takes it as the code"
        : "a number; --numbers reads it too",
    );
  if (isLinks(profile, column)) return use(column, "left out", "links");
  const telling = tellsCode(profile, column, codeOf);
  if (given.categories === undefined && rank(column, featureNames) < featureNames.length && column.distinct <= 200 && !column.many) {
    if (!telling) return use(column, "category", `its name; ${column.distinct} values`);
  }
  if (telling) return use(column, "left out", "tells the code by itself, as another category does");
  if (Number.isFinite(rank(column, labelNames)) && !notLabels.test(wordsOfName(column.name)))
    return use(column, "left out", `another category; --map "${column.name}=label" takes it`);
  if (column.many || column.distinct > 0.5 * column.filled)
    return use(column, "left out", "neither a title nor a description by its name; --map takes it as text");
  return use(column, "left out", column.isFlag ? "yes or no" : "a text of few values; --categories reads it too");
}

/** Whether each value of a column, seen again, has one code. */
function tellsCode({ sample }: FileProfile, { place }: ColumnProfile, codeOf: (row: readonly string[]) => string): boolean {
  const seen = new Map<string, string>();
  let [again, broken] = [0, 0];
  for (const row of sample) {
    const code = codeOf(row);
    const value = (row[place] ?? "").trim();
    if (code === "" || isUnknown(value)) continue;
    const before = seen.get(value);
    if (before === undefined) seen.set(value, code);
    else {
      again += 1;
      if (before !== code) broken += 1;
    }
  }
  return again >= 20 && seen.size > 1 && broken <= 0.02 * again;
}

/** Rows below the first one of their group that leave the text blank: variants, which take it from the row above. */
function findInheritance({ profile }: Choosing, texts: readonly ColumnProfile[]): Inheritance | undefined {
  // Of a well-known export, reading does it already.
  if (profile.export?.inherits !== undefined) return undefined;
  const [title] = texts;
  if (title === undefined) return undefined;
  const keys = profile.columns.filter(
    (column) => Number.isFinite(exactRank(column, groupNames)) || Number.isFinite(exactRank(column, idNames)),
  );
  for (const key of keys) {
    let [blank, below] = [0, 0];
    for (const [i, row] of profile.sample.entries()) {
      if ((row[title.place] ?? "").trim() !== "") continue;
      blank += 1;
      const own = (row[key.place] ?? "").trim();
      if (own !== "" && (profile.sample[i - 1]?.[key.place] ?? "").trim() === own) below += 1;
    }
    if (blank >= 3 && below >= 0.9 * blank)
      return {
        kind: "above",
        by: key.name,
        columns: profile.columns.filter((column) => column !== key && column.kind === "text").map(({ name }) => name),
      };
  }
  return undefined;
}

function notesOf(profile: FileProfile, texts: readonly ColumnProfile[], inherit: Inheritance | undefined): readonly string[] {
  const html = texts.filter((column) => valuesOf(profile, column).slice(0, 500).some(isHtml));
  return [
    ...(html.length === 0 ? [] : [`HTML in ${quoted(html.map(({ name }) => name))} is read as the text it shows.`]),
    ...(inherit === undefined || inherit.kind === "down"
      ? []
      : [`Rows that leave texts blank take them from the row above with the same "${inherit.by}".`]),
  ];
}
