// Which models are tried on which series, how much of the past each sees, and what is thought of it before any backtest.
//
// Owns: the register. Does not own: the models.
//
// Priors follow the literature: means of ETS, CES, ARIMA and Theta are hard to beat on smooth series (Petropoulos and Svetunkov 2020;
// Makridakis et al. 2020), temporal aggregation adds to them (Kourentzes et al. 2014), global trends to short ones (Smyl et al. 2023); for
// intermittent demand TSB follows obsolescence and SBA is unbiased (Teunter, Syntetos and Babai 2011; Syntetos and Boylan 2005).

import type { Model, Series } from "../contract.ts";
import { arima } from "../models/arima/arima.ts";
import { ces } from "../models/ces/ces.ts";
import { adida, croston, imapa, sba, tsb } from "../models/croston/croston.ts";
import { ets } from "../models/ets/ets.ts";
import { mstl } from "../models/mstl/mstl.ts";
import { naive, snaive } from "../models/naive/naive.ts";
import { npts } from "../models/npts/npts.ts";
import { regression } from "../models/regression/regression.ts";
import { theta } from "../models/theta/theta.ts";
import type { CandidateName, MixOptions, Profile, Trial } from "./contract.ts";
import { lgt } from "./models/lgt.ts";
import { overLevels } from "./models/mapa.ts";

/** A local model in the mix. */
export interface Candidate {
  readonly name: CandidateName;
  readonly model: Omit<Model, "name">;
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

const mapa = overLevels(ets, "ETS over months, quarters and years at once, or the like for other seasons, made to agree.");

// Costs per fit on a hundred points, in ms: theta 0.2, ets 2, mapa 2, lgt 10, arima 6, ces 6; they decide the limits.
const register: readonly Candidate[] = [
  { name: "theta", model: theta, serves: steady, prior: singleSeason(1, 0.3, 0.1), limit: 1100, refitBelow: 400 },
  { name: "ets", model: ets, serves: always, prior: singleSeason(0.2, 0.1, 1), limit: 400, refitBelow: 200 },
  {
    name: "mapa",
    model: mapa,
    // Days of a week and a year are many and leave it little to say; hours of a day and a week gain by it.
    serves: (profile) => steady(profile) && (profile.seasons === 1 || profile.lag >= 24) && profile.lag > 1 && profile.lag <= 24,
    prior: singleSeason(1, 0.8, 0.1),
    limit: 500,
    refitBelow: 200,
  },
  {
    name: "lgt",
    model: lgt,
    serves: (profile) => steady(profile) && profile.known <= 400,
    prior: weight(1, 0),
    limit: 300,
    refitBelow: 200,
  },
  {
    name: "arima",
    model: arima,
    serves: (profile, series) => steady(profile) && series.regressors.length === 0 && profile.known <= 300 && profile.lag <= 24,
    // Orders need data: on short histories the choice among them costs more than it gains.
    prior: (profile) => (rare(profile) ? 0 : 0.8 * Math.min(1, profile.known / 60)),
    limit: 300,
    refitBelow: 200,
  },
  {
    name: "ces",
    model: ces,
    serves: (profile) => steady(profile) && profile.known <= 300 && profile.lag > 1 && profile.lag <= 24,
    prior: weight(0.4, 0),
    limit: 300,
    refitBelow: 200,
  },
  { name: "mstl", model: mstl, serves: hard, prior: singleSeason(1, 1, 0.1), limit: 2000, refitBelow: 300 },
  {
    name: "regression",
    model: regression,
    serves: (profile, series) => profile.known > 30 && profile.demand !== "none" && (series.regressors.length > 0 || hard(profile, series)),
    prior: singleSeason(0.7, 1, 0.5),
    limit: 2000,
    refitBelow: 300,
  },
  { name: "tsb", model: tsb, serves: rare, prior: weight(0.1, 1), limit: 2000, refitBelow: 300 },
  { name: "sba", model: sba, serves: rare, prior: weight(0.1, 0.5), limit: 2000, refitBelow: 300 },
  { name: "adida", model: adida, serves: rare, prior: weight(0.1, 0.7), limit: 2000, refitBelow: 300 },
  { name: "imapa", model: imapa, serves: rare, prior: weight(0.1, 0.7), limit: 2000, refitBelow: 300 },
  {
    name: "npts",
    model: npts,
    serves: rare,
    prior: weight(0.05, 1),
    limit: 1100,
    refitBelow: 300,
  },
  { name: "croston", model: croston, serves: () => false, prior: weight(0.1, 0.3), limit: 2000, refitBelow: 300 },
  {
    name: "snaive",
    model: snaive,
    serves: (profile) => steady(profile) && profile.lag > 1,
    // A year of weeks is carried by nothing else but what the group did of it: what a series does in its own way is repeated here.
    prior: (profile) => (steady(profile) && profile.seasons === 1 && profile.lag > 24 ? 0.3 : singleSeason(0.02, 0.3, 0.02)(profile)),
    limit: 2000,
    refitBelow: 300,
  },
  { name: "naive", model: naive, serves: always, prior: weight(0.02, 0.02), limit: 400, refitBelow: 300 },
];

const byName = new Map(register.map((each) => [each.name, each]));

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
  const own = byName.get(name)?.prior(trial.profile) ?? 0.2;
  return trial.informed && name === "regression" ? 3 * own : own;
}
