// Notify, put together: posting in the fact's own transaction, delivery as one durable run per (notice, channel), the list.
//
//   fact + notice row + `notice.posted` (one transaction) -> relay -> a run per channel -> tries with backoff -> delivered | dead letter
//
// Which channels and topics there are stands in the database, because processes of one fleet may have different settings: a channel is a
// subscription of its own (events.E5) with a workflow of its own, so only a process that has it relays to it and delivers.
//
// Who may call at the same time: everyone. Posting twice meets the primary key; a run repeated after a crash reads what it has reached.

import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../time.ts";
import { systemClock } from "../time.ts";
import type { ChannelSettings } from "../config/index.ts";
import { StockroomError } from "../errors.ts";
import type { Subscription } from "../events/contract.ts";
import { faultPoint } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Migration, Database, Tx } from "../database/contract.ts";
import { appendEvent } from "../database/outbox.ts";
import { instantOf, microsOf, type Keyed, type SortKey } from "../database/sort-key.ts";
import type { Json, QueueDefinition, WorkflowDefinition, Workflows } from "../workflow/contract.ts";
import { makeChannel } from "./channels.ts";
import type { Channel } from "./channels.ts";
import type { Notice, NoticeRow } from "./contract.ts";
import type { PostedNotice } from "./message.ts";
import { channelsOf, defaultTopics } from "./topics.ts";
import type { Topics } from "./topics.ts";

export const notifyMigrations: readonly Migration[] = [
  {
    id: "notify-001-notices",
    sql: `
      create table stockroom.notices (
        id text primary key,
        topic text not null,
        severity text not null check (severity in ('info', 'warning', 'alarm')),
        title text not null,
        body text not null,
        facts jsonb not null,
        at timestamptz not null default now()
      );
      create index notices_at on stockroom.notices (at desc, id);
      create table stockroom.notice_deliveries (
        notice text not null references stockroom.notices (id) on delete cascade,
        channel text not null,
        state text not null check (state in ('waiting', 'delivered', 'failed')),
        reached jsonb not null default '[]',
        at timestamptz,
        error text,
        primary key (notice, channel)
      );
    `,
  },
  {
    id: "notify-002-topics",
    sql: `
      create table stockroom.notice_topic (
        topic text primary key,
        channels text[] not null,
        at timestamptz not null default clock_timestamp()
      );
    `,
  },
];

/**
 * Posts a notice in the transaction of the fact it tells of; delivery begins once that commits.
 *
 * The same `id` again changes nothing and sends nothing (N1).
 */
export async function postNotice(tx: Tx, notice: Notice): Promise<void> {
  const written = await tx.query(
    `insert into stockroom.notices (id, topic, severity, title, body, facts) values ($1, $2, $3, $4, $5, $6::jsonb)
     on conflict (id) do nothing returning id`,
    [notice.id, notice.topic, notice.severity, notice.title, notice.body, JSON.stringify(notice.facts)],
  );
  if (written.length === 0) return;
  await appendEvent(tx, {
    kind: "notice.posted",
    subject: notice.topic,
    data: { notice: notice.id, severity: notice.severity },
    dedupe: `notice.posted/${notice.id}`,
  });
}

/** One run's input: which notice goes out by which channel. */
interface DeliverInput {
  readonly notice: string;
  readonly channel: string;
}

function parseInput(json: unknown): DeliverInput {
  if (typeof json === "object" && json !== null && "notice" in json && "channel" in json) {
    const { notice, channel } = json;
    if (typeof notice === "string" && typeof channel === "string") return { notice, channel };
  }
  throw new StockroomError("input", "NOTIFY_INPUT_BAD", "Expected { notice, channel } but the run's input is something else. Drop it.");
}

export interface NotifyOptions {
  readonly database: Database;
  /** By name. `log` is always there, unless the settings give that name to another. */
  readonly channels: Readonly<Record<string, ChannelSettings>>;
  readonly topics: Topics;
  readonly log: Log;
  readonly clock?: Clock;
  /** Tries of one delivery and the first pause between them (it doubles). Default 8 and 5,000: ten minutes in all, enough for greylisting. */
  readonly tries?: number;
  readonly backoffMs?: number;
  /** False (a copy of a home): only what stays in this process's log is told; what is for others waits. Default true. */
  readonly outward?: boolean;
}

/** Which notices are wanted. */
export interface NoticeQuery {
  /** This topic, or a beginning that ends in a dot. */
  readonly topic?: string | undefined;
  /** Only those that come after this place of the list: when it was posted (microseconds), its id. */
  readonly after?: SortKey | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

/** The open part: hand its workflows, queue and subscriptions to the engine, ask it for its list. */
export interface Notices {
  /** One per channel of this process, so that another process, with other settings, never takes up what it cannot deliver. */
  readonly workflows: readonly WorkflowDefinition[];
  readonly queue: QueueDefinition;
  /** One per channel, so that one broken channel holds up none of the others. */
  readonly subscriptions: readonly Subscription[];
  /**
   * Makes this process's topics those of the whole fleet, unless they are the defaults. The last process that opens with topics of its
   * own decides; that others had other ones is told in the log.
   */
  publishTopics(): Promise<void>;
  /** Newest first, with the state of each delivery begun. */
  list(query?: NoticeQuery): Promise<readonly NoticeRow[]>;
  /** The same with where each stands: a page begins after a key. */
  place(query: NoticeQuery): Promise<readonly Keyed<NoticeRow>[]>;
  /**
   * Sends a notice again by the channels where it failed, or by one of them: its dead letter is redriven, else a run of its own is started.
   * Throws `missing` `NOTICE_UNKNOWN`, `conflict` `NOTICE_NOT_FAILED` when there is no failed delivery to repeat.
   */
  resend(
    workflows: Pick<Workflows, "redrive" | "start">,
    id: string,
    channel?: string,
  ): Promise<readonly { readonly channel: string; readonly run: string }[]>;
}

/** The longest a delivery waits because a receiver asked for it (`Retry-After`). */
const maxRetryAfterMs = 15 * 60_000;

/**
 * Opens the part. Throws `input` `NOTIFY_CHANNEL_BAD` for a channel that cannot work and `NOTIFY_CHANNEL_UNKNOWN` for a topic that names none.
 */
export function makeNotify(options: NotifyOptions): Notices {
  const { database, topics, log, tries = 8, backoffMs = 5_000, clock = systemClock } = options;
  const settings: Readonly<Record<string, ChannelSettings>> = { log: { kind: "log" }, ...options.channels };
  const channels = new Map<string, Channel>();
  for (const [name, channel] of Object.entries(settings)) {
    channels.set(name, makeChannel(name, channel, { clock, logNotice: (notice) => logNotice(log, notice) }));
  }
  checkTopics(topics, channels);
  if (options.outward === false) {
    for (const [name, { kind }] of Object.entries(settings)) if (kind !== "log") channels.delete(name);
  }

  const workflowOf = (name: string): WorkflowDefinition => ({
    name,
    queue: "notify",
    // The step has its own tries; a second round of the whole run would only repeat them.
    tries: 1,
    title: (json) => {
      const { notice, channel } = parseInput(json);
      return `send ${notice} by ${channel}`;
    },
    run: async (context, json) => {
      const input = parseInput(json);
      const channel = channels.get(input.channel);
      let tried = 0;
      await context.step(
        "send",
        async (signal) => {
          tried += 1;
          if (channel === undefined) throw await goneChannel(database, input);
          await deliver(database, channel, input, { signal, last: tried >= tries });
        },
        { tries, backoffMs },
      );
    },
  });
  const byChannel = [...channels.keys()].map((channel) => ({ channel, workflow: workflowOf(`${deliverWorkflow}.${channel}`) }));

  return {
    // The one without a channel in its name: runs of earlier releases are still under way.
    workflows: [workflowOf(deliverWorkflow), ...byChannel.map(({ workflow }) => workflow)],
    queue: { name: "notify", perWorker: 16 },
    subscriptions: byChannel.map(({ channel, workflow }) => ({
      name: `${subscriptionPrefix}${channel}`,
      kind: "notice.posted",
      workflow,
      input: async (event, tx): Promise<Json | undefined> =>
        (await hearersOf(tx, event.subject, topics)).includes(channel) ? { notice: event.data["notice"] ?? null, channel } : undefined,
    })),
    publishTopics: () => publishTopics(database, topics, log),
    list: async (query) => (await listNotices(database, query)).map(({ row }) => row),
    place: async (query) => await listNotices(database, query),
    resend: async (engine, id, channel) => await resendNotice(database, engine, { id, channel, at: new Date(clock.now()).toISOString() }),
  };
}

const deliverWorkflow = "notify.deliver";
const subscriptionPrefix = "notify.";

/**
 * The channels that hear of a topic: by the fleet's topics, or by `own` when nobody has published any.
 *
 * When none of them exists any more in the whole fleet, the log hears it: no notice goes to nobody unless its list is empty on purpose.
 */
async function hearersOf(tx: Tx, topic: string, own: Topics): Promise<readonly string[]> {
  const rows = await tx.query<{ topic: string; channels: string[] }>(`select topic, channels from stockroom.notice_topic`);
  const wanted = channelsOf(topic, rows.length === 0 ? own : Object.fromEntries(rows.map((row) => [row.topic, row.channels])));
  if (wanted.length === 0) return wanted;
  const known = await tx.query<{ name: string }>(`select name from stockroom.subscription where name = any($1)`, [
    wanted.map((channel) => `${subscriptionPrefix}${channel}`),
  ]);
  return known.length === 0 ? ["log"] : wanted;
}

async function publishTopics(database: Database, topics: Topics, log: Log): Promise<void> {
  if (isDeepStrictEqual(topics, defaultTopics)) return;
  const before = await database.transaction(async (tx) => {
    await tx.query(`lock table stockroom.notice_topic in exclusive mode`);
    const rows = await tx.query<{ topic: string; channels: string[] }>(`delete from stockroom.notice_topic returning topic, channels`);
    for (const [topic, channels] of Object.entries(topics)) {
      await tx.query(`insert into stockroom.notice_topic (topic, channels) values ($1, $2)`, [topic, channels]);
    }
    return Object.fromEntries(rows.map((row) => [row.topic, row.channels]));
  });
  if (Object.keys(before).length > 0 && !isDeepStrictEqual(before, { ...topics })) {
    log.warn("the topics of this process's settings replace those another process had published", {
      before: JSON.stringify(before),
      now: JSON.stringify(topics),
    });
  }
}

function checkTopics(topics: Topics, channels: ReadonlyMap<string, Channel>): void {
  for (const [topic, names] of Object.entries(topics)) {
    for (const name of names) {
      if (channels.has(name)) continue;
      const known = [...channels.keys()].join(", ");
      throw new StockroomError(
        "input",
        "NOTIFY_CHANNEL_UNKNOWN",
        `Topic ${topic}: expected one of the channels ${known} but it names ${name}. Add the channel or correct the name.`,
        { facts: { topic, channel: name } },
      );
    }
  }
}

interface TryOptions {
  readonly signal: AbortSignal;
  readonly last: boolean;
}

/** One try: send to whom it has not reached yet, write down how far it came, then throw what went wrong. */
async function deliver(database: Database, channel: Channel, input: DeliverInput, { signal, last }: TryOptions): Promise<void> {
  const notice = await readNotice(database, input.notice);
  const before = await beginDelivery(database, input);
  if (before.state === "delivered") return;
  const attempt = await channel.send(notice, before.reached, signal);
  faultPoint("notify.sent");
  // Aborted while sending: cancelled or shutting down. Nothing is known to have failed, so nothing is written.
  if (attempt.error !== undefined && signal.aborted) throw signal.reason;
  const over = last || attempt.error?.kind === "input";
  const state = attempt.error === undefined ? "delivered" : over ? "failed" : "waiting";
  await database.query(
    `update stockroom.notice_deliveries set state = $3, reached = $4::jsonb, error = $5, at = now() where notice = $1 and channel = $2`,
    [input.notice, input.channel, state, JSON.stringify(attempt.reached), attempt.error?.message ?? null],
  );
  if (attempt.error === undefined) return;
  // Not durable: after a crash in this pause the receiver is asked again sooner, which harms nobody.
  if (!over && attempt.retryAfterMs !== undefined) await setTimeout(Math.min(attempt.retryAfterMs, maxRetryAfterMs), undefined, { signal });
  throw attempt.error;
}

async function resendNotice(
  database: Database,
  workflows: Pick<Workflows, "redrive" | "start">,
  { id, channel: wanted, at }: { readonly id: string; readonly channel: string | undefined; readonly at: string },
): Promise<readonly { readonly channel: string; readonly run: string }[]> {
  const [known] = await database.query(`select 1 as one from stockroom.notices where id = $1`, [id]);
  if (known === undefined) {
    throw new StockroomError("missing", "NOTICE_UNKNOWN", `Expected a notice "${id}" but there is none. See \`stockroom notices\`.`);
  }
  const deliveries = await database.query<{ channel: string; state: string }>(
    `select channel, state from stockroom.notice_deliveries where notice = $1 and ($2::text is null or channel = $2) order by channel`,
    [id, wanted ?? null],
  );
  const failed = deliveries.filter(({ state }) => state === "failed");
  if (failed.length === 0) {
    const states = deliveries.map(({ channel, state }) => `${channel} ${state}`).join(", ");
    throw new StockroomError(
      "conflict",
      "NOTICE_NOT_FAILED",
      `Expected a failed delivery of ${id}${wanted === undefined ? "" : ` by ${wanted}`} but there is ${states === "" ? "no delivery" : `only: ${states}`}. There is nothing to repeat.`,
    );
  }
  const started: { channel: string; run: string }[] = [];
  for (const { channel } of failed) {
    const [letter] = await database.query<{ id: string }>(
      `select l.id::text as id from stockroom.dead_letter l join stockroom.run r on r.id = l.run_id
        where l.state = 'waiting' and (r.workflow = $3 or starts_with(r.workflow, $3 || '.')) and r.input::jsonb = $1::jsonb || $2::jsonb
        order by l.id desc limit 1`,
      [JSON.stringify({ notice: id }), JSON.stringify({ channel }), deliverWorkflow],
    );
    const run =
      letter === undefined
        ? await workflows.start(`${deliverWorkflow}.${channel}`, { notice: id, channel }, { id: `notify.resend/${id}/${channel}/${at}` })
        : await workflows.redrive(letter.id);
    started.push({ channel, run });
  }
  return started;
}

async function goneChannel(database: Database, input: DeliverInput): Promise<StockroomError> {
  const error = new StockroomError(
    "missing",
    "NOTIFY_CHANNEL_MISSING",
    `Expected a channel ${input.channel} in the settings but it is gone. Put it back and redrive the dead letter, or drop the letter.`,
    { facts: { channel: input.channel, notice: input.notice } },
  );
  await beginDelivery(database, input);
  await database.query(
    `update stockroom.notice_deliveries set state = 'failed', error = $3, at = now() where notice = $1 and channel = $2`,
    [input.notice, input.channel, error.message],
  );
  return error;
}

/** As the database part gives a timestamptz (ISO 8601, UTC), for one inside JSON, where that does not see it. */
const isoTime = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

async function readNotice(tx: Tx, id: string): Promise<PostedNotice> {
  const [row] = await tx.query<PostedNotice>(`select id, topic, severity, title, body, facts, at from stockroom.notices where id = $1`, [
    id,
  ]);
  if (row !== undefined) return row;
  throw new StockroomError("missing", "NOTICE_MISSING", `Expected a notice ${id} but there is none. Drop the dead letter.`, {
    facts: { notice: id },
  });
}

interface DeliveryRecord {
  readonly state: "waiting" | "delivered" | "failed";
  readonly reached: readonly string[];
}

async function beginDelivery(tx: Tx, input: DeliverInput): Promise<DeliveryRecord> {
  const [row] = await tx.query<DeliveryRecord>(
    `insert into stockroom.notice_deliveries as d (notice, channel, state) values ($1, $2, 'waiting')
     on conflict (notice, channel) do update set state = d.state returning d.state, d.reached`,
    [input.notice, input.channel],
  );
  return row ?? { state: "waiting", reached: [] };
}

async function listNotices(tx: Tx, query: NoticeQuery = {}): Promise<readonly Keyed<NoticeRow>[]> {
  const rows = await tx.query<NoticeRow & { readonly place: string }>(
    `select n.id, n.topic, n.severity, n.title, n.body, n.facts, n.at,
            coalesce((
              select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('channel', d.channel, 'state', d.state, 'at', ${isoTime("d.at")}, 'error', d.error)) order by d.channel)
              from stockroom.notice_deliveries d where d.notice = n.id
            ), '[]') as deliveries, ${microsOf("n.at")} as place
     from stockroom.notices n
     where ($1::text is null or n.topic = $1 or (right($1, 1) = '.' and starts_with(n.topic, $1)))
       and ($3::bigint is null or n.at < ${instantOf("$3")} or (n.at = ${instantOf("$3")} and n.id > $4))
     order by n.at desc, n.id limit $2`,
    [query.topic ?? null, query.limit ?? 100, query.after?.[0] ?? null, query.after?.[1] ?? null],
  );
  return rows.map(({ place, ...row }) => ({ row, key: [place, row.id] }));
}

function logNotice(log: Log, notice: PostedNotice): void {
  const facts = { notice: notice.id, topic: notice.topic, severity: notice.severity, ...notice.facts };
  if (notice.severity === "info") log.info(notice.title, facts);
  else log.warn(notice.title, facts);
}
