import * as fc from "fast-check";
import { expect, it } from "vitest";
import { visible, visibleJson } from "./text.ts";

it("shows what hides, reorders or moves the cursor as its code", () => {
  expect(visible("invoice\u202Efdp.exe")).toBe("invoice\\u{202E}fdp.exe");
  expect(visible("sales\u200B/DE.csv")).toBe("sales\\u{200B}/DE.csv");
  expect(visible("\uFEFFid")).toBe("\\u{FEFF}id");
  expect(visible("a\u00ADb\u2066c\u3164d\u0000e\u001b[31m")).toBe("a\\u{00AD}b\\u{2066}c\\u{3164}d\\u{0000}e\\u{001B}[31m");
  expect(visible("a\u{E0041}b")).toBe("a\\u{E0041}b");
  expect(visible("line\nbreak\there", "\n\t")).toBe("line\nbreak\there");
});

it("leaves alone what people write", () => {
  for (const text of [
    "Wasserkocher Größe 2",
    "冷蔵庫 プレミアム",
    "می‌خواهم",
    "क्‍ष",
    "👩‍🔧 repair",
    "❤️ 1️⃣",
    "naïve café",
    "e\u0301",
    "שלום",
  ]) {
    expect(visible(text)).toBe(text);
  }
});

it("never leaves anything hidden, and JSON means what it meant", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const shown = visible(text);
      expect(shown).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u200B\u2060\uFEFF\u00AD]/u);
      expect(JSON.parse(visibleJson(JSON.stringify({ [text]: text }, undefined, 2)))).toEqual({ [text]: text });
    }),
  );
  expect(visibleJson(JSON.stringify("a\u202Eb\u{E0041}"))).toBe('"a\\u202eb\\udb40\\udc41"');
});
