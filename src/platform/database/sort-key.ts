// Sort keys: where a row stands in its list, as the database says it. A page that begins after one goes on there whatever became of its row.
//
//   K1. A key is exact: instants in microseconds, numbers in all their digits. A rounded one loses or repeats what stands beside it.
//   K2. A list's order ends in what is unique, so that no two rows share a key.

/** The values that a list is ordered by, in its order, as text. */
export type SortKey = readonly string[];

/** A row with its key. */
export interface Keyed<Row> {
  readonly row: Row;
  readonly key: SortKey;
}

/** Which part of a list is wanted: what comes after a key, so many at most. */
export interface Placing {
  readonly after?: SortKey | undefined;
  readonly limit?: number | undefined;
}

/** An instant as a part of a key. */
export const microsOf = (column: string): string => `(extract(epoch from ${column}) * 1000000)::bigint::text`;

/** A part of a key as an instant; `value` is a parameter such as `$5`, null for none. */
export const instantOf = (value: string): string => `(timestamptz 'epoch' + ${value}::bigint * interval '1 microsecond')`;
