// The 60 lines, unattended: uploads start training with 20 trials each, comparison, coding of unseen items and the report.
//
//     node bench/classify/flow.ts [--trials 20] [--countries GBR,ESP]
//
// An app of its own (embedded PostgreSQL, encrypted store) in a temporary home folder gets one labelled file a country (the real items but
// for the data's own test part), then the test part as a month of sales, without labels. Everything else is events. Afterwards the predictions
// are compared with the true codes.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { makeLog } from "../../src/platform/log.ts";
import { readTable } from "../../src/platform/formats/index.ts";
import { scoreLabels } from "../../src/classify/engine/metrics.ts";
import { currentInferences, type InferenceRow } from "../../src/classify/store/inferences.ts";
import { listLines, listModels, listVerdicts } from "../../src/classify/store/lines.ts";
import { listReported } from "../../src/classify/store/reports.ts";
import { openApp, type App } from "../../src/app.ts";
import { measure, writeResult, type Measured } from "../machine.ts";
import { findReal, realLabelledFiles, realSchemes } from "./data.ts";

const { values } = parseArgs({ options: { trials: { type: "string", default: "20" }, countries: { type: "string" } } });
const wanted = values.countries?.split(",");
const period = "2026-10";
const actor = { role: "operator", purpose: "bench flow" };

if (findReal() === undefined) {
  console.log("The real data is not here (STOCKROOM_DATA or ../shared/data): nothing was measured.");
  process.exit(0);
}

const home = await mkdtemp(path.join(tmpdir(), "stockroom-bench-"));
const app = await openApp({
  cwd: home,
  env: { STOCKROOM_HOME: home, STOCKROOM_CLASSIFY_TRAIN_TRIALS: values.trials },
  work: true,
  log: makeLog({ level: "error" }),
});
try {
  const about = app.database.about();
  const pids = (): number[] => (about.kind === "embedded" && about.pid !== undefined ? [about.pid] : []);
  for (const scheme of await realSchemes()) {
    await app.objects.put(actor, `classify/schemes/${scheme.scheme}.json`, Buffer.from(JSON.stringify(scheme)), {
      contentType: "application/json",
    });
  }
  await settle(app, "schemes");
  const labelled = (await realLabelledFiles({ split: ["train", "valid"] })).filter((file) => wanted?.includes(file.country) ?? true);
  const unseen = (await realLabelledFiles({ split: "test" })).filter((file) => wanted?.includes(file.country) ?? true);

  const training = await measure(
    async () => {
      for (const file of labelled) await app.objects.put(actor, file.key, file.body(), { contentType: "text/csv" });
      await settle(app, "training and comparison");
    },
    { pids },
  );
  const coding = await measure(
    async () => {
      for (const file of unseen)
        await app.objects.put(actor, `classify/sales/${period}/${file.country}.csv`, file.body(), { contentType: "text/csv" });
      await settle(app, "coding and reports");
    },
    { pids },
  );
  await report(app, labelled, unseen, training, coding);
} finally {
  await app.close();
  await rm(home, { recursive: true, force: true });
}

async function settle(open: App, what: string): Promise<void> {
  let told = 0;
  while (!(await open.workflows.idle())) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (Date.now() - told < 10_000) continue;
    told = Date.now();
    const runs = await open.workflows.list({ limit: 10_000 });
    console.log(`${what}: ${runs.filter((run) => run.state === "done").length} of ${runs.length} runs done`);
  }
}

interface Scored {
  readonly line: string;
  readonly items: number;
  readonly accuracy: number;
  readonly macroF1: number;
  readonly auto: number;
  readonly autoRight: number;
  readonly majority: number;
}

async function score(open: App, inference: InferenceRow, truth: ReadonlyMap<string, string>): Promise<Scored> {
  const { body } = await open.objects.get({ role: "report", purpose: "bench flow" }, inference.predictions.key, {
    version: inference.predictions.version,
  });
  const table = await readTable(body, { name: inference.predictions.key, format: "csv", onBadRow: () => undefined });
  const at = (name: string): number => table.columns.indexOf(name);
  const [id, code, decision] = [at("id"), at("code"), at("decision")];
  const classes = new Map<string, number>();
  const indexOf = (name: string): number => {
    let index = classes.get(name);
    if (index === undefined) classes.set(name, (index = classes.size));
    return index;
  };
  const right: number[] = [];
  const said: number[] = [];
  let auto = 0;
  let autoRight = 0;
  const counts = new Map<string, number>();
  for await (const batch of table.batches) {
    for (const row of batch.rows) {
      const label = truth.get(row[id]);
      // Rows the code set has no code for: nothing to be right about.
      if (label === undefined || label === "") continue;
      right.push(indexOf(label));
      said.push(indexOf(row[code]));
      counts.set(label, (counts.get(label) ?? 0) + 1);
      if (row[decision] !== "auto") continue;
      auto += 1;
      if (row[code] === label) autoRight += 1;
    }
  }
  const scores = scoreLabels(Int32Array.from(right), Int32Array.from(said), classes.size);
  return {
    line: inference.line,
    items: right.length,
    accuracy: scores.accuracy,
    macroF1: scores.macroF1,
    auto,
    autoRight,
    majority: Math.max(0, ...counts.values()) / Math.max(1, right.length),
  };
}

/** True codes by item, per scheme, out of the labelled form of the unseen part. */
async function readTruth(
  file: Awaited<ReturnType<typeof realLabelledFiles>>[number],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const table = await readTable(file.body(), { name: file.key, format: "csv", onBadRow: () => undefined });
  const codes = new Map(file.schemes.map((scheme) => [scheme, new Map<string, string>()]));
  const id = table.columns.indexOf("id");
  for await (const batch of table.batches) {
    for (const row of batch.rows) for (const [scheme, map] of codes) map.set(row[id], row[table.columns.indexOf(`code.${scheme}`)]);
  }
  return codes;
}

async function report(
  open: App,
  labelled: Awaited<ReturnType<typeof realLabelledFiles>>,
  unseen: Awaited<ReturnType<typeof realLabelledFiles>>,
  training: Measured<void>,
  coding: Measured<void>,
): Promise<void> {
  const lines = await listLines(open.database);
  const models = await listModels(open.database);
  const verdicts = await listVerdicts(open.database);
  const reported = await listReported(open.database);
  const dead = await open.workflows.deadLetters();
  const runs = await open.workflows.list({ limit: 100_000 });
  const scored: Scored[] = [];
  for (const file of unseen) {
    const truth = await readTruth(file);
    for (const inference of await currentInferences(open.database, period, file.country)) {
      const scheme = inference.line.slice(file.country.length + 1);
      scored.push(await score(open, inference, truth.get(scheme) ?? new Map()));
    }
  }
  const sum = (pick: (one: Scored) => number): number => scored.reduce((total, one) => total + pick(one), 0);
  const trials = models.reduce((total, model) => total + new Set(model.trials.map((trial) => (trial as { trial: number }).trial)).size, 0);
  const summary: readonly (readonly [string, string | number])[] = [
    ["lines", lines.length],
    ["lines with a champion", lines.filter((line) => line.champion !== undefined).length],
    ["labelled rows", labelled.reduce((total, file) => total + file.rows, 0)],
    ["trials", trials],
    ["verdicts", verdicts.length],
    ["country reports", reported.length],
    ["dead letters", dead.length],
    ["runs in all", runs.length],
    ["training and comparison, wall s", training.wallSeconds.toFixed(1)],
    ["training and comparison, CPU s", training.cpuSeconds.toFixed(1)],
    ["training and comparison, peak MiB", Math.round(training.peakMiB)],
    ["coding and reports, wall s", coding.wallSeconds.toFixed(1)],
    ["coding and reports, CPU s", coding.cpuSeconds.toFixed(1)],
    ["unseen items x lines", sum((one) => one.items)],
    ["accuracy over all", (sum((one) => one.accuracy * one.items) / sum((one) => one.items)).toFixed(4)],
    ["macro-F1, mean of lines", (sum((one) => one.macroF1) / scored.length).toFixed(4)],
    ["automatic", (sum((one) => one.auto) / sum((one) => one.items)).toFixed(4)],
    ["precision of automatic ones", (sum((one) => one.autoRight) / sum((one) => one.auto)).toFixed(4)],
    [
      "lines with 500+ automatic ones below 98 %",
      scored
        .filter((one) => one.auto >= 500 && one.autoRight / one.auto < 0.98)
        .map((one) => `${one.line} ${((100 * one.autoRight) / one.auto).toFixed(2)}`)
        .join(", ") || "none",
    ],
  ];
  for (const [name, value] of summary) console.log(`${name}: ${value}`);
  for (const letter of dead) console.log(`dead letter: ${letter.title}: ${letter.error.message}`);
  if (wanted !== undefined) return;
  const file = writeResult("classify-flow", {
    title: "60 lines from upload to report",
    about: `The real labelled items (Open Repair, train and valid parts, 12 countries) are put into the encrypted store, one file a country; events train ${lines.length} lines with ${values.trials} trials each, compare them, and code the data's test part, put as a month of sales without labels. One process with embedded PostgreSQL; CPU and memory include the database server.`,
    command: "node bench/classify/flow.ts",
    tables: [
      { caption: "The whole flow", columns: ["what", "figure"], rows: summary },
      {
        caption: "Unseen items by line",
        columns: ["line", "items", "majority share", "accuracy", "macro-F1", "automatic", "precision of automatic"],
        rows: scored.map((one) => [
          one.line,
          one.items,
          one.majority.toFixed(3),
          one.accuracy.toFixed(4),
          one.macroF1.toFixed(4),
          (one.auto / one.items).toFixed(3),
          one.auto === 0 ? "-" : (one.autoRight / one.auto).toFixed(4),
        ]),
      },
    ],
    notMeasured: [
      "A rival for the whole flow: there is none that runs here.",
      "More than one process; S3; a quiet machine of its own (see the load above).",
    ],
  });
  console.log(file);
}
