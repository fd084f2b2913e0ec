// Labelled: the rows a line learns from, out of labelled files and reviewers' answers, validated and put on their side of the split.
//
// Owns: which rows count for a line, their code in the version to be learned, which are set apart as a test. Does not own: parsing, hashing.
//   D1. The version learned is the one valid on the newest day in the data; older labels come into it through the mappings, or are left out.
//   D2. Items of one group, and equal texts, stand on one side, this month and the next: what is tested on was never trained on. (A later item that
//       binds two groups into one may move one of them.)
//   D3. A bad row is counted with its line and reason and left out; the rest goes on. A file that cannot be read as items is set apart like a bad row:
//       it never keeps a line from learning from the others.
//   D4. Of several labels of one id the latest counts, whether it came in a file (the object's time) or from a reviewer; within a file the later row.
//   D5. An item kept as a test item stays one with the label it had, whatever later files say of it; only a person changes it: a reviewer's answer, or the
//       approval of a promotion that the kept labels spoke against. What is bound to one by text or id is not learned from.

import type { ReadHandle } from "../../../platform/objects/contract.ts";
import { StockroomError } from "../../../platform/errors.ts";
import { openHandle } from "../../../platform/objects/handles.ts";
import { readTable, type BadRow, type RowBatch, type Table } from "../../../platform/formats/index.ts";
import { isSameCountry } from "../../engine/countries.ts";
import { hashItemText, makeDatasetBuilder, splitOf, type Dataset, type Item, type ItemColumnNames } from "../../engine/dataset.ts";
import { itemCodes, recode, versionOn, type Scheme } from "../../engine/schemes.ts";
import { openCanonical, type TakenLabelled } from "../intake/canonical.ts";
import {
  cell,
  dayOf,
  dialectOf,
  findColumns,
  labelOf,
  readItemTable,
  underOurNames,
  type ColumnSettings,
  type ItemColumns,
  type NamedTable,
} from "./items.ts";

export interface LabelledSource {
  readonly handle: ReadHandle;
  readonly country: string | null;
  readonly at: string;
  /** How it was read when it came, where it has columns of its own; null: as it stands. */
  readonly taken: TakenLabelled | null;
}

export interface LabelledInput {
  readonly country: string;
  readonly scheme: string;
  /** Labelled objects, the oldest first; the country of a row is that of its object's folder or of its column. */
  readonly sources: readonly LabelledSource[];
  /** Answers of reviewers: rows of review objects with the right code. */
  readonly answers: readonly { readonly handle: ReadHandle; readonly rows: readonly AnsweredRow[] }[];
  /** Test items the line has kept, the oldest object first; which of an item's two labels counts. */
  readonly ground: readonly { readonly handle: ReadHandle; readonly labels: "kept" | "latest" }[];
  /** Absent: any code is a code, and there is one version. */
  readonly definition: Scheme | null;
  readonly columns: ColumnSettings;
  readonly testShare: number;
}

export interface AnsweredRow {
  readonly row: number;
  readonly code: string;
  readonly version: string;
  readonly at: string;
}

/** What is learned from (the fit sets its own validation items aside), and what only the comparison sees. */
export type Side = "learn" | "test";

/** The version of a line whose scheme was never imported. */
export const openVersion = "-";

export interface LabelledSet {
  readonly columns: ItemColumnNames;
  readonly version: string;
  readonly newestDay: string;
  readonly items: Dataset;
  /** Per item. */
  readonly sides: readonly Side[];
  readonly ids: readonly string[];
  readonly days: readonly string[];
  /** Items kept for tests before this training, whether or not the files still have them. */
  readonly ground: readonly GroundItem[];
  /** Per item: whether it is one of those. */
  readonly kept: readonly boolean[];
  readonly answers: number;
  /** Labels that a later one of the same id replaced. */
  readonly replaced: number;
  /** Rows without a label in this scheme, or of another country. */
  readonly others: number;
  /** Labels of an older version that no mapping brings into this one. */
  readonly unmapped: number;
  readonly badRows: number;
  readonly reasons: readonly string[];
}

export interface GroundItem {
  readonly id: string;
  readonly day: string;
  readonly item: Item;
  /** The label kept, in the version it was given in; undefined: the one valid on its day. */
  readonly code: string;
  readonly version: string | undefined;
  /** The label in the version learned; "" when no mapping brings it there. */
  readonly truth: string;
  /** The label by the files of today in the version learned; "" when they have none. */
  readonly latest: string;
}

interface Draft {
  readonly id: string;
  readonly item: Item;
  readonly code: string;
  readonly day: string;
  readonly group: string | undefined;
  /** The version the code was given in; undefined: the one valid on its day. */
  readonly version: string | undefined;
  /** When the label came, ISO. */
  readonly at: string;
  /** Given by a reviewer. */
  readonly answered: boolean;
  readonly file: string;
  readonly line: number;
}

/** The salt of the split; never changed, because a test item must stay one. */
const splitSeed = 20_26;

export async function readLabelled(input: LabelledInput, signal: AbortSignal): Promise<LabelledSet> {
  const reading: Reading = { drafts: [], reasons: [], badRows: 0, others: 0, present: new Set() };
  for (const source of input.sources) await readSource(source, input, reading, signal);
  const before = reading.drafts.length;
  for (const answered of input.answers) await readAnswers(answered, input, reading, signal);
  const answers = reading.drafts.length - before;

  const kept = new Map<string, KeptItem>();
  for (const one of input.ground) await readGround(one, input, reading, kept, signal);

  const columns = chooseColumns(reading.present, input.columns);
  const drafts = latestOf(reading.drafts);
  const newestDay = drafts.reduce((newest, draft) => (draft.day > newest ? draft.day : newest), "");
  const version = versionFor(input.definition, newestDay);
  const builder = makeDatasetBuilder(columns);
  const project = makeProjection(input.columns, columns);
  const used: Draft[] = [];
  let unmapped = 0;
  for (const draft of drafts) {
    const code = codeIn(input.definition, draft, version);
    if (code.kind === "unknown") reject(reading, draft.file, draft.line, code.reason);
    else if (code.kind === "unmapped") unmapped += 1;
    else {
      builder.add(project(draft.item), code.code, draft.group);
      used.push(draft);
    }
  }
  const items = builder.build();
  const labels = used.map((_, index) => items.classes[items.labels[index] ?? -1] ?? "");
  const latest = new Map(used.map((draft, index) => [nameOf(draft), { draft, code: labels[index] ?? "" }]));
  const ground = [...kept.values()].map((one): GroundItem => {
    const now = latest.get(nameOf(one));
    // A person's word on the item stands above the label it was kept with.
    const word =
      now?.draft.answered === true ? { code: now.draft.code, version: now.draft.version } : { code: one.code, version: one.version };
    const truth = codeIn(input.definition, { ...word, day: one.day }, version);
    return { ...one, ...word, item: project(one.item), truth: truth.kind === "code" ? truth.code : "", latest: now?.code ?? "" };
  });
  const names = new Set(kept.keys());
  const texts = new Set(ground.map((one) => hashItemText(one.item)));
  return {
    columns,
    version,
    newestDay,
    items,
    sides: sidesOf(items, input.testShare, (index) => names.has(nameOf(used[index])) || texts.has(items.texts[index])),
    ids: used.map((draft) => draft.id),
    days: used.map((draft) => draft.day),
    ground,
    kept: used.map((draft) => kept.has(nameOf(draft))),
    answers,
    replaced: reading.drafts.length - drafts.length,
    others: reading.others,
    unmapped,
    badRows: reading.badRows,
    reasons: reading.reasons,
  };
}

type KeptItem = Pick<GroundItem, "id" | "day" | "item" | "code" | "version">;

/** An item by its id, or, without one, by its text. */
const nameOf = ({ id, item }: Pick<Draft, "id" | "item">): string => (id === "" ? `text ${hashItemText(item)}` : `id ${id}`);

/** The test items of one object; of an item in several the first stands. */
async function readGround(
  source: LabelledInput["ground"][number],
  input: LabelledInput,
  reading: Reading,
  kept: Map<string, KeptItem>,
  signal: AbortSignal,
): Promise<void> {
  const name = source.handle.entry.key;
  const table = await readTable(openHandle(source.handle, signal), { name, format: "csv", onBadRow: () => undefined, signal });
  const columns = findColumns(table.columns, input.columns, name);
  const itemOf = makeItemReader(table.columns, input.columns);
  for (const column of table.columns) reading.present.add(column);
  const [code, latest, schemeVersion, keptCode, keptVersion] = ["code", "latest", "scheme_version", "kept_code", "kept_version"].map(
    (column) => table.columns.indexOf(column),
  );
  for await (const batch of table.batches) {
    for (const row of batch.rows) {
      const own = cell(row, schemeVersion);
      const byLatest = { code: cell(row, latest < 0 ? code : latest), version: own === "" ? undefined : own };
      const byKept = { code: cell(row, keptCode), version: cell(row, keptVersion) === "" ? undefined : cell(row, keptVersion) };
      const isNew = byKept.code === "";
      const word = isNew || (source.labels === "latest" && byLatest.code !== "") ? byLatest : byKept;
      const one = { id: cell(row, columns.id).trim(), day: dayOf(cell(row, columns.date)) ?? "", item: itemOf(row), ...word };
      if (word.code !== "" && !kept.has(nameOf(one))) kept.set(nameOf(one), one);
    }
  }
}

/** What the files of a line hold, as it is read. */
interface Reading {
  readonly drafts: Draft[];
  readonly reasons: string[];
  badRows: number;
  others: number;
  /** Columns that at least one file has. */
  readonly present: Set<string>;
}

function reject(reading: Reading, file: string, line: number, reason: string): void {
  reading.badRows += 1;
  if (reading.reasons.length < 3) reading.reasons.push(`${file} line ${line}: ${reason}`);
}

/** A labelled file as the settings' columns, and what to tell of their names. Throws what opening it throws, and what `underOurNames` throws. */
export async function openLabelled(
  source: ReadHandle,
  taken: TakenLabelled | null,
  reading: { readonly columns: ColumnSettings; readonly onBadRow: (row: BadRow) => void; readonly signal: AbortSignal },
): Promise<NamedTable> {
  const { columns, onBadRow, signal } = reading;
  const name = source.entry.key;
  if (taken !== null) {
    const table = await openCanonical({ name, open: () => openHandle(source, signal) }, taken, reading);
    return { table: readItemTable(table, columns, { name, decimal: taken.hints.decimal, onBadRow }), notes: [] };
  }
  const { encoding, decimal } = dialectOf(source.entry, columns);
  const { table, notes } = underOurNames(await readTable(openHandle(source, signal), { name, onBadRow, signal, encoding }), columns, name);
  return { table: readItemTable(table, columns, { name, decimal, onBadRow }), notes };
}

async function readSource(
  source: LabelledInput["sources"][number],
  input: LabelledInput,
  reading: Reading,
  signal: AbortSignal,
): Promise<void> {
  const file = source.handle.entry.key;
  const onBadRow = (row: BadRow): void => reject(reading, file, row.line, row.reason);
  let columns: ItemColumns;
  let table: Table;
  try {
    ({ table } = await openLabelled(source.handle, source.taken, { columns: input.columns, onBadRow, signal }));
    columns = findColumns(table.columns, input.columns, file);
  } catch (error) {
    // What the sender must correct was told to the sender when the file came; what is broken here ends the training.
    if (!(error instanceof StockroomError) || error.kind !== "input") throw error;
    return reject(reading, file, 1, error.message);
  }
  const before = reading.drafts.length;
  const itemOf = makeItemReader(table.columns, input.columns);
  let used = false;
  // Numbers that cannot be told apart were told to the sender too; rows read before that was seen may have been misread.
  const unreadable = (message: string): void => {
    reading.drafts.length = before;
    reject(reading, file, 1, message);
  };
  for await (const batch of readableBatches(table.batches, unreadable)) {
    for (const [index, row] of batch.rows.entries()) {
      const line = batch.lines[index] ?? 0;
      const code = labelOf(row, columns, input.scheme);
      const written = cell(row, columns.country).trim();
      // In a country's own file a row of another is no label of it; the sender was told when the file came.
      const isOwn = source.country === null ? written === input.country : written === "" || isSameCountry(written, source.country);
      if (code === "" || !isOwn || (source.country ?? input.country) !== input.country) {
        reading.others += 1;
        continue;
      }
      used = true;
      const day = dayOf(cell(row, columns.date));
      if (day === undefined) {
        reject(reading, file, line, `Expected a date such as 2026-10-31 in the column "${input.columns.date}" but it is none.`);
        continue;
      }
      const item = itemOf(row);
      if (item.text.every((text) => text.trim() === "")) {
        reject(reading, file, line, `Expected words in one of the columns ${input.columns.text.join(", ")} but all are empty.`);
        continue;
      }
      const group = cell(row, columns.group);
      reading.drafts.push({
        id: cell(row, columns.id).trim(),
        item,
        code,
        day,
        group: group === "" ? undefined : group,
        version: undefined,
        at: source.at,
        answered: false,
        file,
        line,
      });
    }
  }
  // A file of other schemes alone says nothing of which columns this line's items have.
  if (used) for (const name of table.columns) reading.present.add(name);
}

async function* readableBatches(batches: AsyncIterable<RowBatch>, onUnreadable: (message: string) => void): AsyncGenerator<RowBatch> {
  try {
    yield* batches;
  } catch (error) {
    if (!(error instanceof StockroomError) || !error.code.startsWith("TABLE_NUMBER_")) throw error;
    onUnreadable(error.message);
  }
}

/** The latest label of each id (D4), in the order of the files; items without an id stand alone. */
function latestOf(drafts: readonly Draft[]): readonly Draft[] {
  const latest = new Map<string, Draft>();
  for (const draft of drafts) {
    const former = latest.get(draft.id);
    if (draft.id !== "" && (former === undefined || draft.at >= former.at)) latest.set(draft.id, draft);
  }
  return drafts.filter((draft) => draft.id === "" || latest.get(draft.id) === draft);
}

/** Of the columns in the settings those that some file has. */
function chooseColumns(present: ReadonlySet<string>, settings: ColumnSettings): ItemColumnNames {
  if (present.size === 0) return { text: settings.text, categories: [], numbers: [] };
  const having = (names: readonly string[]): string[] => names.filter((name) => present.has(name));
  return { text: having(settings.text), categories: having(settings.categories), numbers: having(settings.numbers) };
}

/** Makes items of all columns in the settings into items of the columns chosen. */
function makeProjection(settings: ColumnSettings, chosen: ItemColumnNames): (item: Item) => Item {
  const places = (from: readonly string[], to: readonly string[]): readonly number[] => to.map((name) => from.indexOf(name));
  const text = places(settings.text, chosen.text);
  const categories = places(settings.categories, chosen.categories);
  const numbers = places(settings.numbers, chosen.numbers);
  const pick = (values: readonly string[], at: readonly number[]): string[] => at.map((index) => values[index] ?? "");
  return (item) => ({
    text: pick(item.text, text),
    categories: pick(item.categories, categories),
    numbers: pick(item.numbers, numbers),
  });
}

/** Items of one group and items of one text are bound together, over any number of steps, before a side is drawn for them. */
function sidesOf(items: Dataset, testShare: number, isKept: (index: number) => boolean): readonly Side[] {
  const parents = Int32Array.from({ length: items.size }, (_, index) => index);
  const rootOf = (index: number): number => {
    let at = index;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at] ?? 0] ?? 0;
      at = parents[at] ?? 0;
    }
    return at;
  };
  for (const keys of [items.groups, items.texts]) {
    const first = new Map<number, number>();
    for (let index = 0; index < items.size; index++) {
      const key = keys[index] ?? 0;
      const known = first.get(key);
      if (known === undefined) first.set(key, index);
      else parents[rootOf(index)] = rootOf(known);
    }
  }
  // The smallest text hash of the bound ones names them: it does not depend on the order of the rows.
  const names = new Map<number, number>();
  for (let index = 0; index < items.size; index++) {
    const root = rootOf(index);
    const text = items.texts[index] ?? 0;
    names.set(root, Math.min(names.get(root) ?? text, text));
  }
  const bound = new Set<number>();
  for (let index = 0; index < items.size; index++) if (isKept(index)) bound.add(rootOf(index));
  return Array.from({ length: items.size }, (_, index): Side => {
    const root = rootOf(index);
    return bound.has(root) || splitOf(names.get(root) ?? 0, splitSeed) < testShare ? "test" : "learn";
  });
}

/** Makes a reader of items by the columns a model knows; what this file lacks is "". */
export function makeItemReader(names: readonly string[], wanted: ItemColumnNames): (row: readonly string[]) => Item {
  const [text, categories, numbers] = [wanted.text, wanted.categories, wanted.numbers].map((list) =>
    list.map((name) => names.indexOf(name)),
  );
  const read = (row: readonly string[], indices: readonly number[] | undefined): string[] =>
    (indices ?? []).map((index) => cell(row, index));
  return (row) => ({ text: read(row, text), categories: read(row, categories), numbers: read(row, numbers) });
}

async function readAnswers(
  answered: LabelledInput["answers"][number],
  input: LabelledInput,
  reading: Reading,
  signal: AbortSignal,
): Promise<void> {
  const rows = new Map(answered.rows.map((row) => [row.row, row]));
  const name = answered.handle.entry.key;
  const table = await readTable(openHandle(answered.handle, signal), {
    name,
    format: "csv",
    spreadsheet: true,
    onBadRow: () => undefined,
    signal,
  });
  const columns = findColumns(table.columns, input.columns, name);
  const itemOf = makeItemReader(table.columns, input.columns);
  for (const column of table.columns) reading.present.add(column);
  let index = 0;
  for await (const batch of table.batches) {
    for (const row of batch.rows) {
      const answer = rows.get(index);
      index += 1;
      if (answer === undefined) continue;
      reading.drafts.push({
        id: cell(row, columns.id).trim(),
        item: itemOf(row),
        code: answer.code,
        day: dayOf(cell(row, columns.date)) ?? "",
        group: undefined,
        version: answer.version,
        at: answer.at,
        answered: true,
        file: name,
        line: index,
      });
    }
  }
}

function versionFor(definition: Scheme | null, newestDay: string): string {
  if (definition === null) return openVersion;
  const valid = newestDay === "" ? undefined : versionOn(definition, newestDay);
  return (valid ?? definition.versions.at(-1))?.version ?? openVersion;
}

type InVersion =
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "unmapped" }
  | { readonly kind: "unknown"; readonly reason: string };

const codeSets = new WeakMap<Scheme, Map<string, ReadonlySet<string>>>();

/** The codes an item can have in a version; looked up for every row, so kept. */
function codesOf(definition: Scheme, version: string): ReadonlySet<string> {
  let sets = codeSets.get(definition);
  if (sets === undefined)
    codeSets.set(definition, (sets = new Map(definition.versions.map((one) => [one.version, new Set(itemCodes(one))]))));
  return sets.get(version) ?? new Set();
}

/** A label in the version to be learned. */
function codeIn(definition: Scheme | null, draft: Pick<Draft, "code" | "version" | "day">, target: string): InVersion {
  if (definition === null) return { kind: "code", code: draft.code };
  const has = (version: string): boolean => codesOf(definition, version).has(draft.code);
  const own = draft.version ?? (draft.day === "" ? undefined : versionOn(definition, draft.day)?.version) ?? target;
  // Labellers run ahead of the law: a code of the new version on an item of the old one's days is taken as it stands.
  const from = has(own) ? own : has(target) ? target : definition.versions.find((one) => has(one.version))?.version;
  if (from === undefined) {
    return {
      kind: "unknown",
      reason: `Expected a code of ${definition.scheme} but "${draft.code}" is in none of its versions. Correct it, or import the scheme anew.`,
    };
  }
  if (from === target) return { kind: "code", code: draft.code };
  const mapped = recode(definition, draft.code, from, target);
  return mapped.kind === "same" || mapped.kind === "mapped" ? { kind: "code", code: mapped.code } : { kind: "unmapped" };
}
