// Signing in: by a password, by a token, by a session; and what is tried to get in without.

import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeManualClock } from "../../src/platform/time.ts";
import { safeNext } from "../../src/server/identity/entrance.ts";
import { fieldsOf, makeBrowser, type Browser, type Page } from "../kit/browser.ts";
import { openTestServer } from "./server-kit.ts";

const [anna, ben] = ["correct horse battery staple", "another long password"];
const serverToken = "the-one-token-of-this-server";

let clock = makeManualClock(Date.now());
let app: Awaited<ReturnType<typeof openTestServer>>;

beforeAll(async () => {
  clock = makeManualClock(Date.now());
  app = await openTestServer({ token: serverToken }, {}, undefined, { clock });
  await app.identity.users.add("anna", ["planner"], anna);
  await app.identity.users.add("ben", ["administrator"], ben);
});
afterAll(() => app.close());
/** Beyond every window of failed attempts, within every session. */
beforeEach(() => clock.advance(16 * 60_000));

const formsPage = async (browser: Browser): Promise<Page> => await browser.get(`${app.url}/sign-in`);
async function signIn(browser: Browser, name: string, password: string, more: Record<string, string> = {}): Promise<Page> {
  const page = await formsPage(browser);
  return await browser.post(`${app.url}/sign-in`, { ...fieldsOf(page, "/sign-in"), name, password, ...more });
}
const secretOf = (browser: Browser): string | undefined => browser.cookies(app.url).get("stockroom_session")?.value;
async function me(headers: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${app.url}/api/me`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const withCookie = (secret: string): Record<string, string> => ({ cookie: `stockroom_session=${secret}` });
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** A request with a body as a script or a program sends it. */
async function send(method: string, way: string, headers: Record<string, string>, body?: unknown): Promise<Response> {
  return await fetch(`${app.url}${way}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

describe("by a password", () => {
  it("lets the user in where they wanted to go, under their name", async () => {
    const browser = makeBrowser();
    const first = await browser.get(`${app.url}/api-less?x=1`);
    expect([first.status, first.location]).toEqual([303, `${app.url}/sign-in?next=%2Fapi-less%3Fx%3D1`]);
    const page = await browser.follow(first);
    expect(page.text).not.toContain("<script");
    const entered = await browser.post(`${app.url}/sign-in`, { ...fieldsOf(page, "/sign-in"), name: " Anna ", password: anna });
    expect([entered.status, entered.location]).toEqual([303, `${app.url}/api-less?x=1`]);
    const cookie = browser.cookies(app.url).get("stockroom_session");
    expect(cookie?.attributes).toMatch(/^Path=\/; HttpOnly; SameSite=Lax; Expires=/);
    expect(await me(withCookie(secretOf(browser) ?? ""))).toMatchObject({
      status: 200,
      body: { id: "password:anna", name: "anna", roles: ["planner"], via: "session" },
    });
    const home = await browser.get(`${app.url}/`);
    expect([home.status, home.text.includes('<a href="/sign-in"><bdi>anna</bdi></a>')]).toEqual([200, true]);
    const { rows } = { rows: await app.database.query("select * from stockroom.identity_session") };
    expect(JSON.stringify(rows)).not.toContain(secretOf(browser));
  });

  it("says the same of a wrong password and of nobody, at the same cost", async () => {
    const answers = [];
    for (const [name, password] of [
      ["anna", "wrong horse battery staple"],
      ["nobody", anna],
      ["", ""],
      ["anna'--", anna],
    ] as const) {
      const browser = makeBrowser();
      const page = await signIn(browser, name, password);
      answers.push([page.status, /Code (\w+)/.exec(page.text)?.[1], /role="alert">([^<]*)/.exec(page.text)?.[1]]);
      expect(secretOf(browser)).toBeUndefined();
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.slice(0, 2)).toEqual([401, "SIGN_IN_FAILED"]);
    const costOf = async (name: string): Promise<number> => {
      const began = process.cpuUsage();
      await signIn(makeBrowser(), name, "wrong horse battery staple");
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1_000;
    };
    const [known, unknown] = [Math.min(await costOf("anna"), await costOf("anna")), Math.min(await costOf("nobody"), await costOf("zoe"))];
    // The hash costs most of it; leaving it out would show as a tenth.
    expect(unknown).toBeGreaterThan(known / 3);
  });

  it("slows down who guesses, and tells when to come again", async () => {
    // Many at once are counted before they are compared.
    const many = await Promise.all(Array.from({ length: 12 }, async () => await signIn(makeBrowser(), "nobody-at-all", "wrong")));
    expect(many.filter(({ status }) => status === 401)).toHaveLength(10);
    const refused = many.find(({ status }) => status !== 401);
    expect([refused?.status, refused?.headers.get("retry-after"), /Code (\w+)/.exec(refused?.text ?? "")?.[1]]).toEqual([
      429,
      "900",
      "SIGN_IN_TOO_MANY",
    ]);
    // Others are not shut out.
    expect((await signIn(makeBrowser(), "anna", anna)).status).toBe(303);
  });

  it("sends nobody elsewhere", async () => {
    const elsewhere = [
      "//evil.example",
      "/\\evil.example",
      "\\/evil.example",
      "https://evil.example/",
      "http:evil.example",
      "/\t/evil.example",
      "/%0d%0aset-cookie:a=b/\r\nx",
      "javascript:alert(1)",
      "/sign-out",
      "/./\\evil",
      "/..//evil.example",
      "",
    ];
    expect(elsewhere.map((next) => [next, safeNext(next)])).toEqual(elsewhere.map((next) => [next, "/"]));
    const page = await signIn(makeBrowser(), "anna", anna, { next: "//evil.example" });
    expect([page.status, page.headers.get("location")]).toEqual([303, "/"]);
    expect(["/runs", "/classify/review?line=a%2Fb&x=1", "/a//b"].map(safeNext)).toEqual([
      "/runs",
      "/classify/review?line=a%2Fb&x=1",
      "/a//b",
    ]);
  });
});

describe("a session", () => {
  it("is new with every sign-in, and never one that was given", async () => {
    const browser = makeBrowser();
    browser.setCookie(app.url, "stockroom_session", "a".repeat(43));
    await signIn(browser, "anna", anna);
    const first = secretOf(browser) ?? "";
    expect(first).not.toBe("a".repeat(43));
    expect(await me(withCookie("a".repeat(43)))).toMatchObject({ status: 401 });
    // Whoever is signed in sees no form; a form left open in another tab goes on working.
    const other = await makeBrowser().get(`${app.url}/sign-in`);
    const formCookie = other.headers.getSetCookie().find((line) => line.startsWith("stockroom_sign_in=")) ?? "";
    const entered = await browser.post(
      `${app.url}/sign-in`,
      { ...fieldsOf(other, "/sign-in"), name: "ben", password: ben },
      { cookie: `stockroom_session=${first}; ${formCookie.split(";")[0] ?? ""}` },
    );
    expect(entered.status).toBe(303);
    const second = secretOf(browser) ?? "";
    expect(second).not.toBe(first);
    expect((await me(withCookie(first))).status).toBe(401);
    expect((await me(withCookie(second))).body).toMatchObject({ name: "ben" });
  });

  it("ends without use, and in any case", async () => {
    const browser = makeBrowser();
    await signIn(browser, "anna", anna);
    const secret = secretOf(browser) ?? "";
    clock.advance(11 * 3_600_000);
    expect((await me(withCookie(secret))).status).toBe(200);
    clock.advance(11 * 3_600_000);
    expect((await me(withCookie(secret))).status).toBe(200);
    clock.advance(12 * 3_600_000 + 1);
    expect((await me(withCookie(secret))).status).toBe(401);
    await signIn(browser, "anna", anna);
    const used = secretOf(browser) ?? "";
    for (let hours = 0; hours < 7 * 24 - 6; hours += 6) {
      clock.advance(6 * 3_600_000);
      expect((await me(withCookie(used))).status).toBe(200);
    }
    clock.advance(6 * 3_600_000 + 1);
    expect((await me(withCookie(used))).status).toBe(401);
  });

  it("ends by signing out, by its owner, by an administrator, and with the user, the password or the role", async () => {
    const open = async (name: string, password: string): Promise<{ browser: Browser; secret: string }> => {
      const browser = makeBrowser();
      await signIn(browser, name, password);
      return { browser, secret: secretOf(browser) ?? "" };
    };
    const statusOf = async (secret: string): Promise<number> => (await me(withCookie(secret))).status;
    const out = await open("anna", anna);
    const account = await out.browser.get(`${app.url}/sign-in`);
    expect((await out.browser.post(`${app.url}/sign-out`, { form: "guessed" })).status).toBe(403);
    expect(await statusOf(out.secret)).toBe(200);
    expect((await out.browser.post(`${app.url}/sign-out`, fieldsOf(account, "/sign-out"))).status).toBe(303);
    expect([await statusOf(out.secret), secretOf(out.browser)]).toEqual([401, undefined]);

    const [a, b, admin] = [await open("anna", anna), await open("anna", anna), await open("ben", ben)];
    const listed = async (secret: string): Promise<{ id: string; userId: string; current: boolean }[]> => {
      const { sessions } = (await (await fetch(`${app.url}/api/sessions`, { headers: withCookie(secret) })).json()) as {
        sessions: { id: string; userId: string; current: boolean }[];
      };
      return sessions;
    };
    const own = await listed(a.secret);
    expect(own.every(({ userId }) => userId === "password:anna")).toBe(true);
    const foreign = (await listed(admin.secret)).find(({ current }) => current)?.id ?? "";
    const sameOrigin = { origin: app.url };
    expect((await send("DELETE", `/api/sessions/${foreign}`, { ...withCookie(a.secret), ...sameOrigin })).status).toBe(404);
    const mine = (await listed(b.secret)).find(({ current }) => current)?.id ?? "";
    expect((await send("DELETE", `/api/sessions/${mine}`, { ...withCookie(a.secret), ...sameOrigin })).status).toBe(204);
    expect([await statusOf(a.secret), await statusOf(b.secret)]).toEqual([200, 401]);
    const first = (await listed(a.secret)).find(({ current }) => current)?.id ?? "";
    expect((await send("DELETE", `/api/sessions/${first}`, { ...withCookie(admin.secret), ...sameOrigin })).status).toBe(204);
    expect(await statusOf(a.secret)).toBe(401);

    // A role holds with the next request; a password and a removal end what was begun before.
    await app.identity.users.add("carl", ["operator"], "carl has a long password");
    const carl = await open("carl", "carl has a long password");
    await app.identity.users.change("carl", { roles: ["viewer"] });
    expect((await me(withCookie(carl.secret))).body).toMatchObject({ roles: ["viewer"] });
    clock.advance(10);
    const changed = await send(
      "PUT",
      "/api/me/password",
      { ...withCookie(carl.secret), ...sameOrigin },
      { current: "carl has a long password", password: "carl has a new password" },
    );
    expect([changed.status, await statusOf(carl.secret)]).toEqual([204, 401]);
    clock.advance(10);
    const again = await open("carl", "carl has a new password");
    expect(await statusOf(again.secret)).toBe(200);
    await app.identity.users.remove("carl");
    expect(await statusOf(again.secret)).toBe(401);
    clock.advance(10);
    await app.identity.users.add("carl", ["administrator"], "carl has a third password");
    expect(await statusOf(again.secret)).toBe(401);
    await app.identity.users.remove("carl");
  });

  it("changes nothing for a page elsewhere, whatever a browser sends by itself", async () => {
    const browser = makeBrowser();
    await signIn(browser, "ben", ben);
    const cookie = withCookie(secretOf(browser) ?? "");
    const { host, port } = new URL(app.url);
    const body = { name: "stolen", roles: ["administrator"], machine: true };
    const attacks: Record<string, string>[] = [
      {},
      { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
      { origin: "null" },
      { origin: `https://${host}` },
      { origin: `http://localhost:${port}` },
      { origin: `http://127.0.0.1:${Number(port) + 1}`, "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "none" },
      { origin: `http://${host}.evil.example` },
      { origin: `https://${host}`, "x-forwarded-proto": "https" },
    ];
    for (const headers of attacks) {
      const answer = await send("POST", "/api/tokens", { ...cookie, ...headers }, body);
      expect([headers, answer.status, ((await answer.json()) as { code: string }).code]).toEqual([headers, 403, "ORIGIN_FORBIDDEN"]);
      // A form of another page cannot say that it is JSON, and the types it can say are not taken for it.
      const form = await fetch(`${app.url}/api/tokens`, {
        method: "POST",
        headers: { ...cookie, ...headers, "content-type": "text/plain" },
        body: JSON.stringify(body),
      });
      expect(form.status).toBe(403);
    }
    expect(await app.identity.tokens.list()).toEqual([]);
    expect((await send("POST", "/api/tokens", { ...cookie, origin: app.url }, body)).status).toBe(201);
    await app.database.query("delete from stockroom.identity_token");
    // A form that signs its reader in as somebody else, or out, is no page of ours.
    const page = await formsPage(makeBrowser());
    const planted = { ...fieldsOf(page, "/sign-in"), name: "anna", password: anna };
    const victim = makeBrowser();
    expect((await victim.post(`${app.url}/sign-in`, planted)).status).toBe(403);
    await formsPage(victim);
    expect((await victim.post(`${app.url}/sign-in`, planted)).status).toBe(403);
    expect((await victim.post(`${app.url}/sign-in`, planted, { origin: "https://evil.example" })).status).toBe(403);
    expect(secretOf(victim)).toBeUndefined();
    expect((await browser.post(`${app.url}/sign-out`, {}, { origin: "https://evil.example" })).status).toBe(403);
    // Nothing that reads is shared with other origins, or runs anything.
    const read = await fetch(`${app.url}/api/me`, { headers: { ...cookie, origin: "https://evil.example" } });
    expect(read.headers.get("access-control-allow-origin")).toBeNull();
    const home = await browser.get(`${app.url}/`);
    const policy = home.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/);
    expect(read.headers.get("content-security-policy")).not.toContain("unsafe");
  });

  it("is no cookie but its own: not another name, another form or another's", async () => {
    for (const value of ["", "x", "a".repeat(43), "../../etc", "' or 1=1 --", `"${"a".repeat(43)}"`]) {
      expect([value, (await me(withCookie(value))).status]).toEqual([value, 401]);
    }
    const browser = makeBrowser();
    await signIn(browser, "anna", anna);
    const secret = secretOf(browser) ?? "";
    expect((await me({ cookie: `__Host-stockroom_session=${secret}` })).status).toBe(401);
    expect((await me(bearer(secret))).status).toBe(401);
    expect((await me({ ...withCookie(secret), ...bearer("wrong") })).status).toBe(401);
    expect(JSON.stringify(app.log.lines)).not.toContain(secret);
    expect(JSON.stringify(app.log.lines)).not.toContain(anna);
  });
});

describe("what somebody does", () => {
  it("stands under their name: uses of keys, refused ones too, and events", async () => {
    const browser = makeBrowser();
    await signIn(browser, "ben", ben);
    const headers = { ...withCookie(secretOf(browser) ?? ""), origin: app.url };
    expect((await fetch(`${app.url}/objects/a/file.txt`, { method: "PUT", headers, body: "text" })).status).toBe(201);
    expect((await fetch(`${app.url}/objects/closed/file.txt`, { method: "PUT", headers, body: "text" })).status).toBe(403);
    const machine = await app.identity.tokens.add(
      { name: "nightly", roles: ["operator"], days: 1, machine: true },
      { id: "local", roles: ["administrator"], via: "local" },
    );
    expect(await (await fetch(`${app.url}/objects/a/file.txt`, { headers: bearer(machine.secret) })).text()).toBe("text");
    const one = await fetch(`${app.url}/objects/a/other.txt`, { method: "PUT", headers: bearer(serverToken), body: "text" });
    expect(one.status).toBe(201);
    const uses = (await app.vault.uses({})).map(({ purpose, access, zone, allowed, by }) => [purpose, access, zone, allowed, by]);
    expect(uses.toReversed()).toEqual([
      ["http PUT", "write", "general", true, "ben"],
      ["http PUT", "write", "closed", false, "ben"],
      ["http GET", "read", "general", true, "machine:nightly"],
      ["http PUT", "write", "general", true, undefined],
    ]);
    expect((await app.events.list({ kind: "object.stored" })).map(({ subject, by }) => [subject, by])).toEqual([
      ["a/other.txt", undefined],
      ["a/file.txt", "ben"],
    ]);
    const told = await fetch(`${app.url}/api/events?kind=object.stored`, { headers });
    expect(await told.json()).toMatchObject({ events: [{ subject: "a/other.txt" }, { subject: "a/file.txt", by: "ben" }] });
  });
});

describe("a token", () => {
  const session = async (name: string, password: string): Promise<Record<string, string>> => {
    const browser = makeBrowser();
    await signIn(browser, name, password);
    return { ...withCookie(secretOf(browser) ?? ""), origin: app.url };
  };
  interface Made {
    readonly token: { readonly id: string; readonly expiresAt: string };
    readonly secret: string;
  }
  const make = async (headers: Record<string, string>, body: object): Promise<{ status: number; made: Made; code: string }> => {
    const response = await send("POST", "/api/tokens", headers, body);
    const json = (await response.json()) as Made & { code: string };
    return { status: response.status, made: json, code: json.code };
  };

  it("is a person's, with no role beyond theirs, and less when they have less", async () => {
    await app.identity.users.add("dora", ["operator"], "dora has a long password");
    const dora = await session("dora", "dora has a long password");
    expect(await make(dora, { name: "mine", roles: ["administrator"] })).toMatchObject({ status: 403, code: "TOKEN_ROLE" });
    expect(await make(dora, { name: "mine", roles: ["viewer"], machine: true })).toMatchObject({ status: 403, code: "TOKEN_MAKER" });
    expect(await make(dora, { name: "\u202ex", roles: ["viewer"] })).toMatchObject({ status: 400 });
    const { made } = await make(dora, { name: "notebook", roles: ["planner", "reviewer"] });
    expect(made.secret).toMatch(/^stockroom_[\w-]{43}$/);
    expect((await me(bearer(made.secret))).body).toMatchObject({
      id: "password:dora",
      name: "dora",
      roles: ["reviewer", "planner"],
      via: "token",
    });
    expect(await make(bearer(made.secret), { name: "more", roles: ["viewer"] })).toMatchObject({ status: 403, code: "TOKEN_MAKER" });
    await app.identity.users.change("dora", { roles: ["planner"] });
    expect((await me(bearer(made.secret))).body).toMatchObject({ roles: ["planner"] });
    await app.identity.users.remove("dora");
    expect((await me(bearer(made.secret))).status).toBe(401);
    clock.advance(1);
    await app.identity.users.add("dora", ["administrator"], "dora has a long password");
    expect((await me(bearer(made.secret))).status).toBe(401);
    await app.identity.users.remove("dora");
    const rows = await app.database.query<{ digest: Uint8Array }>("select * from stockroom.identity_token");
    expect(JSON.stringify(rows)).not.toContain(made.secret.slice("stockroom_".length));
    expect(JSON.stringify(app.log.lines)).not.toContain(made.secret.slice("stockroom_".length));
  });

  it("is a machine's, ends by time and by word, and says when it was used", async () => {
    const admin = await session("ben", ben);
    const { made } = await make(admin, { name: "nightly", roles: ["viewer"], days: 2, machine: true });
    expect((await me(bearer(made.secret))).body).toMatchObject({ name: "machine:nightly", roles: ["viewer"] });
    const listed = async (headers: Record<string, string>): Promise<Record<string, unknown>[]> =>
      ((await (await fetch(`${app.url}/api/tokens`, { headers })).json()) as { tokens: Record<string, unknown>[] }).tokens;
    expect((await listed(admin)).find(({ id }) => id === made.token.id)).toMatchObject({
      madeBy: "ben",
      usedAt: new Date(clock.now()).toISOString(),
    });
    expect(JSON.stringify(await listed(admin))).not.toContain(made.secret);
    expect((await listed(await session("anna", anna))).some(({ id }) => id === made.token.id)).toBe(false);
    expect((await send("DELETE", `/api/tokens/${made.token.id}`, await session("anna", anna))).status).toBe(404);
    clock.advance(2 * 86_400_000 + 1);
    expect((await me(bearer(made.secret))).status).toBe(401);
    const later = await session("ben", ben);
    const other = await make(later, { name: "nightly", roles: ["operator"], machine: true });
    expect((await me(bearer(other.made.secret))).status).toBe(200);
    expect((await send("DELETE", `/api/tokens/${other.made.token.id}`, later)).status).toBe(200);
    expect((await me(bearer(other.made.secret))).status).toBe(401);
    for (const wrong of [`${other.made.secret}x`, other.made.secret.slice(0, -1), "stockroom_", other.made.token.id]) {
      expect((await me(bearer(wrong))).status).toBe(401);
    }
  });

  it("signs a browser in, and the session ends with it", async () => {
    const admin = await session("ben", ben);
    const { made } = await make(admin, { name: "wall", roles: ["viewer"], machine: true });
    for (const [key, name] of [
      [made.secret, "machine:wall"],
      [serverToken, undefined],
    ] as const) {
      const browser = makeBrowser();
      const page = await formsPage(browser);
      expect((await browser.post(`${app.url}/sign-in`, { ...fieldsOf(page, "/sign-in", 1), key: `${key} ` })).status).toBe(303);
      expect((await me(withCookie(secretOf(browser) ?? ""))).body["name"]).toBe(name);
      if (name === undefined) continue;
      await send("DELETE", `/api/tokens/${made.token.id}`, admin);
      expect((await me(withCookie(secretOf(browser) ?? ""))).status).toBe(401);
    }
    const page = await formsPage(makeBrowser());
    expect(page.text).toContain('name="key"');
  });
});

describe("the password file", () => {
  it("holds hashes alone, for its owner alone, and what it says holds at once", async () => {
    const text = await readFile(app.usersFile, "utf8");
    expect(text).toMatch(/password: \$argon2id\$v=19\$m=47104,t=1,p=1\$/);
    expect(text).not.toContain(anna);
    expect((await stat(app.usersFile)).mode & 0o777).toBe(0o600);
    const browser = makeBrowser();
    await signIn(browser, "anna", anna);
    const secret = secretOf(browser) ?? "";
    const statusOf = async (): Promise<number> => (await fetch(`${app.url}/api/me`, { headers: withCookie(secret) })).status;
    for (const broken of [
      "anna: [",
      "anna:\n  roles: [king]\n",
      text.replace("$argon2id", "$2b"),
      `${text}\nANNA:\n  roles: [viewer]\n`,
      "- anna\n",
    ]) {
      await writeFile(app.usersFile, broken);
      expect([broken.slice(0, 20), await statusOf()]).toEqual([broken.slice(0, 20), 503]);
      expect(() => app.identity.users.list()).toThrow(/users.yaml.*(until then nobody is let in)/s);
    }
    await writeFile(app.usersFile, "anna:\n  roles: [king]\n");
    expect(() => app.identity.users.list()).toThrow(/users\.yaml:2:11/);
    await chmod(app.usersFile, 0o644);
    expect(() => app.identity.users.list()).toThrow(expect.objectContaining({ code: "USERS_FILE_EXPOSED" }));
    await chmod(app.usersFile, 0o600);
    // Emptied, it opens nothing: the server has a token.
    await writeFile(app.usersFile, "");
    expect(await statusOf()).toBe(401);
    await writeFile(app.usersFile, text);
    expect(await statusOf()).toBe(200);
  });

  it("refuses what is no name, no password, and who is there", async () => {
    const { users } = app.identity;
    const good = "a good long password";
    for (const name of ["", "a:b", "x".repeat(101), "ann\u200ba", "<b>", "../x", "\uff41nna"]) {
      await expect(users.add(name, ["viewer"], good)).rejects.toMatchObject({ code: "USER_NAME" });
    }
    for (const password of ["short", "aaaaaaaaaaaaaaaa", "eve12345eve1", "x".repeat(600)]) {
      await expect(users.add("eve12345", ["viewer"], password)).rejects.toMatchObject({ code: "PASSWORD_WEAK" });
    }
    for (const name of ["anna", "ANNA", " Anna "])
      await expect(users.add(name, ["viewer"], good)).rejects.toMatchObject({ code: "USER_THERE" });
    await expect(users.remove("zoe")).rejects.toMatchObject({ code: "USER_MISSING" });
  });
});
