// Containers: tables that come packed: gzip, a ZIP archive with one table, an Excel workbook. What comes out is a table's own bytes.
//
// Owns: telling what is packed, unpacking within bounds. Does not own: the tables (csv.ts, jsonl.ts, parquet.ts).
//   K1. A ZIP archive is a table when it holds one file; of several it is asked which is meant. A workbook is its sheet with most rows; which one it was is told.
//   K2. Archives are read whole, as their directory stands at the end; `mostBytes` bounds them packed and unpacked.
//   K3. Cells of a workbook become text as a CSV of it would have it: numbers in plain decimals, dates as ISO, formulas by their value.

import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import { gunzipIfPacked, peek } from "./text-in.ts";
import { type Cell, timestampText } from "./values.ts";
import { writeTable } from "./write.ts";

/** Bytes of an archive, packed as well as unpacked. */
const mostBytes = 512 << 20;
/** Bytes of all parts of a workbook, unpacked: its cells take many times as much while they are read. */
const mostWorkbookBytes = 256 << 20;

/** A table's bytes with the name that tells its format. */
export interface Unpacked {
  readonly name: string;
  readonly body: Body;
  /** What was taken, where there was more to choose from. */
  readonly note?: string | undefined;
}

/**
 * Unpacks what a table may come in; other bytes pass unchanged.
 *
 * Throws `input`: `TABLE_ARCHIVE_BROKEN`, `TABLE_ARCHIVE_EMPTY`, `TABLE_ARCHIVE_MANY` (with the names), `TABLE_ARCHIVE_TOO_LARGE`, and what
 * `gunzipIfPacked` throws.
 */
export async function unpack(body: Body, name: string): Promise<Unpacked> {
  const { first, body: whole } = await peek(await gunzipIfPacked(body, name), 4);
  if (first[0] !== 0x50 || first[1] !== 0x4b || first[2] !== 0x03 || first[3] !== 0x04) return { name, body: whole };
  const bytes = await gather(whole, name);
  const { unzipSync } = await import("fflate");
  const entries: { readonly path: string; readonly size: number }[] = [];
  try {
    unzipSync(bytes, {
      filter: ({ name: path, originalSize }) => {
        // Folders, and what macOS adds of its own.
        if (!path.endsWith("/") && !path.startsWith("__MACOSX/") && !/(?:^|\/)\.DS_Store$/.test(path))
          entries.push({ path, size: originalSize });
        return false;
      },
    });
  } catch (cause) {
    throw broken(name, "a ZIP archive", cause);
  }
  if (entries.some(({ path }) => path === "xl/workbook.xml") && entries.reduce((sum, { size }) => sum + size, 0) > mostWorkbookBytes) {
    throw refused(
      "TABLE_ARCHIVE_TOO_LARGE",
      name,
      `a workbook of at most ${mostWorkbookBytes >> 20} MB unpacked in`,
      "it holds more. Save it as CSV.",
    );
  }
  if (entries.some(({ path }) => path === "xl/workbook.xml")) return await workbook(bytes, name);
  const [entry, second] = entries;
  if (entry === undefined)
    throw refused("TABLE_ARCHIVE_EMPTY", name, "a table in", "it is an archive without files. Pack one table into it.");
  if (second !== undefined) {
    const names = entries.slice(0, 10).map(({ path }) => path);
    throw refused("TABLE_ARCHIVE_MANY", name, "one table in", `it holds ${entries.length}: ${names.join(", ")}. Unpack it and name one.`);
  }
  if (entry.size > mostBytes) throw tooLarge(name);
  try {
    const file = unzipSync(bytes, { filter: ({ name: path }) => path === entry.path })[entry.path] ?? new Uint8Array();
    return { name: entry.path.split("/").at(-1) ?? entry.path, body: await gunzipIfPacked(once(file), name) };
  } catch (cause) {
    throw broken(name, "a ZIP archive", cause);
  }
}

async function gather(body: Body, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > mostBytes) throw tooLarge(name);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): Body {
  yield bytes;
}

/** The sheet with most rows, the first of equals, as CSV. */
async function workbook(bytes: Uint8Array, name: string): Promise<Unpacked> {
  const { default: readWorkbook } = await import("read-excel-file/node");
  const sheets = await readWorkbook(Buffer.from(bytes)).catch((cause: unknown) => {
    throw broken(name, "an Excel workbook", cause);
  });
  const filled = sheets.filter(({ data }) => data.length > 0);
  const chosen = filled.reduce<(typeof filled)[number] | undefined>(
    (a, b) => (a === undefined || b.data.length > a.data.length ? b : a),
    undefined,
  );
  const rows: readonly (readonly unknown[])[] = chosen?.data ?? [];
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  if (width === 0) throw refused("TABLE_EMPTY", name, "a table in", "its sheets are empty. Send one with rows.");
  const [header = [], ...values] = rows.map((row) => Array.from({ length: width }, (_, i) => cellOf(row[i])));
  async function* batches(): AsyncGenerator<readonly (readonly Cell[])[]> {
    for (let at = 0; at < values.length; at += 2_048) yield values.slice(at, at + 2_048);
  }
  const others = filled.filter((sheet) => sheet !== chosen).map(({ sheet }) => sheet);
  const note =
    others.length === 0
      ? undefined
      : `the sheet "${chosen?.sheet ?? ""}" was read, which has most rows; not read: ${others.slice(0, 5).join(", ")}`;
  return { name: `${name}.csv`, body: writeTable(batches(), { format: "csv", columns: header.map(String) }), note };
}

/** A cell as a CSV has it (K3). */
function cellOf(value: unknown): string | number | boolean {
  if (value instanceof Date) {
    return timestampText(BigInt(Math.round(value.getTime() / 1_000)) * 1_000_000_000n, false).replace(/T00:00:00$/, "");
  }
  if (typeof value === "number" || typeof value === "boolean") return value;
  return typeof value === "string" ? value : "";
}

function refused(code: string, name: string, expected: string, came: string): StockroomError {
  return new StockroomError("input", code, `Expected ${expected} ${name} but ${came}`, { facts: { name } });
}

const tooLarge = (name: string): StockroomError =>
  refused("TABLE_ARCHIVE_TOO_LARGE", name, `at most ${mostBytes >> 20} MB in`, "it holds more. Unpack it, or send it as CSV with gzip.");

const broken = (name: string, what: string, cause: unknown): StockroomError =>
  new StockroomError("input", "TABLE_ARCHIVE_BROKEN", `Expected ${name} to be ${what} but it is damaged. Send it again.`, {
    facts: { name },
    cause,
  });
