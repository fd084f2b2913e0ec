// The commands of the engine: fit, predict, evaluate. Files in, files out; no app is opened, nothing else is touched.
//
//   E1. The same files, options and seed give the same bytes: the date of a model comes from the data, never from the clock.
//   E2. An output appears whole under its name or not at all.
//   E3. Bad rows end up in OUTPUT.bad.jsonl with line and reason, and the exit code is 3. Past a bound (--max-bad) the file is refused as a whole.

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import process from "node:process";
import { defineCommand, type Command, type CommandTools } from "../../platform/command/contract.ts";
import { jsonFlag, readNames, repeated } from "../../platform/command/flags.ts";
import { openCompute } from "../../platform/compute/index.ts";
import { StockroomError } from "../../platform/errors.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import { makeLog } from "../../platform/log.ts";
import { formatOf, writeTable } from "../../platform/formats/index.ts";
import { makeDatasetBuilder, type Item } from "../engine/dataset.ts";
import { openEvaluator, type Evaluation } from "../engine/evaluate.ts";
import { usualFloor } from "../engine/decisions.ts";
import { fitModel, fitModelWith, planFit, type FitOptions } from "../engine/fit.ts";
import { decodeModel, encodeModel, type Model } from "../engine/model.ts";
import { openPredictor, type Evidence } from "../engine/predict.ts";
import { appraiseJob } from "../workflows/jobs/appraise-job.ts";
import { dayOf } from "../workflows/jobs/items.ts";
import { learnJob } from "../workflows/jobs/learn-job.ts";
import { trialJob } from "../workflows/jobs/trial-job.ts";
import { exportCommand } from "./export.ts";
import { collectBadRows, readingArgs, readingOf, refuseBadFile } from "./files.ts";
import { openRows, parseCondition, type Condition } from "./rows.ts";

/** `fit`, `predict`, `evaluate`, `export`, to be mounted under `stockroom classify`. */
export function makeEngineCommands(tools: CommandTools): Record<string, Command> {
  return { fit: fitCommand(tools), predict: predictCommand(tools), evaluate: evaluateCommand(tools), export: exportCommand(tools) };
}

const where = {
  type: "string",
  description: "only rows with COLUMN=VALUE (or !=; several values with commas); may be given again",
  valueHint: "COLUMN=VALUE",
} as const;

const floor = {
  type: "string",
  description: "least probability of an automatic decision; only above the one of the fit does it change anything",
} as const;

const floorOf = (text: string | undefined): { readonly floor?: number } =>
  text === undefined ? {} : { floor: probability("--floor", text) };

const fitCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: { name: "fit", description: "learn a model from labelled items" },
    args: {
      file: { type: "positional", required: true, description: "labelled items: CSV, TSV, JSONL or Parquet, also gzip" },
      label: { type: "string", description: "the column that holds the right code", required: true },
      text: { type: "string", description: "text columns, the most telling first", required: true, valueHint: "a,b" },
      categories: { type: "string", description: "columns of few different values", valueHint: "a,b" },
      numbers: { type: "string", description: "columns of numbers", valueHint: "a,b" },
      out: { type: "string", description: "the model file", required: true },
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
      const conditions = repeated(rawArgs, "where").map(parseCondition);
      const columns = { text: readNames(args.text), categories: readNames(args.categories), numbers: readNames(args.numbers) };
      if (columns.text.length === 0) throw usage("--text", "at least one column", args.text);
      const trials = wholeNumber("--trials", args.trials, 1, 1000);
      const seed = wholeNumber("--seed", args.seed, 0, 2 ** 31 - 1);
      const promise = Number(args.precision);
      if (!(promise > 0.5 && promise < 1)) throw usage("--precision", "a number between 0.5 and 1", args.precision);
      const reading = readingOf(args);
      const floor = probability("--floor", args.floor);
      const bad = collectBadRows();
      const builder = makeDatasetBuilder(columns);
      const notes: string[] = [];
      let newest = "";
      let rowsRead = 0;
      let unlabelled = 0;

      const read = async (file: string, filters: readonly Condition[]): Promise<string> => {
        const rows = await openRows(file, { ...reading, conditions: filters, onBadRow: bad.add, signal: tools.signal });
        const label = rows.at(args.label, "label column");
        const group = args.group === undefined ? -1 : rows.at(args.group, "group column");
        const days = rows.columns.flatMap((name, index) => (/^date$|_date$/i.test(name) ? [index] : []));
        for await (const batch of rows.items(columns)) {
          for (const [index, row] of batch.rows.entries()) {
            rowsRead += 1;
            const code = (row[label] ?? "").trim();
            if (code === "") {
              const reason = `Expected a code in the column "${args.label}" but it is empty. Fill it in or filter the row out.`;
              bad.add({ line: batch.lines[index], column: label + 1, code: "FIT_NO_LABEL", reason, sample: "" });
              unlabelled += 1;
              continue;
            }
            for (const day of days) {
              const found = dayOf(row[day] ?? "") ?? "";
              if (found > newest) newest = found;
            }
            builder.add(batch.items[index], code, group < 0 ? undefined : (row[group] ?? ""));
          }
        }
        notes.push(...rows.notes());
        return rows.hash();
      };

      const started = process.cpuUsage();
      let hash = await read(args.file, conditions);
      const validationFrom = args.valid === undefined ? undefined : builder.size;
      if (args.valid !== undefined) {
        // A condition such as split=train picks the rows to learn from; it is not meant for the file to judge by.
        hash += await read(args.valid, []);
        if (builder.size === validationFrom) {
          throw new StockroomError(
            "input",
            "FIT_NO_VALIDATION",
            `Expected labelled items in ${args.valid} but there are none. Leave --valid out to set items aside.`,
          );
        }
      }
      for (const note of notes) tools.print.say(note);
      // Rows without a code are no damage: a file of items labelled in part is usual.
      const damaged = bad.count - unlabelled;
      const refused = "No model was made.";
      await refuseBadFile(bad, { file: args.file, damaged, usable: builder.size, maxBad: reading.maxBad, refused, out: args.out }, tools);
      const dataset = builder.build();
      const options: FitOptions = {
        seed,
        trials,
        promise,
        floor,
        label: args.label,
        date: args.date ?? sourceDate() ?? newest,
        data: { name: path.basename(args.file), hash, rows: rowsRead, badRows: bad.count },
        ...(validationFrom === undefined ? {} : { validationFrom }),
      };
      const model = await fitOnThreads(dataset, options, tools, args.threads);
      const bytes = encodeModel(model);
      await writeFileAtomically(args.out, bytes);
      await bad.write(args.out, tools);
      const used = process.cpuUsage(started);
      const report = {
        model: args.out,
        bytes: bytes.byteLength,
        features: model.buckets.length,
        classes: model.classes.length,
        items: model.card.items.train,
        bad_rows: bad.count,
        notes,
        date: model.card.date,
        trials: model.card.trials.length,
        validation: model.card.items.validation === 0 ? null : snake(model.card.metrics),
        parameters: model.parameters,
        cpu_s: Math.round((used.user + used.system) / 1e4) / 100,
      };
      if (args.json) tools.print.json(report);
      else {
        const { metrics } = model.card;
        const judged = model.card.items.validation;
        tools.print.line(`Learned ${report.classes} codes from ${report.items} items (${bad.count} bad rows) in ${report.cpu_s} s of CPU.`);
        tools.print.line(
          `On ${judged} items set aside: accuracy ${percent(metrics.accuracy, judged)}, macro-F1 ${percent(metrics.macroF1, judged)}; ${percent(metrics.coverage, judged)} decided automatically at a promised precision of ${percent(promise)}.`,
        );
        tools.print.line(`Wrote ${args.out} (${Math.ceil(bytes.byteLength / 1024)} KiB).`);
      }
    },
  });

const predictCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: { name: "predict", description: "give every item a code, a probability and a decision" },
    args: {
      model: { type: "positional", required: true, description: "a model file" },
      file: { type: "positional", required: true, description: "items: CSV, TSV, JSONL or Parquet, also gzip" },
      out: { type: "string", description: "the file to write; its ending decides the format", required: true },
      where,
      evidence: { type: "boolean", description: "the words that spoke for the code; --no-evidence is faster", default: true },
      ...readingArgs,
      floor,
      json: jsonFlag,
    },
    run: async ({ args, rawArgs }) => {
      const predictor = openPredictor(await readModel(args.model), { evidence: args.evidence, ...floorOf(args.floor) });
      const bad = collectBadRows();
      const reading = readingOf(args);
      const conditions = repeated(rawArgs, "where").map(parseCondition);
      const rows = await openRows(args.file, { ...reading, conditions, onBadRow: bad.add, signal: tools.signal });
      const added = ["code", "probability", "decision", "reason", "runner_up", "evidence"].map((name) =>
        rows.columns.includes(name) ? `predicted_${name}` : name,
      );
      const progress = makeProgress("items", tools);
      let items = 0;
      let automatic = 0;
      const labelled = async function* (): AsyncGenerator<(string | number)[][]> {
        for await (const batch of rows.items(predictor.model.card.columns)) {
          const predictions = predictor.predict(batch.items);
          items += predictions.length;
          progress(items);
          yield predictions.map((prediction, index) => {
            if (prediction.decision === "auto") automatic += 1;
            const { code, probability, decision, reason, runnerUp, evidence } = prediction;
            return [...batch.rows[index], code, Math.round(probability * 1e6) / 1e6, decision, reason, runnerUp, evidenceText(evidence)];
          });
        }
        // Before the output gets its name (E2).
        const refused = "No predictions were written.";
        await refuseBadFile(
          bad,
          { file: args.file, damaged: bad.count, usable: items, maxBad: reading.maxBad, refused, out: args.out },
          tools,
        );
      };
      const started = process.cpuUsage();
      const [, probabilityColumn = ""] = added;
      await writeFileAtomically(
        args.out,
        writeTable(labelled(), {
          format: formatOf(args.out) ?? "csv",
          gzip: args.out.endsWith(".gz"),
          columns: [...rows.columns, ...added],
          spreadsheet: true,
          types: { [probabilityColumn]: "number" },
        }),
      );
      await bad.write(args.out, tools);
      for (const note of rows.notes()) tools.print.say(note);
      const used = process.cpuUsage(started);
      const report = {
        out: args.out,
        items,
        automatic,
        review: items - automatic,
        bad_rows: bad.count,
        notes: rows.notes(),
        cpu_s: Math.round((used.user + used.system) / 1e4) / 100,
      };
      if (args.json) tools.print.json(report);
      else
        tools.print.line(
          `Labelled ${items} items, ${automatic} automatically, ${items - automatic} for review; ${bad.count} bad rows. Wrote ${args.out}.`,
        );
    },
  });

const evaluateCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: { name: "evaluate", description: "how good a model is on labelled items" },
    args: {
      model: { type: "positional", required: true, description: "a model file" },
      file: { type: "positional", required: true, description: "labelled items" },
      label: { type: "string", description: "the column of right codes; absent: the one it was fitted with" },
      floor,
      where,
      ...readingArgs,
      json: jsonFlag,
    },
    run: async ({ args, rawArgs }) => {
      const model = await readModel(args.model);
      const predictor = openPredictor(model, { evidence: false, ...floorOf(args.floor) });
      const evaluator = openEvaluator(model);
      const bad = collectBadRows();
      const reading = readingOf(args);
      const conditions = repeated(rawArgs, "where").map(parseCondition);
      const rows = await openRows(args.file, { ...reading, conditions, onBadRow: bad.add, signal: tools.signal });
      const label = rows.at(args.label ?? model.card.label, "label column");
      const progress = makeProgress("items", tools);
      let items = 0;
      let unlabelled = 0;
      for await (const batch of rows.items(model.card.columns)) {
        const labels: string[] = [];
        const read: Item[] = [];
        for (const [index, row] of batch.rows.entries()) {
          const code = (row[label] ?? "").trim();
          if (code === "") {
            unlabelled += 1;
            continue;
          }
          labels.push(code);
          read.push(batch.items[index]);
        }
        items += read.length;
        evaluator.add(read, labels, predictor.predict(read));
        progress(items);
      }
      const usable = items + unlabelled;
      const refused = "No scores were reckoned.";
      await refuseBadFile(bad, { file: args.file, damaged: bad.count, usable, maxBad: reading.maxBad, refused }, tools);
      if (items === 0) {
        throw new StockroomError(
          "input",
          "EVALUATE_EMPTY",
          `Expected labelled items in ${args.file} but none is left. Check --where and the label column.`,
        );
      }
      const report = evaluator.finish();
      const read: EvaluationReading = { badRows: bad.count, unlabelled, notes: rows.notes() };
      for (const note of read.notes) tools.print.say(note);
      bad.tell(tools);
      if (args.json) tools.print.json(asJson(report, read));
      else printEvaluation(report, read, tools);
    },
  });

/** Fewer items are learned in the time that two threads take to start. */
const FEWEST_FOR_THREADS = 5000;

/** Trials run side by side, and so do the two parts of the end. The model is the same to the byte as from one thread. */
async function fitOnThreads(
  dataset: Parameters<typeof planFit>[0],
  options: FitOptions,
  tools: CommandTools,
  wanted: string | undefined,
): Promise<Model> {
  const threads = wanted === undefined ? availableParallelism() : wholeNumber("--threads", wanted, 1, 256);
  const few = (options.trials ?? 1) === 1 && dataset.size < FEWEST_FOR_THREADS;
  if (threads <= 1 || few) return fitModel(dataset, options);
  const plan = planFit(dataset, options, true);
  const atMost = Math.max(2, options.trials ?? 1);
  const compute = openCompute({ threads: Math.min(threads, atMost), log: makeLog({ level: "silent" }) });
  const { signal } = tools;
  const progress = makeProgress("trials", tools);
  let done = 0;
  try {
    return await fitModelWith(plan, options, {
      runTrials: (specs) =>
        Promise.all(
          specs.map(async (spec) => {
            const result = await compute.run(trialJob, { plan, spec }, { signal });
            progress((done += 1));
            return result;
          }),
        ),
      appraise: (parameters) => compute.run(appraiseJob, { plan, parameters, options }, { signal }),
      learn: (parameters) => compute.run(learnJob, { plan, parameters, options }, { signal }),
    });
  } finally {
    await compute.close();
  }
}

async function readModel(file: string): Promise<Model> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (thrown) {
    throw new StockroomError(
      "missing",
      "FILE_MISSING",
      `Expected a model at ${file} but it cannot be read. Check the path, or make one with \`stockroom classify fit\`.`,
      {
        facts: { file },
        cause: thrown,
      },
    );
  }
  return decodeModel(bytes, file);
}

const PROGRESS_MS = 1000;

/** Says how far the work is, at most once a second. */
function makeProgress(what: string, tools: CommandTools): (done: number) => void {
  let last = Date.now();
  return (done) => {
    const now = Date.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    tools.print.say(`${done} ${what}`);
  };
}

/** Reproducible builds set this: https://reproducible-builds.org/specs/source-date-epoch/ */
function sourceDate(): string | undefined {
  const seconds = process.env["SOURCE_DATE_EPOCH"];
  return seconds !== undefined && /^\d+$/.test(seconds) ? new Date(Number(seconds) * 1000).toISOString() : undefined;
}

function evidenceText(evidence: readonly Evidence[]): string {
  return evidence.map(({ column, text }) => (text === "" ? `no ${column}` : `${column}: ${text}`)).join(" | ");
}

function usage(flag: string, expected: string, came: string): StockroomError {
  return new StockroomError("input", "USAGE", `Expected ${flag} to be ${expected} but "${came}" came. Correct it.`);
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) throw usage(flag, `a whole number from ${min} to ${max}`, text);
  return value;
}

/** A number of at least 0 and below 1. */
function probability(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < 1)) throw usage(flag, "a number of at least 0 and below 1", text);
  return value;
}

/** A share of `items`; of none, a dash. */
const percent = (share: number, items = 1): string => (items === 0 ? "–" : `${(share * 100).toFixed(1)} %`);

const snake = (record: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name.replace(/([a-z])([A-Z0-9])/g, "$1_$2").toLowerCase(), value]));

/** How the file of an evaluation was read. */
interface EvaluationReading {
  readonly badRows: number;
  /** Rows without a code; they are left out. */
  readonly unlabelled: number;
  readonly notes: readonly string[];
}

/** A figure over nothing is no figure. */
const over = (items: number, figure: number): number | null => (items === 0 ? null : figure);

function asJson(report: Evaluation, read: EvaluationReading): unknown {
  const decisions = (score: Evaluation["automatic"]): unknown => ({
    items: score.items,
    automatic: score.automatic,
    coverage: score.coverage,
    precision: over(score.automatic, score.precision),
    precision_low: over(score.automatic, score.interval.low),
    precision_high: over(score.automatic, score.interval.high),
  });
  return {
    items: report.items,
    bad_rows: read.badRows,
    unlabelled_rows: read.unlabelled,
    notes: read.notes,
    unknown_codes: report.unknownCodes,
    accuracy: report.accuracy,
    macro_f1: report.macroF1,
    weighted_f1: report.weightedF1,
    ece: report.ece,
    promised_precision: report.promise,
    automatic: decisions(report.automatic),
    coverage_ceiling: report.coverageCeiling,
    unseen_texts: {
      items: report.unseen.items,
      accuracy: over(report.unseen.items, report.unseen.accuracy),
      macro_f1: over(report.unseen.items, report.unseen.macroF1),
    },
    segments: Object.fromEntries(Object.entries(report.segments).map(([name, score]) => [name, decisions(score)])),
    classes: report.classes.map((score) => ({
      ...score,
      precision: over(score.predicted, score.precision),
      recall: over(score.support, score.recall),
      f1: over(score.support + score.predicted, score.f1),
    })),
  };
}

function printEvaluation(report: Evaluation, read: EvaluationReading, tools: CommandTools): void {
  const { print } = tools;
  const without = read.unlabelled === 0 ? "" : `, ${read.unlabelled} rows without a code left out`;
  print.line(`${report.items} items (${read.badRows} bad rows${without}, ${report.unknownCodes} of codes the model does not know)`);
  print.line(
    `accuracy ${percent(report.accuracy)}, macro-F1 ${percent(report.macroF1)}, weighted F1 ${percent(report.weightedF1)}, calibration error ${percent(report.ece)}`,
  );
  print.line(
    `texts not learned from (${report.unseen.items} items): accuracy ${percent(report.unseen.accuracy, report.unseen.items)}, macro-F1 ${percent(report.unseen.macroF1, report.unseen.items)}`,
  );
  print.line(
    `automatic: ${percent(report.automatic.coverage)} of the items, ${percent(report.automatic.precision, report.automatic.automatic)} of them right (promised ${percent(report.promise)})`,
  );
  const segments = Object.entries(report.segments);
  if (segments.length > 1) {
    print.table(
      segments.map(([segment, score]) => ({
        segment,
        items: score.items,
        automatic: percent(score.coverage),
        precision: percent(score.precision, score.automatic),
      })),
      { json: false, empty: "" },
    );
  }
  print.table(
    report.classes.map(({ code, precision, recall, f1, support, predicted }) => ({
      code,
      precision: percent(precision, predicted),
      recall: percent(recall, support),
      f1: percent(f1, support + predicted),
      items: support,
    })),
    { json: false, empty: "" },
  );
}
