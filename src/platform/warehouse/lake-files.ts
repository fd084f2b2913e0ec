// Lake files: parts that lie in memory files as Parquet, as the sources of a table's view.
//
//   Files of the same columns are read as one list, because a union of scans costs DuckDB ten times what one scan of many files does. What is
//   constant in each of them is then looked up by the file's place in the list.

import type { DuckDBConnection } from "@duckdb/node-api";
import type { LakeColumn, LakePlace, LakeType } from "./contract.ts";
import type { MemoryFile } from "./memory-files.ts";
import { constantOf, literal, type OpenTable, quoted, type Source, sqlType } from "./lake-shape.ts";

export interface ParquetFile {
  readonly file: MemoryFile;
  readonly rows: number;
  /** DuckDB's type of each column, by name. */
  readonly types: ReadonlyMap<string, string>;
  /** Equal for files that can be read as one list. */
  readonly shape: string;
}

export const listOf = (files: readonly MemoryFile[]): string => `[${files.map(({ path }) => literal(path)).join(", ")}]`;

/** Reads what the files say of themselves. */
export async function describeFiles(connection: DuckDBConnection, files: readonly MemoryFile[]): Promise<readonly ParquetFile[]> {
  if (files.length === 0) return [];
  const list = listOf(files);
  const rows = new Map<string, number>();
  for (const [path, count] of (await connection.runAndReadAll(`select file_name, num_rows from parquet_file_metadata(${list})`)).getRows())
    rows.set(String(path), Number(count));
  const types = new Map<string, Map<string, string>>();
  const schema = await connection.runAndReadAll(`select file_name, name, duckdb_type, num_children from parquet_schema(${list})`);
  for (const [path, name, type, children] of schema.getRows()) {
    // The root has children; a nested column, which none of ours is, would have them too.
    if (children !== null && Number(children) > 0) continue;
    const own = types.get(String(path)) ?? new Map<string, string>();
    types.set(String(path), own);
    own.set(String(name), String(type));
  }
  return files.map((file) => {
    const own = types.get(file.path) ?? new Map<string, string>();
    return { file, rows: rows.get(file.path) ?? 0, types: own, shape: JSON.stringify([...own]) };
  });
}

/** Types of a file whose values DuckDB reads as we do; whatever else is there is read row by row. */
const readable: Readonly<Record<LakeType, RegExp>> = {
  text: /^VARCHAR$/,
  number: /^(DOUBLE|FLOAT|TINYINT|SMALLINT|INTEGER|BIGINT)$/,
  timestamp: /^(TIMESTAMP|TIMESTAMP_MS|TIMESTAMP_S|DATE)$/,
  date: /^DATE$/,
};

/** Whether every column that a part may have and the file has is of a type that means the same to DuckDB. */
export function isReadable({ types }: ParquetFile, columns: readonly LakeColumn[]): boolean {
  return columns.every(({ name, type }) => readable[type].test(types.get(name) ?? sqlType[type]));
}

/** The places of a table that lie in files, as few sources as there are shapes. */
export function fileSources(table: OpenTable, fileOf: (place: LakePlace) => ParquetFile | undefined): readonly Source[] {
  const found = table.places.flatMap((place) => {
    const parquet = fileOf(place);
    if (parquet === undefined) return [];
    const own = place.part.columns.flatMap(({ name }) => (parquet.types.has(name) ? [name] : []));
    return [{ place, parquet, key: JSON.stringify([parquet.shape, own, Object.keys(place.constants)]) }];
  });
  return [...Map.groupBy(found, ({ key }) => key).values()].map((alike): Source => {
    const places = alike.map(({ place }) => place);
    const [first] = alike;
    const has = new Set(first?.place.part.columns.flatMap(({ name }) => (first.parquet.types.has(name) ? [name] : [])));
    const columns = new Map(
      table.columns.flatMap((column): [string, string][] => {
        const made = constantsOf(places, column) ?? (has.has(column.name) ? `${quoted(column.name)}::${sqlType[column.type]}` : undefined);
        return made === undefined ? [] : [[column.name, made]];
      }),
    );
    return { from: `from read_parquet(${listOf(alike.map(({ parquet }) => parquet.file))})`, columns };
  });
}

/** A constant that is one in all places as itself; else by the place in the list. */
function constantsOf(places: readonly LakePlace[], column: LakeColumn): string | undefined {
  const made = places.map((place) => constantOf(place, column));
  const [first] = made;
  if (first === undefined || made.every((one) => one === first)) return first;
  return `([${made.join(", ")}])[file_index::BIGINT + 1]`;
}
