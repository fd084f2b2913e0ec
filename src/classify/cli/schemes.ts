// schemes: rule books as dated data.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { parsePeriod } from "../engine/lines.ts";
import { recodePeriod } from "../workflows/recode.ts";
import { importSchemes } from "../workflows/schemes.ts";
import { listSchemes } from "../store/schemes.ts";
import type { ClassifyTools } from "./tools.ts";

export const schemesCommand = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "schemes", description: "rule books as dated data: import, list, recode a period by mappings" },
    subCommands: {
      import: schemesImport(tools),
      list: schemesList(tools),
      recode: schemesRecode(tools),
    },
  });

async function readInput(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new StockroomError(
      "missing",
      "FILE_MISSING",
      `Expected a file at ${file} but it cannot be read. Check the path and its permissions.`,
      { cause: error },
    );
  }
}

interface ShortScheme {
  readonly scheme: string;
  readonly revision: number;
  readonly importedAt: string;
  readonly versions: readonly {
    readonly version: string;
    readonly validFrom: string;
    readonly validTo?: string | undefined;
    readonly codes: number;
  }[];
}

const schemesImport = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "import",
      description: "import scheme files (YAML, JSON, CSV tables); all problems are told at once and then nothing is imported",
    },
    args: {
      files: { type: "positional", required: true, valueHint: "FILE...", description: "scheme files, all read together" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const files = await Promise.all(args._.map(async (file) => ({ name: path.basename(file), bytes: await readInput(file) })));
      const imported = await tools.ask(
        async ({ deps }) => {
          const { schemes, warnings } = await importSchemes(deps, files, `cli ${files.map((file) => file.name).join(", ")}`);
          return { schemes: schemes.map(({ scheme, revision, isNew }) => ({ scheme, revision, changed: isNew })), warnings };
        },
        async (server) =>
          await server.call("POST /api/classify/schemes", {
            body: { files: files.map(({ name, bytes }) => ({ name, content: Buffer.from(bytes).toString("utf8") })) },
          }),
      );
      for (const warning of imported.warnings) tools.print.say(`note: ${warning}`);
      tools.print.table(
        imported.schemes.map((scheme) => ({ ...scheme })),
        { json: args.json, empty: "The files held no scheme." },
      );
    },
  });

const schemesList = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "list", description: "every scheme with its versions" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const schemes = await tools.ask(
        async ({ deps }) =>
          (await listSchemes(deps.database)).map(({ scheme: { scheme, versions }, revision, importedAt }) => ({
            scheme,
            revision,
            importedAt,
            versions: versions.map((version) => ({ ...version, codes: version.codes.length })),
          })),
        // Without a scheme's name the answer is the short list.
        async (server) => (await server.call("GET /api/classify/schemes")).schemes as readonly ShortScheme[], // oxlint-disable-line typescript/no-unsafe-type-assertion
      );
      tools.print.table(
        schemes.flatMap(({ scheme, revision, importedAt, versions }) =>
          versions.map((version) => ({
            scheme,
            version: version.version,
            valid_from: version.validFrom,
            valid_to: version.validTo ?? "",
            codes: version.codes,
            revision,
            imported_at: importedAt,
          })),
        ),
        { json: args.json, empty: "No scheme yet. See docs/reference/classify-data.md for the file format." },
      );
    },
  });

const schemesRecode = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: {
      name: "recode",
      description: "write a period's predictions in another version's codes, by the mappings; the first codes stay as they are",
    },
    args: {
      period: { type: "string", required: true, description: "e.g. 2026-10" },
      scheme: { type: "string", description: "only this scheme" },
      to: { type: "string", description: "version; absent: the newest" },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const asked = { period: parsePeriod(args.period), scheme: args.scheme, to: args.to };
      const recoded = await tools.ask(
        async ({ deps }) => await recodePeriod(deps, "cli recode", asked, tools.signal),
        async (server) => (await server.call("POST /api/classify/schemes/recode", { body: asked })).recoded,
      );
      tools.print.table(
        recoded.map((one) => ({ ...one })),
        { json: args.json, empty: `No predictions of ${args.period} to recode.` },
      );
    },
  });
