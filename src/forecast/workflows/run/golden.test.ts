// A program that gives other numbers has another number: pieces of the one are never taken up by the other.

import { expect, test } from "vitest";
import expected from "../../../../test/golden/run/expected.json" with { type: "json" };
import input from "../../../../test/golden/run/input.json" with { type: "json" };
import { make, refuse, type GoldenInput } from "../../../../tools/golden/run.ts";

test("the golden run gives what its program gave, or the program has another number", async () => {
  // JSON knows no tuples and unions; the file is of our own making.
  const made = await make(input as unknown as GoldenInput); // oxlint-disable-line typescript/no-unsafe-type-assertion
  expect(refuse(expected, made) ?? "the same results").toBe("the same results");
  expect(`program ${expected.program}`, "npm run golden -- run --accept").toBe(`program ${made.program}`);

  // What the case is for: other results under the same number are refused, under a higher one they are not.
  const [piece = ""] = Object.keys(made.pieces);
  const others = { ...made, pieces: { ...made.pieces, [piece]: "0" } };
  expect(refuse(made, others)).toMatch(/raise programOfRuns/);
  expect(refuse(made, { ...others, program: made.program + 1 })).toBeUndefined();
  expect(refuse({ ...made, platform: "another" }, { ...made, means: { every: [[1]] } })).toMatch(/raise programOfRuns/);
  expect(refuse({ ...made, platform: "another" }, others)).toBeUndefined();
}, 120_000);
