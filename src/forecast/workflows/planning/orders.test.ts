import { expect, test } from "vitest";
import { gather } from "../../../platform/bytes.ts";
import { beyondForecast, ordersBody } from "./orders.ts";

test("orders that must last longer than was forecast are told, those within are not", () => {
  const orders = [2, 4, 10].map((protection) => ({ proposal: { protection } }));
  expect(beyondForecast(orders, 4)).toEqual([expect.stringContaining("1 of 3 orders must last up to 10 steps")]);
  expect(beyondForecast(orders, 10)).toEqual([]);
});

test("an id that a spreadsheet would run as a formula is text in the table of orders", async () => {
  const proposal = {
    quantity: 12,
    packs: 1,
    position: 3,
    reorderPoint: 8,
    safetyStock: 2,
    expectedDemand: 10,
    protection: 7,
    cycleService: 0.95,
    fillRate: 0.99,
    stockOutStep: undefined,
    stockOutChance: 0.01,
    decidedBy: "service" as const,
    reasons: ["below the reorder point"],
  };
  const orders = ["=1+1", "+44", "-5", "@cmd", "plain"].map((id) => ({ row: { ids: [id] }, proposal }));
  const text = Buffer.from(await gather(ordersBody(["item_id"], orders as never))).toString();
  expect(
    text
      .split("\n")
      .slice(1, 6)
      .map((line) => line.split(",")[0]),
  ).toEqual(["'=1+1", "+44", "-5", "'@cmd", "plain"]);
});
