// All that is wrong with a file is told in one run, whatever was found first.

import { expect, test } from "vitest";
import type { Body } from "../../../platform/bytes.ts";
import { isStockroomError } from "../../../platform/errors.ts";
import { readInputs } from "./read.ts";

const day = (i: number): string => new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10);
const german = (i: number): string => day(i).split("-").toReversed().join(".");

const refusal = async (line: (i: number) => string, separator = ";"): Promise<string> => {
  const lines = Array.from({ length: 60 }, (_, i) => line(i));
  try {
    await readInputs({
      horizon: 7,
      target: {
        name: "shop.csv",
        body: (async function* (): Body {
          yield Buffer.from([["item_id", "timestamp", "demand"].join(separator), ...lines].join("\n"));
        })(),
      },
    });
  } catch (thrown) {
    if (isStockroomError(thrown)) return thrown.message;
    throw thrown;
  }
  throw new Error("Expected a refusal.");
};

test("German dates beside thousands that may be decimals", async () => {
  const message = await refusal((i) => `a;${german(i)};1.${210 + i}`);
  expect(message).toContain("--decimal , or --decimal .");
  expect(message).toContain("--date-format dd.mm.yyyy");
});

test("German dates beside numbers with a unit", async () => {
  const message = await refusal((i) => `a;${german(i)};${20 + i} Stk`);
  expect(message).toContain('"20 Stk" (line 2)');
  expect(message).toContain("--date-format dd.mm.yyyy");
});

test("dates of no pattern beside words for numbers", async () => {
  const message = await refusal(() => "a;31/12/2026x;ten");
  expect(message).toContain('"ten" (line 2)');
  expect(message).toContain('but received "31/12/2026x", line 2');
});

test("dates that can be read are not told of", async () => {
  expect(await refusal((i) => `a;${day(i)};1.${210 + i}`)).not.toContain("date");
  expect(await refusal((i) => `a;${day(i)};ten`)).not.toContain("INPUT_TIMESTAMP_WRONG");
});
