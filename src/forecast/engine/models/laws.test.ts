import { describe, expect, test } from "vitest";
import type { Fitted, Model, Unfit } from "../contract.ts";
import { laws } from "./laws.ts";
import { naive } from "./naive/naive.ts";
import { models } from "./registry.ts";

describe.each(Object.entries(models))("%s", (name, model) => {
  test("stands under its own name", () => expect(model.name).toBe(name));
  test.each(laws.map((law) => [`${law.id}: ${law.states}`, law] as const))("%s", (_, law) => expect(law.violations(model)).toEqual([]));
});

describe("a model that breaks a law is found", () => {
  /** Naive, with one thing done wrong. */
  const broken = (change: (fitted: Fitted, values: Float64Array) => Fitted | Unfit): Model => ({
    ...naive,
    fit: (series, options) => {
      const fitted = naive.fit(series, options);
      return fitted.kind === "unfit" ? fitted : change(fitted, series.values);
    },
  });
  const forecasting = (fitted: Fitted, change: (value: number, i: number) => number): Fitted => ({
    ...fitted,
    forecast: (horizon, levels) => {
      const made = fitted.forecast(horizon, levels);
      return { ...made, mean: made.mean.map(change), quantiles: made.quantiles.map(change) };
    },
  });
  let calls = 0;
  const bad: Readonly<Record<string, Model>> = {
    "model.L1": broken((fitted) => forecasting(fitted, (value, i) => (i === 3 ? Number.NaN : value))),
    "model.L2": broken((fitted, values) => {
      const behind = new Float64Array(values.buffer).at(-1) ?? 0;
      return forecasting(fitted, (value) => value + behind);
    }),
    "model.L3": broken((fitted) => {
      let advanced = 0;
      return {
        ...forecasting(fitted, (value) => value + advanced),
        advance: (series) => {
          advanced += 1;
          return fitted.advance(series);
        },
      };
    }),
    "model.L4": broken((fitted) => forecasting(fitted, (value) => value + (calls += 1))),
    "model.L5": broken((fitted) => forecasting(fitted, (value) => 1.1 * value)),
    "model.L6": broken((fitted) => forecasting(fitted, (value) => value + 1)),
    "model.L7": broken((fitted, values) => (values.length < 3 ? { kind: "unfit", reason: "no" } : fitted)),
    "model.L8": broken((fitted) => forecasting(fitted, (value) => value + 1)),
    "model.L9": broken((fitted, values) => forecasting(fitted, (value) => (values.some(Number.isNaN) ? Number.NaN : value))),
    "model.L10": broken((fitted) => ({ ...fitted, simulate: () => new Float64Array(3) })),
    "model.L11": broken(() => ({ kind: "unfit", reason: "It serves none, and says so in a sentence." })),
  };
  test("there is one for each", () => expect(Object.keys(bad)).toEqual(laws.map(({ id }) => id)));
  test.each(laws.map((law) => [law.id, law] as const))("%s", (id, law) => {
    const model = bad[id];
    if (model === undefined) throw new Error(`Expected a model that breaks ${id}.`);
    expect(law.violations(model)).not.toEqual([]);
  });
});
