// Handler: the service put together from settings and seams, and shown as a function from a web-standard Request to a Response.
//
// Owns: which setting reaches which part; the classic environment names. Does not own: what the parts do.
//   handler.H1. Pixel libraries are loaded when a handler is made, not when this file is imported: whoever only explains URLs never loads them.
//   handler.H2. A classic name wins over our own settings; one that says something impossible is an error, never ignored.

import { availableParallelism } from "node:os";
import path from "node:path";
import process from "node:process";
import { StockroomError } from "../../platform/errors.ts";
import { makeLog } from "../../platform/log.ts";
import type { Log } from "../../platform/log.ts";
import type { FaceDetector, Moderator } from "../engine/pictures/tools.ts";
import type { ImageRequest, RequestOptions, SourceFacts } from "../engine/plan.ts";
import { explain, explainMeaning, parseRequest, completeRequest } from "../engine/requests/index.ts";
import type { ErrorAnswer, Explanation, RequestLike } from "../engine/requests/index.ts";
import { makeCache } from "../store/cache/cache.ts";
import type { SourceObject, Sources } from "../store/sources/contract.ts";
import { openSources, readSource } from "../store/sources/open.ts";
import type { OpenSources, SourceSetting } from "../store/sources/open.ts";
import { describe, fixedHeaders } from "./answers.ts";
import { openIsolated } from "./isolated/isolated.ts";
import type { Isolated } from "./isolated/isolated.ts";
import type { Asked, Engine, Reply } from "./contract.ts";
import type { Detectors } from "./detectors.ts";
import { factsOf } from "./originals.ts";
import { noSuchKey } from "./problems.ts";
import { registryOf } from "./metrics.ts";
import { makeService } from "./service.ts";
import type { Service } from "./service.ts";
import { addClassicNames, parseImageSettings } from "./settings.ts";
import type { Environment, ImageSettings, ImageSettingsInput } from "./settings.ts";
import { sourceType } from "../engine/formats.ts";
import { estimatePixels, sniffPicture } from "../engine/pictures/sniff.ts";

/** What a handler is made of: our settings by their names in `stockroom.yaml`, and the seams. */
export interface ImageHandlerOptions extends Omit<ImageSettingsInput, "sources"> {
  /** Where originals come from: a reader of your own, or bucket names with places as in `stockroom.yaml`. */
  readonly sources: Sources | ImageSettingsInput["sources"];
  /** Buckets that URLs may name, the first by default. Absent: `SOURCE_BUCKETS`, else the names of `sources`. */
  readonly buckets?: readonly string[];
  /** Where relative folders of `sources` begin. Default: the working directory. */
  readonly folder?: string;
  /** Absent: the local model when it is installed, else the part of the picture that draws the eye. */
  readonly detector?: FaceDetector;
  /** Absent: content moderation is refused. */
  readonly moderator?: Moderator;
  /** The classic names (`AUTO_WEBP`, `SOURCE_BUCKETS` ...) as texts; they win over the settings. */
  readonly environment?: Environment;
  /** What is amiss. Absent: warnings and errors to standard error. */
  readonly log?: Log;
  /** Milliseconds since 1970. */
  readonly nowMs?: () => number;
}

/** A picture server as a function; mounts wherever a Request becomes a Response. */
export interface ImageHandler {
  (request: Request): Promise<Response>;
  /** Numbers in Prometheus' text format. */
  metrics(): Promise<string>;
  /** The service behind it, for servers that have no Request. */
  readonly service: Service;
  /** Stops work under way and closes sources and cache. */
  close(): Promise<void>;
}

/** A service with what it was opened from. */
export interface OpenImages {
  readonly service: Service;
  readonly sources: Sources;
  /** The sources as opened from settings; absent when the caller brought a reader. */
  readonly own: OpenSources | undefined;
  readonly requests: RequestOptions;
  readonly settings: ImageSettings;
  close(): Promise<void>;
}

/** The same with settings that were parsed; `reader` wins over the sources they name. */
export interface OpenOptions {
  readonly settings: ImageSettings;
  readonly reader?: Sources | undefined;
  readonly seams: {
    readonly [Name in Exclude<keyof ImageHandlerOptions, keyof ImageSettingsInput>]?: ImageHandlerOptions[Name] | undefined;
  };
}

/** Opens what a caller of the library asks for. Throws `input` for settings that cannot be. */
export const openImages = async (options: ImageHandlerOptions): Promise<OpenImages> => await openPictures(parseOptions(options));

/** Opens sources, cache and service. Throws `input` for settings that cannot be. */
export async function openPictures(options: OpenOptions): Promise<OpenImages> {
  const { detector, moderator, nowMs = Date.now, log = makeLog({ level: "warn" }) } = options.seams;
  const { settings, requests, ownSources } = understand(options);
  const limits = { maxBytes: settings.limits.sourceMaxBytes, timeoutMs: settings.limits.sourceTimeoutMs };
  const { sources, own } = await openFrom(options.reader, ownSources, limits);
  const cache = makeCache({
    memoryMaxBytes: settings.cache.memoryMaxBytes,
    disk: settings.cache.folder === undefined ? undefined : { folder: settings.cache.folder, maxBytes: settings.cache.diskMaxBytes },
    log,
  });
  const { makeDetectors } = await import("./detectors.ts");
  const detectors = await makeDetectors(settings, { detector, moderator, log });
  const isolated = openIsolated();
  const engine = await loadEngine({ requests, settings, detectors, isolated });
  const service = makeService({
    sources,
    engine,
    cache,
    answers: { compat: settings.compat, fixed: fixedHeaders(settings.compat, settings.cors?.origin) },
    fallback: settings.fallback,
    freshMs: settings.cache.freshMs,
    staleMs: settings.cache.staleMs,
    missingMs: settings.cache.missingMs,
    deadlineMs: settings.limits.deadlineMs,
    concurrency: settings.limits.concurrency ?? Math.min(4, Math.max(2, availableParallelism())),
    maxWaiting: settings.limits.maxWaiting,
    pixelsInFlight: settings.limits.pixelsInFlight,
    sourceMaxBytes: limits.maxBytes,
    sourceTimeoutMs: limits.timeoutMs,
    log,
    nowMs,
  });
  return {
    service,
    sources,
    own,
    requests,
    settings,
    close: async () => {
      await service.close();
      await isolated.close();
      await detectors.close();
      await own?.close();
    },
  };
}

/**
 * Makes the picture server as a function.
 *
 * Throws `input` for settings that cannot be. Close it when done: it may hold sockets and a worker.
 *
 * @example
 * const pictures = await createImageHandler({ sources: { photos: "./photos" }, autoWebp: true });
 * const response = await pictures(new Request("http://localhost/fit-in/300x200/cat.jpg"));
 */
export async function createImageHandler(options: ImageHandlerOptions): Promise<ImageHandler> {
  const open = await openImages(options);
  const { service } = open;
  const handle = async (request: Request): Promise<Response> => {
    const begin = performance.now();
    const reply = await service.answer(askedOf(request));
    service.counts.timed((performance.now() - begin) / 1000);
    return responseOf(reply);
  };
  const numbers = registryOf(service);
  return Object.assign(handle, { service, close: async () => await open.close(), metrics: async () => await numbers.metrics() });
}

/** Says what a request means, or the error it is answered with. With `sources`, what they say of the original is in it. */
export async function explainRequest(
  request: RequestLike,
  options: Omit<Partial<ImageHandlerOptions>, "detector" | "moderator" | "log">,
): Promise<Explanation | ErrorAnswer> {
  const { nowMs = Date.now } = options;
  const parsed = parseOptions({ ...options, sources: options.sources ?? {} });
  const { settings, requests, ownSources } = understand(parsed);
  const known = { ...requests, nowMs: nowMs() };
  const meaning = explain(request, known);
  const limits = { maxBytes: settings.limits.sourceMaxBytes, timeoutMs: settings.limits.sourceTimeoutMs };
  const hasSources = parsed.reader !== undefined || (options.sources !== undefined && Object.keys(ownSources).length > 0);
  if (!("bucket" in meaning) || !hasSources) return meaning;
  const { sources, own } = await openFrom(parsed.reader, ownSources, limits);
  try {
    const read = async (bucket: string, key: string) => await sources.read(bucket, key, AbortSignal.timeout(limits.timeoutMs));
    return await explainWith(parseRequest(request, known), read);
  } finally {
    await own?.close();
  }
}

/** The caller's reader, or the sources that settings name, opened. */
async function openFrom(
  reader: Sources | undefined,
  named: Readonly<Record<string, SourceSetting>>,
  limits: Parameters<typeof openSources>[1],
): Promise<{ readonly sources: Sources; readonly own: OpenSources | undefined }> {
  if (reader !== undefined) return { sources: reader, own: undefined };
  const own = await openSources(named, limits);
  return { sources: own, own };
}

/** The meaning with what the source says of its original; of two readings the second when the first names none, as it is served. */
async function explainWith(
  request: ImageRequest,
  read: (bucket: string, key: string) => ReturnType<Sources["read"]>,
): Promise<Explanation | ErrorAnswer> {
  try {
    const found = await read(request.bucket, request.key);
    if (found === undefined && request.otherwise !== undefined) return await explainWith(request.otherwise, read);
    if (found === undefined) throw noSuchKey(request);
    // What the server goes by, whatever the source says.
    const type = typeOf(await beginningOf(found.body));
    const facts: SourceFacts = { ...factsOf(found), ...(type === undefined ? {} : { contentType: type }) };
    return explainMeaning(request, facts);
  } catch (error) {
    return describe(error);
  }
}

/** Enough of an original to tell its kind; of a stream the rest is left where it is. */
async function beginningOf(body: SourceObject["body"]): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= 1_024) break;
  }
  return Buffer.concat(chunks);
}

const isReader = (sources: ImageHandlerOptions["sources"]): sources is Sources =>
  typeof (sources as { read?: unknown } | undefined)?.read === "function";

/** A caller's options, parsed once. Throws `input` `IMAGES_SETTINGS`. */
function parseOptions({
  sources,
  buckets,
  folder,
  detector,
  moderator,
  environment,
  log,
  nowMs,
  ...plain
}: ImageHandlerOptions): OpenOptions {
  const reader = isReader(sources) ? sources : undefined;
  return {
    settings: parseImageSettings({ ...plain, sources: reader === undefined ? sources : {} }),
    reader,
    seams: { buckets, folder, detector, moderator, environment, log, nowMs },
  };
}

/** Settings and classic names together, checked. */
function understand({ settings: own, reader, seams }: OpenOptions): {
  settings: ImageSettings;
  requests: RequestOptions;
  /** None beside a reader. */
  ownSources: Readonly<Record<string, SourceSetting>>;
} {
  const { buckets, folder = process.cwd(), environment = {} } = seams;
  const { settings, requests } = addClassicNames(own, environment, {
    given: buckets,
    unnamed: reader === undefined ? undefined : "default",
  });
  if (reader !== undefined) return { settings, requests, ownSources: {} };
  const named = Object.entries(settings.sources).map(([name, value]) => [name, sourceOf(value, folder)] as const);
  // The classic way has no sources but names of buckets, all of them S3's.
  const classic = requests.buckets
    .filter((bucket) => !(bucket in settings.sources))
    .map((bucket) => [bucket, { kind: "s3", bucket, prefix: "" } satisfies SourceSetting] as const);
  return { settings, requests, ownSources: Object.fromEntries([...named, ...classic]) };
}

function sourceOf(value: ImageSettings["sources"][string], cwd: string): SourceSetting {
  if (typeof value === "string") return readSource(value, cwd);
  if ("folder" in value) return { kind: "folder", folder: path.resolve(cwd, value.folder) };
  if ("url" in value) return { kind: "http", ...value };
  const [bucket = "", ...prefix] = value.s3.replace(/^s3:\/\//, "").split("/");
  const folder = prefix.filter((part) => part !== "").join("/");
  return { kind: "s3", bucket, prefix: folder === "" ? "" : `${folder}/`, region: value.region, endpoint: value.endpoint };
}

async function loadEngine(deps: {
  readonly requests: RequestOptions;
  readonly settings: ImageSettings;
  readonly detectors: Detectors;
  readonly isolated: Isolated;
}): Promise<Engine> {
  const { requests, settings, detectors, isolated } = deps;
  const { detector, moderator } = detectors;
  const { transform } = await import("../engine/pictures/transform.ts");
  const { inputPixels, outputPixels } = settings.limits;
  const limits = {
    ...(inputPixels === undefined ? {} : { maxInputPixels: inputPixels }),
    ...(outputPixels === undefined ? {} : { maxOutputPixels: outputPixels }),
  };
  return {
    parse: (url, nowMs) => parseRequest(url, { ...requests, nowMs }),
    complete: (request, contentType) => completeRequest(request, contentType),
    typeOf,
    pixelsOf: estimatePixels,
    transform: async (original, request, given) => {
      const tools = { ...given, limits, detector, moderator };
      const { load, originalId } = given;
      const seeing = { hasDetector: detector !== undefined, hasModerator: moderator !== undefined };
      const order = { original, request, limits, load, originalId, ...seeing };
      return await transform(original, request, { ...tools, isolated: async () => await isolated.make(order, tools) });
    },
  };
}

function typeOf(original: Uint8Array): string | undefined {
  const kind = sniffPicture(original);
  return kind === undefined ? undefined : sourceType(kind);
}

/** A web-standard request as the service takes it; the target as it stands in the URL. */
function askedOf(request: Request): Asked {
  const { url } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const hash = url.indexOf("#", start);
  return {
    method: request.method,
    target: start < 0 ? "/" : url.slice(start, hash < 0 ? undefined : hash),
    header: (name) => request.headers.get(name) ?? undefined,
    get signal() {
      return request.signal;
    },
  };
}

function responseOf(reply: Reply): Response {
  return new Response(reply.body as Uint8Array<ArrayBuffer> | undefined, { status: reply.status, headers: reply.headers });
}

/** For callers that know only at run time whether pictures are wanted: nothing to serve is a mistake worth telling. */
export function noSources(): StockroomError {
  return new StockroomError(
    "input",
    "IMAGES_NO_SOURCES",
    "Expected at least one source of pictures but there is none. Name one: --source photos=./photos, images.sources in stockroom.yaml, or SOURCE_BUCKETS.",
  );
}
