// Pooling: what each day of each event does to each series, from all sightings of it.

import type { Category, Panel } from "../contract.ts";
import { seriesCount } from "../panel/series.ts";
import type { Sighting } from "./baseline.ts";
import { doseLog, type EventOccurrence, maxDays } from "./occurrences.ts";

/** An effect on one series: logarithm of a factor, and the variance of what it will be next time. */
export interface Effect {
  readonly log: number;
  readonly variance: number;
}

export interface Effects {
  knows(event: number): boolean;
  /** Of an event, or a day of it, that was never seen: none. */
  of(series: number, occurrence: EventOccurrence): Effect;
}

const none: Effect = { log: 0, variance: 0 };
/** Factors below this are closed days. */
const leastFactor = 0.02;
/** How the same event differs from one time to the next (standard deviation of its logarithm 0.15), counted as so many times. */
const betweenTimes = 0.0225;
const betweenTimesWeight = 2;
/** Beyond so many deviations from the median a time counts for nothing (Beaton and Tukey 1974). */
const bisquare = 4.685;
const leastScale = 0.1;
/** Series whose own demand says less than this (as a variance) have no part in how much series differ. */
const mutedAbove = 1;
const rounds = 3;

/** One day of one event in one series at one time, as a ratio. */
interface Ratio {
  readonly series: number;
  readonly began: number;
  demand: number;
  readonly usual: number;
  readonly variation: number;
  readonly occurrence: EventOccurrence;
  readonly sighting: Sighting;
}

/** Effects of all events by day and series, those of events that meet taken apart by turns. `mustShow`: those that have none until demand shows it. */
export function poolEffects(panel: Panel, sightings: readonly Sighting[], mustShow: (event: number) => boolean): Effects {
  const groups = groupsOf(panel);
  const byDay = new Map<number, Ratio[]>();
  let meet = false;
  for (const sighting of sightings) {
    if (Number.isNaN(sighting.usual)) continue;
    meet ||= sighting.occurrences.length > 1;
    for (const occurrence of sighting.occurrences) {
      const key = keyOf(occurrence.event, occurrence.day);
      const ratio: Ratio = { ...sighting, began: occurrence.began, occurrence, sighting };
      const known = byDay.get(key);
      if (known === undefined) byDay.set(key, [ratio]);
      else known.push(ratio);
    }
  }
  const found = new Map<number, DayEffect>();
  const of = (series: number, occurrence: EventOccurrence): Effect => {
    // A longer time than any before goes on as the last day known of that part.
    for (let day = occurrence.day; day >= occurrence.day - (occurrence.day % maxDays); day--) {
      const known = found.get(keyOf(occurrence.event, day));
      if (known !== undefined) return known.of(series);
    }
    return none;
  };
  for (let round = 0; round < (meet ? rounds : 1); round++) {
    for (const [key, ratios] of byDay) {
      for (const ratio of ratios) {
        let others = 0;
        for (const occurrence of ratio.sighting.occurrences)
          if (occurrence !== ratio.occurrence) others += doseLog(of(ratio.series, occurrence).log, occurrence.dose);
        const factor = Math.max(0, ratio.sighting.demand) / ratio.usual / Math.exp(others);
        ratio.demand = ratio.usual * Math.max(0, 1 + (factor - 1) / ratio.occurrence.dose);
      }
      found.set(key, dayEffect(ratios, groups, mustShow(Math.floor(key / (3 * maxDays)))));
    }
  }
  const known = new Set([...found].filter(([, effect]) => effect.isShown).map(([key]) => Math.floor(key / (3 * maxDays))));
  return { knows: (event) => known.has(event), of };
}

const keyOf = (event: number, day: number): number => event * 3 * maxDays + day;

/** The group of each series: the first metadata that puts several together, or else the first dimension; -1 for all in one. */
function groupsOf(panel: Panel): Int32Array {
  const count = seriesCount(panel);
  const tells = ({ codes }: Category): boolean => {
    const levels = new Set(codes);
    return levels.size > 1 && 2 * levels.size <= count;
  };
  return [...panel.metadata, ...panel.dimensions].find(tells)?.codes ?? new Int32Array(count).fill(-1);
}

interface DayEffect {
  readonly isShown: boolean;
  of(series: number): Effect;
}

/** An effect that must show itself is one when it is so many of its standard deviations from none: of a dozen holidays with windows, few by chance. */
const shownFrom = 2.5;
const notShown: DayEffect = { isShown: false, of: () => none };

/** An estimate and its variance. */
interface Estimate {
  readonly log: number;
  readonly variance: number;
}

function dayEffect(ratios: readonly Ratio[], groups: Int32Array, mustShow: boolean): DayEffect {
  const whole = overTimes(ratios);
  if (mustShow && !(Math.abs(whole.log) > shownFrom * Math.sqrt(whole.variance))) return notShown;
  // Positive-part shrinkage to no effect: what its own noise explains is none (James and Stein 1961).
  const kept = whole.log === 0 ? 0 : Math.max(0, 1 - whole.variance / whole.log ** 2);
  const centre: Estimate = { log: kept * whole.log, variance: Math.max(kept, 0.1) * whole.variance };
  const byGroup = Map.groupBy(ratios, ({ series }) => groups[series]);
  const groupEstimates = new Map([...byGroup].map(([group, own]) => [group, overTimes(own, whole)]));
  const ofGroup = drawTo(groupEstimates, () => centre);
  const groupOf = (series: number): Estimate => ofGroup(groups[series], centre);
  const bySeries = Map.groupBy(ratios, ({ series }) => series);
  const ownEstimates = new Map([...bySeries].map(([series, own]) => [series, ofSeries(own, whole)]));
  const ofOne = drawTo(ownEstimates, groupOf);
  return {
    isShown: true,
    of: (series) => {
      const { log, variance } = ofOne(series, groupOf(series));
      return { log, variance: variance + whole.between };
    },
  };
}

/** The pool over several times: what one time has in common is one error. */
interface Pool extends Estimate {
  /** Variance between one time and the next. */
  readonly between: number;
  /** By time: how far it is believed, 0..1. */
  readonly trust: ReadonlyMap<number, number>;
}

/** `known`: of the whole, whose times are judged already. */
function overTimes(ratios: readonly Ratio[], known?: Pool): Pool {
  const times = [...Map.groupBy(ratios, ({ began }) => began)].map(([began, own]) => ({ began, ...overSeries(own) }));
  const middle = medianOf(times.map(({ log }) => log));
  const noise = Math.sqrt(medianOf(times.map(({ variance }) => variance)));
  const scale = Math.max(1.4826 * medianOf(times.map(({ log }) => Math.abs(log - middle))), noise, leastScale);
  const trust = known?.trust ?? new Map(times.map(({ began, log }) => [began, times.length < 3 ? 1 : bisquareOf((log - middle) / scale)]));
  let total = 0;
  let log = 0;
  let excess = 0;
  for (const time of times) {
    const weight = Math.max(1e-6, trust.get(time.began) ?? 1);
    total += weight;
    log += weight * time.log;
    const apart = Math.max(-3 * scale, Math.min(3 * scale, time.log - middle));
    excess += Math.max(0, apart ** 2 - time.variance);
  }
  const between = known?.between ?? (betweenTimesWeight * betweenTimes + excess) / (betweenTimesWeight + Math.max(0, times.length - 1));
  const variance = times.reduce(
    (sum, time) => sum + (Math.max(1e-6, trust.get(time.began) ?? 1) / total) ** 2 * (time.variance + between),
    0,
  );
  return { log: log / total, variance, between, trust };
}

const bisquareOf = (deviations: number): number => {
  const share = Math.abs(deviations) / bisquare;
  return share >= 1 ? 0 : (1 - share ** 2) ** 2;
};

/** One time over many series: the ratio of sums, each weighing with the root of its size, so that neither giants nor dwarfs decide alone. */
function overSeries(ratios: readonly Ratio[]): Estimate {
  let demand = 0;
  let usual = 0;
  let expected = 0;
  for (const each of ratios) {
    const weight = 1 / Math.sqrt(each.usual);
    demand += weight * each.demand;
    usual += weight * each.usual;
    expected += weight ** 2 * each.usual ** 2 * each.variation;
  }
  const factor = Math.max(leastFactor, demand / usual);
  let observed = 0;
  for (const each of ratios) observed += (each.demand - factor * each.usual) ** 2 / each.usual;
  const variance = Math.max(expected / usual ** 2, ratios.length < 3 ? 0 : observed / (factor * usual) ** 2);
  return { log: Math.log(factor), variance };
}

/** One series over its own times, those little believed of the whole counting as little. */
function ofSeries(ratios: readonly Ratio[], whole: Pool): Estimate {
  let demand = 0;
  let usual = 0;
  let total = 0;
  let squares = 0;
  for (const each of ratios) {
    const weight = Math.max(1e-6, whole.trust.get(each.began) ?? 1);
    demand += (weight * each.demand) / each.usual;
    usual += weight;
    total += weight;
    squares += weight ** 2;
  }
  const variation = ratios[0].variation;
  return { log: Math.log(Math.max(leastFactor, demand / usual)), variance: (1.2 * variation * squares) / total ** 2 };
}

/** Draws each estimate to its centre, as far as its own variance beside that between all of them asks for. */
function drawTo(
  estimates: ReadonlyMap<number, Estimate>,
  centreOf: (key: number) => Estimate,
): (key: number, centre: Estimate) => Estimate {
  let weights = 0;
  let weightSquares = 0;
  let heterogeneity = 0;
  let count = 0;
  for (const [key, { log, variance }] of estimates) {
    if (variance > mutedAbove) continue;
    const weight = 1 / variance;
    weights += weight;
    weightSquares += weight ** 2;
    heterogeneity += weight * (log - centreOf(key).log) ** 2;
    count++;
  }
  const room = weights - weightSquares / weights;
  const between = count < 2 || !(room > 0) ? 0 : Math.max(0, (heterogeneity - (count - 1)) / room);
  return (key, centre) => {
    const own = estimates.get(key);
    if (own === undefined) return { log: centre.log, variance: centre.variance + between };
    const share = between / (between + own.variance);
    return { log: share * own.log + (1 - share) * centre.log, variance: share * own.variance + (1 - share) ** 2 * centre.variance };
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
