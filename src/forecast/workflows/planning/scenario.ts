// Scenario: a panel whose future differs, forecast again by the models of its run, beside the forecast that was made.
//
// Owns: which series are asked again, the table of both. Does not own: where models, panel and baseline come from.
//   C1. Only series whose future differs are forecast again: for the others the same numbers ahead give the same forecast, bit by bit.

import type { Body } from "../../../platform/bytes.ts";
import { writeTable, type Cell } from "../../../platform/formats/index.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { compareForecasts, type Comparison } from "../../engine/scenario/comparison.ts";
import { reforecast, type ReforecastTools } from "../run/reforecast.ts";
import type { RunModel, RunSettings } from "../run/contract.ts";
import { idColumns, idsOf, instantsOf, labelOf, round } from "../run/rows.ts";
import { titleOfIds } from "./finished.ts";

/** A series under both. */
export interface ScenarioPair {
  readonly index: number;
  /** Item and dimensions. */
  readonly ids: readonly string[];
  readonly baseline: Forecast;
  readonly scenario: Forecast;
}

/** Series with a number ahead that is not the same in both panels, which share their history and their series. */
export function changedSeries(panel: Panel, changed: Panel): readonly number[] {
  const { length, horizon } = panel.grid;
  const series = panel.itemIds.map((_, index) => index);
  for (const each of changed.shared) {
    const before = panel.shared.find((one) => one.name === each.name);
    if (before === each) continue;
    for (let h = 0; h < horizon; h++) if (!Object.is(each.values[length + h], before?.values[length + h])) return series;
  }
  const differs = new Uint8Array(series.length);
  for (const each of changed.regressors) {
    const before = panel.regressors.find((one) => one.name === each.name);
    if (before === each) continue;
    const common = before === undefined ? panel.shared.find((one) => one.name === each.name) : undefined;
    for (const i of series) {
      const from = (panel.offsets[i + 1] ?? 0) + i * horizon;
      for (let h = 0; h < horizon && differs[i] === 0; h++) {
        const was = before === undefined ? common?.values[length + h] : before.values[from + h];
        if (!Object.is(each.values[from + h], was)) differs[i] = 1;
      }
    }
  }
  return series.filter((i) => differs[i] === 1);
}

/** Two panels that share their history and their series, and what both are forecast with. */
export interface ScenarioPanels {
  readonly panel: Panel;
  readonly changed: Panel;
  readonly settings: RunSettings;
  readonly model: RunModel;
}

export type PairTools = ReforecastTools & {
  /** The forecasts that were made, as they were written down (`round`); absent: they are made once more. */
  readonly made?: (index: number) => Forecast | undefined;
};

/** Forecasts the changed panel beside what was made of the given one. Series without a forecast are left out. */
export async function forecastPairs(panels: ScenarioPanels, { made, ...tools }: PairTools): Promise<readonly ScenarioPair[]> {
  const { panel, changed, settings, model } = panels;
  const all = panel.itemIds.map((_, index) => index);
  const differing = changedSeries(panel, changed);
  const before = made === undefined ? all.length : 0;
  const report =
    (offset: number) =>
    (done: number): void =>
      tools.onProgress?.(offset + done, before + differing.length);
  const remade = made === undefined ? await reforecast(panel, settings, model, all, { ...tools, onProgress: report(0) }) : [];
  const scenarios = await reforecast(changed, settings, model, differing, { ...tools, onProgress: report(before) });
  const moved = new Map(scenarios.map((each) => [each.index, each.forecast]));
  return all.flatMap((index) => {
    const baseline = rounded(made === undefined ? remade[index]?.forecast : made(index));
    const scenario = moved.has(index) ? rounded(moved.get(index)) : baseline;
    return baseline === undefined || scenario === undefined ? [] : [{ index, ids: idsOf(panel, index), baseline, scenario }];
  });
}

/** As a forecast is written down: where nothing moved, both sides are then the same number. */
function rounded(forecast: Forecast | undefined): Forecast | undefined {
  return forecast === undefined ? undefined : { ...forecast, mean: forecast.mean.map(round), quantiles: forecast.quantiles.map(round) };
}

export const comparePairs = (pairs: readonly ScenarioPair[]): Comparison =>
  compareForecasts(pairs.map(({ ids, baseline, scenario }) => ({ id: titleOfIds(ids), baseline: baseline.mean, scenario: scenario.mean })));

/** Both forecasts step by step: the scenario's columns, then the baseline's. */
export function scenarioPairBody(panel: Panel, pairs: readonly ScenarioPair[]): Body {
  const { length, horizon } = panel.grid;
  const instant = instantsOf(panel);
  const levels = pairs[0]?.baseline.levels ?? [];
  const labels = ["mean", ...levels.map(labelOf)];
  // A run may know more levels than it exports.
  const valuesOf = ({ mean, quantiles, levels: own }: Forecast, h: number): number[] =>
    [mean[h] ?? 0, ...levels.map((level) => quantiles[own.indexOf(level) * horizon + h] ?? 0)].map(round);
  async function* rows(): AsyncGenerator<Cell[][]> {
    for (const { ids, baseline, scenario } of pairs) {
      yield Array.from({ length: horizon }, (_, h) => [...ids, instant(length + h), ...valuesOf(scenario, h), ...valuesOf(baseline, h)]);
    }
  }
  return writeTable(rows(), {
    format: "csv",
    columns: [...idColumns(panel), "timestamp", ...labels, ...labels.map((label) => `baseline_${label}`)],
  });
}

/** What the change does to each series, over all steps. */
export function comparisonBody(panel: Panel, pairs: readonly ScenarioPair[], comparison: Comparison): Body {
  async function* rows(): AsyncGenerator<Cell[][]> {
    yield pairs.map(({ ids }, at) => {
      const item = comparison.items[at];
      const percent = item?.percent;
      return [
        ...ids,
        round(item?.baseline ?? 0),
        round(item?.scenario ?? 0),
        round(item?.delta ?? 0),
        percent === undefined ? null : round(percent),
      ];
    });
  }
  // People open it; nothing of ours reads it back.
  return writeTable(rows(), {
    format: "csv",
    columns: [...idColumns(panel), "baseline", "scenario", "delta", "percent"],
    spreadsheet: true,
  });
}
