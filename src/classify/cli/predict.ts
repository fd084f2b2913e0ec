// predict: a code, a probability and a decision for every item of a file.

import process from "node:process";
import { defineCommand, type Command, type CommandTools, type Progress } from "../../platform/command/contract.ts";
import { jsonFlag, repeated } from "../../platform/command/flags.ts";
import { withProgress } from "../../platform/command/output.ts";
import { counted, rounded } from "../../platform/figures.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import { formatOf, writeTable } from "../../platform/formats/index.ts";
import { openPredictor, type Evidence } from "../engine/predict.ts";
import { collectBadRows, itemFile, readingArgs, readingOf, refuseBadFile } from "./files.ts";
import { parseCondition } from "../../platform/intake/conditions.ts";
import { openRows } from "../workflows/intake/rows.ts";
import { readModel, where, floor, floorOf } from "./model-file.ts";

export const predictCommand = (tools: CommandTools): Command =>
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
      const model = await readModel(args.model);
      const predictor = openPredictor(model, { evidence: args.evidence, ...floorOf(args.floor) });
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
      const added = ["code", "probability", "decision", "reason", "runner_up", "evidence"].map((name) =>
        rows.columns.includes(name) ? `predicted_${name}` : name,
      );
      let items = 0;
      let automatic = 0;
      const labelled = async function* (progress: Progress): AsyncGenerator<(string | number)[][]> {
        for await (const batch of rows.items(predictor.model.card.columns)) {
          const predictions = predictor.predict(batch.items);
          items += predictions.length;
          progress.update(items, 0, counted(items, "item"));
          yield predictions.map((prediction, index) => {
            if (prediction.decision === "auto") automatic += 1;
            const { code, probability, decision, reason, runnerUp, evidence } = prediction;
            return [...batch.rows[index], code, rounded(probability, 6), decision, reason, runnerUp, evidenceText(evidence)];
          });
        }
        // Before the output gets its name (E2).
        const bound = { file: args.file, damaged: bad.count, usable: items, maxBad: reading.maxBad, out: args.out };
        await refuseBadFile(bad, { ...bound, refused: "No predictions were written." }, tools);
      };
      const started = process.cpuUsage();
      const [, probabilityColumn = ""] = added;
      const shape = {
        format: formatOf(args.out) ?? "csv",
        gzip: args.out.endsWith(".gz"),
        columns: [...rows.columns, ...added],
        spreadsheet: true,
        types: { [probabilityColumn]: "number" as const },
      };
      await withProgress(tools, "predict", (progress) => writeFileAtomically(args.out, writeTable(labelled(progress), shape)));
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
        cpu_s: rounded((used.user + used.system) / 1e6, 2),
      };
      if (args.json) tools.print.json(report);
      else
        tools.print.line(
          `Labelled ${items} items, ${automatic} automatically, ${items - automatic} for review; ${bad.count} bad rows. Wrote ${args.out}.`,
        );
    },
  });

function evidenceText(evidence: readonly Evidence[]): string {
  return evidence.map(({ column, text }) => (text === "" ? `no ${column}` : `${column}: ${text}`)).join(" | ");
}
