// One process of the planners' crash test: a group is forecast, adjusted and asked; then what was forecast comes. Started again it goes on.

import process from "node:process";
import { sayAdjustment } from "../../src/forecast/workflows/planning/adjustments.ts";
import { askReplenish } from "../../src/forecast/workflows/planning/replenish.ts";
import { listAdjustments } from "../../src/forecast/store/adjustments.ts";
import { listAnswers } from "../../src/forecast/store/answers.ts";
import { listRuns } from "../../src/forecast/store/runs.ts";
import { openApp } from "../../src/app.ts";
import { shopDefaults, shopMetadata, shopTarget } from "../kit/forecast-shop.ts";

const app = await openApp({ cwd: process.cwd(), env: process.env, work: true });
const { deps } = app.forecast;
const actor = { role: "operator", purpose: "crash test" };
const target = "forecast/train/shop.csv";
const settled = async (): Promise<void> => {
  while (!(await app.workflows.idle())) await new Promise((resolve) => setTimeout(resolve, 50));
};
await settled();
if ((await app.objects.head(target)) === undefined) {
  await app.objects.put(actor, "forecast-defaults.yaml", Buffer.from(shopDefaults()));
  await app.objects.put(actor, "forecast/train/shop.metadata.csv", Buffer.from(shopMetadata()));
  await app.objects.put(actor, "forecast/stock/shop.csv", Buffer.from("item_id,store,on_hand\nitem_0,store_0,3\n"));
  await app.objects.put(actor, target, Buffer.from(shopTarget()));
}
await settled();
if ((await listAdjustments(app.database)).length === 0) {
  const asked = { group: "shop", kind: "percent", value: 40, where: "item_id = item_1", from: "2025-01-01", to: "2025-04-30" } as const;
  await sayAdjustment(deps, app.workflows, { ...asked, author: "Ada", reason: "festival" }, { purpose: "crash test" });
}
await settled();
if ((await listAnswers(app.database, { kinds: ["replenish"] })).length === 0) {
  const question = await askReplenish(deps, "shop", { leadTime: 1, reviewPeriod: 1, service: { kind: "cycle", level: 0.9 } }, "Ada");
  await app.workflows.start("forecast.replenish", question.input, { id: question.id });
}
await settled();
if ((await app.objects.versions(target)).length === 1) await app.objects.put(actor, target, Buffer.from(shopTarget({ months: 38 })));
await settled();
const runs = await listRuns(app.database);
const kept: string[] = [];
for (const run of runs) {
  const ref = run.exports["adjusted"];
  if (ref === undefined) continue;
  const versions = await app.objects.versions(ref.key);
  kept.push(`${run.content} ${run.state} adjusted ${versions[0]?.sha256} ${versions.length}`);
}
for (const plan of await listAnswers(app.database)) {
  const hashes = await Promise.all(Object.values(plan.exports).map(async (ref) => (await app.objects.head(ref.key, ref.version))?.sha256));
  kept.push(`${plan.kind} ${hashes.join(" ")}`);
}
const aftermath = {
  kept: kept.toSorted(),
  unfinished: (await app.workflows.list({ limit: 1_000 })).filter((run) => run.state !== "done").map((run) => `${run.title} ${run.state}`),
  notices: (await app.notices.list({ limit: 1_000 })).map((notice) => notice.title).toSorted(),
  events: (await app.events.list({ limit: 1_000 }))
    .filter((event) => event.kind.startsWith("forecast."))
    .map((event) => event.kind)
    .toSorted(),
};
process.stdout.write(`${JSON.stringify(aftermath)}\n`);
await app.close();
