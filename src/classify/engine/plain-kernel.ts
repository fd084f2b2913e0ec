// The same arithmetic as wasm/kernel.as.ts in plain TypeScript, for places without WASM SIMD and as the yardstick of the test.
//
//   K1. Every result equals the kernel's bit for bit: `Math.fround` after each operation, the same order. (Rounding a double-precision sum,
//       product, quotient or root of two singles once more to single gives exactly the single-precision result.)
// Parameters stand by place throughout: these are the signatures of the WebAssembly kernel, which knows numbers only.

/** The hot loops; all places are byte offsets into the kernel's memory. See wasm/kernel.as.ts. */
export interface KernelCode {
  readonly score: (items: number, starts: number, features: number, values: number, weights: number, lanes: number, out: number) => void;
  readonly scorePacked: (
    items: number,
    starts: number,
    features: number,
    values: number,
    rows: number,
    stride: number,
    width: number,
    out: number,
  ) => void;
  readonly train: (
    items: number,
    starts: number,
    features: number,
    values: number,
    labels: number,
    importances: number,
    weights: number,
    sums: number,
    lanes: number,
    classes: number,
    scratch: number,
    rate: number,
    slope: number,
  ) => void;
}

const { fround } = Math;
const LOG2_E = fround(1.44269502);
const LN2_HIGH = fround(0.693359375);
const LN2_LOW = fround(-0.000212194442);
const SERIES = [0.00139819994, 0.00833345205, 0.0416657962, 0.166666657, 0.5].map(fround);
const FIRST = fround(0.00019875691);
const EPSILON = fround(0.000001);

/** exp(x) for x <= 0, as the kernel computes it. */
export function exponential(x: number): number {
  if (x < -87) return 0;
  const power = Math.floor(fround(fround(x * LOG2_E) + fround(0.5)));
  const rest = fround(fround(x - fround(power * LN2_HIGH)) - fround(power * LN2_LOW));
  let sum = FIRST;
  for (const factor of SERIES) sum = fround(fround(sum * rest) + factor);
  sum = fround(fround(fround(fround(sum * rest) * rest) + rest) + 1);
  return fround(sum * 2 ** power);
}

/** The kernel's functions over `memory`; offsets are bytes, as in WASM. */
export function makePlainKernel(memory: ArrayBuffer): KernelCode {
  const f32 = new Float32Array(memory);
  const u32 = new Uint32Array(memory);
  const i32 = new Int32Array(memory);
  const i8 = new Int8Array(memory);

  const scoreOne = (from: number, to: number, features: number, values: number, weights: number, lanes: number, out: number): void => {
    f32.fill(0, out, out + lanes);
    for (let i = from; i < to; i++) {
      const row = weights + u32[features + i] * lanes;
      const value = f32[values + i];
      for (let c = 0; c < lanes; c++) f32[out + c] = f32[out + c] + fround(value * f32[row + c]);
    }
  };

  return {
    score: (items, starts, features, values, weights, lanes, out) => {
      for (let item = 0; item < items; item++) {
        const at = (starts >> 2) + item;
        scoreOne(u32[at], u32[at + 1], features >> 2, values >> 2, weights >> 2, lanes, (out >> 2) + item * lanes);
      }
    },
    scorePacked: (items, starts, features, values, rows, stride, width, out) => {
      for (let item = 0; item < items; item++) {
        const from = u32[(starts >> 2) + item];
        const to = u32[(starts >> 2) + item + 1];
        const target = (out >> 2) + item * width;
        f32.fill(0, target, target + width);
        for (let i = from; i < to; i++) {
          const row = rows + u32[(features >> 2) + i] * stride;
          const value = fround(f32[(values >> 2) + i] * f32[row >> 2]);
          for (let c = 0; c < width; c++) f32[target + c] = f32[target + c] + fround(value * i8[row + 4 + c]);
        }
      }
    },
    train: (items, starts, features, values, labels, importances, weights, sums, lanes, classes, scratch, rate, slope) => {
      const errors = scratch >> 2;
      const [rateNow, slopeNow] = [fround(rate), fround(slope)];
      for (let item = 0; item < items; item++) {
        const from = u32[(starts >> 2) + item];
        const to = u32[(starts >> 2) + item + 1];
        scoreOne(from, to, features >> 2, values >> 2, weights >> 2, lanes, errors);

        let most = f32[errors];
        for (let c = 1; c < classes; c++) if (f32[errors + c] > most) most = f32[errors + c];
        let total = 0;
        for (let c = 0; c < classes; c++) {
          const e = exponential(fround(f32[errors + c] - most));
          f32[errors + c] = e;
          total = fround(total + e);
        }
        const label = i32[(labels >> 2) + item];
        const importance = f32[(importances >> 2) + item];
        let square = 0;
        for (let c = 0; c < classes; c++) {
          const error = fround(fround(fround(f32[errors + c] / total) - (c === label ? 1 : 0)) * importance);
          f32[errors + c] = error;
          square = fround(square + fround(error * error));
        }
        f32.fill(0, errors + classes, errors + lanes);

        const now = fround(rateNow + fround(slopeNow * item));
        for (let i = from; i < to; i++) {
          const feature = u32[(features >> 2) + i];
          const value = f32[(values >> 2) + i];
          const sum = fround(f32[(sums >> 2) + feature] + fround(fround(value * value) * square));
          f32[(sums >> 2) + feature] = sum;
          const step = fround(fround(now * value) / fround(Math.sqrt(fround(sum + EPSILON))));
          const row = (weights >> 2) + feature * lanes;
          for (let c = 0; c < lanes; c++) f32[row + c] = f32[row + c] - fround(step * f32[errors + c]);
        }
      }
    },
  };
}
