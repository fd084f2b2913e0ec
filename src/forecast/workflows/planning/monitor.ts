// Monitor: each import of a group's demand is judged against the forecast made before it, once.
//
//   O1. One judgement is one (forecast, demand file): its run's id and its row's id are made of both, so the same data are never told of twice.
//   O2. The row, its event and, past a bound, its notice are one transaction with the sealed tables.
//   O3. Whose forecast was better (seasonal naive, system, planner) is reckoned in the same walk, over what was laid over the forecast when it was used.

import { createHash } from "node:crypto";
import { faultPoint } from "../../../platform/faults.ts";
import { appendEvent } from "../../../platform/database/outbox.ts";
import type { WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import { findAdjusted, readAdjustments } from "../../store/adjustments.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import { findAnswer, insertAnswer, type Answer } from "../../store/answers.ts";
import { getRun, type ForecastRunRow } from "../../store/runs.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import { numberedOf } from "./adjusted.ts";
import { monitorJob } from "./monitor-job.ts";

/** `before` is the forecast, `panel` the data that came, `sha256` that of the demand file it is from. */
export type MonitorRunInput = { readonly group: string; readonly before: string; readonly panel: ObjectRef; readonly sha256: string };

export type MonitorRunResult = {
  /** `nothing`: nothing of what was forecast has come. */
  readonly outcome: "judged" | "known" | "nothing";
  readonly id: string;
  readonly verdict: string | null;
};

const idOf = (input: Pick<MonitorRunInput, "before" | "sha256">): string =>
  createHash("sha256").update(`monitor\n${input.before}\n${input.sha256}`).digest("hex").slice(0, 12);

/** The id of the durable run (O1). */
export const monitorRunId = (input: Pick<MonitorRunInput, "group" | "before" | "sha256">): string =>
  `forecast.monitor/${input.group}/${idOf(input)}`;

export function makeMonitor(deps: ForecastDeps): WorkflowDefinition<MonitorRunInput, MonitorRunResult> {
  return {
    name: "forecast.monitor",
    queue: "forecast.plan",
    title: (input) => `compare what came of ${input.group} with forecast ${input.before}`,
    run: async (context, input) => await context.step("compare", async (signal) => await compare(deps, context.runId, input, signal)),
  };
}

async function compare(deps: ForecastDeps, runId: string, input: MonitorRunInput, signal: AbortSignal): Promise<MonitorRunResult> {
  const id = idOf(input);
  const known = await findAnswer(deps.database, id);
  if (known !== undefined) return { outcome: "known", id, verdict: known.kind === "monitor" ? known.summary.verdict : null };
  const run = await getRun(deps.database, input.before);
  const actor = actAs("plan", runId);
  const { forecast, accuracy } = run.exports;
  if (forecast === undefined) return { outcome: "nothing", id, verdict: null };
  const applied = await findAdjusted(deps.database, run.id);
  const adjustments = await readAdjustments(deps.database, applied?.adjustments ?? []);
  const numbered = numberedOf(adjustments);
  const prefix = `${prefixes.exports}${run.group}/${run.id}/monitor/${id}/`;
  const handles = {
    items: await deps.objects.writeHandle(actor, `${prefix}items.csv`),
    value: await deps.objects.writeHandle(actor, `${prefix}value-added.csv`),
    cells: await deps.objects.writeHandle(actor, `${prefix}adjusted-cells.csv`),
  };
  const { staged, summary: judged } = await deps.compute.run(
    monitorJob,
    {
      forecast: await deps.objects.readHandle(actor, forecast.key, forecast.version),
      accuracy: accuracy === undefined ? undefined : await deps.objects.readHandle(actor, accuracy.key, accuracy.version),
      backtestWql: await backtestWqlOf(deps, run),
      panel: await deps.objects.readHandle(actor, input.panel.key, input.panel.version),
      adjustments: numbered.map((each, at) => ({
        ...each,
        author: adjustments[at]?.author ?? "",
        reason: adjustments[at]?.reason ?? "",
      })),
      ...handles,
    },
    { signal },
  );
  if (judged.points === 0) {
    await deps.objects.discard(Object.values(handles));
    return { outcome: "nothing", id, verdict: null };
  }
  await deps.objects.commit(actor, staged, {
    contentType: "text/csv",
    announce: false,
    signal,
    alongside: async (tx, entries) => {
      const row: Answer = {
        id,
        kind: "monitor",
        group: run.group,
        run: run.id,
        title: `${judged.from} to ${judged.to}`,
        author: "system",
        asked: { sha256: input.sha256, adjustments: applied?.adjustments ?? [] },
        summary: judged,
        exports: Object.fromEntries(
          entries.map((entry) => [entry.key.slice(prefix.length, -".csv".length), { key: entry.key, version: entry.version }]),
        ),
        at: timeOf(deps),
      };
      if (!(await insertAnswer(tx, row))) return;
      await appendEvent(tx, {
        kind: "forecast.monitored",
        subject: run.group,
        data: { group: run.group, run: run.id, monitor: id, verdict: judged.verdict },
        dedupe: `forecast.monitored/${id}`,
      });
      // The whole is judged with shocks that all items share allowed for; items that stand out by themselves are worth a word of their own.
      const isAlarm = judged.verdict === "alarm";
      if (!isAlarm && judged.alarms === 0) return;
      await deps.postNotice(tx, {
        topic: "forecast",
        id: `forecast.monitor/${id}`,
        severity: isAlarm ? "alarm" : "warning",
        title: isAlarm
          ? `What came of ${run.group} is not what was forecast`
          : `${judged.alarms} of ${judged.series} series of ${run.group} are not what was forecast`,
        body: `${judged.reason} ${judged.points} points of ${judged.series} series from ${judged.from} to ${judged.to} were compared with forecast ${run.id}. The table by series: ${prefix}items.csv (\`stockroom forecast monitor ${run.group}\`).`,
        facts: {
          group: run.group,
          run: run.id,
          monitor: id,
          points: judged.points,
          wape: judged.wape,
          averageWql: judged.averageWql,
          ratio: judged.ratio,
          ratioBound: judged.ratioBound,
          alarms: judged.alarms,
        },
      });
    },
  });
  faultPoint("forecast.monitor.kept");
  return { outcome: "judged", id, verdict: judged.verdict };
}

/** Average wQL of the backtest windows of the run that trained the models. */
async function backtestWqlOf(deps: Pick<ForecastDeps, "database">, run: ForecastRunRow): Promise<readonly number[]> {
  const trained = run.reuses === undefined ? run : await getRun(deps.database, run.reuses);
  const windows = trained.summary?.["windowWql"];
  return Array.isArray(windows) ? windows.filter((value): value is number => typeof value === "number") : [];
}
