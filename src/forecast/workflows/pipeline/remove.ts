// Remove: a group that is no longer wanted. What it was read from goes; what was forecast stays where others may have taken it from.

import { isStockroomError, StockroomError } from "../../../platform/errors.ts";
import { removeListed } from "../../../platform/objects/gone.ts";
import type { Workflows } from "../../../platform/workflow/contract.ts";
import { prefixes } from "../../store/keys.ts";
import { hideGroup, listGroups } from "../../store/runs.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import { findRecipes } from "./recipes.ts";
import { findUpload } from "./uploads.ts";

/** `files`: what had been uploaded; `pieces`: what its runs kept for themselves. */
export type RemovedGroup = { readonly group: string; readonly files: number; readonly pieces: number };

/**
 * Removes a group: stops its run, takes away its files, stock, rejected rows and pieces, and takes it off all lists. Exports and planners' words stay.
 * Repeated after an interruption it goes on. Its run may still put and remove pieces while this goes on.
 *
 * Throws `missing` `FORECAST_GROUP_MISSING`, `conflict` `FORECAST_GROUP_READ` when others are forecast from its files.
 */
export async function removeGroup(
  deps: ForecastDeps,
  workflows: Pick<Workflows, "cancel">,
  group: string,
  purpose: string,
): Promise<RemovedGroup> {
  const groups = await listGroups(deps.database);
  const own = groups.find((each) => each.name === group);
  if (own === undefined) {
    throw new StockroomError(
      "missing",
      "FORECAST_GROUP_MISSING",
      `Expected a dataset group but received "${group}". ${groups.length === 0 ? "There is no group." : `Groups: ${groups.map((each) => each.name).join(", ")}.`}`,
    );
  }
  const recipes = await findRecipes(deps, purpose);
  const readers =
    recipes.kind === "none" ? [] : recipes.dependents(group).filter((name) => name !== group && groups.some((each) => each.name === name));
  if (readers.length > 0) {
    throw new StockroomError(
      "conflict",
      "FORECAST_GROUP_READ",
      `Expected no other group to be forecast from the files of ${group} but ${readers.join(", ")} ${readers.length === 1 ? "is" : "are"}. Remove ${readers.length === 1 ? "it" : "them"} first, or change \`Datasets\` in the settings.`,
    );
  }
  if (own.runId !== undefined) {
    await workflows.cancel(own.runId).catch((error: unknown) => {
      if (!isStockroomError(error) || !["RUN_UNKNOWN", "RUN_ENDED"].includes(error.code)) throw error;
    });
  }
  const actor = actAs("forecast", purpose);
  const remove = async (prefix: string, isOwn: (key: string) => boolean): Promise<number> => {
    const found = (await deps.objects.list(prefix, { limit: 1_000_000 })).filter(({ key }) => isOwn(key));
    return await removeListed(deps.objects, actor, found);
  };
  const files =
    (await remove(prefixes.train, (key) => findUpload(key)?.group === group)) +
    (await remove(`${prefixes.stock}${group}.`, () => true)) +
    (await remove(`${prefixes.rejected}${group}/`, () => true));
  const pieces = await remove(`${prefixes.runs}${group}/`, () => true);
  await hideGroup(deps.database, group, timeOf(deps));
  return { group, files, pieces };
}
