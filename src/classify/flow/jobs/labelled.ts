// Labelled: the rows a line learns from, out of labelled files and reviewers' answers, validated and put on their side of the split.
//
// Owns: which rows count for a line, their code in the version to be learned, which are set apart as a test. Does not own: parsing, hashing.
//   D1. The version learned is the one valid on the newest day in the data; older labels come into it through the mappings, or are left out.
//   D2. Items of one group, and equal texts, stand on one side, this month and the next: what is tested on was never trained on. (A later item that
//       binds two groups into one may move one of them.)
//   D3. A bad row is counted with its line and reason and left out; the rest goes on.

import type { ReadTicket } from "../../../base/objects/contract.ts";
import { openTicket } from "../../../base/objects/tickets.ts";
import { readTable, type BadRow } from "../../../base/tables/index.ts";
import { makeDatasetBuilder, splitOf, type Dataset, type Item, type ItemColumnNames } from "../../engine/dataset.ts";
import { itemCodes, recode, versionOn, type Scheme } from "../../engine/schemes.ts";
import { cell, dayOf, findColumns, labelOf, type ColumnSettings, type ItemColumns } from "./items.ts";

export interface LabelledInput {
  readonly country: string;
  readonly scheme: string;
  /** Labelled objects; the country of a row is that of its object's folder or of its column. */
  readonly sources: readonly { readonly ticket: ReadTicket; readonly country: string | null }[];
  /** Answers of reviewers: rows of review objects with the right code. */
  readonly answers: readonly { readonly ticket: ReadTicket; readonly rows: readonly AnsweredRow[] }[];
  /** Absent: any code is a code, and there is one version. */
  readonly definition: Scheme | null;
  readonly columns: ColumnSettings;
  readonly testShare: number;
}

export interface AnsweredRow {
  readonly row: number;
  readonly code: string;
  readonly version: string;
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
  readonly answers: number;
  /** Rows without a label in this scheme, or of another country. */
  readonly others: number;
  /** Labels of an older version that no mapping brings into this one. */
  readonly unmapped: number;
  readonly badRows: number;
  readonly reasons: readonly string[];
}

interface Draft {
  readonly id: string;
  readonly item: Item;
  readonly code: string;
  readonly day: string;
  readonly group: string | undefined;
  /** The version the code was given in; undefined: the one valid on its day. */
  readonly version: string | undefined;
  readonly line: number;
}

/** The salt of the split; never changed, because a test item must stay one. */
const splitSeed = 20_26;

export async function readLabelled(input: LabelledInput, signal: AbortSignal): Promise<LabelledSet> {
  const drafts: Draft[] = [];
  const reasons: string[] = [];
  let badRows = 0;
  let others = 0;
  const reject = (line: number, reason: string): void => {
    badRows += 1;
    if (reasons.length < 3) reasons.push(`line ${line}: ${reason}`);
  };
  let present: ItemColumnNames | undefined;
  for (const source of input.sources) {
    const name = source.ticket.entry.key;
    const onBadRow = (row: BadRow): void => reject(row.line, row.reason);
    const table = await readTable(openTicket(source.ticket, signal), { name, onBadRow, signal });
    const columns = findColumns(table.columns, input.columns, name);
    present ??= presentColumns(columns, input.columns);
    const itemOf = makeItemReader(table.columns, present);
    for await (const batch of table.batches) {
      for (const [index, row] of batch.rows.entries()) {
        const line = batch.lines[index] ?? 0;
        const code = labelOf(row, columns, input.scheme);
        if (code === "" || (source.country ?? cell(row, columns.country)) !== input.country) {
          others += 1;
          continue;
        }
        const day = dayOf(cell(row, columns.date));
        if (day === undefined) {
          reject(line, `Expected a date such as 2026-10-31 in the column "${input.columns.date}" but it is none.`);
          continue;
        }
        const item = itemOf(row);
        if (item.text.every((text) => text.trim() === "")) {
          reject(line, `Expected words in one of the columns ${input.columns.text.join(", ")} but all are empty.`);
          continue;
        }
        const group = cell(row, columns.group);
        drafts.push({ id: cell(row, columns.id), item, code, day, group: group === "" ? undefined : group, version: undefined, line });
      }
    }
  }
  const columns: ItemColumnNames = present ?? { text: input.columns.text, categories: [], numbers: [] };
  const before = drafts.length;
  for (const answered of input.answers) await readAnswers(answered, input, columns, drafts, signal);
  const answers = drafts.length - before;

  const newestDay = drafts.reduce((newest, draft) => (draft.day > newest ? draft.day : newest), "");
  const version = versionFor(input.definition, newestDay);
  const builder = makeDatasetBuilder(columns);
  const kept: Draft[] = [];
  let unmapped = 0;
  for (const draft of drafts) {
    const code = codeIn(input.definition, draft, version);
    if (code.kind === "unknown") reject(draft.line, code.reason);
    else if (code.kind === "unmapped") unmapped += 1;
    else {
      builder.add(draft.item, code.code, draft.group);
      kept.push(draft);
    }
  }
  const items = builder.build();
  return {
    columns,
    version,
    newestDay,
    items,
    sides: sidesOf(items, input.testShare),
    ids: kept.map((draft) => draft.id),
    days: kept.map((draft) => draft.day),
    answers,
    others,
    unmapped,
    badRows,
    reasons,
  };
}

/** Items of one group and items of one text are bound together, over any number of steps, before a side is drawn for them. */
function sidesOf(items: Dataset, testShare: number): readonly Side[] {
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
  return Array.from({ length: items.size }, (_, index): Side =>
    splitOf(names.get(rootOf(index)) ?? 0, splitSeed) < testShare ? "test" : "learn",
  );
}

/** Of the columns in the settings, those the file has; at least one text column (`findColumns` saw to it). */
export function presentColumns(columns: ItemColumns, settings: ColumnSettings): ItemColumnNames {
  const has = (indices: readonly number[], names: readonly string[]): string[] => names.filter((_, at) => (indices[at] ?? -1) >= 0);
  return {
    text: has(columns.text, settings.text),
    categories: has(columns.categories, settings.categories),
    numbers: has(columns.numbers, settings.numbers),
  };
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
  wanted: ItemColumnNames,
  drafts: Draft[],
  signal: AbortSignal,
): Promise<void> {
  const rows = new Map(answered.rows.map((row) => [row.row, row]));
  const name = answered.ticket.entry.key;
  const table = await readTable(openTicket(answered.ticket, signal), { name, format: "csv", onBadRow: () => undefined, signal });
  const columns = findColumns(table.columns, input.columns, name);
  const itemOf = makeItemReader(table.columns, wanted);
  let index = 0;
  for await (const batch of table.batches) {
    for (const row of batch.rows) {
      const answer = rows.get(index);
      index += 1;
      if (answer === undefined) continue;
      drafts.push({
        id: cell(row, columns.id),
        item: itemOf(row),
        code: answer.code,
        day: dayOf(cell(row, columns.date)) ?? "",
        group: undefined,
        version: answer.version,
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
function codeIn(definition: Scheme | null, draft: Draft, target: string): InVersion {
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

/** The items to be learned from, as a dataset of their own. */
export function learnedOf(set: LabelledSet): Dataset {
  const builder = makeDatasetBuilder(set.columns);
  for (const [index, side] of set.sides.entries()) {
    const item = set.items.items[index];
    const label = set.items.classes[set.items.labels[index] ?? -1];
    // The group by its hash: bound texts of one group are already on this side.
    if (side === "learn" && item !== undefined && label !== undefined) builder.add(item, label, String(set.items.groups[index]));
  }
  return builder.build();
}
