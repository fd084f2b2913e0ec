// SAP: lists of material documents, by the short and the long names of their columns, in English and German, and by the fields of the tables.

import type { ExportProfile } from "./contract.ts";

/** Goods that leave for customers and for cost centres, and what takes that back. */
const issues = ["201", "202", "221", "222", "231", "232", "251", "252", "261", "262", "601", "602", "651", "653", "655", "657"];

export const sapMovements: ExportProfile = {
  name: "sap-movements",
  title: "an SAP list of material documents",
  recognisedBy: [
    ["Material", "MvT", "Pstng Date"],
    ["Material", "Movement Type", "Posting Date"],
    ["Material", "BwA", "Buch.dat."],
    ["Material", "Bewegungsart", "Buchungsdatum"],
    ["MATNR", "BWART", "BUDAT", "MENGE"],
  ],
  columns: {
    item: ["Material", "MATNR"],
    instant: ["Pstng Date", "Posting Date", "Buch.dat.", "Buchungsdatum", "BUDAT"],
    quantity: [
      "Quantity",
      "Qty in UnE",
      "Qty in Un. of Entry",
      "Qty in unit of entry",
      "Menge in ErfassME",
      "Menge in Erfassungsmengeneinheit",
      "Menge",
      "MENGE",
      "ERFMG",
    ],
    place: ["Plnt", "Plant", "Werk", "WERKS"],
    title: ["Material Description", "Materialkurztext", "MAKTX"],
  },
  keeps: ["MvT", "Movement Type", "BwA", "Bewegungsart", "BWART"].map((column) => ({
    column,
    not: false,
    values: issues,
  })),
  note: "Issues to customers, orders and cost centres count, and what takes them back; receipts and transfers do not.",
};
