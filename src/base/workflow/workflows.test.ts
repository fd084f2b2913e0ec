import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { testDatabase } from "../../../test/kit/database.ts";
import type { TestDatabase } from "../../../test/kit/database.ts";
import { makeMemoryLog } from "../log.ts";
import type { Records } from "../records/contract.ts";
import { openRecords } from "../records/open.ts";
import type { DeadLetter, RunContext, WorkflowDefinition } from "./contract.ts";
import { workflowMigrations } from "./migrations.ts";
import { openWorkflows } from "./workflows.ts";
import type { OpenWorkflows, OpenWorkflowsOptions } from "./workflows.ts";

let database: TestDatabase;
let records: Records;
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
  database = await testDatabase();
  records = await openRecords({ url: database.url, home: "", log: makeMemoryLog(), migrations: workflowMigrations });
});

afterEach(async () => {
  await Promise.all(open.map((room) => room.close()));
  open = [];
  marks = [];
  letters.length = 0;
});

afterAll(async () => {
  await records.close();
  await database.drop();
});

async function openRoom(workflows: readonly WorkflowDefinition[], more: Partial<OpenWorkflowsOptions> = {}): Promise<OpenWorkflows> {
  const room = await openWorkflows({
    records,
    executorId: "one",
    queues,
    workflows,
    log: makeMemoryLog(),
    livenessMs: 100,
    pollMs: 20,
    onDead: async (_, letter) => {
      letters.push(letter);
    },
    ...more,
  });
  open.push(room);
  return room;
}

function define<Input, Output>(
  name: string,
  run: (context: RunContext, input: Input) => Promise<Output>,
  more: Partial<Omit<WorkflowDefinition<Input, Output>, "name" | "run">> = {},
): WorkflowDefinition<Input, Output> {
  return { name, queue: "main", backoffMs: 1, ...more, run };
}

test("a run does its steps in order, once, and its result comes back", async () => {
  const double = define("t.double", async (context, input: { n: number }) => {
    const n = await context.step("double", async () => {
      marks.push("double");
      return { n: input.n * 2 };
    });
    return { sum: n.n + (await context.step("one", async () => 1)) };
  });
  const room = await openRoom([double]);
  expect(await room.start(double, { n: 20 }, { id: "basic" })).toBe("basic");
  expect(await room.outcome("basic")).toEqual({ kind: "done", value: { sum: 41 } });
  // W1: the same id again is the same run.
  await room.start(double, { n: 99 }, { id: "basic" });
  expect(await room.outcome("basic")).toEqual({ kind: "done", value: { sum: 41 } });
  expect(marks).toEqual(["double"]);
  const shown = await room.show("basic");
  expect(shown).toMatchObject({ state: "done", tries: 1, crashes: 0, input: { n: 20 }, executor: "one" });
  expect(shown.steps.map((step) => step.name)).toEqual(["double", "one"]);
  expect(await room.idle()).toBe(true);
});
