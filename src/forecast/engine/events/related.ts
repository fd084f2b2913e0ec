// Related: how numbers known ahead (a price, a promotion) move demand on ordinary days, pooled over the panel.
//
//   What a day with an event owes to its price is the price's: the models know it, and would otherwise put it on twice.

import type { Panel } from "../contract.ts";
import { leastSquares } from "../numerics/linear.ts";
import { historyLength } from "../panel/series.ts";

/** An ordinary step, what the steps around it sold, and which they are. */
export interface Ordinary {
  readonly series: number;
  readonly step: number;
  readonly near: readonly number[];
  readonly demand: number;
  readonly usual: number;
}

/** Ordinary steps learned from, at most. */
export const mostOrdinary = 20_000;
/** Effects are drawn to none as if the noise were a fifth and they two, in logarithms: elasticities are of that size. */
const ridge = 0.02;
/** No related number explains more than this factor of an event. */
const mostEffect = Math.log(5);
/** Zeros have a logarithm too: this share of the usual is added. */
const offset = 0.1;

interface Column {
  readonly isPositive: boolean;
  readonly at: (series: number, step: number) => number;
}

/** The numbers known ahead that are neither events nor holidays. */
export function relatedColumns(panel: Panel): readonly Column[] {
  const { grid, offsets } = panel;
  const isOther = ({ name }: { readonly name: string }): boolean => !/^(event:|holiday(:|$))/.test(name);
  const isPositive = (values: Float32Array): boolean => values.every((value) => !(value <= 0));
  const shared = panel.shared
    .filter(isOther)
    .map(({ values }) => ({ isPositive: isPositive(values), at: (_: number, step: number) => values[step] }));
  const own = panel.regressors.filter(isOther).map(({ values }) => ({
    isPositive: isPositive(values),
    at: (i: number, step: number) => values[offsets[i] + i * grid.horizon + step - (grid.length - historyLength(panel, i))],
  }));
  return [...shared, ...own];
}

/** By how much (a logarithm) demand differs on a step from that on the steps near, for what the columns say of both. */
export function fitRelated(
  columns: readonly Column[],
  ordinary: readonly Ordinary[],
): (series: number, step: number, near: readonly number[]) => number {
  if (columns.length === 0 || ordinary.length <= columns.length) return () => 0;
  const rows = ordinary.length;
  const x = new Float64Array(rows * columns.length);
  const y = new Float64Array(rows);
  for (const [r, { series, step, near, demand, usual }] of ordinary.entries()) {
    for (const [c, column] of columns.entries()) x[c * rows + r] = apart(column, series, step, near);
    y[r] = Math.log((Math.max(0, demand) + offset * usual) / (usual + offset * usual));
  }
  const { coefficients } = leastSquares(x, rows, columns.length, y, { ridge: new Float64Array(columns.length).fill(ridge) });
  return (series, step, near) => {
    let effect = 0;
    for (const [c, column] of columns.entries()) {
      if (coefficients[c] !== 0) effect += coefficients[c] * apart(column, series, step, near);
    }
    return Math.max(-mostEffect, Math.min(mostEffect, effect));
  };
}

function apart({ isPositive, at }: Column, series: number, step: number, near: readonly number[]): number {
  const own = at(series, step);
  let sum = 0;
  let known = 0;
  for (const each of near) {
    const value = at(series, each);
    if (Number.isNaN(value)) continue;
    sum += value;
    known++;
  }
  if (Number.isNaN(own) || known === 0) return 0;
  return isPositive ? Math.log((own * known) / sum) : own - sum / known;
}
