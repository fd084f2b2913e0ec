// A million rows out of SAP by pages, then deltas, while every eleventh request fails: what it costs, and that nothing is lost or doubled.
//
//   node bench/forecast/sap.ts [rows=1000000] [pageRows=5000]
//
// There is no rival to run beside it: the limit given is the stand-in Gateway's own time to make and send the same pages.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { makeLog } from "../../src/platform/log.ts";
import { Book } from "../../src/forecast/workflows/sap/changes.ts";
import { openApp } from "../../src/app.ts";
import { openGateway, type Fault, type GatewayRow } from "../../test/kit/sap-gateway.ts";
import { machine, measure, writeResult, type Cost } from "../machine.ts";

const rows = Number(process.argv[2] ?? 1_000_000);
const pageRows = Number(process.argv[3] ?? 5_000);
const items = 1_000;

const rowOf = (index: number): GatewayRow => ({
  ProductNumber: `P${String(index % items).padStart(6, "0")}`,
  LocationNumber: "1000",
  Day: `/Date(${Date.UTC(2024, 0, 1 + Math.floor(index / items))})/`,
  Quantity: `${index % 97}.000`,
});

/** Bytes of the heap for each row that is held while changes are applied: what bounds how many rows a source may have. */
function bytesARow(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const book = new Book({ kind: "additive", repeated: "refuse", keys: [0, 1, 2], measures: [3], names: [] });
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < rows; index++) {
    const { ProductNumber = "", LocationNumber = "", Day = "", Quantity = "" } = rowOf(index);
    // Texts of their own, as they come out of a file.
    book.hold(
      [ProductNumber, LocationNumber, Day, Quantity].map((text) => Buffer.from(String(text)).toString()),
      1,
    );
  }
  collect();
  const used = process.memoryUsage().heapUsed - before;
  let held = 0;
  for (const row of book.rows()) held += row.counter;
  if (held !== rows) throw new Error(`${held} of ${rows} rows are held.`);
  return Math.round(used / rows);
}

const perRow = bytesARow();

const gateway = await openGateway({
  set: "FactsOfDemand",
  keys: ["ProductNumber", "LocationNumber", "Day"],
  count: rows,
  row: rowOf,
  tokenUses: 23,
});
const home = await mkdtemp(path.join(os.tmpdir(), "stockroom-sap-"));
await writeFile(
  path.join(home, "stockroom.yaml"),
  `forecast:
  sap:
    sources:
      - name: demand
        url: ${gateway.url}
        set: FactsOfDemand
        keys: [ProductNumber, LocationNumber, Day]
        credentials: secrets/sap.json
        pageRows: ${pageRows}
        group: retail
        columns: { item_id: ProductNumber, location: LocationNumber, timestamp: Day, demand: Quantity }
        pauseMs: 5
        timeoutMs: 5000
        tries: 8
`,
);

const limit = await measure(async () => {
  const authorization = `Basic ${Buffer.from("stock:room").toString("base64")}`;
  let next: string | undefined = `${gateway.url}/FactsOfDemand`;
  while (next !== undefined) {
    const answer: Response = await fetch(next, { headers: { authorization, prefer: `odata.maxpagesize=${pageRows}` } });
    const { d } = (await answer.json()) as { d: { __next?: string } };
    next = d.__next === undefined ? undefined : `${gateway.url}/FactsOfDemand${new URL(d.__next).search}`;
  }
});

const app = await openApp({ cwd: home, env: { ...process.env, STOCKROOM_HOME: home }, work: true, log: makeLog({ level: "error" }) });
const oauth = { kind: "oauth2", tokenUrl: gateway.tokenUrl, clientId: "stock", clientSecret: "room" };
await app.objects.put({ role: "operator", purpose: "bench" }, "secrets/sap.json", Buffer.from(JSON.stringify(oauth)));
const faults: readonly Fault[] = [401, 403, 429, 500, "slow", "cut"];
let met = 0;
gateway.setFault((n) => (n % 11 === 0 ? faults[(met += 1) % faults.length] : undefined));

async function extract(id: string): Promise<Record<string, unknown>> {
  await app.workflows.start("forecast.sap.extract", { source: "demand", requestedAt: id }, { id });
  const outcome = await app.workflows.outcome<Record<string, unknown>>(id);
  if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

async function compare(): Promise<{ readonly rows: number; readonly wrong: number }> {
  const wanted = gateway.state();
  const bytes = await app.objects.read({ role: "operator", purpose: "bench" }, "forecast/train/retail.csv", { maxBytes: 2 ** 31 });
  const lines = Buffer.from(bytes).toString("utf8").trim().split("\n").slice(1);
  let wrong = Math.abs(lines.length - wanted.size);
  const seen = new Set<string>();
  for (const line of lines) {
    const [item, location, day, demand] = line.trim().split(",");
    const key = `${item}|${location}|/Date(${Date.parse(`${day}T00:00:00Z`)})/`;
    if (seen.has(key) || wanted.get(key)?.["Quantity"] !== demand) wrong += 1;
    seen.add(key);
  }
  return { rows: lines.length, wrong };
}

const full = await measure(async () => await extract("full"));
const afterFull = await compare();
const deltas = [];
for (let round = 1; round <= 3; round++) {
  for (let i = 0; i < 30_000; i++) gateway.change("U", { ...rowOf((i * 31 + round) % rows), Quantity: `${round}${i}.000` });
  for (let i = 0; i < 5_000; i++) gateway.change("D", rowOf((i * 17 + round * 1_000) % rows));
  for (let i = 0; i < 10_000; i++) gateway.change("C", rowOf(rows + round * 10_000 + i));
  const delta = await measure(async () => await extract(`delta-${round}`));
  deltas.push({ cost: delta, ...(await compare()) });
}
await app.close();
await rm(home, { recursive: true, force: true });
await gateway.close();

const wrong = afterFull.wrong + deltas.reduce((sum, delta) => sum + delta.wrong, 0);
const cells = (what: string, cost: Cost, kept: number, bad: number): (string | number)[] => [
  what,
  cost.wallSeconds.toFixed(1),
  cost.cpuSeconds.toFixed(1),
  Math.round(cost.peakMiB),
  kept.toLocaleString("en"),
  bad,
];
process.stdout.write(
  writeResult("forecast-sap", {
    title: `${rows.toLocaleString("en")} rows out of SAP, then deltas, under faults`,
    about: `Pages of ${pageRows.toLocaleString("en")} rows over OAuth tokens good for 23 requests each; ${met} requests met 401, 403, 429, 500, a time-out or a cut connection. Every row of the file was compared with the Gateway's own state afterwards.`,
    command: `node bench/forecast/sap.ts ${rows} ${pageRows}`,
    machine: machine([]),
    tables: [
      {
        caption: "Cost, Gateway included (it runs in the same process)",
        columns: ["what", "seconds", "CPU seconds", "peak MiB", "rows in the file", "rows that differ"],
        rows: [
          cells("limit: the Gateway and JSON.parse alone", limit, rows, 0),
          cells("first load", full, afterFull.rows, afterFull.wrong),
          ...deltas.map((delta, index) => cells(`delta ${index + 1}: 45,000 changes`, delta.cost, delta.rows, delta.wrong)),
        ],
      },
      {
        caption: "Memory of a row while it is folded (three keys, 37 characters in all, and a number)",
        columns: ["rows held", "bytes of the heap a row"],
        rows: [[rows.toLocaleString("en"), perRow]],
      },
    ],
    notMeasured: [
      `more than ${rows.toLocaleString("en")} rows; the rows of a source are held in memory while they are folded`,
      "a real SAP system: none was at hand",
      "a network: everything is on loopback",
    ],
  }),
);
if (wrong > 0) throw new Error(`${wrong} rows of the file are not as SAP has them.`);
