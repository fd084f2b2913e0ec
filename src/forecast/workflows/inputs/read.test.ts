import { existsSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Body, gather } from "../../../platform/bytes.ts";
import { isStockroomError, type StockroomError } from "../../../platform/errors.ts";
import { type BadRow, fileBody, writeTable } from "../../../platform/formats/index.ts";
import type { Panel } from "../../engine/contract.ts";
import { seriesAt, seriesCount } from "../../engine/panel/series.ts";
import type { InputFile } from "./open.ts";
import { type Inputs, readInputs, type ReadInputsOptions } from "./read.ts";

async function* bytesOf(bytes: Uint8Array, chunk: number): Body {
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
}

const csv = (name: string, lines: readonly string[]): InputFile => ({ name, body: bytesOf(Buffer.from(lines.join("\n")), 997) });

const target = (...lines: readonly string[]): InputFile => csv("shop.csv", ["item_id,timestamp,demand", ...lines]);

/** Eight days of one item, so that horizons of a few days have a history. */
const eight = Array.from({ length: 8 }, (_, i) => `a,2024-03-0${i + 1},${i + 1}`);

const read = (options: Partial<ReadInputsOptions> & { readonly target: InputFile }): Promise<Inputs> =>
  readInputs({ frequency: "D", horizon: 2, ...options });

async function refusal(options: Partial<ReadInputsOptions> & { readonly target: InputFile }): Promise<StockroomError> {
  try {
    await read(options);
  } catch (thrown) {
    if (isStockroomError(thrown)) return thrown;
    throw thrown;
  }
  throw new Error("Expected a refusal.");
}

const historyOf = (panel: Panel, i: number): number[] => [...seriesAt(panel, i).values];
const codes = ({ notes }: Inputs): string[] => notes.map(({ code }) => code);
const badOf = ({ bad }: Inputs, file: number): Omit<BadRow, "reason">[] =>
  bad[file].rows.map(({ line, column, code, sample }) => ({ line, column, code, sample }));

describe("reading", () => {
  test("takes columns by name in any order, more of them as dimensions", async () => {
    const { panel, names } = await read({
      target: csv("shop.csv", [
        "location,demand,timestamp,item_id",
        ...eight.map((line) => line.split(",")).flatMap(([item, when, value]) => [`x,${value},${when},${item}`, `y,1,${when},${item}`]),
      ]),
    });
    expect(panel.dimensions.map(({ name, levels }) => [name, levels])).toEqual([["location", ["x", "y"]]]);
    expect(historyOf(panel, 0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(panel.seasons).toEqual([7, 365.25]);
    expect(names).toEqual({ item: "item_id", target: "demand" });
  });

  test("goes by position where there is no header", async () => {
    expect(historyOf((await read({ target: csv("shop.csv", eight) })).panel, 0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const schema = [
      { name: "timestamp", type: "timestamp" },
      { name: "store", type: "string" },
      { name: "item_id", type: "string" },
      { name: "demand", type: "float" },
    ] as const;
    const moved = eight.map((line) => line.split(",")).map(([item, when, value]) => `${when} 00:00:00,"1, north",${item},${value}`);
    const file = { ...csv("shop.csv", moved), schema };
    const { panel } = await read({ target: file });
    expect(panel.dimensions[0]).toMatchObject({ name: "store", levels: ["1, north"] });
    expect((await refusal({ target: csv("shop.csv", moved) })).code).toBe("INPUT_NO_HEADER");
    const own = { ...csv("shop.csv", ["Datum,Filiale,Artikel,Menge", ...moved]), schema };
    expect((await read({ target: own })).panel).toEqual(panel);
    const metadata = {
      ...csv("shop.metadata.csv", ["a,fruit", "b,tool"]),
      schema: [schema[2], { name: "category", type: "string" as const }],
    };
    expect((await read({ target: target(...eight), metadata })).panel.metadata[0]).toMatchObject({
      name: "category",
      levels: ["fruit", "tool"],
    });
  });

  test("reads gzip, TSV, JSONL and Parquet alike", async () => {
    const rows = eight.map((line) => line.split(","));
    const columns = ["item_id", "timestamp", "demand"];

    const parquet = await gather(
      writeTable(
        (async function* () {
          yield rows.map(([item, when, value]) => [item, when, Number(value)]);
        })(),
        { format: "parquet", columns, types: { timestamp: "date", demand: "number" } },
      ),
    );
    const files: Record<string, Uint8Array> = {
      "shop.csv.gz": gzipSync([columns.join(","), ...eight].join("\n")),
      "shop.tsv": Buffer.from([columns, ...rows].map((row) => row.join("\t")).join("\r\n")),
      "shop.jsonl": Buffer.from(
        rows.map(([item_id, timestamp, demand]) => JSON.stringify({ item_id, timestamp, demand: Number(demand) })).join("\n"),
      ),
      "shop.parquet": parquet,
    };
    for (const [name, bytes] of Object.entries(files)) {
      const { panel, bad } = await read({ target: { name, body: bytesOf(bytes, 50) } });
      expect([name, historyOf(panel, 0), bad[0].count]).toEqual([name, [1, 2, 3, 4, 5, 6, 7, 8], 0]);
    }
  });

  test("knows the names of every domain", async () => {
    for (const [domain, item, value] of [
      ["CUSTOM", "item_id", "target_value"],
      ["INVENTORY_PLANNING", "item_id", "demand"],
      ["WORK_FORCE", "workforce_type", "workforce_demand"],
      ["WEB_TRAFFIC", "item_id", "value"],
      ["EC2_CAPACITY", "instance_type", "number_of_instances"],
      ["METRICS", "metric_name", "metric_value"],
    ] as const) {
      const { panel, names } = await read({ domain, target: csv("shop.csv", [`${item},timestamp,${value}`, ...eight]) });
      expect([names.item, names.target, historyOf(panel, 0).length]).toEqual([item, value, 8]);
    }
    const alias = await read({
      domain: "WEB_TRAFFIC",
      target: target(...eight, "b,2024-03-01,1", "b,2024-03-03,1"),
      rules: { demand: { middle: { kind: "mean" } } },
    });
    expect([alias.names.target, historyOf(alias.panel, 1).slice(0, 3)]).toEqual(["demand", [1, 1, 1]]);
  });

  test("aggregates finer data, and sums over dimensions that are not asked for", async () => {
    const weeks = await read({
      target: target(...Array.from({ length: 60 }, (_, i) => `a,${new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10)},1`)),
      frequency: "W",
    });
    expect(historyOf(weeks.panel, 0).slice(0, 3)).toEqual([7, 7, 7]);
    expect(codes(weeks)).toEqual(["INPUT_FREQUENCY_COARSER", "INPUT_AGGREGATED"]);
    const stores = csv("shop.csv", [
      "item_id,store,timestamp,demand",
      ...eight.flatMap((line) => ["x", "y"].map((store) => line.replace(",", `,${store},`))),
    ]);
    expect(historyOf((await read({ target: stores, dimensions: [] })).panel, 0)).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
  });

  test("makes holidays of a country shared regressors", async () => {
    const days = Array.from({ length: 40 }, (_, i) => `a,${new Date(Date.UTC(2023, 11, 1 + i)).toISOString().slice(0, 10)},1`);
    const { panel } = await read({ target: target(...days), holidays: "DE" });
    expect(panel.shared.map(({ name }) => name)).toEqual([
      "holiday",
      "holiday:Boxing Day",
      "holiday:Christmas Day",
      "holiday:New Year's Day",
    ]);
    expect([...panel.shared[0].values.keys()].filter((i) => panel.shared[0].values[i] > 0)).toEqual([24, 25, 31]);
    expect((await read({ target: target(...days), holidays: "DE-BY" })).panel.shared.map(({ name }) => name)).toContain("holiday:Epiphany");
  });

  test("gives new items what their metadata and related numbers say", async () => {
    const related = csv("shop.related.csv", [
      "item_id,timestamp,price",
      ...["a", "b"].flatMap((item) => Array.from({ length: 10 }, (_, i) => `${item},2024-03-${String(i + 1).padStart(2, "0")},${i}`)),
    ]);
    const metadata = csv("shop.metadata.csv", ["item_id,category", "a,fruit", "b,fruit", "b,fruit"]);
    const inputs = await read({ target: target(...eight), related, metadata });
    expect(inputs.panel.itemIds).toEqual(["a", "b"]);
    expect(seriesAt(inputs.panel, 1)).toMatchObject({
      position: 8,
      values: new Float64Array(0),
      regressors: [{ name: "price", values: Float64Array.of(8, 9) }],
    });
    expect(codes(inputs)).toEqual(["INPUT_COLD_STARTS"]);
    expect(inputs.bad.map(({ count }) => count)).toEqual([0, 0, 0]);
  });
});

describe("bad rows", () => {
  test("are set apart with line, column and reason; the rest goes on", async () => {
    const inputs = await read({
      target: target(
        ...eight,
        "a,2024-03-07T25:00:00,1",
        ",2024-03-08,1",
        "a,2024-02-30,1",
        "a,9999-12-31,1",
        'a,2024-03-08,"1,5 pcs"',
        "a,2024-03-08,many",
        "a,2024-03-08",
        "b,2024-03-08,",
        "a,2024-03-01 07:00:00,NaN",
      ),
      metadata: csv("shop.metadata.csv", ["item_id,category", "a,fruit", "a,tool", ",x", "b,tool"]),
      mostBadShare: 0.5,
    });
    expect(historyOf(inputs.panel, 0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(badOf(inputs, 0)).toEqual([
      { line: 10, column: 2, code: "INPUT_TIMESTAMP_WRONG", sample: "2024-03-07T25:00:00" },
      { line: 11, column: 1, code: "INPUT_ITEM_EMPTY", sample: "" },
      { line: 12, column: 2, code: "INPUT_TIMESTAMP_WRONG", sample: "2024-02-30" },
      { line: 13, column: 2, code: "INPUT_TIMESTAMP_WRONG", sample: "9999-12-31" },
      { line: 14, column: 3, code: "INPUT_NUMBER_WRONG", sample: "1,5 pcs" },
      { line: 15, column: 3, code: "INPUT_NUMBER_WRONG", sample: "many" },
      { line: 16, column: 13, code: "TABLE_ROW_SHORT", sample: "a,2024-03-08" },
    ]);
    expect(badOf(inputs, 1)).toEqual([
      { line: 3, column: 2, code: "INPUT_ITEM_TWICE", sample: "a" },
      { line: 4, column: 1, code: "INPUT_ITEM_EMPTY", sample: "" },
    ]);
    expect(codes(inputs)).toEqual(["INPUT_EMPTY_VALUES", "INPUT_COLD_STARTS"]);
  });

  test("are numbers beyond all sales: their squares would be no number", async () => {
    const rows = [...eight, "b,2024-03-08,1e302"];
    await expect(read({ target: target(...rows) })).rejects.toMatchObject({ kind: "input", message: expect.stringContaining("1e302") });
    const inputs = await read({ target: target(...rows), mostBadShare: 1 });
    expect(badOf(inputs, 0)).toEqual([{ line: 10, column: 3, code: "INPUT_NUMBER_TOO_LARGE", sample: "1e302" }]);
  });

  test("of an item without history and metadata name its line", async () => {
    const related = csv("shop.related.csv", [
      "item_id,timestamp,price",
      ...Array.from({ length: 10 }, (_, i) => `a,2024-03-${String(i + 1).padStart(2, "0")},1`),
      "new,2024-03-09,3",
    ]);
    const inputs = await read({ target: target(...eight, "ghost,2024-03-08,"), related });
    expect(inputs.panel.itemIds).toEqual(["a"]);
    expect(badOf(inputs, 0)).toEqual([{ line: 10, column: 1, code: "INPUT_ITEM_UNKNOWN", sample: "ghost" }]);
    expect(badOf(inputs, 1)).toEqual([{ line: 12, column: 1, code: "INPUT_ITEM_UNKNOWN", sample: "new" }]);
  });

  test("are all told to the caller, and the first thousand kept", async () => {
    let seen = 0;
    const inputs = await read({
      target: target(...eight, ...Array.from({ length: 1500 }, () => "a,soon,1")),
      onBadRow: () => (seen += 1),
      mostBadShare: 1,
    });
    expect([seen, inputs.bad[0].count, inputs.bad[0].rows.length]).toEqual([1500, 1500, 1000]);
  });
});

describe("inputs useless as a whole", () => {
  test("are refused with everything that is wrong, at once", async () => {
    const error = await refusal({
      target: csv("shop.csv", ["sku,timestamp,demand", "a,2024-01-01,1"]),
      related: csv("shop.related.csv", ["item_id,timestamp", "a,2024-01-01"]),
      frequency: "monthly",
      horizon: 0,
      seasons: [1],
      holidays: "ZZ",
    });
    expect(error).toMatchObject({ code: "FORECAST_INPUT_INVALID", kind: "input", facts: { problems: 6 } });
    for (const code of [
      "INPUT_FREQUENCY_UNKNOWN",
      "INPUT_HORIZON_WRONG",
      "INPUT_SEASONS_WRONG",
      "INPUT_HOLIDAYS_UNKNOWN",
      "INPUT_COLUMN_MISSING",
      "INPUT_NO_NUMBERS",
    ]) {
      expect(error.message).toContain(code);
    }
  });

  test("duplicates, unless an aggregation is asked for", async () => {
    const error = await refusal({ target: target(...eight, "a,2024-03-03,9", "a,2024-03-05,9") });
    expect(error).toMatchObject({ code: "INPUT_DUPLICATES", facts: { file: "shop.csv", line: 10, column: 2, duplicates: 2 } });
    expect(error.message).toContain("line 10, which repeats line 4");
    const summed = await read({ target: target(...eight, "a,2024-03-03,9"), aggregation: "sum" });
    expect(historyOf(summed.panel, 0)[2]).toBe(12);
    expect(codes(summed)).toEqual(["INPUT_DUPLICATES"]);
  });

  test("a few timestamps beside a grid that all others keep, unless an aggregation is asked for", async () => {
    const thursdays = Array.from({ length: 30 }, (_, i) => `a,${new Date(Date.UTC(2024, 0, 4 + 7 * i)).toISOString().slice(0, 10)},1`);
    const stray = [...thursdays, "a,2024-03-05,5"];
    expect(await refusal({ target: target(...stray), frequency: "W" })).toMatchObject({
      code: "INPUT_OFF_GRID",
      facts: { line: 32, column: 2, rows: 1 },
    });
    expect(codes(await read({ target: target(...stray), frequency: "W", aggregation: "max" }))).toEqual([
      "INPUT_OFF_GRID",
      "INPUT_AGGREGATED",
    ]);
    const grid = (await read({ target: target(...thursdays), frequency: "W" })).panel.grid;
    expect(new Date(grid.startMs).toISOString().slice(0, 10)).toBe("2024-01-04");
    const monthEnds = ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"].map((day) => `a,${day},1`);
    expect(historyOf((await read({ target: target(...monthEnds), frequency: "M" })).panel, 0)).toEqual([1, 1, 1, 1, 1]);
  });

  test("related numbers that end before the horizon, unless they are filled or left out", async () => {
    const related = (): InputFile =>
      csv("shop.related.csv", [
        "item_id,timestamp,price,promo",
        ...Array.from({ length: 9 }, (_, i) => `a,2024-03-${String(i + 1).padStart(2, "0")},${i},${i === 8 ? "" : 0}`),
      ]);
    const error = await refusal({ target: target(...eight), related: related() });
    expect(error.code).toBe("FORECAST_INPUT_INVALID");
    expect(error.message).toContain(
      "price of shop.related.csv ends before the horizon for 1 of 1 series, the first being a at 2024-03-10 (column 3)",
    );
    expect(error.message).toContain(
      "promo of shop.related.csv ends before the horizon for 1 of 1 series, the first being a at 2024-03-09 (column 4)",
    );
    const filled = await read({
      target: target(...eight),
      related: related(),
      rules: { price: { future: { kind: "max" } }, promo: { future: { kind: "zero" } } },
    });
    expect([...filled.panel.regressors[0].values.subarray(7)]).toEqual([7, 8, 8]);
    const left = await read({ target: target(...eight), related: related(), shortRelated: "leave-out" });
    expect(left.panel.regressors).toEqual([]);
    expect(codes(left)).toEqual(["INPUT_RELATED_SHORT", "INPUT_RELATED_SHORT"]);
    const mostly = csv("shop.related.csv", [
      "item_id,timestamp,price",
      ...Array.from({ length: 10 }, (_, i) => `a,2024-03-${String(i + 1).padStart(2, "0")},${i}`),
    ]);
    const partly = await read({ target: target(...eight), related: mostly, shortRelated: "leave-out", horizon: 3 });
    expect([...partly.panel.regressors[0].values.subarray(7)]).toEqual([7, 8, 9, Number.NaN]);
    const kept = await read({ target: target(...eight), related: related(), shortRelated: "keep", without: ["promo"] });
    expect([...kept.panel.regressors[0].values.subarray(7)]).toEqual([7, 8, Number.NaN]);
  });

  test("a horizon longer than the history, dimensions and rules that are not there, rows without a single good one", async () => {
    expect(await refusal({ target: target(...eight), horizon: 7 })).toMatchObject({
      code: "INPUT_HORIZON_TOO_LONG",
      facts: { history: 8, horizon: 7 },
    });
    expect(codes(await read({ target: target(...eight), horizon: 4 }))).toEqual(["INPUT_HORIZON_LONG"]);
    expect((await refusal({ target: target(...eight), dimensions: ["store"] })).code).toBe("INPUT_DIMENSION_MISSING");
    expect((await refusal({ target: target(...eight), rules: { prize: {} } })).code).toBe("INPUT_RULE_UNKNOWN");
    const empty = await refusal({ target: target("a,soon,1") });
    expect(empty.code).toBe("INPUT_BAD_ROWS");
    expect(empty.message).toContain('1 rows in timestamp (column 2): "soon" (line 2). Expected a day');
    expect((await refusal({ target: target("a,2024-01-01,", "a,2024-01-02,") })).code).toBe("PANEL_EMPTY");
    const wide = csv("shop.csv", [`item_id,timestamp,demand,${Array.from({ length: 11 }, (_, i) => `d${i}`).join(",")}`]);
    expect((await refusal({ target: wide })).code).toBe("INPUT_TOO_MANY_DIMENSIONS");
  });

  test("and every file is let go", async () => {
    const closed: string[] = [];
    const watched = (file: InputFile): InputFile => ({
      ...file,
      body: (async function* () {
        try {
          yield* file.body;
        } finally {
          closed.push(file.name);
        }
      })(),
    });
    const metadata = csv("shop.metadata.csv", ["item,category", "a,b"]);
    await refusal({ target: watched(target(...eight)), metadata: watched(metadata) });
    expect(closed.sort()).toEqual(["shop.csv", "shop.metadata.csv"]);
    const gone = new AbortController();
    gone.abort();
    await expect(read({ target: target(...eight), signal: gone.signal })).rejects.toThrow(/abort/i);
  });
});

test("the order of rows changes nothing", async () => {
  const row = fc.record({
    item: fc.constantFrom("a", "b"),
    day: fc.integer({ min: 1, max: 28 }),
    hour: fc.integer({ min: 0, max: 23 }),
    value: fc.double({ min: 0, max: 1e4, noNaN: true }),
  });
  const lines = (rows: readonly { item: string; day: number; hour: number; value: number }[]): string[] =>
    rows.map(
      ({ item, day, hour, value }) => `${item},2024-01-${String(day).padStart(2, "0")} ${String(hour).padStart(2, "0")}:00:00,${value}`,
    );
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 30 }), fc.nat(), async (rows, turn) => {
      const framed = [...rows, { item: "a", day: 1, hour: 0, value: 1 }, { item: "a", day: 28, hour: 0, value: 1 }];
      const turned = [...framed.slice(turn % framed.length), ...framed.slice(0, turn % framed.length)].toReversed();
      // The ends are named: rows alone on the first day, far from all others, would be refused.
      const named = { aggregation: "sum", begin: "2024-01-01", end: "2024-01-28" } as const;
      const one = await read({ target: target(...lines(framed)), ...named });
      const other = await read({ target: target(...lines(turned)), ...named });
      expect(other.panel).toEqual(one.panel);
    }),
    { numRuns: 50 },
  );
});

const data = path.join(process.env.STOCKROOM_DATA ?? "../shared/data", "forecast");
const shared = (name: string): InputFile => ({ name, body: fileBody(path.join(data, name)) });

describe.skipIf(!existsSync(path.join(data, "oj_target.csv.gz")))("the files for developers", { timeout: 120_000 }, () => {
  test("orange juice: weeks stamped on Thursdays, prices known as far as sales are", async () => {
    const inputs = await readInputs({
      target: shared("oj_target.csv.gz"),
      related: shared("oj_related.csv.gz"),
      metadata: shared("oj_metadata.csv.gz"),
      frequency: "W",
      horizon: 8,
      shortRelated: "keep",
      holidays: "US",
    });
    expect([seriesCount(inputs.panel), inputs.panel.grid.length, inputs.bad.map(({ count }) => count)]).toEqual([649, 121, [0, 0, 0]]);
    expect(inputs.panel.regressors.map(({ name }) => name)).toEqual(["price", "promotion_applied", "feature", "deal"]);
    expect(inputs.panel.seasons).toEqual([52.18]);
  });

  test("UCI: days, and columns whose future nobody knows left out", async () => {
    const inputs = await readInputs({
      target: shared("uci_target.csv.gz"),
      related: shared("uci_related.csv.gz"),
      metadata: shared("uci_metadata.csv.gz"),
      frequency: "D",
      horizon: 28,
      without: ["order_lines", "customers"],
      rules: { price: { middle: { kind: "median" }, back: { kind: "median" }, future: { kind: "median" } } },
    });
    expect([seriesCount(inputs.panel), inputs.panel.grid.length, inputs.bad.map(({ count }) => count)]).toEqual([3473, 374, [0, 0, 0]]);
    expect(inputs.panel.regressors.map(({ name }) => name)).toEqual(["price"]);
  });

  test("AWS electronics: months, prices to the end of the horizon, stores told as what they are", async () => {
    const inputs = await readInputs({
      target: shared("aws_electronics_target.csv.gz"),
      related: shared("aws_electronics_related.csv.gz"),
      frequency: "M",
      horizon: 3,
    });
    expect([seriesCount(inputs.panel), inputs.panel.grid.length, codes(inputs)]).toEqual([1500, 24, ["INPUT_DIMENSIONS"]]);
  });
});
