// Plan: what one URL asks for, as a plain value. It can be printed, hashed, sent and tested; nothing in it reads or writes.
//
// Owns: the shape of a request after its URL was understood, and of what the reader of URLs may be told.
// Does not own: how URLs are read (requests/), what is done to pixels (pictures/), where bytes come from (store, service).
//   P1. `edits` holds only names of the allow-list, each once, in the order in which they are applied. Values are as the classic handler
//       hands them to its pipeline: numbers may still be numeric texts, nothing is rounded yet, `rotate: undefined` means "by EXIF".
//   P2. What goes beyond the classic words stands beside the edits, never in them, so that `edits` prints as the classic would.
//   P3. A request with a `problem` is never carried out: `completeRequest` throws it, after the original was found, as the classic order of work has it.
//   P4. Two requests with the same `planOf` and the same original give the same bytes.

import type { ErrorRecord } from "../../platform/errors.ts";
import { formatNames } from "./formats.ts";

/** How a URL is written, its dialect: Base64 JSON, thumbor's words, or a rewritten path read as thumbor's words. */
export type RequestType = "default" | "custom" | "thumbor";

/** Whether the edits of a dialect come as JSON, as they are, or are read out of thumbor's words: `null` and the place of a quality differ. */
export const comesAsJson: Readonly<Record<RequestType, boolean>> = { default: true, custom: false, thumbor: false };

/** `open` improves on the classic handler where docs/explanation/images-differences.md says so; `strict` never does. */
export type Compat = "open" | "strict";

export type JsonValue = string | number | boolean | null | undefined | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/**
 * Every edit a URL may name: the allow-list. What is done for each (pictures/transform.ts), what it costs (pictures/costs.ts) and the checks of
 * its value (requests/edits.ts) are records over this union, so that none can be forgotten.
 */
export const editNames = [
  "resize",
  "crop",
  "extract",
  "extend",
  "trim",
  "affine",
  "rotate",
  "flip",
  "flop",
  "removeAlpha",
  "ensureAlpha",
  "extractChannel",
  "joinChannel",
  "bandbool",
  "boolean",
  "tint",
  "greyscale",
  "grayscale",
  "pipelineColourspace",
  "pipelineColorspace",
  "toColourspace",
  "toColorspace",
  "sharpen",
  "median",
  "blur",
  "flatten",
  "unflatten",
  "gamma",
  "negate",
  "normalise",
  "normalize",
  "clahe",
  "convolve",
  "threshold",
  "linear",
  "recomb",
  "modulate",
  "overlayWith",
  "smartCrop",
  "roundCrop",
  "contentModeration",
  "animated",
  "toFormat",
  ...formatNames,
] as const;

export type EditName = (typeof editNames)[number];

/** Edits in the classic words; the order of the keys is the order of application (`resize` always runs first). */
export type Edits = { readonly [Name in EditName]?: JsonValue };

/** The edits with their names, in their order. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys are those of the type
export const editEntries = (edits: Edits): [EditName, JsonValue][] => Object.entries(edits) as [EditName, JsonValue][];

/** A rectangle of the original in pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Thumbor's `round_corner`: radii in pixels of the result; outside is `background`, or transparent. */
export interface RoundCorner {
  readonly rx: number;
  readonly ry: number;
  readonly background: { readonly r: number; readonly g: number; readonly b: number };
  readonly transparent: boolean;
}

/** What a placeholder looks like: a BlurHash text, a tiny picture as a data URL, or the dominant colour. All answered as JSON. */
export type PlaceholderKind = "blurhash" | "lqip" | "color";

/** What kind of answer is wanted. */
export type Answer =
  | { readonly kind: "picture" }
  /** JSON about the original: format, width, height, pages, orientation, size, colour space. */
  | { readonly kind: "info" }
  /** JSON that stands in for the picture while it loads, after the edits. */
  | { readonly kind: "placeholder"; readonly placeholder: PlaceholderKind };

/** Who decided the output format; `source` means nobody did and the original's is kept. */
export type FormatOrigin = "edits" | "accept" | "request" | "svg" | "source";

/** What one URL means. `parseRequest` makes it; `completeRequest` completes it once the original's type is known. */
export interface ImageRequest {
  readonly requestType: RequestType;
  readonly bucket: string;
  readonly key: string;
  readonly edits: Edits;
  /** As sharp names it, lower case (`jpeg`, `png`, `webp`, `avif`, `tiff`, `gif`, `heif` ...). Absent: the format of the original. */
  readonly outputFormat?: string | undefined;
  readonly formatFrom: FormatOrigin;
  /** WebP effort 0..6 that the request names. */
  readonly effort?: number;
  /** Headers the request adds to its answer, already without those of the deny-list. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Set when the URL expires; else the source's own or the default is answered. */
  readonly cacheControl?: string;
  /** Whole seconds until the URL expires, when it does. */
  readonly secondsToExpiry?: number;
  readonly compat: Compat;
  readonly answer: Answer;
  /** Request headers on which this meaning depends, for `Vary`, as HTTP writes them (`Accept`, `Sec-CH-DPR` ...). */
  readonly vary: readonly string[];
  /** Physical pixels a CSS pixel that were already multiplied into `edits.resize`; answered as `Content-DPR`. */
  readonly dpr?: number;
  /** Names of filters in the path that nobody knows: left out, as the classic handler does, and told by `explain`. */
  readonly unknownFilters?: readonly string[];
  /** Thumbor's `focal`: the part of the original the crop to size keeps in view. */
  readonly focal?: Area;
  /** Thumbor's `max_bytes`: lower the quality until the answer fits. */
  readonly maxBytes?: number;
  readonly roundCorner?: RoundCorner;
  /** Thumbor's `trim:bottom-right`: the pixel whose colour `edits.trim` removes. Absent: top-left, as sharp does. */
  readonly trimFrom?: "bottom-right";
  /** The URL asks that EXIF, GPS and ICC of the original be kept in the answer (`?metadata=keep`). */
  readonly keepMetadata?: true;
  /** The preset whose edits were filled in. */
  readonly preset?: string | undefined;
  /** Formats the reader takes (from `Accept`) of those that may be chosen for it, best first; the encoder may fall back along the list. */
  readonly autoFormats?: readonly string[];
  /** Quality 1..100 wanted of whatever format comes out; `completeRequest` moves it into the edits of that format. */
  readonly quality?: number | undefined;
  /** What is wrong with the edits. In the classic order of work a missing original is told before it, so it waits until then. */
  readonly problem?: ErrorRecord;
  /**
   * A second reading, for when no original exists under the first: `/300x200/smart/photo.jpg` is the key `smart/photo.jpg` to the classic
   * handler and a word to thumbor. The service reads this one only after the source said that the first is missing.
   */
  readonly otherwise?: ImageRequest;
}

/** The part of a request that decides its bytes, for cache keys and ETags: hash its JSON together with the source's version. */
export interface Plan {
  readonly bucket: string;
  readonly key: string;
  /** Pairs and not an object, so that the order counts and `undefined` (as `{"undefined":true}`) is not lost in JSON. */
  readonly edits: readonly (readonly [string, JsonValue])[];
  readonly rest: { readonly [name: string]: JsonValue };
}

/** The plan of a request: equal plans of equal originals give equal bytes. Headers, expiry and signature take no part. */
export function planOf(request: ImageRequest): Plan {
  const { bucket, key, edits, outputFormat, formatFrom, autoFormats, effort, compat, answer, quality } = request;
  const { focal, maxBytes, roundCorner, trimFrom, keepMetadata, problem } = request;
  const auto = formatFrom === "accept" ? autoFormats : undefined;
  const rest = {
    outputFormat,
    auto,
    effort,
    compat,
    answer,
    quality,
    focal,
    maxBytes,
    roundCorner,
    trimFrom,
    keepMetadata,
    problem: problem?.message,
  };
  return {
    bucket,
    key,
    edits: Object.entries(edits).map(([name, value]) => [name, value === undefined ? { undefined: true } : value] as const),
    rest: rest as unknown as Plan["rest"],
  };
}

/** A request as it came, before anybody asked what it means. */
export interface UrlRequest {
  /** The path as it stood in the URL: with its leading slash, still percent-encoded, without `?`. */
  readonly path: string;
  /** The query as it stood in the URL (without `?`), or already decoded names and values. */
  readonly query?: string | Readonly<Record<string, string | undefined>>;
  /** Names in any case. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** A named set of edits: `?preset=NAME`, or `"preset"` in Base64 JSON. The URL's own edits win over it. */
export interface Preset {
  readonly edits?: Edits | undefined;
  readonly outputFormat?: string | undefined;
  /** Quality 1..100 of whatever format is answered. */
  readonly quality?: number | undefined;
}

/** What URLs may ask for. Absent fields allow everything. */
export interface Policy {
  /** `presets`: only named presets and originals; every edit of the URL's own is 403. */
  readonly only?: "presets" | undefined;
  /** Widths and heights allowed in CSS pixels; others are 403. */
  readonly sizes?: readonly number[] | undefined;
  /** Output formats allowed; others are 403. */
  readonly formats?: readonly string[] | undefined;
  /** Names of edits allowed; others are 403. */
  readonly edits?: readonly string[] | undefined;
}

/** Bounds on one URL; past one the answer is a clear 4xx. Every one has a default in `requestLimits`. */
export interface RequestLimits {
  /** Characters of path and query together. */
  readonly maxUrlLength: number;
  readonly maxJsonDepth: number;
  readonly maxEdits: number;
  readonly maxFilters: number;
  /** Bytes of the key, decoded, as UTF-8. */
  readonly maxKeyBytes: number;
}

export interface SignatureOptions {
  /** Keys that are accepted, newest first; the first one signs. Never empty when signatures are on. */
  readonly keys: readonly string[];
  /** Whether thumbor paths may be signed the thumbor way (HMAC-SHA1 as first segment) instead. Default true unless strict. */
  readonly thumbor?: boolean;
  /** Whether `/unsafe/` paths pass without any signature. Default false. */
  readonly allowUnsafe?: boolean;
}

/** What decides the meaning of URLs. Plain data, so that settings, environment and library say the same thing. */
export interface RequestOptions {
  /** Allowed buckets; the first is the default one. */
  readonly buckets: readonly string[];
  /** Default `open`. */
  readonly compat?: Compat;
  readonly autoWebp?: boolean;
  /** Auto-AVIF by Accept; wins over auto-WebP when the browser takes both. Default false. */
  readonly autoAvif?: boolean;
  /** Absent: URLs need no signature. */
  readonly signature?: SignatureOptions;
  /** Both or neither; `pattern` as `/regex/flags`. */
  readonly rewrite?: { readonly pattern: string; readonly substitution: string };
  readonly presets?: Readonly<Record<string, Preset>>;
  readonly policy?: Policy;
  /** Whether client hints (DPR, Width, Viewport-Width) are heeded. Default false. */
  readonly clientHints?: boolean;
  readonly limits?: Partial<RequestLimits>;
  /** Milliseconds since 1970 against which `expires` is judged; absent, the caller must pass it to `parseRequest`. */
  readonly nowMs?: number;
}

/** What is known of an original before its pixels are touched. */
export interface SourceFacts {
  /** As the source says it or as its first bytes show it, e.g. `image/jpeg`. */
  readonly contentType?: string;
  readonly cacheControl?: string;
  /** HTTP date. */
  readonly expires?: string;
  /** HTTP date. */
  readonly lastModified?: string;
}
