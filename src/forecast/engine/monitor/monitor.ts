// Monitoring: what came, against the forecast made before it came.
//
// Owns: accuracy and calibration of a forecast after the fact, and whether to raise an alarm. Does not own: finding the forecast, sending notices.
//   M1. An alarm bounds its own false alarms: items share one false discovery rate, the whole is judged with shocks shared between items and
//       between steps allowed for. A day that is strange for every item is no proof against the forecast; many are.
//   M2. Nothing is judged where nothing was measured: the verdict is then `unknown`, and says what is missing.

import { percentShort } from "../../../platform/figures.ts";
import type { Forecast } from "../contract.ts";
import { scoresOf, spreadAround } from "../hierarchy/marginal.ts";
import {
  accuracyOf,
  addTally,
  isBelow,
  makeTally,
  mirrorOf,
  tallyForecast,
  type Accuracy,
  type Scale,
  type Tally,
} from "../metrics/metrics.ts";
import { binomialUpper, clusteredScore, cusum, discoveries, inflation, pooledCorrelation, twoSided } from "./bounds.ts";

/** One series: the forecast made before, and what came in its first steps (NaN where unknown). */
export interface Watched {
  readonly id: string;
  readonly actual: Float64Array;
  readonly forecast: Forecast;
  /** Of its history, for MASE and RMSSE; without it they are unscaled. */
  readonly scale?: Scale;
  /** Average wQL the backtests promised for this series. */
  readonly promisedWql?: number;
}

export interface MonitorOptions {
  /** Average wQL of the whole in the backtests, one per window. */
  readonly backtestWql?: readonly number[];
  /** False discovery rate of item alarms; default 0.05. */
  readonly falseDiscoveries?: number;
}

/** `fine`: as promised. `watch`: worth a look. `alarm`: not chance. `unknown`: nothing to judge by. */
export type Verdict = "fine" | "watch" | "alarm" | "unknown";

interface Judged {
  readonly verdict: Verdict;
  /** Whole sentences with the figures that decided. */
  readonly reason: string;
  /** Undefined where no actual was known. */
  readonly accuracy: Accuracy | undefined;
  /** Sum of errors (actual - mean) over their mean size (Brown 1962); beyond +-4 is usually called out of control. */
  readonly trackingSignal: number | undefined;
  /** Share of actuals inside the interval nearest to 80 %, and that interval's own width; undefined without such quantiles. */
  readonly coverage: { readonly observed: number; readonly nominal: number } | undefined;
  /** Chance of a bias, and of misses, this large when the forecast is right. */
  readonly biasP: number;
  readonly coverageP: number;
}

export interface ItemVerdict extends Judged {
  readonly id: string;
  /** Highest point of the two-sided CUSUM of normalised errors; at 5 it is raised (once in about 465 steps by chance). */
  readonly cusum: number;
  /** Average wQL over the backtests' promise. */
  readonly ratio: number | undefined;
}

export interface MonitorReport extends Judged {
  readonly items: readonly ItemVerdict[];
  /** Correlation of neighbouring steps' normalised errors that the bounds allow for. */
  readonly correlation: number;
  /** Average wQL over the mean of the backtests', and the most it may be. */
  readonly ratio: number | undefined;
  readonly ratioBound: number | undefined;
}

const cusumLimit = 5;
/** No single error counts for more spreads than this. */
const errorLimit = 6;
/** 99 % points of Student's t by degrees of freedom 1..10; later ones as the last. */
const studentT = [31.82, 6.965, 4.541, 3.747, 3.365, 3.143, 2.998, 2.896, 2.821, 2.764];

/** The level whose interval is nearest to 80 %, as an index; -1 when no level has its mirror. */
function intervalLevel(levels: readonly number[]): number {
  let best = -1;
  for (let i = 0; i < levels.length; i++) {
    if (mirrorOf(levels, i) >= 0 && (best < 0 || Math.abs(levels[i] - 0.1) < Math.abs(levels[best] - 0.1))) best = i;
  }
  return best;
}

interface Scored {
  /** Error of each step over the spread its own forecast gives it; NaN where unknown. */
  readonly z: Float64Array;
  /** 1 - nominal subtracted from whether the interval was missed; NaN where unknown. */
  readonly misses: Float64Array;
  readonly missed: number;
  readonly counted: number;
  readonly nominal: number | undefined;
}

function scoreItem({ actual, forecast }: Watched): Scored {
  const { levels, quantiles, mean } = forecast;
  const horizon = mean.length;
  const steps = Math.min(horizon, actual.length);
  const z = new Float64Array(steps).fill(Number.NaN);
  const misses = new Float64Array(steps).fill(Number.NaN);
  const low = intervalLevel(levels);
  const high = low < 0 ? -1 : mirrorOf(levels, low);
  const nominal = low < 0 ? undefined : 1 - 2 * levels[low];
  const scores = scoresOf(levels);
  let missed = 0;
  let counted = 0;
  for (let h = 0; h < steps; h++) {
    const y = actual[h];
    if (Number.isNaN(y)) continue;
    if (levels.length >= 2) {
      const spread = spreadAround(mean[h], scores, quantiles, h, horizon);
      const error = y - mean[h];
      z[h] = error === 0 ? 0 : Math.max(-errorLimit, Math.min(errorLimit, error / spread));
    }
    if (nominal === undefined) continue;
    const out = isBelow(y, quantiles[low * horizon + h]) || isBelow(quantiles[high * horizon + h], y);
    counted++;
    if (out) missed++;
    misses[h] = (out ? 1 : 0) - (1 - nominal);
  }
  return { z, misses, missed, counted, nominal };
}

function trackingOf(tally: Tally): number | undefined {
  return tally.points === 0 ? undefined : tally.absoluteError > 0 ? tally.error / (tally.absoluteError / tally.points) : 0;
}

const show = (x: number): string => String(Number(x.toPrecision(3)));
const chance = (p: number): string => (p < 1e-4 ? "less than 1 in 10,000" : `${Number((100 * p).toPrecision(2))} %`);

/**
 * Compares forecasts with what came, per item and as a whole.
 *
 * Items: the mean of errors normalised by the spread of their own forecast, and the count of misses of the 80 % interval (exact binomial tail on the effective number of steps),
 * at a common false discovery rate; a CUSUM finds a shift in mid-window. The whole: the same two with variance clustered by item and step, and
 * average wQL against the backtests, whose spread between windows sets the bound (99 % prediction limit on the log scale, never below 1.25).
 * All items' forecasts must have the same levels as the first one to count towards the accuracy of the whole.
 */
export function monitorForecast(items: readonly Watched[], options: MonitorOptions = {}): MonitorReport {
  const { backtestWql = [], falseDiscoveries = 0.05 } = options;
  const scored = items.map(scoreItem);
  const rho = pooledCorrelation(scored.map(({ z }) => z));
  const levels = items[0]?.forecast.levels ?? [];
  const sameLevels = (each: readonly number[]): boolean => each.length === levels.length && each.every((level, i) => level === levels[i]);
  const whole = makeTally(levels);
  const tallies = items.map(({ actual, forecast, scale = { absolute: 0, squared: 0 } }) => tallyForecast(actual, forecast, scale));
  for (const tally of tallies) if (sameLevels(tally.levels)) addTally(whole, tally);

  const tests = scored.map(({ z, missed, counted, nominal }) => {
    let sum = 0;
    let n = 0;
    for (const x of z) {
      if (Number.isNaN(x)) continue;
      sum += x;
      n++;
    }
    const biasP = n === 0 ? 1 : twoSided(sum / Math.sqrt(n * inflation(n, rho)));
    const effective = counted === 0 ? 0 : Math.max(1, Math.round(counted / inflation(counted, rho)));
    const coverageP =
      nominal === undefined || counted === 0 ? 1 : binomialUpper(Math.floor((missed * effective) / counted), effective, 1 - nominal);
    return { biasP, coverageP, either: Math.min(1, 2 * Math.min(biasP, coverageP)) };
  });
  const measured = tallies.flatMap((tally, i) => (tally.points > 0 && items[i].forecast.levels.length >= 2 ? [i] : []));
  const found = discoveries(
    measured.map((i) => tests[i].either),
    falseDiscoveries,
  );
  const alarmed = new Set(measured.filter((_, k) => found[k]));

  const verdicts = items.map((item, i): ItemVerdict => {
    const { z, missed, counted, nominal } = scored[i];
    const { biasP, coverageP } = tests[i];
    const accuracy = accuracyOf(tallies[i]);
    const { high, low } = cusum(z, rho);
    const shift = Math.max(high, low);
    const ratio = accuracy !== undefined && (item.promisedWql ?? 0) > 0 ? accuracy.averageWql / (item.promisedWql ?? 1) : undefined;
    const coverage = nominal === undefined || counted === 0 ? undefined : { observed: 1 - missed / counted, nominal };
    const trackingSignal = trackingOf(tallies[i]);
    const common = { id: item.id, accuracy, trackingSignal, coverage, biasP, coverageP, cusum: shift, ratio };
    if (accuracy === undefined) return { ...common, verdict: "unknown", reason: "No actual is known for any step of the forecast." };
    if (item.forecast.levels.length < 2) {
      return { ...common, verdict: "unknown", reason: "The forecast has fewer than two quantiles, so chance cannot be told from fault." };
    }
    const direction = accuracy.bias > 0 ? "above" : "below";
    const bias = `Actuals lie ${percentShort(Math.abs(accuracy.bias))} ${direction} the forecast (tracking signal ${show(trackingSignal ?? 0)}); by chance: ${chance(biasP)}.`;
    const inside =
      coverage === undefined
        ? ""
        : ` ${percentShort(coverage.observed)} lie inside the ${percentShort(coverage.nominal)} interval; by chance: ${chance(coverageP)}.`;
    if (alarmed.has(i)) return { ...common, verdict: "alarm", reason: bias + inside };
    if (shift >= cusumLimit) {
      const side = high >= low ? "upwards" : "downwards";
      return {
        ...common,
        verdict: "watch",
        reason: `Demand has shifted ${side} against the forecast (CUSUM ${show(shift)}, raised at ${cusumLimit}). ${bias}`,
      };
    }
    return { ...common, verdict: "fine", reason: `Within what the forecast allows for.${inside}` };
  });

  return {
    ...judgeWhole(whole, scored, { rho, backtestWql, alarms: alarmed.size, measured: measured.length }),
    items: verdicts,
    correlation: rho,
  };
}

function judgeWhole(
  tally: Tally,
  scored: readonly Scored[],
  {
    rho,
    backtestWql,
    alarms,
    measured,
  }: { readonly rho: number; readonly backtestWql: readonly number[]; readonly alarms: number; readonly measured: number },
): Omit<MonitorReport, "items" | "correlation"> {
  const accuracy = accuracyOf(tally);
  const steps = scored.reduce((most, { z }) => Math.max(most, z.length), 0);
  const stretch = inflation(steps, rho);
  const withScores = scored.filter(({ z }) => z.some((x) => !Number.isNaN(x)));
  const biasScore = clusteredScore(
    withScores.map(({ z }) => z),
    stretch,
  );
  const biasP = twoSided(biasScore);
  const missScore = clusteredScore(
    scored.map(({ misses }) => misses),
    stretch,
  );
  // Only misses beyond the promised share raise an alarm; intervals that are too wide are remarked upon.
  const coverageP = missScore > 0 ? twoSided(missScore) / 2 : 1;
  const wideP = missScore < 0 ? twoSided(missScore) / 2 : 1;
  let inside = 0;
  let counted = 0;
  for (const each of scored) {
    inside += each.counted - each.missed;
    counted += each.counted;
  }
  const nominal = scored.find((each) => each.nominal !== undefined)?.nominal;
  const coverage = nominal === undefined || counted === 0 ? undefined : { observed: inside / counted, nominal };
  const { ratio, bound: ratioBound } = compareWindows(accuracy, backtestWql);
  const common = { accuracy, trackingSignal: trackingOf(tally), coverage, biasP, coverageP, ratio, ratioBound };
  if (accuracy === undefined) return { ...common, verdict: "unknown", reason: "No actual is known for any step of any forecast." };
  if (measured === 0)
    return { ...common, verdict: "unknown", reason: "No forecast has two quantiles, so chance cannot be told from fault." };

  const direction = accuracy.bias > 0 ? "above" : "below";
  const serious: string[] = [];
  const slight: string[] = [];
  const note = (p: number, text: string): void => {
    if (p < 0.01) serious.push(text);
    else if (p < 0.05) slight.push(text);
  };
  note(biasP, `Actuals lie ${percentShort(Math.abs(accuracy.bias))} ${direction} the forecasts; by chance: ${chance(biasP)}.`);
  if (coverage !== undefined) {
    const text = `${percentShort(coverage.observed)} of actuals lie inside the ${percentShort(coverage.nominal)} intervals`;
    note(coverageP, `Only ${text}; by chance: ${chance(coverageP)}.`);
    if (wideP < 0.01) slight.push(`${text}: the intervals are wider than need be.`);
  }
  if (ratio !== undefined && ratioBound !== undefined) {
    const text = `Average wQL ${show(accuracy.averageWql)} is ${show(ratio)} times the backtests'`;
    if (ratio > ratioBound) serious.push(`${text}; their spread allows for ${show(ratioBound)}.`);
    else if (ratio > 1.25) slight.push(`${text}, within the ${show(ratioBound)} their spread allows for.`);
  }
  if (alarms > 0) slight.push(`${alarms} of ${measured} items raise an alarm of their own.`);
  if (serious.length > 0) return { ...common, verdict: "alarm", reason: [...serious, ...slight].join(" ") };
  if (slight.length > 0) return { ...common, verdict: "watch", reason: slight.join(" ") };
  const calm = coverage === undefined ? "" : `: ${percentShort(coverage.observed)} inside the ${percentShort(coverage.nominal)} intervals`;
  return { ...common, verdict: "fine", reason: `As the backtests promised${calm}, WAPE ${percentShort(accuracy.wape)}.` };
}

function compareWindows(
  accuracy: Accuracy | undefined,
  windows: readonly number[],
): { readonly ratio: number | undefined; readonly bound: number | undefined } {
  const known = windows.filter((wql) => wql > 0 && Number.isFinite(wql));
  if (accuracy === undefined || known.length === 0) return { ratio: undefined, bound: undefined };
  const logs = known.map(Math.log);
  const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length;
  const ratio = accuracy.averageWql / Math.exp(mean);
  // One window has no spread; a factor of two is then the bound.
  if (logs.length === 1) return { ratio, bound: 2 };
  const sd = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (logs.length - 1));
  const t = studentT[Math.min(logs.length - 1, studentT.length) - 1];
  // Two or three windows say next to nothing of their spread; whatever they say, three times as wrong as ever is worth a look.
  return { ratio, bound: Math.min(3, Math.max(1.25, Math.exp(t * sd * Math.sqrt(1 + 1 / logs.length)))) };
}
