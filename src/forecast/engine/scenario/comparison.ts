// Comparing a scenario with the baseline: what the change does to demand, by series, by step and in all.

import { StockroomError } from "../../../platform/errors.ts";

/** Expected demand of one series under both; the same number of steps. */
export interface Pair {
  readonly id: string;
  readonly baseline: Float64Array;
  readonly scenario: Float64Array;
}

export interface Difference {
  readonly baseline: number;
  readonly scenario: number;
  /** Scenario less baseline. */
  readonly delta: number;
  /** Delta in percent of the baseline's size; undefined where the baseline is 0. */
  readonly percent: number | undefined;
}

export interface Comparison {
  /** Sums over steps, in the order given. */
  readonly items: readonly (Difference & { readonly id: string })[];
  /** Sums over series. */
  readonly steps: readonly Difference[];
  readonly total: Difference;
}

function differenceOf(baseline: number, scenario: number): Difference {
  const delta = scenario - baseline;
  return { baseline, scenario, delta, percent: baseline === 0 ? undefined : (100 * delta) / Math.abs(baseline) };
}

/** Compares by series, by step and in all. Throws `SCENARIO_SHAPE` when the two do not have the same steps. */
export function compareForecasts(pairs: readonly Pair[]): Comparison {
  const horizon = pairs[0]?.baseline.length ?? 0;
  const baselines = new Float64Array(horizon);
  const scenarios = new Float64Array(horizon);
  const items: (Difference & { readonly id: string })[] = [];
  for (const { id, baseline, scenario } of pairs) {
    if (baseline.length !== horizon || scenario.length !== horizon) {
      const got = `${baseline.length} and ${scenario.length}`;
      throw new StockroomError(
        "input",
        "SCENARIO_SHAPE",
        `Expected ${horizon} steps in baseline and scenario of ${id} but received ${got}.`,
      );
    }
    let before = 0;
    let after = 0;
    for (let h = 0; h < horizon; h++) {
      before += baseline[h];
      after += scenario[h];
      baselines[h] += baseline[h];
      scenarios[h] += scenario[h];
    }
    items.push({ id, ...differenceOf(before, after) });
  }
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  return {
    items,
    steps: Array.from(baselines, (value, h) => differenceOf(value, scenarios[h])),
    total: differenceOf(sum(baselines), sum(scenarios)),
  };
}
