import { expect, it } from "vitest";
import { addClassicNames, parseImageSettings } from "./settings.ts";

const read = (given: object, environment: Readonly<Record<string, string>> = {}, buckets = {}) =>
  addClassicNames(parseImageSettings(given), environment, buckets);

it("stands on its own, with every default", () => {
  const { settings, requests } = read({});
  expect(settings).toMatchObject({ compat: "open", metrics: false, accessLog: true, faces: { kind: "local", minConfidence: 0.5 } });
  expect(settings.cache).toEqual({
    memoryMaxBytes: 64 * 2 ** 20,
    diskMaxBytes: 2 * 2 ** 30,
    freshMs: 60_000,
    staleMs: 86_400_000,
    missingMs: 5_000,
  });
  expect(requests).toMatchObject({ buckets: [], autoWebp: false });
  expect(requests).not.toHaveProperty("signature");
});

it("lets a classic name win over the settings file", () => {
  const given = { autoWebp: false, cors: { origin: "https://a.example" }, sources: { photos: "./photos" }, limits: { inputPixels: 5 } };
  const { settings, requests } = read(given, {
    AUTO_WEBP: "Yes",
    CORS_ENABLED: "Yes",
    CORS_ORIGIN: "https://b.example",
    SOURCE_BUCKETS: "shelf",
    SHARP_SIZE_LIMIT: "7",
  });
  expect([requests.autoWebp, settings.cors?.origin, requests.buckets, settings.limits.inputPixels]).toEqual([
    true,
    "https://b.example",
    ["shelf"],
    7,
  ]);
});

it("names buckets by who is asked first: the caller, the classic names, the sources, the stand-in", () => {
  const given = { sources: { photos: "./photos", more: "./more" } };
  expect(read(given, { SOURCE_BUCKETS: "a" }, { given: ["b"] }).requests.buckets).toEqual(["b"]);
  expect(read(given, { SOURCE_BUCKETS: "a" }).requests.buckets).toEqual(["a"]);
  expect(read(given).requests.buckets).toEqual(["photos", "more"]);
  expect(read({}, {}, { unnamed: "default" }).requests.buckets).toEqual(["default"]);
});

it("demands signatures with keys from either place, and refuses to demand them without", () => {
  const signature = { enabled: true, keys: ["own"], allowUnsafe: true };
  expect(read({ signature }).requests.signature).toEqual({ keys: ["own"], allowUnsafe: true });
  expect(read({ signature: { enabled: true } }, { SIGNATURE_SECRET: "classic" }).requests.signature?.keys).toEqual(["classic"]);
  expect(() => read({ signature: { enabled: true } })).toThrow(/SIGNATURE_SECRET/);
});

it("tells presets, policies and rewrites that cannot be before a reader meets them", () => {
  const wrong = {
    presets: { card: { edits: { resise: { width: 300 } } }, bad: { edits: { resize: { width: -1 } }, outputFormat: "bmpp" } },
    policy: { edits: ["blurr"], formats: ["jpgg"] },
  };
  expect(() => read(wrong)).toThrow(expect.objectContaining({ kind: "input", code: "IMAGES_SETTINGS" }));
  for (const place of [
    "images.presets.card.edits.resise:",
    "images.presets.bad.edits:",
    "images.presets.bad.outputFormat:",
    'images.policy.edits: expected names of edits but received "blurr"',
    "images.policy.formats:",
  ]) {
    expect(() => read(wrong)).toThrow(place);
  }
  expect(() => read({ policy: { only: "presets" } })).toThrow("images.policy.only:");
  expect(() => read({ rewrite: { pattern: "thumbs", substitution: "x" } })).toThrow("images.rewrite.pattern: expected /regex/flags");
  // A picture laid over comes from a bucket that may be named, whoever names the buckets.
  const over = { presets: { marked: { edits: { overlayWith: { bucket: "marks", key: "logo.png" } } } } };
  expect(() => read(over, { SOURCE_BUCKETS: "photos" })).toThrow("images.presets.marked.edits:");
  expect(read(over, { SOURCE_BUCKETS: "photos, marks" }).requests.presets).toEqual(over.presets);
});

it("tells all that is wrong at once, each with its place", () => {
  const wrong = { compat: "loose", autoWebp: "yes", sources: { "a b": "./x" }, limits: { maxWaiting: -1 }, nonsense: 1 };
  expect(() => read(wrong)).toThrow(expect.objectContaining({ kind: "input", code: "IMAGES_SETTINGS" }));
  for (const place of ["images.compat", "images.autoWebp", "images.sources", "images.limits.maxWaiting", "nonsense"]) {
    expect(() => read(wrong)).toThrow(place);
  }
});
