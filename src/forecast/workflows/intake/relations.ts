// What becomes of the other columns of a long file: dimension, known number, metadata, or left out with the reason (R2, R4 of proposal.ts).

import type { ColumnProfile, FileProfile } from "../../../platform/intake/profile.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import { wordsOfName } from "../../../platform/intake/names.ts";
import type { DateStyle } from "../../../platform/intake/dates.ts";
import { calendarWords, dimensionNames, knownNames, stockNames } from "./names.ts";
import type { ColumnUse, GivenIntake } from "./contract.ts";
import { isId, rank } from "./columns.ts";

const mostFewValued = 100;

// --- all other columns -----------------------------------------------------------------------------------------------------------------------

interface Relations {
  /** Whether a column's value follows from that of the item, or of the instant. */
  readonly followsItem: (column: ColumnProfile) => boolean;
  readonly followsDate: (column: ColumnProfile) => boolean;
  /** Whether a column splits rows of one item and step, for nearly all items. */
  readonly splits: (column: ColumnProfile) => boolean;
  /** In which share of a column's values the middle item is. */
  readonly coverage: (column: ColumnProfile) => number;
  /** Share of the rows without demand behind the last one with it, in which this column has a value. */
  readonly knownAhead: (column: ColumnProfile) => number;
  /** Whether several rows have item, step and these dimensions in common. */
  readonly repeats: (dimensions: readonly ColumnProfile[]) => boolean;
}

interface Related {
  readonly profile: FileProfile;
  readonly timestamp: ColumnProfile | undefined;
  readonly style: DateStyle | undefined;
  /** The text of a row's instant, joined where it stands in several columns. */
  readonly stampOf: (row: readonly string[]) => string;
  readonly item: ColumnProfile | undefined;
  readonly demand: ColumnProfile | undefined;
}

export function makeRelations({ profile: { sample }, timestamp, style, stampOf, item, demand }: Related): Relations {
  const at = (row: readonly string[], column: ColumnProfile | undefined): string => (column === undefined ? "" : (row[column.place] ?? ""));
  const follows =
    (from: ColumnProfile | undefined) =>
    (column: ColumnProfile): boolean => {
      if (from === undefined) return false;
      const seen = new Map<string, string>();
      let [again, broken] = [0, 0];
      for (const row of sample) {
        const key = at(row, from);
        const before = seen.get(key);
        if (before === undefined) seen.set(key, at(row, column));
        else {
          again += 1;
          if (before !== at(row, column)) broken += 1;
        }
      }
      return again >= 10 && broken <= 0.01 * again;
    };
  const seconds = (row: readonly string[]): number => style?.read(stampOf(row))?.seconds ?? Number.NaN;
  const withDemand = sample.map((row) => (demand === undefined ? true : !isUnknown(at(row, demand))));
  let lastSold = Number.NEGATIVE_INFINITY;
  for (const [i, row] of sample.entries()) if ((withDemand[i] ?? false) && seconds(row) > lastSold) lastSold = seconds(row);
  const ahead = sample.filter((row, i) => !(withDemand[i] ?? true) && seconds(row) > lastSold);
  const pairs = (column: ColumnProfile | undefined): number => {
    const seen = new Set<string>();
    for (const row of sample) seen.add(`${at(row, item)}\u0000${stampOf(row)}\u0000${at(row, column)}`);
    return seen.size;
  };
  const coverage = (column: ColumnProfile): number => {
    const values = new Map<string, Set<string>>();
    for (const row of sample) {
      const key = at(row, item);
      values.set(key, (values.get(key) ?? new Set()).add(at(row, column)));
    }
    const all = new Set(sample.map((row) => at(row, column))).size;
    const shares = [...values.values()].map((set) => set.size / Math.max(1, all)).toSorted((a, b) => a - b);
    return shares[Math.floor(shares.length / 2)] ?? 0;
  };
  const without = pairs(undefined);
  const duplicates = sample.length - without;
  return {
    followsItem: follows(item),
    followsDate: (column) =>
      isCalendar(column, sample, seconds) || (timestamp !== undefined && item === undefined ? false : follows(timestamp)(column)),
    splits: (column) => {
      if (duplicates < 0.05 * sample.length || column.distinct > mostFewValued || column.many) return false;
      return pairs(column) - without >= 0.5 * duplicates && coverage(column) >= 0.5;
    },
    coverage,
    knownAhead: (column) => (ahead.length === 0 ? 0 : ahead.filter((row) => !isUnknown(at(row, column))).length / ahead.length),
    repeats: (dimensions) => {
      const seen = new Set(
        sample.map((row) => [at(row, item), stampOf(row), ...dimensions.map((column) => at(row, column))].join("\u0000")),
      );
      return sample.length - seen.size >= 0.01 * sample.length && sample.length > seen.size;
    },
  };
}

/** Whether a number is the year, month, week, weekday or day of its row's date. */
function isCalendar(column: ColumnProfile, sample: readonly (readonly string[])[], seconds: (row: readonly string[]) => number): boolean {
  if (column.kind !== "number" || !calendarWords.test(wordsOfName(column.name))) return false;
  const seen = new Map<string, string>();
  for (const row of sample.slice(0, 3_000)) {
    const day = seconds(row);
    if (Number.isNaN(day)) continue;
    const key = String(Math.floor(day / 86_400));
    const before = seen.get(key);
    if (before !== undefined && before !== row[column.place]) return false;
    seen.set(key, row[column.place] ?? "");
  }
  return true;
}

interface Judging {
  readonly given: GivenIntake;
  readonly relations: Relations;
  readonly stock: ColumnProfile | undefined;
  readonly use: (column: ColumnProfile, part: ColumnUse["use"], why: string) => void;
}

/** Gives a column that no part was found for yet its use (R2, R4). */
export function judge(column: ColumnProfile, { given, relations, stock, use }: Judging): void {
  const words = wordsOfName(column.name);
  const isPlace =
    rank(column, dimensionNames) < dimensionNames.length || (column.kind === "text" && Number.isFinite(rank(column, dimensionNames)));
  if (column.distinct === 1 && !column.many) return use(column, "left out", `is ${column.examples[0] ?? ""} in every row`);
  if (column.kind === "date") return use(column, "left out", "another date");
  if (
    given.dimensions === undefined &&
    isPlace &&
    !column.many &&
    !relations.followsItem(column) &&
    (column.kind === "text" || column.number?.whole === true)
  ) {
    const coverage = relations.coverage(column);
    const least = rank(column, dimensionNames) % dimensionNames.length === 0 ? 0.05 : 0.5;
    if (coverage >= least) return use(column, "dimension", `its name; ${column.distinct} values`);
    return use(
      column,
      "left out",
      `a place, but half of the items are in ${Math.round(coverage * column.distinct)} of its ${column.distinct} or fewer; --dimensions forecasts by it`,
    );
  }
  if (column.kind === "text" && !column.isFlag) {
    if (relations.followsItem(column)) return use(column, "metadata", "follows from the item");
    if (relations.followsDate(column)) return use(column, "left out", "follows from the date");
    if (given.dimensions === undefined && relations.splits(column))
      return use(column, "dimension", `${column.distinct} values over nearly every item`);
    return use(
      column,
      "left out",
      column.many || column.distinct > mostFewValued
        ? "too many values to forecast by"
        : "a text that is neither item nor place; --dimensions forecasts by it",
    );
  }
  if (given.exact === true) return use(column, "left out", "not used before");
  if (stock !== undefined && Number.isFinite(rank(column, stockNames)))
    return use(column, "left out", `"${stock.name}" says what was in stock`);
  if (calendarWords.test(words) && relations.followsDate(column)) return use(column, "left out", "follows from the date");
  if (isId(column)) return use(column, "left out", "a number that names something");
  const share = relations.knownAhead(column);
  if (share >= 0.9) return use(column, "known", `known ahead in ${Math.round(share * 100)} % of the rows behind the last sale`);
  if (relations.followsItem(column)) return use(column, "left out", "a number that follows from the item");
  const told = Number.isFinite(rank(column, knownNames))
    ? "its future is not in the file; --known uses it where rows of the future are added"
    : "a number that is not known ahead";
  return use(column, "left out", told);
}
