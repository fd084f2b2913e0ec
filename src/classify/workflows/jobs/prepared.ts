// Prepared: the items of a training as columns, so that its later steps need not open, decrypt and parse the files again.
//
// Owns: the bytes of the columns. Does not own: which items they are (labelled.ts), where the object lies and how long (workflows/train.ts).
//   P1. What is read is what was written, to the code unit: lone surrogates and empty texts included.
//   P2. Each text of a column stands once in it: categories and repeated titles cost 4 bytes an item.
//   P3. The form is V8's own, which later versions of Node read; it lies in a sealed object, so nobody else has written it.

import { deserialize, serialize } from "node:v8";
import { StockroomError } from "../../../platform/errors.ts";
import type { Dataset, Item, ItemColumnNames } from "../../engine/dataset.ts";

/** Every item a training has, in the order of the files. */
export interface PreparedItems {
  readonly items: Dataset;
  /** 1 per item that is set apart as a test, 0 for one to learn from. */
  readonly isTest: Uint8Array;
}

/** The texts of a column, and which of them each item has. */
interface TextColumn {
  readonly values: readonly string[];
  readonly at: Uint32Array;
}

type Columns = { readonly [Kind in keyof ItemColumnNames]: readonly TextColumn[] };

interface Stored extends Omit<Dataset, "items"> {
  readonly format: typeof format;
  readonly isTest: Uint8Array;
  readonly values: Columns;
}

const format = 1;
const kinds = ["text", "categories", "numbers"] as const satisfies readonly (keyof ItemColumnNames)[];

export function encodePrepared({ items: { items, ...dataset }, isTest }: PreparedItems): Uint8Array {
  const columnsOf = (kind: keyof ItemColumnNames): TextColumn[] =>
    dataset.columns[kind].map((_, column) => packTexts(items, (item) => item[kind][column] ?? ""));
  const values: Columns = { text: columnsOf("text"), categories: columnsOf("categories"), numbers: columnsOf("numbers") };
  const stored: Stored = { format, ...dataset, isTest, values };
  return serialize(stored);
}

/** Throws `fault` `PREPARED_FORMAT` for the columns of another release; the training begins anew. */
export function decodePrepared(bytes: Uint8Array): PreparedItems {
  const stored = deserialize(bytes) as Partial<Stored>; // sealed bytes: encodePrepared wrote them
  if (stored.format !== format) {
    throw new StockroomError(
      "fault",
      "PREPARED_FORMAT",
      `Expected prepared items of format ${format} but received format ${String(stored.format)}. Start the training again: stockroom classify train.`,
    );
  }
  const { format: _format, isTest, values, ...dataset } = stored as Stored;
  const items = Array.from({ length: dataset.size }, (_, index): Item => {
    const [text = [], categories = [], numbers = []] = kinds.map((kind) => values[kind].map((column) => column.values[column.at[index]]));
    return { text, categories, numbers };
  });
  return { items: { ...dataset, items }, isTest };
}

function packTexts(items: readonly Item[], textOf: (item: Item) => string): TextColumn {
  const places = new Map<string, number>();
  const at = new Uint32Array(items.length);
  for (const [index, item] of items.entries()) {
    const text = textOf(item);
    let place = places.get(text);
    if (place === undefined) places.set(text, (place = places.size));
    at[index] = place;
  }
  return { values: [...places.keys()], at };
}
