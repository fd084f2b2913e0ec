// The files of a reading: opened, their columns known, their rows read.
//
// A file that cannot be used is a problem of the whole reading; the others are opened all the same, so that all is told at once.

import { rowsOf } from "../../../platform/figures.ts";
import { isStockroomError } from "../../../platform/errors.ts";
import type { DecimalSign } from "../../../platform/formats/index.ts";
import { parseTimestamp } from "./fields.ts";
import { type Look, lookAt } from "./sniff.ts";
import { type Isolated, mostBadShare, setApart } from "./rejected.ts";
import { type InputFile, openInput, type OpenFile } from "./open.ts";
import type { Reading } from "./options.ts";
import { type ReadRows, readRows, type RowReading } from "./rows.ts";
import { assignColumns, type Columns, type InputKind } from "./schema.ts";

/** An open file whose columns are known. */
export interface OpenedFile {
  readonly kind: InputKind;
  readonly open: OpenFile;
  /** A table that was brought into shape before: its dates are ISO. */
  readonly shaped: { readonly decimal: DecimalSign | undefined } | undefined;
  readonly columns: Columns;
  readonly looks: readonly Look[];
  readonly apart: Isolated;
  readonly schema: InputFile["schema"];
}

export interface OpenedFiles {
  readonly target: OpenedFile | undefined;
  readonly related: OpenedFile | undefined;
  readonly metadata: OpenedFile | undefined;
}

/** Opens all files that are named; the caller closes them. */
export async function openFiles(reading: Reading): Promise<OpenedFiles> {
  const { options, problems } = reading;
  const unmapped: (readonly string[])[] = [];
  const opening = { reading, unmapped };
  const target = await openOne("target", options.target, options.dimensions, opening);
  const dimensions = target?.columns.dimensions.map(({ name }) => name);
  const related = options.related === undefined ? undefined : await openOne("related", options.related, dimensions, opening);
  const metadata = options.metadata === undefined ? undefined : await openOne("metadata", options.metadata, undefined, opening);
  const [some, ...others] = unmapped;
  for (const name of some ?? []) {
    if (!others.every((missing) => missing.includes(name))) continue;
    problems.push({
      code: "INPUT_MAP_UNKNOWN",
      message: `Expected columns of the files on the left of --map but none is called ${name}. Correct the name.`,
    });
  }
  checkNames(reading, { target, related, metadata });
  return { target, related, metadata };
}

/** Names that options give and no file has. */
function checkNames({ options, problems }: Reading, { target, related }: OpenedFiles): void {
  if (target === undefined || (options.related !== undefined && related === undefined)) return;
  const numbers = [...target.columns.numbers, ...(related?.columns.numbers ?? [])].map(({ name }) => name);
  for (const name of Object.keys(options.rules ?? {})) {
    if (numbers.includes(name) || options.without?.includes(name) === true) continue;
    problems.push({
      code: "INPUT_RULE_UNKNOWN",
      message: `Expected filling rules for ${numbers.join(", ")} but one names ${name}. Correct the name, or add the column.`,
    });
  }
  const { stockColumn } = options;
  if (stockColumn !== undefined && target.columns.stock === undefined && related?.columns.stock === undefined) {
    problems.push({
      code: "INPUT_STOCK_MISSING",
      message: `Expected a column ${stockColumn} that says what was in stock, in the target or the related file, but neither has it. Correct the name.`,
    });
  }
}

interface Opening {
  readonly reading: Reading;
  /** Of each file: names on the left of `map` that it does not have. */
  readonly unmapped: (readonly string[])[];
}

async function openOne(
  kind: InputKind,
  file: InputFile,
  dimensions: readonly string[] | undefined,
  { reading, unmapped }: Opening,
): Promise<OpenedFile | undefined> {
  const { options, settings, problems } = reading;
  const domain = options.domain ?? "RETAIL";
  let looks: readonly Look[] = [];
  const apart = setApart(kind, file.name, {
    onBadRow: options.onBadRow,
    mostBadShare: options.mostBadShare ?? mostBadShare,
    looks: () => looks,
  });
  let open: OpenFile;
  try {
    open = await openInput(file, {
      kind,
      domain,
      map: options.map ?? {},
      encoding: options.encoding,
      parseTime: settings.parseTime,
      onBadRow: (row) => apart.add(row),
      signal: options.signal,
    });
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    problems.push({ code: thrown.code, message: thrown.message, facts: thrown.facts });
    return undefined;
  }
  unmapped.push(open.unmapped);
  looks = lookAt(open.table.columns, open.sample);
  const assigned = assignColumns({
    kind,
    file: file.name,
    domain,
    columns: open.table.columns,
    schema: file.schema,
    dimensions,
    without: file.table === undefined ? (options.without ?? []) : [],
    stockColumn: options.stockColumn ?? file.stockColumn,
    looks,
    readsTime: (text) => !Number.isNaN(settings.parseTime(text)),
  });
  if (assigned.columns === undefined) {
    problems.push(...assigned.problems);
    await open.close();
    return undefined;
  }
  const shaped = file.table === undefined ? undefined : { decimal: file.decimal ?? options.decimal };
  return { kind, open, shaped, columns: assigned.columns, looks, apart, schema: file.schema };
}

/** The rows of a file that are to be read. */
export function rowReading({ options, settings }: Reading, file: OpenedFile, onRows: (rows: number) => void = () => undefined): RowReading {
  const isTarget = file.kind === "target";
  return {
    name: file.apart.file,
    table: file.open.table,
    decimal: file.shaped === undefined ? options.decimal : file.shaped.decimal,
    columns: file.columns,
    parseTime: file.shaped === undefined ? settings.parseTime : parseTimestamp,
    timePattern: settings.timePattern,
    between: isTarget ? settings.between : { from: Number.NEGATIVE_INFINITY, before: Number.POSITIVE_INFINITY },
    onBadRow: file.apart.add,
    onRows,
    signal: options.signal,
  };
}

/** The rows of a file; undefined when its numbers can be read in two ways, which is told. */
export async function readOr({ problems }: Reading, rows: RowReading, kind: "target" | "related"): Promise<ReadRows | undefined> {
  try {
    return await readRows(rows, kind);
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    problems.push({ code: thrown.code, message: thrown.message, facts: thrown.facts });
    return undefined;
  }
}

/** What `make` gives, or its refusal as a problem, with the first row of the file that was set apart. */
export function orProblem<T>({ problems }: Reading, file: OpenedFile | undefined, make: () => T): T | undefined {
  try {
    return make();
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "input") throw thrown;
    const { count, rows } = file?.apart.result() ?? { count: 0, rows: [] };
    const [first] = rows;
    const why =
      first === undefined ? "" : ` ${rowsOf(count, file?.apart.file ?? "it")} set apart, the first in line ${first.line}: ${first.reason}`;
    problems.push({ code: thrown.code, message: `${thrown.message}${why}`, facts: { ...thrown.facts, file: file?.apart.file } });
    return undefined;
  }
}
