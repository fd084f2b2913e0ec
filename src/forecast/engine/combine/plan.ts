// Weights and calibration of every series, from the trials of all.
//
// Owns: what may be learned from what (M1), how groups and their series are shrunk. Does not own: the fits.
// A series' weights are its group's, moved by how its own backtests differ from the group's as far as their number deserves; the group's are
// stacked, held to those of its class of demand, held to the priors of the register.

import { hasForecast } from "./blend.ts";
import { type CalibrationLesson, makeCalibration, makeScale, noCalibration } from "./calibration.ts";
import { priorOf } from "./candidates.ts";
import type { Calibration, CandidateName, MixOptions, MixPlan, SeriesPlan, Trial } from "./contract.ts";
import { trialLevels } from "./trial.ts";
import { type Loss, stackWeights } from "./weights.ts";

/** The settings of the mix: found on M1 and on backtests within training parts, the same for all data. */
export interface MixTuning {
  /** Pull of the priors on a class, and of a class on its groups, in lessons. */
  readonly classStrength: number;
  readonly groupStrength: number;
  /** How sharply a series prefers the models that served it better, were its backtests endless. */
  readonly sharpness: number;
  /** Points of backtest at which half of the sharpness is used. */
  readonly trust: number;
}

// Sharp only where backtests are long: a hundred hours say more of a series than its group does, twenty months do not.
export const tuning: MixTuning = { classStrength: 300, groupStrength: 150, sharpness: 6, trust: 300 };

/** The part of the global model's weight that its quantiles get: half lost nothing on average to all of it and to none, and covered best. */
const globalSpread = 0.5;

/** Lessons below which a group takes the calibration of its class, and a class that of all. */
const calibrationLessons = 40;

/** Weights by name; every group of one class has the same names. */
interface Weighing {
  readonly names: readonly CandidateName[];
  readonly weights: Float64Array;
}

/**
 * Plans the mix of all series: for each of their windows from earlier windows alone, for the future from all.
 *
 * `trials` must be in the order of the series, not of their completion; the plan depends on nothing else. Ages of windows are counted from the end
 * of the histories, so series of one group must end at the same instant for M1 to hold between them.
 */
export function planMix(trials: readonly Trial[], options: MixOptions, tuned: MixTuning = tuning): MixPlan {
  const levels = trialLevels(options.levels);
  const { horizon } = options;
  const series: SeriesPlan[] = trials.map((trial) => {
    const room = (trial.cuts.length + 1) * trial.models.length;
    const calibration = new Int32Array(trial.cuts.length + 1);
    return { weights: new Float64Array(room), quantileWeights: new Float64Array(room), centred: !isRare(trial.futureGroup), calibration };
  });
  const calibrations: Calibration[] = [noCalibration(levels.length, horizon)];
  const oldest = trials.reduce((most, trial) => Math.max(most, trial.cuts.length), 0) - 1;
  // Age 0 is the latest window, -1 the future.
  for (let age = oldest; age >= -1; age--) {
    const classes = new Map<string, Map<string, number[]>>();
    for (const [i, trial] of trials.entries()) {
      if (trial.cuts.length <= age) continue;
      const group = age < 0 ? trial.futureGroup : trial.group;
      const kind = classOf(group);
      let groups = classes.get(kind);
      if (groups === undefined) classes.set(kind, (groups = new Map<string, number[]>()));
      const members = groups.get(group);
      if (members === undefined) groups.set(group, [i]);
      else members.push(i);
    }
    const mostlyRare = sizeOf(classes, isRare) > sizeOf(classes, () => true) / 2;
    const lessonsOf = (members: readonly number[]): CalibrationLesson[] =>
      members.flatMap((i) =>
        Array.from({ length: Math.max(0, trials[i].cuts.length - 1 - age) }, (_, window) => ({
          trial: trials[i],
          window,
          row: trials[i].cuts.length - 1 - age,
          plan: series[i],
        })),
      );
    const calibrationOf = (all: readonly CalibrationLesson[], fallback: number): number => {
      const lessons = all.filter(isTelling);
      if (lessons.length < calibrationLessons) return fallback;
      calibrations.push(makeCalibration(lessons, levels, horizon));
      return calibrations.length - 1;
    };
    for (const [kind, groups] of classes) {
      const members = membersOf(groups);
      const lessons = lessonsOf(members);
      const rare = isRare(kind);
      const loss: Loss = rare ? "root" : "absolute";
      const prior = priorWeighing(
        members.map((i) => trials[i]),
        mostlyRare,
      );
      const { names } = prior;
      const ofClass = stackWeights(names, prior.weights, lessons, loss, tuned.classStrength);
      const quantilesOfClass = rare ? stackWeights(names, prior.weights, lessons, "pinball", tuned.classStrength / 4) : ofClass;
      for (const own of groups.values()) {
        const ownLessons = groups.size > 1 ? lessonsOf(own) : lessons;
        const weights = groups.size > 1 ? stackWeights(names, ofClass, ownLessons, loss, tuned.groupStrength) : ofClass;
        const forQuantiles =
          rare && groups.size > 1
            ? stackWeights(names, quantilesOfClass, ownLessons, "pinball", tuned.groupStrength / 4)
            : quantilesOfClass;
        for (const i of own) {
          const trial = trials[i];
          const w = trial.cuts.length - 1 - age;
          weighSeries(trial, w, { names, weights }, rare, tuned, series[i].weights);
          if (rare) spread(trial, w, { names, weights: forQuantiles }, series[i].quantileWeights);
          else spreadLocals(trial, w, series[i].weights, series[i].quantileWeights);
        }
      }
    }
    // Quantiles of rare sales stand on whole numbers, most of them zero: no stretching makes their levels hold, so it is left.
    for (const [kind, groups] of classes) {
      const members = membersOf(groups);
      const lessons = isRare(kind) ? lessonsOf(members).filter(isTelling) : [];
      if (lessons.length < calibrationLessons) continue;
      calibrations.push(makeScale(lessons, levels, horizon));
      for (const i of members) series[i].calibration[trials[i].cuts.length - 1 - age] = calibrations.length - 1;
    }
    const steady = [...classes].filter(([kind]) => !isRare(kind)).map(([, groups]) => groups);
    const everyone = steady.flatMap(membersOf).toSorted((a, b) => a - b);
    const common = steady.length > 1 ? calibrationOf(lessonsOf(everyone), 0) : 0;
    for (const groups of steady) {
      const ofClass = groups.size > 1 ? calibrationOf(lessonsOf(membersOf(groups)), common) : common;
      for (const own of groups.values()) {
        const calibration = calibrationOf(lessonsOf(own), ofClass);
        for (const i of own) series[i].calibration[trials[i].cuts.length - 1 - age] = calibration;
      }
    }
  }
  return { series, calibrations };
}

const isRare = (kind: string): boolean => kind.includes("intermittent") || kind.includes("lumpy");

/** What never sold is expected to sell nothing, whatever its neighbours do. */
const isHushed = (trial: Trial, name: CandidateName, w: number): boolean =>
  name === "global" &&
  ((w === trial.cuts.length && isSilent(trial.futureGroup)) || (w === 0 && trial.cuts.length > 0 && isSilent(trial.group)));

const isSilent = (group: string): boolean => /none\/\d+$/.test(classOf(group));

/**
 * Whether models with half of the weights to be calibrated spoke in that window. Where the past was too short for them the mix of the others is
 * another one, and says nothing of this one's spread.
 */
function isTelling({ trial, window, row, plan }: CalibrationLesson): boolean {
  let weight = 0;
  for (let m = 0; m < trial.models.length; m++) {
    if (hasForecast(trial, m, window)) weight += plan.quantileWeights[row * trial.models.length + m];
  }
  return weight >= 0.5;
}

/** How many series the classes of some kind hold. */
function sizeOf(classes: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>, which: (kind: string) => boolean): number {
  let size = 0;
  for (const [kind, groups] of classes) if (which(kind)) for (const members of groups.values()) size += members.length;
  return size;
}

/** All members of the groups of a class, in the order of the series. */
const membersOf = (groups: ReadonlyMap<string, readonly number[]>): number[] => [...groups.values()].flat().toSorted((a, b) => a - b);

/** `smooth/12` of `smooth/12/long`. */
const classOf = (group: string): string => group.slice(0, group.lastIndexOf("/"));

/** The mean prior of the trials over every model that any of them has. */
function priorWeighing(trials: readonly Trial[], mostlyRare: boolean): Weighing {
  const names = [...new Set(trials.flatMap((trial) => trial.models))].toSorted();
  const weights = new Float64Array(names.length);
  for (const trial of trials) {
    for (const [k, name] of names.entries()) if (trial.models.includes(name)) weights[k] += priorOf(name, trial, mostlyRare);
  }
  const total = weights.reduce((sum, each) => sum + each, 0);
  return { names, weights: total > 0 ? weights.map((each) => each / total) : weights.fill(1 / names.length) };
}

/** Writes the weights of one window of one series: the group's, moved by what the series' own earlier windows say. */
function weighSeries(trial: Trial, w: number, group: Weighing, rare: boolean, tuned: MixTuning, out: Float64Array): void {
  const { models, horizon, scale, cuts } = trial;
  const windows = cuts.length;
  const at = w * models.length;
  const base = models.map((name, m) =>
    hasForecast(trial, m, w) && !isHushed(trial, name, w) ? group.weights[group.names.indexOf(name)] : 0,
  );
  const errors = new Float64Array(models.length).fill(Number.NaN);
  let points = 0;
  for (let m = 0; m < models.length; m++) {
    let sum = 0;
    let known = 0;
    for (let v = 0; v < w; v++) {
      if (!hasForecast(trial, m, v)) continue;
      for (let h = 0; h < horizon; h++) {
        const y = trial.actuals[v * horizon + h];
        if (Number.isNaN(y)) continue;
        const error = Math.abs(trial.means[(m * windows + v) * horizon + h] - y) / scale;
        sum += rare ? error * error : error;
        known++;
      }
    }
    // A floor keeps a lucky perfect backtest from taking everything.
    if (known > 0) errors[m] = rare ? 0.5 * Math.log(sum / known + 0.0025) : Math.log(sum / known + 0.05);
    points = Math.max(points, known);
  }
  let middle = 0;
  let weighed = 0;
  for (let m = 0; m < models.length; m++) {
    if (Number.isNaN(errors[m])) continue;
    middle += base[m] * errors[m];
    weighed += base[m];
  }
  const sharpness = (tuned.sharpness * points) / (points + tuned.trust);
  let total = 0;
  for (let m = 0; m < models.length; m++) {
    const apart = Number.isNaN(errors[m]) || !(weighed > 0) ? 0 : errors[m] - middle / weighed;
    out[at + m] = base[m] * Math.exp(-sharpness * Math.max(-3, Math.min(3, apart)));
    total += out[at + m];
  }
  share(trial, w, total, out);
}

/** Writes the group's own weights for one window of one series. */
function spread(trial: Trial, w: number, group: Weighing, out: Float64Array): void {
  let total = 0;
  for (const [m, name] of trial.models.entries()) {
    const weight = hasForecast(trial, m, w) && !isHushed(trial, name, w) ? group.weights[group.names.indexOf(name)] : 0;
    out[w * trial.models.length + m] = weight;
    total += weight;
  }
  share(trial, w, total, out);
}

/** Makes one row sum to one. Where the group gave its weight to models this series has not: whatever it has, equally. */
function share(trial: Trial, w: number, total: number, out: Float64Array): void {
  const at = w * trial.models.length;
  const served = trial.models.filter((_, m) => hasForecast(trial, m, w)).length;
  for (let m = 0; m < trial.models.length; m++) {
    out[at + m] = total > 0 ? out[at + m] / total : hasForecast(trial, m, w) ? 1 / served : 0;
  }
}

/** Writes the weights of the mean as those of the quantiles, with less of the global model where it has no numbers known ahead to go by. */
function spreadLocals(trial: Trial, w: number, weights: Float64Array, out: Float64Array): void {
  let total = 0;
  for (const [m, name] of trial.models.entries()) {
    const at = w * trial.models.length + m;
    out[at] = name === "global" && !trial.informed ? globalSpread * weights[at] : weights[at];
    total += out[at];
  }
  share(trial, w, total, out);
}
