import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { makeRandom } from "../../../platform/random.ts";
import type { Forecast } from "../contract.ts";
import { normalQuantile } from "../numerics/normal.ts";
import { proposeOrder, type ReplenishInput } from "./proposal.ts";

const levels = [0.01, 0.1, 0.5, 0.9, 0.99];

function normal(mean: number, spread: number, horizon = 20): Forecast {
  const quantiles = Float64Array.from(
    { length: levels.length * horizon },
    (_, k) => mean + spread * normalQuantile(levels[Math.floor(k / horizon)]),
  );
  return { mean: new Float64Array(horizon).fill(mean), quantiles, levels };
}

const usual: ReplenishInput = {
  forecast: normal(100, 10),
  onHand: 200,
  leadTime: 3,
  reviewPeriod: 1,
  service: { kind: "cycle", level: 0.95 },
  correlation: 0,
  draws: 20_000,
};

describe("proposal", () => {
  it("agrees with the textbook on normal independent demand", () => {
    const { reorderPoint, expectedDemand, safetyStock, demandSd, quantity, cycleService } = proposeOrder(usual);
    expect(expectedDemand).toBe(400);
    // sd of four steps: 10 sqrt 4 = 20; z(0.95) = 1.645.
    expect(demandSd / 20).toBeCloseTo(1, 1);
    expect(Math.abs(safetyStock - 1.645 * 20)).toBeLessThan(1);
    expect(quantity).toBe(Math.ceil(reorderPoint - 200));
    expect(cycleService).toBeGreaterThanOrEqual(0.95);
  });

  it("reaches its service where an error of level lasts for longer than a step, without being told so", () => {
    const { correlation: _, ...untold } = usual;
    const { reorderPoint } = proposeOrder(untold);
    const random = makeRandom(3);
    const trials = 20_000;
    let served = 0;
    for (let i = 0; i < trials; i++) {
      let z = random.normal();
      let demand = 0;
      for (let h = 0; h < 4; h++) {
        demand += 100 + 10 * z;
        z = 0.5 * z + Math.sqrt(0.75) * random.normal();
      }
      if (demand <= reorderPoint) served++;
    }
    expect(Math.abs(served / trials - 0.95)).toBeLessThan(0.01);
  });

  it("adds the uncertainty of the lead time: variance L s^2 + d^2 sL^2", () => {
    const { demandSd } = proposeOrder({ ...usual, leadTimeSd: 0.5 });
    expect(demandSd / Math.sqrt(4 * 100 + 100 * 100 * 0.25)).toBeCloseTo(1, 1);
  });

  it("finds the fill rate by the normal loss function", () => {
    const { reorderPoint, fillRate } = proposeOrder({ ...usual, service: { kind: "fill", level: 0.98 } });
    const loss = (s: number, mean: number, sd: number): number => {
      const k = (s - mean) / sd;
      let tail = 0;
      for (let x = k; x < 8; x += 0.001) tail += ((x - k) * Math.exp((-x * x) / 2) * 0.001) / Math.sqrt(2 * Math.PI);
      return sd * tail;
    };
    const fill = 1 - (loss(reorderPoint, 400, 20) - loss(reorderPoint, 300, 10 * Math.sqrt(3))) / 100;
    expect(fill).toBeCloseTo(0.98, 2);
    expect(fillRate).toBeGreaterThanOrEqual(0.98);
  });

  it("takes part of a step for part of a lead time", () => {
    expect(proposeOrder({ ...usual, leadTime: 1.5, reviewPeriod: 0.25 }).expectedDemand).toBeCloseTo(175, 9);
  });

  it("counts open orders that arrive in time, and tells when stock runs out", () => {
    const openOrders = [
      { quantity: 150, dueStep: 2.5 },
      { quantity: 999, dueStep: 9 },
    ];
    const proposal = proposeOrder({ ...usual, onHand: 250, openOrders, backorders: 10 });
    expect(proposal.position).toBe(390);
    // 240 are gone at 2.4, a moment before 150 arrive.
    expect(proposal.stockOutStep).toBeCloseTo(2.4, 9);
    expect(proposeOrder({ ...usual, onHand: 250, openOrders }).stockOutStep).toBeCloseTo(4, 9);
    expect(proposeOrder({ ...usual, onHand: 5000 }).stockOutStep).toBeUndefined();
    expect(proposeOrder({ ...usual, onHand: 290 }).stockOutChance).toBeGreaterThan(0.5);
    expect(proposal.reasons[1]).toContain("999 on order arrive too late to count");
  });

  it("an order due as protection ends is no cover, a moment before it is; due now it is there", () => {
    const due = (dueStep: number): number => proposeOrder({ ...usual, onHand: 0, openOrders: [{ quantity: 100, dueStep }] }).position;
    expect([due(-2), due(0), due(3.99), due(4), due(4.01)]).toEqual([100, 100, 100, 0, 0]);
    const out = (dueStep: number): number =>
      proposeOrder({ ...usual, onHand: 250, openOrders: [{ quantity: 500, dueStep }] }).stockOutChance;
    expect([out(0), out(2.9)]).toEqual([0, 0]);
    // It comes when an order placed now comes: until then nothing of it is there.
    expect(out(3)).toBeGreaterThan(0.9);
    expect(proposeOrder({ ...usual, onHand: 0, leadTime: 0, openOrders: [{ quantity: 500, dueStep: 0 }] }).stockOutChance).toBe(0);
  });

  it("is steady: few draws give what many give", () => {
    for (const [leadTime, level] of [
      [1, 0.95],
      [4, 0.98],
    ]) {
      const point = (draws: number | undefined): number =>
        proposeOrder({
          forecast: normal(100, 40),
          onHand: 0,
          leadTime,
          service: { kind: "cycle", level },
          ...(draws === undefined ? {} : { draws }),
        }).safetyStock;
      expect(Math.abs(point(undefined) / point(50_000) - 1)).toBeLessThan(0.05);
    }
  });

  it("rounds to packs, raises to the least order, cuts to what fits, and gives up when both cannot be", () => {
    expect(proposeOrder({ ...usual, packSize: 48 }).quantity).toBe(240);
    expect(proposeOrder({ ...usual, packSize: 48, minOrder: 500 })).toMatchObject({ quantity: 528, packs: 11, decidedBy: "minimum" });
    // Room: 150 less 200 plus 300 sold until arrival.
    expect(proposeOrder({ ...usual, packSize: 48, maxStock: 150 })).toMatchObject({ quantity: 240, decidedBy: "need" });
    expect(proposeOrder({ ...usual, packSize: 48, maxStock: 100 })).toMatchObject({ quantity: 192, decidedBy: "stock limit" });
    expect(proposeOrder({ ...usual, packSize: 48, shelfLife: 0.5 })).toMatchObject({ quantity: 144, decidedBy: "shelf life" });
    expect(proposeOrder({ ...usual, minOrder: 500, maxStock: 100 })).toMatchObject({ quantity: 0, decidedBy: "minimum above limit" });
    expect(proposeOrder({ ...usual, onHand: 900 })).toMatchObject({ quantity: 0, decidedBy: "none" });
  });

  it("goes on past the end of the forecast and says so", () => {
    const proposal = proposeOrder({ ...usual, forecast: normal(100, 10, 2) });
    expect(proposal.expectedDemand).toBe(400);
    expect(proposal.reasons.join(" ")).toContain("ends after 2 steps");
  });

  it("needs nothing where nothing sells", () => {
    const nothing = { mean: new Float64Array(5), quantiles: new Float64Array(25), levels };
    for (const kind of ["cycle", "fill"] as const) {
      expect(proposeOrder({ ...usual, forecast: nothing, onHand: 0, service: { kind, level: 0.99 } })).toMatchObject({
        quantity: 0,
        fillRate: 1,
      });
    }
  });

  it("names every figure that cannot be", () => {
    const act = () => proposeOrder({ ...usual, leadTime: -1, packSize: 0, service: { kind: "cycle", level: 1 } });
    expect(act).toThrow(
      /lead time of 0 steps or more but received -1; expected a pack size above 0 but received 0; expected a service level/,
    );
  });

  it("laws: more service never less, more stock never more, whole packs, never under the least order", () => {
    const some = fc.record({
      mean: fc.double({ min: 0, max: 500, noNaN: true }),
      share: fc.double({ min: 0, max: 1.5, noNaN: true }),
      onHand: fc.double({ min: -50, max: 3000, noNaN: true }),
      more: fc.double({ min: 0, max: 500, noNaN: true }),
      leadTime: fc.double({ min: 0, max: 6, noNaN: true }),
      leadTimeSd: fc.double({ min: 0, max: 1, noNaN: true }),
      reviewPeriod: fc.double({ min: 0.25, max: 7, noNaN: true }),
      packSize: fc.constantFrom(1, 6, 12, 0.5),
      minOrder: fc.constantFrom(0, 10, 100),
      maxStock: fc.option(fc.double({ min: 0, max: 4000, noNaN: true }), { nil: undefined }),
      shelfLife: fc.option(fc.double({ min: 0.5, max: 30, noNaN: true }), { nil: undefined }),
      kind: fc.constantFrom("cycle" as const, "fill" as const),
      levels: fc.tuple(fc.double({ min: 0.5, max: 0.995, noNaN: true }), fc.double({ min: 0.5, max: 0.995, noNaN: true })),
    });
    fc.assert(
      fc.property(some, ({ mean, share, more, kind, levels: [a, b], maxStock, shelfLife, ...rest }) => {
        const base = {
          ...rest,
          ...(maxStock === undefined ? {} : { maxStock }),
          ...(shelfLife === undefined ? {} : { shelfLife }),
          forecast: normal(mean, mean * share, 10),
          draws: 200,
        };
        const low = proposeOrder({ ...base, service: { kind, level: Math.min(a, b) } });
        const high = proposeOrder({ ...base, service: { kind, level: Math.max(a, b) } });
        const full = proposeOrder({ ...base, onHand: base.onHand + more, service: { kind, level: Math.min(a, b) } });
        expect(high.quantity).toBeGreaterThanOrEqual(low.quantity);
        expect(full.quantity).toBeLessThanOrEqual(low.quantity);
        for (const { quantity, packs } of [low, high, full]) {
          expect(quantity).toBe(packs * base.packSize);
          expect(Number.isInteger(packs)).toBe(true);
          expect(quantity === 0 || quantity >= base.minOrder).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });
});
