// Every place of forecast-defaults.yaml where a key may be unknown or misspelt, or a value of the wrong kind: each is told with its path, line and column.

import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { parseDefaults } from "./parse.ts";

const schema = (...attributes: (readonly [string, string])[]): unknown => ({
  Attributes: attributes.map(([name, type]) => ({ AttributeName: name, AttributeType: type })),
});

const dataset = (type: string, more: object, ...attributes: (readonly [string, string])[]): unknown => ({
  Domain: "RETAIL",
  DatasetType: type,
  ...more,
  Schema: schema(["item_id", "string"], ...attributes),
});

const timed = { DataFrequency: "D", TimestampFormat: "yyyy-MM-dd" };

const group = (predictor: object): object => ({
  DatasetGroup: { Domain: "RETAIL", Tags: [{ Key: "shop", Value: "a" }] },
  Datasets: [
    dataset("TARGET_TIME_SERIES", timed, ["store", "string"], ["timestamp", "timestamp"], ["demand", "float"]),
    dataset("RELATED_TIME_SERIES", timed, ["store", "string"], ["timestamp", "timestamp"], ["price", "float"]),
    dataset("ITEM_METADATA", {}, ["brand", "string"]),
  ],
  ...predictor,
  Forecast: { ForecastTypes: ["0.10", "mean"] },
});

const files: Readonly<Record<string, object>> = {
  Predictor: {
    Default: group({
      Predictor: {
        MaxAge: 604_800,
        PerformAutoML: true,
        ForecastHorizon: 30,
        ForecastTypes: ["0.10", "mean"],
        OptimizationMetric: "WAPE",
        PerformHPO: false,
        TrainingParameters: { epochs: "250" },
        EvaluationParameters: { NumberOfBacktestWindows: 2, BackTestWindowOffset: 40 },
        FeaturizationConfig: {
          ForecastFrequency: "D",
          ForecastDimensions: ["store"],
          Featurizations: [
            {
              AttributeName: "demand",
              FeaturizationPipeline: [
                {
                  FeaturizationMethodName: "filling",
                  FeaturizationMethodParameters: { aggregation: "avg", middlefill: "nan", backfill: "value", backfill_value: "2" },
                },
              ],
            },
          ],
        },
        InputDataConfig: { SupplementaryFeatures: [{ Name: "holiday", Value: "US" }] },
        Tags: [{ Key: "team", Value: "b" }],
      },
    }),
  },
  AutoPredictor: {
    Default: group({
      AutoPredictor: {
        MaxAge: 604_800,
        ForecastHorizon: 8,
        ForecastFrequency: "W",
        ForecastDimensions: ["store"],
        ForecastTypes: ["0.10", "mean"],
        OptimizationMetric: "WAPE",
        ExplainPredictor: true,
        MonitorConfig: { MonitorName: "m" },
        TimeAlignmentBoundary: { DayOfWeek: "SUNDAY" },
        DataConfig: {
          AdditionalDatasets: [{ Name: "holiday", Configuration: { CountryCode: ["US"] } }],
          AttributeConfigs: [{ AttributeName: "price", Transformations: { middlefill: "median", futurefill: "max" } }],
        },
      },
    }),
    shop: { Datasets: Reflect.get(group({}), "Datasets") },
    toys: { Datasets: { From: "shop" } },
  },
};

type Path = readonly (string | number)[];

const entriesOf = (value: object): readonly (readonly [string | number, unknown])[] =>
  Array.isArray(value) ? value.map((each: unknown, i) => [i, each] as const) : Object.entries(value);

function placesIn(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...entriesOf(value).flatMap(([key, each]) => placesIn(each, [...at, key]))];
}

function changed(value: unknown, [first, ...rest]: Path, make: (old: unknown) => unknown): unknown {
  if (first === undefined) return make(value);
  if (Array.isArray(value)) return value.map((item: unknown, i) => (i === first ? changed(item, rest, make) : item));
  return Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, key === first ? changed(each, rest, make) : each]));
}

const valueAt = (value: unknown, path: Path): unknown => path.reduce<unknown>((inner, key) => Reflect.get(inner as object, key), value);
const isMap = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);
const textOf = (path: Path): string => path.map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? key : `.${key}`)).join("");

function problemsOf(value: unknown): { readonly text: string; readonly problems: readonly string[] } {
  const text = stringify(value);
  const parsed = parseDefaults(text, "forecast-defaults.yaml");
  return {
    text,
    problems: parsed.kind === "bad" ? parsed.problems.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`) : [],
  };
}

function placeOf(text: string, word: string): readonly [line: number, column: number] {
  const lines = text.split("\n");
  const line = lines.findIndex((each) => each.includes(word));
  return [line + 1, (lines[line] ?? "").indexOf(word) + 1];
}

/** Keys under which anything may stand: parameters of other algorithms. */
const isFree = (path: Path): boolean => path.includes("TrainingParameters");

describe.each(Object.entries(files))("a file with a %s", (_, whole) => {
  test("is without mistakes as it is", () => {
    expect(problemsOf(whole).problems).toEqual([]);
  });

  test("has no map whose unknown or misspelt key is not told", () => {
    // The top holds the names of groups, which are free.
    for (const path of placesIn(whole).filter((each) => each.length > 0 && isMap(valueAt(whole, each)) && !isFree(each))) {
      const { text, problems } = problemsOf(changed(whole, path, (old) => ({ ...(old as object), zqxjkv: 1 })));
      const [line, column] = placeOf(text, "zqxjkv");
      expect(problems).toContainEqual(expect.stringContaining(`${line}:${column} ${textOf([...path, "zqxjkv"])} Expected a key of `));
      for (const key of Object.keys(valueAt(whole, path) as object)) {
        const wrong = `${key.slice(0, 1)}${key[2]}${key[1]}${key.slice(3)}`;
        if (wrong === key) continue;
        const { problems: said } = problemsOf(
          changed(whole, path, (old) =>
            Object.fromEntries(Object.entries(old as object).map(([own, each]) => [own === key ? wrong : own, each])),
          ),
        );
        expect(said).toContainEqual(
          expect.stringMatching(new RegExp(`^\\d+:\\d+ ${textOf([...path, wrong]).replaceAll(/[[\].]/g, "\\$&")} .*Did you mean `)),
        );
      }
    }
  });

  test("has no value whose wrong kind is not told", () => {
    for (const path of placesIn(whole).filter((each) => each.length > 0 && !isFree(each))) {
      const old = valueAt(whole, path);
      for (const wrong of [Array.isArray(old) ? { zqxjkv: 1 } : ["zqxjkv"], null]) {
        const { text, problems } = problemsOf(changed(whole, path, () => wrong));
        const [line] = wrong === null ? [0] : placeOf(text, "zqxjkv");
        const here = problems.filter((problem) => {
          const [at = "", where = ""] = problem.split(" ");
          const isNear = wrong === null || [line, line - 1].includes(Number(at.split(":")[0]));
          return isNear && (where === textOf(path) || where.startsWith(`${textOf(path)}.`) || where.startsWith(`${textOf(path)}[`));
        });
        expect(here.length > 0 ? "told" : `${textOf(path)} ${JSON.stringify(wrong)}: ${problems.join("; ")}`).toBe("told");
      }
    }
  });
});
