// Parquet groups: rows into a Parquet file, row group by row group.
//
// Owns: what is held in memory at a time, and the bytes as they come. Does not own: the types of columns, nor how a cell becomes a value.
//   G1. One group is in memory: at most 65,536 rows, and no more of long texts than `groupBytes` and one row.

import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import type { Body } from "../bytes.ts";

/** Smaller packs worse, larger needs more memory on both sides. */
const groupRows = 65_536;
const groupBytes = 64 << 20;

export type ParquetValue = string | number | bigint | boolean | Uint8Array | readonly unknown[] | null;

export interface ParquetRows<Row> {
  /** Each optional. */
  readonly columns: readonly SchemaElement[];
  readonly batches: AsyncIterable<readonly Row[]>;
  /** The value of a row in the column at a place, as the column's type has it. What it throws ends the stream. */
  readonly valueOf: (row: Row, at: number) => ParquetValue;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Writes a Parquet file, snappy. */
export async function* writeGroups<Row>({ columns, batches, valueOf, metadata }: ParquetRows<Row>): Body {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    createdBy: "stockroom",
    ...(metadata === undefined ? {} : { kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })) }),
    schema: [
      { name: "root", num_children: columns.length },
      ...columns.map((column): SchemaElement => ({ ...column, repetition_type: "OPTIONAL" })),
    ],
  });
  let group: ParquetValue[][] = columns.map(() => []);
  let rowCount = 0;
  let held = 0;
  const writeGroup = async (): Promise<Uint8Array> => {
    const columnData = columns.map(({ name }, at): ColumnSource => ({ name, data: group[at] ?? [] }));
    await writer.write({ columnData, rowGroupSize: groupRows });
    group = columns.map(() => []);
    rowCount = 0;
    held = 0;
    return take(bytes);
  };
  for await (const rows of batches) {
    for (const row of rows) {
      for (const [at, values] of group.entries()) {
        const value = valueOf(row, at);
        values.push(value);
        held += typeof value === "string" || value instanceof Uint8Array ? value.length : 8;
      }
      rowCount += 1;
      if (rowCount === groupRows || held >= groupBytes) yield await writeGroup();
    }
  }
  if (rowCount > 0) yield await writeGroup();
  await writer.finish();
  yield take(bytes);
}

/** What has been written so far; the writer goes on counting from where it is. */
function take(bytes: ByteWriter): Uint8Array {
  const taken = bytes.getBytes().slice();
  bytes.index = 0;
  return taken;
}
