// What a forecast-defaults.yaml says about one dataset group, as an exact value.

import type { Frequency, ModelName } from "../../engine/contract.ts";
import type { Aggregation } from "../../engine/panel/aggregate.ts";
import type { AttributeRule, ReadInputsOptions } from "../inputs/read.ts";
import type { GroupIntake } from "../intake/said.ts";
import type { Domain, InputKind, SchemaAttribute } from "../inputs/schema.ts";

export type OptimizationMetric = "WAPE" | "RMSE" | "AverageWeightedQuantileLoss" | "MASE" | "MAPE";

/** A model that may be asked for; `global` is the boosted model over all series. */
export type ModelChoice = ModelName | "global";

/** One of a group's files. */
export interface DatasetSettings {
  /** In the order of its columns. */
  readonly schema: readonly SchemaAttribute[];
  /** How often rows come; absent for metadata. */
  readonly frequency: Frequency | undefined;
}

/** What to give out: quantile levels, ascending, each in 0.01..0.99, and whether the mean. */
export interface ForecastTypes {
  readonly levels: readonly number[];
  readonly mean: boolean;
}

/** How files are read, beyond what the AWS solution knows; what is absent has its default. */
export type InputSettings = {
  readonly [
    Key in
      | "ended"
      | "nonNegative"
      | "stockColumn"
      | "without"
      | "stamps"
      | "begin"
      | "end"
      | "dateFormat"
      | "decimal"
      | "encoding"
      | "map"
      | "mostBadShare"
      | "eventRows"
  ]?: ReadInputsOptions[Key] | undefined;
};

export interface GroupSettings {
  readonly name: string;
  /** The group whose files are read: itself, or the one its `Datasets` come `From`. */
  readonly filesOf: string;
  readonly domain: Domain;
  readonly datasets: Readonly<{ target: DatasetSettings; related: DatasetSettings | undefined; metadata: DatasetSettings | undefined }>;
  /** Files without which nothing is trained: of a group's own list all, of Default's list the target alone. */
  readonly required: readonly InputKind[];
  readonly frequency: Frequency;
  /** Steps. */
  readonly horizon: number;
  /** Columns of the target to forecast by beside the item; its others are summed over. */
  readonly dimensions: readonly string[];
  /** A model younger than this is reused for new data. */
  readonly maxAgeSeconds: number;
  readonly aggregation: Aggregation;
  /** By attribute. */
  readonly rules: Readonly<Record<string, AttributeRule>>;
  /** What becomes of related numbers whose horizon is unknown. */
  readonly shortRelated: "refuse" | "leave-out";
  /** Two-letter country. */
  readonly holidays: string | undefined;
  /** Backtest windows, 1 to 5, and the steps between a window's cut and the end of the data (for the last window). */
  readonly windows: number;
  readonly windowOffset: number;
  /** What accuracy is measured at. */
  readonly trainedTypes: ForecastTypes;
  /** What is exported. */
  readonly forecastTypes: ForecastTypes;
  readonly metric: OptimizationMetric;
  /** "auto": backtests decide. */
  readonly models: "auto" | readonly ModelChoice[];
  /** Absent where the file has no section `Inputs`. */
  readonly inputs?: InputSettings;
  /** What a person said of the columns of its files; absent where the file has no section `intake`. */
  readonly intake?: GroupIntake;
  readonly explain: boolean;
  readonly monitor: boolean;
  readonly tags: Readonly<Record<string, string>>;
}
