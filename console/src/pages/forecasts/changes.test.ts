import { expect, test } from "vitest";
import { parseCommand } from "../../../../src/forecast/engine/scenario/command.ts";
import { beyondSeen, isSwitch, parseMoves, printMoves, sayChanges } from "./changes.ts";

test("moves go through the URL, and what is none is left out", () => {
  const moves = { price: "-10", "shelf: space; wide": "25", promotion: "on" };
  expect(parseMoves(printMoves(moves))).toEqual(moves);
  expect(printMoves({ price: "0", promotion: "" })).toBe("");
  expect(parseMoves("price:cheap;:3;x")).toEqual({});
});

test("the server reads the changes as they are meant", () => {
  const line = sayChanges({ price: "-10", "shelf space": "25", promotion: "on", holiday: "off" }, 'category = "green tea"');
  expect(parseCommand(line)).toMatchObject({
    kind: "changes",
    changes: [
      { attribute: "price", operation: "MULTIPLY", value: 0.9, conditions: [{ attribute: "category", values: ["green tea"] }] },
      { attribute: "shelf space", operation: "MULTIPLY", value: 1.25 },
      { attribute: "promotion", operation: "SET", value: 1 },
      { attribute: "holiday", operation: "SET", value: 0 },
    ],
  });
  expect(sayChanges({ price: "0" }, "")).toBe("");
});

test("a move beyond what was seen is told with both ranges", () => {
  const price = { name: "price", seen: { low: 2, high: 4 } };
  expect(beyondSeen(price, [3, 3.5, null], "10")).toBeUndefined();
  expect(beyondSeen(price, [3, 3.5, null], "20")).toBe(
    "price would be 3.6 to 4.2 on average; seen was 2 to 4. Beyond that the models guess.",
  );
  expect(beyondSeen({ name: "price", seen: null }, [3], "20")).toBeUndefined();
});

test("what is 0 or 1 is switched", () => {
  expect(isSwitch({ seen: { low: 0, high: 1 } }, [0, 0.4, null])).toBe(true);
  expect(isSwitch({ seen: { low: 0.5, high: 3 } }, [0.5])).toBe(false);
});
