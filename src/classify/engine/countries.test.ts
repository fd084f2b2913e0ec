import { expect, test } from "vitest";
import { isSameCountry } from "./countries.ts";

test.each([
  ["GBR", ["GB", "gb", "UK", "U.K.", "United Kingdom", "Great Britain", "Großbritannien", "Royaume-Uni", " GBR "]],
  ["DEU", ["DE", "Deutschland", "GERMANY", "Allemagne", "deu"]],
  ["ESP", ["ES", "España", "Espana", "Spain"]],
  ["AUT", ["AT", "Österreich", "Osterreich", "Austria"]],
  ["GRC", ["GR", "EL", "Greece", "Ελλάδα"]],
  ["CZE", ["CZ", "Czechia", "Czech Republic", "Česko"]],
  ["NLD", ["NL", "The Netherlands", "Nederland"]],
  ["GB", ["GBR", "United Kingdom"]],
])("%s under its other names", (country, texts) => {
  expect(texts.filter((text) => !isSameCountry(text, country))).toEqual([]);
});

test.each([
  ["GBR", "FRA"],
  ["GBR", "FR"],
  ["GBR", ""],
  ["GBR", "Ireland"],
  ["AUT", "AUS"],
  ["AUT", "Australia"],
  ["SVK", "Slovenia"],
  ["SVK", "SI"],
  ["GBR", "G"],
  ["ZZZ", "ZZ"],
])("%s is not %s", (country, text) => expect(isSameCountry(text, country)).toBe(false));
