// imports: what went into an ERP and what it said of it.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, waitFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { askResume, settleImport } from "../workflows/sap/asks.ts";
import { readRefused, readUnsure } from "../workflows/sap/deliver.ts";
import { getImport, listImports } from "../store/sap.ts";
import { follow, startHere, type ForecastTools } from "./app-tools.ts";

export const refusedOf = (value: unknown): number =>
  typeof value === "object" && value !== null && "refused" in value && typeof value.refused === "number" ? value.refused : 0;

export const importsCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "imports", description: "What went into an ERP and what it said: list, show, resume, settle" },
    subCommands: {
      list: importsList(tools),
      show: importsShow(tools),
      resume: importsResume(tools),
      settle: importsSettle(tools),
    },
  });

const importsList = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "list", description: "Newest first" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const rows = await tools.ask(
        async ({ deps }) => await listImports(deps.database),
        async (server) => (await server.call("GET /api/forecast/imports", { query: { limit: 100 } })).imports,
      );
      tools.print.table(
        rows.map(({ id, target, group, state, rows: all, sent, failed, unsure, startedAt }) => ({
          import: id,
          target,
          group,
          state,
          rows: all,
          taken: sent,
          refused: failed,
          unsure,
          started: startedAt,
        })),
        { json: args.json, empty: "No import yet. `stockroom forecast export-sap --help` says how." },
      );
    },
  });

const importsShow = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "show", description: "One import, each refused row with what the ERP said of it (BAPIRET2)" },
    args: { import: { type: "positional", required: true, description: "its id" }, json: jsonFlag },
    run: async ({ args }) => {
      const purpose = "cli forecast imports show";
      const { state, refused, unsure } = await tools.ask(
        async ({ deps }) => {
          const found = await getImport(deps.database, args.import);
          return {
            state: found,
            refused: await readRefused(deps, purpose, found.id),
            unsure: await readUnsure(deps, purpose, found.id),
          };
        },
        async (server) => {
          const found = await server.call("GET /api/forecast/imports/:id", {
            params: { id: args.import },
            query: { rows: "yes", limit: 1 },
          });
          return { state: found.import, refused: found.refusedRows ?? [], unsure: found.unsureRows ?? [] };
        },
      );
      if (args.json) {
        tools.print.json({ ...state, refusedRows: refused, unsureRows: unsure });
        return;
      }
      tools.print.line(
        `${state.id}: ${state.group} into ${state.target}, ${state.state}: ${state.sent} of ${state.rows} rows taken, ${state.failed} refused, ${state.unsure} unsure`,
      );
      for (const { batch, at, reason, rows } of unsure) {
        tools.print.line(
          `batch ${batch}, sent ${at}: nobody knows whether ${state.target} took rows ${rows[0]?.seq} to ${rows.at(-1)?.seq} (${rows.length}): ${reason} Look in the ERP, then \`stockroom forecast imports settle ${state.id} --batch ${batch} --as taken\` or \`--as lost\``,
        );
      }
      tools.print.table(
        refused.map(({ seq, batch, fields, messages }) => ({
          row: seq,
          batch,
          ...Object.fromEntries(
            Object.entries(fields).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : value]),
          ),
          messages: messages
            .map(({ type, id, text, field }) => `${type} ${id} ${text}${field === "" ? "" : ` (${field})`}`.trim())
            .join("; "),
        })),
        { json: false, empty: "No row is refused." },
      );
    },
  });

const importsResume = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "resume", description: "Send the refused rows again, and no others" },
    args: { import: { type: "positional", required: true, description: "its id" }, wait: waitFlag, json: jsonFlag },
    run: async ({ args }) => {
      const asked = await tools.ask(
        async (app) => {
          const { import: id, ...run } = await askResume(app.deps, args.import);
          return { import: id, run: await startHere(app, run) };
        },
        async (server) => await server.call("POST /api/forecast/imports/:id/resume", { params: { id: args.import } }),
      );
      const result = await follow(tools, asked.run, { ...args, more: { import: asked.import } });
      if (refusedOf(result) > 0) tools.exitWith(3);
    },
  });

const importsSettle = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "settle",
      description: `Say of rows that nobody knows of whether the ERP has them: taken keeps them as answered, lost lets them be sent again
Look in the ERP first. When nothing is unsure any more, the import goes on by itself.`,
    },
    args: {
      import: { type: "positional", required: true, description: "its id" },
      batch: { type: "string", required: true, description: "its number", valueHint: "N" },
      as: { type: "string", required: true, description: "taken or lost", valueHint: "taken|lost" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      if (!/^[1-9]\d{0,8}$/.test(args.batch))
        throw new StockroomError(
          "input",
          "USAGE",
          `Expected --batch to be a whole number from 1 but received "${args.batch}". Correct it.`,
        );
      const as = args.as;
      if (as !== "taken" && as !== "lost")
        throw new StockroomError("input", "USAGE", `Expected --as to be taken or lost but received "${as}". Correct it.`);
      const purpose = "cli forecast imports settle";
      const { import: importId } = args;
      const batch = Number(args.batch);
      const goesOn = await tools.ask(
        async ({ deps, workflows }) => await settleImport(deps, workflows, { importId, batch, as, purpose }),
        async (server) =>
          (await server.call("POST /api/forecast/imports/:id/settle", { params: { id: importId }, body: { batch, as } })).goesOn,
      );
      if (args.json) tools.print.json({ import: importId, batch, as, goesOn });
      else tools.print.line(`batch ${args.batch} of ${args.import} counts as ${as}${goesOn ? "; the import goes on" : ""}`);
    },
  });
