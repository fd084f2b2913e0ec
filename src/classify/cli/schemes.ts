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
      const { deps } = await tools.open();
      const files = await Promise.all(args._.map(async (file) => ({ name: path.basename(file), bytes: await readInput(file) })));
      const imported = await importSchemes(deps, files, `cli ${files.map((file) => file.name).join(", ")}`);
      for (const warning of imported.warnings) tools.print.say(`note: ${warning}`);
      tools.print.table(
        imported.schemes.map((scheme) => ({ scheme: scheme.scheme, revision: scheme.revision, changed: scheme.isNew })),
        { json: args.json, empty: "The files held no scheme." },
      );
    },
  });

const schemesList = (tools: ClassifyTools): Command =>
  defineCommand({
    meta: { name: "list", description: "every scheme with its versions" },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const { deps } = await tools.open();
      const schemes = await listSchemes(deps.database);
      tools.print.table(
        schemes.flatMap((revision) =>
          revision.scheme.versions.map((version) => ({
            scheme: revision.scheme.scheme,
            version: version.version,
            valid_from: version.validFrom,
            valid_to: version.validTo ?? "",
            codes: version.codes.length,
            revision: revision.revision,
            imported_at: revision.importedAt,
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
      const { deps } = await tools.open();
      const recoded = await recodePeriod(
        deps,
        "cli recode",
        { period: parsePeriod(args.period), scheme: args.scheme, to: args.to },
        tools.signal,
      );
      tools.print.table(
        recoded.map((one) => ({ ...one })),
        { json: args.json, empty: `No predictions of ${args.period} to recode.` },
      );
    },
  });
