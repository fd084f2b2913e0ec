// Shopify: admin exports of orders and of products, as CSV.

import type { ExportProfile } from "./contract.ts";

/** A row a line of an order; what belongs to the whole order stands on its first row alone. */
export const shopifyOrders: ExportProfile = {
  name: "shopify-orders",
  title: "a Shopify orders export",
  recognisedBy: [["Name", "Lineitem quantity", "Lineitem name", "Created at"]],
  columns: {
    item: ["Lineitem sku", "Lineitem name"],
    instant: ["Created at"],
    quantity: ["Lineitem quantity"],
    title: ["Lineitem name"],
  },
  inherits: {
    kind: "above",
    by: ["Name"],
    columns: ["Created at", "Paid at", "Cancelled at", "Financial Status", "Fulfillment Status", "Currency", "Source", "Location"],
  },
  keeps: [
    { column: "Financial Status", not: true, values: ["refunded", "voided"] },
    { column: "Cancelled at", not: false, values: [""] },
  ],
  note: "Orders refunded in part count whole: the export does not say which line came back.",
};

/** A row a variant or a picture; what belongs to the product stands on the first row of its handle alone. */
export const shopifyProducts: ExportProfile = {
  name: "shopify-products",
  title: "a Shopify products export",
  recognisedBy: [
    ["Handle", "Title", "Body (HTML)", "Vendor"],
    ["URL handle", "Title", "Description", "Vendor"],
  ],
  columns: {
    id: ["Variant SKU", "SKU"],
    group: ["Handle", "URL handle"],
    title: ["Title"],
    description: ["Body (HTML)", "Description"],
    brand: ["Vendor"],
    category: ["Product Category", "Product category", "Type", "Custom Product Type", "Standard Product Type"],
  },
  inherits: {
    kind: "above",
    by: ["Handle", "URL handle"],
    columns: [
      "Title",
      "Body (HTML)",
      "Vendor",
      "Description",
      "Product Category",
      "Type",
      "Tags",
      "Published",
      "Custom Product Type",
      "Standard Product Type",
      "Status",
    ],
  },
};
