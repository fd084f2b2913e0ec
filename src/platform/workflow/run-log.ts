// Run log: what a process logs while it works at a run, kept with the run for whoever looks at it.
//
// Owns: lines on their way into the database, their bounds, how they are read. Does not own: the log itself and what is secret in it (log.ts), how long
// runs are kept: a run's lines go with it.
//   G1. Taking a line waits for nothing and never throws. A database that is away costs lines, never a run.
//   G2. Bounded: the newest `keptLines` of a run (now and then `trimEvery` more), so many characters of each, so many lines on their way in a process.
//       What is left out is said in a line of its own.
//   G3. The lines of an execution are there when its run is seen to have ended, unless they could not be written.
// Concurrency: one flush at a time; lines are taken on the event loop between two awaits.

import type { Tx } from "../database/contract.ts";
import type { LogLine } from "../log.ts";
import type { RunLogLine, RunLogLevel } from "./contract.ts";
import { readJson } from "./json.ts";

export const keptLines = 1_000;
const trimEvery = 200;
const mostWaiting = 5_000;
const mostAtOnce = 500;
const messageChars = 2_000;
const factsChars = 4_000;

/** Whose lines they are. */
export interface Speaker {
  readonly runId: string;
  /** Fences off who has lost the run: lines of such are kept, but say nothing of the run's state. */
  readonly token: string;
  readonly tries: number;
}

interface Waiting extends Speaker {
  readonly step: string | undefined;
  readonly atMs: number;
  readonly level: RunLogLevel;
  readonly message: string;
  readonly facts: string | undefined;
}

export interface RunLogs {
  /** Keeps a line of a run's step, or of what is between its steps (G1). */
  take(speaker: Speaker, step: string | undefined, line: LogLine): void;
  /** Writes what waits. Throws what the database throws; the lines then wait on. */
  flush(): Promise<void>;
  /** Writes what waits of a run, if anything does (G3). Never throws. */
  settle(runId: string): Promise<void>;
}

export function makeRunLogs(database: Tx, executorId: string, now: () => number): RunLogs {
  let waiting: Waiting[] = [];
  /** Of each run: lines that found no place. */
  const lost = new Map<string, { readonly speaker: Speaker; count: number }>();
  /** Of each run that this process wrote for: lines since it was last trimmed. */
  const untrimmed = new Map<string, number>();
  let flushing = Promise.resolve();

  const write = async (): Promise<void> => {
    while (waiting.length > 0 || lost.size > 0) {
      const batch = waiting.slice(0, mostAtOnce);
      // Said where the last of those that are kept has gone.
      const told = batch.length === waiting.length ? [...lost.values()].map((one) => lostLine(one.speaker, one.count, now())) : [];
      await insertLines(database, executorId, [...batch, ...told]);
      waiting = waiting.slice(batch.length);
      if (told.length > 0) lost.clear();
      await trim(database, untrimmed, batch);
    }
  };
  const flush = async (): Promise<void> => {
    if (waiting.length === 0 && lost.size === 0) return;
    flushing = flushing.catch(() => undefined).then(write);
    await flushing;
  };
  return {
    take: (speaker, step, line) => {
      if (line.level === "debug") return;
      if (waiting.length >= mostWaiting) {
        const known = lost.get(speaker.runId);
        if (known === undefined) lost.set(speaker.runId, { speaker, count: 1 });
        else known.count += 1;
        return;
      }
      waiting.push({ ...speaker, step, atMs: now(), level: line.level, message: cut(line.message, messageChars), facts: factsText(line) });
    },
    flush,
    settle: async (runId) => {
      if (lost.has(runId) || waiting.some((line) => line.runId === runId)) await flush().catch(() => undefined);
      untrimmed.delete(runId);
    },
  };
}

const cut = (text: string, most: number): string => {
  const whole = text.replaceAll("\u0000", "\uFFFD");
  return whole.length <= most ? whole : `${whole.slice(0, most - 1).toWellFormed()}…`;
};

/** The run itself and its step stand beside the line. */
function factsText({ facts }: LogLine): string | undefined {
  const { runId: _run, ...rest } = facts;
  if (Object.keys(rest).length === 0) return undefined;
  const text = JSON.stringify(withoutStacks(rest));
  return text.length <= factsChars ? text : JSON.stringify({ cut: cut(text, factsChars) });
}

/** A stack tells where in the program, which the process's own log keeps; here it would leave no room for the rest. */
function withoutStacks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutStacks);
  if (typeof value !== "object" || value === null) return typeof value === "string" ? cut(value, factsChars) : value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => (key === "stack" ? [] : [[key, withoutStacks(inner)]])));
}

const lostLine = (speaker: Speaker, count: number, atMs: number): Waiting => ({
  ...speaker,
  step: undefined,
  atMs,
  level: "warn",
  message: `${count} lines were not kept: too many came at once; the log of the process has them`,
  facts: undefined,
});

/** Keeps lines of runs that there are, and lets those who watch know that something of a run is new. */
async function insertLines(tx: Tx, executorId: string, lines: readonly Waiting[]): Promise<void> {
  await tx.query(
    `with line as (
       select * from unnest($2::text[], $3::text[], $4::int[], $5::float8[], $6::text[], $7::text[], $8::text[], $9::text[])
         with ordinality as line (run_id, step, try, at_ms, level, message, facts, token, place)
     ), touched as (
       update stockroom.run set updated_at = clock_timestamp()
       from (select distinct run_id, token from line) as of where run.id = of.run_id and run.token = of.token and run.state = 'running'
     )
     insert into stockroom.run_log (run_id, step, try, executor, at, level, message, facts)
     select run_id, step, try, $1, to_timestamp(at_ms / 1000), level, message, facts from line
     where exists (select 1 from stockroom.run where id = line.run_id) order by place`,
    [
      executorId,
      lines.map(({ runId }) => runId),
      lines.map(({ step }) => step ?? null),
      lines.map(({ tries }) => tries),
      lines.map(({ atMs }) => atMs),
      lines.map(({ level }) => level),
      lines.map(({ message }) => message),
      lines.map(({ facts }) => facts ?? null),
      lines.map(({ token }) => token),
    ],
  );
}

/** Takes the oldest lines away of runs that were written for so often that they may have too many; of each in its first batch, too. */
async function trim(tx: Tx, untrimmed: Map<string, number>, written: readonly Waiting[]): Promise<void> {
  const due = new Set<string>();
  for (const { runId } of written) {
    const before = untrimmed.get(runId) ?? trimEvery;
    untrimmed.set(runId, before + 1);
    if (before + 1 >= trimEvery) due.add(runId);
  }
  for (const runId of due) {
    await tx.query(
      `delete from stockroom.run_log where run_id = $1
         and id <= (select id from stockroom.run_log where run_id = $1 order by id desc offset $2 limit 1)`,
      [runId, keptLines],
    );
    untrimmed.set(runId, 0);
  }
}

const atLeast: Readonly<Record<RunLogLevel, readonly RunLogLevel[]>> = {
  info: ["info", "warn", "error"],
  warn: ["warn", "error"],
  error: ["error"],
};

export interface RunLogQuery {
  /** Only of this step. */
  readonly step?: string | undefined;
  /** Of this level and worse. Default `info`. */
  readonly level?: RunLogLevel | undefined;
  /** Only those that came after this line. */
  readonly after?: number | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

interface StoredLine {
  readonly id: string;
  readonly run_id: string;
  readonly step: string | null;
  readonly try: number;
  readonly executor: string;
  readonly at_ms: number;
  readonly level: RunLogLevel;
  readonly message: string;
  readonly facts: string | null;
}

const lineOf = (row: StoredLine): RunLogLine => ({
  id: Number(row.id),
  at: new Date(row.at_ms).toISOString(),
  level: row.level,
  step: row.step ?? undefined,
  tries: row.try,
  executor: row.executor,
  message: row.message,
  facts: row.facts === null ? {} : readJson<RunLogLine["facts"]>(row.facts),
});

export interface AllLogQuery extends Omit<RunLogQuery, "step"> {
  /** ISO; only lines of this moment or later. */
  readonly since?: string | undefined;
}

/** Of every run, the oldest first: with `after` those that follow it, else the newest there are. */
export async function listAllLog(
  tx: Tx,
  { level = "info", since, after, limit = 100 }: AllLogQuery,
): Promise<(RunLogLine & { run: string })[]> {
  const rows = await tx.query<StoredLine>(
    `select id::text, run_id, step, try, executor, (extract(epoch from at) * 1000)::float8 as at_ms, level, message, facts from stockroom.run_log
     where level = any($1) and run_log.id > $2 and ($3::timestamptz is null or at >= $3)
     order by run_log.id ${after === undefined ? "desc" : "asc"} limit $4`,
    [[...atLeast[level]], after ?? 0, since ?? null, limit],
  );
  const lines = rows.map((row) => ({ ...lineOf(row), run: row.run_id }));
  return after === undefined ? lines.toReversed() : lines;
}

/** The oldest first. */
export async function listRunLog(tx: Tx, runId: string, { step, level = "info", after, limit = 100 }: RunLogQuery): Promise<RunLogLine[]> {
  const rows = await tx.query<StoredLine>(
    `select id::text, run_id, step, try, executor, (extract(epoch from at) * 1000)::float8 as at_ms, level, message, facts from stockroom.run_log
     where run_id = $1 and ($2::text is null or step = $2) and level = any($3) and run_log.id > $4 order by run_log.id limit $5`,
    [runId, step ?? null, [...atLeast[level]], after ?? 0, limit],
  );
  return rows.map(lineOf);
}
