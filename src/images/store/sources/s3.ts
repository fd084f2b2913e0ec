// S3: originals from buckets, over the official client, which is loaded only when a source asks for it.
//
//   B1. Credentials, region and endpoint come from where every AWS tool takes them (environment, profile, instance role).
//   B2. The version is the ETag; looking whether it changed costs one conditional GET.

import { describeError, StockroomError } from "../../../platform/errors.ts";
import type { Source, SourceObject } from "./contract.ts";
import { gatherWithin, refuseLarge } from "./limits.ts";
import type { SourceLimits } from "./limits.ts";

export interface S3SourceOptions {
  readonly bucket: string;
  /** Put before every key, with its slash: `shop/`. */
  readonly prefix?: string;
  readonly region?: string | undefined;
  /** Another server that speaks S3; addressed by path, as most of them want it. */
  readonly endpoint?: string | undefined;
  readonly limits: SourceLimits;
}

/** Opens a bucket. Nothing is asked of it yet. Throws `input` `IMAGE_SOURCE_S3` when the client is not installed. */
export async function openS3({ bucket, prefix = "", region, endpoint, limits }: S3SourceOptions): Promise<Source> {
  const { GetObjectCommand, ListObjectsV2Command, S3Client } = await import("@aws-sdk/client-s3").catch((cause: unknown) => {
    throw new StockroomError(
      "input",
      "IMAGE_SOURCE_S3",
      "Expected the package @aws-sdk/client-s3 for s3:// sources but it is not installed. Run: npm install @aws-sdk/client-s3",
      { cause },
    );
  });
  const client = new S3Client({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: 2,
  });

  const readUnless = async (
    key: string,
    known: string | undefined,
    signal: AbortSignal,
  ): Promise<SourceObject | "unchanged" | undefined> => {
    const timeout = AbortSignal.timeout(limits.timeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    try {
      const answer = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: prefix + key, ...(known === undefined ? {} : { IfNoneMatch: known }) }),
        { abortSignal: either },
      );
      refuseLarge(answer.ContentLength ?? 0, limits);
      const body = answer.Body as AsyncIterable<Uint8Array> | undefined;
      return {
        body: body === undefined ? new Uint8Array() : await gatherWithin(body, limits, either),
        contentType: answer.ContentType,
        cacheControl: answer.CacheControl,
        expires: answer.ExpiresString,
        lastModified: answer.LastModified,
        version: answer.ETag,
      };
    } catch (error) {
      const { code, message } = describeError(error);
      const name = error instanceof Error ? error.name : code;
      const status = statusOf(error);
      if (status === 304) return "unchanged";
      if (name === "NoSuchKey" || name === "NotFound") return undefined;
      if (signal.aborted || name === "StockroomError") throw error;
      if (timeout.aborted || name === "TimeoutError") {
        throw new StockroomError(
          "busy",
          "ImageSource::TimedOut",
          `Expected the original within ${limits.timeoutMs} ms but S3 was slower. Try again.`,
          {
            facts: { status: 424 },
            cause: error,
          },
        );
      }
      throw new StockroomError(
        "fault",
        name,
        `Expected to read from the bucket ${bucket} but S3 says: ${message}. Look at its policy and at our credentials.`,
        {
          cause: error,
        },
      );
    }
  };

  return {
    read: async (key, signal) => (await readUnless(key, undefined, signal)) as SourceObject | undefined,
    readIfChanged: async (key, version, signal) => await readUnless(key, version, signal),
    list: async (most) => {
      const answer = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: Math.min(most, 1000) }));
      return (answer.Contents ?? []).map((one) => (one.Key ?? "").slice(prefix.length)).filter((key) => key !== "");
    },
    close: async () => client.destroy(),
  };
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("$metadata" in error)) return undefined;
  const { httpStatusCode } = error.$metadata as { httpStatusCode?: number };
  return httpStatusCode;
}
