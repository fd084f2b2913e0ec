// Parse: from a request to its meaning, in the classic order of work.
//
// Owns: the order (signature, expiry, type, bucket, key, edits, query edits; headers, format), the decisions that need no bytes.
// Does not own: reading originals; what depends on their type (`completeRequest`).
//   R1. The first wrong thing in the order decides the error. What is wrong with an edit comes after a missing original, so it is kept in `problem`.
//   R2. Nothing but a StockroomError is thrown, whatever bytes come.
//   R3. The same request, options and instant give the same meaning.

import { describeError, isStockroomError, unknownKind, type StockroomError } from "../../../platform/errors.ts";
import type { Edits, ImageRequest, JsonValue, Preset, RequestLimits, RequestOptions } from "../plan.ts";
import { checkEdits, checkFormat, checkKey, type EditsContext } from "./edits.ts";
import { acceptedFormats, chooseFormat, readEffort } from "./format.ts";
import { readHeaders } from "./headers.ts";
import { cleanJson, isObject, type JsonObject } from "./json.ts";
import { readKind, readRewrite, rewritePath } from "./kind.ts";
import { checkPolicy, checkPolicyFormat, findPreset, underlay } from "./presets.ts";
import { fitToScreen, isMeaningful, queryEdits, queryWishes, readQuality, type QueryWishes } from "./query.ts";
import { bucketDenied, cannotDecode, refusal, show } from "./refusal.ts";
import { checkSignature, readExpiry } from "./signature.ts";
import { noBuckets, readThumbor, type ThumborReading } from "./thumbor.ts";
import { readUrl, requestLimits, type RequestLike, type Url } from "./url.ts";

/** One way to read a path, before query, presets and checks. */
interface Reading {
  readonly bucket: string;
  readonly key: string;
  readonly edits: unknown;
  /** The parsed JSON of a default request. */
  readonly json?: JsonObject;
  readonly words?: ThumborReading;
}

interface Given {
  readonly url: Url;
  readonly options: RequestOptions;
  readonly strict: boolean;
  readonly limits: RequestLimits;
  readonly context: EditsContext;
  readonly secondsToExpiry: number | undefined;
}

/**
 * Says what a request means. `request` is a web-standard Request, a URL or path as text, or its parts.
 *
 * Throws a StockroomError with the classic code; what is wrong with an edit is thrown by `completeRequest`. Cost: microseconds; nothing is read.
 *
 * @example
 * const { bucket, key, edits } = parseRequest("/fit-in/300x200/filters:grayscale()/photo.jpg", { buckets: ["photos"], nowMs: Date.now() });
 */
export function parseRequest(request: RequestLike, options: RequestOptions): ImageRequest {
  const strict = options.compat === "strict";
  const limits = { ...requestLimits, ...options.limits };
  const url = readUrl(request, limits);
  if (options.signature !== undefined) {
    checkSignature(url, options.signature, !strict, (name) => isMeaningful(name, strict));
  }
  const secondsToExpiry = readExpiry(url.query.get("expires"), options.nowMs ?? Number.NEGATIVE_INFINITY);
  if (secondsToExpiry !== undefined && options.nowMs === undefined) {
    throw refusal(500, "ExpiryDateCheckFailure", "Expected nowMs in the options to judge expires. Pass the time.");
  }
  const context = { buckets: options.buckets, strict, maxEdits: limits.maxEdits, maxKeyBytes: limits.maxKeyBytes };
  const given: Given = { url, options, strict, limits, context, secondsToExpiry };

  const rewrite = readRewrite(options.rewrite);
  const kind = readKind(url.path, rewrite !== undefined, limits.maxJsonDepth);
  switch (kind.requestType) {
    case "default":
      return understand(given, "default", readDefault(kind.json, options.buckets));
    case "custom":
      return readWords(given, "custom", rewrite === undefined ? url.path : rewritePath(url.path, rewrite));
    case "thumbor":
      return readWords(given, "thumbor", url.path);
    default:
      throw unknownKind(kind, "dialect of URLs");
  }
}

/** A path in thumbor's words; with a second reading of it, when it has one. */
function readWords(given: Given, requestType: ImageRequest["requestType"], path: string): ImageRequest {
  const { url, options, strict, limits } = given;
  const [first, second] = readThumbor(path, {
    buckets: options.buckets,
    strict,
    maxFilters: limits.maxFilters,
    ...(strict ? { bucketPath: url.path } : {}),
  });
  const understood = (words: ThumborReading): ImageRequest =>
    understand(given, requestType, { bucket: words.bucket, key: words.key, edits: words.edits, words });
  return second === undefined ? understood(first) : { ...understood(first), otherwise: understood(second) };
}

function readDefault(json: unknown, buckets: readonly string[]): Reading {
  if (!isObject(json))
    throw cannotDecode(`Expected a JSON object but received ${show(json)}. Encode an object with bucket, key and edits.`);
  const { bucket, key } = json;
  const first = buckets[0];
  if (first === undefined) throw noBuckets();
  if (bucket !== undefined && !(typeof bucket === "string" && buckets.includes(bucket))) throw bucketDenied(bucket);
  if (typeof key !== "string")
    throw cannotDecode(`Expected the key of the original as text but received ${show(key)}. Give "key" in the JSON.`);
  return { bucket: bucket ?? first, key, edits: json["edits"], json };
}

function understand(given: Given, requestType: ImageRequest["requestType"], reading: Reading): ImageRequest {
  const { url, options, strict, context, secondsToExpiry } = given;
  const { json, words } = reading;
  if (reading.key === "") {
    throw refusal(404, "NoSuchKey", "Expected the key of an original but the URL names none. Add the key to the end of the path.");
  }
  checkKey(reading.key, context.maxKeyBytes);

  const problems: StockroomError[] = [];
  const noting = { ...given, context: { ...context, onProblem: (problem: StockroomError) => void problems.push(problem) } };
  const wishes = queryWishes(url, strict);
  const { own, preset, beyond } = ownEdits(noting, reading, wishes);
  checkPolicy(own, beyond, options.policy);
  const together = preset === undefined ? own : checkEdits(underlay(preset.edits, own), noting.context);
  const screen = strict
    ? { edits: together, vary: [] }
    : fitToScreen(together, url, wishes.autoWidth === true, options.clientHints === true);
  // Once more, because a size may have grown with the screen.
  const edits = screen.edits === together ? together : checkEdits(screen.edits, noting.context);

  const headers = json === undefined ? undefined : readHeaders(json["headers"]);
  const chosen = choose(noting, wishes, edits, preset, json);
  const effort = effortOf(json, chosen, strict);
  const quality = wishes.quality ?? words?.quality ?? (preset?.quality === undefined ? undefined : readQuality(preset.quality));
  const vary = [...(chosen.varies ? ["Accept"] : []), ...new Set(screen.vary)];
  const answer = words?.meta === true ? ({ kind: "info" } as const) : wishes.answer;
  return {
    requestType,
    bucket: reading.bucket,
    key: reading.key,
    edits,
    ...(chosen.outputFormat === undefined ? {} : { outputFormat: chosen.outputFormat }),
    formatFrom: chosen.formatFrom,
    ...(effort === undefined ? {} : { effort }),
    ...(headers === undefined ? {} : { headers }),
    ...(secondsToExpiry === undefined ? {} : { cacheControl: `max-age=${secondsToExpiry},public`, secondsToExpiry }),
    compat: strict ? "strict" : "open",
    answer,
    vary,
    ...("dpr" in screen && screen.dpr !== undefined ? { dpr: screen.dpr } : {}),
    ...(words?.unknownFilters === undefined ? {} : { unknownFilters: words.unknownFilters }),
    ...(words?.focal === undefined ? {} : { focal: words.focal }),
    ...(words?.maxBytes === undefined ? {} : { maxBytes: words.maxBytes }),
    ...(words?.roundCorner === undefined ? {} : { roundCorner: words.roundCorner }),
    ...(words?.trimFrom === undefined ? {} : { trimFrom: words.trimFrom }),
    ...(wishes.keepMetadata === undefined ? {} : { keepMetadata: wishes.keepMetadata }),
    ...(preset === undefined ? {} : { preset: presetName(wishes, json) }),
    ...(chosen.formatFrom === "accept" ? { autoFormats: chosen.accepted } : {}),
    ...(quality === undefined ? {} : { quality }),
    ...(problems[0] === undefined ? {} : { problem: describeError(problems[0]) }),
  };
}

/** The edits the URL itself names: of its path, replaced one by one by those of its query. */
function ownEdits(given: Given, reading: Reading, wishes: QueryWishes): { own: Edits; preset?: Preset; beyond: boolean } {
  const { url, options, strict, context } = given;
  const { words, json } = reading;
  const fromPath = checkShape(reading.edits);
  const own = checkEdits({ ...fromPath, ...queryEdits(url, strict) }, context);
  const beyond =
    words?.focal !== undefined ||
    words?.maxBytes !== undefined ||
    words?.roundCorner !== undefined ||
    words?.quality !== undefined ||
    wishes.quality !== undefined ||
    wishes.autoWidth === true ||
    json?.["outputFormat"] !== undefined;
  if (strict || presetName(wishes, json) === undefined) return { own, beyond };
  return { own, preset: findPreset(wishes.preset ?? json?.["preset"], options.presets), beyond };
}

function presetName(wishes: QueryWishes, json: JsonObject | undefined): string | undefined {
  if (wishes.preset !== undefined) return wishes.preset;
  const named = json?.["preset"];
  return named === undefined || named === null ? undefined : typeof named === "string" ? named : show(named);
}

/** Edits from JSON must be an object before they can be laid under those of the query. */
function checkShape(edits: unknown): Record<string, JsonValue> {
  if (edits === undefined || edits === null) return {};
  if (!isObject(edits)) throw cannotDecode(`Expected edits as an object but received ${show(edits)}. Correct the request.`);
  // Names that reach a prototype are gone before anything is spread; all others are judged by checkEdits.
  return cleanJson(edits) as Record<string, JsonValue>;
}

interface Chosen extends ReturnType<typeof chooseFormat> {
  readonly accepted: readonly string[];
  /** Whether another Accept could have given another format. */
  readonly varies: boolean;
}

function choose(given: Given, wishes: QueryWishes, edits: Edits, preset: Preset | undefined, json: JsonObject | undefined): Chosen {
  const { url, options, strict } = given;
  const auto = wishes.autoFormat === true;
  const wanted = { webp: auto || options.autoWebp === true, avif: !strict && (auto || options.autoAvif === true), strict };
  const toFormat = auto ? undefined : edits["toFormat"];
  const named = typeof toFormat === "string" && toFormat !== "";
  const accepted = named ? [] : allowed(acceptedFormats(url.header("accept"), wanted), options);
  const asked = json?.["outputFormat"] ?? preset?.outputFormat;
  const chosen = chooseFormat(toFormat, accepted, typeof asked === "string" && asked !== "" ? asked : undefined, strict);
  if (chosen.formatFrom === "request" || (asked !== undefined && asked !== null && asked !== "" && chosen.formatFrom === "source")) {
    // The format is decided after the original is found.
    noteFormat(asked, given);
  }
  if (chosen.outputFormat !== undefined && (chosen.formatFrom === "edits" || chosen.formatFrom === "request")) {
    checkPolicyFormat(chosen.outputFormat, preset === undefined ? options.policy : undefined);
  }
  return { ...chosen, accepted, varies: !named && (wanted.webp || wanted.avif) };
}

function noteFormat(asked: unknown, { strict, context }: Given): void {
  try {
    checkFormat("outputFormat", asked, strict);
  } catch (error) {
    if (!isStockroomError(error)) throw error;
    context.onProblem?.(error);
  }
}

/** Formats a reader takes, less those the operator does not want written. */
const allowed = (formats: string[], { policy }: RequestOptions): string[] =>
  policy?.formats === undefined ? formats : formats.filter((format) => policy.formats?.includes(format));

/** The classic handler heeds `effort` only beside outputFormat or auto-WebP; in `open` it counts for every WebP. */
function effortOf(json: JsonObject | undefined, chosen: Chosen, strict: boolean): number | undefined {
  if (json === undefined || json["effort"] === undefined) return undefined;
  const classic = chosen.accepted[0] === "webp" || (chosen.accepted.length === 0 && json["outputFormat"] === "webp");
  return classic || (!strict && chosen.outputFormat === "webp") ? readEffort(json["effort"]) : undefined;
}
