// Environment: the classic handler's names as our options.
//
//   V1. All problems are told at once, each with its name, what was expected and what came; secrets are never shown.
//   V2. Names that are not given say nothing: what comes back holds only what the environment decided.

import { StockroomError } from "../../../platform/errors.ts";
import type { RequestOptions } from "../plan.ts";
import { parsePattern } from "./kind.ts";
import { show } from "./refusal.ts";

/** What the classic names say. */
export interface ClassicSettings {
  readonly request: Partial<Pick<RequestOptions, "buckets" | "autoWebp" | "signature" | "rewrite">>;
  /** Present when CORS is on. */
  readonly cors?: { readonly origin: string };
  /** The picture that answers errors, with their status. */
  readonly fallback?: { readonly bucket: string; readonly key: string };
  /** Most pixels of an original. */
  readonly maxInputPixels?: number;
}

/** The names that are read here, for documents and `explain --env`. */
export const classicNames = [
  "SOURCE_BUCKETS",
  "AUTO_WEBP",
  "ENABLE_SIGNATURE",
  "SIGNATURE_SECRET",
  "SIGNATURE_SECRET_FILE",
  "REWRITE_MATCH_PATTERN",
  "REWRITE_SUBSTITUTION",
  "CORS_ENABLED",
  "CORS_ORIGIN",
  "ENABLE_DEFAULT_FALLBACK_IMAGE",
  "DEFAULT_FALLBACK_IMAGE_BUCKET",
  "DEFAULT_FALLBACK_IMAGE_KEY",
  "SHARP_SIZE_LIMIT",
] as const;

type Name = (typeof classicNames)[number];

/**
 * Reads the classic names. `readText` reads the file of SIGNATURE_SECRET_FILE (one key a line, the first one signs); without it a file is a problem.
 *
 * Throws `IMAGES_ENVIRONMENT` (input) with every problem.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>, readText?: (path: string) => string): ClassicSettings {
  const problems: string[] = [];
  const wrong = (name: Name, expected: string, got: string): void =>
    void problems.push(`${name}: expected ${expected} but received ${got}`);
  const text = (name: Name): string | undefined => {
    const value = env[name]?.trim();
    return value === "" ? undefined : value;
  };
  const isOn = (name: Name): boolean => {
    const value = text(name);
    if (value === undefined || /^(?:no|false|0)$/i.test(value)) return false;
    if (/^(?:yes|true|1)$/i.test(value)) return true;
    wrong(name, "Yes or No", show(value));
    return false;
  };

  const buckets = readBuckets(text("SOURCE_BUCKETS"), () => wrong("SOURCE_BUCKETS", "names parted by commas", show(env["SOURCE_BUCKETS"])));
  const autoWebp = text("AUTO_WEBP") === undefined ? undefined : isOn("AUTO_WEBP");
  const signature = isOn("ENABLE_SIGNATURE") ? { keys: readKeys(env, readText, problems) } : undefined;
  // Blanks may be meant in these two.
  const rewrite = readRewriteNames(env["REWRITE_MATCH_PATTERN"] || undefined, env["REWRITE_SUBSTITUTION"] || undefined, wrong);
  const cors = isOn("CORS_ENABLED") ? { origin: text("CORS_ORIGIN") ?? "*" } : undefined;
  const fallbackBucket = text("DEFAULT_FALLBACK_IMAGE_BUCKET");
  const fallbackKey = text("DEFAULT_FALLBACK_IMAGE_KEY");
  const hasFallback = isOn("ENABLE_DEFAULT_FALLBACK_IMAGE");
  if (hasFallback && fallbackBucket === undefined) wrong("DEFAULT_FALLBACK_IMAGE_BUCKET", "the bucket of the fallback image", "nothing");
  if (hasFallback && fallbackKey === undefined) wrong("DEFAULT_FALLBACK_IMAGE_KEY", "the key of the fallback image", "nothing");
  const limit = text("SHARP_SIZE_LIMIT");
  const maxInputPixels = limit === undefined ? undefined : Number(limit);
  // 0 would lift the limit; nothing here serves pictures without one.
  if (maxInputPixels !== undefined && !(Number.isSafeInteger(maxInputPixels) && maxInputPixels > 0)) {
    wrong("SHARP_SIZE_LIMIT", "a whole number of pixels above 0", show(limit));
  }

  if (problems.length > 0) {
    throw new StockroomError("input", "IMAGES_ENVIRONMENT", `${problems.join("; ")}. Correct the environment.`, {
      facts: { problems: problems.length },
    });
  }
  return {
    request: {
      ...(buckets === undefined ? {} : { buckets }),
      ...(autoWebp === undefined ? {} : { autoWebp }),
      ...(signature === undefined ? {} : { signature }),
      ...(rewrite === undefined ? {} : { rewrite }),
    },
    ...(cors === undefined ? {} : { cors }),
    ...(hasFallback && fallbackBucket !== undefined && fallbackKey !== undefined
      ? { fallback: { bucket: fallbackBucket, key: fallbackKey } }
      : {}),
    ...(maxInputPixels === undefined ? {} : { maxInputPixels }),
  };
}

function readBuckets(value: string | undefined, wrong: () => void): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const names = value.replaceAll(/\s+/g, "").split(",").filter(Boolean);
  if (names.length === 0) wrong();
  return names;
}

function readKeys(
  env: Readonly<Record<string, string | undefined>>,
  readText: ((path: string) => string) | undefined,
  problems: string[],
): readonly string[] {
  const given = env["SIGNATURE_SECRET"];
  const file = env["SIGNATURE_SECRET_FILE"];
  const keys: string[] = given === undefined || given === "" ? [] : [given];
  if (file !== undefined && file !== "") {
    try {
      if (readText === undefined) throw new Error("no file can be read here");
      keys.push(...readText(file).split(/\r?\n/).filter(Boolean));
    } catch (error) {
      const why = error instanceof Error && "code" in error ? String(error.code) : "it cannot be read";
      problems.push(`SIGNATURE_SECRET_FILE: expected a file with one key a line but ${why}`);
      return keys;
    }
  }
  if (keys.length === 0)
    problems.push("SIGNATURE_SECRET: expected a key (or SIGNATURE_SECRET_FILE) because ENABLE_SIGNATURE is Yes, but received nothing");
  return keys;
}

function readRewriteNames(
  pattern: string | undefined,
  substitution: string | undefined,
  wrong: (name: Name, expected: string, got: string) => void,
): RequestOptions["rewrite"] {
  // One alone does nothing in the classic handler; as nobody sets it for nothing, it is told.
  if (pattern !== undefined && substitution === undefined) wrong("REWRITE_SUBSTITUTION", "a text beside REWRITE_MATCH_PATTERN", "nothing");
  if (pattern === undefined && substitution !== undefined)
    wrong("REWRITE_MATCH_PATTERN", "a pattern beside REWRITE_SUBSTITUTION", "nothing");
  if (pattern !== undefined && parsePattern(pattern) === undefined) wrong("REWRITE_MATCH_PATTERN", "/regex/flags", show(pattern));
  return pattern === undefined || substitution === undefined ? undefined : { pattern, substitution };
}
