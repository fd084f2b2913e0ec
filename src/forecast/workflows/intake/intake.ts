// Intake: from a stranger's file to what a forecast reads, and to the words that say how.
//
// Owns: what is told, the command that does it again, the last period that is not whole. Does not own: the choice (proposal.ts), rows (apply.ts).

import { shellWord } from "../../../platform/command/flags.ts";
import { conditionText } from "../../../platform/intake/conditions.ts";
import { findDateStyle } from "../../../platform/intake/dates.ts";
import { describeFile } from "../../../platform/intake/describe.ts";
import { joinDate } from "./date-parts.ts";
import { noExport } from "../../../platform/intake/exports/index.ts";
import type { FileProfile, LookHints } from "../../../platform/intake/profile.ts";
import type { IntakeFilter } from "./apply.ts";
import type { IntakePlan, Proposal } from "./contract.ts";
import { proposeForecast } from "./proposal.ts";
import { printBlock } from "../../../platform/intake/said.ts";
import { blockOf, type IntakeBlock } from "./said.ts";

/** How a target file was taken in: plain JSON, kept in the record of a run. */
export interface TakenIn {
  readonly plan: IntakePlan;
  readonly filter: IntakeFilter;
  readonly hints: Pick<LookHints, "encoding" | "decimal" | "export">;
  /** Last day that counts, where the last period of the file is not whole. */
  readonly end: string | null;
}

const day = 86_400;

const horizons: Readonly<Record<string, number>> = { Y: 3, Q: 4, M: 12, W: 13, D: 28, H: 48 };

/** How far ahead is usual: by the frequency that was named, else by the days between instants: four weeks of days, a quarter of weeks, a year of months. */
export function usualHorizon(profile: FileProfile, plan: IntakePlan, frequency: string): number {
  const named = horizons[/^[A-Z]+$/.exec(frequency.toUpperCase().split("-")[0] ?? "")?.[0] ?? ""];
  if (named !== undefined) return named;
  const usual = usualGap(profile, plan);
  return usual >= 300 ? 3 : usual >= 80 ? 4 : usual >= 27 ? 12 : usual >= 6 ? 13 : usual >= 0.9 ? 28 : 48;
}

/** Days between neighbouring instants of the rows looked at, the middle one; 1 where there is but one instant. */
export function usualGap({ sample, columns }: FileProfile, plan: IntakePlan): number {
  // A row a year, a column a part of it.
  if (plan.shape === "wide-dates" && plan.timestamp !== null)
    return plan.dateStyle === "yyyy-Www" ? 7 : plan.dateStyle === "yyyy-Qq" ? 91 : 30;
  const style = findDateStyle(plan.dateStyle);
  const place = columns.findIndex(({ name }) => name === plan.timestamp);
  const parts = plan.dateParts.map((part) => columns.findIndex(({ name }) => name === part));
  const textOf = (row: readonly string[]): string =>
    parts.length === 0
      ? (row[place] ?? "")
      : joinDate(
          plan.dateStyle,
          row[place] ?? "",
          parts.map((part) => row[part] ?? ""),
        );
  const texts = plan.shape === "wide-dates" ? plan.values : sample.map(textOf);
  const step = plan.byDay ? day : 1;
  const instants = [
    ...new Set(texts.flatMap((text) => style?.read(text.trim())?.seconds ?? []).map((seconds) => Math.floor(seconds / step) * step)),
  ].toSorted((a, b) => a - b);
  const gaps = instants
    .slice(1)
    .map((at, i) => (at - (instants[i] ?? at)) / day)
    .toSorted((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)] ?? 1;
}

/** The instants of the file's rows, as far as the columns tell. */
export function spanOf(
  profile: FileProfile,
  { timestamp, dateParts, shape }: IntakePlan,
): readonly [first: number, last: number] | undefined {
  // A column of years alone does not say how far its last year goes.
  if (dateParts.length > 0 || shape === "wide-dates") return undefined;
  return profile.columns.find(({ name }) => name === timestamp)?.span;
}

/** Days that a period has at least. */
const leastDays = { W: 7, M: 28, Q: 90, Y: 365 } as const;

/**
 * The last day before a period that the file does not fill, for a frequency coarser than its rows; undefined where the last period is whole, and where a
 * row is a period already.
 *
 * A month of which three days are known is no month of little demand.
 *
 * @param gapDays Days between neighbouring rows of a series.
 */
export function lastWholeDay(
  frequency: string,
  span: readonly [first: number, last: number] | undefined,
  gapDays: number,
): string | undefined {
  const found = /^1?([WMQY])(?:-([A-Z]{3}))?$/.exec(frequency.toUpperCase());
  if (found === null || span === undefined) return undefined;
  const unit = found[1] === "W" ? "W" : found[1] === "M" ? "M" : found[1] === "Q" ? "Q" : "Y";
  if (gapDays >= 0.9 * leastDays[unit]) return undefined;
  const last = Math.floor(span[1] / day);
  const [begin, next] = periodAround(last, unit, found[2]);
  return last + 1 >= next ? undefined : date((begin - 1) * day);
}

/** First day of the period that holds a day, and of the next one; in days since 1970. */
function periodAround(at: number, unit: keyof typeof leastDays, anchor: string | undefined): readonly [begin: number, next: number] {
  const when = new Date(at * day * 1_000);
  if (unit === "W") {
    const begin = at - ((when.getUTCDay() + 7 - weekBegin(anchor)) % 7);
    return [begin, begin + 7];
  }
  const months = unit === "M" ? 1 : unit === "Q" ? 3 : 12;
  const first = Math.floor(when.getUTCMonth() / months) * months;
  const dayOf = (month: number): number => Date.UTC(when.getUTCFullYear(), month, 1) / (day * 1_000);
  return [dayOf(first), dayOf(first + months)];
}

/** `W-SUN` is the week that ends on Sunday and begins on Monday. */
const weekBegin = (anchor: string | undefined): number =>
  (Math.max(0, ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].indexOf(anchor ?? "SUN")) + 1) % 7;

const date = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10);

/** What was understood of a file, what is left out and why, in about ten lines. */
export function describeIntake(profile: FileProfile, { plan, uses, notes }: Proposal): readonly string[] {
  const lines = [...describeFile(profile)];
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
  const taken: TakenIn = { plan, filter: {}, hints: { export: profile.export?.name }, end: null };
  const horizon = String(usualHorizon(profile, plan, "auto"));
  return [
    ...proposal.uses.filter(({ use }) => use !== "left out").map(({ column, use, why }) => `${use}: ${column} (${why})`),
    ...proposal.notes,
    "in the settings of a group:",
    ...printBlock(blockOf(plan, {}, {})).map((line) => `  ${line}`),
    "or as a command:",
    ["stockroom forecast run", shellWord(profile.name), ...flagsOf(plan, taken), "--horizon", horizon].join(" "),
  ];
}

/** What a forecast would make of a file, as plain JSON: the proposal, the settings that say it again, the usual horizon. Undefined where it holds no dates. */
export function proposalOf(profile: FileProfile): (Proposal & { readonly intake: IntakeBlock; readonly horizon: number }) | undefined {
  const proposal = proposeForecast(profile);
  const { plan } = proposal;
  if (plan.timestamp === null && plan.shape !== "wide-dates") return undefined;
  return { ...proposal, intake: blockOf(plan, {}, { export: profile.export?.name }), horizon: usualHorizon(profile, plan, "auto") };
}

/** The flags that take a file in just so, without anything left to find. */
export function flagsOf(plan: IntakePlan, { filter, hints, end }: TakenIn): readonly string[] {
  const map = [
    ...(plan.timestamp === null ? [] : [`${plan.timestamp}=timestamp`]),
    ...(plan.item === null ? [] : [`${plan.item}=item_id`]),
    ...(plan.demand === null ? [] : [`${plan.demand}=demand`]),
    ...Object.entries(plan.names ?? {}).map(([from, to]) => `${from}=${to}`),
  ]
    .filter((entry) => !entry.includes(","))
    .filter((entry) => !/^(timestamp|item_id|demand)=\1$/.test(entry));
  return [
    ...(map.length === 0 ? [] : ["--map", shellWord(map.join(","))]),
    ...(plan.shape === "long" && plan.demand === null ? ["--count"] : []),
    "--date-format",
    shellWord(plan.dateStyle),
    ...(plan.shape === "long" ? ["--dimensions", plan.dimensions.length === 0 ? "none" : shellWord(plan.dimensions.join(","))] : []),
    ...(plan.known.length === 0 ? [] : ["--known", shellWord(plan.known.join(","))]),
    ...(plan.stock === undefined ? [] : ["--stock-column", shellWord(plan.stock)]),
    ...(plan.decimal === "," ? ["--decimal", ","] : []),
    ...(hints.encoding === undefined ? [] : ["--encoding", hints.encoding]),
    ...(hints.export === undefined || hints.export === noExport ? [] : ["--export", hints.export]),
    ...(filter.where === undefined ? [] : ["--where", shellWord(filter.where.map(conditionText).join(";"))]),
    ...(filter.timeZone === undefined ? [] : ["--time-zone", filter.timeZone]),
    ...(end === null ? [] : ["--end", end]),
  ];
}
