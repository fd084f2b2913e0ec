// Planners in a whole app: their adjustments beside the system's forecast, imports judged, what-ifs, explanations and orders kept.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { layOver } from "../../src/forecast/workflows/planning/adjusted.ts";
import { sayAdjustment, takeBack, type AdjustmentAsked } from "../../src/forecast/workflows/planning/adjustments.ts";
import { askExplain } from "../../src/forecast/workflows/planning/explain.ts";
import { askReplenish } from "../../src/forecast/workflows/planning/replenish.ts";
import { askWhatif, readChanges } from "../../src/forecast/workflows/planning/whatif.ts";
import { listAdjustments } from "../../src/forecast/store/adjustments.ts";
import { getAnswer, listAnswers } from "../../src/forecast/store/answers.ts";
import { findLatest, type ForecastRunRow } from "../../src/forecast/store/runs.ts";
import { makeRandom } from "../../src/platform/random.ts";
import type { App } from "../../src/app.ts";
import { runWords, type Told } from "../kit/command.ts";
import { shopDefaults, shopMetadata, shopTarget } from "../kit/forecast-shop.ts";
import { openGateway } from "../kit/sap-gateway.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";

let place: TestPlace;
let app: App;

beforeEach(async () => {
  place = await makePlace({ STOCKROOM_FORECAST_SETTLE_MS: "100" });
  app = await openAt(place, { work: true, quiet: true });
});

afterEach(async () => {
  await app.close();
  await place.remove();
});

const put = async (key: string, text: string): Promise<void> => {
  await app.objects.put(operator, key, textBytes(text));
};

/** The rows of a table as objects. */
async function rowsOf(ref: { readonly key: string; readonly version?: string } | undefined): Promise<Record<string, string>[]> {
  if (ref === undefined) throw new Error("there is no such export");
  const bytes = await app.objects.read(operator, ref.key, ref.version === undefined ? {} : { version: ref.version });
  const [header = "", ...lines] = Buffer.from(bytes).toString("utf8").trim().split(/\r?\n/);
  const columns = header.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, at) => [columns[at] ?? "", cell])));
}

const latest = async (): Promise<ForecastRunRow> => {
  const run = await findLatest(app.database, "shop");
  if (run === undefined) throw new Error("there is no run");
  return run;
};

const deps = (): App["forecast"]["deps"] => app.forecast.deps;

const asked = (more: Partial<AdjustmentAsked> = {}): AdjustmentAsked => ({
  group: "shop",
  kind: "set",
  value: 100,
  where: "item_id = item_0",
  from: "2025-01-01",
  to: "2025-01-31",
  author: "Ada",
  reason: "festival",
  ...more,
});

const say = async (more: Partial<AdjustmentAsked> = {}): Promise<string> => {
  const { row, runId } = await sayAdjustment(deps(), app.workflows, asked(more), { purpose: "test" });
  expect(await app.workflows.outcome(runId)).toMatchObject({ kind: "done" });
  return row.id;
};

const exported = async (): Promise<readonly string[]> =>
  (await app.events.list({ kind: "forecast.exported", limit: 100 }))
    .flatMap(({ data }) => (typeof data["key"] === "string" ? [data["key"]] : []))
    .toReversed();

async function start(settings = shopDefaults()): Promise<void> {
  await put("forecast-defaults.yaml", settings);
  await put("forecast/train/shop.metadata.csv", shopMetadata());
  await put("forecast/train/shop.csv", shopTarget());
  await settled(app);
}

describe("adjustments", () => {
  test("stand beside the system's forecast, are exported anew with every word, and are withdrawn but not forgotten", async () => {
    await start();
    const before = await latest();
    const system = await rowsOf(before.exports["forecast"]);
    const first = await say();
    const once = await latest();
    expect(once.exports["forecast"]).toEqual(before.exports["forecast"]);
    const adjusted = await rowsOf(once.exports["adjusted"]);
    expect(adjusted).toHaveLength(system.length);
    const isMeant = (row: Record<string, string>): boolean => row["item_id"] === "item_0" && row["timestamp"] === "2025-01-01";
    expect(adjusted.filter((row) => !isMeant(row))).toEqual(system.filter((row) => !isMeant(row)));
    const [meant, own] = [adjusted.find(isMeant), system.find(isMeant)];
    expect(meant).toMatchObject({ mean: "100", p50: "100" });
    expect(Number(meant?.["p90"])).toBeCloseTo((100 * Number(own?.["p90"])) / Number(own?.["p50"]), 3);
    // A later percentage acts on what the set left; a condition on metadata meets all its items.
    await say({ kind: "percent", value: 50, where: "category = tea", to: "2025-03-31", author: "Bo", reason: "tea week" });
    const twice = await rowsOf((await latest()).exports["adjusted"]);
    expect(twice[0]).toMatchObject({ item_id: "item_0", timestamp: "2025-01-01", mean: "150" });
    const tea = twice.find((row) => row["item_id"] === "item_3" && row["timestamp"] === "2025-03-01");
    const teaSystem = system.find((row) => row["item_id"] === "item_3" && row["timestamp"] === "2025-03-01");
    expect(Number(tea?.["mean"])).toBeCloseTo(1.5 * Number(teaSystem?.["mean"]), 3);
    await takeBack(deps(), app.workflows, first, "Ada");
    await settled(app);
    expect(Number((await rowsOf((await latest()).exports["adjusted"]))[0]?.["mean"])).toBeCloseTo(1.5 * Number(system[0]?.["mean"]), 3);
    await expect(takeBack(deps(), app.workflows, first, "Ada")).rejects.toMatchObject({ code: "ADJUSTMENT_WITHDRAWN" });
    await takeBack(deps(), app.workflows, "2", "Ada");
    await settled(app);
    // All withdrawn: whoever took the adjusted export takes the system's numbers now.
    expect(await rowsOf((await latest()).exports["adjusted"])).toEqual(system);
    expect(await listAdjustments(app.database, { group: "shop" })).toMatchObject([
      { id: "1", withdrawnBy: "Ada", reason: "festival" },
      { id: "2", withdrawnBy: "Ada", reason: "tea week" },
    ]);
    expect((await exported()).map((key) => key.split("/").at(-1))).toEqual([
      "forecast.csv",
      "forecast.adjusted.csv",
      "forecast.adjusted.csv",
      "forecast.adjusted.csv",
      "forecast.adjusted.csv",
    ]);
    // Nothing new was said: nothing is told again.
    const again = await layOver(deps(), "test", await latest(), new AbortController().signal);
    expect(again).toMatchObject({ outcome: "unchanged" });
    expect(await exported()).toHaveLength(5);
  });

  test("are taken up by each new run until their dates pass, and are scored when what was adjusted has come", async () => {
    await start();
    // Item 0 in truth sells what the series says; a planner who knows it better, and one who does not.
    const truth = (await rowsOf({ key: "forecast/train/shop.csv" })).length;
    expect(truth).toBe(8 * 36);
    const come = shopTarget({ months: 38 })
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    const came = (item: string, at: string): number => Number(come.find((row) => row[0] === item && row[2] === at)?.[3]);
    await say({ value: came("item_0", "2025-01-01"), author: "Ada", reason: "asked the shop" });
    await say({
      kind: "percent",
      value: 200,
      where: "item_id = item_5",
      from: "2025-01-01",
      to: "2025-04-30",
      author: "Bo",
      reason: "hope",
    });
    await put("forecast/train/shop.csv", shopTarget({ months: 38 }));
    await settled(app);
    const run = await latest();
    const adjusted = await rowsOf(run.exports["adjusted"]);
    const system = await rowsOf(run.exports["forecast"]);
    const differing = adjusted.filter((row, at) => row["mean"] !== system[at]?.["mean"]);
    // The new forecast begins in March: of Ada's word nothing is left, of Bo's two months.
    expect(differing.map((row) => [row["item_id"], row["timestamp"]])).toEqual([
      ["item_5", "2025-03-01"],
      ["item_5", "2025-04-01"],
    ]);
    expect((await exported()).at(-1)).toBe(run.exports["adjusted"]?.key);

    const [judged, ...others] = await listAnswers(app.database, { kinds: ["monitor"] });
    expect(others).toEqual([]);
    expect(judged).toMatchObject({ title: "2025-01-01 to 2025-02-01", summary: { points: 16, series: 8 } });
    const value = await rowsOf(judged?.exports["value-added"]);
    const of = (by: string, name: string): Record<string, string> => value.find((row) => row["by"] === by && row["name"] === name) ?? {};
    expect(of("all", "all")["points"]).toBe("16");
    expect(of("author", "Ada")).toMatchObject({ points: "1", improved: "1", worsened: "0", wape_used: "0" });
    expect(of("author", "Bo")).toMatchObject({ points: "2", improved: "0", worsened: "2" });
    expect(Number(of("reason", "hope")["adjustment_added"])).toBeLessThan(0);
    expect(of("item", "item_5 · store_1")["points"]).toBe("2");
    expect(await rowsOf(judged?.exports["adjusted-cells"])).toHaveLength(3);
    expect(await answer("value-added", "shop", "--out", path.join(place.home, "value.csv"))).toMatchObject({
      imports: [{ period: "2025-01-01 to 2025-02-01", value: { all: { points: 16 } } }],
      adjusted: {
        byAuthor: [
          { group: "Bo", points: 2, worsened: 2 },
          { group: "Ada", points: 1, improved: 1 },
        ],
      },
    });
    expect(await readFile(path.join(place.home, "value.csv"), "utf8")).toMatch(/^by,name,points,.*\nadjusted,adjusted,3,/);
    expect((await stockroom(["value-added"])).out).toContain("asked the shop");
    // The same data again: nothing is judged twice.
    await put("forecast/train/shop.csv", `${shopTarget({ months: 38 })}\n`);
    await settled(app);
    expect(await listAnswers(app.database, { kinds: ["monitor"] })).toHaveLength(1);
  });

  test("that fit nothing the group has are refused with every fault; one that stops fitting is told of", async () => {
    await start();
    await expect(sayAdjustment(deps(), app.workflows, asked({ where: "colour = red" }), { purpose: "test" })).rejects.toMatchObject({
      code: "ADJUSTMENT_FAULTS",
      kind: "input",
    });
    await expect(
      sayAdjustment(deps(), app.workflows, asked({ value: -1, from: "2025-02-30", to: "x", reason: " " }), { purpose: "test" }),
    ).rejects.toThrow(/0 or more.*--from.*--to.*reason/s);
    await expect(sayAdjustment(deps(), app.workflows, asked({ group: "sohp" }), { purpose: "test" })).rejects.toMatchObject({
      code: "FORECAST_GROUP_MISSING",
    });
    expect(await listAdjustments(app.database)).toEqual([]);
    await say({ where: "category = tea" });
    const withoutTea = shopDefaults().replaceAll("category", "kind");
    await put("forecast/train/shop.metadata.csv", shopMetadata().replace("category", "kind"));
    await put("forecast-defaults.yaml", withoutTea);
    await settled(app);
    const titles = (await app.notices.list({ limit: 100 })).map((notice) => notice.title);
    expect(titles).toContain("Adjustment 1 of shop no longer fits");
    expect((await latest()).exports["adjusted"]).toBeUndefined();
  });
});

describe("an import", () => {
  test("that is not what was forecast raises one alarm, in one notice", async () => {
    await start(shopDefaults().replace("NumberOfBacktestWindows: 2", "NumberOfBacktestWindows: 5"));
    const doubled = shopTarget({ months: 39 })
      .split("\n")
      .map((line) => (/,2025-/.test(line) ? line.replace(/[\d.]+$/, (value) => (2.5 * Number(value)).toFixed(2)) : line))
      .join("\n");
    await put("forecast/train/shop.csv", doubled);
    await settled(app);
    await put("forecast/train/shop.csv", doubled);
    await settled(app);
    const [judged, ...others] = await listAnswers(app.database, { kinds: ["monitor"] });
    expect(others).toEqual([]);
    expect(judged?.summary).toMatchObject({ verdict: "alarm", points: 24 });
    expect(judged?.summary.ratio).toBeGreaterThan(2);
    expect((await rowsOf(judged?.exports["items"])).filter((row) => row["verdict"] === "alarm").length).toBeGreaterThan(4);
    const notices = (await app.notices.list({ limit: 100 })).filter((notice) => notice.id.startsWith("forecast.monitor/"));
    expect(notices.map((notice) => [notice.severity, notice.title])).toEqual([["alarm", "What came of shop is not what was forecast"]]);
    expect(await app.events.list({ kind: "forecast.monitored" })).toHaveLength(1);
    expect(await answer("monitor", "shop")).toMatchObject({
      imports: [{ summary: { verdict: "alarm" } }],
      items: [{ verdict: "alarm" }, {}, {}, {}, {}, {}, {}, {}],
    });
    expect((await stockroom(["monitor", "sohp"])).exit).toBe(2);
  });
});

/** Demand that answers to its price: half as much again at 1.50. */
function priced(months: number, horizon: number): { readonly target: string; readonly related: string } {
  const target = ["item_id,store,timestamp,demand"];
  const related = ["item_id,store,timestamp,price"];
  for (let item = 0; item < 8; item++) {
    const random = makeRandom(7).fork(`item ${item}`);
    for (let month = 0; month < months + horizon; month++) {
      const at = new Date(Date.UTC(2022, month, 1)).toISOString().slice(0, 10);
      const price = month < months && random.next() < 0.3 ? 1.5 : 2;
      related.push(`item_${item},store_${item % 2},${at},${price.toFixed(2)}`);
      if (month >= months) continue;
      const value = (20 + 5 * item) * (price === 1.5 ? 1.5 : 1) * (1 + 0.05 * random.normal());
      target.push(`item_${item},store_${item % 2},${at},${value.toFixed(2)}`);
    }
  }
  return { target: `${target.join("\n")}\n`, related: `${related.join("\n")}\n` };
}

describe("questions to a finished forecast", () => {
  test("are answered by its models, kept once, and compare", async () => {
    const { target, related } = priced(36, 3);
    await put("forecast-defaults.yaml", shopDefaults({ related: true }));
    await put("forecast/train/shop.metadata.csv", shopMetadata());
    await put("forecast/train/shop.related.csv", related);
    await put("forecast/train/shop.csv", target);
    await settled(app);
    const run = await latest();
    const said = "price = 1.5 where store = store_0";
    const question = await askWhatif(deps(), "shop", { changes: readChanges(said, undefined), said, author: "Ada" });
    for (const id of [question.id, `${question.id}/again`]) {
      await app.workflows.start("forecast.whatif", question.input, { id });
      expect(await app.workflows.outcome(id)).toMatchObject({ kind: "done", value: { id: question.answer, isNew: id === question.id } });
    }
    const answer = await getAnswer(app.database, question.answer);
    expect(answer).toMatchObject({ kind: "whatif", run: run.id, title: said, author: "Ada", summary: { series: 8, moved: 4 } });
    expect(answer.kind === "whatif" && answer.summary.percent).toBeGreaterThan(10);
    const both = await rowsOf(answer.exports["forecast"]);
    const system = await rowsOf(run.exports["forecast"]);
    expect(both).toHaveLength(24);
    for (const [at, row] of both.entries()) {
      // The baseline is the forecast that was made, to its last digit.
      expect([row["baseline_mean"], row["baseline_p10"], row["baseline_p90"]]).toEqual([
        system[at]?.["mean"],
        system[at]?.["p10"],
        system[at]?.["p90"],
      ]);
    }
    const moved = both.filter((row) => Number(row["mean"]) > Number(row["baseline_mean"]));
    expect(moved.map((row) => row["store"])).toEqual(Array.from({ length: 12 }, () => "store_0"));
    expect(both.filter((row) => row["mean"] === row["baseline_mean"])).toHaveLength(12);
    expect(await rowsOf(answer.exports["comparison"])).toHaveLength(8);
    await expect(
      askWhatif(deps(), "shop", { changes: readChanges("prize = 1", undefined), said: "", author: "Ada" }),
    ).rejects.toMatchObject({
      code: "SCENARIO_FAULTS",
    });

    const why = await askExplain(deps(), run.id, null, "Ada");
    await app.workflows.start("forecast.explain", why.input, { id: why.id });
    expect(await app.workflows.outcome(why.id)).toMatchObject({ kind: "done" });
    const explained = await getAnswer(app.database, why.answer);
    expect((await rowsOf(explained.exports["attributes"])).map((row) => row["attribute"])).toContain("price");
    expect(await rowsOf(explained.exports["series"])).toHaveLength(8);
    await expect(askExplain(deps(), "shop", "nothing", "Ada")).rejects.toMatchObject({ code: "EXPLAIN_NO_ITEM" });

    const defaults = { leadTime: 1, reviewPeriod: 1, service: { kind: "cycle", level: 0.95 } } as const;
    await expect(askReplenish(deps(), "shop", defaults, "Ada")).rejects.toMatchObject({ code: "REPLENISH_NO_STOCK" });
    await put(
      "forecast/stock/shop.csv",
      "item_id,store,on_hand,pack_size,on_order,on_order_due\nitem_0,store_0,0,12,,\nitem_1,store_1,500,12,,\nitem_2,store_0,0,6,30,2025-01-15\nitem_9,store_0,1,1,,\n",
    );
    await put("forecast/stock/shop.orders.csv", "item_id,store,quantity,due\nitem_0,store_0,24,2025-01-01\nitem_0,store_0,24,soon\n");
    const orders = await askReplenish(deps(), "shop", defaults, "Ada");
    await app.workflows.start("forecast.replenish", orders.input, { id: orders.id });
    expect(await app.workflows.outcome(orders.id)).toMatchObject({ kind: "done" });
    const proposed = await getAnswer(app.database, orders.answer);
    expect(proposed.summary).toMatchObject({ rows: 3, orders: 2, badRows: 2 });
    const [first, second, third] = await rowsOf(proposed.exports["orders"]);
    expect(first).toMatchObject({ item_id: "item_0", position: "24" });
    expect(Number(first?.["quantity"]) % 12).toBe(0);
    expect(second).toMatchObject({ quantity: "0", decided_by: "none" });
    expect(third).toMatchObject({ position: "30" });
    // Another adjustment is another forecast, and so another question.
    await say({ kind: "percent", value: 100, where: "" });
    expect((await askReplenish(deps(), "shop", defaults, "Ada")).answer).not.toBe(orders.answer);
  });
});

describe("the same question", () => {
  test("has the same answer of a forecast in the store and of one in a folder", async () => {
    const { target, related } = priced(36, 3);
    const stock = "item_id,store,on_hand,pack_size\nitem_0,store_0,0,12\nitem_1,store_1,500,12\nitem_2,store_0,3,6\nitem_9,store_0,1,1\n";
    await put("forecast-defaults.yaml", shopDefaults({ related: true }));
    await put("forecast/train/shop.metadata.csv", shopMetadata());
    await put("forecast/train/shop.related.csv", related);
    await put("forecast/stock/shop.csv", stock);
    await put("forecast/train/shop.csv", target);
    await settled(app);
    const folder = path.join(place.home, "asked");
    const at = (name: string): string => path.join(folder, name);
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries({ target, related, metadata: shopMetadata(), stock }))
      await writeFile(at(`${name}.csv`), text);
    const inputs = ["target", "related", "metadata"].flatMap((name) => [`--${name}`, at(`${name}.csv`)]);
    const steps = ["--horizon", "3", "--frequency", "M", "--windows", "2", "--dimensions", "store", "--quantiles", "0.1,0.5,0.9"];
    const made = await answer("run", ...inputs, ...steps, "--out", at("run"), "--threads", "1");
    const run = await latest();
    expect(run.summary).toMatchObject({ runKey: made["key"] });

    const textOf = async (ref: { readonly key: string } | undefined): Promise<string> =>
      Buffer.from(await app.objects.read(operator, ref?.key ?? "")).toString("utf8");
    const ask = async (...words: string[]) => {
      const asked = await answer("scenario", ...words, "--wait");
      return await getAnswer(app.database, String(asked["id"]));
    };
    for (const said of [
      "price = 1.5 where store = store_0",
      "price *= 3 where item_id in (item_1, item_2); price -= 10% where timestamp >= 2025-02-01",
    ]) {
      const stored = await ask("whatif", "shop", "--set", said);
      const inFolder = await answer("whatif", at("run"), "--set", said, "--out", at("both.csv"), "--threads", "1");
      expect(await readFile(at("both.csv"), "utf8")).toBe(await textOf(stored.exports["forecast"]));
      if (stored.kind !== "whatif") throw new Error("this is no answer to a what-if");
      const { baseline, scenario, percent, effects, warnings } = stored.summary;
      expect(inFolder).toMatchObject({
        total: {
          baseline: expect.closeTo(baseline, 2),
          scenario: expect.closeTo(scenario, 2),
          percent: expect.closeTo(percent ?? Number.NaN, 2),
        },
        effects,
        warnings,
      });
      expect(percent).not.toBe(0);
    }
    for (const item of [[], ["--item", "item_3"]]) {
      const stored = await ask("explain", "shop", ...item);
      const inFolder = await answer("explain", at("run"), ...item);
      expect(stored.kind === "explain" && stored.summary.attributes).toEqual(inFolder["attributes"]);
      expect(inFolder["attributes"]).not.toEqual([]);
    }
    const stored = await ask("replenish", "shop", "--lead-time", "2");
    const inFolder = await stockroom(["replenish", at("run"), "--stock", at("stock.csv"), "--lead-time", "2", "--json"]);
    expect(inFolder.exit).toBe(3);
    expect(await readFile(at("run/orders.csv"), "utf8")).toBe(await textOf(stored.exports["orders"]));
    expect(stored.summary).toMatchObject({ rows: 3, badRows: 1 });
    expect(JSON.parse(inFolder.out)).toMatchObject({ rows: 3, bad_rows: 1 });
  });
});

const stockroom = async (words: readonly string[]): Promise<Told> => await runWords(place, app, ["forecast", ...words]);

/** The JSON a command prints; it must end well. */
async function answer(...words: string[]): Promise<Record<string, unknown>> {
  const { exit, out, said } = await stockroom([...words, "--json"]);
  expect([exit, said]).toEqual([0, said]);
  return JSON.parse(out);
}

describe("at a shell", () => {
  test("groups, exports, words of planners, questions and settings have their verbs", async () => {
    await start();
    const run = await latest();
    const at = (name: string): string => path.join(place.home, name);
    expect(await answer("list")).toMatchObject([{ name: "shop", forecast: { id: run.id } }]);
    expect((await stockroom(["list", "shop"])).out).toContain(run.id);
    expect(await stockroom(["show", "sohp"])).toMatchObject({ exit: 2, said: expect.stringContaining("Groups: shop") });
    const adjusted = await answer(
      "adjust",
      "shop",
      "--percent=-50",
      "--from",
      "2025-01-01",
      "--to",
      "2025-03-31",
      "--reason",
      "closed",
      "--author",
      "Ada",
      "--wait",
    );
    expect(adjusted).toMatchObject({
      state: "done",
      series: 8,
      result: { outcome: "exported", cells: 24 },
      adjustment: { id: "1", value: -50 },
    });
    expect(await stockroom(["adjust", "shop", "--set", "1", "--add", "2", "--from", "2025-01-01", "--reason", "x"])).toMatchObject({
      exit: 2,
    });
    expect(
      await stockroom(["adjust", "shop", "--set", "1", "--where", "colour = red", "--from", "2025-01-01", "--reason", "x"]),
    ).toMatchObject({
      exit: 2,
      said: expect.stringContaining("ADJUSTMENT_FAULTS"),
    });
    expect(await answer("show", "shop")).toMatchObject({ id: run.id, adjustments: [{ reason: "closed" }], asked: [] });
    await answer("export", "shop", "--out", at("out"), "--only", "forecast,adjusted,backtest/accuracy-metrics");
    const means = async (file: string): Promise<number[]> =>
      (await readFile(at(file), "utf8"))
        .trim()
        .split(/\r?\n/)
        .slice(1)
        .map((line) => Number(line.split(",")[3]));
    const system = await means("out/forecast.csv");
    expect(system).toHaveLength(24);
    for (const [i, mean] of (await means("out/forecast.adjusted.csv")).entries()) expect(mean).toBeCloseTo((system[i] ?? 0) / 2, 3);
    expect(await readFile(at("out/backtest/accuracy-metrics.csv"), "utf8")).toContain("average_wQL");
    expect((await stockroom(["adjustments", "list"])).out).toContain("closed");
    expect(await answer("adjustments", "withdraw", "1", "--author", "Bo", "--wait")).toMatchObject({
      result: { outcome: "exported", cells: 0 },
    });
    expect(await stockroom(["adjustments", "withdraw", "1"])).toMatchObject({ exit: 2 });
    expect((await stockroom(["value-added", "shop"])).said).toContain("nothing of what was forecast has come");
    expect((await stockroom(["monitor", "shop"])).said).toContain("nothing of what was forecast has come");

    await put("forecast/stock/shop.csv", "item_id,store,on_hand\nitem_0,store_0,0\nitem_1,store_1,9\n");
    const lean = await answer("scenario", "replenish", "shop", "--service-level", "0.6", "--author", "Ada", "--wait");
    const safe = await answer("scenario", "replenish", "shop", "--service-level", "0.99", "--author", "Ada", "--wait");
    expect(lean).toMatchObject({ kind: "replenish", summary: { rows: 2, orders: 2, badRows: 0 } });
    const both = await answer("scenario", "compare", String(lean["id"]), String(safe["id"]), "--out", at("both.csv"));
    expect(both).toMatchObject({ value: "quantity", rows: [{ name: "item_0 · store_0" }, { name: "item_1 · store_1" }] });
    const [[few = 0, many = 0] = []] = (both["rows"] as { values: number[] }[]).map(({ values }) => values);
    expect(many).toBeGreaterThan(few);
    expect(await readFile(at("both.csv"), "utf8")).toContain(`name,${String(lean["id"])},${String(safe["id"])}`);
    await answer("scenario", "explain", "shop", "--item", "item_3", "--author", "Ada", "--wait");
    expect((await stockroom(["scenario", "list", "shop"])).out).toContain("item_3");
    expect((await stockroom(["scenario", "show", String(lean["id"])])).out).toContain("orders: 2");
    await answer("scenario", "export", String(lean["id"]), "--out", at("orders"));
    expect(await readFile(at("orders/orders.csv"), "utf8")).toContain("reorder_point");
    expect(await stockroom(["scenario", "whatif", "shop", "--set", "price *= 0.9"])).toMatchObject({
      exit: 2,
      said: expect.stringContaining("SCENARIO_FAULTS"),
    });

    expect(await answer("defaults", "check")).toMatchObject({ good: true, groups: [{ name: "Default", horizon: 3 }] });
    const sample = await stockroom(["defaults", "sample"]);
    await writeFile(at("sample.yaml"), sample.out);
    expect(await answer("defaults", "check", at("sample.yaml"))).toMatchObject({ good: true, remarks: [] });
    await writeFile(at("bad.yaml"), sample.out.replace("ForecastHorizon: 28", "ForecastHorizon: many").replace("location]", "place]"));
    const bad = await stockroom(["defaults", "check", at("bad.yaml"), "--json"]);
    expect(bad.exit).toBe(2);
    expect(JSON.parse(bad.out)).toMatchObject({ good: false, problems: [{}, {}, {}] });
  });
});

describe("on the way into an ERP", () => {
  test("planners' words go there by themselves; refused rows are shown with the ERP's words, and sent again", async () => {
    await app.close();
    const locked = (row: Readonly<Record<string, unknown>>): string | undefined =>
      row["PRODUCT"] === "item_0" ? "Product item_0 is locked" : undefined;
    const gateway = await openGateway({ set: "Forecasts", keys: ["PRODUCT", "DAY"], count: 0, row: () => ({}), refuse: locked });
    try {
      await writeFile(
        path.join(place.home, "stockroom.yaml"),
        `forecast:
  sap:
    targets:
      - name: car
        kind: odata
        url: ${gateway.url}
        set: Forecasts
        credentials: secrets/sap.json
        automatic: [shop]
        batchRows: 10
        pauseMs: 1
        timeoutMs: 4000
        fields:
          PRODUCT: { from: item_id }
          DAY: { from: timestamp, as: date }
          QUANTITY: { from: mean, as: decimal }
`,
      );
      app = await openAt(place, { work: true, quiet: true });
      await put("secrets/sap.json", JSON.stringify({ kind: "basic", user: "stock", password: "room" }));
      await start();
      const [first] = (await answer("imports", "list")) as unknown as { import: string; state: string }[];
      expect(first).toMatchObject({ target: "car", state: "partly", rows: 24, taken: 21, refused: 3 });
      const shown = await answer("imports", "show", first?.import ?? "");
      expect(shown).toMatchObject({ unsureRows: [], refusedRows: [{ seq: 1, messages: [{ text: "Product item_0 is locked" }] }, {}, {}] });
      expect((await stockroom(["imports", "show", first?.import ?? ""])).out).toContain("item_0 is locked");
      expect(await stockroom(["imports", "resume", first?.import ?? "", "--wait"])).toMatchObject({ exit: 3 });
      gateway.setRefuse(undefined);
      expect(await answer("imports", "resume", first?.import ?? "", "--wait")).toMatchObject({ result: { taken: 24, refused: 0 } });
      expect(await stockroom(["imports", "resume", first?.import ?? ""])).toMatchObject({ exit: 2 });
      expect(await stockroom(["imports", "settle", first?.import ?? "", "--batch", "1", "--as", "taken"])).toMatchObject({ exit: 2 });

      await say({ value: 77, to: "2025-03-31" });
      await settled(app);
      const imports = (await answer("imports", "list")) as unknown as { state: string; taken: number }[];
      expect(imports).toMatchObject([
        { state: "done", taken: 24 },
        { state: "done", taken: 24 },
      ]);
      // Asked for by hand as well, it is the same import.
      expect(await answer("export-sap", "shop", "--to", "car", "--wait")).toMatchObject({ result: { taken: 24 } });
      expect(await answer("imports", "list")).toHaveLength(2);
      expect(await stockroom(["export-sap", "shop", "--to", "cra"])).toMatchObject({
        exit: 2,
        said: expect.stringContaining("there are car"),
      });
      expect(await stockroom(["extract-sap", "demand"])).toMatchObject({ exit: 2 });

      // The folder of a direct run goes the same way.
      const direct = path.join(place.home, "june run");
      await mkdir(direct);
      await writeFile(path.join(place.home, "target.csv"), shopTarget({ items: 2 }));
      const files = [`--target=${path.join(place.home, "target.csv")}`, `--out=${direct}`];
      expect(
        await stockroom(["run", ...files, "--horizon=2", "--frequency=M", "--windows=1", "--models=snaive", "--threads=1"]),
      ).toMatchObject({ exit: 0 });
      expect(await answer("export-sap", direct, "--to", "car", "--wait")).toMatchObject({ result: { rows: 4, taken: 4 } });
      await answer("export-sap", direct, "--to", "car", "--wait");
      const all = (await answer("imports", "list")) as unknown as { group: string }[];
      expect(all.map(({ group }) => group).toSorted()).toEqual(["june-run", "shop", "shop"]);
    } finally {
      await gateway.close();
    }
  });
});
