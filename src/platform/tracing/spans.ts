// Spans: what the app does, for OpenTelemetry: one trace from an upload over its events, runs and steps to the notice.
//
// Owns: making spans, and the form in which a trace is kept in rows. Does not own: where spans go (export.ts); without that they cost next to nothing.
//   T1. A row that makes work (an event, a run) keeps the trace of what wrote it, so that whoever takes it up, hours later or elsewhere, goes on in it.
//   T2. Spans hold names, keys and ids as the log does, of an error its code alone.

import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type SpanContext,
} from "@opentelemetry/api";
import { describeError, meanings } from "../errors.ts";

const tracer = () => trace.getTracer("stockroom");

/** The trace at hand as W3C Trace Context writes it (`traceparent`); null: none. For a column of a row that makes work. */
export function currentTrace(): string | null {
  const span = trace.getSpanContext(context.active());
  if (span === undefined || !isSpanContextValid(span)) return null;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, "0")}`;
}

/** The context that a `traceparent` tells of; none of its own where it is absent or broken. */
function contextOf(traceparent: string | null | undefined): Context {
  const [, traceId = "", spanId = "", flags = ""] = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(traceparent ?? "") ?? [];
  const span: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(span) ? trace.setSpanContext(ROOT_CONTEXT, span) : ROOT_CONTEXT;
}

/** Does `work` in a trace that was kept, without a span of its own. */
export const inTrace = <T>(kept: string | null | undefined, work: () => T): T => context.with(contextOf(kept), work);

export interface SpanOptions {
  readonly attributes?: Attributes;
  /** Of an answer to a caller, or of work taken from a queue. Default: within. */
  readonly kind?: "server" | "consumer";
  /** The trace it goes on, as a row or a caller brought it; null: it begins one. Absent: that of the work at hand. */
  readonly parent?: string | null | undefined;
}

const kinds = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER } as const;

/** Does `work` under a span. Throws what it throws; the span then holds the error's code, and has failed unless the caller alone is to blame. */
export async function traced<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const { attributes = {}, kind } = options;
  const from = "parent" in options ? contextOf(options.parent) : context.active();
  const span = tracer().startSpan(name, { attributes, kind: kind === undefined ? SpanKind.INTERNAL : kinds[kind] }, from);
  return await context.with(trace.setSpan(from, span), async () => {
    try {
      return await work();
    } catch (error) {
      const { code, kind: of } = describeError(error);
      span.setAttribute("error.type", code);
      // OpenTelemetry's rule for HTTP: an answer of 4xx is no error of the server.
      if (kind !== "server" || meanings[of].status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      throw error;
    } finally {
      span.end();
    }
  });
}
