// Service: from a request to an answer. The hot path of the module, free of HTTP libraries; doors turn it into whatever they speak.
//
//     URL -> memo -> plan -> cache -> (flight: original -> gate -> transform) -> answer
//
// Owns: what is cached and for how long it is right, joining equal work, bounds on work, deadlines, validators, the shape of errors.
// Does not own: what URLs mean and what is done to pixels (engine), where originals come from (sources).
//   V1. Equal cold requests at once cost one read and one transform; so do equal reads of different ones.
//   V2. A fresh answer touches neither source nor disk; a validator that matches costs a few map lookups.
//   V3. An answer is given only for the version of the original it was made of, or, marked so, for the one before while the new is made.
//   V4. Work in hand is bounded in pictures, pixels and originals; past the queue the answer is 503 with Retry-After, at once.
//   V5. Every request is answered within its deadline.
//
// Concurrency: one thread; between two awaits nothing else runs, and each map below is read and written without one in between.

import { createHash } from "node:crypto";
import { isStockroomError, StockroomError } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { planOf } from "../engine/plan.ts";
import type { ImageRequest, SourceFacts, UrlRequest } from "../engine/plan.ts";
import { makeLru } from "../store/cache/memory.ts";
import type { PictureCache, Stored } from "../store/cache/cache.ts";
import { gatherWithin, refuseLarge } from "../store/sources/limits.ts";
import type { SourceObject, Sources } from "../store/sources/contract.ts";
import { errorReply, headersOf, retrySeconds, untilExpiry } from "./answers.ts";
import type { AnswerSettings } from "./answers.ts";
import { makeSingleFlight } from "../../platform/concurrency/single-flight.ts";
import { makeSemaphore, tooBusy } from "../../platform/concurrency/semaphore.ts";
import { makeCounts } from "./counts.ts";
import type { Counts } from "./counts.ts";

/** A request as any door can put it. */
export interface Asked {
  readonly method: string;
  /** Path and query as they stood in the request line. */
  readonly target: string;
  /** A request header by its lower-case name. */
  header(name: string): string | undefined;
  /** Aborts when the caller has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** How an answer came about, for the log and the metrics. */
export type Outcome = "hit" | "disk" | "stale" | "made" | "joined" | "unchanged" | "refused" | "failed";

/** An answer as any door can give it. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent for HEAD, 304 and 204. */
  readonly body: Uint8Array | undefined;
  readonly outcome: Outcome;
  /** The error's code, when it is one. */
  readonly code?: string;
}

/** What the engine does for the service. */
export interface Engine {
  parse(url: UrlRequest, nowMs: number): ImageRequest;
  /** Completes a request with what is known of its original. */
  settle(request: ImageRequest, contentType: string | undefined): ImageRequest;
  /** The type of an original by its first bytes; sources say what they like. */
  typeOf?(original: Uint8Array): string | undefined;
  transform(
    original: Uint8Array,
    request: ImageRequest,
    tools: TransformTools,
  ): Promise<{ readonly body: Uint8Array; readonly contentType: string; readonly notes?: readonly string[] }>;
  /** About how many pixels an original holds; cheap, for the gate only. */
  pixelsOf?(original: Uint8Array): number;
}

export interface TransformTools {
  readOverlay(bucket: string, key: string, signal: AbortSignal): Promise<Uint8Array>;
  readonly signal: AbortSignal;
  /** Of the original, for what is remembered of it (faces). */
  readonly originalId: string;
  /** Pictures at work and waiting, for a place in the queue, 0 when idle. */
  readonly load: number;
}

export interface ServiceOptions {
  readonly sources: Sources;
  readonly engine: Engine;
  readonly cache: PictureCache;
  readonly answers: AnswerSettings;
  readonly fallback?: { readonly bucket: string; readonly key: string } | undefined;
  readonly freshMs: number;
  readonly staleMs: number;
  readonly missingMs: number;
  readonly deadlineMs: number;
  readonly concurrency: number;
  readonly maxWaiting: number;
  readonly pixelsInFlight: number;
  readonly sourceMaxBytes: number;
  readonly sourceTimeoutMs: number;
  readonly log: Log;
  readonly nowMs: () => number;
}

/** The open service. Safe to call any number of times at once. */
export interface Service {
  /** Answers; at once when it can be had from memory. Never throws. */
  answer(asked: Asked): Reply | Promise<Reply>;
  readonly counts: Counts;
  readonly cache: PictureCache;
  /** Pictures at work and waiting now. */
  load(): { readonly working: number; readonly waiting: number };
  close(): Promise<void>;
}

/** What is remembered of a URL that was understood before. */
interface Known {
  readonly request: ImageRequest;
  /** When the URL ends, in milliseconds since 1970. */
  readonly endsAtMs?: number;
  readonly id: string;
  readonly sourceId: string;
  /** What the URL means when there is no such original. */
  readonly otherwise?: Known;
  /** Of the last answer: headers that stay as they are while the etag does. */
  ready?: Ready;
}

/** An answer's headers, kept apart from its body, so that remembering them holds no picture. */
interface Ready {
  readonly version: string;
  readonly bytes: number;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
  whole?: Readonly<Record<string, string>>;
  short?: Readonly<Record<string, string>>;
}

/** What is not tried again for a while; `version` says of which content of the original, where only that is to blame. */
interface Failure {
  readonly error: StockroomError;
  readonly untilMs: number;
  readonly version?: string;
}

/** What is remembered of an original. */
interface Original {
  readonly version: string;
  readonly freshUntilMs: number;
}

interface Landed {
  readonly stored: Stored;
  readonly outcome: Outcome;
}

const mostUrlChars = 2_048;
const variantsOfUrl = 16;

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 40);

/** Opens the service. */
export function makeService(options: ServiceOptions): Service {
  const { sources, engine, cache, log, nowMs, concurrency } = options;
  const counts = makeCounts();
  // A URL means the same as long as the headers named by its `vary` do.
  const urls = makeLru<{ readonly vary: readonly string[]; readonly variants: Map<string, Known> }>(20_000, () => 1);
  const originals = makeLru<Original>(20_000, () => 1);
  const failures = makeLru<Failure>(5_000, () => 1);
  const singleFlight = makeSingleFlight<Landed>(options.deadlineMs);
  const reads = makeSingleFlight<SourceObject | undefined>(options.deadlineMs);
  const stopped = new AbortController();

  // Originals in hand: read or waiting for their turn. A few more than can be worked on, so that work does not wait for reading.
  const most = concurrency + 6;
  const inHand = makeSemaphore({ room: most, most, mostWaiting: options.maxWaiting });
  // A source that dribbles holds two places less than there are, so that others are never shut out by it.
  const ofBucket = new Map<string, ReturnType<typeof makeSemaphore>>();
  const atWork = makeSemaphore({ room: options.pixelsInFlight, most: concurrency, mostWaiting: Number.POSITIVE_INFINITY });
  const bucketSemaphore = (bucket: string): ReturnType<typeof makeSemaphore> => {
    const semaphore = ofBucket.get(bucket) ?? makeSemaphore({ room: most - 2, most: most - 2, mostWaiting: options.maxWaiting });
    ofBucket.set(bucket, semaphore);
    return semaphore;
  };
  const load = () => ({
    working: atWork.inside,
    waiting: inHand.waiting + atWork.waiting + [...ofBucket.values()].reduce((sum, semaphore) => sum + semaphore.waiting, 0),
  });
  /** Mean time of one transform, for Retry-After. */
  let meanMs = 100;
  const retryAfter = (): number => retrySeconds((load().waiting * meanMs) / concurrency);

  // ---- understanding

  const knownOf = (request: ImageRequest, now: number): Known => ({
    request,
    ...(request.secondsToExpiry === undefined ? {} : { endsAtMs: now + request.secondsToExpiry * 1000 }),
    id: digest(JSON.stringify(planOf(request))),
    sourceId: `${request.bucket}\n${request.key}`,
    ...(request.otherwise === undefined ? {} : { otherwise: knownOf(request.otherwise, now) }),
  });

  const understand = (asked: Asked, url: string): Known => {
    const remembered = urls.get(url);
    const variantKey = (vary: readonly string[]): string => vary.map((name) => asked.header(name.toLowerCase()) ?? "").join("\n");
    if (remembered !== undefined) {
      const known = remembered.variants.get(remembered.vary.length === 0 ? "" : variantKey(remembered.vary));
      if (known !== undefined) return known;
    }
    const at = url.indexOf("?");
    const now = nowMs();
    const request = engine.parse(
      { path: at < 0 ? url : url.slice(0, at), ...(at < 0 ? {} : { query: url.slice(at + 1) }), headers: headersFor(asked) },
      now,
    );
    const known = knownOf(request, now);
    // What expires must be judged anew each time.
    if (request.secondsToExpiry === undefined && url.length <= mostUrlChars) {
      const vary = [...new Set([...(remembered?.vary ?? []), ...varyOf(request)])];
      // Another caller's headers may have been heeded that nobody sent before: what was remembered without looking at them is forgotten.
      const entry = remembered?.vary.length === vary.length ? remembered : { vary, variants: new Map<string, Known>() };
      if (entry !== remembered) urls.set(url, entry);
      if (entry.variants.size < variantsOfUrl) entry.variants.set(variantKey(vary), known);
    }
    return known;
  };

  // ---- answering

  const etagOf = (known: Known, version: string): string =>
    known.ready !== undefined && known.ready.version === version
      ? known.ready.etag
      : `W/"${digest(`${known.id} ${version}`).slice(0, 24)}"`;

  const readyOf = (known: Known, stored: Stored): Ready => {
    const { ready } = known;
    if (ready !== undefined && ready.version === stored.version && ready.bytes === stored.body.byteLength) return ready;
    const { version, body, source } = stored;
    const etag = etagOf(known, version);
    const plain = headersOf(engine.settle(known.request, source.contentType), stored, etag, options.answers);
    // Such a `known` lives for one request only, so the seconds are those of now.
    const headers = known.endsAtMs === undefined ? plain : untilExpiry(plain, known.endsAtMs - nowMs());
    known.ready = { version, bytes: body.byteLength, etag, headers };
    return known.ready;
  };

  const give = (asked: Asked, known: Known, stored: Stored, outcome: Outcome, cacheStatus: string): Reply => {
    const ready = readyOf(known, stored);
    if (isUnchanged(asked, ready)) return notModified(ready, cacheStatus);
    const body = asked.method === "HEAD" ? undefined : stored.body;
    return { status: 200, headers: stamped(ready, "whole", cacheStatus), body, outcome };
  };

  const fresh = (known: Known, now: number): Original | undefined => {
    const original = originals.get(known.sourceId);
    return original !== undefined && now < original.freshUntilMs ? original : undefined;
  };
  const ttlOf = (original: Original, now: number): string => `; ttl=${Math.floor((original.freshUntilMs - now) / 1000)}`;

  const answer = (asked: Asked): Reply | Promise<Reply> => {
    if (asked.method !== "GET" && asked.method !== "HEAD") return methodReply(asked, options.answers);
    let known: Known;
    try {
      known = understand(asked, asked.target);
    } catch (error) {
      return refuse(asked, error);
    }
    const now = nowMs();
    if (known.otherwise !== undefined && isMissing(known, now)) known = known.otherwise;
    const original = fresh(known, now);
    if (original !== undefined) {
      // The validator alone decides: the picture itself may have left the memory long ago.
      const { ready } = known;
      if (ready !== undefined && ready.version === original.version && isUnchanged(asked, ready)) {
        return notModified(ready, `Stockroom; hit${ttlOf(original, now)}`);
      }
      const stored = cache.peek(known.id);
      if (stored !== undefined && stored.version === original.version)
        return give(asked, known, stored, "hit", `Stockroom; hit${ttlOf(original, now)}`);
    }
    return answerLater(asked, known);
  };

  const answerLater = async (asked: Asked, known: Known): Promise<Reply> => {
    try {
      throwRemembered(known);
      const stored = await cache.find(known.id);
      const now = nowMs();
      const original = fresh(known, now);
      if (stored !== undefined && stored.version === original?.version)
        return give(asked, known, stored, "disk", `Stockroom; hit${ttlOf(original, now)}; detail=disk`);
      if (stored !== undefined && mayBeStale(stored) && now - stored.checkedAtMs < options.freshMs + options.staleMs) {
        refresh(known, stored);
        const since = Math.max(1, Math.ceil((now - stored.checkedAtMs - options.freshMs) / 1000));
        return give(asked, known, stored, "stale", `Stockroom; hit; ttl=-${since}; detail=stale`);
      }
      const flight = singleFlight.board(known.id, asked.signal, async (signal) => await make(known, stored, signal));
      const landed = await flight.value;
      const outcome: Outcome = flight.joined ? "joined" : landed.outcome;
      const forwarded = stored === undefined ? "uri-miss" : "stale";
      const status = `Stockroom; fwd=${forwarded}${flight.joined ? "; collapsed" : ""}${landed.outcome === "unchanged" ? "; fwd-status=304" : ""}; stored`;
      return give(asked, known, landed.stored, outcome, status);
    } catch (error) {
      if (known.otherwise !== undefined && isStockroomError(error) && error.code === "NoSuchKey")
        return await answerLater(asked, known.otherwise);
      return await refuse(asked, error, known);
    }
  };

  // ---- making

  const isMissing = (known: Known, now: number): boolean => {
    const failure = failures.get(known.sourceId);
    return failure !== undefined && now < failure.untilMs;
  };

  const throwRemembered = (known: Known): void => {
    const failure = failures.get(known.sourceId) ?? failures.get(known.id);
    if (failure !== undefined && failure.version === undefined && nowMs() < failure.untilMs) throw failure.error;
  };

  /** Throws what came of this very content before. */
  const throwRememberedOf = (id: string, version: string): void => {
    const failure = failures.get(id);
    if (failure?.version === version && nowMs() < failure.untilMs) throw failure.error;
  };
  /** The content that a picture failed with a while ago: whether it is still the same is asked before anything is read again. */
  const failedVersion = (id: string): string | undefined => {
    const failure = failures.get(id);
    return failure !== undefined && nowMs() < failure.untilMs ? failure.version : undefined;
  };

  /** A picture that ran out of time will run out of it again: whoever asks next is told at once, and no core is held for it. */
  const memoizeSlow = (id: string, version: string, error: unknown, signal: AbortSignal): void => {
    const late = signal.aborted && isStockroomError(signal.reason) && signal.reason.code === "DeadlineExceeded";
    if (late || (isStockroomError(error) && error.code === "ProcessingTimeout")) {
      failures.set(id, { error: tooSlow(slowMs / 1000), untilMs: nowMs() + slowMs, version });
    } else if (isStockroomError(error) && error.facts["ended"] === true) failures.set(id, { error, untilMs: nowMs() + endedMs, version });
  };

  const memoize = (key: string, error: unknown): void => {
    // Only what the request or the original is to blame for; what is busy or broken may be well again the next moment.
    if (!isStockroomError(error) || error.kind === "busy" || error.kind === "fault" || error.facts["ended"] === true) return;
    failures.set(key, { error, untilMs: nowMs() + options.missingMs });
  };

  /** Reads an original once for all who ask at the same time; bounded in bytes whatever its source does. */
  const readOriginal = async (
    bucket: string,
    key: string,
    signal: AbortSignal,
  ): Promise<{ bytes: Uint8Array; object: SourceObject; version: string } | undefined> => {
    const flight = reads.board(`${bucket}\n${key}`, signal, async (inner) => {
      const leave = await bucketSemaphore(bucket).enter(1, inner);
      try {
        counts.reads += 1;
        const object = await sources.read(bucket, key, inner);
        return object === undefined ? undefined : { ...object, body: await whole(object, inner) };
      } finally {
        leave();
      }
    });
    return versioned(await flight.value);
  };

  const limits = { maxBytes: options.sourceMaxBytes, timeoutMs: options.sourceTimeoutMs };
  const whole = async ({ body }: SourceObject, signal: AbortSignal): Promise<Uint8Array> => {
    if (!(body instanceof Uint8Array)) return await gatherWithin(body, limits, signal);
    refuseLarge(body.byteLength, limits);
    return body;
  };
  const versioned = (object: SourceObject | undefined): { bytes: Uint8Array; object: SourceObject; version: string } | undefined => {
    if (object === undefined) return undefined;
    const bytes = object.body as Uint8Array;
    return { bytes, object, version: object.version ?? createHash("sha256").update(bytes).digest("base64url").slice(0, 24) };
  };

  const believe = (known: Known, version: string, cacheControl: string | undefined): void => {
    originals.set(known.sourceId, { version, freshUntilMs: nowMs() + freshness(cacheControl, options.freshMs) });
  };

  const make = async (known: Known, stored: Stored | undefined, signal: AbortSignal): Promise<Landed> => {
    const { request, id, sourceId } = known;
    const { bucket, key } = request;
    const leaveHand = await inHand.enter(1, signal);
    try {
      let found: Awaited<ReturnType<typeof readOriginal>>;
      const failed = failedVersion(id);
      const before = failed ?? stored?.version;
      if (before !== undefined && sources.readIfChanged !== undefined) {
        counts.revalidations += 1;
        const answered = await sources.readIfChanged(bucket, key, before, signal);
        if (answered === "unchanged" && failed !== undefined) throwRememberedOf(id, failed);
        if (answered === "unchanged" && stored !== undefined) {
          const kept = { ...stored, checkedAtMs: nowMs() };
          believe(known, stored.version, stored.source.cacheControl);
          cache.put(id, kept);
          return { stored: kept, outcome: "unchanged" };
        }
        if (answered === "unchanged") found = await readOriginal(bucket, key, signal);
        else found = versioned(answered === undefined ? undefined : { ...answered, body: await whole(answered, signal) });
      } else found = await readOriginal(bucket, key, signal);

      if (found === undefined) {
        cache.delete(id);
        originals.delete(sourceId);
        const missing = noSuchKey(request);
        memoize(sourceId, missing);
        throw missing;
      }
      const { bytes, object, version } = found;
      believe(known, version, object.cacheControl);
      const source = factsOf(object);
      if (stored?.version === version) {
        const kept = { ...stored, source, checkedAtMs: nowMs() };
        cache.put(id, kept);
        return { stored: kept, outcome: "unchanged" };
      }
      throwRememberedOf(id, version);
      const result = await work(known, bytes, source, version, signal);
      const { contentType, body, notes } = result;
      const made: Stored = { version, contentType, body, source, ...(notes === undefined ? {} : { notes }), checkedAtMs: nowMs() };
      if (!/\bno-store\b/i.test(source.cacheControl ?? "")) cache.put(id, made);
      return { stored: made, outcome: "made" };
    } catch (error) {
      memoize(id, error);
      throw error;
    } finally {
      leaveHand();
    }
  };

  const work = async (
    known: Known,
    bytes: Uint8Array,
    source: SourceFacts,
    version: string,
    signal: AbortSignal,
  ): ReturnType<Engine["transform"]> => {
    const pixels = engine.pixelsOf?.(bytes) ?? 1_000_000;
    const leave = await atWork.enter(pixels, signal);
    const begin = performance.now();
    try {
      counts.transforms += 1;
      return await engine.transform(bytes, engine.settle(known.request, engine.typeOf?.(bytes) ?? source.contentType), {
        readOverlay,
        signal,
        originalId: `${known.sourceId}\n${version}`,
        load: load().waiting,
      });
    } catch (error) {
      memoizeSlow(known.id, version, error, signal);
      throw error;
    } finally {
      leave();
      const ms = performance.now() - begin;
      meanMs += (ms - meanMs) / 16;
      counts.transformMs += ms;
    }
  };

  const readOverlay = async (bucket: string, key: string, signal: AbortSignal): Promise<Uint8Array> => {
    const found = await readOriginal(bucket, key, signal);
    if (found === undefined) throw noSuchKey({ bucket, key });
    return found.bytes;
  };

  /** Looks behind the scenes whether a stale answer still holds, making the new one if not. Given up when the app is full: the next asker tries again. */
  const refresh = (known: Known, stored: Stored): void => {
    if (load().waiting > concurrency * 4) return;
    const { value, joined } = singleFlight.board(known.id, undefined, async (signal) => await make(known, stored, signal));
    if (joined) return;
    value.catch((error: unknown) => {
      if (isStockroomError(error) && error.kind === "missing") return;
      // The source is ill: the old answer holds a little longer, and not every asker knocks.
      originals.set(known.sourceId, { version: stored.version, freshUntilMs: nowMs() + options.missingMs });
      log.warn("an original could not be looked up again; its old answer is kept", {
        bucket: known.request.bucket,
        key: known.request.key,
        error,
      });
    });
  };

  // ---- refusing

  const refuse = async (asked: Asked, error: unknown, known?: Known): Promise<Reply> => {
    const reply = errorReply(error, {
      settings: options.answers,
      retryAfter: retryAfter(),
      head: asked.method === "HEAD",
      vary: known?.request.vary ?? [],
    });
    if (reply.status >= 500 && reply.code !== "ServiceBusy" && asked.signal?.aborted !== true)
      log.error("picture failed", { target: asked.target.split("?", 1)[0], error });
    const picture = options.fallback === undefined ? undefined : await fallbackPicture(options.fallback);
    if (picture === undefined) return reply;
    const { "content-type": _json, "content-length": _length, ...rest } = reply.headers;
    const headers: Record<string, string> = {
      ...rest,
      "content-type": picture.contentType,
      "content-length": String(picture.body.byteLength),
      "cache-control": standInLifetime(picture.source.cacheControl, reply.status, options.answers.compat),
    };
    if (picture.source.lastModified !== undefined) headers["last-modified"] = picture.source.lastModified;
    const left = known?.endsAtMs === undefined || reply.status === 503 ? undefined : known.endsAtMs - nowMs();
    const body = asked.method === "HEAD" ? undefined : picture.body;
    return { ...reply, headers: left === undefined ? headers : untilExpiry(headers, left), body };
  };

  let standIn: { readonly stored: Stored; readonly untilMs: number } | undefined;
  const fallbackPicture = async ({ bucket, key }: { readonly bucket: string; readonly key: string }): Promise<Stored | undefined> => {
    if (standIn !== undefined && nowMs() < standIn.untilMs) return standIn.stored;
    try {
      const found = await readOriginal(bucket, key, AbortSignal.any([stopped.signal, AbortSignal.timeout(options.sourceTimeoutMs)]));
      if (found === undefined) throw noSuchKey({ bucket, key });
      const { bytes, object, version } = found;
      const stored: Stored = {
        version,
        contentType: object.contentType ?? "application/octet-stream",
        body: bytes,
        source: factsOf(object),
        checkedAtMs: nowMs(),
      };
      standIn = { stored, untilMs: nowMs() + options.freshMs };
      return stored;
    } catch (error) {
      if (standIn !== undefined) return standIn.stored;
      log.warn("the fallback picture cannot be read", { bucket, key, error });
      return undefined;
    }
  };

  const counted = (reply: Reply): Reply => {
    counts.answered(reply);
    return reply;
  };

  return {
    answer: (asked) => {
      const reply = answer(asked);
      return reply instanceof Promise ? reply.then(counted) : counted(reply);
    },
    counts,
    cache,
    load,
    close: async () => {
      stopped.abort(tooBusy());
      await singleFlight.close(tooBusy());
      await cache.close();
    },
  };
}

/** How long a picture that ran out of time is not tried again, and one that had to be ended because of what it took. */
const slowMs = 60_000;
const endedMs = 300_000;

const tooSlow = (seconds: number): StockroomError =>
  new StockroomError(
    "busy",
    "ProcessingTimeout",
    `Expected a picture that can be made in time but this one ran out of it a moment ago. Ask for a smaller one, or try again in ${seconds} s.`,
    { facts: { status: 503, retryAfterSeconds: seconds } },
  );

/** The error of a key that names nothing. */
export function noSuchKey({ bucket, key }: Pick<ImageRequest, "bucket" | "key">): StockroomError {
  return new StockroomError(
    "missing",
    "NoSuchKey",
    `Expected an original under the key ${JSON.stringify(key)} in the bucket ${bucket} but there is none. Correct the key.`,
    { facts: { status: 404 } },
  );
}

function methodReply(asked: Asked, settings: AnswerSettings): Reply {
  if (asked.method === "OPTIONS") {
    return {
      status: 204,
      headers: { ...settings.fixed, allow: "GET, HEAD, OPTIONS", "content-length": "0" },
      body: undefined,
      outcome: "refused",
    };
  }
  const error = new StockroomError("input", "MethodNotAllowed", `Expected GET or HEAD but ${asked.method.slice(0, 20)} came.`, {
    facts: { status: 405 },
  });
  const reply = errorReply(error, { settings, retryAfter: 1, head: false, vary: [] });
  return { ...reply, headers: { ...reply.headers, allow: "GET, HEAD, OPTIONS" } };
}

/** The headers that can matter to a URL's meaning; a lookup each, no copy of all. */
const meaningful = ["accept", "dpr", "sec-ch-dpr", "width", "sec-ch-width", "viewport-width", "sec-ch-viewport-width", "save-data", "host"];

function headersFor(asked: Asked): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of meaningful) {
    const value = asked.header(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** Headers with the word of the cache, made anew only when it changes: once a second for a picture that is asked for all the time. */
function stamped(ready: Ready, kind: "whole" | "short", cacheStatus: string): Readonly<Record<string, string>> {
  const last = ready[kind];
  if (last?.["cache-status"] === cacheStatus) return last;
  const { "content-length": _length, "content-type": _type, ...rest } = ready.headers;
  const made = kind === "short" ? { ...rest, "cache-status": cacheStatus } : { ...ready.headers, "cache-status": cacheStatus };
  ready[kind] = made;
  return made;
}

const notModified = (ready: Ready, cacheStatus: string): Reply => ({
  status: 304,
  headers: stamped(ready, "short", cacheStatus),
  body: undefined,
  outcome: "hit",
});

/** The stand-in's own word, else the classic year in strict, else a little while: ours may be asked again soon. While busy nobody keeps it. */
function standInLifetime(own: string | undefined, status: number, compat: AnswerSettings["compat"]): string {
  if (compat === "strict") return own ?? "max-age=31536000,public";
  return status === 503 ? "no-store" : (own ?? "max-age=10,public");
}

/** Every header on which either reading of a URL depends. */
const varyOf = (request: ImageRequest): readonly string[] =>
  request.otherwise === undefined ? request.vary : [...request.vary, ...varyOf(request.otherwise)];

/** Whether the caller has this answer: by its validator, else by the date of the original (RFC 9110, 13.2.2). */
function isUnchanged(asked: Asked, ready: Ready): boolean {
  const tags = asked.header("if-none-match");
  if (tags !== undefined) return matches(tags, ready.etag);
  const since = asked.header("if-modified-since");
  const modified = ready.headers["last-modified"];
  if (since === undefined || modified === undefined) return false;
  // A date that is none compares as false, and the answer is given whole.
  return Date.parse(modified) <= Date.parse(since);
}

/** If-None-Match compares weakly (RFC 9110, 8.8.3.2). */
function matches(asked: string, etag: string): boolean {
  if (asked === etag) return true;
  const opaque = etag.replace(/^W\//, "");
  return asked.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === opaque);
}

/** The source's own word on how long it holds can shorten our belief, never lengthen it. */
function freshness(cacheControl: string | undefined, freshMs: number): number {
  if (cacheControl === undefined) return freshMs;
  if (/\bno-(?:cache|store)\b/i.test(cacheControl)) return 0;
  const seconds = /\bmax-age=(\d{1,10})/i.exec(cacheControl)?.[1];
  return seconds === undefined ? freshMs : Math.min(freshMs, Number(seconds) * 1000);
}

/** A source that says `no-cache` or `must-revalidate` wants to be asked before each answer. */
const mayBeStale = ({ source }: Stored): boolean =>
  source.cacheControl === undefined || !/\b(?:no-cache|no-store|must-revalidate|max-age=0)\b/i.test(source.cacheControl);

/** What a source says of an original, dates as HTTP writes them. */
export function factsOf({ contentType, cacheControl, expires, lastModified }: SourceObject): Stored["source"] {
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
    ...httpDate("expires", expires),
    ...httpDate("lastModified", lastModified),
  };
}

function httpDate<Name extends string>(name: Name, value: string | Date | undefined): { [key in Name]?: string } {
  if (value === undefined || value === "") return {};
  const date = value instanceof Date ? value : new Date(value);
  // What is no date is passed on as it came, as the classic handler does (`Expires: 0`).
  const text = Number.isNaN(date.getTime()) ? String(value) : date.toUTCString();
  return { [name]: text } as { [key in Name]?: string };
}
