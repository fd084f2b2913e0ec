import { describe, expect, it } from "vitest";
import { bridgeGaps } from "./gaps.ts";

describe("bridgeGaps", () => {
  it("draws a straight line between neighbours and keeps the last level", () => {
    const whole = bridgeGaps(Float64Array.from([Number.NaN, 1, Number.NaN, Number.NaN, 4, Number.NaN]), 1);
    expect(whole?.start).toBe(1);
    expect([...(whole?.values ?? [])]).toEqual([1, 2, 3, 4, 4]);
    expect([...(whole?.known ?? [])]).toEqual([1, 0, 0, 1, 0]);
  });

  it("follows the season", () => {
    const values = Float64Array.from({ length: 12 }, (_, t) => [0, 10, 20][t % 3] + 100);
    const broken = values.slice();
    broken[4] = Number.NaN;
    broken[11] = Infinity;
    const whole = bridgeGaps(broken, 3);
    for (let t = 0; t < 12; t++) expect(whole?.values[t]).toBeCloseTo(values[t], 9);
  });

  it("follows the season around days that are never known", () => {
    const values = Float64Array.from({ length: 28 }, (_, t) => (t % 7 === 6 ? Number.NaN : 100 + 10 * (t % 7)));
    const broken = values.slice();
    broken[9] = Number.NaN;
    expect(bridgeGaps(broken, 7)?.values[9]).toBeCloseTo(values[9], 9);
  });

  it("has nothing to say of nothing", () => {
    expect(bridgeGaps(new Float64Array(0), 1)).toBeUndefined();
    expect(bridgeGaps(Float64Array.from([Number.NaN]), 1)).toBeUndefined();
  });
});
