// URL memo: what URLs meant when they were last understood, so that a cache hit parses nothing.
//
// Owns: the meaning of a URL and its ids. Does not own: how a URL is understood (engine/requests), what is answered.
//   pictures.U1. A URL is given the meaning it had as long as the request headers named by that meaning's `vary` are the same; with other headers it is
//       understood anew, and both meanings are kept.
//   pictures.U2. What expires is understood anew each time: it may have ended.
//   pictures.U3. Bounded: in URLs, in meanings of one URL, in the length of a URL that is kept.

import { createHash } from "node:crypto";
import { planOf } from "../engine/plan.ts";
import type { ImageRequest } from "../engine/plan.ts";
import { makeLru } from "../store/cache/memory.ts";
import type { ReadyHeaders } from "./answers.ts";
import type { Asked, Engine } from "./contract.ts";

/** What a URL asks for, with the ids under which its answer and its original are known. */
export interface Meaning {
  readonly request: ImageRequest;
  /** When the URL ends, in milliseconds since 1970. */
  readonly endsAtMs?: number;
  /** Of the answer: the digest of its plan. */
  readonly id: string;
  /** Of the original. */
  readonly sourceId: string;
  /** What the URL means when there is no such original. */
  readonly otherwise?: Meaning;
  /** The headers of its last answer; only replies.ts looks at them. */
  ready?: ReadyHeaders;
}

export interface UrlMemo {
  /** Throws what is wrong with the URL. */
  understand(asked: Pick<Asked, "target" | "header">): Meaning;
}

interface Entry {
  readonly vary: readonly string[];
  readonly variants: Map<string, Meaning>;
}

const mostUrls = 20_000;
const mostUrlChars = 2_048;
const mostVariants = 16;

/** The headers that can matter to a URL's meaning; a lookup each, no copy of all. */
const meaningful = ["accept", "dpr", "sec-ch-dpr", "width", "sec-ch-width", "viewport-width", "sec-ch-viewport-width", "save-data", "host"];

/** Forty hex digits that stand for a text. */
export const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 40);

/** Makes a memo that knows no URL. */
export function makeUrlMemo({ parse, nowMs }: { readonly parse: Engine["parse"]; readonly nowMs: () => number }): UrlMemo {
  const urls = makeLru<Entry>(mostUrls, () => 1);

  const memoize = (asked: Pick<Asked, "target" | "header">, meaning: Meaning): void => {
    const before = urls.get(asked.target);
    const vary = [...new Set([...(before?.vary ?? []), ...varyOf(meaning.request)])];
    // Another caller's headers may have been heeded that nobody sent before: what was remembered without looking at them is forgotten.
    const entry = before?.vary.length === vary.length ? before : { vary, variants: new Map<string, Meaning>() };
    if (entry !== before) urls.set(asked.target, entry);
    if (entry.variants.size < mostVariants) entry.variants.set(variantOf(asked, vary), meaning);
  };

  return {
    understand(asked) {
      const { target } = asked;
      const entry = urls.get(target);
      const known = entry?.variants.get(variantOf(asked, entry.vary));
      if (known !== undefined) return known;
      const now = nowMs();
      const at = target.indexOf("?");
      const url = at < 0 ? { path: target } : { path: target.slice(0, at), query: target.slice(at + 1) };
      const meaning = meaningOf(parse({ ...url, headers: headersFor(asked) }, now), now);
      if (meaning.request.secondsToExpiry === undefined && target.length <= mostUrlChars) memoize(asked, meaning);
      return meaning;
    },
  };
}

/** What a request means, with its ids. */
export function meaningOf(request: ImageRequest, now: number): Meaning {
  return {
    request,
    ...(request.secondsToExpiry === undefined ? {} : { endsAtMs: now + request.secondsToExpiry * 1000 }),
    id: digest(JSON.stringify(planOf(request))),
    sourceId: sourceIdOf(request.bucket, request.key),
    ...(request.otherwise === undefined ? {} : { otherwise: meaningOf(request.otherwise, now) }),
  };
}

/** Under which an original is known. */
export const sourceIdOf = (bucket: string, key: string): string => `${bucket}\n${key}`;

const variantOf = (asked: Pick<Asked, "header">, vary: readonly string[]): string =>
  vary.length === 0 ? "" : vary.map((name) => asked.header(name.toLowerCase()) ?? "").join("\n");

/** Every header on which either reading of a URL depends. */
const varyOf = (request: ImageRequest): readonly string[] =>
  request.otherwise === undefined ? request.vary : [...request.vary, ...varyOf(request.otherwise)];

function headersFor(asked: Pick<Asked, "header">): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of meaningful) {
    const value = asked.header(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
