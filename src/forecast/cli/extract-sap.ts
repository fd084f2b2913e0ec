// extract-sap: a source of the settings, fetched now.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag, waitFlag } from "../../platform/command/flags.ts";
import { askExtract } from "../workflows/sap/asks.ts";
import { follow, startHere, type ForecastTools } from "./app-tools.ts";

export const extractSapCommand = (tools: ForecastTools): Command =>
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
      const { source, afresh, accept } = args;
      const runId = await tools.ask(
        async (app) => await startHere(app, askExtract(app.deps, args)),
        async (server) => (await server.call("POST /api/forecast/sap/extracts", { body: { source, afresh, accept } })).run,
      );
      const result = await follow(tools, runId, args);
      if (result !== undefined && !args.json) tools.print.line(JSON.stringify(result));
    },
  });
