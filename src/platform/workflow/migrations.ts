// Migrations: the tables of runs, their steps, dead letters and schedules.
//
// JSON is kept as text, because jsonb would reorder keys and refuse U+0000: a resumed run must see the very bytes an undisturbed one saw.

import type { Migration } from "../database/contract.ts";

/** The tables of this part, for the app to hand to `openDatabase`. */
export const workflowMigrations: readonly Migration[] = [
  {
    id: "workflow-001-runs",
    sql: `
      create table stockroom.run (
        id text primary key,
        workflow text not null,
        queue text not null,
        title text not null,
        input text not null,
        output text,
        state text not null check (state in ('queued', 'running', 'retrying', 'done', 'failed', 'cancelled', 'dead')),
        priority integer not null,
        parent text,
        -- One leg is one try as the engine sees it; begun says whether this leg has been taken up yet.
        leg integer not null default 1,
        begun boolean not null default false,
        -- Who may write for this run: the execution that took it up last.
        token text,
        executor text,
        tries integer not null default 0,
        crashes integer not null default 0,
        -- Of these, the ones since a step was last done.
        deaths integer not null default 0,
        error text,
        progress_done double precision,
        progress_total double precision,
        progress_note text,
        created_at timestamptz not null default clock_timestamp(),
        updated_at timestamptz not null default clock_timestamp(),
        ended_at timestamptz
      ) with (fillfactor = 70);
      create index run_active on stockroom.run (state) where state in ('queued', 'running', 'retrying');
      create index run_by_age on stockroom.run (created_at desc, id);
      create index run_by_workflow on stockroom.run (workflow, created_at desc);
      create index run_by_parent on stockroom.run (parent) where parent is not null;
      create index run_by_end on stockroom.run (ended_at) where ended_at is not null;

      create table stockroom.run_step (
        run_id text not null references stockroom.run (id) on delete cascade,
        name text not null,
        leg integer not null,
        -- Whether it holds beyond its leg: results do, failures are tried again.
        lasting boolean not null,
        output text,
        error text,
        tries integer not null,
        started_at timestamptz not null,
        ended_at timestamptz not null default clock_timestamp(),
        primary key (run_id, name)
      );

      create table stockroom.dead_letter (
        id bigserial primary key,
        run_id text not null references stockroom.run (id) on delete cascade,
        workflow text not null,
        title text not null,
        error text not null,
        tries integer not null,
        crashes integer not null,
        at timestamptz not null default clock_timestamp(),
        state text not null default 'waiting' check (state in ('waiting', 'redriven', 'dropped'))
      );
      create index dead_letter_by_run on stockroom.dead_letter (run_id);
      create index dead_letter_waiting on stockroom.dead_letter (id) where state = 'waiting';

      create table stockroom.schedule (
        name text primary key,
        cron text not null,
        -- The tick last started, or the moment the schedule was first seen.
        last_tick timestamptz not null,
        last_started_at timestamptz
      );
    `,
  },
  {
    id: "workflow-002-executors",
    sql: `
      create table stockroom.executor (
        id text primary key,
        workflows text[] not null,
        since timestamptz not null default clock_timestamp(),
        seen_at timestamptz not null default clock_timestamp()
      );
    `,
  },
  {
    id: "workflow-003-paused-schedules",
    sql: `
      alter table stockroom.schedule add column paused_at timestamptz;
      alter table stockroom.schedule add column paused_by text;
      alter table stockroom.schedule add column paused_why text;
    `,
  },
  {
    id: "workflow-004-traces",
    // The trace of what started it, as W3C Trace Context does.
    sql: "alter table stockroom.run add column trace text",
  },
  {
    id: "workflow-005-logs",
    sql: `
      create table stockroom.run_log (
        id bigint generated always as identity primary key,
        run_id text not null references stockroom.run (id) on delete cascade,
        -- Absent: between steps.
        step text,
        try integer not null,
        executor text not null,
        at timestamptz not null,
        level text not null check (level in ('info', 'warn', 'error')),
        message text not null,
        -- JSON.
        facts text
      );
      create index run_log_by_run on stockroom.run_log (run_id, id);
    `,
  },
  {
    id: "workflow-006-names",
    // The app's own workflows and schedules were named after a word that was struck.
    sql: `
      update stockroom.run set workflow = 'app.' || substr(workflow, 7) where workflow in ('house.scrub', 'house.purge', 'house.reconcile');
      update stockroom.schedule set name = 'app.' || substr(name, 7) where name in ('house.scrub', 'house.purge', 'house.reconcile');
    `,
  },
];
