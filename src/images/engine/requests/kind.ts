// Kind: which of the three ways a path is written in, and the JSON of the first.
//
//   K1. The order is fixed: Base64 JSON, then a rewritten path, then thumbor's words, then a refusal.
//   K2. Only the standard alphabet in whole groups of 4 with its padding is Base64; `-` and `_` never are.

import type { RequestType } from "../plan.ts";
import { depthOf } from "./json.ts";
import { cannotDecode, refusal } from "./refusal.ts";

/** A path as understood so far: its kind and, for Base64 JSON, the parsed value. */
export type Kind = {
  readonly [Type in RequestType]: Type extends "default"
    ? { readonly requestType: Type; readonly json: unknown }
    : { readonly requestType: Type };
}[RequestType];

/**
 * Decides the kind of a path.
 *
 * Throws `RequestTypeError` (400) for none of them, `DecodeRequest::CannotDecodeRequest` (400) for JSON nested deeper than `maxDepth`.
 */
export function readKind(path: string, rewrites: boolean, maxDepth: number): Kind {
  const encoded = path.startsWith("/") ? path.slice(1) : path;
  if (isBase64(encoded)) {
    const text = Buffer.from(encoded, "base64").toString();
    const json = parse(text, maxDepth);
    if (json !== undefined) return { requestType: "default", json: json.value };
  }
  if (rewrites) return { requestType: "custom" };
  if (isThumborName(path)) return { requestType: "thumbor" };
  throw refusal(
    400,
    "RequestTypeError",
    "Expected Base64 JSON, or a path whose name has no extension or one of jpg, jpeg, png, webp, tiff, tif, svg, gif, avif. Correct the path.",
  );
}

/** Whether a text is standard Base64 in groups of 4 with right padding. An empty text is. */
export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[0-9a-zA-Z+/]*={0,2}$/.test(text);
}

function parse(text: string, maxDepth: number): { readonly value: unknown } | undefined {
  // What begins like an object is meant as one, so nesting that is refused before parsing must not fall through to the next kind.
  if (depthOf(text) > maxDepth) {
    if (!/^\s*[[{]/.test(text)) return undefined;
    throw cannotDecode(`Expected JSON nested at most ${maxDepth} deep. Flatten the request.`);
  }
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

const extensions = /\.(?:jpg|jpeg|webp|tiff|tif|svg|gif|avif)$|.\.png$/i;

function isThumborName(path: string): boolean {
  return extensions.test(path.slice(-8)) || !hasExtension(path);
}

/** An extension: something after the last dot without slashes, and something before the dot. */
function hasExtension(path: string): boolean {
  const dot = path.lastIndexOf(".");
  return dot > 0 && dot < path.length - 1 && !/[/\\]/.test(path.slice(dot + 1));
}

/** A rewrite as the options say it, ready to be used. */
export interface Rewrite {
  readonly pattern: RegExp;
  readonly substitution: string;
}

/** Reads `/regex/flags`; undefined when it is no such thing. The pattern is the operator's and trusted; paths are bounded in length. */
export function readRewrite(rewrite: { readonly pattern: string; readonly substitution: string } | undefined): Rewrite | undefined {
  if (rewrite === undefined || rewrite.pattern === "" || rewrite.substitution === "") return undefined;
  const pattern = compiled.get(rewrite.pattern) ?? parsePattern(rewrite.pattern);
  if (pattern === undefined) {
    throw refusal(500, "RewritePatternError", "Expected REWRITE_MATCH_PATTERN as /regex/flags. Correct the setting.");
  }
  // One setting, one pattern: whoever changes it all the time only loses the gain.
  if (!compiled.has(rewrite.pattern)) compiled.clear();
  compiled.set(rewrite.pattern, pattern);
  return { pattern, substitution: rewrite.substitution };
}

const compiled = new Map<string, RegExp>();

/** `/regex/flags` as a RegExp, or undefined. */
export function parsePattern(text: string): RegExp | undefined {
  const close = text.lastIndexOf("/");
  if (!text.startsWith("/") || close < 2) return undefined;
  try {
    return new RegExp(text.slice(1, close), text.slice(close + 1));
  } catch {
    return undefined;
  }
}

/** The path after the rewrite. */
export function rewritePath(path: string, { pattern, substitution }: Rewrite): string {
  // A sticky or global pattern remembers where it stopped; every request begins anew.
  pattern.lastIndex = 0;
  return path.replace(pattern, substitution);
}
