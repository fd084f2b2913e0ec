// What no well-meaning program sends, against an app with all its modules: methods, bodies, framing, keys, places of the stream, and the headers under
// which every page and answer goes out.

import { connect } from "node:net";
import { writeFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import type { App } from "../../src/app.ts";
import { openFront } from "../../src/images/http/routes.ts";
import { imageSettings } from "../../src/images/service/settings.ts";
import { problem } from "../../src/platform/web/problem.ts";
import { openEntrance, openServer, type OpenServer } from "../../src/server/index.ts";
import { makePlace, openAt, operator, textBytes, type TestPlace } from "../kit/app.ts";
import { mountAll, type Mounted } from "../kit/routes.ts";

let place: TestPlace;
let app: App;
let server: OpenServer;
let guarded: OpenServer;
let mounted: readonly Mounted[];
let pictures: Awaited<ReturnType<typeof openFront>>;
const token = "the-one-token-of-this-server";

beforeAll(async () => {
  const { server: bare, mounted: all } = await mountAll();
  await bare.close();
  mounted = all;
  place = await makePlace();
  const folder = path.join(place.home, "pictures");
  await mkdir(folder);
  await writeFile(path.join(folder, "a.svg"), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  app = await openAt(place, { work: false, quiet: true });
  const settings = { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000 };
  const front = await openFront({
    settings: imageSettings.parse({ sources: { shop: "pictures" }, accessLog: false }),
    folder: place.home,
    env: {},
    log: app.log,
  });
  pictures = front;
  const modules = app.modules.map((one) => (one.module.name === "images" ? { ...one, front } : one));
  const given = { deps: app, entrance: openEntrance(app), version: "1.2.3", modules };
  server = await openServer({ ...given, settings });
  const known = { ...app, settings: { server: { ...app.settings.server, token }, auth: app.settings.auth } };
  guarded = await openServer({ ...given, entrance: openEntrance(known), settings: { ...settings, token } });
}, 120_000);
afterAll(async () => {
  await server.close();
  await guarded.close();
  await pictures?.close();
  await app.close();
  await place.remove();
});

/** What comes back of a text as it stands, until the server ends the connection. */
function raw(text: string | Buffer, to = server.url): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(to).port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (piece: Buffer) => (answer += piece.toString("utf8")));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

const host = (): string => `Host: localhost:${new URL(server.url).port}\r\n`;
/** Status and code of an answer; what goes wrong is a problem in our words, whoever noticed it. */
function told(answer: string): readonly [number, string] {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
  if (status < 400) return [status, ""];
  expect(head.toLowerCase()).toContain("content-type: application/problem+json");
  const record = problem.parse(JSON.parse(body.replace(/^[\da-f]+\r\n/, "").replace(/\r\n0\s*$/, "")));
  expect(record).toMatchObject({ status, detail: expect.stringMatching(/^Expected .*\. [A-Z]/s), remedy: expect.any(String) });
  return [status, record.code];
}

/** A path that a route answers, whatever stands in its parameters. */
const wayOf = (url: string): string => url.replaceAll(/:[^/]+/g, "x").replace("*", "x/y");

describe("methods", () => {
  test("of every path: HEAD is GET without its body, OPTIONS tells which there are, any other is 405 with Allow", async () => {
    const byWay = Map.groupBy(mounted, ({ url }) => url);
    expect(byWay.size).toBeGreaterThan(80);
    const wrong: unknown[] = [];
    for (const [url, routes] of byWay) {
      const own = new Set(routes.map(({ method }) => method));
      // What a look has an effect of, and what never ends, has no HEAD.
      const hasHead = own.has("GET") && !["/api/stream", "/sign-in/provider", "/sign-in/callback"].includes(url);
      const wanted = [...own, ...(hasHead && !own.has("HEAD") ? ["HEAD"] : []), "OPTIONS"].toSorted();
      // A place of the console and a file of it fall under one pattern too.
      const options = await fetch(`${server.url}${wayOf(url)}`, { method: "OPTIONS" });
      const allow = options.headers.get("allow")?.split(", ") ?? [];
      if (
        options.status !== 204 ||
        wanted.some((method) => !allow.includes(method)) ||
        options.headers.has("access-control-allow-origin")
      ) {
        wrong.push([url, options.status, { allow, wanted }]);
      }
      for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "PROPFIND"]) {
        if (allow.includes(method)) continue;
        const answer = await fetch(`${server.url}${wayOf(url)}`, { method });
        const code = method === "HEAD" ? "METHOD_BAD" : /"code":"(\w+)"/.exec(await answer.text())?.[1];
        if (answer.status !== 405 || code !== "METHOD_BAD" || answer.headers.get("allow") !== allow.join(", ")) {
          wrong.push([method, url, answer.status, code, answer.headers.get("allow")]);
        }
      }
      if (!hasHead || own.has("HEAD")) continue;
      const [got, head] = [await fetch(`${server.url}${wayOf(url)}`, { redirect: "manual" }), undefined];
      await got.arrayBuffer();
      const headed = await fetch(`${server.url}${wayOf(url)}`, { method: "HEAD", redirect: "manual" });
      const same = got.status === headed.status && got.headers.get("content-type") === headed.headers.get("content-type");
      if (!same || (await headed.text()) !== "") wrong.push(["HEAD", url, got.status, headed.status, head]);
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  test("of an export are answered without reading it for nobody", async () => {
    await app.objects.put(operator, "methods/large", textBytes("x".repeat(100_000)));
    const before = (await app.vault.uses({ limit: 1 }))[0]?.id;
    const head = await fetch(`${server.url}/objects/methods/large`, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "100000", ""]);
    expect((await app.vault.uses({ limit: 1 }))[0]?.id).toBe(before);
  });

  test("say nothing to whoever may not ask", async () => {
    for (const method of ["OPTIONS", "PATCH", "HEAD"]) {
      expect([method, (await fetch(`${guarded.url}/api/runs`, { method })).status]).toEqual([method, 401]);
    }
    const foreign = await fetch(`${server.url}/api/runs`, {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
    });
    expect([foreign.status, foreign.headers.get("access-control-allow-origin")]).toEqual([403, null]);
  });

  test.each(["QUERY", "TRACE", "FOO", "get", "CONNECT", "PRI"])(
    "%s, which no route takes or HTTP knows, is refused in our words",
    async (method) => {
      const answer = await raw(`${method} /api/runs HTTP/1.1\r\n${host()}Connection: close\r\n\r\n`);
      // Of a tunnel nothing is answered at all.
      expect(method === "CONNECT" ? answer : String(told(answer)[0])).toMatch(method === "CONNECT" ? /^$/ : /^40[05]$/);
    },
  );
});

const json = "Content-Type: application/json\r\n";
const post = (body: string | Buffer, headers = json): Buffer =>
  Buffer.concat([
    Buffer.from(`POST /api/sql HTTP/1.1\r\n${host()}Connection: close\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`),
    Buffer.from(body),
  ]);

describe("a body", () => {
  const query = '{"query":"select 1"}';
  it.each<readonly [string, () => Buffer, readonly [number, string]]>([
    ["as it should be", () => post(query), [200, ""]],
    ["with a mark of its byte order", () => post(`\uFEFF${query}`), [200, ""]],
    ["in capital UTF-8", () => post(query, 'Content-Type: application/json; charset="UTF-8"\r\n'), [200, ""]],
    ["without a type", () => post(query, ""), [400, "BODY_TYPE"]],
    ["of another type", () => post(query, "Content-Type: application/vnd.api+json\r\n"), [400, "BODY_TYPE"]],
    [
      "in another charset",
      () => post(Buffer.from(query, "utf16le"), "Content-Type: application/json; charset=utf-16\r\n"),
      [400, "BODY_TYPE"],
    ],
    ["packed", () => post(gzipSync(query), `${json}Content-Encoding: gzip\r\n`), [400, "BODY_TYPE"]],
    ["packed ten times over", () => post(gzipSync("[".repeat(50_000_000)), `${json}Content-Encoding: gzip\r\n`), [400, "BODY_TYPE"]],
    ["said to be packed", () => post(query, `${json}Content-Encoding: br\r\n`), [400, "BODY_TYPE"]],
    ["with a name twice", () => post('{"query":"select 1","query":"select 2"}'), [400, "BODY_BAD"]],
    ["with a name twice, once in disguise", () => post(String.raw`{"query":"select 1","\u0071uery":"select 2"}`), [400, "BODY_BAD"]],
    ["with a name twice further in", () => post('{"query":"select 1","more":[{"a":{"b":1,"c":[{}],"b":2}}]}'), [400, "BODY_BAD"]],
    ["with a prototype", () => post('{"query":"select 1","__proto__":{"system":true}}'), [400, "BODY_BAD"]],
    ["with a prototype in disguise", () => post(String.raw`{"query":"select 1","__pro\u0074o__":{"system":true}}`), [400, "BODY_BAD"]],
    ["with a constructor", () => post('{"query":"select 1","constructor":{"prototype":{"system":true}}}'), [400, "BODY_BAD"]],
    ["with a number beyond what is exact", () => post('{"query":"select 1","limit":9007199254740993}'), [400, "BODY_BAD"]],
    ["with a number beyond all", () => post('{"query":"select 1","limit":1e400}'), [400, "BODY_BAD"]],
    ["with half of a character", () => post(String.raw`{"query":"select '\ud800'"}`), [400, "BODY_BAD"]],
    [
      "with bytes that are no UTF-8",
      () => post(Buffer.concat([Buffer.from('{"query":"select \''), Buffer.from([0xff]), Buffer.from("'\"}")])),
      [400, "BODY_BAD"],
    ],
    ["a hundred thousand deep", () => post(`{"query":${"[".repeat(100_000)}${"]".repeat(100_000)}}`), [400, "BODY_BAD"]],
    ["too large, said before", () => post(`{"query":"${"x".repeat(2_000_000)}"}`), [400, "BODY_TOO_LARGE"]],
    [
      "too large, not said before",
      () => {
        const piece = `${(60_000).toString(16)}\r\n${"x".repeat(60_000)}\r\n`;
        return Buffer.from(
          `POST /api/sql HTTP/1.1\r\n${host()}${json}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${piece.repeat(40)}0\r\n\r\n`,
        );
      },
      [400, "BODY_TOO_LARGE"],
    ],
  ])("%s", async (_name, make, wanted) => {
    expect(told(await raw(make()))).toEqual(wanted);
  });

  test("with GET is refused: what stands in it would be passed over", async () => {
    const ask = (headers: string, body: string): string => `GET /api/runs HTTP/1.1\r\n${host()}Connection: close\r\n${headers}\r\n${body}`;
    expect(told(await raw(ask(`${json}Content-Length: 16\r\n`, '{"state":"dead"}')))).toEqual([400, "BODY_BAD"]);
    expect(told(await raw(ask("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n")))).toEqual([400, "BODY_BAD"]);
    expect(told(await raw(ask("Content-Length: 0\r\n", "")))).toEqual([200, ""]);
  });

  test("of a file is not unpacked, and not stored as if it had been", async () => {
    const answer = await fetch(`${server.url}/objects/packed/a.csv`, {
      method: "PUT",
      headers: { "content-encoding": "gzip" },
      body: gzipSync("a,b\n1,2\n"),
    });
    expect([answer.status, /"code":"(\w+)"/.exec(await answer.text())?.[1]]).toEqual([400, "BODY_TYPE"]);
    expect(await app.objects.head("packed/a.csv")).toBeUndefined();
  });
});

describe("a request that two readers could read in two ways", () => {
  const sql = (headers: string, body = ""): string => `POST /api/sql HTTP/1.1\r\n${host()}${json}${headers}\r\n${body}`;
  const get = (headers: string, version = "HTTP/1.1"): string => `GET /api/runs ${version}\r\n${host()}${headers}Connection: close\r\n\r\n`;
  it.each<readonly [string, () => string, readonly [number, string]]>([
    ["a length and chunks", () => sql("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), [400, "REQUEST_BAD"]],
    ["chunks of chunks", () => sql("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), [400, "REQUEST_BAD"]],
    ["chunks by another name", () => sql("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), [400, "REQUEST_BAD"]],
    ["two lengths", () => sql("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"), [400, "REQUEST_BAD"]],
    ["a length with a sign", () => sql("Content-Length: +2\r\n", "{}"), [400, "REQUEST_BAD"]],
    ["a length below nothing", () => sql("Content-Length: -1\r\n", "{}"), [400, "REQUEST_BAD"]],
    ["a folded header", () => get("X-A: b\r\n c\r\n"), [400, "REQUEST_BAD"]],
    ["a blank before the colon", () => get("X-A : b\r\n"), [400, "REQUEST_BAD"]],
    ["lines that end otherwise", () => get("").replaceAll("\r\n", "\n"), [400, "REQUEST_BAD"]],
    ["a header in a header", () => get("X-A: b\rX-B: c\r\n"), [400, "REQUEST_BAD"]],
    ["a chunk whose line ends otherwise", () => sql("Transfer-Encoding: chunked\r\n", "2;\n{}\r\n0\r\n\r\n"), [400, "REQUEST_BAD"]],
    ["two tokens", () => get(`Authorization: Bearer a\r\nauthorization: Bearer ${token}\r\n`), [400, "REQUEST_BAD"]],
    ["two types", () => sql("Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"), [400, "REQUEST_BAD"]],
    ["another version of HTTP", () => get("", "HTTP/2.0"), [505, "HTTP_VERSION"]],
    ["no version of HTTP", () => "GET /api/runs\r\n\r\n", [505, "HTTP_VERSION"]],
    ["an expectation nobody has", () => sql("Expect: 200-maybe\r\nContent-Length: 2\r\n", "{}"), [417, "EXPECTATION_BAD"]],
    [
      "headers without end",
      () => get(Array.from({ length: 1_500 }, (_, n) => `a${n}: ${"b".repeat(20)}\r\n`).join("")),
      [431, "HEADERS_TOO_LARGE"],
    ],
  ])("%s", async (_name, make, wanted) => {
    const answer = await raw(make());
    expect(told(answer)).toEqual(wanted);
    // One answer alone: nothing of it was taken for a second request.
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  });
});

describe("keys in paths", () => {
  const fine = [
    "a.",
    "a%20",
    "%20a",
    "e%CC%81",
    "%C3%A9",
    "%E2%80%AE",
    "a%5Cb",
    "CON",
    "%25%32%65%25%32%65",
    "a%3Fb%23c",
    "-",
    ".hidden",
    "a/.staging/b",
    "x".repeat(900),
  ];
  it.each(fine)("%s names itself and nothing else", async (key) => {
    const put = await raw(`PUT /objects/keys/${key} HTTP/1.1\r\n${host()}Content-Length: 3\r\nConnection: close\r\n\r\nown`);
    expect(told(put)).toEqual([201, ""]);
    const name = `keys/${decodeURIComponent(key)}`;
    expect((await app.objects.head(name))?.key).toBe(name);
    const back = await raw(`GET /objects/keys/${key} HTTP/1.1\r\n${host()}Connection: close\r\n\r\n`);
    expect([told(back)[0], back.endsWith("own")]).toEqual([200, true]);
  });

  const bad = [
    "%2e%2e%2fx",
    "..%2f..%2fetc%2fpasswd",
    "a/../b",
    "a/./b",
    "a//b",
    "a%2F%2Fb",
    "a%00b",
    "a%0Ab",
    "%7F",
    "%C3%28",
    "%ED%A0%80",
    "%",
    "%zz",
    "x".repeat(1_100),
    `${"y/".repeat(600)}z`,
    "",
  ];
  it.each(bad)("%s is refused, to write and to read", async (key) => {
    const put = told(await raw(`PUT /objects/${key} HTTP/1.1\r\n${host()}Content-Length: 1\r\nConnection: close\r\n\r\nx`));
    const get = told(await raw(`GET /objects/${key} HTTP/1.1\r\n${host()}Connection: close\r\n\r\n`));
    expect([put[0], get[0]]).toEqual([400, 400]);
    expect(["OBJECT_BAD_KEY", "OBJECT_KEY_BAD", "PATH_BAD", "TEXT_BAD"]).toContain(put[1]);
    expect(get[1]).toBe(put[1]);
  });
});

describe("a place of the stream", () => {
  it.each(["x", "1-1-1", "9999999999999999999-1", "-1-5", "%00", "1e3-5", "", " 1 - 2", "1-2; drop table"])("%j is none", async (id) => {
    const answer = await raw(`GET /api/stream HTTP/1.1\r\n${host()}Last-Event-ID: ${id}\r\nConnection: close\r\n\r\n`);
    expect(told(answer)).toEqual([400, "STREAM_PLACE"]);
  });

  test("that lies ahead, or was another's, tells no more than a gap and what its caller may hear", async () => {
    await app.objects.put(operator, "stream/a", textBytes("a"));
    const gone = new AbortController();
    const answer = await fetch(`${guarded.url}/api/stream?of=events`, {
      headers: { "last-event-id": "999999999999999-999999999999999", authorization: `Bearer ${token}` },
      signal: gone.signal,
    });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let heard = "";
    while (!heard.includes("event: gap")) heard += (await reader?.read())?.value ?? "";
    gone.abort();
    expect(heard).toContain('"to":999999999999999');
    expect((await fetch(`${guarded.url}/api/stream`, { headers: { "last-event-id": "0-0" } })).status).toBe(401);
  });
});

describe("headers", () => {
  const policyOf = ({ headers }: Response): string => headers.get("content-security-policy") ?? "";

  test("of every page, answer and error keep it from being run, framed or kept", async () => {
    await app.objects.put(operator, "headers/page.html", textBytes("<script>alert(1)</script>"), { contentType: "text/html" });
    await app.objects.put(operator, "headers/drawing.svg", textBytes("<svg/>"), { contentType: "image/svg+xml" });
    const gets = [...new Set(mounted.filter(({ method }) => method === "GET").map(({ url }) => wayOf(url)))].filter(
      (way) => way !== "/api/stream",
    );
    const wrong: unknown[] = [];
    let pages = 0;
    for (const way of [...gets, "/nothing", "/objects/headers/page.html", "/objects/headers/drawing.svg", "/objects/%zz"]) {
      const answer = await fetch(`${server.url}${way}`, { redirect: "manual" });
      await answer.arrayBuffer();
      const policy = policyOf(answer);
      const isPage = answer.headers.get("content-type")?.startsWith("text/html") === true;
      if (isPage) pages += 1;
      const flaws = [
        answer.headers.get("x-content-type-options") === "nosniff" || "sniffed",
        answer.headers.get("x-frame-options") === "DENY" || "framed",
        answer.headers.get("cross-origin-resource-policy") === "same-origin" || "shared",
        /^(?:no-referrer|same-origin)$/.test(answer.headers.get("referrer-policy") ?? "") || "referrer",
        /default-src 'none'/.test(policy) || "no policy",
        /frame-ancestors 'none'|^sandbox/.test(policy) || "frame-ancestors",
        !/unsafe|https?:|\*/.test(policy) || `loose: ${policy}`,
        !/script-src/.test(policy) || /script-src 'self'|script-src 'sha256-/.test(policy) || `scripts: ${policy}`,
        way.startsWith("/console/assets") || /no-store|no-cache/.test(answer.headers.get("cache-control") ?? "") || "kept",
        answer.headers.get("server") === null || "server",
      ].filter((flaw) => flaw !== true);
      if (flaws.length > 0) wrong.push([way, answer.status, flaws]);
    }
    expect(wrong).toEqual([]);
    expect(pages).toBeGreaterThan(8);
  });

  test("of what anybody stored say that it is a file, whatever type it was given", async () => {
    const answer = await fetch(`${server.url}/objects/headers/page.html`);
    expect([answer.headers.get("content-disposition"), policyOf(answer)]).toEqual(["attachment", expect.stringContaining("sandbox")]);
  });

  test("of pictures and the playground allow nothing that they do not need", async () => {
    const drawing = await fetch(`${server.url}/images/a.svg`);
    const nothing = await fetch(`${server.url}/images/none.jpg`);
    const playground = await fetch(`${server.url}/images/playground`);
    for (const answer of [drawing, nothing, playground]) {
      await answer.arrayBuffer();
      expect([answer.url, answer.headers.get("x-content-type-options")]).toEqual([answer.url, "nosniff"]);
    }
    expect(policyOf(drawing)).toMatch(/^default-src 'none'.*sandbox$/);
    expect(policyOf(playground)).toContain("default-src 'none'");
    expect(policyOf(playground)).toContain("frame-ancestors 'none'");
    expect(policyOf(playground)).not.toMatch(/unsafe-(?:inline|eval)/);
  });
});
