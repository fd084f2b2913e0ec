// Events of one's own on a panel: Easter where it is no holiday, Black Friday, a prime day; everywhere or in some places, with days before and after.
//
// Owns: the spreading onto steps and series, and what is said of events that nothing can be learnt of. Does not own: files (workflows/inputs/events.ts).
//   E1. An event is up to three regressors: `event:NAME`, and where it has a window `event:NAME before` and `event:NAME after`.
//   E2. Without a place it is the same for all series. With one it is each series' own; a place is a value of a dimension.

import type { Panel, PanelRegressor, SharedRegressor } from "../contract.ts";
import { sharedFloat32 } from "../panel/make.ts";
import { historyLength, seriesCount } from "../panel/series.ts";
import { daysOf, spread } from "./holidays.ts";

/** Once an event. Days since 1970-01-01. */
export interface EventSpan {
  /** The same each time. */
  readonly name: string;
  readonly day: number;
  /** 1 for most. */
  readonly days: number;
  /** A value of a dimension; undefined: everywhere. */
  readonly place: string | undefined;
  /** Days before and after in which it is felt. */
  readonly before: number;
  readonly after: number;
}

export interface PlacedEvents {
  readonly regressors: readonly PanelRegressor[];
  readonly shared: readonly SharedRegressor[];
  /** Events ahead of which the history has none: their effect cannot be learnt. */
  readonly unseen: readonly string[];
  /** Events that are due again within the horizon, and are not among those given. `day`: about when. */
  readonly missing: readonly { readonly name: string; readonly last: number; readonly day: number }[];
}

const year = 365.25;

/** Makes regressors of events for a panel whose places are known. */
export function placeEvents(panel: Panel, events: readonly EventSpan[]): PlacedEvents {
  const { grid } = panel;
  const regressors: PanelRegressor[] = [];
  const shared: SharedRegressor[] = [];
  const unseen: string[] = [];
  const names = [...new Set(events.map(({ name }) => name))].sort();
  for (const name of names) {
    const own = events.filter((event) => event.name === name);
    let isSeen = false;
    for (const [suffix, daysIn] of parts) {
      const places = new Set(own.filter((event) => daysIn(event).length > 0).map(({ place }) => place));
      if (places.size === 0) continue;
      const title = `event:${name}${suffix}`;
      const valuesOf = (wanted: readonly (string | undefined)[]): Float32Array =>
        spread(grid, new Set(own.filter(({ place }) => wanted.includes(place)).flatMap(daysIn)));
      const seenIn = (values: Float32Array): boolean => values.subarray(0, grid.length).some((value) => value > 0);
      if (places.size === 1 && places.has(undefined)) {
        const values = valuesOf([undefined]);
        if (!seenIn(values)) continue;
        isSeen ||= suffix === "";
        shared.push({ name: title, values });
        continue;
      }
      const perSeries = spreadBySeries(panel, valuesOf);
      if (!perSeries.isSeen) continue;
      isSeen ||= suffix === "";
      regressors.push({ name: title, values: perSeries.values });
    }
    if (!isSeen) unseen.push(name);
  }
  return { regressors, shared, unseen, missing: missingAhead(panel, events) };
}

const range = (from: number, to: number): readonly number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

const parts: readonly (readonly [suffix: string, days: (event: EventSpan) => readonly number[]])[] = [
  ["", ({ day, days }) => range(day, day + days)],
  [" before", ({ day, before }) => range(day - before, day)],
  [" after", ({ day, days, after }) => range(day + days, day + days + after)],
];

function spreadBySeries(
  panel: Panel,
  valuesOf: (places: readonly (string | undefined)[]) => Float32Array,
): { readonly values: Float32Array; readonly isSeen: boolean } {
  const { grid, offsets, dimensions } = panel;
  const count = seriesCount(panel);
  const values = sharedFloat32(offsets[count] + count * grid.horizon);
  const known = new Map<string, Float32Array>();
  let isSeen = false;
  for (let i = 0; i < count; i++) {
    const places = [undefined, ...dimensions.map(({ levels, codes }) => levels[codes[i]])];
    const key = JSON.stringify(places);
    const own = known.get(key) ?? valuesOf(places);
    known.set(key, own);
    const start = grid.length - historyLength(panel, i);
    values.set(own.subarray(start), offsets[i] + i * grid.horizon);
    isSeen ||= own.subarray(start, grid.length).some((value) => value > 0);
  }
  return { values, isSeen };
}

/** Events that came once a year (or as regularly as they did) and whose next time falls into the horizon, where none is given. */
function missingAhead({ grid }: Panel, events: readonly EventSpan[]): PlacedEvents["missing"] {
  const { to } = daysOf(grid);
  const history = daysOf({ ...grid, horizon: 0 }).to;
  const missing: { name: string; last: number; day: number }[] = [];
  for (const name of [...new Set(events.map((event) => event.name))].sort()) {
    const days = [...new Set(events.filter((event) => event.name === name).map(({ day }) => day))].sort((a, b) => a - b);
    const last = days[days.length - 1];
    if (last >= history) continue;
    const distances = days.slice(1).map((day, i) => day - days[i]);
    const usual = distances.length === 0 ? year : distances.toSorted((a, b) => a - b)[distances.length >> 1];
    const day = Math.round(last + usual);
    // Moving feasts come up to four weeks earlier than a year later.
    const slack = Math.min(28, Math.ceil(usual / 8));
    if (day - slack < to && day + slack >= history) missing.push({ name, last, day });
  }
  return missing;
}
