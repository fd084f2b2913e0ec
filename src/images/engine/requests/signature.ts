// Signature: who may ask for what, and until when.
//
// Owns: the text that is signed, the comparison, thumbor's own signed paths, `expires`. Does not own: where keys come from.
//   S1. The comparison takes the same time wherever the texts differ, and every key is tried whether or not one matched.
//   S2. A signature binds the whole path and every other query parameter; one made for another path or query does not match.
//   S3. Thumbor's signature binds only the path, so nothing in the query has a meaning beside it.

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Compat, SignatureOptions } from "../plan.ts";
import { refusal, show } from "./refusal.ts";
import type { Url } from "./url.ts";

/**
 * The text over which the signature of a URL is made: the path as sent, and all query parameters but `signature`, sorted by name, decoded.
 *
 * Decoded, `a=1%26width=50` and `a=1&width=50` read alike, so a signature of the one would pass for the other: `%`, `&` and `=` inside a name or a
 * value are written as they must be in a URL. `strict` is the classic text, which does not.
 */
export function textToSign(path: string, query: Iterable<readonly [string, string]>, compat: Compat = "open"): string {
  const pairs = [...query].filter(([name]) => name !== "signature");
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const plain = compat === "strict" ? (part: string) => part : (part: string) => part.replaceAll(/[%&=]/g, encodeURIComponent);
  return pairs.length === 0 ? path : `${path}?${pairs.map(([name, value]) => `${plain(name)}=${plain(value)}`).join("&")}`;
}

/** The `signature` parameter for a path and its other query parameters: HMAC-SHA256 as lower-case hex. */
export function signText(text: string, key: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}

/** Thumbor's signature of a path without its leading slash: HMAC-SHA1 as URL-safe Base64, 28 characters. */
export function signThumborPath(rest: string, key: string): string {
  return createHmac("sha1", key).update(rest).digest("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** What stands before the words of a thumbor path: nothing, `unsafe`, or its signature. */
export type ThumborPrefix =
  | { readonly kind: "none" }
  | { readonly kind: "unsafe"; readonly rest: string }
  | { readonly kind: "signed"; readonly signature: string; readonly rest: string };

/** Looks for `/unsafe/` or a thumbor signature at the front of a path; `rest` keeps its leading slash. */
export function thumborPrefix(path: string): ThumborPrefix {
  const start = path.startsWith("/") ? 1 : 0;
  const end = path.indexOf("/", start);
  if (end < 0) return { kind: "none" };
  const first = path.slice(start, end);
  if (first === "unsafe") return { kind: "unsafe", rest: path.slice(end) };
  if (first.length === 28 && /^[\w-]{27}=$/.test(first)) return { kind: "signed", signature: first, rest: path.slice(end) };
  return { kind: "none" };
}

/**
 * Checks that a URL was signed with one of the keys. `meaningful` tells which query names mean anything (S3).
 *
 * Throws `AuthorizationQueryParametersError` (400) without a signature, `SignatureDoesNotMatch` (403) with a wrong one.
 */
export function checkSignature(
  url: Url,
  options: SignatureOptions,
  allowsThumbor: boolean,
  meaningful: (name: string, value: string) => boolean,
): void {
  if (options.keys.length === 0 || options.keys.some((key) => key === "")) {
    throw refusal(
      500,
      "SignatureValidationFailure",
      "Signatures are demanded but no key is set. Set SIGNATURE_SECRET or SIGNATURE_SECRET_FILE.",
    );
  }
  const given = url.query.get("signature");
  if (given === undefined || given === "") {
    const prefix = allowsThumbor ? thumborPrefix(url.path) : ({ kind: "none" } as const);
    if (prefix.kind === "unsafe" && options.allowUnsafe === true) return;
    if (prefix.kind === "signed" && options.thumbor !== false) {
      const rest = prefix.rest.slice(1);
      if (!matchesAny(prefix.signature, options.keys, (key) => signThumborPath(rest, key))) throw mismatch();
      const stray = [...url.query].find(([name, value]) => meaningful(name, value));
      if (stray === undefined) return;
      throw refusal(
        403,
        "SignatureDoesNotMatch",
        `Expected no ${show(stray[0])} beside a thumbor signature, which does not cover the query. Put it into the path, or sign with ?signature=.`,
      );
    }
    throw refusal(
      400,
      "AuthorizationQueryParametersError",
      "Expected the query parameter signature but it is missing. Sign the URL: `stockroom images url` does.",
    );
  }
  // Thumbor's way is what `strict` does not have.
  const text = textToSign(url.path, url.query, allowsThumbor ? "open" : "strict");
  if (!matchesAny(given, options.keys, (key) => signText(text, key))) throw mismatch();
}

const mismatch = () =>
  refusal(
    403,
    "SignatureDoesNotMatch",
    "Expected the signature of this path and query but received another. Sign exactly the URL that is sent.",
  );

function matchesAny(given: string, keys: readonly string[], sign: (key: string) => string): boolean {
  const received = Buffer.from(given);
  let matched = false;
  for (const key of keys) {
    const wanted = Buffer.from(sign(key));
    // Lengths are public: every right signature has the same one. What differs in length is compared with itself to cost the same.
    const same = received.length === wanted.length;
    if (timingSafeEqual(same ? received : wanted, wanted) && same) matched = true;
  }
  return matched;
}

/**
 * Whole seconds until `expires`, or undefined when the URL does not expire.
 *
 * Throws `ImageRequestExpiryFormat` (400) for anything but a real `YYYYMMDDTHHmmssZ`, `ImageRequestExpired` (400) when it lies in the past.
 */
export function readExpiry(expires: string | undefined, nowMs: number): number | undefined {
  if (expires === undefined) return undefined;
  const at = expiryMs(expires);
  if (at === undefined) {
    throw refusal(
      400,
      "ImageRequestExpiryFormat",
      `Expected a real date as YYYYMMDDTHHmmssZ in UTC for expires (19700102T120304Z) but received ${show(expires)}. Correct the URL.`,
    );
  }
  if (at < nowMs) throw refusal(400, "ImageRequestExpired", `This URL expired at ${new Date(at).toISOString()}. Ask for a new one.`);
  return Math.trunc((at - nowMs) / 1000);
}

function expiryMs(text: string): number | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (match === null) return undefined;
  const date = new Date(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}.000Z`);
  // Date accepts 24:00:00 and, in some engines, the 30th of February; only what prints as it was written is real.
  return Number.isNaN(date.getTime()) || formatExpiry(date.getTime()) !== text ? undefined : date.getTime();
}

/** An instant as `expires` writes it. Milliseconds are dropped. */
export function formatExpiry(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}
