// Which models are tried on which series, how much of the past each sees, and what is thought of it before any backtest.
//
// Owns: the register. Does not own: the models.
//
// Priors follow the literature: means of ETS, CES, ARIMA and Theta are hard to beat on smooth series (Petropoulos and Svetunkov 2020;
// Makridakis et al. 2020), temporal aggregation adds to them (Kourentzes et al. 2014), global trends to short ones (Smyl et al. 2023); for
// intermittent demand TSB follows obsolescence and SBA is unbiased (Teunter, Syntetos and Babai 2011; Syntetos and Boylan 2005).

import type { Model, Series } from "../contract.ts";
import { arima } from "../models/arima/arima.ts";
import { ets } from "../models/ets/ets.ts";
import { mstl } from "../models/mstl/mstl.ts";
import { regression } from "../models/regression/regression.ts";
import { theta } from "../models/theta/theta.ts";
import type { CandidateName, MixOptions, Profile } from "./contract.ts";
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

const register: readonly Candidate[] = [
  { name: "theta", model: theta, serves: steady, prior: weight(1, 0.2), limit: 1100, refitBelow: 400 },
  { name: "ets", model: ets, serves: always, prior: weight(0.6, 0.7), limit: 400, refitBelow: 200 },
  {
    name: "mapa",
    model: overLevels(ets, "ETS over months, quarters and years at once, or the like for other seasons, made to agree."),
    serves: (profile) => steady(profile) && profile.lag > 1 && profile.lag <= 24,
    prior: weight(1, 0.2),
    limit: 500,
    refitBelow: 200,
  },
  {
    name: "lgt",
    model: lgt,
    serves: (profile) => steady(profile) && profile.known <= 400,
    prior: weight(1, 0),
    limit: 300,
    refitBelow: 60,
  },
  {
    name: "arima",
    model: arima,
    serves: (profile, series) => steady(profile) && series.regressors.length === 0 && profile.known <= 300,
    prior: weight(0.5, 0),
    limit: 300,
    refitBelow: 0,
  },
  {
    name: "mstl",
    model: mstl,
    serves: (profile, series) => steady(profile) && series.seasons.length > 1,
    prior: weight(1, 0.1),
    limit: 2000,
    refitBelow: 0,
  },
  {
    name: "regression",
    model: regression,
    serves: (profile, series) => profile.known > 30 && (series.regressors.length > 0 || profile.lag > 24 || series.seasons.length > 1),
    prior: weight(0.6, 0.5),
    limit: 2000,
    refitBelow: 0,
  },
];

const byName = new Map(register.map((each) => [each.name, each]));

/** The candidates for a series of this profile: those asked for by name, or those that suit it. Never empty under `auto`. */
export function candidatesFor(profile: Profile, series: Series, options: Pick<MixOptions, "models">): readonly Candidate[] {
  const { models } = options;
  return models === "auto"
    ? register.filter((each) => each.serves(profile, series))
    : register.filter((each) => models.includes(each.name));
}

/** What a model's forecast is worth before any backtest, relative to others of the same series. */
export function priorOf(name: CandidateName, profile: Profile): number {
  return byName.get(name)?.prior(profile) ?? (name === "global" ? 1 : 0.2);
}
