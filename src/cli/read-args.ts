// Reading single arguments: text from the command line to exact values, or an error that says what was expected.

import { StockroomError } from "../platform/errors.ts";

/** A whole number from `min` to `max`; throws `input` `USAGE`. */
export function readNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new StockroomError("input", "USAGE", `Expected ${flag} to be a whole number from ${min} to ${max} but "${text}" came. Correct it.`);
}

/** One of `choices`; throws `input` `USAGE`. */
export function readChoice<Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new StockroomError("input", "USAGE", `Expected ${name} to be ${choices.join(" or ")} but "${text}" came. Correct it.`);
}
