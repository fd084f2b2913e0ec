// How long the work of a lost process lies still: killed, frozen, or cut off from the database, with the settings of the product.
//
// Part of bench/workflow.ts.

import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { makeLog } from "../src/platform/log.ts";
import { openDatabase } from "../src/platform/database/open.ts";
import { openWorkflows } from "../src/platform/workflow/index.ts";
import { fleetMigrations, releaseOf } from "../test/crash/fleet-release.ts";
import { disband, join, type Member } from "../test/integration/workflow-fleet.ts";
import { marksTable } from "../test/integration/workflow-programs.ts";
import { openCutProxy, type CutProxy } from "../test/kit/cut-proxy.ts";
import { testDatabase } from "../test/kit/database.ts";

type Loss = (member: Member, proxy: CutProxy) => void;

const losses: Readonly<Record<string, Loss>> = {
  "killed (kill -9)": (member) => member.kill(),
  "frozen (SIGSTOP)": (member) => void process.kill(member.pid, "SIGSTOP"),
  "cut off in both directions, connections left open": (_, proxy) => proxy.cut({ closed: true }),
};

export interface Takeover {
  readonly loss: string;
  /** Seconds from the loss to the moment another process took the run up, one a repeat. */
  readonly seconds: readonly number[];
}

/** Loses a process in the middle of a run, `repeats` times each way, and waits for the other. */
export async function measureTakeover(repeats: number): Promise<Takeover[]> {
  process.env["FLEET_DEFAULTS"] = "1";
  const results: Takeover[] = [];
  for (const [loss, lose] of Object.entries(losses)) {
    const seconds: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) seconds.push(await once(lose));
    results.push({ loss, seconds });
  }
  return results;
}

async function once(lose: Loss): Promise<number> {
  const postgres = await testDatabase();
  const log = makeLog({ level: "silent" });
  const database = await openDatabase({ url: postgres.url, home: "", log, migrations: fleetMigrations });
  await database.query(marksTable);
  const url = new URL(postgres.url);
  const proxy = await openCutProxy(Number(url.port));
  const direct = url.port;
  url.port = String(proxy.port);
  const worker = join(url.href, "lost", ["new"], undefined, "../crash/fleet-child.ts");
  await worker.ready;
  const client = await openWorkflows({ database, executorId: "client", ...releaseOf(true, database, "client"), log, work: false });
  await client.start("fleet.slow", null, { id: "run" });
  while ((await database.query("select 1 as one from mark")).length === 0) await pause(20);
  url.port = direct;
  const survivor = join(url.href, "survivor", ["new"], undefined, "../crash/fleet-child.ts");
  await survivor.ready;
  const begin = performance.now();
  lose(worker, proxy);
  for (;;) {
    const [run] = await client.list({ workflow: "fleet.slow", limit: 1 });
    if (run?.executor === "survivor") break;
    if (run?.state === "done") throw new Error("the run ended before its process was lost");
    await pause(50);
  }
  const took = (performance.now() - begin) / 1_000;
  await client.close();
  await database.close();
  await disband();
  await proxy.close();
  await postgres.drop();
  return took;
}
