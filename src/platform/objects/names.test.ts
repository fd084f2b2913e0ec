import { createHash, createHmac } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { checkKey, findId, isPlainPath, makeStagingPath, objectPath } from "./names.ts";

const isGood = (key: string): boolean => {
  try {
    checkKey(key);
    return true;
  } catch {
    return false;
  }
};

test("keys people use are good, keys that could do harm are not", () => {
  for (const key of [
    "a",
    "classify/sales/DE/2026-10.csv",
    "Straße/été 😀/x y",
    "con",
    "a.b/..c/c..",
    "~",
    "a\\b",
    "x".repeat(1024),
    "日".repeat(341),
  ]) {
    expect([key, isGood(key)]).toEqual([key, true]);
  }
  for (const key of [
    "",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/./b",
    "../a",
    "a/..",
    "a\0b",
    "a\nb",
    "a\u007fb",
    "a\u0085b",
    "\ud800",
    "x".repeat(1025),
    "日".repeat(342),
  ]) {
    expect([key, isGood(key)]).toEqual([key, false]);
  }
});

test("a bad key's error is an input error that shows the key without printing what is in it raw", () => {
  expect(() => checkKey("a\u001b[31m")).toThrow('"a\\u001b[31m" holds a control character');
  expect(() => checkKey("y".repeat(5000))).toThrow(/^Expected .{1,200}more than 1024/);
});

/** As the vault makes it, under some key. */
const digest = (key: string): string => createHmac("sha256", "some key").update(key).digest("hex");

test("every key lies at a path of lower-case hex, another for every key and every file", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1 }), fc.string({ unit: "binary", minLength: 1 }), (a, b) => {
      const staging = makeStagingPath();
      expect(staging).toMatch(/^staging\/[0-9a-f]{32}$/);
      const path = objectPath(digest(a), staging);
      expect(path).toMatch(/^objects\/[0-9a-f]{2}\/[0-9a-f]{64}-[0-9a-f]{32}$/);
      expect(findId(path)).toBe(findId(staging));
      expect(objectPath(digest(b), staging) === path).toBe(a === b);
      expect(objectPath(digest(a), makeStagingPath())).not.toBe(path);
      expect(isPlainPath(a, path)).toBe(false);
      expect(isPlainPath(a, objectPath(createHash("sha256").update(a).digest("hex"), staging))).toBe(true);
    }),
  );
  for (const foreign of ["staging/x", "objects/ab/cd", "a", "", "staging/0123456789ABCDEF0123456789ABCDEF"])
    expect(findId(foreign)).toBeUndefined();
});
