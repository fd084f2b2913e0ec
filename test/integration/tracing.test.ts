// One trace from an upload over its event, its runs and steps to the notice, as a collector of OpenTelemetry receives it over OTLP/HTTP.

import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openServed, settled, waitFor, type ServedApp } from "../kit/app.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}
interface Posted {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

const spans: Span[] = [];
const asked: string[] = [];
let collector: Server;
let served: ServedApp;

beforeAll(async () => {
  collector = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { resourceSpans }: Posted = JSON.parse(Buffer.concat(parts).toString());
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const address = collector.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  served = await openServed({ STOCKROOM_TRACING_ENDPOINT: `http://127.0.0.1:${port}` });
}, 120_000);
afterAll(async () => {
  await served.close();
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
});

const upload = async (key: string, body: string, headers: Record<string, string> = {}): Promise<void> => {
  const answer = await fetch(`${served.server.url}/objects/${key}`, { method: "PUT", body, headers });
  expect(answer.ok).toBe(true);
  await settled(served.app);
};
const named = (trace: string): readonly Span[] => spans.filter(({ traceId }) => traceId === trace);

describe("a trace", () => {
  test("goes from an upload to the notice of what was wrong with it, each span below the one that made it", async () => {
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const rows = Array.from(
      { length: 90 },
      (_, i) => `g${i},GBR,${i % 2 === 0 ? "kettle steel" : "phone case"} ${i},${i % 2 === 0 ? "K" : "P"}`,
    );
    const text = `id,country,title,code.GBR-TEST\n${rows.join("\n")}\n,GBR,no id,K\n`;
    await upload("classify/labelled/GBR/all.csv", text, { traceparent: `00-${trace}-00f067aa0ba902b7-01` });
    const own = await waitFor("its spans", async () => {
      const found = named(trace);
      return await Promise.resolve(
        found.some(({ name }) => name.startsWith("run notify")) && found.some(({ name }) => name === "run classify.compare") && found,
      );
    });
    const byId = new Map(own.map((span) => [span.spanId, span]));
    const above = (span: Span): readonly string[] => {
      const parent = byId.get(span.parentSpanId ?? "");
      return parent === undefined ? [] : [parent.name, ...above(parent)];
    };
    const pathOf = (name: string): readonly string[] | undefined => {
      const span = own.find((one) => one.name === name);
      return span === undefined ? undefined : above(span);
    };
    const [put] = own.filter(({ name }) => name.startsWith("PUT /objects/"));
    expect(put?.parentSpanId).toBe("00f067aa0ba902b7");
    expect(pathOf("run classify.intake")).toEqual([put?.name]);
    expect(pathOf("step survey")).toEqual(["run classify.intake", put?.name]);
    expect(pathOf("run classify.train")).toEqual(["run classify.intake", put?.name]);
    const notice = own.find(({ name }) => name.startsWith("run notify"));
    expect(notice === undefined ? [] : above(notice)).toEqual(expect.arrayContaining(["run classify.intake", put?.name]));
    for (const { status } of own) expect(status.code ?? 0).toBe(0);
    expect(new Set(asked)).toEqual(new Set(["POST /v1/traces"]));
  });

  test("holds the code of what failed and nothing else of it; a broken traceparent begins one of its own", async () => {
    const before = spans.length;
    await upload("classify/labelled/GBR/none.csv", "id,title\n1,secret kettle\n", { traceparent: "00-xyz-1-01" });
    const failed = await waitFor(
      "the span that failed",
      async () =>
        await Promise.resolve(spans.slice(before).find(({ name, status }) => name === "run classify.intake" && status.code === 2)),
    );
    expect(failed.status.message).toMatch(/^[A-Z_]+$/);
    expect(JSON.stringify(named(failed.traceId))).not.toContain("secret kettle");
    expect(failed.traceId).toMatch(/^(?!0+$)[\da-f]{32}$/);
    expect(named(failed.traceId).some(({ name }) => name.startsWith("PUT /objects/"))).toBe(true);
  });
});
