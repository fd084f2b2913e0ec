// Series that come in rhythms of their own, and steps of no frequency there is: what is told, with the right figures.

import { expect, test } from "vitest";
import type { Body } from "../../../platform/bytes.ts";
import { isStockroomError } from "../../../platform/errors.ts";
import { type Inputs, readInputs, type ReadInputsOptions } from "./read.ts";

const day = (i: number): string => new Date(Date.UTC(2025, 0, 6 + i)).toISOString().slice(0, 10);
const rowsOf = (name: string, count: number, every: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name},${day(i * every)},${20 + (i % 7)}`);

const header = "item_id,timestamp,demand";

const read = (lines: readonly string[], options: Partial<ReadInputsOptions> = {}): Promise<Inputs> =>
  readInputs({
    horizon: 2,
    ...options,
    target: {
      name: "shop.csv",
      body: (async function* (): Body {
        yield Buffer.from((lines[0].startsWith("item_id") ? lines : [header, ...lines]).join("\n"));
      })(),
    },
  });

const slower = async (lines: readonly string[], options: Partial<ReadInputsOptions> = {}): Promise<string | undefined> =>
  (await read(lines, options)).notes.find(({ code }) => code === "INPUT_SLOWER_SERIES")?.message;

const refusal = async (lines: readonly string[], options: Partial<ReadInputsOptions> = {}): Promise<string> => {
  try {
    await read(lines, options);
  } catch (thrown) {
    if (isStockroomError(thrown)) return thrown.message;
    throw thrown;
  }
  throw new Error("Expected a refusal.");
};

test("a weekly series among daily ones is told with how much of it is invented", async () => {
  const mixed = [...rowsOf("a", 182, 1), ...rowsOf("b", 26, 7)];
  expect(await slower(mixed)).toMatch(
    /^1 of 2 series of shop\.csv have a row every W \(weeks that begin on MON\) and none between, such as b, while the file comes every D: 86 % of their steps/,
  );
  expect(await slower(mixed, { frequency: "D" })).toContain("such as b");
  expect(await slower(mixed, { rules: { demand: { middle: { kind: "nan" } } } })).toBeUndefined();
  expect(await slower(mixed, { nonNegative: false })).toBeUndefined();
  expect(await slower(mixed, { frequency: "W" })).toBeUndefined();
});

test("a monthly series among daily ones is told, one that sells now and then is not", async () => {
  const monthly = Array.from({ length: 14 }, (_, i) => `m,${new Date(Date.UTC(2025, i, 6)).toISOString().slice(0, 10)},300`);
  expect(await slower([...rowsOf("a", 420, 1), ...monthly])).toMatch(/such as m, .* 97 % of their steps/);
  const rare = Array.from({ length: 20 }, (_, i) => `r,${day(i * i)},1`);
  expect(await slower([...rowsOf("a", 420, 1), ...rare])).toBeUndefined();
  // Sold on some Saturdays alone: their weeks between are true.
  const saturdays = [0, 3, 4, 9, 15, 21, 22, 30, 41, 47].map((week) => `s,${day(week * 7 + 5)},2`);
  expect(await slower([...rowsOf("a", 420, 1), ...saturdays])).toBeUndefined();
});

test("rows of every ten days are refused with the days there are between them", async () => {
  expect(await refusal(rowsOf("a", 60, 10))).toMatch(/they come every 10 D \(2025-01-06, 2025-01-16, 2025-01-26\) and never closer/);
  expect(await refusal(rowsOf("a", 60, 42))).toMatch(/they come every 6 W/);
});

test("what follows from a column that is no dimension is not told as a fault of its own", async () => {
  const lines = Array.from({ length: 120 }, (_, i) => `a,${day(i)},${20 + (i % 5)},weekday ${i % 7}`);
  const message = await refusal([`${header},weekday`, ...lines]);
  expect(message).toContain("weekday (7 values, column 4)");
  expect(message).not.toContain("INPUT_FREQUENCY_UNKNOWN");
});
