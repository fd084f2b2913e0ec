// models: what was trained.

import { defineCommand, nounCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { takeRows } from "../../platform/web/remote.ts";
import { getLine, listLines, listModels } from "../store/lines.ts";
import { score, type ClassifyTools } from "./tools.ts";

const modelsList = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "list", description: "the models of a line (or of all)" },
    args: { line: { type: "positional", required: false, description: "e.g. GBR-UK15" }, json: jsonFlag },
    run: async ({ args }) => {
      const { line } = args;
      const models = await tools.ask(
        async ({ deps }) => {
          if (line !== undefined) await getLine(deps.database, line);
          const champions = new Set((await listLines(deps.database)).map((row) => row.champion));
          return (await listModels(deps.database, line)).map((model) => ({ ...model, champion: champions.has(model.id) }));
        },
        async (server) =>
          await takeRows(server.pages("GET /api/classify/models", { query: { line, limit: 1_000 } }), (page) => page.models),
      );
      if (args.json) {
        tools.print.json(models);
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
          champion: model.champion ? "yes" : "",
        })),
        { json: false, empty: "No model yet." },
      );
    },
  });

export const modelsCommand = (tools: ClassifyTools): Command =>
  nounCommand({ name: "models", description: "what was trained: list" }, { list: modelsList(tools) });
