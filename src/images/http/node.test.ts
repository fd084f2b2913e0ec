import { createServer, request as ask, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeQuarters } from "../engine/pictures/fixtures/photos.ts";
import { makeMemoryLog } from "../../platform/log.ts";
import { openImages, type OpenImages } from "../service/handler.ts";
import { makeListener, type NodeListenerOptions } from "./node.ts";

let images: OpenImages;
beforeAll(async () => {
  const body = await makeQuarters(40, 20).png().toBuffer();
  images = await openImages({
    sources: { read: async (_bucket, key) => await Promise.resolve(key === "cat.png" ? { body, version: "1" } : undefined) },
    environment: {},
    log: makeMemoryLog(),
  });
});
afterAll(async () => await images.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request to a server of this listener, with the target and headers as they are written here. */
async function answerOf(
  target: string,
  options: Omit<NodeListenerOptions, "service">,
  { method = "GET", ...headers }: Record<string, string> = {},
): Promise<Answer> {
  const server = createServer(makeListener({ service: images.service, ...options }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await new Promise((resolve, reject) => {
      const sent = ask({ host: "127.0.0.1", port, path: target, method, headers: { host: `127.0.0.1:${port}`, ...headers } }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString("latin1") }),
        );
      });
      sent.on("error", reject);
      sent.end();
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const own = {
  ownPages: true,
  metrics: true,
  playground: async (target: string) =>
    await Promise.resolve(target.startsWith("/playground") ? { headers: { "content-type": "text/html" }, body: "<p>" } : undefined),
};

it("answers a picture, its head alone for HEAD, and behind a prefix the same", async () => {
  const got = await answerOf("/20x0/cat.png", { ownPages: false });
  expect([got.status, got.headers["content-type"], Buffer.from(got.body, "latin1").byteLength]).toEqual([
    200,
    "image/png",
    Number(got.headers["content-length"]),
  ]);
  const head = await answerOf("/20x0/cat.png", { ownPages: false }, { method: "HEAD" });
  expect([head.status, head.body, head.headers["content-length"]]).toEqual([200, "", got.headers["content-length"]]);
  const behind = await answerOf("/images/20x0/cat.png", { ownPages: false, prefix: "/images" });
  expect([behind.status, behind.headers["etag"]]).toEqual([200, got.headers["etag"]]);
});

it("takes the target of a proxy, which names the host, and lets go of what follows a #", async () => {
  const host = "pictures.example.com:8080";
  expect((await answerOf(`http://${host}/20x0/cat.png`, { ownPages: false }, { host })).status).toBe(200);
  expect((await answerOf("/20x0/cat.png#x", { ownPages: false })).status).toBe(200);
});

it("shows its own pages to this machine and nobody else (N2)", async () => {
  const here = async (target: string, headers: Record<string, string> = {}): Promise<number | undefined> =>
    (await answerOf(target, own, headers)).status;
  expect([await here("/playground"), await here("/metrics"), await here("/health")]).toEqual([200, 200, 200]);
  // A page elsewhere that rebinds its own name, a proxy on this machine in both its words, a name that only looks like ours.
  for (const headers of [
    { host: "pictures.example.com" },
    { "x-forwarded-for": "203.0.113.7" },
    { forwarded: "for=203.0.113.7" },
    { host: "localhost.example.com" },
    { host: "127.0.0.1.example.com" },
  ]) {
    expect([await here("/playground", headers), await here("/playground/pictures", headers), await here("/metrics", headers)]).toEqual([
      404, 404, 404,
    ]);
    expect(await here("/health", headers)).toBe(200);
  }
});

it("has no own page that was not asked for: its path is a key like any other", async () => {
  const plain = { ownPages: false };
  for (const target of ["/health", "/metrics", "/playground"]) expect((await answerOf(target, plain)).body).toContain("NoSuchKey");
  expect((await answerOf("/metrics", { ...own, metrics: false })).status).toBe(404);
  // Of like names none is taken for a page.
  for (const target of ["/healthy", "/metricsx", "/playgrounds"]) expect((await answerOf(target, own)).body).toContain("NoSuchKey");
});

it("lets nobody keep its own pages, and gives their head alone for HEAD", async () => {
  const { status, headers, body } = await answerOf("/playground", own, { method: "HEAD" });
  expect([status, body, headers["cache-control"], headers["x-content-type-options"], headers["content-length"]]).toEqual([
    200,
    "",
    "no-store",
    "nosniff",
    "3",
  ]);
});

it("refuses a request line that names another host than the header, and lets nobody keep that", async () => {
  const { status, headers, body } = await answerOf("http://a.example.com/20x0/cat.png", own, { host: "b.example.com" });
  expect([status, headers["cache-control"], headers["content-type"]]).toEqual([400, "no-store", "application/json"]);
  expect(body).toContain("HOST_BAD");
});
