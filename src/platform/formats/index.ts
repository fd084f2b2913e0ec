// Formats, what other parts may import. See contract.ts for what it promises.

export type { BadRow, ReadOptions, RowBatch, Table, TableFormat, WriteOptions } from "./contract.ts";
export { checkHeader, withoutFormula } from "./csv.ts";
export { type DetectedFormat, detectFormat, formatOf, tableEndings, tableFormats } from "./formats.ts";
export {
  type DecimalSign,
  type NumberColumn,
  type NumberedBatch,
  type NumberFormat,
  type NumberSummary,
  notNumber,
  numberNotes,
  numberText,
  parseDecimalSign,
  parseNumber,
  readNumbers,
} from "./numbers.ts";
export { fileBody, readTable } from "./read.ts";
export { type Cell, dateText, decimalText, plainNumber, timeText, timestampText } from "./values.ts";
export { checkEncoding, encodingNotes } from "./text-in.ts";
export type { TextEncoding } from "./contract.ts";
export { writeTable } from "./write.ts";
