// Amazon: the flat-file reports of all orders, and the order report of a seller's own shipments.

import type { ExportProfile } from "./contract.ts";

export const amazonOrders: ExportProfile = {
  name: "amazon-orders",
  title: "an Amazon orders report",
  recognisedBy: [
    ["amazon-order-id", "purchase-date", "sku", "quantity"],
    ["amazon-order-id", "purchase-date", "sku", "quantity-purchased"],
    ["order-id", "order-item-id", "purchase-date", "sku", "quantity-purchased"],
    ["amazon-order-id", "shipment-id", "purchase-date", "sku", "quantity-shipped"],
  ],
  columns: {
    item: ["sku"],
    instant: ["purchase-date"],
    quantity: ["quantity", "quantity-purchased", "quantity-shipped"],
    place: ["sales-channel"],
    title: ["product-name"],
  },
  keeps: [
    { column: "order-status", not: true, values: ["Cancelled", "Canceled"] },
    { column: "item-status", not: true, values: ["Cancelled", "Canceled"] },
  ],
};
