import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Item } from "./dataset.ts";
import { featureKind, openExtractor, parseNumber, type FeatureSpec } from "./features.ts";

const spec: FeatureSpec = {
  rule: "stockroom-features-1",
  bits: 18,
  maxPoints: 5000,
  text: [
    { column: "title", pairs: true, minChars: 3, maxChars: 5, across: true },
    { column: "description", pairs: true, minChars: 3, maxChars: 5, across: false },
  ],
  categories: ["country", "brand"],
  crosses: [0],
  numbers: [{ column: "price", mean: 10, deviation: 5, edges: [5, 10, 20] }],
};

const item = (title: string, description = "", country = "GBR", brand = "", price = ""): Item => ({
  text: [title, description],
  categories: [country, brand],
  numbers: [price],
});

function read(one: Item, by = spec): Map<number, number> {
  const extractor = openExtractor(by);
  extractor.read(one);
  const entries = new Map<number, number>();
  for (let entry = 0; entry < extractor.count; entry++) entries.set(extractor.keys[entry], extractor.amounts[entry]);
  expect(entries.size).toBe(extractor.count);
  return entries;
}

const wild = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", " ", "👩‍🔧🔌", "\ud800", "abc\udfffdef", "Ⅷ ﬁ Ａ", "電気ケトル 1.7L", "İstanbul", "ß ẞ", "e\u0301", "a\u0000b"),
);
const anyItem = fc
  .tuple(wild, wild, wild, wild, fc.constantFrom("", "7", "-1e9", "NaN", " .5 ", "1e300"))
  .map(([title, description, country, brand, price]) => item(title, description, country, brand, price));

test("an item's features do not depend on what was read before", () => {
  fc.assert(
    fc.property(fc.array(anyItem, { maxLength: 5 }), anyItem, (before, last) => {
      const extractor = openExtractor(spec);
      for (const one of before) extractor.read(one);
      extractor.read(last);
      const entries = Array.from({ length: extractor.count }, (_, entry) => [extractor.keys[entry], extractor.amounts[entry]]);
      expect(entries).toEqual([...read(last)]);
      for (const [, amount] of entries) expect(Number.isFinite(amount)).toBe(true);
    }),
  );
});

test("case, width and composition of letters do not matter", () => {
  for (const [a, b] of [
    ["Kettle 1.7 L", "ＫＥＴＴＬＥ １.７ l"],
    ["CAFÉ", "cafe\u0301"],
    ["Ärger", "A\u0308RGER"],
  ] as const) {
    expect(read(item(a))).toEqual(read(item(b)));
  }
});

test("columns are namespaces of their own", () => {
  const keysOf = (one: Item): Set<number> => new Set(read(one).keys());
  const inTitle = keysOf(item("kettle", "x"));
  const inDescription = keysOf(item("x", "kettle"));
  const nothing = keysOf(item("x", "x"));
  const shared = [...inTitle].filter((key) => inDescription.has(key) && !nothing.has(key));
  expect(shared).toEqual([]);
});

test("a character of a script without spaces is a word of its own", () => {
  const extractor = openExtractor(spec);
  extractor.read(item("電気ケトル"));
  const words = Array.from({ length: extractor.count }, (_, entry) => extractor.kinds[entry]).filter(
    (kind) => kind === ((1 << 3) | featureKind.word),
  );
  expect(words).toHaveLength(5);
});

test("character n-grams run over a space only where the spec says so", () => {
  const one = { ...spec, text: spec.text.map((text) => ({ ...text, pairs: false })), crosses: [] };
  const across = read(item("ab cd"), { ...one, text: [{ ...one.text[0], across: true }, one.text[1]] });
  const within = read(item("ab cd"), { ...one, text: [{ ...one.text[0], across: false }, one.text[1]] });
  expect([...within.keys()].every((key) => across.has(key))).toBe(true);
  // " ab cd ": "b c", "ab c", "b cd", ... against " ab", "ab ", " ab " and the same of cd.
  expect(across.size).toBeGreaterThan(within.size);
});

test("tokens name the words of the item, in its own letters folded", () => {
  const extractor = openExtractor(spec);
  extractor.forget();
  extractor.read(item("Russell HOBBS kettle", "leaks", "GBR", "Russell"));
  const tokens = Array.from({ length: extractor.tokens }, (_, token) => extractor.token(token).text);
  expect(tokens).toEqual(["", "russell", "hobbs", "kettle", "leaks", "GBR", "Russell", ""]);
});

test("a text of a megabyte is read up to the bound, in bounded memory", () => {
  const long = "kettle 電 ".repeat(120_000);
  const cut = read(item(long));
  expect(cut).toEqual(read(item(long.slice(0, spec.maxPoints))));
  expect(cut.size).toBeLessThan(200);
  const noise = Array.from({ length: 300_000 }, (_, i) => String.fromCodePoint(97 + ((i * 7919) % 26), 97 + ((i * 104_729) % 26))).join(
    " ",
  );
  const extractor = openExtractor(spec);
  extractor.read(item(noise, noise));
  expect(extractor.count).toBeLessThan(2 * spec.maxPoints * 5);
});

test("the keys of a known item stay the same for ever: models on disk rely on them", () => {
  const entries = [...read(item("Kettle", "lid", "GBR", "Tefal", "12"))].map(([key, amount]) => [key, Math.round(amount * 1000) / 1000]);
  expect(entries).toMatchInlineSnapshot(`
    [
      [
        2798651257,
        1,
      ],
      [
        2527370789,
        1,
      ],
      [
        2333965413,
        1,
      ],
      [
        137730066,
        1,
      ],
      [
        2210105275,
        1,
      ],
      [
        1443824249,
        1,
      ],
      [
        1813442900,
        1,
      ],
      [
        713433334,
        1,
      ],
      [
        1820118627,
        1,
      ],
      [
        1235365309,
        1,
      ],
      [
        2943723547,
        1,
      ],
      [
        1808960215,
        1,
      ],
      [
        3994523808,
        1,
      ],
      [
        3470163877,
        1,
      ],
      [
        3364434488,
        1,
      ],
      [
        2619042792,
        1,
      ],
      [
        3443533498,
        1,
      ],
      [
        4110126875,
        1,
      ],
      [
        84412569,
        1,
      ],
      [
        1903417172,
        1,
      ],
      [
        2863201510,
        1,
      ],
      [
        199818335,
        1,
      ],
      [
        378835254,
        1,
      ],
      [
        1599473294,
        1,
      ],
      [
        2797977898,
        1,
      ],
      [
        271962653,
        1,
      ],
      [
        4087243092,
        1,
      ],
      [
        406024065,
        1,
      ],
      [
        2142922306,
        1,
      ],
      [
        2448372118,
        0.4,
      ],
    ]
  `);
});

test("a number that is none in canonical text is refused, never taken for a missing one", () => {
  expect(["", " ", "n/a", "7", "-1e3", " .5 "].map(parseNumber)).toEqual([undefined, undefined, undefined, 7, -1000, 0.5]);
  for (const text of ["1234,56", "1,234.5", "5,320", "€ 5", "12 %", "Infinity", "0x10", "abc", "1e999"]) {
    expect(() => parseNumber(text)).toThrow(/Expected a number with a decimal point/);
  }
});
