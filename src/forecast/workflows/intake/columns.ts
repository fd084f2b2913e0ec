// Columns of a stranger's file by what a person said and by their names.

import type { ColumnProfile, FileProfile } from "../../../platform/intake/profile.ts";
import { rankOfName, wordsOfName } from "../../../platform/intake/names.ts";
import { idWords } from "./names.ts";
import type { GivenIntake } from "./contract.ts";

export const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");

/** What a map may say beside names of dimensions and known numbers. */
export const mappedParts = ["item_id", "timestamp", "demand", "target_value", "value"];

/** The file's column that a person mapped to a part. */
export function mapped(profile: FileProfile, given: GivenIntake, part: readonly string[]): ColumnProfile | undefined {
  const entry = Object.entries(given.map ?? {}).find(([, to]) => part.includes(to));
  return entry === undefined ? undefined : findColumn(profile, entry[0]);
}

export function findColumn(profile: FileProfile, name: string): ColumnProfile | undefined {
  return (
    profile.columns.find((column) => column.name === name) ??
    profile.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
  );
}

export const rank = (column: ColumnProfile, lists: readonly (readonly string[])[]): number =>
  rankOfName(column.name, lists) ?? Number.POSITIVE_INFINITY;

/** Whether a name is one of the lists', and does not only hold it among other words. */
export const isExactly = (column: ColumnProfile, lists: readonly (readonly string[])[]): boolean => rank(column, lists) < lists.length;

export const isId = ({ name }: ColumnProfile): boolean => idWords.test(wordsOfName(name));

export const distinctIn = ({ sample }: FileProfile, { place }: ColumnProfile): number => new Set(sample.map((row) => row[place])).size;

/** Whether a value stands in two rows or more, on average of those looked at. */
export const comesAgain = (profile: FileProfile, column: ColumnProfile): boolean =>
  2 * distinctIn(profile, column) <= profile.sample.length;

export const equalIn = ({ sample }: FileProfile, a: ColumnProfile, b: ColumnProfile): boolean =>
  sample.every((row) => row[a.place] === row[b.place]);
