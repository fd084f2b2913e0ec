// Fallback: the picture that is answered in place of an error, with the error's status.
//
//   fallback.S1. It is read once in `freshMs`; when its source is ill the last one serves on, and the source is asked again after `missingMs`.
//   fallback.S2. Without it the error is answered as it is: a broken fallback hides nothing and adds no error of its own.
//   fallback.S3. No cache keeps it while the server is busy, nor past the end of the URL.

import type { Log } from "../../platform/log.ts";
import { untilExpiry } from "./answers.ts";
import type { AnswerSettings } from "./answers.ts";
import type { Reply } from "./contract.ts";
import type { Original, Originals } from "./originals.ts";
import { noSuchKey } from "./problems.ts";

export interface FallbackDeps {
  /** Absent: errors are answered as they are. */
  readonly place: { readonly bucket: string; readonly key: string } | undefined;
  readonly originals: Pick<Originals, "read">;
  readonly freshMs: number;
  readonly missingMs: number;
  readonly timeoutMs: number;
  readonly stopped: AbortSignal;
  readonly log: Log;
  readonly nowMs: () => number;
}

export interface Fallback {
  /** The picture, or undefined when there is none to be had. Never throws. */
  find(): Promise<Original | undefined>;
}

/** Makes one that has read nothing yet. */
export function makeFallback({ place, originals, freshMs, missingMs, timeoutMs, stopped, log, nowMs }: FallbackDeps): Fallback {
  let last: Original | undefined;
  let untilMs = Number.NEGATIVE_INFINITY;
  return {
    async find() {
      if (place === undefined) return undefined;
      if (nowMs() < untilMs) return last;
      try {
        const picture = await originals.read(place.bucket, place.key, AbortSignal.any([stopped, AbortSignal.timeout(timeoutMs)]));
        if (picture === undefined) throw noSuchKey(place);
        last = picture;
        untilMs = nowMs() + freshMs;
      } catch (error) {
        untilMs = nowMs() + missingMs;
        if (last === undefined) log.warn("the fallback picture cannot be read", { ...place, error });
      }
      return last;
    },
  };
}

/** The error's reply with the fallback picture as its body. `leftMs`: until the URL ends, if it does. */
export function withFallback(
  reply: Reply,
  { bytes, source }: Original,
  context: { readonly settings: AnswerSettings; readonly head: boolean; readonly leftMs: number | undefined },
): Reply {
  const { "content-type": _json, "content-length": _length, ...rest } = reply.headers;
  const headers: Record<string, string> = {
    ...rest,
    "content-type": source.contentType ?? "application/octet-stream",
    "content-length": String(bytes.byteLength),
    "cache-control": lifetimeOf(source.cacheControl, reply.status, context.settings),
    ...(source.lastModified === undefined ? {} : { "last-modified": source.lastModified }),
  };
  const ends = context.leftMs !== undefined && reply.status !== 503;
  return {
    ...reply,
    headers: ends ? untilExpiry(headers, context.leftMs) : headers,
    body: context.head ? undefined : bytes,
  };
}

/** Its own word, else the classic year in strict, else a little while: ours may be asked again soon. While busy nobody keeps it. */
function lifetimeOf(own: string | undefined, status: number, { compat }: AnswerSettings): string {
  if (compat === "strict") return own ?? "max-age=31536000,public";
  return status === 503 ? "no-store" : (own ?? "max-age=10,public");
}
