// Preview: what the files of a group leave open, told to whoever uploads one of them instead of minutes later.
//
// Only of files that are read in a moment; of larger ones the run's own check tells the same. What cannot be read is told there, too.

import { isStockroomError } from "../../../platform/errors.ts";
import type { ObjectRef } from "../../store/keys.ts";
import { inputOptionsOf } from "../defaults/parse.ts";
import type { InputFile } from "../inputs/open.ts";
import { readInputs } from "../inputs/read.ts";
import type { InputKind } from "../inputs/schema.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import { findInputs } from "./files.ts";
import type { Recipe } from "./recipe.ts";

/** Both files together, as they lie in the store. */
const mostBytes = 8 << 20;
/** What is packed may be so many times as long. */
const packed = 8;

/** What a forecast from the files as they lie there would be warned of: related numbers that end before the horizon. */
export async function findShortRelated(deps: Pick<ForecastDeps, "objects">, recipe: Recipe): Promise<readonly string[]> {
  const { target, related } = (await findInputs(deps, recipe)).inputs;
  if (target === undefined || related === undefined) return [];
  let bytes = 0;
  for (const { key, version } of [target, related]) {
    const entry = await deps.objects.head(key, version);
    bytes += (entry?.bytes ?? Number.POSITIVE_INFINITY) * (/\.(?:gz|parquet)$/.test(key) ? packed : 1);
  }
  if (bytes > mostBytes) return [];
  const open = async (kind: InputKind, { key, version }: ObjectRef): Promise<InputFile> => {
    const { body } = await deps.objects.get(actAs("forecast", "upload"), key, { version });
    const schema = recipe.datasets[kind]?.schema;
    return { name: key, body, ...(schema === undefined ? {} : { schema }) };
  };
  try {
    const { notes } = await readInputs({
      ...inputOptionsOf(recipe),
      target: await open("target", target),
      related: await open("related", related),
    });
    return notes.filter(({ code }) => code === "INPUT_RELATED_SHORT").map(({ message }) => message);
  } catch (error) {
    if (!isStockroomError(error)) throw error;
    return [];
  }
}
