// The run of a group: from its newest files to forecasts, exports, a dashboard and a notice.
//
//   forecast.run     settle -> plan -> prepare
//   forecast.train   forecast -> export-forecast | export-backtest -> adjust -> aggregate -> report -> publish -> adjust-again -> clean
//
//   G1. Of a burst of uploads only the newest trains: a request waits a moment, and ends when a newer one stands. It looks again before the long part.
//   G2. Content decides: when inputs and settings are those of a finished run, nothing is trained.
//   G3. Exports lie under a name of the run's own and are written whole; the row, the events and the notice of a run are one transaction.
//   G4. Pieces of the long part are named by content, so a run that was killed goes on where it stood.

import { StockroomError } from "../../../platform/errors.ts";
import { faultPoint } from "../../../platform/faults.ts";
import { appendEvent } from "../../../platform/database/outbox.ts";
import type { Actor } from "../../../platform/vault/contract.ts";
import type { RunContext, WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import { percent, rowsOf } from "../../../platform/figures.ts";
import { printFrequency } from "../../engine/calendar/frequency.ts";
import type { Panel } from "../../engine/contract.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import {
  beginRun,
  endRun,
  endUndone,
  findLatest,
  findRunOf,
  findTrained,
  getRun,
  isSuperseded,
  makeCurrent,
  setGroupState,
  trainIdOf,
  type InputRefs,
} from "../../store/runs.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import type { InputNote } from "../inputs/read.ts";
import type { InputKind } from "../inputs/schema.ts";
import { programOfRuns } from "../run/pieces.ts";
import { openRun, type ForecastRun } from "../run/run.ts";
import { globalPieceOf } from "../run/stages.ts";
import { refuseUnserved, unservedNote } from "../run/served.ts";
import type { ChunkStore, RunProgress } from "../run/contract.ts";
import { writeAggregated } from "./aggregated.ts";
import { exportBacktest, exportForecast, exportReport, type Exports } from "./exports.ts";
import { adjustBeforehand, layOver } from "../planning/adjusted.ts";
import { explainRunId, settingsAuthor, type ExplainInput } from "../planning/explain.ts";
import { monitorRunId, type MonitorRunInput } from "../planning/monitor.ts";
import { objectChunks, piecesPrefix, unpackPanel } from "./pieces.ts";
import { contentOf, findKeptFor, findKeptOf, keepRead, wordsOf } from "./kept.ts";
import { prepareJob } from "./prepare-job.ts";
import type { IntakeRecord } from "./taking.ts";
import { hashOf, recipeHash, runSettingsOf, type Recipe } from "./recipe.ts";
import { datasetKinds, findInputs, fileKinds } from "./files.ts";
import { findRecipes } from "./recipes.ts";
import { unnamedFile } from "./remark.ts";
import { removePieces } from "./cleanup.ts";

/** `request` is the version of the object that asked. */
export type GroupRunInput = { readonly group: string; readonly request: string };

export type GroupRunResult = {
  readonly outcome: "forecast" | "unchanged" | "superseded" | "waiting" | "failed" | "cancelled";
  /** The finished run; of `unchanged`, the one of the same content. */
  readonly run: string | null;
};

type Plan = {
  readonly kind: "run";
  readonly id: string;
  readonly content: string;
  readonly recipe: string;
  readonly settings: Recipe;
  readonly inputs: InputRefs;
  readonly reuses: string | null;
  /** The forecast that stood when other demand came. */
  readonly before: string | null;
  /** Kinds of files that are there and that the settings have no dataset for. */
  readonly unread: readonly Exclude<InputKind, "target">[];
};

type Prepared = {
  readonly panel: ObjectRef;
  readonly rejected: ObjectRef | null;
  readonly series: number;
  readonly points: number;
  readonly badRows: number;
  readonly reasons: readonly string[];
  readonly notes: readonly { readonly code: string; readonly message: string }[];
  /** Of files that were looked at; absent in what older programs wrote. */
  readonly intake?: readonly IntakeRecord[];
};

/** What a run starts beside itself. */
export interface GroupRunChildren {
  readonly monitor: WorkflowDefinition<MonitorRunInput>;
  readonly explain: WorkflowDefinition<ExplainInput>;
}

/** The long part: `plan` and `prepared` are what the run before it found. */
export type TrainInput = {
  readonly group: string;
  readonly runId: string;
  readonly request: string;
  readonly plan: Plan;
  readonly prepared: Prepared;
};

/**
 * Reads a group's files and, when they serve, has the long part done by a run of its own.
 *
 * The files are looked through in a queue of their own, so that what is wrong with them is told while others train.
 */
export function makeGroupRun(
  deps: ForecastDeps,
  { monitor, train }: Pick<GroupRunChildren, "monitor"> & { readonly train: WorkflowDefinition<TrainInput, GroupRunResult> },
): WorkflowDefinition<GroupRunInput, GroupRunResult> {
  return {
    name: "forecast.run",
    queue: "forecast.check",
    title: (input) => `forecast ${input.group}`,
    run: async (context, input) => {
      await context.sleep(deps.settings.settleMs);
      const plan = await context.step("plan", async () => await planRun(deps, context.runId, input));
      if (plan.kind !== "run") return { outcome: plan.kind, run: "run" in plan ? plan.run : null };
      const prepared = await context.step("prepare", async (signal) => await prepare(deps, context, plan, signal));
      // A newer request that came meanwhile reads the same files anew: this one would work for nothing.
      const late = await context.step("look-again", async () => await isSuperseded(deps.database, input.group, input.request));
      if (late) {
        await context.step("supersede", async () => {
          await endUndone(deps.database, context.runId, "superseded", timeOf(deps));
          return await removePieces(deps, context.runId, input.group, plan.content);
        });
        return { outcome: "superseded", run: null };
      }
      const sha256 = plan.inputs.target?.sha256;
      if (plan.before !== null && sha256 !== undefined) {
        const judged: MonitorRunInput = { group: input.group, before: plan.before, panel: prepared.panel, sha256 };
        await context.startChild(monitor, judged, { id: monitorRunId(judged) });
      }
      await context.step("checked", async () => {
        await setGroupState(
          deps.database,
          input.group,
          input.request,
          "queued",
          "its files are read and good; it waits for a place to train",
        );
        return null;
      });
      const id = await context.startChild(
        train,
        { group: input.group, runId: context.runId, request: input.request, plan, prepared },
        { id: trainIdOf(context.runId) },
      );
      const trained = await context.childResult<GroupRunResult>(id);
      // Its dead letter tells why, and is redriven by itself.
      return trained.kind === "done" ? trained.value : { outcome: trained.kind, run: plan.id };
    },
  };
}

/** The long part: backtests, models, forecasts, exports. */
export function makeTrain(
  deps: ForecastDeps,
  { explain }: Pick<GroupRunChildren, "explain">,
): WorkflowDefinition<TrainInput, GroupRunResult> {
  return {
    name: "forecast.train",
    queue: "forecast.heavy",
    title: ({ group }) => `train ${group}`,
    run: async (context, input) => {
      const { plan, prepared } = input;
      await context.step("begin", async () => {
        await setGroupState(deps.database, input.group, input.request, "running");
        return null;
      });
      const holder = makeHolder(deps, context, plan, prepared);
      await context.step("forecast", async (signal) => {
        const { run } = await holder.open(signal);
        await run.mix();
        await refuseUnserved(run.result(), (await run.model()).global !== undefined, signal);
        return null;
      });
      faultPoint("forecast.run.forecast");
      const where = { runId: context.runId, prefix: `${prefixes.exports}${input.group}/${plan.id}/` };
      const [forecast, backtest] = await Promise.all([
        context.step(
          "export-forecast",
          async (signal) => await exportForecast(deps, where, plan.settings, (await holder.open(signal)).run.result(), signal),
        ),
        context.step("export-backtest", async (signal) =>
          // A reused model was judged when it was trained; its backtests are this run's too.
          plan.reuses === null
            ? await exportBacktest(deps, where, (await holder.open(signal)).run.result(), signal)
            : await backtestOf(deps, plan.reuses),
        ),
      ]);
      faultPoint("forecast.run.exported");
      const adjusted = await context.step("adjust", async (signal): Promise<Exports> => {
        const system = forecast["forecast"];
        const run = { id: plan.id, group: input.group, content: plan.content };
        const ref = system === undefined ? undefined : await adjustBeforehand(deps, context.runId, run, system, signal);
        return ref === undefined ? {} : { adjusted: ref };
      });
      const aggregated = await context.step(
        "aggregate",
        async (signal) => await writeAggregated(deps, where, (await holder.open(signal)).run.result(), signal),
      );
      faultPoint("forecast.run.aggregated");
      const report = await context.step("report", async (signal) => {
        const result = (await holder.open(signal)).run.result();
        return await exportReport(
          deps,
          where,
          result,
          { group: input.group, run: plan.id, notes: prepared.notes, badRows: prepared.badRows, reuses: plan.reuses },
          signal,
        );
      });
      const exports: Exports = { ...forecast, ...adjusted, ...backtest, ...aggregated, ...report.exports };
      const isFirst = await context.step("publish", async () => await publish(deps, input, exports, report.summary));
      faultPoint("forecast.run.published");
      // What planners said between the export and its publishing was laid over the run before; now this one stands.
      const laid = await context.step("adjust-again", async (signal) => {
        const latest = await findLatest(deps.database, input.group);
        return latest === undefined ? null : (await layOver(deps, context.runId, latest, signal)).run;
      });
      if (laid !== null && plan.settings.explain) {
        const asked: ExplainInput = { run: laid, item: null, author: settingsAuthor };
        await context.startChild(explain, asked, { id: explainRunId(asked) });
      }
      await context.step("clean", async () => await removePieces(deps, context.runId, plan.settings.name, plan.content));
      return { outcome: isFirst ? "forecast" : "unchanged", run: plan.id };
    },
  };
}

type Planned = Plan | { readonly kind: "superseded" | "waiting" } | { readonly kind: "unchanged"; readonly run: string };

async function planRun(deps: ForecastDeps, runId: string, input: GroupRunInput): Promise<Planned> {
  const { database } = deps;
  if (await isSuperseded(database, input.group, input.request)) return { kind: "superseded" };
  const wait = async (why: string): Promise<Planned> => {
    await setGroupState(database, input.group, input.request, "waiting", why);
    return { kind: "waiting" };
  };
  const recipes = await findRecipes(deps, runId);
  if (recipes.kind === "none") return await wait(recipes.why);
  const settings = recipes.of(input.group);
  const { inputs, unread } = await findInputs(deps, settings);
  const missing = settings.required.filter((kind) => inputs[kind] === undefined);
  if (missing.length > 0) return await wait(`waits for ${missing.map((kind) => usualKey(settings.filesOf, kind)).join(" and ")}`);
  const ofSettings = recipeHash(programOfRuns, settings);
  // Events are columns of the models, as those in the settings are: other events need other models.
  const recipe = inputs.events === undefined ? ofSettings : hashOf({ recipe: ofSettings, events: inputs.events.sha256 });
  const mappings = await mappingsOf(deps, settings, inputs);
  const files = datasetKinds.map((kind) => inputs[kind]?.sha256 ?? null);
  const content = hashOf(mappings.every((each) => each === null) ? { recipe, files } : { recipe, files, mappings });
  const same = await findRunOf(database, input.group, content);
  if (same !== undefined) {
    await makeCurrent(database, same.id, timeOf(deps));
    await setGroupState(database, input.group, input.request, "idle");
    return { kind: "unchanged", run: same.id };
  }
  const now = deps.clock.now();
  const trained = await findTrained(database, input.group, recipe, new Date(now - settings.maxAgeSeconds * 1_000).toISOString());
  const before = await findLatest(database, input.group);
  const isNewDemand = before !== undefined && before.inputs.target?.sha256 !== inputs.target?.sha256;
  const at = timeOf(deps);
  const id = `${at.slice(0, 19).replaceAll(/[-:]/g, "")}Z-${content.slice(0, 8)}`;
  const begun = await beginRun(database, {
    id,
    group: input.group,
    runId,
    request: input.request,
    content,
    recipe,
    inputs,
    settings: { ...settings },
    reuses: trained?.id,
    startedAt: at,
  });
  faultPoint("forecast.run.planned");
  return {
    kind: "run",
    id: begun,
    content,
    recipe,
    settings,
    inputs,
    reuses: trained?.id ?? null,
    before: isNewDemand ? before.id : null,
    unread,
  };
}

/** What of the mappings that are kept for these files makes another forecast; none where the settings say how they are read. */
async function mappingsOf(deps: ForecastDeps, { intake }: Recipe, inputs: InputRefs): Promise<readonly (string | null)[]> {
  return await Promise.all(
    datasetKinds.map(async (kind) => {
      const ref = inputs[kind];
      if (ref === undefined || intake !== undefined) return null;
      const entry = await deps.objects.head(ref.key, ref.version);
      return entry === undefined ? null : contentOf(await findKeptFor(deps.database, entry), ref.sha256);
    }),
  );
}

/** Under which key a file of a group is usually put. */
const usualKey = (group: string, kind: InputKind): string => `${prefixes.train}${group}${kind === "target" ? "" : `.${kind}`}.csv`;

const piecesOf = (plan: Pick<Plan, "content">, group: string): string => piecesPrefix(group, plan.content);

async function prepare(deps: ForecastDeps, context: RunContext, plan: Plan, signal: AbortSignal): Promise<Prepared> {
  const actor = actAs("forecast", context.runId);
  const group = plan.settings.name;
  const handles = await Promise.all(
    fileKinds.map(async (kind) => {
      const ref = plan.inputs[kind];
      return [kind, ref === undefined ? undefined : await deps.objects.readHandle(actor, ref.key, ref.version)] as const;
    }),
  );
  const present = Object.fromEntries(handles.filter(([, handle]) => handle !== undefined));
  const known = await findKeptOf(
    deps.database,
    Object.fromEntries(handles.flatMap(([kind, handle]) => (handle === undefined || kind === "events" ? [] : [[kind, handle.entry]]))),
  );
  const rejected = await deps.objects.writeHandle(actor, `${prefixes.rejected}${group}/${plan.id}.jsonl`);
  const result = await deps.checks.run(
    prepareJob,
    {
      files: present,
      recipe: plan.settings,
      ...wordsOf(known),
      panel: await deps.objects.writeHandle(actor, `${piecesOf(plan, group)}panel`),
      rejected,
    },
    { signal, onProgress: (done, total, note) => context.progress(done, total, note) },
  );
  if (result.rejected === undefined) await deps.objects.discard([rejected]);
  const about = { runId: context.runId, group };
  if (result.kind !== "refused") {
    for (const { code, message } of result.notes.slice(0, 50)) deps.log.info(message, { ...about, code });
    deps.log.info("read the files", { ...about, series: result.series, points: result.points });
  }
  if (result.kind === "refused") {
    if (result.rejected !== undefined) await deps.objects.commit(actor, [result.rejected], { announce: false });
    const where = result.rejected === undefined ? "" : ` The rows lie in ${rejected.key}.`;
    throw new StockroomError("input", result.code, `${result.message}${where}`, { facts: { ...result.facts } });
  }
  const staged = [result.panel, ...(result.rejected === undefined ? [] : [result.rejected])];
  const badRows = result.bad.reduce((sum, file) => sum + file.count, 0);
  const reasons = result.bad.flatMap((file) => file.reasons.map((reason) => `${file.file}, ${reason}`)).slice(0, 3);
  const entries = await deps.objects.commit(actor, staged, {
    announce: false,
    alongside: async (tx) => {
      for (const record of result.intake) {
        const entry = present[record.kind]?.entry;
        if (entry !== undefined) await keepRead(tx, entry, record, known[record.kind], timeOf(deps));
      }
      if (badRows === 0) return;
      await deps.postNotice(tx, {
        topic: "forecast",
        id: `forecast.bad-rows/${plan.id}`,
        severity: "warning",
        title: `${rowsOf(badRows, group)} set apart`,
        body: `${badRows} rows could not be used; the others went on. The first reasons: ${reasons.join("; ")}. The rows lie in ${rejected.key}.`,
        facts: { group, run: plan.id, badRows },
      });
    },
  });
  const refOf = (key: string): ObjectRef | null => {
    const entry = entries.find((one) => one.key === key);
    return entry === undefined ? null : { key: entry.key, version: entry.version };
  };
  const panel = refOf(result.panel.handle.key);
  if (panel === null)
    throw new StockroomError("fault", "FORECAST_PANEL_UNSTORED", `Expected the panel of ${group} to be stored but it is not.`);
  return {
    panel,
    rejected: refOf(rejected.key),
    series: result.series,
    points: result.points,
    badRows,
    reasons,
    intake: result.intake,
    notes: [
      ...result.notes.map(plainNote),
      ...plan.unread.map((kind) => ({
        code: "FORECAST_FILE_UNREAD",
        message: `There is a ${kind} file of ${plan.settings.filesOf} but ${unnamedFile(plan.settings.filesOf, kind)}.`,
      })),
    ],
  };
}

const plainNote = ({ code, message }: InputNote): { readonly code: string; readonly message: string } => ({ code, message });

interface Held {
  readonly run: ForecastRun;
  readonly panel: Panel;
}

/** What is decided for the user and makes the forecast worth a second look. */
const doubtful: ReadonlySet<string> = new Set([
  "INPUT_RELATED_SHORT",
  "INPUT_RELATED_FAR",
  "INPUT_RELATED_DIMENSION",
  "INPUT_OUTSIDE",
  "INPUT_ENDED_EARLY",
  "INPUT_MOSTLY_FILLED",
  "INPUT_SLOWER_SERIES",
  "INPUT_LATEST_UNKNOWN",
  "INPUT_ALL_ZERO",
  "INPUT_LEVEL_SHIFT",
  "INPUT_EVENTS_ELSEWHERE",
  "INPUT_EVENT_AHEAD_MISSING",
  "FORECAST_FILE_UNREAD",
  "INTAKE_PROPOSED",
  "INTAKE_SHAPE_CHANGED",
  "INTAKE_LEFT_OUT",
]);

const warningsOf = ({ notes }: Pick<Prepared, "notes">): readonly string[] =>
  notes.filter(({ code }) => doubtful.has(code)).map(({ message }) => message);

/** How files that were looked at were read: by file, with the settings that do it again; nothing where all had the domain's own columns. */
const understoodIn = ({ intake = [] }: Pick<Prepared, "intake">): Readonly<Record<string, unknown>> =>
  intake.length === 0
    ? {}
    : {
        understood: intake.map(({ kind, file, by, lines, changes, intake: block }) => ({
          kind,
          file,
          by,
          lines,
          changes: changes.map(({ text }) => text),
          intake: block,
        })),
      };

/** The panel and the run of a process, opened when a step first needs them: large, so they are read once, and never cross a step. */
function makeHolder(deps: ForecastDeps, context: RunContext, plan: Plan, prepared: Prepared): { open(signal: AbortSignal): Promise<Held> } {
  let held: Promise<Held> | undefined;
  const stages = new Set<string>();
  return {
    open: async (signal) => {
      held ??= (async () => {
        const actor = actAs("forecast", context.runId);
        // A run that was cancelled and goes on after all finds its panel taken away, and makes it again.
        const known = await deps.objects.head(prepared.panel.key, prepared.panel.version);
        const { key, version } = known === undefined ? (await prepare(deps, context, plan, signal)).panel : prepared.panel;
        const { body } = await deps.objects.get(actor, key, { version, signal });
        const panel = await unpackPanel(body);
        const chunks = objectChunks(deps.objects, actor, piecesOf(plan, plan.settings.name));
        const run = await openRun(panel, runSettingsOf(plan.settings, plan.reuses !== null), {
          compute: deps.compute,
          chunks,
          signal: context.signal,
          onProgress: ({ stage, done, total }: RunProgress) => {
            context.progress(done, total, stage);
            if (stages.has(stage)) return;
            stages.add(stage);
            deps.log.info("a stage has begun", { runId: context.runId, stage, of: total });
          },
        });
        if (plan.reuses !== null) await reuseModel(deps, actor, plan, run, chunks);
        return { panel, run };
      })();
      held.catch(() => (held = undefined));
      return await held;
    },
  };
}

/** The backtests of the run that trained the models. */
async function backtestOf(deps: ForecastDeps, trained: string): Promise<Exports> {
  const { exports } = await getRun(deps.database, trained);
  return Object.fromEntries(Object.entries(exports).filter(([name]) => name.startsWith("backtest/") || name === "accuracy"));
}

/** Puts the model of the run that is reused where this run looks for its own. */
async function reuseModel(deps: ForecastDeps, actor: Actor, plan: Plan, run: ForecastRun, chunks: ChunkStore): Promise<void> {
  if (plan.reuses === null || (await chunks.has(run.globalPiece))) return;
  const trained = await getRun(deps.database, plan.reuses);
  const from = objectChunks(deps.objects, actor, piecesOf(trained, trained.group));
  const key = trained.summary?.["runKey"];
  const piece = typeof key === "string" ? globalPieceOf(key) : "";
  // A group of few series has no global model; then each series is all there is to learn from.
  if (await from.has(piece)) await chunks.put(run.globalPiece, await from.get(piece));
}

async function publish(
  deps: ForecastDeps,
  { group, runId, request, plan, prepared }: TrainInput,
  exports: Exports,
  summary: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const at = timeOf(deps);
  return await deps.database.transaction(async (tx) => {
    await setGroupState(tx, group, request, "idle");
    const silent = typeof summary["silent"] === "number" ? summary["silent"] : 0;
    const unserved = unservedNote(prepared.series, silent, plan.settings.models);
    // Steps that an older program finished have none.
    const { doubts = [], ...measured } = summary as typeof summary & { readonly doubts?: readonly string[] };
    const warnings = [...warningsOf(prepared), ...(unserved === undefined ? [] : [unserved]), ...doubts];
    const facts = { ...measured, badRows: prepared.badRows, points: prepared.points, warnings, ...understoodIn(prepared) };
    const isFirst = await endRun(tx, plan.id, { summary: facts, exports, at });
    deps.log.info(isFirst ? "the forecast stands" : "another run of the same content was quicker", { runId, group, run: plan.id });
    // Another of the same content was quicker.
    if (!isFirst) await endUndone(tx, runId, "superseded", at);
    if (!isFirst) return false;
    const data = { group, run: plan.id };
    const exported = exports["adjusted"] ?? exports["forecast"];
    await appendEvent(tx, { kind: "forecast.done", subject: group, data, dedupe: `forecast.done/${plan.id}` });
    if (exported !== undefined) {
      await appendEvent(tx, {
        kind: "forecast.exported",
        subject: group,
        data: { ...data, key: exported.key, version: exported.version },
        dedupe: `forecast.exported/${plan.id}`,
      });
    }
    const wape = summary["wape"];
    const wql = summary["averageWql"];
    const naive = summary["seasonalNaiveWape"];
    const beside = typeof naive === "number" ? ` (repeating the last season: ${percent(naive)})` : "";
    const figures =
      typeof wape === "number" && typeof wql === "number"
        ? `In the backtests WAPE was ${percent(wape)}${beside} and the average weighted quantile loss ${wql.toFixed(4)}.`
        : "There was no backtest.";
    await deps.postNotice(tx, {
      topic: "forecast",
      id: `forecast.done/${plan.id}`,
      severity: warnings.length > 0 ? "warning" : "info",
      title: `The forecast of ${group} is ready`,
      body: `${prepared.series - silent} series were forecast ${plan.settings.horizon} steps (${printFrequency(plan.settings.frequency)}) ahead${plan.reuses === null ? "" : `, with the models of ${plan.reuses}`}. ${figures} The exports lie under ${prefixes.exports}${group}/${plan.id}/; ${deps.link(`/forecast/${encodeURIComponent(group)}`)} shows them.${warnings.map((warning) => `\n\nWarning: ${warning}`).join("")}`,
      facts: {
        group,
        run: plan.id,
        series: prepared.series,
        warnings: warnings.length,
        wape: typeof wape === "number" ? wape : null,
        averageWql: typeof wql === "number" ? wql : null,
        seasonalNaiveWape: typeof naive === "number" ? naive : null,
      },
    });
    return true;
  });
}
