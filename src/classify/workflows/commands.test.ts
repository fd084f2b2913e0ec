import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ReportFigure } from "../store/reports.ts";
import { besideFirst, checkProof, parseLimit, parseMoment, parseReviewQuery } from "./commands.ts";

describe("parseMoment", () => {
  test("a day is its end, a moment is itself", () => {
    expect(parseMoment("2024-02-29")).toBe("2024-02-29T23:59:59.999Z");
    expect(parseMoment("2026-10-01T10:00:00+02:00")).toBe("2026-10-01T08:00:00.000Z");
  });

  test("a month is its first moment, as Date has it", () => {
    expect(parseMoment("2026-10")).toBe("2026-10-01T00:00:00.000Z");
  });

  test.each([
    "",
    "2026-02-29",
    "2026-02-30",
    "2026-13-01",
    "yesterday now",
    "+012026-01-01T00:00:00Z",
    "0000-01-01",
    "-000001-01-01T00:00:00Z",
  ])("%j is refused", (text) => {
    expect(() => parseMoment(text)).toThrow(/Expected a day such as/);
  });
});

describe("parseLimit", () => {
  test("takes whole numbers within its bound", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), (number) => {
        expect(parseLimit(String(number), 1_000)).toBe(number);
      }),
    );
  });

  test("takes nothing else", () => {
    const other = fc.oneof(
      fc.integer({ max: 0 }).map(String),
      fc.integer({ min: 1_001 }).map(String),
      fc.constantFrom("", " 1", "1.0", "1e2", "0x10", "Infinity", "NaN", "99999999999999999999"),
    );
    fc.assert(
      fc.property(other, (text) => {
        expect(() => parseLimit(text, 1_000)).toThrow(/from 1 to 1000/);
      }),
    );
  });
});

test("parseReviewQuery leaves out what was not asked for", () => {
  const limits = { usual: 20, most: 100 };
  expect(parseReviewQuery({}, limits)).toEqual({ state: "waiting", limit: 20 });
  expect(parseReviewQuery({ line: "GBR-UK15", period: "2026-10", kind: "audit", limit: "100" }, limits)).toEqual({
    state: "waiting",
    limit: 100,
    line: "GBR-UK15",
    period: "2026-10",
    kind: "audit",
  });
  expect(() => parseReviewQuery({ limit: "101" }, limits)).toThrow(/from 1 to 100 /);
});

describe("besideFirst", () => {
  const figures = fc
    .uniqueArray(fc.tuple(fc.constantFrom("A", "B"), fc.constantFrom("1", "2"), fc.constantFrom("x", "y", "z"), fc.nat(99)), {
      selector: ([scheme, version, code]) => `${scheme} ${version} ${code}`,
    })
    .map((rows) =>
      rows
        .map(([scheme, schemeVersion, code, items]): ReportFigure => ({
          scheme,
          schemeVersion,
          code,
          items,
          units: items,
          kg: items,
          returnedUnits: 0,
          returnedKg: 0,
          itemsMargin: 1,
          unitsMargin: 1,
          kgMargin: 1,
        }))
        .toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1)),
    );
  const idOf = (figure: ReportFigure): string => `${figure.scheme} ${figure.schemeVersion} ${figure.code}`;

  test("loses no figure of either side, invents none, and keeps the order", () => {
    fc.assert(
      fc.property(figures, figures, (now, first) => {
        const shown = besideFirst(now, first);
        const ids = shown.map(idOf);
        expect(ids).toEqual([...new Set([...now, ...first].map(idOf))].toSorted());
        expect(shown.reduce((sum, figure) => sum + figure.items, 0)).toBe(now.reduce((sum, figure) => sum + figure.items, 0));
        expect(shown.flatMap((figure) => figure.first ?? [])).toEqual(first);
      }),
    );
  });
});

test("checkProof lets a whole log pass and tells every problem of another", () => {
  const proof = { ok: true, rows: 1, tableRows: 0, objects: 0, anchors: 0, head: undefined, problems: [], adopted: [], lines: [] };
  expect(() => checkProof(proof)).not.toThrow();
  expect(() => checkProof({ ...proof, ok: false, problems: ["row 1: a", "row 2: b"] })).toThrow(/row 1: a; row 2: b/);
});
