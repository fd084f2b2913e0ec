import { expect, it } from "vitest";
import type { ErrorKind } from "../../platform/errors.ts";
import { StockroomError } from "../../platform/errors.ts";
import { makeNegativeCache } from "./negative-cache.ts";

const open = () => {
  const state = { now: 0 };
  return { state, failures: makeNegativeCache({ missingMs: 5_000, nowMs: () => state.now }) };
};

it("tells a failure again for its time (N2)", () => {
  const { failures, state } = open();
  const error = new StockroomError("missing", "NoSuchKey", "Expected a key.");
  failures.put("a", error);
  state.now = 4_999;
  expect([failures.find("a"), failures.find("b")]).toEqual([error, undefined]);
  state.now = 5_000;
  expect(failures.find("a")).toBeUndefined();
});

it("keeps only what the request or the original is to blame for (N1)", () => {
  const kept: Record<ErrorKind, boolean> = { input: true, missing: true, denied: true, conflict: true, busy: false, fault: false };
  for (const [kind, keeps] of Object.entries(kept) as [ErrorKind, boolean][]) {
    const { failures } = open();
    failures.put("a", new StockroomError(kind, "CODE", "Expected."));
    expect([kind, failures.find("a") !== undefined]).toEqual([kind, keeps]);
  }
  const { failures } = open();
  failures.put("a", new Error("not ours"));
  failures.put("b", new StockroomError("input", "ImageEdits::TooCostly", "Expected less.", { facts: { ended: true } }));
  expect([failures.find("a"), failures.find("b")]).toEqual([undefined, undefined]);
});

it("is bounded", () => {
  const { failures } = open();
  const error = new StockroomError("missing", "NoSuchKey", "Expected a key.");
  for (let n = 0; n < 6_000; n++) failures.put(String(n), error);
  expect([failures.find("0"), failures.find("999"), failures.find("1000")]).toEqual([undefined, undefined, error]);
});
