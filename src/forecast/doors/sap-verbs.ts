// extract-sap, export-sap, imports: the way to and from an ERP at a shell.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { defineCommand, type CommandDef } from "citty";
import { StockroomError } from "../../base/errors.ts";
import { chosenExport, findFinished } from "../flow/planning/finished.ts";
import { actAs, timeOf } from "../flow/parts.ts";
import { getTarget, importIdOf, readRefused, readUnsure, settleBatch, type DeliverInput } from "../flow/sap/deliver.ts";
import { getSource } from "../flow/sap/extract.ts";
import { prefixes, type ObjectRef } from "../store/keys.ts";
import { getImport, listImports } from "../store/sap.ts";
import { readRecord } from "./finished.ts";
import { follow, jsonArg, waitArg, type ForecastHouse, type HouseTools } from "./house-tools.ts";

// Every command has arguments of its own type; the list of them can only be held together by the widest one.
type AnyCommand = CommandDef<any>; // oxlint-disable-line typescript/no-explicit-any

export const sapVerbs = (tools: HouseTools): Record<string, AnyCommand> => ({
  "extract-sap": extractVerb(tools),
  "export-sap": exportVerb(tools),
  imports: importsVerb(tools),
});

const extractVerb = (tools: HouseTools): AnyCommand =>
  defineCommand({
    meta: {
      name: "extract-sap",
      description: "Fetch a source of the settings (forecast.sap.sources): what is new since last time, or all",
    },
    args: {
      source: { type: "positional", required: true, description: "its name" },
      afresh: { type: "boolean", description: "all of it, as if for the first time", default: false },
      accept: { type: "boolean", description: "take a load that was held because it left (next to) nothing; loads anew", default: false },
      wait: waitArg,
      json: jsonArg,
    },
    run: async ({ args }) => {
      const house = await tools.open();
      const source = getSource(house.parts, args.source);
      const requestedAt = timeOf(house.parts);
      const input = { source: source.name, requestedAt, afresh: args.afresh || args.accept, accept: args.accept };
      const runId = await house.workflows.start("forecast.sap.extract", input, {
        id: `forecast.sap.extract/${source.name}/${requestedAt}`,
      });
      const result = await follow(tools, house, runId, args);
      if (result !== undefined && !args.json) tools.print.line(JSON.stringify(result));
    },
  });

const exportVerb = (tools: HouseTools): AnyCommand =>
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
      wait: waitArg,
      json: jsonArg,
    },
    run: async ({ args }) => {
      const house = await tools.open();
      const target = getTarget(house.parts, args.to);
      const { group, ref } = await findExport(tools, house, args.forecast);
      const id = importIdOf(target.name, ref);
      const input: DeliverInput = { kind: "new", target: target.name, group, export: ref };
      const runId = await house.workflows.start("forecast.sap.deliver", input, { id: `forecast.sap.deliver/${id}` });
      const result = await follow(tools, house, runId, { ...args, more: { import: id } });
      if (!args.json) tools.print.line(`import ${id}; \`stockroom forecast imports show ${id}\` tells what the target said`);
      if (refusedOf(result) > 0) tools.exitWith(3);
    },
  });

const refusedOf = (value: unknown): number =>
  typeof value === "object" && value !== null && "refused" in value && typeof value.refused === "number" ? value.refused : 0;

/** A folder of a direct run goes into the store first, under a name made of its content: put again it is the same export. */
async function findExport(
  tools: HouseTools,
  house: ForecastHouse,
  word: string,
): Promise<{ readonly group: string; readonly ref: ObjectRef }> {
  const isFolder = await stat(word).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    const run = await findFinished(house.parts.records, word);
    const { key, version } = chosenExport(run);
    return { group: run.group, ref: { key, version } };
  }
  const { key: runKey } = await readRecord(word);
  const group = path.basename(path.resolve(word)).replaceAll(/[^A-Za-z0-9_-]+/g, "-") || "run";
  const place = createHash("sha256").update(runKey).digest("hex").slice(0, 16);
  const file = path.join(word, "forecast.csv");
  const entry = await house.parts.objects.put(
    actAs("plan", "cli forecast export-sap"),
    `${prefixes.exports}${group}/direct-${place}/forecast.csv`,
    createReadStream(file),
    { contentType: "text/csv", announce: false, signal: tools.signal },
  );
  return { group, ref: { key: entry.key, version: entry.version } };
}

const importsVerb = (tools: HouseTools): AnyCommand =>
  defineCommand({
    meta: { name: "imports", description: "What went into an ERP and what it said: list, show, resume, settle" },
    subCommands: {
      list: defineCommand({
        meta: { name: "list", description: "Newest first" },
        args: { json: jsonArg },
        run: async ({ args }) => {
          const { parts } = await tools.open();
          const rows = await listImports(parts.records);
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
        args: { import: { type: "positional", required: true, description: "its id" }, json: jsonArg },
        run: async ({ args }) => {
          const { parts } = await tools.open();
          const state = await getImport(parts.records, args.import);
          const refused = await readRefused(parts, "cli forecast imports show", state.id);
          const unsure = await readUnsure(parts, "cli forecast imports show", state.id);
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
        args: { import: { type: "positional", required: true, description: "its id" }, wait: waitArg, json: jsonArg },
        run: async ({ args }) => {
          const house = await tools.open();
          const state = await getImport(house.parts.records, args.import);
          if (state.state !== "partly") {
            throw new StockroomError(
              "conflict",
              "SAP_IMPORT_NOT_PARTLY",
              `Expected import ${state.id} to have refused rows but it is ${state.state}. There is nothing to resume.`,
            );
          }
          const requestedAt = timeOf(house.parts);
          const input: DeliverInput = { kind: "resume", import: state.id, requestedAt };
          const runId = await house.workflows.start("forecast.sap.deliver", input, {
            id: `forecast.sap.deliver/${state.id}/${requestedAt}`,
          });
          const result = await follow(tools, house, runId, { ...args, more: { import: state.id } });
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
          json: jsonArg,
        },
        run: async ({ args }) => {
          const house = await tools.open();
          if (!/^[1-9]\d{0,8}$/.test(args.batch))
            throw new StockroomError(
              "input",
              "USAGE",
              `Expected --batch to be a whole number from 1 but "${args.batch}" came. Correct it.`,
            );
          const as = args.as;
          if (as !== "taken" && as !== "lost")
            throw new StockroomError("input", "USAGE", `Expected --as to be taken or lost but "${as}" came. Correct it.`);
          const runId = await settleBatch(house.parts, args.import, Number(args.batch), as, "cli forecast imports settle");
          const goesOn = runId !== undefined && (await redrive(house, runId));
          if (args.json) tools.print.json({ import: args.import, batch: Number(args.batch), as, goesOn });
          else tools.print.line(`batch ${args.batch} of ${args.import} counts as ${as}${goesOn ? "; the import goes on" : ""}`);
        },
      }),
    },
  });

/** Sets a run going again that stopped; false when it lies nowhere. */
async function redrive(house: ForecastHouse, runId: string): Promise<boolean> {
  const letter = (await house.workflows.deadLetters({ state: "waiting", runId, limit: 1 })).at(0);
  if (letter === undefined) return false;
  await house.workflows.redrive(letter.id);
  return true;
}
