// export-sap: a forecast into a target of the settings.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, waitFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { actAs } from "../workflows/deps.ts";
import { askImport, findExported } from "../workflows/sap/asks.ts";
import { getTarget } from "../workflows/sap/deliver.ts";
import { prefixes, type ObjectRef } from "../store/keys.ts";
import { readRecord } from "./finished.ts";
import { follow, startHere, type ForecastApp, type ForecastTools } from "./app-tools.ts";
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
      const { forecast, to } = args;
      const { id, runId } = await tools.ask(
        async (app) => {
          getTarget(app.deps, to);
          const { import: made, ...asked } = askImport(app.deps, to, await findExport(tools, app, forecast));
          return { id: made, runId: await startHere(app, asked) };
        },
        async (server) => {
          if (await isFolder(forecast)) throw folderThere(forecast);
          const asked = await server.call("POST /api/forecast/sap/exports", { body: { forecast, to } });
          return { id: asked.import, runId: asked.run };
        },
      );
      const result = await follow(tools, runId, { ...args, more: { import: id } });
      if (!args.json) tools.print.line(`import ${id}; \`stockroom forecast imports show ${id}\` tells what the target said`);
      if (refusedOf(result) > 0) tools.exitWith(3);
    },
  });

const isFolder = async (word: string): Promise<boolean> =>
  await stat(word).then(
    (found) => found.isDirectory(),
    () => false,
  );

const folderThere = (folder: string): StockroomError =>
  new StockroomError(
    "input",
    "USAGE",
    `Expected a dataset group or the id of a forecast of the server but ${folder} is a folder of this machine. Put the file it was made of: stockroom put FILE forecast/train/NAME.csv`,
  );

/** A folder of a direct run goes into the store first, under a name made of its content: put again it is the same export. */
async function findExport(
  tools: ForecastTools,
  app: ForecastApp,
  word: string,
): Promise<{ readonly group: string; readonly ref: ObjectRef }> {
  if (!(await isFolder(word))) return await findExported(app.deps, word);
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
