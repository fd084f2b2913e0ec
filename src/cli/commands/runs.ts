// runs: what the app does and did.

import { setTimeout as pause } from "node:timers/promises";
import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readChoice, readInstant, readWhole, watchFlag } from "../../platform/command/flags.ts";
import { printable } from "../../platform/command/output.ts";
import { instantText } from "../../platform/figures.ts";
import { actOn } from "../../platform/workflow/acts.ts";
import type { RunDetail, RunState } from "../../platform/workflow/contract.ts";
import type { Answer, Routes } from "../../client/routes.ts";
import { takeRows } from "../../platform/web/remote.ts";
import { wordAtShell, type Tools } from "../tools.ts";
import { idArg, pageOf, reasonArg } from "./list-args.ts";
import { logLineText, runLogLevels } from "./log-lines.ts";

const runStates = ["queued", "running", "retrying", "done", "failed", "cancelled", "dead"] as const satisfies readonly RunState[];
const underWay: ReadonlySet<RunState> = new Set(["queued", "running", "retrying"]);

type AnyRun = RunDetail | Answer<Routes["GET /api/runs/:id"]>;

const progressText = ({ progress }: { readonly progress?: AnyRun["progress"] }): string =>
  progress === undefined ? "" : `${progress.total > 0 ? `${Math.floor((100 * progress.done) / progress.total)}% ` : ""}${progress.note}`;

const runsListArgs = {
  state: { type: "string", description: `One of ${runStates.join(", ")}`, valueHint: "state" },
  workflow: { type: "string", description: "Only this workflow", valueHint: "name" },
  since: { type: "string", description: "Only those that began at or after it", valueHint: "day or instant" },
  until: { type: "string", description: "Only those that began before it", valueHint: "day or instant" },
  limit: limitFlag,
  json: jsonFlag,
  watch: watchFlag,
} as const;

const runsList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "Runs, newest first" },
    args: runsListArgs,
    run: async ({ args }) => {
      const state = args.state === undefined ? undefined : readChoice("--state", args.state, runStates);
      const limit = readWhole("--limit", args.limit, 1, 100_000);
      const since = args.since === undefined ? undefined : readInstant("--since", args.since);
      const until = args.until === undefined ? undefined : readInstant("--until", args.until);
      const query = { state, workflow: args.workflow, since, until };
      const runs = await tools.ask(
        async ({ workflows }) => await workflows.list({ ...query, limit }),
        async (server) =>
          await takeRows(server.pages("GET /api/runs", { query: { ...query, limit: pageOf(limit) } }), (page) => page.runs, limit),
      );
      tools.print.table(runs, {
        json: args.json,
        empty: "no runs",
        columns: {
          state: (run) => run.state,
          what: (run) => run.title,
          tries: (run) => run.tries,
          updated: (run) => ({ at: run.updatedAt }),
          id: (run) => run.id,
          note: (run) => (run.error === undefined ? progressText(run) : run.error.code),
        },
      });
    },
  });

function printRun({ print }: Tools, run: AnyRun): void {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["run", run.id],
    ["what", run.title],
    ["workflow", `${run.workflow} (queue ${run.queue})`],
    ["state", run.state],
    ["tries", `${run.tries}, process deaths ${run.crashes}`],
    ["by", run.executor],
    ["parent", run.parent],
    ["created", instantText(run.createdAt)],
    ["updated", instantText(run.updatedAt)],
    ["progress", progressText(run) || undefined],
    ["input", JSON.stringify(run.input)],
    ["output", run.output === undefined ? undefined : JSON.stringify(run.output)],
    ["error", run.error === undefined ? undefined : `${run.error.code}: ${run.error.message}`],
  ];
  for (const [name, value] of facts) if (value !== undefined) print.line(`${name.padEnd(9)} ${printable(value)}`);
  if (run.steps.length === 0) return;
  print.line("");
  print.table(run.steps, {
    json: false,
    empty: "",
    columns: {
      step: (step) => step.name,
      began: (step) => ({ at: step.startedAt }),
      ended: (step) => ({ at: step.endedAt }),
      error: (step) => step.error ?? "",
    },
  });
}

/** How often a run that is followed is looked at. */
const followMs = 500;

const runsLogs = (tools: Tools) =>
  defineCommand({
    meta: { name: "logs", description: "What was logged while a run was worked at, the oldest line first" },
    args: {
      ...idArg("The run's id"),
      step: { type: "string", description: "Only lines of this step", valueHint: "step" },
      level: { type: "string", description: `${runLogLevels.join(", ")}: that and worse`, default: "info", valueHint: "level" },
      follow: { type: "boolean", alias: "f", description: "Go on with new lines until the run has ended", default: false },
      json: { type: "boolean", description: "Print each line as JSON", default: false },
    },
    run: async ({ args }) => {
      const { print, signal } = tools;
      const query = { step: args.step, level: readChoice("--level", args.level, runLogLevels), limit: 1_000 };
      let after = 0;
      for (;;) {
        // Its state first: the lines of a run are there when it has ended.
        const { state, error } = await tools.ask(
          async ({ workflows }) => await workflows.show(args.id),
          async (server) => await server.call("GET /api/runs/:id", { params: { id: args.id } }),
        );
        for (;;) {
          const from = after;
          const lines = await tools.ask(
            async ({ workflows }) => await workflows.logs(args.id, { ...query, after: from }),
            async (server) =>
              (await server.call("GET /api/runs/:id/logs", { params: { id: args.id }, query: { ...query, after: from } })).lines,
          );
          for (const line of lines) print.line(args.json ? JSON.stringify(line) : logLineText(line));
          after = lines.at(-1)?.id ?? after;
          if (lines.length < query.limit) break;
        }
        if (!args.follow || !underWay.has(state)) {
          if (args.follow) print.say(`it is ${state}${error === undefined ? "" : `: ${error.code ?? error.kind}`}`);
          else if (after === 0) print.say("no lines");
          return;
        }
        await pause(followMs, undefined, { signal });
      }
    },
  });

export const runsCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "runs", description: "Runs of the workflows: list, show, logs, cancel, retry, rerun" },
    args: runsListArgs,
    run: (context) => runsList(tools).run?.(context),
    subCommands: {
      list: runsList(tools),
      show: defineCommand({
        meta: { name: "show", description: "One run with its steps" },
        args: { ...idArg("The run's id"), json: jsonFlag, watch: watchFlag },
        run: async ({ args }) => {
          const run = await tools.ask(
            async ({ workflows }) => await workflows.show(args.id),
            async (server) => await server.call("GET /api/runs/:id", { params: { id: args.id } }),
          );
          if (args.json) tools.print.json(run);
          else printRun(tools, run);
        },
      }),
      logs: runsLogs(tools),
      cancel: defineCommand({
        meta: { name: "cancel", description: "Stop a run at its next step; what is done stays done" },
        args: { ...idArg("The run's id"), ...reasonArg },
        run: async ({ args }) => {
          await tools.ask(
            async (app) => await actOn(app, "cancel", args.id, wordAtShell(args)),
            async (server) => await server.call("POST /api/runs/:id/cancel", { params: { id: args.id }, body: { reason: args.reason } }),
          );
          tools.print.line(`cancelled: ${args.id}`);
        },
      }),
      retry: defineCommand({
        meta: { name: "retry", description: "Start a failed, cancelled or dead run again from the step where it stopped" },
        args: { ...idArg("The run's id"), ...reasonArg },
        run: async ({ args }) => {
          await tools.ask(
            async (app) => await actOn(app, "retry", args.id, wordAtShell(args)),
            async (server) => await server.call("POST /api/runs/:id/retry", { params: { id: args.id }, body: { reason: args.reason } }),
          );
          tools.print.line(`queued again: ${args.id}`);
        },
      }),
      rerun: defineCommand({
        meta: { name: "rerun", description: "Do again what a run that is done did, as a new run: train, code, look into a file, fetch" },
        args: { ...idArg("The run's id"), ...reasonArg },
        run: async ({ args }) => {
          const run = await tools.ask(
            async (app) => await actOn(app, "rerun", args.id, wordAtShell(args)),
            async (server) =>
              (await server.call("POST /api/runs/:id/rerun", { params: { id: args.id }, body: { reason: args.reason } })).id,
          );
          tools.print.line(`started: ${run}`);
        },
      }),
    },
  });
