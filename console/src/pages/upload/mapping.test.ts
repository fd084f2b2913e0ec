import { describe, expect, it } from "vitest";
import type { CatalogueProposal, ForecastProposal } from "./look.ts";
import {
  blockOf,
  catalogueBlockOf,
  catalogueFlags,
  catalogueWantsOf,
  commandOf,
  isChanged,
  namesSchemes,
  usesOf,
  wantsOf,
  withCatalogueUse,
  withUse,
} from "./mapping.ts";

const proposal: ForecastProposal = {
  uses: [
    { column: "Datum", use: "timestamp", why: "its name" },
    { column: "Artikelnummer", use: "item", why: "its name" },
    { column: "Menge", use: "demand", why: "its name" },
    { column: "Filiale", use: "dimension", why: "its name" },
    { column: "Umsatz", use: "left out", why: "money" },
  ],
  questions: [],
  notes: [],
  isLong: true,
  intake: {
    map: { Datum: "timestamp", Artikelnummer: "item_id", Menge: "demand", Filiale: "store" },
    dimensions: ["store"],
    dateFormat: "dd.mm.yyyy",
    decimal: ",",
  },
  horizon: 28,
};
const proposed = usesOf(proposal.uses);

describe("the mapping", () => {
  it("as proposed is the proposal's own block", () => {
    expect(isChanged(proposed, proposal.uses)).toBe(false);
    expect(blockOf(proposed, proposal, {})).toEqual({
      map: { Datum: "timestamp", Artikelnummer: "item_id", Menge: "demand", Filiale: "store" },
      dimensions: ["store"],
      without: ["Umsatz"],
      dateFormat: "dd.mm.yyyy",
      decimal: ",",
    });
  });

  it("has one column for each part: the one that had it is left out", () => {
    const uses = withUse(proposed, "Umsatz", "demand");
    expect(uses).toMatchObject({ Umsatz: "demand", Menge: "left out" });
    expect(isChanged(uses, proposal.uses)).toBe(true);
    expect(blockOf(uses, proposal, {})).toMatchObject({ map: { Umsatz: "demand" }, without: ["Menge"] });
  });

  it("counts rows where no column says how much, and wants an instant", () => {
    expect(blockOf(withUse(proposed, "Menge", "left out"), proposal, {})).toMatchObject({ count: true, without: ["Menge", "Umsatz"] });
    expect(wantsOf(proposed)).toEqual([]);
    expect(wantsOf(withUse(proposed, "Datum", "left out"))).toHaveLength(1);
  });

  it("reads another column's dates as that column has them", () => {
    const uses = withUse(proposed, "Umsatz", "timestamp");
    expect(blockOf(uses, proposal, { Umsatz: "yyyy-mm-dd" })["dateFormat"]).toBe("yyyy-mm-dd");
    expect(blockOf(uses, proposal, {})["dateFormat"]).toBeUndefined();
  });

  it("is said as a command", () => {
    expect(commandOf("Umsätze 2026.csv", blockOf(proposed, proposal, {}), 28)).toBe(
      "stockroom forecast run 'Umsätze 2026.csv' --map Datum=timestamp,Artikelnummer=item_id,Menge=demand,Filiale=store --dimensions store --without Umsatz --date-format dd.mm.yyyy --decimal , --horizon 28",
    );
  });
});

const labelled: Pick<CatalogueProposal, "level" | "uses"> = {
  level: "top",
  uses: [
    { column: "Artikel", use: "id", why: "its name" },
    { column: "Bezeichnung", use: "text", why: "words" },
    { column: "Warengruppe", use: "code", why: "its name" },
    { column: "Farbe", use: "category", why: "few values" },
    { column: "Gewicht", use: "number", why: "numbers" },
    { column: "Notiz", use: "left out", why: "empty" },
  ],
};

describe("the mapping of labelled items", () => {
  const uses = usesOf(labelled.uses);

  it("is a block of settings, and flags", () => {
    const block = catalogueBlockOf(uses, labelled, "UK15");
    expect(block).toEqual({
      map: { Artikel: "id", Bezeichnung: "text", Warengruppe: "label" },
      labelLevel: "top",
      categories: ["Farbe"],
      numbers: ["Gewicht"],
      without: ["Notiz"],
      scheme: "UK15",
    });
    expect(catalogueFlags(block).join(" ")).toBe(
      "--map Bezeichnung=text,Warengruppe=label,Artikel=id --label-level top --categories Farbe --numbers Gewicht --without Notiz",
    );
  });

  it("of another column of codes says no level, which was of the former one's paths", () => {
    const other = withCatalogueUse(withCatalogueUse(uses, "Warengruppe", "left out"), "Farbe", "code");
    expect(catalogueBlockOf(other, labelled, "")).toEqual({
      map: { Artikel: "id", Bezeichnung: "text", Farbe: "label" },
      categories: [],
      numbers: ["Gewicht"],
      without: ["Warengruppe", "Notiz"],
    });
    expect(catalogueFlags(catalogueBlockOf(other, labelled, "")).join(" ")).toContain("--categories none");
  });

  it("has one id and country, and texts of several columns", () => {
    expect(withCatalogueUse(uses, "Notiz", "id")).toMatchObject({ Artikel: "left out", Notiz: "id" });
    expect(withCatalogueUse(uses, "Notiz", "text")).toMatchObject({ Bezeichnung: "text", Notiz: "text" });
  });

  it("wants a text and a code, and leaves files alone that name their schemes", () => {
    expect(catalogueWantsOf(uses)).toEqual([]);
    expect(catalogueWantsOf({ a: "left out" })).toHaveLength(2);
    expect(namesSchemes([{ name: "code.UK15" }])).toBe(true);
    expect(namesSchemes([{ name: "scheme" }, { name: "code" }])).toBe(true);
    expect(namesSchemes([{ name: "code" }])).toBe(false);
  });
});
