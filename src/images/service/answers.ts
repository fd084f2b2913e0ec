// Answers: the headers of a picture and the shape of an error.
//
//   answers.A1. An error is `{status, code, message}` as JSON, and nothing of a fault's insides is in it.
//   answers.A2. Headers that a URL asks for come last; the parser has let only those through that can do no harm.
//   answers.A3. When the URL ends, no cache is told to keep the answer longer, whoever names another time: the URL's headers, its source, the fallback.

import { isStockroomError, meanings } from "../../platform/errors.ts";
import type { Compat, ImageRequest } from "../engine/plan.ts";
import { formatName } from "../engine/formats.ts";
import type { Stored } from "../store/cache/contract.ts";
import type { Reply } from "./contract.ts";

export interface AnswerSettings {
  readonly compat: Compat;
  /** On every answer: CORS and what keeps browsers from guessing. */
  readonly fixed: Readonly<Record<string, string>>;
}

/** What every answer carries. `corsOrigin` absent: CORS is off. */
export function fixedHeaders(compat: Compat, corsOrigin: string | undefined): Readonly<Record<string, string>> {
  const methods = { "access-control-allow-methods": "GET", "access-control-allow-headers": "Content-Type, Authorization" };
  const origin: Readonly<Record<string, string>> = corsOrigin === undefined ? {} : { "access-control-allow-origin": corsOrigin };
  const credentials = { "access-control-allow-credentials": "true" };
  // The classic handler names methods, headers and credentials even while CORS is off.
  if (compat === "strict") return { ...methods, ...credentials, ...origin };
  const sniff = { "x-content-type-options": "nosniff" };
  return corsOrigin === undefined ? sniff : { ...methods, ...credentials, ...origin, "timing-allow-origin": corsOrigin, ...sniff };
}

/** An answer's headers, kept apart from its body, so that remembering them holds no picture. */
export interface ReadyHeaders {
  readonly version: string;
  readonly bytes: number;
  /** What the source said then. */
  readonly source: Stored["source"];
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
  /** With the word of the cache, as last answered: with a body, and for 304. */
  whole?: Readonly<Record<string, string>>;
  short?: Readonly<Record<string, string>>;
}

const year = "max-age=31536000,public";

/** The headers of a picture, all but `Cache-Status`; names in lower case. */
export function headersOf(
  request: ImageRequest,
  stored: Stored,
  etag: string,
  { fixed, compat }: AnswerSettings,
): Readonly<Record<string, string>> {
  const { source, body } = stored;
  // The classic handler says `image/jpg` of what was asked for as `jpg`; the bytes are the same.
  const { outputFormat } = request;
  const asked = compat === "strict" && outputFormat !== undefined && `image/${formatName(outputFormat)}` === stored.contentType;
  const contentType = asked ? `image/${outputFormat}` : stored.contentType;
  const headers: Record<string, string> = {
    ...fixed,
    "content-type": contentType,
    "content-length": String(body.byteLength),
    "cache-control": request.cacheControl ?? source.cacheControl ?? year,
    etag,
  };
  if (source.lastModified !== undefined) headers["last-modified"] = source.lastModified;
  if (source.expires !== undefined) headers["expires"] = source.expires;
  if (request.vary.length > 0) headers["vary"] = request.vary.join(", ");
  // A picture that is not quite what was asked for says so.
  if (stored.notes !== undefined && stored.notes.length > 0) headers["x-picture-notes"] = stored.notes.join(", ");
  if (request.dpr !== undefined) headers["content-dpr"] = String(request.dpr);
  // A drawing is a document: opened by itself it may neither run nor load anything.
  if (contentType.startsWith("image/svg") && compat !== "strict")
    headers["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; sandbox";
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = printable(value);
  return headers;
}

/** Everything by which a cache is told how long: of these only `Cache-Control` stays, and says what is left. */
const lifetimes = /^(?:cache-control|expires|pragma|age|surrogate-control|edge-control|(?:[a-z]+-)?cdn-cache-control)$/;

/** The same headers for a URL that ends in so many milliseconds (A3). */
export function untilExpiry(headers: Readonly<Record<string, string>>, leftMs: number): Record<string, string> {
  const rest = Object.entries(headers).filter(([name]) => !lifetimes.test(name));
  return { ...Object.fromEntries(rest), "cache-control": `max-age=${Math.max(0, Math.floor(leftMs / 1000))},public` };
}

/** Bytes that cannot stand in a header become `?`: one odd value must not cost the answer. */
const printable = (value: string): string => value.replaceAll(/[^\t\u0020-\u007E\u0080-\u00FF]/g, "?");

/** Turns whatever was thrown into the classic error. */
export function errorReply(
  error: unknown,
  context: { readonly settings: AnswerSettings; readonly retryAfter: number; readonly head: boolean; readonly vary: readonly string[] },
): Reply {
  const { status, code, message } = describe(error);
  const body = Buffer.from(JSON.stringify({ status, code, message }));
  const busy = status === 503 || status === 424;
  return {
    status,
    code,
    headers: {
      ...context.settings.fixed,
      "content-type": "application/json",
      "content-length": String(body.byteLength),
      ...(context.vary.length > 0 ? { vary: context.vary.join(", ") } : {}),
      ...(busy ? { "retry-after": String(waitOf(error) ?? context.retryAfter), "cache-control": "no-store" } : {}),
    },
    body: context.head ? undefined : body,
    outcome: status < 500 ? "refused" : "failed",
  };
}

function waitOf(error: unknown): number | undefined {
  const seconds = isStockroomError(error) ? error.facts["retryAfterSeconds"] : undefined;
  return typeof seconds === "number" ? seconds : undefined;
}

/** The classic `{status, code, message}` of anything thrown. */
export function describe(error: unknown): { readonly status: number; readonly code: string; readonly message: string } {
  if (isStockroomError(error)) {
    const own = error.facts["status"];
    const status = typeof own === "number" ? own : meanings[error.kind].status;
    if (status !== 500) return { status, code: error.code, message: error.message };
    // S3's own codes (AccessDenied ...) go out, as they always did; what they say stays in the log.
    return { status, code: error.code, message: "Expected this to work but the server failed. Its log has the details." };
  }
  return { status: 500, code: "InternalError", message: "Expected this to work but the server failed. Its log has the details." };
}
