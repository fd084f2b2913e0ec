// Replies: from a finished picture to an answer, or to 304 for whoever has it.
//
//   pictures.R1. A validator names the plan and the version of the original, nothing else: it outlives the picture in every cache.
//   pictures.R2. A hit costs a few map lookups: headers are made once for each version, and stamped with the word of the cache once a second.

import type { Stored } from "../store/cache/contract.ts";
import { headersOf, untilExpiry } from "./answers.ts";
import type { AnswerSettings, ReadyHeaders } from "./answers.ts";
import type { Asked, Engine, Outcome, Reply } from "./contract.ts";
import { digest } from "./url-memo.ts";
import type { Meaning } from "./url-memo.ts";

/** How an answer came about, for the metrics and for `Cache-Status` (RFC 9211). */
export interface Provenance {
  readonly outcome: Outcome;
  readonly cacheStatus: string;
}

export interface Replies {
  /** The picture, or 304 when the caller has it. */
  give(asked: Asked, meaning: Meaning, stored: Stored, provenance: Provenance): Reply;
  /** 304 when the caller has the answer of this version, by its validator alone; undefined when it has not, or when that cannot be said. */
  unchanged(asked: Asked, meaning: Meaning, version: string, cacheStatus: string): Reply | undefined;
}

export interface RepliesDeps {
  readonly complete: Engine["complete"];
  readonly settings: AnswerSettings;
  readonly nowMs: () => number;
}

/** Makes the replies of one service. */
export function makeReplies({ complete, settings, nowMs }: RepliesDeps): Replies {
  const readyOf = (meaning: Meaning, stored: Stored): ReadyHeaders => {
    const { ready } = meaning;
    const { version, body, source } = stored;
    const same = ready !== undefined && ready.version === version;
    if (same && ready.bytes === body.byteLength && saysTheSame(ready.source, source)) return ready;
    const etag = same ? ready.etag : `W/"${digest(`${meaning.id} ${version}`).slice(0, 24)}"`;
    const plain = headersOf(complete(meaning.request, source.contentType), stored, etag, settings);
    // A meaning that ends lives for one request only, so the seconds are those of now.
    const headers = meaning.endsAtMs === undefined ? plain : untilExpiry(plain, meaning.endsAtMs - nowMs());
    meaning.ready = { version, bytes: body.byteLength, source, etag, headers };
    return meaning.ready;
  };
  return {
    give(asked, meaning, stored, { outcome, cacheStatus }) {
      const ready = readyOf(meaning, stored);
      if (isUnchanged(asked, ready)) return notModified(ready, cacheStatus);
      const body = asked.method === "HEAD" ? undefined : stored.body;
      return { status: 200, headers: stamped(ready, "whole", cacheStatus), body, outcome };
    },
    unchanged(asked, { ready }, version, cacheStatus) {
      return ready?.version === version && isUnchanged(asked, ready) ? notModified(ready, cacheStatus) : undefined;
    },
  };
}

/** Whether a source says now what it said then. */
const saysTheSame = (then: Stored["source"], now: Stored["source"]): boolean =>
  then === now ||
  (then.contentType === now.contentType &&
    then.cacheControl === now.cacheControl &&
    then.expires === now.expires &&
    then.lastModified === now.lastModified);

const notModified = (ready: ReadyHeaders, cacheStatus: string): Reply => ({
  status: 304,
  headers: stamped(ready, "short", cacheStatus),
  body: undefined,
  outcome: "hit",
});

/** Headers with the word of the cache, made anew only when it changes: once a second for a picture that is asked for all the time. */
function stamped(ready: ReadyHeaders, kind: "whole" | "short", cacheStatus: string): Readonly<Record<string, string>> {
  const last = ready[kind];
  if (last?.["cache-status"] === cacheStatus) return last;
  const { "content-length": _length, "content-type": _type, ...rest } = ready.headers;
  const made = kind === "short" ? { ...rest, "cache-status": cacheStatus } : { ...ready.headers, "cache-status": cacheStatus };
  ready[kind] = made;
  return made;
}

/** Whether the caller has this answer: by its validator, else by the date of the original (RFC 9110, 13.2.2). */
function isUnchanged(asked: Asked, ready: ReadyHeaders): boolean {
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
