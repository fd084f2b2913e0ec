// Explanations: what each attribute (price, promotion, season, brand) does to the forecast of an item, and to all of them.
//
// Owns: grouping of features into attributes, impacts in units of demand and as scores. Does not own: the forecast, Shapley values (shap.ts).
//   X1. On the score's own scale, base plus impacts is the score of the mean. In units too: base plus impacts is the forecast of the mean.
//   X2. Scores are in -1..1 within one explanation: the attribute with the largest impact has 1 or -1, one twice as strong has twice the score.
//
// Sources: Lundberg et al. 2018 (see shap.ts). On the log link units are shared out by the logarithmic mean, which leaves no remainder: Ang 2005,
// "The LMDI approach to decomposition analysis". Scores as in Amazon Forecast's explainability: signed, relative to each other.

import type { Panel } from "../contract.ts";
import { openSeries, writeRow } from "../global/features.ts";
import { readyGlobal } from "../global/global.ts";
import type { GlobalModel, ReadyGlobal } from "../global/global.ts";
import { meanOf } from "../global/losses.ts";
import { attributes } from "../global/plan.ts";
import type { Plan } from "../global/plan.ts";
import { binRows } from "../global/rows.ts";
import { addShap, prepareShap } from "./shap.ts";
import type { Shap } from "./shap.ts";

/** Why the mean of one series is what it is, step by step. */
export interface SeriesExplanation {
  /** Index in the panel. */
  readonly series: number;
  /** What the mean would be with nothing known but the level of the series; in units of demand, one per step. */
  readonly base: Float64Array;
  /** The mean; in units, one per step. */
  readonly mean: Float64Array;
  /** Attribute by attribute: the impact of `attributes[a]` on step h in units is `[a * horizon + h]`. */
  readonly impacts: Float64Array;
  /** The same on the scale on which the forest adds up (logarithm of the ratio to the level, or the ratio itself). */
  readonly linkImpacts: Float64Array;
  readonly linkBase: number;
  /** -1..1, one per attribute: impact over all steps relative to the strongest. */
  readonly scores: Float64Array;
}

export interface Explanation {
  /** Strongest over all explained series first. */
  readonly attributes: readonly string[];
  readonly horizon: number;
  readonly series: readonly SeriesExplanation[];
  /** -1..1, one per attribute, over all explained series: signed, so that effects both ways cancel. */
  readonly scores: Float64Array;
  /** 0..1, one per attribute: the same of absolute impacts, which do not cancel. */
  readonly strengths: Float64Array;
}

/**
 * Explains the mean forecast of the given series (indices in the panel) from `cut`, `horizon` steps ahead.
 *
 * Exact; about 1 ms a step. For a whole catalogue pass a sample of its series.
 */
export function explainGlobal(
  model: GlobalModel,
  panel: Panel,
  series: readonly number[],
  options: { readonly cut: number; readonly horizon: number },
): Explanation {
  const ready = readyGlobal(model, panel, options.cut);
  const shap = prepareShap(model.mean);
  const { names, shares } = groupFeatures(model.plan);
  const explained = series.map((i) => explainSeries(ready, { shap, shares, count: names.length }, i, options.horizon));
  const signed = new Float64Array(names.length);
  const absolute = new Float64Array(names.length);
  for (const each of explained) {
    for (let a = 0; a < names.length; a++) {
      for (let h = 0; h < options.horizon; h++) {
        signed[a] += each.impacts[a * options.horizon + h];
        absolute[a] += Math.abs(each.impacts[a * options.horizon + h]);
      }
    }
  }
  const order = names.map((_, a) => a).sort((a, b) => absolute[b] - absolute[a] || a - b);
  return {
    attributes: order.map((a) => names[a]),
    horizon: options.horizon,
    series: explained.map((each) => reorder(each, order, options.horizon)),
    scores: relative(Float64Array.from(order, (a) => signed[a])),
    strengths: relative(Float64Array.from(order, (a) => absolute[a])),
  };
}

interface Share {
  readonly feature: number;
  readonly attribute: number;
  readonly share: number;
}

/** Which attribute each feature counts for; what looks at all regressors at once counts for each of them in equal parts. */
function groupFeatures(plan: Plan): { names: readonly string[]; shares: readonly Share[] } {
  const names: string[] = [];
  const shares: Share[] = [];
  plan.features.forEach(({ attribute }, feature) => {
    const owners = attribute === attributes.together ? plan.regressors.map((each) => each.name) : [attribute];
    for (const owner of owners) {
      if (!names.includes(owner)) names.push(owner);
      shares.push({ feature, attribute: names.indexOf(owner), share: 1 / owners.length });
    }
  });
  return { names, shares };
}

function explainSeries(
  ready: ReadyGlobal,
  { shap, shares, count }: { readonly shap: Shap; readonly shares: readonly Share[]; readonly count: number },
  series: number,
  horizon: number,
): SeriesExplanation {
  const { model, reader, cut } = ready;
  const width = model.plan.features.length;
  const features = new Float32Array(width);
  const bins = new Uint8Array(width);
  const base = new Float64Array(horizon);
  const mean = new Float64Array(horizon);
  const impacts = new Float64Array(count * horizon);
  const linkImpacts = new Float64Array(count * horizon);
  openSeries(reader, series, cut);
  for (let h = 0; h < horizon; h++) {
    const level = writeRow(reader, cut, h + 1, false, features, 0);
    binRows(model.plan, model.edges, features, 1, bins);
    const values = new Float64Array(width);
    addShap(shap, bins, values);
    let score = shap.base;
    for (let f = 0; f < width; f++) score += values[f];
    base[h] = meanOf(model.loss, shap.base) * level;
    mean[h] = meanOf(model.loss, score) * level;
    const unit = score === shap.base ? base[h] : (mean[h] - base[h]) / (score - shap.base);
    for (const { feature, attribute, share } of shares) {
      linkImpacts[attribute * horizon + h] += share * values[feature];
      impacts[attribute * horizon + h] += share * values[feature] * unit;
    }
  }
  const totals = new Float64Array(count);
  for (let a = 0; a < count; a++) for (let h = 0; h < horizon; h++) totals[a] += impacts[a * horizon + h];
  return { series, base, mean, impacts, linkImpacts, linkBase: shap.base, scores: relative(totals) };
}

/** Each beside the largest of them: -1..1. */
export function relative(totals: Float64Array): Float64Array {
  let largest = 0;
  for (const each of totals) largest = Math.max(largest, Math.abs(each));
  return totals.map((each) => (largest > 0 ? each / largest : 0));
}

/** The attributes of one explanation in another order. */
export function reorder(each: SeriesExplanation, order: readonly number[], horizon: number): SeriesExplanation {
  const rows = (from: Float64Array): Float64Array =>
    Float64Array.from(from, (_, k) => from[order[Math.floor(k / horizon)] * horizon + (k % horizon)]);
  return {
    ...each,
    impacts: rows(each.impacts),
    linkImpacts: rows(each.linkImpacts),
    scores: Float64Array.from(order, (a) => each.scores[a]),
  };
}
