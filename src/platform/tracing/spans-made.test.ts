import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeEach, expect, test } from "vitest";
import { StockroomError, type ErrorKind } from "../errors.ts";
import { currentTrace, inTrace, traced, type SpanOptions } from "./spans.ts";

const made = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: made })] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(provider);
afterAll(async () => {
  await provider.shutdown();
  trace.disable();
  context.disable();
});
beforeEach(() => made.reset());

const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

test("a trace that was kept goes on in what is done in it, and is kept again as it was", async () => {
  expect(inTrace(given, currentTrace)).toBe(given);
  await traced("work", { kind: "server", parent: given }, async () => {
    expect(currentTrace()).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[\da-f]{16}-01$/);
    await traced("part", {}, async () => await Promise.resolve());
  });
  const [part, work] = made.getFinishedSpans();
  expect([work?.name, work?.kind, work?.parentSpanContext?.spanId]).toEqual(["work", SpanKind.SERVER, "00f067aa0ba902b7"]);
  expect(part?.parentSpanContext?.spanId).toBe(work?.spanContext().spanId);
});

test.each([
  null,
  "",
  "00-xyz-1-01",
  `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
  `00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01`,
])("of %j nothing goes on", async (parent) => {
  await traced("work", { parent }, async () => await Promise.resolve());
  const [work] = made.getFinishedSpans();
  expect(work?.parentSpanContext).toBeUndefined();
  expect(work?.spanContext().traceId).toMatch(/^(?!0+$|4bf92f)[\da-f]{32}$/);
});

test.each([
  ["server", "input", SpanStatusCode.UNSET],
  ["server", "missing", SpanStatusCode.UNSET],
  ["server", "denied", SpanStatusCode.UNSET],
  ["server", "conflict", SpanStatusCode.UNSET],
  ["server", "busy", SpanStatusCode.ERROR],
  ["server", "fault", SpanStatusCode.ERROR],
  ["consumer", "input", SpanStatusCode.ERROR],
  [undefined, "input", SpanStatusCode.ERROR],
] as const)("a span of kind %s that ends in an error of kind %s has the status %i, and its code", async (kind, of: ErrorKind, status) => {
  const options: SpanOptions = kind === undefined ? {} : { kind };
  const failing = traced("work", options, async () => {
    await Promise.resolve();
    throw new StockroomError(of, "SOME_CODE", "Expected a kettle but there was none. Buy one.");
  });
  await expect(failing).rejects.toThrow("a kettle");
  const [work] = made.getFinishedSpans();
  expect([work?.status.code, work?.attributes["error.type"]]).toEqual([status, "SOME_CODE"]);
  expect(JSON.stringify([work?.status, work?.events])).not.toContain("kettle");
});
