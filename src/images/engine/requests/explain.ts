// Explain: a request's meaning in the classic words, for people and tests.

import type { Edits, ImageRequest, RequestOptions, SourceFacts } from "../plan.ts";
import { answerTypeOf, completeRequest } from "./format.ts";
import { parseRequest } from "./parse.ts";
import { answerOf, type ErrorAnswer } from "./refusal.ts";
import type { RequestLike } from "./url.ts";

/** What the classic handler would have understood. What cannot be known without the original is absent. */
export interface Explanation {
  readonly requestType: string;
  readonly bucket: string;
  readonly key: string;
  readonly edits: Edits;
  readonly outputFormat?: string;
  readonly effort?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly expires?: string;
  readonly lastModified?: string;
  /** Filters of the path that mean nothing here and are left out. */
  readonly unknownFilters?: readonly string[];
}

/** The Cache-Control of a source that names none. */
const defaultCacheControl = "max-age=31536000,public";

/**
 * Says what a request means, or the error it is answered with; never throws.
 *
 * `source` is what the source says of the original; without it the fields that depend on it are absent. Of two readings this is the first;
 * whoever can ask the source explains the other with `explainMeaning(request.otherwise, source)`.
 */
export function explain(request: RequestLike, options: RequestOptions, source?: SourceFacts): Explanation | ErrorAnswer {
  try {
    return explainMeaning(parseRequest(request, options), source);
  } catch (error) {
    return answerOf(error);
  }
}

/** A meaning in the classic words. */
export function explainMeaning(request: ImageRequest, source?: SourceFacts): Explanation {
  const meaning = completeRequest(request, source?.contentType);
  const { requestType, bucket, key, edits, outputFormat, effort, headers } = meaning;
  const contentType = answerTypeOf(meaning, source?.contentType);
  const asked = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === "cache-control")?.[1];
  const unless = source === undefined ? undefined : (source.cacheControl ?? defaultCacheControl);
  const known = {
    outputFormat,
    effort,
    headers,
    contentType,
    cacheControl: meaning.cacheControl ?? asked ?? unless,
    expires: source?.expires,
    lastModified: source?.lastModified,
    unknownFilters: request.unknownFilters,
  };
  const present = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
  return { requestType, bucket, key, edits, ...present };
}
