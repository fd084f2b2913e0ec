// Export: spans to a collector over OTLP/HTTP, where the settings or OpenTelemetry's own variables name one.

import { readFile } from "node:fs/promises";
import { context, diag, DiagLogLevel, trace, type DiagLogger } from "@opentelemetry/api";
import { systemClock, type Clock } from "../time.ts";
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
 * Begins to make and send spans; undefined where nothing asks for them. The first in a process counts. What the collector does not take is dropped, told
 * in the log now and then: a lost span is no reason to wait. `close` sends what is left, for at most five seconds.
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
  diag.setLogger(toldNowAndThen(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
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
      diag.disable();
    },
  };
}

const endsInSlash = (address: string): string => (address.endsWith("/") ? address : `${address}/`);

const quietMs = 600_000;

/** The exporter writes an error as JSON with its stack. */
const plain = (text: string): string => {
  try {
    const { message }: { readonly message?: unknown } = JSON.parse(text);
    return typeof message === "string" ? message : text;
  } catch {
    return text;
  }
};

/** OpenTelemetry's own complaints in our log: the first, then at most one in ten minutes. A collector that is away would fill it otherwise. */
export function toldNowAndThen(log: Pick<Log, "warn">, clock: Pick<Clock, "now"> = systemClock): DiagLogger {
  let toldAt = Number.NEGATIVE_INFINITY;
  const tell = (message: string, ...more: readonly unknown[]): void => {
    if (clock.now() - toldAt < quietMs) return;
    toldAt = clock.now();
    log.warn("spans are lost: the collector of tracing.endpoint does not take them", {
      error: [plain(message), ...more.map(String)].join(" ").slice(0, 500),
    });
  };
  const none = (): void => {};
  return { error: tell, warn: tell, info: none, debug: none, verbose: none };
}
