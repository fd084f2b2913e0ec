// Reading: one function for every format.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Body } from "../bytes.ts";
import { codeOf, StockroomError, unknownKind } from "../errors.ts";
import type { ReadOptions, Table } from "./contract.ts";
import { readCsv } from "./csv.ts";
import { detectFormat, formatOf, refuseKnownBinary } from "./formats.ts";
import { readJsonl } from "./jsonl.ts";
import { unpack } from "./container.ts";
import { peek } from "./text-in.ts";

/**
 * Opens a table: reads as far as the columns are known, and gives the rows as they are pulled.
 *
 * `batches` can be walked once. Values may be slices of a larger text: a few kept for long keep their neighbours in memory.
 * Refused whole, all `input`: `TABLE_EMPTY`, `TABLE_NOT_TEXT`, `TABLE_NOT_UTF8` (in the header), `TABLE_HEADER_BROKEN`,
 * `TABLE_HEADER_DUPLICATE`, `TABLE_NO_COLUMNS`, `TABLE_NOT_JSONL`, `TABLE_PARQUET_BROKEN`, `TABLE_PARQUET_UNSUPPORTED`,
 * `TABLE_PARQUET_TOO_LARGE`. While streaming: `TABLE_GZIP_TRUNCATED` and `TABLE_GZIP_BROKEN` with the line where
 * good rows end. Everything else that is wrong is a bad row (`onBadRow`).
 *
 * @example
 * const table = await readTable(fileBody("sales.csv.gz"), { name: "sales.csv.gz", onBadRow: (bad) => apart.push(bad) });
 * for await (const batch of table.batches) count += batch.rows.length;
 */
export async function readTable(body: Body, options: ReadOptions): Promise<Table> {
  const { name, body: inside } = await unpack(body, options.name);
  const unpacked = await peek(inside);
  const seen = detectFormat(name, unpacked.first);
  const format = options.format ?? seen.format ?? formatOf(name) ?? "csv";
  if (format !== "parquet") refuseKnownBinary(name, unpacked.first);
  switch (format) {
    case "csv":
    case "tsv":
      return readCsv(unpacked.body, format, options);
    case "jsonl":
      return readJsonl(unpacked.body, options);
    case "parquet": {
      // Loaded late: most apps never see such a file.
      const { readParquet } = await import("./parquet.ts");
      return readParquet(unpacked.body, options);
    }
    default:
      throw unknownKind(format, "table");
  }
}

/** The bytes of a file, as far as they are pulled. Throws `missing` `FILE_MISSING`, `input` `FILE_NOT_A_FILE`, `denied` `FILE_UNREADABLE`. */
export async function* fileBody(path: string, signal?: AbortSignal): Body {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new StockroomError("input", "FILE_NOT_A_FILE", `Expected a file but ${path} is a folder. Name one file.`, { facts: { path } });
    }
    yield* createReadStream(path, { highWaterMark: 1 << 18, ...(signal === undefined ? {} : { signal }) }) as AsyncIterable<Uint8Array>;
  } catch (thrown) {
    const code = codeOf(thrown);
    const facts = { path };
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new StockroomError("missing", "FILE_MISSING", `Expected a file at ${path} but there is none. Check the path.`, {
        facts,
        cause: thrown,
      });
    }
    if (code === "EACCES" || code === "EPERM") {
      throw new StockroomError("denied", "FILE_UNREADABLE", `Expected to read ${path} but the system refuses. Check its permissions.`, {
        facts,
        cause: thrown,
      });
    }
    throw thrown;
  }
}
