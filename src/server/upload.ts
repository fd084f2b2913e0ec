// Upload: the bytes of a request's body, as long as they keep coming.

import type { Readable } from "node:stream";
import type { Body } from "../platform/bytes.ts";
import { StockroomError } from "../platform/errors.ts";

/** A sender that brings less than `bytes` in `ms` is taken for a stuck or a malicious one. */
export interface Pace {
  readonly bytes: number;
  readonly ms: number;
}

const usualPace: Pace = { bytes: 64 * 1024, ms: 60_000 };

/**
 * The request's bytes, as long as they keep coming.
 *
 * The iterator leaves the socket alone when its reader stops early, or no error could be answered. Time in which we are the slow one does not count.
 */
export async function* receive(request: Readable, stop: AbortController, onBytes: (bytes: number) => void, pace: Pace = usualPace): Body {
  let sinceMs = 0;
  let sinceBytes = 0;
  const source: AsyncIterator<Uint8Array> = request.iterator({ destroyOnReturn: false });
  for (;;) {
    const begin = performance.now();
    const timer = setTimeout(
      () => {
        const error = new StockroomError(
          "input",
          "UPLOAD_STALLED",
          `Expected at least ${pace.bytes} bytes every ${pace.ms / 1000} seconds but fewer came. Send it again.`,
        );
        stop.abort(error);
        request.destroy(error);
      },
      Math.max(1, pace.ms - sinceMs),
    );
    let next: IteratorResult<Uint8Array>;
    try {
      next = await source.next();
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason;
      throw new StockroomError(
        "input",
        "UPLOAD_BROKEN",
        "Expected the whole body but the connection broke off. Nothing was stored; send it again.",
        {
          cause: error,
        },
      );
    } finally {
      clearTimeout(timer);
    }
    if (next.done === true) return;
    sinceMs += performance.now() - begin;
    sinceBytes += next.value.byteLength;
    if (sinceBytes >= pace.bytes) sinceMs = sinceBytes = 0;
    onBytes(next.value.byteLength);
    yield next.value;
  }
}
