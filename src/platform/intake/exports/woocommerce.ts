// WooCommerce: the core's export of products, and orders as the usual export plugins write them.

import type { ExportProfile } from "./contract.ts";

/** Variations leave blank what their parent says, which they name by SKU or as `id:12`. */
export const woocommerceProducts: ExportProfile = {
  name: "woocommerce-products",
  title: "a WooCommerce products export",
  recognisedBy: [
    ["ID", "Type", "SKU", "Name", "Categories", "Parent"],
    ["ID", "Typ", "Artikelnummer", "Name", "Kategorien", "Übergeordnetes Produkt"],
  ],
  columns: {
    id: ["SKU", "Artikelnummer", "ID"],
    group: ["Parent", "Übergeordnetes Produkt"],
    title: ["Name"],
    description: ["Short description", "Kurzbeschreibung", "Description", "Beschreibung"],
    brand: ["Brands", "Marken"],
    category: ["Categories", "Kategorien"],
  },
  inherits: {
    kind: "parent",
    by: ["Parent", "Übergeordnetes Produkt"],
    keys: [["SKU", "Artikelnummer"], ["ID"]],
    columns: [
      "Name",
      "Short description",
      "Kurzbeschreibung",
      "Description",
      "Beschreibung",
      "Categories",
      "Kategorien",
      "Tags",
      "Brands",
      "Marken",
    ],
  },
};

export const woocommerceOrders: ExportProfile = {
  name: "woocommerce-orders",
  title: "a WooCommerce orders export",
  recognisedBy: [
    ["Order Number", "Order Status", "Order Date", "Item Name"],
    ["order_number", "order_date", "status", "line_items"],
  ],
  columns: {
    item: ["SKU", "Item Name"],
    instant: ["Order Date"],
    quantity: ["Quantity (- Refund)", "Quantity", "Item Quantity", "Qty"],
    title: ["Item Name"],
  },
  inherits: { kind: "above", by: ["Order Number"], columns: ["Order Date", "Order Status"] },
  keeps: [
    {
      column: "Order Status",
      not: true,
      values: ["Cancelled", "cancelled", "wc-cancelled", "Failed", "failed", "wc-failed", "Refunded", "refunded", "wc-refunded", "Draft"],
    },
  ],
};
