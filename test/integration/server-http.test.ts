// The server as callers meet it: real HTTP, a real store beneath.

import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postNotice } from "../../src/platform/notify/notify.ts";
import type { ApiError, DeadLetterList, Health, RunList, StoredObject } from "../../src/server/api.ts";
import { openServer } from "../../src/server/index.ts";
import { openTestServer, poison } from "./server-kit.ts";

type TestServer = Awaited<ReturnType<typeof openTestServer>>;

let app: TestServer;
beforeAll(async () => {
  app = await openTestServer();
});
afterAll(() => app.close());

const call = (way: string, init: RequestInit = {}) => fetch(`${app.url}${way}`, { redirect: "manual", ...init });
const put = (key: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  call(`/objects/${key}`, { method: "PUT", body, headers });
const errorOf = async (response: Response): Promise<ApiError> => JSON.parse(await response.text());

describe("the character U+0000", () => {
  it("is the caller's mistake wherever it stands", async () => {
    const reads =
      "objects?prefix=%00 objects?prefix=a&after=%00 objects/a?version=%00 api/runs/%00 api/runs?status=%00 api/runs?workflow=%00 api/runs?id=%00 api/dead?after=%00 " +
      "api/events?type=%00 api/events?after=%00 api/events?subject=%00 api/notices?topic=%00 api/notices?status=%00 objects?delimiter=%00 objects/%00";
    for (const way of reads.split(" ")) {
      const answer = await call(`/${way}`);
      // A name that the query does not have means nothing.
      expect([way, answer.status < 500]).toEqual([way, true]);
    }
    for (const way of ["api/runs/%00/cancel", "api/runs/a%00b/retry", "api/dead/%00/redrive", "api/dead/x%00/drop"])
      expect([way, (await call(`/${way}`, { method: "POST" })).status < 500]).toEqual([way, true]);
    for (const way of ["objects/%00", "objects/a?version=%00", "api/runs/%00"])
      expect([way, (await call(`/${way}`)).status]).toEqual([way, 400]);
  });
});

describe("a request that cannot be read", () => {
  const json = { "content-type": "application/json" };
  it.each<readonly [string, string, RequestInit]>([
    ["BODY_TYPE", "api/sql", { body: "query=1", headers: { "content-type": "application/x-www-form-urlencoded" } }],
    ["BODY_TYPE", "api/sql", { body: "<query/>", headers: { "content-type": "application/xml" } }],
    // As a form of another page could send it.
    ["BODY_BAD", "api/sql", { body: '{"query":"select 1"}', headers: { "content-type": "text/plain" } }],
    ["BODY_BAD", "api/sql", { body: "{", headers: json }],
    ["BODY_BAD", "api/sql", { body: "", headers: json }],
    ["BODY_BAD", "api/sql", { body: "[]", headers: json }],
    ["BODY_BAD", "api/sql", { body: '"select 1"', headers: json }],
    ["BODY_BAD", "api/sql", { body: '{"query":"select 1","__proto__":{"system":true}}', headers: json }],
    ["BODY_TOO_LARGE", "api/sql", { body: JSON.stringify({ query: "x".repeat(2_000_000) }), headers: json }],
    ["PATH_BAD", "api/runs/%ZZ/cancel", {}],
  ])("is told so in our words: %s of %s (%#)", async (code, way, init) => {
    const answer = await call(`/${way}`, { method: "POST", ...init });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([400, expect.stringMatching(/^application\/problem\+json/)]);
    expect(await errorOf(answer)).toMatchObject({
      code,
      kind: "input",
      detail: expect.stringMatching(/^Expected .*\./),
      remedy: expect.any(String),
    });
  });
});

describe("objects", () => {
  it("have the type their ending tells when the sender names none, or one that says nothing", async () => {
    const typed = async (key: string, headers: Record<string, string>): Promise<unknown> => {
      const stored: StoredObject = JSON.parse(await (await put(key, randomBytes(8), headers)).text());
      return stored.contentType;
    };
    expect(await typed("shop/types/June.CSV", {})).toBe("text/csv");
    expect(await typed("shop/types/one.jsonl", { "content-type": "application/octet-stream" })).toBe("application/jsonl");
    expect(await typed("shop/types/cat.avif", { "content-type": "application/x-www-form-urlencoded" })).toBe("image/avif");
    expect(await typed("shop/types/one.yaml", { "content-type": "text/x-own; charset=utf-8" })).toBe("text/x-own; charset=utf-8");
    expect(await typed("shop/types/one", {})).toBe("application/octet-stream");
  });

  it("are stored with 201, known again with 200, and come back as they were", async () => {
    const bytes = randomBytes(3_000_000);
    const first = await put("shop/a%20b/%C3%BC.csv", bytes, { "content-type": "text/csv; charset=utf-8" });
    expect(first.status).toBe(201);
    const stored: StoredObject = JSON.parse(await first.text());
    expect(stored).toMatchObject({ key: "shop/a b/ü.csv", bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
    const second = await put("shop/a%20b/%C3%BC.csv", bytes);
    expect(second.status).toBe(200);
    expect(await second.json()).toMatchObject({ version: stored.version });
    const back = await call("/objects/shop/a%20b/%C3%BC.csv");
    expect(back.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(back.headers.get("content-length")).toBe(String(bytes.length));
    expect(back.headers.get("content-disposition")).toBe("attachment");
    expect(back.headers.get("content-security-policy")).toContain("sandbox");
    expect(Buffer.from(await back.arrayBuffer()).equals(bytes)).toBe(true);
    const cached = await call("/objects/shop/a%20b/%C3%BC.csv", { headers: { "if-none-match": back.headers.get("etag") ?? "" } });
    expect(cached.status).toBe(304);
  });

  it("are versions: a former one can be had by name", async () => {
    const former: StoredObject = JSON.parse(await (await put("versions/x", "one")).text());
    await put("versions/x", "two");
    expect(await (await call("/objects/versions/x")).text()).toBe("two");
    expect(await (await call(`/objects/versions/x?version=${former.version}`)).text()).toBe("one");
  });

  it("may be empty", async () => {
    expect((await put("empty", "")).status).toBe(201);
    const back = await call("/objects/empty");
    expect([back.status, await back.text()]).toEqual([200, ""]);
  });

  it("answer HEAD, are listed by page, and are gone after DELETE", async () => {
    for (const name of ["1", "2", "3"]) await put(`pages/${name}`, name);
    const head = await call("/objects/pages/1", { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "1", ""]);
    const page = await (await call("/objects?prefix=pages/&limit=2")).json();
    expect(page).toMatchObject({ objects: [{ key: "pages/1" }, { key: "pages/2" }], next: "pages/2" });
    const rest = await (await call("/objects?prefix=pages/&limit=2&after=pages/2")).json();
    expect(rest).toMatchObject({ objects: [{ key: "pages/3" }] });
    expect(rest).not.toHaveProperty("next");
    expect((await call("/objects/pages/1", { method: "DELETE" })).status).toBe(204);
    expect((await call("/objects/pages/1", { method: "HEAD" })).status).toBe(404);
    const gone = await call("/objects/pages/1");
    expect([gone.status, (await errorOf(gone)).code]).toEqual([404, "OBJECT_MISSING"]);
  });

  it("leave a row of every use: who, and that it was over HTTP", async () => {
    await put("used/x", "x");
    await (await call("/objects/used/x")).text();
    const uses = (await app.vault.uses({ limit: 2 })).map(({ role, purpose, access }) => [role, purpose, access]);
    expect(uses).toEqual([
      ["operator", "http GET", "read"],
      ["operator", "http PUT", "write"],
    ]);
  });

  it("of a zone without a grant are refused, both ways", async () => {
    const refused = await put("closed/x", "x");
    expect([refused.status, (await errorOf(refused)).code]).toEqual([403, "VAULT_NO_GRANT"]);
  });

  it("with a key that cannot be are refused", async () => {
    for (const key of ["%2e%2e%2fx", "a%00b", "%2Fx", "x%2F"]) expect([key, (await put(key, "x")).status]).toEqual([key, 400]);
    expect((await put("", "x")).status).toBe(400);
  });

  it("that were tampered with break the connection when it shows late, and are an error when it shows at once", async () => {
    const bytes = randomBytes(4_000_000);
    await put("tampered/late", bytes);
    await flip((size) => size > 4_000_000 && size < 4_100_000, 0.9);
    const late = await call("/objects/tampered/late");
    expect(late.status).toBe(200);
    await expect(late.arrayBuffer()).rejects.toThrow("terminated");
    await put("tampered/early", bytes.subarray(0, 50_000));
    await flip((size) => size > 50_000 && size < 60_000, 0.5);
    const early = await call("/objects/tampered/early");
    expect([early.status, (await errorOf(early)).code]).toEqual([500, "OBJECT_TAMPERED"]);
  });
});

/** How many writes a metrics page counts. */
const writesIn = (metrics: string) => Number(/zone="general",access="write",allowed="true"\} (\d+)/.exec(metrics)?.[1]);

/** Flips one bit of the stored files of a size. */
async function flip(wanted: (size: number) => boolean, at: number): Promise<void> {
  for (const name of await readdir(app.root, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const file = path.join(name.parentPath, name.name);
    const bytes = await readFile(file);
    if (!wanted(bytes.length)) continue;
    const place = Math.floor(bytes.length * at);
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    await writeFile(file, bytes);
  }
}

/** Sends raw text over a socket and gives all that comes back. */
function raw(text: string | Buffer, close = false): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(app.url).port), "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString();
    });
    socket.on("error", () => resolve(answer));
    socket.on("close", () => resolve(answer));
    socket.write(text, () => {
      if (close) socket.destroy();
    });
  });
}

const staged = async () => (await readdir(path.join(app.root, "staging")).catch(() => [])).length;

async function until(state: () => Promise<boolean>): Promise<void> {
  while (!(await state())) await new Promise((resolve) => setImmediate(resolve));
}

describe("uploads that go wrong leave nothing", () => {
  it("broken off in the middle", async () => {
    await raw(`PUT /objects/broken/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nonly this`, true);
    await until(async () => (await staged()) === 0);
    expect(await app.objects.head("broken/x")).toBeUndefined();
  });

  it("chunked without an end", async () => {
    await raw(`PUT /objects/broken/y HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n4\r\nonly\r\n`, true);
    await until(async () => (await staged()) === 0);
    expect(await app.objects.head("broken/y")).toBeUndefined();
  });

  it("announced too large: answered before a byte of it is read", async () => {
    const answer = await raw(`PUT /objects/large/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\n`);
    expect(answer).toContain("HTTP/1.1 400");
    expect(answer).toContain("OBJECT_TOO_LARGE");
    expect(await app.objects.head("large/x")).toBeUndefined();
  });

  it("too large without saying so", async () => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const upload = request(`${app.url}/objects/large/y`, { method: "PUT" }, resolve);
      upload.on("error", reject);
      const piece = Buffer.alloc(1024 * 1024);
      const send = (left: number): void => {
        if (left > 0 && !upload.destroyed) upload.write(piece, () => send(left - 1));
      };
      send(70);
    });
    expect(answer.statusCode).toBe(400);
    answer.destroy();
    expect(await app.objects.head("large/y")).toBeUndefined();
    await until(async () => (await staged()) === 0);
  });
});

describe("runs and dead letters", () => {
  it("can be looked at, redriven and dropped", async () => {
    await app.workflows.start("test.eat", "bread", { id: "eat/bread ü" });
    await app.workflows.outcome("eat/bread ü");
    const list: RunList = JSON.parse(await (await call("/api/runs?state=dead")).text());
    expect(list.runs.map(({ id, title, error }) => [id, title, error?.code])).toEqual([["eat/bread ü", "eat bread", "TEST_POISON"]]);
    const id = encodeURIComponent("eat/bread ü");
    expect(await (await call(`/api/runs/${id}`)).json()).toMatchObject({ id: "eat/bread ü", input: "bread", steps: [{ name: "bite" }] });
    // When it began, to the moment: from `since` on, before `until`.
    const began = list.runs[0]?.createdAt ?? "";
    const after = new Date(Date.parse(began) + 1).toISOString();
    const named = async (query: Readonly<Record<string, string>>): Promise<readonly string[]> => {
      const { runs }: RunList = JSON.parse(await (await call(`/api/runs?${new URLSearchParams(query).toString()}`)).text());
      return runs.map((run) => run.id);
    };
    const before = new Date(Date.parse(began) - 1).toISOString();
    expect(await named({ state: "dead", since: before, until: after })).toEqual(["eat/bread ü"]);
    expect(await named({ state: "dead", since: "2020-01-01" })).toEqual(["eat/bread ü"]);
    expect(await named({ state: "dead", since: after })).toEqual([]);
    expect(await named({ state: "dead", until: before })).toEqual([]);
    expect((await call("/api/runs?since=yesterday")).status).toBe(400);
    const turned = await call("/api/runs?since=2026-02-01&until=2026-01-01");
    expect([turned.status, await turned.text()]).toEqual([400, expect.stringContaining("RUNS_STRETCH")]);
    const none = await call("/api/runs/retry", {
      method: "POST",
      body: JSON.stringify({ until: "2020-01-01" }),
      headers: { "content-type": "application/json" },
    });
    expect(await none.json()).toEqual({ done: [], failed: [] });
    const { letters }: DeadLetterList = JSON.parse(await (await call("/api/dead?state=waiting")).text());
    expect(letters).toHaveLength(1);
    expect(await (await call(`/api/dead?run=${id}`)).json()).toEqual({ letters });
    expect(await (await call("/api/dead?run=eat")).json()).toEqual({ letters: [] });
    const page = await (await call("/")).text();
    expect(page).toContain("&lt;b&gt;poison&lt;/b&gt;");
    expect(page).not.toContain("<b>poison");
    poison.mended = true;
    const redriven = await call(`/api/dead/${letters[0]?.id}/redrive`, { method: "POST" });
    expect(redriven.status).toBe(202);
    expect(await app.workflows.outcome("eat/bread ü")).toEqual({ kind: "done", value: "eaten" });
    expect(await (await call("/api/dead?state=waiting")).json()).toEqual({ letters: [] });
  });

  it("have what was logged while they were worked at, by step, in pages and after a line", async () => {
    await app.workflows.start("test.eat", "pie", { id: "eat/pie" });
    await app.workflows.outcome("eat/pie");
    const way = "/api/runs/eat%2Fpie/logs";
    const log = async (
      query = "",
    ): Promise<{ readonly lines: readonly { id: number; step?: string; message: string }[]; readonly next?: string }> =>
      JSON.parse(await (await call(`${way}${query}`)).text());
    const { lines, next } = await log();
    expect(next).toBeUndefined();
    expect(lines).toMatchObject([
      { level: "info", step: "bite", message: "bites", tries: 1, facts: { password: "[secret]" } },
      { level: "warn", step: "bite", message: "full" },
    ]);
    const first = await log("?limit=1");
    expect(first.lines.map(({ message }) => message)).toEqual(["bites"]);
    expect((await log(`?cursor=${first.next}`)).lines.map(({ message }) => message)).toEqual(["full"]);
    expect((await log(`?after=${lines[0]?.id}`)).lines.map(({ message }) => message)).toEqual(["full"]);
    expect((await log("?level=warn&step=bite")).lines.map(({ message }) => message)).toEqual(["full"]);
    expect((await log("?step=other")).lines).toEqual([]);
    expect((await call("/api/runs/none/logs")).status).toBe(404);
    expect((await call(`${way}?level=loud`)).status).toBe(400);
  });

  it("that are done are done again by a new run, with whose word it was", async () => {
    await app.workflows.start("test.eat", "cake", { id: "eat/cake" });
    await app.workflows.outcome("eat/cake");
    expect(await (await call("/api/runs/eat%2Fcake")).json()).toMatchObject({ state: "done", repeatable: true });
    const body = JSON.stringify({ reason: "still hungry" });
    const answer = await call("/api/runs/eat%2Fcake/rerun", { method: "POST", body, headers: { "content-type": "application/json" } });
    expect(answer.status).toBe(202);
    const { id }: { id: string } = JSON.parse(await answer.text());
    expect(id).toMatch(/^eat\/cake\/again\/\d{4}-/);
    expect(await app.workflows.outcome(id)).toEqual({ kind: "done", value: "eaten" });
    expect(await app.events.list({ kind: "run.rerun" })).toMatchObject([
      { subject: "eat/cake", data: { by: "a caller over HTTP", reason: "still hungry", run: id } },
    ]);
  });

  it("that are not there are a clear 404", async () => {
    for (const [method, way] of [
      ["GET", "/api/runs/none"],
      ["POST", "/api/runs/none/cancel"],
      ["POST", "/api/runs/none/retry"],
      ["POST", "/api/runs/none/rerun"],
      ["POST", "/api/dead/999/redrive"],
      ["POST", "/api/dead/999/drop"],
      ["GET", "/nowhere"],
    ] as const) {
      const response = await call(way, { method });
      expect([way, response.status]).toEqual([way, 404]);
      expect(await errorOf(response)).toMatchObject({ kind: "missing" });
    }
  });

  it("refuse what they do not know, naming it", async () => {
    for (const query of ["state=asleep", "limit=0", "limit=x", "stat=dead"]) {
      const response = await call(`/api/runs?${query}`);
      const { code, message } = await errorOf(response);
      expect([query, response.status, code]).toEqual([query, 400, "QUERY_BAD"]);
      expect(message).toContain(query.split("=")[0]);
    }
  });
});

describe("events, notices, metrics, health", () => {
  it("tell what happened", async () => {
    await put("told/x", "x");
    const notice = { topic: "mlops", id: "n1", severity: "info" as const, title: "Told", body: "", facts: {} };
    await app.database.transaction((tx) => postNotice(tx, notice));
    await until(async () => (await app.notices.list())[0]?.deliveries[0]?.state === "delivered");
    const events = await (await call("/api/events?kind=object.stored&prefix=told/")).json();
    expect(events).toMatchObject({ events: [{ kind: "object.stored", subject: "told/x" }] });
    expect(await (await call("/api/notices?topic=mlops")).json()).toMatchObject({
      notices: [{ id: "n1", deliveries: [{ channel: "log", state: "delivered" }] }],
    });
    expect(await (await call("/api/schedules")).json()).toEqual({ schedules: [] });
  });

  it("count", async () => {
    await put("counted/x", "12345");
    const text = await (await call("/metrics")).text();
    expect(text).toContain("stockroom_scrape_ok 1");
    expect(text).toMatch(/stockroom_object_bytes_total\{direction="in"\} \d+/);
    expect(text).toMatch(/stockroom_key_uses_total\{role="operator",zone="general",access="write",allowed="true"\} \d+/);
    expect(text).toMatch(/stockroom_http_request_seconds_count\{method="PUT",route="\/objects\/\*",status="201"\} \d+/);
    expect(text).toMatch(/stockroom_info\{version="1.2.3"\} 1/);
    expect(text).not.toContain("counted/x");
    const again = await (await call("/metrics")).text();
    expect(writesIn(again)).toBe(writesIn(text));
  });

  it("say which part is not ready", async () => {
    const ready = await call("/health");
    expect(ready.status).toBe(200);
    const health: Health = JSON.parse(await ready.text());
    expect(health).toMatchObject({ ready: true, parts: { database: { ok: true }, store: { ok: true }, workflows: { ok: true } } });
    const settings = { host: "127.0.0.1", port: 0, uploadMaxBytes: 1 };
    const lame = await openServer({
      deps: app,
      settings,
      version: "1",
      probes: { workflows: () => Promise.reject(new Error("postgres://u:p@h")) },
    });
    const answer = await fetch(`${lame.url}/health/ready`);
    expect(answer.status).toBe(503);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ ready: false, parts: { database: { ok: true }, workflows: { ok: false, code: "FAULT" } } });
    expect(text).not.toContain("postgres://");
    expect((await fetch(`${lame.url}/health/live`)).status).toBe(200);
    await lame.close();
  });
});

describe("small bodies", () => {
  it("have a bound, and odd requests a clear answer", async () => {
    const large = await call("/api/runs/none/cancel", {
      method: "POST",
      body: "x".repeat(2_000_000),
      headers: { "content-type": "application/json" },
    });
    expect([large.status, (await errorOf(large)).kind]).toEqual([400, "input"]);
    const odd = await call("/api/runs/none/cancel", { method: "POST", body: "{", headers: { "content-type": "application/json" } });
    expect([odd.status, (await errorOf(odd)).kind]).toEqual([400, "input"]);
    const url = await raw("GET /objects/%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    expect(url).toContain("HTTP/1.1 400");
    expect(url).toContain('"kind":"input"');
    expect(await raw(`GET /${"x".repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`)).toContain("HTTP/1.1 431");
  });
});
