// bench: the benchmarks of the sources, listed and run. They are not part of the published package.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, readChoice } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Tools } from "../tools.ts";

const programs = {
  engine: { file: "bench/classify/engine.ts", what: "fit and evaluate beside fastText and scikit-learn on the same split" },
  flow: { file: "bench/classify/flow.ts", what: "60 lines x 20 trials from upload to report, unattended" },
  sales: { file: "bench/classify/sales.ts", what: "3.3 million items labelled end to end, encrypted in and out" },
  crash: { file: "bench/classify/crash.ts", what: "kill -9 of one of two workers while 60 lines train and infer" },
  gate: { file: "bench/classify/gate.ts", what: "how often an equal challenger is promoted" },
  speed: { file: "bench/forecast/speed.ts", what: "series a second of each forecasting model, beside R's forecast package" },
  catalogue: { file: "bench/forecast/catalogue.ts", what: "30,490 daily series through a whole forecasting run" },
  sql: { file: "bench/forecast/sql.ts", what: "questions to a million sealed rows, beside DuckDB on plain files" },
  workflow: { file: "bench/workflow.ts", what: "1,000 durable runs while their processes are killed" },
  store: { file: "bench/store.ts", what: "sealing and opening, beside bare AES" },
  images: { file: "bench/images/service.ts", what: "the picture server over HTTP beside ipx, nginx and bare Node" },
  tables: { file: "bench/tables.ts", what: "CSV in and out, beside csv-parse" },
} as const;

const names = Object.keys(programs) as (keyof typeof programs)[]; // the keys as written above

export const benchCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "bench",
      description: `List the benchmarks, or run one; results go to bench/results
They belong to a clone of the sources. One at a time, on a quiet machine.`,
    },
    args: { name: { type: "positional", required: false, description: `Which: ${names.join(", ")}` }, json: jsonFlag },
    run: async ({ args }) => {
      if (args.name === undefined) {
        const rows = names.map((name) => ({ name, ...programs[name] }));
        tools.print.table(rows, {
          json: args.json,
          empty: "",
          columns: {
            name: (row) => row.name,
            what: (row) => row.what,
          },
        });
        return;
      }
      const { file } = programs[readChoice("NAME", args.name, names)];
      const program = path.resolve(import.meta.dirname, "../../..", file);
      if (!existsSync(program)) {
        throw new StockroomError(
          "missing",
          "BENCH_MISSING",
          `Expected ${file} but it is not here: benchmarks come with the sources. Clone them.`,
        );
      }
      const child = spawn(process.execPath, [program], { stdio: "inherit" });
      tools.signal.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
      const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("exit", resolve));
      if (code !== 0) tools.exitWith(1);
    },
  });
