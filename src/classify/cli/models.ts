// models: what was trained.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { getLine, listLines, listModels } from "../store/lines.ts";
import { score, type ClassifyTools } from "./tools.ts";

export const modelsCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "models", description: "the models of a line (or of all)" },
    args: { line: { type: "positional", required: false, description: "e.g. GBR-UK15" }, json: jsonFlag },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      if (args.line !== undefined) await getLine(deps.database, args.line);
      const champions = new Set((await listLines(deps.database)).map((line) => line.champion));
      const models = await listModels(deps.database, args.line);
      if (args.json) {
        tools.print.json(models.map((model) => ({ ...model, champion: champions.has(model.id) })));
        return;
      }
      tools.print.table(
        models.map((model) => ({
          model: model.id,
          line: model.line,
          trained_at: model.trainedAt,
          rows: model.counts["learn"],
          classes: model.counts["classes"],
          scheme_version: model.schemeVersion,
          macro_f1: score(model.metrics["macro_f1"]),
          trials: model.trials.length,
          champion: champions.has(model.id) ? "yes" : "",
        })),
        { json: false, empty: "No model yet." },
      );
    },
  });
