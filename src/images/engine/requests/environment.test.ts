import { describe, expect, it } from "vitest";
import { classicNames } from "./environment.ts";
import { parseRequest, readEnvironment } from "./index.ts";

const problems = (env: Record<string, string>): string[] => {
  try {
    readEnvironment(env);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ kind: "input", code: "IMAGES_ENVIRONMENT" });
    return [...(error as Error).message.matchAll(/([A-Z_]{5,}): expected/g)].map((match) => match[1] ?? "");
  }
};

describe("the classic environment", () => {
  it("says nothing when nothing is set", () => {
    expect(readEnvironment({})).toEqual({ request: {} });
    expect(readEnvironment(Object.fromEntries(classicNames.map((name) => [name, ""])))).toEqual({ request: {} });
  });
  it("says everything", () => {
    const settings = readEnvironment({
      SOURCE_BUCKETS: "photos, marks ,\n more",
      AUTO_WEBP: "Yes",
      ENABLE_SIGNATURE: "Yes",
      SIGNATURE_SECRET: " secret with blanks ",
      REWRITE_MATCH_PATTERN: "/(filters-)/gm",
      REWRITE_SUBSTITUTION: "filters:",
      CORS_ENABLED: "Yes",
      CORS_ORIGIN: "https://shop.example.com",
      ENABLE_DEFAULT_FALLBACK_IMAGE: "Yes",
      DEFAULT_FALLBACK_IMAGE_BUCKET: "marks",
      DEFAULT_FALLBACK_IMAGE_KEY: "none.png",
      SHARP_SIZE_LIMIT: "1000000",
    });
    expect(settings).toEqual({
      request: {
        buckets: ["photos", "marks", "more"],
        autoWebp: true,
        signature: { keys: [" secret with blanks "] },
        rewrite: { pattern: "/(filters-)/gm", substitution: "filters:" },
      },
      cors: { origin: "https://shop.example.com" },
      fallback: { bucket: "marks", key: "none.png" },
      maxInputPixels: 1_000_000,
    });
  });
  it("switches off with No", () => {
    const off = {
      AUTO_WEBP: "No",
      ENABLE_SIGNATURE: "No",
      SIGNATURE_SECRET: "s",
      CORS_ENABLED: "no",
      CORS_ORIGIN: "x",
      ENABLE_DEFAULT_FALLBACK_IMAGE: "No",
    };
    expect(readEnvironment(off)).toEqual({ request: { autoWebp: false } });
  });
  it("allows any origin when CORS names none", () => expect(readEnvironment({ CORS_ENABLED: "Yes" }).cors).toEqual({ origin: "*" }));
  it("reads keys from a file, one a line, after the one of its own", () => {
    const read = (path: string): string => (path === "keys" ? "first\nsecond\r\n\n" : "");
    const env = { ENABLE_SIGNATURE: "Yes", SIGNATURE_SECRET_FILE: "keys" };
    expect(readEnvironment(env, read).request.signature?.keys).toEqual(["first", "second"]);
    expect(readEnvironment({ ...env, SIGNATURE_SECRET: "own" }, read).request.signature?.keys).toEqual(["own", "first", "second"]);
    expect(() => readEnvironment({ ...env, SIGNATURE_SECRET_FILE: "empty" }, read)).toThrow(/SIGNATURE_SECRET: expected a key/);
    const missing = (): string => {
      throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    };
    expect(() => readEnvironment(env, missing)).toThrow(/SIGNATURE_SECRET_FILE: expected a file with one key a line but ENOENT/);
  });
  it("tells every problem at once, and no secret", () => {
    const all = {
      SOURCE_BUCKETS: " , ",
      AUTO_WEBP: "Perhaps",
      ENABLE_SIGNATURE: "Yes",
      REWRITE_MATCH_PATTERN: "/(/g",
      CORS_ENABLED: "on",
      ENABLE_DEFAULT_FALLBACK_IMAGE: "Yes",
      SHARP_SIZE_LIMIT: "many",
    };
    expect(problems(all).sort()).toEqual([
      "AUTO_WEBP",
      "CORS_ENABLED",
      "DEFAULT_FALLBACK_IMAGE_BUCKET",
      "DEFAULT_FALLBACK_IMAGE_KEY",
      "REWRITE_MATCH_PATTERN",
      "REWRITE_SUBSTITUTION",
      "SHARP_SIZE_LIMIT",
      "SIGNATURE_SECRET",
      "SOURCE_BUCKETS",
    ]);
    expect(() => readEnvironment({ ENABLE_SIGNATURE: "Yes", SIGNATURE_SECRET: "hush", AUTO_WEBP: "x" })).toThrow(/^((?!hush).)*$/);
  });
  it.each(["0", "-1", "1.5", "1e400", "x"])("takes no SHARP_SIZE_LIMIT of %s", (limit) =>
    expect(problems({ SHARP_SIZE_LIMIT: limit })).toEqual(["SHARP_SIZE_LIMIT"]),
  );
  it.each(["matchPattern", "//g", "/a", "/a/gg", "/(/"])("takes no pattern %s", (pattern) => {
    expect(problems({ REWRITE_MATCH_PATTERN: pattern, REWRITE_SUBSTITUTION: "x" })).toEqual(["REWRITE_MATCH_PATTERN"]);
  });
  it("gives options that read URLs", () => {
    const { request } = readEnvironment({
      SOURCE_BUCKETS: "a,b",
      REWRITE_MATCH_PATTERN: "/^\\/t\\/(.*)$/",
      REWRITE_SUBSTITUTION: "/10x10/$1",
    });
    expect(parseRequest("/t/x.jpg", { buckets: [], ...request })).toMatchObject({
      requestType: "custom",
      bucket: "a",
      key: "x.jpg",
      edits: { resize: { width: 10 } },
    });
  });
});
