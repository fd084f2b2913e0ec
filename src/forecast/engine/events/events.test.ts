import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import { type EventSpan, placeEvents } from "../calendar/events.ts";
import { holidayRegressors } from "../calendar/holidays.ts";
import type { Panel } from "../contract.ts";
import { makePanel } from "../panel/make.ts";
import { liftPanel, type PanelLifts, withoutEvents } from "./lifts.ts";
import { raise, seriesLifts } from "./raise.ts";

const [length, horizon] = [800, 14];
/** Days of the grid, which begins on a Monday in 1970. */
const first = 4;
const times = [100, 350, 600, 805];
const span = (step: number, more: Partial<EventSpan> = {}): EventSpan => ({
  name: "sale",
  day: first + step,
  days: 1,
  place: undefined,
  before: 0,
  after: 0,
  ...more,
});

interface Shop {
  readonly seed: number;
  readonly series: number;
  readonly level: (s: number) => number;
  /** What is sold on step t beside the usual. */
  readonly factor: (t: number, s: number) => number;
  readonly events?: readonly EventSpan[];
  readonly unit?: "D" | "W" | "M";
}

/** Poisson-like sales with a week of its own. */
function shop({ seed, series, level, factor, events = times.map((t) => span(t)), unit = "D" }: Shop): Panel {
  const random = makeRandom(seed);
  const panel = makePanel({
    grid: { frequency: { unit, multiple: 1 }, startMs: first * 86_400_000, length, horizon },
    series: Array.from({ length: series }, (_, s) => ({
      item: `item ${s}`,
      dimensions: { place: s % 2 === 0 ? "north" : "south" },
      metadata: { category: s < series / 2 ? "a" : "b" },
      values: Array.from({ length }, (__, t) => {
        const mean = level(s) * (1 + 0.3 * Math.sin((2 * Math.PI * t) / 7)) * factor(t, s);
        return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
      }),
    })),
    seasons: [7],
  });
  const placed = placeEvents(panel, events);
  return { ...panel, regressors: [...panel.regressors, ...placed.regressors], shared: [...panel.shared, ...placed.shared] };
}

const onTimes = (value: number) => (t: number) => (times.includes(t) ? value : 1);
function known(panel: Panel, cut = length): PanelLifts {
  const [lifts] = liftPanel(panel, [cut]) ?? [];
  if (lifts === undefined) throw new Error("no lifts");
  return lifts;
}
const at = (lifts: PanelLifts, i: number, h: number): number => Math.exp(lifts.logs[i * horizon + h]);

describe("what an event does", () => {
  test("is found within its stated uncertainty, whatever the factor, the level and the number of series", () => {
    let within = 0;
    let all = 0;
    const law = fc.property(
      fc.record({
        seed: fc.integer({ min: 1, max: 1e6 }),
        series: fc.integer({ min: 1, max: 8 }),
        level: fc.double({ min: 5, max: 500, noNaN: true }),
        factor: fc.double({ min: 0.4, max: 8, noNaN: true }),
      }),
      ({ seed, series, level, factor }) => {
        const panel = shop({ seed, series, level: (s) => level * (1 + s), factor: onTimes(factor) });
        const lifts = known(panel);
        for (let i = 0; i < series; i++) {
          const apart = Math.abs(lifts.logs[i * horizon + 5] - Math.log(factor)) / lifts.spreads[i * horizon + 5];
          all++;
          if (apart < 1.645) within++;
          expect(apart).toBeLessThan(5);
          for (const h of [0, 4, 6, 13]) expect(at(lifts, i, h)).toBe(1);
        }
      },
    );
    fc.assert(law, { numRuns: 60, seed: 11 });
    expect(within / all).toBeGreaterThan(0.85);
  });

  test("is the series' own where it says enough, its group's where it does not", () => {
    const level = (s: number): number => (s % 4 === 0 ? 0.3 : 200);
    const factor = (t: number, s: number): number => (times.includes(t) ? (s < 8 ? 6 : 2) : 1);
    const lifts = known(shop({ seed: 3, series: 16, level, factor }));
    for (let s = 0; s < 16; s++) {
      const right = s < 8 ? 6 : 2;
      expect(at(lifts, s, 5) / right, `series ${s}`).toBeGreaterThan(0.7);
      expect(at(lifts, s, 5) / right, `series ${s}`).toBeLessThan(1.4);
    }
  });

  test("is told apart day by day of its window, and where it takes place", () => {
    const events = times.map((t) => span(t, { place: "north", before: 2, after: 1, days: 2 }));
    const shape: Readonly<Record<number, number>> = { [-2]: 1.5, [-1]: 2, 0: 4, 1: 3, 2: 0.5 };
    const factor = (t: number, s: number): number =>
      s % 2 === 0 ? (shape[t - (times.find((each) => Math.abs(each - t) < 4) ?? -99)] ?? 1) : 1;
    const lifts = known(shop({ seed: 4, series: 6, level: () => 100, factor, events }));
    for (const [day, right] of Object.entries(shape)) {
      expect(Math.abs(at(lifts, 0, 5 + Number(day)) / right - 1)).toBeLessThan(0.15);
      expect(at(lifts, 1, 5 + Number(day))).toBe(1);
    }
    expect(lifts.names).toEqual(["event:sale", "event:sale before", "event:sale after"]);
  });

  test("is not what one odd time says", () => {
    const factor = (t: number): number => (t === 350 ? 1 : onTimes(4)(t));
    const lifts = known(shop({ seed: 5, series: 5, level: () => 30, factor }));
    for (let i = 0; i < 5; i++) expect(Math.abs(at(lifts, i, 5) - 4)).toBeLessThan(0.8);
  });

  test("is told apart from that of another event on the same day", () => {
    const events = [...times.map((t) => span(t)), ...[100, 200, 450, 805].map((t) => span(t, { name: "fair" }))];
    const factor = (t: number): number => onTimes(3)(t) * ([100, 200, 450, 805].includes(t) ? 2 : 1);
    const lifts = known(shop({ seed: 6, series: 6, level: () => 100, factor, events }));
    for (let i = 0; i < 6; i++) expect(Math.abs(at(lifts, i, 5) - 6)).toBeLessThan(1);
  });

  test("is what is left beside the price, which models know themselves", () => {
    const random = makeRandom(8);
    const price = Array.from({ length: 6 }, () =>
      Array.from({ length: length + horizon }, (_, t) => (times.includes(t) || random.next() < 0.08 ? 0.5 : 1)),
    );
    const factor = (t: number, s: number): number => onTimes(2)(t) * price[s][t] ** -1.5;
    const panel = shop({ seed: 9, series: 6, level: () => 100, factor });
    const regressor = { name: "price", values: Float32Array.from(price.flat()) };
    const lifts = known({ ...panel, regressors: [...panel.regressors, regressor] });
    for (let i = 0; i < 6; i++) expect(Math.abs(at(lifts, i, 5) - 2)).toBeLessThan(0.4);
    // Without the price they are one, and the event's.
    expect(Math.abs(at(known(panel), 0, 5) - 5.66)).toBeLessThan(1);
  });

  test("is nothing where there was none: noise is drawn to one", () => {
    let sum = 0;
    for (let seed = 1; seed <= 20; seed++)
      sum += Math.abs(Math.log(at(known(shop({ seed, series: 3, level: () => 8, factor: () => 1 })), 0, 5)));
    expect(sum / 20).toBeLessThan(0.08);
  });
});

describe("laws", () => {
  const lively = fc.record({
    seed: fc.integer({ min: 1, max: 1e6 }),
    series: fc.integer({ min: 1, max: 5 }),
    level: fc.constantFrom(0, 0.1, 1, 40, 1e6),
    cut: fc.integer({ min: 1, max: length }),
  });

  test("V1: what comes after a cut changes nothing before it", () => {
    const law = fc.property(lively, ({ seed, series, level, cut }) => {
      const panel = shop({ seed, series, level: (s) => level * s, factor: onTimes(5) });
      const values = panel.values.slice();
      for (let i = 0; i < series; i++)
        for (let t = cut; t < length; t++) values[panel.offsets[i] + t] = values[panel.offsets[i] + t] * 7 + 3;
      const [one, two] = [known(panel, cut), known({ ...panel, values }, cut)];
      expect(two.logs).toEqual(one.logs);
      expect(two.spreads).toEqual(one.spreads);
      expect(two.names).toEqual(one.names);
      for (let i = 0; i < series; i++) {
        const past = ({ values: all }: PanelLifts): Float64Array => all.slice(panel.offsets[i], panel.offsets[i] + cut);
        expect(past(two)).toEqual(past(one));
      }
    });
    fc.assert(law, { numRuns: 60, seed: 12 });
  });

  test("no sales, few sales, gaps: every number is one, and none is below zero", () => {
    const law = fc.property(lively, ({ seed, series, level, cut }) => {
      const panel = shop({ seed, series, level: (s) => level * s, factor: onTimes(0) });
      const random = makeRandom(seed);
      const values = panel.values.map((value) => (random.next() < 0.3 ? Number.NaN : value));
      const lifts = known({ ...panel, values }, cut);
      expect([...lifts.logs, ...lifts.spreads].every((each) => Number.isFinite(each))).toBe(true);
      expect(lifts.values.findIndex((value, k) => Number.isNaN(value) !== Number.isNaN(values[k]) || value < 0)).toBe(-1);
    });
    fc.assert(law, { numRuns: 60, seed: 13 });
  });

  test("V2: without events, and in steps longer than a week, there is nothing", () => {
    const plain = { seed: 1, series: 2, level: () => 10, factor: () => 1 };
    expect(liftPanel(shop({ ...plain, events: [] }), [length])).toBeUndefined();
    expect(liftPanel(shop({ ...plain, unit: "M" }), [length])).toBeUndefined();
    const forecast = { mean: Float64Array.of(1), quantiles: Float64Array.of(1), levels: [0.5] };
    expect(raise(forecast, undefined)).toBe(forecast);
  });

  test("an event that never took place before the cut has no lift, and its regressors stay", () => {
    const panel = shop({ seed: 2, series: 3, level: () => 10, factor: onTimes(4) });
    const lifts = known(panel, 90);
    expect(lifts.names).toEqual([]);
    expect([...lifts.logs].every((log) => log === 0)).toBe(true);
    expect(withoutEvents(panel, lifts).shared.map(({ name }) => name)).toEqual(["event:sale"]);
  });

  test("a raised forecast keeps its order; the unsureness of the lift widens it", () => {
    const law = fc.property(
      fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 5, maxLength: 5 }),
      fc.double({ min: -3, max: 3, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (raw, log, spread) => {
        const quantiles = Float64Array.from(raw, (value) => Math.round(100 * value) / 100).sort();
        const lift = { end: 0, values: new Float64Array(0), names: [], logs: Float32Array.of(log), spreads: Float32Array.of(spread) };
        const raised = raise({ mean: Float64Array.of(3), quantiles, levels: [0.05, 0.1, 0.5, 0.9, 0.95] }, lift).quantiles;
        for (let k = 1; k < 5; k++) expect(raised[k]).toBeGreaterThanOrEqual(raised[k - 1] * (1 - 1e-9));
        expect(raised[2]).toBeCloseTo(quantiles[2] * Math.exp(Math.fround(log)), 6);
        expect(raised[4]).toBeGreaterThanOrEqual(quantiles[4] * Math.exp(Math.fround(log)) * (1 - 1e-9));
      },
    );
    fc.assert(law, { numRuns: 300, seed: 14 });
  });

  test("a series that begins late has the lifts of the cuts its history reaches", () => {
    const panel = makePanel({
      grid: { frequency: { unit: "D", multiple: 1 }, startMs: first * 86_400_000, length, horizon },
      series: [
        { item: "old", values: Array.from({ length }, (_, t) => (times.includes(t) ? 40 : 10)) },
        { item: "new", values: Array.from({ length: 50 }, () => 20) },
        { item: "unborn", values: [] },
      ],
      seasons: [7],
    });
    const { shared } = placeEvents(
      panel,
      times.map((t) => span(t)),
    );
    const lifts = liftPanel({ ...panel, shared }, [700, length]) ?? [];
    expect(seriesLifts(panel, lifts, 1).map(({ end }) => end)).toEqual([50]);
    for (const i of [0, 1, 2]) expect(Math.abs(at(lifts[1], i, 5) - 4)).toBeLessThan(0.4);
  });
});

describe("a public holiday", () => {
  /** The feast falls on the times; three days before sell by `before`, the day itself by `during`. */
  const feast = (effect: { readonly before: number; readonly during: number }, seed = 11): Panel => {
    const panel = shop({
      seed,
      series: 6,
      level: (s) => 20 * (1 + s),
      factor: (t) => (times.includes(t) ? effect.during : times.includes(t + 1) ? effect.before : 1),
      events: [],
    });
    return {
      ...panel,
      shared: [
        ...panel.shared,
        ...holidayRegressors(
          panel.grid,
          times.map((t) => ({ name: "Feast", day: first + t, days: 1 })),
        ),
      ],
    };
  };

  test("that demand shows is lifted with the days before it that show it, and no others", () => {
    const lifts = known(feast({ before: 1.8, during: 0.3 }));
    expect(lifts.names).toEqual(["holiday:Feast"]);
    for (let i = 0; i < 6; i++) {
      expect(at(lifts, i, 5)).toBeGreaterThan(0.22);
      expect(at(lifts, i, 5)).toBeLessThan(0.4);
      expect(at(lifts, i, 4)).toBeGreaterThan(1.5);
      expect(at(lifts, i, 4)).toBeLessThan(2.1);
      for (const h of [0, 1, 2, 3, 6, 7, 8, 13]) expect([lifts.logs[i * horizon + h], lifts.spreads[i * horizon + h]]).toEqual([0, 0]);
    }
  });

  test("that does nothing changes nothing, whatever the noise", () => {
    const changed = Array.from({ length: 40 }, (_, seed) => feast({ before: 1, during: 1 }, seed + 1)).filter((panel) => {
      const { logs, values, names } = known(panel);
      return names.length > 0 || logs.some((log) => log !== 0) || values.some((value, i) => value !== panel.values[i]);
    });
    // Six days of each holiday are looked at.
    expect(changed.length).toBeLessThanOrEqual(4);
  });

  test("in weeks is lifted by its days in them, without windows", () => {
    const step = (t: number): boolean => [21, 70, 126, 175].includes(t);
    const weeks = shop({ seed: 3, series: 4, level: () => 200, factor: (t) => (step(t) ? 1.5 : 1), events: [], unit: "W" });

    const days = [21, 70, 126, 175, length + 5].map((t) => ({ name: "Feast", day: first + 7 * t, days: 1 }));
    const lifts = known({ ...weeks, shared: [...weeks.shared, ...holidayRegressors(weeks.grid, days)] });
    expect(at(lifts, 0, 5)).toBeGreaterThan(1.35);
    expect(at(lifts, 0, 5)).toBeLessThan(1.65);
    expect(lifts.spreads[4]).toBe(0);
  });
});
