// `stockroom sql` over forecasts as they lie sealed: what it gives, what it refuses, and what it leaves behind.

import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand as runCitty } from "citty";
import { describeError, meanings } from "../../src/platform/errors.ts";
import { makeCommandTools } from "../../src/platform/command/output.ts";
import type { Output } from "../../src/platform/command/output.ts";
import { runCommand } from "../../src/cli/run.ts";
import type { Tools } from "../../src/cli/tools.ts";
import { sqlCommand } from "../../src/cli/commands/sql.ts";
import { listRuns } from "../../src/forecast/store/runs.ts";
import type { App } from "../../src/app.ts";
import { shopDefaults, shopMetadata, shopTarget } from "../kit/forecast-shop.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";
import { askingHere } from "../kit/tools.ts";

/** In every identifier, and nowhere else: what is found of it in a file was written in the clear. */
const mark = "plaintextmark";

let place: TestPlace;
let app: App;

const put = async (key: string, text: string): Promise<void> => {
  await app.objects.put(operator, key, textBytes(text));
};

interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

interface Heard {
  readonly output: Output;
  readonly said: { stdout: string; stderr: string };
}

function listen(): Heard {
  const said = { stdout: "", stderr: "" };
  const output: Output = {
    columns: 100,
    live: false,
    print: (text) => void (said.stdout += `${text}\n`),
    write: async (bytes) => void (said.stdout += Buffer.from(bytes).toString()),
    say: (text) => void (said.stderr += `${text}\n`),
  };
  return { output, said };
}

/** Runs the command within the app that is open: a process has one. What it throws stands on standard error as `kind CODE: words`. */
async function sql(...args: readonly string[]): Promise<Ended> {
  const { output, said } = listen();
  const signal = new AbortController().signal;
  const tools: Tools = {
    ...makeCommandTools(output, { signal, cwd: place.home, version: "1.2.3", exitWith: () => undefined }),
    where: () => ({ cwd: place.home, env: place.env }),
    checkConfig: () => Promise.reject(new Error("is not asked")),
    open: async () => app,
    ...askingHere(async () => await Promise.resolve(app)),
  };
  try {
    await runCitty(sqlCommand(tools), { rawArgs: [...args] });
    return { code: 0, ...said };
  } catch (error) {
    const { kind, code, message } = describeError(error);
    return { code: meanings[kind].exit, stdout: said.stdout, stderr: `${said.stderr}${kind} ${code}: ${message}` };
  }
}

/** The whole command line, opening and closing an app of its own. */
async function stockroom(...args: readonly string[]): Promise<Ended> {
  const { output, said } = listen();
  const code = await runCommand(args, { output, cwd: place.home, env: place.env, stop: new AbortController().signal });
  return { code, ...said };
}

const rowsOf = async (query: string, ...more: readonly string[]): Promise<Record<string, unknown>[]> => {
  const { code, stdout, stderr } = await sql(query, "--json", ...more);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout);
};

const marked = (csv: string): string => csv.replaceAll(/item_(?=\d)/g, `${mark}_`);

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_FORECAST_SETTLE_MS: "0" });
  app = await openAt(place, { work: true, quiet: true });
}, 60_000);

afterAll(async () => {
  await app.close();
  await place.remove();
});

describe("before anything was forecast", () => {
  it("the tables are there and empty", async () => {
    expect(await rowsOf("select count(*) as n from aggregated")).toEqual([{ n: 0 }]);
    expect(await rowsOf("from forecasts")).toEqual([]);
    expect((await sql("from forecasts")).stderr).toBe("no rows\n");
    expect(await rowsOf("select * from runs")).toEqual([]);
    expect(await rowsOf("select count(*) as n from classify_predictions join classify_figures using (period)")).toEqual([{ n: 0 }]);
  });

  it("a group's name is no table", async () => {
    expect(await sql("select * from shop")).toMatchObject({ code: 2, stderr: expect.stringContaining("shop does not exist") });
  });

  it("without a query the tables are listed, and its own after them", async () => {
    const { code, stdout } = await sql();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^aggregated .*timestamp timestamp, identifier text, metric double, p1\.\.p99 double, mean double, dimension_1\.\.dimension_10 text/m,
    );
    expect(stdout).toMatch(/^classify_predictions /m);
    expect(stdout).toMatch(/^outbox .*--system/m);
    expect((await sql("--system")).stdout).not.toMatch(/^aggregated /m);
  });
});

describe("with forecasts", () => {
  beforeAll(async () => {
    await put("forecast-defaults.yaml", shopDefaults());
    // A hyphen, a word of SQL's own, a name of one of the app's tables.
    for (const group of ["Shop-2", "select", "runs"]) {
      await put(`forecast/train/${group}.metadata.csv`, marked(shopMetadata({ items: 2 })));
      await put(`forecast/train/${group}.csv`, marked(shopTarget({ items: 2, months: 30 })));
    }
    await settled(app);
    // A second run of one group, so that the latest and all differ.
    await put("forecast/train/runs.csv", marked(shopTarget({ items: 2, months: 31 })));
    await settled(app);
  }, 280_000);

  it("the aggregated view holds history, backtests and forecasts of every group", async () => {
    const rows = await rowsOf(
      `select dataset_group, count(*) as n, count(metric) as came, count(p50) as told, count(p51) as between, min(identifier) as first
         from aggregated group by all order by all`,
    );
    expect(rows).toEqual(
      [
        ["Shop-2", 30],
        ["runs", 31],
        ["select", 30],
      ].map(([group, months]) => ({
        dataset_group: group,
        n: 2 * (Number(months) + 3),
        came: 2 * Number(months),
        told: 2 * (6 + 3),
        between: 2 * (6 + 3),
        first: `${mark}_0`,
      })),
    );
    expect(await rowsOf("select distinct dimension_1, metadata_1 from aggregated order by all")).toEqual([
      { dimension_1: "store_0", metadata_1: "tea" },
      { dimension_1: "store_1", metadata_1: "juice" },
    ]);
    expect(await rowsOf("select forecast_run, count(*) as n from aggregated_all where dataset_group = 'runs' group by all")).toHaveLength(
      2,
    );
  });

  it("has timestamps and months as such", async () => {
    expect(
      await rowsOf(
        `select timestamp, month_starting, typeof(timestamp) as t, typeof(month_starting) as d, metric is null as ahead from aggregated
          where dataset_group = 'select' and timestamp >= '2024-08-01' and identifier = '${mark}_0' order by 1`,
      ),
    ).toEqual(
      ["2024-08", "2024-09"].map((month) => ({
        timestamp: `${month}-01T00:00:00`,
        month_starting: `${month}-01`,
        t: "TIMESTAMP",
        d: "DATE",
        ahead: true,
      })),
    );
  });

  it("reads only the objects and months a query needs", async () => {
    const uses = async (): Promise<number> => {
      const [row] = await app.database.query<{ n: number }>(
        "select count(*)::int as n from stockroom.key_use where purpose = 'cli sql' and object_key like 'forecast/exports/%'",
      );
      return row?.n ?? 0;
    };
    const before = await uses();
    await rowsOf("select sum(metric) as s from aggregated where month_starting = '2023-05-01' and dataset_group = 'select'");
    expect((await uses()) - before).toBe(1);
    await rowsOf("select sum(metric) as s from aggregated where timestamp between '2023-05-01' and '2023-06-30'");
    expect((await uses()) - before).toBe(1 + 2 * 3);
    await rowsOf("select * from aggregated where dataset_group = 'nobody'");
    expect((await uses()) - before).toBe(1 + 2 * 3);
  });

  it("gives the same through pruned and unpruned ways", async () => {
    const where = "dataset_group = 'runs' and month_starting >= '2024-01-01' and p50 > 20 and identifier like '%_1'";
    const narrow = await rowsOf(`select identifier, timestamp, p50, mean from aggregated where ${where} order by all`);
    // Every column of every row is read first; random() keeps the condition from being moved to where it prunes.
    const wide = await rowsOf(
      `with whole as materialized (select *, random() as chance from aggregated) select identifier, timestamp, p50, mean from whole where ${where} and chance >= 0 order by all`,
    );
    expect(narrow.length).toBeGreaterThan(0);
    expect(wide).toEqual(narrow);
  });

  it.each([
    [`select count(*) as n from "Shop-2"`, 66],
    [`select count(*) as n from "shop-2"`, 66],
    [`select count(*) as n from groups."Shop-2"`, 66],
    [`select count(*) as n from "select"`, 66],
    [`select count(*) as n from groups."select" where month_starting < '2023-01-01'`, 24],
    [`select count(*) as n from groups.runs`, 68],
    [`select count(*) as n from runs where state = 'done'`, 4],
    [`select count(*) as n from forecasts`, 18],
    [`select count(*) as n from forecasts_all`, 24],
    [`select count(*) as n from backtest_values where target_value is not null`, 36],
    [`select count(*) as n from backtest_accuracy where "wQL[0.5]" >= 0 and "WAPE" < 1 and backtest_window >= 0`, 12],
    [`select count(distinct item_id) as n from accuracy`, 2],
    [`select count(*) as n from models where weight > 0 and model is not null having count(*) >= 6`, expect.any(Number)],
    [`select count(*) as n from forecasts_adjusted`, 0],
    [`select count(*) as n from (from forecasts join aggregated using (dataset_group, timestamp)) where item_id = identifier`, 18],
  ])("%s", async (query, n) => {
    expect(await rowsOf(query)).toEqual([{ n }]);
  });

  it("forecasts are those of the export, to the last digit", async () => {
    const latest = (await listRuns(app.database, { group: "select" })).find((run) => run.state === "done");
    const csv = Buffer.from(await app.objects.read(operator, latest?.exports["forecast"]?.key ?? "")).toString();
    const { stdout } = await sql(
      "select item_id, store, strftime(timestamp, '%Y-%m-%d') as timestamp, mean, p10, p50, p90 from forecasts where dataset_group = 'select'",
      "--csv",
    );
    expect(stdout.replaceAll("\r\n", "\n")).toBe(csv.replaceAll("\r\n", "\n"));
  });

  it("tells runs with their figures", async () => {
    const rows = await rowsOf("select * from runs where dataset_group = 'runs' and state <> 'superseded' order by started_at");
    expect(rows).toMatchObject([
      { state: "done", is_latest: "no", frequency: "M", horizon: 3, windows: 2, dimensions: "store", series: 2 },
      { state: "done", is_latest: "yes", wape: expect.any(Number), average_wql: expect.any(Number), leader: expect.any(String) },
    ]);
  });

  it("stops at --limit and says so; --csv gives all", async () => {
    const query = "select i from range(1500) t(i)";
    const short = await sql(query, "--limit", "3", "--json");
    expect(JSON.parse(short.stdout)).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
    expect(short.stderr).toContain("these are the first 3");
    expect(JSON.parse((await sql(query, "--json")).stdout)).toHaveLength(1_000);
    expect((await sql(query, "--csv")).stdout.trim().split(/\r?\n/)).toHaveLength(1_501);
    expect((await sql("select 3 as i", "--limit", "1")).stderr).toBe("");
  });

  it("tells NULL, text, lists and structs apart in JSON", async () => {
    expect(
      await rowsOf("select null as a, '' as b, [1, 2] as c, {'x': true} as d, 1.50::decimal(4,2) as e, 9007199254740993 as f"),
    ).toEqual([{ a: null, b: "", c: [1, 2], d: { x: true }, e: 1.5, f: "9007199254740993" }]);
  });

  it("ends a query after its time", async () => {
    const query = "select count(*) from range(100000000) a, range(100000000) b where a.range * b.range % 7 = 3";
    expect(await sql(query, "--timeout", "1")).toMatchObject({ code: 2, stderr: expect.stringContaining("SQL_TIMEOUT") });
  });

  it("refuses what does not fit its memory", async () => {
    const query = "select list(i::varchar || 'a long tail of text to fill the memory') as l from range(100000000) t(i)";
    expect(await sql(query, "--memory", "64")).toMatchObject({ code: 2, stderr: expect.stringContaining("WAREHOUSE_OUT_OF_MEMORY") });
  });

  it("reaches its own tables with --system, and says so where they are meant", async () => {
    expect(await rowsOf("select count(*)::int as n from run where workflow = 'forecast.run' and state = 'done'", "--system")).toEqual([
      { n: expect.any(Number) },
    ]);
    expect(await sql("select * from run")).toMatchObject({ code: 2, stderr: expect.stringContaining("add --system") });
  });

  describe("nothing but one SELECT is possible", () => {
    const elsewhere = (name: string): string => path.join(place.home, name);
    it.each([
      "select 1; select 2",
      "select 1; drop view aggregated",
      "delete from aggregated",
      "insert into aggregated select * from aggregated",
      "update aggregated set metric = 0",
      "create table mine as select * from aggregated",
      "with x as (select 1) delete from aggregated",
      "copy aggregated to 'FILE'",
      "copy (select * from aggregated) to 'FILE' (format parquet)",
      "export database 'FILE'",
      "attach 'FILE' as other",
      "install httpfs",
      "load httpfs",
      "load 'FILE'",
      "pragma enable_profiling",
      "pragma database_list",
      "set enable_external_access = true",
      "set temp_directory = 'FILE'",
      "reset enable_external_access",
      "call enable_logging()",
      "checkpoint",
      "explain analyze select 1",
      "explain (format json) select 1",
      "prepare p as select 1",
      "select * from read_csv('/etc/passwd')",
      "select * from read_text('/etc/passwd')",
      "select * from read_blob('/etc/passwd')",
      "select * from '/etc/passwd'",
      "select * from read_parquet('https://example.com/x.parquet')",
      "select * from glob('/etc/*')",
      "select * from sniff_csv('/etc/passwd')",
      "select * from query('copy (select 1) to ''FILE''')",
      "select getenv('STOCKROOM_HOME')",
      "select * from duckdb_secrets()",
      "select $1",
      "select ?",
      "select * from nowhere",
      "selec 1",
      "",
      ";",
    ])("%s", async (query) => {
      const before = await readdir(place.home);
      const { code, stdout } = await sql(query.replaceAll("FILE", elsewhere("leak")));
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(await readdir(place.home)).toEqual(before);
    });
  });

  it("leaves nothing in the clear behind", async () => {
    // A sort over everything, and one that has to be given up for want of memory.
    await sql("select * from aggregated a, aggregated b order by a.identifier, b.mean desc, hash(a.timestamp)", "--csv");
    await sql(
      "select a.*, b.identifier as other from aggregated a, aggregated b, aggregated c order by hash(a.identifier, b.mean)",
      "--memory",
      "64",
    );
    const files = await readdir(place.home, { recursive: true, withFileTypes: true });
    let looked = 0;
    for (const file of files) {
      if (!file.isFile()) continue;
      const bytes = await readFile(path.join(file.parentPath, file.name));
      expect({ file: file.name, found: bytes.includes(mark) }).toEqual({ file: file.name, found: false });
      looked += 1;
    }
    expect(looked).toBeGreaterThan(100);
    expect(files.some((file) => /\.tmp|duckdb/i.test(file.name))).toBe(false);
  });
});

describe("from the command line", () => {
  beforeAll(async () => await app.close());

  it("answers as a command of its own", async () => {
    expect(await stockroom("sql", "select count(*) as n from forecasts", "--csv")).toEqual({ code: 0, stdout: "n\n18\n", stderr: "" });
    expect(await stockroom("sql", "select 1; select 2")).toMatchObject({ code: 2, stdout: "" });
  });

  it("asks the vault as the role operator: without the grant nothing is read", async () => {
    await writeFile(path.join(place.home, "stockroom.yaml"), "vault:\n  grants:\n    operator: { forecasts: none }\n");
    for (const query of ["select * from aggregated", "from forecasts"]) {
      expect(await stockroom("sql", query)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("VAULT_NO_GRANT") });
    }
    expect((await stockroom("sql")).stdout).toMatch(/^forecasts .*not granted/m);
  });
});
