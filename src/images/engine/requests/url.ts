// Url: a request as it came over HTTP, taken apart once and bounded, before anybody asks what it means.
//
// Owns: path, decoded query, headers by lower-case name. Does not own: their meaning.
//   U1. The path stays as it was sent: nothing is decoded, joined or resolved, because signatures are made over it.
//   U2. Of a query name that comes twice the last one counts, here and in the signature.

import type { RequestLimits, UrlRequest } from "../plan.ts";
import { refusal } from "./refusal.ts";

/** What a URL may at most be, unless the options say otherwise. */
export const requestLimits: RequestLimits = { maxUrlLength: 16_384, maxJsonDepth: 12, maxEdits: 64, maxFilters: 64, maxKeyBytes: 1024 };

export interface Url {
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  /** The value of a request header, several joined by commas; name in lower case. */
  header(name: string): string | undefined;
}

/** What `parseRequest` takes: a URL or path as text, a web-standard Request, or the parts. */
export type RequestLike = string | UrlRequest | WebRequest;

/** The part of a web-standard `Request` that is read here. */
interface WebRequest {
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

/** Takes a request apart. Throws `RequestUriTooLong` (414) past the bound. */
export function readUrl(request: RequestLike, limits: RequestLimits): Url {
  if (typeof request === "string") return fromText(request, () => undefined, limits);
  if ("url" in request) return fromText(request.url, (name) => request.headers.get(name) ?? undefined, limits);
  const header = headersOf(request.headers ?? {});
  if (request.query === undefined || typeof request.query === "string") {
    const query = request.query ?? "";
    checkLength(request.path.length + query.length, limits);
    return { path: request.path, query: queryOf(query), header };
  }
  const query = new Map<string, string>();
  let length = request.path.length;
  for (const [name, value] of Object.entries(request.query)) {
    if (value === undefined || value === null) continue;
    length += name.length + value.length;
    query.set(name, value);
  }
  checkLength(length, limits);
  return { path: request.path, query, header };
}

function fromText(text: string, header: Url["header"], limits: RequestLimits): Url {
  checkLength(text.length, limits);
  const start = pathStart(text);
  const hash = text.indexOf("#", start);
  const end = hash < 0 ? text.length : hash;
  const mark = text.indexOf("?", start);
  const pathEnd = mark < 0 || mark > end ? end : mark;
  return { path: text.slice(start, pathEnd), query: queryOf(pathEnd === end ? "" : text.slice(pathEnd + 1, end)), header };
}

/** Where the path begins: `https://host/a` and `/a` alike. `new URL` would resolve dots and so change what was signed. */
function pathStart(text: string): number {
  const origin = /^https?:\/\/[^/?#]*/i.exec(text);
  return origin === null ? 0 : origin[0].length;
}

function queryOf(text: string): ReadonlyMap<string, string> {
  // URLSearchParams never throws, reads `+` as a space and keeps the order; a Map keeps the last of equal names at the first one's place.
  return text === "" ? new Map() : new Map(new URLSearchParams(text));
}

function headersOf(headers: NonNullable<UrlRequest["headers"]>): Url["header"] {
  const byName = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) byName.set(name.toLowerCase(), typeof value === "string" ? value : value.join(", "));
  }
  return (name) => byName.get(name);
}

function checkLength(length: number, limits: RequestLimits): void {
  if (length <= limits.maxUrlLength) return;
  throw refusal(
    414,
    "RequestUriTooLong",
    `Expected a URL of at most ${limits.maxUrlLength} characters but received ${length}. Shorten it, or name a preset.`,
  );
}
