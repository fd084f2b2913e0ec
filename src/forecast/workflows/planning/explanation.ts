// Explanation: the impact of each attribute on the forecast of some series, read from the global model.

import { StockroomError } from "../../../platform/errors.ts";
import type { Panel } from "../../engine/contract.ts";
import { explainWithEvents } from "../../engine/explain/with-events.ts";
import type { ExplainedAttribute } from "../../store/answers.ts";
import { idsOf } from "../run/rows.ts";
import type { FinishedForecast } from "./finished.ts";

export interface ExplainAnswer {
  readonly panel: Panel;
  /** All explained series together, in the order of the model's attributes. */
  readonly attributes: readonly ExplainedAttribute[];
  readonly series: readonly ExplainedSeries[];
}

/** Sums over the horizon, in units of demand. */
export interface ExplainedSeries {
  /** Item and dimensions. */
  readonly ids: readonly string[];
  /** What the model says of any such series; with the impacts it makes `mean`. */
  readonly base: number;
  readonly mean: number;
  /** One for each attribute. */
  readonly impacts: readonly number[];
}

/** Series looked at when no item is named; the shares settle long before. */
const sampled = 200;

/** The series of an item, or of all items a sample of at most 200 spread evenly. Throws `missing` `EXPLAIN_NO_ITEM`. */
export function pickSeries(panel: Pick<Panel, "itemIds">, item: string | null): readonly number[] {
  const all = panel.itemIds.map((_, index) => index);
  if (item === null)
    return all.length <= sampled ? all : Array.from({ length: sampled }, (_, at) => Math.floor((at * all.length) / sampled));
  const found = all.filter((index) => panel.itemIds[index] === item);
  if (found.length > 0) return found;
  throw new StockroomError("missing", "EXPLAIN_NO_ITEM", `Expected an item of the run but "${item}" is none. Look it up in forecast.csv.`, {
    facts: { item },
  });
}

/** Explains an item, or all of them (`null`); undefined for a forecast without a global model. Throws `missing` `EXPLAIN_NO_ITEM`. */
export async function explainForecast(
  finished: Pick<FinishedForecast, "panel" | "globalModel">,
  item: string | null,
): Promise<ExplainAnswer | undefined> {
  const model = await finished.globalModel();
  if (model === undefined) return undefined;
  const panel = await finished.panel();
  const { length: cut, horizon } = panel.grid;
  const { attributes, series, scores, strengths } = explainWithEvents(model, panel, pickSeries(panel, item), { cut, horizon });
  const explained = series.map(({ series: index, base, mean, impacts }) => ({
    ids: idsOf(panel, index),
    base: sum(base),
    mean: sum(mean),
    impacts: attributes.map((_, a) => sum(impacts.subarray(a * horizon, (a + 1) * horizon))),
  }));
  return {
    panel,
    attributes: attributes.map((attribute, a) => ({
      attribute,
      score: scores[a] ?? 0,
      strength: strengths[a] ?? 0,
      impact: explained.reduce((total, { impacts }) => total + (impacts[a] ?? 0), 0),
    })),
    series: explained,
  };
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** The error of a question about a model that is not there. */
export const noGlobalModel = (): StockroomError =>
  new StockroomError(
    "missing",
    "EXPLAIN_NO_MODEL",
    "Expected a forecast with a global model to explain but it has none: there were too few series, or the models that were named leave it out. Forecast with models auto, or with global among them.",
  );
