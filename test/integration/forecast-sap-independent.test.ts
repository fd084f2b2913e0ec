// The same client against an OData V2 server that is not ours: SAP's own mock server for Fiori elements. It knows no deltas and no pages of its
// own, so this is the plain part: reading, string decimals, dates, CSRF, $batch.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { App } from "../../src/app.ts";
import { makePlace, openAt, operator, textBytes, type TestPlace } from "../kit/app.ts";

/** What is used of the package; its own types describe a CommonJS default that Node's module system sees differently. */
interface MockServer {
  readonly isReady: Promise<void>;
  getRouter(): (request: IncomingMessage, response: ServerResponse, next: () => void) => unknown;
  dispose(): Promise<void>;
}

const require = createRequire(import.meta.url);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
const { default: FEMockserver } = require("@sap-ux/fe-mockserver-core") as { readonly default: new (configuration: unknown) => MockServer };

const metadata = `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
  <edmx:DataServices m:DataServiceVersion="2.0">
    <Schema Namespace="ZDEMAND" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
      <EntityType Name="Fact">
        <Key><PropertyRef Name="ProductNumber"/><PropertyRef Name="Day"/></Key>
        <Property Name="ProductNumber" Type="Edm.String" Nullable="false" MaxLength="18"/>
        <Property Name="Day" Type="Edm.DateTime" Nullable="false"/>
        <Property Name="Quantity" Type="Edm.Decimal" Precision="13" Scale="3"/>
      </EntityType>
      <EntityContainer Name="ZDEMAND_Entities" m:IsDefaultEntityContainer="true">
        <EntitySet Name="FactsOfDemand" EntityType="ZDEMAND.Fact"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
`;

const service = "/sap/opu/odata/sap/ZDEMAND_SRV";
const facts = Array.from({ length: 120 }, (_, i) => ({
  ProductNumber: `P${i % 10}`,
  Day: `/Date(${Date.UTC(2026, 0, 1 + Math.floor(i / 10))})/`,
  Quantity: `${i}.500`,
}));

let folder: string;
let server: Server;
let url: string;
let mock: MockServer;
let place: TestPlace;
let app: App;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stockroom-fe-"));
  await mkdir(path.join(folder, "data"));
  await writeFile(path.join(folder, "metadata.xml"), metadata);
  await writeFile(path.join(folder, "data", "FactsOfDemand.json"), JSON.stringify(facts));
  mock = new FEMockserver({
    services: [{ urlPath: service, metadataPath: path.join(folder, "metadata.xml"), mockdataPath: path.join(folder, "data") }],
    annotations: [],
    plugins: [],
  });
  await mock.isReady;
  const router = mock.getRouter();
  server = createServer((request, response) => {
    void router(request, response, () => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server's address is one
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${service}`;
  place = await makePlace();
  await writeFile(
    path.join(place.home, "stockroom.yaml"),
    `forecast:
  sap:
    sources:
      - { name: demand, url: "${url}", set: FactsOfDemand, keys: [ProductNumber, Day], group: shop, pauseMs: 1, columns: { item_id: ProductNumber, timestamp: Day, demand: Quantity } }
    targets:
      - { name: car, kind: odata, url: "${url}", set: FactsOfDemand, batchRows: 7, pauseMs: 1, fields: { ProductNumber: { from: item_id }, Day: { from: timestamp, as: date }, Quantity: { from: p50, as: decimal } } }
`,
  );
  app = await openAt(place, { work: true, quiet: true });
}, 120_000);

afterAll(async () => {
  await app.close();
  await place.remove();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await mock.dispose();
  await rm(folder, { recursive: true });
});

test("an entity set is read into the group's file", async () => {
  const run = await app.workflows.start("forecast.sap.extract", { source: "demand", requestedAt: "1" }, { id: "extract" });
  expect(await app.workflows.outcome(run)).toMatchObject({ kind: "done", value: { kind: "full", rows: 120 } });
  const text = Buffer.from(await app.objects.read(operator, "forecast/train/shop.csv")).toString("utf8");
  const lines = text.trim().split("\n");
  expect(lines).toHaveLength(121);
  expect(new Set(lines.slice(1).map((line) => line.trim()))).toEqual(
    new Set(
      facts.map(
        (fact) => `${fact.ProductNumber},${new Date(Number(/\d+/.exec(fact.Day)?.[0])).toISOString().slice(0, 10)},${fact.Quantity}`,
      ),
    ),
  );
});

test("a forecast is posted in batches and can be read back", async () => {
  const rows = Array.from({ length: 20 }, (_, i) => `N${i},2026-12-01,${i}.25`);
  const entry = await app.objects.put(
    { role: "forecast", purpose: "test" },
    "forecast/exports/shop/r1/forecast.csv",
    textBytes(["item_id,timestamp,p50", ...rows, ""].join("\n")),
  );
  const run = await app.workflows.start(
    "forecast.sap.deliver",
    { kind: "new", target: "car", group: "shop", export: { key: entry.key, version: entry.version } },
    { id: "deliver" },
  );
  expect(await app.workflows.outcome(run)).toMatchObject({ kind: "done", value: { rows: 20, taken: 20, refused: 0 } });
  const answer = await fetch(`${url}/FactsOfDemand?$format=json&$filter=startswith(ProductNumber,'N')`);
  const body: unknown = await answer.json();
  expect(body).toMatchObject({
    d: { results: expect.arrayContaining([expect.objectContaining({ ProductNumber: "N7", Quantity: "7.250" })]) },
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its shape was just looked at
  expect((body as { d: { results: unknown[] } }).d.results).toHaveLength(20);
});
