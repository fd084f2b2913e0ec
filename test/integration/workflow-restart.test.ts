// The database dies under a running app: work goes on afterwards (promise 1).

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { makeMemoryLog } from "../../src/platform/log.ts";
import { openDatabase } from "../../src/platform/database/open.ts";
import { appendEvent } from "../../src/platform/database/outbox.ts";
import { openEvents } from "../../src/platform/events/events.ts";
import { workflowMigrations } from "../../src/platform/workflow/index.ts";
import { makePrograms, marksTable, openApp } from "./workflow-programs.ts";
import { subscriptionTo } from "./workflow-subjects.ts";

test("after kill -9 of the database server every run goes on and ends", async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), "stockroom-restart-"));
  const log = makeMemoryLog();
  const database = await openDatabase({ home, log, migrations: workflowMigrations });
  try {
    await database.query(marksTable);
    const workflows = await openApp(database, "one", log);
    const subscriptions = [subscriptionTo(makePrograms(database, "one"))];
    const events = await openEvents({ database, workflows, subscriptions, log, pollMs: 200 });
    const ids = Array.from({ length: 12 }, (_, index) => `run-${index}`);
    for (const id of ids) await workflows.start("app.line", { steps: 12 }, { id });
    await database.transaction((tx) => appendEvent(tx, { kind: "app.asked", subject: "before", data: {}, dedupe: "before" }));
    const marks = async (): Promise<number> => (await database.query(`select 1 as one from mark`)).length;
    await expect.poll(marks, { timeout: 20_000, interval: 5 }).toBeGreaterThan(10);

    const about = database.about();
    if (about.kind !== "embedded" || about.pid === undefined) throw new Error("expected the embedded server");
    process.kill(about.pid, "SIGKILL");

    for (const id of ids) expect(await workflows.outcome(id)).toEqual({ kind: "done", value: 78 });
    await expect.poll(async () => workflows.idle().catch(() => false), { timeout: 20_000 }).toBe(true);
    expect(await workflows.outcome("event/before/line")).toEqual({ kind: "done", value: 6 });
    const doubled = await database.query(`select 1 as one from mark group by run, step having count(*) > 2`);
    expect(doubled).toEqual([]);
    // The process lived, so nothing counts as a crash or a failed try.
    for (const id of ids) expect(await workflows.show(id)).toMatchObject({ crashes: 0, tries: 1 });
    expect(workflows.taking).toBe(true);
    // New work is taken up as before.
    await workflows.start("app.line", { steps: 1 }, { id: "after" });
    expect(await workflows.outcome("after")).toEqual({ kind: "done", value: 1 });
    await events.close();
    await workflows.close();
  } finally {
    await database.close();
    await rm(home, { recursive: true, force: true });
  }
});
