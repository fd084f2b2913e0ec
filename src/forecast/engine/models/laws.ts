// The laws of a forecasting model: what every one in the registry must hold, whatever its literature says.
//
// Owns: the laws, the series they are tried on. Does not own: how good a model is (bench).
//   Each law answers with its violations, so that `laws.test.ts` can show that it finds a model that breaks it.

import { makeRandom } from "../../../platform/random.ts";
import type { Fitted, Forecast, Model, Series, Unfit } from "../contract.ts";

export interface Law {
  readonly id: string;
  readonly states: string;
  /** What is broken, in words; empty where the law holds. */
  violations(model: Model): readonly string[];
}

const horizon = 6;
const levels = Array.from({ length: 19 }, (_, i) => (i + 1) / 20);

function seriesOf(values: ArrayLike<number>, more: Partial<Series> = {}): Series {
  return { values: Float64Array.from(values), seasons: [], regressors: [], position: 0, ...more };
}

/** Monthly demand with a season, and the same with a price that halves it; steady, rare, and rising demand. */
function samples(): Readonly<Record<string, Series>> {
  const random = makeRandom(11);
  const season = (t: number): number => 1 + 0.4 * Math.sin((2 * Math.PI * t) / 12);
  const monthly = Float64Array.from({ length: 72 }, (_, t) => (100 + t) * season(t) * Math.exp(0.08 * random.normal()));
  const price = Float64Array.from({ length: 72 + horizon }, (_, t) => (t % 7 === 0 ? 2 : 1));
  return {
    seasonal: seriesOf(monthly, { seasons: [12] }),
    priced: seriesOf(
      monthly.map((value, t) => value / (price[t] ?? 1)),
      { seasons: [12], regressors: [{ name: "price", values: price }] },
    ),
    steady: seriesOf(Float64Array.from({ length: 40 }, () => Math.max(0, 20 + 3 * random.normal()))),
    rare: seriesOf(
      Float64Array.from({ length: 80 }, () => (random.next() < 0.25 ? 1 + Math.floor(4 * random.next()) : 0)),
      { seasons: [7] },
    ),
    rising: seriesOf(Float64Array.from({ length: 30 }, (_, t) => 5 + 2 * t + random.normal())),
  };
}

const fit = (model: Model, series: Series, nonNegative = true): Fitted | Unfit =>
  model.fit(series, { horizon, random: makeRandom(5), nonNegative });

/** What is wrong with a forecast, if something is. */
function faultsOf({ mean, quantiles }: Forecast, steps: number): readonly string[] {
  const faults: string[] = [];
  if (mean.length !== steps || quantiles.length !== levels.length * steps)
    faults.push(`${mean.length} means and ${quantiles.length} quantiles`);
  if (!mean.every(Number.isFinite)) faults.push(`a mean of ${mean.find((value) => !Number.isFinite(value))}`);
  if (!quantiles.every(Number.isFinite)) faults.push(`a quantile of ${quantiles.find((value) => !Number.isFinite(value))}`);
  for (let h = 0; h < steps; h++) {
    for (let i = 1; i < levels.length; i++) {
      const [lower, upper] = [quantiles[(i - 1) * steps + h], quantiles[i * steps + h]];
      if (lower > upper)
        faults.push(`p${100 * (levels[i - 1] ?? 0)} of ${lower} over p${100 * (levels[i] ?? 0)} of ${upper} at step ${h + 1}`);
    }
  }
  return faults;
}

/** The violations over series, each under its name; an answer that it does not serve is none, if it says why. */
function over(
  given: Readonly<Record<string, Series>>,
  model: Model,
  check: (fitted: Fitted, series: Series) => readonly string[],
): readonly string[] {
  return Object.entries(given).flatMap(([name, series]) =>
    [true, false].flatMap((nonNegative) => {
      const fitted = fit(model, series, nonNegative);
      if (fitted.kind === "unfit")
        return /^[A-Z0-9].{10,}\.$/s.test(fitted.reason)
          ? []
          : [`${name}: "${fitted.reason}" is no sentence that says why it does not serve`];
      return check(fitted, series).map((fault) => `${name}: ${fault}`);
    }),
  );
}

const sound = (fitted: Fitted): readonly string[] => faultsOf(fitted.forecast(horizon, levels), horizon);

const numbersOf = (fitted: Fitted | Unfit): readonly number[] => {
  if (fitted.kind === "unfit") return [];
  const { mean, quantiles } = fitted.forecast(horizon, levels);
  return [...mean, ...quantiles, ...fitted.fitted];
};

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((value, i) => Object.is(value, b[i]));

/** The same numbers with others behind the end of the history and behind the horizon: what no model may look at. */
function withFuture({ values, regressors, ...rest }: Series, future: number): Series {
  const behind = (numbers: Float64Array, length: number): Float64Array => {
    const longer = new Float64Array(length + 40).fill(future);
    longer.set(numbers.subarray(0, length));
    return longer;
  };
  return {
    ...rest,
    values: behind(values, values.length).subarray(0, values.length),
    regressors: regressors.map(({ name, values: own }) => ({ name, values: behind(own, values.length + horizon) })),
  };
}

const withGaps = ({ values, ...rest }: Series): Series => ({
  ...rest,
  values: values.map((value, t) => (t < 2 || t % 9 === 4 || t === values.length - 1 ? Number.NaN : value)),
});

const mapSeries = (given: Readonly<Record<string, Series>>, change: (series: Series) => Series): Readonly<Record<string, Series>> =>
  Object.fromEntries(Object.entries(given).map(([name, series]) => [name, change(series)]));

export const laws: readonly Law[] = [
  {
    id: "model.L1",
    states: "forecasts are finite, as many as asked for, and their quantiles do not cross",
    violations: (model) => over(samples(), model, sound),
  },
  {
    id: "model.L2",
    states: "changing the future never changes the past",
    violations: (model) =>
      over(samples(), model, (_, series) => {
        const [one, other] = [1e6, -7].map((future) => numbersOf(fit(model, withFuture(series, future))));
        return same(one ?? [], other ?? []) ? [] : ["the numbers depend on what stands behind the end"];
      }),
  },
  {
    id: "model.L3",
    states: "advancing over a longer history leaves the former model, and what it was given, as they were",
    violations: (model) =>
      over(samples(), model, (whole, series) => {
        const given = [...series.values];
        const shorter = fit(model, { ...series, values: series.values.subarray(0, series.values.length - horizon) });
        if (shorter.kind === "unfit") return [];
        const before = numbersOf(shorter);
        const advanced = shorter.advance(series);
        return [
          ...(same(before, numbersOf(shorter)) ? [] : ["the former model forecasts otherwise"]),
          ...(same(given, [...series.values]) ? [] : ["the history was written to"]),
          ...(advanced.kind === "fitted" ? sound(advanced) : []),
          ...(whole.fitted.length === series.values.length ? [] : [`${whole.fitted.length} fitted values`]),
        ];
      }),
  },
  {
    id: "model.L4",
    states: "the same series and seed give the same numbers, as often as asked",
    violations: (model) =>
      over(samples(), model, (fitted, series) => {
        const [one, other] = [fit(model, series), fit(model, series)];
        return same(numbersOf(one), numbersOf(other)) && same(numbersOf(fitted), numbersOf(fitted)) ? [] : ["they differ"];
      }),
  },
  {
    id: "model.L5",
    states: "a constant series goes on as it is",
    violations: (model) =>
      over({ sevens: seriesOf(new Float64Array(48).fill(7), { seasons: [12] }) }, model, (fitted) => {
        const { mean } = fitted.forecast(horizon, levels);
        return [...sound(fitted), ...(mean.every((value) => Math.abs(value - 7) < 0.35) ? [] : [`the mean is ${mean[0]} and not 7`])];
      }),
  },
  {
    id: "model.L6",
    states: "eight times the demand is eight times the forecast",
    violations: (model) =>
      over(samples(), model, (_, series) => {
        const [one, other] = [1, 8].map((scale) => fit(model, { ...series, values: series.values.map((value) => scale * value) }));
        if (one?.kind !== "fitted" || other?.kind !== "fitted") return ["it serves the one and not the other"];
        const [small, large] = [one.forecast(horizon, levels), other.forecast(horizon, levels)];
        const size = Math.max(...small.mean.map(Math.abs), 1e-9);
        const isFar = (given: Float64Array, scaled: Float64Array): boolean =>
          given.some((value, i) => !(Math.abs((scaled[i] ?? Number.NaN) / 8 - value) < 0.01 * size));
        const far = isFar(small.mean, large.mean) || isFar(small.quantiles, large.quantiles);
        return far ? [`a mean of ${small.mean[0]} became ${large.mean[0]} for eight times the demand`] : [];
      }),
  },
  {
    id: "model.L7",
    states: "a series of few values, or of none, is forecast soundly or refused with a reason",
    violations: (model) =>
      over(
        Object.fromEntries(
          [0, 1, 2, 3, 4, 5, 8, 13].map((length) => [
            `${length} values`,
            seriesOf(
              Array.from({ length }, (_, t) => 3 + (t % 3)),
              { seasons: [4] },
            ),
          ]),
        ),
        model,
        sound,
      ),
  },
  {
    id: "model.L8",
    states: "a series of zeros sells next to nothing",
    violations: (model) =>
      over({ zeros: seriesOf(new Float64Array(48), { seasons: [12] }) }, model, (fitted) => {
        const { mean } = fitted.forecast(horizon, levels);
        return [...sound(fitted), ...(mean.every((value) => Math.abs(value) < 0.5) ? [] : [`the mean is ${mean[0]}`])];
      }),
  },
  {
    id: "model.L9",
    states: "gaps at either end and within are no zeros and no reason to fail",
    violations: (model) => over(mapSeries(samples(), withGaps), model, sound),
  },
  {
    id: "model.L10",
    states: "sample paths are finite and as many as asked for",
    violations: (model) =>
      over(samples(), model, (fitted) => {
        const paths = fitted.simulate(horizon, 50, makeRandom(3));
        return paths.length === 50 * horizon && paths.every(Number.isFinite) ? [] : [`${paths.length} values, not all of them finite`];
      }),
  },
  {
    id: "model.L11",
    states: "some series is served",
    violations: (model) =>
      Object.values(samples()).some((series) => fit(model, series).kind === "fitted") ? [] : ["none of the samples is served"],
  },
];
