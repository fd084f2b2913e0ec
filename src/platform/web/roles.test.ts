import { assert, constantFrom, property, uniqueArray } from "fast-check";
import { expect, it } from "vitest";
import { may, roles, within } from "./roles.ts";

it("an order in which reviewer and planner stand side by side", () => {
  const table = roles.map((has) => roles.map((needs) => (may([has], needs) ? "x" : ".")).join(""));
  expect(table).toEqual(["x....", "xx...", "x.x..", "xxxx.", "xxxxx"]);
  expect(may([], "viewer")).toBe(false);
  expect(may([], "anyone")).toBe(true);
  expect(may(["reviewer", "planner"], "operator")).toBe(false);
});

it("what is within both is never more than either, and all that both may", () => {
  const some = uniqueArray(constantFrom(...roles));
  assert(
    property(some, some, (asked, has) => {
      const both = within(asked, has);
      for (const role of roles) expect(may(both, role)).toBe(may(asked, role) && may(has, role));
      expect(within(both, both)).toEqual(both);
    }),
  );
});
