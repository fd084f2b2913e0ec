// Build: URLs from what is wanted, signed or not; the way back of parse.
//
//   B1. What is built is read back before it is handed out: a URL that would mean something else is an error here, not at the reader.
//   B2. The same parts give the same URL, so that caches meet it again.

import { StockroomError } from "../../../platform/errors.ts";
import { comesAsJson, type Compat, type Edits, type ImageRequest, type JsonValue } from "../plan.ts";
import { completeRequest } from "./format.ts";
import { isObject } from "./json.ts";
import { parseRequest } from "./parse.ts";
import { formatExpiry, signText, signThumborPath, textToSign } from "./signature.ts";
import { writeWords, type Sayable } from "./words.ts";

/** What a URL shall ask for. */
export interface ImageUrlParts {
  /** Absent: the first allowed one. */
  readonly bucket?: string;
  readonly key: string;
  /** In the classic words; the order is the order of application. */
  readonly edits?: Edits;
  readonly outputFormat?: string;
  readonly effort?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** `base64` says everything; `thumbor` is readable and says what thumbor has words for. Default `base64`. */
  readonly form?: "base64" | "thumbor";
  /** Further query parameters: `preset`, `info`, `placeholder`, `dpr`, `v` ... */
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** When the URL ends to be valid; a Date or milliseconds since 1970. Whole seconds. */
  readonly expires?: Date | number;
  /** What stands before the path, e.g. `https://img.example.com`. */
  readonly origin?: string;
}

/** A URL in the making; `toString` gives its text. */
export interface ImageUrl {
  /** Path and query, as they are sent. */
  readonly target: string;
  /** Signs path and query with HMAC-SHA256. `compat` as the server has it: in `strict` the text is the classic one (`textToSign`). */
  sign(key: string, compat?: Compat): ImageUrl;
  /** Signs the path the thumbor way (HMAC-SHA1 as its first segment). Only for the thumbor form without a query. */
  signThumbor(key: string): ImageUrl;
  /** Puts `/unsafe` before a path in thumbor's words. */
  unsafe(): ImageUrl;
  toString(): string;
}

const cannotSay = (message: string) => new StockroomError("input", "IMAGE_URL_UNSAYABLE", message);

/**
 * Builds the URL of a picture.
 *
 * Throws `IMAGE_URL_UNSAYABLE` when the form has no words for the parts, and the reader's own errors for parts it would refuse.
 *
 * @example
 * imageUrl({ key: "shoes/1.jpg", edits: { resize: { width: 300 } }, expires: Date.now() + 3_600_000 }).sign(secret).toString();
 */
export function imageUrl(parts: ImageUrlParts): ImageUrl {
  const path = parts.form === "thumbor" ? thumborPath(parts) : base64Path(parts);
  completeRequest(parseRequest(path, { buckets: bucketsOf(parts) }), undefined);
  const query: [string, string][] = Object.entries(parts.query ?? {}).map(([name, value]) => [name, String(value)]);
  if (parts.expires !== undefined) query.push(["expires", formatExpiry(Number(parts.expires))]);
  return makeUrl(parts.origin ?? "", path, query, parts.form === "thumbor");
}

function makeUrl(origin: string, path: string, query: readonly (readonly [string, string])[], thumbor: boolean): ImageUrl {
  const text = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value])).toString();
  const target = text === "" ? path : `${path}?${text}`;
  const inThumbor = (what: string): void => {
    if (!thumbor) throw cannotSay(`Expected the thumbor form for ${what} but the URL is Base64 JSON. Build it with form: "thumbor".`);
  };
  return {
    target,
    sign(key, compat) {
      const unsigned = query.filter(([name]) => name !== "signature");
      return makeUrl(origin, path, [...unsigned, ["signature", signText(textToSign(path, unsigned, compat), key)]], thumbor);
    },
    signThumbor(key) {
      inThumbor("a thumbor signature");
      if (query.length > 0) throw cannotSay("Expected no query beside a thumbor signature, which does not cover it. Use sign(key).");
      return makeUrl(origin, `/${signThumborPath(path.slice(1), key)}${path}`, query, thumbor);
    },
    unsafe() {
      inThumbor("/unsafe");
      return makeUrl(origin, `/unsafe${path}`, query, thumbor);
    },
    toString: () => origin.replace(/\/$/, "") + target,
  };
}

function base64Path(parts: ImageUrlParts): string {
  const { bucket, key, edits, outputFormat, effort, headers } = parts;
  const path = `/${Buffer.from(JSON.stringify({ bucket, key, edits, outputFormat, effort, headers })).toString("base64")}`;
  const read = parseRequest(path, { buckets: bucketsOf(parts) });
  const wanted = { key, edits: edits ?? {}, headers: headers ?? {} };
  if (!same(wanted, { key: read.key, edits: read.edits, headers: read.headers ?? {} })) {
    throw cannotSay("Expected edits and headers that a URL may carry and JSON can write (rotate: undefined cannot). Leave the others out.");
  }
  return path;
}

function thumborPath(parts: ImageUrlParts): string {
  if (parts.effort !== undefined || parts.headers !== undefined) {
    throw cannotSay("Expected no effort and no headers in the thumbor form, which has no words for them. Use the Base64 form.");
  }
  const edits = parts.outputFormat === undefined ? (parts.edits ?? {}) : { ...parts.edits, toFormat: parts.outputFormat };
  return sayPath({ bucket: parts.bucket ?? "", key: parts.key, edits }, bucketsOf({ ...parts, edits }));
}

/** Writes a path in thumbor's words and reads it back. */
function sayPath(wanted: Sayable, buckets: readonly string[]): string {
  const path = writeWords(wanted, wanted.bucket !== "");
  // Behind /unsafe every word is read as one; without it, smart and its like might be folders.
  const read = parseRequest(`/unsafe${path}`, { buckets });
  const meaning = ({ key, edits, focal, maxBytes, roundCorner, trimFrom }: Sayable) => ({
    key,
    edits: comparable(edits),
    beyond: [focal, maxBytes, roundCorner, trimFrom].map((value) => value ?? null),
  });
  if (same(meaning(wanted), meaning(read)) && (wanted.bucket === "" || read.bucket === wanted.bucket)) return path;
  throw cannotSay("Expected edits that thumbor has words for, but the path would mean something else. Use the Base64 form.");
}

function bucketsOf({ bucket, edits }: ImageUrlParts): string[] {
  const overlay = edits?.["overlayWith"];
  const named = isObject(overlay) && typeof overlay["bucket"] === "string" ? overlay["bucket"] : undefined;
  // Which buckets are allowed is the reader's question; here every one is.
  return [...new Set([bucket ?? "default", ...(named === undefined ? [] : [named])])];
}

/** Edits with what is equal made the same: thumbor has its own order, writes numbers as texts and a missing side as null. */
function comparable(edits: Edits): unknown {
  const entries = Object.entries(edits).map(([name, value]): [string, unknown] => {
    if (name === "resize" && isObject(value)) return [name, comparableResize(value)];
    if (name === "greyscale") return ["grayscale", value];
    if (name === "normalise") return ["normalize", value];
    if (name === "smartCrop" && value === true) return [name, {}];
    if (name === "overlayWith" && isObject(value))
      return [name, texts({ ...value, options: texts(isObject(value["options"]) ? value["options"] : {}) })];
    return [name, value === undefined ? "by EXIF" : value];
  });
  return Object.fromEntries(entries);
}

const texts = (value: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined && inner !== null && inner !== "")
      .map(([name, inner]) => [name, typeof inner === "number" ? String(inner) : inner]),
  );

function comparableResize(resize: Readonly<Record<string, JsonValue>>): unknown {
  const given = Object.fromEntries(Object.entries(resize).filter(([, value]) => value !== undefined && value !== null));
  const sides = ["width", "height"].filter((side) => given[side] !== undefined);
  for (const side of sides) given[side] = Number(given[side]);
  const { fit, ...rest } = given;
  // With one side given, cover and inside are the same; cover is what is meant when nothing is said.
  return sides.length === 1 ? (fit === "inside" || fit === "cover" || fit === undefined ? rest : given) : fit === "cover" ? rest : given;
}

/** Equal as JSON, whatever the order of the names. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}

/**
 * The URL of a meaning, path and query: `parseRequest` of it gives the same meaning (the expiry apart, which belongs to the URL).
 *
 * Throws `IMAGE_URL_UNSAYABLE` as `imageUrl` does.
 */
export function formatRequest(request: ImageRequest): string {
  const { bucket, key, edits, answer, keepMetadata, quality, headers, effort } = request;
  const query: Record<string, string | number> = {};
  if (answer.kind === "info") query["info"] = "1";
  if (answer.kind === "placeholder") query["placeholder"] = answer.placeholder;
  if (keepMetadata) query["metadata"] = "keep";
  if (quality !== undefined) query["quality"] = quality;
  if (request.formatFrom === "accept") query["format"] = "auto";
  if (!comesAsJson[request.requestType]) {
    const { focal, maxBytes, roundCorner, trimFrom } = request;
    const said: Sayable = {
      bucket,
      key,
      edits,
      ...(focal === undefined ? {} : { focal }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(roundCorner === undefined ? {} : { roundCorner }),
      ...(trimFrom === undefined ? {} : { trimFrom }),
    };
    const path = sayPath(said, bucketsOf({ bucket, key, edits }));
    const words = isObject(edits["resize"]) && edits["resize"]["position"] !== undefined;
    return makeUrl("", words || edits["trim"] !== undefined ? `/unsafe${path}` : path, Object.entries(query).map(pair), true).target;
  }
  const format = request.formatFrom === "request" ? request.outputFormat : undefined;
  return imageUrl({
    bucket,
    key,
    edits,
    ...(format === undefined ? {} : { outputFormat: format }),
    ...(effort === undefined ? {} : { effort }),
    ...(headers === undefined ? {} : { headers }),
    query,
  }).target;
}

const pair = ([name, value]: readonly [string, string | number]): [string, string] => [name, String(value)];

/** Which sizes a `srcset` offers: widths in pixels, or densities of the size in the parts. */
export type SrcsetSizes = { readonly widths: readonly number[] } | { readonly densities: readonly number[] };

/**
 * The `srcset` of a picture. A height beside the width keeps its proportion. With `key`, every URL is signed (`compat` as in `ImageUrl.sign`).
 *
 * @example
 * imageSrcset({ key: "shoes/1.jpg" }, { widths: [320, 640, 1280] }); // "/eyJ... 320w, /eyJ... 640w, /eyJ... 1280w"
 */
export function imageSrcset(parts: ImageUrlParts, sizes: SrcsetSizes, key?: string, compat?: Compat): string {
  const resize = isObject(parts.edits?.["resize"]) ? parts.edits["resize"] : {};
  const base = Number(resize["width"] ?? Number.NaN);
  const offer = (width: number, mark: string): string => {
    const height = Number(resize["height"] ?? Number.NaN);
    const scaled = { ...resize, width, ...(Number.isFinite(height) && base > 0 ? { height: Math.round((height * width) / base) } : {}) };
    const url = imageUrl({ ...parts, edits: { ...parts.edits, resize: scaled } });
    // A comma inside a URL is part of it (only one at its end would not be), so what was signed stays as it is.
    return `${(key === undefined ? url : url.sign(key, compat)).toString()} ${mark}`;
  };
  if ("widths" in sizes) return sizes.widths.map((width) => offer(width, `${width}w`)).join(", ");
  if (!(base > 0)) throw cannotSay("Expected edits.resize.width for a srcset of densities. Give the width at density 1.");
  return sizes.densities.map((density) => offer(Math.round(base * density), `${density}x`)).join(", ");
}
