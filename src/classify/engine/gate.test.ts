import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../platform/random.ts";
import { judgeChallenger, testMcNemar } from "./gate.ts";
import type { Bout } from "./gate.ts";

/** Two models on items of codes that grow rarer: the champion is right with `right`, the challenger with `right + lead`; they agree by more than chance. */
function month(seed: number, items: number, classes: number, right: number, lead: number): Required<Bout> {
  const random = makeRandom(seed);
  const total = Array.from({ length: classes }, (_, c) => 1 / (c + 1)).reduce((a, b) => a + b, 0);
  const pick = (): number => {
    let left = random.next() * total;
    for (let c = 0; c < classes; c++) {
      left -= 1 / (c + 1);
      if (left < 0) return c;
    }
    return 0;
  };
  const truth = Int32Array.from({ length: items }, pick);
  const challenger = new Int32Array(items);
  const champion = new Int32Array(items);
  for (let i = 0; i < items; i++) {
    const shared = random.next() < 0.6;
    const luck = random.next();
    const error = pick();
    const answer = (chance: number): number => {
      if ((shared ? luck : random.next()) < chance) return truth[i];
      const wrong = shared ? error : pick();
      return wrong === truth[i] ? (wrong + 1) % classes : wrong;
    };
    champion[i] = answer(right);
    challenger[i] = answer(right + lead);
  }
  return { truth, challenger, champion, classes };
}

/** Every number in a plain value. */
function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

describe("judgeChallenger", () => {
  test("promotes an equal model in at most alpha of months, small tests and rare codes included", () => {
    for (const [items, classes] of [
      [20, 4],
      [60, 12],
      [400, 40],
    ] as const) {
      const months = 400;
      let promoted = 0;
      for (let seed = 0; seed < months; seed++) {
        if (judgeChallenger(month(seed, items, classes, 0.8, 0), { resamples: 500, seed }).promoted) promoted += 1;
      }
      // Three standard errors above 5 % of 400; bench/classify/gate.ts measures it closely.
      expect(promoted / months).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / months));
    }
  });

  test("finds a clearly better model, and never prefers the worse one", () => {
    const better = judgeChallenger(month(1, 3000, 12, 0.8, 0.05));
    expect(better).toMatchObject({ decision: "promote", promoted: true });
    expect(better.interval.low).toBeGreaterThan(0);
    expect(better.p).toBeLessThan(0.01);
    const { truth, challenger, champion, classes } = month(1, 3000, 12, 0.8, 0.05);
    const worse = judgeChallenger({ truth, challenger: champion, champion: challenger, classes });
    expect(worse).toMatchObject({ decision: "keep", promoted: false });
    expect(worse.difference).toBeCloseTo(-better.difference, 12);
    expect(worse.reason).toContain("no lead");
  });

  test("the bootstrap's spread is that of drawing items anew", () => {
    const bout = month(5, 800, 6, 0.75, 0.02);
    const { interval, difference } = judgeChallenger(bout, { resamples: 4000 });
    // The plain way: draw 800 items with replacement, 1,500 times.
    const random = makeRandom(9);
    const differences = Array.from({ length: 1500 }, () => {
      const rows = Int32Array.from({ length: 800 }, () => random.below(800));
      const take = (labels: ArrayLike<number>): Int32Array => rows.map((row) => labels[row]);
      return judgeChallenger(
        { truth: take(bout.truth), challenger: take(bout.challenger), champion: take(bout.champion), classes: 6 },
        { resamples: 1 },
      ).difference;
    }).sort((a, b) => a - b);
    const width = differences[Math.floor(0.95 * 1500)] - differences[Math.floor(0.05 * 1500)];
    expect((interval.high - interval.low) / width).toBeGreaterThan(0.9);
    expect((interval.high - interval.low) / width).toBeLessThan(1.1);
    expect(interval.low < difference && difference < interval.high).toBe(true);
  });

  test("the same predictions are kept, in words", () => {
    const { truth, champion, classes } = month(2, 200, 5, 0.8, 0);
    const verdict = judgeChallenger({ truth, challenger: champion, champion, classes });
    expect(verdict).toMatchObject({ decision: "keep", promoted: false, difference: 0, p: 1, test: "none", mcnemar: { exact: 1 } });
    expect(verdict.reason).toContain("the same code as the champion");
  });

  test("a code that only one of the two guesses costs it, as in scikit-learn's macro-F1", () => {
    const verdict = judgeChallenger({ truth: [0, 0, 1, 1], challenger: [0, 0, 1, 1], champion: [0, 0, 1, 2], classes: 3 });
    expect(verdict.opponent.macroF1).toBeCloseTo(5 / 9, 12);
    expect(verdict.difference).toBeCloseTo(4 / 9, 12);
    const unknown = judgeChallenger({ truth: [0, 0, 1, 1, -1], challenger: [0, 0, 1, 1, 0], champion: [0, 0, 1, 2, 0], classes: 3 });
    expect(unknown.challenger.macroF1).toBeCloseTo((0.8 + 1 + 0) / 3, 12);
    expect(unknown.difference).toBeCloseTo(unknown.challenger.macroF1 - unknown.opponent.macroF1, 12);
  });

  test("the first model must beat the majority", () => {
    const { truth, challenger, classes } = month(3, 300, 8, 0.7, 0);
    const first = judgeChallenger({ truth, challenger, classes });
    expect(first).toMatchObject({ decision: "first", promoted: true, opponent: { kind: "majority" } });
    const guess = judgeChallenger({ truth, challenger: new Int32Array(300), classes });
    expect(guess).toMatchObject({ decision: "first", promoted: false });
    const tiny = judgeChallenger({ truth: [0, 1, 0], challenger: [0, 1, 0], classes: 2 });
    expect(tiny.promoted).toBe(false);
    expect(tiny.reason).toContain("3 items are few");
  });

  test("twenty items that are all better are enough, one lucky item is not", () => {
    const truth = Array.from({ length: 20 }, (_, i) => i % 4);
    const wrong = truth.map((t) => (t + 1) % 4);
    expect(judgeChallenger({ truth, challenger: truth, champion: wrong, classes: 4 }).promoted).toBe(true);
    const almost = truth.map((t, i) => (i === 7 ? (t + 1) % 4 : t));
    const lucky = judgeChallenger({ truth, challenger: truth, champion: almost, classes: 4 });
    expect(lucky.promoted).toBe(false);
    expect(lucky.p).toBeGreaterThan(0.3);
  });

  test("gives sensible words and no NaN, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -1, max: 4 }), fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })), {
          maxLength: 40,
        }),
        fc.boolean(),
        (rows, hasChampion) => {
          const bout: Bout = {
            truth: rows.map(([t]) => t),
            challenger: rows.map(([, a]) => a),
            ...(hasChampion ? { champion: rows.map(([, , b]) => b) } : {}),
            classes: 5,
          };
          const verdict = judgeChallenger(bout, { resamples: 50 });
          expect(numbersIn(verdict).every(Number.isFinite)).toBe(true);
          expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
          expect(verdict.reason).not.toMatch(/NaN|undefined|Infinity/);
          expect(verdict.promoted && (verdict.difference <= 0 || verdict.p > 0.05)).toBe(false);
          expect(judgeChallenger(bout, { resamples: 50 })).toEqual(verdict);
        },
      ),
    );
  });

  test("no items, and only unknown codes", () => {
    expect(judgeChallenger({ truth: [], challenger: [], champion: [], classes: 3 }).reason).toContain("no items");
    expect(judgeChallenger({ truth: [-1, -1], challenger: [0, 1], champion: [1, 0], classes: 3 }).reason).toContain("None of the 2");
    expect(() => judgeChallenger({ truth: [0], challenger: [], classes: 1 })).toThrow(expect.objectContaining({ code: "GATE_SHAPE" }));
  });
});

describe("testMcNemar", () => {
  test("agrees with scipy.stats.binomtest and binom", () => {
    const known = [
      [10, 3, 0.09228515625, 0.05737304687500002],
      [0, 4, 0.125, 0.0625],
      [60, 40, 0.05688793364098088, 0.0460440669293429],
      [300, 340, 0.12310113072196792, 0.1140582386366375],
    ] as const;
    for (const [b, c, exact, midP] of known) {
      const truth = Array<number>(b + c).fill(0);
      const found = testMcNemar(
        truth,
        truth.map((_, i) => (i < b ? 0 : 1)),
        truth.map((_, i) => (i < b ? 1 : 0)),
      );
      expect(found).toEqual({ onlyChallenger: b, onlyOpponent: c, exact: expect.closeTo(exact, 12), midP: expect.closeTo(midP, 12) });
    }
  });

  test("stands large counts", () => {
    const truth = new Int32Array(40_000);
    const found = testMcNemar(
      truth,
      truth.map((_, i) => i % 2),
      truth.map((_, i) => (i + 1) % 2),
    );
    expect(found.exact).toBe(1);
  });
});
