// Champions: who was, by whose word; promotions that wait for a person; the test items a line has kept; and whether a line decides by itself.
//
// Owns: classify_champion, classify_ruling, classify_ground, classify_automatic. Does not own: verdicts and models (store/lines.ts).
//   C1. All four are only ever added to: the newest row counts, and the former ones say how it came about.
//   C2. Whoever adds holds the line's lock (`lockLine`), so that two changes of one line come one after the other.

import type { Tx } from "../../platform/database/contract.ts";
import type { ObjectRef } from "./keys.ts";

/** Serialises changes of a line's champion, rulings and automatic decisions until the transaction ends. */
export async function lockLine(tx: Tx, line: string): Promise<void> {
  await tx.query("select pg_advisory_xact_lock(hashtext($1))", [`classify.line/${line}`]);
}

export interface ChampionRow {
  readonly line: string;
  readonly since: string;
  readonly model: string;
  /** `gate`: promoted by its verdict; `approved`: held, then approved by a person; `set`: by a person's word alone. */
  readonly kind: "gate" | "approved" | "set";
  readonly verdict: string | null;
  readonly reason: string;
  readonly by: string;
}

export async function insertChampion(tx: Tx, row: ChampionRow): Promise<void> {
  await tx.query(
    "insert into stockroom.classify_champion (line, since, model, verdict, kind, reason, by) values ($1, $2, $3, $4, $5, $6, $7)",
    [row.line, row.since, row.model, row.verdict, row.kind, row.reason, row.by],
  );
}

/** Every champion there was, the newest of each line first. */
export async function listChampions(tx: Tx, line?: string): Promise<readonly ChampionRow[]> {
  return await tx.query<ChampionRow & Record<string, unknown>>(
    `select line, since, model, verdict, coalesce(kind, 'gate') as kind, coalesce(reason, '') as reason, coalesce(by, '') as by
       from stockroom.classify_champion
      where $1::text is null or line = $1 order by line, since desc`,
    [line ?? null],
  );
}

/** What a person said of a held promotion. */
export interface Ruling {
  readonly verdict: string;
  readonly line: string;
  readonly ruling: "approved" | "rejected";
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

export async function insertRuling(tx: Tx, row: Ruling): Promise<void> {
  await tx.query("insert into stockroom.classify_ruling (verdict, line, ruling, reason, by, at) values ($1, $2, $3, $4, $5, $6)", [
    row.verdict,
    row.line,
    row.ruling,
    row.reason,
    row.by,
    row.at,
  ]);
}

export async function findRuling(tx: Tx, verdict: string): Promise<Ruling | undefined> {
  const [row] = await tx.query<Ruling & Record<string, unknown>>(
    "select verdict, line, ruling, reason, by, at from stockroom.classify_ruling where verdict = $1",
    [verdict],
  );
  return row;
}

/** A promotion that waits for a person. */
export interface Held {
  readonly verdict: string;
  readonly line: string;
  readonly challenger: string;
  readonly champion: string;
  readonly reason: string;
  readonly at: string;
}

/** Held promotions without a ruling whose champion is still the line's: once it has changed, the comparison says nothing any more. */
export async function listHeld(tx: Tx, line?: string): Promise<readonly Held[]> {
  return await tx.query<Held & Record<string, unknown>>(
    `select v.id as verdict, v.line, v.challenger, v.champion, v.reason, v.at
       from stockroom.classify_verdict v
      where v.decision = 'held' and ($1::text is null or v.line = $1)
        and not exists (select from stockroom.classify_ruling r where r.verdict = v.id)
        and v.champion = (select c.model from stockroom.classify_champion c where c.line = v.line order by c.since desc limit 1)
      order by v.at desc, v.id`,
    [line ?? null],
  );
}

/** Test items that a line keeps: those of a model's test object, with the labels kept before or the latest ones. */
export interface GroundRow {
  readonly model: string;
  readonly line: string;
  readonly object: ObjectRef;
  /** Models whose kept items this object already holds. */
  readonly base: readonly string[];
  readonly labels: "kept" | "latest";
  readonly at: string;
}

/** Keeps a model's test items; harmless when they are kept already, unless a person's word makes their latest labels count. */
export async function insertGround(tx: Tx, row: GroundRow): Promise<boolean> {
  const kept = await tx.query(
    `insert into stockroom.classify_ground (model, line, object_key, object_version, base, labels, at) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (model) do nothing returning model`,
    [row.model, row.line, row.object.key, row.object.version, JSON.stringify(row.base), row.labels, row.at],
  );
  return kept.length > 0;
}

/** The objects that together hold all test items a line has kept, the oldest first. */
export async function findGround(tx: Tx, line: string): Promise<readonly GroundRow[]> {
  const rows = await tx.query<{
    model: string;
    object_key: string;
    object_version: string;
    base: string[];
    labels: GroundRow["labels"];
    at: string;
  }>("select model, object_key, object_version, base, labels, at from stockroom.classify_ground where line = $1 order by at, model", [
    line,
  ]);
  const within = new Set(rows.flatMap((row) => row.base));
  return rows
    .filter((row) => !within.has(row.model))
    .map((row) => ({
      model: row.model,
      line,
      object: { key: row.object_key, version: row.object_version },
      base: row.base,
      labels: row.labels,
      at: row.at,
    }));
}

/** Whether a line decides by itself, and since when by whose word. */
export interface AutomaticRow {
  readonly line: string;
  readonly automatic: boolean;
  readonly model: string | null;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

export async function insertAutomatic(tx: Tx, row: AutomaticRow): Promise<void> {
  await tx.query("insert into stockroom.classify_automatic (line, automatic, model, reason, by, at) values ($1, $2, $3, $4, $5, $6)", [
    row.line,
    row.automatic,
    row.model,
    row.reason,
    row.by,
    row.at,
  ]);
}

/** The newest word on each line; a line without one decides by itself. */
export async function listAutomatic(tx: Tx, line?: string): Promise<readonly AutomaticRow[]> {
  return await tx.query<AutomaticRow & Record<string, unknown>>(
    `select distinct on (line) line, automatic, model, reason, by, at from stockroom.classify_automatic
      where $1::text is null or line = $1 order by line, seq desc`,
    [line ?? null],
  );
}

/** Whether a line decides by itself. */
export async function isAutomatic(tx: Tx, line: string): Promise<boolean> {
  return (await listAutomatic(tx, line)).every((word) => word.automatic);
}
