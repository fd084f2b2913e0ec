// The real items of the 60-line benchmark in the app format: labelled files and sales per country, and the schemes.
//
//   node bench/classify/data.ts       a table of countries, lines, items and codes
//
// The data lies outside the repository: in `classify/` under STOCKROOM_DATA, or else under ../shared/data beside the repository.
// Nothing is copied from there and nothing written: files are streams, made as they are read. Without the data there is nothing to do,
// and the command says so.
//
// The true label is the repair category that a volunteer chose. The code of an item in a code set follows from it by rule
// (codes/ords_category_map.csv), unless a keyword rule in its text says otherwise (codes/item_overrides.csv).

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import type { Body } from "../../src/platform/bytes.ts";
import { StockroomError } from "../../src/platform/errors.ts";
import { fileBody, readTable } from "../../src/platform/formats/index.ts";
import { csvBody, csvLine } from "../../src/classify/sample/csv.ts";
import type { SchemeCode, SchemeFile } from "../../src/classify/sample/rules.ts";
import { lineOf, parseLine } from "../../src/classify/engine/lines.ts";

export type Split = "train" | "valid" | "test";

export interface Item {
  readonly id: string;
  readonly provider: string;
  readonly country: string;
  readonly lang: string;
  readonly title: string;
  readonly brand: string;
  readonly description: string;
  readonly date: string;
  readonly category: string;
  readonly kg: number;
  readonly split: Split;
}

/** A file for the store, made while it is read. */
export interface BenchFile {
  readonly country: string;
  readonly key: string;
  readonly rows: number;
  /** Schemes with a label column; none for sales. */
  readonly schemes: readonly string[];
  readonly body: () => Body;
}

type Row = Readonly<Record<string, string>>;

interface RealData {
  readonly items: ReadonlyMap<string, readonly Item[]>;
  /** Schemes of each country, in the order of models60.csv. */
  readonly lines: readonly { readonly country: string; readonly scheme: string; readonly expected: number }[];
  readonly codeOf: CodeOf;
  readonly codeSets: readonly Row[];
  readonly codes: readonly Row[];
}

/** The code of an item in a code set; "" when the rules have none. */
export type CodeOf = (codeSet: string, item: Pick<Item, "category" | "title" | "description">) => string;

/** The folder with the real data, if it is there. */
export function findReal(): string | undefined {
  const root = process.env["STOCKROOM_DATA"] ?? path.resolve(import.meta.dirname, "../../../shared/data");
  const folder = path.join(root, "classify");
  return existsSync(path.join(folder, "codes", "models60.csv")) ? folder : undefined;
}

const wordEdge = String.raw`(?:(?<=[\p{L}\p{N}_])(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}_])(?=[\p{L}\p{N}_]))`;

/** A keyword rule as a pattern in which `\b` is the edge of a word in any alphabet: JavaScript's own sees one inside "køleskab". */
export function keywordPattern(regex: string): RegExp {
  return new RegExp(regex.replaceAll(String.raw`\b`, wordEdge), "u");
}

/**
 * Binds the tables of rules: overrides in their order, the first that matches wins, else the category's default.
 *
 * A code set that the map leaves out names the categories themselves (ORDS40): there the code of that name is meant.
 */
export function makeCodeOf(categoryMap: readonly Row[], overrides: readonly Row[], codes: readonly Row[]): CodeOf {
  const defaults = new Map(categoryMap.map((row) => [`${row["code_set"]}/${row["ords_category"]}`, row["code"]]));
  const mapped = new Set(categoryMap.map((row) => row["code_set"]));
  for (const row of codes) if (!mapped.has(row["code_set"])) defaults.set(`${row["code_set"]}/${row["name"]}`, row["code"]);
  const rules = overrides.map((row) => ({
    codeSets: row["code_sets"].split(";"),
    categories: row["ords_categories"].split("|"),
    pattern: keywordPattern(row["regex"]),
    code: row["code"],
  }));
  const applies = (codeSet: string, category: string): typeof rules =>
    rules.filter((rule) => rule.codeSets.includes(codeSet) && (rule.categories.includes("*") || rule.categories.includes(category)));
  const bound = new Map<string, typeof rules>();
  return (codeSet, item) => {
    const key = `${codeSet}/${item.category}`;
    let own = bound.get(key);
    if (own === undefined) bound.set(key, (own = applies(codeSet, item.category)));
    if (own.length > 0) {
      const text = `${item.title} ${item.description}`.toLowerCase();
      for (const rule of own) if (rule.pattern.test(text)) return rule.code;
    }
    return defaults.get(key) ?? "";
  };
}

/** Hands the rows of one table over, by column name. */
async function* records(file: string): AsyncGenerator<Row> {
  const table = await readTable(fileBody(file), {
    name: path.basename(file),
    onBadRow: (bad) => {
      throw new StockroomError(
        "input",
        "BENCH_BAD_DATA",
        `Expected whole rows but line ${bad.line} of ${path.basename(file)}: ${bad.reason}`,
      );
    },
  });
  for await (const batch of table.batches) {
    for (const row of batch.rows) yield Object.fromEntries(table.columns.map((column, i) => [column, row[i]]));
  }
}

let loading: Promise<RealData> | undefined;

async function loadReal(): Promise<RealData> {
  loading ??= readReal();
  return await loading;
}

async function readReal(): Promise<RealData> {
  const folder = findReal();
  if (folder === undefined) {
    throw new StockroomError(
      "missing",
      "BENCH_NO_DATA",
      "Expected the benchmark's real items in `classify/` under STOCKROOM_DATA (or ../shared/data) but found none. Set STOCKROOM_DATA.",
    );
  }
  const codesFolder = path.join(folder, "codes");
  const read = async (name: string): Promise<Row[]> => {
    const rows: Row[] = [];
    for await (const row of records(path.join(codesFolder, name))) rows.push(row);
    return rows;
  };
  const models = await read("models60.csv");
  const codes = await read("codes.csv");
  const wanted = new Set(models.map((row) => row["country"]));
  const items = new Map<string, Item[]>([...wanted].map((country) => [country, []]));
  for await (const row of records(path.join(folder, "ords_items.csv.gz"))) {
    items.get(row["country"])?.push({
      id: row["id"],
      provider: row["provider"],
      country: row["country"],
      lang: row["lang"],
      title: row["title"],
      brand: row["brand"],
      description: row["description"],
      date: row["event_date"],
      category: row["category"],
      kg: Number(row["unit_kg"]),
      split: parseSplit(row["split"]),
    });
  }
  return {
    items,
    lines: models.map((row) => ({ country: row["country"], scheme: row["code_set"], expected: Number(row["dev_items"]) })),
    codeOf: makeCodeOf(await read("ords_category_map.csv"), await read("item_overrides.csv"), codes),
    codeSets: await read("code_sets.csv"),
    codes,
  };
}

function parseSplit(text: string): Split {
  if (text === "train" || text === "valid" || text === "test") return text;
  throw new StockroomError("input", "BENCH_BAD_DATA", `Expected a split train, valid or test but received "${text}".`);
}

/** Equal texts are one group, so that no split puts them on two sides. */
function groupOf(item: Item): string {
  const text = `${item.title}|${item.brand}|${item.description}`.normalize("NFKC").toLowerCase().replace(/\s+/g, " ");
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

export interface LabelledQuery {
  /** Which of the data's own parts go into the files. */
  readonly split: Split | "all" | readonly Split[];
}

const inSplit = (split: LabelledQuery["split"]): ((item: Item) => boolean) =>
  split === "all" ? () => true : (item) => (typeof split === "string" ? item.split === split : split.includes(item.split));

/**
 * The labelled items of the 12 countries, one file each, with a column `code.SCHEME` for each of the country's lines and `provider` besides.
 *
 * Rows of the parts given with `split` only. Throws `missing` `BENCH_NO_DATA`.
 */
export async function realLabelledFiles(query: LabelledQuery): Promise<readonly BenchFile[]> {
  const real = await loadReal();
  return [...real.items].map(([country, all]) => {
    const items = all.filter(inSplit(query.split));
    const schemes = real.lines.filter((line) => line.country === country).map((line) => line.scheme);
    const columns = ["id", "country", "lang", "title", "brand", "description", "date", "group", "provider"];
    function* rows(): Generator<readonly string[]> {
      for (const item of items) {
        const codes = schemes.map((scheme) => real.codeOf(scheme, item));
        yield [item.id, country, item.lang, item.title, item.brand, item.description, item.date, groupOf(item), item.provider, ...codes];
      }
    }
    return {
      country,
      key: `classify/labelled/${country}/openrepair.csv`,
      rows: items.length,
      schemes,
      body: () => csvBody([...columns, ...schemes.map((scheme) => `code.${scheme}`)], rows()),
    };
  });
}

export interface SchemeQuery {
  /**
   * `open` (default): one version without end, valid since 1990. The benchmark codes every item in every one of its country's sets,
   * whatever the law of the day, as models60.csv counts them. `dated`: the dates of the law, so that old sets have ended.
   */
  readonly validity?: "open" | "dated";
}

/**
 * The 15 code sets as schemes of one version each, for use in any country (models60 codes Canadian items by EU sets).
 *
 * A parent or a code that the rules name and codes.csv does not is added, so that every label is a code and every parent stands.
 * Throws `missing` `BENCH_NO_DATA`.
 */
export async function realSchemes(query: SchemeQuery = {}): Promise<readonly SchemeFile[]> {
  const real = await loadReal();
  const used = await usedCodes(real);
  return real.codeSets.map((set) => {
    const scheme = set["code_set"];
    const own = real.codes.filter((row) => row["code_set"] === scheme);
    const codes = new Map<string, SchemeCode>(
      own.map((row) => [
        row["code"],
        { code: row["code"], name: row["name"] || row["code"], ...(row["parent"] === "" ? {} : { parent: row["parent"] }) },
      ]),
    );
    for (const { parent = "" } of own)
      if (parent !== "" && !codes.has(parent)) codes.set(parent, { code: parent, name: `Group ${parent}`, heading: true });
    for (const code of used.get(scheme) ?? []) if (!codes.has(code)) codes.set(code, { code, name: code });
    const dates =
      query.validity === "dated"
        ? { valid_from: set["valid_from"], ...(set["valid_to"] === "" ? {} : { valid_to: set["valid_to"] }) }
        : { valid_from: "1990-01-01" };
    return { scheme, country: "*", versions: [{ version: set["version"], ...dates, codes: [...codes.values()] }], mappings: [] };
  });
}

async function usedCodes(real: RealData): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const used = new Map<string, Set<string>>();
  for (const { country, scheme } of real.lines) {
    const codes = used.get(scheme) ?? new Set<string>();
    for (const item of real.items.get(country) ?? []) codes.add(real.codeOf(scheme, item));
    codes.delete("");
    used.set(scheme, codes);
  }
  return used;
}

export interface SalesQuery {
  /** Over all countries. Default 3,300,000. */
  readonly rows?: number;
  /** Default `2026-10`. */
  readonly period?: string;
  /** Which real items are repeated; default all. */
  readonly split?: LabelledQuery["split"];
}

/**
 * A month of sales, one file for each of the 12 countries: the real items repeated in their order, each time with another id.
 *
 * Countries have the share of the rows that they have of the items. Throws `missing` `BENCH_NO_DATA`, `input` `BENCH_BAD_ROWS`.
 */
export async function realSalesFiles(query: SalesQuery = {}): Promise<readonly BenchFile[]> {
  const { rows = 3_300_000, period = "2026-10", split = "all" } = query;
  const real = await loadReal();
  const parts = [...real.items]
    .map(([country, all]) => ({ country, items: all.filter(inSplit(split)) }))
    .filter((part) => part.items.length > 0);
  if (!Number.isInteger(rows) || rows < parts.length) {
    throw new StockroomError(
      "input",
      "BENCH_BAD_ROWS",
      `Expected at least ${parts.length} rows, one for each country, but received ${rows}.`,
    );
  }
  const total = parts.reduce((sum, part) => sum + part.items.length, 0);
  const [year, month] = period.split("-").map(Number);
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  let before = 0;
  let given = 0;
  return parts.map(({ country, items }, i) => {
    before += items.length;
    // Rounded on the running total, so that the parts add up; one row at least is left for each country to come.
    const upTo = Math.max(given + 1, Math.min(rows - (parts.length - 1 - i), Math.round((rows * before) / total)));
    const own = upTo - given;
    given = upTo;
    return {
      country,
      key: `classify/sales/${period}/${country}.csv`,
      rows: own,
      schemes: [],
      body: () => salesBody(items, own, period, days),
    };
  });
}

const salesHeader = ["id", "country", "lang", "title", "brand", "description", "date", "units", "kg", "provider"];

/** Most of a repeated line is the same each time: it is quoted and joined once. */
async function* salesBody(items: readonly Item[], rows: number, period: string, days: number): Body {
  const middles = items.map((item) => csvLine([item.country, item.lang, item.title, item.brand, item.description]).slice(0, -1));
  const dates = Array.from({ length: days }, (_, day) => `${period}-${String(day + 1).padStart(2, "0")}`);
  let text = csvLine(salesHeader);
  for (let i = 0; i < rows; i++) {
    const at = i % items.length;
    const item = items[at];
    const units = 1 + ((i * 7) % 5);
    text += `${item.id}-${Math.floor(i / items.length)},${middles[at]},${dates[(i * 11) % days]},${units},${Math.round(units * item.kg * 1000) / 1000},${item.provider}\n`;
    if (text.length < 65_536) continue;
    yield Buffer.from(text);
    text = "";
  }
  if (text !== "") yield Buffer.from(text);
}

/** One row for each of the 60 lines: how many items, how many of them have a code, how many codes, the largest one's share. */
export async function summariseReal(): Promise<
  readonly { line: string; items: number; labelled: number; codes: number; majority: number; expected: number }[]
> {
  const real = await loadReal();
  return real.lines.map(({ country, scheme, expected }) => {
    const counts = new Map<string, number>();
    const items = real.items.get(country) ?? [];
    for (const item of items) {
      const code = real.codeOf(scheme, item);
      if (code !== "") counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    const labelled = [...counts.values()].reduce((sum, count) => sum + count, 0);
    return {
      line: lineOf(country, scheme).line,
      items: items.length,
      labelled,
      codes: counts.size,
      majority: Math.max(...counts.values()) / labelled,
      expected,
    };
  });
}

async function main(): Promise<void> {
  if (findReal() === undefined) {
    console.log("Skipped: the real items are not here. Put them under ../shared/data or name their folder in STOCKROOM_DATA.");
    return;
  }
  const summary = await summariseReal();
  console.table(summary.map((row) => ({ ...row, majority: row.majority.toFixed(3) })));
  const wrong = summary.filter((row) => row.items !== row.expected || row.labelled !== row.items);
  const countries = new Set(summary.map((row) => parseLine(row.line).country)).size;
  const labels = summary.reduce((sum, row) => sum + row.labelled, 0);
  console.log(`${summary.length} lines in ${countries} countries, ${labels} labels.`);
  if (wrong.length === 0) {
    console.log("Every line has the items that models60.csv counts, each with a code.");
  } else {
    console.error(`Not as models60.csv counts them: ${wrong.map((row) => row.line).join(", ")}.`);
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();
