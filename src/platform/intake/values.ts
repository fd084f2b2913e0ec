// Values: what one text of a table may be. The same for the layout, the profile and the reading of rows.

import { type DecimalSign, notNumber, parseNumber } from "../formats/index.ts";
import { readDate } from "./dates.ts";

export type ValueKind = "empty" | "number" | "date" | "text";

const unknown = new Set(["", "nan", "na", "n/a", "null", "none", "-", "--", "#n/a", "nil", "?"]);

/** Whether a text says that nothing is known. Asked of every cell: what begins with a digit is answered without looking further. */
export function isUnknown(text: string): boolean {
  if (text === "") return true;
  const first = text.charCodeAt(0);
  if (first >= 48 && first <= 57) return false;
  return text.length < 8 && unknown.has(text.trim().toLowerCase());
}

/** Whether a text is a number in some country's way of writing. */
export const isNumberText = (text: string): boolean =>
  parseNumber(text, ".") !== notNumber ||
  (text.includes(",") && parseNumber(text, ",") !== notNumber) ||
  (text.includes(".") && parseNumber(text, ",") !== notNumber);

/** What a text is taken for on its own. Eight digits are a date when they make a day; four are a number. */
export function kindOf(text: string): ValueKind {
  if (isUnknown(text)) return "empty";
  const trimmed = text.trim();
  if (/^\d{1,7}$/.test(trimmed) || /^[-+]?\d+[.,]\d{1,2}$/.test(trimmed)) return "number";
  if (readDate(trimmed) !== undefined) return "date";
  return isNumberText(trimmed) ? "number" : "text";
}

/** A number in this decimal sign; NaN for what is unknown, undefined for what is no number. */
export function readAmount(text: string, decimal: DecimalSign): number | undefined {
  if (isUnknown(text)) return Number.NaN;
  const value = parseNumber(text, decimal);
  return value === notNumber ? undefined : value;
}

/** What a number says about its decimal sign: the sign, or undefined when it says nothing or could be read either way. */
export function provedSign(text: string): DecimalSign | undefined {
  const signs = text.replaceAll(/[^.,]/g, "").split("");
  const last = signs.at(-1);
  if (last === undefined || (last !== "." && last !== ",")) return undefined;
  const other: DecimalSign = last === "." ? "," : ".";
  const times = signs.filter((sign) => sign === last).length;
  if (times > 1) return other;
  if (signs.includes(other)) return last;
  const behind = /[.,](\d*)\D*$/.exec(text)?.[1] ?? "";
  const before = /(\d*)[.,]\d*\D*$/.exec(text)?.[1] ?? "";
  return behind.length === 3 && before.length >= 1 && before.length <= 3 && before !== "0" ? undefined : last;
}

const yes = new Set(["true", "t", "yes", "y", "ja", "j", "oui", "si", "sí", "sim", "x", "on", "1"]);
const no = new Set(["false", "f", "no", "n", "nein", "non", "nao", "não", "off", "0"]);

/** 1 or 0 for words of yes and no, undefined for all others. */
export function readFlag(text: string): 0 | 1 | undefined {
  const word = text.trim().toLowerCase();
  if (yes.has(word)) return 1;
  return no.has(word) ? 0 : undefined;
}
