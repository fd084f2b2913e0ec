import { describe, expect, it } from "vitest";
import { readExpires } from "./url.ts";

const now = Date.parse("2026-11-30T00:00:00Z");

describe("--expires", () => {
  it.each([
    ["90s", "2026-11-30T00:01:30.000Z"],
    ["15 min", "2026-11-30T00:15:00.000Z"],
    ["1.5h", "2026-11-30T01:30:00.000Z"],
    ["7d", "2026-12-07T00:00:00.000Z"],
    ["2027-02-28", "2027-02-28T00:00:00.000Z"],
    ["2027-02-28T10:00:00+02:00", "2027-02-28T08:00:00.000Z"],
  ])("%s", (text, at) => {
    expect(readExpires(text, now).toISOString()).toBe(at);
  });

  it.each([
    ["90", 'but received "90"'],
    ["2031", 'but received "2031"'],
    ["1w", 'but received "1w"'],
    ["-1d", 'but received "-1d"'],
    ["", 'but received ""'],
    ["2027-02-31", 'but received "2027-02-31"'],
    ["tomorrow", 'but received "tomorrow"'],
    ["0s", '"0s" is over'],
    ["2026-11-29", '"2026-11-29" is over'],
    ["99999999999d", "Expected --expires"],
  ])("%s is refused: a URL that has ended, or ends on another day than was meant, helps nobody", (text, words) => {
    expect(() => readExpires(text, now)).toThrow(words);
  });
});
