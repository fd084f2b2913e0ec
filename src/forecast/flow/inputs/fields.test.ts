import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { notNumber, parseNumber, parseTimestamp } from "./fields.ts";

describe("parseNumber", () => {
  test("agrees with the platform to the last bit", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        // Zero has no sign in text.
        expect(parseNumber(String(value))).toBe(value + 0);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(15), fc.boolean(), (whole, decimals, minus) => {
        const digits = String(whole).padStart(decimals + 1, "0");
        const text = `${minus ? "-" : ""}${digits.slice(0, digits.length - decimals)}.${digits.slice(digits.length - decimals)}`;
        expect(parseNumber(text)).toBe(Number(text));
      }),
    );
  });

  test("takes what people write, and nothing else", () => {
    expect(["0", "-0.5", ".5", "5.", "+3", " 7 ", "1e3", "00012.50", "123456789012345678"].map(parseNumber)).toEqual([
      0, -0.5, 0.5, 5, 3, 7, 1000, 12.5, 123456789012345680,
    ]);
    expect(["", " ", "NaN", "nan"].map(parseNumber)).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    for (const text of [".", "-", "1,5", "1.2.3", "0x10", "Infinity", "1e999", "12 pcs", "1 000", "--1", "null", "1e", "\u0661"]) {
      expect([text, parseNumber(text)]).toEqual([text, notNumber]);
    }
  });
});

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
      "2024-01-01T10:00:00+02:00",
      "2024-01-01 10:60:00",
      "2024-01-01x10:00:00",
      "2024-0a-01",
    ]) {
      expect([text, parseTimestamp(text)]).toEqual([text, Number.NaN]);
    }
  });
});
