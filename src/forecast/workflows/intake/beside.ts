// Files beside a target of any shape: what is known ahead (prices, promotions), and what is known of items.
//
//   B1. The item is the column whose values are the target's items; its name decides only among equals.
//   B2. What the target is not forecast by is no dimension here: such rows are averaged, and that is told.

import type { ColumnProfile, FileProfile } from "../../../platform/intake/profile.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import { findDateStyle } from "../../../platform/intake/dates.ts";
import { findDateParts } from "./date-parts.ts";
import { itemNames } from "./names.ts";
import { chooseStock, chooseTimestamp, decimalQuestions, liesOnNoGrid, reasonOfDate, styleOf } from "./parts.ts";
import type { ColumnUse, GivenIntake, IntakePlan, Proposal, Question } from "./contract.ts";
import { findColumn, isId, mapped, quoted, rank } from "./columns.ts";

/** What a file beside it must fit: the target's values, as far as they were looked at. */
export interface TargetValues {
  /** Undefined: everything is one series. */
  readonly items: ReadonlySet<string> | undefined;
  /** By the name that comes out. */
  readonly dimensions: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What a target's profile says of its values. */
export function valuesOf(profile: FileProfile, plan: IntakePlan): TargetValues {
  const of = (name: string): ReadonlySet<string> => {
    const place = profile.columns.findIndex((column) => column.name === name);
    return new Set(profile.sample.flatMap((row) => (isUnknown(row[place] ?? "") ? [] : [(row[place] ?? "").trim()])));
  };
  const items = plan.shape === "wide-items" ? new Set(plan.values) : plan.item === null ? undefined : of(plan.item);
  return { items, dimensions: new Map(plan.dimensions.map((name) => [plan.names?.[name] ?? name, of(name)])) };
}

/** The share of a column's values that are among others. */
function shareIn({ sample }: FileProfile, { place }: ColumnProfile, values: ReadonlySet<string>): number {
  const own = new Set(sample.flatMap((row) => (isUnknown(row[place] ?? "") ? [] : [(row[place] ?? "").trim()])));
  let met = 0;
  for (const value of own) if (values.has(value)) met += 1;
  return own.size === 0 ? 0 : met / own.size;
}

/** With fewer of its values among the target's, a column is not what it is compared with. */
const leastShare = 0.3;

function itemOf(
  profile: FileProfile,
  given: GivenIntake,
  free: readonly ColumnProfile[],
  items: ReadonlySet<string> | undefined,
  questions: Question[],
): { readonly column: ColumnProfile; readonly why: string } | undefined {
  const said = mapped(profile, given, ["item_id"]);
  if (said !== undefined) return { column: said, why: "as you said" };
  if (items === undefined) return undefined;
  const [best] = free
    .map((column) => ({ column, share: shareIn(profile, column, items) }))
    .toSorted((a, b) => b.share - a.share || rank(a.column, itemNames) - rank(b.column, itemNames));
  if (best !== undefined && best.share >= leastShare)
    return { column: best.column, why: `${Math.round(best.share * 100)} % of its values are items of what was sold` };
  questions.push({
    about: "item",
    text: `Which column of ${profile.name} names the item? None of ${quoted(profile.columns.map(({ name }) => name))} holds items of what was sold.`,
    answers: ["--map COLUMN=item_id"],
  });
  return undefined;
}

/** How prices, promotions and other numbers beside the target are read. */
export function proposeRelated(profile: FileProfile, given: GivenIntake, target: TargetValues): Proposal {
  const uses: ColumnUse[] = [];
  const questions: Question[] = [];
  const taken = new Set<ColumnProfile>();
  const use = (column: ColumnProfile, part: ColumnUse["use"], why: string): void => {
    taken.add(column);
    uses.push({ column: column.name, use: part, why });
  };
  const free = (): readonly ColumnProfile[] => profile.columns.filter((column) => !taken.has(column));
  leaveOut(profile, given, use);
  const timestamp = chooseTimestamp(profile, given, free(), questions);
  if (timestamp !== undefined) use(timestamp, "timestamp", reasonOfDate(timestamp, given));
  const parts = findDateParts(profile, timestamp);
  for (const column of parts?.columns ?? []) use(column, "timestamp", `with "${timestamp?.name ?? ""}"`);
  const style = parts === undefined ? styleOf(timestamp, given, questions) : findDateStyle(parts.style);
  const item = itemOf(profile, given, free(), target.items, questions);
  if (item !== undefined) use(item.column, "item", item.why);
  const names: Record<string, string> = {};
  for (const [name, values] of target.dimensions) {
    const column =
      mapped(profile, given, [name]) ??
      findColumn(profile, name) ??
      free().find((one) => one.kind !== "date" && shareIn(profile, one, values) >= 0.8 && values.size > 1);
    if (column === undefined || taken.has(column)) continue;
    use(column, "dimension", column.name === name ? "as what was sold" : `as ${name} of what was sold`);
    if (column.name !== name) names[column.name] = name;
  }
  for (const [from, to] of Object.entries(given.map ?? {})) {
    const column = findColumn(profile, from);
    if (column !== undefined && !taken.has(column) && (column.kind === "number" || column.isFlag)) {
      use(column, "known", "as you said");
      if (column.name !== to) names[column.name] = to;
    }
  }
  const stock = chooseStock(profile, given, free());
  if (stock !== undefined) use(stock.column, "stock", stock.why);
  for (const column of free()) judgeRelated(column, given, use);
  const known = uses.filter((one) => one.use === "known").map(({ column }) => column);
  if (known.length === 0 && stock === undefined) {
    questions.push({
      about: "demand",
      text: `Which column of ${profile.name} holds a number that is known ahead? None of ${quoted(profile.columns.map(({ name }) => name))} does.`,
      answers: ["--known COLUMN"],
    });
  }
  const numbers = profile.columns.filter(({ name, number }) => known.includes(name) && number !== undefined && !number.whole);
  const open = profile.columns.find(({ name, number }) => known.includes(name) && number?.sure === false);
  questions.push(...decimalQuestions(open, given));
  return {
    plan: {
      shape: "long",
      timestamp: timestamp?.name ?? null,
      dateParts: parts?.columns.map(({ name }) => name) ?? [],
      dateStyle: style?.id ?? "yyyy-mm-dd",
      byDay: liesOnNoGrid(profile, timestamp, style),
      negate: false,
      item: item?.column.name ?? null,
      demand: null,
      dimensions: uses.filter((one) => one.use === "dimension").map(({ column }) => column),
      known,
      ...(stock === undefined ? {} : { stock: stock.column.name }),
      names,
      values: [],
      decimal: given.decimal ?? numbers[0]?.number?.decimal ?? ".",
      metadata: [],
    },
    uses,
    questions,
    notes: [],
  };
}

function leaveOut(
  profile: FileProfile,
  given: GivenIntake,
  use: (column: ColumnProfile, part: ColumnUse["use"], why: string) => void,
): void {
  for (const column of profile.columns) {
    if (given.without?.includes(column.name) === true) use(column, "left out", "as you said");
    else if (column.kind === "empty") use(column, "left out", "holds nothing");
  }
}

function judgeRelated(
  column: ColumnProfile,
  given: GivenIntake,
  use: (column: ColumnProfile, part: ColumnUse["use"], why: string) => void,
): void {
  if (given.known !== undefined && !given.known.includes(column.name)) use(column, "left out", "not named as known ahead");
  else if (column.kind === "number" && (given.known !== undefined || !isId(column))) use(column, "known", "a number");
  else if (column.isFlag) use(column, "known", "yes and no");
  else if (column.kind === "number") use(column, "left out", "a number that names something");
  else use(column, "left out", column.kind === "date" ? "another date" : "a text, and what was sold is not forecast by it");
}

/** A text of more different values than this tells items apart and not what they have in common. */
const mostKinds = 200;

/** How a list of items is read. */
export function proposeMetadata(profile: FileProfile, given: GivenIntake, target: TargetValues): Proposal {
  const uses: ColumnUse[] = [];
  const questions: Question[] = [];
  const taken = new Set<ColumnProfile>();
  const use = (column: ColumnProfile, part: ColumnUse["use"], why: string): void => {
    taken.add(column);
    uses.push({ column: column.name, use: part, why });
  };
  leaveOut(profile, given, use);
  const free = (): readonly ColumnProfile[] => profile.columns.filter((column) => !taken.has(column));
  const item = itemOf(profile, given, free(), target.items, questions);
  if (item !== undefined) use(item.column, "item", item.why);
  const names: Record<string, string> = {};
  for (const column of free()) {
    const to = given.map?.[column.name];
    if (to !== undefined && to !== column.name) names[column.name] = to;
    const few = !column.many && column.distinct > 1 && column.distinct <= Math.max(2, Math.min(mostKinds, 0.5 * profile.rows));
    if (to !== undefined) use(column, "metadata", "as you said");
    else if (given.exact === true) use(column, "left out", "not used before");
    else if (column.kind === "date") use(column, "left out", "a date");
    else if (column.distinct <= 1) use(column, "left out", `is ${column.examples[0] ?? ""} in every row`);
    else if (few) use(column, "metadata", `${column.distinct} values`);
    else use(column, "left out", "hardly two items have a value of it in common");
  }
  return {
    plan: {
      shape: "long",
      timestamp: null,
      dateParts: [],
      dateStyle: "yyyy-mm-dd",
      byDay: false,
      negate: false,
      item: item?.column.name ?? null,
      demand: null,
      dimensions: [],
      known: [],
      names,
      values: [],
      decimal: ".",
      metadata: uses.filter((one) => one.use === "metadata").map(({ column }) => column),
    },
    uses,
    questions,
    notes: [],
  };
}
