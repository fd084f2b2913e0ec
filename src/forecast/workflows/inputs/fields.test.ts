import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTimestamp } from "./fields.ts";

describe("parseTimestamp", () => {
  test("agrees with the platform", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("1700-01-01T00:00:00Z"), max: new Date("2299-12-31T23:59:59Z"), noInvalidDate: true }),
        (date) => {
          const seconds = Math.floor(date.getTime() / 1000);
          const text = date.toISOString().slice(0, 19);
          expect(parseTimestamp(text)).toBe(seconds);
          expect(parseTimestamp(text.replace("T", " "))).toBe(seconds);
          expect(parseTimestamp(`${text}.25Z`)).toBe(seconds);
          expect(parseTimestamp(text.slice(0, 10))).toBe(Math.floor(seconds / 86_400) * 86_400);
        },
      ),
    );
  });

  test("refuses days that are none, other forms and placeholders", () => {
    expect(parseTimestamp("2024-02-29")).toBe(Date.UTC(2024, 1, 29) / 1000);
    for (const offset of ["+02:00", "-0930", "+05", ".5+14:00"])
      expect(parseTimestamp(`2024-02-29T01:00:00${offset}`)).toBe(Date.UTC(2024, 1, 29, 1) / 1000);
    for (const text of [
      "",
      "2023-02-29",
      "2100-02-29",
      "2024-13-01",
      "2024-00-10",
      "2024-01-32",
      "2024-04-31",
      "2024-1-1",
      "01.02.2024",
      "20240102",
      "9999-12-31",
      "0001-01-01",
      "2024-01-01 24:00:00",
      "2024-01-01 10:00",
      "2024-01-01T10:00:00+15:00",
      "2024-01-01T10:00:00+2",
      "2024-01-01 10:60:00",
      "2024-01-01x10:00:00",
      "2024-0a-01",
    ]) {
      expect([text, parseTimestamp(text)]).toEqual([text, Number.NaN]);
    }
  });
});
