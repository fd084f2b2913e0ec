// What a person says of a file, in settings: the words of the flags, as a block `intake`.
//
//   intake:
//     map: { Datum: timestamp, Artikel: item_id, Menge: demand }
//     dimensions: [Filiale]
//     dateFormat: dd.mm.yyyy
//     related: { known: [Preis] }
//
// Owns: the block's words, reading and printing it, answers to questions in its words. Does not own: flags (cli/intake.ts).

import { isMap } from "yaml";
import { z } from "zod";
import { readAnswer } from "../../../platform/command/questions.ts";
import type { Place, Reading } from "../../../platform/documents/index.ts";
import type { DecimalSign } from "../../../platform/formats/index.ts";
import {
  columnMap,
  columnNames,
  conditionsIn,
  exportNames,
  isEncoding,
  isWhere,
  saidFields,
  whereAllowed,
  whereIn,
  type WhereWords,
} from "../../../platform/intake/said.ts";
import { noExport } from "../../../platform/intake/exports/index.ts";
import { bareStyles, bareWeekStyles, dateStyles, findDateStyle } from "../../../platform/intake/dates.ts";
import type { LookHints } from "../../../platform/intake/profile.ts";
import type { IntakeFilter } from "./apply.ts";
import type { GivenIntake, IntakePlan } from "./contract.ts";

/** What a block says of one file; plain JSON. */
export interface IntakeBlock {
  /** From a column of the file to `item_id`, `timestamp`, `demand`, or the name of a dimension or of a number known ahead. */
  readonly map?: Readonly<Record<string, string>> | undefined;
  readonly dimensions?: readonly string[] | undefined;
  readonly known?: readonly string[] | undefined;
  /** The column that says whether there was stock. */
  readonly stock?: string | undefined;
  /** Every row is one piece. */
  readonly count?: boolean | undefined;
  readonly where?: WhereWords | undefined;
  readonly without?: readonly string[] | undefined;
  readonly dateFormat?: string | undefined;
  readonly decimal?: DecimalSign | undefined;
  readonly encoding?: string | undefined;
  /** The system the file comes from. */
  readonly export?: string | undefined;
  readonly timeZone?: string | undefined;
  /** Share of rows, and of value, that may be bad. */
  readonly maxBadShare?: number | undefined;
}

/** A group's block: of its target, and of the files beside it. */
export interface GroupIntake extends IntakeBlock {
  readonly related?: IntakeBlock | undefined;
  readonly metadata?: IntakeBlock | undefined;
}

/** What is said of a file, as the proposal and the reader take it. */
export interface SaidIntake {
  readonly given: GivenIntake;
  readonly filter: IntakeFilter;
  readonly hints: Pick<LookHints, "encoding" | "decimal" | "export">;
}

export const saidNothing: SaidIntake = { given: {}, filter: {}, hints: {} };

export const dateFormatsAllowed = [...dateStyles, ...bareStyles, ...bareWeekStyles].map(({ id }) => id).join(", ");

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

export function saidOf(block: IntakeBlock): SaidIntake {
  const { map, dimensions, known, stock, without, count, dateFormat, decimal, where, timeZone, encoding, export: from } = block;
  return {
    given: {
      ...(map === undefined ? {} : { map }),
      ...(dimensions === undefined ? {} : { dimensions }),
      ...(known === undefined ? {} : { known }),
      ...(stock === undefined ? {} : { stock }),
      ...(without === undefined ? {} : { without }),
      ...(count === true ? { count } : {}),
      ...(dateFormat === undefined ? {} : { dateStyle: dateFormat }),
      ...(decimal === undefined ? {} : { decimal }),
    },
    filter: {
      ...(where === undefined ? {} : { where: conditionsIn(where) }),
      ...(timeZone === undefined ? {} : { timeZone }),
    },
    hints: {
      ...(encoding === undefined ? {} : { encoding }),
      ...(decimal === undefined ? {} : { decimal }),
      ...(from === undefined ? {} : { export: from }),
    },
  };
}

/** The same words as a block. */
export function blockOfSaid({ given, filter, hints }: SaidIntake): IntakeBlock {
  const { map, dimensions, known, stock, without, count, dateStyle, decimal } = given;
  const { where, timeZone } = filter;
  return JSON.parse(
    JSON.stringify({
      map,
      dimensions,
      known,
      stock,
      count,
      where: where === undefined ? undefined : whereIn(where),
      without,
      dateFormat: dateStyle,
      decimal,
      encoding: hints.encoding,
      export: hints.export,
      timeZone,
    } satisfies IntakeBlock),
  );
}

const blockSchema = z.strictObject({
  ...saidFields,
  map: columnMap.meta({ description: "from a column of the file to item_id, timestamp, demand, or another name" }),
  dimensions: columnNames.optional().meta({ description: "columns to forecast by beside the item; []: the item alone" }),
  known: columnNames.optional().meta({ description: "numbers that are known ahead" }),
  stock: z.string().min(1).optional().meta({ description: "the column that says whether there was stock" }),
  count: z.boolean().optional().meta({ description: "every row is one piece" }),
  dateFormat: z
    .string()
    .refine((text) => findDateStyle(text) !== undefined, `one of ${dateFormatsAllowed}`)
    .optional()
    .meta({ description: "how dates are written" }),
  timeZone: z
    .string()
    .refine(isTimeZone, "a time zone such as Europe/Berlin")
    .optional()
    .meta({ description: "whose days moments with an offset fall on" }),
  maxBadShare: z.number().min(0).max(1).optional().meta({ description: "a file with more bad rows than this is refused whole" }),
});

/** What is said of one file. */
export const intakeSchema = blockSchema;

/** The block in stockroom.yaml, by group. */
export const groupIntakeSchema = blockSchema.extend({ related: blockSchema.optional(), metadata: blockSchema.optional() });

type Draft = { -readonly [Key in keyof GroupIntake]: GroupIntake[Key] };

/** Reads the block of a forecast-defaults.yaml; what is wrong is told through `reading`. */
export function readIntakeBlock(reading: Reading, place: Place, isGroup = true): GroupIntake {
  const block: Draft = {};
  const list = (at: Place, what: string): readonly string[] =>
    (reading.list(at, what) ?? []).flatMap((item) => reading.text(item, "the name of a column") ?? []);
  const map = (at: Place, what: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [...(reading.entries(at, what) ?? [])].flatMap(([name, entry]) => {
        const text = reading.text(entry, `what ${name} is`);
        return text === undefined ? [] : [[name, text]];
      }),
    );
  const checked = (at: Place, what: string, isGood: (text: string) => boolean, allowed: string): string | undefined => {
    const text = reading.text(at, `${what} (${allowed})`);
    if (text === undefined || isGood(text)) return text;
    reading.problem(at, `Expected ${what} as ${allowed} but received "${text}".`);
    return undefined;
  };
  const known = {
    map: (at: Place) => {
      block.map = map(at, "map (a column of the file: what it is)");
      const targets = Object.values(block.map);
      const twice = targets.find((to, i) => targets.indexOf(to) !== i);
      if (twice !== undefined) reading.problem(at, `Expected one column for ${twice} but two are mapped to it. Remove one.`);
    },
    dimensions: (at: Place) => (block.dimensions = list(at, "dimensions")),
    known: (at: Place) => (block.known = list(at, "known")),
    stock: (at: Place) => (block.stock = reading.text(at, "the name of a column")),
    count: (at: Place) => (block.count = reading.flag(at, "count")),
    where: (at: Place) =>
      (block.where = isMap(at.node) ? map(at, "where (a column: the value it must have)") : checked(at, "where", isWhere, whereAllowed)),
    export: (at: Place) => (block.export = reading.choice(at, "export", exportNames)),
    without: (at: Place) => (block.without = list(at, "without")),
    dateFormat: (at: Place) =>
      (block.dateFormat = checked(at, "dateFormat", (text) => findDateStyle(text) !== undefined, dateFormatsAllowed)),
    decimal: (at: Place) => (block.decimal = reading.choice(at, "decimal", [".", ","])),
    encoding: (at: Place) => (block.encoding = checked(at, "encoding", isEncoding, "a name such as utf-8 or windows-1252")),
    timeZone: (at: Place) => (block.timeZone = checked(at, "timeZone", isTimeZone, "a time zone such as Europe/Berlin")),
    maxBadShare: (at: Place) => (block.maxBadShare = reading.number(at, "maxBadShare", 0, 1, false)),
  };
  const beside = {
    related: (at: Place) => (block.related = readIntakeBlock(reading, at, false)),
    metadata: (at: Place) => (block.metadata = readIntakeBlock(reading, at, false)),
  };
  reading.map(place, "intake", isGroup ? { ...known, ...beside } : known);
  return JSON.parse(JSON.stringify(block));
}

/** The block that takes a file in just so. */
export function blockOf(plan: IntakePlan, filter: IntakeFilter, hints: SaidIntake["hints"]): IntakeBlock {
  const map = Object.fromEntries([
    ...(plan.timestamp === null ? [] : [[plan.timestamp, "timestamp"]]),
    ...(plan.item === null ? [] : [[plan.item, "item_id"]]),
    ...(plan.demand === null ? [] : [[plan.demand, "demand"]]),
    ...Object.entries(plan.names ?? {}),
  ]);
  const isCounted = plan.shape === "long" && plan.demand === null && plan.known.length === 0 && plan.metadata.length === 0;
  return {
    ...(Object.keys(map).length === 0 ? {} : { map }),
    ...(plan.shape === "long" && plan.timestamp !== null ? { dimensions: plan.dimensions } : {}),
    ...(plan.known.length === 0 ? {} : { known: plan.known }),
    ...(plan.stock === undefined ? {} : { stock: plan.stock }),
    ...(isCounted ? { count: true } : {}),
    ...(filter.where === undefined ? {} : { where: whereIn(filter.where) }),
    ...(plan.timestamp === null && plan.shape === "long" ? {} : { dateFormat: plan.dateStyle }),
    ...(plan.decimal === "," ? { decimal: "," as const } : {}),
    ...(hints.encoding === undefined ? {} : { encoding: hints.encoding }),
    ...(hints.export === undefined || hints.export === noExport ? {} : { export: hints.export }),
    ...(filter.timeZone === undefined ? {} : { timeZone: filter.timeZone }),
  };
}

/** The same answer as a block. */
export function blockOfAnswer(answer: string): IntakeBlock {
  const { map, known, count, decimal, where, dimensions, ...others } = readAnswer(answer);
  const dateFormat = others["date-format"];
  const share = others["max-bad-share"];
  const at = typeof map === "string" ? map.lastIndexOf("=") : -1;
  return {
    ...(typeof map === "string" ? { map: { [map.slice(0, at)]: map.slice(at + 1) } } : {}),
    ...(typeof known === "string" ? { known: known.split(",") } : {}),
    ...(count === true ? { count } : {}),
    ...(typeof where === "string" ? { where } : {}),
    ...(typeof dimensions === "string" ? { dimensions: dimensions.split(",") } : {}),
    ...(typeof dateFormat === "string" ? { dateFormat } : {}),
    ...(decimal === "," || decimal === "." ? { decimal } : {}),
    ...(typeof share === "string" ? { maxBadShare: Number(share) } : {}),
  };
}
