// Flags that say how files are to be read: plain JSON for `run.json`, options for `readInputs`.

import { type ColumnMap, parseColumnMap } from "../../platform/formats/columns.ts";
import { readChoice, readNames, readShare, usage } from "../../platform/command/flags.ts";
import { checkEncoding, parseDecimalSign } from "../../platform/formats/index.ts";
import { datePatternsAllowed, parseDateFormat } from "../../platform/formats/dates.ts";
import { aggregations } from "../engine/panel/aggregate.ts";
import type { Filling } from "../engine/panel/fill.ts";
import type { AttributeRule, ReadInputsOptions } from "../workflows/inputs/read.ts";

/** What flags say of the files, beside their names; absent is the default. */
export type ReadingRequest = Pick<
  ReadInputsOptions,
  | "rules"
  | "without"
  | "stamps"
  | "begin"
  | "end"
  | "ended"
  | "mostBadShare"
  | "stockColumn"
  | "dateFormat"
  | "map"
  | "decimal"
  | "encoding"
>;

/** The flags of `run` that `parseReading` reads. */
export const readingFlags = {
  fill: {
    type: "string",
    description:
      "what steps without a row hold, by column: middlefill, backfill, futurefill, frontfill = zero, nan, mean, median, min, max or a number",
    valueHint: '"demand middlefill=nan; price futurefill=mean"',
  },
  without: { type: "string", description: "columns to leave out, with commas", valueHint: "customers" },
  ended: {
    type: "string",
    description: "series that end before the others: zero, unknown or discontinued (not forecast)",
    valueHint: "zero|unknown|discontinued",
  },
  "stock-column": {
    type: "string",
    description: "column that is 0 (a stockout: not 0) where there was no stock: demand is then unknown",
    valueHint: "in_stock",
  },
  stamps: { type: "string", description: "weekly dates are the begin (default) or the end of their week", valueHint: "begin|end" },
  begin: { type: "string", description: "first day of history that counts", valueHint: "2020-01-01" },
  end: { type: "string", description: "last day of history that counts", valueHint: "2026-10-31" },
  "date-format": { type: "string", description: "how dates are written", valueHint: "dd.mm.yyyy" },
  decimal: { type: "string", description: "decimal sign of numbers; absent: what the values prove", valueHint: ",|." },
  encoding: { type: "string", description: "of text files; absent: found", valueHint: "windows-1252" },
  map: { type: "string", description: "the files' own column names", valueHint: "Datum=timestamp,Artikel=item_id" },
  "max-bad-share": { type: "string", description: "share of rows, and of value, that may be bad; absent: 0.1", valueHint: "0.1" },
} as const;

/** Reads them; throws `input` `USAGE`. */
export function parseReading(flags: Readonly<Record<string, unknown>>): ReadingRequest {
  const text = (name: string): string | undefined => {
    const value = flags[name];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
  };
  const choice = <Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined => {
    const given = text(name);
    return given === undefined ? undefined : readChoice(`--${name}`, given, choices);
  };
  const fill = text("fill");
  const without = text("without");
  const stamps = choice("stamps", ["begin", "end"]);
  const ended = choice("ended", ["zero", "unknown", "discontinued"]);
  const share = text("max-bad-share");
  const dateFormat = text("date-format");
  if (dateFormat !== undefined && parseDateFormat(dateFormat) === undefined) throw usage("--date-format", datePatternsAllowed, dateFormat);
  const map = text("map");
  const decimal = parseDecimalSign(text("decimal"));
  const encoding = text("encoding");
  if (encoding !== undefined) checkEncoding(encoding);
  const [begin, end, stockColumn] = [text("begin"), text("end"), text("stock-column")];
  const columns: ColumnMap | undefined = map === undefined ? undefined : parseColumnMap(map);
  return {
    ...(fill === undefined ? {} : { rules: parseFill(fill) }),
    ...(without === undefined ? {} : { without: readNames(without) }),
    ...(stamps === undefined ? {} : { stamps }),
    ...(ended === undefined ? {} : { ended }),
    ...(share === undefined ? {} : { mostBadShare: readShare("--max-bad-share", share) }),
    ...(dateFormat === undefined ? {} : { dateFormat }),
    ...(columns === undefined ? {} : { map: columns }),
    ...(decimal === undefined ? {} : { decimal }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
    ...(stockColumn === undefined ? {} : { stockColumn }),
  };
}

const parts = { frontfill: "front", middlefill: "middle", backfill: "back", futurefill: "future" } as const;
const words = ["zero", "nan", "mean", "median", "min", "max"] as const;

/** `demand middlefill=nan backfill=zero; price futurefill=mean` in Amazon Forecast's words; throws `input` `USAGE`. */
function parseFill(text: string): Readonly<Record<string, AttributeRule>> {
  const expected = `COLUMN middlefill=nan backfill=zero; COLUMN futurefill=mean (zero, ${words.slice(1).join(", ")} or a number)`;
  const rules: Record<string, AttributeRule> = {};
  for (const entry of text.split(";").filter((each) => each.trim() !== "")) {
    const found = /^\s*(\S.*?)\s*[:\s]\s*((?:[a-z]+\s*=\s*\S+[\s,]*)+)$/.exec(entry);
    if (found === null) throw usage("--fill", expected, entry.trim());
    const [, name = "", list = ""] = found;
    const rule: { -readonly [Key in keyof AttributeRule]: AttributeRule[Key] } = {};
    for (const [, key = "", value = ""] of list.matchAll(/([a-z]+)\s*=\s*([^\s,]+)/g)) {
      const aggregation = aggregations.find((each) => each === value);
      if (key === "aggregation" && aggregation !== undefined) {
        rule.aggregation = aggregation;
        continue;
      }
      const part = Object.entries(parts).find(([long, short]) => key === long || key === short)?.[1];
      const filling = fillingOf(value);
      const isFront = part === "front" && filling?.kind !== "nan" && filling?.kind !== "zero" && filling?.kind !== "value";
      if (part === undefined || filling === undefined || isFront) throw usage("--fill", expected, entry.trim());
      rule[part] = filling;
    }
    rules[name] = { ...rules[name], ...rule };
  }
  return rules;
}

function fillingOf(text: string): Filling | undefined {
  const kind = words.find((each) => each === text);
  if (kind !== undefined) return { kind };
  return Number.isFinite(Number(text)) ? { kind: "value", value: Number(text) } : undefined;
}
