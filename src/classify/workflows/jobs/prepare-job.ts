// Prepare: reads the files a line learns from, once, and seals what the later steps need: the items as columns, and the unseen ones for the comparison.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { once } from "../../../platform/bytes.ts";
import { writeThrough } from "../../../platform/objects/handles.ts";
import { writeTable } from "../../../platform/formats/index.ts";
import { checkLearnable, type Item } from "../../engine/dataset.ts";
import { readLabelled, type LabelledInput, type LabelledSet } from "./labelled.ts";
import { encodePrepared, type PreparedItems } from "./prepared.ts";

export interface PrepareInput {
  readonly labelled: LabelledInput;
  readonly minRows: number;
  readonly test: WriteHandle;
  /** All items as columns (prepared.ts). */
  readonly prepared: WriteHandle;
}

export interface PrepareResult {
  readonly counts: Readonly<
    Record<"rows" | "learn" | "test" | "classes" | "answers" | "ground" | "replaced" | "unmapped" | "badRows" | "others", number>
  >;
  readonly version: string;
  readonly newestDay: string;
  readonly reasons: readonly string[];
  readonly test: StagedObject;
  readonly prepared: StagedObject;
}

export const prepareJob: ComputeTask<PrepareInput, PrepareResult> = { module: import.meta.url, name: "classify.prepare" };

export async function run(input: PrepareInput, tools: TaskTools): Promise<PrepareResult> {
  const { labelled } = input;
  const set = await readLabelled(labelled, tools.signal);
  const count = (side: string): number => set.sides.filter((one) => one === side).length;
  checkLearnable(set.items, input.minRows);
  const [learn, test] = [count("learn"), count("test")];
  const codes = new Set(set.sides.flatMap((side, index) => (side === "learn" ? [set.items.labels[index]] : [])));
  if (codes.size < 2 || test + set.ground.length === 0) {
    throw new StockroomError(
      "input",
      "FIT_ONE_GROUP",
      `Expected the ${set.items.size} items of ${labelled.country}-${labelled.scheme} to fall on both sides of the split, with two codes to learn, but ${learn} are to learn from (${codes.size} codes) and ${test} to test on: too many share one group or text. Add items of other groups.`,
      { facts: { learn, test } },
    );
  }
  return {
    counts: {
      rows: set.items.size,
      learn,
      test,
      classes: set.items.classes.length,
      answers: set.answers,
      ground: set.ground.length,
      replaced: set.replaced,
      unmapped: set.unmapped,
      badRows: set.badRows,
      others: set.others,
    },
    version: set.version,
    newestDay: set.newestDay,
    reasons: set.reasons,
    test: await writeThrough(input.test, testTable(set, labelled), tools.signal),
    prepared: await writeThrough(input.prepared, once(encodePrepared(preparedOf(set))), tools.signal),
  };
}

const preparedOf = (set: LabelledSet): PreparedItems => ({
  items: set.items,
  isTest: Uint8Array.from(set.sides, (side) => (side === "test" ? 1 : 0)),
});

/**
 * The unseen items in the app format: those kept from before, then the new ones. `code` is what both models are judged by ("" where no mapping brings a
 * kept label into the version), `latest` the label by the files of today, `kept_code` and `kept_version` the label kept.
 */
function testTable(set: LabelledSet, input: LabelledInput): AsyncIterable<Uint8Array> {
  const { text, categories, numbers } = set.columns;
  const names = input.columns;
  // A column may be both text and category; in the file it stands once.
  const item = [
    ...text.map((name, at) => ({ name, kind: "text" as const, at })),
    ...categories.map((name, at) => ({ name, kind: "categories" as const, at })),
    ...numbers.map((name, at) => ({ name, kind: "numbers" as const, at })),
  ].filter((column, index, all) => all.findIndex((one) => one.name === column.name) === index);
  const labels = ["code", "latest", "scheme_version", "kept_code", "kept_version"];
  const columns = [names.id, names.country, names.date, ...item.map((column) => column.name), ...labels];
  const valuesOf = (values: Item): string[] => item.map((column) => values[column.kind][column.at] ?? "");
  const rows: string[][] = set.ground.map((one) => [
    one.id,
    input.country,
    one.day,
    ...valuesOf(one.item),
    one.truth,
    one.latest,
    set.version,
    one.code,
    one.version ?? "",
  ]);
  for (const [index, side] of set.sides.entries()) {
    const values = set.items.items[index];
    if (side !== "test" || values === undefined || set.kept[index]) continue;
    const code = set.items.classes[set.items.labels[index] ?? -1] ?? "";
    rows.push([set.ids[index] ?? "", input.country, set.days[index] ?? "", ...valuesOf(values), code, code, set.version, "", ""]);
  }
  const batches = (async function* () {
    const size = 2048;
    for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
  })();
  return writeTable(batches, { format: "csv", columns });
}
