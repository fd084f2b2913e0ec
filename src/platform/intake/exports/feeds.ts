// Catalogues that are passed on: feeds for Google Merchant Center, and the dump of Open Food Facts.

import type { ExportProfile } from "./contract.ts";

export const googleMerchant: ExportProfile = {
  name: "google-merchant",
  title: "a Google Merchant feed",
  recognisedBy: [
    ["id", "title", "description", "link", "image_link", "availability"],
    ["id", "title", "description", "google_product_category"],
  ],
  columns: {
    id: ["id"],
    group: ["item_group_id"],
    title: ["title"],
    description: ["description"],
    brand: ["brand"],
    category: ["google_product_category", "product_type"],
  },
};

export const openFoodFacts: ExportProfile = {
  name: "open-food-facts",
  title: "an Open Food Facts dump",
  recognisedBy: [
    ["code", "product_name", "categories_tags", "countries_tags"],
    ["code", "product_name", "pnns_groups_1", "ingredients_text"],
  ],
  columns: {
    id: ["code"],
    title: ["product_name"],
    description: ["generic_name", "ingredients_text"],
    brand: ["brands"],
    category: ["pnns_groups_2", "pnns_groups_1", "main_category_en", "main_category", "categories_en", "categories_tags"],
  },
};
