// How the target is seen by the regression: plain, or by its logarithm; centred and in units of its own spread.
//
// Owns: the transformation and when a logarithm may be taken. Does not own: the choice between the two (regression.ts).

/** How the target is seen: `log(y + shift)` or `y`, centred and in units of its spread. */
export interface Scale {
  readonly log: boolean;
  readonly shift: number;
  /** The least `y + shift` a logarithm is taken of. */
  readonly floor: number;
  readonly centre: number;
  readonly spread: number;
}

/** Measures a history from `start` on. Few zeros are lifted by half the least positive value, so that a logarithm exists. */
export function makeScale(values: Float64Array, start: number, log: boolean): Scale {
  let zeros = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let t = start; t < values.length; t++) {
    const y = values[t];
    if (y === 0) zeros++;
    else if (y > 0 && y < least) least = y;
  }
  const shift = log && zeros > 0 ? least / 2 : 0;
  const floor = log ? (zeros > 0 ? least / 2 : least / 10) : 0;
  let sum = 0;
  let count = 0;
  for (let t = start; t < values.length; t++) {
    if (!Number.isFinite(values[t])) continue;
    sum += log ? Math.log(Math.max(floor, values[t] + shift)) : values[t];
    count++;
  }
  const centre = sum / count;
  let squares = 0;
  for (let t = start; t < values.length; t++) {
    if (!Number.isFinite(values[t])) continue;
    squares += ((log ? Math.log(Math.max(floor, values[t] + shift)) : values[t]) - centre) ** 2;
  }
  const spread = Math.sqrt(squares / count);
  return { log, shift, floor, centre, spread: spread > 1e-12 * Math.max(Math.abs(centre), 1e-300) ? spread : 1 };
}

/** The history in units of the fit; 0 where `known` is 0. */
export function scaleTarget(scale: Scale, values: Float64Array, start: number, known: Uint8Array): Float64Array {
  const z = new Float64Array(known.length);
  for (let i = 0; i < z.length; i++) {
    if (known[i] === 0) continue;
    const y = values[start + i];
    z[i] = ((scale.log ? Math.log(Math.max(scale.floor, y + scale.shift)) : y) - scale.centre) / scale.spread;
  }
  return z;
}

/** Whether a logarithm may be taken at all: nothing negative, few zeros, and some spread. */
export function allowsLog(values: Float64Array, start: number, count: number): boolean {
  let zeros = 0;
  let first = Number.NaN;
  let moves = false;
  for (let t = start; t < values.length; t++) {
    const y = values[t];
    if (y < 0) return false;
    if (y === 0) zeros++;
    if (Number.isFinite(y)) {
      if (Number.isNaN(first)) first = y;
      else if (y !== first) moves = true;
    }
  }
  return moves && zeros <= 0.1 * count;
}
