// Baseline: what a step with an event would have sold without it, by ordinary steps nearby at the same place in the week.

import type { Panel } from "../contract.ts";
import { historyLength, seriesCount } from "../panel/series.ts";
import type { EventOccurrence, EventOccurrences } from "./occurrences.ts";
import { fitRelated, mostOrdinary, type Ordinary, relatedColumns } from "./related.ts";

/** One step of one series on which an event was felt. */
export interface Sighting {
  readonly series: number;
  readonly step: number;
  /** More than one where events meet. */
  readonly occurrences: readonly EventOccurrence[];
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

/** A sighting before it is known what related numbers did. */
type Seen = Omit<Sighting, "variation"> & { readonly near: readonly number[] };

/** All sightings before a cut, series by series. */
export function measure(panel: Panel, occurrences: EventOccurrences, cut: number): readonly Sighting[] {
  const columns = relatedColumns(panel);
  const stride = strideOf(panel);
  const every = spacingFor(panel.values.length);
  const ordinary: Ordinary[] = [];
  const seen: Seen[] = [];
  const variations = new Float64Array(seriesCount(panel));
  for (let i = 0; i < seriesCount(panel); i++) {
    const start = panel.grid.length - historyLength(panel, i);
    const values = panel.values.subarray(panel.offsets[i], panel.offsets[i + 1]);
    const range = { from: start, to: Math.min(cut, panel.grid.length), stride };
    const isOrdinary = (step: number): boolean => !Number.isNaN(values[step - start]) && !occurrences.isSpecial(i, step);
    const look = (step: number): Ordinary & { readonly spread: number } => {
      const near = neighbours(step, range, isOrdinary);
      return { series: i, step, near, demand: values[step - start], ...levelOf(near.map((each) => Math.max(0, values[each - start]))) };
    };
    const bySteps = Map.groupBy(
      occurrences.of(i).filter(({ step }) => step < cut && !Number.isNaN(values[step - start])),
      ({ step }) => step,
    );
    let squares = 0;
    let known = 0;
    for (const [step, here] of bySteps) {
      const { spread, ...found } = look(step);
      seen.push({ ...found, occurrences: here });
      if (Number.isNaN(found.usual)) continue;
      squares += spread;
      known++;
    }
    variations[i] = known === 0 ? 1 : Math.max(leastVariation, squares / known);
    if (columns.length === 0 || known === 0) continue;
    for (let step = start + (i % every); step < range.to; step += every) {
      if (!isOrdinary(step)) continue;
      const found = look(step);
      if (!Number.isNaN(found.usual)) ordinary.push(found);
    }
  }
  const effectOf = fitRelated(columns, ordinary);
  return seen.map(({ near, ...each }) => ({
    ...each,
    usual: Number.isNaN(each.usual) ? each.usual : each.usual * Math.exp(effectOf(each.series, each.step, near)),
    variation: variations[each.series],
  }));
}

/** Mean of the steps near, and their squared coefficient of variation; NaN where they are too few or sell nothing. */
function levelOf(levels: readonly number[]): { readonly usual: number; readonly spread: number } {
  const mean = levels.reduce((total, each) => total + each, 0) / levels.length;
  if (levels.length < leastNeighbours || !(mean > 0)) return { usual: Number.NaN, spread: Number.NaN };
  return { usual: mean, spread: levels.reduce((total, each) => total + (each - mean) ** 2, 0) / (levels.length - 1) / mean ** 2 };
}

/** Distance of the ordinary steps that are learned from: no multiple of a week, so that all its days are among them. */
function spacingFor(cells: number): number {
  const every = Math.ceil(cells / mostOrdinary);
  return every > 1 && every % 7 === 0 ? every + 1 : every;
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
