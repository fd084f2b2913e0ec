// Originals: whole, bounded and versioned, however their source hands them over.
//
//   pictures.O1. Equal reads at once are one read, whoever asks: pictures of one original, overlays, the fallback picture.
//   pictures.O2. No original is larger than the limits, whatever its source does; each comes with a version, its digest where the source has none.
//   pictures.O3. Reads of one bucket are bounded (budgets.ts).

import { createHash } from "node:crypto";
import { makeSingleFlight } from "../../platform/concurrency/single-flight.ts";
import type { Stored } from "../store/cache/contract.ts";
import type { SourceObject, Sources } from "../store/sources/contract.ts";
import { gatherWithin, refuseLarge } from "../store/sources/limits.ts";
import type { SourceLimits } from "../store/sources/limits.ts";
import type { Budgets } from "./budgets.ts";
import type { Counts } from "./counts.ts";
import { pastDeadline } from "./problems.ts";
import { sourceIdOf } from "./url-memo.ts";

export interface Original {
  readonly bytes: Uint8Array;
  readonly version: string;
  /** What its source says of it. */
  readonly source: Stored["source"];
}

export interface Originals {
  /** Undefined when there is none. Throws what the source throws, and past the limits `TooLargeImageException`, `ServiceBusy`, `DeadlineExceeded`. */
  read(bucket: string, key: string, signal: AbortSignal): Promise<Original | undefined>;
  /** Reads it only if it is another version now. Absent: the source cannot tell. */
  readonly readIfChanged?: (
    place: { readonly bucket: string; readonly key: string },
    version: string,
    signal: AbortSignal,
  ) => Promise<Original | "unchanged" | undefined>;
}

export interface OriginalsDeps {
  readonly sources: Sources;
  readonly budgets: Pick<Budgets, "readingFrom">;
  readonly counts: Pick<Counts, "reads" | "revalidations">;
  readonly limits: SourceLimits;
  readonly deadlineMs: number;
}

/** Reads through to the sources; keeps nothing. */
export function makeOriginals({ sources, budgets, counts, limits, deadlineMs }: OriginalsDeps): Originals {
  const reads = makeSingleFlight<Original | undefined>({ deadline: { ms: deadlineMs, error: () => pastDeadline(deadlineMs) } });
  const originalOf = async (object: SourceObject, signal: AbortSignal): Promise<Original> => {
    const bytes = await wholeOf(object.body, limits, signal);
    return { bytes, version: object.version ?? versionOf(bytes), source: factsOf(object) };
  };
  return {
    read: async (bucket, key, signal) =>
      await reads.join(sourceIdOf(bucket, key), signal, async (inner) => {
        const leave = await budgets.readingFrom(bucket).enter(1, inner);
        try {
          counts.reads += 1;
          const object = await sources.read(bucket, key, inner);
          return object === undefined ? undefined : await originalOf(object, inner);
        } finally {
          leave();
        }
      }).value,
    ...(sources.readIfChanged === undefined
      ? {}
      : {
          readIfChanged: async ({ bucket, key }, version, signal) => {
            counts.revalidations += 1;
            const answered = await sources.readIfChanged?.(bucket, key, version, signal);
            return answered === undefined || answered === "unchanged" ? answered : await originalOf(answered, signal);
          },
        }),
  };
}

async function wholeOf(body: SourceObject["body"], limits: SourceLimits, signal: AbortSignal): Promise<Uint8Array> {
  if (!(body instanceof Uint8Array)) return await gatherWithin(body, limits, signal);
  refuseLarge(body.byteLength, limits);
  return body;
}

const versionOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64url").slice(0, 24);

/** What a source says of an original, dates as HTTP writes them. */
export function factsOf({ contentType, cacheControl, expires, lastModified }: SourceObject): Stored["source"] {
  const expiresAt = httpDate(expires);
  const modifiedAt = httpDate(lastModified);
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
    ...(expiresAt === undefined ? {} : { expires: expiresAt }),
    ...(modifiedAt === undefined ? {} : { lastModified: modifiedAt }),
  };
}

function httpDate(value: string | Date | undefined): string | undefined {
  if (value === undefined || value === "") return undefined;
  const date = value instanceof Date ? value : new Date(value);
  // What is no date is passed on as it came, as the classic handler does; JavaScript would read `Expires: 0` as a day of the year 2000.
  const isDate = value instanceof Date || /[a-z]{3}|^\d{4}-\d\d-\d\d/i.test(value);
  return isDate && !Number.isNaN(date.getTime()) ? date.toUTCString() : String(value);
}
