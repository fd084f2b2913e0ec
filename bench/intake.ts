// How long a look at a stranger's file takes: the profile and the proposal, beside DuckDB's own sniffer and SUMMARIZE of the same file.
//
//   node bench/intake.ts [rows=1000000]
//
// Each measurement is a process of its own, three of each in turn; medians of CPU seconds and of the largest memory.
// Not measured: other kinds of files than this one (semicolons, decimal commas, day-first dates), and what DuckDB would need to propose columns.

import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileBody } from "../src/platform/formats/index.ts";
import { profileFile } from "../src/platform/intake/profile.ts";
import { makeRandom } from "../src/platform/random.ts";
import { proposeForecast } from "../src/forecast/workflows/intake/proposal.ts";
import { machine, measureCommand, writeResult } from "./machine.ts";

const looks: Readonly<Record<string, (file: string) => Promise<void>>> = {
  ours: async (file) => {
    const profile = await profileFile({ name: file, open: () => fileBody(file) });
    proposeForecast(profile);
  },
  duckdb: async (file) => {
    // Here, so that our own look does not pay for it.
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
    const connection = await instance.connect();
    const literal = `'${file.replaceAll("'", "''")}'`;
    await connection.runAndReadAll(`from sniff_csv(${literal})`);
    await connection.runAndReadAll(`summarize select * from read_csv(${literal})`);
    connection.closeSync();
    instance.closeSync();
  },
};

async function writeSample(file: string, rows: number): Promise<void> {
  const random = makeRandom(1);
  const stream = createWriteStream(file);
  stream.write("Datum;Artikel;Filiale;Menge;Preis\n");
  for (let at = 0; at < rows; at += 10_000) {
    const lines = Array.from({ length: Math.min(10_000, rows - at) }, (_, k) => {
      const i = at + k;
      const day = `${String((i % 28) + 1).padStart(2, "0")}.${String((Math.floor(i / 28) % 12) + 1).padStart(2, "0")}.${2020 + (Math.floor(i / 336) % 4)}`;
      return `${day};A${random.below(997)};F${random.below(31)};${random.below(13)},5;${random.below(7)},99\n`;
    });
    if (!stream.write(lines.join(""))) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "finish");
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function main(): Promise<void> {
  if (process.argv[2] === "--child") {
    const look = looks[process.argv[3] ?? ""];
    if (look === undefined) throw new Error(`Expected ours or duckdb but received ${process.argv[3] ?? ""}.`);
    await look(process.argv[4] ?? "");
    return;
  }
  const sizes = (process.argv[2] ?? "100000,1000000").split(",").map(Number);
  const folder = mkdtempSync(path.join(tmpdir(), "bench-intake-"));
  try {
    const measured: (readonly [rows: number, ours: number, duckdb: number, ratio: string, oursMb: number, duckdbMb: number])[] = [];
    for (const rows of sizes) {
      const file = path.join(folder, `sales-${rows}.csv`);
      await writeSample(file, rows);
      const costs: Record<string, { cpu: number[]; memory: number[] }> = { ours: { cpu: [], memory: [] }, duckdb: { cpu: [], memory: [] } };
      for (let round = 0; round < 3; round++) {
        for (const name of Object.keys(looks)) {
          const cost = await measureCommand(process.execPath, [import.meta.filename, "--child", name, file]);
          costs[name]?.cpu.push(cost.cpuSeconds);
          costs[name]?.memory.push(cost.peakMiB);
        }
      }
      const of = (name: string): { cpu: number; memory: number } => ({
        cpu: median(costs[name]?.cpu ?? []),
        memory: median(costs[name]?.memory ?? []),
      });
      const [ours, duckdb] = [of("ours"), of("duckdb")];
      const round = (value: number): number => Math.round(value * 100) / 100;
      measured.push([
        rows,
        round(ours.cpu),
        round(duckdb.cpu),
        `${(ours.cpu / duckdb.cpu).toFixed(2)}x`,
        Math.round(ours.memory),
        Math.round(duckdb.memory),
      ]);
    }
    const text = writeResult("intake", {
      title: "Looking at a file of sales",
      about:
        "Profile and proposal of a CSV of five columns, beside DuckDB's sniffer and SUMMARIZE on one thread; medians of three processes each.",
      command: "node bench/intake.ts",
      machine: machine([]),
      tables: [
        {
          caption: "CPU seconds and memory",
          columns: ["rows", "ours, CPU s", "DuckDB, CPU s", "ratio", "ours, MiB", "DuckDB, MiB"],
          rows: measured,
        },
      ],
      notMeasured: [
        "files of other shapes, encodings and formats",
        "the start of the command itself",
        "a proposal of DuckDB's: it makes none",
      ],
    });
    process.stdout.write(text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
