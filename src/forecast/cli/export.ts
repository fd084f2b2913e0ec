// export: the exports of a forecast, decrypted, into a folder.

import { defineCommand, type Command } from "../../platform/command/contract.ts";
import { jsonFlag } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { findFinished } from "../workflows/planning/stored.ts";
import { download, outArg, type ForecastTools } from "./app-tools.ts";
import type { ObjectRef } from "../store/keys.ts";
import { word } from "./forecast-row.ts";
import { finishedThere } from "./there.ts";

export const exportCommand = (tools: ForecastTools): Command =>
  defineCommand({
    meta: {
      name: "export",
      description: `Write the exports of a forecast, decrypted, into a folder
Examples:
  stockroom forecasts export retail --out retail-july
  stockroom forecasts export retail --out retail-july --only forecast,adjusted`,
    },
    args: {
      forecast: word,
      out: { ...outArg, required: true },
      only: { type: "string", description: "some of them, by the names that `show` tells", valueHint: "NAME,..." },
      json: jsonFlag,
    },
    run: async ({ args }) => {
      const run = await tools.ask(
        async ({ deps }) => await findFinished(deps.database, args.forecast),
        async (server) => await finishedThere(server, args.forecast),
      );
      const wanted = args.only?.split(",").map((name) => name.trim());
      const unknown = wanted?.filter((name) => run.exports[name] === undefined) ?? [];
      if (unknown.length > 0) {
        throw new StockroomError(
          "missing",
          "FORECAST_EXPORT_MISSING",
          `Expected exports of ${run.id} but it has no ${unknown.join(", ")}. It has ${Object.keys(run.exports).join(", ")}.`,
        );
      }
      const exports = Object.fromEntries(
        Object.entries<ObjectRef>(run.exports)
          .filter(([name]) => wanted === undefined || wanted.includes(name))
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      );
      const written = await download(tools, `export ${run.id}`, { kind: "runs", id: run.id, exports }, args.out);
      if (args.json) tools.print.json({ forecast: run.id, out: args.out, files: written });
      else tools.print.line(`${args.out}: ${written.length} files of ${run.id}`);
    },
  });
