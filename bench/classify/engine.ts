// The classifier against fastText and scikit-learn on the same rows: `node bench/classify/engine.ts [--quick] [--no-rivals]`.
//
// Measured: CPU seconds (user + system) of a fit from the file to the model, its wall time as the machine was, accuracy, macro-F1, calibration,
// coverage, items labelled a second.
// Not measured: wall time of the rivals, memory of the rivals, other data sets, the flow around the engine (see the other benchmarks).
// Hyperparameters were chosen on the valid split (decisions/classifier-engine.md); the test split is only read here.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { runCommand } from "citty";
import { quietTools } from "../../test/kit/tools.ts";
import { makeCommands } from "../../src/classify/cli/commands.ts";
import { openRows } from "../../src/classify/workflows/intake/rows.ts";
import { itemFile } from "../../src/classify/cli/files.ts";
import { parseCondition } from "../../src/platform/intake/conditions.ts";
import { usualFloor } from "../../src/classify/engine/decisions.ts";
import { decodeModel } from "../../src/classify/engine/model.ts";
import { openPredictor } from "../../src/classify/engine/predict.ts";

const FITS = 5;

const root = path.resolve(import.meta.dirname, "../..");
const data = path.join(process.env["STOCKROOM_DATA"] ?? path.join(root, "../shared/data"), "classify");

/** Debian's Python has Debian's scikit-learn; another one on the path may not. */
const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

const sets = {
  ords: {
    file: path.join(data, "ords_items.csv.gz"),
    columns: ["--label", "category", "--text", "title,brand,description", "--categories", "country,lang,provider,brand"],
  },
  pricerunner: { file: path.join(data, "pricerunner_items.csv.gz"), columns: ["--label", "category_label", "--text", "product_title"] },
} as const;
type SetName = keyof typeof sets;

interface Score {
  readonly name: string;
  readonly accuracy: number;
  readonly macro_f1: number;
  readonly ece: number | null;
  readonly coverage_ceiling: number;
  readonly fit_cpu_s: number;
  readonly items_per_cpu_s: number | null;
}

/** Wall time of our fits, each from starting Node to the model on disk, and the load average when they began: they mean little on a busy machine. */
interface Wall {
  readonly best_s: number;
  readonly median_s: number;
  readonly runs: number;
  readonly load: number;
}

interface Decided {
  readonly items: number;
  readonly automatic: number;
  readonly coverage: number;
  readonly precision: number;
}

if (process.argv[2] === "--child") await child(process.argv[3] ?? "", process.argv.slice(4));
else await compare(process.argv.includes("--quick"), !process.argv.includes("--no-rivals"));

async function compare(quick: boolean, withRivals: boolean): Promise<void> {
  const missing = Object.values(sets).filter((set) => !existsSync(set.file));
  if (missing.length > 0) {
    console.log(
      `Skipped: the benchmark data are not here (${path.relative(root, data)}). Set STOCKROOM_DATA to the folder that holds classify/.`,
    );
    return;
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), "bench-classify-"));
  const results: Record<string, unknown> = {};
  const tables: string[] = [];
  try {
    for (const name of Object.keys(sets) as SetName[]) {
      const { ours, wall, decided, segments, unseen } = await measureOurs(name, folder);
      const rivals = withRivals ? await measureRivals(name, quick) : [];
      results[name] = { ours, wall, decided, segments, unseen, rivals };
      tables.push(writeTable(name, ours, wall, decided, segments, unseen, rivals));
    }
    const machine = {
      processor: os.cpus()[0]?.model ?? "unknown",
      cores: os.cpus().length,
      memory_gib: Math.round(os.totalmem() / 2 ** 30),
      node: process.version,
      load_at_end: os.loadavg().map((load) => Math.round(load * 10) / 10),
    };
    const rivals = withRivals ? await versions() : {};
    const text = [
      "# The classifier engine against its rivals",
      "",
      `${machine.processor}, ${machine.cores} cores, ${machine.memory_gib} GiB, Node ${machine.node}; load average at the end ${machine.load_at_end.join(", ")} (other work on the machine makes every CPU second dearer, for all rows alike). ${Object.entries(
        rivals,
      )
        .map(([name, version]) => `${name} ${version}`)
        .join(", ")}.`,
      "",
      "`node bench/classify/engine.ts`. Fit on split=train, measured on split=test; hyperparameters are the defaults, chosen on split=valid. CPU seconds are user + system; ours include starting Node and reading the file, the rivals' do not. The ceiling is the coverage a perfect threshold would reach at 98 % precision. A LinearSVC gives margins, not probabilities, so it has no calibration error.",
      "",
      ...tables,
      "Not measured: wall time of the rivals, memory of the rivals, more than one seed, other catalogues, the flow around the engine.",
      "",
    ].join("\n");
    await mkdir(path.join(root, "bench/results"), { recursive: true });
    await writeFile(path.join(root, "bench/results/classify-engine.md"), text);
    await writeFile(path.join(root, "bench/results/classify-engine.json"), `${JSON.stringify({ machine, rivals, results }, null, 2)}\n`);
    console.log(text);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

interface Ours {
  readonly ours: Score;
  readonly wall: Wall;
  readonly decided: Decided;
  readonly segments: Readonly<Record<string, Decided>>;
  readonly unseen: { readonly items: number; readonly accuracy: number; readonly macro_f1: number };
}

/** Each part in a process of its own, so that its CPU time is its own. */
async function measureOurs(name: SetName, folder: string): Promise<Ours> {
  const { file, columns } = sets[name];
  const model = path.join(folder, `${name}.model`);
  console.log(`${name}: ours`);
  const load = os.loadavg()[0] ?? 0;
  const fits = [];
  for (let fit = 0; fit < FITS; fit++)
    fits.push(await inChild("fit", [file, ...columns, "--where", "split=train", "--out", model, "--json"]));
  const evaluated = await inChild("evaluate", [model, file, "--where", "split=test", "--json"]);
  const labelled = await inChild("label", [model, file]);
  const report = evaluated.json as {
    accuracy: number;
    macro_f1: number;
    ece: number;
    coverage_ceiling: number;
    automatic: Decided;
    segments: Record<string, Decided>;
    unseen_texts: Ours["unseen"];
  };
  return {
    ours: {
      name: "stockroom",
      accuracy: report.accuracy,
      macro_f1: report.macro_f1,
      ece: report.ece,
      coverage_ceiling: report.coverage_ceiling,
      fit_cpu_s: median(fits.map((fit) => fit.cpuS)),
      items_per_cpu_s: (labelled.json as { items_per_cpu_s: number }).items_per_cpu_s,
    },
    wall: {
      best_s: Math.min(...fits.map((fit) => fit.wallS)),
      median_s: median(fits.map((fit) => fit.wallS)),
      runs: FITS,
      load,
    },
    decided: report.automatic,
    segments: report.segments,
    unseen: report.unseen_texts,
  };
}

async function measureRivals(name: SetName, quick: boolean): Promise<readonly (Score | { name: string; skipped: string })[]> {
  const rows = [
    "fasttext-default",
    "fasttext-tuned",
    ...(quick ? [] : ["fasttext-autotune"]),
    "sklearn-joined",
    "sklearn-columns",
    "sklearn-everything",
  ];
  console.log(`${name}: ${rows.join(", ")}`);
  const { stdout, code } = await run(python, [path.join(import.meta.dirname, "rivals.py"), name, sets[name].file, ...rows]);
  if (code !== 0 && stdout === "") return [{ name: "all rivals", skipped: "python3 is not here or failed" }];
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const row = JSON.parse(line) as (Score & { predict_cpu_s: number; items: number }) | { name: string; skipped: string };
      if ("skipped" in row) return row;
      const { predict_cpu_s: predictS, items, ...score } = row;
      return { ...score, items_per_cpu_s: items / predictS };
    });
}

function writeTable(
  name: SetName,
  ours: Score,
  wall: Wall,
  decided: Decided,
  segments: Ours["segments"],
  unseen: Ours["unseen"],
  rivals: readonly (Score | { name: string; skipped: string })[],
): string {
  const share = (value: number | null): string => (value === null ? "" : value.toFixed(4));
  const line = (row: Score): string =>
    `| ${row.name} | ${share(row.accuracy)} | ${share(row.macro_f1)} | ${share(row.ece)} | ${row.coverage_ceiling.toFixed(3)} | ${row.fit_cpu_s.toFixed(1)} | ${(row.fit_cpu_s / ours.fit_cpu_s).toFixed(1)} | ${row.items_per_cpu_s === null ? "" : Math.round(row.items_per_cpu_s / 1000)} k |`;
  return [
    `## ${name}`,
    "",
    "| | accuracy | macro-F1 | ECE | ceiling | fit, CPU s | / ours | items labelled a CPU s |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...[ours, ...rivals].map((row) => ("skipped" in row ? `| ${row.name} | skipped: ${row.skipped} | | | | | | |` : line(row))),
    "",
    `A fit of ours takes ${wall.best_s.toFixed(1)} s of wall time at best and ${wall.median_s.toFixed(1)} s in the middle of ${wall.runs} (load average before them ${wall.load.toFixed(1)}).`,
    "",
    `Automatic at a promise of 98 %, with a floor of ${usualFloor}: ${(decided.coverage * 100).toFixed(1)} % of the items, ${(decided.precision * 100).toFixed(2)} % of them right. Texts not learned from: ${unseen.items} items, accuracy ${share(unseen.accuracy)}, macro-F1 ${share(unseen.macro_f1)}.`,
    "",
    ...(Object.keys(segments).length > 1
      ? [
          "| country | items | automatic | right among them |",
          "| --- | --- | --- | --- |",
          ...Object.entries(segments)
            .filter(([, one]) => one.automatic >= 100)
            .map(([country, one]) => `| ${country} | ${one.items} | ${one.automatic} | ${(one.precision * 100).toFixed(2)} % |`),
          "",
        ]
      : []),
  ].join("\n");
}

/** One part of ours, in its own process; prints its result and CPU time as JSON. */
async function child(name: string, args: readonly string[]): Promise<void> {
  let json: unknown;
  const signal = new AbortController().signal;
  if (name === "label") {
    const [modelFile = "", file = ""] = args;
    const predictor = openPredictor(decodeModel(await readFile(modelFile)));
    const rows = await openRows(itemFile(file, signal), { conditions: [parseCondition("split=test")], onBadRow: () => undefined, signal });
    const batches = [];
    for await (const batch of rows.items(predictor.model.card.columns)) batches.push(batch.items);
    const passes = 5;
    let items = 0;
    const start = process.cpuUsage();
    for (let pass = 0; pass < passes; pass++) for (const batch of batches) items += predictor.predict(batch).length;
    const used = process.cpuUsage(start);
    json = { items_per_cpu_s: items / ((used.user + used.system) / 1e6) };
  } else {
    const command = makeCommands(quietTools({ json: (value) => void (json = value) }, { signal }))[name];
    if (command === undefined) throw new Error(`Expected a command on files but received "${name}".`);
    await runCommand(command, { rawArgs: [...args] });
  }
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ json, cpuS: (user + system) / 1e6 }));
}

async function inChild(name: string, args: readonly string[]): Promise<{ json: unknown; cpuS: number; wallS: number }> {
  const started = performance.now();
  const { stdout, code } = await run(process.execPath, [import.meta.filename, "--child", name, ...args]);
  if (code !== 0) throw new Error(`Expected ${name} to end well but it ended with ${code}.`);
  const wallS = (performance.now() - started) / 1000;
  return { ...(JSON.parse(stdout) as { json: unknown; cpuS: number }), wallS };
}

async function run(command: string, args: readonly string[]): Promise<{ stdout: string; code: number }> {
  return new Promise((resolve) => {
    const started = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    started.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    started.on("error", () => resolve({ stdout: "", code: 127 }));
    started.on("close", (code) => resolve({ stdout, code: code ?? 1 }));
  });
}

async function versions(): Promise<Record<string, string>> {
  const sklearnVersion = await run(python, ["-c", "import sklearn, sys; print(sklearn.__version__, sys.version.split()[0])"]);
  const fasttext = await run("dpkg-query", ["-W", "-f", "${Version}", "fasttext"]);
  const [sklearn = "absent", python3 = "absent"] = sklearnVersion.stdout.trim().split(" ");
  return { "scikit-learn": sklearn, Python: python3, fastText: fasttext.stdout === "" ? "absent" : fasttext.stdout };
}
