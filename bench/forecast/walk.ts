// Two walks through the whole system on real data, from an upload to the ERP, with what each stage took.
//
//   node bench/forecast/walk.ts [electronics|orange-juice]
//
// electronics    the AWS solution's own layout and data: 1,500 series of 24 months; asked for: upload to notice within 60 s on 2 cores
// orange-juice   59 stores x 11 brands by week with prices and promotions, three backtest windows; then SQL, a what-if, orders, and the import into
//                the stand-in SAP, which refuses one product until it is unlocked
//
// Data is read in place from STOCKROOM_DATA or ../shared/data; without it this says so and ends.

import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { gunzipSync } from "node:zlib";
import { makeLog } from "../../src/platform/log.ts";
import { findLatest, listRuns, type ForecastRunRow } from "../../src/forecast/store/runs.ts";
import { listImports } from "../../src/forecast/store/sap.ts";
import { openApp, type App } from "../../src/app.ts";
import { openGateway } from "../../test/kit/sap-gateway.ts";
import { machine, measure, measureCommand, writeResult, type Cost } from "../machine.ts";

const data = path.join(process.env["STOCKROOM_DATA"] ?? path.resolve(import.meta.dirname, "../../../shared/data"), "forecast");
if (!existsSync(data)) {
  process.stdout.write(`There is no data at ${data}: nothing was measured. Name its folder in STOCKROOM_DATA.\n`);
  process.exit(0);
}
const read = (name: string): string => gunzipSync(readFileSync(path.join(data, `${name}.csv.gz`))).toString("utf8");
const stockroom = path.resolve(import.meta.dirname, "../../bin/stockroom");
const operator = { role: "operator", purpose: "bench" };

const attribute = (name: string, type: string): string => `          - { AttributeName: ${name}, AttributeType: ${type} }`;
const dataset = (type: string, frequency: string, attributes: readonly (readonly [string, string])[]): string => `    - Domain: RETAIL
      DatasetType: ${type}
${type === "ITEM_METADATA" ? "" : `      DataFrequency: ${frequency}\n      TimestampFormat: yyyy-MM-dd\n`}      Schema:
        Attributes:
${attributes.map(([name, kind]) => attribute(name, kind)).join("\n")}`;

interface Group {
  readonly name: string;
  readonly frequency: string;
  readonly place: string;
  readonly horizon: number;
  readonly windows: number;
  readonly target: string;
  readonly related: string;
  readonly relatedColumns: readonly string[];
  readonly metadata: string | undefined;
  /** Of FeaturizationConfig. */
  readonly fill: string;
}

/** Weeks without a row were not recorded; that is not to have sold nothing. */
const gapsAreUnknown = `      Featurizations:
        - AttributeName: demand
          FeaturizationPipeline:
            - FeaturizationMethodName: filling
              FeaturizationMethodParameters: { aggregation: sum, frontfill: none, middlefill: nan, backfill: nan }
`;

function defaultsOf(group: Group): string {
  const keys = [
    ["item_id", "string"],
    [group.place, "string"],
    ["timestamp", "timestamp"],
  ] as const;
  const metadata = group.metadata?.split("\n", 1)[0]?.trim().split(",") ?? [];
  return `Default:
  DatasetGroup: { Domain: RETAIL }
  Datasets:
${dataset("TARGET_TIME_SERIES", group.frequency, [...keys, ["demand", "float"]])}
${dataset("RELATED_TIME_SERIES", group.frequency, [...keys, ...group.relatedColumns.map((name) => [name, "float"] as const)])}
${
  group.metadata === undefined
    ? ""
    : dataset(
        "ITEM_METADATA",
        "",
        metadata.map((name) => [name, "string"] as const),
      )
}
  Predictor:
    MaxAge: 604800
    PerformAutoML: true
    ForecastHorizon: ${group.horizon}
    FeaturizationConfig:
      ForecastFrequency: ${group.frequency}
      ForecastDimensions: [${group.place}]
${group.fill}    EvaluationParameters: { NumberOfBacktestWindows: ${group.windows}, BackTestWindowOffset: ${group.horizon} }
  Forecast:
    ForecastTypes: ["0.10", "0.50", "0.90", "mean"]
`;
}

async function settled(app: App): Promise<void> {
  while (!(await app.workflows.idle())) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function open(home: string): Promise<App> {
  return await openApp({ cwd: home, env: { ...process.env, STOCKROOM_HOME: home }, work: true, log: makeLog({ level: "error" }) });
}

async function upload(app: App, group: Group): Promise<void> {
  if (group.metadata !== undefined)
    await app.objects.put(operator, `forecast/train/${group.name}.metadata.csv`, Buffer.from(group.metadata));
  await app.objects.put(operator, `forecast/train/${group.name}.related.csv`, Buffer.from(group.related));
  await app.objects.put(operator, `forecast/train/${group.name}.csv`, Buffer.from(group.target));
  await settled(app);
}

const told: (readonly [what: string, cost: Cost | undefined, note: string])[] = [];
const say = (what: string, cost: Cost | undefined, note: string): void => {
  told.push([what, cost, note]);
  process.stdout.write(
    `${what}: ${cost === undefined ? "" : `${cost.wallSeconds.toFixed(1)} s, ${cost.cpuSeconds.toFixed(1)} CPU s, ${Math.round(cost.peakMiB)} MiB; `}${note}\n`,
  );
};

async function electronics(): Promise<void> {
  const home = await mkdtemp(path.join(os.tmpdir(), "stockroom-walk-"));
  const app = await open(home);
  const group: Group = {
    name: "electronics",
    frequency: "M",
    place: "store_id",
    horizon: 3,
    windows: 2,
    target: read("aws_electronics_target"),
    related: read("aws_electronics_related"),
    relatedColumns: ["price"],
    metadata: undefined,
    fill: "",
  };
  await app.objects.put(operator, "forecast-defaults.yaml", Buffer.from(defaultsOf(group)));
  await settled(app);
  const whole = await measure(async () => await upload(app, group));
  const run = await findLatest(app.database, group.name);
  if (run === undefined) throw new Error(await whyNot(app));
  say("electronics: upload to notice", whole, `${seriesOf(run)} series, backtest WAPE ${percent(run.summary?.["wape"])}`);
  const again = await measure(async () => await upload(app, { ...group, target: `${group.target}\n` }));
  await app.objects.put(operator, `forecast/train/${group.name}.csv`, Buffer.from(group.target));
  await settled(app);
  const runs = await listRuns(app.database);
  say("electronics: other bytes of the same rows", again, "a new content: its young model is used again");
  say(
    "electronics: the same bytes again",
    undefined,
    `${runs.filter((one) => one.state === "done" && one.reuses === undefined).length} of ${runs.length} runs trained`,
  );
  await app.close();
  await rm(home, { recursive: true, force: true });
}

const seriesOf = (run: ForecastRunRow): number => (typeof run.summary?.["series"] === "number" ? run.summary["series"] : 0);
const leaderOf = (run: ForecastRunRow): string => (typeof run.summary?.["leader"] === "string" ? run.summary["leader"] : "none");

const whyNot = async (app: App): Promise<string> =>
  `The forecast did not come about: ${(await app.workflows.deadLetters()).map((letter) => `${letter.title}: ${letter.error.message}`).join("; ")}`;

const percent = (value: unknown): string => (typeof value === "number" ? `${(100 * value).toFixed(1)} %` : "none");

async function orangeJuice(): Promise<void> {
  const lastWeek = "1992-08-06";
  const [header = "", ...rows] = read("oj_target").trim().split("\n");
  const known = rows.filter((row) => (row.split(",")[2] ?? "") <= lastWeek);
  const group: Group = {
    name: "juice",
    frequency: "W",
    place: "location",
    horizon: 8,
    windows: 3,
    target: [header, ...known, ""].join("\n"),
    related: read("oj_related")
      .split("\n")
      .map((row) => row.split(",").slice(0, 5).join(","))
      .join("\n"),
    relatedColumns: ["price", "promotion_applied"],
    metadata: read("oj_metadata"),
    fill: gapsAreUnknown,
  };
  const gateway = await openGateway({ set: "Forecasts", keys: ["PRODUCT", "LOCATION", "DAY"], count: 0, row: () => ({}) });
  gateway.setRefuse((row) =>
    row["PRODUCT"] === "oj_05" && row["LOCATION"] === "store_5" ? "Product oj_05 is locked in store_5" : undefined,
  );
  const home = await mkdtemp(path.join(os.tmpdir(), "stockroom-walk-"));
  await writeFile(
    path.join(home, "stockroom.yaml"),
    `forecast:
  sap:
    targets:
      - name: car
        kind: odata
        url: ${gateway.url}
        set: Forecasts
        credentials: secrets/sap.json
        automatic: [juice]
        pauseMs: 10
        fields:
          PRODUCT: { from: item_id }
          LOCATION: { from: location }
          DAY: { from: timestamp, as: date }
          QUANTITY: { from: p50, as: decimal }
          UNIT: { value: EA }
          SALES_ORGANISATION: { value: "1000" }
`,
  );
  const app = await open(home);
  await app.objects.put(operator, "secrets/sap.json", Buffer.from(JSON.stringify({ kind: "basic", user: "stock", password: "room" })));
  await app.objects.put(operator, "forecast-defaults.yaml", Buffer.from(defaultsOf(group)));
  await settled(app);
  const whole = await measure(async () => await upload(app, group));
  const run = await findLatest(app.database, group.name);
  if (run === undefined) throw new Error(await whyNot(app));
  say(
    "orange juice: upload to the ERP",
    whole,
    `${seriesOf(run)} series, backtest WAPE ${percent(run.summary?.["wape"])}, led by ${leaderOf(run)}`,
  );
  const [first] = await listImports(app.database);
  if (first === undefined) throw new Error("Nothing was imported.");
  say(
    "orange juice: import",
    undefined,
    `${first.sent} rows taken, ${first.failed} refused, ${gateway.counts.carriedOut} batches carried out`,
  );
  gateway.setRefuse(undefined);
  const command = async (what: string, args: readonly string[]): Promise<unknown> => {
    const ran = await measureCommand(process.execPath, [stockroom, ...args, "--json"], { cwd: home, env: { STOCKROOM_HOME: home } });
    if (ran.status !== 0) throw new Error(`stockroom ${args.join(" ")}: ${ran.stderr}`);
    const value: unknown = JSON.parse(ran.stdout);
    const text = JSON.stringify(value);
    say(`orange juice: ${what}`, ran, text.length > 200 ? `${text.slice(0, 197)}...` : text);
    return value;
  };
  await command("stockroom sql", [
    "sql",
    "select metadata_2 as brand, round(sum(metric)) as sold, round(sum(mean)) as forecast from aggregated where timestamp >= '1992-06-01' group by 1 order by 2 desc limit 3",
  ]);
  await command("a what-if on price", ["forecast", "scenario", "whatif", "juice", "--set", "price *= 0.9 where item_id = oj_01", "--wait"]);
  const stock = [
    "item_id,location,on_hand,lead_time,pack_size",
    ...[...new Set(known.map((row) => row.split(",").slice(0, 2).join(",")))].map((key) => `${key},2000,1,64`),
  ];
  await app.objects.put(operator, "forecast/stock/juice.csv", Buffer.from(`${stock.join("\n")}\n`));
  await command("orders proposed", ["forecast", "scenario", "replenish", "juice", "--service-level", "0.95", "--wait"]);
  await command("import resumed", ["forecast", "imports", "resume", first.id, "--wait"]);
  await settled(app);
  const [resumed] = await listImports(app.database);
  const distinct = new Set(gateway.taken.map((row) => `${String(row["PRODUCT"])}|${String(row["LOCATION"])}|${String(row["DAY"])}`)).size;
  say(
    "orange juice: import resumed",
    undefined,
    `${resumed?.sent ?? 0} rows taken, ${resumed?.failed ?? 0} refused; the ERP holds ${distinct} distinct rows of ${gateway.taken.length}`,
  );
  await app.close();
  await rm(home, { recursive: true, force: true });
  await gateway.close();
}

const wanted = process.argv[2];
if (wanted === undefined || wanted === "electronics") await electronics();
if (wanted === undefined || wanted === "orange-juice") await orangeJuice();
if (wanted === undefined) {
  writeResult("forecast-walk", {
    title: "From an upload to the ERP, on real data",
    about: "Asked for: electronics from upload to notice within 60 s on 2 cores.",
    command: "node bench/forecast/walk.ts",
    machine: machine([]),
    tables: [
      {
        caption: "Stages",
        columns: ["what", "seconds", "CPU seconds", "peak MiB", "what came of it"],
        rows: told.map(([what, cost, note]) => [
          what,
          cost === undefined ? "" : cost.wallSeconds.toFixed(1),
          cost === undefined ? "" : cost.cpuSeconds.toFixed(1),
          cost === undefined ? "" : Math.round(cost.peakMiB),
          note,
        ]),
      },
    ],
    notMeasured: [
      "a real SAP system",
      "accuracy on weeks that were held back: see forecast-accuracy",
      "the embedded PostgreSQL's own CPU once it has left the process tree",
    ],
  });
}
