// Stream: what happens, as it happens, by server-sent events: events of the outbox, and runs whenever they change.
//
//   T1. An event is told once, in order, none left out, also over a cut: `Last-Event-ID` says how far the caller had come.
//   T2. A run is told with the state it has; states it passed through between two looks are not. Around a cut a run may be told twice.
//   T3. Bounded: so many callers at once, and a caller who reads slowly is read for slowly. The stream ends with the server.

import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { Database } from "../platform/database/contract.ts";
import { outboxChannel } from "../platform/database/outbox.ts";
import { StockroomError } from "../platform/errors.ts";
import { followEvents, newestEvent, oldestEvent } from "../platform/events/follow.ts";
import { serve, whileCalling } from "../platform/web/route.ts";
import { changedRuns } from "../platform/workflow/runs.ts";
import type { RunRow } from "../platform/workflow/contract.ts";
import * as routes from "./contract.ts";
import type { ServerDeps } from "./deps.ts";

const callersAtOnce = 64;
const batch = 500;
/** How often runs are looked at; events wake the stream by themselves. */
const lookMs = 1_000;
/** Silence after which a comment tells that the connection lives; proxies cut after 30 seconds and more. */
const heartbeatMs = 15_000;
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

export function mountStream(server: FastifyInstance, { database, clock }: ServerDeps): void {
  const closing = new AbortController();
  server.addHook("preClose", async () => closing.abort());
  let callers = 0;

  serve(server, routes.stream, async ({ query: { kind, of }, request, reply }) => {
    if (callers >= callersAtOnce) {
      throw new StockroomError(
        "busy",
        "STREAM_BUSY",
        `Expected fewer than ${callersAtOnce} callers at once but so many listen. Ask again soon.`,
      );
    }
    const header = request.headers["last-event-id"];
    const begin = typeof header === "string" ? readPlace(header) : { event: await newestEvent(database), runMs: clock.now() };
    const signal = AbortSignal.any([closing.signal, whileCalling(reply)]);
    callers += 1;
    const told = tell(database, begin, { kind, events: of !== "runs", runs: of !== "events", signal });
    const stream = Readable.from(told, { objectMode: false, highWaterMark: 64 * 1024 });
    stream.once("close", () => {
      callers -= 1;
    });
    reply.headers({ "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" });
    return await reply.send(stream);
  });
}

interface Wanted {
  readonly kind: string | undefined;
  readonly events: boolean;
  readonly runs: boolean;
  readonly signal: AbortSignal;
}

async function* tell(database: Database, begin: Place, { kind, events, runs, signal }: Wanted): AsyncGenerator<string> {
  const follower = followEvents(database, begin.event);
  const changes = followRuns(database, begin.runMs);
  // Of what was told, not of what was read: a cut may come between any two messages.
  let place = begin;
  const message = (name: keyof typeof routes.streamed, data: unknown): string =>
    `event: ${name}\nid: ${textOf(place)}\ndata: ${JSON.stringify(data)}\n\n`;
  let wake = Promise.withResolvers<void>();
  const stopListening = await database.listen(outboxChannel, () => wake.resolve());
  const stop = (): void => wake.resolve();
  signal.addEventListener("abort", stop);
  let saidAt = performance.now();
  try {
    yield `retry: 2000\nid: ${textOf(place)}\n\n`;
    const oldest = await oldestEvent(database);
    // Told once, at the begin: what was deleted meanwhile cannot be told any more.
    if (events && oldest !== undefined && oldest > begin.event + 1) yield message("gap", { from: begin.event + 1, to: oldest - 1 });
    while (!signal.aborted) {
      // Made before looking, so that a call during the look is not lost.
      wake = Promise.withResolvers<void>();
      const found = await follower.next(batch);
      for (const event of found) {
        place = { ...place, event: event.id };
        if (events && (kind === undefined || event.kind === kind)) yield message("event", event);
      }
      for (const run of runs ? await changes.next() : []) {
        place = { ...place, runMs: Math.max(place.runMs, Date.parse(run.updatedAt)) };
        yield message("run", run);
      }
      if (found.length > 0) saidAt = performance.now();
      else if (performance.now() - saidAt > heartbeatMs) {
        saidAt = performance.now();
        yield ": still here\n\n";
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
