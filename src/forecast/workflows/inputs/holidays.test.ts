import { describe, expect, it } from "vitest";
import { knowsHolidays, placeMeant } from "./holidays.ts";

describe("a place whose holidays are not known", () => {
  it.each([
    ["UK", " Did you mean GB (United Kingdom)?"],
    ["uk-SCT", " Did you mean GB-SCT (Scotland)?"],
    ["UK-QQ", " States of GB: ALD, ENG, NIR, SCT, WLS."],
    ["England", " Did you mean GB-ENG (England)?"],
    ["USA-CA", " Did you mean US-CA (California)?"],
    ["Holland", " Did you mean NL (Netherlands)?"],
    ["EL", " Did you mean GR (Greece)?"],
    ["Germany", " Did you mean DE (Germany)?"],
    ["Deutschland", " Did you mean DE (Germany)?"],
    ["Swizerland", " Did you mean CH (Switzerland)?"],
    ["DE-BAY", " Did you mean DE-BY (Bayern)?"],
    ["DE-Bayern", " Did you mean DE-BY (Bayern)?"],
    ["ZZ", ""],
  ])("%s: %s", (place, said) => {
    expect(knowsHolidays(place)).toBe(false);
    expect(placeMeant(place)).toBe(said);
  });

  it("may be a state too much: no part of what was typed is passed over", () => {
    expect(knowsHolidays("US-CA")).toBe(true);
    expect(knowsHolidays("US-CA-LA")).toBe(false);
    expect(placeMeant("DE-QQ")).toMatch(/^ States of DE: BB, /);
  });
});
