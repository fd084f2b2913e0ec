import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../platform/random.ts";
import { confidenceOf, decide, fitDecisions, reasonForReview, whyNothing } from "./decisions.ts";
import type { Judged } from "./decisions.ts";

/** Items of one segment: confidence from `floor` to 1, right as often as `precision(confidence)` says. */
type Drawn = Required<Omit<Judged, "known">>;

function draw(seed: number, items: number, segment: string, precision: (confidence: number) => number): Drawn {
  const random = makeRandom(seed);
  const top = Float64Array.from({ length: items }, () => 0.5 + 0.5 * random.next());
  return {
    top,
    second: top.map((p) => 1 - p),
    right: Uint8Array.from(top, (p) => (random.next() < precision(p) ? 1 : 0)),
    segments: Array<string>(items).fill(segment),
  };
}

function join(...parts: readonly Drawn[]): Drawn {
  return {
    top: parts.flatMap((part) => Array.from(part.top)),
    second: parts.flatMap((part) => Array.from(part.second)),
    right: parts.flatMap((part) => Array.from(part.right)),
    segments: parts.flatMap((part) => Array.from(part.segments)),
  };
}

/** 1 at confidence 1, falling evenly to `at` at confidence 0.5. */
const falling = (at: number) => (confidence: number) => 1 - (1 - at) * 2 * (1 - confidence);

describe("fitDecisions", () => {
  test("keeps the promise on the whole population, but for the accepted risk", () => {
    // The true precision above a threshold t of `falling(0.8)` is 1 - 0.2 * (1 - t): it is 0.98 at t = 0.9.
    const runs = 300;
    let broken = 0;
    let coverage = 0;
    for (let seed = 0; seed < runs; seed++) {
      const decisions = fitDecisions(draw(seed, 3000, "", falling(0.8)), { score: "top", risk: 0.1, reserve: 0, floor: 0 });
      const rule = decisions.segments[""];
      if (rule.kind === "from" && 1 - 0.2 * (1 - rule.confidence) < 0.98) broken += 1;
      coverage += decisions.coverage / runs;
    }
    // Scanning for the loosest threshold looks more than once, so a little above the risk of one look: 0.1 + four standard errors.
    expect(broken / runs).toBeLessThanOrEqual(0.17);
    expect(coverage).toBeGreaterThan(0.1);
  });

  test("keeps it nearly always with the defaults, and covers most of what is possible", () => {
    // Of these items two fifths can be automatic at 0.98: the true precision above t is 1 - 0.1 * (1 - t), which is 0.98 at t = 0.8.
    const runs = 200;
    let broken = 0;
    let coverage = 0;
    for (let seed = 0; seed < runs; seed++) {
      const decisions = fitDecisions(draw(seed, 4000, "", falling(0.9)), { floor: 0 });
      const rule = decisions.segments[""];
      if (rule.kind === "from" && rule.confidence < 0.8) broken += 1;
      coverage += decisions.coverage / runs;
    }
    expect(broken / runs).toBeLessThanOrEqual(0.05);
    expect(coverage).toBeGreaterThan(0.2);
  });

  test("no automatic decision where no threshold keeps the promise", () => {
    const decisions = fitDecisions(draw(1, 5000, "", () => 0.9));
    expect(decisions.segments[""].kind).toBe("never");
    expect(decide(decisions, 1, 0, "")).toBe("review");
    expect(decisions.coverage).toBe(0);
  });

  test("everything automatic where all are right, and nothing with too few items to know", () => {
    const all = fitDecisions(
      draw(1, 400, "", () => 1),
      { floor: 0 },
    );
    expect(all.coverage).toBe(1);
    const few = fitDecisions(draw(1, 20, "", () => 1));
    expect(few.coverage).toBe(0);
    expect(decide(few, 1, 0, "")).toBe("review");
    expect(fitDecisions({ top: [], second: [], right: [] }).coverage).toBe(0);
  });

  test("each large segment has its own threshold, small ones share one, unknown ones the strictest", () => {
    const judged = join(
      draw(1, 3000, "good", falling(0.97)),
      draw(2, 3000, "fair", falling(0.85)),
      draw(3, 200, "tiny", falling(0.97)),
      draw(4, 200, "wee", falling(0.97)),
      draw(5, 120, "odd", () => 0.7),
    );
    const { segments, unknown } = fitDecisions(judged, { score: "top" });
    expect(segments["good"].from).toBe("own");
    expect(segments["tiny"].from).toBe("rest");
    expect(segments["odd"].kind).toBe("never");
    const at = (segment: string): number => {
      const rule = segments[segment];
      return rule.kind === "from" ? rule.confidence : 2;
    };
    expect(at("fair")).toBeGreaterThan(at("good"));
    expect(unknown.kind === "from" ? unknown.confidence : 2).toBe(Math.max(at("good"), at("fair"), at("tiny")));
  });

  test("nothing is automatic below the floor, however flawless the items at hand", () => {
    // Half of the items lie below 0.75, all are right: without a floor the loosest confidence ever seen would do.
    const judged = draw(4, 2000, "flawless", () => 1);
    const decisions = fitDecisions(judged);
    expect(decisions.floor).toBe(0.9);
    const answer = { segment: "flawless", second: 0.01 };
    expect(reasonForReview(decisions, { ...answer, top: 0.14 })).toBe("below the floor");
    expect(reasonForReview(decisions, { ...answer, top: 0.8999 })).toBe("below the floor");
    expect(reasonForReview(decisions, { ...answer, top: 0.91 })).toBeUndefined();
    expect(decisions.coverage).toBeCloseTo(Array.from(judged.top).filter((p) => p >= 0.9).length / 2000, 12);
    // A floor asked for later can be higher, never lower: no threshold was tried there.
    expect(reasonForReview(decisions, { ...answer, top: 0.91, floor: 0.95 })).toBe("below the floor");
    expect(reasonForReview(decisions, { ...answer, top: 0.8, floor: 0.5 })).toBe("below the floor");
    // Models from before there was a floor have the usual one.
    const { floor: _, ...former } = fitDecisions(judged, { floor: 0 });
    expect(reasonForReview(former, { ...answer, top: 0.8 })).toBe("below the floor");
    // NaN is no probability.
    expect(reasonForReview(decisions, { ...answer, top: Number.NaN })).toBe("below the floor");
  });

  test("thresholds are found among the items that may be automatic, and say what they saw there", () => {
    const judged = draw(6, 3000, "x", (p) => (p < 0.9 ? 0.2 : 1));
    const unknown = Uint8Array.from(judged.top, (_, row) => (row % 3 === 0 ? 0 : 1));
    const right = Array.from(judged.right, (one, row) => (unknown[row] === 0 ? 0 : one));
    const decisions = fitDecisions({ ...judged, right, known: unknown });
    const rule = decisions.segments["x"];
    const eligible = Array.from(judged.top).filter((p, row) => p >= 0.9 && unknown[row] === 1).length;
    expect(rule).toMatchObject({ kind: "from", seen: { items: 3000, automatic: eligible, wrong: 0 } });
    expect(reasonForReview(decisions, { top: 0.99, second: 0, segment: "x", unknownText: "no known word" })).toBe("no known word");
  });

  test("by margin, a clear lead counts even where the top probability is low", () => {
    // The top probability says nothing here, the distance to the runner-up everything.
    const random = makeRandom(3);
    const rows = Array.from({ length: 2000 }, () => {
      const close = random.next() < 0.5;
      const top = 0.4 + 0.1 * random.next();
      return { top, second: close ? top * 0.95 : top * 0.1, right: close ? Number(random.next() < 0.6) : 1 };
    });
    const judged = { top: rows.map((r) => r.top), second: rows.map((r) => r.second), right: rows.map((r) => r.right) };
    expect(fitDecisions(judged, { floor: 0 })).toMatchObject({ score: "margin", reserve: 0.25 });
    expect(fitDecisions(judged, { floor: 0 }).coverage).toBeGreaterThan(0.4);
    expect(fitDecisions(judged, { floor: 0, score: "top" }).coverage).toBe(0);
  });

  test("a reserve keeps a distance from the promise", () => {
    const judged = draw(23, 20_000, "", falling(0.8));
    const coverages = [0, 0.25, 0.4].map((reserve) => fitDecisions(judged, { reserve }).coverage);
    expect(coverages[0]).toBeGreaterThan(coverages[1]);
    expect(coverages[1]).toBeGreaterThan(coverages[2]);
    expect(fitDecisions(judged).segments[""].seen.precisionLow).toBeGreaterThan(0.9849);
  });

  test("what it says it saw is what deciding gives, ties included; and JSON carries it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.boolean(), fc.constantFrom("a", "b", "__proto__", "constructor")), {
          maxLength: 300,
        }),
        fc.double({ min: 0.3, max: 0.95, noNaN: true }),
        (rows, promise) => {
          const judged = {
            top: rows.map(([level]) => 0.5 + level / 40),
            second: rows.map(() => 0.1),
            right: rows.map(([level, lucky]) => Number(level > 12 || lucky)),
            segments: rows.map(([, , segment]) => segment),
          };
          const decisions = fitDecisions(judged, { promise, risk: 0.2, minItems: 30 });
          expect(JSON.parse(JSON.stringify(decisions))).toEqual(decisions);
          let automatic = 0;
          for (const segment of new Set(judged.segments)) {
            const mine = [...rows.keys()].filter((row) => judged.segments[row] === segment);
            const auto = mine.filter((row) => decide(decisions, judged.top[row], judged.second[row], segment) === "auto");
            const rule = decisions.segments[segment];
            expect(rule.seen.items).toBe(mine.length);
            const seen = rule.kind === "from" ? rule.seen : { automatic: 0, wrong: 0 };
            expect(auto).toHaveLength(seen.automatic);
            expect(auto.filter((row) => judged.right[row] === 0)).toHaveLength(seen.wrong);
            expect(rule.kind === "never" || rule.from === "rest" || rule.seen.precisionLow >= promise - 1e-9).toBe(true);
            automatic += auto.length;
          }
          expect(decisions.coverage).toBeCloseTo(rows.length === 0 ? 0 : automatic / rows.length, 12);
        },
      ),
    );
  });

  test("more confidence never sends an item to review", () => {
    const decisions = fitDecisions(draw(9, 3000, "x", falling(0.9)), { floor: 0.7 });
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 1, noNaN: true }), fc.double({ min: 0, max: 0.5, noNaN: true }), (top, more) => {
        const higher = Math.min(1, top + more);
        const [before, after] = [top, higher].map((p) => decide(decisions, p, 1 - p, "x"));
        expect(before === "review" || after === "auto").toBe(true);
      }),
    );
  });

  test("a stricter promise never covers more", () => {
    const judged = draw(17, 3000, "", falling(0.7));
    let last = 1;
    for (const promise of [0.8, 0.9, 0.95, 0.98, 0.99]) {
      const { coverage } = fitDecisions(judged, { promise, score: "top" });
      expect(coverage).toBeLessThanOrEqual(last);
      last = coverage;
    }
  });

  test("refuses what cannot be promised and columns that do not fit", () => {
    for (const options of [{ promise: 1 }, { promise: Number.NaN }, { risk: 0 }, { reserve: 1 }, { floor: 1 }, { floor: Number.NaN }]) {
      expect(() => fitDecisions({ top: [], second: [], right: [] }, options)).toThrow(
        expect.objectContaining({ code: "DECISIONS_PROMISE" }),
      );
    }
    expect(() => fitDecisions({ top: [0.5], second: [], right: [1] })).toThrow(expect.objectContaining({ code: "DECISIONS_SHAPE" }));
  });
});

test("confidence by margin is one half at a tie and 1 without a runner-up", () => {
  expect(confidenceOf("margin", 0.3, 0.3)).toBe(0.5);
  expect(confidenceOf("margin", 0.3, 0)).toBe(1);
  expect(confidenceOf("margin", 0, 0)).toBe(0);
  expect(confidenceOf("top", 0.3, 0.1)).toBe(0.3);
});

describe("why nothing is automatic", () => {
  const judged = (items: number, wrongAt: (i: number) => boolean, top = 0.99) => ({
    top: Array.from({ length: items }, (_, i) => top - i * 1e-6),
    second: Array.from({ length: items }, () => 0.001),
    right: Array.from({ length: items }, (_, i) => (wrongAt(i) ? 0 : 1)),
  });
  const why = (...given: Parameters<typeof judged>): string | undefined => whyNothing(fitDecisions(judged(...given)), given[0]);

  test("says the bound, what was measured, and how many items would do", () => {
    expect(why(60, () => false)).toBe(
      "107 unseen items decided without an error are needed for a promised precision of 98 %, or more with few; of 60 unseen items the 60 surest had no error, which shows 97.3 % and no more. About 110 labelled items would do if the further ones are alike.",
    );
    expect(why(90, (i) => i % 40 === 20)).toMatch(/the \d+ surest had (?:no error|\d errors?), which shows 9\d(?:\.\d)? % and no more/);
  });

  test("does not promise that more items help where the surest are wrong too often", () => {
    expect(why(400, (i) => i % 10 === 0)).toMatch(/More items alone would not do/);
  });

  test("tells of a floor that nothing reaches, and nothing where something is decided", () => {
    expect(why(300, () => false, 0.6)).toMatch(/hardly any reached the floor of 90 % with known text/);
    expect(why(300, () => false)).toBeUndefined();
  });
});
