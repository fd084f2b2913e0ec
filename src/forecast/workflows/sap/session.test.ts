import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { openSession, parseCredentials, type Session } from "./session.ts";

let close: (() => Promise<void>) | undefined;

afterEach(async () => {
  await close?.();
  close = undefined;
});

/** A server that answers as told, and a session with it. */
async function start(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ url: string; session: Session }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server's address is one
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sap/ZSRV`;
  const credentials = { kind: "basic", user: "u", password: "p", headers: { APIKey: "secret" } } as const;
  return { url, session: openSession({ credentials, headers: { "X-Requested-With": "X" }, tries: 2, pauseMs: 1, timeoutMs: 2_000 }) };
}

const { signal } = new AbortController();
const get = { method: "GET", repeatable: true } as const;
const post = { method: "POST", repeatable: false, body: "x" } as const;

describe("an answer from somewhere else", () => {
  test.each([
    ["text/html; charset=utf-8", "<html><head><title>Logon Error Message</title></head></html>"],
    ["text/plain", "  <!DOCTYPE html><p>Sign in"],
    ["application/xhtml+xml; html", "x"],
  ])("is told as a page for people (%s)", async (type, body) => {
    const { url, session } = await start((_, response) => response.writeHead(200, { "content-type": type }).end(body));
    await expect(session.send(url, get, signal)).rejects.toMatchObject({ kind: "denied", code: "SAP_LOGON_PAGE" });
    await expect(session.send(url, post, signal)).rejects.toMatchObject({ code: "SAP_LOGON_PAGE" });
  });

  test("is told as a redirect, without its query, and not followed", async () => {
    const met: string[] = [];
    const { url, session } = await start((request, response) => {
      met.push(request.url ?? "");
      response.writeHead(302, { location: "/saml2/sso?SAMLRequest=secret" }).end();
    });
    const said = await session.send(url, get, signal).catch((error: unknown) => String(error));
    expect(said).toMatch(/302.*\/saml2\/sso/);
    expect(said).not.toContain("secret");
    expect(met).toEqual(["/sap/ZSRV"]);
  });

  test("that names the same place is an address that has moved", async () => {
    const { url, session } = await start((request, response) => response.writeHead(301, { location: `${request.url}/` }).end());
    await expect(session.send(url, get, signal)).rejects.toThrow(/Write that address into the settings/);
  });

  test("is no JSON that holds HTML", async () => {
    const body = JSON.stringify({ text: "<html>" });
    const { url, session } = await start((_, response) => response.writeHead(200, { "content-type": "application/json" }).end(body));
    expect(await session.send(url, get, signal)).toMatchObject({ status: 200, isCut: false, text: body });
  });
});

test("headers of the settings and of the credentials go with every request", async () => {
  let seen: IncomingMessage["headers"] = {};
  const { url, session } = await start((request, response) => {
    seen = request.headers;
    response.end("{}");
  });
  await session.send(url, { ...get, headers: { accept: "application/json" } }, signal);
  expect(seen).toMatchObject({
    apikey: "secret",
    "x-requested-with": "X",
    accept: "application/json",
    authorization: expect.stringMatching(/^Basic/),
  });
});

describe("what a failing server says", () => {
  test.each([
    [
      500,
      JSON.stringify({ error: { code: "X/1", message: { value: "Delta queue is being reorganised" } } }),
      /500: Delta queue is being reorganised/,
    ],
    [
      403,
      "<error><code>S/403</code><message>No authorization to access service ZSRV</message></error>",
      /403: No authorization to access service ZSRV/,
    ],
    [503, "<html><head><title>Service cannot be reached</title></head></html>", /503: Service cannot be reached/],
    [
      401,
      "<html><head><title>Anmeldung fehlgeschlagen (APIKey secret)</title></head></html>",
      /401: Anmeldung fehlgeschlagen \(APIKey \.\.\.\)/,
    ],
    [429, "", /too many requests \(429\)/],
  ] as const)("is told (%i)", async (status, body, said) => {
    const { url, session } = await start((_, response) =>
      response.writeHead(status, { "content-type": "text/x", "retry-after": "0" }).end(body),
    );
    await expect(session.send(url, get, signal)).rejects.toThrow(said);
  });

  test("leaves open what was posted, when its patience ended (408) or it failed (502)", async () => {
    for (const status of [408, 502]) {
      const { url, session } = await start((_, response) => response.writeHead(status).end());
      await expect(session.send(url, post, signal)).rejects.toMatchObject({ code: "SAP_UNSURE" });
      await close?.();
    }
  });
});

test("what was posted and not answered is unsure; what never arrived is not", async () => {
  const { url, session } = await start((request) => request.socket.destroy());
  await expect(session.send(url, post, signal)).rejects.toMatchObject({ code: "SAP_UNSURE" });
  await expect(session.send(url, get, signal)).rejects.toMatchObject({ code: "SAP_BUSY" });
  await close?.();
  close = undefined;
  await expect(session.send(url, post, signal)).rejects.toMatchObject({ code: "SAP_BUSY" });
});

test("an answer that breaks off is given as far as it came", async () => {
  const { url, session } = await start((_, response) => {
    response.writeHead(202, { "content-type": "multipart/mixed", "content-length": "100" });
    response.write("half of it", () => response.socket?.destroy());
  });
  expect(await session.send(url, post, signal)).toMatchObject({ status: 202, isCut: true, text: "half of it" });
  await expect(session.send(url, get, signal)).rejects.toMatchObject({ code: "SAP_BUSY" });
});

test("credentials are refused without repeating them", () => {
  const read = (value: unknown): unknown => parseCredentials(Buffer.from(JSON.stringify(value)), "secrets/sap.json");
  expect(read({ kind: "basic", user: "u", password: "p", headers: { APIKey: "k" } })).toMatchObject({ user: "u" });
  expect(() => read({ kind: "basic", user: "u", password: 7 })).toThrow(/password/);
  expect(() => parseCredentials(Buffer.from("hunter2"), "secrets/sap.json")).not.toThrow(/hunter2/);
});
