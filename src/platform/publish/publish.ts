// Publish: tables of the modules, written into databases that dashboards read.
//
// Owns: which tables go where, when, as whom they are read. Does not own: the tables (modules), reading them (warehouse), writing (target.ts).
//   P1. Nothing is published unless the settings name a target and its tables.
//   P2. Tables are read in the role `publish`, which may read the zones of the modules and nothing else; each use of a key is logged.
//   P3. A target has its own run, so that one that is down holds up no other.

import { createHash } from "node:crypto";
import type { BaseSettings } from "../config/index.ts";
import type { StoredEvent, Subscription } from "../events/contract.ts";
import { StockroomError } from "../errors.ts";
import { nearest } from "../similar.ts";
import type { Actor, Grant, Zone } from "../vault/contract.ts";
import type { LakeAccess, LakeTable } from "../warehouse/index.ts";
import type { QueueDefinition, ScheduleDefinition, WorkflowDefinition } from "../workflow/contract.ts";
import type { Publication, Published, PublishOptions } from "./target.ts";

export type PublishSettings = BaseSettings["publish"];

export const publishActor: Actor = { role: "publish", purpose: "publish tables" };

export const publishGrants = (zones: readonly Zone[]): readonly Grant[] =>
  zones.map(({ name }) => ({ role: publishActor.role, zone: name, access: "read" }));

export const publishQueue: QueueDefinition = { name: "publish", perWorker: 1, overall: 1 };

interface PublishDeps {
  readonly settings: PublishSettings;
  readonly lake: LakeAccess;
  /** The tables of all modules as `publishActor` may read them. */
  readonly tables: () => Promise<readonly LakeTable[]>;
  /** Kinds of events after which those have other rows. */
  readonly kinds: readonly string[];
}

/** What the settings ask for as durable runs: one a target, by the clock and after each event that changes tables. */
export function makePublish(deps: PublishDeps): {
  readonly workflows: readonly WorkflowDefinition<string>[];
  readonly schedules: readonly ScheduleDefinition[];
  readonly subscriptions: readonly Subscription[];
} {
  const { settings, kinds } = deps;
  const names = Object.keys(settings.targets);
  const workflow: WorkflowDefinition<string> = {
    name: "publish.tables",
    queue: publishQueue.name,
    outward: true,
    title: (target) => `publish tables to ${target}`,
    run: async (context, target) => {
      return await context.step(
        "publish",
        async (signal) => {
          const published = await publishTo(deps, target, { signal, onRows: (table, rows) => context.progress(rows, 0, table) });
          return { tables: published.map((one) => ({ ...one })) };
        },
        { tries: 5, backoffMs: 5_000 },
      );
    },
  };
  return {
    workflows: [workflow],
    schedules: names.map((name) => ({ name: `publish.${name}`, cron: settings.schedule, workflow: workflow.name, input: name })),
    subscriptions: names.flatMap((name) =>
      kinds.map((kind) => ({
        name: `publish-${name}-${kind}`,
        kind,
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its input is made right here
        workflow: workflow as WorkflowDefinition,
        input: (_event: StoredEvent) => name,
      })),
    ),
  };
}

/**
 * Publishes the tables of a target now.
 *
 * Throws `input` `PUBLISH_TARGET_UNKNOWN`, `PUBLISH_TABLE_UNKNOWN`, and what `publishTables` throws.
 */
export async function publishTo(
  { settings, lake, tables }: Pick<PublishDeps, "settings" | "lake" | "tables">,
  name: string,
  options: PublishOptions,
): Promise<readonly Published[]> {
  const target = settings.targets[name];
  if (target === undefined) {
    const known = Object.keys(settings.targets);
    throw new StockroomError(
      "input",
      "PUBLISH_TARGET_UNKNOWN",
      `Expected a target of publish.targets but received ${name}. ${known.length === 0 ? "The settings name none." : `There are: ${known.join(", ")}.`}`,
    );
  }
  const there = (await tables()).filter(({ schema }) => schema === undefined);
  const wanted = target.tables.map((table) => {
    const found = there.find((one) => one.name === table);
    if (found !== undefined) return found;
    const names = there.map((one) => one.name);
    const near = nearest(table, names);
    throw new StockroomError(
      "input",
      "PUBLISH_TABLE_UNKNOWN",
      `Expected tables that can be asked by SQL in publish.targets.${name}.tables but there is no ${table}.${near === undefined ? "" : ` Did you mean ${near}?`} There are: ${names.join(", ")}.`,
      { facts: { target: name, table } },
    );
  });
  const publications: Publication[] = [];
  for (const table of wanted) publications.push(await publicationOf(lake, table, options.signal));
  // The driver is loaded by whoever publishes.
  const { publishTables } = await import("./target.ts");
  return await publishTables(target, publications, options);
}

async function publicationOf(lake: LakeAccess, table: LakeTable, signal: AbortSignal): Promise<Publication> {
  const open = await table.open(signal);
  const digest = createHash("sha256").update(JSON.stringify(open.columns));
  for (const { part, constants, range } of open.places) {
    digest.update(JSON.stringify([part.id, part.columns, constants, range, await part.fingerprint?.()]));
  }
  return {
    name: table.name,
    columns: open.columns,
    content: digest.digest("hex"),
    rows: async (stop) => {
      // What was looked at is what is written, whatever comes meanwhile.
      const same: LakeTable = { name: table.name, about: table.about, open: async () => open };
      const columns = open.columns.map(({ name }) => `"${name.replaceAll('"', '""')}"`).join(", ");
      const { batches } = await lake.ask([same], `select ${columns} from "${table.name.replaceAll('"', '""')}"`, { signal: stop });
      return batches;
    },
  };
}
