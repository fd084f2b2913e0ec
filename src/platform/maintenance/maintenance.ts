// Upkeep: what keeps an app from decaying and from growing without bound: the scrub of its objects, and retention.
//
// Owns: when and how much. Does not own: the tables it takes rows from (each part's), the sweep of bytes (objects).

import type { Clock } from "../time.ts";
import type { Log } from "../log.ts";
import { postNotice } from "../notify/notify.ts";
import type { ObjectStore } from "../objects/contract.ts";
import type { Migration, Database } from "../database/contract.ts";
import type { Grant, Zone } from "../vault/contract.ts";
import type { ScheduleDefinition, WorkflowDefinition } from "../workflow/contract.ts";
import { purge, type Keep } from "./retention.ts";
import { listDamage, scrub } from "./scrub.ts";

export { holdings, type Keep } from "./retention.ts";
export { listDamage, scrub } from "./scrub.ts";

export const maintenanceMigrations: readonly Migration[] = [
  {
    id: "upkeep-001-scrub-and-retention",
    sql: `
      create table stockroom.scrub (
        one boolean primary key check (one),
        began_at timestamptz not null default clock_timestamp(),
        position text collate "C" not null default '',
        objects bigint not null default 0,
        bytes bigint not null default 0,
        ended boolean not null default false,
        -- Of the last one that came to the end of the store.
        ended_at timestamptz
      );
      create table stockroom.object_damage (
        key text collate "C" not null,
        version text collate "C" not null,
        code text not null,
        found_at timestamptz not null default clock_timestamp(),
        primary key (key, version)
      );
      alter table stockroom.object_staging add column at timestamptz not null default clock_timestamp();
      create index object_staging_object on stockroom.object_staging (key, version);
      create index key_use_at on stockroom.key_use (at);
      -- Only retention deletes, and says so in its transaction.
      create or replace function stockroom.key_use_is_append_only() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' and current_setting('stockroom.retention', true) = 'on' then
          return null;
        end if;
        raise exception 'stockroom.key_use is append-only: % refused', tg_op using errcode = 'insufficient_privilege';
      end $$;
    `,
  },
];

/** The scrub opens everything, and each opening is in the log of uses like any other. */
export const maintenanceGrants = (zones: readonly Zone[]): readonly Grant[] =>
  zones.map(({ name }) => ({ role: "scrub", zone: name, access: "read" }));

export const scrubActor = { role: "scrub", purpose: "read every byte" } as const;

/** One step of the scheduled scrub: what a crash repeats at most is one object, what a stop waits for is one object too. */
const partMs = 300_000;

interface UpkeepDeps {
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly log: Log;
  readonly clock: Clock;
  readonly keep: Keep;
  /** Zones whose objects are records: no version of them ever goes by itself. */
  readonly recordZones: readonly string[];
  readonly bytesPerSecond: number;
  readonly scrubCron: string;
}

/** The workflows, in the queue `upkeep`, and their schedules. */
export function makeMaintenance(deps: UpkeepDeps): {
  readonly workflows: readonly WorkflowDefinition[];
  readonly schedules: readonly ScheduleDefinition[];
} {
  return {
    workflows: [scrubWorkflow(deps), purgeWorkflow(deps)],
    schedules: [
      { name: "app.scrub", cron: deps.scrubCron, workflow: "app.scrub", input: null },
      { name: "app.purge", cron: "41 * * * *", workflow: "app.purge", input: null },
    ],
  };
}

function scrubWorkflow({ database, objects, bytesPerSecond, log }: UpkeepDeps): WorkflowDefinition {
  return {
    name: "app.scrub",
    queue: "upkeep",
    title: () => "read every byte of the store",
    run: async (context) => {
      for (let part = 1; ; part++) {
        const progress = await context.step(`part-${part}`, async (signal) =>
          scrub({ database, objects }, { actor: scrubActor, bytesPerSecond, forMs: partMs, signal }),
        );
        if (progress.ended) break;
      }
      return await context.step("tell", async () => {
        const damage = await listDamage(database);
        if (damage.length === 0) return { damaged: 0 };
        log.error("the scrub found damaged objects", { objects: damage.length, first: damage[0]?.key });
        const listed = damage.slice(0, 50).map(({ key, version, code }) => `${key} (version ${version}): ${code}`);
        await database.transaction((tx) =>
          postNotice(tx, {
            topic: "mlops",
            id: `scrub/${context.runId}`,
            severity: "alarm",
            title: `${damage.length} objects of the store are damaged`,
            body: `Their bytes are gone or not as they were stored. Restore them from a backup, then run \`stockroom scrub\`.\n\n${listed.join("\n")}`,
            facts: { objects: damage.length },
          }),
        );
        return { damaged: damage.length };
      });
    },
  };
}

function purgeWorkflow({ database, keep, recordZones, clock, log }: UpkeepDeps): WorkflowDefinition {
  return {
    name: "app.purge",
    queue: "upkeep",
    title: () => "remove what has been kept long enough",
    run: async (context) =>
      await context.step("purge", async (signal) => {
        const purged = await purge(database, { keep, recordZones, nowMs: clock.now(), signal });
        for (const { what, rows } of purged) log.info("removed by retention", { what, rows });
        return { rows: purged.reduce((sum, { rows }) => sum + rows, 0) };
      }),
  };
}
