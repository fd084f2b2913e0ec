// Retention: what is removed when it has been kept long enough. What is still referred to, waits or is a legal record stays.
//
//   T1. Small transactions with `skip locked`: nobody waits for a purge for longer than one batch takes.
//   T2. A former version goes only when no row of any part or module names it and its zone is not one of records; its bytes go at the next
//       reconcile, and its tombstone says that retention took it.
//   T3. The audit log, reports, answers and codings are in no rule at all.

import type { Database, TransactionOptions, Tx } from "../database/contract.ts";

/** How long each kind is kept, in milliseconds; `undefined`: for ever. */
export interface Keep {
  readonly formerVersions: number | undefined;
  readonly removedObjects: number | undefined;
  readonly staging: number | undefined;
  readonly keyUses: number | undefined;
  readonly notices: number | undefined;
  readonly deadLetters: number | undefined;
  readonly runs: number | undefined;
  readonly events: number | undefined;
}

interface Rule {
  readonly keeps: keyof Keep;
  /** In words, for doctor. */
  readonly what: string;
  /** The table, as `t`. */
  readonly table: string;
  /** SQL: since when a row counts as old. */
  readonly at: string;
  /** SQL: what may go at all. */
  readonly safe: string;
  /** Removes the rows of `ids` (their ctid); default: deletes them. */
  readonly remove?: string;
}

const batchRows = 500;
/** A pass ends here, so that a backlog is worked off over hours and not at once. */
const passRows = 50_000;

const superseded = `(select min(n.stored_at) from stockroom.object n where n.key = t.key and n.version > t.version)`;

const rules: readonly Rule[] = [
  {
    keeps: "removedObjects",
    what: "rows of removed objects",
    table: "stockroom.object_tombstone",
    at: "t.removed_at",
    safe: `not exists (select 1 from stockroom.object_staging s where s.key = t.key and s.version = t.version)
      and not exists (select 1 from stockroom.object o where o.key = t.key and o.version = t.version
                      and (o.state <> 'swept' or o.zone = any (current_setting('stockroom.record_zones')::text[])))`,
    remove: `with gone as (delete from stockroom.object_tombstone t where t.ctid = any ($1::tid[]) returning key, version),
      swept as (delete from stockroom.object o using gone where o.key = gone.key and o.version = gone.version returning 1)
      select 1 as one from gone`,
  },
  { keeps: "staging", what: "marks of finished uploads", table: "stockroom.object_staging", at: "t.at", safe: "true" },
  { keeps: "keyUses", what: "uses of keys", table: "stockroom.key_use", at: "t.at", safe: "true" },
  {
    keeps: "notices",
    what: "notices and their deliveries",
    table: "stockroom.notices",
    at: "t.at",
    safe: `not exists (select 1 from stockroom.notice_deliveries d where d.notice = t.id and d.state = 'waiting')
      and not exists (select 1 from stockroom.outbox o where o.relayed_at is null and o.kind = 'notice.posted' and o.data ->> 'notice' = t.id)`,
  },
  { keeps: "deadLetters", what: "settled dead letters", table: "stockroom.dead_letter", at: "t.at", safe: "t.state <> 'waiting'" },
  {
    keeps: "runs",
    what: "ended runs and their steps",
    table: "stockroom.run",
    at: "t.ended_at",
    safe: `t.state in ('done', 'failed', 'cancelled')
      and not exists (select 1 from stockroom.run p where p.id = t.parent and p.state not in ('done', 'failed', 'cancelled'))
      and not exists (select 1 from stockroom.dead_letter d where d.run_id = t.id and d.state = 'waiting')`,
  },
  { keeps: "events", what: "events handed out", table: "stockroom.outbox", at: "t.relayed_at", safe: "t.relayed_at is not null" },
];

const former = `t.state = 'former' and t.zone <> all ($2::text[])`;

/** Rows old enough in the sense of a rule; `$1` is the instant before which they are. */
const dueOf = ({ table, at, safe }: Rule): string => `from ${table} t where ${at} < $1::timestamptz and ${safe}`;

/** A long look through large tables, beside which everyone works on. */
const patient: TransactionOptions = { statementMs: 600_000 };

/** SQL: the versions that any row names; what ended may name what it likes, and the outbox what nobody waits for. */
async function referredTo(tx: Tx, candidates: readonly string[]): Promise<ReadonlySet<string>> {
  const tables = await tx.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'stockroom' and c.relkind in ('r', 'p')
       and c.relname <> all (array['object', 'object_staging', 'object_tombstone', 'object_stray', 'object_damage', 'key_use',
                                   'notices', 'notice_deliveries', 'migrations', 'home', 'scrub', 'run_log'])`,
  );
  const alive: Readonly<Record<string, string>> = {
    run: "t.state not in ('done', 'failed', 'cancelled')",
    run_step: "exists (select 1 from stockroom.run r where r.id = t.run_id and r.state not in ('done', 'failed', 'cancelled'))",
    outbox: "t.relayed_at is null",
    dead_letter: "t.state = 'waiting'",
  };
  const found = new Set<string>();
  for (const { name } of tables) {
    const rows = await tx.query<{ version: string }>(
      `select distinct m[1] as version from stockroom."${name}" t, regexp_matches(t::text, '\\d{12,}', 'g') m
       where ${alive[name] ?? "true"} and m[1] = any ($1)`,
      [candidates],
    );
    for (const { version } of rows) found.add(version);
  }
  return found;
}

interface Purged {
  readonly what: string;
  readonly rows: number;
}

/** One pass over everything that is due. `recordZones`: zones whose objects never go. */
export async function purge(
  database: Database,
  options: { readonly keep: Keep; readonly recordZones: readonly string[]; readonly nowMs: number; readonly signal?: AbortSignal },
): Promise<readonly Purged[]> {
  const purged: Purged[] = [];
  for (const rule of rules) {
    const keepMs = options.keep[rule.keeps];
    if (keepMs === undefined) continue;
    const before = new Date(options.nowMs - keepMs).toISOString();
    let rows = 0;
    for (let taken = batchRows; taken >= batchRows && rows < passRows; rows += taken) {
      options.signal?.throwIfAborted();
      taken = await database.transaction((tx) => removeBatch(tx, rule, before, options.recordZones));
    }
    if (rows > 0) purged.push({ what: rule.what, rows });
  }
  const rows = await purgeFormer(database, options);
  if (rows > 0) purged.push({ what: formerWords, rows });
  return purged;
}

const formerWords = "former versions of objects";

async function removeBatch(tx: Tx, rule: Rule, before: string, recordZones: readonly string[]): Promise<number> {
  await tx.query("select set_config('stockroom.retention', 'on', true), set_config('stockroom.record_zones', $1, true)", [
    zonesText(recordZones),
  ]);
  const rows = await tx.query<{ id: string }>(`select t.ctid::text as id ${dueOf(rule)} limit ${batchRows} for update of t skip locked`, [
    before,
  ]);
  if (rows.length === 0) return 0;
  const remove = rule.remove ?? `delete from ${rule.table} t where t.ctid = any ($1::tid[]) returning 1 as one`;
  await tx.query(remove, [rows.map(({ id }) => id)]);
  return rows.length;
}

const zonesText = (zones: readonly string[]): string => `{${zones.map((zone) => JSON.stringify(zone)).join(",")}}`;

async function purgeFormer(
  database: Database,
  {
    keep,
    recordZones,
    nowMs,
    signal,
  }: { readonly keep: Keep; readonly recordZones: readonly string[]; readonly nowMs: number; readonly signal?: AbortSignal },
): Promise<number> {
  if (keep.formerVersions === undefined) return 0;
  const before = new Date(nowMs - keep.formerVersions).toISOString();
  const due = await database.query<{ version: string }>(
    `select t.version from stockroom.object t where ${former} and ${superseded} < $1::timestamptz order by t.version limit ${passRows}`,
    [before, recordZones],
  );
  if (due.length === 0) return 0;
  const candidates = due.map(({ version }) => version);
  const referred = await database.transaction((tx) => referredTo(tx, candidates), patient);
  const free = candidates.filter((version) => !referred.has(version));
  let rows = 0;
  for (let at = 0; at < free.length; at += batchRows) {
    signal?.throwIfAborted();
    rows += await database.transaction(async (tx) => {
      const hidden = await tx.query(
        `with hidden as (
           update stockroom.object set state = 'removed' where state = 'former' and version = any ($1) returning key, version
         )
         insert into stockroom.object_tombstone (key, version, removed_by, removed_at)
         select key, version, 'retention: former version', $2 from hidden returning 1 as one`,
        [free.slice(at, at + batchRows), new Date(nowMs).toISOString()],
      );
      return hidden.length;
    });
  }
  return rows;
}

interface Holding {
  readonly what: string;
  readonly rows: number;
  /** Of these, those that the next pass takes. */
  readonly due: number;
  readonly keepMs: number | undefined;
  /** When the first of the rest goes. */
  readonly nextAt: string | undefined;
}

/** What there is of each kind, and what goes when. Reads only; a former version that something names is counted as due until the pass finds out. */
export async function holdings(
  tx: Tx,
  options: { readonly keep: Keep; readonly recordZones: readonly string[]; readonly nowMs: number },
): Promise<readonly Holding[]> {
  const found: Holding[] = [];
  const count = async (what: string, keepMs: number | undefined, from: string, at: string, values: readonly unknown[]): Promise<void> => {
    const before = new Date(options.nowMs - (keepMs ?? 0)).toISOString();
    const [row] = await tx.query<{ rows: number; due: number; next: string | null }>(
      `select count(*)::float8 as rows, count(*) filter (where at < $1::timestamptz)::float8 as due,
              min(at) filter (where at >= $1::timestamptz) as next from (select ${at} as at ${from}) as held`,
      [before, ...values],
    );
    const next = row?.next ?? undefined;
    const nextAt = keepMs === undefined || next === undefined ? undefined : new Date(Date.parse(next) + keepMs).toISOString();
    found.push({ what, rows: row?.rows ?? 0, due: keepMs === undefined ? 0 : (row?.due ?? 0), keepMs, nextAt });
  };
  for (const rule of rules) {
    const safe = rule.safe.replace(
      "current_setting('stockroom.record_zones')::text[]",
      `'${zonesText(options.recordZones).replaceAll("'", "''")}'::text[]`,
    );
    await count(rule.what, options.keep[rule.keeps], `from ${rule.table} t where ${safe}`, rule.at, []);
  }
  await count(formerWords, options.keep.formerVersions, `from stockroom.object t where ${former}`, superseded, [options.recordZones]);
  return found;
}
