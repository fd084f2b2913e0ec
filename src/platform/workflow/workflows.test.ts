import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { testDatabase } from "../../../test/kit/database.ts";
import type { TestDatabase } from "../../../test/kit/database.ts";
import { StockroomError, describeError, reviveError } from "../errors.ts";
import { makeMemoryLog } from "../log.ts";
import type { Database } from "../database/contract.ts";
import { openDatabase } from "../database/open.ts";
import type { DeadLetter, RunContext, WorkflowDefinition } from "./contract.ts";
import { lockKey } from "./liveness.ts";
import { workflowMigrations } from "./migrations.ts";
import { isWorkedAt } from "./runs.ts";
import { openWorkflows } from "./workflows.ts";
import type { OpenWorkflows, OpenWorkflowsOptions } from "./workflows.ts";

let postgres: TestDatabase;
let database: Database;
let open: OpenWorkflows[] = [];
const letters: DeadLetter[] = [];
/** What ran, in order; the effects of these workflows. */
let marks: string[] = [];

const queues = [
  { name: "main", perWorker: 8 },
  { name: "children", perWorker: 8 },
  { name: "single", perWorker: 1, overall: 1 },
];

beforeAll(async () => {
  postgres = await testDatabase();
  database = await openDatabase({ url: postgres.url, home: "", log: makeMemoryLog(), migrations: workflowMigrations });
});

afterEach(async () => {
  await Promise.all(open.map((deps) => deps.close()));
  open = [];
  marks = [];
  letters.length = 0;
});

afterAll(async () => {
  await database.close();
  await postgres.drop();
});

async function openFixture(workflows: readonly WorkflowDefinition[], more: Partial<OpenWorkflowsOptions> = {}): Promise<OpenWorkflows> {
  const deps = await openWorkflows({
    database,
    executorId: "one",
    queues,
    workflows,
    log: makeMemoryLog(),
    livenessMs: 100,
    patienceMs: 200,
    pollMs: 20,
    onDead: async (_, letter) => {
      letters.push(letter);
    },
    ...more,
  });
  open.push(deps);
  return deps;
}

function define<Input, Output>(
  name: string,
  run: (context: RunContext, input: Input) => Promise<Output>,
  more: Partial<Omit<WorkflowDefinition<Input, Output>, "name" | "run">> = {},
): WorkflowDefinition<Input, Output> {
  return { name, queue: "main", backoffMs: 1, ...more, run };
}

function mark(what: string): string {
  marks.push(what);
  return what;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

test("a run does its steps in order, once, and its result comes back", async () => {
  const double = define("t.double", async (context, input: { n: number }) => {
    const n = await context.step("double", async () => {
      marks.push("double");
      return { n: input.n * 2 };
    });
    return { sum: n.n + (await context.step("one", async () => 1)) };
  });
  const deps = await openFixture([double]);
  expect(await deps.start(double, { n: 20 }, { id: "basic" })).toBe("basic");
  expect(await deps.outcome("basic")).toEqual({ kind: "done", value: { sum: 41 } });
  // W1: the same id again is the same run.
  await deps.start(double, { n: 99 }, { id: "basic" });
  expect(await deps.outcome("basic")).toEqual({ kind: "done", value: { sum: 41 } });
  expect(marks).toEqual(["double"]);
  const shown = await deps.show("basic");
  expect(shown).toMatchObject({ state: "done", tries: 1, crashes: 0, input: { n: 20 }, executor: "one" });
  expect(shown.steps.map((step) => step.name)).toEqual(["double", "one"]);
  expect(await deps.idle()).toBe(true);
});

test("a step is tried again only when its error is worth it", async () => {
  let tries = 0;
  const flaky = define("t.flaky", async (context) => {
    await context.step(
      "busy",
      async () => {
        tries += 1;
        if (tries < 4) throw new StockroomError("busy", "T_BUSY", "Expected room.");
      },
      { backoffMs: 1 },
    );
    return context
      .step(
        "input",
        async () => {
          marks.push("input");
          throw new StockroomError("input", "T_INPUT", "Expected better.", { facts: { line: 3 } });
        },
        { backoffMs: 1 },
      )
      .catch((thrown: unknown) => describeError(thrown));
  });
  const deps = await openFixture([flaky]);
  await deps.start(flaky, null, { id: "flaky" });
  expect(await deps.outcome("flaky")).toEqual({
    kind: "done",
    value: { kind: "input", code: "T_INPUT", message: "Expected better.", facts: { line: 3 } },
  });
  expect(tries).toBe(4);
  expect(marks).toEqual(["input"]);
  expect((await deps.show("flaky")).steps).toMatchObject([
    { name: "busy", tries: 4, error: undefined },
    { name: "input", tries: 1, error: "Expected better." },
  ]);
});

test("a step that takes too long is told to stop and tried again", async () => {
  let tries = 0;
  const slow = define("t.slow", async (context) =>
    context.step(
      "slow",
      async (signal) => {
        tries += 1;
        if (tries === 2) return "second";
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        return "first";
      },
      { timeoutMs: 20, backoffMs: 1 },
    ),
  );
  const deps = await openFixture([slow]);
  await deps.start(slow, null, { id: "slow" });
  expect(await deps.outcome("slow")).toEqual({ kind: "done", value: "second" });
});

test("a poison run goes to the dead letters after one try, says why, and goes on from the failed step after the fix", async () => {
  let poisonous = true;
  const digest = define("t.digest", async (context, input: { file: string }) => {
    const opened = await context.step("open", async () => mark("open"));
    const parsed = await context.step("parse", async () => {
      mark("parse");
      if (poisonous) throw new StockroomError("input", "T_POISON", `Expected a table in ${input.file}.`, { facts: { line: 2 } });
      return "parsed";
    });
    return [opened, parsed, await context.step("store", async () => mark("store"))];
  });
  const deps = await openFixture([digest]);
  await deps.start(digest, { file: "june.csv" }, { id: "poison" });
  const error = { kind: "input", code: "T_POISON", message: "Expected a table in june.csv.", facts: { line: 2 } };
  expect(await deps.outcome("poison")).toEqual({ kind: "failed", error });
  expect(marks).toEqual(["open", "parse"]);
  const [letter] = await deps.deadLetters({ state: "waiting" });
  expect(letter).toMatchObject({ runId: "poison", workflow: "t.digest", error, tries: 1, crashes: 0, state: "waiting" });
  expect(letters).toEqual([letter]);
  expect(await deps.deadLetter(letter?.id ?? "")).toEqual(letter);
  expect(await deps.show("poison")).toMatchObject({ state: "dead", error });

  poisonous = false;
  expect(await deps.redrive(letter?.id ?? "")).toBe("poison");
  expect(await deps.outcome("poison")).toEqual({ kind: "done", value: ["open", "parsed", "store"] });
  expect(marks).toEqual(["open", "parse", "parse", "store"]);
  expect(await deps.deadLetter(letter?.id ?? "")).toMatchObject({ state: "redriven" });
  await expect(deps.redrive(letter?.id ?? "")).rejects.toMatchObject({ kind: "conflict", code: "DEAD_LETTER_SETTLED" });
  await expect(deps.redrive("987654")).rejects.toMatchObject({ kind: "missing", code: "DEAD_LETTER_UNKNOWN" });
  await expect(deps.deadLetter("x")).rejects.toMatchObject({ code: "DEAD_LETTER_UNKNOWN" });
  await expect(deps.retry("poison")).rejects.toMatchObject({ kind: "conflict", code: "RUN_NOT_ENDED_BADLY" });
});

test("a faulty run is tried as often as it may be, then redriven from its start or dropped", async () => {
  const faulty = define(
    "t.faulty",
    async (context) => {
      await context.step("good", async () => mark("good"));
      await context.step("bad", async () => Promise.reject(new TypeError(mark("bad"))), { tries: 2, backoffMs: 1 });
    },
    { tries: 2 },
  );
  const deps = await openFixture([faulty]);
  await deps.start(faulty, null, { id: "faulty" });
  expect(await deps.outcome("faulty")).toMatchObject({ kind: "failed", error: { kind: "fault", code: "FAULT", message: "bad" } });
  // Two tries of the run, each with two tries of the step; the good step once.
  expect(marks).toEqual(["good", "bad", "bad", "bad", "bad"]);
  const letter = letters[0]?.id ?? "";
  expect(await deps.deadLetter(letter)).toMatchObject({ tries: 2 });
  await deps.redrive(letter, { fromStart: true });
  expect(await deps.outcome("faulty")).toMatchObject({ kind: "failed" });
  expect(marks).toEqual(["good", "bad", "bad", "bad", "bad", "good", "bad", "bad", "bad", "bad"]);
  await deps.drop(letters[1]?.id ?? "");
  expect(await deps.show("faulty")).toMatchObject({ state: "failed" });
  expect(await deps.outcome("faulty")).toMatchObject({ kind: "failed" });
  expect((await deps.list({ state: "failed" })).map((run) => run.id)).toEqual(["faulty"]);
  await expect(deps.drop(letters[1]?.id ?? "")).rejects.toMatchObject({ code: "DEAD_LETTER_SETTLED" });
});

test("a dead-letter hook that fails loses no dead letter", async () => {
  const bad = define("t.bad", async () => Promise.reject(new StockroomError("missing", "T_MISSING", "Expected it to be there.")));
  const deps = await openFixture([bad], { onDead: async () => Promise.reject(new Error("smtp is down")) });
  await deps.start(bad, null, { id: "hookless" });
  expect(await deps.outcome("hookless")).toMatchObject({ kind: "failed", error: { code: "T_MISSING" } });
  expect((await deps.deadLetters({ state: "waiting" })).map((letter) => letter.runId)).toContain("hookless");
});

test("what is not JSON is refused where it is made, at once", async () => {
  const sloppy = define("t.sloppy", async (context, what: string) => {
    if (what === "twice") return [await context.step("same", async () => 1), await context.step("same", async () => 2)];
    if (what === "returned") return { at: new Date(0) };
    if (what === "large") return context.step("large", async () => "x".repeat(1_100_000));
    if (what === "nameless") return context.step("", async () => 1);
    return context.step<unknown>("bigint", async () => ({ rows: [{ n: 1n }] }));
  });
  const deps = await openFixture([sloppy]);
  const codes = {
    twice: "WORKFLOW_STEP_TWICE",
    returned: "WORKFLOW_NOT_JSON",
    large: "WORKFLOW_TOO_LARGE",
    nameless: "WORKFLOW_STEP_NAME",
  };
  for (const [what, code] of Object.entries({ ...codes, bigint: "WORKFLOW_NOT_JSON" })) {
    await deps.start(sloppy, what, { id: `sloppy-${what}` });
    expect(await deps.outcome(`sloppy-${what}`)).toMatchObject({ kind: "failed", error: { code } });
    expect(await deps.show(`sloppy-${what}`)).toMatchObject({ tries: 1 });
  }
  expect((await deps.show("sloppy-bigint")).error?.message).toContain("a bigint at .rows[0].n");
  await expect(deps.start(sloppy, undefined, { id: "sloppy-input" })).rejects.toMatchObject({ code: "WORKFLOW_NOT_JSON" });
  await expect(deps.start(sloppy, "x", { id: " " })).rejects.toMatchObject({ code: "RUN_BAD_ID" });
  await expect(deps.start("t.nobody", "x", { id: "nobody" })).rejects.toMatchObject({ code: "WORKFLOW_UNKNOWN" });
});

test("a run started in a transaction that is rolled back does not exist", async () => {
  const quick = define("t.quick", async () => "quick");
  const deps = await openFixture([quick]);
  await expect(
    database.transaction(async (tx) => {
      await deps.startIn(tx, quick, null, { id: "rolled-back" });
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  await expect(deps.show("rolled-back")).rejects.toMatchObject({ kind: "missing", code: "RUN_UNKNOWN" });
  await expect(deps.outcome("rolled-back")).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
  await expect(deps.cancel("rolled-back")).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
  expect(deps.has("t.quick")).toBe(true);
  expect(deps.has("t.nobody")).toBe(false);
});

test("lower priorities go first, and a queue's bounds hold", async () => {
  let atOnce = 0;
  let most = 0;
  const order = define(
    "t.order",
    async (context, name: string) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await context.step("mark", async () => mark(name));
      atOnce -= 1;
    },
    { queue: "single" },
  );
  // Enqueued before anybody works.
  const starter = await openFixture([order], { work: false, executorId: "starter" });
  for (const [name, priority] of [
    ["c", 300],
    ["a", 1],
    ["b", 20],
    ["d", 300],
  ] as const) {
    await starter.start(order, name, { id: `order-${name}`, priority });
  }
  expect(starter.taking).toBe(false);
  expect((await starter.list({ workflow: "t.order" })).every((run) => run.state === "queued")).toBe(true);
  await starter.close();
  const deps = await openFixture([order]);
  await Promise.all(["a", "b", "c", "d"].map((name) => deps.outcome(`order-${name}`)));
  expect(marks).toEqual(["a", "b", "c", "d"]);
  expect(most).toBe(1);
  expect(deps.taking).toBe(true);
});

test("a parent waits for its children and is told how each ended", async () => {
  const child = define(
    "t.child",
    async (context, n: number) => {
      if (n === 2) throw new StockroomError("input", "T_TWO", "Expected another number.");
      return context.step("square", async () => n * n);
    },
    { queue: "children", title: (n) => `square ${n}` },
  );
  const parent = define("t.parent", async (context) => {
    const ids: string[] = [];
    for (const n of [1, 2, 3]) ids.push(await context.startChild(child, n, { id: `${context.runId}/${n}` }));
    return Promise.all(ids.map(async (id) => context.childResult<number>(id)));
  });
  const deps = await openFixture([child, parent]);
  await deps.start(parent, null, { id: "family" });
  expect(await deps.outcome("family")).toMatchObject({
    kind: "done",
    value: [
      { kind: "done", value: 1 },
      { kind: "failed", error: { code: "T_TWO" } },
      { kind: "done", value: 9 },
    ],
  });
  expect((await deps.list({ parent: "family" })).map((run) => run.title).toSorted()).toEqual(["square 1", "square 2", "square 3"]);
});

test("runs are counted by when they began, by workflow and state", async () => {
  const count = define("t.count", async (_, n: number) => {
    if (n > 2) throw new StockroomError("input", "T_TWO", "Expected another number.");
    return n;
  });
  const deps = await openFixture([count]);
  for (const n of [1, 2, 3]) {
    await deps.start(count, n, { id: `count/${n}` });
    await deps.outcome(`count/${n}`);
  }
  for (const [n, at] of [
    [1, "2026-03-01T23:59:59Z"],
    [2, "2026-03-02T00:00:00Z"],
    [3, "2026-03-02T22:30:00Z"],
  ] as const)
    await database.query("update stockroom.run set created_at = $2::timestamptz where id = $1", [`count/${n}`, at]);
  const asked = { workflow: "t.count", since: "2026-03-01T00:00:00Z" };
  expect(await deps.count({ ...asked, by: "day" })).toEqual([
    { at: "2026-03-01T00:00:00.000Z", workflow: "t.count", state: "done", count: 1 },
    { at: "2026-03-02T00:00:00.000Z", workflow: "t.count", state: "dead", count: 1 },
    { at: "2026-03-02T00:00:00.000Z", workflow: "t.count", state: "done", count: 1 },
  ]);
  expect((await deps.count({ ...asked, by: "hour", state: "dead" })).map(({ at }) => at)).toEqual(["2026-03-02T22:00:00.000Z"]);
  expect(await deps.count({ ...asked, since: "2026-03-02T22:30:00.001Z", by: "hour" })).toEqual([]);
});

test("a redriven parent takes its dead children with it", async () => {
  let broken = true;
  const child = define(
    "t.country",
    async (context, country: string) => {
      await context.step("work", async () => {
        mark(country);
        if (broken && country === "FRA") throw new StockroomError("input", "T_FRA", "Expected France.");
      });
    },
    { queue: "children" },
  );
  const parent = define("t.all", async (context) => {
    for (const country of ["DEU", "FRA"]) await context.startChild(child, country, { id: `${context.runId}/${country}` });
    for (const country of ["DEU", "FRA"]) {
      const outcome = await context.childResult(`${context.runId}/${country}`);
      if (outcome.kind === "failed") throw reviveError(outcome.error);
    }
    return "all";
  });
  const deps = await openFixture([child, parent]);
  await deps.start(parent, null, { id: "period" });
  expect(await deps.outcome("period")).toMatchObject({ kind: "failed", error: { code: "T_FRA" } });
  broken = false;
  const letter = letters.find((one) => one.runId === "period");
  await deps.redrive(letter?.id ?? "");
  expect(await deps.outcome("period")).toEqual({ kind: "done", value: "all" });
  expect(marks.toSorted()).toEqual(["DEU", "FRA", "FRA"]);
  expect((await deps.deadLetters({ state: "waiting" })).filter((one) => one.runId.startsWith("period"))).toEqual([]);
});

test("waiting for a run in one's own queue is refused, because two could wait for each other for ever", async () => {
  const inner = define("t.inner", async () => "inner");
  const outer = define("t.outer", async (context) => {
    const id = await context.startChild(inner, null, { id: `${context.runId}/inner` });
    return context.childResult(id);
  });
  const deps = await openFixture([inner, outer]);
  await deps.start(outer, null, { id: "cycle" });
  expect(await deps.outcome("cycle")).toMatchObject({ kind: "failed", error: { code: "WORKFLOW_QUEUE_CYCLE" } });
  expect(await deps.outcome("cycle/inner")).toMatchObject({ kind: "done" });
});

test("cancel stops a run and its children wherever they are, and retry goes on", async () => {
  let waiting = true;
  const endless = define(
    "t.endless",
    async (context, name: string) => {
      await context.step("first", async () => mark(`first ${name}`));
      await context.step("wait", async (signal) => {
        if (!waiting) return;
        mark(`waits ${name}`);
        await aborted(signal);
      });
    },
    { queue: "single" },
  );
  const parent = define("t.cancels", async (context) => {
    const ids = [];
    // The second waits in the queue behind the first.
    for (const name of ["x", "y"]) ids.push(await context.startChild(endless, name, { id: `cancelled/${name}` }));
    return Promise.all(ids.map(async (id) => context.childResult(id)));
  });
  const deps = await openFixture([endless, parent]);
  await deps.start(parent, null, { id: "cancelled" });
  await expect.poll(() => marks, { timeout: 60_000 }).toContain("waits x");
  await deps.cancel("cancelled");
  for (const id of ["cancelled", "cancelled/x", "cancelled/y"]) expect(await deps.outcome(id)).toEqual({ kind: "cancelled" });
  expect(await deps.idle()).toBe(true);
  expect(marks).toEqual(["first x", "waits x"]);
  // Again is harmless.
  await deps.cancel("cancelled");
  waiting = false;
  await deps.retry("cancelled");
  expect(await deps.outcome("cancelled")).toEqual({ kind: "done", value: [{ kind: "done" }, { kind: "done" }] });
  expect(marks).toEqual(["first x", "waits x", "first y"]);
  // What is over is not "cancelled".
  await expect(deps.cancel("cancelled")).rejects.toMatchObject({ kind: "conflict", code: "RUN_ENDED", facts: { state: "done" } });
  expect((await deps.show("cancelled")).state).toBe("done");
});

test("a version of an object is worked at from the beginning of its run to its end", async () => {
  const opened = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const look = define("t.look", async (context) => {
    await context.step("look", async () => {
      begun.resolve();
      await opened.promise;
    });
  });
  const deps = await openFixture([look]);
  const object = { workflow: "t.look", key: "a.csv", version: "1" };
  expect(await isWorkedAt(database, object)).toBe(false);
  await deps.start(look, { key: "a.csv", version: "1" }, { id: "look" });
  await begun.promise;
  expect(await isWorkedAt(database, object)).toBe(true);
  expect(await isWorkedAt(database, { ...object, version: "2" })).toBe(false);
  opened.resolve();
  await deps.outcome("look");
  expect(await isWorkedAt(database, object)).toBe(false);
});

test("what is done is done again by a new run, where the workflow says so; asked twice at once, once", async () => {
  const opened = Promise.withResolvers<void>();
  let runs = 0;
  const asked: unknown[] = [];
  const code = define(
    "t.code",
    async (context, input: { n: number; at?: string }) => {
      await context.step("code", async () => {
        runs += 1;
        asked.push(input);
        if (runs === 2) await opened.promise;
      });
      return input.n;
    },
    { rerun: (input, at) => (input.n < 0 ? undefined : { ...input, at }) },
  );
  const once = define("t.once", async (context) => await context.step("fail", async () => await aborted(context.signal)));
  const clock = { now: () => Date.parse("2026-11-30T08:00:00Z") };
  const deps = await openFixture([code, once], { clock });
  await deps.start(code, { n: 1 }, { id: "code/1" });
  await deps.outcome("code/1");
  expect(await deps.show("code/1")).toMatchObject({ state: "done", repeatable: true });

  const both = await Promise.all([deps.rerun("code/1"), deps.rerun("code/1")]);
  expect(both).toEqual(["code/1/again/2026-11-30T08:00:00.000Z", "code/1/again/2026-11-30T08:00:00.000Z"]);
  const [again] = both;
  expect(await deps.show(again)).toMatchObject({ repeatable: false });
  await expect(deps.rerun(again)).rejects.toMatchObject({
    kind: "conflict",
    code: "RUN_NOT_DONE",
    message: expect.stringContaining("Wait until"),
  });
  clock.now = () => Date.parse("2026-11-30T08:00:05Z");
  expect(await deps.rerun("code/1")).toBe(again);
  opened.resolve();
  expect(await deps.outcome(again)).toEqual({ kind: "done", value: 1 });
  expect(asked).toEqual([{ n: 1 }, { n: 1, at: "2026-11-30T08:00:00.000Z" }]);

  // A rerun is done again beside itself, not below it.
  const third = await deps.rerun(again);
  expect(third).toBe("code/1/again/2026-11-30T08:00:05.000Z");
  expect(await deps.outcome(third)).toEqual({ kind: "done", value: 1 });
  expect(runs).toBe(3);

  await expect(deps.rerun("nowhere")).rejects.toMatchObject({ kind: "missing", code: "RUN_UNKNOWN" });
  await deps.start(code, { n: -1 }, { id: "code/2" });
  await deps.outcome("code/2");
  expect(await deps.show("code/2")).toMatchObject({ repeatable: false });
  await expect(deps.rerun("code/2")).rejects.toMatchObject({ kind: "conflict", code: "RUN_NOT_REPEATABLE" });
  await deps.start(once, {}, { id: "once" });
  await deps.cancel("once");
  await expect(deps.rerun("once")).rejects.toMatchObject({ code: "RUN_NOT_DONE", message: expect.stringContaining("runs retry") });
});

test("what is logged while a run is worked at is kept with it, by step and level, concealed, and there when it has ended", async () => {
  const log = makeMemoryLog();
  let tries = 0;
  const told = define("t.told", async (context) => {
    await context.step(
      "look",
      async () => {
        tries += 1;
        log.child({ part: "store" }).info("looked", { url: "postgres://u:hush@host/db", rows: 3, runId: "told" });
        log.debug("of no interest");
        if (tries === 1) throw new StockroomError("busy", "T_BUSY", "Expected room.");
      },
      { backoffMs: 1 },
    );
    log.warn("between steps");
    await Promise.all([
      context.step("left", async () => log.info("left")),
      context.step("right", async () => log.error("right", { error: new Error("oh") })),
    ]);
  });
  const deps = await openFixture([told], { log });
  await deps.start(told, {}, { id: "told" });
  await deps.outcome("told");
  const lines = await deps.logs("told");
  expect(lines.map(({ level, step, message }) => [level, step, message])).toEqual([
    ["info", "look", "looked"],
    ["info", "look", "a step is tried again"],
    ["info", "look", "looked"],
    ["warn", undefined, "between steps"],
    ["info", "left", "left"],
    ["error", "right", "right"],
  ]);
  expect(lines[0]).toMatchObject({ executor: "one", tries: 1, facts: { part: "store", rows: 3, url: "postgres://u:[secret]@host/db" } });
  expect(lines[5]?.facts).toEqual({ error: { name: "Error", message: "oh" } });
  expect((await deps.logs("told", { step: "look", after: lines[0]?.id })).map(({ message }) => message)).toEqual([
    "a step is tried again",
    "looked",
  ]);
  expect((await deps.logs("told", { level: "warn", limit: 1 })).map(({ message }) => message)).toEqual(["between steps"]);
  await expect(deps.logs("nowhere")).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
});

test("of a run's lines the newest thousand are kept, with a run its lines go, and a run without a table for them ends as well", async () => {
  const log = makeMemoryLog();
  const many = define("t.many", async (context, count: number) => {
    await context.step("talk", async () => {
      for (let n = 0; n < count; n++) log.info(`line ${n}`, { text: "x".repeat(n === 0 ? 9_000 : 1) });
    });
  });
  const deps = await openFixture([many], { log });
  await deps.start(many, 1_450, { id: "many" });
  await deps.outcome("many");
  const lines = await deps.logs("many", { limit: 5_000 });
  expect(lines.length).toBeLessThanOrEqual(1_200);
  expect(lines.length).toBeGreaterThanOrEqual(1_000);
  expect(lines.at(-1)?.message).toBe("line 1449");
  await deps.start(many, 6_000, { id: "flood" });
  await deps.outcome("flood");
  expect((await deps.logs("flood", { level: "warn" })).map(({ message }) => message)).toEqual([
    expect.stringMatching(/^1000 lines were not kept/),
  ]);
  await deps.start(many, 1, { id: "long-line" });
  await deps.outcome("long-line");
  const [long] = await deps.logs("long-line");
  expect(JSON.stringify(long?.facts).length).toBeLessThan(4_100);
  await database.query("delete from stockroom.run where id in ('many', 'flood')");
  expect(await database.query("select count(*)::int as lines from stockroom.run_log where run_id in ('many', 'flood')")).toEqual([
    { lines: 0 },
  ]);

  await database.query("alter table stockroom.run_log rename to run_log_away");
  await deps.start(many, 2, { id: "mute" });
  expect(await deps.outcome("mute")).toMatchObject({ kind: "done" });
  await database.query("alter table stockroom.run_log_away rename to run_log");
});

test("steps side by side: each is recorded, and a next try begins only when all have come to rest", async () => {
  let fails = 1;
  let running = 0;
  const wide = define("t.wide", async (context) => {
    await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        await context.step(
          `a${index}`,
          async () => {
            running += 1;
            if (index === 3 && fails-- > 0) {
              running -= 1;
              throw new StockroomError("busy", "T_WIDE", "Expected luck.");
            }
            await new Promise((resolve) => setImmediate(resolve));
            mark(`a${index}`);
            running -= 1;
          },
          { tries: 1 },
        );
        // The order of these differs from try to try; names, not places, tell them apart.
        await context.step(`b${index}`, async () => mark(`b${index}`));
      }),
    );
    return running;
  });
  const deps = await openFixture([wide]);
  await deps.start(wide, null, { id: "wide" });
  expect(await deps.outcome("wide")).toEqual({ kind: "done", value: 0 });
  expect(marks.toSorted()).toEqual([0, 1, 2, 3, 4, 5].flatMap((n) => [`a${n}`, `b${n}`]).toSorted());
});

test("closing leaves a run where it stood; it is neither a failed try nor a crash, and what was done stays done", async () => {
  const long = define("t.long", async (context) => {
    await context.step("first", async () => mark("first"));
    const swallowed = await context
      .step("second", async (signal) => {
        mark("second");
        if (marks.length < 3) await aborted(signal);
        return "whole";
      })
      // Code that carries on after any failure must not carry on after this one.
      .catch(() => "swallowed");
    return `${swallowed} ${context.attempt}`;
  });
  const deps = await openFixture([long]);
  await deps.start(long, null, { id: "long" });
  await expect.poll(() => marks, { timeout: 60_000 }).toEqual(["first", "second"]);
  await deps.close();
  await deps.close();
  const again = await openFixture([long], { executorId: "another" });
  expect(await again.outcome("long")).toEqual({ kind: "done", value: "whole 0" });
  expect(marks).toEqual(["first", "second", "second"]);
  expect(await again.show("long")).toMatchObject({ tries: 1, crashes: 0, executor: "another" });
});

test("progress is seen while a run works", async () => {
  const told = Promise.withResolvers<void>();
  const busy = define("t.progress", async (context) => {
    context.progress(3, 10, "lines");
    await context.step("wait", async () => told.promise);
  });
  const deps = await openFixture([busy]);
  await deps.start(busy, null, { id: "progress" });
  await expect.poll(async () => (await deps.show("progress")).progress, { timeout: 60_000 }).toEqual({ done: 3, total: 10, note: "lines" });
  await expect(deps.outcome("progress", { timeoutMs: 1 })).rejects.toMatchObject({ kind: "busy", code: "RUN_NOT_ENDED" });
  told.resolve();
  expect(await deps.outcome("progress")).toEqual({ kind: "done" });
});

test("a durable sleep ends", async () => {
  const sleeper = define("t.sleep", async (context) => {
    await context.sleep(5);
    await context.sleep(0);
    return "awake";
  });
  const deps = await openFixture([sleeper]);
  await deps.start(sleeper, null, { id: "sleep" });
  expect(await deps.outcome("sleep")).toEqual({ kind: "done", value: "awake" });
});

test("one engine a process, one process an executor id, and a set-up that fits together", async () => {
  const quick = define("t.quick", async () => "quick");
  await openFixture([quick]);
  await expect(openFixture([quick])).rejects.toMatchObject({ kind: "conflict", code: "WORKFLOW_OPEN_TWICE" });
  await open.pop()?.close();

  const rival = Promise.withResolvers<void>();
  const holding = Promise.withResolvers<void>();
  const session = database.session(async (tx) => {
    await tx.query("select pg_advisory_lock($1::bigint)", [lockKey("one")]);
    holding.resolve();
    await rival.promise;
  });
  await holding.promise;
  await expect(openFixture([quick])).rejects.toMatchObject({ kind: "conflict", code: "WORKFLOW_EXECUTOR_TAKEN" });
  rival.resolve();
  await session;
  // A refused opening leaves nothing behind.
  await openFixture([quick]);

  await expect(
    openFixture([define("t.lost", async () => 1, { queue: "nowhere" }), quick, quick], {
      queues: [{ name: "main", perWorker: 0 }],
      schedules: [{ name: "s", cron: "every day", workflow: "t.nobody", input: null }],
    }),
  ).rejects.toMatchObject({
    kind: "input",
    code: "WORKFLOW_SETUP",
    message: expect.stringMatching(/"t\.quick" is defined twice.*perWorker 0.*"nowhere".*"t\.nobody".*cron/s),
  });
});

test("an execution that was given up for dead and lives on can change nothing", async () => {
  const stolen = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let rivals = 0;
  const zombie = define("t.zombie", async (context) => {
    const first = rivals === 0;
    await context.step("first", async () => mark("first"));
    await context
      .step("second", async () => {
        begun.resolve();
        if (first) await stolen.promise;
        mark(first ? "zombie" : "heir");
      })
      .catch(() => undefined);
    // Even code that carries on is met by the fence.
    if (first) mark(`aborted ${context.signal.aborted}`);
    return context.step("third", async () => mark(first ? "zombie third" : "third"));
  });
  const deps = await openFixture([zombie]);
  await deps.start(zombie, null, { id: "zombie" });
  await begun.promise;
  // As if another executor had taken it up meanwhile.
  await database.query(`update stockroom.run set token = 'rival', executor = 'rival' where id = 'zombie'`);
  rivals += 1;
  stolen.resolve();
  await expect.poll(() => marks, { timeout: 60_000 }).toEqual(["first", "zombie", "aborted true"]);
  expect((await deps.show("zombie")).steps.map((step) => step.name)).toEqual(["first"]);
  expect(await deps.show("zombie")).toMatchObject({ state: "running", executor: "rival" });
  // The rival was made up, so the mending has to bring it to its end.
  const repaired = async (): Promise<string> => {
    await database.query(`update stockroom.run set updated_at = now() - interval '2 minutes' where id = 'zombie' and state = 'running'`);
    await deps.repair();
    return (await deps.show("zombie")).state;
  };
  await expect.poll(repaired, { timeout: 60_000 }).toBe("done");
  expect(marks).toEqual(["first", "zombie", "aborted true", "heir", "third"]);
});

test("a crash limit that a new release lowered counts for the runs that died before", async () => {
  const victim = define("t.victim", async () => "alive");
  const starter = await openFixture([victim], { work: false, executorId: "starter" });
  await starter.start(victim, null, { id: "victim" });
  await starter.start(victim, null, { id: "survivor" });
  // One handed back cleanly after two deaths, one left running by its second.
  await database.query(`update stockroom.run set deaths = 2, crashes = 2, begun = true where id = 'victim'`);
  await database.query(
    `update stockroom.run set deaths = 1, crashes = 1, begun = true, state = 'running', token = 'gone' where id = 'survivor'`,
  );
  await starter.close();
  const deps = await openFixture([victim], { crashLimit: 2 });
  expect(await deps.outcome("victim")).toMatchObject({ kind: "failed", error: { code: "WORKFLOW_CRASHED" } });
  expect(await deps.outcome("survivor")).toMatchObject({ kind: "failed", error: { code: "WORKFLOW_CRASHED" } });
  expect(await deps.show("victim")).toMatchObject({ crashes: 2 });
  expect(await deps.show("survivor")).toMatchObject({ crashes: 2 });
  for (const letter of letters) await deps.redrive(letter.id);
  expect(await deps.outcome("victim")).toEqual({ kind: "done", value: "alive" });
  expect(await deps.outcome("survivor")).toEqual({ kind: "done", value: "alive" });
});

test("what this executor claimed and never began goes back into its queue", async () => {
  const quick = define("t.stray", async () => "found");
  const starter = await openFixture([quick], { work: false, misses: 2 });
  await starter.start(quick, null, { id: "stray" });
  // As after a claim whose answer was lost with the connection.
  await database.query(
    `update dbos.workflow_status set status = 'PENDING', executor_id = 'one', owner_xid = 'ghost', queue_name = null where workflow_uuid = '1/stray'`,
  );
  const attempt = (): Promise<unknown[]> =>
    database.query(`select status, queue_name from dbos.workflow_status where workflow_uuid = '1/stray'`);
  // The queue is named even though the row had lost it.
  await expect.poll(attempt, { timeout: 60_000 }).toEqual([{ status: "ENQUEUED", queue_name: "main" }]);
  await starter.close();
  const deps = await openFixture([quick]);
  expect(await deps.outcome("stray")).toEqual({ kind: "done", value: "found" });
});

test("a run whose place in the queue is gone gets a new one", async () => {
  const quick = define("t.lost", async () => "there");
  const starter = await openFixture([quick], { work: false, executorId: "starter" });
  await starter.start(quick, null, { id: "lost" });
  await database.query(`delete from dbos.workflow_status where workflow_uuid = '1/lost'`);
  await starter.repair();
  expect(await database.query(`select leg as attempt from stockroom.run where id = 'lost'`)).toEqual([{ attempt: 1 }]);
  await database.query(`update stockroom.run set updated_at = now() - interval '2 minutes' where id = 'lost'`);
  await starter.repair();
  await starter.close();
  const deps = await openFixture([quick]);
  expect(await deps.outcome("lost")).toEqual({ kind: "done", value: "there" });
});

test("old runs and their attempts are forgotten, dead letters are not", async () => {
  const quick = define("t.old", async (_, fails: boolean) => {
    if (fails) throw new StockroomError("input", "T_OLD", "Expected youth.");
  });
  const deps = await openFixture([quick]);
  await deps.start(quick, false, { id: "old" });
  await deps.start(quick, true, { id: "old-dead" });
  await deps.outcome("old");
  await deps.outcome("old-dead");
  await database.query(`update stockroom.run set ended_at = now() - interval '91 days' where id like 'old%'`);
  // The engine ends its attempt a moment after the run has ended.
  const attempts = async (): Promise<unknown[]> => {
    await deps.forget(0);
    return database.query(`select 1 from dbos.workflow_status where workflow_uuid = '1/old'`);
  };
  await expect.poll(attempts, { timeout: 60_000 }).toEqual([]);
  await expect(deps.show("old")).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
  expect(await deps.show("old-dead")).toMatchObject({ state: "dead" });
});
