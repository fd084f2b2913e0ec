import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../platform/random.ts";
import {
  applyCalibration,
  calibrateRow,
  calibrationError,
  fitCalibration,
  fitIsotonic,
  fitTemperature,
  poolAdjacent,
  topLogLoss,
} from "./calibration.ts";
import type { Calibration, Scored } from "./calibration.ts";

/** Items whose true class is drawn from softmax(truth), shown to us as logits that `distort` has bent. */
function draw(seed: number, items: number, classes: number, distort: (logits: Float64Array, random: () => number) => void): Scored {
  const random = makeRandom(seed);
  const logits = new Float64Array(items * classes);
  const labels = new Int32Array(items);
  for (let item = 0; item < items; item++) {
    const row = Float64Array.from({ length: classes }, () => 2 * random.normal());
    const weights = row.map(Math.exp);
    let left = random.next() * weights.reduce((a, b) => a + b, 0);
    let label = 0;
    while (label < classes - 1 && left >= weights[label]) left -= weights[label++];
    labels[item] = label;
    distort(row, () => random.next());
    logits.set(row, item * classes);
  }
  return { logits, classes, labels };
}

/** Temperature 1: the model's own softmax. */
const softmax: Calibration = { kind: "temperature", temperature: 1 };

function judge(scored: Scored, calibration: Calibration): { tops: Float64Array; right: Uint8Array } {
  const rows = scored.labels.length;
  const out = new Float64Array(scored.classes);
  const tops = new Float64Array(rows);
  const right = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const top = calibrateRow(calibration, scored.logits, row * scored.classes, scored.classes, out, 0);
    tops[row] = out[top];
    right[row] = top === scored.labels[row] ? 1 : 0;
  }
  return { tops, right };
}

/** One item in five shows the logits of something else: no temperature lowers the top alone. */
function bend(row: Float64Array, random: () => number): void {
  if (random() < 0.2) row.set([...row.slice(1), row[0]]);
}

const line = fc
  .array(fc.tuple(fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.boolean()), { minLength: 1, maxLength: 400 })
  .map((points) =>
    fitIsotonic(
      Float64Array.from(points, ([x]) => x),
      Uint8Array.from(points, ([, y]) => (y ? 1 : 0)),
      0.7,
    ),
  );
const anyCalibration: fc.Arbitrary<Calibration> = fc.oneof(
  fc.double({ min: 0.05, max: 20, noNaN: true }).map((temperature): Calibration => ({ kind: "temperature", temperature })),
  line,
);
const anyLogits = fc.array(fc.double({ min: -60, max: 60, noNaN: true }), { minLength: 1, maxLength: 12 });

describe("calibrateRow", () => {
  test("keeps the top class, sums to 1 and stays in 0..1, whatever the logits", () => {
    fc.assert(
      fc.property(anyCalibration, anyLogits, (calibration, row) => {
        const out = new Float64Array(row.length);
        const top = calibrateRow(calibration, Float64Array.from(row), 0, row.length, out, 0);
        expect(top).toBe(row.indexOf(Math.max(...row)));
        expect(out.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
        for (const p of out) expect(p >= 0 && p <= out[top] * (1 + 1e-12)).toBe(true);
      }),
    );
  });

  test("keeps the order of top probabilities above one half", () => {
    fc.assert(
      fc.property(
        line,
        fc.double({ min: 0, max: 8, noNaN: true }),
        fc.double({ min: 0.01, max: 5, noNaN: true }),
        (calibration, gap, more) => {
          const out = new Float64Array(4);
          const share = (head: number): number => {
            calibrateRow(calibration, Float64Array.of(head, 0, -1, -0.5), 0, 4, out, 0);
            return out[0];
          };
          const [lower, higher] = [share(gap), share(gap + more)];
          expect(lower <= 0.5 || higher > lower).toBe(true);
        },
      ),
    );
  });

  test("is the plain softmax at temperature 1, also in place", () => {
    // scipy.special.softmax([1, 2, 3]) = 0.09003057317038046, 0.24472847105479764, 0.6652409557748218
    const logits = Float64Array.of(1, 2, 3);
    calibrateRow(softmax, logits, 0, 3, logits, 0);
    expect([...logits]).toEqual([0.09003057317038046, 0.24472847105479764, 0.6652409557748218].map((p) => expect.closeTo(p, 15)));
    expect([...applyCalibration(softmax, Float32Array.of(0, 0, 5, 5), 2)]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  test("gives a single class everything", () => {
    const out = new Float64Array(1);
    expect(calibrateRow({ kind: "isotonic", temperature: 1, before: [0, 1], after: [0, 0.9] }, Float64Array.of(-3), 0, 1, out, 0)).toBe(0);
    expect(out[0]).toBe(1);
  });
});

describe("fitTemperature", () => {
  test("finds the temperature by which the logits were multiplied", () => {
    for (const factor of [0.25, 1, 4]) {
      const scored = draw(7, 8000, 6, (row) => row.forEach((logit, c) => (row[c] = logit * factor)));
      expect(fitTemperature(scored) / factor).toBeCloseTo(1, 1);
    }
  });

  test("is the least log-loss: no other temperature does better", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.2, max: 5, noNaN: true }), (seed, factor) => {
        const scored = draw(seed, 300, 4, (row) => row.forEach((logit, c) => (row[c] = logit * factor)));
        const found = fitTemperature(scored);
        // The pull towards 1 is part of what is minimised.
        const loss = (temperature: number): number => {
          const p = applyCalibration({ kind: "temperature", temperature }, scored.logits, 4);
          let sum = 0.5 * (1 / temperature - 1) ** 2;
          for (let row = 0; row < 300; row++) sum -= Math.log(p[row * 4 + scored.labels[row]]);
          return sum;
        };
        expect(loss(found)).toBeLessThanOrEqual(Math.min(loss(found * 1.01), loss(found / 1.01)) + 1e-9);
      }),
      { numRuns: 30 },
    );
  });

  test("stays sober on two items that are both right, and on none", () => {
    const two: Scored = { logits: Float64Array.of(1, 0, 0, 1), classes: 2, labels: [0, 1] };
    expect(fitTemperature(two)).toBeGreaterThan(0.5);
    expect(fitTemperature({ logits: new Float64Array(0), classes: 2, labels: [] })).toBeCloseTo(1, 12);
    expect(fitTemperature({ logits: Float64Array.of(1, 0), classes: 2, labels: [-1] })).toBeCloseTo(1, 12);
  });
});

describe("isotonic", () => {
  test("pools like scikit-learn", () => {
    // IsotonicRegression().fit_transform(range(8), [1, 3, 2, 4, 3.5, 3, 6, 5]) of scikit-learn 1.2.1
    const blocks = poolAdjacent([1, 3, 2, 4, 3.5, 3, 6, 5], Array<number>(8).fill(1));
    expect(blocks.flatMap(({ mean, count }) => Array<number>(count).fill(mean))).toEqual([1, 2.5, 2.5, 3.5, 3.5, 3.5, 5.5, 5.5]);
  });

  test("pooling rises, keeps the weighted sum, and leaves a rising row alone", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 9 })), { minLength: 1 }),
        (points) => {
          const ys = points.map(([y]) => y);
          const weights = points.map(([, w]) => w);
          const blocks = poolAdjacent(ys, weights);
          for (let i = 1; i < blocks.length; i++) expect(blocks[i].mean).toBeGreaterThan(blocks[i - 1].mean);
          const flat = blocks.flatMap(({ mean, count }) => Array<number>(count).fill(mean));
          const total = (values: readonly number[]): number => values.reduce((sum, y, i) => sum + y * weights[i], 0);
          expect(total(flat)).toBeCloseTo(total(ys), 9);
          const again = poolAdjacent(flat, weights).flatMap(({ mean, count }) => Array<number>(count).fill(mean));
          again.forEach((y, i) => expect(y).toBeCloseTo(flat[i], 12));
        },
      ),
    );
  });

  test("a line rises strictly between knots in 0..1", () => {
    fc.assert(
      fc.property(line, ({ before, after }) => {
        for (let i = 1; i < before.length; i++) {
          expect(before[i]).toBeGreaterThan(before[i - 1]);
          expect(after[i]).toBeGreaterThan(after[i - 1]);
        }
        expect(before.at(-1)).toBe(1);
        expect(after.at(-1)).toBeLessThan(1);
      }),
    );
  });
});

describe("fitCalibration", () => {
  test("keeps the temperature where it is all there is to correct", () => {
    const scored = draw(11, 6000, 8, (row) => row.forEach((logit, c) => (row[c] = logit * 3)));
    const fit = fitCalibration(scored);
    const unseen = judge(
      draw(12, 40_000, 8, (row) => row.forEach((logit, c) => (row[c] = logit * 3))),
      fit.calibration,
    );
    expect(fit.calibration.temperature).toBeCloseTo(3, 0);
    expect(calibrationError(unseen.tops, unseen.right)).toBeLessThan(0.02);
  });

  test("takes the isotonic line where confidence is bent, and is calibrated on unseen items", () => {
    const fit = fitCalibration(draw(21, 9000, 8, bend));
    expect(fit.calibration.kind).toBe("isotonic");
    const other = draw(22, 40_000, 8, bend);
    const unseen = judge(other, fit.calibration);
    expect(calibrationError(unseen.tops, unseen.right)).toBeLessThan(0.02);
    const raw = judge(other, { kind: "temperature", temperature: fit.calibration.temperature });
    expect(calibrationError(unseen.tops, unseen.right)).toBeLessThan(calibrationError(raw.tops, raw.right));
    expect(topLogLoss(unseen.tops, unseen.right)).toBeLessThan(topLogLoss(raw.tops, raw.right));
  });

  test("survives JSON and gives the same value again", () => {
    const fit = fitCalibration(draw(31, 900, 5, () => undefined));
    expect(JSON.parse(JSON.stringify(fit))).toEqual(fit);
    expect(fitCalibration(draw(31, 900, 5, () => undefined))).toEqual(fit);
  });

  test("refuses rows that do not fit", () => {
    expect(() => fitCalibration({ logits: new Float64Array(5), classes: 2, labels: [0, 1] })).toThrow(
      expect.objectContaining({ code: "CALIBRATION_SHAPE", kind: "fault" }),
    );
  });
});

describe("calibrationError", () => {
  test("sums the gaps of fifteen equal bins", () => {
    // Two bins: (1/15 * 13, 14/15] holds 0.9 right and 0.9 wrong, the last one 0.99 right.
    expect(calibrationError([0.9, 0.9, 0.99], [1, 0, 1])).toBeCloseTo((2 * 0.4 + 0.01) / 3, 12);
    expect(calibrationError([], [])).toBe(0);
    expect(calibrationError([1, 1], [1, 1])).toBe(0);
  });
});
