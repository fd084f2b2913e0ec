// Limits: how large an original may be and how long it may take to come, the same for every source.

import { StockroomError } from "../../../platform/errors.ts";

export interface SourceLimits {
  /** The largest original. */
  readonly maxBytes: number;
  /** From the first request to the last byte, redirects included. */
  readonly timeoutMs: number;
}

/** Throws `input` `TooLargeImageException` (413) above the limit. */
export function refuseLarge(bytes: number, { maxBytes }: SourceLimits): void {
  if (bytes <= maxBytes) return;
  throw new StockroomError(
    "input",
    "TooLargeImageException",
    `Expected an original of at most ${maxBytes} bytes but it has ${bytes} or more. Use a smaller one, or raise images.limits.sourceMaxBytes.`,
    { facts: { status: 413 } },
  );
}

/** Gathers a stream into one array, stopping at the limit; an abort ends the wait at once. */
export async function gatherWithin(
  stream: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  limits: SourceLimits,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    signal?.throwIfAborted();
    total += chunk.byteLength;
    refuseLarge(total, limits);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, total);
}
