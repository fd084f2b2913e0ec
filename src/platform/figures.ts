// Figures: numbers, sizes, counts and times as people read them. One place, so that a percentage looks alike on every page, in every notice.
//
//   N1. What is not known is a dash, never a zero.
//   N2. A minus is the sign U+2212 where text is set for reading, as `percent` does; tables of plain numbers keep the hyphen of JSON.

const dash = "–";

export interface PercentOptions {
  /** Digits after the point; default 1. */
  readonly digits?: number;
  /** `+` before what is not below zero: a change. */
  readonly signed?: boolean;
  /** Of how many it is a share; of none it is unknown. */
  readonly of?: number;
}

/**
 * A share (0..1, may be outside) as a percentage with a blank before the sign.
 *
 * @example
 * percent(0.1234); // "12.3 %"
 */
export function percent(share: number | null | undefined, { digits = 1, signed = false, of = 1 }: PercentOptions = {}): string {
  if (share === null || share === undefined || Number.isNaN(share) || of === 0) return dash;
  const text = (100 * share).toFixed(digits).replace("-", "−");
  return `${signed && share >= 0 ? "+" : ""}${text} %`;
}

/** The same without zeros that say nothing: "12 %", "12.5 %". */
export const percentShort = (share: number): string => `${String(Number((100 * share).toFixed(1))).replace("-", "−")} %`;

/** The difference of two shares: "1.25 points". */
export const points = (difference: number, digits = 2): string => `${(100 * difference).toFixed(digits)} points`;

/** Bytes for people: 1.5 MiB. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit] ?? ""}`;
}

/** A count with its noun, thousands apart: "1 row", "2,000 rows". `plural` where an s is not enough. */
export const counted = (number: number, noun: string, plural = `${noun}s`): string => `${grouped(number)} ${number === 1 ? noun : plural}`;

/** The beginning of a sentence about rows: "1 row of june.csv was", "2 rows of june.csv were". */
export const rowsOf = (count: number, file: string): string => `${counted(count, "row")} of ${file} ${count === 1 ? "was" : "were"}`;

/** A number with its thousands apart: "1,234". */
export const grouped = (value: number, digits = 0): string => value.toLocaleString("en-GB", { maximumFractionDigits: digits });

const fourDigits = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 4 });

/** A quantity with no more digits than are worth reading: four, or all before the point. */
export const amount = (value: number | null): string =>
  value === null ? dash : (Math.abs(value) >= 1_000 ? grouped(value) : fourDigits.format(value)).replace("-", "−");

/** An instant for people, in UTC to the second: "2026-10-01 02:03:04"; "-" for none. */
export const instantText = (iso: string | undefined): string =>
  iso === undefined ? "-" : iso.replace("T", " ").replace(/(\.\d+)?(Z|\+00:?00)?$/, "");

const spans = [
  ["s", 1],
  ["min", 60],
  ["h", 3600],
  ["d", 86_400],
] as const;

/** How long ago an instant was, or in how long it will be: "12 s ago", "3 h ago", "in 5 min"; what is no instant as it is, "-" for none. */
export function agoText(iso: string | undefined, nowMs = Date.now()): string {
  if (iso === undefined) return "-";
  const seconds = (nowMs - Date.parse(iso)) / 1000;
  if (Number.isNaN(seconds)) return iso;
  const away = Math.abs(seconds);
  if (away < 1) return "now";
  const [unit, size] = spans.findLast(([, least]) => away >= least) ?? spans[0];
  const text = `${Math.floor(away / size)} ${unit}`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

/** A number rounded to so many digits after the point, without zeros that say nothing. */
export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** A number of so many telling digits: what a person compares. */
export const telling = (value: number, digits = 4): number => Number(value.toPrecision(digits));
