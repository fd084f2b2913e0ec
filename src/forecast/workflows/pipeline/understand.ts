// Understand: what a look at a file tells whoever uploads it, while they wait: how its columns are read, what changed, what is not clear.
//
// Only of files that are read in a moment; of larger ones the run's own check tells the same.

import { isStockroomError } from "../../../platform/errors.ts";
import { fileOfObject, isQuick, tooLargeNow } from "../../../platform/mappings/quick.ts";
import type { ObjectEntry } from "../../../platform/objects/contract.ts";
import { defaultsKey } from "../../store/keys.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import { inputOptionsOf } from "../defaults/parse.ts";
import type { InputKind } from "../inputs/schema.ts";
import { isStrict } from "../inputs/strict.ts";
import { linesOf, questionError } from "../intake/take-in.ts";
import { datasetKinds, findInputs } from "./files.ts";
import { findKeptOf, wordsOf } from "./kept.ts";
import type { Recipe } from "./recipe.ts";
import { readRecipes } from "./recipes.ts";
import { lookAtGroup, type GroupSources } from "./taking.ts";
import { findUpload } from "./uploads.ts";

const actor = actAs("forecast", "upload");

type Deps = Pick<ForecastDeps, "objects" | "settings" | "database">;

/** At most ten lines and a question; undefined where the file has the usual columns, or is none of a group's. */
export async function understand(deps: Deps, key: string): Promise<readonly string[] | undefined> {
  const upload = findUpload(key);
  if (upload === undefined || upload.kind === "events") return undefined;
  try {
    const recipe = (await readRecipes(deps, "upload")).of(upload.group);
    return await looked(deps, recipe, upload.kind);
  } catch (error) {
    if (!isStockroomError(error) || error.kind !== "input") throw error;
    // Without settings nothing is read, and that is told as a hint.
    return /^(?:FORECAST_DEFAULTS_MISSING|DEFAULTS_INVALID)$/.test(error.code) ? undefined : [error.message];
  }
}

async function looked(deps: Deps, recipe: Recipe, kind: InputKind): Promise<readonly string[] | undefined> {
  const { inputs } = await findInputs(deps, recipe);
  const entries: Partial<Record<InputKind, ObjectEntry>> = {};
  for (const each of datasetKinds) {
    const ref = inputs[each];
    const entry = ref === undefined || (each !== kind && each !== "target") ? undefined : await deps.objects.head(ref.key, ref.version);
    if (entry !== undefined) entries[each] = entry;
  }
  const [own, target] = [entries[kind], entries.target];
  if (own === undefined || target === undefined) return undefined;
  const known = await findKeptOf(deps.database, entries);
  if (!isQuick(own === target ? [own] : [own, target])) {
    const schema = recipe.datasets[kind]?.schema;
    const { name, open } = fileOfObject(deps.objects, actor, own);
    const strict = await isStrict(kind, { name, body: open(), ...(schema === undefined ? {} : { schema }) }, inputOptionsOf(recipe));
    return strict ? undefined : [tooLargeNow(own.key)];
  }
  const sources: GroupSources = {
    target: fileOfObject(deps.objects, actor, target),
    ...(kind === "target" ? {} : { [kind]: fileOfObject(deps.objects, actor, own) }),
  };
  const looks = await lookAtGroup(sources, { recipe, ...wordsOf(known) });
  const look = looks.find(([each]) => each === kind)?.[1];
  if (look === undefined) return undefined;
  const question = questionError(look, recipe.name, kind, defaultsKey);
  return [...linesOf(look), ...(question === undefined ? [] : [`question: ${question.message}`])];
}
