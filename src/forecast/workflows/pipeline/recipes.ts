// Recipes: forecast-defaults.yaml as it lies in the store.

import { isStockroomError, StockroomError } from "../../../platform/errors.ts";
import { unlessGone } from "../../../platform/objects/gone.ts";
import { parseDefaults, printRemark, refuseDefaults } from "../defaults/parse.ts";
import { defaultsKey } from "../../store/keys.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import type { Recipe } from "./recipe.ts";

export interface Recipes {
  /** Groups with a section of their own. */
  readonly names: readonly string[];
  /** The settings of a group, its own or the defaults. */
  of(group: string): Recipe;
  /** Groups that read the files of this one, itself first. */
  dependents(group: string): readonly string[];
  /** What is honoured in another way than its words say, a line each. */
  readonly notes: readonly string[];
}

/**
 * The settings of all groups as far as there are any without mistakes; else what everybody waits for. Mistakes are told of once, when the settings are
 * put (`intake.ts`), not with every upload.
 */
export async function findRecipes(
  deps: Pick<ForecastDeps, "objects" | "settings">,
  purpose: string,
): Promise<({ readonly kind: "recipes" } & Recipes) | { readonly kind: "none"; readonly why: string }> {
  try {
    return { kind: "recipes", ...(await readRecipes(deps, purpose)) };
  } catch (error) {
    if (!isStockroomError(error) || error.kind !== "input") throw error;
    const isMissing = error.code === "FORECAST_DEFAULTS_MISSING";
    return { kind: "none", why: isMissing ? `waits for ${defaultsKey}` : `waits for ${defaultsKey} to be without mistakes` };
  }
}

/**
 * Reads the settings of all groups, of a version or the newest.
 *
 * Throws `input` `FORECAST_DEFAULTS_MISSING`, and `DEFAULTS_INVALID` with everything that is wrong, by path, line and column.
 */
export async function readRecipes(deps: Pick<ForecastDeps, "objects" | "settings">, purpose: string, version?: string): Promise<Recipes> {
  const read = deps.objects.read(actAs("forecast", purpose), defaultsKey, {
    ...(version === undefined ? {} : { version }),
    maxBytes: 16 << 20,
  });
  const bytes = version === undefined ? await unlessGone(read) : await read;
  if (bytes === undefined) {
    throw new StockroomError(
      "input",
      "FORECAST_DEFAULTS_MISSING",
      `Expected ${defaultsKey} in the store, which says how often the data come and how far to forecast, but there is none. Put one (\`stockroom put ${defaultsKey} ${defaultsKey}\`); it may be the one of the AWS solution.`,
    );
  }
  const parsed = parseDefaults(Buffer.from(bytes).toString("utf8"), defaultsKey);
  if (parsed.kind === "bad") return refuseDefaults(parsed, defaultsKey);
  return {
    names: parsed.names,
    // Through JSON once: settings rest in rows and cross threads.
    of: (group) => {
      const intake = deps.settings.intake[group];
      const settings = parsed.group(group);
      return JSON.parse(JSON.stringify(settings.intake !== undefined || intake === undefined ? settings : { ...settings, intake }));
    },
    dependents: (group) => parsed.dependents(group),
    notes: parsed.notes.map((note) => printRemark(note, defaultsKey)),
  };
}
