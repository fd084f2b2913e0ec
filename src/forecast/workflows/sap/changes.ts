// Changes: what the records of an ODP delta do to the rows that are held.
//
//   C1. A row that is held stands for as many records of the source as its counter says; when the counter comes to nothing the row is gone. An
//       amount that is left then (additive) belongs to no record: it is kept for what may still come, is no row of the file, and is counted.
//   C2. Overwriting sources send the row as it is after the change (and perhaps, negated, as it was before). Additive sources send what is to be
//       added: differences (U, 0) and, where a key changed, both images. Keys are never converted: they are the text that came.
//   C3. A record whose meaning is not known stops everything: guessed, a deletion becomes an update.
// Source: ABAP data elements ODQ_CHANGEMODE (C, U, D) and ODQ_ENTITYCNTR, whose pair is the record mode of BW: C +1 new image, U -1 before image
// (key figures negated), U +1 after image, U 0 additive image, D -1 reverse image (negated), D 0 deletion by key.

import { addDecimals, sameDecimal } from "./decimal.ts";
import { numberText } from "./wire.ts";

/** Of a source. `auto`: found from the changes themselves. */
export type ChangeKind = "additive" | "overwriting";

/** What becomes of records of a first load that share a key: refused where deltas are to follow, which could not tell them apart. */
export type Repeated = "refuse" | "keep";

export interface ChangeRecord {
  /** The fields that are kept, in their order. */
  readonly fields: readonly string[];
  readonly mode: string;
  readonly counter: string;
}

export interface BookOptions {
  readonly kind: ChangeKind;
  readonly repeated: Repeated;
  /** Indexes of the fields that name a row. */
  readonly keys: readonly number[];
  /** Indexes of the fields that are added. */
  readonly measures: readonly number[];
  readonly names: readonly string[];
}

/** Why records cannot be applied, for people. */
export interface Trouble {
  readonly code: "SAP_CHANGE" | "SAP_VALUE" | "SAP_BEFORE_IMAGE" | "SAP_KIND";
  readonly said: string;
}

export interface BookCounts {
  set: number;
  deleted: number;
  /** Database of a first load whose key was there already. */
  repeated: number;
  /** Created although there: told, because an additive source would have meant it to be added. */
  recreated: number;
  /** A key that came more than once. */
  sample: string | undefined;
  /** Keys of an additive source that stand for no record and still have an amount. */
  leftover: number;
  /** One of them, with its amounts. */
  leftoverSample: string | undefined;
}

interface Held {
  fields: readonly string[];
  counter: number;
  /** A difference came before anything else of its key: the record that it belongs to is counted and may still come. */
  isAssumed?: boolean;
  /** Of a key that was not held when its first change came: what its images add up to, one sum a measure. */
  images?: readonly (string | undefined)[];
  /** The row as it is after a change, when the images of such a key came to nothing by their counters. */
  latest?: readonly string[];
}

/** Whether the changes say by themselves that they are to be added: only additive sources send images that count for nothing. */
export function isAdditive(record: Pick<ChangeRecord, "mode" | "counter">): boolean {
  const counter = numberText(record.counter);
  return record.mode === "U" && counter !== "" && Number(counter) === 0;
}

/** Whether a source sends the row as it was, too. */
export function isBeforeImage(record: Pick<ChangeRecord, "mode" | "counter">): boolean {
  return record.mode !== "D" && Number(numberText(record.counter)) < 0;
}

/** Of a book in which nothing was written yet. */
export const noCounts: Readonly<BookCounts> = {
  set: 0,
  deleted: 0,
  repeated: 0,
  recreated: 0,
  sample: undefined,
  leftover: 0,
  leftoverSample: undefined,
};

export class Book {
  readonly counts: BookCounts = { ...noCounts };
  readonly #rows = new Map<string, Held>();
  readonly #extra: Held[] = [];
  readonly #options: BookOptions;
  #trouble: Trouble | undefined;

  constructor(options: BookOptions) {
    this.#options = options;
  }

  /** The first trouble there was; what came after it was not applied. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** A row as the replica has it. */
  hold(fields: readonly string[], counter: number): void {
    this.#rows.set(this.#key(fields), { fields, counter });
  }

  /** A record of a first load. */
  load(record: ChangeRecord): void {
    const counter = this.#counterOf(record);
    // Images of changes that happened while it was read: by their counters, which need no order.
    if ((record.mode !== "" && record.mode !== "C") || (counter !== undefined && counter < 0)) return this.change(record, true);
    if (counter === undefined || this.#trouble !== undefined) return;
    this.counts.set += 1;
    const key = this.#key(record.fields);
    const held = this.#rows.get(key);
    const images = Math.max(1, counter);
    if (held === undefined) {
      this.#rows.set(key, { fields: record.fields, counter: images });
      return;
    }
    if (held.counter <= 0 && this.#options.kind !== "additive") {
      // Taken off before, or after, in whichever order they came.
      held.fields = record.fields;
      held.counter += images;
      return;
    }
    this.counts.repeated += 1;
    this.counts.sample ??= this.#named(record.fields);
    if (this.#options.kind === "additive") this.#add(held, record, images);
    else if (this.#options.repeated === "keep") this.#extra.push({ fields: record.fields, counter: images });
  }

  /** A record of a delta. `both`: this delta has images from before and after, so that its counters can be summed. */
  change(record: ChangeRecord, both: boolean): void {
    const counter = this.#counterOf(record);
    if (counter === undefined || this.#trouble !== undefined) return;
    if (!["", "C", "U", "D"].includes(record.mode)) {
      return this.#fail(
        "SAP_CHANGE",
        `Expected ODQ_CHANGEMODE to be C, U or D but "${record.mode}" came with ${this.#named(record.fields)}. Its meaning is not known, so nothing was changed. Ask who wrote the service.`,
      );
    }
    if (this.#options.kind === "additive") this.#changeAdditive(record, counter);
    else this.#changeOverwriting(record, counter, both);
  }

  /** The rows that are left, in the order in which their keys were first seen. */
  *rows(): Generator<{ readonly fields: readonly string[]; readonly counter: number }> {
    const most = this.#options.kind === "additive" ? Number.MAX_SAFE_INTEGER : 1;
    for (const held of this.#rows.values()) {
      if (held.counter > 0) yield { fields: held.fields, counter: Math.min(most, held.counter) };
      else if (held.counter === 0 && held.latest !== undefined && this.#isLeft(held)) yield { fields: held.latest, counter: 1 };
    }
    yield* this.#extra;
  }

  /** What is to be held for the next delta: the rows, and amounts and counters that wait for theirs (C1). Counts the amounts. */
  *kept(): Generator<{ readonly fields: readonly string[]; readonly counter: number }> {
    this.counts.leftover = 0;
    this.counts.leftoverSample = undefined;
    yield* this.rows();
    if (this.#options.kind !== "additive") return;
    for (const held of this.#rows.values()) {
      if (held.counter > 0) continue;
      const amounts = this.#options.measures.filter((at) => this.#isAmount(held.fields[at]));
      if (amounts.length === 0 && held.counter === 0) continue;
      if (amounts.length > 0) {
        this.counts.leftover += 1;
        this.counts.leftoverSample ??= `${this.#named(held.fields)} with ${amounts.map((at) => `${this.#options.names[at]} ${held.fields[at]}`).join(", ")}`;
      }
      yield held;
    }
  }

  #isAmount(text: string | undefined): boolean {
    const number = numberText(text ?? "");
    return number !== "" && !sameDecimal(number, "0");
  }

  #changeOverwriting(record: ChangeRecord, counter: number, both: boolean): void {
    if (isAdditive(record)) {
      return this.#fail(
        "SAP_KIND",
        `Expected images of whole rows but a difference (U, 0) came with ${this.#named(record.fields)}. Say \`kind: additive\` at the source, and load it afresh.`,
      );
    }
    const key = this.#key(record.fields);
    const held = this.#rows.get(key);
    if (record.mode === "D") {
      if (held !== undefined && held.counter > 0) this.counts.deleted += 1;
      if (held !== undefined) Object.assign(held, { counter: 0, images: undefined, latest: undefined });
      return;
    }
    if (counter < 0) {
      // As it was: gone, unless the same delta says what it is now.
      if (held !== undefined) {
        held.counter += counter;
        this.#sumImages(held, record);
      } else this.#rows.set(key, this.#summed({ fields: record.fields, counter }, record));
      return;
    }
    this.counts.set += 1;
    if (held === undefined) {
      this.#rows.set(key, this.#summed({ fields: record.fields, counter: 1, latest: record.fields }, record));
      return;
    }
    if (held.images !== undefined) {
      this.#sumImages(held, record);
      held.latest = record.fields;
    }
    if (record.mode === "C" && held.counter > 0 && !both) this.counts.recreated += 1;
    held.fields = record.fields;
    held.counter = both ? held.counter + 1 : 1;
  }

  #summed(held: Held, record: ChangeRecord): Held {
    return { ...held, images: this.#options.measures.map((at) => numberText(record.fields[at] ?? "")) };
  }

  #sumImages(held: Held, record: ChangeRecord): void {
    if (held.images === undefined) return;
    held.images = this.#options.measures.map((at, index) => {
      const sum = held.images?.[index];
      return sum === undefined ? undefined : addDecimals(sum, numberText(record.fields[at] ?? ""));
    });
  }

  /**
   * Whether a row that was not held, and whose images count to nothing, is there: what came and went adds up to nothing; of a row that had been there
   * without our knowing, what it is now is left over.
   */
  #isLeft({ images = [] }: Held): boolean {
    return images.some((sum) => sum === undefined || (sum !== "" && !sameDecimal(sum, "0")));
  }

  #changeAdditive(record: ChangeRecord, counter: number): void {
    const { measures } = this.#options;
    const key = this.#key(record.fields);
    const held = this.#rows.get(key);
    const empty = measures.every((at) => (record.fields[at] ?? "") === "");
    // By its keys alone, the other fields initial: taken off with nothing, a single record that is worth something would leave all of it.
    const initial = counter === -1 && held?.counter === 1 && measures.every((at) => !this.#isAmount(record.fields[at]));
    if (record.mode === "D" && (counter === 0 || empty || initial)) {
      if (held !== undefined && held.counter > 0) this.counts.deleted += 1;
      this.#rows.delete(key);
      return;
    }
    if (record.mode === "D" && counter > 0) {
      return this.#fail(
        "SAP_CHANGE",
        `Expected a deletion to count -1 or 0 but ${record.counter} came with ${this.#named(record.fields)}. Nothing was changed. Ask who wrote the service.`,
      );
    }
    if (held === undefined) {
      const isAssumed = record.mode === "U" && counter === 0;
      this.#rows.set(key, { fields: record.fields, counter: isAssumed ? 1 : counter, isAssumed });
      if (counter >= 0) this.counts.set += 1;
      return;
    }
    if (counter < 0 && this.#isPlainBefore(held, record)) {
      return this.#fail(
        "SAP_BEFORE_IMAGE",
        `Expected the image before a change to be negated, as additive sources send it, but it came as the row was: ${this.#named(record.fields)}. Say \`kind: overwriting\` at the source.`,
      );
    }
    const before = held.counter;
    this.#add(held, record, counter);
    if (held.isAssumed === true && counter > 0) {
      // The record that was assumed: its creation came behind its difference.
      held.counter -= 1;
      held.isAssumed = false;
    }
    if (record.mode === "D" && before > 0 && held.counter <= 0) this.counts.deleted += 1;
    else if (counter >= 0) this.counts.set += 1;
  }

  /** A row that stands for one record must be undone by its negation; by itself it would be counted twice. */
  #isPlainBefore(held: Held, record: ChangeRecord): boolean {
    if (held.counter !== 1) return false;
    const text = (fields: readonly string[], at: number): string => numberText(fields[at] ?? "");
    const worth = this.#options.measures.filter((at) => this.#isAmount(held.fields[at]));
    return worth.length > 0 && worth.every((at) => sameDecimal(text(held.fields, at), text(record.fields, at)));
  }

  #add(held: Held, record: ChangeRecord, counter: number): void {
    const fields = [...(counter < 0 ? held.fields : record.fields)];
    for (const at of this.#options.measures) {
      const [mine, theirs] = [held.fields[at] ?? "", record.fields[at] ?? ""];
      const sum = addDecimals(numberText(mine), numberText(theirs));
      if (sum === undefined) {
        return this.#fail(
          "SAP_VALUE",
          `Expected numbers to add in ${this.#options.names[at]} but "${mine}" and "${theirs}" came with ${this.#named(record.fields)}. Correct the columns of the source.`,
        );
      }
      fields[at] = sum;
    }
    // A difference may come without the texts of its row.
    for (const [at, text] of held.fields.entries()) if (fields[at] === "") fields[at] = text;
    held.fields = fields;
    held.counter += counter;
  }

  #counterOf(record: ChangeRecord): number | undefined {
    // Of a source that does not count, a change leaves the row one row.
    if (numberText(record.counter) === "")
      return record.mode === "D" ? -1 : record.mode === "U" && this.#options.kind === "additive" ? 0 : 1;
    const counter = Number(numberText(record.counter));
    if (Number.isInteger(counter)) return counter;
    this.#fail(
      "SAP_CHANGE",
      `Expected ODQ_ENTITYCNTR to be a whole number but "${record.counter}" came with ${this.#named(record.fields)}. Nothing was changed. Ask who wrote the service.`,
    );
    return undefined;
  }

  #key(fields: readonly string[]): string {
    return this.#options.keys.map((at) => fields[at] ?? "").join("\u0000");
  }

  #named(fields: readonly string[]): string {
    return this.#options.keys.map((at) => `${this.#options.names[at]} "${fields[at] ?? ""}"`).join(", ");
  }

  #fail(code: Trouble["code"], said: string): void {
    this.#trouble ??= { code, said };
  }
}

const unitFields = ["ODQ_TSN", "ODQ_UNITNO", "ODQ_RECORDNO"] as const;

/** The fields that number a change within its delta: transaction, unit of work, record. */
export const orderFields: readonly string[] = unitFields;

/** Compares two changes by those numbers; equal where a service gives none. Numbers are compared as numbers of any length. */
export function byUnit(a: readonly string[], b: readonly string[]): number {
  for (const [at, left] of a.entries()) {
    const right = b[at] ?? "";
    if (left === right) continue;
    const [x, y] = [left, right].map((text) => text.replace(/^0+(?=\d)/, "")) as [string, string];
    const numeric = /^\d+$/.test(x) && /^\d+$/.test(y);
    if (numeric && x.length !== y.length) return x.length - y.length;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
