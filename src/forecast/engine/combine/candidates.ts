// Which models are tried on which series, how much of the past each sees, and what is thought of it before any backtest.
//
// Owns: when each model is tried and how far it is believed. Does not own: the models and their names (`models/registry.ts`).
//
// Priors follow the literature: means of ETS, CES, ARIMA and Theta are hard to beat on smooth series (Petropoulos and Svetunkov 2020;
// Makridakis et al. 2020), temporal aggregation adds to them (Kourentzes et al. 2014), global trends to short ones (Smyl et al. 2023); for
// intermittent demand TSB follows obsolescence and SBA is unbiased (Teunter, Syntetos and Babai 2011; Syntetos and Boylan 2005).

import type { Model, ModelName, Series } from "../contract.ts";
import { models } from "../models/registry.ts";
import type { CandidateName, MixOptions, Profile, Trial } from "./contract.ts";

/** A local model in the mix. */
export interface Candidate {
  readonly name: ModelName;
  readonly model: Model;
  /** Whether `auto` tries it on such a series. */
  serves(profile: Profile, series: Series): boolean;
  /** Weight before any backtest, relative to the others'. */
  prior(profile: Profile): number;
  /** Latest steps of a history it is shown. */
  readonly limit: number;
  /** Histories shorter than this are fitted anew at each cut; longer ones once, and advanced. */
  readonly refitBelow: number;
}

const always = (): boolean => true;
const rare = (profile: Profile): boolean => profile.demand === "intermittent" || profile.demand === "lumpy";
const steady = (profile: Profile): boolean => !rare(profile) && profile.demand !== "none";
const weight =
  (often: number, seldom: number) =>
  (profile: Profile): number =>
    rare(profile) ? seldom : often;
/** As `weight`, with another figure where there are several seasons: a model of one sees the rest as noise. */
const singleSeason =
  (often: number, several: number, seldom: number) =>
  (profile: Profile): number =>
    rare(profile) ? seldom : profile.seasons > 1 ? several : often;
/** Seasons that no state of ETS or lag of ARIMA carries: several at once, or one of more than 24 steps. */
const hard = (profile: Profile, series: Series): boolean =>
  steady(profile) && (series.seasons.length > 1 || profile.lag > 24) && profile.known >= 2 * profile.lag;

// Costs per fit on a hundred points, in ms: theta 0.2, ets 2, mapa 2, lgt 10, arima 6, ces 6; they decide the limits.
/** By name, in the order in which they are tried. */
const rules: Readonly<Record<ModelName, Omit<Candidate, "name" | "model">>> = {
  theta: { serves: steady, prior: singleSeason(1, 0.3, 0.1), limit: 1100, refitBelow: 400 },
  ets: { serves: always, prior: singleSeason(0.2, 0.1, 1), limit: 400, refitBelow: 200 },
  mapa: {
    // Days of a week and a year are many and leave it little to say; hours of a day and a week gain by it.
    serves: (profile) => steady(profile) && (profile.seasons === 1 || profile.lag >= 24) && profile.lag > 1 && profile.lag <= 24,
    prior: singleSeason(1, 0.8, 0.1),
    limit: 500,
    refitBelow: 200,
  },
  lgt: {
    serves: (profile) => steady(profile) && profile.known <= 400,
    prior: weight(1, 0),
    limit: 300,
    refitBelow: 200,
  },
  arima: {
    serves: (profile, series) => steady(profile) && series.regressors.length === 0 && profile.known <= 300 && profile.lag <= 24,
    // Orders need data: on short histories the choice among them costs more than it gains.
    prior: (profile) => (rare(profile) ? 0 : 0.8 * Math.min(1, profile.known / 60)),
    limit: 300,
    refitBelow: 200,
  },
  ces: {
    serves: (profile) => steady(profile) && profile.known <= 300 && profile.lag > 1 && profile.lag <= 24,
    prior: weight(0.4, 0),
    limit: 300,
    refitBelow: 200,
  },
  mstl: { serves: hard, prior: singleSeason(1, 1, 0.1), limit: 2000, refitBelow: 300 },
  regression: {
    serves: (profile, series) => profile.known > 30 && profile.demand !== "none" && (series.regressors.length > 0 || hard(profile, series)),
    prior: singleSeason(0.7, 1, 0.5),
    limit: 2000,
    refitBelow: 300,
  },
  tsb: { serves: rare, prior: weight(0.1, 1), limit: 2000, refitBelow: 300 },
  sba: { serves: rare, prior: weight(0.1, 0.5), limit: 2000, refitBelow: 300 },
  adida: { serves: rare, prior: weight(0.1, 0.7), limit: 2000, refitBelow: 300 },
  imapa: { serves: rare, prior: weight(0.1, 0.7), limit: 2000, refitBelow: 300 },
  npts: {
    serves: rare,
    prior: weight(0.05, 1),
    limit: 1100,
    refitBelow: 300,
  },
  croston: { serves: () => false, prior: weight(0.1, 0.3), limit: 2000, refitBelow: 300 },
  snaive: {
    serves: (profile) => steady(profile) && profile.lag > 1,
    // Until MSTL has seen three years of weeks nothing else carries what a series does in a way of its own.
    prior: (profile) =>
      steady(profile) && profile.seasons === 1 && profile.lag > 24 && profile.known < 3 * profile.lag
        ? 0.3
        : singleSeason(0.02, 0.3, 0.02)(profile),
    limit: 2000,
    refitBelow: 300,
  },
  naive: { serves: always, prior: weight(0.02, 0.02), limit: 400, refitBelow: 300 },
};

// Own keys of a record over the union are its names.
const ruled = Object.keys(rules) as readonly ModelName[]; // oxlint-disable-line typescript/no-unsafe-type-assertion
const register: readonly Candidate[] = ruled.map((name) => ({ name, model: models[name], ...rules[name] }));

/** The candidates for a series of this profile: those asked for by name, or those that suit it. Never empty under `auto`. */
export function candidatesFor(profile: Profile, series: Series, options: Pick<MixOptions, "models">): readonly Candidate[] {
  const { models } = options;
  return models === "auto"
    ? register.filter((each) => each.serves(profile, series))
    : register.filter((each) => models.includes(each.name));
}

/**
 * What a model's forecast is worth before any backtest, relative to others of the same series.
 *
 * Where prices or promotions are known ahead, the models that see them are worth most: no history tells of a promotion to come. `mostlyRare`: most
 * series of the panel sell rarely, and so may this one before long; what the panel knows of such counts for it too.
 */
export function priorOf(name: CandidateName, trial: Pick<Trial, "profile" | "informed">, mostlyRare = false): number {
  if (name === "global") {
    // Across series more is known of rare sales than any one of them tells (Makridakis, Spiliotis and Assimakopoulos 2022, on M5).
    if (trial.informed) return rare(trial.profile) ? 75 : 25;
    return rare(trial.profile) || mostlyRare ? 20 : 1;
  }
  const own = rules[name].prior(trial.profile);
  return trial.informed && name === "regression" ? 3 * own : own;
}
