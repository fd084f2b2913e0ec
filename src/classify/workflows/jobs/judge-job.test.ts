import { describe, expect, test } from "vitest";
import { countChanges } from "./judge-job.ts";

describe("codes that changed", () => {
  const codes = {
    truth: ["K", "K", "T", "L", "", "K"],
    champion: ["T", "T", "T", "K", "K", "K"],
    challenger: ["K", "K", "K", "T", "T", "K"],
  };

  test("only items of different codes count, the most frequent first", () => {
    expect(countChanges([0, 1, 2, 3, 5], codes)).toEqual([
      { truth: "K", champion: "T", challenger: "K", items: 2 },
      { truth: "L", champion: "K", challenger: "T", items: 1 },
      { truth: "T", champion: "T", challenger: "K", items: 1 },
    ]);
  });

  test("rows that are not judged are left out, and the list has an end", () => {
    expect(countChanges([2], codes)).toEqual([{ truth: "T", champion: "T", challenger: "K", items: 1 }]);
    expect(countChanges([0, 1, 2, 3], codes, 1)).toEqual([{ truth: "K", champion: "T", challenger: "K", items: 2 }]);
  });
});
