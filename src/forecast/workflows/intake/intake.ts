// Intake: from a stranger's file to what a forecast reads, and to the words that say how.
//
// Owns: what is told, the command that does it again, the last period that is not whole. Does not own: the choice (proposal.ts), rows (apply.ts).

import { findDateStyle } from "../../../platform/intake/dates.ts";
import type { FileProfile, LookHints } from "../../../platform/intake/profile.ts";
import type { IntakeFilter } from "./apply.ts";
import { type IntakePlan, type Proposal, proposeForecast } from "./proposal.ts";

/** How a target file was taken in: plain JSON, kept in the record of a run. */
export interface TakenIn {
  readonly plan: IntakePlan;
  readonly filter: IntakeFilter;
  readonly hints: Pick<LookHints, "encoding" | "decimal">;
  /** Last day that counts, where the last period of the file is not whole. */
  readonly end: string | null;
}

const day = 86_400;

/** How far ahead is usual, by the days between neighbouring instants: four weeks of days, a quarter of weeks, a year of months. */
export function usualHorizon({ sample, columns }: FileProfile, plan: IntakePlan): number {
  const style = findDateStyle(plan.dateStyle);
  const place = columns.findIndex(({ name }) => name === plan.timestamp);
  const texts = plan.shape === "wide-dates" ? plan.values : sample.map((row) => row[place] ?? "");
  const step = plan.byDay ? day : 1;
  const instants = [
    ...new Set(texts.flatMap((text) => style?.read(text.trim())?.seconds ?? []).map((seconds) => Math.floor(seconds / step) * step)),
  ].toSorted((a, b) => a - b);
  const gaps = instants
    .slice(1)
    .map((at, i) => (at - (instants[i] ?? at)) / day)
    .toSorted((a, b) => a - b);
  const usual = gaps[Math.floor(gaps.length / 2)] ?? 1;
  return usual >= 300 ? 3 : usual >= 80 ? 4 : usual >= 27 ? 12 : usual >= 6 ? 13 : usual >= 0.9 ? 28 : 48;
}

/** The instants of the file's rows, as far as the columns tell. */
export function spanOf(profile: FileProfile, { timestamp }: IntakePlan): readonly [first: number, last: number] | undefined {
  return profile.columns.find(({ name }) => name === timestamp)?.span;
}

/**
 * The last day before a period that the file does not fill, for a frequency coarser than its rows; undefined where the last period is whole.
 *
 * A month of which three days are known is no month of little demand.
 */
export function lastWholeDay(frequency: string, span: readonly [first: number, last: number] | undefined): string | undefined {
  const unit = /^(?:1)?([WMQY])(?:-([A-Z]{3}))?$/.exec(frequency.toUpperCase());
  if (unit === null || span === undefined) return undefined;
  const last = new Date(Math.floor(span[1] / day) * day * 1_000);
  const [year, month] = [last.getUTCFullYear(), last.getUTCMonth()];
  const begin =
    unit[1] === "W"
      ? last.getTime() - ((last.getUTCDay() + 7 - weekBegin(unit[2])) % 7) * day * 1_000
      : unit[1] === "M"
        ? Date.UTC(year, month, 1)
        : unit[1] === "Q"
          ? Date.UTC(year, month - (month % 3), 1)
          : Date.UTC(year, 0, 1);
  const next =
    unit[1] === "W"
      ? begin + 7 * day * 1_000
      : unit[1] === "M"
        ? Date.UTC(year, month + 1, 1)
        : unit[1] === "Q"
          ? Date.UTC(year, month - (month % 3) + 3, 1)
          : Date.UTC(year + 1, 0, 1);
  // Rows of whole periods are stamped at their begin: those are periods already.
  if (last.getTime() === begin && isCoarse(span, unit[1] ?? "")) return undefined;
  return last.getTime() + day * 1_000 >= next ? undefined : new Date(begin - day * 1_000).toISOString().slice(0, 10);
}

const isCoarse = ([first]: readonly [number, number], unit: string): boolean => {
  const at = new Date(first * 1_000);
  return unit === "W" ? true : at.getUTCDate() === 1;
};

/** `W-SUN` is the week that ends on Sunday and begins on Monday. */
const weekBegin = (anchor: string | undefined): number =>
  (Math.max(0, ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].indexOf(anchor ?? "SUN")) + 1) % 7;

const date = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10);
const count = (value: number, one: string, many = `${one}s`): string => `${value.toLocaleString("en-US")} ${value === 1 ? one : many}`;
const separators: Readonly<Record<string, string>> = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars" };

/** What was understood of a file, what is left out and why, in about ten lines. */
export function describeIntake(profile: FileProfile, { plan, uses, notes }: Proposal): readonly string[] {
  const { layout, left } = profile;
  const text =
    layout === undefined
      ? ""
      : `, separated by ${separators[layout.delimiter] ?? layout.delimiter}${profile.encoding === undefined || profile.encoding.name === "utf-8" ? "" : `, ${profile.encoding.name}`}`;
  const lines = [
    `${profile.name}: ${profile.format.toUpperCase()}${text}, ${count(profile.rows, "row")}, ${count(profile.columns.length, "column")}`,
  ];
  if (layout !== undefined && layout.headerRows !== 1)
    lines.push(layout.headerRows === 0 ? "no header: columns are named by their place" : "two rows of names, joined");
  if (layout !== undefined && layout.preamble.length > 0)
    lines.push(`${count(layout.preamble.length, "line")} before the table left out: ${layout.preamble[0]?.slice(0, 60) ?? ""}`);
  const gone = [
    [left.totals, "row of totals", "rows of totals"],
    [left.headers, "header that comes again", "headers that come again"],
    [left.blank, "blank row", "blank rows"],
    [left.broken, "row that cannot be read", "rows that cannot be read"],
  ] as const;
  const told = gone.filter(([n]) => n > 0).map(([n, one, many]) => count(n, one, many));
  if (told.length > 0) lines.push(`left out: ${told.join(", ")}`);
  const span = spanOf(profile, plan);
  for (const { column, use, why } of uses.filter((one) => one.use !== "left out")) {
    const range = use === "timestamp" && span !== undefined ? `, ${date(span[0])} to ${date(span[1])}` : "";
    lines.push(`${use}: ${column} (${why}${range})`);
  }
  const out = uses.filter((one) => one.use === "left out");
  if (out.length > 0) lines.push(`left out: ${out.map(({ column, why }) => `${column} (${why})`).join("; ")}`);
  return [...lines, ...notes];
}

/** What a forecast would make of a file, for a person who only looks. */
export function adviceOn(profile: FileProfile): readonly string[] {
  const proposal = proposeForecast(profile);
  const { plan, questions } = proposal;
  if (plan.timestamp === null && plan.shape !== "wide-dates") return [];
  if (questions.length > 0) return questions.map(({ text, answers }) => `question: ${text} Say ${answers.join(" or ")}.`);
  const taken: TakenIn = { plan, filter: {}, hints: {}, end: null };
  const horizon = String(usualHorizon(profile, plan));
  return [
    ...proposal.uses.filter(({ use }) => use !== "left out").map(({ column, use, why }) => `${use}: ${column} (${why})`),
    ...proposal.notes,
    ["stockroom forecast run", shell(profile.name), ...flagsOf(plan, taken), "--horizon", horizon].join(" "),
  ];
}

const shell = (text: string): string => (/^[\w./:=,+@%-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);

/** The flags that take a file in just so, without anything left to find. */
export function flagsOf(plan: IntakePlan, { filter, hints, end }: TakenIn): readonly string[] {
  const map = [
    ...(plan.timestamp === null ? [] : [`${plan.timestamp}=timestamp`]),
    ...(plan.item === null ? [] : [`${plan.item}=item_id`]),
    ...(plan.demand === null ? [] : [`${plan.demand}=demand`]),
  ].filter((entry) => !/^(timestamp|item_id|demand)=\1$/.test(entry));
  return [
    ...(map.length === 0 ? [] : ["--map", shell(map.join(","))]),
    ...(plan.shape === "long" && plan.demand === null ? ["--count"] : []),
    "--date-format",
    shell(plan.dateStyle),
    ...(plan.shape === "long" ? ["--dimensions", plan.dimensions.length === 0 ? "none" : shell(plan.dimensions.join(","))] : []),
    ...(plan.known.length === 0 ? [] : ["--known", shell(plan.known.join(","))]),
    ...(plan.decimal === "," ? ["--decimal", ","] : []),
    ...(hints.encoding === undefined ? [] : ["--encoding", hints.encoding]),
    ...(filter.where === undefined ? [] : ["--where", shell(filter.where.map(({ column, value }) => `${column}=${value}`).join(";"))]),
    ...(filter.timeZone === undefined ? [] : ["--time-zone", filter.timeZone]),
    ...(end === null ? [] : ["--end", end]),
  ];
}
