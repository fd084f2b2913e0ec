// Adjusted: a forecast's rows with what planners said laid over them, in a thread; rows nobody spoke of are copied as they are.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import { writeTable, type Cell } from "../../../platform/formats/index.ts";
import { adjustAll, makeAdjuster, type Adjustment } from "../../engine/adjust/adjust.ts";
import { unpackNames } from "../pipeline/pieces.ts";
import { round } from "../run/rows.ts";
import { brokenExport, keyOfIds, placesIn, readRows } from "./finished.ts";

/** An adjustment with its number. */
export type NumberedAdjustment = Adjustment & { readonly id: string };

export interface AdjustedInput {
  readonly forecast: ReadHandle;
  readonly panel: ReadHandle;
  readonly adjustments: readonly NumberedAdjustment[];
  readonly out: WriteHandle;
}

export interface AdjustedOutput {
  readonly staged: StagedObject;
  /** Rows that were met, each counted once. */
  readonly cells: number;
  /** By adjustment: the rows it met. */
  readonly met: Readonly<Record<string, number>>;
  /** Adjustments that no longer fit the group's columns, and why. */
  readonly misfits: readonly { readonly id: string; readonly reason: string }[];
}

export const adjustedJob: ComputeTask<AdjustedInput, AdjustedOutput> = { module: import.meta.url, name: "forecast.adjusted" };

const rowsAtOnce = 2_048;

export async function run(input: AdjustedInput, tools: TaskTools): Promise<AdjustedOutput> {
  const { signal } = tools;
  const names = await unpackNames(openHandle(input.panel, signal));
  const places = placesIn(names);
  const adjuster = makeAdjuster(names, input.adjustments);
  const rows = await readRows(openHandle(input.forecast, signal), input.forecast.entry.key, { signal, broken: brokenExport });
  const met: Record<string, number> = {};
  let cells = 0;
  async function* batches(): AsyncGenerator<Cell[][]> {
    let batch: Cell[][] = [];
    for await (const { ids, timestamps, instants, mean, quantiles } of rows.series()) {
      const place = places.get(keyOfIds(ids)) ?? -1;
      for (const [h, timestamp] of timestamps.entries()) {
        const spoken = adjuster.at(place, instants[h] ?? 0);
        const given = { mean: mean?.[h], quantiles: quantiles[h] ?? [] };
        const adjusted = spoken.length === 0 ? given : adjustAll(given, rows.levels, spoken);
        if (spoken.length > 0) cells += 1;
        for (const { id } of spoken) met[id] = (met[id] ?? 0) + 1;
        batch.push([...ids, timestamp, ...(adjusted.mean === undefined ? [] : [round(adjusted.mean)]), ...adjusted.quantiles.map(round)]);
      }
      if (batch.length < rowsAtOnce) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  }
  const staged = await writeThrough(input.out, writeTable(batches(), { format: "csv", columns: rows.columns }), signal);
  return {
    staged,
    cells,
    met,
    misfits: adjuster.misfits.map(({ adjustment, faults }) => ({
      id: adjustment.id,
      reason: faults.map(({ message }) => message).join(" "),
    })),
  };
}
