// SQL over an aggregated view as it lies sealed, beside DuckDB reading the same Parquet in plain from disk.
//
//   node bench/forecast/sql.ts
//
// Asked of a lake that has nothing yet (it decrypts what the query needs into memory), of one that has the files (another question), and of one that
// was asked the same before; the plain way is what a warehouse without encryption does.

import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { DuckDBInstance } from "@duckdb/node-api";
import { gather } from "../../src/platform/bytes.ts";
import { makeStagingPath } from "../../src/platform/objects/names.ts";
import type { ReadHandle, WriteHandle } from "../../src/platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../src/platform/objects/handles.ts";
import { makeRandom } from "../../src/platform/random.ts";
import { writeTable, type Cell } from "../../src/platform/formats/index.ts";
import type { ColumnType } from "../../src/platform/formats/contract.ts";
import type { ObjectHandle } from "../../src/platform/vault/contract.ts";
import { openLake, openSealed, type LakeAccess } from "../../src/platform/warehouse/index.ts";
import type { ForecastRunRow } from "../../src/forecast/store/runs.ts";
import { aggregatedTable } from "../../src/forecast/workflows/views/tables.ts";
import { machine, measure, writeResult, type Cost } from "../machine.ts";

const months = 24;
const series = 1_370;
/** Of a query that takes milliseconds, so many are measured as one. */
const times = 10;
const passes = 7;
const coldTimes = 5;

const seal: ObjectHandle = {
  zone: "forecasts",
  keyVersion: 1,
  wrappingKey: Uint8Array.from(randomBytes(32)),
  object: "bench/object",
  context: { store: "stockroom", name: "0".repeat(64), zone: "forecasts", object: "0" },
};

const columns = ["timestamp", "identifier", "metric", "mean", "p10", "p50", "p90", "dimension_1", "metadata_1"];
const texts = new Set(["identifier", "dimension_1", "metadata_1"]);
const typeOf = (name: string): ColumnType => (name === "timestamp" ? "timestamp" : texts.has(name) ? "text" : "number");
const types = Object.fromEntries(columns.map((name) => [name, typeOf(name)]));

/** A month of days of every series; the last three months are backtests and forecasts. */
async function* monthRows(month: number): AsyncGenerator<readonly (readonly Cell[])[]> {
  const random = makeRandom(1).fork(`month ${month}`);
  const days = new Date(Date.UTC(2024, month + 1, 0)).getUTCDate();
  for (let item = 0; item < series; item++) {
    const rows: Cell[][] = [];
    for (let day = 1; day <= days; day++) {
      const mean = 20 + 10 * random.next();
      const told =
        month >= months - 3 ? [mean, mean * 0.8, mean, mean * 1.2].map((value) => Number(value.toPrecision(7))) : [null, null, null, null];
      const at = new Date(Date.UTC(2024, month, day)).toISOString().slice(0, 10);
      rows.push([at, `item_${item}`, Math.round(mean), ...told, `store_${item % 37}`, `category_${item % 11}`]);
    }
    yield rows;
  }
}

const root = await mkdtemp(path.join(os.tmpdir(), "stockroom-bench-sql-"));
const rowsOfTable: (string | number)[][] = [];
const facts: Record<string, unknown> = {};
try {
  const handles = new Map<string, ReadHandle>();
  const exports: Record<string, { key: string; version: string }> = {};
  let parquetBytes = 0;
  let rows = 0;
  for (let month = 0; month < months; month++) {
    const starting = new Date(Date.UTC(2024, month, 1)).toISOString().slice(0, 10);
    const name = `aggregated/month_starting=${starting}/part-0.parquet`;
    const bytes = await gather(writeTable(monthRows(month), { format: "parquet", columns, types }));
    parquetBytes += bytes.length;
    rows += series * new Date(Date.UTC(2024, month + 1, 0)).getUTCDate();
    await mkdir(path.join(root, "plain", path.dirname(name)), { recursive: true });
    await writeFile(path.join(root, "plain", name), bytes);
    const handle: WriteHandle = { key: name, driver: { kind: "folder", root }, stagingPath: makeStagingPath(), seal };
    const staged = await writeThrough(
      handle,
      (async function* () {
        yield bytes;
      })(),
    );
    handles.set(name, {
      entry: {
        key: name,
        version: "1",
        zone: seal.zone,
        keyVersion: 1,
        bytes: staged.bytes,
        sealedBytes: staged.sealedBytes,
        sha256: staged.sha256,
        contentType: "application/vnd.apache.parquet",
        writtenBy: "bench",
        storedAt: "2026-10-01T00:00:00.000Z",
        labels: {},
      },
      driver: handle.driver,
      path: handle.stagingPath,
      seal,
    });
    exports[name] = { key: name, version: "1" };
  }
  const run: ForecastRunRow = {
    id: "run",
    group: "retail",
    runId: "run",
    request: "1",
    content: "",
    recipe: "",
    inputs: {},
    reuses: undefined,
    state: "done",
    why: undefined,
    summary: {},
    settings: {
      windows: 3,
      windowOffset: 28,
      horizon: 28,
      models: "auto",
      forecastTypes: { levels: [0.1, 0.5, 0.9], mean: true },
      trainedTypes: { levels: [], mean: true },
    },
    exports,
    startedAt: "2026-10-01T00:00:00Z",
    endedAt: "2026-10-01T00:00:00Z",
    currentAt: "2026-10-01T00:00:00Z",
  };
  const store = {
    readHandle: async (_actor: unknown, key: string): Promise<ReadHandle> => {
      const found = handles.get(key);
      if (found === undefined) throw new Error(`there is no ${key}`);
      return found;
    },
  };
  const plain = await (await DuckDBInstance.create(":memory:")).connect();
  await plain.run(
    `create view aggregated as select * replace (timestamp::timestamp as timestamp) from read_parquet('${path.join(root, "plain")}/aggregated/*/*.parquet', hive_partitioning = true)`,
  );

  const queries = [
    ["count every row", "select count(*) from aggregated"],
    ["sum of two years by category", "select metadata_1, sum(metric) from aggregated group by all order by all"],
    [
      "one month, four columns",
      "select identifier, timestamp, p50, metric from aggregated where month_starting = '2025-11-01' order by all",
    ],
    ["one series, all its days", "select timestamp, metric, mean from aggregated where identifier = 'item_77' order by all"],
    [
      "every column, three months",
      "select max(hash(timestamp, identifier, metric, mean, p10, p50, p90, dimension_1, metadata_1)) from aggregated where timestamp >= '2025-10-01'",
    ],
  ] as const;
  /** CPU seconds of one run of `work`, as the mean of many. */
  const each = async (count: number, work: (index: number) => Promise<void>): Promise<Cost> => {
    const { cpuSeconds, wallSeconds, peakMiB } = await measure(async () => {
      for (let index = 0; index < count; index++) await work(index);
    });
    return { cpuSeconds: cpuSeconds / count, wallSeconds: wallSeconds / count, peakMiB };
  };
  const median = (costs: readonly Cost[]): Cost => {
    const found = costs.toSorted((a, b) => a.cpuSeconds - b.cpuSeconds)[costs.length >> 1];
    if (found === undefined) throw new Error("nothing was measured");
    return found;
  };
  const sealedTable = () => aggregatedTable(openSealed(store, { role: "bench", purpose: "bench" }), "aggregated", [run], "");
  const askAll = async (
    lake: LakeAccess,
    sql: string,
  ): Promise<{ readonly answer: string; readonly parts: number; readonly rows: number }> => {
    const { batches, read } = await lake.ask([sealedTable()], sql);
    const all: unknown[] = [];
    for await (const batch of batches) all.push(...batch);
    return { answer: JSON.stringify(all), ...read };
  };
  for (const [what, sql] of queries) {
    const plainAnswer = async (): Promise<unknown[][]> => (await plain.runAndReadAll(sql)).getRowsJson();
    const cold = await each(coldTimes, async () => {
      const lake = openLake();
      await askAll(lake, sql);
      await lake.close();
    });
    const lake = openLake();
    const first = await askAll(lake, sql);
    if ((JSON.parse(first.answer) as unknown[]).length !== (await plainAnswer()).length) throw new Error(`${what}: another answer`);
    // In turns, so that what else the machine does falls on all alike.
    const turns: Record<"bare" | "again" | "another", Cost[]> = { bare: [], again: [], another: [] };
    for (let turn = 0; turn < passes; turn++) {
      turns.bare.push(await each(times, async () => void (await plainAnswer())));
      turns.again.push(await each(times, async () => void (await askAll(lake, sql))));
      turns.another.push(await each(times, async (index) => void (await askAll(lake, `/* ${turn} ${index} */ ${sql}`))));
    }
    await lake.close();
    const [bare, again, another] = [median(turns.bare), median(turns.again), median(turns.another)];
    const used = [...handles.values()].slice(-first.parts);
    const decrypting = await each(coldTimes, async () => {
      for (const handle of used) await gather(openHandle(handle));
    });
    facts[what] = { bare, cold, another, again, decrypting, parts: first.parts };
    const ms = ({ cpuSeconds }: Cost): number => Number((1_000 * cpuSeconds).toFixed(1));
    const ratio = (cost: Cost): number => Number((cost.cpuSeconds / bare.cpuSeconds).toFixed(2));
    rowsOfTable.push([
      what,
      first.rows,
      ms(bare),
      ms(again),
      ratio(again),
      ms(another),
      ratio(another),
      ms(cold),
      ms(decrypting),
      Math.round(cold.peakMiB),
    ]);
  }
  process.stdout.write(
    writeResult("forecast-sql", {
      title: "SQL over a sealed aggregated view",
      about: `${rows.toLocaleString("en-GB")} rows, ${months} months of days of ${series.toLocaleString("en-GB")} series, ${columns.length} columns, ${(parquetBytes / 1e6).toFixed(0)} MB of Parquet. The rival is DuckDB over the same files in plain on disk, its view open; both have all cores. A figure is the median of ${passes} turns, each the mean of ${times} runs; of the cold ones the mean of ${coldTimes}.`,
      command: "node bench/forecast/sql.ts",
      machine: machine([]),
      tables: [
        {
          caption: "CPU milliseconds of a query",
          columns: [
            "query",
            "rows read",
            "DuckDB on plain files",
            "asked again",
            "ratio",
            "another question of the same files",
            "ratio",
            "cold",
            "of which decrypting",
            "peak MiB",
          ],
          rows: rowsOfTable,
        },
      ],
      notes: [
        "Asked again: plan and instance are kept. Another question: the text is new, so it is planned again over the files in memory. Cold: nothing is kept; planning, decrypting into memory, opening.",
        "Months and columns a query does not need cost nothing either way.",
      ],
      notMeasured: [
        "opening the app (about a second) and the database's part: a row in the log of key uses for each object",
        "the process of its own that a query written by somebody else has (its start)",
        "several queries at once",
        "a cold disk",
      ],
      facts,
    }),
  );
  plain.closeSync();
} finally {
  await rm(root, { recursive: true, force: true });
}
