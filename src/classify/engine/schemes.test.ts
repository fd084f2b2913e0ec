import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { itemCodes, parseSchemes, readSchemeTables, recode, versionOn } from "./schemes.ts";
import type { Scheme, SchemeRow } from "./schemes.ts";

const uk = {
  scheme: "GBR-WEEE",
  country: "GBR",
  versions: [
    {
      version: "UK14",
      valid_from: "2014-01-01",
      valid_to: "2025-08-11",
      codes: [
        { code: "1", name: "Large" },
        { code: "7", name: "Toys" },
        { code: "9", name: "Gone" },
        { code: "13", name: "Lamps" },
      ],
    },
    {
      version: "UK15",
      valid_from: "2025-08-12",
      codes: [
        { code: "1", name: "Large" },
        { code: "7", name: "Toys" },
        { code: "7.1", name: "Vapes", parent: "7" },
        { code: "13a", name: "Lamps" },
      ],
    },
  ],
  mappings: [
    {
      from: "UK14",
      to: "UK15",
      codes: [
        { from: "7", to: ["7", "7.1"] },
        { from: "9", to: [] },
        { from: "13", to: "13a" },
      ],
    },
  ],
};

function one(value: unknown): Scheme {
  const { schemes, problems } = parseSchemes(value);
  expect(problems.filter((problem) => problem.severity === "error")).toEqual([]);
  expect(schemes).toHaveLength(1);
  return schemes[0];
}

const errorsOf = (value: unknown): string[] =>
  parseSchemes(value, "x.yaml")
    .problems.filter((problem) => problem.severity === "error")
    .map((problem) => `${problem.where} | ${problem.message}`);

const version = (name: string, from: string, to?: string) => ({ version: name, valid_from: from, valid_to: to, codes: [{ code: "1" }] });
const withVersions = (...versions: unknown[]) => ({ scheme: "X", country: "*", versions });

describe("parseSchemes", () => {
  test("reads a scheme, a list of them, numbers and dates as YAML gives them", () => {
    const scheme = one(uk);
    expect(scheme).toMatchObject({ scheme: "GBR-WEEE", country: "GBR" });
    expect(scheme.versions[1]).toEqual({
      version: "UK15",
      validFrom: "2025-08-12",
      codes: [
        { code: "1", name: "Large" },
        { code: "7", name: "Toys" },
        { code: "7.1", name: "Vapes", parent: "7" },
        { code: "13a", name: "Lamps" },
      ],
    });
    expect(JSON.parse(JSON.stringify(scheme))).toEqual(scheme);
    const loose = one([{ scheme: "X", versions: [{ version: 2022, valid_from: new Date("2022-01-01"), codes: [{ code: 5 }] }] }]);
    expect(loose).toMatchObject({
      country: "*",
      versions: [{ version: "2022", validFrom: "2022-01-01", codes: [{ code: "5", name: "5" }] }],
    });
  });

  test("finds every problem at once, each with its place", () => {
    const errors = errorsOf({
      scheme: "bad name!",
      country: "Britain",
      versions: [
        { version: "a", valid_from: "2020-02-30", codes: [{ code: "1" }, { code: "1" }, { code: "2", parent: "9" }] },
        {
          version: "b",
          valid_from: "2021-01-01",
          valid_to: "2020-01-01",
          codes: [
            { code: "1", parent: "2" },
            { code: "2", parent: "1" },
          ],
        },
        { version: "c", valid_from: "2022-01-01", valid_to: "2023-06-30", codes: [{ code: "1" }] },
        { version: "d", valid_from: "2023-01-01", codes: [] },
        { version: "d", valid_from: "soon", codes: "none" },
      ],
      mappings: [
        { from: "c", to: "z", codes: [{ from: "8", to: ["1"] }] },
        {
          from: "b",
          to: "c",
          codes: [
            { from: "1", to: ["7"] },
            { from: "1", to: ["1"] },
          ],
        },
        { from: "c", to: "c", codes: [] },
      ],
      colour: "red",
    });
    for (const [where, what] of [
      ["x.yaml: bad name!", "Expected a scheme's name"],
      ["x.yaml: bad name!", "Expected a country"],
      ["x.yaml: bad name!", '"colour"'],
      ["version a", "valid_from as a day"],
      ["version a, code 1", '"1" stands twice'],
      ["version a, code 2", 'there is no "9"'],
      ["version b", "valid_to on or after valid_from"],
      ["version b, code 1", "1 -> 2 -> 1 is a circle"],
      ["version d", "begins on 2023-01-01 while c is valid until 2023-06-30"],
      ["version d", "at least one code"],
      ["version d", '"d" stands twice'],
      ["version d", '"codes" to be a list'],
      ["mapping c to z", 'there is no "z"'],
      ["mapping c to z, code 8", 'it has no "8"'],
      ["mapping b to c, code 1", 'it has no "7"'],
      ["mapping b to c, code 1", '"1" stands twice'],
      ["mapping c to c", 'both are "c"'],
    ] as const) {
      expect(errors.filter((error) => error.includes(where) && error.includes(what))).not.toEqual([]);
    }
    expect(parseSchemes({ scheme: "bad name!" }).schemes).toEqual([]);
  });

  test("refuses what is no scheme at all, in words", () => {
    for (const value of [undefined, null, 7, "text", [], {}, [null], { scheme: "X", versions: [1], mappings: {} }]) {
      const { schemes, problems } = parseSchemes(value);
      expect(schemes).toEqual([]);
      expect(problems.length > 0 || (Array.isArray(value) && value.length === 0)).toBe(true);
    }
  });

  test("warns of gaps and of codes a mapping forgets, and still reads the scheme", () => {
    const gap = parseSchemes(withVersions(version("b", "2021-01-03"), version("a", "2020-01-01", "2020-12-31")));
    expect(gap.schemes[0].versions.map((one) => one.version)).toEqual(["a", "b"]);
    expect(gap.problems).toEqual([
      { severity: "warning", where: "X, version b", message: expect.stringContaining("from 2021-01-01 to the day before 2021-01-03") },
    ]);
    const forgets = parseSchemes({ ...uk, mappings: [{ from: "UK14", to: "UK15", codes: [] }] });
    expect(forgets.problems).toEqual([expect.objectContaining({ severity: "warning", message: expect.stringContaining("9, 13") })]);
  });

  test("a version without end before another one, and a long one over short ones, overlap", () => {
    expect(errorsOf(withVersions(version("a", "2020-01-01"), version("b", "2021-01-01")))).toHaveLength(1);
    expect(
      errorsOf(
        withVersions(
          version("a", "2020-01-01", "2029-12-31"),
          version("b", "2021-01-01", "2021-12-31"),
          version("c", "2023-01-01", "2023-12-31"),
        ),
      ),
    ).toHaveLength(2);
    expect(errorsOf(withVersions(version("a", "2020-01-01", "2020-01-01"), version("b", "2020-01-01")))).toHaveLength(1);
  });

  test("one scheme in two places is an error of both", () => {
    const twice = parseSchemes([uk, uk, withVersions(version("a", "2020-01-01"))]);
    expect(twice.schemes.map((scheme) => scheme.scheme)).toEqual(["X"]);
  });
});

describe("versionOn", () => {
  test("both days belong to the version", () => {
    const scheme = one(uk);
    expect(versionOn(scheme, "2013-12-31")).toBeUndefined();
    expect(versionOn(scheme, "2014-01-01")?.version).toBe("UK14");
    expect(versionOn(scheme, "2025-08-11")?.version).toBe("UK14");
    expect(versionOn(scheme, "2025-08-12")?.version).toBe("UK15");
    expect(versionOn(scheme, "2999-01-01")?.version).toBe("UK15");
  });

  test("every day has at most one version, whatever schemes pass the checks", () => {
    const day = fc.integer({ min: 0, max: 40 }).map((n) => new Date(Date.UTC(2024, 0, 1 + n)).toISOString().slice(0, 10));
    fc.assert(
      fc.property(fc.array(fc.tuple(day, fc.option(day, { nil: undefined })), { minLength: 1, maxLength: 4 }), day, (spans, today) => {
        const { schemes } = parseSchemes(withVersions(...spans.map(([from, to], i) => version(`v${i}`, from, to))));
        const valid = spans.filter(([from, to]) => from <= today && (to === undefined || today <= to));
        const found = schemes.map((scheme) => versionOn(scheme, today)?.validFrom ?? "none");
        expect(found.every((from) => (valid.length === 0 ? from === "none" : valid.length === 1 && from === valid[0][0]))).toBe(true);
      }),
    );
  });
});

describe("recode", () => {
  const scheme = one(uk);

  test("one to one, one to many, dropped, the same, and not a code", () => {
    expect(recode(scheme, "13", "UK14", "UK15")).toEqual({ kind: "mapped", code: "13a" });
    expect(recode(scheme, "7", "UK14", "UK15")).toEqual({ kind: "ambiguous", candidates: ["7", "7.1"], dropped: false });
    expect(recode(scheme, "9", "UK14", "UK15")).toEqual({ kind: "dropped" });
    expect(recode(scheme, "1", "UK14", "UK15")).toEqual({ kind: "same", code: "1" });
    expect(recode(scheme, "13", "UK14", "UK14")).toEqual({ kind: "same", code: "13" });
    expect(recode(scheme, "99", "UK14", "UK15").kind).toBe("unmapped");
    expect(recode(scheme, "1", "UK15", "UK14").kind).toBe("unmapped");
    expect(recode(scheme, "1", "UK13", "UK14").kind).toBe("unmapped");
  });

  test("follows a chain of mappings, also when ways part and meet again", () => {
    const chain = one({
      scheme: "X",
      versions: [
        { version: "1", valid_from: "2020-01-01", valid_to: "2020-12-31", codes: codes("a", "b", "c", "d") },
        { version: "2", valid_from: "2021-01-01", valid_to: "2021-12-31", codes: codes("p", "q", "r") },
        { version: "3", valid_from: "2022-01-01", codes: codes("a", "z") },
      ],
      mappings: [
        {
          from: "1",
          to: "2",
          codes: [
            { from: "a", to: ["p", "q"] },
            { from: "b", to: ["q", "r"] },
            { from: "c", to: ["r"] },
          ],
        },
        {
          from: "2",
          to: "3",
          codes: [
            { from: "p", to: ["a"] },
            { from: "q", to: ["a"] },
            { from: "r", to: [] },
          ],
        },
      ],
    });
    expect(recode(chain, "a", "1", "3")).toEqual({ kind: "same", code: "a" });
    expect(recode(chain, "b", "1", "3")).toEqual({ kind: "ambiguous", candidates: ["a"], dropped: true });
    expect(recode(chain, "c", "1", "3")).toEqual({ kind: "dropped" });
    expect(recode(chain, "d", "1", "3")).toMatchObject({ kind: "unmapped", reason: expect.stringContaining("does not name d") });
  });

  test("a code of the same text but another name is another code", () => {
    const eu = one({
      scheme: "EU",
      versions: [
        { version: "EU10", valid_from: "2012-08-13", valid_to: "2018-08-14", codes: [{ code: "1", name: "Large household appliances" }] },
        { version: "EU6", valid_from: "2018-08-15", codes: [{ code: "1", name: "Temperature exchange equipment" }] },
      ],
      mappings: [{ from: "EU10", to: "EU6", codes: [] }],
    });
    expect(recode(eu, "1", "EU10", "EU6").kind).toBe("unmapped");
  });
});

const codes = (...names: string[]) => names.map((code) => ({ code }));

const rows = (file: string, text: string): SchemeRow[] => {
  const [head, ...lines] = text.trim().split("\n");
  const names = head.trim().split(",");
  return lines.map((line, i) => ({
    where: `${file} line ${i + 2}`,
    values: Object.fromEntries(
      line
        .trim()
        .split(",")
        .map((value, column) => [names[column], value]),
    ),
  }));
};

describe("readSchemeTables", () => {
  test("reads tables by scheme and version, splits and ends included", () => {
    const { schemes, problems } = readSchemeTables({
      versions: rows(
        "v.csv",
        "scheme,country,version,valid_from,valid_to\nGBR-WEEE,GBR,UK14,2014-01-01,2025-08-11\nGBR-WEEE,GBR,UK15,2025-08-12,",
      ),
      codes: rows("c.csv", "scheme,version,code,name,parent\nGBR-WEEE,,7,Toys,\nGBR-WEEE,UK14,9,Gone,\nGBR-WEEE,UK15,7.1,Vapes,7"),
      mappings: rows(
        "m.csv",
        "scheme,from_version,to_version,old,new\nGBR-WEEE,UK14,UK15,7,7\nGBR-WEEE,UK14,UK15,7,7.1\nGBR-WEEE,UK14,UK15,9,",
      ),
    });
    expect(problems).toEqual([]);
    expect(recode(schemes[0], "7", "UK14", "UK15")).toEqual({ kind: "ambiguous", candidates: ["7", "7.1"], dropped: false });
    expect(recode(schemes[0], "9", "UK14", "UK15")).toEqual({ kind: "dropped" });
  });

  test("reads code sets, alone or as versions of a scheme, with headings that have no row", () => {
    const sets =
      "code_set,country,version,valid_from,valid_to,basis\nHS2017,*,HS 2017,2017-01-01,2021-12-31,WCO\nHS2022,*,HS 2022,2022-01-01,,WCO";
    const codes = "code_set,code,name,parent\nHS2017,841510,Air conditioners,8415\nHS2022,841510,Air conditioners,8415";
    const alone = readSchemeTables({ versions: rows("v", sets), codes: rows("c", codes) });
    expect(alone.schemes.map((scheme) => [scheme.scheme, scheme.versions[0].version])).toEqual([
      ["HS2017", "HS 2017"],
      ["HS2022", "HS 2022"],
    ]);
    expect(alone.problems).toEqual(
      [1, 2].map(() => expect.objectContaining({ severity: "warning", message: expect.stringContaining("8415") })),
    );
    expect(itemCodes(alone.schemes[0].versions[0])).toEqual(["841510"]);
    const family = sets.replace("code_set,", "scheme,code_set,").replaceAll("\nHS", "\nHS,HS");
    const together = readSchemeTables({
      versions: rows("v", family),
      codes: rows("c", codes),
      mappings: rows("m", "scheme,from_version,to_version,old,new\nHS,HS2017,HS2022,841510,841510"),
    });
    expect(together.schemes).toHaveLength(1);
    expect(recode(together.schemes[0], "841510", "HS2017", "HS2022")).toEqual({ kind: "same", code: "841510" });
  });

  test("names the row of a problem", () => {
    const { schemes, problems } = readSchemeTables({
      versions: rows("v.csv", "scheme,country,version,valid_from\nX,*,1,2020-01-01"),
      codes: rows("c.csv", "scheme,version,code,name\nX,1,a,A\nX,1,a,A\nY,1,b,B"),
      mappings: rows("m.csv", "scheme,from_version,to_version,old,new\nZ,1,2,a,b"),
    });
    expect(schemes).toEqual([]);
    expect(problems.map((problem) => problem.where)).toEqual(["c.csv line 4", "m.csv line 2", "c.csv line 3: X, code a"]);
  });
});
