// runs, dead, events, notices, schedule: what the app does, did and could not do.

import { defineCommand } from "citty";
import { isStockroomError, StockroomError } from "../../platform/errors.ts";
import type { DeadLetter, RunDetail, RunRow, RunState } from "../../platform/workflow/contract.ts";
import { printable, printRows, renderTable, timeText, toJson } from "../output.ts";
import { readChoice, readNumber } from "../read-args.ts";
import { jsonFlag, limitFlag } from "../tools.ts";
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
      const limit = readNumber("--limit", args.limit, 1, 100_000);
      const { workflows } = await tools.open();
      printRows(
        tools.output,
        await workflows.list({ state, workflow: args.workflow, limit }),
        [
          { name: "state", cell: (run) => run.state },
          { name: "what", cell: (run) => run.title },
          { name: "tries", cell: (run) => run.tries },
          { name: "updated", cell: (run) => timeText(run.updatedAt) },
          { name: "id", cell: (run) => run.id },
          { name: "note", cell: (run) => (run.error === undefined ? progressText(run) : run.error.code) },
        ],
        { json: args.json ?? false, none: "no runs" },
      );
    },
  });

function printRun({ output }: Tools, run: RunDetail): void {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["run", run.id],
    ["what", run.title],
    ["workflow", `${run.workflow} (queue ${run.queue})`],
    ["state", run.state],
    ["tries", `${run.tries}, process deaths ${run.crashes}`],
    ["by", run.executor],
    ["parent", run.parent],
    ["created", timeText(run.createdAt)],
    ["updated", timeText(run.updatedAt)],
    ["progress", progressText(run) || undefined],
    ["input", JSON.stringify(run.input)],
    ["output", run.output === undefined ? undefined : JSON.stringify(run.output)],
    ["error", run.error === undefined ? undefined : `${run.error.code}: ${run.error.message}`],
  ];
  for (const [name, value] of facts) if (value !== undefined) output.print(`${name.padEnd(9)} ${printable(value)}`);
  if (run.steps.length === 0) return;
  output.print("");
  output.print(
    renderTable(run.steps, [
      { name: "step", cell: (step) => step.name },
      { name: "began", cell: (step) => timeText(step.startedAt) },
      { name: "ended", cell: (step) => timeText(step.endedAt) },
      { name: "error", cell: (step) => step.error ?? "" },
    ]),
  );
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
          if (args.json) tools.output.print(toJson(run));
          else printRun(tools, run);
        },
      }),
      cancel: defineCommand({
        meta: { name: "cancel", description: "Stop a run at its next step; what is done stays done" },
        args: idArg("The run's id"),
        run: async ({ args }) => {
          const { workflows } = await tools.open();
          await workflows.cancel(args.id);
          tools.output.print(`cancelled: ${args.id}`);
        },
      }),
      retry: defineCommand({
        meta: { name: "retry", description: "Start a failed, cancelled or dead run again from the step where it stopped" },
        args: idArg("The run's id"),
        run: async ({ args }) => {
          const { workflows } = await tools.open();
          await workflows.retry(args.id);
          tools.output.print(`queued again: ${args.id}`);
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
      const limit = readNumber("--limit", args.limit, 1, 100_000);
      const { workflows } = await tools.open();
      printRows(
        tools.output,
        await workflows.deadLetters({ state, limit }),
        [
          { name: "id", cell: (letter) => letter.id },
          { name: "state", cell: (letter) => letter.state },
          { name: "what", cell: (letter) => letter.title },
          { name: "code", cell: (letter) => letter.error.code },
          { name: "at", cell: (letter) => timeText(letter.at) },
          { name: "why", cell: (letter) => letter.error.message },
        ],
        { json: args.json ?? false, none: "no dead letters" },
      );
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
            tools.output.print(toJson(letter));
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
            ["at", timeText(letter.at)],
            ["run", letter.runId],
          ] as const) {
            tools.output.print(`${name.padEnd(7)} ${printable(value)}`);
          }
          if (letter.state === "waiting") tools.output.say(`When the cause is mended: stockroom dead redrive ${letter.id}`);
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
            tools.output.print(`redriven: ${id} as run ${await workflows.redrive(id)}`);
          }
          if (ids.length === 0) tools.output.say("no dead letters wait");
        },
      }),
      drop: defineCommand({
        meta: { name: "drop", description: "Let it rest: the letter is kept but waits no more" },
        args: idArg("The letter's id"),
        run: async ({ args }) => {
          const { workflows } = await tools.open();
          await workflows.drop(args.id);
          tools.output.print(`dropped: ${args.id}`);
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
      const limit = readNumber("--limit", args.limit, 1, 100_000);
      const { events } = await tools.open();
      printRows(
        tools.output,
        await events.list({ kind: args.kind, prefix: args.prefix, limit }),
        [
          { name: "id", cell: (event) => event.id },
          { name: "at", cell: (event) => timeText(event.at) },
          { name: "kind", cell: (event) => event.kind },
          { name: "subject", cell: (event) => event.subject },
          { name: "relayed", cell: (event) => timeText(event.relayedAt) },
        ],
        { json: args.json ?? false, none: "no events" },
      );
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
          printRows(
            tools.output,
            await events.subscriptions(),
            [
              { name: "name", cell: (one) => one.name },
              { name: "kind", cell: (one) => one.kind },
              { name: "prefix", cell: (one) => one.prefix },
              { name: "workflow", cell: (one) => one.workflow },
              { name: "served", cell: (one) => (one.served ? "yes" : `no, last ${timeText(one.seenAt)}`) },
              { name: "waiting", cell: (one) => one.waiting },
            ],
            { json: args.json ?? false, none: "no subscriptions: no process has worked here yet" },
          );
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
          tools.output.print(`forgotten: ${args.name}; given up: ${waiting} events, ${cancelled} runs`);
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
      const limit = readNumber("--limit", args.limit, 1, 100_000);
      const { notices } = await tools.open();
      printRows(
        tools.output,
        await notices.list({ topic: args.topic, limit }),
        [
          { name: "at", cell: (notice) => timeText(notice.at) },
          { name: "severity", cell: (notice) => notice.severity },
          { name: "topic", cell: (notice) => notice.topic },
          { name: "title", cell: (notice) => notice.title },
          { name: "deliveries", cell: (notice) => notice.deliveries.map(({ channel, state }) => `${channel} ${state}`).join(", ") },
        ],
        { json: args.json ?? false, none: "no notices" },
      );
    },
  });

export const scheduleCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "schedule", description: "What runs by the clock: the rule, the last and the next time (UTC)" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const { workflows } = await tools.open();
      printRows(
        tools.output,
        await workflows.schedules(),
        [
          { name: "name", cell: (schedule) => schedule.name },
          { name: "cron", cell: (schedule) => schedule.cron },
          { name: "workflow", cell: (schedule) => schedule.workflow },
          { name: "last", cell: (schedule) => timeText(schedule.lastAt) },
          { name: "next", cell: (schedule) => timeText(schedule.nextAt) },
        ],
        { json: args.json ?? false, none: "no schedules" },
      );
    },
  });
