// bench: the benchmarks of the sources, listed and run. They are not part of the published package.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { z } from "zod";
import { defineCommand } from "../../platform/command/contract.ts";
import { jsonFlag, readChoice } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Tools } from "../tools.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const benches = z.record(z.string(), z.strictObject({ file: z.string(), what: z.string() }));

/** The benchmarks of this clone. Throws `missing` `BENCH_MISSING` where there are no sources. */
function readBenches(): z.output<typeof benches> {
  const list = path.join(root, "bench/benches.json");
  if (existsSync(list)) return benches.parse(JSON.parse(readFileSync(list, "utf8")));
  throw new StockroomError(
    "missing",
    "BENCH_MISSING",
    "Expected bench/benches.json but it is not here: benchmarks come with the sources. Clone them.",
  );
}

export const benchCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "bench",
      description: `List the benchmarks, or run one; results go to bench/results
They belong to a clone of the sources. One at a time, on a quiet machine.`,
    },
    args: { name: { type: "positional", required: false, description: "Which; without one they are listed" }, json: jsonFlag },
    run: async ({ args }) => {
      const programs = readBenches();
      if (args.name === undefined) {
        const rows = Object.entries(programs).map(([name, { file, what }]) => ({ name, file, what }));
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
      const name = readChoice("NAME", args.name, Object.keys(programs));
      const program = path.resolve(root, programs[name]?.file ?? "");
      const child = spawn(process.execPath, [program], { stdio: "inherit" });
      tools.signal.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
      const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("exit", resolve));
      if (code !== 0) tools.exitWith(1);
    },
  });
