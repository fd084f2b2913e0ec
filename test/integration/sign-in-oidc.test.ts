// Signing in by a real provider (oidc-provider) on this machine, and the ways to get it wrong.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Provider, type Configuration } from "oidc-provider";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeManualClock } from "../../src/platform/time.ts";
import { makeBrowser, type Browser, type Page } from "../kit/browser.ts";
import { openTestServer } from "./server-kit.ts";

/** Who there is at the provider; groups may change. */
const people = new Map<string, Record<string, unknown>>();
/** What is done to its answers on the way. */
const odd = { forge: false, down: false };
/** What the ID token says instead of what is known of everybody. */
let idTokenOnly: Record<string, unknown> | undefined;

let clock = makeManualClock(Date.now());
let app: Awaited<ReturnType<typeof openTestServer>>;
let provider: Provider;
let closeProvider: () => Promise<void>;

beforeAll(async () => {
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server = createServer((request, response) => {
    if (odd.down) {
      request.socket.destroy();
      return;
    }
    if (odd.forge && request.url === "/token") forge(response);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const issuer = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  clock = makeManualClock(Date.now());
  const roles = { viewer: ["staff"], reviewer: ["review"], planner: ["planning"], operator: [], administrator: ["it"] };
  app = await openTestServer({}, {}, undefined, {
    clock,
    auth: {
      oidc: {
        issuer,
        clientId: "stockroom",
        clientSecret: "a-secret-of-the-client",
        scopes: ["openid", "profile", "groups"],
        nameClaim: "preferred_username",
        groupsClaim: "org.groups",
        label: "the test's account",
        roles,
      },
    },
  });
  const configuration: Configuration = {
    clients: [
      {
        client_id: "stockroom",
        client_secret: "a-secret-of-the-client",
        application_type: "native",
        redirect_uris: [`${app.url}/sign-in/callback`],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    scopes: ["openid", "profile", "groups"],
    claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["org", "_claim_names"] },
    features: { claimsParameter: { enabled: true } },
    pkce: { required: () => true },
    ttl: { AuthorizationCode: 60, AccessToken: 60, IdToken: 60, Session: 600, Interaction: 600, Grant: 600 },
    cookies: { keys: ["a key of the test's provider"] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async (use) => ({ sub: id, ...people.get(id), ...(use === "id_token" ? idTokenOnly : {}) }),
    }),
  };
  provider = new Provider(issuer, configuration);
  const callback = provider.callback();
  answer = (request, response) => void callback(request, response);
  closeProvider = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterAll(async () => {
  await app.close();
  await closeProvider();
});
beforeEach(() => {
  Object.assign(odd, { forge: false, down: false });
  people.clear();
  people.set("sub-anna", { preferred_username: "anna", org: { groups: ["planning", "review", "football"] } });
  people.set("sub-ben", { preferred_username: "ben", org: { groups: ["it"] } });
  people.set("sub-carl", { preferred_username: "carl", org: { groups: ["football"] } });
});

/** Changes one character of the ID token's signature on its way, as somebody between us would who has no key. */
function forge(response: ServerResponse): void {
  const end = response.end.bind(response) as (chunk?: unknown) => ServerResponse;
  response.end = ((chunk?: unknown) => {
    const text = Buffer.isBuffer(chunk) ? chunk.toString("utf8") : typeof chunk === "string" ? chunk : "";
    const forged = text.replace(
      /("id_token":"[^".]+\.[^".]+\.)(.)/,
      (_all, head: string, sign: string) => `${head}${sign === "A" ? "B" : "A"}`,
    );
    return end(text === "" ? chunk : forged);
  }) as typeof response.end;
}

/** The way to the provider, up to where it sends the browser back; `bend` changes the address the browser is sent to. */
async function goTo(browser: Browser, as: string, bend: (to: URL) => void = () => undefined, next = "/"): Promise<string> {
  const begun = await browser.get(`${app.url}/sign-in/provider?next=${encodeURIComponent(next)}`);
  expect(begun.status).toBe(303);
  const to = new URL(begun.location ?? "");
  expect(to.searchParams.get("code_challenge_method")).toBe("S256");
  bend(to);
  const back = (location: string): boolean => location.startsWith(`${app.url}/sign-in/callback`);
  let page = await browser.follow(await browser.get(to.href), back);
  // Its own pages: who it is, then whether we may know.
  for (let step = 0; step < 4 && page.location === undefined && page.status === 200; step++) {
    const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1] ?? "";
    const prompt = /name="prompt" value="(\w+)"/.exec(page.text)?.[1] ?? "";
    const fields = prompt === "login" ? { prompt, login: as, password: "any" } : { prompt };
    page = await browser.follow(await browser.post(new URL(action, page.url).href, fields), back);
  }
  return page.location ?? "";
}

const codeOf = (page: Page): [number, string | undefined] => [page.status, /Code (\w+)/.exec(page.text)?.[1]];
const secretOf = (browser: Browser): string => browser.cookies(app.url).get("stockroom_session")?.value ?? "";
async function me(browser: Browser): Promise<Record<string, unknown>> {
  return JSON.parse((await browser.get(`${app.url}/api/me`)).text) as Record<string, unknown>;
}

describe("a provider's word", () => {
  it("lets people in with the roles of their groups, where they wanted to go", async () => {
    const browser = makeBrowser();
    const page = await browser.follow(await browser.get(`${app.url}/`));
    expect(page.text).toContain('<a href="/sign-in/provider?next=%2F">Sign in by the test&#39;s account</a>');
    expect(page.text).not.toContain('name="password"');
    const back = await goTo(browser, "sub-anna", undefined, "/classify/review?line=x");
    const entered = await browser.get(back, { "sec-fetch-site": "cross-site" });
    expect([entered.status, entered.location]).toEqual([303, `${app.url}/classify/review?line=x`]);
    expect(await me(browser)).toMatchObject({ name: "anna", roles: ["reviewer", "planner"], via: "session" });
    expect(browser.cookies(app.url).has("stockroom_flow")).toBe(false);
    const other = makeBrowser();
    await other.get(await goTo(other, "sub-ben"));
    expect(await me(other)).toMatchObject({ name: "ben", roles: ["administrator"] });
    // The way back is gone once, also in the same browser.
    expect(codeOf(await other.get(back))).toEqual([403, "SIGN_IN_FLOW"]);
    expect(JSON.stringify(app.log.lines)).not.toContain(new URL(back).searchParams.get("code"));
  });

  it("is only taken in the browser that asked, with its state, in time", async () => {
    const victim = makeBrowser();
    const attacker = makeBrowser();
    const stolen = await goTo(attacker, "sub-ben");
    expect(codeOf(await victim.get(stolen))).toEqual([403, "SIGN_IN_FLOW"]);
    // Even a browser that has begun a sign-in of its own does not take another's.
    await victim.get(`${app.url}/sign-in/provider`);
    expect(codeOf(await victim.get(stolen))).toEqual([403, "SIGN_IN_FLOW"]);
    expect(secretOf(victim)).toBe("");
    for (const bend of [(url: URL) => url.searchParams.set("state", "x".repeat(43)), (url: URL) => url.searchParams.delete("state")]) {
      const browser = makeBrowser();
      const back = new URL(await goTo(browser, "sub-anna"));
      bend(back);
      expect(codeOf(await browser.get(back.href))).toEqual([403, "SIGN_IN_FLOW"]);
      expect(secretOf(browser)).toBe("");
    }
    const late = makeBrowser();
    const back = await goTo(late, "sub-anna");
    clock.advance(10 * 60_000 + 1);
    expect(codeOf(await late.get(back))).toEqual([403, "SIGN_IN_FLOW"]);
  });

  it("is refused with another nonce, another verifier, another issuer, a spent or expired code, a forged signature", async () => {
    const tried = async (name: string, bend: (to: URL) => void, change: (back: URL) => void = () => undefined): Promise<void> => {
      const browser = makeBrowser();
      const back = new URL(await goTo(browser, "sub-anna", bend));
      change(back);
      expect([name, ...codeOf(await browser.get(back.href))]).toEqual([name, 403, "SIGN_IN_PROVIDER_REFUSED"]);
      expect(secretOf(browser)).toBe("");
    };
    await tried("nonce", (to) => to.searchParams.set("nonce", "another-nonce"));
    await tried("no nonce", (to) => to.searchParams.delete("nonce"));
    await tried("verifier", (to) => to.searchParams.set("code_challenge", "A".repeat(43)));
    await tried(
      "issuer",
      () => undefined,
      (back) => back.searchParams.set("iss", "https://evil.example"),
    );
    await tried(
      "code",
      () => undefined,
      (back) => back.searchParams.set("code", "B".repeat(43)),
    );
    await tried(
      "a no",
      () => undefined,
      (back) => {
        back.searchParams.delete("code");
        back.searchParams.set("error", "access_denied");
      },
    );
    const late = makeBrowser();
    const back = await goTo(late, "sub-anna");
    const code = await provider.AuthorizationCode.find(new URL(back).searchParams.get("code") ?? "");
    if (code === undefined) throw new Error("no code");
    code.exp = Math.floor(Date.now() / 1_000) - 1;
    // @ts-expect-error -- the types lack how long it is kept
    await code.save(60);
    expect(codeOf(await late.get(back))).toEqual([403, "SIGN_IN_PROVIDER_REFUSED"]);
    odd.forge = true;
    await tried("forged", () => undefined);
    odd.forge = false;
    const browser = makeBrowser();
    expect(codeOf(await browser.get(await goTo(browser, "sub-anna")))).toEqual([303, undefined]);
  });

  it("without a group that has a role lets nobody in, and ends what was open", async () => {
    const carl = makeBrowser();
    expect(codeOf(await carl.get(await goTo(carl, "sub-carl")))).toEqual([403, "SIGN_IN_NO_ROLE"]);
    const anna = makeBrowser();
    await anna.get(await goTo(anna, "sub-anna"));
    const made = await fetch(`${app.url}/api/tokens`, {
      method: "POST",
      headers: { cookie: `stockroom_session=${secretOf(anna)}`, origin: app.url, "content-type": "application/json" },
      body: JSON.stringify({ name: "mine", roles: ["planner"] }),
    });
    const { secret } = (await made.json()) as { secret: string };
    const byToken = async (): Promise<number> =>
      (await fetch(`${app.url}/api/me`, { headers: { authorization: `Bearer ${secret}` } })).status;
    expect(await byToken()).toBe(200);
    for (const org of [{ groups: [] }, {}, "planning", { groups: { planning: true } }, { groups: ["Planning", "plan"] }]) {
      people.set("sub-anna", { preferred_username: "anna", org });
      const again = makeBrowser();
      expect(codeOf(await again.get(await goTo(again, "sub-anna")))).toEqual([403, "SIGN_IN_NO_ROLE"]);
    }
    expect((await me(anna))["code"]).toBe("TOKEN_WANTED");
    expect(await byToken()).toBe(401);
  });

  it("is understood in every form that providers give groups, and in no other", async () => {
    const forms: readonly (readonly [unknown, readonly string[] | string])[] = [
      [{ groups: "planning" }, ["planner"]],
      [{ groups: ["planning", 7, null, { planning: true }, ["it"]] }, ["planner"]],
      [{ groups: Array.from({ length: 5_000 }, (_, n) => (n === 4_999 ? "it" : `group ${n}`)) }, ["administrator"]],
      [{ groups: ["staff", "it"] }, ["administrator"]],
      [{ groups: "planning review" }, "SIGN_IN_NO_ROLE"],
      [{ groups: ["PLANNING"] }, "SIGN_IN_NO_ROLE"],
      [{ groups: ["planning "] }, "SIGN_IN_NO_ROLE"],
      [{ groups: { 0: "it" } }, "SIGN_IN_NO_ROLE"],
      [[{ groups: "it" }], "SIGN_IN_NO_ROLE"],
      [null, "SIGN_IN_NO_ROLE"],
    ];
    for (const [at, [org, wanted]] of forms.entries()) {
      people.set(`sub-form-${at}`, { preferred_username: `form${at}`, org });
      const browser = makeBrowser();
      const page = await browser.get(await goTo(browser, `sub-form-${at}`));
      const roles = page.status === 303 ? (await me(browser))["roles"] : codeOf(page)[1];
      expect([at, org, roles]).toEqual([at, org, wanted]);
    }
    // More than fit into a token: the provider says so instead of telling them.
    people.set("sub-many", { preferred_username: "many", _claim_names: { "org.groups": "src1" } });
    const many = makeBrowser();
    expect(codeOf(await many.get(await goTo(many, "sub-many")))).toEqual([403, "SIGN_IN_GROUPS_MANY"]);
    expect(secretOf(many)).toBe("");
  });

  it("is asked whole where the ID token has a part of it", async () => {
    // `org` stands in the ID token without groups, and with them in what the provider tells of the user.
    idTokenOnly = { org: { name: "shop" } };
    const browser = makeBrowser();
    const inToken = JSON.stringify({ id_token: { org: null } });
    await browser.get(await goTo(browser, "sub-anna", (to) => to.searchParams.set("claims", inToken)));
    idTokenOnly = undefined;
    expect(await me(browser)).toMatchObject({ name: "anna", roles: ["reviewer", "planner"] });
  });

  it("begins a way of its own each time, and ends it once", async () => {
    const browser = makeBrowser();
    const seen = new Set<string>();
    for (let n = 0; n < 3; n++) {
      const to = new URL((await browser.get(`${app.url}/sign-in/provider`)).location ?? "");
      for (const name of ["state", "nonce", "code_challenge"]) seen.add(to.searchParams.get(name) ?? "");
    }
    expect(seen.size).toBe(9);
    // The latest way alone is the browser's: one begun before, in another tab, is not ended with its state.
    const first = await goTo(browser, "sub-anna");
    await browser.get(`${app.url}/sign-in/provider`);
    expect(codeOf(await browser.get(first))).toEqual([403, "SIGN_IN_FLOW"]);
    // Two at once with one way back: one is let in.
    const back = await goTo(browser, "sub-anna");
    const flow = browser.cookies(app.url).get("stockroom_flow")?.value ?? "";
    const statuses = await Promise.all(
      [1, 2].map(async () => (await fetch(back, { redirect: "manual", headers: { cookie: `stockroom_flow=${flow}` } })).status),
    );
    expect(statuses.toSorted((a, b) => a - b)).toEqual([303, 403]);
  });

  it("is no other user's name", async () => {
    await app.identity.users.add("Dora", ["administrator"], "dora has a long password");
    people.set("sub-dora", { preferred_username: "dora", org: { groups: ["staff"] } });
    people.set("sub-false", { preferred_username: "ANNA", org: { groups: ["staff"] } });
    people.set("sub-machine", { preferred_username: "machine:nightly", org: { groups: ["staff"] } });
    people.set("sub-nameless", { org: { groups: ["staff"] } });
    const anna = makeBrowser();
    await anna.get(await goTo(anna, "sub-anna"));
    for (const [as, code] of [
      ["sub-dora", [403, "SIGN_IN_NAME_TAKEN"]],
      ["sub-false", [403, "SIGN_IN_NAME_TAKEN"]],
      ["sub-machine", [400, "USER_NAME"]],
      ["sub-nameless", [403, "SIGN_IN_NO_NAME"]],
    ] as const) {
      const browser = makeBrowser();
      expect([as, codeOf(await browser.get(await goTo(browser, as)))]).toEqual([as, code]);
      expect(secretOf(browser)).toBe("");
    }
    expect(await me(anna)).toMatchObject({ name: "anna" });
    await app.identity.users.remove("dora");
  });

  it("that does not come stops no other way in", async () => {
    const browser = makeBrowser();
    const back = await goTo(browser, "sub-anna");
    odd.down = true;
    expect(codeOf(await browser.get(back))).toEqual([503, "SIGN_IN_PROVIDER_DOWN"]);
    expect((await browser.get(`${app.url}/sign-in`)).status).toBe(200);
    odd.down = false;
    expect(codeOf(await browser.get(await goTo(browser, "sub-anna")))).toEqual([303, undefined]);
  });
});
