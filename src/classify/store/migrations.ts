// The tables of the classification module.
//
// Codes, counts and references only: item text stays in sealed objects.

import { readingMigration } from "./readings.ts";
import type { Migration } from "../../platform/database/contract.ts";

export const classifyMigrations: readonly Migration[] = [
  {
    id: "classify-001-lines",
    sql: `
      create table stockroom.classify_scheme (
        revision bigint generated always as identity primary key,
        scheme text not null,
        definition jsonb not null,
        sha256 text not null,
        source text not null,
        imported_at timestamptz not null,
        unique (scheme, sha256)
      );
      create index classify_scheme_latest on stockroom.classify_scheme (scheme, revision desc);

      create table stockroom.classify_line (
        line text primary key,
        country text not null,
        scheme text not null,
        since timestamptz not null
      );

      create table stockroom.classify_model (
        id text primary key,
        line text not null references stockroom.classify_line,
        object_key text not null,
        object_version text not null,
        test_key text not null,
        test_version text not null,
        trained_on jsonb not null,
        scheme_version text not null,
        scheme_revision bigint,
        parameters jsonb not null,
        metrics jsonb not null,
        counts jsonb not null,
        trials jsonb not null,
        seed bigint not null,
        run_id text not null,
        trained_at timestamptz not null
      );
      create index classify_model_line on stockroom.classify_model (line, trained_at desc);

      create table stockroom.classify_verdict (
        id text primary key,
        line text not null references stockroom.classify_line,
        challenger text not null references stockroom.classify_model,
        champion text references stockroom.classify_model,
        decision text not null check (decision in ('promote', 'keep', 'first')),
        promoted boolean not null,
        reason text not null,
        verdict jsonb not null,
        data jsonb not null,
        at timestamptz not null
      );
      create index classify_verdict_line on stockroom.classify_verdict (line, at desc);

      create table stockroom.classify_champion (
        line text not null references stockroom.classify_line,
        since timestamptz not null,
        model text not null references stockroom.classify_model,
        verdict text not null references stockroom.classify_verdict,
        primary key (line, since)
      );
    `,
  },
  {
    id: "classify-002-periods",
    sql: `
      create table stockroom.classify_inference (
        id text primary key,
        period text not null,
        country text not null,
        line text not null references stockroom.classify_line,
        model text not null references stockroom.classify_model,
        sales_key text not null,
        sales_version text not null,
        predictions_key text not null,
        predictions_version text not null,
        scheme_revision bigint,
        items bigint not null,
        auto_items bigint not null,
        review_items bigint not null,
        bad_rows bigint not null,
        figures jsonb not null,
        drift jsonb not null,
        run_id text not null,
        at timestamptz not null
      );
      create index classify_inference_place on stockroom.classify_inference (period, country, line, sales_key, at desc);

      create table stockroom.classify_completion (
        period text not null,
        country text not null,
        fingerprint text not null,
        at timestamptz not null,
        primary key (period, country, fingerprint)
      );

      create table stockroom.classify_review (
        id text primary key,
        inference text not null references stockroom.classify_inference,
        line text not null,
        period text not null,
        kind text not null check (kind in ('low', 'audit')),
        object_key text not null,
        object_version text not null,
        row_number integer not null,
        scheme_version text not null,
        predicted text not null,
        runner_up text not null,
        probability double precision not null,
        units double precision not null,
        kg double precision not null,
        state text not null default 'waiting' check (state in ('waiting', 'answered', 'superseded')),
        answer text,
        reviewer text,
        answered_at timestamptz
      );
      create index classify_review_waiting on stockroom.classify_review (line, state, kind);
      create index classify_review_inference on stockroom.classify_review (inference);

      create table stockroom.classify_report (
        period text not null,
        country text not null,
        scheme text not null,
        scheme_version text not null,
        code text not null,
        revision integer not null,
        items double precision not null,
        units double precision not null,
        kg double precision not null,
        items_margin double precision not null,
        units_margin double precision not null,
        kg_margin double precision not null,
        primary key (period, country, scheme, scheme_version, code, revision)
      );
      create table stockroom.classify_report_revision (
        period text not null,
        country text not null,
        revision integer not null,
        reason text not null,
        source jsonb not null,
        object_key text not null,
        object_version text not null,
        at timestamptz not null,
        primary key (period, country, revision)
      );
    `,
  },
  {
    id: "classify-003-audit",
    sql: `
      create table stockroom.classify_audit (
        seq bigint primary key,
        at timestamptz not null,
        kind text not null,
        record jsonb not null,
        previous text not null,
        hash text not null
      );
      create function stockroom.classify_audit_is_append_only() returns trigger language plpgsql as $$
        begin raise exception 'the audit log is append-only'; end $$;
      create trigger classify_audit_append_only before update or delete or truncate on stockroom.classify_audit
        for each statement execute function stockroom.classify_audit_is_append_only();
    `,
  },
  {
    id: "classify-004-scheme-files",
    sql: `
      create table stockroom.classify_scheme_file (
        key text not null,
        version text not null,
        imported boolean not null,
        at timestamptz not null,
        primary key (key, version)
      );
    `,
  },
  {
    // Answers kept before this have no item: they hold for the coding they were given on, as they did.
    id: "classify-005-answers",
    sql: `
      alter table stockroom.classify_review add column item text, add column day text;
      update stockroom.classify_review set item = 'review/' || id, day = '';
      alter table stockroom.classify_review alter column item set not null, alter column day set not null;
      alter table stockroom.classify_review drop constraint classify_review_kind_check;
      alter table stockroom.classify_review add constraint classify_review_kind_check check (kind in ('low', 'audit', 'former', 'recode'));

      create table stockroom.classify_answer (
        id text primary key,
        seq bigint generated always as identity unique,
        line text not null,
        item text not null,
        day text not null,
        scheme_version text not null,
        revision integer not null,
        period text not null,
        answer text,
        kind text not null check (kind in ('given', 'amended', 'carried', 'lapsed')),
        reviewer text not null,
        reason text not null,
        review text not null references stockroom.classify_review,
        source text references stockroom.classify_answer,
        at timestamptz not null,
        unique (line, item, day, scheme_version, revision)
      );
      create index classify_answer_item on stockroom.classify_answer (item, period);
      insert into stockroom.classify_answer
             (id, line, item, day, scheme_version, revision, period, answer, kind, reviewer, reason, review, at)
        select id, line, item, day, scheme_version, 0, period, answer, 'given', reviewer, '', id, answered_at
          from stockroom.classify_review where state = 'answered' order by answered_at, id;

      alter table stockroom.classify_review drop column state, drop column answer, drop column reviewer, drop column answered_at;
      create index classify_review_item on stockroom.classify_review (line, item, day, scheme_version);
      create index classify_review_period on stockroom.classify_review (line, period, kind);
    `,
  },
  {
    id: "classify-006-champions",
    sql: `
      alter table stockroom.classify_verdict drop constraint classify_verdict_decision_check;
      alter table stockroom.classify_verdict add constraint classify_verdict_decision_check
        check (decision in ('promote', 'keep', 'first', 'held'));
      alter table stockroom.classify_champion alter column verdict drop not null;
      alter table stockroom.classify_champion
        add column kind text check (kind in ('gate', 'approved', 'set')),
        add column reason text,
        add column by text;

      create table stockroom.classify_ruling (
        verdict text primary key references stockroom.classify_verdict,
        line text not null references stockroom.classify_line,
        ruling text not null check (ruling in ('approved', 'rejected')),
        reason text not null,
        by text not null,
        at timestamptz not null
      );

      create table stockroom.classify_ground (
        model text primary key references stockroom.classify_model,
        line text not null references stockroom.classify_line,
        object_key text not null,
        object_version text not null,
        base jsonb not null,
        labels text not null check (labels in ('kept', 'latest')),
        at timestamptz not null
      );
      create index classify_ground_line on stockroom.classify_ground (line, at);

      create table stockroom.classify_automatic (
        seq bigint generated always as identity primary key,
        line text not null references stockroom.classify_line,
        automatic boolean not null,
        model text references stockroom.classify_model,
        reason text not null,
        by text not null,
        at timestamptz not null
      );
      create index classify_automatic_line on stockroom.classify_automatic (line, seq desc);

      alter table stockroom.classify_model add column ground jsonb;

      -- Champions from before there was a ground stand on the items they were judged by.
      insert into stockroom.classify_ground (model, line, object_key, object_version, base, labels, at)
        select m.id, m.line, m.test_key, m.test_version, '[]', 'kept', c.since
          from stockroom.classify_model m
          join lateral (select model, since from stockroom.classify_champion x where x.line = m.line order by since desc limit 1) c on c.model = m.id;
    `,
  },
  {
    id: "classify-007-report-returns",
    sql: `
      alter table stockroom.classify_report add column returned_units double precision not null default 0,
        add column returned_kg double precision not null default 0;
    `,
  },
  {
    id: "classify-008-audit-head",
    sql: `
      create table stockroom.classify_audit_head (
        one boolean primary key check (one),
        seq bigint not null,
        hash text not null,
        mac text not null
      );
    `,
  },
  { id: "classify-009-shared-items", sql: "alter table stockroom.classify_inference add column shared jsonb;" },
  readingMigration,
];
