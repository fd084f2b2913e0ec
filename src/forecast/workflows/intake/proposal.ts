// The proposal: which column of a stranger's file plays which part in a forecast, with reasons, doubts and what is left out.
//
// Owns: the choice. Does not own: what columns hold (platform/intake), rows (apply.ts), the question to a person (the command).
//   R1. What a person said stands; the rest is proposed by name first, then by what the values are.
//   R2. A column becomes a dimension only when it was named, or is a few-valued text that splits the rows of one step over nearly all items.
//       Numbers never become one by themselves, unless their name says that they number places.
//   R3. What nothing speaks for is a question, not a guess. A proposal with questions is not applied by itself.
//   R4. Every column is told of: used, or left out with the reason.

import { findDateParts, joinDate } from "./date-parts.ts";
import { columnsOfPart } from "../../../platform/intake/exports/index.ts";
import type { ColumnProfile, FileProfile } from "../../../platform/intake/profile.ts";
import { isUnknown } from "../../../platform/intake/values.ts";
import { findDateStyle } from "../../../platform/intake/dates.ts";
import { mixedQuestions } from "./mixed.ts";
import { zeroEndNotes } from "./zero-end.ts";
import { itemNames } from "./names.ts";
import type { ColumnUse, GivenIntake, Proposal, Question } from "./contract.ts";
import { findColumn, isExactly, mappedParts } from "./columns.ts";
import {
  chooseDemand,
  chooseItem,
  chooseStock,
  chooseTimestamp,
  decimalQuestions,
  liesOnNoGrid,
  reasonOfDate,
  rowNotes,
  styleOf,
  totalQuestions,
  zoneNotes,
} from "./parts.ts";
import { judge, makeRelations } from "./relations.ts";
import { findWide } from "./wide.ts";

/** Makes a proposal for a file. Never throws: what cannot be is a question. */
export function proposeForecast(profile: FileProfile, said: GivenIntake = {}): Proposal {
  const given = withExport(profile, said);
  const merged = findMerged(profile, given);
  const filled = merged === undefined ? profile : withFilled(profile, merged);
  const wide = findWide(filled, given);
  const made = wide ?? proposeLong(filled, given);
  if (merged === undefined) return made;
  const told = `"${merged.name}" is blank where it goes on from the row above, as merged cells are: such rows belong to the value above.`;
  return { ...made, plan: { ...made.plan, fillDown: [merged.name] }, notes: [told, ...made.notes] };
}

/** A column of items that says each of them once, on the first of its rows. */
function findMerged({ columns, rows, sample }: FileProfile, given: GivenIntake): ColumnProfile | undefined {
  return columns.find(
    (column) =>
      !column.many &&
      column.filled > 0 &&
      column.filled <= 0.5 * rows &&
      column.filled === column.distinct &&
      given.without?.includes(column.name) !== true &&
      !isUnknown(sample[0]?.[column.place] ?? "") &&
      (isExactly(column, itemNames) || given.map?.[column.name] === "item_id"),
  );
}

/** The profile as it is with a column's blanks filled. */
function withFilled(profile: FileProfile, { place }: ColumnProfile): FileProfile {
  let above = "";
  const sample = profile.sample.map((row) => {
    above = isUnknown(row[place] ?? "") ? above : (row[place] ?? "");
    return row.map((text, i) => (i === place ? above : text));
  });
  return {
    ...profile,
    sample,
    columns: profile.columns.map((column) => (column.place === place ? { ...column, filled: profile.rows } : column)),
  };
}

const exportParts = [
  ["timestamp", "instant", ["timestamp"]],
  ["item_id", "item", ["item_id"]],
  ["demand", "quantity", ["demand", "target_value", "value"]],
] as const;

/** What is known of a well-known export is said by it, where no person says something else (R1). */
function withExport(profile: FileProfile, said: GivenIntake): GivenIntake {
  const known = profile.export;
  if (known === undefined || said.exact === true) return said;
  const names = profile.columns.map(({ name }) => name);
  const filled = (name: string): number => profile.columns.find((column) => column.name === name)?.filled ?? 0;
  const map: Record<string, string> = { ...said.map };
  const targets = new Set(Object.values(map));
  const because: Record<string, string> = {};
  for (const [target, part, others] of exportParts) {
    if (others.some((one) => targets.has(one)) || (target === "demand" && said.count === true)) continue;
    const columns = columnsOfPart(known, part, names).filter((name) => !Object.hasOwn(map, name) && said.without?.includes(name) !== true);
    // An item's code where every line has one, else its name.
    const best = columns.find((name) => filled(name) >= 0.98 * profile.rows) ?? columns.toSorted((a, b) => filled(b) - filled(a))[0];
    if (best === undefined) continue;
    map[best] = target;
    because[best] = `as in ${known.title}`;
  }
  const places = columnsOfPart(known, "place", names).filter((name) => !Object.hasOwn(map, name) && said.without?.includes(name) !== true);
  const varied = places.filter((name) => (profile.columns.find((column) => column.name === name)?.distinct ?? 0) > 1);
  if (said.dimensions === undefined) for (const name of varied) because[name] = `as in ${known.title}`;
  return { ...said, map, dimensions: said.dimensions ?? varied, because };
}

function proposeLong(profile: FileProfile, given: GivenIntake): Proposal {
  const uses: ColumnUse[] = [];
  const questions: Question[] = [];
  const notes: string[] = [];
  const taken = new Set<ColumnProfile>();
  const use = (column: ColumnProfile, part: ColumnUse["use"], why: string): void => {
    taken.add(column);
    uses.push({ column: column.name, use: part, why });
  };
  const without = new Set(given.without ?? []);
  for (const column of profile.columns) if (without.has(column.name)) use(column, "left out", "as you said");
  for (const column of profile.columns) if (!taken.has(column) && column.kind === "empty") use(column, "left out", "holds nothing");
  const free = (): readonly ColumnProfile[] => profile.columns.filter((column) => !taken.has(column));

  const timestamp = chooseTimestamp(profile, given, free(), questions);
  if (timestamp !== undefined) use(timestamp, "timestamp", reasonOfDate(timestamp, given));
  const parts = findDateParts(profile, timestamp);
  for (const column of parts?.columns ?? []) use(column, "timestamp", `with "${timestamp?.name ?? ""}"`);
  const style = parts === undefined ? styleOf(timestamp, given, questions) : findDateStyle(parts.style);

  const item = chooseItem(profile, given, free(), timestamp, questions);
  if (item !== undefined) use(item.column, "item", item.why);

  const renamed = Object.entries(given.map ?? {}).filter(([, to]) => !mappedParts.includes(to));
  const fileName = (name: string): string => renamed.find(([, to]) => to === name)?.[0] ?? name;
  const stock = chooseStock(profile, given, free());
  if (stock !== undefined) use(stock.column, "stock", stock.why);
  for (const name of given.known ?? []) {
    const column = findColumn(profile, fileName(name));
    if (column !== undefined && !taken.has(column)) use(column, "known", "as you said");
  }
  for (const name of [...(given.dimensions ?? []), ...renamed.map(([from]) => from)]) {
    const column = findColumn(profile, fileName(name));
    if (column !== undefined && !taken.has(column)) use(column, "dimension", given.because?.[column.name] ?? "as you said");
  }
  const names = Object.fromEntries(
    renamed.flatMap(([from, to]) => {
      const column = findColumn(profile, from);
      return column === undefined || column.name === to ? [] : [[column.name, to]];
    }),
  );
  const demand = given.count === true ? undefined : chooseDemand(profile, given, free(), questions);
  if (demand !== undefined) use(demand.column, "demand", demand.why);
  else if (questions.every(({ about }) => about !== "demand")) notes.push("Every row counts one: no column says how many.");

  const stampOf = (row: readonly string[]): string => {
    const text = timestamp === undefined ? "" : (row[timestamp.place] ?? "").trim();
    return parts === undefined
      ? text
      : joinDate(
          parts.style,
          text,
          parts.columns.map(({ place }) => row[place] ?? ""),
        );
  };
  const relations = makeRelations({ profile, timestamp, style, stampOf, item: item?.column, demand: demand?.column });
  for (const column of free()) judge(column, { given, relations, stock: stock?.column, use });
  questions.push(...totalQuestions(profile, item), ...decimalQuestions(demand?.column, given));
  if (questions.every(({ about }) => about !== "demand"))
    questions.push(...mixedQuestions({ profile, given, demand: demand?.column, stock: stock?.column, followsItem: relations.followsItem }));
  notes.push(
    ...rowNotes(profile, item?.column, given),
    ...zeroEndNotes(profile, demand?.column, (row) => style?.read(stampOf(row))?.seconds ?? Number.NaN),
  );
  const negate = (demand?.column.number?.negative ?? 0) > 0.9;
  if (negate) notes.push(`Nearly all of "${demand?.column.name ?? ""}" is below zero, as of goods that leave: the sign is turned.`);
  const decimal =
    given.decimal ?? demand?.column.number?.decimal ?? demand?.column.unit?.number.decimal ?? demand?.column.mixed?.number.decimal ?? ".";
  const dimensions = profile.columns.filter(({ name }) => uses.some(({ column, use: part }) => column === name && part === "dimension"));
  const columnsOf = (part: ColumnUse["use"]): readonly string[] => uses.filter((one) => one.use === part).map(({ column }) => column);
  return {
    plan: {
      shape: "long",
      timestamp: timestamp?.name ?? null,
      dateParts: parts?.columns.map(({ name }) => name) ?? [],
      dateStyle: style?.id ?? "yyyy-mm-dd",
      byDay: liesOnNoGrid(profile, timestamp, style),
      negate,
      item: item?.column.name ?? null,
      demand: demand?.column.name ?? null,
      dimensions: columnsOf("dimension"),
      known: columnsOf("known"),
      ...(stock === undefined ? {} : { stock: stock.column.name }),
      ...(Object.keys(names).length === 0 ? {} : { names }),
      ...(demand?.column.unit === undefined ? {} : { unit: demand.column.unit.word }),
      values: [],
      decimal,
      metadata: columnsOf("metadata"),
    },
    uses,
    questions,
    notes: [
      ...notes,
      ...(relations.repeats(dimensions) ? ["Several rows of one series and step are summed."] : []),
      ...zoneNotes(profile, timestamp, style),
    ],
  };
}
