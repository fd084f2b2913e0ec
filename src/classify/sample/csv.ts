// CSV of the sample shop: the bytes are part of "same seed, same bytes", so they are made here and not by whatever writer the app has today.

import type { Body } from "../../platform/bytes.ts";

const special = /[",\r\n]/;

const field = (text: string): string => (special.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** One record with its line feed, quoted where RFC 4180 asks for it. */
export function csvLine(row: readonly string[]): string {
  let line = "";
  for (let i = 0; i < row.length; i++) line += i === 0 ? field(row[i] ?? "") : `,${field(row[i] ?? "")}`;
  return `${line}\n`;
}

/** The table as UTF-8 in pieces of about 64 Ki characters; rows are pulled as the reader takes them. */
export async function* csvBody(columns: readonly string[], rows: Iterable<readonly string[]>): Body {
  let text = csvLine(columns);
  for (const row of rows) {
    text += csvLine(row);
    if (text.length < 65_536) continue;
    yield Buffer.from(text);
    text = "";
  }
  if (text !== "") yield Buffer.from(text);
}
