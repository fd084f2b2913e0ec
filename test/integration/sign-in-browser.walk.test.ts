// Sign-in in a real browser, and what other pages in the same browser try with the cookie it has. Needs Chromium; without one it says that it is skipped.

import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestServer } from "./server-kit.ts";

const executablePath = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((file) => existsSync(file));
if (executablePath === undefined) console.warn("no Chromium here: sign-in in a real browser is skipped");

const password = "correct horse battery staple";

describe.skipIf(executablePath === undefined)("in a browser", () => {
  let app: Awaited<ReturnType<typeof openTestServer>>;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let evil: Server;
  let evilPort = 0;
  /** What the attacker's page holds. */
  let attack = "";

  beforeAll(async () => {
    app = await openTestServer({}, {}, undefined, {});
    await app.identity.users.add("anna", ["administrator"], password);
    evil = createServer((_request, response) =>
      response.setHeader("content-type", "text/html").end(`<!doctype html><body>${attack}</body>`),
    );
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
    const address = evil.address();
    evilPort = typeof address === "object" && address !== null ? address.port : 0;
    browser = await chromium.launch({
      executablePath: executablePath ?? "",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterAll(async () => {
    await browser.close();
    evil.closeAllConnections();
    evil.close();
    await app.close();
  });

  const me = async (): Promise<unknown> => await (await context.request.get(`${app.url}/api/me`)).json().catch(() => undefined);

  it("a person signs in without scripts and sees who they are", async () => {
    const problems: string[] = [];
    page.on("console", (message) => void (message.type() === "error" && problems.push(message.text())));
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const simple = await plain.newPage();
    for (const [at, of] of [
      [simple, plain],
      [page, context],
    ] as const) {
      await at.goto(`${app.url}/?x=1`);
      expect(new URL(at.url()).pathname).toBe("/sign-in");
      await at.fill('input[name="name"]', "anna");
      await at.fill('input[name="password"]', password);
      await at.click("button.first");
      await at.waitForURL(`${app.url}/?x=1`);
      expect(await at.textContent("nav")).toContain("anna");
      const [cookie] = (await of.cookies()).filter(({ name }) => name === "stockroom_session");
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
    }
    await plain.close();
    expect(problems).toEqual([]);
    expect(await page.evaluate<string>("document.cookie")).not.toContain("stockroom_session");
  });

  it("no script that gets into a page runs, and no page is framed", async () => {
    // As text, because it runs there and not here.
    const ran = await page.evaluate<string>(`(async () => {
      const script = document.createElement("script");
      script.textContent = "window.name = 'ran'";
      document.body.append(script);
      const image = document.createElement("img");
      image.setAttribute("onerror", "window.name = 'ran'");
      const over = new Promise((resolve) => image.addEventListener("error", () => setTimeout(resolve, 0)));
      image.src = "/none.png";
      document.body.append(image);
      await over;
      return window.name;
    })()`);
    expect(ran).toBe("");
    attack = `<iframe src="${app.url}/"></iframe>`;
    const other = await context.newPage();
    await other.goto(`http://127.0.0.1:${evilPort}/`);
    const framed = await other
      .frames()[1]
      ?.textContent("body")
      .catch(() => "");
    expect(framed ?? "").not.toContain("anna");
    await other.close();
  });

  it("another page can neither act nor read, from another site or another port of this one", async () => {
    const forms = [
      ["/sign-out", "form=x", "application/x-www-form-urlencoded"],
      ["/sign-in", "name=anna&password=x&form=x", "application/x-www-form-urlencoded"],
      ["/api/tokens", '{"name":"stolen","roles":["administrator"],"machine":true,"x":"', "text/plain"],
    ] as const;
    for (const host of ["127.0.0.1", "localhost"]) {
      for (const [way, body, type] of forms) {
        const [name = "", ...value] = body.split("=");
        attack = `<form id="f" method="post" enctype="${type}" action="${app.url}${way}">
          <input name='${name.replaceAll("'", "")}' value='${value.join("=").replaceAll("'", "")}"}'></form>`;
        const other = await context.newPage();
        await other.goto(`http://${host}:${evilPort}/`);
        const answered = other.waitForResponse((response) => response.url() === `${app.url}${way}`);
        await other.evaluate('document.querySelector("#f").submit()');
        expect([host, way, (await answered).status()]).toEqual([host, way, 403]);
        await other.close();
      }
      attack = "";
      const other = await context.newPage();
      await other.goto(`http://${host}:${evilPort}/`);
      const read = await other.evaluate(async (url) => {
        const tried = async (way: string, init: RequestInit): Promise<string> =>
          await fetch(`${url}${way}`, { credentials: "include", ...init }).then(
            async (response) => `${response.type} ${await response.text()}`,
            () => "refused",
          );
        return await Promise.all([
          tried("/api/me", {}),
          tried("/api/me", { mode: "no-cors" }),
          tried("/api/tokens", { method: "POST", mode: "no-cors", body: '{"name":"stolen","roles":["viewer"],"machine":true}' }),
          tried("/api/tokens", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }),
          tried("/api/sessions/x", { method: "DELETE" }),
        ]);
      }, app.url);
      expect(read.join(" ")).not.toContain("anna");
      expect([host, ...read.filter((text) => text !== "refused" && text.trim() !== "opaque")]).toEqual([host]);
      await other.close();
    }
    expect(await app.identity.tokens.list()).toEqual([]);
    expect(await me()).toMatchObject({ name: "anna", via: "session" });
  });

  it("nobody is led elsewhere by signing in, and signing out ends the session", async () => {
    const before = (await context.cookies()).find(({ name }) => name === "stockroom_session")?.value;
    await page.goto(`${app.url}/sign-in`);
    await page.click("button.first");
    await page.waitForURL(`${app.url}/sign-in`);
    expect(await me()).toMatchObject({ code: "TOKEN_WANTED" });
    expect((await fetch(`${app.url}/api/me`, { headers: { cookie: `stockroom_session=${before ?? ""}` } })).status).toBe(401);
    for (const next of [`//localhost:${evilPort}/`, `/\\localhost:${evilPort}/`]) {
      await context.clearCookies();
      await page.goto(`${app.url}/sign-in?next=${encodeURIComponent(next)}`);
      await page.fill('input[name="name"]', "anna");
      await page.fill('input[name="password"]', password);
      await page.click("button.first");
      await page.waitForURL(`${app.url}/`);
    }
  });
});
