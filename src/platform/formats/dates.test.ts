import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseColumnMap, renameColumns } from "./columns.ts";
import { guessCoarseDates, guessDatePatterns, parseDateFormat } from "./dates.ts";

const two = (value: number): string => String(value).padStart(2, "0");

describe("date patterns", () => {
  test("read what they write, for any day", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("1970-01-01T00:00:00Z"), max: new Date("2068-12-31T23:59:59Z"), noInvalidDate: true }),
        (date) => {
          const [y, m, d] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
          const [hour, minute] = [date.getUTCHours(), date.getUTCMinutes()];
          const day = Date.UTC(y, m - 1, d) / 1000;
          for (const [pattern, text] of [
            ["dd.mm.yyyy", `${two(d)}.${two(m)}.${y}`],
            ["d.m.yyyy", `${d}.${m}.${y}`],
            ["MM/dd/yyyy", `${two(m)}/${two(d)}/${y}`],
            ["yyyymmdd", `${y}${two(m)}${two(d)}`],
            ["dd-mm-yy", `${two(d)}-${two(m)}-${two(y % 100)}`],
          ] as const)
            expect([pattern, parseDateFormat(pattern)?.parse(text)]).toEqual([pattern, day]);
          expect(parseDateFormat("dd.mm.yyyy hh:mm")?.parse(`${two(d)}.${two(m)}.${y} ${two(hour)}:${two(minute)}`)).toBe(
            day + hour * 3600 + minute * 60,
          );
        },
      ),
    );
  });

  test("without days name their first", () => {
    for (const [pattern, text, day] of [
      ["yyyy", "2024", "2024-01-01"],
      ["yyyymm", "202403", "2024-03-01"],
      ["mm/yyyy", "3/2024", "2024-03-01"],
      ["yyyy-Qq", "2024-Q3", "2024-07-01"],
      ["yyyy-Www", "2020-W53", "2020-12-28"],
      ["yyyyWww", "2025W01", "2024-12-30"],
    ] as const) {
      expect([pattern, parseDateFormat(pattern)?.parse(text)]).toEqual([pattern, Date.parse(`${day}T00:00:00Z`) / 1000]);
      expect(guessCoarseDates([text, text])).toBe(pattern);
    }
    for (const [pattern, text] of [
      ["yyyy-Www", "2024-W53"],
      ["yyyy-Www", "2024-W00"],
      ["yyyy-Qq", "2024-Q5"],
      ["yyyymm", "202413"],
      ["yyyy", "20245"],
    ] as const)
      expect([text, parseDateFormat(pattern)?.parse(text)]).toEqual([text, Number.NaN]);
    expect(guessCoarseDates(["17", "2024"])).toBeUndefined();
  });

  test("refuse days that are none, other texts and patterns without a whole date", () => {
    const german = parseDateFormat("dd.mm.yyyy");
    for (const text of ["31.02.2024", "2024-01-31", "1.13.2024", "31.01.24", "31.01.2024 10:00", "", "31x01x2024"])
      expect([text, german?.parse(text)]).toEqual([text, Number.NaN]);
    for (const pattern of ["", "dd.mm", "yyyy-dd", "yyyy hh", "dd.mm.yyyy.mm", "dd.MMM.yyyy", "day"])
      expect([pattern, parseDateFormat(pattern)]).toEqual([pattern, undefined]);
  });

  test("are guessed where the texts tell, and both named where they do not", () => {
    expect(guessDatePatterns(["31.01.2024", "01.02.2024"])).toEqual(["dd.mm.yyyy"]);
    expect(guessDatePatterns(["01/31/2024", "02/01/2024"])).toEqual(["mm/dd/yyyy"]);
    expect(guessDatePatterns(["31/01/2024 10:15", "01/02/2024 10:30"])).toEqual(["dd/mm/yyyy hh:mm"]);
    expect(guessDatePatterns(["01/02/2024", "03/04/2024"])).toEqual(["dd/mm/yyyy", "mm/dd/yyyy"]);
    expect(guessDatePatterns(["20240131", "20240201"])).toEqual(["yyyymmdd"]);
    expect(guessDatePatterns(["a-1", "b-2", ""])).toEqual([]);
  });
});

describe("column maps", () => {
  test("name columns anew, and say which there are not", () => {
    const map = parseColumnMap("Datum=timestamp, Artikel Nr=item_id,menge=demand,Ort=location");
    expect(renameColumns(["Artikel Nr", "Datum", "Menge"], map)).toEqual({ columns: ["item_id", "timestamp", "demand"], missing: ["Ort"] });
    for (const text of ["Datum", "=x", "a=", "a=b,a=c", "a=b,c=b"]) expect(() => parseColumnMap(text)).toThrow("--map");
  });
});
