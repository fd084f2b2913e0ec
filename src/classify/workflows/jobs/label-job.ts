// Label: one pass over a file of items; every model codes every row; predictions, review items and figures come out together.
//
//   L1. Memory does not grow with the file: rows live for one batch, but for the bounded review candidates.
//   L4. Same file, same models, same bytes out.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { gather } from "../../../platform/bytes.ts";
import { isStockroomError } from "../../../platform/errors.ts";
import type { ReadHandle } from "../../../platform/objects/contract.ts";
import { openHandle } from "../../../platform/objects/handles.ts";
import { encodingNotes, numberNotes, readNumbers, readTable, type BadRow, type NumberedBatch } from "../../../platform/formats/index.ts";
import type { Item } from "../../engine/dataset.ts";
import { decodeModel, type Model } from "../../engine/model.ts";
import { openPredictors, type Prediction } from "../../engine/predict.ts";
import { cell, dialectOf, findColumns, howToSay, rowsWithTexts, underOurNames, type ItemColumns } from "./items.ts";
import type { LabelInput, LabelledLine, LabelResult } from "./label-contract.ts";
import { openLineCoder, type LineCoder } from "./line-coder.ts";
import { collectRejects } from "./rejects.ts";
import { checkSoldColumns, makeSoldReader, unreadNotes, type Sold } from "./sold.ts";
import { makeItemReader } from "./labelled.ts";

export const labelJob: ComputeTask<LabelInput, LabelResult> = { module: import.meta.url, name: "classify.label" };

/** Items whose look is counted for drift. */
const profiledItems = 10_000;

export async function run(input: LabelInput, tools: TaskTools): Promise<LabelResult> {
  const { signal } = tools;
  const rejects = collectRejects();
  const models: Model[] = [];
  for (const line of input.lines) models.push(decodeModel(await gather(openHandle(line.modelHandle, signal)), line.modelHandle.entry.key));
  const source = await openSource(input, models, rejects.add, signal);
  const { columns, names } = source;
  const reading = makeReading(names, models, input.floor);
  const isPlausible = makeWeightCheck(input, reading, columns, rejects.add);
  const lines: LineCoder[] = [];
  for (const [index, task] of input.lines.entries())
    lines.push(await openLineCoder({ input, task, model: models[index], columns, names, signal }));
  const elsewhere = await readOtherIds(input, signal);
  const shared: Record<string, number> = {};
  const stride = Math.max(1, Math.floor(input.source.entry.bytes / (120 * profiledItems)));
  let items = 0;
  try {
    for await (const good of source.sold()) {
      const read = reading.map((group) => good.map((sold) => group.read(sold.row)));
      const answers = reading.map((group, g) => group.predict(read[g] ?? []));
      const kept = good.flatMap((sold, index) => (isPlausible(sold, index, answers) ? [index] : []));
      const pick = <T>(list: readonly T[]): readonly T[] =>
        kept.length === good.length ? list : kept.flatMap((index) => list.slice(index, index + 1));
      const sold = pick(good);
      for (const [g, group] of reading.entries()) {
        const own = pick(read[g] ?? []);
        for (const [at, model] of group.models.entries())
          lines[model]?.take({ sold, items: own, answers: pick(answers[g]?.[at] ?? []), firstRow: items, stride });
      }
      for (const { id, units } of elsewhere.size === 0 ? [] : sold) {
        const other = elsewhere.get(slotOf(id, units < 0));
        if (other !== undefined) shared[other] = (shared[other] ?? 0) + 1;
      }
      for (const line of lines) await line.flush();
      items += sold.length;
      tools.progress(items, 0, "items coded");
    }
  } catch (error) {
    for (const line of lines) await line.fail(error);
    throw error;
  }
  const done: LabelledLine[] = [];
  for (const line of lines) done.push(await line.finish());
  const notes = [...source.notes(), ...Object.entries(shared).map(describeShared)];
  return { items, shared, notes, ...(await rejects.finish(input.source.entry, input.rejected, signal)), lines: done };
}

interface Source {
  readonly columns: ItemColumns;
  readonly names: readonly string[];
  /** What was sold, batch by batch. */
  sold(): AsyncGenerator<readonly Sold[]>;
  /** How the file was read, where that was found rather than known; complete after the last batch. */
  notes(): readonly string[];
}

/** Opens the file to be coded; the numbers its models read are brought into canonical text. Throws what `findColumns` and `checkSoldColumns` throw. */
async function openSource(
  input: LabelInput,
  models: readonly Model[],
  reject: (row: BadRow) => void,
  signal: AbortSignal,
): Promise<Source> {
  const { source } = input;
  const name = source.entry.key;
  const place = input.versions.kind === "by-date" ? input.versions : undefined;
  // A test set is a file of our own: it is in UTF-8 with decimal points, whatever people's files are in.
  const { encoding, decimal } = place === undefined ? { encoding: "utf-8", decimal: "." as const } : dialectOf(source.entry, input.columns);
  const opened = await readTable(openHandle(source, signal), { name, onBadRow: reject, signal, encoding });
  const taught = models.flatMap(({ card: { columns: own } }) => [...own.text, ...own.categories, ...own.numbers]);
  const { table, notes } = place === undefined ? { table: opened, notes: [] } : underOurNames(opened, input.columns, name, taught);
  const columns = findColumns(table.columns, input.columns, name);
  if (place !== undefined) checkSoldColumns(columns, input.columns, name);
  const amounts = [
    { name: input.columns.units, index: columns.units, signs: false },
    { name: input.columns.kg, index: columns.kg, signs: false },
  ].filter(({ index }) => index >= 0);
  const features = [...new Set(models.flatMap((model) => model.card.columns.numbers))]
    .map((column) => ({ name: column, index: table.columns.indexOf(column) }))
    .filter(({ index }) => index >= 0);
  const wanted = [...amounts, ...features.filter(({ index }) => !amounts.some((one) => one.index === index))];
  const numbers = readNumbers(table, { name, columns: wanted, onBadRow: reject, decimal, delimiter: table.delimiter, howToSay });
  const places = features.map(({ index }) => ({ index, from: wanted.findIndex((one) => one.index === index) }));
  const otherNames = tallyNames();
  let unread: readonly string[] | undefined;
  const readSold = makeSoldReader({
    columns,
    names: input.columns,
    limits: input.limits,
    place,
    delimiter: table.delimiter,
    reject,
    onOtherName: otherNames.add,
  });
  return {
    columns,
    names: table.columns,
    async *sold() {
      for await (const batch of numbers.batches) {
        if (place !== undefined) unread ??= unreadNotes(batch.rows, columns, input.columns, place);
        yield readSold(withNumberTexts(batch, places));
      }
    },
    notes: () => [
      ...notes,
      ...(unread ?? []),
      ...encodingNotes(name, table.encoding?.()),
      ...numberNotes(numbers.summary(), { constant: false }),
      ...otherNames.notes(place?.country ?? ""),
    ],
  };
}

/** Other names of the file's own country, and how many rows have each. */
function tallyNames(): { readonly add: (name: string) => void; readonly notes: (country: string) => readonly string[] } {
  const counts = new Map<string, number>();
  return {
    // A copy: a slice would keep its piece of the file in memory.
    add: (name) => void counts.set(counts.has(name) ? name : Buffer.from(name).toString(), (counts.get(name) ?? 0) + 1),
    notes: (country) =>
      [...counts].map(
        ([name, rows]) => `${rows} rows name the country "${name.slice(0, 40).toWellFormed()}", which is ${country}; they count.`,
      ),
  };
}

const describeShared = ([other, count]: readonly [string, number]): string =>
  `${count} of its items are also in ${other.slice(0, other.lastIndexOf("@"))} and count in both: delete one of the files, or leave them in one`;

/** An item as sold or as returned: in one file as the one, in another as the other, it is in neither twice. */
const slotOf = (id: string, returned: boolean): string => `${returned ? "-" : "+"}${id.trim()}`;

/** Negative units, however they are written: whether they are a number at all was looked at when their own file was coded. */
const negative = /^\s*[-−(]|[-−]\s*$/;

/** The items of other files of the same sales by slot, each with the file. One that cannot be read is in no figure, as its own coding tells. */
async function readOtherIds(input: LabelInput, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const handle of input.others) {
    const slots = await readSlots(handle, input.columns, signal).catch((error: unknown) => {
      if (isStockroomError(error) && error.kind === "input") return [];
      throw error;
    });
    for (const slot of slots) ids.set(slot, `${handle.entry.key}@${handle.entry.version}`);
  }
  return ids;
}

async function readSlots(handle: ReadHandle, columns: LabelInput["columns"], signal: AbortSignal): Promise<readonly string[]> {
  const { key } = handle.entry;
  const opened = await readTable(openHandle(handle, signal), {
    name: key,
    onBadRow: () => undefined,
    signal,
    encoding: dialectOf(handle.entry, columns).encoding,
  });
  const { table } = underOurNames(opened, columns, key);
  const [id, units] = [table.columns.indexOf(columns.id), table.columns.indexOf(columns.units)];
  const slots: string[] = [];
  for await (const { rows } of table.batches) for (const row of rows) slots.push(slotOf(cell(row, id), negative.test(cell(row, units))));
  return slots;
}

/** Rows with the numbers that models read in canonical text, however the file writes them. */
function withNumberTexts(batch: NumberedBatch, places: readonly { readonly index: number; readonly from: number }[]): NumberedBatch {
  if (places.length === 0) return batch;
  const indices = places.map(({ index }) => index);
  const numbers = places.map(({ from }) => batch.numbers[from] ?? new Float64Array(batch.rows.length));
  return { ...batch, rows: rowsWithTexts(batch.rows, indices, numbers) };
}

interface Reading {
  /** Indices of the models that read an item by the same columns. */
  readonly models: readonly number[];
  readonly read: (row: readonly string[]) => Item;
  /** One list of answers for each of the models. */
  readonly predict: (items: readonly Item[]) => Prediction[][];
}

/** Models that read an item by the same columns share the reading and the hashing. */
function makeReading(names: readonly string[], models: readonly Model[], floor: number): readonly Reading[] {
  const groups = new Map<string, number[]>();
  for (const [index, model] of models.entries()) {
    const key = JSON.stringify(model.card.columns);
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  return [...groups.values()].map((indices) => {
    const members = indices.map((index) => models[index]);
    return { models: indices, read: makeItemReader(names, members[0].card.columns), predict: openPredictors(members, { floor }).predict };
  });
}

/**
 * Makes the check whether a row's weight can be that of its code, by what was usual in earlier months; others are set apart, for every line alike.
 *
 * It is asked with the row's place in the batch and each model's answers, group by group.
 */
function makeWeightCheck(
  input: LabelInput,
  reading: readonly Reading[],
  columns: ItemColumns,
  reject: (row: BadRow) => void,
): (sold: Sold, index: number, answers: readonly (readonly (readonly Prediction[])[])[]) => boolean {
  const factor = input.limits.maxWeightFactor;
  const checks = reading.flatMap((group, g) =>
    group.models.flatMap((model, at) => {
      const task = input.lines[model];
      return task === undefined || Object.keys(task.usualKg).length === 0 ? [] : [{ task, g, at }];
    }),
  );
  if (input.versions.kind === "fixed" || checks.length === 0 || columns.kg < 0) return () => true;
  const show = (kg: number): string => String(Number(kg.toPrecision(3)));
  return (sold, index, answers) => {
    const unitKg = sold.units === 0 ? Number.NaN : sold.kg / sold.units;
    for (const { task, g, at } of checks) {
      const answer = answers[g]?.[at]?.[index];
      const usual = answer?.decision === "auto" ? task.usualKg[answer.code] : undefined;
      if (usual === undefined || !(unitKg > usual * factor || unitKg * factor < usual)) continue;
      reject({
        line: sold.line,
        column: columns.kg + 1,
        code: "ITEM_ABSURD",
        reason: `Expected about ${show(usual)} kg a unit, as is usual for ${answer?.code} of ${task.line}, but received ${show(unitKg)} (column "${input.columns.kg}": "${cell(sold.row, columns.kg).slice(0, 40)}"). Correct it, or raise classify.sales.maxWeightFactor.`,
        sample: sold.row.join(",").slice(0, 200).toWellFormed(),
      });
      return false;
    }
    return true;
  };
}
