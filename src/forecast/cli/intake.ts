// Taking a stranger's file in at the command line: flags to what a person said, a proposal told, questions asked or failed with.

import path from "node:path";
import { readNames, shellWord, usage } from "../../platform/command/flags.ts";
import { answerQuestions } from "../../platform/command/questions.ts";
import { StockroomError } from "../../platform/errors.ts";
import { parseColumnMap } from "../../platform/formats/columns.ts";
import { fileBody, parseDecimalSign } from "../../platform/formats/index.ts";
import { parseConditions } from "../../platform/intake/conditions.ts";
import { findDateStyle } from "../../platform/intake/dates.ts";
import type { IntakeFile } from "../../platform/intake/profile.ts";
import { isStrict } from "../workflows/inputs/strict.ts";
import { type Domain, domains } from "../workflows/inputs/schema.ts";
import { valuesOf } from "../workflows/intake/beside.ts";
import { describeIntake, flagsOf, type TakenIn } from "../workflows/intake/intake.ts";
import { printBlock } from "../../platform/intake/said.ts";
import { blockOf, dateFormatsAllowed, isTimeZone, type SaidIntake } from "../workflows/intake/said.ts";
import { dimensionsOf, type Look, lookAtTarget, lookBeside } from "../workflows/intake/take-in.ts";
import type { RunFlags } from "./request.ts";

/** Flags that say how a file is to be taken in; others that it shares with a plain run stand in `readingFlags`. */
export const intakeFlags = {
  known: { type: "string", description: "numbers of the file that are known ahead, with rows of the future", valueHint: "price,promotion" },
  count: { type: "boolean", description: "every row is one piece", default: false },
  where: {
    type: "string",
    description: "rows that count: COLUMN=VALUE or !=, several values with commas, several conditions with semicolons",
    valueHint: "Country=Germany",
  },
  export: {
    type: "string",
    description: "the system the file comes from; absent: known by its columns; none: as it stands",
    valueHint: "NAME",
  },
  "time-zone": { type: "string", description: "whose days instants with a zone belong to", valueHint: "Europe/Berlin" },
} as const;

export type Intake = Pick<Look, "profile" | "proposal" | "taken" | "changes">;

const textOf = (flags: RunFlags, name: string): string | undefined => {
  const value = flags[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
};

/** What the flags say of the file; throws `input` `USAGE`. */
export function readIntakeFlags(flags: RunFlags): SaidIntake {
  const map = textOf(flags, "map");
  const dimensions = textOf(flags, "dimensions");
  const ahead = textOf(flags, "known");
  const stock = textOf(flags, "stock-column");
  const known = textOf(flags, "export");
  const without = textOf(flags, "without");
  const dateStyle = textOf(flags, "date-format");
  if (dateStyle !== undefined && findDateStyle(dateStyle) === undefined) throw usage("--date-format", dateFormatsAllowed, dateStyle);
  const decimal = parseDecimalSign(textOf(flags, "decimal"));
  const encoding = textOf(flags, "encoding");
  const where = textOf(flags, "where");
  const timeZone = textOf(flags, "time-zone");
  if (timeZone !== undefined && !isTimeZone(timeZone)) throw usage("--time-zone", "a time zone such as Europe/Berlin", timeZone);
  return {
    given: {
      ...(map === undefined ? {} : { map: parseColumnMap(map) }),
      ...(dimensions === undefined ? {} : { dimensions: dimensions.toLowerCase() === "none" ? [] : readNames(dimensions) }),
      ...(ahead === undefined ? {} : { known: readNames(ahead) }),
      ...(stock === undefined ? {} : { stock }),
      ...(without === undefined ? {} : { without: readNames(without) }),
      ...(flags["count"] === true ? { count: true } : {}),
      ...(dateStyle === undefined ? {} : { dateStyle }),
      ...(decimal === undefined ? {} : { decimal }),
    },
    filter: { ...(where === undefined ? {} : { where: parseConditions(where) }), ...(timeZone === undefined ? {} : { timeZone }) },
    hints: {
      ...(encoding === undefined ? {} : { encoding }),
      ...(decimal === undefined ? {} : { decimal }),
      ...(known === undefined ? {} : { export: known }),
    },
  };
}

/** Looks at the file and proposes how to take it in. Throws what `profileFile` throws, and `input` `INTAKE_COLUMN_MISSING`, `INTAKE_NO_ROWS`. */
export async function lookAtFile(file: string, flags: RunFlags, signal: AbortSignal): Promise<Intake> {
  return await lookAtTarget(sourceOf(file, signal), {
    said: readIntakeFlags(flags),
    end: textOf(flags, "end"),
    frequency: textOf(flags, "frequency"),
    signal,
  });
}

const sourceOf = (file: string, signal: AbortSignal): IntakeFile => ({
  name: path.relative("", path.resolve(file)),
  open: () => fileBody(file, signal),
});

/** The command that does the same again, with nothing left to find. */
const ownFlags = new Set([
  "map",
  "count",
  "date-format",
  "dimensions",
  "known",
  "stock-column",
  "decimal",
  "encoding",
  "where",
  "time-zone",
  "export",
  "end",
  "horizon",
  "out",
  "without",
  "json",
]);

/** What else the command was given, as it was written: the flags that say how to forecast, not how to read. */
export function otherWords(rawArgs: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let i = 0; i < rawArgs.length; i++) {
    const word = rawArgs[i] ?? "";
    if (!word.startsWith("--")) continue;
    const name = word.slice(2).split("=")[0] ?? "";
    const next = rawArgs[i + 1];
    const value =
      word.includes("=") || next === undefined || next.startsWith("--") || name === "negative" || name === "count" ? [] : [next];
    i += value.length;
    if (!ownFlags.has(name)) kept.push(word, ...value);
  }
  return kept.map(shellWord);
}

export const commandOf = (file: string, { taken }: Intake, rest: readonly string[]): string =>
  ["stockroom", "forecast", "run", shellWord(file), ...flagsOf(taken.plan, taken), ...rest].join(" ");

export const tellIntake = ({ profile, proposal, taken }: Intake): readonly string[] => [
  ...describeIntake(profile, proposal),
  ...(taken.end === null ? [] : [`rows after ${taken.end} are left out: the last period of the file is not whole`]),
];

/** The block of settings that does the same again. */
export const blockLines = ({ taken: { plan, filter, hints } }: Intake): readonly string[] => printBlock(blockOf(plan, filter, hints));

/** Looks and asks until nothing is left to ask. */
export async function takeIn(
  file: string,
  flags: RunFlags,
  signal: AbortSignal,
): Promise<{ readonly intake: Intake; readonly flags: RunFlags }> {
  let said = flags;
  for (;;) {
    const intake = await lookAtFile(file, said, signal);
    const more = await answerQuestions(intake.profile.name, intake.proposal.questions, said, signal);
    if (more === undefined) return { intake, flags: said };
    said = more;
  }
}

/** How files beside a target of any shape are taken in; those with the domain's own columns are read as they stand. */
export async function takeInBeside(
  flags: RunFlags,
  target: Intake,
  domain: Domain,
  signal: AbortSignal,
): Promise<{ readonly looks: readonly Intake[]; readonly taken: Partial<Record<"related" | "metadata", TakenIn>> }> {
  const looks: Intake[] = [];
  const taken: Partial<Record<"related" | "metadata", TakenIn>> = {};
  const values = valuesOf(target.profile, target.taken.plan);
  for (const kind of ["related", "metadata"] as const) {
    const file = textOf(flags, kind);
    if (file === undefined) continue;
    const source = sourceOf(file, signal);
    const names = domains[domain];
    const { plan } = target.taken;
    // One series has no item to join by, and a file in the domain's columns would name one.
    const fits = plan.item !== null || plan.shape === "wide-items" || kind === "metadata";
    if (fits && (await isStrict(kind, { name: source.name, body: source.open() }, { domain, signal }))) continue;
    const look = await lookBeside(kind, source, { signal }, values);
    const [question] = look.proposal.questions;
    if (question !== undefined) {
      throw new StockroomError(
        "input",
        "INTAKE_QUESTION",
        `Expected to know how ${source.name} is to be read but it does not tell everything. ${question.text} Name its columns ${names.item}${kind === "related" ? ", timestamp" : ""} and what else it holds.`,
        { facts: { about: question.about } },
      );
    }
    looks.push(look);
    taken[kind] = look.taken;
  }
  return { looks, taken };
}

/** The flags of a plain run over the rows that a plan gives. */
export function flagsForRun(flags: RunFlags, { taken }: Intake): RunFlags {
  const { plan, end } = taken;
  return {
    ...flags,
    map: undefined,
    without: undefined,
    "date-format": undefined,
    encoding: undefined,
    decimal: undefined,
    dimensions: plan.dimensions.length === 0 ? "none" : dimensionsOf(plan).join(","),
    aggregation: textOf(flags, "aggregation") ?? "sum",
    ...(end === null ? {} : { end }),
  };
}
