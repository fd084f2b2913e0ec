// `stockroom forecast explain`: what prices, promotions, seasons and attributes do to the forecast, for one item or for all.

import { defineCommand, type CommandDef } from "citty";
import { StockroomError } from "../../base/errors.ts";
import type { Panel } from "../engine/contract.ts";
import { explainGlobal, type Explanation } from "../engine/explain/explain.ts";
import { unpackGlobal } from "../flow/run/pieces.ts";
import { idsOf } from "../flow/run/rows.ts";
import { readModel, readPanel, readRecord } from "./finished.ts";
import type { DirectTools } from "./tools.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

/** Series looked at when no item is named; the shares settle long before. */
const sampled = 200;

export const explainVerb = (tools: DirectTools): AnyCommand =>
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
      const series = pick(panel, args.item);
      const explanation = explainGlobal(model, panel, series, { cut: panel.grid.length, horizon: panel.grid.horizon });
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

function pick(panel: Panel, item: string | undefined): readonly number[] {
  const all = panel.itemIds.map((_, index) => index);
  if (item === undefined)
    return all.length <= sampled ? all : Array.from({ length: sampled }, (_, at) => Math.floor((at * all.length) / sampled));
  const found = all.filter((index) => panel.itemIds[index] === item);
  if (found.length > 0) return found;
  throw new StockroomError("missing", "EXPLAIN_NO_ITEM", `Expected an item of the run but "${item}" is none. Look it up in forecast.csv.`, {
    facts: { item },
  });
}

interface Answer {
  readonly attributes: readonly {
    readonly attribute: string;
    readonly score: number;
    readonly strength: number;
    readonly impact: number;
  }[];
  /** Of each series, when an item was named. */
  readonly series: readonly {
    readonly series: readonly string[];
    readonly base: number;
    readonly mean: number;
    readonly impacts: Readonly<Record<string, number>>;
  }[];
}

function answerOf(panel: Panel, { attributes, horizon, series, scores, strengths }: Explanation, each: boolean): Answer {
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  const impactOf = (impacts: Float64Array, a: number): number => sum(impacts.subarray(a * horizon, (a + 1) * horizon));
  return {
    attributes: attributes.map((attribute, a) => ({
      attribute,
      score: scores[a],
      strength: strengths[a],
      impact: series.reduce((total, { impacts }) => total + impactOf(impacts, a), 0),
    })),
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
