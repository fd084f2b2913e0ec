import { describe, expect, it } from "vitest";
import type { ForecastProposal } from "./look.ts";
import { blockOf, commandOf, isChanged, usesOf, wantsOf, withUse } from "./mapping.ts";

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
