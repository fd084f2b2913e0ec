import { expect, test } from "vitest";
import { currentTrace, inTrace, traced } from "./spans.ts";

// In this process nothing sends spans: what is traced does the same without.

test("without an export the work is done as it is, and leaves no trace in rows", async () => {
  expect(await traced("work", {}, async () => await Promise.resolve(currentTrace()))).toBeNull();
  await expect(
    traced("work", { parent: null, kind: "server" }, async () => {
      await Promise.resolve();
      throw new Error("broken");
    }),
  ).rejects.toThrow("broken");
  expect(inTrace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", () => 7)).toBe(7);
  for (const odd of [null, undefined, "", "00-1-2-3", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`, "x".repeat(10_000)])
    expect(inTrace(odd, () => 8)).toBe(8);
});
