// The parts that several sections of a forecast-defaults.yaml share: frequencies, tags, forecast types, filling rules.

import { frequenciesAllowed, parseFrequency } from "../../engine/calendar/frequency.ts";
import type { Frequency } from "../../engine/contract.ts";
import { aggregations } from "../../engine/panel/aggregate.ts";
import type { Filling } from "../../engine/panel/fill.ts";
import type { AttributeRule } from "../inputs/read.ts";
import type { Place, Reading } from "../../../platform/documents/index.ts";
import type { ForecastTypes } from "./settings.ts";

export function readFrequency(reading: Reading, place: Place, what: string): Frequency | undefined {
  const text = reading.text(place, `${what} (${frequenciesAllowed})`);
  if (text === undefined) return undefined;
  const frequency = parseFrequency(text);
  if (frequency === undefined) reading.problem(place, `Expected ${what} as ${frequenciesAllowed} but received "${text}".`);
  return frequency;
}

/** Tags of a section: those to set, and those to leave off. */
export interface TagSection {
  readonly set: Readonly<Record<string, string>>;
  readonly absent: readonly string[];
}

export function readTags(reading: Reading, place: Place): TagSection {
  const set: Record<string, string> = {};
  const absent: string[] = [];
  for (const item of reading.list(place, "Tags") ?? []) {
    let key: string | undefined;
    let value: string | undefined;
    let state: "Present" | "Absent" = "Present";
    reading.map(item, "a tag", {
      Key: (at) => (key = reading.text(at, "Key")),
      Value: (at) => (value = at.node === undefined ? "" : reading.text(at, "Value")),
      State: (at) => (state = reading.choice(at, "State", ["Present", "Absent"]) ?? "Present"),
    });
    if (key === undefined) reading.problem(item, "Expected a Key of the tag but there is none. Add it.");
    else if (key.length > 128 || (value ?? "").length > 256 || /^aws:/i.test(key)) {
      reading.problem(
        item,
        `Expected a tag's Key of at most 128 characters that does not begin with aws:, and a Value of at most 256, but received "${key.slice(0, 40)}".`,
      );
    } else if (state === "Present") set[key] = value ?? "";
    else absent.push(key);
  }
  if (Object.keys(set).length > 50) reading.problem(place, `Expected at most 50 tags but there are ${Object.keys(set).length}.`);
  return { set, absent };
}

export function readForecastTypes(reading: Reading, place: Place): ForecastTypes | undefined {
  const levels = new Set<number>();
  let mean = false;
  for (const item of reading.list(place, "ForecastTypes") ?? []) {
    const text = reading.text(item, "a forecast type (mean, or 0.01 to 0.99)");
    if (text === undefined) continue;
    const level = Math.round(Number(text) * 100) / 100;
    if (text === "mean") mean = true;
    else if (Math.abs(Number(text) - level) < 1e-9 && level >= 0.01 && level <= 0.99) levels.add(level);
    else reading.problem(item, `Expected mean or a quantile from 0.01 to 0.99 in steps of 0.01 but received "${text}".`);
  }
  if (levels.size === 0 && !mean) {
    reading.problem(place, "Expected at least one forecast type but there is none. Name mean, or quantiles such as 0.5.");
    return undefined;
  }
  return { levels: [...levels].sort((a, b) => a - b), mean };
}

const fillWords = ["zero", "nan", "value", "median", "mean", "min", "max"] as const;

/** Reads the parameters of the method `filling`; which of them the attribute may have is checked where its file is known. */
export function readRule(reading: Reading, place: Place): AttributeRule {
  const rule: { -readonly [Key in keyof AttributeRule]: AttributeRule[Key] } = {};
  const words = new Map<string, { readonly word: string; readonly place: Place }>();
  const numbers = new Map<string, { readonly value: number | undefined; readonly place: Place }>();
  const fill =
    (key: string, allowed: readonly string[]) =>
    (at: Place): void => {
      const word = reading.choice(at, key, allowed);
      if (word !== undefined) words.set(key, { word, place: at });
    };
  const number =
    (key: string) =>
    (at: Place): void => {
      numbers.set(key, { value: reading.number(at, `${key}_value`, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, false), place: at });
    };
  reading.map(place, "the method's parameters", {
    aggregation: (at) => {
      const found = reading.choice(at, "aggregation", aggregations);
      if (found !== undefined) rule.aggregation = found;
    },
    // Nothing stands before a front gap that a mean could be taken of.
    frontfill: fill("frontfill", ["none", "nan", "zero", "value"]),
    middlefill: fill("middlefill", fillWords),
    backfill: fill("backfill", fillWords),
    futurefill: fill("futurefill", fillWords),
    frontfill_value: number("frontfill"),
    middlefill_value: number("middlefill"),
    backfill_value: number("backfill"),
    futurefill_value: number("futurefill"),
  });
  for (const [key, part] of [
    ["frontfill", "front"],
    ["middlefill", "middle"],
    ["backfill", "back"],
    ["futurefill", "future"],
  ] as const) {
    const word = words.get(key);
    const given = numbers.get(key);
    if (given !== undefined && word?.word !== "value")
      reading.problem(given.place, `Expected ${key}: value beside ${key}_value but received ${word?.word ?? "nothing"}.`);
    if (word === undefined) continue;
    if (word.word === "value" && given === undefined)
      reading.problem(word.place, `Expected ${key}_value beside ${key}: value but there is none. Add it.`);
    else rule[part] = fillingOf(word.word, given?.value ?? 0);
  }
  return rule;
}

function fillingOf(word: string, value: number): Filling {
  if (word === "value") return { kind: "value", value };
  const kind = (["zero", "mean", "median", "min", "max"] as const).find((each) => each === word);
  return { kind: kind ?? "nan" };
}
