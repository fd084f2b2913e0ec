// Calibration: turns the logits of a model into probabilities that mean what they say.
//
// Owns: the softmax with a temperature, the isotonic correction of the top probability, the choice between them.
// Does not own: the logits (the model), how good the probabilities are (metrics), what is decided with them (decisions).
//   B1. Calibration never changes which class is on top; of equal logits the lower class is.
//   B2. Probabilities are in 0..1 and sum to 1 within rounding; the top one is strictly below 1 once isotonic.
//   B3. Of two items whose calibrated top probability is above 1/2, the one that was higher before is higher after: thresholds lose nothing.
//   B4. A calibration is plain JSON; the same validation scores give the same value.
// `calibrateRow` takes its parameters by place: it is called for every item coded, and an object each would cost more than it says.

import { StockroomError } from "../../platform/errors.ts";

/** How logits become probabilities; stored in the model file. */
export type Calibration = TemperatureCalibration | IsotonicCalibration;

/** Softmax of logits / temperature. Temperature 1 is the model's own softmax. */
export interface TemperatureCalibration {
  readonly kind: "temperature";
  readonly temperature: number;
}

/** The same, then the top probability put through a rising line of knots; the others share what is left in their proportions. */
export interface IsotonicCalibration {
  readonly kind: "isotonic";
  readonly temperature: number;
  /** Top probability before, rising strictly from 0 to 1. */
  readonly before: readonly number[];
  /** Top probability after, rising strictly within 0..1. */
  readonly after: readonly number[];
}

/** Logits of unseen, labelled items: `labels.length` rows of `classes` numbers, row after row. */
export interface Scored {
  readonly logits: Float32Array | Float64Array;
  readonly classes: number;
  /** The true class of each row; -1 for a class the model does not know. */
  readonly labels: ArrayLike<number>;
}

/** What `fitCalibration` found; scores are means over items left out of the fit. */
export interface CalibrationFit {
  readonly calibration: Calibration;
  readonly items: number;
  /** Cross-validated log-loss of "the top class is right", per candidate; lower is better. Empty when there were too few items to compare. */
  readonly candidates: readonly { readonly kind: Calibration["kind"]; readonly logLoss: number; readonly ece: number }[];
}

const FOLDS = 5;
/** Below this many items an isotonic line is noise. */
const ISOTONIC_MIN_ITEMS = 500;
/** Items per knot: the standard error of a knot near 0.9 is then about 0.03, and pooling halves the knots again. */
const ITEMS_PER_KNOT = 100;
const MIN_SHARPNESS = 1 / 50;
const MAX_SHARPNESS = 50;

/**
 * Writes the probabilities of one row to `out` at `outOffset` and gives back the top class.
 *
 * Cost: one `exp` a class. `out` may be the array of the logits itself.
 */
export function calibrateRow(
  calibration: Calibration,
  logits: Float32Array | Float64Array,
  offset: number,
  classes: number,
  out: Float32Array | Float64Array,
  outOffset: number,
): number {
  const sharpness = 1 / calibration.temperature;
  let top = 0;
  let most = logits[offset];
  for (let c = 1; c < classes; c++) {
    const logit = logits[offset + c];
    if (logit > most) {
      most = logit;
      top = c;
    }
  }
  // The sum without the top class: next to 1 the small weights would vanish in rounding.
  let rest = 0;
  let second = 0;
  for (let c = 0; c < classes; c++) {
    const weight = c === top ? 1 : Math.exp((logits[offset + c] - most) * sharpness);
    out[outOffset + c] = weight;
    if (c === top) continue;
    rest += weight;
    if (weight > second) second = weight;
  }
  const before = 1 / (1 + rest);
  if (calibration.kind === "temperature" || classes < 2) {
    for (let c = 0; c < classes; c++) out[outOffset + c] *= before;
    return top;
  }
  // B1: the top class stays on top, so its share may not fall below that of a runner-up scaled up by what is set free.
  // The others' weights sum to `rest`; with top share p each becomes weight * (1 - p) / rest, and p >= second * (1 - p) / rest.
  const share = Math.max(raise(calibration, before), rest > 0 ? second / (rest + second) : 0);
  const scale = rest > 0 ? (1 - share) / rest : 0;
  for (let c = 0; c < classes; c++) out[outOffset + c] *= scale;
  out[outOffset + top] = rest > 0 ? share : 1;
  return top;
}

/** Puts rows of logits into a new array of probabilities of the same shape. */
export function applyCalibration(calibration: Calibration, logits: Float32Array | Float64Array, classes: number): Float64Array {
  const out = new Float64Array(logits.length);
  for (let offset = 0; offset + classes <= logits.length; offset += classes) {
    calibrateRow(calibration, logits, offset, classes, out, offset);
  }
  return out;
}

/** The value of the rising line at `top`. */
function raise(line: IsotonicCalibration, top: number): number {
  const { before, after } = line;
  let low = 0;
  let high = before.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (before[middle] <= top) low = middle;
    else high = middle;
  }
  const part = (top - before[low]) / (before[high] - before[low]);
  return after[low] + part * (after[high] - after[low]);
}

/**
 * Finds the temperature with the least log-loss on unseen items.
 *
 * The loss is convex in 1/temperature: Newton steps, halved into a bracket when they leave it. One pseudo-item's worth of pull towards 1
 * keeps a small set in which every item is right from asking for certainty. Rows of unknown classes are left out.
 */
export function fitTemperature(scored: Scored): number {
  return 1 / findSharpness(scored, () => true);
}

function findSharpness(scored: Scored, chosen: (row: number) => boolean): number {
  let low = MIN_SHARPNESS;
  let high = MAX_SHARPNESS;
  let sharpness = 1;
  for (let step = 0; step < 60; step++) {
    const { slope, curve } = slopeAt(scored, chosen, sharpness);
    if (slope > 0) high = sharpness;
    else low = sharpness;
    const newton = sharpness - slope / curve;
    const next = newton >= low && newton <= high ? newton : (low + high) / 2;
    if (Math.abs(next - sharpness) <= 1e-9 * sharpness) return next;
    sharpness = next;
  }
  return sharpness;
}

/** First and second derivative of the summed log-loss (with the pull) by 1/temperature. */
function slopeAt(scored: Scored, chosen: (row: number) => boolean, sharpness: number): { slope: number; curve: number } {
  const { logits, classes, labels } = scored;
  let slope = sharpness - 1;
  let curve = 1;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row];
    if (label < 0 || !chosen(row)) continue;
    const offset = row * classes;
    let most = logits[offset];
    for (let c = 1; c < classes; c++) if (logits[offset + c] > most) most = logits[offset + c];
    let sum = 0;
    let first = 0;
    let square = 0;
    for (let c = 0; c < classes; c++) {
      const gap = logits[offset + c] - most;
      const weight = Math.exp(gap * sharpness);
      sum += weight;
      first += weight * gap;
      square += weight * gap * gap;
    }
    const mean = first / sum;
    slope += mean - (logits[offset + label] - most);
    curve += square / sum - mean * mean;
  }
  return { slope, curve };
}

/** A rising step function over points of equal weight, by pooling adjacent violators; `ys` in the order of rising x. */
export function poolAdjacent(ys: ArrayLike<number>, weights: ArrayLike<number>): { readonly mean: number; readonly count: number }[] {
  const blocks: { sum: number; weight: number; count: number }[] = [];
  for (let i = 0; i < ys.length; i++) {
    let block = { sum: ys[i] * weights[i], weight: weights[i], count: 1 };
    for (let last = blocks.at(-1); last !== undefined && last.sum * block.weight >= block.sum * last.weight; last = blocks.at(-1)) {
      blocks.pop();
      block = { sum: last.sum + block.sum, weight: last.weight + block.weight, count: last.count + block.count };
    }
    blocks.push(block);
  }
  return blocks.map(({ sum, weight, count }) => ({ mean: sum / weight, count }));
}

/**
 * Fits a strictly rising line from top probability to the rate at which the top class is right.
 *
 * Items are put in bins of about 100 in the order of their top probability, bins that fall are pooled, and the means of the pools are joined by straight lines
 * (centred isotonic regression), because steps would tie the items a threshold has to tell apart.
 */
export function fitIsotonic(tops: Float64Array, right: Uint8Array, temperature: number): IsotonicCalibration {
  const order = Uint32Array.from(tops.keys()).sort((a, b) => tops[a] - tops[b] || a - b);
  const bins = Math.max(1, Math.floor(order.length / ITEMS_PER_KNOT));
  const xs: number[] = [];
  const ys: number[] = [];
  const counts: number[] = [];
  for (let bin = 0; bin < bins; bin++) {
    const from = Math.floor((bin * order.length) / bins);
    const to = Math.floor(((bin + 1) * order.length) / bins);
    let x = 0;
    let y = 0;
    for (let i = from; i < to; i++) {
      x += tops[order[i]];
      y += right[order[i]];
    }
    if (to === from) continue;
    xs.push(x / (to - from));
    ys.push(y / (to - from));
    counts.push(to - from);
  }
  const before = [0];
  const after = [0];
  const ceiling = 1 - 1 / (2 * (tops.length + 2));
  let bin = 0;
  for (const pool of poolAdjacent(ys, counts)) {
    let x = 0;
    let weight = 0;
    for (const end = bin + pool.count; bin < end; bin++) {
      x += xs[bin] * counts[bin];
      weight += counts[bin];
    }
    // Half a wrong item and half a right one: no rate observed in finitely many items is 0 or 1.
    const y = (pool.mean * weight + 0.5) / (weight + 1);
    const knot = x / weight;
    if (knot > before[before.length - 1] + 1e-9 && knot < 1 - 1e-9 && y > after[after.length - 1] + 1e-9 && y < ceiling) {
      before.push(knot);
      after.push(y);
    }
  }
  // Past the last knot the line hardly rises: enough to keep the order, not enough to promise what was not seen.
  before.push(1);
  after.push(after[after.length - 1] + 0.01 * (ceiling - after[after.length - 1]));
  return { kind: "isotonic", temperature, before, after };
}

/**
 * Fits temperature and isotonic calibration on unseen items and keeps the one that scores better on items left out (five folds).
 *
 * The score is the log-loss of "the top class is right": a proper score, of which calibration error is one part and noise in few items the smaller.
 * Throws `CALIBRATION_SHAPE` (a `fault`) when rows and logits do not fit together.
 */
export function fitCalibration(scored: Scored): CalibrationFit {
  const { logits, classes, labels } = scored;
  if (logits.length !== labels.length * classes) {
    throw new StockroomError(
      "fault",
      "CALIBRATION_SHAPE",
      `Expected ${labels.length} rows of ${classes} logits but received ${logits.length} numbers. Hand over one row per label.`,
    );
  }
  const rows = labels.length;
  const plain: TemperatureCalibration = { kind: "temperature", temperature: fitTemperature(scored) };
  if (rows < ISOTONIC_MIN_ITEMS || classes < 2) return { calibration: plain, items: rows, candidates: [] };

  const left = { temperature: new Float64Array(rows), isotonic: new Float64Array(rows) };
  const right = new Uint8Array(rows);
  const row = new Float64Array(classes);
  for (let fold = 0; fold < FOLDS; fold++) {
    const temperature = 1 / findSharpness(scored, (r) => r % FOLDS !== fold);
    const own: TemperatureCalibration = { kind: "temperature", temperature };
    const tops = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      const top = calibrateRow(own, logits, r * classes, classes, row, 0);
      tops[r] = row[top];
      right[r] = top === labels[r] ? 1 : 0;
    }
    const inside = Uint32Array.from(tops.keys()).filter((r) => r % FOLDS !== fold);
    const line = fitIsotonic(
      Float64Array.from(inside, (r) => tops[r]),
      Uint8Array.from(inside, (r) => right[r]),
      temperature,
    );
    for (let r = fold; r < rows; r += FOLDS) {
      left.temperature[r] = tops[r];
      const top = calibrateRow(line, logits, r * classes, classes, row, 0);
      left.isotonic[r] = row[top];
    }
  }
  const candidates = (["temperature", "isotonic"] as const).map((kind) => ({
    kind,
    logLoss: topLogLoss(left[kind], right),
    ece: calibrationError(left[kind], right),
  }));
  if (candidates[1].logLoss >= candidates[0].logLoss) return { calibration: plain, items: rows, candidates };
  const tops = new Float64Array(rows);
  for (let r = 0; r < rows; r++) tops[r] = row[calibrateRow(plain, logits, r * classes, classes, row, 0)];
  return { calibration: fitIsotonic(tops, right, plain.temperature), items: rows, candidates };
}

/** Mean log-loss of top probabilities as forecasts of being right; a forecast counts as at most 1 - 1e-12. */
export function topLogLoss(tops: ArrayLike<number>, right: ArrayLike<number>): number {
  let loss = 0;
  for (let i = 0; i < tops.length; i++) {
    const p = Math.min(Math.max(tops[i], 1e-12), 1 - 1e-12);
    loss -= Math.log(right[i] > 0 ? p : 1 - p);
  }
  return tops.length === 0 ? 0 : loss / tops.length;
}

/**
 * Expected calibration error: |mean top probability - rate right| in 15 equally wide bins of the top probability, weighted by items.
 *
 * Even a perfect model shows some by chance, 0.8 * sqrt(p (1 - p) / items) in each bin: about 0.01 over 5,000 items.
 */
export function calibrationError(tops: ArrayLike<number>, right: ArrayLike<number>, bins = 15): number {
  const gap = new Float64Array(bins);
  for (let i = 0; i < tops.length; i++) {
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(tops[i] * bins) - 1));
    gap[bin] += tops[i] - right[i];
  }
  let error = 0;
  for (const one of gap) error += Math.abs(one);
  return tops.length === 0 ? 0 : error / tops.length;
}
