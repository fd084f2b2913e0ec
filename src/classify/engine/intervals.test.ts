import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../platform/random.ts";
import { betaBelow, betaQuantile, clopperPearson, everExceeded, logGamma, normalBelow, normalQuantile, wilson } from "./intervals.ts";

const counts = fc.integer({ min: 0, max: 3000 }).chain((items) => fc.tuple(fc.integer({ min: 0, max: items }), fc.constant(items)));

describe("special functions agree with scipy 1.10", () => {
  test("gammaln", () => {
    const known = [
      [0.1, 2.252712651734206],
      [0.5, 0.5723649429247],
      [1, 0],
      [3.7, 1.428072326665388],
      [10, 12.801827480081469],
      [171.3, 708.1149470389971],
      [1e5, 1051287.7089736569],
    ] as const;
    for (const [x, value] of known) expect(Math.abs(logGamma(x) - value)).toBeLessThan(1e-13 * Math.max(1, Math.abs(value)) + 1e-13);
  });

  test("betainc", () => {
    const known = [
      [0.5, 0.5, 0.3, 0.3690101195655454],
      [3, 100, 0.02, 0.3342498294083383],
      [1000, 20, 0.98, 0.43564256453548805],
      [1e5, 2e5, 0.333, 0.34940317171724455],
      [1, 1, 0.25, 0.25],
    ] as const;
    for (const [a, b, x, value] of known) expect(betaBelow(a, b, x)).toBeCloseTo(value, 8);
    expect(betaBelow(2, 3, 0)).toBe(0);
    expect(betaBelow(2, 3, 1)).toBe(1);
    expect(betaQuantile(981, 20, 0.05)).toBeCloseTo(0.972244713954521, 10);
  });

  test("norm.cdf and norm.ppf", () => {
    const known = [
      [-8, 6.22096057427174e-16],
      [-3, 0.0013498980316300933],
      [-1.5, 0.06680720126885807],
      [0, 0.5],
      [0.1, 0.539827837277029],
      [2.9, 0.998134186699616],
      [3.1, 0.9990323967867817],
      [6, 0.9999999990134123],
    ] as const;
    for (const [z, value] of known) expect(Math.abs(normalBelow(z) / value - 1)).toBeLessThan(1e-11);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 11);
    expect(normalQuantile(1e-9)).toBeCloseTo(-5.9978070150076865, 8);
  });
});

describe("binomial intervals", () => {
  test("agree with scipy.stats.binomtest(...).proportion_ci", () => {
    const known = [
      [0, 20, 0, 0.16112515805281935, 0, 0.16843347098308548],
      [1, 20, 0.008881448800795402, 0.23613119344674205, 0.0012650894979560337, 0.24873276277202772],
      [20, 20, 0.8388748419471808, 1, 0.8315665290169145, 1],
      [37, 1000, 0.026961180875554734, 0.05058239748206931, 0.02618270884399007, 0.0506411230599609],
      [980, 1000, 0.9693099947702821, 0.9870163170835848, 0.9692799673173909, 0.9877417320275931],
      [3, 7, 0.1582198552514697, 0.7495416354723428, 0.09898827844243689, 0.81594843235993],
    ] as const;
    for (const [hits, items, wLow, wHigh, cLow, cHigh] of known) {
      expect(wilson(hits, items)).toEqual({ low: expect.closeTo(wLow, 10), high: expect.closeTo(wHigh, 10) });
      expect(clopperPearson(hits, items)).toEqual({ low: expect.closeTo(cLow, 10), high: expect.closeTo(cHigh, 10) });
    }
  });

  test("hold the observed rate, lie in 0..1, and mirror", () => {
    fc.assert(
      fc.property(counts, fc.constantFrom(0.8, 0.95, 0.999), ([hits, items], confidence) => {
        for (const interval of [wilson, clopperPearson]) {
          const { low, high } = interval(hits, items, confidence);
          expect(0 <= low && low <= high && high <= 1).toBe(true);
          expect(items === 0 || (low <= hits / items && hits / items <= high)).toBe(true);
          const mirror = interval(items - hits, items, confidence);
          expect(mirror.low).toBeCloseTo(1 - high, 9);
        }
      }),
    );
  });

  test("refuse what is not a count", () => {
    for (const [hits, items] of [
      [3, 2],
      [-1, 2],
      [0.5, 2],
      [Number.NaN, 2],
    ] as const) {
      expect(() => wilson(hits, items)).toThrow(expect.objectContaining({ code: "INTERVAL_COUNTS" }));
    }
  });
});

test("more items at the same rate never widen an interval", () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 2, max: 9 }), ([hits, items], times) => {
      for (const interval of [wilson, clopperPearson]) {
        const [few, many] = [interval(hits, items), interval(hits * times, items * times)];
        expect(many.high - many.low).toBeLessThanOrEqual(few.high - few.low + 1e-9);
      }
    }),
  );
});

test("a promise kept is called broken in at most 5 of 100 lines, though it is looked at after each of 300 answers", () => {
  const lines = 2000;
  const known = new Map<string, boolean>();
  const isBroken = (wrong: number, answers: number): boolean => {
    const key = `${wrong} of ${answers}`;
    const broken = known.get(key) ?? everExceeded(wrong, answers) > 0.02;
    known.set(key, broken);
    return broken;
  };
  const fallen = (rate: number): { readonly share: number; readonly median: number } => {
    const random = makeRandom(20_261);
    const falls = Array.from({ length: lines }, () => {
      let wrong = 0;
      for (let answers = 1; answers <= 300; answers++) {
        if (random.next() >= rate) continue;
        wrong += 1;
        if (isBroken(wrong, answers)) return answers;
      }
      return Number.POSITIVE_INFINITY;
    }).toSorted((a, b) => a - b);
    return { share: falls.filter((at) => at <= 300).length / lines, median: falls[lines / 2] ?? 0 };
  };
  expect(fallen(0.02).share).toBeLessThan(0.05);
  expect(fallen(0.01).share).toBeLessThan(0.01);
  // And a broken one is found: five times as wrong as promised within some forty answers, ten times within some fifteen.
  expect(fallen(0.1).share).toBeGreaterThan(0.99);
  expect(fallen(0.1).median).toBeLessThan(45);
  expect(fallen(0.2).median).toBeLessThan(16);
});

test("the rate ever exceeded", () => {
  expect(everExceeded(0, 300)).toBe(0);
  expect(everExceeded(0, 0)).toBe(0);
  // Never beyond what an interval of one look says, and nearer to what was seen the more was seen.
  for (const [wrong, answers] of [
    [1, 1],
    [3, 20],
    [30, 200],
    [200, 200],
    [300, 2000],
  ] as const) {
    expect(everExceeded(wrong, answers)).toBeLessThan(clopperPearson(wrong, answers, 0.9).low);
    expect(everExceeded(wrong, answers)).toBeGreaterThan(0);
  }
  expect(everExceeded(300, 2000)).toBeGreaterThan(0.12);
});
