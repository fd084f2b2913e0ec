// Isolated, the other end: the process that runs one query and gives its rows as they are asked for. See isolated.ts.

import { access, constants } from "node:fs/promises";
import { flushCompileCache } from "node:module";
import process from "node:process";
import { describeError, StockroomError, unknownKind } from "../errors.ts";
import type { Table } from "../formats/index.ts";
import type { MemoryFile, MemoryLease } from "./memory-files.ts";
import type { IsolatedQuestion, IsolatedTable, IsolatedWork, FromIsolated, ToIsolated } from "./isolated.ts";
import type { LakeOptions, LakeTable, Warehouse, WarehouseAddress } from "./contract.ts";

/** Of one message, roughly; a single row may take more. */
const mostBatchBytes = 4 << 20;
const mostRowBytes = 64 << 20;

const stop = new AbortController();
const asked = new Map<number, (value: unknown) => void>();
let questions = 0;
let wake: (() => void) | undefined;
const waiting = { pulls: 0 };

function tell(message: FromIsolated): void {
  if (process.connected) process.send?.(message);
}

async function ask(question: IsolatedQuestion): Promise<unknown> {
  const id = questions;
  questions += 1;
  return await new Promise((resolve) => {
    asked.set(id, resolve);
    tell({ type: "question", id, question });
  });
}

function hear(message: ToIsolated): void {
  switch (message.type) {
    case "work":
      void work(message.work);
      return;
    case "abort":
      stop.abort();
      return;
    case "next":
      waiting.pulls += 1;
      wake?.();
      return;
    case "answer":
      asked.get(message.id)?.(message.value);
      asked.delete(message.id);
      return;
    default:
      throw unknownKind(message, "message");
  }
}

async function work(todo: IsolatedWork): Promise<void> {
  try {
    const { columns, typed, types, batches, read } = todo.kind === "lake" ? await lake(todo) : await query(todo);
    tell({ type: "columns", columns, typed, types, read });
    // This process ends by being killed, so what it compiled would not be kept for the next one.
    flushCompileCache();
    for await (const rows of cutByBytes(batches)) {
      await pulled();
      tell({ type: "rows", rows });
    }
    await pulled();
    tell({ type: "end" });
  } catch (thrown) {
    tell({ type: "error", error: describeError(thrown) });
  }
}

async function pulled(): Promise<void> {
  while (waiting.pulls === 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  waiting.pulls -= 1;
}

type Batches = AsyncIterable<readonly (readonly unknown[])[]>;

/** Cuts batches by the bytes of their rows. */
async function* cutByBytes(batches: Batches): AsyncGenerator<readonly (readonly unknown[])[]> {
  for await (const batch of batches) {
    let filled: (readonly unknown[])[] = [];
    let bytes = 0;
    for (const row of batch) {
      const size = row.reduce<number>((sum, cell) => sum + sizeOf(cell), 0);
      if (size > mostRowBytes) throw tooLong(size);
      if (filled.length > 0 && bytes + size > mostBatchBytes) {
        yield filled;
        filled = [];
        bytes = 0;
      }
      filled.push(row);
      bytes += size;
    }
    if (filled.length > 0) yield filled;
  }
}

function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  if (value instanceof Uint8Array) return value.length;
  let size = 8;
  for (const [name, inner] of Object.entries(value)) {
    size += (Array.isArray(value) ? 0 : name.length) + sizeOf(inner);
    if (size > mostRowBytes) break;
  }
  return size;
}

function tooLong(bytes: number): StockroomError {
  const mb = mostRowBytes / (1 << 20);
  return new StockroomError(
    "input",
    "WAREHOUSE_ROW_TOO_LARGE",
    `Expected rows of at most ${mb} MB but one takes ${Math.ceil(bytes / (1 << 20))} MB or more. Select shorter texts and lists, e.g. left(text, 1000).`,
    { facts: { mostMb: mb } },
  );
}

async function openHere(address: WarehouseAddress): Promise<Warehouse> {
  switch (address.kind) {
    case "duckdb":
      return await (await import("./duckdb.ts")).openDuckDB(address);
    case "postgres":
      return (await import("./postgres.ts")).openPostgres(address);
    default:
      throw unknownKind(address, "warehouse");
  }
}

async function query({ address, sql, options }: Extract<IsolatedWork, { kind: "query" }>) {
  const warehouse = await openHere(address);
  const table = await warehouse.query(sql, { ...options, signal: stop.signal });
  const typed = table.columns.filter((column) => table.isTyped?.(column) === true);
  return { columns: table.columns, typed, types: [], batches: rowsOf(table), read: { parts: 0, rows: 0 } };
}

async function* rowsOf(table: Table): Batches & AsyncGenerator<readonly (readonly string[])[]> {
  for await (const { rows } of table.batches) yield rows;
}

async function lake({ sql, maxMemoryMb, tables, exact }: Extract<IsolatedWork, { kind: "lake" }>) {
  const { Lake } = await import("./lake.ts");
  const options: LakeOptions = {
    signal: stop.signal,
    maxMemoryMb,
    onPart: (done, total) => tell({ type: "part", done, total }),
  };
  const here = tables.map(tableFrom);
  const answer = await (exact ? new Lake().askExact(here, sql, options) : new Lake().ask(here, sql, options));
  return { ...answer, typed: [] };
}

/** A table whose parts are read by the process that started this one. */
function tableFrom(table: Omit<LakeTable, "open">, index: number): LakeTable {
  return {
    ...table,
    open: async () => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by isolated.ts at the other end
      const { columns, places } = (await ask({ kind: "open", table: index })) as IsolatedTable;
      return {
        columns,
        places: places.map(({ part: { inMemory, ...part }, ...place }) => ({
          ...place,
          part: {
            ...part,
            read: async (only) => await readPart(part.id, only),
            ...(inMemory ? { memory: async () => await leasePart(part.id) } : {}),
          },
        })),
      };
    },
  };
}

/** A file in the memory of the process that started this one, which keeps it until the query is over. */
async function leasePart(part: string): Promise<MemoryLease | undefined> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by isolated.ts at the other end
  const file = (await ask({ kind: "memory", part })) as MemoryFile | undefined;
  // Where one process may not open what another has open, rows are handed over instead.
  const isHere =
    file !== undefined &&
    (await access(file.path, constants.R_OK).then(
      () => true,
      () => false,
    ));
  return isHere ? { file, release: () => undefined } : undefined;
}

async function readPart(part: string, only: readonly string[]): Promise<Table> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by isolated.ts at the other end
  const { columns, reader } = (await ask({ kind: "read", part, only })) as { readonly columns: readonly string[]; readonly reader: number };
  return { columns, batches: batchesFrom(reader) };
}

async function* batchesFrom(reader: number) {
  for (;;) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by isolated.ts at the other end
    const rows = (await ask({ kind: "rows", reader })) as readonly (readonly string[])[] | undefined;
    if (rows === undefined) return;
    yield { rows, lines: [] };
  }
}

// Ctrl-C reaches the whole group of a terminal; the process that started this one ends it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- isolated.ts of this same version
  hear(message as ToIsolated);
});
