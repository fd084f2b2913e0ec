// fit: a model from labelled items.

import path from "node:path";
import process from "node:process";
import { defineCommand, type Command, type CommandTools, type Printer } from "../../platform/command/contract.ts";
import { jsonFlag, readNumber, readWhole, repeated, readThreads } from "../../platform/command/flags.ts";
import { bytesText, counted, percent, rounded } from "../../platform/figures.ts";
import { withProgress } from "../../platform/command/output.ts";
import { openCompute } from "../../platform/compute/index.ts";
import { StockroomError } from "../../platform/errors.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import { makeLog } from "../../platform/log.ts";
import { describeLabels, makeDatasetBuilder, type Dataset } from "../engine/dataset.ts";
import { usualFloor, whyNothing } from "../engine/decisions.ts";
import { wilson } from "../engine/intervals.ts";
import { fitModel, fitModelWith, planFit, type FitOptions } from "../engine/fit.ts";
import { encodeModel, type Model } from "../engine/model.ts";
import { appraiseJob } from "../workflows/jobs/appraise-job.ts";
import { dayOf } from "../workflows/jobs/items.ts";
import { learnJob } from "../workflows/jobs/learn-job.ts";
import { trialJob } from "../workflows/jobs/trial-job.ts";
import { catalogueFlags, takeCatalogue, type TakenCatalogue } from "./intake.ts";
import { collectBadRows, readingArgs, readingOf, refuseBadFile, type BadRows, type Reading } from "./files.ts";
import { type Condition, parseCondition } from "../../platform/intake/conditions.ts";
import { openRows } from "./rows.ts";
import { where } from "./model-file.ts";

export const fitCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: {
      name: "fit",
      description: `learn a model from labelled items
Examples:
  stockroom classify fit catalogue.csv
  stockroom classify fit products_export.csv --map "Title=text,Type=label" --out types.model
Without --label and --text together the file is taken in as it lies: what its columns are is found and told.`,
    },
    args: {
      file: { type: "positional", required: true, description: "labelled items: CSV, TSV, JSONL, Parquet or Excel, also gzip" },
      label: {
        type: "string",
        description: "the column that holds the right code; several: one a level of a path; absent: found",
        valueHint: "a",
      },
      text: { type: "string", description: "text columns, the most telling first; absent: found", valueHint: "a,b" },
      ...catalogueFlags,
      categories: { type: "string", description: "columns of few different values; none: no such column", valueHint: "a,b" },
      numbers: { type: "string", description: "columns of numbers", valueHint: "a,b" },
      out: { type: "string", description: "the model file; absent: FILE with the ending .model" },
      where,
      valid: { type: "string", description: "labelled items to judge by, all rows of the file; absent: a part of the items is set aside" },
      group: { type: "string", description: "rows equal in this column stay on one side of the split; absent: equal texts" },
      trials: { type: "string", description: "hyperparameter trials", default: "1" },
      seed: { type: "string", default: "1" },
      precision: { type: "string", description: "promised precision of automatic decisions", default: "0.98" },
      floor: {
        type: "string",
        description: "least probability of an automatic decision",
        default: String(usualFloor),
      },
      date: { type: "string", description: "the date on the model; absent: SOURCE_DATE_EPOCH, or the newest date in the data" },
      threads: { type: "string", description: "threads that learn; absent: as many as there are processors" },
      ...readingArgs,
      json: jsonFlag,
    },
    run: async ({ args, rawArgs }) => {
      const asked = {
        trials: readWhole("--trials", args.trials, 1, 1000),
        seed: readWhole("--seed", args.seed, 0, 2 ** 31 - 1),
        promise: readNumber("--precision", args.precision, { above: 0.5, below: 1 }),
        floor: readNumber("--floor", args.floor, { least: 0, below: 1 }),
      };
      const threads = readThreads(args.threads);
      const reading = readingOf(args);
      const conditions = repeated(rawArgs, "where").map(parseCondition);
      const out = args.out ?? `${path.basename(args.file).replace(/(?:\.(?:csv|tsv|txt|jsonl|parquet|xlsx|gz|zip))+$/i, "")}.model`;
      const started = process.cpuUsage();
      const taken = await takeCatalogue(args, { rawArgs, conditions, out }, tools);
      const bad = collectBadRows();
      const read = await readLabelled(
        { file: args.file, valid: args.valid, conditions, ...taken },
        { ...reading, bad, signal: tools.signal },
      );
      for (const note of read.notes) tools.print.say(note);
      const bound = { file: args.file, damaged: read.damaged, usable: read.items, maxBad: reading.maxBad };
      await refuseBadFile(bad, { ...bound, refused: "No model was made.", out }, tools);
      const options: FitOptions = {
        ...asked,
        label: taken.label.columns.join(" > "),
        date: args.date ?? sourceDate() ?? read.newest,
        data: { name: path.basename(args.file), hash: read.hash, rows: read.rows, badRows: bad.count },
        ...(taken.reading === undefined ? {} : { reading: taken.reading }),
        ...(read.validationFrom === undefined ? {} : { validationFrom: read.validationFrom }),
      };
      const dataset = read.build();
      const notes = [...read.notes, ...notesOfDataset(dataset)];
      for (const note of notes.slice(read.notes.length)) tools.print.say(note);
      const model = await fitOnThreads(dataset, options, tools, threads);
      const bytes = encodeModel(model);
      await writeFileAtomically(out, bytes);
      await bad.write(out, tools);
      const used = process.cpuUsage(started);
      const learned = { out, bytes: bytes.byteLength, badRows: bad.count, notes };
      tell(model, { ...learned, cpuS: rounded((used.user + used.system) / 1e6, 2), promise: asked.promise }, args.json, tools.print);
    },
  });

/** What codes and texts say against what is learned from them, in sentences. */
function notesOfDataset(dataset: Dataset): readonly string[] {
  const { codes, single, mixed, rows, alike } = describeLabels(dataset);
  return [
    ...(single === 0
      ? []
      : [
          `${single} of ${counted(codes, "code")} ${single === 1 ? "has" : "have"} one item: learned from, but an item of such a code that is set aside always counts as wrong.`,
        ]),
    ...(alike.length === 0
      ? []
      : [
          `Codes that differ in case or blanks alone are different codes: ${alike.map((names) => names.map((name) => `"${name}"`).join(" and ")).join("; ")}.`,
        ]),
    ...(mixed === 0
      ? []
      : [
          `${counted(mixed, "text")} ${mixed === 1 ? "stands" : "stand"} with different codes (${counted(rows, "row")}): all are learned from, and one of the codes at most can be right.`,
        ]),
  ];
}

interface LabelledFiles extends TakenCatalogue {
  readonly file: string;
  /** Items to judge by; absent: a part of those of `file`. */
  readonly valid: string | undefined;
  readonly conditions: readonly Condition[];
}

/** What was read to learn from. */
interface Labelled {
  readonly items: number;
  readonly rows: number;
  /** Bad rows but for those without a code: a file of items labelled in part is usual and no damage. */
  readonly damaged: number;
  readonly validationFrom: number | undefined;
  /** The newest date in the data, "" where it has none. */
  readonly newest: string;
  readonly notes: readonly string[];
  readonly hash: string;
  build(): Dataset;
}

/** Reads the files of a fit. Throws `input` `FIT_NO_VALIDATION`, and what opening rows throws. */
async function readLabelled(
  { file, valid, label, group, id, columns, conditions, reading: asItLies }: LabelledFiles,
  { bad, ...reading }: Reading & { readonly bad: BadRows; readonly signal: AbortSignal },
): Promise<Labelled> {
  const builder = makeDatasetBuilder(columns);
  const notes: string[] = [];
  let [newest, rowsRead, unlabelled, wordless] = ["", 0, 0, 0];
  const read = async (name: string, filters: readonly Condition[]): Promise<string> => {
    const rows = await openRows(name, { ...reading, reading: asItLies, conditions: filters, onBadRow: bad.add });
    const codeOf = rows.labels(label);
    const labelAt = rows.at(label.columns[0] ?? "", "label column");
    const groupAt = group === undefined ? -1 : rows.at(group, "group column");
    const idAt = id === undefined ? -1 : rows.at(id, "id column");
    const days = rows.columns.flatMap((column, index) => (/^date$|_date$/i.test(column) ? [index] : []));
    for await (const batch of rows.items(columns)) {
      for (const [index, row] of batch.rows.entries()) {
        rowsRead += 1;
        const code = codeOf(row);
        if (code === "" && asItLies !== undefined) {
          unlabelled += 1;
          continue;
        }
        if (code === "") {
          const reason = `Expected a code in the column "${label.columns.join('", "')}" but it is empty. Fill it in or filter the row out.`;
          bad.add({ line: batch.lines[index], column: labelAt + 1, code: "FIT_NO_LABEL", reason, sample: "" });
          unlabelled += 1;
          continue;
        }
        for (const day of days) {
          const found = dayOf(row[day] ?? "") ?? "";
          if (found > newest) newest = found;
        }
        const item = batch.items[index];
        if (item.text.every((text) => text.trim() === "")) wordless += 1;
        // A row that names no group is one of its own.
        const named = groupAt < 0 ? "" : (row[groupAt] ?? "").trim() || (row[idAt] ?? "").trim();
        builder.add(item, code, named === "" ? undefined : named);
      }
    }
    notes.push(...rows.notes());
    return rows.hash();
  };
  let hash = await read(file, conditions);
  const validationFrom = valid === undefined ? undefined : builder.size;
  if (valid !== undefined) {
    // A condition such as split=train picks the rows to learn from; it is not meant for the file to judge by.
    hash += await read(valid, []);
    if (builder.size === validationFrom) {
      throw new StockroomError(
        "input",
        "FIT_NO_VALIDATION",
        `Expected labelled items in ${valid} but there are none. Leave --valid out to set items aside.`,
      );
    }
  }
  if (asItLies !== undefined && unlabelled > 0) notes.push(`${unlabelled} of ${counted(rowsRead, "row")} have no code and teach nothing.`);
  if (wordless > 0) notes.push(`${counted(wordless, "item")} with a code ${wordless === 1 ? "has" : "have"} no text at all.`);
  const counts = { items: builder.size, rows: rowsRead, damaged: asItLies === undefined ? bad.count - unlabelled : bad.count };
  return { ...counts, validationFrom, newest, notes, hash, build: () => builder.build() };
}

interface Learned {
  readonly out: string;
  readonly bytes: number;
  readonly badRows: number;
  readonly notes: readonly string[];
  readonly cpuS: number;
  readonly promise: number;
}

function tell(model: Model, { out, bytes, badRows, notes, cpuS, promise }: Learned, json: boolean, print: Printer): void {
  const { metrics, items, date, trials } = model.card;
  const judged = items.validation;
  if (json) {
    print.json({
      model: out,
      bytes,
      features: model.buckets.length,
      classes: model.classes.length,
      items: items.train,
      bad_rows: badRows,
      notes,
      date,
      trials: trials.length,
      judged_items: judged,
      folds: model.card.folds ?? null,
      validation: judged === 0 ? null : snake(metrics),
      why_nothing_automatic: judged === 0 ? null : (whyNothing(model.decisions, judged) ?? null),
      parameters: model.parameters,
      cpu_s: cpuS,
    });
    return;
  }
  const share = (value: number): string => percent(value, { of: judged });
  const { low, high } = wilson(Math.round(metrics.accuracy * judged), judged);
  const by =
    model.card.folds === undefined
      ? `On ${judged} items set aside`
      : `Judged in ${model.card.folds} parts, each by what the others teach, over ${judged} items`;
  const accuracy = judged === 0 ? share(metrics.accuracy) : `${share(metrics.accuracy)} (${percent(low)} to ${percent(high)})`;
  print.line(`Learned ${model.classes.length} codes from ${items.train} items (${badRows} bad rows) in ${cpuS} s of CPU.`);
  print.line(
    `${by}: accuracy ${accuracy}, macro-F1 ${share(metrics.macroF1)}; ${share(metrics.coverage)} decided automatically at a promised precision of ${percent(promise)}.`,
  );
  const nothing = whyNothing(model.decisions, judged);
  if (nothing !== undefined) print.line(`Nothing is decided automatically: ${nothing}`);
  print.line(`Wrote ${out} (${bytesText(bytes)}).`);
}

/** Fewer items are learned in the time that two threads take to start. */
const FEWEST_FOR_THREADS = 5000;

/** Trials run side by side, and so do the two parts of the end. The model is the same to the byte as from one thread. */
async function fitOnThreads(dataset: Dataset, options: FitOptions, tools: CommandTools, threads: number): Promise<Model> {
  const { trials = 1 } = options;
  if (threads <= 1 || (trials === 1 && dataset.size < FEWEST_FOR_THREADS)) return fitModel(dataset, options);
  const plan = planFit(dataset, options, true);
  const compute = openCompute({ threads: Math.min(threads, Math.max(2, trials)), log: makeLog({ level: "silent" }) });
  const { signal } = tools;
  let done = 0;
  try {
    return await withProgress(tools, "trials", async (progress) =>
      fitModelWith(plan, options, {
        runTrials: (specs) =>
          Promise.all(
            specs.map(async (spec) => {
              const result = await compute.run(trialJob, { plan, spec }, { signal });
              done += 1;
              progress.update(done, Math.max(done, trials), `${done} of ${trials}`);
              return result;
            }),
          ),
        appraise: ({ parameters, ofFolds }) => compute.run(appraiseJob, { plan, chosen: { parameters, ofFolds }, options }, { signal }),
        learn: (parameters) => compute.run(learnJob, { plan, parameters, options }, { signal }),
      }),
    );
  } finally {
    await compute.close();
  }
}

/** Reproducible builds set this: https://reproducible-builds.org/specs/source-date-epoch/ */
function sourceDate(): string | undefined {
  const seconds = process.env["SOURCE_DATE_EPOCH"];
  return seconds !== undefined && /^\d+$/.test(seconds) ? new Date(Number(seconds) * 1000).toISOString() : undefined;
}

const snake = (record: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name.replace(/([a-z])([A-Z0-9])/g, "$1_$2").toLowerCase(), value]));
