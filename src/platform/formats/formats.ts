// Formats: which kind of table a name or the first bytes speak of.

import { StockroomError } from "../errors.ts";
import type { TableFormat } from "./contract.ts";

const endingsOf: Readonly<Record<TableFormat, readonly string[]>> = {
  csv: ["csv", "txt"],
  tsv: ["tsv", "tab"],
  jsonl: ["jsonl", "ndjson"],
  parquet: ["parquet", "pq"],
};

export const tableFormats = Object.keys(endingsOf) as readonly TableFormat[];

const endings = new Map(tableFormats.flatMap((format) => endingsOf[format].map((ending) => [ending, format] as const)));

/** Endings of names that are read as tables, the usual ones first; each may be followed by `gz`. */
export const tableEndings: readonly string[] = [...endings.keys(), ...[...endings.keys()].map((ending) => `${ending}.gz`), "xlsx", "zip"];

/** Bytes enough for `detectFormat` and `refuseKnownBinary` to decide. */
export const sniffBytes = 1024;

/** What a file holds: its format, and whether gzip lies around it. */
export interface DetectedFormat {
  /** Undefined while gzip hides it and the name does not tell. */
  readonly format: TableFormat | undefined;
  readonly gzip: boolean;
}

/** Reads the format off a name's endings (`sales.csv.gz` is `csv`), or undefined when they do not tell. */
export function formatOf(name: string): TableFormat | undefined {
  const parts = name.toLowerCase().split(".").slice(1);
  if (parts.at(-1) === "gz" || parts.at(-1) === "gzip") parts.pop();
  return endings.get(parts.at(-1) ?? "");
}

/**
 * Tells the format from the name and the first bytes.
 *
 * For gzip and Parquet the bytes decide, whatever the name says, because both open with a mark of their own; between the text formats
 * the name decides, and without one a first `{` means JSONL and anything else CSV.
 */
export function detectFormat(name: string, firstBytes: Uint8Array): DetectedFormat {
  const named = formatOf(name);
  if (isGzip(firstBytes)) return { format: named, gzip: true };
  if (startsWith(firstBytes, [0x50, 0x41, 0x52, 0x31])) return { format: "parquet", gzip: false };
  if (named !== undefined) return { format: named, gzip: false };
  return { format: firstVisible(firstBytes) === 0x7b ? "jsonl" : "csv", gzip: false };
}

export function isGzip(bytes: Uint8Array): boolean {
  return startsWith(bytes, [0x1f, 0x8b]);
}

const knownBinary: readonly (readonly [string, readonly number[]])[] = [
  ["an old Excel workbook", [0xd0, 0xcf, 0x11, 0xe0]],
  ["a PDF", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ["Zstandard data", [0x28, 0xb5, 0x2f, 0xfd]],
  ["bzip2 data", [0x42, 0x5a, 0x68]],
  ["xz data", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["an SQLite database", [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20, 0x66]],
  ["gzip data within gzip", [0x1f, 0x8b]],
  ["a Parquet file", [0x50, 0x41, 0x52, 0x31]],
  ["UTF-32 text", [0x00, 0x00, 0xfe, 0xff]],
  ["UTF-32 text", [0xff, 0xfe, 0x00, 0x00]],
];

/** Throws `input` `TABLE_NOT_TEXT` when the first bytes are those of a well-known file that is no text table. */
export function refuseKnownBinary(name: string, firstBytes: Uint8Array): void {
  for (const [what, magic] of knownBinary) {
    if (!startsWith(firstBytes, magic)) continue;
    throw new StockroomError("input", "TABLE_NOT_TEXT", `Expected a text table in ${name} but it is ${what}. Export it as CSV in UTF-8.`, {
      facts: { name },
    });
  }
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte);
}

function firstVisible(bytes: Uint8Array): number | undefined {
  let at = startsWith(bytes, [0xef, 0xbb, 0xbf]) ? 3 : 0;
  while (at < bytes.length && (bytes[at] ?? 0) <= 0x20) at++;
  return bytes[at];
}
