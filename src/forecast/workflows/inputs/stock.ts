// Out of stock: rows that say so, laid on the cells of the target.

import type { CensoredCells } from "../../engine/panel/build.ts";
import type { KeySpace } from "../../engine/panel/rows.ts";
import type { Steps } from "../../engine/panel/steps.ts";
import type { OutOfStock, ReadRows } from "./rows.ts";

/** Cells that rows of the target, or of a related file with fewer dimensions, call out of stock. A step is out of stock when one of its rows is. */
export function outOfStockCells(keys: KeySpace, own: OutOfStock, related: ReadRows | undefined, steps: Steps): CensoredCells {
  return {
    each: (visit) => {
      for (const [i, key] of own.keys.entries()) visit(key, steps.stepOf(own.minutes[i]));
      if (related === undefined || related.out.keys.length === 0) return;
      const places = related.keys.names.map((name) => keys.names.indexOf(name));
      const series = new Map<number, number[]>();
      for (let key = 0; key < keys.size; key++) {
        const found = related.keys.find(places.map((place) => keys.text(key, place)));
        if (found < 0) continue;
        const agreeing = series.get(found);
        if (agreeing === undefined) series.set(found, [key]);
        else agreeing.push(key);
      }
      for (const [i, key] of related.out.keys.entries()) {
        const step = steps.stepOf(related.out.minutes[i]);
        if (step >= 0) for (const one of series.get(key) ?? []) visit(one, step);
      }
    },
  };
}
