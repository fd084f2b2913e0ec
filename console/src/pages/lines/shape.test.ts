import { describe, expect, it } from "vitest";
import { changeText, placeLead, readVerdict, shortModel } from "./shape.ts";

describe("a verdict as the page reads it", () => {
  it("takes what a verdict keeps, and says nothing of what an old one lacks", () => {
    const read = readVerdict({
      items: 40,
      difference: 0.1,
      interval: { low: 0.02, high: 0.2, confidence: 0.9 },
      challenger: { macroF1: 0.9, accuracy: 0.8, weightedF1: 0.7 },
      opponent: { macroF1: 0.8, accuracy: 0.8, weightedF1: 0.7, kind: "champion" },
      mcnemar: { onlyChallenger: 5, onlyOpponent: 2 },
      ground: { items: 12, difference: -0.1, interval: { low: -0.2, high: 0 }, holds: false },
      jumps: [{ version: "1", code: "K", what: "share of kg", before: { low: 0.1, high: 0.2 }, after: 0.5 }],
      changes: [{ truth: "K", champion: "T", challenger: "K", items: 3 }],
    });
    expect(read).toMatchObject({
      items: 40,
      lead: { difference: 0.1, low: 0.02, high: 0.2, confidence: 0.9 },
      opponent: { kind: "champion", macroF1: 0.8 },
      onlyChallenger: 5,
      ground: { items: 12, holds: false, lead: { difference: -0.1 } },
      jumps: [{ code: "K", low: 0.1, high: 0.2, after: 0.5 }],
      changes: [{ truth: "K", champion: "T", challenger: "K", items: 3 }],
    });
    expect(readVerdict({})).toMatchObject({ lead: undefined, ground: undefined, jumps: [], changes: undefined });
  });

  it("draws zero and the whole interval within the axis", () => {
    expect(placeLead({ difference: 0.1, low: 0.05, high: 0.15, confidence: 0.9 })).toEqual({
      zero: expect.closeTo(0.15 / 1.3, 6),
      low: expect.closeTo((0.05 + 0.0225) / 0.195, 6),
      at: expect.closeTo((0.1 + 0.0225) / 0.195, 6),
      high: expect.closeTo((0.15 + 0.0225) / 0.195, 6),
    });
    for (const lead of [
      { difference: -0.1, low: -0.2, high: -0.05, confidence: 0.9 },
      { difference: 0, low: 0, high: 0, confidence: 0.9 },
    ])
      for (const place of Object.values(placeLead(lead))) expect(place > 0 && place < 1).toBe(true);
  });

  it("says who was right about a change", () => {
    expect(changeText({ truth: "K", champion: "T", challenger: "K" })).toBe("won");
    expect(changeText({ truth: "K", champion: "K", challenger: "T" })).toBe("lost");
    expect(changeText({ truth: "K", champion: "L", challenger: "T" })).toBe("moved");
    expect(shortModel("GBR-WASTE@9e08724838f1c6d0")).toBe("9e087248");
    expect(shortModel("some")).toBe("some");
  });
});
