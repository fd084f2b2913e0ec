// Thumbor: a path in thumbor's words as bucket, key and classic edits.
//
// Owns: which parts of a path are words and which are the key. Does not own: what a filter means (filters.ts), whether edits are allowed.
//   T1. The classic reading is the classic handler's own: the first crop, the first size, `fit-in` anywhere, every chain of filters, the first
//       `s3:` segment that names an allowed bucket; the key is what is left when all of these are taken out.
//   T2. Thumbor's further words (smart, left, top, trim, -300x200 ...) are read only before the key, and only in `open`. Where a path could
//       also be a classic key with such a folder, both readings are given and the classic one comes first.
//   T3. Reading takes time linear in the path: no pattern here can match one character in two ways.

import type { JsonValue } from "../plan.ts";
import { applyFilters, findFilters, type FilterResult } from "./filters.ts";
import { badEdit, cannotDecode, refusal } from "./refusal.ts";
import { thumborPrefix } from "./signature.ts";

/** What a thumbor path says, unchecked. */
export interface ThumborReading extends FilterResult {
  readonly bucket: string;
  readonly key: string;
  readonly trimFrom?: "bottom-right";
  /** The path asks for JSON about the picture (`/meta/`). */
  readonly meta?: true;
}

export interface ThumborContext {
  readonly buckets: readonly string[];
  readonly strict: boolean;
  readonly maxFilters: number;
  /** The path in which `s3:` is looked for, when not the path itself: the classic handler looks before it rewrites. */
  readonly bucketPath?: string;
}

/** Reads a path. The second reading, if any, holds when no original exists under the first (T2). */
export function readThumbor(path: string, context: ThumborContext): readonly [ThumborReading, ThumborReading?] {
  if (context.strict) return [readClassic(path, context, noWords)];
  const prefix = thumborPrefix(path);
  const plain = prefix.kind === "none";
  const words = readWords(unveil(plain ? path : prefix.rest), !plain);
  if (!plain || !words.ambiguous) return [readClassic(words.rest, context, words)];
  return [readClassic(words.restWithFolders, context, { ...noWords, size: words.size }), readClassic(words.rest, context, words)];
}

interface Words {
  readonly size?: { readonly width: number; readonly height: number; readonly flipX: boolean; readonly flipY: boolean } | undefined;
  readonly fit?: "inside" | "outside";
  readonly position?: string;
  readonly trim?: { readonly threshold?: number; readonly from?: "bottom-right" };
  readonly meta?: true;
}

const noWords: Words = {};

/** Undoes `filters%3Afill%28red%29`: some clients encode what need not be. Only such segments are touched. */
function unveil(path: string): string {
  if (!/\/filters%3a/i.test(path)) return path;
  return path
    .split("/")
    .map((segment) => (/^filters%3a/i.test(segment) ? segment.replaceAll(/%(?:3a|28|29|2c|3b)/gi, decodeURIComponent) : segment))
    .join("/");
}

/**
 * Takes thumbor's further words out of the front of a path.
 *
 * `rest` is without any of them; `restWithFolders` keeps those that may as well be folders. Sizes in the classic form stay in both.
 */
function readWords(path: string, certain: boolean): Words & { rest: string; restWithFolders: string; ambiguous: boolean } {
  const segments = path.split("/");
  const { spans } = findFilters(path);
  const words: { -readonly [K in keyof Words]: Words[K] } = {};
  const kept: string[] = [];
  const keptWithFolders: string[] = [];
  let ambiguous = false;
  let sized = false;
  let horizontal: string | undefined;
  let vertical: string | undefined;
  let smart = false;
  let at = 0;
  let start = 0;
  let span = 0;
  // The last segment is always the key's.
  for (; at < segments.length - 1; start += segments[at].length + 1, at++) {
    const segment = segments[at];
    const keep = (): void => void (kept.push(segment), keptWithFolders.push(segment));
    const folder = (): void => void (keptWithFolders.push(segment), (ambiguous = true));
    if (segment === "" || segment.startsWith("s3:") || /^\d+x\d+:\d+x\d+$/.test(segment)) keep();
    else if (segment === "fit-in" || /^\d+x\d+$/.test(segment)) {
      sized = true;
      keep();
    } else if (segment.startsWith("filters:")) {
      // A watermark's key may hold slashes: the chain ends where its brackets do.
      while (span < spans.length && spans[span][0] < start) span++;
      const end = spans[span]?.[0] === start ? spans[span][1] : start;
      keep();
      while (at < segments.length - 2 && start + segments[at].length < end) {
        start += segments[at].length + 1;
        at++;
        kept.push(segments[at]);
        keptWithFolders.push(segments[at]);
      }
    } else if (/^(?:adaptive-)?(?:full-)?fit-in$/.test(segment)) {
      words.fit = segment.includes("full-") ? "outside" : "inside";
      sized = true;
    } else if (isThumborSize(segment, certain)) {
      const [width = "", height = ""] = segment.split("x");
      words.size ??= {
        width: Number.parseInt(width.replace("-", ""), 10) || 0,
        height: Number.parseInt(height.replace("-", ""), 10) || 0,
        flipX: width.startsWith("-"),
        flipY: height.startsWith("-"),
      };
      sized = true;
    } else if (segment === "trim" || /^trim:(?:top-left|bottom-right)(?::\d{1,3})?$/.test(segment)) {
      // Thumbor writes trim before everything else.
      if (sized || words.trim !== undefined) break;
      const [, from, threshold] = segment.split(":");
      words.trim = {
        ...(threshold === undefined ? {} : { threshold: Number(threshold) }),
        ...(from === "bottom-right" ? { from } : {}),
      };
      folder();
    } else if (segment === "meta" && certain && !sized) words.meta = true;
    else if (!sized && !certain) break;
    else if (segment === "smart") {
      smart = true;
      folder();
    } else if (/^(?:left|right|center)$/.test(segment) && horizontal === undefined) {
      horizontal = segment;
      folder();
    } else if (/^(?:top|middle|bottom)$/.test(segment) && vertical === undefined) {
      vertical = segment;
      folder();
    } else break;
  }
  const side = [horizontal === "center" ? undefined : horizontal, vertical === "middle" ? undefined : vertical].filter(Boolean).join(" ");
  const position = smart ? "attention" : side;
  if (position !== "") words.position = position;
  const tail = segments.slice(at);
  const rooted = (parts: readonly string[]): string => `${parts[0] === "" ? "" : "/"}${parts.join("/")}`;
  return {
    ...words,
    rest: rooted([...kept, ...tail]),
    restWithFolders: rooted([...keptWithFolders, ...tail]),
    ambiguous: ambiguous && !certain,
  };
}

/** `-300x200`, and behind `unsafe` or a signature also `300x`, `x200` and `origx200`. */
function isThumborSize(segment: string, certain: boolean): boolean {
  if (/^-?\d+x-?\d+$/.test(segment)) return true;
  return certain && segment !== "x" && /^(?:-?\d*|orig)x(?:-?\d*|orig)$/.test(segment);
}

function readClassic(path: string, context: ThumborContext, words: Words): ThumborReading {
  const found = findFilters(path);
  if (found.texts.length > context.maxFilters) throw badEdit("filters", `at most ${context.maxFilters} filters`, found.texts.length);
  const edits: Record<string, JsonValue> = {};
  if (words.trim !== undefined) edits["trim"] = words.trim.threshold === undefined ? {} : { threshold: words.trim.threshold };
  const crop = cropOf(context.strict ? path : withoutFocal(path));
  if (crop !== undefined) edits["crop"] = crop;
  const resize = resizeOf(path, words);
  if (resize !== undefined) edits["resize"] = resize;
  if (words.size?.flipX) edits["flop"] = true;
  if (words.size?.flipY) edits["flip"] = true;
  const bucket = bucketOf(context.bucketPath ?? path, context.buckets);
  const result: ThumborReading = {
    bucket,
    key: keyOf(path, bucket, found.spans, context.strict),
    edits,
    ...(words.trim?.from === undefined ? {} : { trimFrom: words.trim.from }),
    ...(words.meta === undefined ? {} : { meta: true as const }),
  };
  applyFilters(found.texts, result, { extension: path.slice(path.lastIndexOf(".") + 1), strict: context.strict });
  return result;
}

function cropOf(path: string): JsonValue {
  const match = /(\d{1,6})x(\d{1,6}):(\d{1,6})x(\d{1,6})/.exec(path);
  if (match === null) return undefined;
  const [left = 0, top = 0, right = 0, bottom = 0] = match.slice(1).map(Number);
  return { left, top, width: right - left, height: bottom - top };
}

/** The value of `focal(AxB:CxD)` looks like a crop and is none. */
function withoutFocal(path: string): string {
  return path.includes("focal(") ? path.replaceAll(/focal\([^()]*\)/g, "") : path;
}

function resizeOf(path: string, words: Words): Record<string, JsonValue> | undefined {
  const resize: Record<string, JsonValue> = {};
  const match = /\/(\d+)x(\d+)\//.exec(path);
  const size = match === null ? words.size : { width: Number.parseInt(match[1], 10), height: Number.parseInt(match[2], 10) };
  if (size !== undefined) {
    if (size.width === 0 || size.height === 0) resize["fit"] = "inside";
    resize["width"] = size.width === 0 ? null : size.width;
    resize["height"] = size.height === 0 ? null : size.height;
  }
  if (path.includes("fit-in")) resize["fit"] = "inside";
  if (words.fit !== undefined) resize["fit"] = words.fit;
  if (words.position !== undefined && size !== undefined) resize["position"] = words.position;
  return Object.keys(resize).length === 0 ? undefined : resize;
}

function bucketOf(path: string, buckets: readonly string[]): string {
  for (const segment of path.split("/")) {
    if (segment.startsWith("s3:") && buckets.includes(segment.slice(3))) return segment.slice(3);
  }
  const first = buckets[0];
  if (first === undefined) throw noBuckets();
  return first;
}

/** No source is set, so no URL can mean anything. */
export const noBuckets = () =>
  refusal(
    400,
    "GetAllowedSourceBuckets::NoSourceBuckets",
    "Expected at least one source but none is set. Set SOURCE_BUCKETS or --source NAME=PLACE.",
  );

function keyOf(path: string, bucket: string, spans: readonly (readonly [number, number])[], strict: boolean): string {
  const filtered = strict ? withoutFiltersStrictly(path) : withoutFilters(path, spans);
  const text = filtered
    .replaceAll(/\/\d+x\d+:\d+x\d+(?=\/)/g, "")
    .replaceAll(/\/\d+x\d+(?=\/)/g, "")
    .replaceAll(/\/fit-in(?=\/)/g, "")
    // A replacement text would give `$&` in a key a meaning; a function does not.
    .replace(`s3:${bucket}/`, () => "")
    .replace(/^\/+/, "");
  try {
    return decodeURIComponent(text);
  } catch {
    throw cannotDecode(
      "Expected percent-encoded UTF-8 in the key but its bytes are none. Encode each part of the key with encodeURIComponent.",
    );
  }
}

/** Cuts each chain of filters and what is glued to it up to the next slash. */
function withoutFilters(path: string, spans: readonly (readonly [number, number])[]): string {
  let text = "";
  let from = 0;
  for (const [start, end] of spans) {
    if (start < from) continue;
    text += path.slice(from, start);
    const slash = path.indexOf("/", end);
    from = slash < 0 ? path.length : slash;
  }
  return (text + path.slice(from)).replaceAll(/filters:[^/]+/g, "");
}

/** As the classic handler: a watermark reaches to the last bracket of the path, wherever that is. */
function withoutFiltersStrictly(path: string): string {
  const watermark = path.indexOf("filters:watermark(");
  const close = path.lastIndexOf(")");
  const text = watermark < 0 || close < watermark ? path : path.slice(0, watermark) + path.slice(close + 1);
  return text.replaceAll(/filters:[^/]+/g, "");
}
