// Applying a plan: a stranger's table as rows of item, timestamp, demand and what else was asked for.
//
// Owns: dates to ISO, wide to long, filters, rows that carry on the order above them. Does not own: numbers and what is wrong with a row
// (inputs/rows.ts): a text that cannot be read is handed on as it stands, on its line, so that it is told like any other.
//   A1. Rows keep the line they stood on.
//   A2. Totals, headers that come again and blank rows are left out; how many, the profile says.

import type { BadRow, Table } from "../../../platform/formats/index.ts";
import type { RowBatch } from "../../../platform/formats/contract.ts";
import { findDateStyle, type ReadInstant } from "../../../platform/intake/dates.ts";
import type { Condition } from "../../../platform/intake/conditions.ts";
import { type IntakeFile, leftOut, type LookHints, openLaidOut, withoutUnit } from "../../../platform/intake/profile.ts";
import { isUnknown, readFlag } from "../../../platform/intake/values.ts";
import { wordsOfName } from "../../../platform/intake/names.ts";
import { joinDate } from "./date-parts.ts";
import { type IntakePlan, nameIn } from "./contract.ts";

/** Which rows count, and by whose clock. */
export interface IntakeFilter {
  /** All must hold. */
  readonly where?: readonly Condition[];
  /** IANA name: instants with a zone are put on this clock. */
  readonly timeZone?: string;
}

export interface ApplyOptions extends IntakeFilter {
  readonly hints: LookHints;
  readonly onBadRow: (row: BadRow) => void;
  /** What item and demand are called in what comes out. */
  readonly names?: { readonly item: string; readonly target: string };
}

/** What of a file is asked for: its demand, what it knows ahead, or what it says of items. */
export type IntakePart = "target" | "related" | "metadata";

/** The one series of a file without items. */
export const allItems = "all";

/** A part of a file read by a plan. Rows come with the lines they stood on. */
export async function applyPlan(file: IntakeFile, plan: IntakePlan, part: IntakePart, options: ApplyOptions): Promise<Table> {
  if (part === "metadata") return await applyMetadata(file, plan, options);
  const { where, names = { item: "item_id", target: "demand" } } = options;
  const down = plan.fillDown === undefined ? {} : { inherit: { kind: "down" as const, columns: plan.fillDown } };
  const { table } = await openLaidOut(file, { ...options.hints, ...down, ...(where === undefined ? {} : { where }) }, options.onBadRow);
  const placeOf = new Map(table.columns.map((name, place) => [name, place]));
  const at = (name: string | null): number => (name === null ? -1 : (placeOf.get(name) ?? -1));
  const style = findDateStyle(plan.dateStyle);
  const clock = makeClock(options.timeZone);
  const stamp = (text: string): string => {
    const read = style?.read(text.trim());
    return read === undefined ? text : printInstant(read, clock, plan.byDay);
  };
  const dimensions = plan.dimensions.map(at);
  const values = part === "target" ? [plan.demand] : plan.known;
  const numbers = values.map(at);
  const item = at(plan.item);
  const time = at(plan.timestamp);
  const parts = plan.dateParts.map(at);
  const orders = table.columns.flatMap((name, place) => (orderWords.test(` ${wordsOfName(name)} `) ? [place] : []));
  const stock = at(plan.stock ?? null);
  const hasStock = stock >= 0 && plan.shape === "long";
  const valueOf = (text: string): string => {
    if (part === "related") return String(/^\p{L}/u.test(text) ? (readFlag(text) ?? text) : text);
    const bare = plan.unit === undefined ? text : withoutUnit(text, plan.unit);
    return plan.negate ? turned(bare.trim()) : bare;
  };
  const wide = plan.values.map((name) => ({ name, place: at(name), stamp: plan.shape === "wide-dates" ? stamp(name) : "" }));

  async function* batches(): AsyncGenerator<RowBatch> {
    let above: readonly string[] = [];
    for await (const batch of table.batches) {
      const rows: (readonly string[])[] = [];
      const lines: number[] = [];
      for (const [r, row] of batch.rows.entries()) {
        if (leftOut(row, table.columns) !== undefined) continue;
        const line = batch.lines[r] ?? 0;
        const places = dimensions.map((place) => (row[place] ?? "").trim());
        if (plan.shape === "long") {
          const carries = (row[time] ?? "") === "" && orders.some((place) => row[place] !== "" && row[place] === above[place]);
          const dated = carries ? above : row;
          const text = dated[time] ?? "";
          const whole =
            parts.length === 0
              ? text
              : joinDate(
                  plan.dateStyle,
                  text,
                  parts.map((place) => dated[place] ?? ""),
                );
          const amounts = numbers.map((place) => (place < 0 ? "1" : valueOf(row[place] ?? "")));
          rows.push([nameOf(row[item]), stamp(whole), ...amounts, ...places, ...(hasStock ? [row[stock] ?? ""] : [])]);
          lines.push(line);
          if (!carries) above = row;
          continue;
        }
        for (const column of wide) {
          const isDates = plan.shape === "wide-dates";
          rows.push([
            isDates ? nameOf(row[item]) : column.name,
            isDates ? (time < 0 ? column.stamp : stamp(joinDate(plan.dateStyle, row[time] ?? "", [column.name]))) : stamp(row[time] ?? ""),
            row[column.place] ?? "",
            ...places,
          ]);
          lines.push(line);
        }
      }
      if (rows.length > 0) yield { rows, lines };
    }
  }
  const columns = [
    names.item,
    "timestamp",
    ...(part === "target" ? [names.target] : plan.known.map((name) => nameIn(plan, name))),
    ...plan.dimensions.map((name) => nameIn(plan, name)),
    ...(hasStock ? [plan.stock ?? ""] : []),
  ];
  const { encoding } = table;
  return { columns, ...(encoding === undefined ? {} : { encoding }), batches: batches() };
}

/** Items and the texts that tell of them. */
async function applyMetadata(file: IntakeFile, plan: IntakePlan, { where, hints, onBadRow, names }: ApplyOptions): Promise<Table> {
  const { table } = await openLaidOut(file, { ...hints, ...(where === undefined ? {} : { where }) }, onBadRow);
  const places = [plan.item ?? "", ...plan.metadata].map((name) => table.columns.indexOf(name));
  async function* batches(): AsyncGenerator<RowBatch> {
    for await (const batch of table.batches) {
      const kept = batch.rows.flatMap((row, r) => (leftOut(row, table.columns) === undefined ? [{ row, line: batch.lines[r] ?? 0 }] : []));
      if (kept.length === 0) continue;
      yield {
        rows: kept.map(({ row }) => places.map((place, i) => (i === 0 ? nameOf(row[place]) : (row[place] ?? "").trim()))),
        lines: kept.map(({ line }) => line),
      };
    }
  }
  const { encoding } = table;
  const columns = [names?.item ?? "item_id", ...plan.metadata.map((name) => nameIn(plan, name))];
  return { columns, ...(encoding === undefined ? {} : { encoding }), batches: batches() };
}

/** A number with its sign turned: `12-`, `-12` and `12` are 12, 12 and -12. */
function turned(text: string): string {
  if (isUnknown(text)) return text;
  if (text.endsWith("-")) return text.slice(0, -1);
  return text.startsWith("-") ? text.slice(1) : `-${text}`;
}

/** An item that is not known (`NONE`, `n/a`) is handed on as empty, so that its row is set apart like any other without one. */
const nameOf = (text: string | undefined): string => (text === undefined ? allItems : isUnknown(text) ? "" : text.trim());

/** Columns that name an order: its further lines often leave the date away. */
const orderWords =
  / (?:order|order id|order number|order no|name|invoice|invoice no|invoiceno|receipt|transaction|transaction id|bon|beleg|belegnummer|auftrag|bestellung|bestellnummer) /;

type Clock = (read: ReadInstant) => number;

/** Seconds of an instant on the clock of a zone; as written where no zone is asked for or none is written. */
function makeClock(timeZone: string | undefined): Clock {
  if (timeZone === undefined) return ({ seconds }) => seconds;
  const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset", hour: "numeric" });
  const offsets = new Map<number, number>();
  return ({ seconds, offset }) => {
    if (offset === undefined) return seconds;
    const utc = seconds - offset;
    // Clocks change on quarters of an hour at the most.
    const quarter = Math.floor(utc / 900);
    let ahead = offsets.get(quarter);
    if (ahead === undefined) {
      const text = format.formatToParts(utc * 1_000).find(({ type }) => type === "timeZoneName")?.value ?? "GMT";
      const found = /GMT([-+])(\d{2}):(\d{2})/.exec(text);
      ahead = found === null ? 0 : (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 3_600 + Number(found[3]) * 60);
      offsets.set(quarter, ahead);
    }
    return utc + ahead;
  };
}

/** `2024-01-31`, or `2024-01-31 15:05:00` where a time of day was written. */
function printInstant(read: ReadInstant, clock: Clock, byDay: boolean): string {
  const text = new Date(clock(read) * 1_000).toISOString();
  return read.unit === "time" && !byDay ? `${text.slice(0, 10)} ${text.slice(11, 19)}` : text.slice(0, 10);
}
