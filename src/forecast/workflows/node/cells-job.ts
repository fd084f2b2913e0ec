// Cells: the series of a node, step by step, as a planner's grid has them; in a thread.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle } from "../../../platform/objects/contract.ts";
import { openHandle } from "../../../platform/objects/handles.ts";
import { brokenExport, forecastOf, keyOfIds, placesIn, readRows } from "../planning/finished.ts";
import { unpackNames } from "../pipeline/pieces.ts";
import { round } from "../run/rows.ts";
import { pickSeriesOf, type Held } from "./pick.ts";

export interface CellsInput {
  readonly panel: ReadHandle;
  readonly forecast: ReadHandle;
  readonly adjusted: ReadHandle | undefined;
  readonly where: readonly Held[];
  /** Text that an id must hold, whatever its case. */
  readonly holding: string;
}

export interface CellRow {
  /** Item and dimensions. */
  readonly ids: readonly string[];
  /** The system's mean, step by step. */
  readonly system: readonly number[];
  /** The mean in use: the planners' where they said something. */
  readonly used: readonly number[];
  /** The lowest and the highest quantile in use; empty where there is none. */
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export interface Cells {
  readonly idColumns: readonly string[];
  readonly instants: readonly string[];
  readonly levels: readonly number[];
  /** What sells most first. */
  readonly rows: readonly CellRow[];
}

export const cellsJob: ComputeTask<CellsInput, Cells> = { module: import.meta.url, name: "forecast.cells" };

export async function run(input: CellsInput, { signal }: TaskTools): Promise<Cells> {
  const names = await unpackNames(openHandle(input.panel, signal));
  const places = placesIn(names);
  const chosen = new Set(pickSeriesOf(names, input.where));
  const holding = input.holding.toLowerCase();
  const wanted = (ids: readonly string[]): boolean =>
    chosen.has(places.get(keyOfIds(ids)) ?? -1) && (holding === "" || ids.some((id) => id.toLowerCase().includes(holding)));
  const read = async (handle: ReadHandle) => await readRows(openHandle(handle, signal), handle.entry.key, { signal, broken: brokenExport });
  const system = new Map<string, readonly number[]>();
  if (input.adjusted !== undefined) {
    const rows = await read(input.forecast);
    for await (const stored of rows.series()) {
      if (wanted(stored.ids)) system.set(keyOfIds(stored.ids), [...forecastOf(stored, rows.levels).mean]);
    }
  }
  const rows = await read(input.adjusted ?? input.forecast);
  let instants: readonly string[] = [];
  const found: CellRow[] = [];
  for await (const stored of rows.series()) {
    if (!wanted(stored.ids)) continue;
    if (stored.timestamps.length > instants.length) instants = stored.timestamps;
    const used = [...forecastOf(stored, rows.levels).mean];
    found.push({
      ids: stored.ids,
      system: (system.get(keyOfIds(stored.ids)) ?? used).map(round),
      used: used.map(round),
      low: rows.levels.length === 0 ? [] : stored.quantiles.map((quantiles) => round(quantiles[0] ?? 0)),
      high: rows.levels.length === 0 ? [] : stored.quantiles.map((quantiles) => round(quantiles.at(-1) ?? 0)),
    });
  }
  // By what the system said, which stands still: an adjustment in between must not move rows from one page to another.
  const volume = new Map(found.map((row) => [row, row.system.reduce((sum, value) => sum + value, 0)]));
  return {
    idColumns: rows.idColumns,
    instants,
    levels: rows.levels,
    rows: found.toSorted((a, b) => (volume.get(b) ?? 0) - (volume.get(a) ?? 0) || (keyOfIds(a.ids) < keyOfIds(b.ids) ? -1 : 1)),
  };
}
