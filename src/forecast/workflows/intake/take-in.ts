// Taking in: a file of any shape looked at once, with what was said of it and how files of its sender were read before.
//
// Owns: the order in which words count (said now, accepted before, proposed), changes of shape, the one question. Does not own: choosing columns
// (proposal.ts, beside.ts), rows (apply.ts), where words and mappings come from.
//   T1. What is said now wins over what was accepted before, and that over what the file tells.
//   T2. A harmful change of shape is a question, whatever the mapping says; others are told.

import type { StockroomError } from "../../../platform/errors.ts";
import { noExport } from "../../../platform/intake/exports/index.ts";
import { type FileProfile, type IntakeFile, profileFile } from "../../../platform/intake/profile.ts";
import { changeLines, inTenLines } from "../../../platform/intake/describe.ts";
import { changeQuestion, checkColumnNames, noRowsOf, printBlock, questionOf } from "../../../platform/intake/said.ts";
import { compareShapes, type FileShape, type ShapeChange } from "../../../platform/intake/shape.ts";
import type { ReadBy } from "../../../platform/mappings/held.ts";
import { proposeMetadata, proposeRelated, type TargetValues } from "./beside.ts";
import { describeIntake, lastWholeDay, spanOf, type TakenIn, usualGap } from "./intake.ts";
import { type GivenIntake, type IntakePlan, nameIn, type Proposal, type Question } from "./contract.ts";
import { proposeForecast } from "./proposal.ts";
import { blockOfAnswer, type SaidIntake, saidNothing } from "./said.ts";

/** How files of this sender were read before: plain JSON. */
export interface KeptIntake {
  readonly plan: IntakePlan;
  readonly filter: TakenIn["filter"];
  readonly hints: TakenIn["hints"];
  readonly shape: FileShape | undefined;
  /** Share of rows, and of value, that may be bad. */
  readonly maxBadShare?: number | undefined;
}

export interface Look {
  readonly profile: FileProfile;
  readonly proposal: Proposal;
  readonly taken: TakenIn;
  readonly by: ReadBy;
  readonly changes: readonly ShapeChange[];
}

export interface Looking {
  /** Said now, by flags or settings. */
  readonly said?: SaidIntake | undefined;
  readonly kept?: KeptIntake | undefined;
  /** Holds for a file of which nothing else was said, as far as it tells. */
  readonly usual?: SaidIntake | undefined;
  /** Of a target: what settings forecast by beside the item, where what is said of the file does not tell. */
  readonly dimensions?: readonly string[] | undefined;
  /** Of a target. */
  readonly frequency?: string | undefined;
  /** Of a target: the last day that counts, when somebody said so. */
  readonly end?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a mapping that was accepted before says: all of it, and nothing else. */
function givenOf({ plan }: KeptIntake): GivenIntake {
  const map = Object.fromEntries([
    ...(plan.timestamp === null ? [] : [[plan.timestamp, "timestamp"]]),
    ...(plan.item === null ? [] : [[plan.item, "item_id"]]),
    ...(plan.demand === null ? [] : [[plan.demand, "demand"]]),
    ...Object.entries(plan.names ?? {}),
    // A list of items has no instants: its texts keep the names they have.
    ...(plan.shape === "long" && plan.timestamp === null ? plan.metadata.map((name) => [name, nameIn(plan, name)]) : []),
  ]);
  return {
    ...(Object.keys(map).length === 0 ? {} : { map }),
    dimensions: plan.dimensions,
    known: plan.known,
    ...(plan.stock === undefined ? {} : { stock: plan.stock }),
    ...(plan.shape === "long" && plan.demand === null ? { count: true } : {}),
    ...(plan.decimal === "," ? { decimal: plan.decimal } : {}),
    exact: true,
  };
}

/** The same with the way dates were written, unless the file proves another. */
function withStyle(words: SaidIntake, profile: FileProfile, kept: KeptIntake | undefined): SaidIntake {
  if (kept === undefined) return words;
  const { timestamp, dateStyle, dateParts } = kept.plan;
  const found = profile.columns.find(({ name }) => name === timestamp)?.date;
  const isOther = found !== undefined && found.style.id !== dateStyle && found.rival?.id !== dateStyle;
  return isOther || dateParts.length > 0 ? words : { ...words, given: { ...words.given, dateStyle } };
}

/** The words that count (T1). */
function wordsOf({ said, kept, usual = saidNothing }: Looking): { readonly words: SaidIntake; readonly by: ReadBy } {
  const isSaid = said !== undefined && [said.given, said.filter, said.hints].some((each) => Object.keys(each).length > 0);
  if (isSaid) return { words: said, by: "settings" };
  if (kept !== undefined) return { words: { given: givenOf(kept), filter: kept.filter, hints: kept.hints }, by: "kept" };
  return { words: usual, by: "proposal" };
}

/** Looks at a target. Throws what `profileFile` throws, and `input` `INTAKE_COLUMN_MISSING`, `INTAKE_NO_ROWS`. */
export async function lookAtTarget(file: IntakeFile, looking: Looking): Promise<Look> {
  const { words: said, by } = wordsOf(looking);
  const profile = await profiled(file, said, looking, by);
  const words = withStyle(said, profile, by === "kept" ? looking.kept : undefined);
  const proposal = withSettings(profile, words.given, looking.dimensions);
  const { plan } = proposal;
  const end = looking.end ?? lastWholeDay(looking.frequency ?? "auto", spanOf(profile, plan), usualGap(profile, plan)) ?? null;
  return judged(
    { profile, proposal, taken: { plan, filter: words.filter, hints: hintsOf(words, profile), end }, by, changes: [] },
    looking,
  );
}

/** Looks at a file beside a target. Throws as `lookAtTarget`. */
export async function lookBeside(kind: "related" | "metadata", file: IntakeFile, looking: Looking, target: TargetValues): Promise<Look> {
  const { words: said, by } = wordsOf(looking);
  const profile = await profiled(file, said, looking, by);
  const words = withStyle(said, profile, by === "kept" ? looking.kept : undefined);
  const proposal = kind === "related" ? proposeRelated(profile, words.given, target) : proposeMetadata(profile, words.given, target);
  return judged(
    { profile, proposal, taken: { plan: proposal.plan, filter: words.filter, hints: hintsOf(words, profile), end: null }, by, changes: [] },
    looking,
  );
}

/** Kept with what is made of it: an export that is known tomorrow alone must not change what a file of today is read as. */
const hintsOf = ({ hints }: SaidIntake, profile: FileProfile): TakenIn["hints"] => ({ ...hints, export: profile.export?.name ?? noExport });

async function profiled(file: IntakeFile, words: SaidIntake, { signal }: Looking, by: ReadBy): Promise<FileProfile> {
  const { where } = words.filter;
  const profile = await profileFile(file, { ...words.hints, ...(where === undefined ? {} : { where }), signal });
  // What was accepted before is compared with the file, and told as a change; what holds for all files need not fit each.
  if (by === "settings") checkNames(profile, words);
  if (profile.rows === 0 && where !== undefined) throw noRowsOf(file.name, where);
  return profile;
}

function checkNames(profile: FileProfile, { given, filter }: SaidIntake): void {
  const renamed = new Set(Object.values(given.map ?? {}));
  checkColumnNames(profile, [
    ...Object.keys(given.map ?? {}),
    ...[...(given.dimensions ?? []), ...(given.known ?? [])].filter((name) => !renamed.has(name)),
    ...(given.stock === undefined ? [] : [given.stock]),
    ...(given.without ?? []),
    ...(filter.where ?? []).map(({ column }) => column),
  ]);
}

/** The proposal where settings say what is forecast by: their dimensions and no others, one that the file calls otherwise taken for it. */
function withSettings(profile: FileProfile, given: GivenIntake, dimensions: readonly string[] | undefined): Proposal {
  if (dimensions === undefined || given.dimensions !== undefined) return proposeForecast(profile, given);
  const mapped = Object.values(given.map ?? {});
  const columnOf = (name: string): string | undefined =>
    profile.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name;
  const there = dimensions.filter((name) => mapped.includes(name) || columnOf(name) !== undefined);
  const absent = dimensions.filter((name) => !there.includes(name));
  const found = there.map((name) => (mapped.includes(name) ? name : (columnOf(name) ?? name)));
  const exactly = (more: Readonly<Record<string, string>> = {}): Proposal =>
    proposeForecast(profile, {
      ...given,
      map: {
        ...given.map,
        ...Object.fromEntries(found.flatMap((name, i) => (there[i] === name || there[i] === undefined ? [] : [[name, there[i]]]))),
        ...more,
      },
      dimensions: [...found, ...Object.keys(more)],
    });
  if (absent.length === 0) return exactly();
  const free = proposeForecast(profile, given).plan.dimensions.filter((name) => !found.includes(name));
  const [only, ...others] = free;
  const [wanted, ...further] = absent;
  if (only !== undefined && wanted !== undefined && others.length === 0 && further.length === 0) return exactly({ [only]: wanted });
  const made = exactly();
  const told = `The settings forecast by ${absent.join(", ")} and no column of ${profile.name} is that: it is forecast without.`;
  return { ...made, notes: [...made.notes, told] };
}

/** Adds what changed since the file before; harmful changes as a question (T2). */
function judged(look: Look, { kept }: Looking): Look {
  if (kept?.shape === undefined) return look;
  const { profile, proposal } = look;
  const before = kept.plan;
  const used = new Set([
    ...[before.timestamp, before.item, before.demand].filter((name) => name !== null),
    ...before.dateParts,
    ...before.dimensions,
    ...before.known,
    ...(before.stock === undefined ? [] : [before.stock]),
    ...before.metadata,
  ]);
  // Of wide tables the columns are dates or items, and come and go.
  const values = new Set([...before.values, ...proposal.plan.values]);
  const others = <Column extends { readonly name: string }>(columns: readonly Column[]): readonly Column[] =>
    columns.filter(({ name }) => !values.has(name));
  const changes = compareShapes(
    { ...kept.shape, columns: others(kept.shape.columns) },
    { ...profile, columns: others(profile.columns) },
    used,
  );
  if (look.by !== "kept") return { ...look, changes };
  const text = changeQuestion(profile.name, changes);
  if (text === undefined) return { ...look, changes };
  const [first] = changes;
  const asked: Question = { about: first?.what === "decimal" ? "decimal" : first?.what === "date" ? "day" : "item", text, answers: [] };
  return { ...look, changes, proposal: { ...proposal, questions: [asked] } };
}

/** What was understood, what is left out and why: at most ten lines. */
export function linesOf({ profile, proposal, taken, changes }: Look): readonly string[] {
  return inTenLines([
    ...describeIntake(profile, proposal),
    ...(taken.end === null ? [] : [`rows after ${taken.end} are left out: the last period of the file is not whole`]),
    ...changeLines(changes),
  ]);
}

/** One line for lists and notices. */
export function sentenceOf({ profile, proposal }: Pick<Look, "profile" | "proposal">, isOther: string): string {
  const used = proposal.uses.filter(({ use }) => use !== "left out").map(({ column, use }) => `${use} ${column}`);
  const out = proposal.uses.filter(({ use }) => use === "left out");
  const [first] = out;
  const left =
    first === undefined
      ? ""
      : ` Left out: ${out
          .slice(0, 6)
          .map(({ column, why }) => `${column} (${why})`)
          .join("; ")}${out.length > 6 ? ` and ${out.length - 6} more` : ""}.`;
  return `${profile.name} has other columns than ${isOther} and was read as ${used.join(", ")}.${left}${proposal.notes.length === 0 ? "" : ` ${proposal.notes.join(" ")}`}`;
}

/** The one question about a file of a group as an error, with the settings that answer it. */
export function questionError(
  look: Pick<Look, "profile" | "proposal">,
  group: string,
  kind: "target" | "related" | "metadata",
  where: string,
): StockroomError | undefined {
  const [question] = look.proposal.questions;
  if (question === undefined) return undefined;
  return questionOf(look.profile.name, question, answersIn(question, group, kind, where), { group });
}

/** How a question of a group is answered: the block of settings, and the command. */
function answersIn({ answers }: Question, group: string, kind: "target" | "related" | "metadata", where: string): string {
  const [first, ...others] = answers;
  const named = kind === "target" ? "" : ` --kind ${kind}`;
  if (first === undefined) {
    return `If it is: \`stockroom forecast mappings forget ${group}${named}\`, and the file is looked at anew. If not: put a file like the one before.`;
  }
  const block = blockOfAnswer(first);
  const lines = printBlock(kind === "target" ? block : { [kind]: block }).map((line) => `  ${line}`);
  const or = others.length === 0 ? "" : `\n(or ${others.join(", or ")})`;
  return `Say it in ${where}:\n${group}:\n${lines.join("\n")}${or}\nor \`stockroom forecast mappings set ${group}${named} ${first}\`.`;
}

/** Names that come out of a plan, for whoever reads on. */
export const dimensionsOf = (plan: IntakePlan): readonly string[] => plan.dimensions.map((name) => nameIn(plan, name));
