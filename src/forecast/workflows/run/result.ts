// The result of a run: its series in order, and what they come to together.

import type { CandidateName } from "../../engine/combine/contract.ts";
import type { Panel } from "../../engine/contract.ts";
import { accuracyOf, addTally, makeTally, type Tally } from "../../engine/metrics/metrics.ts";
import type { ModelShare, RunResult, RunSettings, RunSummary, SeriesResult, SumResult } from "./contract.ts";

interface Chunks {
  readonly parts: number;
  read(part: number): Promise<readonly SeriesResult[]>;
  sums(): Promise<readonly SumResult[]>;
}

/** Reads a finished run. Each walk reads the chunks anew; one chunk is in memory at a time. */
export function openResult(panel: Panel, settings: RunSettings, key: string, chunks: Chunks): RunResult {
  async function* series(signal?: AbortSignal): AsyncGenerator<SeriesResult> {
    for (let part = 0; part < chunks.parts; part++) {
      signal?.throwIfAborted();
      yield* await chunks.read(part);
    }
  }
  let summary: Promise<RunSummary> | undefined;
  return {
    panel,
    settings,
    key,
    series,
    sums: () => chunks.sums(),
    summary: () => {
      summary ??= summarise(panel, settings, series());
      return summary;
    },
  };
}

/** The number of a window, 1 for the oldest of those asked for, by its cut. */
export function windowOf(panel: Panel, settings: RunSettings, cut: number): number {
  const { length, horizon } = panel.grid;
  return settings.windows - Math.round((length - settings.offset - cut) / horizon);
}

async function summarise(panel: Panel, settings: RunSettings, all: AsyncIterable<SeriesResult>): Promise<RunSummary> {
  const total = makeTally(settings.levels);
  const windows = new Map<number, Tally>();
  const shares = new Map<CandidateName, { leads: number; weight: number }>();
  let series = 0;
  let silent = 0;
  for await (const { mixed, tallies } of all) {
    series += 1;
    if (mixed.forecast === undefined) silent += 1;
    for (const [at, { cut }] of mixed.backtests.entries()) {
      const window = windows.get(cut) ?? makeTally(settings.levels);
      windows.set(cut, window);
      addTally(window, tallies[at]);
      addTally(total, tallies[at]);
    }
    for (const [rank, { model, weight }] of mixed.components.entries()) {
      const share = shares.get(model) ?? { leads: 0, weight: 0 };
      shares.set(model, share);
      share.weight += weight;
      if (rank === 0) share.leads += 1;
    }
  }
  const mixedSeries = Math.max(1, series - silent);
  const models: ModelShare[] = [...shares].map(([model, { leads, weight }]) => ({
    model,
    leads: leads / mixedSeries,
    weight: weight / mixedSeries,
  }));
  models.sort((a, b) => b.leads - a.leads || b.weight - a.weight || (a.model < b.model ? -1 : 1));
  const byWindow = [...windows]
    .sort(([a], [b]) => a - b)
    .flatMap(([cut, tally]) => {
      const accuracy = accuracyOf(tally);
      return accuracy === undefined ? [] : [{ window: windowOf(panel, settings, cut), cut, accuracy }];
    });
  return { series, silent, points: panel.offsets[panel.offsets.length - 1], accuracy: accuracyOf(total), byWindow, models };
}
