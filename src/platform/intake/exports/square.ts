// Square: the item details of sales, and the item library.

import type { ExportProfile } from "./contract.ts";

/** A row an item of a payment or refund; refunds have quantities below zero. */
export const squareItems: ExportProfile = {
  name: "square-items",
  title: "a Square item sales export",
  recognisedBy: [["Date", "Time", "Item", "Qty", "Price Point Name", "Gross Sales"]],
  columns: {
    item: ["SKU", "Item"],
    instant: ["Date"],
    quantity: ["Qty"],
    place: ["Location"],
    title: ["Item"],
    category: ["Category"],
  },
  note: "Refunds are rows of quantities below zero and are taken off.",
};

export const squareLibrary: ExportProfile = {
  name: "square-library",
  title: "a Square item library",
  recognisedBy: [
    ["Token", "Item Name", "Description", "Variation Name", "SKU"],
    ["Reference Handle", "Token", "Item Name", "Variation Name", "SKU"],
  ],
  columns: {
    id: ["SKU", "Token"],
    group: ["Item Name"],
    title: ["Item Name"],
    description: ["Description"],
    category: ["Reporting Category", "Category", "Categories"],
  },
};
