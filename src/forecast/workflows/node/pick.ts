// Nodes: the series of a finished forecast that have the levels asked for, such as all teas of one store. Nothing asked for: all.

import type { Panel } from "../../engine/contract.ts";
import { keyOfIds } from "../planning/finished.ts";
import { idsOf } from "../run/rows.ts";

/** An axis held at a level; an empty level holds the series that have none. */
export interface Held {
  readonly kind: "item" | "dimension" | "metadata";
  /** As the panel has it. */
  readonly name: string;
  readonly level: string;
}

/** The series (indices in the panel) that have every level, in the panel's order. */
export function pickSeriesOf(panel: Pick<Panel, "itemIds" | "dimensions" | "metadata">, where: readonly Held[]): readonly number[] {
  const tests = where.map(({ kind, name, level }): ((series: number) => boolean) => {
    if (kind === "item") return (series) => panel.itemIds[series] === level;
    const category = (kind === "dimension" ? panel.dimensions : panel.metadata).find((each) => each.name === name);
    if (category === undefined) return () => level === "";
    const code = category.levels.indexOf(level);
    return level === ""
      ? (series) => (category.levels[category.codes[series] ?? -1] ?? "") === ""
      : (series) => code >= 0 && category.codes[series] === code;
  });
  return panel.itemIds.map((_, series) => series).filter((series) => tests.every((test) => test(series)));
}

/** Where each chosen series stands among the chosen ones, by `keyOfIds`. */
export const placesOf = (panel: Panel, chosen: readonly number[]): ReadonlyMap<string, number> =>
  new Map(chosen.map((series, at) => [keyOfIds(idsOf(panel, series)), at]));
