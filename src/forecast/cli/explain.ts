// `stockroom forecast explain`: what prices, promotions, seasons and attributes do to the forecast, for one item or for all.

import { jsonFlag } from "../../platform/command/flags.ts";
import { percent, rounded } from "../../platform/figures.ts";
import { defineCommand, type Command, type CommandTools } from "../../platform/command/contract.ts";
import { explainForecast, noGlobalModel } from "../workflows/planning/explanation.ts";
import { openFinished } from "./finished.ts";

export const explainCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: {
      name: "explain",
      description: `What each attribute does to the forecast: for one item, or for all
Impacts are those of the global model, in units of demand over the horizon; scores are relative to the strongest attribute, -1 to 1.`,
    },
    args: {
      dir: { type: "positional", required: true, description: "folder of a run" },
      item: { type: "string", description: "an item_id; absent: all items (a sample of many)", valueHint: "ITEM" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const finished = await openFinished(args.dir, tools.signal);
      const answer = await explainForecast(finished, args.item ?? null);
      if (answer === undefined) throw noGlobalModel();
      const { attributes, series } = answer;
      const share = finished.record.summary.models.find((each) => each.model === "global")?.weight ?? 0;
      const { print } = tools;
      if (args.json) {
        const bySeries =
          args.item === undefined
            ? []
            : series.map(({ ids, base, mean, impacts }) => ({
                series: ids,
                base,
                mean,
                impacts: Object.fromEntries(attributes.map(({ attribute }, a) => [attribute, impacts[a]])),
              }));
        print.json({ item: args.item ?? null, model: "global", weight: share, attributes, series: bySeries });
        return;
      }
      print.line(
        `${args.item ?? "All items"}: ${series.length} series; the global model has ${percent(share, { digits: 0 })} of the weight of the run.`,
      );
      print.table(
        attributes.map(({ attribute, score, strength, impact }) => ({
          attribute,
          score: rounded(score, 3),
          strength: rounded(strength, 3),
          units: rounded(impact, 2),
        })),
        { json: false, empty: "The model uses no attribute." },
      );
    },
  });
