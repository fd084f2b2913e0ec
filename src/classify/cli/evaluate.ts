// evaluate: how good a model is on labelled items.

import { defineCommand, type Command, type CommandTools } from "../../platform/command/contract.ts";
import { jsonFlag, repeated } from "../../platform/command/flags.ts";
import { withProgress } from "../../platform/command/output.ts";
import { counted, percent } from "../../platform/figures.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Item } from "../engine/dataset.ts";
import { openEvaluator, type Evaluation } from "../engine/evaluate.ts";
import { openPredictor } from "../engine/predict.ts";
import { collectBadRows, itemFile, readingArgs, readingOf, refuseBadFile } from "./files.ts";
import { parseCondition } from "../../platform/intake/conditions.ts";
import { openRows } from "../workflows/intake/rows.ts";
import { readModel, where, floor, floorOf } from "./model-file.ts";

export const evaluateCommand = (tools: CommandTools): Command =>
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
      const rows = await openRows(itemFile(args.file, tools.signal), {
        ...reading,
        reading: model.card.reading,
        conditions,
        onBadRow: bad.add,
        signal: tools.signal,
      });
      const whole = { columns: [args.label ?? model.card.label], path: null, several: null, level: null };
      const codeOf = rows.labels(args.label === undefined ? (model.card.reading?.label ?? whole) : whole);
      const { items, unlabelled } = await withProgress(tools, "evaluate", async (progress) => {
        const seen = { items: 0, unlabelled: 0 };
        for await (const batch of rows.items(model.card.columns)) {
          const codes: string[] = [];
          const read: Item[] = [];
          for (const [index, row] of batch.rows.entries()) {
            const code = codeOf(row);
            if (code === "") seen.unlabelled += 1;
            else {
              codes.push(code);
              read.push(batch.items[index]);
            }
          }
          seen.items += read.length;
          evaluator.add(read, codes, predictor.predict(read));
          progress.update(seen.items, 0, counted(seen.items, "item"));
        }
        return seen;
      });
      const usable = items + unlabelled;
      const refused = "No scores were computed.";
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
    `texts not learned from (${report.unseen.items} items): accuracy ${percent(report.unseen.accuracy, { of: report.unseen.items })}, macro-F1 ${percent(report.unseen.macroF1, { of: report.unseen.items })}`,
  );
  print.line(
    `automatic: ${percent(report.automatic.coverage)} of the items, ${percent(report.automatic.precision, { of: report.automatic.automatic })} of them right (promised ${percent(report.promise)})`,
  );
  const segments = Object.entries(report.segments);
  if (segments.length > 1) {
    print.table(
      segments.map(([segment, score]) => ({
        segment,
        items: score.items,
        automatic: percent(score.coverage),
        precision: percent(score.precision, { of: score.automatic }),
      })),
      { json: false, empty: "" },
    );
  }
  print.table(
    report.classes.map(({ code, precision, recall, f1, support, predicted }) => ({
      code,
      precision: percent(precision, { of: predicted }),
      recall: percent(recall, { of: support }),
      f1: percent(f1, { of: support + predicted }),
      items: support,
    })),
    { json: false, empty: "" },
  );
}
