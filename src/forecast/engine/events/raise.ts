// Raise: the lift of events put onto the forecast of a series that was shown none.

import type { Forecast, Series, SeriesLift } from "../contract.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { historyLength } from "../panel/series.ts";
import type { Panel } from "../contract.ts";
import type { PanelLifts } from "./lifts.ts";

/** The lifts of series i at each of the panel's cuts that its history reaches. */
export function seriesLifts(panel: Panel, lifts: readonly PanelLifts[], i: number): readonly SeriesLift[] {
  const { length, horizon } = panel.grid;
  const start = length - historyLength(panel, i);
  return lifts
    .filter(({ cut }) => cut >= start)
    .map(({ cut, values, logs, spreads, names }) => ({
      end: cut - start,
      values: values.subarray(panel.offsets[i], panel.offsets[i] + cut - start),
      names,
      logs: logs.subarray(i * horizon, (i + 1) * horizon),
      spreads: spreads.subarray(i * horizon, (i + 1) * horizon),
    }));
}

export const liftAt = ({ lifts }: Series, end: number): SeriesLift | undefined => lifts?.find((each) => each.end === end);

/** The series as it stood before `end`, without events. Where nothing is known of them: the series itself, whole. */
export function withoutLift(series: Series, end: number): Series {
  const lift = liftAt(series, end);
  if (lift === undefined) return series;
  return { ...series, values: lift.values, regressors: series.regressors.filter(({ name }) => !lift.names.includes(name)) };
}

/**
 * A forecast with events. The mean and the median are multiplied; the distance of the other quantiles from the median grows by what is not known of
 * the factor, as the spread of a product of two lognormal numbers does. Without an event ahead: the forecast itself.
 */
export function raise(forecast: Forecast, lift: SeriesLift | undefined): Forecast {
  if (lift === undefined || lift.logs.every((log, h) => log === 0 && lift.spreads[h] === 0)) return forecast;
  const { levels } = forecast;
  const horizon = forecast.mean.length;
  const mean = forecast.mean.slice();
  const quantiles = forecast.quantiles.slice();
  const middle = levels.findIndex((level) => level >= 0.5);
  for (let h = 0; h < horizon; h++) {
    const spread = lift.spreads[h];
    if (lift.logs[h] === 0 && spread === 0) continue;
    const factor = Math.exp(lift.logs[h]);
    mean[h] *= factor;
    const median = middle < 0 ? 0 : forecast.quantiles[middle * horizon + h];
    for (const [l, level] of levels.entries()) {
      const k = l * horizon + h;
      const unsure = spread * normalQuantile(level);
      const apart = quantiles[k] > 0 && median > 0 ? Math.log(quantiles[k] / median) : Number.NaN;
      quantiles[k] = Number.isNaN(apart)
        ? quantiles[k] * factor * Math.exp(unsure)
        : median * factor * Math.exp(Math.sign(unsure) * Math.hypot(apart, unsure));
      if (unsure === 0 && !Number.isNaN(apart)) quantiles[k] = median * factor * Math.exp(apart);
    }
  }
  return { ...forecast, mean, quantiles };
}
