// The mapping of columns: what each is taken for, changed by a person, said as the block of settings and as the flags of a command.

import { quoted } from "../../data/copy.ts";
import { fieldsOf, type ColumnUse, type ForecastProposal } from "./look.ts";

/** What a column of sales can be; those below the line of the table are proposed, not chosen. */
export const forecastUses = ["timestamp", "item", "demand", "dimension", "known", "left out"] as const;
export type ForecastUse = (typeof forecastUses)[number];

export const useTitles: Readonly<Record<string, string>> = {
  timestamp: "When it was sold (timestamp)",
  item: "The item (item_id)",
  demand: "How much (demand)",
  dimension: "Forecast by it too (dimension)",
  known: "Known ahead (price, promotion)",
  stock: "Stock",
  metadata: "About the item",
  "left out": "Left out",
};

export type Uses = Readonly<Record<string, string>>;

export const usesOf = (proposed: readonly ColumnUse[]): Uses => Object.fromEntries(proposed.map(({ column, use }) => [column, use]));

/** Of these there is one column. */
const single: ReadonlySet<string> = new Set(["timestamp", "item", "demand"]);

/** The uses with one changed; a part that only one column can have is taken from the one that had it. */
export function withUse(uses: Uses, column: string, use: string): Uses {
  const others = single.has(use)
    ? Object.entries(uses).map(([name, has]) => [name, has === use ? "left out" : has] as const)
    : Object.entries(uses);
  return { ...Object.fromEntries(others), [column]: use };
}

export const isChanged = (uses: Uses, proposed: readonly ColumnUse[]): boolean => proposed.some(({ column, use }) => uses[column] !== use);

export interface IntakeBlock {
  readonly map: Readonly<Record<string, string>>;
  readonly dimensions: readonly string[];
  readonly known?: readonly string[];
  readonly count?: true;
  readonly without?: readonly string[];
  readonly [word: string]: unknown;
}

const targets = { timestamp: "timestamp", item: "item_id", demand: "demand" } as const;

/** What the proposal says of how texts are written, beside the columns. */
const written = ["dateFormat", "decimal", "encoding", "export", "where", "timeZone"] as const;

/** The words of a group's block `intake` that read the file by these uses. */
export function blockOf(
  uses: Uses,
  proposal: Pick<ForecastProposal, "intake" | "uses">,
  dateStyles: Readonly<Record<string, string | undefined>>,
): IntakeBlock {
  const columns = (use: string): readonly string[] => Object.entries(uses).flatMap(([column, has]) => (has === use ? [column] : []));
  const map = Object.fromEntries(Object.entries(targets).flatMap(([use, target]) => columns(use).map((column) => [column, target])));
  const [known, dropped] = [columns("known"), columns("left out")];
  const [timestamp] = columns("timestamp");
  const proposedTime = proposal.uses.find(({ use }) => use === "timestamp")?.column;
  const kept = Object.fromEntries(
    written.flatMap((word) => {
      const value = proposal.intake[word];
      if (word === "dateFormat" && timestamp !== undefined && timestamp !== proposedTime) {
        const style = dateStyles[timestamp];
        return style === undefined ? [] : [[word, style] as const];
      }
      return value === undefined ? [] : [[word, value] as const];
    }),
  );
  // Names that the proposal gives to dimensions and numbers known ahead stand as they were.
  const renamed = Object.fromEntries(
    Object.entries(fieldsOf(proposal.intake["map"])).filter(
      ([column, to]) =>
        typeof to === "string" && !["timestamp", "item_id", "demand"].includes(to) && ["dimension", "known"].includes(uses[column] ?? ""),
    ),
  ) as Readonly<Record<string, string>>;
  const nameIn = (column: string): string => renamed[column] ?? column;
  return {
    map: { ...map, ...renamed },
    dimensions: columns("dimension").map(nameIn),
    ...(known.length === 0 ? {} : { known: known.map(nameIn) }),
    ...(columns("demand").length === 0 ? { count: true } : {}),
    ...(dropped.length === 0 ? {} : { without: dropped }),
    ...kept,
  };
}

/** What is still wanting before the file can be read so. */
export function wantsOf(uses: Uses): readonly string[] {
  const has = (use: string): boolean => Object.values(uses).includes(use);
  return has("timestamp") ? [] : ["Choose the column that says when it was sold."];
}

const listFlag = (flag: string, values: readonly string[]): readonly string[] =>
  values.length === 0 ? [] : [flag, quoted(values.join(","))];

/** The command that takes the file in by this block: `--map` and its like. */
export function commandOf(file: string, block: IntakeBlock, horizon: number | undefined): string {
  const { map, dimensions, known = [], without = [], count } = block;
  const text = (word: string): string | undefined => (typeof block[word] === "string" ? block[word] : undefined);
  const flag = (name: string, word: string): readonly string[] => {
    const value = text(word);
    return value === undefined ? [] : [name, quoted(value)];
  };
  return [
    "stockroom forecast run",
    quoted(file),
    ...listFlag(
      "--map",
      Object.entries(map).map(([from, to]) => `${from}=${to}`),
    ),
    ...(count === true ? ["--count"] : []),
    "--dimensions",
    dimensions.length === 0 ? "none" : quoted(dimensions.join(",")),
    ...listFlag("--known", known),
    ...listFlag("--without", without),
    ...flag("--date-format", "dateFormat"),
    ...flag("--decimal", "decimal"),
    ...flag("--encoding", "encoding"),
    ...flag("--export", "export"),
    ...flag("--time-zone", "timeZone"),
    ...(horizon === undefined ? [] : ["--horizon", String(horizon)]),
  ].join(" ");
}
