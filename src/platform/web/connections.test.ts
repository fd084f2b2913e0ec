// A server of ours with small limits and short times, and callers who mean no good. All on loopback, all bounded.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { makeConnections, type ConnectionLimits } from "./connections.ts";

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

const megabytes = Buffer.alloc(24 << 20, "x");

interface Place {
  readonly server: Server;
  readonly port: number;
  /** Requests to /wait that have come. */
  readonly waiting: () => number;
  /** Lets them end. */
  readonly release: () => void;
}

async function serve(limits: Partial<ConnectionLimits>): Promise<Place> {
  const connections = makeConnections({ most: 20, always: (path) => path === "/health", lookMs: 20, ...limits });
  const latch = Promise.withResolvers<void>();
  let waits = 0;
  const server = createServer(
    { headersTimeout: 600_000, requestTimeout: 0 },
    connections.listener((request, response) => {
      if (request.url === "/wait") {
        waits += 1;
        void latch.promise.then(() => response.end("waited"));
      } else if (request.url === "/much") response.end(megabytes);
      else response.end("answered");
    }),
  );
  connections.watch(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push(async () => {
    latch.resolve();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { server, port: (server.address() as AddressInfo).port, waiting: () => waits, release: () => latch.resolve() };
}

async function caller(port: number, text = ""): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  if (text !== "") socket.write(text);
  opened.push(() => socket.destroy());
  return socket;
}

const ask = async (port: number, path: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } })).status;

test("idle connections shut nobody out", async () => {
  const { port } = await serve({ headersMs: 600_000 });
  for (let i = 0; i < 60; i++) await caller(port);
  for (let i = 0; i < 10; i++) expect(await ask(port, "/")).toBe(200);
});

test("half-sent headers and silence are let go in time, a caller at work is not", async () => {
  const { port, release } = await serve({ headersMs: 200 });
  const half = await caller(port, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ");
  const silent = await caller(port);
  const working = await caller(port, "GET /wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  await Promise.all([once(half, "close"), once(silent, "close")]);
  release();
  const [answer] = await once(working, "data");
  expect(String(answer)).toContain("waited");
});

test("when all are at work, a newcomer is told so, and health is still answered", async () => {
  const { port, release, waiting } = await serve({});
  for (let i = 0; i < 20; i++) await caller(port, "GET /wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  await expect.poll(waiting).toBe(20);
  expect(await ask(port, "/")).toBe(503);
  expect(await ask(port, "/health")).toBe(200);
  release();
  await expect.poll(() => ask(port, "/")).toBe(200);
});

test("a reader who stops is let go, one who keeps the pace gets everything", async () => {
  const { port, server } = await serve({ pace: { bytes: 64 * 1024, ms: 600 } });
  const count = async (): Promise<number> => await new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
  const stopped = await caller(port, "GET /much HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  stopped.pause();
  await expect.poll(count, { timeout: 20_000 }).toBe(0);
  // Slow, but steady: a piece every so often, for longer than a stopped one is kept.
  const slow = await caller(port, "GET /much HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  let taken = 0;
  slow.on("data", (chunk: Buffer) => {
    taken += chunk.length;
    slow.pause();
    setTimeout(() => slow.resume(), 4);
  });
  await once(slow, "close");
  expect(taken).toBeGreaterThan(megabytes.length);
});

test("a connection that is kept alive ends with the answer under way when the server closes", async () => {
  const { server, port, waiting, release } = await serve({});
  const kept = await caller(port, "GET /wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  let heard = "";
  kept.setEncoding("utf8").on("data", (text: string) => (heard += text));
  await expect.poll(waiting).toBe(1);
  const closed = new Promise((resolve) => server.close(resolve));
  release();
  await once(kept, "end");
  expect(heard).toMatch(/^HTTP\/1\.1 200 [^]*waited/);
  await closed;
});
