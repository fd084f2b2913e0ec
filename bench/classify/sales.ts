// 3.3 million items labelled end to end: encrypted in, encrypted out.
//
//     node bench/classify/sales.ts [--rows 3300000] [--lines one|all]
//
// The real rows, repeated with changed ids, as one month of sales of 12 countries. First every country's models are trained (not measured).
// Measured: from the first byte put to the last report written: sealing the upload, opening, parsing, hashing, scoring, evidence, writing and
// sealing the predictions, review items, figures, reports. `one` line a country is the contract's 3.3 million labels; `all` codes every item
// in each of its country's 4 to 7 code sets.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { makeLog } from "../../src/platform/log.ts";
import { currentInferences } from "../../src/classify/store/inferences.ts";
import { openApp, type App } from "../../src/app.ts";
import { measure, writeResult } from "../machine.ts";
import { findReal, realLabelledFiles, realSalesFiles, realSchemes } from "./data.ts";

const { values } = parseArgs({ options: { rows: { type: "string", default: "3300000" }, lines: { type: "string", default: "one" } } });
const rows = Number(values.rows);
const period = "2026-10";
const actor = { role: "operator", purpose: "bench sales" };

if (findReal() === undefined) {
  console.log("The real data is not here (STOCKROOM_DATA or ../shared/data): nothing was measured.");
  process.exit(0);
}

/** The code set of each country's one line: the widest in use there, with the 40 categories of the data as they are. */
const oneScheme = "ORDS40";
const home = await mkdtemp(path.join(tmpdir(), "stockroom-bench-"));
const app = await openApp({
  cwd: home,
  env: { STOCKROOM_HOME: home, STOCKROOM_CLASSIFY_TRAIN_TRIALS: "1" },
  work: true,
  log: makeLog({ level: "error" }),
});
try {
  const about = app.database.about();
  const pids = (): number[] => (about.kind === "embedded" && about.pid !== undefined ? [about.pid] : []);
  for (const scheme of await realSchemes()) {
    await app.objects.put(actor, `classify/schemes/${scheme.scheme}.json`, Buffer.from(JSON.stringify(scheme)));
  }
  for (const file of await realLabelledFiles({ split: ["train", "valid"] })) {
    const one = file.schemes.includes(oneScheme) ? oneScheme : file.schemes[0];
    await app.objects.put(actor, file.key, values.lines === "one" ? keepOnly(file.body(), file.schemes, one) : file.body());
  }
  await settle(app);
  const files = await realSalesFiles({ rows, period });
  const cost = await measure(
    async () => {
      // The largest first, so that no thread is left alone with it at the end.
      for (const file of files.toSorted((a, b) => b.rows - a.rows))
        await app.objects.put(actor, file.key, file.body(), { contentType: "text/csv" });
      await settle(app);
    },
    { pids },
  );
  const inferences = await currentInferences(app.database, period);
  const labels = inferences.reduce((sum, inference) => sum + inference.items, 0);
  const dead = await app.workflows.deadLetters();
  const entries = await app.objects.list("classify/", { limit: 100_000 });
  const plainIn = entries.filter((entry) => entry.key.startsWith("classify/sales/")).reduce((sum, entry) => sum + entry.bytes, 0);
  const plainOut = entries
    .filter((entry) => entry.key.startsWith(`classify/predictions/${period}/`))
    .reduce((sum, entry) => sum + entry.bytes, 0);
  const table = [
    ["rows put", files.reduce((sum, file) => sum + file.rows, 0)],
    ["lines", inferences.length],
    ["labels given", labels],
    ["dead letters", dead.length],
    ["wall s", cost.wallSeconds.toFixed(1)],
    ["CPU s", cost.cpuSeconds.toFixed(1)],
    ["labels a CPU s", Math.round(labels / cost.cpuSeconds)],
    ["peak MiB (all processes)", Math.round(cost.peakMiB)],
    ["plain MB in", Math.round(plainIn / 1e6)],
    ["plain MB out", Math.round(plainOut / 1e6)],
  ] as const;
  for (const [name, value] of table) console.log(`${name}: ${value}`);
  for (const letter of dead) console.log(`dead letter: ${letter.title}: ${letter.error.message}`);
  if (rows >= 3_300_000) {
    const name = values.lines === "one" ? "classify-sales" : "classify-sales-all-lines";
    const file = writeResult(name, {
      title: "3.3 million items labelled end to end",
      about: `The real rows repeated with changed ids as one month of sales of 12 countries, ${values.lines === "one" ? "one line a country" : "all 60 lines"}; sealed in, sealed out, with evidence, review picks, figures and reports. One process, two threads, embedded PostgreSQL included in CPU and memory.`,
      command: `node bench/classify/sales.ts${values.lines === "one" ? "" : " --lines all"}`,
      tables: [{ caption: "From the first byte put to the last report", columns: ["what", "figure"], rows: table }],
      notMeasured: ["The network: the files are put in process, not over HTTP.", "S3 and KMS.", "Training (see classify-flow)."],
    });
    console.log(file);
  }
} finally {
  await app.close();
  await rm(home, { recursive: true, force: true });
}

async function settle(open: App): Promise<void> {
  while (!(await open.workflows.idle())) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** The labelled file with one code column: the header names the others so that no line is made of them. */
async function* keepOnly(body: AsyncIterable<Uint8Array>, schemes: readonly string[], one: string): AsyncIterable<Uint8Array> {
  let first = true;
  for await (const chunk of body) {
    if (!first) {
      yield chunk;
      continue;
    }
    first = false;
    let text = Buffer.from(chunk).toString("utf8");
    for (const scheme of schemes) if (scheme !== one) text = text.replace(`code.${scheme}`, `unused ${scheme}`);
    yield Buffer.from(text);
  }
}
