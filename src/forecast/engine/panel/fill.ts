// What stands where no row stood: the filling rules of Amazon Forecast ("Handling Missing Values", AttributeConfig).
//
// A front gap lies before a series' first value, a middle gap between two values, a back gap between the last value and the end of the
// history of all series, a future gap in the horizon.
//
// Filled values are made of what stands before the gap. Whether a gap is a middle or a back gap depends on what comes after it, so where the
// two rules differ a backtest's history can show, by how an old gap was filled, that the series went on: as in Amazon Forecast.

export type Filling =
  | { readonly kind: "nan" | "zero" | "mean" | "median" | "min" | "max" }
  | { readonly kind: "value"; readonly value: number };

/** How the gaps of one attribute are filled. `nan` leaves them unknown. */
export interface FillRule {
  /** `nan`: the series begins with its first value (`none` in Amazon Forecast's words). Otherwise `zero` or `value`: there is nothing before it to average. */
  readonly front: Filling;
  readonly middle: Filling;
  readonly back: Filling;
  /** Related numbers alone. */
  readonly future: Filling;
}

const unknown: Filling = { kind: "nan" };

/** The target's default: a gap in sales is no sale. */
export const targetFill: FillRule = { front: unknown, middle: { kind: "zero" }, back: { kind: "zero" }, future: unknown };

/** Related numbers have no default: what is not given is unknown. */
export const relatedFill: FillRule = { front: unknown, middle: unknown, back: unknown, future: unknown };

/** How many of the entries before a gap its mean, median, minimum and maximum look at. */
export const entriesBefore = 64;

/**
 * Fills the NaN cells of [begin, end) in place; `historyEnd` separates history from future (`end` for a target).
 *
 * Statistics look at up to 64 values before the gap that came with the data, never at filled ones, and never at what follows. Where no value
 * stands in the history, `zero` and `value` of the middle rule fill it and the others leave it.
 */
export function fillGaps(cells: Float64Array | Float32Array, begin: number, end: number, historyEnd: number, rule: FillRule): void {
  let first = begin;
  while (first < end && Number.isNaN(cells[first])) first++;
  if (first === end) {
    cells.fill(fixed(rule.middle), begin, historyEnd);
    cells.fill(fixed(rule.future), historyEnd, end);
    return;
  }
  cells.fill(fixed(first >= historyEnd ? rule.middle : rule.front), begin, Math.min(first, historyEnd));
  if (first > historyEnd) cells.fill(fixed(rule.future), historyEnd, first);
  let last = end - 1;
  while (Number.isNaN(cells[last])) last--;
  const recent = new Float64Array(entriesBefore);
  let seen = 0;
  for (let at = first; at < end;) {
    const value = cells[at];
    if (!Number.isNaN(value)) {
      recent[seen % entriesBefore] = value;
      seen += 1;
      at += 1;
      continue;
    }
    let stop = at + 1;
    while (stop < end && Number.isNaN(cells[stop])) stop++;
    const past = Math.max(at, Math.min(stop, historyEnd));
    if (at < past) cells.fill(filled(at < last ? rule.middle : rule.back, recent, seen), at, past);
    if (past < stop) cells.fill(filled(rule.future, recent, seen), past, stop);
    at = stop;
  }
}

function fixed(filling: Filling): number {
  return filling.kind === "value" ? filling.value : filling.kind === "zero" ? 0 : Number.NaN;
}

function filled(filling: Filling, recent: Float64Array, seen: number): number {
  if (filling.kind === "nan" || filling.kind === "zero" || filling.kind === "value") return fixed(filling);
  const sorted = recent.slice(0, Math.min(seen, entriesBefore)).sort();
  switch (filling.kind) {
    case "min":
      return sorted[0];
    case "max":
      return sorted[sorted.length - 1];
    case "median": {
      const half = sorted.length >> 1;
      return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
    default: {
      let sum = 0;
      for (let i = 0; i < sorted.length; i++) sum += sorted[i];
      return sum / sorted.length;
    }
  }
}
