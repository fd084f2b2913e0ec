// `stockroom forecast explain`: what prices, promotions, seasons and attributes do to the forecast, for one item or for all.

import { defineCommand, type CommandDef } from "citty";
import { StockroomError } from "../../platform/errors.ts";
import type { Panel } from "../engine/contract.ts";
import type { Explanation } from "../engine/explain/explain.ts";
import { explainWithEvents } from "../engine/explain/with-events.ts";
import { attributesOf, pickSeries, type ExplainedAttribute } from "../workflows/planning/explain-job.ts";
import { unpackGlobal } from "../workflows/run/pieces.ts";
import { idsOf } from "../workflows/run/rows.ts";
import { readModel, readPanel, readRecord } from "./finished.ts";
import type { DirectTools } from "./tools.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

export const explainCommand = (tools: DirectTools): AnyCommand =>
  defineCommand({
    meta: {
      name: "explain",
      description: `What each attribute does to the forecast: for one item, or for all
Impacts are those of the global model, in units of demand over the horizon; scores are relative to the strongest attribute, -1 to 1.`,
    },
    args: {
      dir: { type: "positional", required: true, description: "folder of a run" },
      item: { type: "string", description: "an item_id; absent: all items (a sample of many)", valueHint: "ITEM" },
      json: { type: "boolean", description: "print JSON", default: false },
    },
    run: async ({ args }) => {
      const record = await readRecord(args.dir);
      const { global } = await readModel(args.dir);
      const model = global === undefined ? undefined : unpackGlobal(global);
      if (model === undefined || model.kind === "unfit") {
        throw new StockroomError(
          "missing",
          "EXPLAIN_NO_MODEL",
          "Expected the run to have a global model to explain but it has none: there were too few series, or --models left it out. Run it with --models auto or with global among them.",
        );
      }
      const panel = await readPanel(args.dir, record, tools.signal);
      const series = pickSeries(panel, args.item ?? null);
      const explanation = explainWithEvents(model, panel, series, { cut: panel.grid.length, horizon: panel.grid.horizon });
      const share = record.summary.models.find((each) => each.model === "global")?.weight ?? 0;
      const answer = answerOf(panel, explanation, args.item !== undefined);
      const { print } = tools;
      if (args.json) {
        print.json({ item: args.item ?? null, model: "global", weight: share, ...answer });
        return;
      }
      print.line(
        `${args.item ?? "All items"}: ${series.length} series; the global model has ${(100 * share).toFixed(0)} % of the weight of the run.`,
      );
      print.table(
        answer.attributes.map(({ attribute, score, strength, impact }) => ({
          attribute,
          score: Number(score.toFixed(3)),
          strength: Number(strength.toFixed(3)),
          units: Number(impact.toFixed(2)),
        })),
        { json: false, empty: "The model uses no attribute." },
      );
    },
  });

interface Answer {
  readonly attributes: readonly ExplainedAttribute[];
  /** Of each series, when an item was named. */
  readonly series: readonly {
    readonly series: readonly string[];
    readonly base: number;
    readonly mean: number;
    readonly impacts: Readonly<Record<string, number>>;
  }[];
}

function answerOf(panel: Panel, explanation: Explanation, each: boolean): Answer {
  const { attributes, horizon, series } = explanation;
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  const impactOf = (impacts: Float64Array, a: number): number => sum(impacts.subarray(a * horizon, (a + 1) * horizon));
  return {
    attributes: attributesOf(explanation),
    series: each
      ? series.map(({ series: index, base, mean, impacts }) => ({
          series: idsOf(panel, index),
          base: sum(base),
          mean: sum(mean),
          impacts: Object.fromEntries(attributes.map((attribute, a) => [attribute, impactOf(impacts, a)])),
        }))
      : [],
  };
}
