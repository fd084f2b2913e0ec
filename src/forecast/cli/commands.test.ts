import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCommand } from "citty";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { quietTools } from "../../../test/kit/tools.ts";
import type { Printer } from "../../platform/command/contract.ts";
import { gather } from "../../platform/bytes.ts";
import { makeCatalogue } from "../sample/catalogue.ts";
import { makeCommands } from "./commands.ts";

const folder = mkdtempSync(path.join(tmpdir(), "forecast-commands-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => path.join(folder, name);

interface Printed {
  readonly lines: string[];
  readonly said: string[];
  readonly json: unknown[];
  exit: number;
}

/** Runs one command as the command line would, without a process. */
async function stockroom(
  words: readonly string[],
  stop: { readonly signal: AbortSignal; onProgress?: () => void } = { signal: new AbortController().signal },
): Promise<Printed> {
  const printed: Printed = { lines: [], said: [], json: [], exit: 0 };
  const print: Partial<Printer> = {
    table: (rows) => void printed.lines.push(...rows.map((row) => JSON.stringify(row))),
    json: (value) => void printed.json.push(JSON.parse(JSON.stringify(value))),
    line: (text) => void printed.lines.push(text),
    say: (text) => void printed.said.push(text),
  };
  const commands = makeCommands({
    ...quietTools(print, {
      signal: stop.signal,
      progress: () => ({ update: () => stop.onProgress?.(), end: () => undefined }),
      exitWith: (code) => void (printed.exit = code),
    }),
    open: () => Promise.reject(new Error("a command over files opened the app")),
  });
  const [name = "", ...rawArgs] = words;
  await runCommand(commands[name], { rawArgs });
  return printed;
}

/** Every file below a folder with its bytes. */
const filesOf = (name: string): Map<string, string> =>
  new Map(
    readdirSync(at(name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(at(name), file), readFileSync(file, "latin1")] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

/** The rows of a file of JSON lines. */
const rowsOf = (name: string): unknown[] =>
  readFileSync(at(name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));

const runWords = (out: string, ...more: string[]): string[] => {
  const files = `--target=${at("target.csv")} --related=${at("related.csv")} --metadata=${at("metadata.csv")} --out=${at(out)}`;
  const rest = "--horizon=4 --frequency=W --season=13 --windows=2 --models=ets,theta,regression,global --threads=1";
  return ["run", ...files.split(" "), ...rest.split(" "), ...more];
};

beforeAll(async () => {
  const catalogue = makeCatalogue({ seed: 2, items: 5, stores: 2, frequency: "W", length: 70, horizon: 4, newItems: 1 });
  for (const name of ["target", "related", "metadata"] as const) writeFileSync(at(`${name}.csv`), await gather(catalogue[name]()));
});

describe("a run over files", () => {
  test("leaves a folder of tables, a report and what it was asked, and nothing else", async () => {
    const printed = await stockroom(runWords("first"));
    expect(printed.exit).toBe(0);
    expect(printed.lines[0]).toMatch(/^Forecast 12 series 4 steps ahead/);
    expect([...filesOf("first").keys()]).toEqual([
      "accuracy.csv",
      "backtest/accuracy-metrics.csv",
      "backtest/forecasted-values.csv",
      "forecast.csv",
      "model/global.bin",
      "model/plan.bin",
      "models.csv",
      "report.html",
      "run.json",
    ]);
    const forecast = readFileSync(at("first/forecast.csv"), "utf8").trimEnd().split("\n");
    expect(forecast[0]).toBe("item_id,location,timestamp,mean,p10,p50,p90");
    expect(forecast).toHaveLength(1 + 12 * 4);
    expect(existsSync(at("first/.work"))).toBe(false);
  }, 240_000);

  test("gives the same bytes again, into a used folder and on other threads", async () => {
    const before = filesOf("first");
    await stockroom(runWords("first", "--threads=2"));
    expect(filesOf("first")).toEqual(before);
  }, 240_000);

  test("interrupted, has written no output; started again, ends as if nothing had happened", async () => {
    const abort = new AbortController();
    let heard = 0;
    const stopping = stockroom(runWords("second"), {
      signal: abort.signal,
      onProgress: () => {
        heard += 1;
        if (heard === 12) abort.abort(new Error("Ctrl-C"));
      },
    });
    await expect(stopping).rejects.toThrow("Ctrl-C");
    const left = [...filesOf("second").keys()];
    expect(left.length).toBeGreaterThan(0);
    expect(left.every((name) => name.startsWith(".work/"))).toBe(true);
    await stockroom(runWords("second"));
    expect(filesOf("second")).toEqual(filesOf("first"));
  }, 240_000);

  test("sets bad rows apart with line, column and reason, and says so by its exit code", async () => {
    const lines = readFileSync(at("target.csv"), "utf8").trimEnd().split("\n");
    lines.splice(3, 0, "item_00001,store_001,2021-01-04,many", "item_00001,store_001,someday,3");
    writeFileSync(at("bad.csv"), `${lines.join("\n")}\n`);
    const printed = await stockroom(runWords("third", `--target=${at("bad.csv")}`));
    expect(printed.exit).toBe(3);
    expect(printed.said).toContainEqual(
      expect.stringMatching(/^2 rows of the target file were set apart, the first on line 4: .*"many".* target\.bad\.jsonl lists them\.$/),
    );
    expect(rowsOf("third/target.bad.jsonl")).toMatchObject([
      { line: 4, column: 4, sample: expect.stringContaining("many") },
      { line: 5, column: 3, sample: expect.stringContaining("someday") },
    ]);
    expect(readFileSync(at("third/forecast.csv"))).toEqual(readFileSync(at("first/forecast.csv")));
    expect(readFileSync(at("third/report.html"), "utf8")).toContain("2 rows of the target file were set apart");
  }, 240_000);
});

describe("bad inputs, each with its place", () => {
  const target = (name: string, ...rows: string[]): string => {
    writeFileSync(at(name), `item_id,timestamp,demand\n${rows.join("\n")}\n`);
    return at(name);
  };
  const days = (item: string, count: number, every = 1): string[] =>
    Array.from(
      { length: count },
      (_, t) => `${item},${new Date(Date.UTC(2024, 0, 1 + t * every)).toISOString().slice(0, 10)},${5 + (t % 7)}`,
    );
  const attempt = (file: string, ...more: string[]): Promise<Printed> =>
    stockroom(["run", "--target", file, "--horizon=3", "--frequency=D", "--out", at("never"), "--models=theta", "--threads=1", ...more]);

  test("an unknown frequency", async () => {
    const file = target("a.csv", ...days("a", 30));
    await expect(attempt(file, "--frequency=fortnight")).rejects.toMatchObject({
      kind: "input",
      code: "INPUT_FREQUENCY_UNKNOWN",
      message: expect.stringContaining('"fortnight"'),
    });
  });

  test("rows that are all bad, whose list is left", async () => {
    const file = target("german.csv", ...days("a", 30).map((row) => row.replace(/(\d+)-(\d+)-(\d+)/, "$3.$2.$1")));
    await expect(attempt(file, "--out", at("refused"))).rejects.toMatchObject({
      code: "INPUT_BAD_ROWS",
      message: expect.stringContaining("--date-format dd.mm.yyyy"),
    });
    const rows = rowsOf("refused/target.bad.jsonl");
    expect([rows.length, rows[0]]).toEqual([30, expect.objectContaining({ line: 2, column: 2, sample: "01.01.2024" })]);
  });

  test("a model that is named and suits no series", async () => {
    const file = target("short.csv", ...days("a", 12));
    for (const [models, ...more] of [["mstl", "--season=1"], ["theta,mstl", "--season=1"], ["arima,drift"]]) {
      await expect(attempt(file, `--models=${models}`, ...more)).rejects.toMatchObject({
        kind: "input",
        code: models.includes("drift") ? "USAGE" : "FORECAST_MODEL_UNFIT",
      });
      expect(existsSync(at("never/forecast.csv"))).toBe(false);
    }
  });

  test("series that none of the named models suits: the others are forecast, and it is partly done", async () => {
    const file = target("few.csv", ...days("a", 40), ...days("b", 40).slice(37));
    const printed = await attempt(file, "--models=mstl", "--season=7", "--out", at("few"));
    expect(printed.exit).toBe(3);
    expect(printed.said).toContainEqual(
      expect.stringMatching(/^1 of 2 series have no forecast: none of the models that were named \(mstl\)/),
    );
    expect(printed.lines[0]).toMatch(/^Forecast 1 series 3 steps ahead/);
    const items = readFileSync(at("few/forecast.csv"), "utf8")
      .trimEnd()
      .split("\n")
      .map((row) => row.split(",")[0]);
    expect(new Set(items)).toEqual(new Set(["item_id", "a"]));
    expect((await attempt(file, "--models=auto", "--out", at("few-auto"))).exit).toBe(0);
  });

  test("a hierarchy from the parts to the whole, which has no sums of the whole", async () => {
    const file = target("parts.csv", ...days("a", 40), ...days("b", 40));
    writeFileSync(at("parts-items.csv"), "item_id,category\na,tea\nb,tea\n");
    const run = async (hierarchy: string) =>
      await attempt(file, "--metadata", at("parts-items.csv"), `--hierarchy=${hierarchy}`, "--out", at("parts"));
    expect((await run("item_id>category")).said).toContainEqual(
      expect.stringMatching(/^category divides nothing in --hierarchy item_id>category .* from the whole to the parts/),
    );
    expect((await run("category>item_id")).said.filter((said) => said.includes("divides nothing"))).toEqual([]);
  });

  test("timestamps off the grid", async () => {
    const rows = days("a", 40, 7);
    rows[20] = rows[20].replace(/2024-\d\d-\d\d/, "2024-05-22");
    const file = target("b.csv", ...rows);
    await expect(attempt(file, "--frequency=W")).rejects.toMatchObject({
      kind: "input",
      code: "INPUT_OFF_GRID",
      facts: { line: 22, column: 2 },
    });
  });

  test("duplicates", async () => {
    const file = target("c.csv", ...days("a", 30), days("a", 30)[7]);
    await expect(attempt(file)).rejects.toMatchObject({ kind: "input", code: "INPUT_DUPLICATES", facts: { line: 32, column: 2 } });
  });

  test("a horizon longer than the history", async () => {
    const file = target("d.csv", ...days("a", 30));
    await expect(attempt(file, "--horizon=31")).rejects.toMatchObject({
      kind: "input",
      code: "INPUT_HORIZON_TOO_LONG",
      message: expect.stringContaining("has 30"),
    });
  });

  test("related numbers that end before the horizon", async () => {
    const file = target("e.csv", ...days("a", 30));
    writeFileSync(at("e-related.csv"), `item_id,timestamp,price\n${days("a", 31).join("\n")}\n`);
    await expect(attempt(file, "--related", at("e-related.csv"))).rejects.toMatchObject({
      kind: "input",
      code: "INPUT_RELATED_SHORT",
      message: expect.stringMatching(/price.*e-related\.csv.*2024-02-01.*column 3/s),
    });
  });

  test("text in a number and nothing else", async () => {
    const file = target("f.csv", "a,2024-01-01,lots");
    await expect(attempt(file)).rejects.toMatchObject({ kind: "input", message: expect.stringMatching(/line 2.*f\.csv|f\.csv.*line 2/s) });
  });

  test("an item without history and without metadata is set apart; the rest goes on", async () => {
    const file = target("g.csv", ...days("a", 30), "ghost,2024-01-05,");
    const printed = await attempt(file, `--out=${at("ghost")}`);
    expect(printed.exit).toBe(3);
    expect(rowsOf("ghost/target.bad.jsonl")[0]).toMatchObject({ line: 32, column: 1, code: "INPUT_ITEM_UNKNOWN", sample: "ghost" });
  });

  test("wrong flags", async () => {
    const file = target("h.csv", ...days("a", 30));
    for (const [flag, value] of [
      ["--quantiles", "0.5,2"],
      ["--windows", "many"],
      ["--offset", "1"],
      ["--models", "oracle"],
      ["--season", "often"],
      ["--threads", "0"],
      ["--domain", "RETIAL"],
    ]) {
      await expect(attempt(file, flag, value)).rejects.toMatchObject({
        kind: "input",
        code: "USAGE",
        message: expect.stringContaining(flag),
      });
    }
    expect(existsSync(at("never/run.json"))).toBe(false);
    await expect(attempt(at("no-such-file.csv"))).rejects.toMatchObject({ kind: "missing", code: "FILE_MISSING" });
  });
});

describe("over a finished run", () => {
  test("accuracy tells of windows, worst and best", async () => {
    const printed = await stockroom(["accuracy", at("first"), "--json"]);
    expect(printed.json[0]).toMatchObject({ series: 12, accuracy: { wape: expect.any(Number) }, windows: [{ window: 1 }, { window: 2 }] });
    expect((await stockroom(["accuracy", at("first")])).lines.join("\n")).toContain("Worst, by units missed");
    await expect(stockroom(["accuracy", at("nowhere")])).rejects.toMatchObject({ kind: "missing", code: "RUN_MISSING" });
  });

  test("whatif compares with what was forecast, and writes both", async () => {
    const printed = await stockroom([
      "whatif",
      at("first"),
      "--set",
      "price *= 0.7 where location = store_001",
      "--out",
      at("scenario.csv"),
      "--json",
      "--threads=1",
    ]);
    expect(printed.json[0]).toMatchObject({ effects: [{ series: 6, cells: 24 }], total: { delta: expect.any(Number) } });
    const [head, first] = readFileSync(at("scenario.csv"), "utf8").split("\n");
    expect(head).toBe("item_id,location,timestamp,mean,p10,p50,p90,baseline_mean,baseline_p10,baseline_p50,baseline_p90");
    const [, before] = readFileSync(at("first/forecast.csv"), "utf8").split("\n");
    expect(first.split(",").slice(7)).toEqual(before.split(",").slice(3));
    const same = await stockroom(["whatif", at("first"), "--set", "price *= 1", "--json", "--threads=1"]);
    expect(same.json[0]).toMatchObject({ total: { percent: expect.closeTo(0, 3) } });
    await expect(stockroom(["whatif", at("first"), "--set", "prise = 1"])).rejects.toMatchObject({
      kind: "input",
      code: "SCENARIO_FAULTS",
    });
    await expect(stockroom(["whatif", at("first")])).rejects.toMatchObject({ code: "USAGE" });
    // What meets nothing is no answer; of two changes one that does is part of one.
    await expect(stockroom(["whatif", at("first"), "--set", "price *= 0.9 where item_id = item_0001"])).rejects.toMatchObject({
      code: "SCENARIO_FAULTS",
      message: expect.stringMatching(/no item_id is "item_0001"; near it: item_00001/),
    });
    await expect(stockroom(["whatif", at("first"), "--set", "price *= 0.9 where timestamp > 2099-01-01"])).rejects.toMatchObject({
      code: "SCENARIO_IDLE",
      message: expect.stringContaining("met no cell"),
    });
    const part = await stockroom(["whatif", at("first"), "--set", "price *= 0.9; price = 1 where price > 1000000", "--threads=1"]);
    expect([part.exit, part.said.filter((said) => said.startsWith("Change 2 (price) met no cell"))]).toEqual([3, [expect.any(String)]]);
    expect(same.exit).toBe(0);
  }, 240_000);

  test("explain says what attributes do, for all and for one", async () => {
    const all = await stockroom(["explain", at("first"), "--json"]);
    expect(all.json[0]).toMatchObject({
      model: "global",
      attributes: expect.arrayContaining([expect.objectContaining({ attribute: "price" })]),
    });
    const one = await stockroom(["explain", at("first"), "--item", "item_00001", "--json"]);
    expect(one.json[0]).toMatchObject({
      item: "item_00001",
      series: [{ series: ["item_00001", "store_001"] }, { series: ["item_00001", "store_002"] }],
    });
    await expect(stockroom(["explain", at("first"), "--item", "nothing"])).rejects.toMatchObject({
      kind: "missing",
      code: "EXPLAIN_NO_ITEM",
    });
  });

  test("replenish proposes orders and sets bad stock apart", async () => {
    writeFileSync(
      at("stock.csv"),
      "item_id,location,on_hand,pack_size\nitem_00001,store_001,0,6\nitem_00002,store_001,100000,1\nitem_00003,store_001,x,1\nitem_00003,store_009,1,1\nitem_00003,store_002,1,-1\nitem_00004,store_001,9,6\nitem_00004,store_001,2,6\n",
    );
    await expect(stockroom(["replenish", at("first"), "--stock", at("stock.csv"), "--service-level", "1.2"])).rejects.toMatchObject({
      code: "USAGE",
    });
    const printed = await stockroom(["replenish", at("first"), "--stock", at("stock.csv"), "--lead-time", "2"]);
    expect(printed.exit).toBe(3);
    const orders = readFileSync(at("first/orders.csv"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => line.split(","));
    expect(orders[0].slice(0, 4)).toEqual(["item_id", "location", "quantity", "packs"]);
    expect(Number(orders[1][2])).toBeGreaterThan(0);
    expect(Number(orders[1][2]) % 6).toBe(0);
    expect(orders[2][2]).toBe("0");
    expect(orders).toHaveLength(3);
    expect(rowsOf("first/orders.csv.bad.jsonl")).toMatchObject([
      { line: 4, column: 3, code: "STOCK_NUMBER" },
      { line: 5, code: "STOCK_ROW", reason: expect.stringContaining("series that was forecast") },
      { line: 6, code: "STOCK_ROW", reason: expect.stringContaining("pack size") },
      { line: 7, code: "STOCK_ROW", reason: expect.stringContaining("line 8 is of this one, too: nothing is ordered for it") },
      { line: 8, code: "STOCK_ROW", reason: expect.stringContaining("line 7 is of this one, too") },
    ]);
    expect(printed.said.join("\n")).toMatch(/\d+ series that were forecast have no row in .*stock.csv: no order is proposed for them/);
  });

  test("replenish takes dates of open orders; one due as protection ends is no cover", async () => {
    const first = readFileSync(at("first/forecast.csv"), "utf8").split("\n")[1].split(",");
    const begin = Date.parse(`${first[2].slice(0, 10)}T00:00:00Z`);
    const second = readFileSync(at("first/forecast.csv"), "utf8").split("\n")[2].split(",");
    const step = Date.parse(`${second[2].slice(0, 10)}T00:00:00Z`) - begin;
    const position = async (due: number): Promise<number> => {
      const day = new Date(begin + due * step).toISOString().slice(0, 10);
      writeFileSync(at("dated.csv"), `item_id,location,on_hand,on_order,on_order_due\nitem_00001,store_001,0,50,${day}\n`);
      const printed = await stockroom([
        "replenish",
        at("first"),
        "--stock",
        at("dated.csv"),
        "--lead-time",
        "2",
        "--out",
        at("dated-orders.csv"),
      ]);
      expect(printed.exit).toBe(0);
      const [header, row] = readFileSync(at("dated-orders.csv"), "utf8").split("\n");
      return Number(row.split(",")[header.split(",").indexOf("position")]);
    };
    // Protection is lead time and review: three steps.
    expect([await position(0), await position(2), await position(3), await position(4)]).toEqual([50, 50, 0, 0]);
  });

  test("inputs that have changed are no longer the run's", async () => {
    writeFileSync(at("metadata.csv"), `${readFileSync(at("metadata.csv"), "utf8")}item_99999,fruit,Elm\n`);
    await expect(stockroom(["whatif", at("first"), "--set", "price = 1"])).rejects.toMatchObject({
      kind: "conflict",
      code: "RUN_INPUTS_CHANGED",
    });
  });
});
