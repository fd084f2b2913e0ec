// Remark: what the settings of a group leave unread of its files, told to whoever uploads them and with every forecast made without them.

import { isStockroomError } from "../../../platform/errors.ts";
import { defaultsKey, prefixes } from "../../store/keys.ts";
import type { InputKind } from "../inputs/schema.ts";
import type { ForecastDeps } from "../deps.ts";
import { findShortRelated } from "./preview.ts";
import type { Recipe } from "./recipe.ts";
import { readRecipes } from "./recipes.ts";
import { findUpload } from "./uploads.ts";

const names: Readonly<Record<Exclude<InputKind, "target">, { readonly what: string; readonly type: string }>> = {
  related: { what: "related series", type: "RELATED_TIME_SERIES" },
  metadata: { what: "metadata", type: "ITEM_METADATA" },
};

/** Says that a group's settings have no dataset for a file of this kind, and what would mend it. */
export function unnamedFile(group: string, kind: Exclude<InputKind, "target">): string {
  const { what, type } = names[kind];
  return `the settings of ${group} name no ${what}, so it is not read; add a dataset with \`DatasetType: ${type}\` to ${group}.Datasets (or Default.Datasets) in ${defaultsKey}`;
}

const kindWords: Readonly<Record<string, string>> = {
  related: "related",
  metadata: "metadata",
  meta: "metadata",
  items: "metadata",
  events: "events",
  event: "events",
  target: "",
};

/** What a target's name or folder says that only the word before its ending can say: `retail_related.csv`, `related/retail.csv`. */
export function misplacedKind(key: string): string | undefined {
  const upload = findUpload(key);
  if (upload?.kind !== "target") return undefined;
  const folder = key.split("/").at(-2) ?? "";
  const [, stem, word] = /^(.+)[-_](related|metadata|meta|events?|target)$/i.exec(upload.group) ?? [];
  const [group, said, read] =
    stem !== undefined && word !== undefined
      ? [stem, word, `of a group named ${upload.group}`]
      : [upload.group, folder, `of ${upload.group}, whatever its folder is called`];
  const kind = kindWords[said.toLowerCase()];
  if (kind === undefined || (kind === "" && stem === undefined)) return undefined;
  const name = key.slice(key.lastIndexOf("/") + 1).slice(upload.group.length);
  return `it is read as the target ${read}; did you mean ${prefixes.train}${group}${kind === "" ? "" : `.${kind}`}${name}?`;
}

/**
 * What to tell whoever stored this file, or (`isStored` false) is about to; undefined when its group reads it and nothing is left open.
 */
export async function remarkOn(
  deps: Pick<ForecastDeps, "objects" | "settings">,
  key: string,
  isStored: boolean,
): Promise<string | undefined> {
  const upload = findUpload(key);
  if (upload === undefined) return undefined;
  try {
    const recipes = await readRecipes(deps, "upload");
    const misplaced = recipes.names.includes(upload.group) ? undefined : misplacedKind(key);
    if (misplaced !== undefined) return misplaced;
    const readers = recipes
      .dependents(upload.group)
      .map((name) => recipes.of(name))
      .filter((recipe) => recipe.filesOf === upload.group);
    const own: Recipe = recipes.of(upload.group);
    if (readers.length === 0)
      return `the settings of ${upload.group} take the files of ${own.filesOf}, so it is not read; take \`From: ${own.filesOf}\` out of ${upload.group}.Datasets in ${defaultsKey}`;
    const { kind } = upload;
    if (kind === "related" || kind === "metadata") {
      if (!readers.some(({ datasets }) => datasets[kind] !== undefined)) return unnamedFile(upload.group, kind);
    }
    if (!isStored || (kind !== "target" && kind !== "related")) return undefined;
    const remarks = new Set<string>();
    for (const recipe of readers) for (const message of await findShortRelated(deps, recipe)) remarks.add(message);
    return remarks.size === 0 ? undefined : [...remarks].join(" ");
  } catch (error) {
    if (!isStockroomError(error) || error.kind !== "input") throw error;
    return error.code === "FORECAST_DEFAULTS_MISSING"
      ? `nothing is forecast before ${defaultsKey} is there (\`stockroom forecast defaults sample\` prints one)`
      : `nothing is forecast as long as ${defaultsKey} has mistakes (\`stockroom forecast defaults check FILE\` tells them)`;
  }
}
