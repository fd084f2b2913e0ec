// How fast rows come in and go out: our CSV scanner beside csv-parse, on the same bytes.
//
//   node bench/tables.ts [rows=3300000]
//
// Measured: CPU seconds (user + system, all threads of the process) and peak memory, of one pass each, in this order, in one process.
// Not measured: the disk (the bytes are made once and repeated from memory) and what the caller does with a row (it is counted).
// csv-parse, gzip, JSONL and Parquet take a tenth of the rows, and MB are always those of the same rows as CSV; csv-parse runs without `info` and `bom`, its fastest way.

import process from "node:process";
import { Readable } from "node:stream";
import { parse } from "csv-parse";
import type { Body } from "../src/platform/bytes.ts";
import { makeRandom } from "../src/platform/random.ts";
import { type TableFormat, readTable, writeTable } from "../src/platform/formats/index.ts";

const columns = ["id", "country", "lang", "title", "brand", "description", "price", "category"];
const words = {
  latin: [
    "lampe",
    "Staubsauger",
    "café",
    "vacuum",
    "cleaner",
    "Höhe",
    "replacement",
    "the",
    "with",
    "broken",
    "écran",
    "kabel",
    "USB-C",
    "battery",
    "pro",
  ],
  world: [
    "lampe",
    "пылесос",
    "炊飯器",
    "vacuum",
    "φούρνος",
    "the",
    "broken",
    "écran",
    "kabel",
    "зарядка",
    "battery",
    "pro",
    "with",
    "USB-C",
    "mini",
  ],
};

/** Rows of about 121 bytes, a tenth of them with quotes, some with a newline within. */
function makeRows(count: number, kind: keyof typeof words): string[][] {
  const random = makeRandom(1);
  const pick = (): string => words[kind][random.below(words[kind].length)] ?? "";
  const phrase = (length: number): string => Array.from({ length }, pick).join(" ");
  return Array.from({ length: count }, (_, i) => {
    const flavour = random.below(30);
    const tail = flavour === 0 ? ' 27" "new"' : flavour === 1 ? "\nsecond line" : flavour === 2 ? ", as new" : "";
    return [`item_${i}`, "DEU", "de", phrase(4), pick(), phrase(6) + tail, (random.below(100_000) / 100).toFixed(2), phrase(1)];
  });
}

async function* repeat<T>(once: readonly T[], times: number): AsyncGenerator<T> {
  for (let i = 0; i < times; i++) yield* once;
}

async function* batched(rows: readonly string[][]): AsyncGenerator<readonly string[][]> {
  for (let at = 0; at < rows.length; at += 2048) yield rows.slice(at, at + 2048);
}

async function gatherAll(body: Body): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return parts;
}

interface Measured {
  readonly what: string;
  readonly rows: number;
  readonly bytes: number;
  readonly cpuSeconds: number;
}

const results: Measured[] = [];

async function measure(what: string, work: () => Promise<{ readonly rows: number; readonly bytes: number }>): Promise<void> {
  const before = process.cpuUsage();
  const done = await work();
  const used = process.cpuUsage(before);
  const cpuSeconds = (used.user + used.system) / 1e6;
  results.push({ what, ...done, cpuSeconds });
  const rate = `${(done.bytes / 1e6 / cpuSeconds).toFixed(0)} MB and ${Math.round(done.rows / cpuSeconds / 1000)}k rows per CPU second`;
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${what}: ${done.rows} rows, ${(done.bytes / 1e6).toFixed(0)} MB, ${cpuSeconds.toFixed(2)} CPU s; ${rate}; peak so far ${peak} MiB`,
  );
}

const total = Number(process.argv[2] ?? 3_300_000);
const blockRows = 20_000;

for (const kind of ["latin", "world"] as const) {
  const rows = makeRows(blockRows, kind);
  const times = Math.max(1, Math.round(total / blockRows));
  const batches: (readonly string[][])[] = [];
  for await (const batch of batched(rows)) batches.push(batch);
  const csv = await gatherAll(writeTable(batched(rows), { format: "csv", columns }));
  const header = csv.indexOf(10) + 1;
  const file = (repeats: number): AsyncGenerator<Uint8Array> => {
    const body = cut(csv.subarray(header), 1 << 16);
    return (async function* () {
      yield csv.subarray(0, header);
      yield* repeat(body, repeats);
    })();
  };

  await measure(`${kind}: read CSV`, async () => {
    const table = await readTable(file(times), {
      name: "bench.csv",
      onBadRow: (bad) => {
        throw new Error(bad.reason);
      },
    });
    let count = 0;
    for await (const batch of table.batches) count += batch.rows.length;
    return { rows: count, bytes: (csv.length - header) * times };
  });

  await measure(`${kind}: read CSV with csv-parse`, async () => {
    const few = Math.max(1, Math.round(times / 10));
    const parser = Readable.from(file(few), { objectMode: false }).pipe(parse());
    let count = -1;
    await new Promise((resolve, reject) => {
      parser.on("readable", () => {
        while (parser.read() !== null) count += 1;
      });
      parser.on("end", resolve);
      parser.on("error", reject);
    });
    return { rows: count, bytes: (csv.length - header) * few };
  });

  const writes: readonly (readonly [TableFormat, boolean])[] = [
    ["csv", false],
    ["csv", true],
    ["jsonl", false],
    ["parquet", false],
  ];
  for (const [format, gzip] of writes) {
    await measure(`${kind}: write ${format}${gzip ? " with gzip" : ""}`, async () => {
      const repeats = gzip || format !== "csv" ? Math.max(1, Math.round(times / 10)) : times;
      let bytes = 0;
      for await (const part of writeTable(repeat(batches, repeats), { format, gzip, columns })) bytes += part.length;
      return { rows: blockRows * repeats, bytes: gzip || format !== "csv" ? (csv.length - header) * repeats : bytes };
    });
  }

  for (const format of ["jsonl", "parquet"] as const) {
    const few = Math.max(1, Math.round(times / 10));
    const bytes = await gatherAll(writeTable(repeat(batches, few), { format, columns }));
    await measure(`${kind}: read ${format}`, async () => {
      const table = await readTable(repeat(cut(bytes, 1 << 16), 1), {
        name: `bench.${format}`,
        onBadRow: (bad) => {
          throw new Error(bad.reason);
        },
      });
      let count = 0;
      for await (const batch of table.batches) count += batch.rows.length;
      return { rows: count, bytes: (csv.length - header) * few };
    });
  }
}
console.log(JSON.stringify({ node: process.version, cpu: process.arch, results }));
