// dead: what could not be done and waits for a person.

import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, limitFlag, readChoice, readWhole, watchFlag } from "../../platform/command/flags.ts";
import { printable } from "../../platform/command/output.ts";
import { instantText } from "../../platform/figures.ts";
import { StockroomError } from "../../platform/errors.ts";
import { actOn } from "../../platform/workflow/acts.ts";
import type { DeadLetter } from "../../platform/workflow/contract.ts";
import { takeRows } from "../../platform/web/remote.ts";
import { wordAtShell, type Tools } from "../tools.ts";
import { idArg, pageOf, reasonArg } from "./list-args.ts";

const letterStates = ["waiting", "redriven", "dropped"] as const satisfies readonly DeadLetter["state"][];

const deadListArgs = {
  state: { type: "string", description: `One of ${letterStates.join(", ")}, or all`, default: "waiting", valueHint: "state" },
  limit: limitFlag,
  json: jsonFlag,
  watch: watchFlag,
} as const;

const deadList = (tools: Tools) =>
  defineCommand({
    meta: { name: "list", description: "What could not be done and waits for a person" },
    args: deadListArgs,
    run: async ({ args }) => {
      const state = args.state === "all" ? undefined : readChoice("--state", args.state, letterStates);
      const limit = readWhole("--limit", args.limit, 1, 100_000);
      const letters = await tools.ask(
        async ({ workflows }) => await workflows.deadLetters({ state, limit }),
        async (server) =>
          await takeRows(server.pages("GET /api/dead", { query: { state, limit: pageOf(limit) } }), (page) => page.letters, limit),
      );
      tools.print.table(letters, {
        json: args.json,
        empty: "no dead letters",
        columns: {
          id: (letter) => letter.id,
          state: (letter) => letter.state,
          what: (letter) => letter.title,
          code: (letter) => letter.error.code,
          at: (letter) => ({ at: letter.at }),
          why: (letter) => letter.error.message,
        },
      });
    },
  });

export const deadCommand = (tools: Tools) =>
  defineCommand({
    meta: { name: "dead", description: "Dead letters: list, show, redrive, drop" },
    args: deadListArgs,
    run: (context) => deadList(tools).run?.(context),
    subCommands: {
      list: deadList(tools),
      show: defineCommand({
        meta: { name: "show", description: "One dead letter: what it was, why it failed, what to do" },
        args: { ...idArg("The letter's id"), json: jsonFlag },
        run: async ({ args }) => {
          const letter = await tools.ask(
            async ({ workflows }) => await workflows.deadLetter(args.id),
            async (server) => await server.call("GET /api/dead/:id", { params: { id: args.id } }),
          );
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
          if (letter.state === "waiting") tools.print.say(`When the cause is repaired: stockroom dead redrive ${letter.id}`);
        },
      }),
      redrive: defineCommand({
        meta: { name: "redrive", description: "Do it again, from the step where it failed" },
        args: {
          id: { type: "positional", required: false, description: "The letter's id" },
          all: { type: "boolean", description: "Every waiting letter" },
          ...reasonArg,
        },
        run: async ({ args }) => {
          if ((args.id === undefined) === !args.all) {
            throw new StockroomError("input", "USAGE", "Expected either a letter's ID or --all. See: stockroom dead redrive --help");
          }
          const most = 100_000;
          const ids = args.all
            ? await tools.ask(
                async ({ workflows }) => (await workflows.deadLetters({ state: "waiting", limit: most })).map(({ id }) => id),
                async (server) =>
                  await takeRows(
                    server.pages("GET /api/dead", { query: { state: "waiting", limit: pageOf(most) } }),
                    ({ letters }) => letters.map(({ id }) => id),
                    most,
                  ),
              )
            : [args.id ?? ""];
          for (const id of ids) {
            tools.signal.throwIfAborted();
            const run = await tools.ask(
              async (app) => await actOn(app, "redrive", id, wordAtShell(args)),
              async (server) => (await server.call("POST /api/dead/:id/redrive", { params: { id }, body: { reason: args.reason } })).run,
            );
            tools.print.line(`redriven: ${id} as run ${run}`);
          }
          if (ids.length === 0) tools.print.say("no dead letters wait");
        },
      }),
      drop: defineCommand({
        meta: { name: "drop", description: "Let it rest: the letter is kept but waits no more" },
        args: { ...idArg("The letter's id"), ...reasonArg },
        run: async ({ args }) => {
          await tools.ask(
            async (app) => await actOn(app, "drop", args.id, wordAtShell(args)),
            async (server) => await server.call("POST /api/dead/:id/drop", { params: { id: args.id }, body: { reason: args.reason } }),
          );
          tools.print.line(`dropped: ${args.id}`);
        },
      }),
    },
  });
