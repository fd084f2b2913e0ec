// What the report shows, as plain values: made from a run's result, embedded in the page, drawn by charts.js.
//
//   R1. Bounded: totals, and at most `shownSeries` series. A catalogue of 30,000 series makes a page of less than 3 MB.
//   R2. `null` is missing; a number is rounded to what a planner reads.

/** A curve with its past, its tries and its future. Instants are indices into `dates`. */
export interface ReportCurve {
  readonly name: string;
  readonly first: number;
  readonly history: readonly (number | null)[];
  readonly mean: readonly number[];
  /** Level by level. */
  readonly quantiles: readonly (readonly number[])[];
  readonly backtests: readonly {
    readonly at: number;
    readonly mean: readonly number[];
    readonly quantiles?: readonly (readonly number[])[];
  }[];
}

export interface ReportMetrics {
  readonly wape: number | null;
  /** WAPE of repeating the last season; `null` where it reaches nothing. */
  readonly naiveWape: number | null;
  readonly wql: number | null;
  readonly mase: number | null;
  readonly rmse: number | null;
  readonly bias: number | null;
}

export interface ReportSeries extends ReportCurve {
  readonly group: string;
  readonly models: string;
  readonly metrics: ReportMetrics;
  /** Name and text of what else is known: category, brand. */
  readonly about: readonly (readonly [string, string])[];
}

/** A row of an accuracy table: one series of `series`, one category, one model. */
export interface ReportRow extends ReportMetrics {
  readonly name: string;
  readonly series: number;
  /** Sum of what was sold in the backtest windows. */
  readonly actual: number;
  /** Index into `Report.series`, when it is shown there. */
  readonly shown?: number | undefined;
}

export interface Report {
  readonly title: string;
  readonly subtitle: string;
  readonly dates: readonly string[];
  /** Index of the first forecast instant in `dates`. */
  readonly split: number;
  readonly horizon: number;
  readonly levels: readonly number[];
  /** `p10`, `p50`, `p90`. */
  readonly labels: readonly string[];
  readonly total: ReportCurve;
  readonly series: readonly ReportSeries[];
  readonly calibration: readonly { readonly level: number; readonly observed: number }[];
  readonly tiles: readonly { readonly value: string; readonly name: string }[];
  readonly worst: readonly ReportRow[];
  readonly best: readonly ReportRow[];
  readonly categories: readonly { readonly name: string; readonly rows: readonly ReportRow[]; readonly more: number }[];
  /** Share of series that a model leads, and its mean weight. */
  readonly winners: readonly { readonly model: string; readonly leads: number; readonly weight: number }[];
  /** Whole sentences: bad rows, fills, series without a model. */
  readonly notes: readonly string[];
  /** Name and value: settings, seed, versions, hashes. */
  readonly facts: readonly (readonly [string, string])[];
}
