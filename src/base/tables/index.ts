// Tables, the door of the room. See contract.ts for what it promises.

export type { BadRow, ReadOptions, RowBatch, Table, TableFormat, WriteOptions } from "./contract.ts";
export { type DetectedFormat, detectFormat, formatOf } from "./formats.ts";
export { plainNumber } from "./csv.ts";
export { fileBody, readTable } from "./read.ts";
export { writeTable } from "./write.ts";
