// The shape of input files: domains of Amazon Forecast, attributes of a file, and which column plays which part.
//
// Owns: names and parts. Does not own: rows, what a column holds (sniff.ts).
// Names of each domain's item and target: "Predefined Dataset Domains and Dataset Types" of the Amazon Forecast guide.

import { cureOf, type Look, patternCure, shown } from "./sniff.ts";
import { isStockName, saysEmpty } from "./stock-names.ts";

export type Domain = "RETAIL" | "CUSTOM" | "INVENTORY_PLANNING" | "WORK_FORCE" | "WEB_TRAFFIC" | "EC2_CAPACITY" | "METRICS";

export interface DomainNames {
  readonly item: string;
  readonly target: string;
}

/** What the item and the target of each domain are called. */
export const domains: Readonly<Record<Domain, DomainNames>> = {
  RETAIL: { item: "item_id", target: "demand" },
  CUSTOM: { item: "item_id", target: "target_value" },
  INVENTORY_PLANNING: { item: "item_id", target: "demand" },
  WORK_FORCE: { item: "workforce_type", target: "workforce_demand" },
  WEB_TRAFFIC: { item: "item_id", target: "value" },
  EC2_CAPACITY: { item: "instance_type", target: "number_of_instances" },
  METRICS: { item: "metric_name", target: "metric_value" },
};

/** Names under which a domain's target also came, in the guide's own examples. */
export const targetAliases: Readonly<Partial<Record<Domain, readonly string[]>>> = { WEB_TRAFFIC: ["demand"] };

export type InputKind = "target" | "related" | "metadata";

export type AttributeType = "string" | "integer" | "float" | "timestamp" | "geolocation";

/** A column of a file, by its place in the list. */
export interface SchemaAttribute {
  readonly name: string;
  readonly type: AttributeType;
}

/** A column that plays a part, by its place in the rows. */
export interface Column {
  readonly name: string;
  readonly place: number;
}

/** A column that says whether there was stock: 0 or false is out of stock, or, where it says when nothing was there (`stockout`), in stock. */
export interface StockColumn extends Column {
  readonly saysEmpty: boolean;
}

/** The columns of one file by their parts. */
export interface Columns {
  readonly item: Column;
  /** Absent in metadata. */
  readonly timestamp: Column | undefined;
  readonly dimensions: readonly Column[];
  /** The target alone; or the numbers of a related file. */
  readonly numbers: readonly Column[];
  /** Metadata. */
  readonly texts: readonly Column[];
  /** Says whether the item was in stock. */
  readonly stock: StockColumn | undefined;
  /** Dimensions that nobody named: texts beside item, timestamp and target. */
  readonly assumed: readonly Column[];
  /** Columns that are not read: left out by name, or summed over. */
  readonly ignored: readonly Column[];
}

/** Why a file's columns do not serve; the message names the file. */
export interface ColumnProblem {
  readonly code: string;
  readonly message: string;
}

export const mostDimensions = 10;

/** Everything needed to give columns their parts. */
export interface ColumnRequest {
  readonly kind: InputKind;
  readonly file: string;
  readonly domain: Domain;
  readonly columns: readonly string[];
  /** Types by name, where a schema was given. */
  readonly schema: readonly SchemaAttribute[] | undefined;
  /** Of a target: which of its columns are forecast dimensions; undefined is all. Of a related file: the dimensions the target has. */
  readonly dimensions: readonly string[] | undefined;
  /** Columns that are not to be read. */
  readonly without: readonly string[];
  /** Whether the item was in stock; undefined: a column of a name that can mean nothing else. */
  readonly stockColumn: string | undefined;
  /** What the columns hold, index-aligned with them. */
  readonly looks: readonly Look[];
  /** Whether a timestamp can be read as files are asked to be. */
  readonly readsTime: (text: string) => boolean;
}

const isNamed = ({ name }: Look, wanted: string): boolean => name.trim().toLowerCase() === wanted;

/**
 * Gives each column its part: by name, in any order, upper and lower case alike where no name fits exactly.
 *
 * Target: what is neither item, timestamp nor target is a dimension. Related: dimensions of the target are dimensions, the rest are numbers.
 * Metadata: all but the item is text.
 */
export function assignColumns(request: ColumnRequest): {
  readonly columns: Columns | undefined;
  readonly problems: readonly ColumnProblem[];
} {
  const { kind, domain, file } = request;
  const names = domains[domain];
  const problems: ColumnProblem[] = [];
  const find = (...wanted: readonly string[]): Column | undefined => {
    for (const name of wanted) {
      const exact = request.columns.indexOf(name);
      const place = exact >= 0 ? exact : request.columns.findIndex((column) => column.trim().toLowerCase() === name.toLowerCase());
      if (place >= 0) return { name, place };
    }
    return undefined;
  };
  const takenNames = [names.item, "timestamp", names.target, ...(targetAliases[domain] ?? [])].map((name) => name.toLowerCase());
  const taken = (): readonly Look[] => request.looks.filter(({ name }) => !takenNames.includes(name.trim().toLowerCase()));
  const need = (what: "item" | "timestamp" | "target", ...wanted: readonly string[]): Column => {
    const found = find(...wanted);
    if (found !== undefined) return found;
    problems.push({
      code: "INPUT_COLUMN_MISSING",
      message: `Expected a column ${wanted[0]} (the ${what} of ${domain}) in ${file} but its columns are ${request.columns.join(", ")}. ${cureOf(what, wanted[0] ?? "", taken())}`,
    });
    return { name: wanted[0] ?? "", place: 0 };
  };
  const item = need("item", names.item);
  const timestamp = kind === "metadata" ? undefined : need("timestamp", "timestamp");
  const target = kind === "target" ? need("target", names.target, ...(targetAliases[domain] ?? [])) : undefined;
  const used = new Set([item.place, timestamp?.place, target?.place]);
  let rest: Column[] = [];
  for (const [place, name] of request.columns.entries()) if (!used.has(place)) rest.push({ name: name.trim(), place });
  const leftOut = rest.filter(({ name }) => request.without.includes(name));
  if (kind !== "metadata") rest = rest.filter((column) => !leftOut.includes(column));
  const stock = kind === "metadata" ? undefined : stockOf(rest, request);
  if (stock !== undefined) rest = rest.filter(({ place }) => place !== stock.place);

  const dimensions: Column[] = [];
  let others = rest;
  let assumed: readonly Column[] = [];
  if (kind === "target") {
    if (request.dimensions === undefined) {
      // With a column missing, one of these may be it.
      if (problems.length === 0) problems.push(...numberProblems(rest, request));
      assumed = rest;
    }
    dimensions.push(...(request.dimensions === undefined ? rest : takeDimensions(request.dimensions, rest, file, problems)));
    others = [];
  } else if (kind === "related") {
    const known = request.dimensions ?? [];
    dimensions.push(...rest.filter(({ name }) => known.includes(name)));
    others = rest.filter(({ name }) => !known.includes(name));
    problems.push(...textProblems(others, request));
    if (others.length === 0 && leftOut.length === 0 && stock === undefined) {
      problems.push({
        code: "INPUT_NO_NUMBERS",
        message: `Expected a number such as price in ${file} but its columns are ${request.columns.join(", ")}. Add one, or leave the file out.`,
      });
    }
  }
  if (dimensions.length > mostDimensions) {
    problems.push({
      code: "INPUT_TOO_MANY_DIMENSIONS",
      message: `Expected at most ${mostDimensions} dimensions in ${file} but it has ${dimensions.length}. Name those to forecast by.`,
    });
  }
  if (problems.length > 0) {
    const look = timestamp === undefined ? undefined : request.looks[timestamp.place];
    const cure = look === undefined || timestamp?.name !== "timestamp" || !isNamed(look, "timestamp") ? "" : patternCure(look);
    if (cure !== "" && look !== undefined && !request.readsTime(look.example))
      problems.push({
        code: "INPUT_TIMESTAMP_WRONG",
        message: `Expected ISO dates in ${look.name} of ${file} but received ${shown(look)}. ${cure}`,
      });
    return { columns: undefined, problems };
  }
  return {
    columns: {
      item,
      timestamp,
      dimensions,
      numbers: target === undefined ? (kind === "metadata" ? [] : others) : [target],
      texts: kind === "metadata" ? rest : [],
      stock,
      assumed,
      ignored: [...leftOut, ...(kind === "target" ? rest.filter((column) => !dimensions.includes(column)) : [])],
    },
    problems,
  };
}

/** The column that says whether there was stock: the one that was named, or one of a name that means nothing else. */
function stockOf(columns: readonly Column[], { stockColumn, dimensions, kind }: ColumnRequest): StockColumn | undefined {
  const found =
    stockColumn === undefined
      ? columns.find(({ name }) => isStockName(name) && !(kind === "target" && dimensions?.includes(name) === true))
      : columns.find(({ name }) => name.toLowerCase() === stockColumn.toLowerCase());
  return found === undefined ? undefined : { ...found, saysEmpty: saysEmpty(found.name) };
}

/** Numbers and dates beside the target make a series of every value: never without being asked. */
function numberProblems(columns: readonly Column[], { looks, file }: ColumnRequest): readonly ColumnProblem[] {
  const wrong = columns.flatMap(({ place, name }) => {
    const look = looks[place];
    return look !== undefined && (look.kind === "number" || look.kind === "date") ? [{ name, look }] : [];
  });
  if (wrong.length === 0) return [];
  const names = wrong.map(({ name }) => name);
  const texts = columns.map(({ name }) => name).filter((name) => !names.includes(name));
  const examples = wrong.map(({ name, look }) => `${name} (${shown(look)})`).join(", ");
  const kept = texts.length === 0 ? "none" : texts.join(",");
  return [
    {
      code: "INPUT_NUMBER_COLUMN",
      message: `Expected texts such as a location beside item, timestamp and target in ${file}, each of whose values makes series of its own, but ${examples} ${wrong.length === 1 ? "holds" : "hold"} numbers. Say what to forecast by: --dimensions ${kept} leaves ${wrong.length === 1 ? "it" : "them"} out, --dimensions ${[...texts, ...names].join(",")} makes series of ${wrong.length === 1 ? "it" : "them"}. Numbers known ahead belong into the related file.`,
    },
  ];
}

function takeDimensions(wanted: readonly string[], rest: readonly Column[], file: string, problems: ColumnProblem[]): readonly Column[] {
  const found: Column[] = [];
  for (const name of wanted) {
    const column = rest.find((each) => each.name === name);
    if (column !== undefined) found.push(column);
    else {
      const choice =
        rest.length === 0 ? "it has none beside item, timestamp and target" : `it has ${rest.map((each) => each.name).join(", ")}`;
      problems.push({
        code: "INPUT_DIMENSION_MISSING",
        message: `Expected the dimension ${name} in ${file} but ${choice}. Name one of its columns.`,
      });
    }
  }
  return found;
}

/** Related columns that hold text, or that a schema calls text, without their being dimensions of the target. */
function textProblems(columns: readonly Column[], request: ColumnRequest): readonly ColumnProblem[] {
  const typeOf = new Map(request.schema?.map(({ name, type }) => [name, type]));
  const byType = columns.filter(({ name }) => typeOf.has(name) && typeOf.get(name) !== "float" && typeOf.get(name) !== "integer");
  return [
    ...byType.map(({ name }) => ({
      code: "INPUT_RELATED_TEXT",
      message: `Expected related columns of ${request.file} to be numbers or dimensions of the target but the schema calls ${name} a ${typeOf.get(name)}. Make it a dimension of the target, or a number.`,
    })),
    ...columns.flatMap((column) => {
      const look = request.looks[column.place];
      if (byType.includes(column) || look === undefined || (look.kind !== "text" && look.kind !== "date")) return [];
      return [
        {
          code: "INPUT_RELATED_TEXT",
          message: `Expected numbers in ${column.name} of ${request.file} (column ${column.place + 1}) but it holds text: ${shown(look)}. Write a number for each of its values (1 where it applies, 0 elsewhere), make it a dimension of the target, or leave it out: --without ${column.name}.`,
        },
      ];
    }),
  ];
}
