// Isolated: a query in a process of its own, which can be stopped whatever it does and whose memory is bounded by the system.
//
// Owns: starting that process, feeding it rows, watching its memory, ending it. Does not own: the query (duckdb.ts, postgres.ts, lake.ts).
//   P1. An aborted query is over at once: no call into a database library is waited for, the process is killed.
//   P2. Memory is bounded from outside too: what a library does not count itself (long texts, lists, the rows on their way) ends the process.
//   P3. Rows come in batches of bounded size, only as they are pulled; a row larger than the bound is refused by name.
//   P4. The process ends with this one, however this one ends: it watches the channel between them.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { reviveError, StockroomError, unknownKind, type ErrorRecord } from "../errors.ts";
import type {
  AnswerCell,
  AnswerType,
  ExactCell,
  LakeAnswer,
  LakeColumn,
  LakeOptions,
  LakePart,
  LakeTable,
  QueryOptions,
  Warehouse,
  WarehouseAddress,
} from "./contract.ts";
import type { MemoryFiles, MemoryLease } from "./memory-files.ts";
import { residentMb } from "./memory.ts";
import { warehouseError } from "./sql-place.ts";

/** What the process is to do, its first message. */
export type IsolatedWork =
  | {
      readonly kind: "lake";
      readonly sql: string;
      readonly maxMemoryMb: number;
      readonly tables: readonly Omit<LakeTable, "open">[];
      readonly exact: boolean;
    }
  | {
      readonly kind: "query";
      readonly address: WarehouseAddress;
      readonly sql: string;
      readonly options: Omit<QueryOptions, "signal">;
    };

/** A table as it crosses: parts by their ids. */
export interface IsolatedTable {
  readonly columns: readonly LakeColumn[];
  readonly places: readonly {
    /** `inMemory`: it can be had as a file in the memory of the process that started this one. */
    readonly part: { readonly id: string; readonly columns: readonly LakeColumn[]; readonly inMemory: boolean };
    readonly constants: Readonly<Record<string, string | null>>;
    readonly range?: { readonly column: string; readonly from: string; readonly to: string };
  }[];
}

/** What the process asks of this one. */
export type IsolatedQuestion =
  | { readonly kind: "open"; readonly table: number }
  | { readonly kind: "memory"; readonly part: string }
  | { readonly kind: "read"; readonly part: string; readonly only: readonly string[] }
  | { readonly kind: "rows"; readonly reader: number };

export type ToIsolated =
  | { readonly type: "work"; readonly work: IsolatedWork }
  | { readonly type: "next" }
  | { readonly type: "abort" }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown };

export type FromIsolated =
  | { readonly type: "question"; readonly id: number; readonly question: IsolatedQuestion }
  | { readonly type: "part"; readonly done: number; readonly total: number }
  | {
      readonly type: "columns";
      readonly columns: readonly string[];
      /** Those whose values came as numbers, not as text. */
      readonly typed: readonly string[];
      readonly types: readonly AnswerType[];
      readonly read: LakeAnswer["read"];
    }
  | { readonly type: "rows"; readonly rows: readonly (readonly unknown[])[] }
  | { readonly type: "end" }
  | { readonly type: "error"; readonly error: ErrorRecord };

/** What Node and the libraries take before the first row, measured at 90 to 130 MB. */
const ownMb = 160;
const watchMs = 20;
/** A statement on a server is given this long to be cancelled there before the process is killed. */
const cancelMs = 2_000;

const job = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./isolated-job.ts" : "../../platform/warehouse/isolated-job.js", import.meta.url),
);

interface Started {
  readonly columns: readonly string[];
  readonly typed: readonly string[];
  readonly types: readonly AnswerType[];
  readonly read: LakeAnswer["read"];
  readonly batches: AsyncGenerator<readonly (readonly unknown[])[]>;
}

interface Running {
  readonly work: IsolatedWork;
  readonly maxMemoryMb: number;
  readonly signal: AbortSignal | undefined;
  readonly answer: (question: IsolatedQuestion) => Promise<unknown>;
  readonly onPart: (done: number, total: number) => void;
}

/** Starts the work in a process of its own; that process is gone when the last row is out, the reader leaves, or something went wrong. */
async function startApart(running: Running): Promise<Started> {
  const { work, signal } = running;
  signal?.throwIfAborted();
  const child = new Child(running);
  try {
    child.send({ type: "work", work });
    const first = await child.next();
    if (first.type !== "columns") throw new Error(`unexpected message: ${first.type}`);
    const { columns, typed, types, read } = first;
    return { columns, typed, types, read, batches: batchesOf(child) };
  } catch (thrown) {
    child.end();
    throw thrown;
  }
}

async function* batchesOf(child: Child): AsyncGenerator<readonly (readonly unknown[])[]> {
  try {
    for (;;) {
      child.send({ type: "next" });
      const message = await child.next();
      if (message.type !== "rows") return;
      yield message.rows;
    }
  } finally {
    child.end();
  }
}

type Told = Extract<FromIsolated, { type: "columns" | "rows" | "end" }>;

/** The process. One message is awaited at a time. */
class Child {
  readonly #child: ChildProcess;
  readonly #running: Running;
  readonly #abort = (): void => this.#stop();
  #watch: NodeJS.Timeout | undefined;
  #kill: NodeJS.Timeout | undefined;
  #failure: { readonly reason: unknown } | undefined;
  #told: Told | undefined;
  #waiting: { readonly resolve: (message: Told) => void; readonly reject: (reason: unknown) => void } | undefined;
  #words = "";
  #isOpen = true;

  constructor(running: Running) {
    this.#running = running;
    const { maxMemoryMb, signal } = running;
    this.#child = fork(job, [], {
      // Rows have undefined, big numbers and bytes, which JSON has not.
      serialization: "advanced",
      execArgv: [`--max-old-space-size=${Math.max(64, maxMemoryMb)}`],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#words = (this.#words + text).slice(-8_000);
    });
    this.#child.on("message", (message) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own module at the other end, of this same version
      void this.#hear(message as FromIsolated);
    });
    this.#child.on("error", (error) => this.#fail(error));
    this.#child.on("exit", (_code, died) => this.#fail(this.#death(died)));
    signal?.addEventListener("abort", this.#abort, { once: true });
    this.#watchMemory();
  }

  send(message: ToIsolated): void {
    if (!this.#isOpen || !this.#child.connected) return;
    this.#child.send(message, (error) => {
      if (error !== null) this.#fail(error);
    });
  }

  async next(): Promise<Told> {
    return await new Promise((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure.reason);
      else if (this.#told !== undefined) resolve(this.#told);
      else this.#waiting = { resolve, reject };
      this.#told = undefined;
    });
  }

  /** Kills it; any number of times. */
  end(): void {
    this.#isOpen = false;
    this.#running.signal?.removeEventListener("abort", this.#abort);
    clearTimeout(this.#watch);
    clearTimeout(this.#kill);
    this.#child.kill("SIGKILL");
  }

  async #hear(message: FromIsolated): Promise<void> {
    if (!this.#isOpen) return;
    if (message.type === "question") {
      const { id, question } = message;
      try {
        this.send({ type: "answer", id, value: await this.#running.answer(question) });
      } catch (thrown) {
        this.#fail(thrown);
      }
    } else if (message.type === "part") this.#running.onPart(message.done, message.total);
    else if (message.type === "error") this.#fail(reviveError(message.error));
    else if (this.#waiting === undefined) this.#told = message;
    else {
      this.#waiting.resolve(message);
      this.#waiting = undefined;
    }
  }

  #fail(thrown: unknown): void {
    const { signal } = this.#running;
    const reason: unknown = signal?.aborted === true ? signal.reason : thrown;
    this.#failure ??= { reason };
    this.#waiting?.reject(this.#failure.reason);
    this.#waiting = undefined;
    this.end();
  }

  #stop(): void {
    const { work } = this.#running;
    const isOnServer = work.kind === "query" && work.address.kind === "postgres";
    if (!isOnServer) {
      this.#fail(undefined);
      return;
    }
    this.send({ type: "abort" });
    this.#kill = setTimeout(() => this.#fail(undefined), cancelMs);
  }

  #death(died: NodeJS.Signals | null): StockroomError {
    const isMemory = died !== null || /out of memory|bad_alloc|allocation failed|heap limit/i.test(this.#words);
    if (isMemory && (died === null || died === "SIGABRT" || died === "SIGTRAP" || died === "SIGKILL" || died === "SIGILL")) {
      return tooMuch(this.#running.maxMemoryMb);
    }
    const text = `Expected the query's process to answer but it ended by itself (${died ?? "without a word"}). Run it again; if it ends again, select less.`;
    return warehouseError("fault", "WAREHOUSE_FAULT", text, {}, new Error(this.#words));
  }

  /** Looks at the memory again and again; what is over the bound is killed. */
  #watchMemory(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    const look = async (): Promise<void> => {
      const mb = await residentMb(pid);
      if (!this.#isOpen) return;
      if (mb > this.#running.maxMemoryMb + ownMb) this.#fail(tooMuch(this.#running.maxMemoryMb));
      else this.#watch = setTimeout(() => void look(), watchMs);
    };
    void look();
  }
}

function tooMuch(maxMemoryMb: number): StockroomError {
  return new StockroomError(
    "input",
    "WAREHOUSE_OUT_OF_MEMORY",
    `Expected the query to fit its memory of ${maxMemoryMb} MB but it does not, and rows may not spill to disk, so it was ended. Select fewer rows, columns and long texts, or allow more memory.`,
    { facts: { maxMemoryMb } },
  );
}

/**
 * Asks sealed tables by one SELECT in a process of its own; this one unseals the parts and hands them over: as files in its memory, which the
 * other process opens, or row by row. See lake.ts.
 */
export async function askLakeIsolated(
  files: MemoryFiles,
  tables: readonly LakeTable[],
  sql: string,
  options: LakeOptions = {},
): Promise<LakeAnswer> {
  return await askApart<AnswerCell>(files, tables, sql, { ...options, exact: false });
}

/** The same with every value as nothing is lost of it. */
export async function askLakeExact(
  files: MemoryFiles,
  tables: readonly LakeTable[],
  sql: string,
  options: LakeOptions = {},
): Promise<LakeAnswer<ExactCell>> {
  return await askApart<ExactCell>(files, tables, sql, { ...options, exact: true });
}

async function askApart<Cell>(
  files: MemoryFiles,
  tables: readonly LakeTable[],
  sql: string,
  options: LakeOptions & { readonly exact: boolean },
): Promise<LakeAnswer<Cell>> {
  const { signal, maxMemoryMb = 1_024, onPart = () => undefined, exact } = options;
  const parts = new Map<string, LakePart>();
  const leases: MemoryLease[] = [];
  const release = (): void => {
    for (const lease of leases.splice(0)) lease.release();
  };
  const readers: AsyncIterator<{ readonly rows: readonly (readonly string[])[] }>[] = [];
  const answer = async (question: IsolatedQuestion): Promise<unknown> => {
    switch (question.kind) {
      case "open": {
        const open = await tables[question.table]?.open(signal);
        for (const { part } of open?.places ?? []) parts.set(part.id, part);
        const places = open?.places.map(({ part: { id, columns, memory }, ...place }) => ({
          ...place,
          part: { id, columns, inMemory: memory !== undefined },
        }));
        return { columns: open?.columns ?? [], places: places ?? [] } satisfies IsolatedTable;
      }
      case "memory": {
        const lease = await parts.get(question.part)?.memory?.(files, signal);
        if (lease !== undefined) leases.push(lease);
        return lease?.file;
      }
      case "read": {
        const table = await parts.get(question.part)?.read(question.only, signal);
        if (table !== undefined) readers.push(table.batches[Symbol.asyncIterator]());
        return { columns: table?.columns ?? [], reader: readers.length - 1 };
      }
      case "rows": {
        const next = await readers[question.reader]?.next();
        return next === undefined || next.done === true ? undefined : next.value.rows;
      }
      default:
        throw unknownKind(question, "question");
    }
  };
  const { columns, types, read, batches } = await startApart({
    work: {
      kind: "lake",
      sql,
      exact,
      maxMemoryMb,
      tables: tables.map(({ name, schema, about }) => ({ name, about, ...(schema === undefined ? {} : { schema }) })),
    },
    maxMemoryMb,
    signal,
    answer,
    onPart,
  }).catch(async (thrown: unknown) => {
    release();
    for (const reader of readers) await reader.return?.();
    throw thrown;
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by the lake at the other end
  return { columns, types, read, batches: untilEnd(batches, release) } as LakeAnswer<Cell>;
}

async function* untilEnd<T>(batches: AsyncIterable<T>, end: () => void): AsyncGenerator<T> {
  try {
    yield* batches;
  } finally {
    end();
  }
}

/** A warehouse each of whose queries runs in a process of its own. */
export function warehouseIsolated(address: WarehouseAddress): Warehouse {
  const stop = new AbortController();
  const open = new Set<AsyncGenerator>();
  return {
    kind: address.kind,
    query: async (sql, { signal, ...options } = {}) => {
      const maxMemoryMb = (address.kind === "duckdb" ? address.maxMemoryMb : undefined) ?? 1_024;
      const { columns, typed, batches } = await startApart({
        work: { kind: "query", address, sql, options },
        maxMemoryMb,
        signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
        answer: async () => undefined,
        onPart: () => undefined,
      });
      open.add(batches);
      return { columns, isTyped: (column) => typed.includes(column), batches: numbered(batches) };
    },
    close: async () => {
      stop.abort(warehouseError("busy", "WAREHOUSE_CLOSED", "Expected an open warehouse but it was closed. Open it again.", {}));
      await Promise.all([...open].map(async (batches) => await batches.return(undefined).catch(() => undefined)));
    },
  };
}

async function* numbered(batches: AsyncIterable<readonly (readonly unknown[])[]>) {
  let count = 0;
  for await (const rows of batches) {
    const before = count;
    count += rows.length;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by a warehouse at the other end: text in every cell
    yield { rows: rows as readonly (readonly string[])[], lines: rows.map((_, at) => before + at + 1) };
  }
}
