// The hot loops of the classifier, in AssemblyScript: scores and AdaGrad steps of a softmax regression.
//
// Owns: arithmetic on memory laid out by ../kernel.ts. Does not own: the layout, the features, the order of items.
//   K1. Every result equals that of ../plain-kernel.ts bit for bit: single precision throughout, the same order of operations, no fused
//       multiply-add, and our own exponential instead of the platform's.
//   K2. Classes are padded to lanes of four; padded weights start at zero and stay there.
//
// Rebuild with `node tools/build-kernel.ts`; the bytes are committed beside this file and a test compares them.

/** exp(x) for x <= 0 to about 2 units in the last place; 0 below -87. */
function exponential(x: f32): f32 {
  if (x < -87.0) return 0.0;
  const power: f32 = f32.floor(x * <f32>1.44269502 + <f32>0.5);
  // ln 2 in two parts, so that the remainder is exact to the last bits.
  const rest: f32 = x - power * <f32>0.693359375 - power * <f32>-0.000212194442;
  let sum: f32 = <f32>0.00019875691;
  sum = sum * rest + <f32>0.00139819994;
  sum = sum * rest + <f32>0.00833345205;
  sum = sum * rest + <f32>0.0416657962;
  sum = sum * rest + <f32>0.166666657;
  sum = sum * rest + <f32>0.5;
  sum = sum * rest * rest + rest + <f32>1.0;
  return sum * reinterpret<f32>((<i32>power + 127) << 23);
}

/** out[c] = sum of values[i] * weights[features[i]][c] for one item. */
function scoreOne(count: i32, features: usize, values: usize, weights: usize, lanes: i32, out: usize): void {
  const stride: usize = (<usize>lanes) << 2;
  let lane = 0;
  for (; lane + 16 <= lanes; lane += 16) {
    const at: usize = weights + ((<usize>lane) << 2);
    let a = f32x4.splat(0);
    let b = f32x4.splat(0);
    let c = f32x4.splat(0);
    let d = f32x4.splat(0);
    for (let i = 0; i < count; i++) {
      const row: usize = at + <usize>load<u32>(features + ((<usize>i) << 2)) * stride;
      const value = v128.load32_splat(values + ((<usize>i) << 2));
      a = f32x4.add(a, f32x4.mul(value, v128.load(row)));
      b = f32x4.add(b, f32x4.mul(value, v128.load(row, 16)));
      c = f32x4.add(c, f32x4.mul(value, v128.load(row, 32)));
      d = f32x4.add(d, f32x4.mul(value, v128.load(row, 48)));
    }
    const to: usize = out + ((<usize>lane) << 2);
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
  }
  for (; lane < lanes; lane += 4) {
    const at: usize = weights + ((<usize>lane) << 2);
    let a = f32x4.splat(0);
    for (let i = 0; i < count; i++) {
      const row: usize = at + <usize>load<u32>(features + ((<usize>i) << 2)) * stride;
      a = f32x4.add(a, f32x4.mul(v128.load32_splat(values + ((<usize>i) << 2)), v128.load(row)));
    }
    v128.store(out + ((<usize>lane) << 2), a);
  }
}

/** Scores of `items` items, `lanes` numbers each, to `out`. Item i has the entries starts[i] up to starts[i + 1]. */
export function score(items: i32, starts: usize, features: usize, values: usize, weights: usize, lanes: i32, out: usize): void {
  for (let item = 0; item < items; item++) {
    const from = load<u32>(starts + ((<usize>item) << 2));
    const to = load<u32>(starts + ((<usize>item) << 2), 4);
    scoreOne(
      to - from,
      features + ((<usize>from) << 2),
      values + ((<usize>from) << 2),
      weights,
      lanes,
      out + <usize>item * ((<usize>lanes) << 2),
    );
  }
}

/**
 * The same scores from packed weights: a row is a scale (f32) and then `lanes` whole numbers (i8), `stride` bytes in all.
 *
 * Reads up to 12 bytes past the last row; writes rows of `width` numbers, `width` being `lanes` rounded up to 16.
 */
export function scorePacked(
  items: i32,
  starts: usize,
  features: usize,
  values: usize,
  rows: usize,
  stride: i32,
  width: i32,
  out: usize,
): void {
  for (let item = 0; item < items; item++) {
    const from: usize = (<usize>load<u32>(starts + ((<usize>item) << 2))) << 2;
    const to: usize = (<usize>load<u32>(starts + ((<usize>item) << 2), 4)) << 2;
    const target: usize = out + <usize>item * ((<usize>width) << 2);
    for (let lane: usize = 0; lane < <usize>width; lane += 16) {
      let a = f32x4.splat(0);
      let b = f32x4.splat(0);
      let c = f32x4.splat(0);
      let d = f32x4.splat(0);
      for (let i = from; i < to; i += 4) {
        const row: usize = rows + <usize>load<u32>(features + i) * <usize>stride;
        const value = f32x4.splat(load<f32>(values + i) * load<f32>(row));
        const bytes = v128.load(row + lane, 4);
        const low = i16x8.extend_low_i8x16_s(bytes);
        const high = i16x8.extend_high_i8x16_s(bytes);
        a = f32x4.add(a, f32x4.mul(value, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low))));
        b = f32x4.add(b, f32x4.mul(value, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low))));
        c = f32x4.add(c, f32x4.mul(value, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high))));
        d = f32x4.add(d, f32x4.mul(value, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high))));
      }
      const at: usize = target + (lane << 2);
      v128.store(at, a);
      v128.store(at, b, 16);
      v128.store(at, c, 32);
      v128.store(at, d, 48);
    }
  }
}

/**
 * One pass of stochastic gradient descent over `items` items in their order.
 *
 * The step of a feature shrinks with the squared gradients it has seen (`sums`, one a feature: AdaGrad by rows). The rate of item i is
 * `rate + i * slope`. `scratch` holds `lanes` numbers.
 */
export function train(
  items: i32,
  starts: usize,
  features: usize,
  values: usize,
  labels: usize,
  importances: usize,
  weights: usize,
  sums: usize,
  lanes: i32,
  classes: i32,
  scratch: usize,
  rate: f32,
  slope: f32,
): void {
  const stride: usize = (<usize>lanes) << 2;
  for (let item = 0; item < items; item++) {
    const from = load<u32>(starts + ((<usize>item) << 2));
    const to = load<u32>(starts + ((<usize>item) << 2), 4);
    scoreOne(to - from, features + ((<usize>from) << 2), values + ((<usize>from) << 2), weights, lanes, scratch);

    let most = load<f32>(scratch);
    for (let c = 1; c < classes; c++) {
      const z = load<f32>(scratch + ((<usize>c) << 2));
      if (z > most) most = z;
    }
    let total: f32 = 0;
    for (let c = 0; c < classes; c++) {
      const e = exponential(load<f32>(scratch + ((<usize>c) << 2)) - most);
      store<f32>(scratch + ((<usize>c) << 2), e);
      total += e;
    }
    const label = load<i32>(labels + ((<usize>item) << 2));
    const importance = load<f32>(importances + ((<usize>item) << 2));
    let square: f32 = 0;
    for (let c = 0; c < classes; c++) {
      const at: usize = scratch + ((<usize>c) << 2);
      const error: f32 = (load<f32>(at) / total - (c == label ? <f32>1.0 : <f32>0.0)) * importance;
      store<f32>(at, error);
      square += error * error;
    }
    for (let c = classes; c < lanes; c++) store<f32>(scratch + ((<usize>c) << 2), 0);

    const now: f32 = rate + slope * <f32>item;
    for (let i = from; i < to; i++) {
      const feature: usize = <usize>load<u32>(features + ((<usize>i) << 2));
      const value = load<f32>(values + ((<usize>i) << 2));
      const sum: f32 = load<f32>(sums + (feature << 2)) + value * value * square;
      store<f32>(sums + (feature << 2), sum);
      const step = f32x4.splat((now * value) / f32.sqrt(sum + <f32>0.000001));
      const row: usize = weights + feature * stride;
      for (let lane: usize = 0; lane < stride; lane += 16) {
        v128.store(row + lane, f32x4.sub(v128.load(row + lane), f32x4.mul(step, v128.load(scratch + lane))));
      }
    }
  }
}
