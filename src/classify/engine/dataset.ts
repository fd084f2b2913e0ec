// Datasets: labelled items by column, as training wants them.
//
// Owns: the columnar form, the list of classes, the group of an item, the side of a split. Does not own: files, features.
//   D1. Classes are the labels that occur, in the order of their code units: the same rows in another order give the same classes.
//   D2. Items of one group stand on one side of every split; by default the group is the item's text, folded, so that equal texts do.

import { StockroomError } from "../../platform/errors.ts";
import { foldText } from "./fold.ts";

/** Which columns of an item are read as what. */
export interface ItemColumnNames {
  /** The most telling first: titles before descriptions. */
  readonly text: readonly string[];
  readonly categories: readonly string[];
  readonly numbers: readonly string[];
}

/** One item, index-aligned with the columns; a missing value is "". */
export interface Item {
  readonly text: readonly string[];
  readonly categories: readonly string[];
  readonly numbers: readonly string[];
}

/** Labelled items by column. */
export interface Dataset {
  readonly columns: ItemColumnNames;
  readonly size: number;
  /** Sorted. */
  readonly classes: readonly string[];
  /** Index into `classes` per item. */
  readonly labels: Int32Array;
  /** Hash of the group per item. */
  readonly groups: Uint32Array;
  /** Hash of the folded text per item: what tells whether an item's text was learned from. */
  readonly texts: Uint32Array;
  readonly items: readonly Item[];
}

export interface DatasetBuilder {
  /** `group` absent: the item's text. */
  add(item: Item, label: string, group?: string): void;
  readonly size: number;
  build(): Dataset;
}

export function makeDatasetBuilder(columns: ItemColumnNames): DatasetBuilder {
  const items: Item[] = [];
  const names: string[] = [];
  const groups: number[] = [];
  const texts: number[] = [];
  return {
    get size() {
      return items.length;
    },
    add: (item, label, group) => {
      const text = hashItemText(item);
      items.push(item);
      names.push(label);
      texts.push(text);
      groups.push(group === undefined ? text : hashGroup(group));
    },
    build: () => {
      const classes = [...new Set(names)].sort();
      const indexOf = new Map(classes.map((name, index) => [name, index]));
      return {
        columns,
        size: items.length,
        classes,
        labels: Int32Array.from(names, (name) => indexOf.get(name) ?? -1),
        groups: Uint32Array.from(groups),
        texts: Uint32Array.from(texts),
        items,
      };
    },
  };
}

/** Some items of a dataset as a dataset of its own, with the classes that occur among them; items of one group stay in one group. */
export function takeItems(dataset: Dataset, indices: readonly number[]): Dataset {
  const names = indices.map((index) => dataset.classes[dataset.labels[index] ?? -1] ?? "");
  const classes = [...new Set(names)].sort();
  const indexOf = new Map(classes.map((name, index) => [name, index]));
  return {
    columns: dataset.columns,
    size: indices.length,
    classes,
    labels: Int32Array.from(names, (name) => indexOf.get(name) ?? -1),
    // The number of a group names it: any function of it splits as well, and this one splits as models of former releases were.
    groups: Uint32Array.from(indices, (index) => hashGroup(String(dataset.groups[index]))),
    texts: Uint32Array.from(indices, (index) => dataset.texts[index] ?? 0),
    items: indices.flatMap((index) => dataset.items[index] ?? []),
  };
}

/** What a person should know of the labels of a dataset. */
export interface LabelFigures {
  readonly codes: number;
  /** Codes of one item. */
  readonly single: number;
  /** Texts that stand with more than one code, and the rows that have them. Items without any text are no such. */
  readonly mixed: number;
  readonly rows: number;
  /** Codes that differ in case or blanks alone; at most five groups. */
  readonly alike: readonly (readonly string[])[];
}

/** Counts codes of one item and texts of several codes. */
export function describeLabels({ classes, labels, texts, items }: Dataset): LabelFigures {
  const counts = new Uint32Array(classes.length);
  for (const label of labels) if (label >= 0) counts[label] += 1;
  const of = new Map<number, { readonly label: number; rows: number; mixed: boolean }>();
  for (const [item, label] of labels.entries()) {
    if (items[item].text.every((text) => text.trim() === "")) continue;
    const known = of.get(texts[item]);
    if (known === undefined) of.set(texts[item], { label, rows: 1, mixed: false });
    else {
      known.rows += 1;
      if (known.label !== label) known.mixed = true;
    }
  }
  const mixed = [...of.values()].filter((text) => text.mixed);
  return {
    codes: classes.length,
    single: counts.filter((count) => count === 1).length,
    mixed: mixed.length,
    rows: mixed.reduce((sum, { rows }) => sum + rows, 0),
    alike: [...Map.groupBy(classes, (name) => name.toLowerCase().replaceAll(/\s+/gu, " ").trim()).values()]
      .filter((names) => names.length > 1)
      .slice(0, 5),
  };
}

const hashGroup = (group: string): number => hash32(0x6772_6f75, group);

/**
 * Throws the errors a person should read when there is nothing to learn: `FIT_TOO_FEW`, `FIT_ONE_CLASS` (both `input`).
 *
 * `usable`: only the first so many items are to be learned from; default all.
 */
export function checkLearnable(dataset: Dataset, minItems = 10, usable = dataset.size): void {
  if (usable < minItems) {
    throw new StockroomError(
      "input",
      "FIT_TOO_FEW",
      `Expected at least ${minItems} labelled items but there ${usable === 1 ? "is" : "are"} ${usable}. Add items, or check the filter and the label column.`,
      { facts: { items: usable } },
    );
  }
  if (new Set(dataset.labels.subarray(0, usable)).size < 2) {
    throw new StockroomError(
      "input",
      "FIT_ONE_CLASS",
      `Expected items of at least two codes but all ${usable} have the same one. Nothing can be learned from one code; add items of others.`,
      { facts: { items: usable } },
    );
  }
}

/** Hash of an item's text columns, folded. Equal hashes stand for equal texts. */
export function hashItemText(item: Item): number {
  let hash = 0x811c9dc5;
  for (const text of item.text) hash = hash32(Math.imul(hash, 31) + 7, foldText(text).trim());
  return hash;
}

/** A place in [0, 1) that depends on the group and the seed alone; a split compares it with its shares. */
export function splitOf(group: number, seed: number): number {
  return mix32(Math.imul(group ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(seed + 1, 0x27d4eb2f)) / 2 ** 32;
}

/** FNV-1a over UTF-16 code units from a start value, mixed. */
function hash32(start: number, text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash);
}

/** The last steps of MurmurHash3: every bit of the input reaches every bit of the result. */
export function mix32(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
