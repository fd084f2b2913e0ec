// extract-sap, export-sap, imports: the way to and from an ERP at a shell.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, waitFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { chosenExport, findFinished } from "../workflows/planning/stored.ts";
import { actAs, timeOf } from "../workflows/deps.ts";
import { getTarget, importIdOf, readRefused, readUnsure, settleBatch, type DeliverInput } from "../workflows/sap/deliver.ts";
import { getSource } from "../workflows/sap/extract.ts";
import { prefixes, type ObjectRef } from "../store/keys.ts";
import { getImport, listImports } from "../store/sap.ts";
import { readRecord } from "./finished.ts";
import { follow, type ForecastApp, type ForecastTools } from "./app-tools.ts";

export const sapCommands = (tools: ForecastTools): Record<string, Command> => ({
  "extract-sap": extractCommand(tools),
  "export-sap": exportCommand(tools),
  imports: importsCommand(tools),
});

const extractCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "extract-sap",
      description: "Fetch a source of the settings (forecast.sap.sources): what is new since last time, or all",
    },
    args: {
      source: { type: "positional", required: true, description: "its name" },
      afresh: { type: "boolean", description: "all of it, as if for the first time", default: false },
      accept: { type: "boolean", description: "take a load that was held because it left (next to) nothing; loads anew", default: false },
      wait: waitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const app = await tools.open();
      const source = getSource(app.deps, args.source);
      const requestedAt = timeOf(app.deps);
      const input = { source: source.name, requestedAt, afresh: args.afresh || args.accept, accept: args.accept };
      const runId = await app.workflows.start("forecast.sap.extract", input, {
        id: `forecast.sap.extract/${source.name}/${requestedAt}`,
      });
      const result = await follow(tools, app, runId, args);
      if (result !== undefined && !args.json) tools.print.line(JSON.stringify(result));
    },
  });

const exportCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "export-sap",
      description: `Bring a forecast into a target of the settings (forecast.sap.targets); the same forecast goes there once
Examples:
  stockroom forecast export-sap june --to car          # the folder of a \`forecast run\`
  stockroom forecast export-sap retail --to car --wait # the latest forecast of a group, with what planners said`,
    },
    args: {
      forecast: { type: "positional", required: true, description: "folder of a run, a dataset group, or the id of a forecast" },
      to: { type: "string", required: true, description: "the target's name", valueHint: "TARGET" },
      wait: waitFlag,
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const app = await tools.open();
      const target = getTarget(app.deps, args.to);
      const { group, ref } = await findExport(tools, app, args.forecast);
      const id = importIdOf(target.name, ref);
      const input: DeliverInput = { kind: "new", target: target.name, group, export: ref };
      const runId = await app.workflows.start("forecast.sap.deliver", input, { id: `forecast.sap.deliver/${id}` });
      const result = await follow(tools, app, runId, { ...args, more: { import: id } });
      if (!args.json) tools.print.line(`import ${id}; \`stockroom forecast imports show ${id}\` tells what the target said`);
      if (refusedOf(result) > 0) tools.exitWith(3);
    },
  });

const refusedOf = (value: unknown): number =>
  typeof value === "object" && value !== null && "refused" in value && typeof value.refused === "number" ? value.refused : 0;

/** A folder of a direct run goes into the store first, under a name made of its content: put again it is the same export. */
async function findExport(
  tools: ForecastTools,
  app: ForecastApp,
  word: string,
): Promise<{ readonly group: string; readonly ref: ObjectRef }> {
  const isFolder = await stat(word).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    const run = await findFinished(app.deps.database, word);
    const { key, version } = chosenExport(run);
    return { group: run.group, ref: { key, version } };
  }
  const { key: runKey } = await readRecord(word);
  const group = path.basename(path.resolve(word)).replaceAll(/[^A-Za-z0-9_-]+/g, "-") || "run";
  const place = createHash("sha256").update(runKey).digest("hex").slice(0, 16);
  const file = path.join(word, "forecast.csv");
  const entry = await app.deps.objects.put(
    actAs("plan", "cli forecast export-sap"),
    `${prefixes.exports}${group}/direct-${place}/forecast.csv`,
    createReadStream(file),
    { contentType: "text/csv", announce: false, signal: tools.signal },
  );
  return { group, ref: { key: entry.key, version: entry.version } };
}

const importsCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: { name: "imports", description: "What went into an ERP and what it said: list, show, resume, settle" },
    subCommands: {
      list: defineCommand({
        meta: { name: "list", description: "Newest first" },
        args: { json: jsonFlag },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const rows = await listImports(deps.database);
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
      }),
      show: defineCommand({
        meta: { name: "show", description: "One import, each refused row with what the ERP said of it (BAPIRET2)" },
        args: { import: { type: "positional", required: true, description: "its id" }, json: jsonFlag },
        run: async ({ args }) => {
          const { deps } = await tools.open();
          const state = await getImport(deps.database, args.import);
          const refused = await readRefused(deps, "cli forecast imports show", state.id);
          const unsure = await readUnsure(deps, "cli forecast imports show", state.id);
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
      }),
      resume: defineCommand({
        meta: { name: "resume", description: "Send the refused rows again, and no others" },
        args: { import: { type: "positional", required: true, description: "its id" }, wait: waitFlag, json: jsonFlag },
        run: async ({ args }) => {
          const app = await tools.open();
          const state = await getImport(app.deps.database, args.import);
          if (state.state !== "partly") {
            throw new StockroomError(
              "conflict",
              "SAP_IMPORT_NOT_PARTLY",
              `Expected import ${state.id} to have refused rows but it is ${state.state}. There is nothing to resume.`,
            );
          }
          const requestedAt = timeOf(app.deps);
          const input: DeliverInput = { kind: "resume", import: state.id, requestedAt };
          const runId = await app.workflows.start("forecast.sap.deliver", input, {
            id: `forecast.sap.deliver/${state.id}/${requestedAt}`,
          });
          const result = await follow(tools, app, runId, { ...args, more: { import: state.id } });
          if (refusedOf(result) > 0) tools.exitWith(3);
        },
      }),
      settle: defineCommand({
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
          const app = await tools.open();
          if (!/^[1-9]\d{0,8}$/.test(args.batch))
            throw new StockroomError(
              "input",
              "USAGE",
              `Expected --batch to be a whole number from 1 but "${args.batch}" came. Correct it.`,
            );
          const as = args.as;
          if (as !== "taken" && as !== "lost")
            throw new StockroomError("input", "USAGE", `Expected --as to be taken or lost but "${as}" came. Correct it.`);
          const runId = await settleBatch(app.deps, args.import, Number(args.batch), as, "cli forecast imports settle");
          const goesOn = runId !== undefined && (await redrive(app, runId));
          if (args.json) tools.print.json({ import: args.import, batch: Number(args.batch), as, goesOn });
          else tools.print.line(`batch ${args.batch} of ${args.import} counts as ${as}${goesOn ? "; the import goes on" : ""}`);
        },
      }),
    },
  });

/** Sets a run going again that stopped; false when it lies nowhere. */
async function redrive(app: ForecastApp, runId: string): Promise<boolean> {
  const letter = (await app.workflows.deadLetters({ state: "waiting", runId, limit: 1 })).at(0);
  if (letter === undefined) return false;
  await app.workflows.redrive(letter.id);
  return true;
}
