// The settings of the image module: one schema for `stockroom.yaml`, the library's options and what the classic environment names mean.
//
// A classic name wins over the settings file where both say something: it is how the sites that move here are run.

import { readFileSync } from "node:fs";
import { z } from "zod";
import { bytes, duration, secret } from "../../platform/config/index.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { RequestOptions } from "../engine/plan.ts";
import { findOptionProblems, readEnvironment } from "../engine/requests/index.ts";

const source = z
  .union([
    z.string().min(1),
    z.strictObject({ folder: z.string().min(1) }),
    z.strictObject({
      s3: z.string().min(3).describe("bucket, or bucket/prefix"),
      region: z.string().min(1).optional(),
      endpoint: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe("another server that speaks S3"),
    }),
    z.strictObject({
      url: z.url({ protocol: /^https?$/ }),
      hosts: z.array(z.string().min(1)).default([]).describe("further hosts that may be asked: img.example.com, *.example.com"),
      allowPrivate: z.boolean().default(false).describe("the origin stands in our own network, on purpose"),
    }),
  ])
  .meta({ expected: "a folder, s3://bucket/prefix, https://host/folder, or a map with folder, s3 or url" });

const preset = z.strictObject({
  edits: z.record(z.string(), z.unknown()).optional().describe("edits as a Base64 URL holds them"),
  outputFormat: z.string().min(1).optional().describe("jpeg, png, webp, avif, ..."),
  quality: z.int().min(1).max(100).optional().describe("of that format"),
});

export const imageSettings = z.strictObject({
  sources: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/), source)
    .default({})
    .describe("bucket name -> where its originals are; the first is the default"),
  compat: z.enum(["open", "strict"]).default("open").describe("strict: exactly as the classic handler, also where ours is better"),
  autoWebp: z.boolean().default(false).describe("answer WebP to browsers that take it (AUTO_WEBP)"),
  autoAvif: z.boolean().default(false).describe("answer AVIF to browsers that take it"),
  clientHints: z.boolean().default(false).describe("heed DPR, Width and Viewport-Width"),
  signature: z
    .strictObject({
      enabled: z.boolean().default(false).describe("whether URLs must be signed (ENABLE_SIGNATURE)"),
      keys: z.array(secret()).meta({ secret: "whole", description: "Accepted keys; the first one signs." }).default([]),
      thumbor: z.boolean().optional().describe("whether thumbor's own signatures count too"),
      allowUnsafe: z.boolean().default(false).describe("whether /unsafe/ paths need none"),
    })
    .prefault({}),
  rewrite: z
    .strictObject({
      pattern: z.string().min(1).describe("of paths of your own: /regex/flags (REWRITE_MATCH_PATTERN)"),
      substitution: z.string().describe("what the match becomes (REWRITE_SUBSTITUTION)"),
    })
    .optional(),
  presets: z.record(z.string().min(1), preset).default({}).describe("named edits: ?preset=NAME"),
  policy: z
    .strictObject({
      only: z.literal("presets").optional().describe("URLs may name presets and nothing else"),
      sizes: z.array(z.int().min(1)).optional().describe("widths and heights that URLs may ask for"),
      formats: z.array(z.string().min(1)).optional().describe("formats that URLs may ask for"),
      edits: z.array(z.string().min(1)).optional().describe("edits that URLs may ask for"),
    })
    .optional(),
  faces: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("local"),
        minConfidence: z.number().min(0).max(1).default(0.5).describe("faces that are less sure are none"),
      }),
      z.strictObject({
        kind: z.literal("http"),
        url: z.url({ protocol: /^https?$/ }).describe("what the picture is posted to"),
        headers: z.record(z.string(), secret()).default({}).describe("further headers of each request"),
      }),
      z.strictObject({ kind: z.literal("rekognition"), region: z.string().min(1).optional().describe("of AWS") }),
      z.strictObject({ kind: z.literal("none") }),
    ])
    .prefault({ kind: "local" })
    .describe("who finds faces; without any, the part of the picture that draws the eye is kept"),
  moderation: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("http"),
        url: z.url({ protocol: /^https?$/ }).describe("what the picture is posted to"),
        headers: z.record(z.string(), secret()).default({}).describe("further headers of each request"),
      }),
      z.strictObject({ kind: z.literal("rekognition"), region: z.string().min(1).optional().describe("of AWS") }),
    ])
    .optional()
    .describe("who names what should not be shown"),
  cors: z
    .strictObject({ origin: z.string().min(1).describe("Access-Control-Allow-Origin of every answer (CORS_ENABLED, CORS_ORIGIN)") })
    .optional(),
  fallback: z
    .strictObject({ bucket: z.string().min(1).describe("one of the sources"), key: z.string().min(1).describe("of the picture") })
    .optional()
    .describe("answered, with the error's status, instead of every error"),
  cache: z
    .strictObject({
      memoryMaxBytes: bytes({ description: "Finished pictures kept in memory." }).prefault("64 MiB"),
      folder: z
        .string()
        .min(1)
        .meta({ path: true, description: "Folder for finished pictures, plain files; absent: memory only." })
        .optional(),
      diskMaxBytes: bytes({ description: "Bound of that folder." }).prefault("2 GiB"),
      freshMs: duration({ description: "How long an original counts as unchanged without asking its source." }).prefault("1 min"),
      staleMs: duration({ description: "How long after that the old answer is given while the new one is made." }).prefault("1 d"),
      missingMs: duration({ description: "How long a missing original counts as missing." }).prefault("5 s"),
    })
    .prefault({}),
  limits: z
    .strictObject({
      deadlineMs: duration({ description: "Longest time to an answer." }).prefault("30 s"),
      concurrency: z.int().min(1).max(64).optional().describe("pictures at work at once; absent: as many as cores, from 2 to 4"),
      maxWaiting: z.int().min(0).max(100_000).default(256).describe("pictures that may wait; past it the answer is 503 with Retry-After"),
      pixelsInFlight: z.int().min(1_000_000).default(100_000_000).describe("pixels of originals at work at once"),
      inputPixels: z.int().min(1).optional().describe("pixels of an original"),
      outputPixels: z.int().min(1).optional().describe("pixels of an answer"),
      sourceMaxBytes: bytes({ description: "Largest original." }).prefault("50 MiB"),
      sourceTimeoutMs: duration({ description: "Longest time for an original to come." }).prefault("10 s"),
    })
    .prefault({}),
  metrics: z.boolean().default(false).describe("answer /metrics to callers of this machine (stockroom up images)"),
  playground: z
    .strictObject({
      sign: z.boolean().default(false).describe("let the playground sign URLs: whoever reaches it can then ask for everything"),
    })
    .prefault({}),
  accessLog: z.boolean().default(true).describe("one JSON line a request (stockroom up images)"),
});

export type ImageSettings = z.output<typeof imageSettings>;
export type ImageSettingsInput = z.input<typeof imageSettings>;
export type SourceValue = ImageSettings["sources"][string];

/** Names of the classic environment and their texts. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReadSettings {
  readonly settings: ImageSettings;
  /** What decides the meaning of URLs. */
  readonly requests: RequestOptions;
}

/** The settings of a caller of the library. Throws `input` `IMAGES_SETTINGS`, all problems at once. */
export function parseImageSettings(given: unknown): ImageSettings {
  const parsed = imageSettings.safeParse(given);
  if (parsed.success) return parsed.data;
  throw badSettings(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`));
}

function badSettings(problems: readonly string[]): StockroomError {
  const found = problems.map((problem) => `images.${problem}`).join("; ");
  return new StockroomError("input", "IMAGES_SETTINGS", `Expected settings without mistakes but found: ${found}. Correct them.`);
}

/**
 * Puts our settings and the classic names together. `buckets` wins over both for what URLs may name; `unnamed` stands in when nobody names any.
 *
 * Throws `input` `IMAGES_ENVIRONMENT`, or `IMAGES_SETTINGS` for a rewrite, preset or policy that cannot be, all problems at once.
 */
export function addClassicNames(
  own: ImageSettings,
  environment: Environment,
  buckets: { readonly given?: readonly string[] | undefined; readonly unnamed?: string | undefined } = {},
): ReadSettings {
  // Signatures that the settings demand may have their key in the classic place.
  const env = own.signature.enabled && own.signature.keys.length === 0 ? { ...environment, ENABLE_SIGNATURE: "Yes" } : environment;
  const classic = readEnvironment(env, (path) => readFileSync(path, "utf8"));
  const settings: ImageSettings = {
    ...own,
    ...(classic.cors === undefined ? {} : { cors: classic.cors }),
    ...(classic.fallback === undefined ? {} : { fallback: classic.fallback }),
    limits: { ...own.limits, ...(classic.maxInputPixels === undefined ? {} : { inputPixels: classic.maxInputPixels }) },
  };
  const { compat, autoWebp, autoAvif, clientHints, rewrite, presets, policy, signature } = settings;
  const named = buckets.given ?? classic.request.buckets ?? Object.keys(settings.sources);
  const keys = classic.request.signature?.keys ?? (signature.enabled ? signature.keys : undefined);
  const requests: RequestOptions = {
    buckets: named.length === 0 && buckets.unnamed !== undefined ? [buckets.unnamed] : named,
    compat,
    autoWebp: classic.request.autoWebp ?? autoWebp,
    autoAvif,
    clientHints,
    presets,
    ...(policy === undefined ? {} : { policy }),
    ...(classic.request.rewrite === undefined ? (rewrite === undefined ? {} : { rewrite }) : { rewrite: classic.request.rewrite }),
    ...(keys === undefined
      ? {}
      : {
          signature: {
            keys,
            allowUnsafe: signature.allowUnsafe,
            ...(signature.thumbor === undefined ? {} : { thumbor: signature.thumbor }),
          },
        }),
  };
  const problems = findOptionProblems(requests);
  if (problems.length > 0) throw badSettings(problems);
  return { settings, requests };
}
