import { expect, it } from "vitest";
import { amount, bytesText, counted, grouped, instantText, percent, percentShort, points, rounded, telling } from "./figures.ts";

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [52_428_800, "50 MiB"],
  [2 ** 50, "1024 TiB"],
])("%i bytes are %s", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

it("instants are shown in UTC to the second", () => {
  expect(instantText("2026-10-01T02:03:04.567Z")).toBe("2026-10-01 02:03:04");
  expect(instantText(undefined)).toBe("-");
});

it("shares are percentages, what is unknown a dash", () => {
  expect([
    percent(0.1234),
    percent(-0.05),
    percent(1.5, { digits: 0 }),
    percent(0.02, { signed: true }),
    percent(-0.02, { signed: true }),
  ]).toEqual(["12.3 %", "−5.0 %", "150 %", "+2.0 %", "−2.0 %"]);
  expect([percent(undefined), percent(null), percent(Number.NaN), percent(1, { of: 0 })]).toEqual(["–", "–", "–", "–"]);
  expect([percentShort(0.12), percentShort(0.125), percentShort(-0.3)]).toEqual(["12 %", "12.5 %", "−30 %"]);
  expect([points(0.0125), points(-0.3, 1)]).toEqual(["1.25 points", "-30.0 points"]);
});

it("counts take their noun along", () => {
  expect([counted(0, "row"), counted(1, "row"), counted(2, "row"), counted(2, "entry", "entries")]).toEqual([
    "0 rows",
    "1 row",
    "2 rows",
    "2 entries",
  ]);
});

it("quantities have their thousands apart and no more digits than are worth reading", () => {
  expect([grouped(1_234_567), grouped(1.25, 1), amount(0.123_456), amount(12_345.6), amount(-3), amount(null)]).toEqual([
    "1,234,567",
    "1.3",
    "0.1235",
    "12,346",
    "−3",
    "–",
  ]);
});

it("numbers lose the digits that say nothing", () => {
  expect([rounded(1.2345, 2), rounded(3, 2), telling(123_456), telling(0.000_123_46)]).toEqual([1.23, 3, 123_500, 0.000_123_5]);
});
