// One process of a small fleet, for the crash tests to kill: node workflow-house.ts URL EXECUTOR [TASK...]
//
// Tasks: start WORKFLOW ID JSON, redrive LETTER, relay, tick. It works until its standard input ends.

import process from "node:process";
import { makeLog } from "../../src/base/log.ts";
import { openRecords } from "../../src/base/records/open.ts";
import { openEvents } from "../../src/base/events/events.ts";
import { workflowMigrations } from "../../src/base/workflow/index.ts";
import { makePrograms, openHouse } from "./workflow-programs.ts";
import { everySecond, subscriptionTo } from "./workflow-subjects.ts";

const [url = "", executorId = "", task, ...words] = process.argv.slice(2);
const log = makeLog({ level: "warn" });
const records = await openRecords({ url, home: "", log, migrations: workflowMigrations });
const workflows = await openHouse(records, executorId, log, task === "tick" ? { schedules: [everySecond] } : {});
const events =
  task === "relay"
    ? await openEvents({ records, workflows, subscriptions: [subscriptionTo(makePrograms(records, executorId))], log })
    : undefined;

if (task === "start") {
  const [workflow = "", id = "", input = "null"] = words;
  await workflows.start(workflow, JSON.parse(input), { id });
}
if (task === "redrive") await workflows.redrive(words[0] ?? "");

process.stdout.write("ready\n");
for await (const _ of process.stdin) {
  // Wait for the end.
}
await events?.close();
await workflows.close();
await records.close();
