// kill -9 while 60 lines train and infer: two workers on one home, one of them killed again and again.
//
//     node bench/classify/crash.ts [--kills 12] [--trials 2]
//
// First an undisturbed walk of one worker. Then the same uploads with two workers; every few seconds one of them gets SIGKILL and is started
// again. At the end both places must hold the same: the models are named by their bytes, so equal names are equal models. The table says how
// many runs were begun again: only those that stood in the killed process.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { makeLog } from "../../src/platform/log.ts";
import { makeRandom } from "../../src/platform/random.ts";
import { currentInferences } from "../../src/classify/store/inferences.ts";
import { listLines, listModels, listVerdicts } from "../../src/classify/store/lines.ts";
import { listReported } from "../../src/classify/store/reports.ts";
import { openApp, type App } from "../../src/app.ts";
import { measure, writeResult } from "../machine.ts";
import { findReal, realLabelledFiles, realSchemes } from "./data.ts";

const { values } = parseArgs({
  options: { kills: { type: "string", default: "12" }, trials: { type: "string", default: "2" }, worker: { type: "string" } },
});
const period = "2026-10";
const actor = { role: "operator", purpose: "bench crash" };
const settingsOf = (home: string): Record<string, string> => ({
  STOCKROOM_HOME: home,
  STOCKROOM_CLASSIFY_TRAIN_TRIALS: values.trials,
  STOCKROOM_WORKFLOW_THREADS: "1",
  STOCKROOM_WORKFLOW_LIVENESS_INTERVAL_MS: "500",
  // A run may stand in a killed process more often than the default allows; here the killer is us, not the run.
  STOCKROOM_WORKFLOW_CRASH_LIMIT: "50",
});

if (findReal() === undefined) {
  console.log("The real data is not here (STOCKROOM_DATA or ../shared/data): nothing was measured.");
  process.exit(0);
}
if (values.worker !== undefined) {
  await openApp({ cwd: values.worker, env: settingsOf(values.worker), work: true, log: makeLog({ level: "error" }) });
  process.stdout.write("open\n");
  await new Promise(() => setInterval(() => undefined, 60_000));
}

interface Outcome {
  readonly champions: readonly string[];
  readonly facts: Readonly<Record<string, number>>;
  readonly again: readonly { readonly id: string; readonly crashes: number }[];
}

async function walk(kills: number): Promise<Outcome & { readonly wallSeconds: number; readonly killed: number }> {
  const home = await mkdtemp(path.join(tmpdir(), "stockroom-crash-"));
  const random = makeRandom(3);
  const workers: ChildProcess[] = [];
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [import.meta.filename, "--worker", home, "--trials", values.trials], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    return child;
  };
  // A client: it puts and watches, and takes no run.
  const app = await openApp({ cwd: home, env: settingsOf(home), work: false, log: makeLog({ level: "error" }) });
  let killed = 0;
  try {
    workers.push(await start(), ...(kills > 0 ? [await start()] : []));
    const cost = await measure(async () => {
      for (const scheme of await realSchemes()) {
        await app.objects.put(actor, `classify/schemes/${scheme.scheme}.json`, Buffer.from(JSON.stringify(scheme)));
      }
      for (const file of await realLabelledFiles({ split: ["train", "valid"] })) await app.objects.put(actor, file.key, file.body());
      const files = await realLabelledFiles({ split: "test" });
      const settle = async (most: number): Promise<void> => {
        let next = Date.now() + 4000;
        while (!(await app.workflows.idle())) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          if (killed >= most || Date.now() < next) continue;
          const at = random.below(2);
          workers[at]?.kill("SIGKILL");
          killed += 1;
          workers[at] = await start();
          next = Date.now() + 2000 + random.below(4000);
        }
      };
      await settle(Math.ceil(kills * 0.7));
      for (const file of files) await app.objects.put(actor, `classify/sales/${period}/${file.country}.csv`, file.body());
      await settle(kills);
    });
    return { ...(await outcomeOf(app)), wallSeconds: cost.wallSeconds, killed };
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    await app.close();
    await rm(home, { recursive: true, force: true });
  }
}

async function outcomeOf(app: App): Promise<Outcome> {
  const lines = await listLines(app.database);
  const models = await listModels(app.database);
  const verdicts = await listVerdicts(app.database);
  const inferences = await currentInferences(app.database, period);
  const all = await app.database.query<{ count: number }>("select count(*)::int as count from stockroom.classify_inference");
  const runs = await app.workflows.list({ limit: 100_000 });
  const notices = await app.notices.list({ limit: 100_000 });
  return {
    champions: lines.map((line) => `${line.line} ${line.champion ?? "-"}`),
    facts: {
      lines: lines.length,
      models: models.length,
      verdicts: verdicts.length,
      "lines that coded the period": inferences.length,
      "codings kept": all[0]?.count ?? 0,
      "items x lines coded": inferences.reduce((sum, row) => sum + row.items, 0),
      "automatic ones": inferences.reduce((sum, row) => sum + row.autoItems, 0),
      "country reports": (await listReported(app.database)).length,
      notices: notices.length,
      "dead letters": (await app.workflows.deadLetters()).length,
      runs: runs.length,
      "runs not done": runs.filter((run) => run.state !== "done").length,
    },
    again: runs.filter((run) => run.crashes > 0).map((run) => ({ id: run.id, crashes: run.crashes })),
  };
}

const undisturbed = await walk(0);
const disturbed = await walk(Number(values.kills));
const differ = disturbed.champions.filter((line, index) => line !== undisturbed.champions[index]);
const names = Object.keys(undisturbed.facts);
const rows = names.map((name) => [name, undisturbed.facts[name] ?? 0, disturbed.facts[name] ?? 0]);
console.table(Object.fromEntries(rows.map(([name, a, b]) => [name, { undisturbed: a, disturbed: b }])));
console.log(`kills ${disturbed.killed}; runs begun again ${disturbed.again.length}; champions that differ: ${differ.join(", ") || "none"}`);
for (const one of disturbed.again) console.log(`  ${one.id} (${one.crashes})`);
const same = differ.length === 0 && names.every((name) => undisturbed.facts[name] === disturbed.facts[name]);
console.log(same ? "Both places hold the same." : "THE PLACES DIFFER.");
const file = writeResult("classify-crash", {
  title: "kill -9 while 60 lines train and infer",
  about: `The flow of classify-flow with ${values.trials} trials a line, once undisturbed with one worker, once with two workers of which one is killed with SIGKILL every few seconds and started again.`,
  command: "node bench/classify/crash.ts",
  tables: [
    { caption: "What the places hold at the end", columns: ["what", "undisturbed", "killed again and again"], rows },
    {
      caption: "The walk",
      columns: ["what", "figure"],
      rows: [
        ["kills", disturbed.killed],
        ["runs begun again (all others ran once)", disturbed.again.length],
        ["lines whose champion differs in a byte", differ.length],
        ["wall s undisturbed, one worker", undisturbed.wallSeconds.toFixed(0)],
        ["wall s with kills, two workers", disturbed.wallSeconds.toFixed(0)],
      ],
    },
  ],
  notMeasured: ["Power loss: the disk's own cache was not cut off.", "A worker on another machine, or cut off from the network."],
});
console.log(file);
process.exit(same ? 0 : 1);
