import { expect, test } from "vitest";
import { lockKey } from "./liveness.ts";

test("lock keys are positive, stable and apart", () => {
  expect(lockKey("one")).toBe(lockKey("one"));
  const keys = new Set(Array.from({ length: 1_000 }, (_, index) => lockKey(`worker-${index}`)));
  expect(keys.size).toBe(1_000);
  for (const key of keys) expect(BigInt(key) >= 0n && BigInt(key) < 2n ** 63n).toBe(true);
});
