// What lies ahead held against what was seen: models say nothing of prices far from any they learned from.

import { timestampOf } from "../calendar/grid.ts";
import type { Panel } from "../contract.ts";
import { seriesCount } from "../panel/series.ts";

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Cells far outside what their series has seen; the first of them as an example. */
export interface Far {
  cells: number;
  value: number;
  /** -1: all series share the number. */
  series: number;
  step: number;
  range: Range | undefined;
}

/** The lowest and highest number of an attribute in the history of a series (-1: of all); of a series that knows none, those of all. */
export function rangesSeen(panel: Panel, attribute: string): (series: number) => Range | undefined {
  const isIt = ({ name }: { readonly name: string }): boolean => name.toLowerCase() === attribute.toLowerCase();
  const own = panel.regressors.find(isIt);
  const common = panel.shared.find(isIt);
  const rangeOf = (values: Float32Array, begin: number, end: number, from?: Range): Range | undefined => {
    let low = from?.low ?? Number.POSITIVE_INFINITY;
    let high = from?.high ?? Number.NEGATIVE_INFINITY;
    for (let at = begin; at < end; at++) {
      if (values[at] < low) low = values[at];
      if (values[at] > high) high = values[at];
    }
    return high < low ? undefined : { low, high };
  };
  if (own === undefined) {
    const range = common === undefined ? undefined : rangeOf(common.values, 0, panel.grid.length);
    return () => range;
  }
  const { horizon } = panel.grid;
  const at = (i: number): readonly [number, number] => [panel.offsets[i] + i * horizon, panel.offsets[i + 1] + i * horizon];
  let all: Range | undefined;
  for (let i = 0; i < seriesCount(panel); i++) all = rangeOf(own.values, ...at(i), all);
  return (i) => (i < 0 ? all : (rangeOf(own.values, ...at(i)) ?? all));
}

/** Beyond what was seen by more than its own width, and by more than a quarter of its size, nothing was learned that would tell. */
export function noteFar(far: Far, range: Range | undefined, value: number, series: number, step: number): void {
  if (range !== undefined) {
    const margin = Math.max(range.high - range.low, 0.25 * Math.max(Math.abs(range.low), Math.abs(range.high)));
    if (value >= range.low - margin && value <= range.high + margin) return;
  }
  if (far.cells++ === 0) Object.assign(far, { value, series, step, range });
}

/** The first of them in words. */
export function farText(panel: Panel, { value, series, step, range }: Far): string {
  const round = (number: number): string => String(Number(number.toPrecision(6)));
  const whose =
    series < 0
      ? ""
      : ` of ${[panel.itemIds[series], ...panel.dimensions.map((each) => each.levels[each.codes[series]] ?? "")].join(" / ")}`;
  const seen =
    range === undefined
      ? "it was never known before"
      : range.low === range.high
        ? `it never was anything but ${round(range.low)}`
        : `seen were ${round(range.low)} to ${round(range.high)}`;
  const where = timestampOf(panel.grid, panel.grid.length + step);
  return `${round(value)}${whose} at ${where}, but ${seen}. What the models make of it is a guess.`;
}

export const noneFar = (): Far => ({ cells: 0, value: 0, series: -1, step: 0, range: undefined });

/** The cells of a series' number in the horizon that lie far outside its history; undefined for none. A mark (0 or 1) that it never had is not far. */
export function farAhead(panel: Panel, attribute: string): Far | undefined {
  const own = panel.regressors.find(({ name }) => name === attribute);
  if (own === undefined) return undefined;
  const isMark = own.values.every((value) => value === 0 || value === 1 || Number.isNaN(value));
  if (isMark) return undefined;
  const { horizon } = panel.grid;
  const seen = rangesSeen(panel, attribute);
  const far = noneFar();
  for (let i = 0; i < seriesCount(panel); i++) {
    const range = seen(i);
    const first = panel.offsets[i + 1] + i * horizon;
    for (let h = 0; h < horizon; h++) {
      const value = own.values[first + h];
      if (!Number.isNaN(value)) noteFar(far, range, value, i, h);
    }
  }
  return far.cells === 0 ? undefined : far;
}
