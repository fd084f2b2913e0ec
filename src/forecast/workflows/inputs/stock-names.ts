// What columns that say whether there was stock are called, and in which sense they say it.

import { wordsOfName } from "../../../platform/intake/names.ts";

/** Names that can mean nothing else than what was there. */
const stockedNames = new Set([
  "in stock",
  "instock",
  "is in stock",
  "isinstock",
  "on stock",
  "stock on hand",
  "on hand",
  "onhand",
  "on hand stock",
  "on hand quantity",
  "on hand qty",
  "qty on hand",
  "quantity on hand",
]);

/** Names that can mean nothing else than that nothing was there. */
const emptyNames =
  /^(?:is |was )?(?:stock ?outs?|out ?of ?stocks?|oos|sold ?out|ausverkauft|fehlbestand|nicht lieferbar|rupture(?: de stock)?|agotado|sin stock|esaurito|uitverkocht)(?: flag)?$/;

/** Whether a column's name can mean nothing else than whether there was stock. */
export const isStockName = (name: string): boolean => {
  const words = wordsOfName(name);
  return stockedNames.has(words) || emptyNames.test(words);
};

/** Whether a column is 1 where there was nothing: `stockout` is, `in_stock` is not. */
export const saysEmpty = (name: string): boolean => emptyNames.test(wordsOfName(name));
