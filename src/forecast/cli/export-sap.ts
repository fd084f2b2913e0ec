// export-sap: a forecast into a target of the settings.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, waitFlag } from "../../platform/command/flags.ts";
import { actAs } from "../workflows/deps.ts";
import { askImport, findExported } from "../workflows/sap/asks.ts";
import { getTarget } from "../workflows/sap/deliver.ts";
import { prefixes, type ObjectRef } from "../store/keys.ts";
import { readRecord } from "./finished.ts";
import { follow, type ForecastApp, type ForecastTools } from "./app-tools.ts";
import { refusedOf } from "./imports.ts";

export const exportSapCommand = (tools: ForecastTools): Command =>
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
      getTarget(app.deps, args.to);
      const { import: id, ...asked } = askImport(app.deps, args.to, await findExport(tools, app, args.forecast));
      const runId = await app.workflows.start(asked.workflow, asked.input, { id: asked.id });
      const result = await follow(tools, app, runId, { ...args, more: { import: id } });
      if (!args.json) tools.print.line(`import ${id}; \`stockroom forecast imports show ${id}\` tells what the target said`);
      if (refusedOf(result) > 0) tools.exitWith(3);
    },
  });

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
  if (!isFolder) return await findExported(app.deps, word);
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
