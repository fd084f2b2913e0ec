// Stream: what happens, as it happens, by server-sent events: events of the outbox, and runs whenever they change.
//
//   T1. An event is told once, in order, none left out, also over a cut: `Last-Event-ID` says how far the caller had come. What was deleted
//       meanwhile is told as a gap, and so is a place that lies ahead of all events (the database was put back).
//   T2. A run is told with the state it has; states it passed through between two looks are not. Around a cut a run may be told twice.
//   T3. Bounded: so many callers at once, and a caller who reads slowly is read for slowly. The stream ends with the server.
//   T4. Whoever is let in no more (removed, revoked, signed out, another role) hears no more within seconds; listening keeps no session open.

import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { Database } from "../platform/database/contract.ts";
import { outboxChannel } from "../platform/database/outbox.ts";
import { StockroomError } from "../platform/errors.ts";
import { beginNow, followEvents, oldestEvent, type Begin } from "../platform/events/follow.ts";
import { may } from "../platform/web/roles.ts";
import { serve, whileCalling } from "../platform/web/route.ts";
import { changedRuns } from "../platform/workflow/runs.ts";
import type { RunRow } from "../platform/workflow/contract.ts";
import * as routes from "./contract.ts";
import type { ServerDeps } from "./deps.ts";
import type { Entrance } from "./identity/entrance.ts";

const callersAtOnce = 64;
const batch = 500;
/** How often runs are looked at; events wake the stream by themselves. */
const lookMs = 1_000;
/** Silence after which a comment tells that the connection lives; proxies cut after 30 seconds and more. */
const heartbeatMs = 15_000;
/** How often it is looked at whether the caller is still let in. */
const recheckMs = 5_000;
/** A change is seen when its transaction commits, which may be later than a later one: so far is looked back. */
const lookBackMs = 5_000;

/** How far a caller has come: the number of the last event, and the moment (ms) of the last change of a run. */
interface Place {
  readonly event: number;
  readonly runMs: number;
}

const textOf = ({ event, runMs }: Place): string => `${event}-${runMs}`;

function readPlace(text: string): Place {
  const [, event = "", runMs = ""] = /^(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  if (event !== "") return { event: Number(event), runMs: Number(runMs) };
  throw new StockroomError(
    "input",
    "STREAM_PLACE",
    `Expected Last-Event-ID as this stream gave it but received "${text}". Leave it out to begin now.`,
  );
}

export function mountStream(server: FastifyInstance, { database, clock }: ServerDeps, entrance: Entrance): void {
  const closing = new AbortController();
  server.addHook("preClose", async () => closing.abort());
  let callers = 0;

  serve(
    server,
    routes.stream,
    async ({ query: { kind, of }, request, reply }) => {
      const { "last-event-id": header } = request.headers;
      const from = typeof header === "string" ? readPlace(header) : undefined;
      if (callers >= callersAtOnce) {
        throw new StockroomError(
          "busy",
          "STREAM_BUSY",
          `Expected fewer than ${callersAtOnce} callers at once but so many listen. Ask again soon.`,
        );
      }
      // Before anything is waited for: of many who come at once each counts.
      callers += 1;
      let isIn = true;
      const leave = (): void => {
        if (isIn) callers -= 1;
        isIn = false;
      };
      const left = whileCalling(reply);
      const signal = AbortSignal.any([closing.signal, left]);
      try {
        const isLetIn = async (): Promise<boolean> =>
          may((await entrance.findCaller(request.raw, { isUse: false }))?.roles ?? [], routes.stream.needs);
        const begin = await beginAt(database, from, clock);
        const wanted = { kind, events: of !== "runs", runs: of !== "events", signal, isLetIn, clock };
        const stream = Readable.from(tell(database, begin, wanted), { objectMode: false, highWaterMark: 64 * 1024 });
        stream.once("close", leave);
        // Gone while we looked: its end has been told already.
        if (left.aborted) stream.destroy();
        reply.headers({ "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" });
        return await reply.send(stream);
      } catch (error) {
        leave();
        throw error;
      }
    },
    { exposeHeadRoute: false },
  );
}

interface Beginning {
  readonly place: Place;
  readonly events: number | Begin;
  /** Of a caller who comes back: what cannot be told any more. */
  readonly gap: { readonly from: number; readonly to: number } | undefined;
}

async function beginAt(database: Database, from: Place | undefined, clock: ServerDeps["clock"]): Promise<Beginning> {
  const now = await beginNow(database);
  const nowMs = clock.now();
  if (from === undefined) return { place: { event: now.position, runMs: nowMs }, events: now, gap: undefined };
  const runMs = Math.min(from.runMs, nowMs);
  if (from.event > now.position) {
    const gap = { from: now.position + 1, to: from.event };
    return { place: { event: now.position, runMs }, events: now, gap };
  }
  const to = ((await oldestEvent(database)) ?? now.position + 1) - 1;
  return { place: { event: from.event, runMs }, events: from.event, gap: to > from.event ? { from: from.event + 1, to } : undefined };
}

interface Wanted {
  readonly kind: string | undefined;
  readonly events: boolean;
  readonly runs: boolean;
  readonly signal: AbortSignal;
  readonly isLetIn: () => Promise<boolean>;
  readonly clock: ServerDeps["clock"];
}

async function* tell(database: Database, begin: Beginning, { kind, events, runs, signal, isLetIn, clock }: Wanted): AsyncGenerator<string> {
  const follower = followEvents(database, begin.events);
  const changes = followRuns(database, begin.place.runMs);
  // Of what was told, not of what was read: a cut may come between any two messages.
  let { place } = begin;
  let [saidAt, checkedAt] = [clock.now(), clock.now()];
  const message = (name: keyof typeof routes.streamed, data: unknown): string => {
    saidAt = clock.now();
    return `event: ${name}\nid: ${textOf(place)}\ndata: ${JSON.stringify(data)}\n\n`;
  };
  let wake = Promise.withResolvers<void>();
  const stopListening = await database.listen(outboxChannel, () => wake.resolve());
  const stop = (): void => wake.resolve();
  signal.addEventListener("abort", stop);
  try {
    yield `retry: 2000\nid: ${textOf(place)}\n\n`;
    // Told once, at the begin: what was deleted meanwhile cannot be told any more.
    if (events && begin.gap !== undefined) yield message("gap", begin.gap);
    while (!signal.aborted) {
      // Made before looking, so that a call during the look is not lost.
      wake = Promise.withResolvers<void>();
      if (clock.now() - checkedAt >= recheckMs) {
        if (!(await isLetIn())) return;
        checkedAt = clock.now();
      }
      const found = await follower.next(batch);
      for (const event of found) {
        // A late one has a lower number than what was told before.
        place = { ...place, event: Math.max(place.event, event.id) };
        if (events && (kind === undefined || event.kind === kind)) yield message("event", event);
      }
      for (const run of runs ? await changes.next() : []) {
        place = { ...place, runMs: Math.max(place.runMs, Date.parse(run.updatedAt)) };
        yield message("run", run);
      }
      if (clock.now() - saidAt > heartbeatMs) {
        saidAt = clock.now();
        // With the place: whoever hears of few kinds has come on too.
        yield `: still here\nid: ${textOf(place)}\n\n`;
      }
      if (found.length < batch) await waitFor(wake.promise, signal);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    await stopListening();
  }
}

async function waitFor(wake: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, lookMs);
  });
  await Promise.race([wake, late]);
  clearTimeout(timer);
}

const mostChanges = 5_000;

/** Runs in the order of their changes, each change of what is shown once. */
function followRuns(database: Database, sinceMs: number): { next(): Promise<readonly RunRow[]> } {
  let position = sinceMs;
  let isFull = false;
  const told = new Map<string, number>();
  return {
    next: async () => {
      // A full look cannot look back too, or it would never get on.
      const found = await changedRuns(database, isFull ? position : position - lookBackMs, mostChanges);
      isFull = found.length === mostChanges;
      const changed = found.filter((run) => {
        const at = Date.parse(run.updatedAt);
        return at >= sinceMs && told.get(run.id) !== at;
      });
      for (const run of changed) {
        const at = Date.parse(run.updatedAt);
        told.set(run.id, at);
        position = Math.max(position, at);
      }
      for (const [id, at] of told) if (at < position - 2 * lookBackMs) told.delete(id);
      return changed;
    },
  };
}
