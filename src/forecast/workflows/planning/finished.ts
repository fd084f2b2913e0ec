// A finished run as it lies in the store: which one is meant, its panel, its models, its forecast row by row.

import type { Body } from "../../../platform/bytes.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { Tx } from "../../../platform/database/contract.ts";
import { readTable } from "../../../platform/formats/index.ts";
import type { Actor } from "../../../platform/vault/contract.ts";
import type { Forecast, Panel } from "../../engine/contract.ts";
import { parseInstant } from "../../engine/scenario/apply.ts";
import { findLatest, getRun, listGroups, type ForecastRunRow } from "../../store/runs.ts";
import type { ForecastDeps } from "../deps.ts";
import { objectChunks, piecesPrefix, unpackNames, unpackPanel, type PanelNames } from "../pipeline/pieces.ts";
import { runSettingsOf, type Recipe } from "../pipeline/recipe.ts";
import { openRun } from "../run/run.ts";
import type { RunModel, RunSettings } from "../run/contract.ts";

/** Run ids begin with their moment, groups with a letter: they cannot be taken for each other. */
const isRunId = (word: string): boolean => /^\d{8}T\d{6}Z-/.test(word);

/** The run of that id, or the latest of that group. Throws `missing` `FORECAST_RUN_MISSING`, `FORECAST_GROUP_MISSING`, `conflict` `FORECAST_RUN_UNDONE`. */
export async function findFinished(tx: Tx, word: string): Promise<ForecastRunRow> {
  if (isRunId(word)) {
    const run = await getRun(tx, word);
    if (run.state === "done") return run;
    throw new StockroomError(
      "conflict",
      "FORECAST_RUN_UNDONE",
      run.state === "running"
        ? `Expected forecast ${word} to be finished but it is under way. Wait for it (\`stockroom runs show '${run.runId}'\`).`
        : `Expected forecast ${word} to be finished but it ${run.state === "failed" ? `failed: ${run.why ?? ""}` : `was ${run.state}.`} Take another (\`stockroom forecast list ${run.group}\`).`,
    );
  }
  const latest = await findLatest(tx, word);
  if (latest !== undefined) return latest;
  const groups = await listGroups(tx);
  const known = groups.some((group) => group.name === word);
  throw new StockroomError(
    "missing",
    known ? "FORECAST_RUN_MISSING" : "FORECAST_GROUP_MISSING",
    known
      ? `Expected a finished forecast of ${word} but there is none yet. \`stockroom runs list\` tells how far it is.`
      : `Expected a dataset group or the id of a forecast but received "${word}". ${groups.length === 0 ? "There is no group yet: put a file such as forecast/train/retail.csv." : `Groups: ${groups.map((group) => group.name).join(", ")}.`}`,
  );
}

export const panelKey = (run: Pick<ForecastRunRow, "group" | "content">): string => `${piecesPrefix(run.group, run.content)}panel`;

/** The names in a run's panel. Throws `missing` `OBJECT_MISSING`. */
export async function readNames(deps: Pick<ForecastDeps, "objects">, actor: Actor, run: ForecastRunRow): Promise<PanelNames> {
  return await unpackNames((await deps.objects.get(actor, panelKey(run))).body);
}

export async function readPanel(
  deps: Pick<ForecastDeps, "objects">,
  actor: Actor,
  run: ForecastRunRow,
  signal: AbortSignal,
): Promise<Panel> {
  return await unpackPanel((await deps.objects.get(actor, panelKey(run), { signal })).body);
}

/** What a run was forecast with, from its row. */
export function settingsOfRun(run: ForecastRunRow): RunSettings {
  // The row holds what `readRecipes` gave.
  return runSettingsOf(run.settings as Recipe, run.reuses !== undefined); // oxlint-disable-line typescript/no-unsafe-type-assertion
}

/** The models of a run. Throws `conflict` `FORECAST_RUN_OLD` when an earlier version of the program made them. */
export async function readModel(
  deps: Pick<ForecastDeps, "objects" | "compute">,
  actor: Actor,
  run: ForecastRunRow,
  panel: Panel,
  signal: AbortSignal,
): Promise<RunModel> {
  const chunks = objectChunks(deps.objects, actor, piecesPrefix(run.group, run.content));
  const opened = await openRun(panel, settingsOfRun(run), { compute: deps.compute, chunks, signal });
  checkKey(run, opened.key);
  return await opened.model();
}

function checkKey(run: ForecastRunRow, key: string): void {
  if (run.summary?.["runKey"] === key) return;
  throw new StockroomError(
    "conflict",
    "FORECAST_RUN_OLD",
    `Expected the models of ${run.id} to be of this version of the program but an earlier one made them. Forecast ${run.group} again (put its file again), then ask that forecast.`,
    { facts: { run: run.id } },
  );
}

/** Which export of a run is meant when a forecast is asked for: what planners made of it, else the system's. */
export function chosenExport(run: ForecastRunRow): { readonly key: string; readonly version: string } {
  const found = run.exports["adjusted"] ?? run.exports["forecast"];
  if (found !== undefined) return found;
  throw new StockroomError(
    "fault",
    "FORECAST_EXPORT_MISSING",
    `Expected forecast ${run.id} to have an export but it has none. Report this.`,
  );
}

/** One series of an export. */
export interface StoredSeries {
  /** Item and dimensions. */
  readonly ids: readonly string[];
  /** One text and one instant (UTC) for each step. */
  readonly timestamps: readonly string[];
  readonly instants: readonly number[];
  /** Mean by step; undefined where the export has none. */
  readonly mean: readonly number[] | undefined;
  /** Step by step, the quantiles at `levels`. */
  readonly quantiles: readonly (readonly number[])[];
}

export interface StoredRows {
  /** All columns, as they stand in the file. */
  readonly columns: readonly string[];
  readonly idColumns: readonly string[];
  readonly hasMean: boolean;
  /** Ascending. */
  readonly levels: readonly number[];
  /** In the order of the file, whose rows of one series stand together. */
  series(): AsyncGenerator<StoredSeries>;
}

/** Reads a `forecast.csv`. Throws `fault` `FORECAST_EXPORT_BROKEN` for a file that is none. */
export async function readRows(body: Body, name: string, signal: AbortSignal): Promise<StoredRows> {
  const broken = (detail: string): never => {
    throw new StockroomError(
      "fault",
      "FORECAST_EXPORT_BROKEN",
      `Expected ${name} to be what a forecast wrote but ${detail}. Run the group again.`,
    );
  };
  const table = await readTable(body, { name, signal, onBadRow: (row) => broken(`line ${row.line} is not: ${row.reason}`) });
  const { columns } = table;
  const time = columns.indexOf("timestamp");
  if (time < 1) broken("it has no timestamp");
  const meanAt = columns.indexOf("mean", time);
  const levelAt = columns.flatMap((column, at) => {
    const found = at > time ? /^p(\d+(?:\.\d+)?)$/.exec(column) : null;
    return found === null ? [] : [{ at, level: Number((Number(found[1]) / 100).toFixed(8)) }];
  });
  async function* series(): AsyncGenerator<StoredSeries> {
    let key: string | undefined;
    let open: { ids: string[]; timestamps: string[]; instants: number[]; mean: number[]; quantiles: number[][] } | undefined;
    const given = (): StoredSeries[] => (open === undefined ? [] : [{ ...open, mean: meanAt < 0 ? undefined : open.mean }]);
    for await (const { rows } of table.batches) {
      for (const row of rows) {
        const ids = row.slice(0, time);
        const own = keyOfIds(ids);
        if (own !== key) {
          yield* given();
          key = own;
          open = { ids, timestamps: [], instants: [], mean: [], quantiles: [] };
        }
        const text = row[time] ?? "";
        open?.timestamps.push(text);
        open?.instants.push(parseInstant(text) ?? broken(`"${text}" is no instant`));
        open?.mean.push(meanAt < 0 ? 0 : Number(row[meanAt]));
        open?.quantiles.push(levelAt.map(({ at }) => Number(row[at])));
      }
    }
    yield* given();
  }
  return {
    columns,
    idColumns: columns.slice(0, time),
    hasMean: meanAt >= 0,
    levels: levelAt.map(({ level }) => level),
    series,
  };
}

/** A stored series as the engine has it. Without a mean the quantile nearest to the middle stands for it. */
export function forecastOf({ mean, quantiles }: StoredSeries, levels: readonly number[]): Forecast {
  const horizon = quantiles.length;
  const distances = levels.map((level) => Math.abs(level - 0.5));
  const middle = distances.indexOf(Math.min(...distances));
  const all = new Float64Array(levels.length * horizon);
  for (let h = 0; h < horizon; h++) for (let i = 0; i < levels.length; i++) all[i * horizon + h] = quantiles[h]?.[i] ?? 0;
  return {
    mean: Float64Array.from({ length: horizon }, (_, h) => mean?.[h] ?? quantiles[h]?.[middle] ?? 0),
    quantiles: all,
    levels,
  };
}

/** Item and dimensions as one text; no two series share it. */
export const keyOfIds = (ids: readonly string[]): string => JSON.stringify(ids);

/** Item and dimensions for people. */
export const titleOfIds = (ids: readonly string[]): string => ids.join(" · ");

/** Where each series stands in a panel. */
export function placesIn(panel: Pick<Panel, "itemIds" | "dimensions">): ReadonlyMap<string, number> {
  return new Map(
    panel.itemIds.map((item, i) => [keyOfIds([item, ...panel.dimensions.map(({ levels, codes }) => levels[codes[i] ?? -1] ?? "")]), i]),
  );
}
