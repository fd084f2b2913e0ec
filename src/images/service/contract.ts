// Contract: a request and an answer, free of any protocol, and what the service asks of the engine.

import type { ImageRequest, UrlRequest } from "../engine/plan.ts";

/** A request as HTTP, Lambda or a caller of the library put it. */
export interface Asked {
  readonly method: string;
  /** Path and query as they stood in the request line. */
  readonly target: string;
  /** A request header by its lower-case name. */
  header(name: string): string | undefined;
  /** Aborts when the caller has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** How an answer came about, for the log and the metrics. */
export type Outcome = "hit" | "disk" | "stale" | "made" | "joined" | "unchanged" | "refused" | "failed";

/** An answer as HTTP, Lambda or the library give it on. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent for HEAD, 304 and 204. */
  readonly body: Uint8Array | undefined;
  readonly outcome: Outcome;
  /** The error's code, when it is one. */
  readonly code?: string;
}

/** What the engine does for the service. */
export interface Engine {
  parse(url: UrlRequest, nowMs: number): ImageRequest;
  /** Completes a request with what is known of its original. */
  complete(request: ImageRequest, contentType: string | undefined): ImageRequest;
  /** The type of an original by its first bytes; sources say what they like. */
  typeOf?(original: Uint8Array): string | undefined;
  transform(
    original: Uint8Array,
    request: ImageRequest,
    tools: TransformTools,
  ): Promise<{ readonly body: Uint8Array; readonly contentType: string; readonly notes?: readonly string[] }>;
  /** About how many pixels an original holds; cheap, for the semaphore only. */
  pixelsOf?(original: Uint8Array): number;
}

export interface TransformTools {
  readOverlay(bucket: string, key: string, signal: AbortSignal): Promise<Uint8Array>;
  readonly signal: AbortSignal;
  /** Of the original, for what is remembered of it (faces). */
  readonly originalId: string;
  /** Pictures at work and waiting, for a place in the queue, 0 when idle. */
  readonly load: number;
}
