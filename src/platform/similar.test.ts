import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { didYouMean, editDistance, nearest, nearestAll } from "./similar.ts";

describe("the distance of two texts", () => {
  it.each([
    ["", "abc", 3],
    ["kettle", "kettle", 0],
    ["ketle", "kettle", 1],
    ["ketlte", "kettle", 1],
    ["put", "pit", 1],
    ["ab", "ba", 1],
    ["ca", "abc", 3],
  ])("%j to %j is %i", (a, b, far) => {
    expect(editDistance(a, b)).toBe(far);
  });

  it("is a distance: none to itself, the same both ways, bounded by the lengths", () => {
    const text = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const far = editDistance(a, b);
        expect(editDistance(a, a)).toBe(0);
        expect(editDistance(b, a)).toBe(far);
        expect(far).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(far).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe("nearest", () => {
  it("finds a word with one slip in it, and does not guess wildly", () => {
    const words = ["classify", "schedule", "restore", "backup", "events"];
    fc.assert(
      fc.property(fc.constantFrom(...words), fc.nat(7), (word, at) => {
        const place = at % word.length;
        expect(nearest(word.slice(0, place) + word.slice(place + 1), words)).toBe(word);
      }),
    );
    expect(nearest("zzz", words)).toBeUndefined();
    expect(nearest("l", ["ls", "rm"])).toBe("ls");
    expect([nearest("SCHED", words), nearest("SCHED", words, { beginnings: true })]).toEqual([undefined, "schedule"]);
  });

  it("gives several, nearest first, and words for a sentence", () => {
    expect(nearestAll("deu", ["GBR", "DEN", "DEU"], { limit: 2 })).toEqual(["DEU", "DEN"]);
    expect(nearestAll("deu", ["xxx"], { most: () => 3 })).toEqual(["xxx"]);
    expect([didYouMean("putt", ["put", "get"]), didYouMean("xylophone", ["put"])]).toEqual([" Did you mean put?", ""]);
  });

  it("that are nearly right are recognised, others are not", () => {
    expect(nearest("prot", ["port", "host"])).toBe("port");
    expect(nearest("uploadmaxbyte", ["uploadMaxBytes"])).toBe("uploadMaxBytes");
    expect(nearest("zebra", ["port", "host"])).toBeUndefined();
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{5,12}$/), fc.nat(), (name, at) => {
        const i = at % (name.length - 1);
        const swapped = name.slice(0, i) + (name[i + 1] ?? "") + (name[i] ?? "") + name.slice(i + 2);
        expect(nearest(swapped, [name])).toBe(name);
      }),
    );
  });
});
