// A small retailer for the forecasting pipeline: a few items with a season, prices, and the settings of the AWS solution.

import { makeRandom } from "../../src/platform/random.ts";

export interface ShopOptions {
  readonly items?: number;
  readonly months?: number;
  readonly seed?: number;
}

const monthOf = (index: number): string => new Date(Date.UTC(2022, index, 1)).toISOString().slice(0, 10);

/** `item_id,store,timestamp,demand`, by month. */
export function shopTarget({ items = 8, months = 36, seed = 1 }: ShopOptions = {}): string {
  const lines = ["item_id,store,timestamp,demand"];
  for (let item = 0; item < items; item++) {
    const random = makeRandom(seed).fork(`item ${item}`);
    for (let month = 0; month < months; month++) {
      const season = 1 + 0.3 * Math.sin((2 * Math.PI * month) / 12 + item);
      const value = Math.max(0, (20 + 5 * item) * season * (1 + 0.1 * random.normal()));
      lines.push(`item_${item},store_${item % 2},${monthOf(month)},${value.toFixed(2)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** `item_id,category`. */
export function shopMetadata({ items = 8 }: ShopOptions = {}): string {
  return `item_id,category\n${Array.from({ length: items }, (_, item) => `item_${item},${item % 3 === 0 ? "tea" : "juice"}`).join("\n")}\n`;
}

/** `item_id,store,timestamp,price`, to the end of the horizon. */
export function shopRelated({ items = 8, months = 36 }: ShopOptions = {}, horizon = 3): string {
  const lines = ["item_id,store,timestamp,price"];
  for (let item = 0; item < items; item++) {
    for (let month = 0; month < months + horizon; month++) {
      lines.push(`item_${item},store_${item % 2},${monthOf(month)},${month % 6 === 0 ? "1.50" : "2.00"}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** A time series of a forecast-defaults.yaml, by month: of each item in each `dimension`, a `number`. */
export const monthlyDataset = (type: "TARGET" | "RELATED", dimension: string, number: string): string => `
    - Domain: RETAIL
      DatasetType: ${type}_TIME_SERIES
      DataFrequency: M
      TimestampFormat: yyyy-MM-dd
      Schema:
        Attributes:
          - { AttributeName: item_id, AttributeType: string }
          - { AttributeName: ${dimension}, AttributeType: string }
          - { AttributeName: timestamp, AttributeType: timestamp }
          - { AttributeName: ${number}, AttributeType: float }`;

/** A forecast-defaults.yaml with target and metadata; `more` is appended as further groups. */
export function shopDefaults(options: { readonly maxAge?: number; readonly related?: boolean; readonly more?: string } = {}): string {
  const related = options.related === true ? monthlyDataset("RELATED", "store", "price") : "";
  return `Default:
  DatasetGroup:
    Domain: RETAIL
  Datasets:${monthlyDataset("TARGET", "store", "demand")}${related}
    - Domain: RETAIL
      DatasetType: ITEM_METADATA
      Schema:
        Attributes:
          - { AttributeName: item_id, AttributeType: string }
          - { AttributeName: category, AttributeType: string }
  Predictor:
    MaxAge: ${options.maxAge ?? 0}
    PerformAutoML: true
    ForecastHorizon: 3
    FeaturizationConfig:
      ForecastFrequency: M
      ForecastDimensions: [store]
    EvaluationParameters: { NumberOfBacktestWindows: 2, BackTestWindowOffset: 3 }
  Forecast:
    ForecastTypes: ["0.10", "0.50", "0.90", "mean"]
${options.more ?? ""}`;
}
