// What a fit on few items says of itself, beside what comes: judged by a share set aside and by folds, in the same run.
//
//   node bench/classify/estimate.ts     writes bench/results/classify-estimate.md and .json
//
// Items are drawn from the real items by lot; a model is fitted on them with 12 trials, and asked about 3,000 others whose texts it has not seen. "Told" is
// the accuracy on its card, "came" the accuracy on the others, "within" in how many draws what came lies in the 95 % interval (Wilson) of what was told.
// Not measured: items that come from elsewhere than those learned from (a later year, another shop): no way of judging by one's own items tells of them.

import process from "node:process";
import { makeRandom } from "../../src/platform/random.ts";
import { openRows } from "../../src/classify/workflows/intake/rows.ts";
import { itemFile } from "../../src/classify/cli/files.ts";
import { parseCondition } from "../../src/platform/intake/conditions.ts";
import { hashItemText, makeDatasetBuilder, type Item } from "../../src/classify/engine/dataset.ts";
import { fitModel, type FitOptions } from "../../src/classify/engine/fit.ts";
import { wilson } from "../../src/classify/engine/intervals.ts";
import { openPredictor } from "../../src/classify/engine/predict.ts";
import { findReal } from "./data.ts";
import { writeResult } from "../machine.ts";

interface Row {
  readonly item: Item;
  readonly label: string;
}

interface Source {
  readonly name: string;
  readonly file: string;
  readonly text: readonly string[];
  readonly label: string;
  /** Items learned from, a row each. */
  readonly sizes: readonly number[];
}

const sources: readonly Source[] = [
  {
    name: "Open Repair, 40 categories",
    file: "ords_items.csv.gz",
    text: ["title", "brand", "description"],
    label: "category",
    sizes: [300, 600, 1200],
  },
  { name: "GPC, 76 families", file: "gpc_items.csv.gz", text: ["title", "description"], label: "lvl2", sizes: [300, 600] },
];
const draws = 6;
const trials = 12;
const asked = 3000;
const ways = [
  { name: "a share set aside", folds: 0 },
  { name: "5 folds", folds: 5 },
] as const;

async function read(folder: string, { file, text, label }: Source): Promise<readonly Row[]> {
  const { signal } = new AbortController();
  const rows = await openRows(itemFile(`${folder}/${file}`, signal), {
    conditions: [parseCondition("split=train")],
    onBadRow: () => undefined,
    signal,
  });
  const at = rows.at(label, "label");
  const all: Row[] = [];
  for await (const batch of rows.items({ text, categories: [], numbers: [] }))
    for (const [index, row] of batch.rows.entries()) {
      const item = batch.items[index];
      if (item !== undefined && item.text.some((one) => one.trim() !== "")) all.push({ item, label: row[at] ?? "" });
    }
  return all;
}

interface Told {
  readonly told: number;
  readonly came: number;
  readonly low: number;
  readonly high: number;
  readonly automatic: number;
  readonly cpuS: number;
}

function measure(
  { text }: Source,
  learned: readonly Row[],
  others: readonly Row[],
  more: { readonly folds: number; readonly seed: number },
): Told {
  const builder = makeDatasetBuilder({ text, categories: [], numbers: [] });
  for (const { item, label } of learned) builder.add(item, label);
  const options: FitOptions = { ...more, trials, label: "label", date: "", data: { name: "", hash: "", rows: learned.length, badRows: 0 } };
  const started = process.cpuUsage();
  const model = fitModel(builder.build(), options);
  const used = process.cpuUsage(started);
  const answers = openPredictor(model, { evidence: false }).predict(others.map(({ item }) => item));
  const right = others.filter(({ label }, i) => answers[i]?.code === label).length;
  const { accuracy, coverage } = model.card.metrics;
  const judged = model.card.items.validation;
  const { low, high } = wilson(Math.round(accuracy * judged), judged);
  return { told: accuracy, came: right / others.length, low, high, automatic: coverage, cpuS: (used.user + used.system) / 1e6 };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

const folder = findReal();
if (folder === undefined) throw new Error("Expected the real items under STOCKROOM_DATA but there are none.");
const figures: Record<string, unknown>[] = [];
const lines: string[][] = [];
for (const source of sources) {
  const rows = await read(folder, source);
  for (const size of source.sizes) {
    const told = new Map<string, Told[]>(ways.map(({ name }) => [name, []]));
    for (let draw = 1; draw <= draws; draw++) {
      const random = makeRandom(draw * 7919 + size);
      const order = [...rows.keys()]
        .map((index) => ({ index, place: random.next() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ index }) => index);
      const learned = order.slice(0, size).flatMap((index) => rows[index] ?? []);
      const seen = new Set(learned.map(({ item }) => hashItemText(item)));
      const others = order
        .slice(size)
        .flatMap((index) => rows[index] ?? [])
        .filter(({ item }) => !seen.has(hashItemText(item)))
        .slice(0, asked);
      for (const { name, folds } of ways) told.get(name)?.push(measure(source, learned, others, { folds, seed: draw }));
    }
    for (const [way, all] of told) {
      const within = all.filter(({ came, low, high }) => came >= low && came <= high).length;
      const row = {
        data: source.name,
        items: size,
        way,
        told: mean(all.map((one) => one.told)),
        came: mean(all.map((one) => one.came)),
        gap: mean(all.map((one) => one.told - one.came)),
        within,
        draws,
        automatic: mean(all.map((one) => one.automatic)),
        cpuS: mean(all.map((one) => one.cpuS)),
      };
      figures.push(row);
      const cells = [percent(row.told), percent(row.came), (100 * row.gap).toFixed(1), `${within} of ${draws}`, percent(row.automatic)];
      lines.push([row.data, String(row.items), row.way, ...cells, row.cpuS.toFixed(1)]);
      process.stderr.write(`${(lines.at(-1) ?? []).join(" | ")}\n`);
    }
  }
}
writeResult("classify-estimate", {
  title: "What a fit on few items says of itself",
  about: `${trials} trials on items drawn by lot, ${draws} draws a row; then ${asked} others whose texts were not learned from. Told: the accuracy on the model's card. Came: the accuracy on the others. Within: draws in which what came lies in the 95 % interval (Wilson) of what was told.`,
  command: "node bench/classify/estimate.ts",
  tables: [
    {
      caption: "Told and came",
      columns: ["items of", "number", "judged by", "told", "came", "told less came, points", "within", "automatic", "CPU s a fit"],
      rows: lines,
    },
  ],
  notes: [
    "A share set aside judges 30 % of the items and chooses among the trials by them; folds judge every item once, each by a model of hyperparameters that the other folds chose.",
  ],
  notMeasured: ["Items that come from elsewhere than those learned from.", "Other numbers of trials."],
  facts: figures,
});
