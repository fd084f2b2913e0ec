import { readFile } from "node:fs/promises";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { buildKernel } from "../../../tools/build-kernel.ts";
import { openAnswers, openLearner, hasSimd, type Learner } from "./kernel.ts";
import { exponential } from "./plain-kernel.ts";

interface Staged {
  readonly classes: number;
  readonly items: readonly {
    readonly label: number;
    readonly importance: number;
    readonly entries: readonly (readonly [number, number])[];
  }[];
  readonly rate: number;
}

const FEATURES = 23;

const staged = fc.integer({ min: 2, max: 37 }).chain((classes) =>
  fc.record({
    classes: fc.constant(classes),
    items: fc.array(
      fc.record({
        label: fc.nat({ max: classes - 1 }),
        importance: fc.float({ min: 0, max: 4, noNaN: true }),
        entries: fc.array(fc.tuple(fc.nat({ max: FEATURES - 1 }), fc.float({ min: -3, max: 3, noNaN: true })), { maxLength: 12 }),
      }),
      { maxLength: 20 },
    ),
    rate: fc.float({ min: 0, max: 2, noNaN: true }),
  }),
);

function fill(stage: Pick<Learner, "starts" | "entryFeatures" | "entryValues">, items: Staged["items"]): void {
  let end = 0;
  for (const [index, item] of items.entries()) {
    stage.starts[index] = end;
    for (const [feature, value] of item.entries) {
      stage.entryFeatures[end] = feature;
      stage.entryValues[end++] = value;
    }
  }
  stage.starts[items.length] = end;
}

const bits = (array: Float32Array): string => Buffer.from(array.slice().buffer).toString("hex");

test("the machine that runs the tests has SIMD, so that both kinds are compared", () => {
  expect(hasSimd()).toBe(true);
});

test("kernel and plain fallback learn and score the same bits", () => {
  fc.assert(
    fc.property(staged, ({ classes, items, rate }) => {
      const [simd, plain] = (["simd", "plain"] as const).map((kind) => {
        const learner = openLearner({ features: FEATURES, classes, maxItems: 20, maxEntries: 240 }, kind);
        fill(learner, items);
        for (const [index, item] of items.entries()) {
          learner.labels[index] = item.label;
          learner.importances[index] = item.importance;
        }
        for (let epoch = 0; epoch < 3; epoch++) learner.train(items.length, rate, -rate / 100);
        learner.score(items.length);
        return [bits(learner.weights), bits(learner.scores.subarray(0, items.length * learner.width))];
      });
      expect(simd).toEqual(plain);
    }),
    { numRuns: 300 },
  );
});

test("kernel and plain fallback answer the same bits from packed weights", () => {
  const packed = fc.record({
    staged,
    scales: fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: FEATURES, maxLength: FEATURES }),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(packed, ({ staged: { classes, items }, scales, seed }) => {
      const weights = Int8Array.from({ length: FEATURES * classes }, (_, i) => Math.imul(i + 1, seed | 1) >> 3);
      const [simd, plain] = (["simd", "plain"] as const).map((kind) => {
        const stage = openAnswers(
          { scales: Float32Array.from(scales), weights, order: Uint32Array.from({ length: FEATURES }, (_, row) => (row * 7) % FEATURES) },
          { features: FEATURES, classes, maxItems: 20, maxEntries: 240 },
          kind,
        );
        fill(stage, items);
        stage.score(items.length);
        return items.map((_, item) => bits(stage.scores.subarray(item * stage.width, item * stage.width + classes)));
      });
      expect(simd).toEqual(plain);
    }),
    { numRuns: 300 },
  );
});

test("a step lowers the loss of the item it learned from", () => {
  const learner = openLearner({ features: 3, classes: 3, maxItems: 1, maxEntries: 3 });
  fill(learner, [{ label: 2, importance: 1, entries: [[0, 1] as const, [2, 0.5] as const] }]);
  learner.labels[0] = 2;
  learner.importances[0] = 1;
  const lead = (): number => {
    learner.score(1);
    return learner.scores[2] - Math.max(learner.scores[0], learner.scores[1]);
  };
  const before = lead();
  learner.train(1, 0.5, 0);
  expect(lead()).toBeGreaterThan(before);
  expect(learner.weights.subarray(4, 8)).toEqual(new Float32Array(4)); // feature 1 was not there
});

test("our exponential is that of mathematics to single precision, and 0 far out", () => {
  fc.assert(
    fc.property(fc.float({ min: -87, max: 0, noNaN: true }), (x) => {
      expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(3e-7);
    }),
  );
  expect([exponential(0), exponential(-1000), exponential(Number.NEGATIVE_INFINITY)]).toEqual([1, 0, 0]);
});

test("a model that would not fit is refused in words", () => {
  expect(() => openLearner({ features: 2 ** 24, classes: 400, maxItems: 1, maxEntries: 1 })).toThrow(/at most 2 GiB/);
});

test("the committed kernel is what its source compiles to", async () => {
  const committed = await readFile(new URL("wasm/kernel-bytes.ts", import.meta.url), "utf8");
  expect(await buildKernel()).toBe(committed);
});
