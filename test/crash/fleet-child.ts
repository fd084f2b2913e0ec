// One process of a fleet whose members differ: node fleet-child.ts URL EXECUTOR RELEASE
//
// RELEASE `old` knows the common subscriber only, `new` also the one that came with it. Without channels of its own, like a worker that
// was started without the settings of the front end. It works until its standard input ends.

import process from "node:process";
import { openEvents } from "../../src/platform/events/events.ts";
import { makeLog } from "../../src/platform/log.ts";
import { makeNotify } from "../../src/platform/notify/notify.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { openWorkflows } from "../../src/platform/workflow/index.ts";
import { fleetMigrations, releaseOf } from "./fleet-release.ts";

const [url = "", executorId = "", release = "old"] = process.argv.slice(2);
const log = makeLog({ level: "error" });
const database = await openDatabase({ url, home: "", log, migrations: fleetMigrations });
const notices = makeNotify({ database, channels: {}, topics: { "*": ["log"] }, log });
const parts = releaseOf(release === "new", database, executorId);
const workflows = await openWorkflows({
  database,
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
  database,
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
await database.close();
