import * as fc from "fast-check";
import { expect, it } from "vitest";
import { makeFreshness, mayBeStale, mayBeStored } from "./freshness.ts";

const open = () => {
  const state = { now: 1_000 };
  return { state, freshness: makeFreshness({ freshMs: 60_000, nowMs: () => state.now }) };
};

it("holds a version for its time, whoever asks for it, and no longer (F1)", () => {
  const { freshness, state } = open();
  freshness.confirm("a", "1", undefined);
  expect(freshness.find("a", state.now + 59_999)).toEqual({ version: "1", untilMs: 61_000 });
  expect(freshness.find("a", state.now + 60_000)).toBeUndefined();
  expect(freshness.find("b", state.now)).toBeUndefined();
});

it("lets the source's word shorten its time and never lengthen it (F1)", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), fc.constantFrom("", "public, ", "immutable, "), (seconds, before) => {
      const { freshness, state } = open();
      freshness.confirm("a", "1", `${before}max-age=${seconds}`);
      const holdsMs = Math.min(60_000, seconds * 1000);
      expect(freshness.find("a", state.now + holdsMs)).toBeUndefined();
      expect(freshness.find("a", state.now + Math.max(0, holdsMs - 1))?.version).toBe(holdsMs === 0 ? undefined : "1");
    }),
  );
  for (const word of ["no-cache", "no-store", "private, No-Cache, max-age=60"]) {
    const { freshness, state } = open();
    freshness.confirm("a", "1", word);
    expect([word, freshness.find("a", state.now)]).toEqual([word, undefined]);
  }
});

it("has one version of an original, the last that was named (F2), until it is forgotten", () => {
  const { freshness, state } = open();
  freshness.confirm("a", "1", undefined);
  freshness.confirm("a", "2", undefined);
  expect(freshness.find("a", state.now)?.version).toBe("2");
  freshness.hold("a", "1", 5_000);
  expect(freshness.find("a", state.now + 4_999)?.version).toBe("1");
  expect(freshness.find("a", state.now + 5_000)).toBeUndefined();
  freshness.forget("a");
  expect(freshness.find("a", state.now)).toBeUndefined();
});

it("knows which answers may be old, and which may be kept", () => {
  const lives = (cacheControl: string | undefined) => {
    const source = cacheControl === undefined ? {} : { cacheControl };
    return [mayBeStale({ source }), mayBeStored(source)];
  };
  expect(lives(undefined)).toEqual([true, true]);
  expect(lives("max-age=60, public")).toEqual([true, true]);
  expect(lives("no-cache")).toEqual([false, true]);
  expect(lives("max-age=60, Must-Revalidate")).toEqual([false, true]);
  expect(lives("private, No-Store")).toEqual([false, false]);
});
