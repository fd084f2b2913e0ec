// Lifts: by how much each event multiplies demand, day by day of its window, learned from all times it took place before a cut.
//
// Owns: from a panel's `event:` regressors to a factor for each series and step, the panel without its events. Does not own: files, the models.
// A model of one series sees three Black Fridays at most and few of them learn from so little; the panel sees them in every series. So events are
// taken out before any model is fitted and put back onto whatever it forecasts (Abolghasemi et al. 2020, "Demand forecasting in the presence of
// systematic events"). A factor is a series' own, drawn to its group's, drawn to the panel's, drawn to one (Efron and Morris 1975; Robinson 1991);
// the spread between series and groups by DerSimonian and Laird 1986.
//
//   V1. Lifts at a cut come from what lay before it: changing the future never changes a past.
//   V2. A panel without events has no lifts, and nothing about it changes.
//   V3. Steps longer than a week have none: what a month sells beside its neighbours is its season.

import type { Panel } from "../contract.ts";
import { sharedFloat32, sharedFloat64 } from "../panel/make.ts";
import { historyLength, seriesCount } from "../panel/series.ts";
import { measure, type Sighting } from "./baseline.ts";
import { doseLog, type EventOccurrence, type EventOccurrences, findOccurrences } from "./occurrences.ts";
import { type Effect, poolEffects } from "./pool.ts";

/** What is known of the events of a panel at one cut. */
export interface PanelLifts {
  /** Grid index: nothing at or after it was read, but the dates of events. */
  readonly cut: number;
  /** As `panel.values`, with events taken out of what stands before the cut. Shared memory. */
  readonly values: Float64Array;
  /** Natural logarithm of the factor: step h after the cut of series i is `[i * horizon + h]`. 0: no event. */
  readonly logs: Float32Array;
  /** Its standard deviation: what is not known of the factor, and how it differs from one time to the next. */
  readonly spreads: Float32Array;
  /** The regressors whose effect the lifts now carry. */
  readonly names: readonly string[];
}

/**
 * The lifts of a panel at each of the cuts (grid indexes), in their order; undefined where there is no event.
 *
 * Demand must not be negative. Time: a few hundred operations for each series and day of an event; memory: a panel's values for each cut.
 */
export function liftPanel(panel: Panel, cuts: readonly number[]): readonly PanelLifts[] | undefined {
  const occurrences = findOccurrences(panel);
  return occurrences === undefined ? undefined : cuts.map((cut) => liftsAt(panel, occurrences, cut));
}

/** The panel as models see it before the cut of `lifts`: without events. `names`: the regressors left out (default: those of `lifts`). */
export function withoutEvents(panel: Panel, lifts: PanelLifts, names: readonly string[] = lifts.names): Panel {
  return {
    ...panel,
    values: lifts.values,
    regressors: panel.regressors.filter(({ name }) => !names.includes(name)),
    shared: panel.shared.filter(({ name }) => !names.includes(name)),
  };
}

function liftsAt(panel: Panel, occurrences: EventOccurrences, cut: number): PanelLifts {
  const { grid, offsets } = panel;
  const count = seriesCount(panel);
  const values = sharedFloat64(panel.values.length);
  values.set(panel.values);
  const logs = sharedFloat32(count * grid.horizon);
  const spreads = sharedFloat32(count * grid.horizon);
  const sightings = measure(panel, occurrences, cut);
  const effects = poolEffects(panel, sightings, (event) => occurrences.isHoliday(event));
  const names = occurrences.names.filter((_, e) => effects.knows(e)).flatMap((name) => occurrences.regressorsOf(name));
  for (const each of sightings) {
    const own = occurrencesAt(occurrences.of(each.series), each.step);
    const at = offsets[each.series] + each.step - (grid.length - historyLength(panel, each.series));
    values[at] = withoutLift(each, factorOf(own, (occurrence) => effects.of(each.series, occurrence)).log);
  }
  for (let i = 0; i < count; i++) {
    for (const occurrence of occurrences.of(i)) {
      if (occurrence.step < cut || occurrence.step >= cut + grid.horizon) continue;
      const at = i * grid.horizon + occurrence.step - cut;
      const { log, variance } = factorOf([occurrence], (each) => effects.of(i, each));
      logs[at] += log;
      spreads[at] = Math.sqrt(spreads[at] ** 2 + variance);
    }
  }
  return { cut, values, logs, spreads, names };
}

const occurrencesAt = (occurrences: readonly EventOccurrence[], step: number): readonly EventOccurrence[] =>
  occurrences.filter((occurrence) => occurrence.step === step);

/** The factor of all events of a step together, a share of an event (a day of a week) having its share of the effect. */
function factorOf(
  occurrences: readonly EventOccurrence[],
  effectOf: (occurrence: EventOccurrence) => Effect,
): { log: number; variance: number } {
  let log = 0;
  let variance = 0;
  for (const occurrence of occurrences) {
    const effect = effectOf(occurrence);
    log += doseLog(effect.log, occurrence.dose);
    variance += effect.variance;
  }
  return { log, variance };
}

/** Below it a day is closed rather than quiet: it says nothing of what an ordinary day would have sold. */
const closedBelow = Math.log(0.3);

/** What would have been sold without the event: the demand over its lift, as far as ordinary days bear it out. */
function withoutLift({ demand, usual, variation }: Sighting, log: number): number {
  if (Number.isNaN(usual) || log === 0) return demand / Math.exp(log);
  if (log < closedBelow) return usual;
  const slack = 2 * usual * Math.sqrt(variation);
  return Math.max(usual - slack, Math.min(usual + slack, demand / Math.exp(log)));
}
