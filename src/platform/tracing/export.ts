// Export: spans to a collector over OTLP/HTTP, where the settings or OpenTelemetry's own variables name one.

import { readFile } from "node:fs/promises";
import { context, trace } from "@opentelemetry/api";
import type { Log } from "../log.ts";

export interface TracingSettings {
  /** A collector's address, such as http://127.0.0.1:4318; absent: that of OTEL_EXPORTER_OTLP_ENDPOINT, or no spans are made. */
  readonly endpoint?: string | undefined;
  /** Of traces that begin here; those that a caller began are kept as the caller says. */
  readonly share: number;
}

export interface OpenTracingOptions {
  readonly settings: TracingSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Names this process among others. */
  readonly instance: string;
  readonly log: Log;
}

/**
 * Begins to make and send spans; undefined where nothing asks for them. The first in a process counts. What the collector does not take is dropped: a
 * lost span is no reason to wait. `close` sends what is left, for at most five seconds.
 */
export async function openTracing({ settings, env, instance, log }: OpenTracingOptions): Promise<{ close(): Promise<void> } | undefined> {
  const { endpoint } = settings;
  const named = [endpoint, env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"], env["OTEL_EXPORTER_OTLP_ENDPOINT"]].some(
    (value) => value !== undefined && value !== "",
  );
  if (!named || env["OTEL_SDK_DISABLED"] === "true") return undefined;
  const { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } = await import("@opentelemetry/sdk-trace");
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  const { AsyncLocalStorageContextManager } = await import("@opentelemetry/context-async-hooks");
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  const { version }: { version: string } = JSON.parse(await readFile(new URL("../../../package.json", import.meta.url), "utf8"));
  // OpenTelemetry's own variables name headers, certificates and limits; the address in the settings goes before theirs.
  const exporter = new OTLPTraceExporter(endpoint === undefined ? {} : { url: new URL("v1/traces", endsInSlash(endpoint)).href });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": env["OTEL_SERVICE_NAME"] ?? "stockroom",
      "service.version": version,
      "service.instance.id": instance,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.share) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1_000, exportTimeoutMillis: 5_000 })],
  });
  const manager = new AsyncLocalStorageContextManager().enable();
  if (!context.setGlobalContextManager(manager) || !trace.setGlobalTracerProvider(provider)) {
    manager.disable();
    await provider.shutdown();
    log.debug("tracing is open in this process already");
    return undefined;
  }
  return {
    close: async () => {
      await provider.shutdown().catch((error: unknown) => log.warn("the last spans could not be sent", { error }));
      trace.disable();
      context.disable();
    },
  };
}

const endsInSlash = (address: string): string => (address.endsWith("/") ? address : `${address}/`);
