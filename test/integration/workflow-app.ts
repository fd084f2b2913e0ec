// One process of a small fleet, for the crash tests to kill: node workflow-app.ts URL EXECUTOR [TASK...]
//
// Tasks: start WORKFLOW ID JSON, redrive LETTER, relay, tick. It works until its standard input ends.

import process from "node:process";
import { makeLog } from "../../src/platform/log.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { openEvents } from "../../src/platform/events/events.ts";
import { workflowMigrations } from "../../src/platform/workflow/index.ts";
import { makePrograms, openApp } from "./workflow-programs.ts";
import { everySecond, subscriptionTo } from "./workflow-subjects.ts";

const [url = "", executorId = "", task, ...words] = process.argv.slice(2);
const log = makeLog({ level: "warn" });
const database = await openDatabase({ url, home: "", log, migrations: workflowMigrations });
const workflows = await openApp(database, executorId, log, task === "tick" ? { schedules: [everySecond] } : {});
const events =
  task === "relay"
    ? await openEvents({ database, workflows, subscriptions: [subscriptionTo(makePrograms(database, executorId))], log })
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
await database.close();
