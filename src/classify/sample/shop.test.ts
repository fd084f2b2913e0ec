import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTable } from "../../platform/formats/index.ts";
import { gather, type Body } from "../../platform/bytes.ts";
import { itemCodes, parseSchemes } from "../engine/schemes.ts";
import { csvBody } from "./csv.ts";
import { shopCountries, type SchemeFile } from "./rules.ts";
import { makeShop, type Shop } from "./shop.ts";
import { departments, brands, hints, kinds, languages } from "./words.ts";

const least = 2 * kinds.length;

async function digest(shop: Shop): Promise<string> {
  const hash = createHash("sha256");
  for (const file of shop.files()) {
    hash.update(file.key);
    for await (const bytes of file.body()) hash.update(bytes);
  }
  return hash.digest("hex");
}

async function readBack(body: Body): Promise<{ columns: readonly string[]; rows: string[][]; bad: number }> {
  let bad = 0;
  const table = await readTable(body, { name: "sample.csv", onBadRow: () => (bad += 1) });
  const rows: string[][] = [];
  for await (const batch of table.batches) for (const row of batch.rows) rows.push([...row]);
  return { columns: table.columns, rows, bad };
}

const leaves = (codes: SchemeFile["versions"][number]["codes"]): string[] =>
  codes.filter((code) => code.heading === undefined).map((code) => code.code);

const versionOn = (file: SchemeFile, date: string) =>
  file.versions.filter((version) => version.valid_from <= date && (version.valid_to === undefined || date <= version.valid_to));

describe("the same options", () => {
  test("give the same bytes, this year and next", async () => {
    const options = { seed: 7, items: least, months: ["2026-10"] };
    const first = await digest(makeShop(options));
    expect(await digest(makeShop(options))).toBe(first);
    expect(first).toBe("f9a22cea2588f0cc8b04424730fca3d6e2ef7c201f39e0ac6204937e2ef8ec74");
  });

  test("another seed gives other bytes", async () => {
    const countries = ["DEU"];
    expect(await digest(makeShop({ seed: 1, items: least, countries }))).not.toBe(
      await digest(makeShop({ seed: 2, items: least, countries })),
    );
  });

  test("a country does not depend on which others are asked for, nor a product on how many follow", () => {
    const alone = makeShop({ seed: 3, items: least, countries: ["ITA"] });
    const among = makeShop({ seed: 3, items: least + 50 });
    expect([...among.catalogue("ITA")].slice(0, least)).toEqual([...alone.catalogue("ITA")]);
  });

  test("two readers of one shop do not disturb each other", () => {
    const shop = makeShop({ seed: 5, items: least, countries: ["JPN"] });
    const one = shop.labelledRows("JPN")[Symbol.iterator]();
    const two = shop.labelledRows("JPN")[Symbol.iterator]();
    for (let i = 0; i < 50; i++) expect(one.next().value).toEqual(two.next().value);
  });
});

describe("labels", () => {
  test("are wrong as often as asked, for every scheme", () => {
    for (const noise of [0, 0.02, 0.2]) {
      const shop = makeShop({ seed: 11, items: 8_000, countries: ["DEU", "POL"], noise });
      for (const country of ["DEU", "POL"]) {
        const schemes = shop.labelledColumns(country).slice(8);
        const wrong = schemes.map(() => 0);
        let rows = 0;
        for (const row of shop.labelledRows(country)) {
          rows += 1;
          schemes.forEach((column, i) => {
            if (row[8 + i] !== shop.trueCode(column.slice("code.".length), row[0], row[6])) wrong[i] += 1;
          });
        }
        for (const count of wrong) {
          // Four standard deviations of a binomial, and the first rows, which are never wrong.
          expect(Math.abs(count / rows - noise)).toBeLessThan(4 * Math.sqrt((noise * (1 - noise)) / rows) + (noise * least) / rows + 1e-9);
        }
      }
    }
  });

  test("of a country are wrong as often as the country's own rate says, and the rates differ", () => {
    expect(new Set(shopCountries.map((country) => country.noise)).size).toBeGreaterThan(3);
    for (const country of shopCountries) {
      expect(country.noise).toBeGreaterThanOrEqual(0.02);
      expect(country.noise).toBeLessThanOrEqual(0.04);
      expect(country.languages.reduce((sum, [, share]) => sum + share, 0)).toBeCloseTo(1, 12);
    }
  });

  test("cover every code of every version, whatever the seed and the months, and none besides", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: least, max: least + 40 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 4 }),
        (seed, items, offsets) => {
          const months = offsets
            .sort((a, b) => a - b)
            .map((offset) => `${2024 + Math.floor(offset / 12)}-${String((offset % 12) + 1).padStart(2, "0")}`);
          const shop = makeShop({ seed, items, months });
          for (const file of shop.schemes()) {
            const column = shop.labelledColumns(file.country).indexOf(`code.${file.scheme}`);
            const seen = new Map(file.versions.map((version) => [version.version, new Set<string>()]));
            for (const row of shop.labelledRows(file.country)) {
              const valid = versionOn(file, row[6]);
              expect(valid).toHaveLength(1);
              seen.get(valid[0].version)?.add(row[column]);
            }
            for (const version of file.versions) {
              const listed = new Set(version.codes.map((code) => code.code));
              const found = seen.get(version.version) ?? new Set();
              expect(leaves(version.codes).filter((code) => !found.has(code))).toEqual([]);
              expect([...found].filter((code) => !listed.has(code))).toEqual([]);
            }
          }
        },
      ),
      { numRuns: 8 },
    );
  });
});

describe("schemes", () => {
  const shop = makeShop({ seed: 1, items: least });

  test("are two a country, and some change inside the sample period", () => {
    expect(shop.schemes().map((file) => file.scheme)).toEqual(shopCountries.flatMap(({ code }) => [`${code}-WASTE`, `${code}-CUSTOMS`]));
    const changing = shop.schemes().filter((file) => file.versions.length > 1);
    expect(changing.map((file) => file.scheme)).toEqual(["BEL-WASTE", "DEU-WASTE", "GBR-WASTE", "ITA-WASTE"]);
    expect(shop.changeDay > `${shop.months[0]}-01` && shop.changeDay < `${shop.months.at(-1)}-31`).toBe(true);
  });

  test("have versions that meet, unique codes, and parents that are codes", () => {
    for (const file of shop.schemes()) {
      const ends = file.versions.map((version) => (version.valid_to === undefined ? undefined : Date.parse(version.valid_to) + 86_400_000));
      const starts = file.versions.map((version) => Date.parse(version.valid_from));
      expect(ends).toEqual([...starts.slice(1), undefined]);
      for (const version of file.versions) {
        const codes = version.codes.map((code) => code.code);
        expect(new Set(codes).size).toBe(codes.length);
        for (const code of version.codes) {
          expect(code.name).not.toBe("");
          expect(code.name).not.toMatch(/[{}]/);
          expect([undefined, ...codes]).toContain(code.parent);
        }
      }
    }
  });

  test("are taken by the module's own reader without a word, and it sees the same item codes", () => {
    const read = parseSchemes(JSON.parse(JSON.stringify(shop.schemes())));
    expect(read.problems).toEqual([]);
    expect(
      read.schemes.flatMap((scheme) => scheme.versions.map((version) => [scheme.scheme, version.version, itemCodes(version)])),
    ).toEqual(
      shop
        .schemes()
        .toSorted((a, b) => (a.scheme < b.scheme ? -1 : 1))
        .flatMap((file) => file.versions.map((version) => [file.scheme, version.version, leaves(version.codes)])),
    );
  });

  test("map every old code that an item can have to codes of the next version: a split, a merge, a move, a sub-code", () => {
    const kindsOf: Record<string, number> = {};
    for (const file of shop.schemes()) {
      expect(file.mappings).toHaveLength(file.versions.length - 1);
      for (const mapping of file.mappings) {
        const old = file.versions.find((version) => version.version === mapping.from)?.codes ?? [];
        const now = new Set(file.versions.find((version) => version.version === mapping.to)?.codes.map((code) => code.code));
        expect(mapping.codes.map((row) => row.from)).toEqual(leaves(old).sort());
        for (const row of mapping.codes) for (const code of row.to) expect(now.has(code)).toBe(true);
        kindsOf[file.scheme] = mapping.codes.filter((row) => row.to.length > 1).length;
      }
    }
    expect(kindsOf).toEqual({ "BEL-WASTE": 0, "DEU-WASTE": 1, "GBR-WASTE": 1, "ITA-WASTE": 1 });
  });
});

describe("rows", () => {
  const shop = makeShop({ seed: 21, items: 1_500 });

  test("have dates inside their period, and positive whole units", () => {
    for (const period of shop.months) {
      for (const { code } of shop.countries) {
        const rows = [...shop.salesRows(code, period)];
        expect(rows.length).toBeGreaterThan(1_100);
        const isRight = (row: readonly string[]): boolean =>
          row.length === shop.salesColumns.length &&
          row[6].slice(0, 7) === period &&
          new Date(row[6]).toISOString().slice(0, 10) === row[6] &&
          Number.isInteger(Number(row[7])) &&
          Number(row[7]) > 0 &&
          Number(row[8]) > 0;
        expect(rows.filter((row) => !isRight(row))).toEqual([]);
      }
    }
    for (const { code } of shop.countries) {
      const outside = [...shop.labelledRows(code)].filter((row) => row[6] < "2025-08-01" || row[6] > "2026-10-31");
      expect(outside).toEqual([]);
    }
  });

  test("read back through the product's reader as they were, quotes and line breaks included", async () => {
    let breaks = 0;
    for (const { code } of shop.countries) {
      const rows = [...shop.labelledRows(code)].map((row) => [...row]);
      breaks += rows.filter((row) => row.some((field) => field.includes("\n"))).length;
      const back = await readBack(csvBody(shop.labelledColumns(code), rows));
      expect(back).toEqual({ columns: shop.labelledColumns(code), rows, bad: 0 });
    }
    expect(breaks).toBeGreaterThan(10);
  });

  test("of any text survive CSV", async () => {
    const text = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", "é", "冷", "😀", " ", ";", "'") });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text, text), { minLength: 1, maxLength: 20 }), async (rows) => {
        // A record of empty fields only is a matter of the reader; the shop always has an id.
        const full = rows.map(([a, b, c], i) => [`r${i}`, a, b, c]);
        const back = await readBack(csvBody(["id", "a", "b", "c"], full));
        expect(back.rows).toEqual(full);
      }),
      { numRuns: 100 },
    );
  });

  test("sell by a long tail: the first hundredth of the range sells far more than its share", () => {
    const units = [...shop.salesRows("GBR", "2026-09")].map((row) => Number(row[7]));
    const total = units.reduce((sum, each) => sum + each, 0);
    expect(units.slice(0, 15).reduce((sum, each) => sum + each, 0) / total).toBeGreaterThan(0.1);
  });

  test("are made one at a time: of a billion asked for, a thousand taken", () => {
    const endless = makeShop({ seed: 1, items: 1e9, countries: ["ESP"] }).salesRows("ESP", "2026-08");
    let rows = 0;
    while (rows < 1_000 && endless[Symbol.iterator]().next().done === false) rows += 1;
    expect(rows).toBe(1_000);
  });

  test("sometimes say too little, and sometimes nothing at all", () => {
    const rows = [...shop.labelledRows("GBR")];
    const untitled = rows.filter((row) => row[3] === "").length / rows.length;
    expect(untitled).toBeGreaterThan(0.15);
    expect(untitled).toBeLessThan(0.25);
    expect(rows.some((row) => row[3] === "" && row[4] === "" && row[5] === "")).toBe(true);
  });
});

describe("words", () => {
  test("are there in every language, and templates name kinds whose own names are plain", () => {
    const plain = new Set(
      kinds.filter((kind) => languages.every((lang) => kind.names[lang].every((name) => !name.includes("{")))).map((kind) => kind.key),
    );
    for (const kind of kinds) {
      for (const lang of languages) {
        expect(kind.names[lang].length).toBeGreaterThan(0);
        for (const name of kind.names[lang]) {
          expect(name).not.toBe("");
          for (const [, inner] of name.matchAll(/\{([^}]*)\}/g)) expect(plain).toContain(inner);
        }
      }
    }
    expect(new Set(kinds.map((kind) => kind.key)).size).toBe(kinds.length);
    for (const department of departments) {
      expect(brands.some((brand) => brand.departments.includes(department))).toBe(true);
      for (const lang of languages) expect(hints[department][lang].every((hint) => hint !== "")).toBe(true);
    }
  });

  test("no title is left with a template in it", () => {
    const shop = makeShop({ seed: 2, items: 1_000 });
    for (const { code } of shop.countries)
      for (const product of shop.catalogue(code)) expect(product.title + product.description).not.toMatch(/[{}]/);
  });
});

describe("wrong options", () => {
  const wrong: [string, () => unknown, string][] = [
    ["an unknown country", () => makeShop({ seed: 1, items: least, countries: ["XXX"] }), "SHOP_BAD_COUNTRY"],
    ["a country not asked for", () => [...makeShop({ seed: 1, items: least, countries: ["DEU"] }).catalogue("ITA")], "SHOP_BAD_COUNTRY"],
    ["a month that is none", () => makeShop({ seed: 1, items: least, months: ["2026-13"] }), "SHOP_BAD_MONTHS"],
    ["months that fall", () => makeShop({ seed: 1, items: least, months: ["2026-10", "2026-09"] }), "SHOP_BAD_MONTHS"],
    ["no month", () => makeShop({ seed: 1, items: least, months: [] }), "SHOP_BAD_MONTHS"],
    ["another period", () => [...makeShop({ seed: 1, items: least }).salesRows("DEU", "2020-01")], "SHOP_BAD_MONTHS"],
    ["too few items", () => makeShop({ seed: 1, items: least - 1 }), "SHOP_TOO_SMALL"],
    ["items that are no number", () => makeShop({ seed: 1, items: Number.NaN }), "SHOP_TOO_SMALL"],
    ["a noise above a half", () => makeShop({ seed: 1, items: least, noise: 0.6 }), "SHOP_BAD_NOISE"],
  ];
  test.each(wrong)("%s is refused with a code", (_, work, code) => {
    expect(work).toThrow(expect.objectContaining({ code, kind: "input" }));
  });
});

test("files come schemes first, each under its key, and gather to what the rows say", async () => {
  const shop = makeShop({ seed: 1, items: least, countries: ["DEU"], months: ["2026-10"] });
  const files = [...shop.files()];
  expect(files.map((file) => file.key)).toEqual([
    "classify/schemes/DEU-WASTE.json",
    "classify/schemes/DEU-CUSTOMS.json",
    "classify/labelled/DEU/sample.csv",
    "classify/sales/2026-10/DEU.csv",
  ]);
  const scheme: unknown = JSON.parse(Buffer.from(await gather(files[0].body())).toString());
  expect(scheme).toEqual(shop.schemes()[0]);
});
