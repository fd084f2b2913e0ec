// The guard: who is let in, and who is not.

import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { checkBinding } from "../../src/server/index.ts";
import type { ServerSettings } from "../../src/server/index.ts";
import { openTestServer } from "./server-kit.ts";

const token = "a-token-of-more-than-sixteen";

/** The status of a request with any headers, `host` included, which fetch does not allow. */
function statusOf(url: string, headers: Record<string, string>, method = "GET"): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on("error", reject);
    call.end();
  });
}

let close = async (): Promise<void> => {};
afterEach(async () => {
  await close();
  close = async () => {};
});

async function openGuarded(settings: Partial<ServerSettings> = {}) {
  const app = await openTestServer(settings);
  close = app.close;
  return app;
}

describe("binding", () => {
  const settings = { port: 0, uploadMaxBytes: 1 };

  it.each(["0.0.0.0", "::", "192.168.1.5", "example.com", "127.0.0.1.example.com"])("to %s wants a token", (host) => {
    expect(() => checkBinding({ ...settings, host })).toThrow(/Expected a token because/);
    expect(() => checkBinding({ ...settings, host, token })).not.toThrow();
  });

  it.each(["127.0.0.1", "localhost", "::1", "127.9.9.9"])("to %s does not", (host) => {
    expect(() => checkBinding({ ...settings, host })).not.toThrow();
  });

  it("refuses a token that can be guessed, without repeating it", () => {
    expect(() => checkBinding({ ...settings, host: "::", token: "s3cret" })).toThrow(/at least 16 characters but it has 6/);
  });
});

/** The status line of a request written by hand. */
function rawStatus(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.on("close", () => resolve(answer.split(" ")[1] ?? ""));
    socket.on("error", reject);
  });
}

describe("on this machine without a token", () => {
  it("a request names one host, and no address that only looks like ours", async () => {
    const app = await openGuarded();
    const { port } = new URL(app.url);
    const own = `127.0.0.1:${port}`;
    const get = (line: string, ...hosts: readonly string[]): Promise<string> =>
      rawStatus(app.url, `GET ${line} HTTP/1.1\r\n${hosts.map((host) => `Host: ${host}\r\n`).join("")}Connection: close\r\n\r\n`);
    expect(await get("/api/runs", own)).toBe("200");
    expect(await get(`http://${own}/api/runs`, own)).toBe("200");
    expect(await get("/api/runs", own, "evil.example")).toBe("400");
    expect(await get("/api/runs", own, own)).toBe("400");
    expect(await get("http://evil.example/api/runs", own)).toBe("400");
    for (const host of ["127.999.1.1", "127.0.0.1.evil.example", "127.1", "0x7f.0.0.1", "[::ffff:127.0.0.1].evil", "localhost.evil"]) {
      expect([host, await get("/api/runs", host)]).toEqual([host, "403"]);
    }
  });

  it("a page of another scheme is another page's", async () => {
    const app = await openGuarded();
    const { host } = new URL(app.url);
    const cancel = `${app.url}/api/runs/none/cancel`;
    expect(await statusOf(cancel, { origin: `http://${host}` }, "POST")).toBe(404);
    expect(await statusOf(cancel, { origin: `https://${host}` }, "POST")).toBe(403);
    expect(await statusOf(cancel, { origin: `ftp://${host}` }, "POST")).toBe(403);
    expect(await statusOf(cancel, { origin: "null" }, "POST")).toBe(403);
  });

  it("only our own names and pages are answered", async () => {
    const app = await openGuarded();
    const { port } = new URL(app.url);
    const api = `${app.url}/api/runs`;
    const cancel = `${app.url}/api/runs/none/cancel`;
    expect(await statusOf(api, { host: `localhost:${port}` })).toBe(200);
    expect(await statusOf(api, { host: `127.0.0.1:${port}` })).toBe(200);
    expect(await statusOf(api, { host: `[::1]:${port}` })).toBe(200);
    for (const host of ["evil.example", `evil.example:${port}`, `localhost.evil.example:${port}`, "127.0.0.1.evil.example"]) {
      expect([host, await statusOf(api, { host })]).toEqual([host, 403]);
    }
    const host = `localhost:${port}`;
    expect(await statusOf(cancel, { host }, "POST")).toBe(404);
    expect(await statusOf(cancel, { host, origin: `http://localhost:${port}` }, "POST")).toBe(404);
    expect(await statusOf(cancel, { host, origin: "http://localhost:1" }, "POST")).toBe(403);
    expect(await statusOf(cancel, { host, origin: "null" }, "POST")).toBe(403);
    expect(await statusOf(cancel, { host, "sec-fetch-site": "cross-site" }, "POST")).toBe(403);
    expect(await statusOf(cancel, { host, "sec-fetch-site": "same-site" }, "POST")).toBe(403);
    expect(await statusOf(`${app.url}/objects/x`, { host, origin: "http://evil.example" }, "DELETE")).toBe(403);
    const page = await fetch(app.url);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    expect(page.headers.get("cross-origin-resource-policy")).toBe("same-origin");
  });
});

describe("with a token", () => {
  it("everything but health asks for it, and nothing repeats it", async () => {
    const app = await openGuarded({ token });
    for (const way of ["/", "/api/runs", "/objects", "/objects/x", "/metrics", "/nowhere", "/healthy", "/health/other"]) {
      expect([way, await statusOf(`${app.url}${way}`, {})]).toEqual([way, 401]);
    }
    expect(await statusOf(`${app.url}/health`, {})).toBe(200);
    expect(await statusOf(`${app.url}/health/live?x=1`, {})).toBe(200);
    const api = `${app.url}/api/runs`;
    expect(await statusOf(api, { authorization: `Bearer ${token}` })).toBe(200);
    expect(await statusOf(api, { authorization: `bearer ${token}` })).toBe(200);
    for (const wrong of [`Bearer ${token}x`, `Bearer ${token.slice(1)}`, `Basic ${token}`, token, "Bearer ", `Bearer x ${token}`]) {
      expect([wrong, await statusOf(api, { authorization: wrong })]).toEqual([wrong, 401]);
    }
    const refused = await fetch(api, { headers: { authorization: "Bearer wrong-but-long-enough" } });
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect(await refused.json()).toMatchObject({ kind: "denied", code: "TOKEN_WANTED" });
    const put = await fetch(`${app.url}/objects/x`, { method: "PUT", body: "x".repeat(1_000_000) }).catch(() => undefined);
    expect(put === undefined || put.status === 401).toBe(true);
    expect(await app.objects.head("x")).toBeUndefined();
    expect(JSON.stringify(app.log.lines)).not.toContain(token);
  });
});
