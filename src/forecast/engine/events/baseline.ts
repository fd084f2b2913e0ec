// Baseline: what a step with an event would have sold without it, by ordinary steps nearby at the same place in the week.

import type { Panel } from "../contract.ts";
import { historyLength, seriesCount } from "../panel/series.ts";
import type { EventMark, EventMarks } from "./marks.ts";

/** One step of one series on which an event was felt. */
export interface Sighting {
  readonly series: number;
  readonly step: number;
  /** More than one where events meet. */
  readonly marks: readonly EventMark[];
  readonly demand: number;
  /** NaN where too few ordinary steps are near, or nothing sells on them. */
  readonly usual: number;
  /** Squared coefficient of variation of the series' ordinary steps. */
  readonly variation: number;
}

/** Ordinary steps on each side, and how many weeks (or steps) away they may lie. */
const perSide = 4;
const reach = 9;
const leastNeighbours = 2;
const leastVariation = 0.0025;

/** All sightings before a cut, series by series. */
export function measure(panel: Panel, marks: EventMarks, cut: number): readonly Sighting[] {
  const stride = strideOf(panel);
  const sightings: Sighting[] = [];
  for (let i = 0; i < seriesCount(panel); i++) {
    const start = panel.grid.length - historyLength(panel, i);
    const values = panel.values.subarray(panel.offsets[i], panel.offsets[i + 1]);
    const bySteps = new Map<number, EventMark[]>();
    for (const mark of marks.of(i)) {
      if (mark.step >= cut || Number.isNaN(values[mark.step - start])) continue;
      const here = bySteps.get(mark.step);
      if (here === undefined) bySteps.set(mark.step, [mark]);
      else here.push(mark);
    }
    const isOrdinary = (step: number): boolean => !Number.isNaN(values[step - start]) && !marks.isSpecial(i, step);
    const own: Omit<Sighting, "variation">[] = [];
    let squares = 0;
    let known = 0;
    for (const [step, here] of bySteps) {
      const near = neighbours(step, { from: start, to: Math.min(cut, panel.grid.length), stride }, isOrdinary);
      const levels = near.map((each) => Math.max(0, values[each - start]));
      const mean = levels.reduce((total, each) => total + each, 0) / levels.length;
      const isKnown = levels.length >= leastNeighbours && mean > 0;
      own.push({ series: i, step, marks: here, demand: values[step - start], usual: isKnown ? mean : Number.NaN });
      if (!isKnown) continue;
      squares += levels.reduce((total, each) => total + (each - mean) ** 2, 0) / (levels.length - 1) / mean ** 2;
      known++;
    }
    const variation = known === 0 ? 1 : Math.max(leastVariation, squares / known);
    for (const each of own) sightings.push({ ...each, variation });
  }
  return sightings;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly stride: number;
}

function neighbours(step: number, { from, to, stride }: Range, isOrdinary: (step: number) => boolean): readonly number[] {
  const near: number[] = [];
  for (const side of [-1, 1]) {
    let found = 0;
    for (let k = 1; k <= reach && found < perSide; k++) {
      const at = step + side * k * stride;
      if (at < from || at >= to) break;
      if (!isOrdinary(at)) continue;
      near.push(at);
      found++;
    }
  }
  return near;
}

/** Steps from one week to the same place in the next, where the panel has such a season; 1 otherwise. */
function strideOf({ grid, seasons }: Panel): number {
  const { unit, multiple } = grid.frequency;
  const week = { Y: 0, Q: 0, M: 0, W: 1, D: 7, H: 168, min: 10_080 }[unit] / multiple;
  return Math.round(seasons.findLast((season) => season <= week) ?? 1);
}
