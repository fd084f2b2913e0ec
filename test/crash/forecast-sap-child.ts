// One process of the SAP crash test: opens the house of a place, fetches, delivers, prints what came of it.

import process from "node:process";
import { listImports } from "../../src/forecast/store/sap.ts";
import { openHouse } from "../../src/house.ts";

const house = await openHouse({ cwd: process.cwd(), env: process.env, work: true });
const actor = { role: "operator", purpose: "crash test" };
const credentials = { kind: "basic", user: "stock", password: "room" };
await house.objects.put(actor, "secrets/sap.json", Buffer.from(JSON.stringify(credentials)));
const extracted = await house.workflows.start("forecast.sap.extract", { source: "demand", requestedAt: "1" }, { id: "extract" });
const first = await house.workflows.outcome(extracted);
const again = await house.workflows.start("forecast.sap.extract", { source: "demand", requestedAt: "2" }, { id: "extract-again" });
const second = await house.workflows.outcome(again);
const rows = Array.from({ length: 200 }, (_, index) => `P${index},2026-12-01,${index}`);
const entry = await house.objects.put(
  { role: "forecast", purpose: "crash test" },
  "forecast/exports/retail/r1/forecast.csv",
  Buffer.from(["item_id,timestamp,p50", ...rows, ""].join("\n")),
);
const delivered = await house.workflows.start(
  "forecast.sap.deliver",
  { kind: "new", target: "car", group: "retail", export: { key: entry.key, version: entry.version } },
  { id: "deliver" },
);
const third = await house.workflows.outcome(delivered);
while (!(await house.workflows.idle())) await new Promise((resolve) => setTimeout(resolve, 50));
const file = await house.objects.head("forecast/train/retail.csv");
const aftermath = {
  outcomes: [first.kind, second.kind, third.kind],
  sha256: file?.sha256,
  versions: (await house.objects.versions("forecast/train/retail.csv")).length,
  pages: (await house.objects.list("forecast/sap/demand/pages/")).length,
  imports: (await listImports(house.records)).map(({ state, rows: all, sent, failed }) => ({ state, all, sent, failed })),
  // How many uploads of a burst are forecast depends on when they come; here they all give up, for want of settings.
  notices: (await house.notices.list({ limit: 1_000 }))
    .map((notice) => notice.title)
    .filter((title) => !title.startsWith("Given up: forecast "))
    .toSorted(),
};
process.stdout.write(`${JSON.stringify(aftermath)}\n`);
await house.close();
