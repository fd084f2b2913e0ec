// fit: a model from labelled items.

import path from "node:path";
import process from "node:process";
import { defineCommand, type Command, type CommandTools, type Printer } from "../../platform/command/contract.ts";
import { jsonFlag, readNumber, readWhole, repeated, readThreads } from "../../platform/command/flags.ts";
import { bytesText, counted, percent, rounded } from "../../platform/figures.ts";
import { withProgress } from "../../platform/command/output.ts";
import { openCompute } from "../../platform/compute/index.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import { makeLog } from "../../platform/log.ts";
import { describeLabels, type Dataset } from "../engine/dataset.ts";
import { usualFloor, whyNothing } from "../engine/decisions.ts";
import { wilson } from "../engine/intervals.ts";
import { fitModel, fitModelWith, planFit, type FitOptions } from "../engine/fit.ts";
import { encodeModel, type Model } from "../engine/model.ts";
import { appraiseJob } from "../workflows/jobs/appraise-job.ts";
import { learnJob } from "../workflows/jobs/learn-job.ts";
import { trialJob } from "../workflows/jobs/trial-job.ts";
import { readLabelledFiles } from "../workflows/intake/apply.ts";
import { catalogueFlags, takeCatalogue } from "./intake.ts";
import { collectBadRows, itemFile, readingArgs, readingOf, refuseBadFile } from "./files.ts";
import { parseCondition } from "../../platform/intake/conditions.ts";
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
      seed: { type: "string", description: "Same items and same seed, same model", default: "1", valueHint: "N" },
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
      const files = {
        file: itemFile(args.file, tools.signal),
        valid: args.valid === undefined ? undefined : itemFile(args.valid, tools.signal),
      };
      const read = await readLabelledFiles({ ...files, conditions, ...taken }, { ...reading, onBadRow: bad.add, signal: tools.signal });
      for (const note of read.notes) tools.print.say(note);
      const bound = { file: args.file, damaged: read.damaged, usable: read.items, maxBad: reading.maxBad };
      await refuseBadFile(bad, { ...bound, refused: "No model was made.", out }, tools);
      const options: FitOptions = {
        ...asked,
        label: taken.label.columns.join(" > "),
        date: args.date ?? sourceDate() ?? read.newest,
        data: { name: path.basename(args.file), hash: read.hash, rows: read.rows, badRows: read.badRows },
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
