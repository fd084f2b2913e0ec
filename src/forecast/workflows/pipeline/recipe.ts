// Recipe: everything that decides how a group is forecast, as plain JSON. Equal recipes and equal inputs give equal forecasts.

import { createHash } from "node:crypto";
import type { GroupSettings } from "../defaults/settings.ts";
import type { RunSettings } from "../run/contract.ts";

/** A group's settings after a walk through JSON: what was `undefined` is not there. */
export type Recipe = GroupSettings & { readonly [key: string]: unknown };

/** Chance of every run over a group; the same for ever, so that the same content gives the same bytes. */
const seed = 1;

/** The settings of a run: all quantiles that are exported or measured. Models that are reused need no backtest. */
export function runSettingsOf(recipe: Recipe, reuses: boolean): RunSettings {
  const levels = [...new Set([...recipe.forecastTypes.levels, ...recipe.trainedTypes.levels])].toSorted((a, b) => a - b);
  return {
    levels,
    mean: true,
    windows: reuses ? 0 : recipe.windows,
    offset: Math.max(recipe.windowOffset, recipe.horizon),
    models: recipe.models,
    nonNegative: recipe.inputs?.nonNegative ?? true,
    seed,
    hierarchy: [],
  };
}

/** What a model must agree in to be reused: all but how long it may be. */
export function recipeHash(program: unknown, recipe: Recipe): string {
  return hashOf({ program, ...recipe, maxAgeSeconds: undefined, tags: undefined });
}

/** SHA-256 (hex) over JSON with its keys in order. */
export function hashOf(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
