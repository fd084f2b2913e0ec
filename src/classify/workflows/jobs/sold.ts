// Sold: what a row of a sales file says was sold; rows that do not belong into the file are set apart.
//
// Owns: which rows count for a country's period. Does not own: parsing (tables), codes.
//   S1. What is counted is of this period and country, with an id of its own, units and kg. Anything else is a bad row with line, column and value.
//   S2. Nothing is filled in: an empty weight is not 0 kg, an empty count is not one unit.
//   S3. Negative units are a return. It is counted, with negative kg whatever the sign in the file: returns lower the figures and are told beside them.
//   S4. An id, spaces about it aside, may stand once as sold and once as returned in a file; the first of several counts, the others are told.
//   S5. Kg and units beyond what one item can have (settings) are slips of the decimal point or placeholders (999999999).
//   S6. A row that only adds up the others (`Total,,12,40`) is no item.
//   S7. A text that holds other rows of the file, because a quote opened before it and closed behind them, is no item's: the row is set apart and says so.

import { StockroomError } from "../../../platform/errors.ts";
import type { BadRow, NumberedBatch } from "../../../platform/formats/index.ts";
import { isTotal, isTotalWord } from "../../../platform/intake/profile.ts";
import { isNumberText, isUnknown, kindOf } from "../../../platform/intake/values.ts";
import { countryOf, isSameCountry } from "../../engine/countries.ts";
import { mix32 } from "../../engine/dataset.ts";
import { makeDayReader, zoneOf } from "../../engine/days.ts";
import type { ClassifySettings } from "../settings.ts";
import { cell, type ColumnSettings, type ItemColumns } from "./items.ts";

export interface Sold {
  readonly row: readonly string[];
  readonly id: string;
  /** ISO; "" when the file has no dates. */
  readonly day: string;
  /** Negative: a return. */
  readonly units: number;
  readonly kg: number;
  readonly line: number;
}

export interface SoldOptions {
  readonly columns: ItemColumns;
  readonly names: ColumnSettings;
  readonly limits: ClassifySettings["sales"];
  /** Absent for a test set, whose rows are of any month and have no amounts. */
  readonly place: { readonly period: string; readonly country: string } | undefined;
  /** What separates the fields of the file; undefined for formats without. */
  readonly delimiter: string | undefined;
  readonly reject: (row: BadRow) => void;
  /** Called for every row kept whose country is the file's under another name, such as GB in a file of GBR. */
  readonly onOtherName?: (written: string) => void;
}

/** Throws `input` `SALES_COLUMNS` when the file has no ids, units or kg to count. */
export function checkSoldColumns(columns: ItemColumns, names: ColumnSettings, file: string): void {
  const wanted = [
    ["id", names.id, columns.id],
    ["units", names.units, columns.units],
    ["kg", names.kg, columns.kg],
  ] as const;
  // A setting of "" says that the sales have no such column.
  const missing = wanted.filter(([what, name, index]) => index < 0 && (name !== "" || what === "id"));
  if (missing.length === 0) return;
  throw new StockroomError(
    "input",
    "SALES_COLUMNS",
    `Expected ${file} to have the columns ${missing.map(([, name]) => `"${name}"`).join(" and ")} but its header (line 1) has ${columns.names.join(", ")}. Add them, or name yours in classify.columns (an empty name for units or kg says that there are none).`,
    { facts: { file } },
  );
}

/** Makes a reader of sold items; it keeps the ids it has seen, 16 bytes each. `numbers` of a batch are units and kg, where the file has them. */
export function makeSoldReader(options: SoldOptions): (batch: NumberedBatch) => Sold[] {
  const { columns, names, limits, place } = options;
  const dayOf = makeDayReader(place === undefined ? undefined : (limits.timeZones[place.country] ?? zoneOf(place.country)));
  const seen = makeIdSet();
  const isOwn = (written: string, own: string): boolean => written === "" || written === own || isSameCountry(written, own);
  const has = { units: columns.units >= 0, kg: columns.kg >= 0 };
  return (batch) => {
    const sold: Sold[] = [];
    const [first, second] = batch.numbers;
    const unitsOf = has.units ? first : undefined;
    const kgOf = has.kg ? (has.units ? second : first) : undefined;
    for (const [r, row] of batch.rows.entries()) {
      const line = batch.lines[r] ?? 0;
      const bad = (code: string, index: number, expected: string, what: string): void => {
        const value = cell(row, index);
        options.reject({
          line,
          column: index < 0 ? undefined : index + 1,
          code,
          reason: `Expected ${expected} but received "${value.slice(0, 40).toWellFormed()}". ${what}`,
          sample: row.join(",").slice(0, 200).toWellFormed(),
        });
      };
      const id = cell(row, columns.id);
      const day = dayOf(cell(row, columns.date));
      if (day === undefined) {
        bad(
          "ITEM_VALUE",
          columns.date,
          `a date such as 2026-10-31 in the column "${names.date}"`,
          "Correct the row and put the file again.",
        );
        continue;
      }
      const units = unitsOf?.[r] ?? (has.units ? Number.NaN : 1);
      const kg = kgOf?.[r] ?? (has.kg ? Number.NaN : 0);
      if (place === undefined) {
        sold.push({ row, id, day, units: 1, kg: 0, line });
        continue;
      }
      const full = options.delimiter === undefined ? undefined : findRowsWithin(row, columns, options.delimiter);
      if (full !== undefined)
        bad(
          "TABLE_QUOTE_OPEN",
          full,
          `the words of one item in the column "${columns.names[full]}"`,
          "Other rows of the file are within it, and in no figure: close or double the quote that opens here.",
        );
      else if (isTotalWord(id) && isTotal(row))
        bad("ITEM_TOTAL", columns.id, `an item's id in the column "${names.id}"`, "The row only adds up others.");
      else if (isUnknown(id))
        bad("ITEM_ID_EMPTY", columns.id, `an id in the column "${names.id}"`, "Without one an item cannot be told from another.");
      else if (columns.date >= 0 && day.slice(0, 7) !== place.period)
        bad(
          "ITEM_PERIOD",
          columns.date,
          `a day of ${place.period}${zoneHint(row, columns, day)} in the column "${names.date}"`,
          "Put it into the file of its own month.",
        );
      else if (columns.country >= 0 && !isOwn(cell(row, columns.country).trim(), place.country))
        bad(
          "ITEM_COUNTRY",
          columns.country,
          `${place.country} in the column "${names.country}"`,
          "Put it into the file of its own country.",
        );
      else if (Number.isNaN(units))
        bad("ITEM_MISSING", columns.units, `a number in the column "${names.units}"`, "Fill it in: a missing count is not one unit.");
      else if (Number.isNaN(kg))
        bad("ITEM_MISSING", columns.kg, `a weight in the column "${names.kg}"`, "Fill it in: a missing weight is not 0 kg.");
      else if (Math.abs(units) > limits.maxUnits)
        bad("ITEM_ABSURD", columns.units, `at most ${limits.maxUnits} units of an item`, "Correct it, or raise classify.sales.maxUnits.");
      else if (units >= 0 && kg < 0)
        bad("ITEM_VALUE", columns.kg, `a weight of 0 kg or more for what was sold`, "A return has negative units.");
      else if (units === 0 && kg !== 0)
        bad("ITEM_VALUE", columns.kg, "no weight where no unit was sold", "Correct the units or the weight.");
      else if (Math.abs(kg) > limits.maxUnitKg * Math.max(1, Math.abs(units)))
        bad("ITEM_ABSURD", columns.kg, `at most ${limits.maxUnitKg} kg a unit`, "Correct it, or raise classify.sales.maxUnitKg.");
      else {
        const earlier = seen(id.trim(), units < 0, line);
        if (earlier !== undefined)
          bad(
            "ITEM_ID_TWICE",
            columns.id,
            `each id once in the column "${names.id}"`,
            `Line ${earlier} has it already and counts; remove or rename this one.`,
          );
        else {
          const written = cell(row, columns.country).trim();
          if (written !== "" && written !== place.country) options.onOtherName?.(written);
          sold.push({ row, id, day, units, kg: units < 0 ? -Math.abs(kg) + 0 : kg, line });
        }
      }
    }
    return sold;
  };
}

/** The text column whose value is made of rows (S7): its first line goes on to units and kg, or its last one begins with them. */
function findRowsWithin(row: readonly string[], columns: ItemColumns, delimiter: string): number | undefined {
  const amounts = [columns.units, columns.kg].filter((place) => place >= 0);
  if (amounts.length === 0) return undefined;
  return columns.text.find((place) => {
    const text = cell(row, place);
    if (!text.includes("\n")) return false;
    const first = text.slice(0, text.indexOf("\n")).split(delimiter);
    const last = text.slice(text.lastIndexOf("\n") + 1).split(delimiter);
    if (first.length !== columns.names.length - place || last.length !== place + 1) return false;
    return amounts.every((amount) => isNumberText((amount > place ? first[amount - place] : last[amount])?.trim() || "?"));
  });
}

const mostLookedAt = 200;

/**
 * What to tell of a file without a column of days or countries that has one under another name: its rows count for the period and country of its key.
 *
 * `rows`: the first ones.
 */
export function unreadNotes(
  rows: readonly (readonly string[])[],
  columns: ItemColumns,
  names: ColumnSettings,
  { period, country }: { readonly period: string; readonly country: string },
): readonly string[] {
  const read = new Set([columns.id, columns.units, columns.kg, ...columns.text, ...columns.categories, ...columns.numbers]);
  const find = (isOne: (text: string) => boolean): { readonly name: string; readonly cells: readonly string[] } | undefined =>
    columns.names
      .map((name, place) => ({
        name,
        cells: read.has(place) ? [] : rows.slice(0, mostLookedAt).flatMap((row) => (isUnknown(row[place] ?? "") ? [] : [row[place] ?? ""])),
      }))
      .find(({ cells }) => cells.length > 0 && cells.every(isOne));
  const day = columns.date >= 0 || names.date === "" ? undefined : find((text) => kindOf(text) === "date");
  const land = columns.country >= 0 || names.country === "" ? undefined : find((text) => countryOf(text) !== undefined);
  const other = land?.cells.find((text) => !isSameCountry(text, country));
  return [
    ...(day === undefined
      ? []
      : [
          `All rows count as sold in ${period}: there is no column "${names.date}", and "${day.name}" (${shown(day.cells[0])}) was not read. If it is the day of sale, rename it or name it in classify.columns.date.`,
        ]),
    ...(land === undefined || other === undefined
      ? []
      : [
          `All rows count for ${country}: there is no column "${names.country}", and "${land.name}" (${shown(other)}) was not read. If it is the country of sale, rename it or name it in classify.columns.country.`,
        ]),
  ];
}

const shown = (text = ""): string => text.slice(0, 40).toWellFormed();

/** Says how a moment was understood when its day is not the one written. */
function zoneHint(row: readonly string[], columns: ItemColumns, day: string): string {
  return cell(row, columns.date).startsWith(day) ? "" : ` (this moment is ${day} there)`;
}

/** A set of ids by two 32-bit hashes with the line of each: of a million ids two are taken for one with a chance of 1 in 30 million. */
function makeIdSet(): (id: string, returned: boolean, line: number) => number | undefined {
  let size = 1 << 12;
  let count = 0;
  let highs = new Uint32Array(size);
  let lows = new Uint32Array(size);
  let lines = new Uint32Array(size);
  const find = (high: number, low: number): number => {
    let at = low & (size - 1);
    while (lines[at] !== 0 && (highs[at] !== high || lows[at] !== low)) at = (at + 1) & (size - 1);
    return at;
  };
  const grow = (): void => {
    const [oldHighs, oldLows, oldLines] = [highs, lows, lines];
    size *= 2;
    [highs, lows, lines] = [new Uint32Array(size), new Uint32Array(size), new Uint32Array(size)];
    for (let i = 0; i < oldLines.length; i++) {
      if (oldLines[i] === 0) continue;
      const at = find(oldHighs[i] ?? 0, oldLows[i] ?? 0);
      highs[at] = oldHighs[i] ?? 0;
      lows[at] = oldLows[i] ?? 0;
      lines[at] = oldLines[i] ?? 0;
    }
  };
  return (id, returned, line) => {
    // cyrb53: two multipliers, mixed at the end.
    let low = returned ? 0xdead_beef : 0x51ed_270b;
    let high = low ^ 0x41c6_ce57;
    for (let i = 0; i < id.length; i++) {
      low = Math.imul(low ^ id.charCodeAt(i), 2_654_435_761);
      high = Math.imul(high ^ id.charCodeAt(i), 1_597_334_677);
    }
    [low, high] = [mix32(low ^ (high >>> 13)), mix32(high)];
    const at = find(high, low);
    const earlier = lines[at] ?? 0;
    if (earlier !== 0) return earlier;
    highs[at] = high;
    lows[at] = low;
    lines[at] = Math.max(1, line);
    count += 1;
    if (count * 2 > size) grow();
    return undefined;
  };
}
