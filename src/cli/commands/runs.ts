// runs, dead, events, notices, schedule: what the app does, did and could not do.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readChoice, readWhole } from "../../platform/command/flags.ts";
import { printable } from "../../platform/command/output.ts";
import { instantText } from "../../platform/figures.ts";
import { isStockroomError, StockroomError } from "../../platform/errors.ts";
import type { DeadLetter, RunDetail, RunRow, RunState } from "../../platform/workflow/contract.ts";
import type { Tools } from "../tools.ts";

const runStates = ["queued", "running", "retrying", "done", "failed", "cancelled", "dead"] as const satisfies readonly RunState[];
const letterStates = ["waiting", "redriven", "dropped"] as const satisfies readonly DeadLetter["state"][];

const progressText = ({ progress }: RunRow): string =>
  progress === undefined ? "" : `${progress.total > 0 ? `${Math.floor((100 * progress.done) / progress.total)}% ` : ""}${progress.note}`;

const idArg = (description: string) => ({ id: { type: "positional", required: true, description } }) as const;

const runsListArgs = {
  state: { type: "string", description: `One of ${runStates.join(", ")}`, valueHint: "state" },
  workflow: { type: "string", description: "Only this workflow", valueHint: "name" },
  limit: limitFlag,
  json: jsonFlag,
} as const;

const runsList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "Runs, newest first" },
    args: runsListArgs,
    run: async ({ args }) => {
      const state = args.state === undefined ? undefined : readChoice("--state", args.state, runStates);
      const limit = readWhole("--limit", args.limit, 1, 100_000);
      const { workflows } = await tools.open();
      tools.print.table(await workflows.list({ state, workflow: args.workflow, limit }), {
        json: args.json,
        empty: "no runs",
        columns: {
          state: (run) => run.state,
          what: (run) => run.title,
          tries: (run) => run.tries,
          updated: (run) => instantText(run.updatedAt),
          id: (run) => run.id,
          note: (run) => (run.error === undefined ? progressText(run) : run.error.code),
        },
      });
    },
  });

function printRun({ print }: Tools, run: RunDetail): void {
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
      began: (step) => instantText(step.startedAt),
      ended: (step) => instantText(step.endedAt),
      error: (step) => step.error ?? "",
    },
  });
}

export const runsCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "runs", description: "Runs of the workflows: list, show, cancel, retry" },
    args: runsListArgs,
    run: runsList(tools).run,
    subCommands: {
      list: runsList(tools),
      show: defineCommand({
        meta: { name: "show", description: "One run with its steps" },
        args: { ...idArg("The run's id"), json: jsonFlag },
        run: async ({ args }) => {
          const { workflows } = await tools.open();
          const run = await workflows.show(args.id);
          if (args.json) tools.print.json(run);
          else printRun(tools, run);
        },
      }),
      cancel: defineCommand({
        meta: { name: "cancel", description: "Stop a run at its next step; what is done stays done" },
        args: idArg("The run's id"),
        run: async ({ args }) => {
          const { workflows } = await tools.open();
          await workflows.cancel(args.id);
          tools.print.line(`cancelled: ${args.id}`);
        },
      }),
      retry: defineCommand({
        meta: { name: "retry", description: "Start a failed, cancelled or dead run again from the step where it stopped" },
        args: idArg("The run's id"),
        run: async ({ args }) => {
          const { workflows } = await tools.open();
          await workflows.retry(args.id);
          tools.print.line(`queued again: ${args.id}`);
        },
      }),
    },
  });

const deadListArgs = {
  state: { type: "string", description: `One of ${letterStates.join(", ")}, or all`, default: "waiting", valueHint: "state" },
  limit: limitFlag,
  json: jsonFlag,
} as const;

const deadList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "What could not be done and waits for a person" },
    args: deadListArgs,
    run: async ({ args }) => {
      const state = args.state === "all" ? undefined : readChoice("--state", args.state, letterStates);
      const limit = readWhole("--limit", args.limit, 1, 100_000);
      const { workflows } = await tools.open();
      tools.print.table(await workflows.deadLetters({ state, limit }), {
        json: args.json,
        empty: "no dead letters",
        columns: {
          id: (letter) => letter.id,
          state: (letter) => letter.state,
          what: (letter) => letter.title,
          code: (letter) => letter.error.code,
          at: (letter) => instantText(letter.at),
          why: (letter) => letter.error.message,
        },
      });
    },
  });

export const deadCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "dead", description: "Dead letters: list, show, redrive, drop" },
    args: deadListArgs,
    run: deadList(tools).run,
    subCommands: {
      list: deadList(tools),
      show: defineCommand({
        meta: { name: "show", description: "One dead letter: what it was, why it failed, what to do" },
        args: { ...idArg("The letter's id"), json: jsonFlag },
        run: async ({ args }) => {
          const { workflows } = await tools.open();
          const letter = await workflows.deadLetter(args.id);
          if (args.json) {
            tools.print.json(letter);
            return;
          }
          const { error } = letter;
          const facts = Object.entries(error.facts).map(([name, value]) => `${name}=${String(value)}`);
          for (const [name, value] of [
            ["letter", `${letter.id} (${letter.state})`],
            ["what", letter.title],
            ["why", error.message],
            ["code", [error.code, ...facts].join("  ")],
            ["tries", `${letter.tries}, process deaths ${letter.crashes}`],
            ["at", instantText(letter.at)],
            ["run", letter.runId],
          ] as const) {
            tools.print.line(`${name.padEnd(7)} ${printable(value)}`);
          }
          if (letter.state === "waiting") tools.print.say(`When the cause is mended: stockroom dead redrive ${letter.id}`);
        },
      }),
      redrive: defineCommand({
        meta: { name: "redrive", description: "Do it again, from the step where it failed" },
        args: {
          id: { type: "positional", required: false, description: "The letter's id" },
          all: { type: "boolean", description: "Every waiting letter" },
        },
        run: async ({ args }) => {
          if ((args.id === undefined) === !args.all) {
            throw new StockroomError("input", "USAGE", "Expected either a letter's ID or --all. See: stockroom dead redrive --help");
          }
          const { workflows } = await tools.open();
          const ids = args.all ? (await workflows.deadLetters({ state: "waiting", limit: 100_000 })).map(({ id }) => id) : [args.id ?? ""];
          for (const id of ids) {
            tools.signal.throwIfAborted();
            tools.print.line(`redriven: ${id} as run ${await workflows.redrive(id)}`);
          }
          if (ids.length === 0) tools.print.say("no dead letters wait");
        },
      }),
      drop: defineCommand({
        meta: { name: "drop", description: "Let it rest: the letter is kept but waits no more" },
        args: idArg("The letter's id"),
        run: async ({ args }) => {
          const { workflows } = await tools.open();
          await workflows.drop(args.id);
          tools.print.line(`dropped: ${args.id}`);
        },
      }),
    },
  });

const eventsListArgs = {
  kind: { type: "string", description: "Only this kind, e.g. object.stored", valueHint: "kind" },
  prefix: { type: "string", description: "Only subjects that begin so", valueHint: "text" },
  limit: limitFlag,
  json: jsonFlag,
} as const;

const eventsList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "Events of the outbox, newest first" },
    args: eventsListArgs,
    run: async ({ args }) => {
      const limit = readWhole("--limit", args.limit, 1, 100_000);
      const { events } = await tools.open();
      tools.print.table(await events.list({ kind: args.kind, prefix: args.prefix, limit }), {
        json: args.json,
        empty: "no events",
        columns: {
          id: (event) => event.id,
          at: (event) => instantText(event.at),
          kind: (event) => event.kind,
          subject: (event) => event.subject,
          relayed: (event) => instantText(event.relayedAt),
        },
      });
    },
  });

export const eventsCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "events", description: "Events of the outbox, and who is to hear of them: list, subscriptions, forget" },
    args: eventsListArgs,
    run: eventsList(tools).run,
    subCommands: {
      list: eventsList(tools),
      subscriptions: defineCommand({
        meta: {
          name: "subscriptions",
          description: "Who is told of which events, whether a process serves it, and how many events wait for it",
        },
        args: { json: jsonFlag },
        run: async ({ args }) => {
          const { events } = await tools.open();
          tools.print.table(await events.subscriptions(), {
            json: args.json,
            empty: "no subscriptions: no process has worked here yet",
            columns: {
              name: (one) => one.name,
              kind: (one) => one.kind,
              prefix: (one) => one.prefix,
              workflow: (one) => one.workflow,
              served: (one) => (one.served ? "yes" : `no, last ${instantText(one.seenAt)}`),
              waiting: (one) => one.waiting,
            },
          });
        },
      }),
      forget: defineCommand({
        meta: {
          name: "forget",
          description: "Give up a subscription that no process serves any more, with the events and runs that wait for it",
        },
        args: { name: { type: "positional", description: "The subscription's name, e.g. notify.ops", required: true } },
        run: async ({ args }) => {
          const { events, workflows } = await tools.open();
          const known = (await events.subscriptions()).find(({ name }) => name === args.name);
          const waiting = await events.forget(args.name);
          const shared = known === undefined || (await events.subscriptions()).some(({ workflow }) => workflow === known.workflow);
          const runs = shared ? [] : await workflows.list({ state: "queued", workflow: known.workflow, limit: 100_000 });
          let cancelled = 0;
          for (const run of runs) {
            const isCancelled = await workflows.cancel(run.id).then(
              () => true,
              (error: unknown) => {
                // Taken up and ended in the meantime.
                if (isStockroomError(error) && error.code === "RUN_ENDED") return false;
                throw error;
              },
            );
            if (isCancelled) cancelled += 1;
          }
          tools.print.line(`forgotten: ${args.name}; given up: ${waiting} events, ${cancelled} runs`);
        },
      }),
    },
  });

export const noticesCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "notices", description: "Notices sent to people and systems, newest first, with each delivery's state" },
    args: {
      topic: { type: "string", description: "Only this topic, or a beginning that ends in a dot", valueHint: "topic" },
      limit: limitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const limit = readWhole("--limit", args.limit, 1, 100_000);
      const { notices } = await tools.open();
      tools.print.table(await notices.list({ topic: args.topic, limit }), {
        json: args.json,
        empty: "no notices",
        columns: {
          at: (notice) => instantText(notice.at),
          severity: (notice) => notice.severity,
          topic: (notice) => notice.topic,
          title: (notice) => notice.title,
          deliveries: (notice) => notice.deliveries.map(({ channel, state }) => `${channel} ${state}`).join(", "),
        },
      });
    },
  });

export const scheduleCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "schedule", description: "What runs by the clock: the rule, the last and the next time (UTC)" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const { workflows } = await tools.open();
      tools.print.table(await workflows.schedules(), {
        json: args.json,
        empty: "no schedules",
        columns: {
          name: (schedule) => schedule.name,
          cron: (schedule) => schedule.cron,
          workflow: (schedule) => schedule.workflow,
          last: (schedule) => instantText(schedule.lastAt),
          next: (schedule) => instantText(schedule.nextAt),
        },
      });
    },
  });
