// A finished forecast as it lies in the store: which run is meant, and its parts.

import { gather } from "../../../platform/bytes.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { Tx } from "../../../platform/database/contract.ts";
import { unlessGone } from "../../../platform/objects/gone.ts";
import type { Actor } from "../../../platform/vault/contract.ts";
import type { Panel } from "../../engine/contract.ts";
import type { ObjectRef } from "../../store/keys.ts";
import { findLatest, getRun, listGroups, type ForecastRunRow } from "../../store/runs.ts";
import type { ForecastDeps } from "../deps.ts";
import { objectChunks, piecesPrefix, unpackNames, unpackPanel, type PanelNames } from "../pipeline/pieces.ts";
import { runSettingsOf, type Recipe } from "../pipeline/recipe.ts";
import type { RunSettings } from "../run/contract.ts";
import { unpackFitted } from "../run/pieces.ts";
import { openRun } from "../run/run.ts";
import { globalPieceOf } from "../run/stages.ts";
import { brokenExport, readRows, type FinishedForecast } from "./finished.ts";

/** Run ids begin with their moment, groups with a letter: they cannot be taken for each other. */
export const isRunId = (word: string): boolean => /^\d{8}T\d{6}Z-/.test(word);

/** The run of that id, or the latest of that group. Throws `missing` `FORECAST_RUN_MISSING`, `FORECAST_GROUP_MISSING`, `conflict` `FORECAST_RUN_UNDONE`. */
export async function findFinished(tx: Tx, word: string): Promise<ForecastRunRow> {
  if (isRunId(word)) {
    const run = await getRun(tx, word);
    if (run.state === "done") return run;
    throw undoneForecast(run);
  }
  const latest = await findLatest(tx, word);
  if (latest !== undefined) return latest;
  throw noForecast(word, await listGroups(tx));
}

/** The error of a forecast that is none to ask: `conflict` `FORECAST_RUN_UNDONE`. */
export function undoneForecast({ id, state, runId, why, group }: Undone): StockroomError {
  return new StockroomError(
    "conflict",
    "FORECAST_RUN_UNDONE",
    state === "running"
      ? `Expected forecast ${id} to be finished but it is under way. Wait for it (\`stockroom runs show '${runId}'\`).`
      : `Expected forecast ${id} to be finished but it ${state === "failed" ? `failed: ${why ?? ""}` : `was ${state}.`} Take another (\`stockroom forecasts list ${group}\`).`,
  );
}

type Undone = Pick<ForecastRunRow, "id" | "state" | "runId" | "group"> & { readonly why?: string | undefined };

/** The error of a word that names no forecast: `missing` `FORECAST_RUN_MISSING` of a group that has none yet, else `FORECAST_GROUP_MISSING`. */
export function noForecast(word: string, groups: readonly { readonly name: string }[]): StockroomError {
  const known = groups.some((group) => group.name === word);
  return new StockroomError(
    "missing",
    known ? "FORECAST_RUN_MISSING" : "FORECAST_GROUP_MISSING",
    known
      ? `Expected a finished forecast of ${word} but there is none yet. \`stockroom runs list\` tells how far it is.`
      : `Expected a dataset group or the id of a forecast but received "${word}". ${groups.length === 0 ? "There is no group yet: put a file such as forecast/train/retail.csv." : `Groups: ${groups.map((group) => group.name).join(", ")}.`}`,
  );
}

/** Throws `missing` `FORECAST_GROUP_MISSING`, naming those there are, for a name that is no group's. */
export async function checkGroup(tx: Tx, group: string | undefined): Promise<void> {
  if (group !== undefined && !(await listGroups(tx)).some((each) => each.name === group)) await findFinished(tx, group);
}

export const panelKey = (run: Pick<ForecastRunRow, "group" | "content">): string => `${piecesPrefix(run.group, run.content)}panel`;

/** The names in a run's panel. Throws `missing` `OBJECT_MISSING`. */
export async function readNames(deps: Pick<ForecastDeps, "objects">, actor: Actor, run: ForecastRunRow): Promise<PanelNames> {
  return await unpackNames((await deps.objects.get(actor, panelKey(run))).body);
}

/** What a run was forecast with, from its row. */
function settingsOfRun(run: ForecastRunRow): RunSettings {
  // The row holds what `readRecipes` gave.
  return runSettingsOf(run.settings as Recipe, run.reuses !== undefined); // oxlint-disable-line typescript/no-unsafe-type-assertion
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
export const chosenExport = (run: ForecastRunRow): ObjectRef =>
  exportOf(run, run.exports["adjusted"] === undefined ? "forecast" : "adjusted");

/** Throws `fault` `FORECAST_EXPORT_MISSING`. */
export function exportOf(run: Pick<ForecastRunRow, "id" | "exports">, name: "forecast" | "adjusted"): ObjectRef {
  const found = run.exports[name];
  if (found !== undefined) return found;
  throw new StockroomError(
    "fault",
    "FORECAST_EXPORT_MISSING",
    `Expected forecast ${run.id} to have an export but it has none. Report this.`,
  );
}

/** Where the global model of a run lies, if it has one. */
export function globalKey(run: ForecastRunRow): string {
  const key = run.summary?.["runKey"];
  return `${piecesPrefix(run.group, run.content)}${globalPieceOf(typeof key === "string" ? key : "")}`;
}

/**
 * A run of the store as what questions are put to; `actor` reads.
 *
 * `model` throws `conflict` `FORECAST_RUN_OLD` when an earlier version of the program made the models, `rows` `fault` `FORECAST_EXPORT_MISSING`.
 */
export function openStored(
  deps: Pick<ForecastDeps, "objects" | "compute">,
  actor: Actor,
  run: ForecastRunRow,
  signal: AbortSignal,
): FinishedForecast {
  const settings = settingsOfRun(run);
  const chunks = objectChunks(deps.objects, actor, piecesPrefix(run.group, run.content));
  let panel: Promise<Panel> | undefined;
  const readPanel = (): Promise<Panel> => {
    panel ??= deps.objects.get(actor, panelKey(run), { signal }).then(async ({ body }) => await unpackPanel(body));
    return panel;
  };
  return {
    settings,
    panel: readPanel,
    model: async () => {
      const opened = await openRun(await readPanel(), settings, { compute: deps.compute, chunks, signal });
      checkKey(run, opened.key);
      return await opened.model();
    },
    globalModel: async () => {
      const key = globalKey(run);
      const kept = await unlessGone(deps.objects.get(actor, key, { signal }));
      return kept === undefined ? undefined : unpackFitted(await gather(kept.body));
    },
    rows: async (whose) => {
      const { key, version } = whose === "system" ? exportOf(run, "forecast") : chosenExport(run);
      const { body } = await deps.objects.get(actor, key, { version, signal });
      return await readRows(body, key, { signal, broken: brokenExport });
    },
  };
}
