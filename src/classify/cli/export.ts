// export: a model file as ONNX for other programs, with the rule that feeds it and vectors that prove both.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { defineCommand, type Command, type CommandTools } from "../../platform/command/contract.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Model } from "../engine/model.ts";
import { exportOnnx } from "../engine/onnx.ts";
import type { Item } from "../engine/dataset.ts";
import { collectBadRows, itemFile, readingArgs, readingOf, refuseBadFile, type BadRows, type Reading } from "./files.ts";
import { readModel } from "./model-file.ts";
import { openRows } from "../workflows/intake/rows.ts";

const sampleRows = 20;

/** `stockroom classify export MODEL --out FOLDER [--samples FILE]`. Opens no app. */
export const exportCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: {
      name: "export",
      description: `write a model file as ONNX, with the hashing rule as JSON and test vectors
Examples:
  stockroom classify export m.model --out m-onnx --samples items.csv
The vectors hold the samples' text; without --samples they are made up.`,
    },
    args: {
      model: { type: "positional", required: true, description: "a model file of `classify fit`" },
      out: { type: "string", required: true, description: "folder for model.onnx, rule.json and vectors.json" },
      samples: {
        type: "string",
        description: `items with the model's columns; the first ${sampleRows} become test vectors`,
        valueHint: "FILE",
      },
      ...readingArgs,
    },
    run: async ({ args }) => {
      const bad = collectBadRows();
      const model = await readModel(args.model);
      const samples =
        args.samples === undefined ? madeUp(model) : await readSamples(args.samples, { model, reading: readingOf(args), bad }, tools);
      const { onnx, rule, vectors } = exportOnnx(model, samples);
      await mkdir(args.out, { recursive: true });
      await writeFile(path.join(args.out, "model.onnx"), onnx);
      await writeFile(path.join(args.out, "rule.json"), `${JSON.stringify(rule)}\n`);
      await writeFile(path.join(args.out, "vectors.json"), `${JSON.stringify(vectors)}\n`);
      tools.print.line(
        `${args.out}: model.onnx (${onnx.byteLength} bytes, ${model.classes.length} codes), rule.json, vectors.json (${vectors.length} items)`,
      );
      bad.tell(tools);
    },
  });

async function readSamples(
  file: string,
  { model, reading, bad }: { readonly model: Model; readonly reading: Reading; readonly bad: BadRows },
  tools: CommandTools,
): Promise<readonly Item[]> {
  const rows = await openRows(itemFile(file, tools.signal), {
    ...reading,
    reading: model.card.reading,
    conditions: [],
    onBadRow: bad.add,
    signal: tools.signal,
  });
  const samples: Item[] = [];
  let usable = 0;
  for await (const batch of rows.items(model.card.columns)) {
    usable += batch.items.length;
    samples.push(...batch.items.slice(0, sampleRows - samples.length));
    if (samples.length >= sampleRows) break;
  }
  for (const note of rows.notes()) tools.print.say(note);
  const refused = "Nothing was exported.";
  await refuseBadFile(bad, { file, damaged: bad.count, usable, maxBad: reading.maxBad, refused }, tools);
  if (samples.length === 0) {
    throw new StockroomError(
      "input",
      "EXPORT_NO_SAMPLES",
      `Expected items in ${file} to make test vectors of but there is none. Add some, or leave --samples out.`,
      {
        facts: { file },
      },
    );
  }
  return samples;
}

/** Items of every kind of writing the rule must get right. */
function madeUp(model: Model): readonly Item[] {
  const { text, categories, numbers } = model.card.columns;
  const texts = [
    "steel kettle 1.7 L",
    "Kühlschrank, Größe XL",
    "cafetière à piston",
    "電気ケトル 1.2L",
    "ＵＳＢ－Ｃ ﬁne",
    "x",
    "",
    "the same word the same word",
  ];
  return texts.map((value) => ({
    text: text.map((_, column) => (column === 0 ? value : "")),
    categories: categories.map((_, column) => (column === 0 ? "made-up" : "")),
    numbers: numbers.map(() => "12.5"),
  }));
}
