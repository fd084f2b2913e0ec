// The mapping of columns: what each is taken for, changed by a person, said as the block of settings and as the flags of a command.

import { quoted } from "../../data/copy.ts";
import { fieldsOf, type CatalogueProposal, type ColumnUse, type ForecastProposal } from "./look.ts";

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

/** What a column of labelled items can be. */
export const catalogueUses = ["text", "code", "id", "group", "category", "number", "country", "date", "left out"] as const;

export const catalogueTitles: Readonly<Record<string, string>> = {
  text: "What the item is (text)",
  code: "Its right code (label)",
  id: "The item's id",
  group: "Rows of one product (group)",
  category: "A few values to learn from",
  number: "A number to learn from",
  country: "The country",
  date: "The date",
  "left out": "Left out",
};

const singleOfCatalogue: ReadonlySet<string> = new Set(["id", "group", "country", "date"]);

/** As `withUse`, of labelled items: texts, codes and what is learned from may be in several columns. */
export function withCatalogueUse(uses: Uses, column: string, use: string): Uses {
  const others = Object.entries(uses).map(([name, has]) => [name, singleOfCatalogue.has(use) && has === use ? "left out" : has] as const);
  return { ...Object.fromEntries(others), [column]: use };
}

const catalogueTargets = { text: "text", code: "label", id: "id", group: "group", country: "country", date: "date" } as const;

export interface CatalogueBlock {
  readonly map: Readonly<Record<string, string>>;
  readonly labelLevel?: number | "leaf" | "top";
  readonly categories: readonly string[];
  readonly numbers?: readonly string[];
  readonly without?: readonly string[];
  readonly scheme?: string;
  readonly [word: string]: unknown;
}

/** The words of the block `intake` that read a labelled file by these uses. `scheme`: the rule book of the codes; "" where the columns say it. */
export function catalogueBlockOf(
  uses: Uses,
  { level, uses: proposed }: Pick<CatalogueProposal, "level" | "uses">,
  scheme: string,
): CatalogueBlock {
  const columns = (use: string): readonly string[] => Object.entries(uses).flatMap(([column, has]) => (has === use ? [column] : []));
  const map = Object.fromEntries(
    Object.entries(catalogueTargets).flatMap(([use, target]) => columns(use).map((column) => [column, target] as const)),
  );
  const proposedCodes = proposed.flatMap(({ column, use }) => (use === "code" ? [column] : []));
  const isSameCode = columns("code").join("\n") === proposedCodes.join("\n");
  const [numbers, without] = [columns("number"), columns("left out")];
  return {
    map,
    // A level is of the paths of the column that was proposed.
    ...(isSameCode && level !== undefined ? { labelLevel: level } : {}),
    categories: columns("category"),
    ...(numbers.length === 0 ? {} : { numbers }),
    ...(without.length === 0 ? {} : { without }),
    ...(scheme === "" ? {} : { scheme }),
  };
}

/** What is still wanting before labelled items can be learned from. */
export function catalogueWantsOf(uses: Uses): readonly string[] {
  const has = (use: string): boolean => Object.values(uses).includes(use);
  return [
    ...(has("text") ? [] : ["Choose a column that says what the item is."]),
    ...(has("code") ? [] : ["Choose the column with the right codes."]),
  ];
}

/** What a person says of labelled items. */
export interface Learned {
  readonly uses: Uses;
  /** "": as found. */
  readonly scheme: string;
}

/** Whether the columns name the schemes of their codes: such a file is read as it stands, whatever is said. */
export const namesSchemes = (columns: readonly { readonly name: string }[]): boolean => {
  const names = columns.map(({ name }) => name);
  return names.some((name) => name.startsWith("code.")) || (names.includes("scheme") && names.includes("code"));
};

/** The flags of `classify fit` that say the block; a single file has one country and no day. */
export function catalogueFlags({ map, labelLevel, categories, numbers = [], without = [] }: CatalogueBlock): readonly string[] {
  const pairs = Object.entries(map).filter(([, to]) => to !== "country" && to !== "date");
  return [
    ...listFlag(
      "--map",
      pairs.map(([from, to]) => `${from}=${to}`),
    ),
    ...(labelLevel === undefined ? [] : ["--label-level", String(labelLevel)]),
    // Without the flag they would be found again.
    ...listFlag("--categories", categories.length === 0 ? ["none"] : categories),
    ...listFlag("--numbers", numbers),
    ...listFlag("--without", without),
  ];
}
