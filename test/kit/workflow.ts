// Workflow: one workflow definition run by itself, over a real database and a real object store, without an app around it.
//
// Owns: the parts a module's `deps` are made of, and a run context that works off steps in this process. Does not own: queues, retries, leases, crashes (the
// integration and crash tests have them).
//   K1. Steps keep the contract of platform/workflow: a name once a run, what a step gives crosses as JSON, and a recorded step is not run again.
//   K2. Children are started, not run, unless the test says what becomes of them.
//   K3. Tasks run in this thread, their input and output cloned as between threads.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Compute } from "../../src/platform/compute/contract.ts";
import type { Database, Migration } from "../../src/platform/database/contract.ts";
import { openDatabase } from "../../src/platform/database/index.ts";
import { makeMemoryLog, type Log } from "../../src/platform/log.ts";
import { notifyMigrations, postNotice } from "../../src/platform/notify/notify.ts";
import type { ObjectStore } from "../../src/platform/objects/contract.ts";
import { objectsMigrations } from "../../src/platform/objects/migrations.ts";
import { openObjectStore } from "../../src/platform/objects/store.ts";
import { makeManualClock, type ManualClock } from "../../src/platform/time.ts";
import type { Actor, Grant, Vault, Zone } from "../../src/platform/vault/contract.ts";
import { vaultMigrations } from "../../src/platform/vault/migrations.ts";
import { openVault } from "../../src/platform/vault/vault.ts";
import type { ChildOutcome, RunContext, WorkflowDefinition } from "../../src/platform/workflow/contract.ts";
import { workflowMigrations } from "../../src/platform/workflow/index.ts";
import { testDatabase } from "./database.ts";

/** What every module's `deps` are made of; a module adds its settings. */
export interface TestDeps {
  readonly database: Database;
  readonly vault: Vault;
  readonly objects: ObjectStore;
  readonly compute: Compute;
  readonly postNotice: typeof postNotice;
  readonly clock: ManualClock;
  readonly log: Log;
  /** Ids of the notices posted, the first one first. */
  notices(): Promise<readonly { readonly id: string; readonly severity: string; readonly title: string; readonly body: string }[]>;
  /** Kinds and subjects of the events in the outbox but for those of objects and notices. */
  events(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface TestDepsOptions {
  /** The module's own; those of the platform are always there. */
  readonly migrations: readonly Migration[];
  readonly zones: readonly Zone[];
  readonly grants: readonly Grant[];
  /** ISO; default 2026-10-15. The clock stands still until it is moved. */
  readonly now?: string;
}

/**
 * Opens the parts on a database and a folder of their own.
 *
 * @example
 * const parts = await openDeps({ migrations: classifyMigrations, zones: classifyZones, grants: classifyGrants });
 * const deps: ClassifyDeps = { ...parts, settings: classifySettings.parse({}) };
 * const run = await runWorkflow(makeIntake(deps, train), { key, version });
 */
export async function openDeps(options: TestDepsOptions): Promise<TestDeps> {
  const postgres = await testDatabase();
  const home = await mkdtemp(path.join(tmpdir(), "stockroom-parts-"));
  const log = makeMemoryLog();
  const clock = makeManualClock(Date.parse(options.now ?? "2026-10-15T08:00:00.000Z"));
  const migrations = [...vaultMigrations, ...objectsMigrations, ...workflowMigrations, ...notifyMigrations, ...options.migrations];
  const database = await openDatabase({ url: postgres.url, home, log, migrations });
  const zones = [...options.zones, { name: "general", prefixes: [""] }];
  // A test puts and reads what it likes; the module's own roles keep their grants.
  const all = zones.flatMap(({ name: zone }): Grant[] => [
    { role: "test", zone, access: "read" },
    { role: "test", zone, access: "write" },
  ]);
  const vault = await openVault({
    keyFile: path.join(home, "keys.json"),
    zones,
    grants: [...options.grants, ...all],
    database,
    clock,
    log,
  });
  const objects = await openObjectStore({ driver: { kind: "folder", root: path.join(home, "objects") }, vault, database, clock, log });
  return {
    database,
    vault,
    objects,
    compute: directCompute,
    postNotice,
    clock,
    log,
    notices: async () => await database.query("select id, severity, title, body from stockroom.notices order by at, id"),
    events: async () => {
      const rows = await database.query<{ kind: string; subject: string }>(
        "select kind, subject from stockroom.outbox where kind not like 'object.%' and kind not like 'notice.%' order by kind, subject",
      );
      return rows.map(({ kind, subject }) => `${kind} ${subject}`);
    },
    close: async () => {
      await objects.close();
      await database.close();
      await postgres.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Acts in the role that may read and write everything. */
export const tester = { role: "test", purpose: "test" } as const;

/**
 * A store in which somebody else removes the first of what a list gives before anything is done with it: what a race does now and then, always.
 * `which`: of these keys alone.
 */
export const withRival = (objects: ObjectStore, actor: Actor, which: (key: string) => boolean = () => true): ObjectStore => ({
  ...objects,
  list: async (prefix, options) => {
    const listed = await objects.list(prefix, options);
    const first = listed.find(({ key }) => which(key));
    if (first !== undefined) await objects.remove(actor, first.key);
    return listed;
  },
});

/** Tasks in this thread, one module loaded like the pool's threads load it. */
const directCompute: Compute = {
  threads: 1,
  run: async (task, input, options = {}) => {
    const loaded = (await import(task.module)) as { run(input: unknown, tools: unknown): unknown }; // every task's module exports run
    const tools = {
      signal: options.signal ?? new AbortController().signal,
      progress: (done: number, total: number, note = "") => options.onProgress?.(done, total, note),
    };
    return structuredClone(await loaded.run(structuredClone(input), tools)) as never; // the task names its output
  },
  close: async () => undefined,
};

export interface RunOptions {
  /** Default "run-1". */
  readonly runId?: string;
  /** Steps that an earlier process has recorded, by name: they are given back, not run. */
  readonly recorded?: ReadonlyMap<string, unknown>;
  /** What becomes of a child that is waited for. */
  readonly child?: (child: StartedChild) => ChildOutcome<unknown> | Promise<ChildOutcome<unknown>>;
  readonly signal?: AbortSignal;
}

export interface StartedChild {
  readonly workflow: string;
  readonly id: string;
  readonly input: unknown;
  readonly priority: number | undefined;
  /** Runs it here and now, by the same rules. */
  run(): Promise<ChildOutcome<unknown>>;
}

export interface WorkflowRun<Output> {
  readonly output: Output;
  /** Steps run by this run, in their order; those recorded before are not among them. */
  readonly ran: readonly string[];
  /** All results, to be handed to another run as `recorded`. */
  readonly recorded: ReadonlyMap<string, unknown>;
  readonly children: readonly StartedChild[];
}

/** Thrown into a run that is halted; nobody should catch it. */
class Halted extends Error {}

/** Runs a definition until a step of that name would begin, as a process that dies there: gives what was recorded, to be resumed with. */
export async function runUntil<Input>(
  definition: WorkflowDefinition<Input>,
  input: Input,
  step: string,
  options: RunOptions = {},
): Promise<ReadonlyMap<string, unknown>> {
  const recorded = new Map(options.recorded);
  try {
    await work(definition, input, { ...options, haltBefore: step }, recorded);
  } catch (error) {
    if (error instanceof Halted) return recorded;
    throw error;
  }
  throw new Error(`Expected the run to reach the step "${step}" but it ended after ${[...recorded.keys()].join(", ")}.`);
}

/** Runs a definition to its end; throws what it throws. */
export async function runWorkflow<Input, Output>(
  definition: WorkflowDefinition<Input, Output>,
  input: Input,
  options: RunOptions = {},
): Promise<WorkflowRun<Output>> {
  return await work(definition, input, options, new Map(options.recorded));
}

async function work<Input, Output>(
  definition: WorkflowDefinition<Input, Output>,
  input: Input,
  options: RunOptions & { readonly haltBefore?: string },
  recorded: Map<string, unknown>,
): Promise<WorkflowRun<Output>> {
  const ran: string[] = [];
  const names = new Set<string>();
  const children = new Map<string, StartedChild>();
  const signal = options.signal ?? new AbortController().signal;
  const context: RunContext = {
    runId: options.runId ?? "run-1",
    attempt: options.recorded === undefined ? 0 : 1,
    signal,
    step: async (name, work) => {
      if (names.has(name)) throw new Error(`Expected each step once in a run but "${name}" came twice.`);
      if (name === options.haltBefore) throw new Halted(`before ${name}`);
      names.add(name);
      if (!recorded.has(name)) {
        const result: unknown = await work(signal);
        ran.push(name);
        recorded.set(name, toJson(name, result));
      }
      return recorded.get(name) as never; // the caller gets the copy that was recorded
    },
    startChild: async (workflow, childInput, { id, priority }) => {
      const run = async (): Promise<ChildOutcome<unknown>> => ({
        kind: "done",
        value: (await runWorkflow(workflow, childInput, { ...(options.child === undefined ? {} : { child: options.child }), runId: id }))
          .output,
      });
      children.set(id, { workflow: workflow.name, id, input: toJson(id, childInput), priority, run });
      return id;
    },
    childResult: async (id) => {
      const child = children.get(id);
      if (child === undefined) throw new Error(`Expected a child that was started but "${id}" was not.`);
      if (options.child === undefined)
        throw new Error(`Expected the test to say what becomes of the child "${id}". Give runWorkflow a \`child\`.`);
      return (await options.child(child)) as ChildOutcome<never>; // the test knows the child's output
    },
    sleep: async () => undefined,
    progress: () => undefined,
  };
  const output = await definition.run(context, input);
  return { output, ran, recorded, children: [...children.values()] };
}

/** As the engine records it; nothing at all is null. */
function toJson(name: string, value: unknown): unknown {
  const text = JSON.stringify(value ?? null);
  if (text === undefined) throw new Error(`Expected JSON from "${name}" but received ${typeof value}.`);
  return JSON.parse(text);
}
