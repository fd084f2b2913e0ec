// `stockroom forecast run`: files in, a folder of forecasts, backtests, accuracy and a report out. No app is opened.
//
//   R1. The same files, flags and seed give the same bytes, on any number of threads: nothing of the clock or of this machine is written.
//   R2. Interrupted, it has written nothing under an output's name; started again, it goes on where it stopped.
//   R3. Bad rows end up in KIND.bad.jsonl with line, column and reason, and the exit code is 3. They are left there too when nothing is forecast.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { defineCommand, type Command, type CommandTools, type Progress } from "../../platform/command/contract.ts";
import { grouped, percent } from "../../platform/figures.ts";
import { jsonFlag, readThreads, shellWord, usage } from "../../platform/command/flags.ts";
import { openCompute } from "../../platform/compute/index.ts";
import { isStockroomError } from "../../platform/errors.ts";
import { makeLog } from "../../platform/log.ts";
import type { BadRow } from "../../platform/formats/index.ts";
import type { InputKind } from "../workflows/inputs/schema.ts";
import type { RunStage, RunSummary } from "../workflows/run/contract.ts";
import { makeReport } from "../workflows/run/report-data.ts";
import { renderReport } from "../workflows/run/report/page.ts";
import { rowsOf, sumRows, tableBody, type RunTable } from "../workflows/run/rows.ts";
import { openRun } from "../workflows/run/run.ts";
import { idleColumns } from "../engine/hierarchy/structure.ts";
import { doubtsOf } from "../workflows/run/doubts.ts";
import { refuseUnserved, unservedNote } from "../workflows/run/served.ts";
import { openFolder } from "./folder.ts";
import { candidateNames, parseRequest, readRequest, settingsOf, type ReadFile, type RunFlags, type RunRequest } from "./request.ts";
import { commandOf, flagsForRun, intakeFlags, otherWords, takeIn, takeInBeside, tellIntake } from "./intake.ts";
import { readingFlags } from "./input-flags.ts";
import { usualHorizon } from "../workflows/intake/intake.ts";

/** What `run.json` holds. */
export interface RunRecord {
  readonly stockroom: string;
  readonly request: RunRequest;
  readonly files: readonly ReadFile[];
  readonly bad_rows: Readonly<Partial<Record<InputKind, number>>>;
  readonly notes: readonly string[];
  /** SHA-256 of panel and settings. */
  readonly key: string;
  readonly summary: RunSummary;
}

const tables: readonly (readonly [table: RunTable, file: string])[] = [
  ["forecast", "forecast.csv"],
  ["forecasted-values", "backtest/forecasted-values.csv"],
  ["accuracy-metrics", "backtest/accuracy-metrics.csv"],
  ["accuracy", "accuracy.csv"],
  ["models", "models.csv"],
];
const kinds: readonly InputKind[] = ["target", "related", "metadata"];
const stageTitles: Readonly<Record<RunStage, string>> = {
  learn: "learning from all series",
  try: "trying models",
  plan: "weighing them",
  mix: "forecasting",
  reconcile: "reconciling sums",
};

export const runCommand = (tools: CommandTools): Command =>
  defineCommand({
    meta: {
      name: "run",
      description: `Forecast files: forecasts, backtests, accuracy, models and a report into a folder
Examples:
  stockroom forecast run sales.csv
  stockroom forecast run --target demand.csv --horizon 18 --frequency M --out june
  stockroom forecast run --target demand.csv --related prices.csv --metadata items.csv --horizon 28 --frequency D --holidays US --out june
Columns: item_id, timestamp, demand, and texts such as a location to forecast by. Interrupted, the same command goes on where it stopped.
Models: ${candidateNames.join(", ")}; auto tries those that suit each series.`,
    },
    args: {
      file: {
        type: "positional",
        required: false,
        description: "what was sold, in whatever columns: they are found and told",
        valueHint: "FILE",
      },
      target: { type: "string", description: "the same in the domain's own columns, read as it stands", valueHint: "FILE" },
      related: { type: "string", description: "prices, promotions and other numbers, known to the end of the horizon", valueHint: "FILE" },
      metadata: { type: "string", description: "category, brand and other texts of items", valueHint: "FILE" },
      horizon: { type: "string", description: "steps to forecast; absent, with FILE: as far as is usual at its frequency", valueHint: "N" },
      frequency: {
        type: "string",
        default: "auto",
        description: "auto: as often as rows come; or Y, Q, M, W, D, H, 30min ..., a multiple as 2W, an anchor as W-SUN",
        valueHint: "F",
      },
      out: { type: "string", description: "folder of the run; absent, with FILE: FILE-forecast beside it", valueHint: "DIR" },
      season: { type: "string", description: "steps per season; several with commas; 1 for none; absent: by frequency", valueHint: "12" },
      quantiles: { type: "string", default: "0.1,0.5,0.9", description: "quantiles beside the mean", valueHint: "0.1,0.5,0.9" },
      windows: { type: "string", default: "3", description: "backtest windows, each one horizon before the next", valueHint: "N" },
      offset: { type: "string", description: "steps from the last cut to the end of the history; absent: the horizon", valueHint: "N" },
      models: { type: "string", default: "auto", description: "auto, or names with commas", valueHint: "auto|ets,theta,..." },
      holidays: { type: "string", description: "country, or with a state US-CA", valueHint: "US" },
      events: {
        type: "string",
        description: "events of your own: name, date (or from and to), place, before, after",
        valueHint: "FILE",
      },
      hierarchy: {
        type: "string",
        description: "columns from the whole to the parts, whose sums then agree",
        valueHint: "category>item_id",
      },
      domain: { type: "string", default: "RETAIL", description: "whose column names the files have", valueHint: "RETAIL" },
      dimensions: {
        type: "string",
        description: "columns of the target to forecast by, beside the item; none: the item alone; absent: its texts",
        valueHint: "location",
      },
      aggregation: { type: "string", description: "sum, avg, first, min or max of rows in one step; accepts duplicates", valueHint: "sum" },
      negative: { type: "boolean", description: "values below zero are possible: this is no demand", default: false },
      ...readingFlags,
      ...intakeFlags,
      threads: { type: "string", description: "absent: as many as there are processors", valueHint: "N" },
      seed: { type: "string", description: "Same files and same seed, same forecasts", default: "1", valueHint: "N" },
      json: jsonFlag,
    },
    run: async ({ args, rawArgs }) => {
      const { folder, request } = await askedFor(args, rawArgs, tools);
      const threads = readThreads(args.threads);
      const record = await runInto(folder, request, threads, tools);
      if (args.json) tools.print.json({ out: folder, ...record });
      else tell(record, folder, tools);
      const isUnserved = record.request.models !== "auto" && record.summary.silent > 0;
      if (isUnserved || Object.values(record.bad_rows).some((count) => count > 0)) tools.exitWith(3);
    },
  });

/** The request, from a file of any shape or from one in the domain's own columns. Throws `input` `USAGE` and what the intake throws. */
async function askedFor(
  args: RunFlags,
  rawArgs: readonly string[],
  tools: CommandTools,
): Promise<{ readonly folder: string; readonly request: RunRequest }> {
  const { file, target, out, horizon } = args;
  if (typeof file !== "string") {
    if (typeof target !== "string") throw usage("--target", "a file of what was sold, or FILE behind the command", "");
    if (typeof horizon !== "string") throw usage("--horizon", "how many steps to forecast", "");
    if (typeof out !== "string") throw usage("--out", "a folder for the run", "");
    return { folder: out, request: parseRequest(args, out) };
  }
  if (typeof target === "string") throw usage("--target", "one file: FILE, or --target in the domain's own columns", target);
  const { intake, flags } = await takeIn(file, args, tools.signal);
  const plain = parseRequest({ ...flagsForRun(flags, intake), target: file, horizon: "1" }, "");
  const beside = await takeInBeside(flags, intake, plain.domain, tools.signal);
  const folder = typeof out === "string" ? out : `${file.replace(/(?:\.[a-z0-9]{1,7}){1,2}$/i, "")}-forecast`;
  const steps =
    typeof horizon === "string" ? horizon : String(usualHorizon(intake.profile, intake.proposal.plan, String(args["frequency"])));
  for (const look of [intake, ...beside.looks]) for (const line of tellIntake(look)) tools.print.say(line);
  tools.print.say(`the same again: ${commandOf(file, intake, ["--horizon", steps, "--out", shellWord(folder), ...otherWords(rawArgs)])}`);
  return {
    folder,
    request: {
      ...parseRequest({ ...flagsForRun(flags, intake), target: file, horizon: steps }, folder),
      intake: intake.taken,
      ...(beside.looks.length === 0 ? {} : { intakeBeside: beside.taken }),
    },
  };
}

async function runInto(folder: string, request: RunRequest, threads: number, tools: CommandTools): Promise<RunRecord> {
  const { signal } = tools;
  const bad = gatherBadRows();
  const progress = stageProgress(tools);
  const { inputs, files } = await readRequest(request, folder, {
    signal,
    onBadRow: bad.add,
    onRows: (rows) => progress.rows(rows),
  })
    .catch(async (thrown: unknown) => {
      await leaveBadRows(folder, bad, thrown, tools);
      throw thrown;
    })
    .finally(progress.end);
  const { panel, notes } = inputs;
  const settings = settingsOf(request);
  const place = await openFolder(folder);
  const compute = openCompute({ threads, log: makeLog({ level: "silent" }) });
  try {
    const run = await openRun(panel, settings, { compute, chunks: place.chunks, signal, onProgress: progress.stage });
    await run.mix();
    progress.end();
    const result = run.result();
    const model = await run.model();
    await refuseUnserved(result, model.global !== undefined, signal);
    const summary = await result.summary();
    for (const [table, file] of tables) {
      signal.throwIfAborted();
      await place.write(file, tableBody(rowsOf(result, table, signal)));
    }
    if (settings.hierarchy.length > 0) await place.write("hierarchy.csv", tableBody(sumRows(result)));
    await place.write("model/plan.bin", model.plan);
    if (model.global !== undefined) await place.write("model/global.bin", model.global);
    for (const kind of kinds) if (bad.countOf(kind) > 0) await place.write(badFile(kind), bad.body(kind));
    const remarks = [
      ...kinds
        .filter((kind) => bad.countOf(kind) > 0)
        .map((kind) => {
          const first = bad.firstOf(kind);
          const why = first === undefined ? "" : `, the first on line ${first.line}: ${first.reason}`;
          return `${bad.countOf(kind)} rows of the ${kind} file were set apart${why} ${badFile(kind)} lists them.`;
        }),
      ...notes.map(({ message }) => message),
      ...idleColumns(panel, settings.hierarchy).map(
        (name) =>
          `${name} divides nothing in --hierarchy ${settings.hierarchy.join(">")} that is not divided before it, so there are no sums of ${name}: columns go from the whole to the parts.`,
      ),
    ];
    const record: RunRecord = {
      stockroom: tools.version,
      request,
      files,
      bad_rows: Object.fromEntries(kinds.filter((kind) => bad.countOf(kind) > 0).map((kind) => [kind, bad.countOf(kind)])),
      notes: remarks,
      key: run.key,
      summary,
    };
    const report = await makeReport(result, {
      title: `Demand forecast: ${path.basename(request.target)}`,
      notes: remarks,
      facts: [...files.map(({ kind, file, sha256 }) => [kind, `${file} (SHA-256 ${sha256})`] as const), ["stockroom", tools.version]],
    });
    await place.write("report.html", await renderReport(report));
    await place.write("run.json", `${JSON.stringify(record, null, 2)}\n`);
    signal.throwIfAborted();
    await place.commit(["model/global.bin", "hierarchy.csv", ...kinds.map(badFile)]);
    return record;
  } finally {
    progress.end();
    await compute.close();
    await place.close();
  }
}

/** The list of bad rows of files that were refused: what else could be corrected by? */
async function leaveBadRows(
  folder: string,
  bad: ReturnType<typeof gatherBadRows>,
  thrown: unknown,
  { print }: CommandTools,
): Promise<void> {
  const wrong = kinds.filter((kind) => bad.countOf(kind) > 0);
  if (!isStockroomError(thrown) || wrong.length === 0) return;
  await mkdir(folder, { recursive: true });
  for (const kind of wrong) {
    await writeFile(path.join(folder, badFile(kind)), bad.body(kind));
    print.say(`${bad.countOf(kind)} rows of the ${kind} file are wrong; ${path.join(folder, badFile(kind))} lists them.`);
  }
}

const badFile = (kind: InputKind): string => `${kind}.bad.jsonl`;

/** Enough to find what is wrong; a file of nothing but bad rows must not fill the memory. */
const mostBadRows = 200_000;

function gatherBadRows(): {
  readonly add: (kind: InputKind, row: BadRow) => void;
  countOf(kind: InputKind): number;
  firstOf(kind: InputKind): BadRow | undefined;
  body(kind: InputKind): string;
} {
  const kept = new Map<InputKind, BadRow[]>();
  const counts = new Map<InputKind, number>();
  return {
    add: (kind, row) => {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const rows = kept.get(kind) ?? [];
      kept.set(kind, rows);
      if (rows.length < mostBadRows) rows.push(row);
    },
    countOf: (kind) => counts.get(kind) ?? 0,
    firstOf: (kind) => (kept.get(kind) ?? []).toSorted((a, b) => a.line - b.line)[0],
    body: (kind) => {
      const rows = (kept.get(kind) ?? []).toSorted((a, b) => a.line - b.line);
      return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    },
  };
}

/** One bar for each stage, one after another. */
function stageProgress(tools: CommandTools): {
  readonly rows: (rows: number) => void;
  readonly stage: (progress: { readonly stage: RunStage; readonly done: number; readonly total: number }) => void;
  readonly end: () => void;
} {
  let open: { readonly title: string; readonly bar: Progress } | undefined;
  const end = (): void => {
    open?.bar.end();
    open = undefined;
  };
  const update = (title: string, done: number, total: number, note: string): void => {
    if (open?.title !== title) {
      end();
      open = { title, bar: tools.progress(title) };
    }
    open.bar.update(done, total, note);
  };
  return {
    rows: (rows) => update("reading", 0, 0, `${grouped(rows)} rows`),
    stage: ({ stage, done, total }) =>
      update(stageTitles[stage], done, total, stage === "try" || stage === "mix" ? `${done} of ${total} series` : ""),
    end,
  };
}

/** What is told of the files stands in one screen. */
const mostNotes = 12;

function tell({ summary, request, bad_rows: badRows, notes }: RunRecord, folder: string, tools: CommandTools): void {
  const { print } = tools;
  const { accuracy, models, series } = summary;
  print.line(`Forecast ${series - summary.silent} series ${request.horizon} steps ahead into ${folder}.`);
  if (accuracy !== undefined) {
    const coverage = Object.entries(accuracy.coverage)
      .map(([nominal, observed]) => `; the ${percent(Number(nominal), { digits: 0 })} interval held ${percent(observed)}`)
      .join("");
    // Runs of an older program did not measure it.
    const beside = accuracy.naiveWape === undefined ? "" : ` (repeating the last season: ${percent(accuracy.naiveWape)})`;
    print.line(
      `In the backtests: WAPE ${percent(accuracy.wape)}${beside}, average wQL ${accuracy.averageWql.toFixed(4)}, MASE ${accuracy.mase.toFixed(3)}${coverage}.`,
    );
  } else if (request.windows > 0) print.line("No series was long enough for a backtest.");
  const [best] = models;
  if (best !== undefined) print.line(`Leading model: ${best.model}, in ${percent(best.leads, { digits: 0 })} of the series.`);
  const unserved = unservedNote(series, summary.silent, request.models);
  if (unserved !== undefined) print.say(unserved);
  for (const doubt of doubtsOf(accuracy)) print.say(doubt);
  for (const note of notes.slice(0, mostNotes)) print.say(note);
  if (notes.length > mostNotes) print.say(`and ${notes.length - mostNotes} more notes in run.json`);
  print.line(`Look at ${path.join(folder, "report.html")}.`);
  if (Object.keys(badRows).length === 0) return;
  print.say("Some rows were set apart, so this is partly done.");
}
