import { describe, expect, test } from "vitest";
import { makeRandom } from "../../platform/random.ts";
import { judgeChallenger, type Bout } from "./gate.ts";
import { concludeVerdict, findJumps, judgeHolding, describeJump, type Sums } from "./holding.ts";

/** Two models that are right with the chances given, on items of `classes` codes. */
function month(seed: number, items: number, chances: { champion: number; challenger: number }, classes = 6): Required<Bout> {
  const random = makeRandom(seed);
  const truth = Int32Array.from({ length: items }, () => random.below(classes));
  const answer = (chance: number) =>
    truth.map((code) => (random.next() < chance ? code : (code + 1 + random.below(classes - 1)) % classes));
  return { truth, champion: answer(chances.champion), challenger: answer(chances.challenger), classes };
}

/** Two codes the wrong way round. */
const swap = (code: number): number => (code === 0 ? 1 : code === 1 ? 0 : code);

const conclude = (all: Required<Bout>, kept: Required<Bout>, seed: number) =>
  concludeVerdict(judgeChallenger(all, { resamples: 500, seed }), judgeHolding(kept, { resamples: 500, seed }), []);

describe("a challenger and the ground the line stands on", () => {
  test("labels swapped in a whole file win on their own items, and are held", () => {
    const kept = month(1, 60, { champion: 0.9, challenger: 0.9 });
    const challenger = Array.from(kept.challenger, swap);
    const own = month(2, 600, { champion: 0.9, challenger: 0.9 });
    const truth = Array.from(own.truth, swap);
    const all = {
      truth: [...Array.from(kept.truth), ...truth],
      champion: [...Array.from(kept.champion), ...Array.from(own.champion)],
      challenger: [...challenger, ...Array.from(own.challenger, swap)],
      classes: 6,
    };
    expect(judgeChallenger(all).promoted).toBe(true);
    const verdict = conclude(all, { ...kept, challenger }, 1);
    expect(verdict).toMatchObject({ decision: "held", promoted: false, ground: { holds: false, items: 60 } });
    expect(verdict.reason).toContain("the new labels contradict the former ones");
    expect(verdict.reason).not.toContain("Promoted");
  });

  test("an honest better model is promoted in nearly every month, an equal one no more often than the gate lets it", () => {
    const months = 150;
    let better = 0;
    let equal = 0;
    for (let seed = 0; seed < months; seed++) {
      const good = month(seed, 600, { champion: 0.8, challenger: 0.88 });
      const part = (bout: Required<Bout>): Required<Bout> => ({
        truth: Array.from(bout.truth).slice(0, 200),
        champion: Array.from(bout.champion).slice(0, 200),
        challenger: Array.from(bout.challenger).slice(0, 200),
        classes: bout.classes,
      });
      if (conclude(good, part(good), seed).promoted) better += 1;
      const same = month(seed + 10_000, 600, { champion: 0.8, challenger: 0.8 });
      if (conclude(same, part(same), seed).promoted) equal += 1;
    }
    expect(better / months).toBeGreaterThan(0.9);
    expect(equal / months).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / months));
  });

  test("the ground holds when it says nothing, and its interval is that of the challenger's lead", () => {
    const same = month(3, 80, { champion: 0.8, challenger: 0.8 });
    const equal = judgeHolding({ ...same, challenger: same.champion });
    expect(equal).toMatchObject({ holds: true, difference: 0, p: 1 });
    const worse = judgeHolding(month(4, 2000, { champion: 0.9, challenger: 0.8 }));
    expect(worse.holds).toBe(false);
    expect(worse.interval.high).toBeLessThan(0);
    expect(worse.interval.low < worse.difference && worse.difference < worse.interval.high).toBe(true);
  });
});

describe("jumps against a line's history", () => {
  const sums = (codes: Readonly<Record<string, readonly [items: number, kg: number]>>): Sums => ({
    "2019": Object.fromEntries(Object.entries(codes).map(([code, [items, kg]]) => [code, { items, units: items, kg }])),
  });
  const usual = sums({ A: [500, 500], B: [300, 1500], C: [200, 100] });

  test("a code's share, kg or unit weight that leaves what was ever seen by more than the bounds is told", () => {
    expect(findJumps(usual, usual, [])).toEqual([]);
    const swapped = findJumps(sums({ A: [300, 1500], B: [500, 500], C: [200, 100] }), usual, []);
    expect(swapped.map(({ code, what }) => `${code} ${what}`).toSorted()).toEqual([
      "A kg per unit",
      "A share of items",
      "A share of kg",
      "B kg per unit",
      "B share of items",
      "B share of kg",
    ]);
    // Codes of equal shares swapped: only their kg tells.
    const equal = sums({ A: [400, 400], B: [400, 2000], C: [200, 100] });
    const quiet = findJumps(sums({ A: [400, 2000], B: [400, 400], C: [200, 100] }), equal, []);
    expect(quiet.every(({ what }) => what !== "share of items")).toBe(true);
    expect(quiet.length).toBeGreaterThan(0);
    expect(describeJump(quiet.find(({ what, code }) => what === "kg per unit" && code === "A") ?? quiet[0])).toBe(
      "the kg per unit of A would go from 1.00 kg to 5.00 kg",
    );
  });

  test("what history has shown before, a new code of few items and a version never coded are no jump", () => {
    const other = sums({ A: [440, 440], B: [360, 1800], C: [200, 100] });
    const now = sums({ A: [400, 400], B: [400, 2000], C: [200, 100] });
    expect(findJumps(now, usual, []).length).toBeGreaterThan(0);
    expect(findJumps(now, usual, [other])).toEqual([]);
    expect(findJumps(sums({ A: [490, 490], B: [300, 1500], C: [200, 100], D: [10, 20] }), usual, [])).toEqual([]);
    expect(findJumps({ "2026": usual["2019"] }, usual, [])).toEqual([]);
    expect(findJumps({}, usual, [])).toEqual([]);
  });

  test("a better challenger with a jump is held and says so; one not promoted stays as it was", () => {
    const { truth, champion, challenger, classes } = month(5, 2000, { champion: 0.7, challenger: 0.9 });
    const jumps = findJumps(sums({ A: [200, 200], B: [600, 3000], C: [200, 100] }), usual, []);
    const held = concludeVerdict(judgeChallenger({ truth, champion, challenger, classes }), null, jumps);
    expect(held).toMatchObject({ decision: "held", promoted: false, ground: null });
    expect(held.reason).toContain("Held for a person.");
    const kept = concludeVerdict(judgeChallenger({ truth, champion: challenger, challenger: champion, classes }), null, jumps);
    expect(kept).toMatchObject({ decision: "keep", promoted: false });
  });
});
