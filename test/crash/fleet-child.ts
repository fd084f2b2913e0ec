// One process of a fleet whose members differ: node fleet-child.ts URL EXECUTOR RELEASE
//
// RELEASE `old` knows the common subscriber only, `new` also the one that came with it. Without channels of its own, like a worker that
// was started without the settings of the front end. It works until its standard input ends.

import process from "node:process";
import { openEvents } from "../../src/base/events/events.ts";
import { makeLog } from "../../src/base/log.ts";
import { makeNotify } from "../../src/base/notify/notify.ts";
import { openRecords } from "../../src/base/records/open.ts";
import { openWorkflows } from "../../src/base/workflow/index.ts";
import { fleetMigrations, releaseOf } from "./fleet-release.ts";

const [url = "", executorId = "", release = "old"] = process.argv.slice(2);
const log = makeLog({ level: "error" });
const records = await openRecords({ url, home: "", log, migrations: fleetMigrations });
const notices = makeNotify({ records, channels: {}, topics: { "*": ["log"] }, log });
const parts = releaseOf(release === "new", records, executorId);
const workflows = await openWorkflows({
  records,
  executorId,
  queues: [...parts.queues, notices.queue],
  workflows: [...parts.workflows, ...notices.workflows],
  log,
  // The haste of a test, unless a bench asks for what the product does by itself.
  ...(process.env["FLEET_DEFAULTS"] === undefined ? { livenessMs: 200, misses: 2, silenceMs: 2_000 } : {}),
  pollMs: 20,
});
await notices.publishTopics();
const events = await openEvents({
  records,
  workflows,
  subscriptions: [...parts.subscriptions, ...notices.subscriptions],
  log,
  pollMs: 20,
});
process.stdout.write("ready\n");
for await (const _ of process.stdin) {
  // Wait for the end.
}
await events.close();
await workflows.close();
await records.close();
