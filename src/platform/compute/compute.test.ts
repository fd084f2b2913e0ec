import { existsSync, mkdtempSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Log } from "../log.ts";
import { type Compute, type ComputeTask, type OpenComputeOptions, openCompute } from "./index.ts";
import type { Order } from "./fixtures/mischief-task.ts";

const mischief: ComputeTask<Order, unknown> = {
  name: "test.mischief",
  module: new URL("./fixtures/mischief-task.ts", import.meta.url).href,
};
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

let folder = "";
let files = 0;
let compute: Compute | undefined;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "stockroom-compute-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  await compute?.close();
  compute = undefined;
});

const open = (options: Partial<OpenComputeOptions> = {}): Compute => {
  compute = openCompute({ threads: 1, log: silent, ...options });
  return compute;
};
const startedFile = (): string => path.join(folder, `started-${files++}`);

/** Waits until the task has said, by a file, that it runs. */
async function seen(file: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(folder, () => existsSync(file) && resolve());
  if (existsSync(file)) resolve();
  await promise;
  watcher.close();
}

describe("results and errors", () => {
  it("gives back what the task returns, by structured clone", async () => {
    const value = { text: "ä", list: [1, 2], map: new Map([["a", new Date(0)]]), none: undefined, bytes: new Uint8Array([1, 2]) };
    expect(await open().run(mischief, { kind: "echo", value })).toEqual(value);
  });

  it("moves the buffers it is told to move", async () => {
    const buffer = new ArrayBuffer(1 << 20);
    expect(await open().run(mischief, { kind: "size", buffer }, { transfer: [buffer] })).toBe(1 << 20);
    expect(buffer.detached).toBe(true);
  });

  it("keeps kind, code, facts and message of our errors, and calls others faults", async () => {
    const pool = open();
    await expect(pool.run(mischief, { kind: "throw-ours" })).rejects.toMatchObject({
      name: "StockroomError",
      kind: "input",
      code: "TEST_WRONG",
      message: "Expected right but came wrong. Mend it.",
      facts: { line: 7 },
      cause: { stack: expect.stringContaining("mischief-task") },
    });
    await expect(pool.run(mischief, { kind: "throw-foreign" })).rejects.toMatchObject({ kind: "fault", message: "x is not a function" });
    await expect(pool.run(mischief, { kind: "throw-text" })).rejects.toMatchObject({ kind: "fault", message: "just text" });
  });

  it("says what cannot cross, and which module is no task", async () => {
    const pool = open();
    await expect(pool.run(mischief, { kind: "echo", value: () => {} })).rejects.toMatchObject({
      kind: "fault",
      code: "COMPUTE_NOT_CLONEABLE",
    });
    await expect(pool.run(mischief, { kind: "uncloneable" })).rejects.toMatchObject({ kind: "fault", code: "COMPUTE_NOT_CLONEABLE" });
    const absent: ComputeTask<null, null> = {
      name: "absent",
      module: new URL("../../platform/compute/no-such-task.ts", import.meta.url).href,
    };
    await expect(pool.run(absent, null)).rejects.toMatchObject({ kind: "fault", code: "COMPUTE_TASK_UNLOADABLE" });
    const empty: ComputeTask<null, null> = { name: "empty", module: new URL("./protocol.ts", import.meta.url).href };
    await expect(pool.run(empty, null)).rejects.toMatchObject({ kind: "fault", code: "COMPUTE_TASK_UNLOADABLE" });
  });

  it("runs more tasks than threads, each once, on no more threads than asked", async () => {
    const pool = open({ threads: 2 });
    const ids = await Promise.all(Array.from({ length: 12 }, () => pool.run(mischief, { kind: "thread" })));
    expect(new Set(ids).size).toBeLessThanOrEqual(2);
    const values = await Promise.all(Array.from({ length: 12 }, (_, i) => pool.run(mischief, { kind: "echo", value: i })));
    expect(values).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });
});

describe("progress", () => {
  it("reaches the caller from a loop that never yields, throttled, and the last state always", async () => {
    const heard: [number, number, string][] = [];
    const at: number[] = [];
    const onProgress = (done: number, total: number, note: string): void => {
      heard.push([done, total, note]);
      at.push(performance.now());
    };
    await open().run(mischief, { kind: "progress", steps: 1000, forMs: 400 }, { onProgress });
    expect(heard[0]).toEqual([1, 1000, "step 1"]);
    expect(heard.at(-1)).toEqual([1000, 1000, "last"]);
    // 400 ms at a spacing of 125 ms, and the last state. A slow machine runs the loop longer, never the messages closer.
    const ranMs = (at.at(-1) ?? 0) - (at[0] ?? 0);
    expect(heard.length).toBeLessThanOrEqual(Math.ceil(Math.max(ranMs, 400) / 125) + 3);
    const few: number[] = [];
    await compute?.run(mischief, { kind: "progress", steps: 3, forMs: 0 }, { onProgress: (done) => few.push(done) });
    expect(few).toEqual([1, 3]);
  });
});

describe("cancel", () => {
  for (const kind of ["spin", "spin-throwing", "wait"] as const) {
    it(`reaches a task that would ${kind}, without ending its thread`, async () => {
      const pool = open({ graceMs: 3_600_000 });
      const thread = await pool.run(mischief, { kind: "thread" });
      const file = startedFile();
      const abort = new AbortController();
      const running = pool.run(mischief, { kind, startedFile: file }, { signal: abort.signal });
      await seen(file);
      abort.abort(new Error("enough"));
      await expect(running).rejects.toThrow("enough");
      expect(await pool.run(mischief, { kind: "thread" })).toBe(thread);
    });
  }

  it("ends the thread of a task that does not listen, and the pool goes on with what waits", async () => {
    const pool = open({ graceMs: 20 });
    const file = startedFile();
    const abort = new AbortController();
    const running = pool.run(mischief, { kind: "deaf", startedFile: file }, { signal: abort.signal });
    const waiting = pool.run(mischief, { kind: "echo", value: "next" });
    await seen(file);
    abort.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    expect(await waiting).toBe("next");
  });

  it("takes a waiting task out of the queue at once", async () => {
    const pool = open({ graceMs: 20 });
    const file = startedFile();
    const first = new AbortController();
    const running = pool.run(mischief, { kind: "spin", startedFile: file }, { signal: first.signal });
    await seen(file);
    const second = new AbortController();
    const queuedFile = startedFile();
    const queued = pool.run(mischief, { kind: "spin", startedFile: queuedFile }, { signal: second.signal });
    second.abort(new Error("never mind"));
    await expect(queued).rejects.toThrow("never mind");
    first.abort();
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    expect(await pool.run(mischief, { kind: "echo", value: 1 })).toBe(1);
    expect(existsSync(queuedFile)).toBe(false);
  });

  it("does not start what is aborted already", async () => {
    await expect(open().run(mischief, { kind: "exit" }, { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
  });
});

describe("a thread that dies", () => {
  it("fails its task with a fault, and only its task", async () => {
    const pool = open({ maxHeapMb: 48 });
    const expected = [
      ["exit", "COMPUTE_THREAD_DIED"],
      ["crash-later", "COMPUTE_THREAD_DIED"],
      ["hoard", "COMPUTE_OUT_OF_MEMORY"],
    ] as const;
    for (const [kind, code] of expected) {
      const dying = pool.run(mischief, { kind });
      const after = pool.run(mischief, { kind: "echo", value: kind });
      await expect(dying).rejects.toMatchObject({ kind: "fault", code, facts: { task: "test.mischief" } });
      expect(await after).toBe(kind);
    }
  });
});

describe("close", () => {
  it("stops what runs and what waits as busy, and refuses what comes", async () => {
    const pool = open({ graceMs: 20 });
    const file = startedFile();
    const running = pool.run(mischief, { kind: "deaf", startedFile: file });
    const waiting = pool.run(mischief, { kind: "echo", value: 1 });
    await seen(file);
    const outcomes = Promise.allSettled([running, waiting]);
    await Promise.all([pool.close(), pool.close()]);
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { kind: "busy", code: "COMPUTE_CLOSED" } });
    await expect(pool.run(mischief, { kind: "thread" })).rejects.toMatchObject({ code: "COMPUTE_CLOSED" });
  });

  it("costs nothing when nothing ran", async () => {
    await expect(open().close()).resolves.toBeUndefined();
  });
});
