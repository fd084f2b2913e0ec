// Headers: which headers a URL may add to its answer.

import { isObject } from "./json.ts";
import { cannotDecode, show } from "./refusal.ts";

/** The classic deny-list. */
const denied = [
  /^(?:authorization|connection|server|transfer-encoding|referrer-policy|x-api-key|set-cookie)$/,
  /^(?:permissions|x-frame|x-content|x-xss|strict-transport|x-amz|x-amzn|access-control|cross-origin|content)-/,
  /-authenticate$/,
];

/** Further ones with which an answer could redirect, take over a connection or reach beyond its own page; refused unless strict. */
const deniedToo =
  /^(?:keep-alive|upgrade|te|trailer|proxy-connection|set-cookie2|clear-site-data|location|refresh|alt-svc|nel|report-to|reporting-endpoints|service-worker-allowed|sourcemap|x-sourcemap|x-accel-.*|x-sendfile|date|age|etag|vary|cache-status|accept-ranges|www-.*|origin-.*|public-key-.*|expect-ct|link)$/;

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Anything else could end the header and begin another.
const value = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/**
 * The headers a request adds to its answer, without denied ones; undefined when it names none.
 *
 * Throws `DecodeRequest::CannotDecodeRequest` (400) for names and values that HTTP does not allow.
 */
export function readHeaders(raw: unknown, strict: boolean): Readonly<Record<string, string>> | undefined {
  if (raw === undefined || raw === null || raw === false || raw === "" || raw === 0) return undefined;
  if (!isObject(raw)) throw cannotDecode(`Expected headers as an object but received ${show(raw)}. Correct the request.`);
  const headers: Record<string, string> = {};
  for (const [name, given] of Object.entries(raw)) {
    if (!token.test(name)) throw cannotDecode(`Expected the name of a header but received ${show(name)}. Correct the request.`);
    const lower = name.toLowerCase();
    if (denied.some((pattern) => pattern.test(lower)) || (!strict && deniedToo.test(lower))) continue;
    if (name === "__proto__") continue;
    const text = typeof given === "number" || typeof given === "boolean" ? String(given) : given;
    if (typeof text !== "string" || !value.test(text)) {
      throw cannotDecode(`Expected a line of text for the header ${show(name)} but received ${show(given)}. Correct the request.`);
    }
    headers[name] = text;
  }
  return headers;
}
