import { expect, test } from "vitest";
import { isStockName, saysEmpty } from "./stock-names.ts";

test.each(["in_stock", "In Stock", "isInStock", "STOCK_ON_HAND", "on hand", "QtyOnHand"])("%s says what was there", (name) => {
  expect([isStockName(name), saysEmpty(name)]).toEqual([true, false]);
});

test.each(["stockout", "stock_outs", "OutOfStock", "is out of stock", "out_of_stock_flag", "OOS", "Sold Out", "ausverkauft"])(
  "%s says that nothing was there",
  (name) => {
    expect([isStockName(name), saysEmpty(name)]).toEqual([true, true]);
  },
);

test.each(["stock code", "livestock", "stock", "inventory", "bestand", "handle", "outlet", "price"])(
  "%s may mean something else",
  (name) => {
    expect([isStockName(name), saysEmpty(name)]).toEqual([false, false]);
  },
);
