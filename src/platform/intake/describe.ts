// A file in words: what it is, what of it is not read, and how sure that is.

import { counted, percentShort } from "../figures.ts";
import type { FileProfile } from "./profile.ts";
import type { ShapeChange } from "./shape.ts";

const separators: Readonly<Record<string, string>> = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars" };
/** With more of its rows unreadable a file is hardly the table it was taken for. */
const mostBroken = 0.1;

/** Lines for a person; the first names the file. */
export function describeFile({
  name,
  format,
  layout,
  encoding,
  rows,
  columns,
  sample,
  left,
  bad,
  note,
  export: known,
  uncounted,
}: FileProfile): readonly string[] {
  const separator = layout === undefined ? "" : `, separated by ${separators[layout.delimiter] ?? layout.delimiter}`;
  const written = encoding === undefined || encoding.name === "utf-8" ? "" : `, ${encoding.name}`;
  const lines = [`${name}: ${format.toUpperCase()}${separator}${written}, ${counted(rows, "row")}, ${counted(columns.length, "column")}`];
  if (note !== undefined) lines.push(note);
  if (known !== undefined) lines.push(`it is ${known.title} (--export ${known.name})${known.note === undefined ? "" : `: ${known.note}`}`);
  if (uncounted.rows > 0)
    lines.push(
      `left out: ${counted(uncounted.rows, "row")} that ${uncounted.rows === 1 ? "does" : "do"} not count; those with ${uncounted.by.join(" and ")} do`,
    );
  if (layout?.headerRows === 0) lines.push("no header: columns are named by their place");
  if (layout?.headerRows === 2) lines.push("two rows of names, joined");
  const [first] = layout?.preamble ?? [];
  if (layout !== undefined && first !== undefined)
    lines.push(`${counted(layout.preamble.length, "line")} before the table left out: ${first.slice(0, 60)}`);
  const gone = [
    left.totals === 0 ? "" : counted(left.totals, "row of totals", "rows of totals"),
    left.headers === 0 ? "" : counted(left.headers, "header that comes again", "headers that come again"),
    left.blank === 0 ? "" : counted(left.blank, "blank row"),
  ].filter((text) => text !== "");
  if (gone.length > 0) lines.push(`left out: ${gone.join(", ")}`);
  const [broken] = bad;
  if (broken !== undefined) {
    const share = left.broken / (rows + left.broken);
    const doubt =
      share > mostBroken ? `doubtful: ${percentShort(share)} of the rows cannot be read` : `${counted(left.broken, "row")} cannot be read`;
    lines.push(`${doubt}; the first on line ${broken.line}: ${broken.reason}`);
  }
  if (rows > sample.length)
    lines.push(`kinds of columns and what follows from what are of ${counted(sample.length, "row")} spread over the file`);
  return lines;
}

const mostLines = 10;

/** At most ten lines: those beyond are joined to the last. */
export const inTenLines = (lines: readonly string[]): readonly string[] =>
  lines.length <= mostLines ? lines : [...lines.slice(0, mostLines - 1), lines.slice(mostLines - 1).join("; ")];

/** Harmless changes of shape, a line each. */
export const changeLines = (changes: readonly ShapeChange[]): readonly string[] =>
  changes.filter(({ harmful }) => !harmful).map(({ text }) => `changed since the file before: ${text}`);
