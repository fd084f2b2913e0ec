import { describe, expect, it } from "vitest";
import type { BadRow } from "../../../platform/formats/index.ts";
import { makePanel } from "../../engine/panel/make.ts";
import { applyChanges } from "../../engine/scenario/apply.ts";
import { parseCommand } from "../../engine/scenario/command.ts";
import { readAdjustment, type AdjustmentAsked } from "./adjustments.ts";
import { brokenExport, forecastOf, keyOfIds, readRows } from "./finished.ts";
import { previewOrders } from "./preview-orders.ts";
import { proposeOrders } from "./orders.ts";
import { changedSeries } from "./scenario.ts";
import { readOpenOrders, readStock, type StockOptions } from "./stock.ts";

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const signal = new AbortController().signal;
const day = 86_400_000;
const first = Date.UTC(2026, 6, 1);

describe("an export read back", () => {
  const text =
    "item_id,shop,timestamp,p10,p50,p90\na,x,2026-07-01,1,2,4\na,x,2026-07-02,2,3,5\nb,x,2026-07-01,0,0,1\nb,x,2026-07-02,0,0,1\n";
  it("gives its series one by one, with the median where there is no mean", async () => {
    const rows = await readRows(bytesOf(text), "forecast.csv", { signal, broken: brokenExport });
    expect(rows).toMatchObject({ idColumns: ["item_id", "shop"], hasMean: false, levels: [0.1, 0.5, 0.9] });
    const all = [];
    for await (const series of rows.series()) all.push(series);
    expect(all.map(({ ids }) => ids)).toEqual([
      ["a", "x"],
      ["b", "x"],
    ]);
    expect(all[0]?.instants).toEqual([first, first + day]);
    const [one] = all;
    if (one === undefined) throw new Error("there is no series");
    const forecast = forecastOf(one, rows.levels);
    expect([...forecast.mean]).toEqual([2, 3]);
    expect([...forecast.quantiles]).toEqual([1, 2, 2, 3, 4, 5]);
  });
  it("that is none is told as such", async () => {
    await expect(readRows(bytesOf("a,b\n1,2\n"), "forecast.csv", { signal, broken: brokenExport })).rejects.toMatchObject({
      code: "FORECAST_EXPORT_BROKEN",
    });
  });
});

describe("a changed future", () => {
  const panel = makePanel({
    grid: { frequency: { unit: "D", multiple: 1 }, startMs: 0, length: 2, horizon: 2 },
    series: ["a", "b", "c"].map((item) => ({ item, values: [1, 2], regressors: { price: [1, 1, 2, 2] } })),
    shared: { holiday: [0, 1, 0, 1] },
  });
  const seriesOf = (text: string): readonly number[] => {
    const parsed = parseCommand(text);
    const applied = parsed.kind === "changes" ? applyChanges(panel, parsed.changes) : undefined;
    if (applied?.kind !== "applied") throw new Error("these changes cannot be applied");
    return changedSeries(panel, applied.panel);
  };
  it("asks only those series again whose numbers ahead differ", () => {
    expect(seriesOf("price *= 0.5 where item_id in (a, c)")).toEqual([0, 2]);
    expect(seriesOf("price = 2")).toEqual([]);
    expect(seriesOf("holiday = 1")).toEqual([0, 1, 2]);
    expect(seriesOf("holiday = 1 where item_id = b")).toEqual([1]);
    expect(seriesOf("holiday = 0 where timestamp < 1970-01-04")).toEqual([]);
  });
});

describe("stock", () => {
  const bad: BadRow[] = [];
  const options: StockOptions = {
    ids: ["item_id"],
    instants: [first, first + day, first + 2 * day],
    signal,
    onBadRow: (row) => void bad.push(row),
  };
  const defaults = { leadTime: 1, reviewPeriod: 1, service: { kind: "cycle", level: 0.9 } } as const;
  it("takes steps or dates for what is on its way, before, within and after the forecast", async () => {
    bad.length = 0;
    const stock = await readStock(
      bytesOf("item_id,on_hand,on_order,on_order_due\na,1,5,2026-07-02\nb,1,5,1.5\nc,1,5,tomorrow\nd,,5,1\n"),
      "stock.csv",
      defaults,
      options,
    );
    expect(stock.map(({ ids, input }) => [ids[0], input.openOrders?.[0]?.dueStep])).toEqual([
      ["a", 1],
      ["b", 1.5],
    ]);
    expect(bad.map(({ line, column }) => [line, column])).toEqual([
      [4, 4],
      [5, 2],
    ]);
    const text = "item_id,quantity,due\na,1,2026-06-30\na,2,2026-07-05 12:00:00\na,-1,1\na,1,\n";
    const orders = await readOpenOrders(bytesOf(text), "orders.csv", options);
    expect(orders.get(keyOfIds(["a"]))).toEqual([
      { quantity: 1, dueStep: -1 },
      { quantity: 2, dueStep: 4.5 },
    ]);
    expect(bad).toHaveLength(4);
  });
  it("reads decimal commas as a forecast's own files may have them, and refuses what may be read in two ways", async () => {
    bad.length = 0;
    const text = "item_id;on_hand;on_order;on_order_due;service_level\na;2,5;10;1,5;95 %\nb;1.200,5;;;\nc;x;;;\n";
    const stock = await readStock(bytesOf(text), "stock.csv", defaults, options);
    expect(stock.map(({ input }) => [input.onHand, input.openOrders ?? [], input.service.level])).toEqual([
      [2.5, [{ quantity: 10, dueStep: 1.5 }], 0.95],
      [1200.5, [], 0.9],
    ]);
    expect(bad).toMatchObject([{ line: 4, column: 2, code: "STOCK_NUMBER", sample: "x" }]);
    const orders = await readOpenOrders(bytesOf('item_id,quantity,due\na,"2,25",2026-07-02\na,"0,75",2026-07-02\n'), "orders.csv", options);
    expect(orders.get(keyOfIds(["a"]))).toEqual([
      { quantity: 2.25, dueStep: 1 },
      { quantity: 0.75, dueStep: 1 },
    ]);
    const notes: string[] = [];
    const onNote = (note: string): void => void notes.push(note);
    await readStock(bytesOf("item_id,on_hand\na,12.000\n"), "stock.csv", defaults, { ...options, onNote });
    expect(notes).toEqual([
      expect.stringMatching(/^on_hand of stock\.csv was read with a decimal point: "12\.000" on line 2 is 12\..*12000/),
    ]);
    await expect(readStock(bytesOf("item_id;on_hand\na;1,200\n"), "stock.csv", defaults, options)).rejects.toMatchObject({
      code: "TABLE_NUMBER_AMBIGUOUS",
      message: expect.stringContaining("Write its numbers with a decimal point"),
    });
  });
  it("with columns that mean nothing is refused", async () => {
    await expect(readStock(bytesOf("item_id,on_hands\na,1\n"), "stock.csv", defaults, options)).rejects.toMatchObject({
      code: "STOCK_COLUMNS",
    });
  });
  it("gives each series the same proposal whoever else is in the table", async () => {
    const forecast = forecastOf(
      { ids: ["a"], timestamps: [], instants: [], mean: undefined, quantiles: Array.from({ length: 4 }, () => [5, 10, 18]) },
      [0.1, 0.5, 0.9],
    );
    const forecasts = new Map(["a", "b"].map((item) => [keyOfIds([item]), forecast]));
    const ask = async (text: string) =>
      proposeOrders(await readStock(bytesOf(`item_id,on_hand\n${text}`), "stock.csv", defaults, options), forecasts, {
        signal,
        onBadRow: options.onBadRow,
      });
    const alone = await ask("a,3\n");
    expect((await ask("b,3\na,3\n"))[1]?.proposal).toEqual(alone[0]?.proposal);
    expect(alone[0]?.proposal.quantity).toBeGreaterThan(0);
    // However many rows a series has, each is told with one other.
    bad.length = 0;
    expect((await ask(`b,3\n${"a,3\n".repeat(9)}`)).map(({ row }) => row.ids)).toEqual([["b"]]);
    expect(bad.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(bad[0]?.reason).toContain("but line 4 and 7 more are of this one, too");
  });
});

describe("orders of a preview", () => {
  const ids = ["item_id"];
  const forecast = (sold: number) =>
    forecastOf(
      { ids: ["a"], timestamps: [], instants: [], mean: undefined, quantiles: Array.from({ length: 3 }, () => [sold / 2, sold, 2 * sold]) },
      [0.1, 0.5, 0.9],
    );
  const met = {
    ids,
    instants: [first, first + day, first + 2 * day],
    before: new Map(["a", "b", "c"].map((item) => [keyOfIds([item]), forecast(10)])),
    after: new Map(["a", "b", "c"].map((item) => [keyOfIds([item]), forecast(20)])),
  };
  const defaults = { leadTime: 1, reviewPeriod: 1, service: { kind: "cycle", level: 0.9 } } as const;
  const preview = async (text: string, of: typeof met = met) =>
    await previewOrders(of, { stock: { name: "stock.csv", body: bytesOf(text) } }, defaults, signal);
  it("are those that are proposed, before and after", async () => {
    const text = "item_id,on_hand\na,3\nb,3\nc,3\nother,3\n";
    const { orders, warnings } = await preview(text);
    const options: StockOptions = { ids, instants: met.instants, signal, onBadRow: () => undefined };
    const proposed = proposeOrders((await readStock(bytesOf(text), "stock.csv", defaults, options)).slice(0, 3), met.before, options);
    expect(orders.map(({ before }) => before)).toEqual(proposed.map(({ proposal }) => proposal.quantity));
    expect(orders.every(({ before, after }) => after > before)).toBe(true);
    expect(warnings).toEqual([]);
  });
  it("tell what a proposal would tell: rows set apart, series without stock, times beyond the forecast", async () => {
    const { orders, warnings } = await preview("item_id,on_hand,lead_time\na,3,5\nb,x,1\n");
    expect(orders).toHaveLength(1);
    expect(warnings).toEqual([
      expect.stringContaining("stock.csv, line 3"),
      expect.stringContaining("2 of 3 series"),
      expect.stringContaining("but 3 were forecast"),
    ]);
  });
  it("do not hide what adjustments do to the forecast when the table cannot be read", async () => {
    const { orders, warnings } = await preview("item_id,on_hands\na,1\n");
    expect(orders).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/^There are no orders: .*on_hand/)]);
  });
  it("say why there are none of a forecast with one quantile", async () => {
    const only = new Map([[keyOfIds(["a"]), { ...forecast(1), levels: [0.5], quantiles: Float64Array.of(1, 1, 1) }]]);
    expect((await preview("item_id,on_hand\na,1\n", { ...met, before: only, after: only })).warnings).toEqual([
      expect.stringContaining("two quantiles"),
    ]);
  });
});

describe("an adjustment as typed", () => {
  const asked: AdjustmentAsked = {
    group: "g",
    kind: "add",
    value: 1,
    where: "",
    from: "2026-07-01",
    to: "2026-07-01",
    author: " Ada ",
    reason: "x",
  };
  it("counts its last day to the end, and its last moment alone", () => {
    expect(readAdjustment(asked, "now")).toMatchObject({
      fromAt: "2026-07-01T00:00:00.000Z",
      untilAt: "2026-07-02T00:00:00.000Z",
      author: "Ada",
    });
    expect(readAdjustment({ ...asked, to: "2026-07-01 12:00:00" }, "now")).toMatchObject({ untilAt: "2026-07-01T12:00:00.001Z" });
  });
  it("is refused with all that is wrong with it", () => {
    expect(() => readAdjustment({ ...asked, to: "2026-06-30" }, "now")).toThrow(/at or after --from/);
    expect(() => readAdjustment({ ...asked, kind: "percent", value: -200, where: "a b", author: "" }, "now")).toThrow(
      /-100.*character 3.*author/s,
    );
  });
});
