// Headers: which headers a URL may add to its answer.
//
//   H1. By allow-list: what tells caches how long, what marks copies for purging, names of the caller's own. Every field that means something to
//       a browser or a proxy beyond that would let whoever writes a URL speak for the server.
//   H2. The classic deny-list holds beside it, so that a name of the caller's own cannot be one of those.

import { isObject } from "./json.ts";
import { cannotDecode, show } from "./refusal.ts";

/** The classic deny-list. */
const denied = [
  /^(?:authorization|connection|server|transfer-encoding|referrer-policy|x-api-key|set-cookie)$/,
  /^(?:permissions|x-frame|x-content|x-xss|strict-transport|x-amz|x-amzn|access-control|cross-origin|content)-/,
  /-authenticate$/,
];

/** What may be said: to caches, to those who purge them, to search engines; and names of the caller's own (`X-Anything`, `Custom-Anything`). */
const allowed =
  /^(?:cache-control|expires|pragma|surrogate-control|surrogate-key|(?:[a-z]+-)?cdn-cache-control|edge-control|(?:edge-)?cache-tags?|xkey|x-[a-z0-9-]+|custom-[a-z0-9-]+)$/;

/** Names that begin like a caller's own and mean something: to proxies that serve files or other addresses by them, to browsers, to those who trust a proxy. */
const meansMore =
  /^x-(?:accel|sendfile|send-file|lighttpd|litespeed|reproxy|sourcemap|source-map|ua|dns|download|permitted|webkit|content|frame|xss|forwarded|real|original|rewrite|host|http|client|cluster|remote|auth|authenticated|authorization|csrf|xsrf|token|cache|served|proxy|amz|amzn|goog|ms|azure|powered|runtime|request-id|envoy|b3|stockroom)(?:-|$)/;

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Anything else could end the header and begin another.
const value = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/**
 * The headers a request adds to its answer, only allowed ones; undefined when it names none.
 *
 * Throws `DecodeRequest::CannotDecodeRequest` (400) for names and values that HTTP does not allow.
 */
export function readHeaders(raw: unknown): Readonly<Record<string, string>> | undefined {
  if (raw === undefined || raw === null || raw === false || raw === "" || raw === 0) return undefined;
  if (!isObject(raw)) throw cannotDecode(`Expected headers as an object but received ${show(raw)}. Correct the request.`);
  const headers: Record<string, string> = {};
  for (const [name, given] of Object.entries(raw)) {
    if (!token.test(name)) throw cannotDecode(`Expected the name of a header but received ${show(name)}. Correct the request.`);
    const lower = name.toLowerCase();
    if (denied.some((pattern) => pattern.test(lower))) continue;
    const text = typeof given === "number" || typeof given === "boolean" ? String(given) : given;
    if (typeof text !== "string" || !value.test(text)) {
      throw cannotDecode(`Expected a line of text for the header ${show(name)} but received ${show(given)}. Correct the request.`);
    }
    if (allowed.test(lower) && !meansMore.test(lower)) headers[name] = text;
  }
  return headers;
}
