import { expect, it } from "vitest";
import { catalogueIn, fileOf, forecastIn, type Look } from "./look.ts";

const look = {
  profile: {
    format: "csv",
    layout: { delimiter: ";" },
    encoding: { name: "windows-1252", from: "bytes" },
    rows: 60,
    columns: [
      { name: "Datum", kind: "date", examples: ["28.01.2023"], date: { style: "dd.mm.yyyy", rival: null, reason: "proved" } },
      { name: "Menge", kind: "number", examples: ["20,5"], date: null, number: { decimal: ",", whole: false } },
      { name: "Kunden", kind: "number", examples: ["40"], date: null, number: { decimal: ".", whole: true } },
    ],
  },
  proposals: {
    forecast: {
      plan: { shape: "long" },
      uses: [{ column: "Datum", use: "timestamp", why: "dates" }, { column: 3 }],
      questions: [{ about: "demand", text: "Which one?", answers: ["--map a=demand"] }],
      notes: ["a note"],
      intake: { map: { Datum: "timestamp" } },
      horizon: 12,
    },
    classify: { plan: { label: { columns: ["Type"] } }, uses: [], questions: [], notes: [], flags: ["--map", "Type=label"] },
  },
} as unknown as Look; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as far as it is read

it("reads what a look answered", () => {
  const file = fileOf(look);
  expect(file).toMatchObject({ format: "csv", separator: ";", encoding: "windows-1252", rows: 60 });
  expect(file.columns.map(({ name, dateStyle, decimal }) => [name, dateStyle, decimal])).toEqual([
    ["Datum", "dd.mm.yyyy", undefined],
    ["Menge", undefined, ","],
    // Whole numbers say nothing of fractions.
    ["Kunden", undefined, undefined],
  ]);
  expect(forecastIn(look)).toMatchObject({ isLong: true, horizon: 12, uses: [{ column: "Datum" }], questions: [{ text: "Which one?" }] });
  expect(catalogueIn(look)).toMatchObject({ hasLabel: true, flags: ["--map", "Type=label"] });
});

it("leaves out what a module did not propose", () => {
  expect(forecastIn({ proposals: {} })).toBeUndefined();
  expect(catalogueIn({ proposals: {} })).toBeUndefined();
  expect(fileOf({ profile: {} })).toEqual({ format: "", encoding: undefined, separator: undefined, rows: 0, columns: [] });
});
