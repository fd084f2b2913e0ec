import * as fc from "fast-check";
import { expect, test } from "vitest";
import { addDecimals, sameDecimal } from "./decimal.ts";

test.each([
  ["10", "-10", "0"],
  ["0.1", "0.2", "0.3"],
  ["100.000", "5", "105.000"],
  ["-0.5", "0.25", "-0.25"],
  ["1E3", "1", "1001"],
  ["1.5e-2", "0", "0.015"],
  ["", "5", "5"],
  ["", "", ""],
  ["99999999999999999999", "1", "100000000000000000000"],
  ["x", "1", undefined],
  ["", "x", undefined],
  ["1,5", "1", undefined],
])("%s and %s are %s", (a, b, sum) => {
  expect(addDecimals(a, b)).toBe(sum);
});

test("adding and taking away again leaves the number, with all its places (law)", () => {
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.nat(6)).map(([units, scale]) => {
    const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
    return `${units < 0n ? "-" : ""}${scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`}`;
  });
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const negated = b.startsWith("-") ? b.slice(1) : `-${b}`;
      const back = addDecimals(addDecimals(a, b) ?? "", negated) ?? "";
      expect(sameDecimal(back, a)).toBe(true);
      expect(sameDecimal(a, b)).toBe(Number(a) === Number(b) && addDecimals(a, negated)?.replaceAll(/[-0.]/g, "") === "");
    }),
  );
});
