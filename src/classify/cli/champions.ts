// `stockroom classify champions`: who the champions were, setting one (also back), promotions that wait, and whether a line decides by itself.

import { defineCommand, nounCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { parseLine } from "../engine/lines.ts";
import { ruleOnHeld, setAutomatic, setChampion } from "../workflows/champions.ts";
import { listAutomatic, listChampions, listHeld } from "../store/champions.ts";
import type { ClassifyTools } from "./tools.ts";

const word = {
  reason: { type: "string", description: "why; it stands in the log", required: true },
  by: { type: "string", description: "who says so (default operator)" },
} as const;

export const championsCommand = (tools: ClassifyTools): Command =>
  nounCommand(
    { name: "champions", description: "the model a line uses: all there were, rollback, held promotions, automatic decisions on or off" },
    {
      list: championsList(tools),
      set: championSet(tools),
      held: championHeld(tools),
      approve: rulingCommand(tools, "approve", "approved", "promote a held challenger; its labels are right from now on"),
      reject: rulingCommand(tools, "reject", "rejected", "leave the champion as it is"),
      automatic: championAutomatic(tools),
      words: championWords(tools),
    },
  );

const rulingCommand = (tools: ClassifyTools, name: string, ruling: "approved" | "rejected", description: string): Command =>
  defineCommand({
    meta: { name, description },
    args: { held: { type: "positional", required: true, description: "the line, or the verdict's id when several wait" }, ...word },
    run: async ({ args }) => {
      const { held, reason, by } = args;
      const row = await tools.ask(
        async ({ deps }) => await ruleOnHeld(deps, held, ruling, args),
        async (server) => await server.call("POST /api/classify/champions/held", { body: { held, ruling, reason, by } }),
      );
      tools.print.line(`${row.verdict}: ${row.ruling} by ${row.by}`);
    },
  });

/** Throws `input` `AUTOMATIC_STATE`. */
function parseState(text: string): boolean {
  if (text === "on" || text === "off") return text === "on";
  throw new StockroomError("input", "AUTOMATIC_STATE", `Expected on or off but received "${text}".`);
}

const championsList = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "list", description: "every champion there was, with whose word made it one" },
    args: { line: { type: "positional", required: false, description: "e.g. GBR-UK15" }, json: jsonFlag },
    run: async ({ args }) => {
      const line = args.line === undefined ? undefined : parseLine(args.line).line;
      const rows = await tools.ask(
        async ({ deps }) => await listChampions(deps.database, line),
        async (server) => (await server.call("GET /api/classify/champions", { query: { line } })).champions,
      );
      tools.print.table(
        rows.map((row) => ({ ...row })),
        { json: args.json, empty: "No champion yet." },
      );
    },
  });

const championSet = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "set", description: "make a model the line's champion: an earlier one (rollback) or any other of the line" },
    args: {
      line: { type: "positional", required: true, description: "e.g. GBR-UK15" },
      model: { type: "positional", required: true, description: "its id; see `stockroom classify models list LINE`" },
      ...word,
    },
    run: async ({ args }) => {
      const { line, model, reason, by } = args;
      const row = await tools.ask(
        async ({ deps }) => await setChampion(deps, line, model, args),
        async (server) => await server.call("POST /api/classify/champions", { body: { line, model, reason, by } }),
      );
      tools.print.line(`${row.line}: champion is ${row.model} since ${row.since}`);
      tools.print.say(
        `Codings made before stay as they are; to code a period again: stockroom classify infer --period P --line ${row.line}`,
      );
    },
  });

const championHeld = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "held", description: "promotions that wait for a person, with what speaks against them" },
    args: { line: { type: "positional", required: false, description: "e.g. GBR-UK15" }, json: jsonFlag },
    run: async ({ args }) => {
      const line = args.line === undefined ? undefined : parseLine(args.line).line;
      const rows = await tools.ask(
        async ({ deps }) => await listHeld(deps.database, line),
        async (server) => (await server.call("GET /api/classify/champions", { query: { line } })).held,
      );
      tools.print.table(
        rows.map((row) => ({ ...row })),
        { json: args.json, empty: "No promotion waits." },
      );
    },
  });

const championAutomatic = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "automatic", description: "let a line decide by itself (on), or send all its items to people (off)" },
    args: {
      line: { type: "positional", required: true, description: "e.g. GBR-UK15" },
      state: { type: "positional", required: true, description: "on or off" },
      ...word,
    },
    run: async ({ args }) => {
      const { line, reason, by } = args;
      const automatic = parseState(args.state);
      const row = await tools.ask(
        async ({ deps }) => await setAutomatic(deps, line, automatic, args),
        async (server) => await server.call("POST /api/classify/champions/automatic", { body: { line, automatic, reason, by } }),
      );
      tools.print.line(row.automatic ? `${row.line} decides by itself again` : `${row.line}: every item of sales to come goes to a person`);
    },
  });

const championWords = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "words", description: "lines whose automatic decisions were ended or brought back, with the reason" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const rows = await tools.ask(
        async ({ deps }) => await listAutomatic(deps.database),
        async (server) => (await server.call("GET /api/classify/champions")).automatic,
      );
      tools.print.table(
        rows.map((row) => ({ ...row })),
        { json: args.json, empty: "Every line decides by itself." },
      );
    },
  });
