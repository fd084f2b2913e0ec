// The whole road under faults, with every habit of the gateway on: rows out of SAP, a forecast by itself, orders, and the forecast back into SAP.
// At each end every row is compared: none lost, none doubled, none changed.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { askReplenish } from "../../src/forecast/workflows/planning/replenish.ts";
import { getAnswer } from "../../src/forecast/store/answers.ts";
import { findLatest } from "../../src/forecast/store/runs.ts";
import { listImports } from "../../src/forecast/store/sap.ts";
import type { App } from "../../src/app.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../kit/app.ts";
import { monthlyDataset } from "../kit/forecast-shop.ts";
import { openGateway, type Fault, type Gateway, type GatewayRow, type Habits } from "../kit/sap-gateway.ts";

/** Product numbers as SAP has them. */
const products = ["000000000000004711", "4711-", "20240131", "1E5", "0815", "A 1"];
const months = 30;

const rowOf = (index: number): GatewayRow => {
  const month = Math.floor(index / products.length);
  const item = index % products.length;
  const quantity = 20 + 10 * item + 5 * Math.sin((2 * Math.PI * month) / 12) + ((index * 7) % 5);
  return {
    Material: products[item] ?? "",
    Plant: "0001",
    Month: new Date(Date.UTC(2023, month, 1)).toISOString().slice(0, 10).replaceAll("-", ""),
    Quantity: quantity.toFixed(3),
  };
};

/** What happens in SAP between the first load and the next: amounts change, a row moves to another key, some go, some come. */
function change(gateway: Gateway): void {
  for (let i = 0; i < 40; i++) gateway.change("U", { ...rowOf(i), Quantity: (50 + i / 8).toFixed(3) });
  for (let i = 0; i < 6; i++) gateway.change("U", { ...rowOf(i), Quantity: (60 + i / 8).toFixed(3) });
  gateway.move(rowOf(100), { ...rowOf(100), Plant: "0002" });
  gateway.move({ ...rowOf(100), Plant: "0002" }, rowOf(100));
  gateway.change("D", rowOf(50));
  gateway.change("C", { ...rowOf(50), Quantity: "33.000" });
  for (let month = months; month < months + 2; month++) {
    for (let item = 0; item < products.length; item++) gateway.change("C", rowOf(month * products.length + item));
  }
}

const both: Habits = {
  client: "100",
  innerPath: "/inner/odata/ZDEMAND_SRV",
  customSkipToken: true,
  target: { set: "Forecasts", keys: ["PRODUCT", "PLANT", "DAY"] },
  metadata: { PRODUCT: "Edm.String", PLANT: "Edm.String", DAY: "Edm.DateTime", QUANTITY: "Edm.Decimal" },
  unknownToken: { status: 400, code: "ZX/007", text: "no such delta" },
  afterLoad: change,
};

const roads = {
  adding: { hideDelta: false, habits: { ...both, changes: "additive", deletesByKey: true, deltaOnNext: true, repeatability: "accepted" } },
  replacing: {
    hideDelta: true,
    habits: {
      ...both,
      changes: "images",
      shuffledUnits: true,
      foreignTokens: [
        { isInitialLoad: false, laterMs: 60_000 },
        { isInitialLoad: true, laterMs: 60_000 },
      ],
      repeatability: "none",
    },
  },
} satisfies Record<string, { readonly hideDelta: boolean; readonly habits: Habits }>;

/** Every fault in turn at every fourth request; some strike only what is posted, after it was carried out. */
function weather(): (n: number, request: { readonly method: string; readonly path: string }) => Fault | undefined {
  const reads: readonly Fault[] = [401, 429, 500, "cut", 503, "csrf", "slow"];
  const posts: readonly (Fault | undefined)[] = [
    429,
    undefined,
    "cut-after",
    "csrf",
    undefined,
    "half",
    undefined,
    "cut-middle",
    undefined,
  ];
  let [read, post] = [0, 0];
  return (n, { method, path: at }) => {
    if (method === "POST") return at.endsWith("$batch") ? posts[post++ % posts.length] : undefined;
    return n % 4 === 0 ? reads[read++ % reads.length] : undefined;
  };
}

const settingsOf = (name: string, gateway: Gateway): string => `forecast:
  sap:
    sources:
      - name: demand
        url: ${gateway.url}?sap-client=100
        set: FactsOfDemand
        keys: [Material, Plant, Month]
        credentials: secrets/sap.json
        pageRows: 40
        group: ${name}
        columns: { item_id: Material, location: Plant, timestamp: Month, demand: Quantity }
        pauseMs: 1
        timeoutMs: 400
        tries: 8
    targets:
      - name: car
        kind: odata
        url: ${gateway.url}
        client: "100"
        set: Forecasts
        credentials: secrets/sap.json
        automatic: [${name}]
        batchRows: 5
        pauseMs: 1
        timeoutMs: 400
        tries: 8
        fields: { PRODUCT: { from: item_id }, PLANT: { from: location }, DAY: { from: timestamp, as: date }, QUANTITY: { from: p50, as: decimal } }
`;

const defaults = `Default:
  DatasetGroup: { Domain: RETAIL }
  Datasets:${monthlyDataset("TARGET", "location", "demand")}
  Predictor:
    MaxAge: 604800
    AlgorithmArn: "arn:aws:forecast:::algorithm/ETS"
    ForecastHorizon: 3
    FeaturizationConfig: { ForecastFrequency: M, ForecastDimensions: [location] }
    EvaluationParameters: { NumberOfBacktestWindows: 1, BackTestWindowOffset: 3 }
  Forecast: { ForecastTypes: ["0.10", "0.50", "0.90", "mean"] }
`;

let place: TestPlace;
let app: App | undefined;
let gateway: Gateway;

afterEach(async () => {
  await app?.close();
  app = undefined;
  await gateway.close();
  await place.remove();
});

async function tableOf(
  opened: App,
  ref: { readonly key: string; readonly version?: string } | undefined,
): Promise<Record<string, string>[]> {
  if (ref === undefined) throw new Error("There is no such export.");
  const { body } = await opened.objects.get(operator, ref.key, ref.version === undefined ? {} : { version: ref.version });
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const [header = "", ...lines] = Buffer.concat(chunks).toString("utf8").trim().split(/\r?\n/);
  const names = header.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((value, index) => [names[index] ?? "", value])));
}

async function extract(opened: App, id: string): Promise<unknown> {
  await opened.workflows.start("forecast.sap.extract", { source: "demand", requestedAt: id }, { id });
  const outcome = await opened.workflows.outcome(id, { timeoutMs: 120_000 });
  if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

const sorted = (rows: readonly string[]): string[] => rows.toSorted();

test.each(Object.keys(roads) as (keyof typeof roads)[])(
  "from SAP to orders and back, every row as it was (%s)",
  async (name) => {
    const road = roads[name];
    gateway = await openGateway({
      set: "FactsOfDemand",
      keys: ["Material", "Plant", "Month"],
      count: products.length * months,
      row: rowOf,
      hideDelta: road.hideDelta,
      habits: { ...road.habits, forgetsPage: { page: 2, times: 1 } },
    });
    place = await makePlace({ STOCKROOM_FORECAST_SETTLE_MS: "100" });
    await writeFile(path.join(place.home, "stockroom.yaml"), settingsOf(name, gateway));
    app = await openAt(place, { work: true, quiet: true });
    const opened = app;
    await opened.objects.put(operator, "secrets/sap.json", textBytes(JSON.stringify({ kind: "basic", user: "stock", password: "room" })));
    await opened.objects.put(operator, "forecast-defaults.yaml", textBytes(defaults));
    gateway.setFault(weather());

    // Out of SAP: a whole load whose chain is forgotten once, then what changed meanwhile.
    expect(await extract(opened, "first")).toMatchObject({ kind: "full", rows: 180, next: "delta" });
    expect(await extract(opened, "second")).toMatchObject({ kind: "delta", rows: 192 });
    const held = [...gateway.state().values()].map((row) =>
      [row["Material"], row["Plant"], String(row["Month"]).replace(/(....)(..)(..)/, "$1-$2-$3"), Number(row["Quantity"])].join("|"),
    );
    const file = await tableOf(opened, { key: `forecast/train/${name}.csv` });
    expect(sorted(file.map((row) => [row["item_id"], row["location"], row["timestamp"], Number(row["demand"])].join("|")))).toEqual(
      sorted(held),
    );

    // The forecast comes by itself, for every product and no other.
    await settled(opened);
    const run = await findLatest(opened.database, name);
    const forecast = await tableOf(opened, run?.exports["forecast"]);
    expect(forecast).toHaveLength(products.length * 3);
    expect(sorted([...new Set(forecast.map((row) => row["item_id"] ?? ""))])).toEqual(sorted(products));

    // Orders.
    const stock = ["item_id,location,on_hand", ...products.map((product) => `${product},0001,10`), ""].join("\n");
    await opened.objects.put(operator, `forecast/stock/${name}.csv`, textBytes(stock));
    const asked = { leadTime: 1, reviewPeriod: 1, service: { kind: "cycle", level: 0.95 } } as const;
    const plan = await askReplenish(opened.forecast.deps, name, asked, "Ada");
    await opened.workflows.start("forecast.replenish", plan.input, { id: plan.id });
    expect(await opened.workflows.outcome(plan.id, { timeoutMs: 120_000 })).toMatchObject({ kind: "done" });
    const proposed = await getAnswer(opened.database, plan.answer);
    expect(proposed.summary).toMatchObject({ rows: products.length, badRows: 0 });
    const orders = await tableOf(opened, proposed.exports["orders"]);
    expect(sorted(orders.map((row) => row["item_id"] ?? ""))).toEqual(sorted(products));

    // Back into SAP: every export that was made, each of its rows once.
    const imports = await listImports(opened.database);
    expect(imports.every((one) => one.state === "done" && one.sent === one.rows && one.unsure === 0)).toBe(true);
    const exported: string[] = [];
    for (const { sourceKey, sourceVersion } of imports) {
      for (const row of await tableOf(opened, { key: sourceKey, version: sourceVersion })) {
        const day = `/Date(${Date.parse(`${row["timestamp"]}T00:00:00Z`)})/`;
        exported.push([row["item_id"], row["location"], day, Number(row["p50"]).toFixed(3)].join("|"));
      }
    }
    const sent = gateway.taken.map((row) => [row["PRODUCT"], row["PLANT"], row["DAY"], row["QUANTITY"]].join("|"));
    expect(sorted(sent)).toEqual(sorted(exported));
    expect(imports.map((one) => one.sourceVersion)).toContain(run?.exports["forecast"]?.version);
  },
  180_000,
);
