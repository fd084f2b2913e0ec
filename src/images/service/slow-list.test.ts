import { expect, it } from "vitest";
import { StockroomError } from "../../platform/errors.ts";
import { pastDeadline } from "./problems.ts";
import { makeSlowList } from "./slow-list.ts";

const never = new AbortController().signal;
const timedOut = new StockroomError("busy", "ProcessingTimeout", "Expected to be done by now.");
const ended = new StockroomError("input", "ImageEdits::TooCostly", "Expected less.", { facts: { ended: true } });
const open = () => {
  const state = { now: 0 };
  return { state, slow: makeSlowList({ nowMs: () => state.now }) };
};

it("tells at once that a picture was slow, and when to come again (L1)", () => {
  const { slow, state } = open();
  slow.note("a", "1", timedOut, never);
  expect(slow.versionOf("a")).toBe("1");
  expect(() => slow.check("a", "1")).toThrow(
    expect.objectContaining({ code: "ProcessingTimeout", facts: { status: 503, retryAfterSeconds: 60 } }),
  );
  state.now = 60_000;
  expect(slow.versionOf("a")).toBeUndefined();
  expect(() => slow.check("a", "1")).not.toThrow();
});

it("blames only the content it was made of (L2)", () => {
  const { slow } = open();
  slow.note("a", "1", timedOut, never);
  expect(() => slow.check("a", "2")).not.toThrow();
  expect(() => slow.check("b", "1")).not.toThrow();
});

it("lists what ran past the deadline, whatever its work threw, and longer what had to be ended (L3)", () => {
  const { slow, state } = open();
  slow.note("late", "1", new Error("aborted"), AbortSignal.abort(pastDeadline(30_000)));
  slow.note("ended", "1", ended, never);
  expect(() => slow.check("late", "1")).toThrow(/ran out of it/);
  expect(() => slow.check("ended", "1")).toThrow(ended);
  state.now = 299_999;
  expect([slow.versionOf("late"), slow.versionOf("ended")]).toEqual([undefined, "1"]);
  state.now = 300_000;
  expect(slow.versionOf("ended")).toBeUndefined();
});

it("lists nothing else: other failures, and callers who left", () => {
  const { slow } = open();
  slow.note("a", "1", new StockroomError("input", "InvalidEdit", "Expected another edit."), never);
  slow.note("b", "1", new Error("gone"), AbortSignal.abort(new DOMException("The caller has gone.", "AbortError")));
  expect([slow.versionOf("a"), slow.versionOf("b")]).toEqual([undefined, undefined]);
});
