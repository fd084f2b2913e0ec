// 1,000 runs of four steps on two processes, each process killed again and again, at every named point of the engine in turn.
//
//     node bench/workflow.ts [--runs 1000] [--takeovers 3]
//
// Each step leaves a mark in a table; what is counted at the end are the marks. A step whose process dies between the mark and the record of its
// result is done again (at least once): it is counted as such, and everything else must be there exactly once. Files and rows of the modules are
// written so that such a repeat does not show (test/crash).

import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeLog } from "../src/platform/log.ts";
import { makeRandom } from "../src/platform/random.ts";
import { openDatabase } from "../src/platform/database/open.ts";
import { workflowMigrations } from "../src/platform/workflow/index.ts";
import { testDatabase } from "../test/kit/database.ts";
import { disband, join, type Member } from "../test/integration/workflow-fleet.ts";
import { marksTable, openApp } from "../test/integration/workflow-programs.ts";
import { measure, writeResult } from "./machine.ts";
import { measureTakeover } from "./takeover.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "1000" }, takeovers: { type: "string", default: "3" } } });
const wanted = Number(values.runs);
const steps = 4;
/** Points inside the engine at which a process kills itself; `""`: killed from outside at any moment. */
const faults = [
  "workflow.run.begun",
  "workflow.step.before",
  "workflow.step.done",
  "workflow.step.recorded",
  "workflow.run.done",
  "workflow.run.recorded",
  "",
];

const postgres = await testDatabase();
const log = makeLog({ level: "error" });
const database = await openDatabase({ url: postgres.url, home: "", log, migrations: workflowMigrations });
await database.query(marksTable);
const app = await openApp(database, "bench", log, { work: false });
const random = makeRandom(1);
let deaths = 0;
const byPoint = new Map<string, number>();

async function serve(executor: string, closing: () => boolean): Promise<void> {
  for (let life = 0; !closing(); life++) {
    const fault = faults[(life + (executor === "b" ? 3 : 0)) % faults.length];
    const member: Member = join(postgres.url, executor, [], fault === "" ? undefined : `${fault}#${5 + random.below(40)}`);
    const ended = member.end.catch(() => undefined);
    await Promise.race([member.ready.catch(() => undefined), ended]);
    // One that is not to kill itself, or never came to its point, is killed from outside.
    await Promise.race([ended, pause(1500 + random.below(1500)), untilClosing(closing)]);
    if (closing()) {
      member.leave();
      await Promise.race([ended, pause(5000)]);
      member.kill();
      return;
    }
    const own = member.isDead();
    member.kill();
    await ended;
    deaths += 1;
    const point = own && fault !== "" ? fault : "from outside";
    byPoint.set(point, (byPoint.get(point) ?? 0) + 1);
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function untilClosing(closing: () => boolean): Promise<void> {
  while (!closing()) await pause(50);
}

try {
  const cost = await measure(async () => {
    for (let run = 0; run < wanted; run++) await app.start("app.line", { steps }, { id: `run-${run}` });
    let over = false;
    const servers = [serve("a", () => over), serve("b", () => over)];
    for (;;) {
      const [left] = await database.query<{ left: number }>(
        "select count(*)::int as left from stockroom.run where state not in ('done', 'dead', 'failed', 'cancelled')",
      );
      if (left.left === 0) break;
      await pause(200);
    }
    over = true;
    await Promise.all(servers);
  });
  const [facts] = await database.query<{ done: number; dead: number; again: number; worst: number }>(
    `select (count(*) filter (where state = 'done'))::int as done, (count(*) filter (where state <> 'done'))::int as dead,
            (count(*) filter (where crashes > 0))::int as again, max(crashes)::int as worst from stockroom.run`,
  );
  const [marks] = await database.query<{ runs: number; missing: number; twice: number; results: number }>(
    `select (select count(distinct run)::int from mark) as runs,
            (select count(*)::int from stockroom.run r, generate_series(1, ${steps}) n where r.state = 'done' and not exists (select 1 from mark m where m.run = r.id and m.step = 's' || n)) as missing,
            (select count(*)::int from (select 1 from mark group by run, step having count(*) > 1) x) as twice,
            (select count(*)::int from stockroom.run where output::text = '10') as results`,
  );
  const rows = [
    ["runs accepted", wanted],
    ["runs done with the right result", marks.results],
    ["runs in the dead letters (their process died under them three times running)", facts.dead],
    ["steps missing in runs that are done", marks.missing],
    ["steps begun again because the process died before their result was on disk", marks.twice],
    ["processes killed", deaths],
    ["runs that lost a process under them", facts.again],
    ["wall s", cost.wallSeconds.toFixed(1)],
  ] as const;
  for (const [name, value] of rows) console.log(`${name}: ${value}`);
  // One engine a process.
  await app.close();
  const takeovers = await measureTakeover(Number(values.takeovers));
  for (const { loss, seconds } of takeovers) console.log(`takeover, ${loss}: ${seconds.map((one) => one.toFixed(1)).join(", ")} s`);
  const lost = wanted - facts.done - facts.dead;
  console.log(`runs lost: ${lost}`);
  const file = writeResult("workflow", {
    title: "1,000 runs while their processes are killed",
    about: `${wanted} runs of ${steps} steps on two processes and one database. Each process kills itself (SIGKILL) at one of the engine's named points, the next life at the next point, or is killed from outside after a few seconds.`,
    command: "node bench/workflow.ts",
    tables: [
      { caption: "What came of it", columns: ["what", "figure"], rows: [...rows, ["runs lost", lost]] },
      {
        caption: "Takeover: from the loss of a process to the moment another has its run, seconds (default settings; asked: at most 30)",
        columns: ["process", "median", "longest", "times"],
        rows: takeovers.map(({ loss, seconds }) => [loss, median(seconds).toFixed(1), Math.max(...seconds).toFixed(1), seconds.length]),
      },
      { caption: "Deaths by point", columns: ["point", "deaths"], rows: [...byPoint].toSorted(([a], [b]) => (a < b ? -1 : 1)) },
    ],
    notMeasured: [
      "Power loss; machines of their own: all processes and the database share one.",
      "Effects outside the database: see test/crash for files, rows and notices of the classification flow.",
    ],
  });
  console.log(file);
  if (lost !== 0 || marks.missing !== 0) process.exitCode = 1;
} finally {
  await disband();
  await app.close();
  await database.close();
  await postgres.drop();
}
