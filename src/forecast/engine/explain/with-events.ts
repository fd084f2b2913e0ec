// The explanation of a forecast with events: the global model saw none of them, so what they do comes from their lifts.

import type { Panel } from "../contract.ts";
import { liftPanel, withoutEvents } from "../events/lifts.ts";
import type { GlobalModel } from "../global/global.ts";
import { explainGlobal, type Explanation, relative, reorder, type SeriesExplanation } from "./explain.ts";

/** The attribute under which all events of a step stand together. */
const attribute = "events";

/** As `explainGlobal`, with `events` among the attributes where a panel has some: base plus impacts is the mean with events (X1). */
export function explainWithEvents(
  model: GlobalModel,
  panel: Panel,
  series: readonly number[],
  options: { readonly cut: number; readonly horizon: number },
): Explanation {
  const [lifts] = (model.nonNegative ? liftPanel(panel, [options.cut]) : undefined) ?? [];
  if (lifts === undefined) return explainGlobal(model, panel, series, options);
  const plain = explainGlobal(model, withoutEvents(panel, lifts), series, options);
  if (lifts.names.length === 0) return plain;
  const { horizon } = options;
  const explained = plain.series.map((each): SeriesExplanation => {
    const logs = lifts.logs.subarray(each.series * panel.grid.horizon, each.series * panel.grid.horizon + horizon);
    const own = each.mean.map((mean, h) => mean * (Math.exp(logs[h]) - 1));
    const impacts = Float64Array.of(...each.impacts, ...own);
    return {
      ...each,
      mean: each.mean.map((mean, h) => mean + own[h]),
      impacts,
      linkImpacts: Float64Array.of(...each.linkImpacts, ...logs),
      scores: relative(sumsOf(impacts, horizon)),
    };
  });
  const attributes = [...plain.attributes, attribute];
  const total = (part: (value: number) => number): Float64Array =>
    attributes.reduce((sums, _, a) => {
      for (const { impacts } of explained) for (let h = 0; h < horizon; h++) sums[a] += part(impacts[a * horizon + h]);
      return sums;
    }, new Float64Array(attributes.length));
  const strengths = relative(total(Math.abs));
  const scores = relative(total((value) => value));
  const order = attributes.map((_, a) => a).toSorted((a, b) => strengths[b] - strengths[a] || a - b);
  return {
    attributes: order.map((a) => attributes[a]),
    horizon,
    series: explained.map((each) => reorder(each, order, horizon)),
    scores: Float64Array.from(order, (a) => scores[a]),
    strengths: Float64Array.from(order, (a) => strengths[a]),
  };
}

const sumsOf = (impacts: Float64Array, horizon: number): Float64Array =>
  Float64Array.from({ length: impacts.length / horizon }, (_, a) =>
    impacts.subarray(a * horizon, (a + 1) * horizon).reduce((sum, each) => sum + each, 0),
  );
