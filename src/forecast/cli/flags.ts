// Words of flags: how lists of names are read, and how a wrong flag is told.

import { StockroomError } from "../../platform/errors.ts";

/** `a,b,c` to names; "" to none. */
export function parseNames(text: string): readonly string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** The one way in which a wrong flag is told. */
export function usage(flag: string, expected: string, came: string): StockroomError {
  return new StockroomError("input", "USAGE", `Expected --${flag} to be ${expected} but "${came}" came. Correct it.`);
}
