// One process of the SAP crash test: opens the app of a place, fetches, delivers, prints what came of it.

import process from "node:process";
import { listImports } from "../../src/forecast/store/sap.ts";
import { openApp } from "../../src/app.ts";

const app = await openApp({ cwd: process.cwd(), env: process.env, work: true });
const actor = { role: "operator", purpose: "crash test" };
const credentials = { kind: "basic", user: "stock", password: "room" };
await app.objects.put(actor, "secrets/sap.json", Buffer.from(JSON.stringify(credentials)));
const extracted = await app.workflows.start("forecast.sap.extract", { source: "demand", requestedAt: "1" }, { id: "extract" });
const first = await app.workflows.outcome(extracted);
const again = await app.workflows.start("forecast.sap.extract", { source: "demand", requestedAt: "2" }, { id: "extract-again" });
const second = await app.workflows.outcome(again);
const rows = Array.from({ length: 200 }, (_, index) => `P${index},2026-12-01,${index}`);
const entry = await app.objects.put(
  { role: "forecast", purpose: "crash test" },
  "forecast/exports/retail/r1/forecast.csv",
  Buffer.from(["item_id,timestamp,p50", ...rows, ""].join("\n")),
);
const delivered = await app.workflows.start(
  "forecast.sap.deliver",
  { kind: "new", target: "car", group: "retail", export: { key: entry.key, version: entry.version } },
  { id: "deliver" },
);
const third = await app.workflows.outcome(delivered);
while (!(await app.workflows.idle())) await new Promise((resolve) => setTimeout(resolve, 50));
const file = await app.objects.head("forecast/train/retail.csv");
const aftermath = {
  outcomes: [first.kind, second.kind, third.kind],
  sha256: file?.sha256,
  versions: (await app.objects.versions("forecast/train/retail.csv")).length,
  pages: (await app.objects.list("forecast/sap/demand/pages/")).length,
  imports: (await listImports(app.database)).map(({ state, rows: all, sent, failed }) => ({ state, all, sent, failed })),
  // How many uploads of a burst are forecast depends on when they come; here they all give up, for want of settings.
  notices: (await app.notices.list({ limit: 1_000 }))
    .map((notice) => notice.title)
    .filter((title) => !title.startsWith("Given up: forecast "))
    .toSorted(),
};
process.stdout.write(`${JSON.stringify(aftermath)}\n`);
await app.close();
