// Models of intermittent demand: Croston, SBA, TSB, ADIDA and iMAPA.
//
// Each forecasts one rate for all steps ahead; what differs is how the rate is found. All of them give the distribution of outcome.ts around it.

import type { Fitted, Model, ModelName, Series, Unfit } from "../../contract.ts";
import { fitAdida, fitImapa, runBuckets, type Bucket } from "./aggregate.ts";
import { fitRate, readDemand, runRate, type Demand, type RateParameters } from "./demand.ts";
import { makeOutcome, meanOf, quantileOf, sampleOutcome, type Outcome } from "./outcome.ts";

/** A method with its parameters, ready for any history. */
interface Method {
  readonly title: string;
  readonly parameters: Readonly<Record<string, number>>;
  /** The next step's mean demand and chance of demand; `fitted[t]` (if given) takes the mean forecast for value t. */
  readonly run: (demand: Demand, fitted?: Float64Array) => { readonly rate: number; readonly occurrence: number };
  /** Smoothing constant of the chance of demand. */
  readonly alpha: number;
}

const fewest = 2;
/** Values at the end of a history for which methods of buckets give one-step forecasts. */
const traced = 32;

function make(name: ModelName, about: string, search: (demand: Demand) => Method): Model {
  return {
    name,
    about,
    usesRegressors: false,
    fit: (series) => {
      const demand = readSeries(series);
      return "kind" in demand ? demand : makeFitted(series.values.length, demand, search(demand));
    },
  };
}

function readSeries(series: Series): Demand | Unfit {
  const demand = readDemand(series.values);
  if (demand === undefined)
    return { kind: "unfit", reason: "Methods for intermittent demand need values of zero or more; the history has a negative one." };
  if (demand.values.length < fewest) {
    return {
      kind: "unfit",
      reason: `Methods for intermittent demand need at least ${fewest} values; the history has ${demand.values.length}.`,
    };
  }
  return demand;
}

function makeFitted(length: number, demand: Demand, method: Method): Fitted {
  const { rate, occurrence } = method.run(demand);
  // Exponential weights of constant alpha are worth 2/alpha - 1 equal ones.
  const evidence = Math.max(2, Math.min(demand.values.length, 2 / method.alpha - 1));
  const outcome: Outcome = makeOutcome(demand, rate, occurrence, evidence);
  const mean = demand.whole ? rate : meanOf(outcome);
  return {
    kind: "fitted",
    title: method.title,
    parameters: method.parameters,
    // Asked for seldom, and for buckets dearer than the forecast itself.
    get fitted() {
      return traceFitted(length, demand, method);
    },
    forecast: (horizon, levels) => {
      const quantiles = new Float64Array(levels.length * horizon);
      levels.forEach((level, i) => quantiles.fill(quantileOf(outcome, level), i * horizon, (i + 1) * horizon));
      return { mean: new Float64Array(horizon).fill(mean), quantiles, levels };
    },
    simulate: (horizon, paths, random) => sampleOutcome(outcome, horizon, paths, random),
    advance: (series) => {
      const next = readSeries(series);
      return "kind" in next ? next : makeFitted(series.values.length, next, method);
    },
  };
}

function traceFitted(length: number, demand: Demand, method: Method): Float64Array {
  const known = new Float64Array(demand.values.length);
  method.run(demand, known);
  const fitted = new Float64Array(length).fill(Number.NaN);
  for (let t = 0; t < known.length; t++) fitted[demand.at[t]] = known[t];
  return fitted;
}

function rateMethod(title: string, parameters: RateParameters): Method {
  const { sizeAlpha, occurrenceAlpha } = parameters;
  return {
    title,
    parameters: { sizeAlpha, occurrenceAlpha },
    alpha: occurrenceAlpha,
    run: (demand, fitted) => {
      const { size, occurrence } = runRate(demand, parameters, fitted);
      return { rate: size * occurrence, occurrence };
    },
  };
}

function bucketMethod(title: string, buckets: readonly Bucket[]): Method {
  const alpha = buckets.reduce((sum, bucket) => sum + bucket.alpha / bucket.steps, 0) / buckets.length;
  return {
    title,
    parameters: Object.fromEntries(buckets.map((bucket) => [`alpha${bucket.steps}`, bucket.alpha])),
    alpha,
    run: (demand, fitted) => {
      const { values, occurrences, meanSize } = demand;
      // One-step forecasts need the buckets of every earlier end: each is a pass, so they are worked out for the last ones only.
      if (fitted !== undefined) {
        fitted.fill(Number.NaN);
        for (let t = Math.max(fewest, values.length - traced); t < values.length; t++)
          fitted[t] = runBuckets(values.subarray(0, t), buckets);
      }
      const rate = runBuckets(values, buckets);
      return { rate, occurrence: occurrences === 0 ? 0 : Math.min(1, rate / meanSize) };
    },
  };
}

/** Croston 1972, "Forecasting and stock control for intermittent demands": sizes and intervals smoothed each at its demands; constants by rate error (Kourentzes 2014). */
export const croston: Model = make("croston", "Croston: sizes of demands and the intervals between them, each smoothed.", (demand) =>
  rateMethod("Croston", fitRate(demand, "interval", false)),
);

/** Syntetos & Boylan 2005, "The accuracy of intermittent demand estimates": Croston's rate less its bias. */
export const sba: Model = make("sba", "SBA: Croston's rate, corrected for its bias.", (demand) =>
  rateMethod("SBA", fitRate(demand, "interval", true)),
);

/** Teunter, Syntetos & Babai 2011, "Intermittent demand: linking forecasting to inventory obsolescence": the probability of demand smoothed at every step. */
export const tsb: Model = make(
  "tsb",
  "TSB: the chance of demand smoothed at every step, so that demand that has ceased fades out.",
  (demand) => rateMethod("TSB", fitRate(demand, "probability", false)),
);

/** Nikolopoulos et al. 2011, "An aggregate-disaggregate intermittent demand approach (ADIDA)". One-step fits are given for the last 32 values. */
export const adida: Model = make("adida", "ADIDA: demand summed over its mean interval, smoothed, and shared out again.", (demand) =>
  bucketMethod("ADIDA", fitAdida(demand)),
);

/** Petropoulos & Kourentzes 2015, "Forecast combinations for intermittent demand". One-step fits are given for the last 32 values. */
export const imapa: Model = make("imapa", "iMAPA: forecasts of demand summed over several spans, averaged.", (demand) =>
  bucketMethod("iMAPA", fitImapa(demand)),
);
