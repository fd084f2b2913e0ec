// SAP: whole loads, deltas and imports against the stand-in Gateway, in a whole app, under every fault it can throw.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { listImports } from "../../src/forecast/store/sap.ts";
import { settleBatch } from "../../src/forecast/workflows/sap/deliver.ts";
import type { App } from "../../src/app.ts";
import { makePlace, openAt, operator, textBytes, type TestPlace } from "../kit/app.ts";
import { openGateway, type Fault, type Gateway, type GatewayOptions, type GatewayRow } from "../kit/sap-gateway.ts";

const day = (index: number): string => `/Date(${Date.UTC(2026, 0, 1 + index)})/`;

/** Items by day: `count` rows over 50 items. */
const rowOf = (index: number): GatewayRow => ({
  ProductNumber: `P${index % 50}`,
  LocationNumber: "1000",
  Day: day(Math.floor(index / 50)),
  Quantity: `${index % 7}.500`,
  Unit: "EA",
});

const gatewayOptions: GatewayOptions = { set: "FactsOfDemand", keys: ["ProductNumber", "LocationNumber", "Day"], count: 500, row: rowOf };

let place: TestPlace;
let gateway: Gateway;
let app: App | undefined;
let serial = 0;

async function open(options: Partial<GatewayOptions>, settings: (gateway: Gateway) => string): Promise<App> {
  gateway = await openGateway({ ...gatewayOptions, ...options });
  place = await makePlace();
  await writeFile(path.join(place.home, "stockroom.yaml"), settings(gateway));
  app = await openAt(place, { work: true, quiet: true });
  return app;
}

const sourceSettings = (from: Gateway, more = ""): string => `forecast:
  sap:
    sources:
      - name: demand
        url: ${from.url}
        set: FactsOfDemand
        keys: [ProductNumber, LocationNumber, Day]
        credentials: secrets/sap.json
        pageRows: 60
        group: retail
        columns: { item_id: ProductNumber, location: LocationNumber, timestamp: Day, demand: Quantity }
        pauseMs: 1
        timeoutMs: 400
        tries: 8
${more}`;

async function putBasic(into: App): Promise<void> {
  await into.objects.put(operator, "secrets/sap.json", textBytes(JSON.stringify({ kind: "basic", user: "stock", password: "room" })));
}

async function extract(into: App, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  serial += 1;
  const id = await into.workflows.start(
    "forecast.sap.extract",
    { source: "demand", requestedAt: `${serial}`, ...more },
    { id: `extract-${serial}` },
  );
  const outcome = await into.workflows.outcome<Record<string, unknown>>(id, { timeoutMs: 120_000 });
  if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

/** The file as rows by key, to be compared with what the Gateway holds. */
async function fileRows(from: App): Promise<Map<string, string>> {
  const text = Buffer.from(await from.objects.read({ role: "operator", purpose: "test" }, "forecast/train/retail.csv")).toString("utf8");
  const [header, ...lines] = text.trim().split("\n");
  expect(header?.trim()).toBe("item_id,location,timestamp,demand");
  const rows = new Map<string, string>();
  for (const line of lines) {
    const [item, location, at, demand] = line.trim().split(",");
    const key = `${item}|${location}|${at}`;
    expect(rows.has(key)).toBe(false);
    rows.set(key, demand ?? "");
  }
  return rows;
}

function gatewayRows(): Map<string, string> {
  return new Map(
    [...gateway.state().values()].map((row) => {
      const ms = Number(/-?\d+/.exec(String(row["Day"]))?.[0]);
      return [`${row["ProductNumber"]}|${row["LocationNumber"]}|${new Date(ms).toISOString().slice(0, 10)}`, String(row["Quantity"])];
    }),
  );
}

/** Every fault in turn, at every third request. */
function faultyWeather(): GatewayOptions["fault"] {
  const faults: readonly Fault[] = [401, 429, 500, "slow", 503, "cut", 403, "csrf"];
  let met = 0;
  return (n) => (n % 3 === 0 ? faults[(met += 1) % faults.length] : undefined);
}

afterEach(async () => {
  await app?.close();
  app = undefined;
  await gateway.close();
  await place.remove();
});

describe("a source", () => {
  test("is loaded whole, then by creates, changes and deletions, exactly once under every fault", async () => {
    const opened = await open({}, sourceSettings);
    await putBasic(opened);
    gateway.setFault(faultyWeather());
    expect(await extract(opened)).toMatchObject({ kind: "full", pages: 9, rows: 500 });
    expect(await fileRows(opened)).toEqual(gatewayRows());

    for (let i = 0; i < 70; i++) gateway.change("U", { ...rowOf(i), Quantity: `${100 + i}.250` });
    for (let i = 490; i < 500; i++) gateway.change("D", rowOf(i));
    for (let i = 500; i < 620; i++) gateway.change("C", rowOf(i));
    // Deleted and made again within one delta; changed twice.
    gateway.change("C", { ...rowOf(495), Quantity: "1.000-" });
    gateway.change("U", { ...rowOf(3), Quantity: "7.000" });
    expect(await extract(opened)).toMatchObject({ kind: "delta", pages: 4, deleted: 10 });
    const rows = await fileRows(opened);
    expect(rows.get("P45|1000|2026-01-10")).toBe("-1.000");
    expect(new Map([...rows].filter(([key]) => key !== "P45|1000|2026-01-10"))).toEqual(
      new Map([...gatewayRows()].filter(([key]) => key !== "P45|1000|2026-01-10")),
    );

    const before = await opened.objects.versions("forecast/train/retail.csv");
    expect(await extract(opened)).toMatchObject({ kind: "delta", set: 0, deleted: 0 });
    expect(await opened.objects.versions("forecast/train/retail.csv")).toHaveLength(before.length);
    expect(await opened.objects.list("forecast/sap/demand/pages/")).toEqual([]);
  });

  test("whose delta has expired is loaded whole again, and says so", async () => {
    const opened = await open({}, sourceSettings);
    await putBasic(opened);
    await extract(opened);
    gateway.change("D", rowOf(0));
    gateway.change("U", { ...rowOf(1), Quantity: "9.000" });
    gateway.forgetDeltas();
    expect(await extract(opened)).toMatchObject({ kind: "full", rows: 499 });
    expect(await fileRows(opened)).toEqual(gatewayRows());
    expect((await opened.notices.list()).map((notice) => notice.title)).toContain("SAP no longer knows the delta of demand");
    gateway.change("U", { ...rowOf(2), Quantity: "8.000" });
    expect(await extract(opened)).toMatchObject({ kind: "delta", set: 1 });
    expect(await fileRows(opened)).toEqual(gatewayRows());
  });

  test("that hides its token in the feed is followed by DeltaLinksOf", async () => {
    const opened = await open({ hideDelta: true }, sourceSettings);
    await putBasic(opened);
    await extract(opened);
    gateway.change("U", { ...rowOf(2), Quantity: "8.000" });
    expect(await extract(opened)).toMatchObject({ kind: "delta", set: 1 });
    expect(await fileRows(opened)).toEqual(gatewayRows());
  });

  test("goes on when its access token expires in the middle of a chain", async () => {
    const opened = await open({ tokenUses: 4 }, sourceSettings);
    const oauth = { kind: "oauth2", tokenUrl: gateway.tokenUrl, clientId: "stock", clientSecret: "room" };
    await opened.objects.put(operator, "secrets/sap.json", textBytes(JSON.stringify(oauth)));
    expect(await extract(opened)).toMatchObject({ rows: 500 });
    expect(await fileRows(opened)).toEqual(gatewayRows());
  });

  test("with wrong credentials, fields or none at all is refused in words, without the secret", async () => {
    const opened = await open({ password: "another" }, (from) => sourceSettings(from).replace("demand: Quantity", "demand: Menge"));
    await expect(extract(opened)).rejects.toThrow(/secrets\/sap.json/);
    await putBasic(opened);
    const refused = await extract(opened).catch((error: unknown) => String(error));
    expect(refused).toContain("SAP_DENIED");
    expect(refused).not.toContain("room");
    await opened.objects.put(
      operator,
      "secrets/sap.json",
      textBytes(JSON.stringify({ kind: "basic", user: "stock", password: "another" })),
    );
    await expect(extract(opened)).rejects.toThrow(/Menge.*ProductNumber/);
    await expect(opened.objects.read(operator, "secrets/sap.json")).rejects.toThrow(/operator/);
  });
});

const targetSettings = (kind: string, more: string): string => `forecast:
  sap:
    targets:
      - name: car
        kind: ${kind}
        batchRows: 40
        pauseMs: 1
        timeoutMs: 400
        tries: 8
        fields:
          PRODUCT: { from: item_id }
          DAY: { from: timestamp, as: ${kind === "odata" ? "date" : "dats"} }
          QUANTITY: { from: p50, as: decimal }
          UNIT: { value: EA }
${more}`;

const exportKey = "forecast/exports/retail/r1/forecast.csv";

async function putExport(into: App, rows: number): Promise<{ key: string; version: string }> {
  const lines = Array.from({ length: rows }, (_, index) => `P${index},2026-12-01,${index}.123456,${index + 1}`);
  const entry = await into.objects.put(
    { role: "forecast", purpose: "test" },
    exportKey,
    textBytes(["item_id,timestamp,p50,p90", ...lines, ""].join("\n")),
  );
  return { key: entry.key, version: entry.version };
}

async function deliver(
  into: App,
  source: { key: string; version: string },
  id = `deliver-${(serial += 1)}`,
): Promise<Record<string, unknown>> {
  const run = await into.workflows.start("forecast.sap.deliver", { kind: "new", target: "car", group: "retail", export: source }, { id });
  const outcome = await into.workflows.outcome<Record<string, unknown>>(run, { timeoutMs: 120_000 });
  if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

describe("an import over OData", () => {
  const settings = (from: Gateway): string =>
    targetSettings("odata", `        url: ${from.url}\n        set: FactsOfDemand\n        credentials: secrets/sap.json\n`);

  test("takes every row once, whatever is cut off after it was carried out", async () => {
    const opened = await open({ count: 0 }, settings);
    await putBasic(opened);
    const faults: readonly (Fault | undefined)[] = ["cut-after", "csrf", 429, "cut-after", 500, "slow", undefined, 503, 401];
    gateway.setFault((n, { method }) => (method === "POST" ? faults[n % faults.length] : undefined));
    const source = await putExport(opened, 330);
    expect(await deliver(opened, source)).toMatchObject({ rows: 330, taken: 330, refused: 0 });
    expect(gateway.taken.map((row) => row["PRODUCT"])).toEqual(Array.from({ length: 330 }, (_, index) => `P${index}`));
    expect(gateway.taken[5]).toEqual({ PRODUCT: "P5", DAY: `/Date(${Date.UTC(2026, 11, 1)})/`, QUANTITY: "5.123", UNIT: "EA" });
    expect(gateway.counts.repeats).toBeGreaterThan(0);
    // The same export again is the same import.
    await deliver(opened, source);
    expect(gateway.taken).toHaveLength(330);
  });

  test("keeps what was refused with the ERP's words, and a resumed import sends that and no more", async () => {
    const opened = await open({ count: 0, refuse: (row) => (row["PRODUCT"] === "P77" ? "Product P77 is locked" : undefined) }, settings);
    await putBasic(opened);
    const first = await deliver(opened, await putExport(opened, 100));
    expect(first).toMatchObject({ rows: 100, taken: 99, refused: 1 });
    const notice = (await opened.notices.list()).find((one) => one.id.startsWith("forecast.import/"));
    expect(notice?.body).toContain("ZFC/012 Product P77 is locked");
    gateway.setRefuse(undefined);
    const run = await opened.workflows.start(
      "forecast.sap.deliver",
      { kind: "resume", import: String(first["import"]), requestedAt: "later" },
      { id: "resume" },
    );
    expect(await opened.workflows.outcome(run)).toMatchObject({ kind: "done", value: { taken: 100, refused: 0 } });
    expect(gateway.taken).toHaveLength(100);
    expect(gateway.taken.at(-1)).toMatchObject({ PRODUCT: "P77" });
    expect(await listImports(opened.database)).toMatchObject([{ state: "done", sent: 100, failed: 0 }]);
  });

  test("with a field the export lacks sends nothing and names it", async () => {
    const opened = await open({ count: 0 }, (from) => settings(from).replace("from: p50", "from: p75"));
    await putBasic(opened);
    await expect(deliver(opened, await putExport(opened, 3))).rejects.toThrow(/QUANTITY \(from p75\).*item_id, timestamp, p50, p90/);
    expect(gateway.counts.requests).toBe(0);
  });
});

describe("an import over SOAP", () => {
  const settings = (from: Gateway, more = ""): string =>
    targetSettings(
      "soap",
      `        url: ${from.soapUrl}\n        function: Z_FORECAST_IMPORT\n        credentials: secrets/sap.json\n${more}`,
    );

  test("calls the function module once a batch and reads its BAPIRET2", async () => {
    const opened = await open({ count: 0, refuse: (row) => (row["PRODUCT"] === "P3" ? 'no such product & no "P3"' : undefined) }, settings);
    await putBasic(opened);
    // Once it has given the request id back it is known to know repeats.
    gateway.setFault((n) => (n % 2 === 0 ? "cut-after" : undefined));
    const result = await deliver(opened, await putExport(opened, 90));
    expect(result).toMatchObject({ rows: 90, taken: 89, refused: 1 });
    expect(gateway.taken[0]).toMatchObject({ PRODUCT: "P0", DAY: "20261201", QUANTITY: "0.123" });
    expect(gateway.counts.carriedOut).toBe(3);
  });

  test("of a receiver that knows no repeats stops rather than sending a batch twice", async () => {
    const opened = await open({ count: 0 }, (from) => settings(from, "        repeatable: false\n"));
    await putBasic(opened);
    let cuts = 0;
    gateway.setFault((n) => (n === 2 && (cuts += 1) === 1 ? "cut-after" : undefined));
    const source = await putExport(opened, 90);
    const stopped = await deliver(opened, source, "once").catch((error: unknown) => String(error));
    expect(stopped).toMatch(/SAP_UNSURE.*rows 41 to 80/);
    expect(gateway.taken).toHaveLength(80);
    const [state] = await listImports(opened.database);
    await settleBatch(opened.forecast.deps, state?.id ?? "", 2, "taken", "test");
    const [letter] = await opened.workflows.deadLetters({ state: "waiting" });
    await opened.workflows.redrive(letter?.id ?? "");
    expect(await opened.workflows.outcome("once")).toMatchObject({ kind: "done", value: { taken: 90 } });
    expect(gateway.taken).toHaveLength(90);
  });

  test("to a function module that is not there says so, and does not try for ever", async () => {
    const opened = await open({ count: 0 }, (from) => settings(from).replace("Z_FORECAST_IMPORT", "Z_OTHER"));
    await putBasic(opened);
    await expect(deliver(opened, await putExport(opened, 3))).rejects.toThrow(/Function module not found/);
    expect(gateway.counts.requests).toBe(1);
  });
});

describe("an import into files", () => {
  test("writes one whole file a batch, and the same one again", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "stockroom-drop-"));
    const opened = await open({ count: 0 }, () => targetSettings("file", `        folder: ${folder}\n`));
    const source = await putExport(opened, 90);
    expect(await deliver(opened, source)).toMatchObject({ taken: 90 });
    const names = (await readdir(folder)).toSorted();
    expect(names).toHaveLength(3);
    const rows = (await Promise.all(names.map(async (name) => await readFile(path.join(folder, name), "utf8")))).flatMap((text) =>
      text.trim().split("\n").slice(1),
    );
    expect(new Set(rows.map((row) => row.split(",")[0])).size).toBe(90);
    await rm(folder, { recursive: true });
  });
});
