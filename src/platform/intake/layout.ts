// Layout: where in a text the table is. Its separator, the lines before it, its header of one or two rows or none.
//
// Owns: the guess and its reasons. Does not own: what columns hold (profile.ts), rows (formats).
//   L1. A guess is made of a sample of whole records; the same sample gives the same layout.
//   L2. A row is taken for a header only where its fields are of another kind than the values below them.
//   L3. Names of columns are unique and not empty, whatever the header holds.

import { kindOf, type ValueKind } from "./values.ts";

export type Delimiter = "," | ";" | "\t" | "|";

export interface Layout {
  readonly delimiter: Delimiter;
  readonly columns: readonly string[];
  /** Lines of text before the first row of values: preamble and header. */
  readonly skippedLines: number;
  /** Rows of names. */
  readonly headerRows: 0 | 1 | 2;
  /** The lines before the header, as they stand, without those that are empty. */
  readonly preamble: readonly string[];
}

/** A record of the sample, with the lines it takes. */
interface Row {
  readonly fields: readonly string[];
  readonly line: number;
  readonly lines: number;
}

const delimiters: readonly Delimiter[] = [",", ";", "\t", "|"];
const mostRows = 300;
/** A table does not begin later than here. */
const mostPreamble = 40;

/**
 * Finds the table in the first part of a text.
 *
 * @param text The beginning of the file, decoded.
 * @param isWhole Whether that is all of it; if not, its last record may be cut off and is not looked at.
 */
export function findLayout(text: string, isWhole: boolean): Layout {
  const readings = delimiters.map((delimiter) => {
    const rows = splitRows(text, delimiter, isWhole);
    const width = usualWidth(rows);
    return { delimiter, rows, width, score: scoreOf(rows, width) };
  });
  const widest = readings.reduce((a, b) => (b.score > a.score ? b : a));
  const best = readings.find((reading) => holdsWhole(reading, widest)) ?? widest;
  const { delimiter, rows, width } = best;
  const reach = usualReach(rows, width);
  const start = rows.findIndex(
    (row, index) =>
      index >= mostPreamble ||
      widthOf(row.fields) === width ||
      (width > 1 && widthOf(row.fields) >= Math.min(width - 1, reach) && row.fields.length >= width),
  );
  const first = Math.max(0, start);
  const body = rows.slice(first).filter((row) => row.fields.some((field) => field.trim() !== "") && !isRule(row.fields));
  const headerRows = countHeaderRows(body);
  const columns = namesOf(
    body.slice(0, headerRows).map((row) => row.fields),
    Math.max(width, ...body.slice(0, headerRows).map((row) => row.fields.length)),
  );
  const last = headerRows === 0 ? undefined : body[headerRows - 1];
  const skippedLines = last === undefined ? (body[0]?.line ?? 1) - 1 : last.line - 1 + last.lines;
  return {
    delimiter,
    columns,
    skippedLines,
    headerRows,
    preamble: rows.slice(0, first).flatMap((row) => {
      const words = row.fields
        .map((field) => field.trim())
        .filter((field) => field !== "")
        .join(" ");
      return words === "" ? [] : [words];
    }),
  };
}

interface Reading {
  readonly delimiter: Delimiter;
  readonly rows: readonly Row[];
  readonly width: number;
  readonly score: number;
}

/**
 * Whether a reading splits every row alike, the first one too, and another, whose first row is none of its own, only takes one of its columns apart:
 * paths such as `Home|Kitchen` in a column of a file of commas.
 */
function holdsWhole(one: Reading, other: Reading): boolean {
  if (one === other || one.width < 2 || !one.rows.every(({ fields }) => fields.length === one.width || widthOf(fields) === 0)) return false;
  const first = other.rows.find(({ fields }) => widthOf(fields) > 0);
  if (first === undefined || first.fields.length === other.width) return false;
  const places = new Set(
    one.rows.flatMap(({ fields }) => fields.flatMap((field, place) => (field.includes(other.delimiter) ? [place] : []))),
  );
  return places.size === 1;
}

/** Records of a text, quotes observed, the unfinished last one left out. */
function splitRows(text: string, delimiter: Delimiter, isWhole: boolean): Row[] {
  const rows: Row[] = [];
  let fields: string[] = [];
  let field = "";
  let quoted = false;
  let line = 1;
  let begin = 1;
  const end = (): void => {
    rows.push({ fields: [...fields, field], line: begin, lines: line - begin + 1 });
    fields = [];
    field = "";
  };
  for (let at = 0; at < text.length && rows.length < mostRows; at++) {
    const char = text[at];
    if (quoted) {
      if (char === "\n") line += 1;
      if (char !== '"') field += char;
      else if (text[at + 1] === '"') field += text[++at];
      else quoted = false;
    } else if (char === '"' && field === "") quoted = true;
    else if (char === delimiter) {
      fields.push(field);
      field = "";
    } else if (char === "\n" || char === "\r") {
      if (char === "\r" && text[at + 1] === "\n") at += 1;
      end();
      line += 1;
      begin = line;
    } else field += char;
  }
  if (isWhole && rows.length < mostRows && (field !== "" || fields.length > 0)) end();
  return rows;
}

/** Fields up to the last that is not empty. */
const widthOf = (fields: readonly string[]): number => fields.findLastIndex((field) => field.trim() !== "") + 1;

/** The width that most rows have, empty ones aside; of equally many the larger. */
function usualWidth(rows: readonly Row[]): number {
  const counts = new Map<number, number>();
  for (const { fields } of rows) if (widthOf(fields) > 0) counts.set(fields.length, (counts.get(fields.length) ?? 0) + 1);
  let best = 1;
  let most = 0;
  for (const [width, count] of counts) {
    if (count > most || (count === most && width > best)) [best, most] = [width, count];
  }
  return best;
}

/** How far rows of the usual width are filled: their last columns may all be empty. */
function usualReach(rows: readonly Row[], width: number): number {
  const counts = new Map<number, number>();
  for (const { fields } of rows) {
    const reach = widthOf(fields);
    if (fields.length === width && reach > 0) counts.set(reach, (counts.get(reach) ?? 0) + 1);
  }
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [width, 0])[0];
}

/** Whether a row is but a line drawn under names: dashes, equals signs. */
export const isRule = (fields: readonly string[]): boolean =>
  (fields[0] ?? "").startsWith("-") || (fields[0] ?? "").startsWith("=")
    ? fields.every((field) => /^\s*[-=_+]{2,}\s*$/.test(field) || field.trim() === "")
    : false;

/** How much a reading looks like a table: how many rows have its width, how wide they are, and how many fields are whole numbers and dates. */
function scoreOf(rows: readonly Row[], width: number): number {
  const filled = rows.filter(({ fields }) => widthOf(fields) > 0);
  if (filled.length === 0 || width < 2) return 0;
  const alike = filled.filter(({ fields }) => fields.length === width);
  let fields = 0;
  let typed = 0;
  for (const row of alike) {
    for (const field of row.fields) {
      if (field.trim() === "") continue;
      fields += 1;
      if (kindOf(field) !== "text") typed += 1;
    }
  }
  return (alike.length / filled.length) * (1 + (fields === 0 ? 0 : typed / fields)) * (1 + Math.log2(width) / 10);
}

/** Of fewer rows two may be the same by chance. */
const fewRows = 10;

/** How many of the first rows are names (L2). */
function countHeaderRows(rows: readonly Row[]): 0 | 1 | 2 {
  const [first, second] = rows;
  if (first === undefined) return 0;
  if (second === undefined) return first.fields.every((field) => kindOf(field) === "text" || field.trim() === "") ? 1 : 0;
  if (isTimeline(first.fields)) return 1;
  const below = rows.slice(2).length === 0 ? rows.slice(1) : rows.slice(2);
  const kinds = kindsOf(below.map(({ fields }) => fields));
  const firstVote = headerVotes(first.fields, kinds);
  const typed = kinds.some((kind) => kind === "number" || kind === "date");
  // A table of texts alone: the first row names the columns unless its values come again below it, but for a header that comes again whole.
  if (!typed) {
    const values = below.map(({ fields }) => fields);
    const others = values.length < fewRows ? values : values.filter((fields) => fields.some((field, i) => field !== first.fields[i]));
    return repeats(first.fields, others) ? 0 : 1;
  }
  if (firstVote <= 0) return 0;
  // Two rows of names: where the second says something over values, it is never a value itself.
  const above = kinds.map((kind, i) => (kind === "number" || kind === "date" ? kindOf(second.fields[i] ?? "") : "empty"));
  return rows.length > 3 && above.includes("text") && above.every((kind) => kind === "text" || kind === "empty") ? 2 : 1;
}

/** The kind of most values of each column. */
function kindsOf(rows: readonly (readonly string[])[]): readonly ValueKind[] {
  const width = Math.max(0, ...rows.map((fields) => fields.length));
  return Array.from({ length: width }, (_, i) => {
    const counts: Record<ValueKind, number> = { empty: 0, number: 0, date: 0, text: 0 };
    for (const fields of rows) counts[kindOf(fields[i] ?? "")] += 1;
    const { number, date, text } = counts;
    if (number + date + text === 0) return "empty";
    if (date >= number && date >= text) return "date";
    return number >= text ? "number" : "text";
  });
}

/** Columns of numbers or dates over which something else stands, less those over which a value of their own kind does. */
function headerVotes(fields: readonly string[], kinds: readonly ValueKind[]): number {
  let votes = 0;
  for (const [i, kind] of kinds.entries()) {
    if (kind !== "number" && kind !== "date") continue;
    const above = kindOf(fields[i] ?? "");
    // What has no name votes neither way.
    if (above === "text") votes += 1;
    else if (above === kind || (above === "number" && kind === "date")) votes -= 1;
  }
  return votes;
}

/** Whether names are instants one after the other: `product, 2023-01, 2023-02, ...` or years. */
function isTimeline(fields: readonly string[]): boolean {
  const rest = fields
    .slice(1)
    .map((field) => field.trim())
    .filter((field) => field !== "");
  const instants = rest.filter((field) => kindOf(field) === "date" || /^(?:19|20)\d\d(?:0[1-9]|1[0-2])?$/.test(field));
  return instants.length >= 3 && instants.length >= rest.length / 2 && new Set(instants).size === instants.length;
}

const repeats = (fields: readonly string[], rows: readonly (readonly string[])[]): boolean =>
  fields.some((field, i) => field.trim() !== "" && rows.some((row) => row[i] === field));

/** Names from rows of names: joined by a blank, a gap taking the name to its left (merged cells), unique (L3). */
function namesOf(rows: readonly (readonly string[])[], width: number): readonly string[] {
  const seen = new Set<string>();
  const above: string[] = [];
  if (rows.length === 2) {
    for (let i = 0; i < width; i++) above.push((rows[0]?.[i] ?? "").trim() || (above[i - 1] ?? ""));
  }
  return Array.from({ length: width }, (_, i) => {
    const parts = rows.length === 2 ? [above[i] ?? "", (rows[1]?.[i] ?? "").trim()] : [(rows[0]?.[i] ?? "").trim()];
    const base =
      parts
        .filter((part) => part !== "")
        .join(" ")
        .replaceAll(/\s+/g, " ") || `column_${i + 1}`;
    let name = base;
    for (let n = 2; seen.has(name); n++) name = `${base}_${n}`;
    seen.add(name);
    return name;
  });
}
