// The walk from SAP to orders and back: rows with odd keys, roads with every habit of the gateway, the weather on them, and the steps in between.
//
// Used by the walk in one process (test/integration) and by the one that is killed on the way (test/crash). Each step may be taken again: what was done
// is not done twice.

import { askReplenish } from "../../src/forecast/workflows/planning/replenish.ts";
import { getAnswer, listAnswers } from "../../src/forecast/store/answers.ts";
import { settleImport } from "../../src/forecast/workflows/sap/asks.ts";
import { readUnsure } from "../../src/forecast/workflows/sap/deliver.ts";
import { findLatest } from "../../src/forecast/store/runs.ts";
import { listImports } from "../../src/forecast/store/sap.ts";
import { readTable } from "../../src/platform/formats/index.ts";
import type { App } from "../../src/app.ts";
import { operator, settled, textBytes } from "./app.ts";
import { monthlyDataset } from "./forecast-shop.ts";
import { openGateway, type Fault, type Gateway, type GatewayRow, type Habits } from "./sap-gateway.ts";

/** Product numbers as SAP has them, and texts that look like something else or differ in a blank, an accent's encoding or a leading zero alone. */
export const products = [
  "000000000000004711",
  "4711",
  "4711-",
  "20240131",
  "2024-01-31",
  "1E5",
  "100000",
  "0815",
  " 7",
  "7",
  "NULL",
  "nan",
  "TRUE",
  "=1+1",
  "'1",
  'a"b',
  "x,y;z",
  "Größe 5",
  "\u00e9",
  "e\u0301",
];
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

/** What happens in SAP between the first load and the next: amounts change, a row moves to another key and back, one goes and comes, some come. */
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

const all: Habits = {
  client: "100",
  customSkipToken: true,
  target: { set: "Forecasts", keys: ["PRODUCT", "PLANT", "DAY"] },
  metadata: { PRODUCT: "Edm.String", PLANT: "Edm.String", DAY: "Edm.DateTime", QUANTITY: "Edm.Decimal" },
  unknownToken: { status: 400, code: "ZX/007", text: "no such delta" },
  afterLoad: change,
};

/** Habits that rule each other out are on different roads; every habit but those that end a chain for good is on one of them. */
export const roads = {
  adding: {
    hideDelta: false,
    habits: {
      ...all,
      innerPath: "/inner/odata/ZDEMAND_SRV",
      changes: "additive",
      deletesByKey: true,
      deltaOnNext: true,
      repeatability: "accepted",
    },
  },
  replacing: {
    hideDelta: true,
    habits: {
      ...all,
      innerPath: "/inner/odata/ZDEMAND_SRV",
      changes: "images",
      shuffledUnits: true,
      foreignTokens: [
        { isInitialLoad: false, laterMs: 60_000 },
        { isInitialLoad: true, laterMs: 60_000 },
      ],
      repeatability: "none",
    },
  },
  counting: { hideDelta: false, habits: { ...all, changes: "additive", shuffledUnits: true, bareLinks: true, repeatability: "silent" } },
} satisfies Record<string, { readonly hideDelta: boolean; readonly habits: Habits }>;

export type Road = keyof typeof roads;

/** `isSlow` false: no request waits for its time-out. */
export async function openRoad(name: Road, isSlow = true): Promise<Gateway> {
  const { hideDelta, habits } = roads[name];
  const gateway = await openGateway({
    set: "FactsOfDemand",
    keys: ["Material", "Plant", "Month"],
    count: products.length * months,
    row: rowOf,
    hideDelta,
    habits: { ...habits, forgetsPage: { page: 2, times: 1 } },
  });
  gateway.setFault(weather(isSlow));
  return gateway;
}

/** Every fault in turn at every fourth request; some strike only what is posted, after it was carried out. */
function weather(isSlow: boolean): (n: number, request: { readonly method: string; readonly path: string }) => Fault | undefined {
  const reads: readonly Fault[] = [401, 429, 500, "cut", 503, "csrf", isSlow ? "slow" : 500];
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

export const settingsOf = (name: Road, gateway: Gateway): string => `forecast:
  sap:
    sources:
      - name: demand
        url: ${gateway.url}?sap-client=100
        set: FactsOfDemand
        keys: [Material, Plant, Month]
        credentials: secrets/sap.json
        pageRows: 60
        group: ${name}
        columns: { item_id: Material, location: Plant, timestamp: Month, demand: Quantity }
        pauseMs: 1
        timeoutMs: 3000
        tries: 8
    targets:
      - name: car
        kind: odata
        url: ${gateway.url}
        client: "100"
        set: Forecasts
        credentials: secrets/sap.json
        automatic: [${name}]
        batchRows: 7
        pauseMs: 1
        timeoutMs: 3000
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

type Row = Readonly<Record<string, string>>;

/** A CSV as anybody reads it; `forPeople`: as a spreadsheet shows it. */
async function tableOf(
  app: App,
  ref: { readonly key: string; readonly version?: string } | undefined,
  forPeople = false,
): Promise<readonly Row[]> {
  if (ref === undefined) throw new Error("There is no such export.");
  const { body } = await app.objects.get(operator, ref.key, ref.version === undefined ? {} : { version: ref.version });
  const table = await readTable(body, {
    name: ref.key,
    format: "csv",
    spreadsheet: forPeople,
    onBadRow: ({ reason }) => {
      throw new Error(reason);
    },
  });
  const rows: Row[] = [];
  for await (const batch of table.batches)
    for (const row of batch.rows) rows.push(Object.fromEntries(table.columns.map((column, index) => [column, row[index] ?? ""])));
  return rows;
}

async function extract(app: App, id: string): Promise<Record<string, unknown>> {
  await app.workflows.start("forecast.sap.extract", { source: "demand", requestedAt: id }, { id });
  const outcome = await app.workflows.outcome<Record<string, unknown>>(id, { timeoutMs: 120_000 });
  if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

/** What came of a walk, as JSON. */
export interface WalkEnd {
  readonly extractions: readonly Record<string, unknown>[];
  /** Item, place, day and amount of each row of the group's file. */
  readonly file: readonly string[];
  /** Items of the forecast's rows and of the orders. */
  readonly forecast: readonly string[];
  readonly orders: readonly string[];
  readonly imports: readonly {
    readonly state: string;
    readonly rows: number;
    readonly sent: number;
    readonly failed: number;
    readonly unsure: number;
    readonly isLatest: boolean;
    /** Rows of its export, as the target is to have them. */
    readonly exported: readonly string[];
  }[];
  readonly stock: { readonly rows: unknown; readonly badRows: unknown };
}

/** What a walk asks of SAP beside its requests. */
export interface SapSide {
  /** Lets happen what happens before the last extraction. */
  between(): Promise<void>;
  /** Looks whether a row was taken, as a person does for rows whose answer was lost. */
  holds(row: string): Promise<boolean>;
}

/** Waits for the end of all work, settling what only a person can settle. */
async function ended(app: App, sap: SapSide): Promise<void> {
  const { deps } = app.forecast;
  for (;;) {
    await settled(app);
    const unsure = (await listImports(app.database)).filter(({ state }) => state === "unsure");
    if (unsure.length === 0) return;
    for (const { id } of unsure) {
      for (const { batch, rows } of await readUnsure(deps, "walk", id)) {
        const there = await Promise.all(rows.map(async ({ fields }) => await sap.holds(sentText(fields))));
        if (new Set(there).size !== 1) throw new Error(`of batch ${batch} some rows are there and some are not`);
        await settleImport(deps, app.workflows, { importId: id, batch, as: there[0] ? "taken" : "lost", purpose: "walk" });
      }
    }
  }
}

/** Out of SAP, a forecast by itself, orders, and back into SAP. */
export async function takeRoad(app: App, name: Road, sap: SapSide): Promise<WalkEnd> {
  const { objects, database, workflows } = app;
  await objects.put(operator, "secrets/sap.json", textBytes(JSON.stringify({ kind: "basic", user: "stock", password: "room" })));
  if ((await objects.head("forecast-defaults.yaml")) === undefined)
    await objects.put(operator, "forecast-defaults.yaml", textBytes(defaults));
  const extractions = [await extract(app, "first"), await extract(app, "second")];
  await sap.between();
  extractions.push(await extract(app, "third"));
  await ended(app, sap);
  const stockKey = `forecast/stock/${name}.csv`;
  if ((await objects.head(stockKey)) === undefined) {
    const stock = ["item_id,location,on_hand", ...products.map((product) => `"${product.replaceAll('"', '""')}",0001,10`), ""].join("\n");
    await objects.put(operator, stockKey, textBytes(stock));
  }
  if ((await listAnswers(database, { kinds: ["replenish"] })).length === 0) {
    const asked = { leadTime: 1, reviewPeriod: 1, service: { kind: "cycle", level: 0.95 } } as const;
    const plan = await askReplenish(app.forecast.deps, name, asked, "Ada");
    await workflows.start("forecast.replenish", plan.input, { id: plan.id });
  }
  await ended(app, sap);
  const answer = (await listAnswers(database, { kinds: ["replenish"] })).at(0);
  const proposed = await getAnswer(database, answer?.id ?? "");
  const run = await findLatest(database, name);
  const imports = await Promise.all(
    (await listImports(database)).map(async (one) => ({
      state: one.state,
      rows: one.rows,
      sent: one.sent,
      failed: one.failed,
      unsure: one.unsure,
      isLatest: one.sourceVersion === run?.exports["forecast"]?.version,
      exported: (await tableOf(app, { key: one.sourceKey, version: one.sourceVersion })).map((row) =>
        [row["item_id"], row["location"], `/Date(${Date.parse(`${row["timestamp"]}T00:00:00Z`)})/`, Number(row["p50"]).toFixed(3)].join(
          "|",
        ),
      ),
    })),
  );
  return {
    extractions,
    file: (await tableOf(app, { key: `forecast/train/${name}.csv` })).map((row) =>
      [row["item_id"], row["location"], row["timestamp"], Number(row["demand"])].join("|"),
    ),
    forecast: (await tableOf(app, run?.exports["forecast"])).map((row) => row["item_id"] ?? ""),
    orders: (await tableOf(app, proposed.exports["orders"], true)).map((row) => row["item_id"] ?? ""),
    imports,
    stock: pick(proposed.summary),
  };
}

const pick = (summary: object): WalkEnd["stock"] => ({ rows: Reflect.get(summary, "rows"), badRows: Reflect.get(summary, "badRows") });

/** Its rows, as the group's file is to have them. */
export const heldBy = (gateway: Gateway): readonly string[] =>
  [...gateway.state().values()].map((row) =>
    [row["Material"], row["Plant"], String(row["Month"]).replace(/(....)(..)(..)/, "$1-$2-$3"), Number(row["Quantity"])].join("|"),
  );

/** A row as it is sent, in the same words as `exported`. */
function sentText(fields: Readonly<Record<string, unknown>>): string {
  const { DAY: day } = fields;
  const sent = typeof day === "object" && day !== null && "date" in day ? `/Date(${String(day.date)})/` : day;
  return [fields["PRODUCT"], fields["PLANT"], sent, fields["QUANTITY"]].join("|");
}

/** The rows that were sent to it. */
export const sentTo = (gateway: Gateway): readonly string[] => gateway.taken.map(sentText);

/** What happens before the last extraction: tokens are forgotten, which loads everything, and one more amount changes. */
export function forgetAndChange(gateway: Gateway): void {
  if (gateway.state().get(`${products[3]}|0001|20230301`)?.["Quantity"] === "77.125") return;
  gateway.forgetDeltas();
  gateway.change("U", { Material: products[3] ?? "", Plant: "0001", Month: "20230301", Quantity: "77.125" });
}

/** What is wrong at the end of a walk, in words; nothing when no row was lost, doubled or changed. */
export function wrongAt(end: WalkEnd, gateway: Gateway): readonly string[] {
  const wrong: string[] = [];
  const same = (what: string, got: readonly string[], right: readonly string[]): void => {
    const [a, b] = [counted(got), counted(right)];
    for (const key of new Set([...a.keys(), ...b.keys()]))
      if ((a.get(key) ?? 0) !== (b.get(key) ?? 0)) wrong.push(`${what}: ${key} is there ${a.get(key) ?? 0} times, not ${b.get(key) ?? 0}`);
  };
  same("file", end.file, heldBy(gateway));
  same(
    "forecast",
    end.forecast,
    products.flatMap((product) => [product, product, product]),
  );
  same("orders", end.orders, products);
  const latest = end.imports.filter(({ isLatest }) => isLatest);
  if (latest.length !== 1 || latest[0]?.state !== "done") wrong.push(`imports: ${JSON.stringify(end.imports.map(({ state }) => state))}`);
  if (end.imports.some(({ state }) => state !== "done" && state !== "superseded")) wrong.push("an import has not ended");
  if (end.imports.some(({ state, rows, sent, failed, unsure }) => state === "done" && (sent !== rows || failed + unsure > 0)))
    wrong.push("an import lacks rows");
  // An older import that gave way has sent some of its rows.
  const sent = counted(sentTo(gateway));
  const most = counted(end.imports.flatMap(({ exported }) => exported));
  const least = counted(end.imports.flatMap(({ state, exported }) => (state === "done" ? exported : [])));
  for (const [row, times] of sent) if (times > (most.get(row) ?? 0)) wrong.push(`sent: ${row} ${times} times, not ${most.get(row) ?? 0}`);
  for (const [row, times] of least) if (times > (sent.get(row) ?? 0)) wrong.push(`not sent: ${row}`);
  return wrong;
}

function counted(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}
