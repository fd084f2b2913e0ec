// Service: from a request to an answer. The hot path of the module, free of HTTP libraries; http/ and library.ts turn it into whatever they speak.
//
//     URL -> url-memo -> freshness + cache -> replies
//                        else pictures: single-flight -> originals -> semaphore -> engine -> cache -> replies
//
// Owns: the order of the questions. Does not own: any state of its own; each map has its file, with its law.
//   pictures.V1. Equal cold requests at once cost one read and one transform; so do equal reads of different ones. (pictures.ts, originals.ts)
//   pictures.V2. A fresh answer touches neither source nor disk; a validator that matches costs a few map lookups. (replies.ts)
//   pictures.V3. An answer is given only for the version of the original it was made of, or, marked so, for the one before while the new is made.
//   pictures.V4. Work in hand is bounded in pictures, pixels and originals; past the queue the answer is 503 with Retry-After, at once. (budgets.ts)
//   pictures.V5. Every request is answered within its deadline.
//
// Concurrency: one thread; between two awaits nothing else runs, and each map is read and written without one in between.

import { isStockroomError } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { concealed } from "../../platform/web/access.ts";
import type { PictureCache, Stored } from "../store/cache/contract.ts";
import type { Sources } from "../store/sources/contract.ts";
import { errorReply } from "./answers.ts";
import type { AnswerSettings } from "./answers.ts";
import { makeBudgets } from "./budgets.ts";
import type { BudgetSettings, Budgets } from "./budgets.ts";
import type { Asked, Engine, Reply } from "./contract.ts";
import { makeCounts } from "./counts.ts";
import type { Counts } from "./counts.ts";
import { makeFallback, withFallback } from "./fallback.ts";
import type { Fallback } from "./fallback.ts";
import { makeFreshness, mayBeStale, mayBeStored } from "./freshness.ts";
import type { Freshness, FreshVersion } from "./freshness.ts";
import { makeNegativeCache } from "./negative-cache.ts";
import type { NegativeCache } from "./negative-cache.ts";
import { makeOriginals } from "./originals.ts";
import { makePictures } from "./pictures.ts";
import type { Pictures } from "./pictures.ts";
import { callerGone, methodNotAllowed, stopping } from "./problems.ts";
import { makeReplies } from "./replies.ts";
import type { Provenance, Replies } from "./replies.ts";
import { makeSlowList } from "./slow-list.ts";
import { makeUrlMemo } from "./url-memo.ts";
import type { Meaning, UrlMemo } from "./url-memo.ts";

export interface ServiceOptions extends BudgetSettings {
  readonly sources: Sources;
  readonly engine: Engine;
  readonly cache: PictureCache;
  readonly answers: AnswerSettings;
  readonly fallback?: { readonly bucket: string; readonly key: string } | undefined;
  readonly freshMs: number;
  readonly staleMs: number;
  readonly missingMs: number;
  readonly deadlineMs: number;
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

/** What answering needs; each keeps its own state. */
interface AnswerDeps {
  readonly options: ServiceOptions;
  readonly urls: UrlMemo;
  readonly freshness: Freshness;
  readonly failures: NegativeCache;
  readonly budgets: Budgets;
  readonly pictures: Pictures;
  readonly replies: Replies;
  readonly fallback: Fallback;
}

/** Opens the service. */
export function makeService(options: ServiceOptions): Service {
  const { sources, engine, cache, log, nowMs, freshMs, missingMs, deadlineMs, sourceMaxBytes, sourceTimeoutMs } = options;
  const counts = makeCounts();
  const budgets = makeBudgets(options);
  const freshness = makeFreshness({ freshMs, nowMs });
  const failures = makeNegativeCache({ missingMs, nowMs });
  const slow = makeSlowList({ nowMs });
  const limits = { maxBytes: sourceMaxBytes, timeoutMs: sourceTimeoutMs };
  const originals = makeOriginals({ sources, budgets, counts, limits, deadlineMs });
  const stopped = new AbortController();
  const place = options.fallback;
  const state = { originals, freshness, failures, slow, budgets, counts };
  const deps: AnswerDeps = {
    options,
    freshness,
    failures,
    budgets,
    pictures: makePictures({ ...state, engine, cache, log, nowMs, deadlineMs, missingMs }),
    urls: makeUrlMemo({ parse: (url, now) => engine.parse(url, now), nowMs }),
    replies: makeReplies({ complete: (request, type) => engine.complete(request, type), settings: options.answers, nowMs }),
    fallback: makeFallback({ place, originals, freshMs, missingMs, timeoutMs: sourceTimeoutMs, stopped: stopped.signal, log, nowMs }),
  };
  const counted = (reply: Reply): Reply => {
    counts.answered(reply);
    return reply;
  };
  return {
    answer: (asked) => {
      const reply = answer(deps, asked);
      return reply instanceof Promise ? reply.then(counted) : counted(reply);
    },
    counts,
    cache,
    load: () => budgets.load(),
    close: async () => {
      stopped.abort(stopping());
      await deps.pictures.close(stopping());
      await cache.close();
    },
  };
}

/** From memory alone, or later. */
function answer(deps: AnswerDeps, asked: Asked): Reply | Promise<Reply> {
  const { options, urls, freshness, failures, replies } = deps;
  if (asked.method !== "GET" && asked.method !== "HEAD") return methodReply(asked, options.answers);
  let meaning: Meaning;
  try {
    meaning = urls.understand(asked);
  } catch (error) {
    return refuse(deps, asked, error);
  }
  if (meaning.otherwise !== undefined && failures.find(meaning.sourceId) !== undefined) meaning = meaning.otherwise;
  const now = options.nowMs();
  const fresh = freshness.find(meaning.sourceId, now);
  if (fresh !== undefined) {
    const cacheStatus = hitStatus(fresh, now);
    // The validator alone decides: the picture itself may have left the memory long ago.
    const unchanged = replies.unchanged(asked, meaning, fresh.version, cacheStatus);
    if (unchanged !== undefined) return unchanged;
    const stored = options.cache.peek(meaning.id);
    if (stored !== undefined && stored.version === fresh.version)
      return replies.give(asked, meaning, stored, { outcome: "hit", cacheStatus });
  }
  return answerLater(deps, asked, meaning);
}

/** From the disk, from what is old, or from a picture that is made now. */
async function answerLater(deps: AnswerDeps, asked: Asked, meaning: Meaning): Promise<Reply> {
  const { options, failures, freshness, pictures, replies } = deps;
  const { freshMs, staleMs } = options;
  try {
    const failure = failures.find(meaning.sourceId) ?? failures.find(meaning.id);
    if (failure !== undefined) throw failure;
    const stored = await options.cache.find(meaning.id);
    const now = options.nowMs();
    const fresh = freshness.find(meaning.sourceId, now);
    if (stored !== undefined && fresh !== undefined && stored.version === fresh.version)
      return replies.give(asked, meaning, stored, { outcome: "disk", cacheStatus: `${hitStatus(fresh, now)}; detail=disk` });
    if (stored !== undefined && mayBeStale(stored) && now - stored.checkedAtMs < freshMs + staleMs) {
      pictures.refresh(meaning, stored);
      const sinceSeconds = Math.max(1, Math.ceil((now - stored.checkedAtMs - freshMs) / 1000));
      const cacheStatus = `Stockroom; hit; ttl=-${sinceSeconds}; detail=stale`;
      return replies.give(asked, meaning, stored, { outcome: "stale", cacheStatus });
    }
    return await giveMade(deps, asked, meaning, stored);
  } catch (error) {
    if (meaning.otherwise !== undefined && isStockroomError(error) && error.code === "NoSuchKey")
      return await answerLater(deps, asked, meaning.otherwise);
    return await refuse(deps, asked, error, meaning);
  }
}

async function giveMade({ pictures, replies }: AnswerDeps, asked: Asked, meaning: Meaning, old: Stored | undefined): Promise<Reply> {
  const { value, joined } = pictures.make(meaning, old, asked.signal);
  const { stored, outcome } = await value;
  const words = [
    `Stockroom; fwd=${old === undefined ? "uri-miss" : "stale"}`,
    ...(joined ? ["collapsed"] : []),
    ...(outcome === "unchanged" ? ["fwd-status=304"] : []),
    ...(mayBeStored(stored.source) ? ["stored"] : []),
  ];
  const provenance: Provenance = { outcome: joined ? "joined" : outcome, cacheStatus: words.join("; ") };
  return replies.give(asked, meaning, stored, provenance);
}

const hitStatus = (fresh: FreshVersion, now: number): string => `Stockroom; hit; ttl=${Math.floor((fresh.untilMs - now) / 1000)}`;

/** The error's reply, or the fallback picture with its status. */
async function refuse({ options, budgets, fallback }: AnswerDeps, asked: Asked, error: unknown, meaning?: Meaning): Promise<Reply> {
  const { answers: settings, log, nowMs } = options;
  const head = asked.method === "HEAD";
  const context = { settings, retryAfter: budgets.retryAfterSeconds(), head, vary: meaning?.request.vary ?? [] };
  // Nobody reads it; it is for the numbers and the access log, which would tell of a failing server else.
  if (!isStockroomError(error) && asked.signal?.aborted === true && error === asked.signal.reason) return errorReply(callerGone(), context);
  const reply = errorReply(error, context);
  if (reply.status >= 500 && reply.code !== "ServiceBusy" && asked.signal?.aborted !== true)
    log.error("picture failed", { target: concealed(asked.target.split("?", 1)[0] ?? ""), error });
  const picture = await fallback.find();
  if (picture === undefined) return reply;
  const leftMs = meaning?.endsAtMs === undefined ? undefined : meaning.endsAtMs - nowMs();
  return withFallback(reply, picture, { settings, head, leftMs });
}

function methodReply({ method }: Asked, settings: AnswerSettings): Reply {
  const allow = "GET, HEAD, OPTIONS";
  if (method === "OPTIONS")
    return { status: 204, headers: { ...settings.fixed, allow, "content-length": "0" }, body: undefined, outcome: "refused" };
  const reply = errorReply(methodNotAllowed(method), { settings, retryAfter: 1, head: false, vary: [] });
  return { ...reply, headers: { ...reply.headers, allow } };
}
