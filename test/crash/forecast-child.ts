// One process of the pipeline's crash test: opens the app of a place, puts a group's files, works until nothing is left, prints what came of it.

import process from "node:process";
import { listRuns } from "../../src/forecast/store/runs.ts";
import { openApp } from "../../src/app.ts";
import { shopDefaults, shopMetadata, shopTarget } from "../kit/forecast-shop.ts";

const app = await openApp({ cwd: process.cwd(), env: process.env, work: true });
const actor = { role: "operator", purpose: "crash test" };
await app.objects.put(actor, "forecast-defaults.yaml", Buffer.from(shopDefaults()));
await app.objects.put(actor, "forecast/train/shop.metadata.csv", Buffer.from(shopMetadata()));
await app.objects.put(actor, "forecast/train/shop.csv", Buffer.from(shopTarget()));
while (!(await app.workflows.idle())) await new Promise((resolve) => setTimeout(resolve, 50));
const runs = await listRuns(app.database);
const done = runs.filter((run) => run.state === "done");
const exported = [];
for (const run of done) {
  for (const [name, ref] of Object.entries(run.exports)) {
    const versions = await app.objects.versions(ref.key);
    // The report names the run, whose name holds the time of its start.
    exported.push(`${name} ${name.startsWith("dashboard") ? "" : versions[0]?.sha256} ${versions.length}`);
  }
}
const aftermath = {
  done: done.map((run) => [run.group, run.content]),
  unfinished: (await app.workflows.list({ limit: 1_000 })).filter((run) => run.state !== "done").map((run) => `${run.title} ${run.state}`),
  exported: exported.toSorted(),
  notices: (await app.notices.list({ limit: 1_000 })).map((notice) => notice.title).toSorted(),
  events: (await app.events.list({ limit: 1_000 }))
    .filter((event) => event.kind.startsWith("forecast."))
    .map((event) => event.kind)
    .toSorted(),
};
process.stdout.write(`${JSON.stringify(aftermath)}\n`);
await app.close();
