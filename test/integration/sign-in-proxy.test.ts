// Behind a proxy that speaks https: cookies, origins and addresses as people see them, and nothing of that on a stranger's word.

import { request } from "node:http";
import { afterEach, expect, it } from "vitest";
import { fieldsOf } from "../kit/browser.ts";
import { openTestServer } from "./server-kit.ts";

const password = "a good long password";
const host = "stockroom.example.com";
const viaProxy = { host, "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9" };

let app: Awaited<ReturnType<typeof openTestServer>>;
afterEach(() => app.close());

interface Answer {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly text: string;
}

/** A request with any headers, `host` included, which fetch does not allow. */
function ask(method: string, way: string, headers: Record<string, string>, body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(`${app.url}${way}`, { method, headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, cookies: response.headers["set-cookie"] ?? [], text }));
    });
    call.on("error", reject);
    call.end(body);
  });
}

async function signIn(headers: Record<string, string>, origin: string): Promise<Answer> {
  const page = await ask("GET", "/sign-in", headers);
  const cookie = page.cookies.map((line) => line.split(";")[0] ?? "").join("; ");
  const form = new URLSearchParams({ ...fieldsOf(page, "/sign-in"), name: "anna", password }).toString();
  return await ask("POST", "/sign-in", { ...headers, cookie, origin, "content-type": "application/x-www-form-urlencoded" }, form);
}

it("over https the cookie is Secure and the host's own, and pages there are ours", async () => {
  app = await openTestServer({}, {}, undefined, { auth: { publicUrl: `https://${host}`, trustedProxies: ["127.0.0.1"] } });
  await app.identity.users.add("anna", ["administrator"], password);
  const entered = await signIn(viaProxy, `https://${host}`);
  expect(entered.status).toBe(303);
  expect(entered.cookies[0]).toMatch(/^__Host-stockroom_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Expires=/);
  const cookie = entered.cookies[0]?.split(";")[0] ?? "";
  const me = async (headers: Record<string, string>): Promise<number> => (await ask("GET", "/api/me", { ...viaProxy, ...headers })).status;
  expect(await me({ cookie })).toBe(200);
  // Not under the name that any page over http could set.
  expect(await me({ cookie: cookie.replace("__Host-", "") })).toBe(401);
  const [session] = await app.identity.sessions.list();
  expect(session?.address).toBe("203.0.113.9");
  const change = async (origin: string): Promise<number> =>
    (await ask("DELETE", "/api/sessions/none", { ...viaProxy, cookie, origin })).status;
  expect(await change(`https://${host}`)).toBe(404);
  expect(await change(`http://${host}`)).toBe(403);
  expect(await change(`https://${host}:8443`)).toBe(403);
  expect((await ask("GET", "/api/me", { host: "evil.example", cookie })).status).toBe(403);
  expect((await signIn(viaProxy, "https://evil.example")).status).toBe(403);
});

it("with a public address nobody gets in for being on this machine: the proxy is", async () => {
  app = await openTestServer({}, {}, undefined, { auth: { publicUrl: `https://${host}` } });
  expect((await ask("GET", "/api/me", { host })).status).toBe(401);
  expect((await ask("GET", "/api/me", {})).status).toBe(401);
});

it("a stranger's word on https and addresses is nothing", async () => {
  app = await openTestServer({}, {}, undefined, {});
  await app.identity.users.add("anna", ["viewer"], password);
  const headers = { "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9" };
  expect((await signIn(headers, app.url.replace("http:", "https:"))).status).toBe(403);
  const entered = await signIn(headers, app.url);
  expect(entered.cookies[0]).toMatch(/^stockroom_session=/);
  expect((await app.identity.sessions.list()).map(({ address }) => address)).toEqual(["127.0.0.1"]);
});
