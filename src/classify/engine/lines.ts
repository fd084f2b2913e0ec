// Lines: a country and a scheme, the unit that has a model, and the names of periods.
//
// Owns: reading and writing these names. Does not own: rows of lines (store/lines.ts), where objects lie (store/keys.ts).
//   W1. A line is a country and a scheme: `GBR-UK15`. The country is everything before the first hyphen.

import { StockroomError } from "../../platform/errors.ts";
import { nearest } from "../../platform/similar.ts";

/** A country and a scheme: the unit that has a model. */
export interface Line {
  readonly line: string;
  readonly country: string;
  readonly scheme: string;
}

const countryPattern = /^[A-Z]{2,3}$/;
const schemePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const periodPattern = /^\d{4}-(0[1-9]|1[0-2])$/;

/** Names the line of a country and a scheme. */
export function lineOf(country: string, scheme: string): Line {
  return { line: `${country}-${scheme}`, country, scheme };
}

/** Reads `GBR-UK15`; throws `input` `LINE_NAME` when it is not a country, a hyphen and a scheme. */
export function parseLine(text: string): Line {
  const hyphen = text.indexOf("-");
  const country = text.slice(0, Math.max(0, hyphen));
  const scheme = text.slice(hyphen + 1);
  if (!countryPattern.test(country) || !schemePattern.test(scheme)) {
    throw new StockroomError(
      "input",
      "LINE_NAME",
      `Expected a line such as GBR-UK15 (country, hyphen, scheme) but received "${text}". See \`stockroom classify lines\`.`,
    );
  }
  return { line: text, country, scheme };
}

export function isScheme(text: string): boolean {
  return schemePattern.test(text);
}

export function isCountry(text: string): boolean {
  return countryPattern.test(text);
}

/** Whether a text is a year and a month such as `2026-10`. */
export function isPeriod(text: string): boolean {
  return periodPattern.test(text);
}

/** Reads `2026-10`; throws `input` `PERIOD_NAME`. */
export function parsePeriod(text: string): string {
  if (!isPeriod(text)) {
    throw new StockroomError(
      "input",
      "PERIOD_NAME",
      `Expected a period such as 2026-10 (year, month) but received "${text}". Write the month with two digits.`,
    );
  }
  return text;
}

/** The known line, country or scheme that a mistyped one is most like: names are short, so that two wrong letters of three still say which. */
export const nearestName = (name: string, known: readonly string[]): string | undefined =>
  nearest(name, known, { most: (typed) => Math.max(2, Math.floor(typed / 3)) });
