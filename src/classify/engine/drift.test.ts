import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../platform/random.ts";
import type { Random } from "../../platform/random.ts";
import { compareProfiles, openProfile, wordsOf } from "./drift.ts";
import type { Profile, ProfileColumns } from "./drift.ts";

const columns: ProfileColumns = { texts: ["title"], categories: ["shop"], numbers: ["price"] };
const vocabulary = Array.from({ length: 400 }, (_, i) => `word${i}`);

interface World {
  readonly word: (random: Random) => string;
  readonly shop: (random: Random) => string;
  readonly price: (random: Random) => number;
  readonly confidence: (random: Random) => number;
  readonly code: (random: Random) => string;
}

/** Frequent words, a few shops, prices in no order: what training looked like. */
const usual: World = {
  word: (random) => vocabulary[Math.floor(400 * random.next() ** 2)],
  shop: (random) => (random.next() < 0.7 ? "north" : "south"),
  price: (random) => Math.exp(random.normal()),
  confidence: (random) => 1 - random.next() ** 3,
  code: (random) => (random.next() < 0.6 ? "5" : "6"),
};

function profile(seed: number, items: number, world: World, like?: Profile): Profile {
  const random = makeRandom(seed);
  const profiler = openProfile(columns, like);
  for (let i = 0; i < items; i++) {
    const title = Array.from({ length: 1 + random.below(8) }, () => world.word(random)).join(" ");
    profiler.addItem({ texts: [title], categories: [world.shop(random)], numbers: [world.price(random)] });
    profiler.addPrediction(world.code(random), world.confidence(random));
  }
  return profiler.finish();
}

const reference = profile(1, 8000, usual);
const featureOf = (world: World, name: string, items = 2000) =>
  compareProfiles(reference, profile(2, items, world, reference)).features.find((feature) => feature.name === name);

describe("compareProfiles", () => {
  test("a small month of the same kind raises no alarm", () => {
    for (const items of [3, 20, 80, 300, 2000]) {
      let loud = 0;
      for (let seed = 100; seed < 130; seed++) {
        if (compareProfiles(reference, profile(seed, items, usual, reference)).level !== "ok") loud += 1;
      }
      // Nine features, each beyond its 99.9 % range once in a thousand: of 30 months at most one.
      expect(loud).toBeLessThanOrEqual(1);
    }
  });

  test("chance is what two samples of one kind differ by", () => {
    // The shop column has three cells at most; the codes two: over many months the mean PSI is the predicted chance.
    const runs = 200;
    let psi = 0;
    let chance = 0;
    for (let seed = 0; seed < runs; seed++) {
      const length = compareProfiles(reference, profile(seed + 1000, 200, usual, reference)).features.find(
        (one) => one.name === "confidence",
      );
      psi += (length?.psi ?? 0) / runs;
      chance += (length?.chance ?? 0) / runs;
    }
    expect(psi / chance).toBeGreaterThan(0.85);
    expect(psi / chance).toBeLessThan(1.15);
  });

  test("new words are found and named", () => {
    const words = featureOf({ ...usual, word: (random) => (random.next() < 0.4 ? "vape" : usual.word(random)) }, "words of title");
    expect(words?.level).not.toBe("ok");
    expect(words?.moved[0]).toMatchObject({ what: "vape" });
    expect(words?.moved[0].before).toBeLessThan(0.02);
    expect(words?.moved[0].now).toBeGreaterThan(0.5);
  });

  test("a new shop, missing prices, lower confidence and other codes are each found", () => {
    const shop = featureOf({ ...usual, shop: (random) => (random.next() < 0.5 ? "web" : "north") }, "shop");
    expect(shop).toMatchObject({ level: "alarm" });
    expect(shop?.moved.find((cell) => cell.what === "other")).toMatchObject({ before: 0, now: expect.closeTo(0.5, 1) });
    expect(featureOf({ ...usual, price: (random) => (random.next() < 0.3 ? Number.NaN : 1) }, "missing price")?.level).toBe("alarm");
    expect(featureOf({ ...usual, price: (random) => 3 * usual.price(random) }, "price")?.level).toBe("alarm");
    expect(featureOf({ ...usual, confidence: (random) => random.next() }, "confidence")?.level).toBe("alarm");
    expect(featureOf({ ...usual, code: () => "6" }, "predicted code")?.level).toBe("alarm");
    expect(featureOf({ ...usual, word: () => "x" }, "length of title")?.level).toBe("alarm");
  });

  test("agrees with the textbook on large samples", () => {
    // 0.7/0.3 to 0.5/0.5: (0.5 - 0.7) ln(0.5/0.7) + (0.5 - 0.3) ln(0.5/0.3) = 0.16946
    const shop = featureOf({ ...usual, shop: (random) => (random.next() < 0.5 ? "north" : "south") }, "shop", 20_000);
    expect(shop?.psi).toBeCloseTo(0.1695, 1);
    expect(shop?.level).toBe("watch");
  });

  test("says in words which columns moved, without their contents", () => {
    const report = compareProfiles(reference, profile(3, 1500, { ...usual, shop: () => "secret place" }, reference));
    expect(report.level).toBe("alarm");
    expect(report.psi).toBe(report.features[0].excess);
    expect(report.summary).toContain("shop (PSI");
    expect(report.summary).not.toContain("secret");
    expect(compareProfiles(reference, reference).summary).toBe("All 9 features look as they did in training.");
  });

  test("nothing to compare is no alarm", () => {
    const empty = openProfile(columns, reference).finish();
    expect(compareProfiles(reference, empty)).toMatchObject({ level: "ok", psi: 0, features: [] });
    expect(compareProfiles(empty, reference)).toMatchObject({ level: "ok", features: [] });
    const other = openProfile({ texts: [], categories: ["colour"], numbers: [] }).finish();
    expect(compareProfiles(reference, other).features).toEqual([]);
  });

  test("bounds are the caller's", () => {
    const now = profile(4, 3000, { ...usual, shop: (random) => (random.next() < 0.5 ? "north" : "south") }, reference);
    expect(compareProfiles(reference, now, { watch: 0.01, alarm: 0.05 }).level).toBe("alarm");
    expect(compareProfiles(reference, now, { watch: 0.9, alarm: 0.95 }).level).toBe("ok");
  });
});

describe("openProfile", () => {
  test("does not mind the order of items, survives JSON, stays small", () => {
    const rows = fc.array(
      fc.tuple(
        fc.string({ maxLength: 20 }),
        fc.constantFrom("", "a", "b", "__proto__", "toString"),
        fc.option(fc.double(), { nil: Number.NaN }),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(rows, (items) => {
        const count = (ordered: typeof items): Profile => {
          const profiler = openProfile(columns);
          for (const [title, shop, price] of ordered) {
            profiler.addItem({ texts: [title], categories: [shop], numbers: [price] });
            profiler.addPrediction(shop, 0.5);
          }
          return profiler.finish();
        };
        const one = count(items);
        expect(count(items.toReversed())).toEqual(one);
        expect(JSON.parse(JSON.stringify(one))).toEqual(one);
        const report = compareProfiles(one, one);
        expect(report.level).toBe("ok");
        expect(report.features.every((feature) => Number.isFinite(feature.psi))).toBe(true);
      }),
    );
    expect(JSON.stringify(reference).length).toBeLessThan(20_000);
  });

  test("names no word that stood in fewer than ten items", () => {
    const profiler = openProfile({ texts: ["title"], categories: [], numbers: [] });
    for (let i = 0; i < 30; i++) profiler.addItem({ texts: [i < 9 ? "kettle rare rare" : "kettle"], categories: [], numbers: [] });
    const [words] = profiler.finish().features;
    expect(words).toMatchObject({ frequent: { kettle: 30 } });
    expect(JSON.stringify(words)).not.toContain("rare");
  });

  test("splits words of any script", () => {
    expect(wordsOf("Kühlschrank 50L, ЧАЙНИК! 電気")).toEqual(["kühlschrank", "50l", "чайник", "電気"]);
    expect(wordsOf(" -- ")).toEqual([]);
  });
});
