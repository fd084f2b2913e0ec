// Problem: an error as it goes over HTTP (RFC 9457, application/problem+json).
//
// The members of the standard stand beside those of our own error record, so that whoever knows either reads it.

import { z } from "zod";
import { meanings, type ErrorKind, type ErrorRecord } from "../errors.ts";

export const problemType = "application/problem+json";

/** In a few words, the same for every error of a kind. */
const titles = {
  input: "The request cannot be taken as it is",
  missing: "There is no such thing",
  denied: "Not allowed",
  conflict: "It does not fit how things are",
  busy: "Not now",
  fault: "The server failed",
} as const satisfies Record<ErrorKind, string>;

const kinds = ["input", "missing", "denied", "conflict", "busy", "fault"] as const satisfies readonly ErrorKind[];

/** Where in what was sent or read it went wrong; only what is known. */
const place = z.strictObject({
  /** A file or an object's key. */
  file: z.string().optional(),
  line: z.number().optional(),
  column: z.number().optional(),
});

/** What goes out instead of an answer. */
export const problem = z
  .strictObject({
    /** `urn:stockroom:problem:CODE`: a name, not an address. */
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    /** What was expected, what came, and what to do. */
    detail: z.string(),
    /** Stable; may be relied on. */
    code: z.string(),
    kind: z.enum(kinds),
    /** What to do, of `detail`; absent where it says nothing of that. */
    remedy: z.string().optional(),
    place: place.optional(),
    /** The same as `detail`. */
    message: z.string(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  })
  .meta({ id: "Problem" });

export type Problem = z.output<typeof problem>;

/** An error as it goes out; `status` when it is another than its kind has. */
export function problemOf(record: ErrorRecord, status: number = meanings[record.kind].status): Problem {
  const { kind, code, message, facts } = record;
  const remedy = remedyOf(message);
  const { file, line, column } = facts;
  const where = {
    ...(typeof file === "string" ? { file } : {}),
    ...(typeof line === "number" ? { line } : {}),
    ...(typeof column === "number" ? { column } : {}),
  };
  return {
    type: `urn:stockroom:problem:${code}`,
    title: titles[kind],
    status,
    detail: message,
    code,
    kind,
    ...(remedy === undefined ? {} : { remedy }),
    ...(Object.keys(where).length === 0 ? {} : { place: where }),
    message,
    facts: Object.fromEntries(Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
  };
}

/** Every text of ours is "Expected X but Y. What to do.": what follows the sentence that begins so. A list of problems has no one remedy. */
export function remedyOf(message: string): string | undefined {
  if (!message.startsWith("Expected ") || message.includes("\n")) return undefined;
  const end = /[.!?] (?=["'`(A-Z])/.exec(message);
  return end === null ? undefined : message.slice(end.index + 2).trim() || undefined;
}
