// The console's frame: the pages it leads to, the palette, light and dark, narrow windows, who may come in.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openServed, operator, textBytes, type ServedApp } from "../kit/app.ts";
import { executablePath, findBarriers, isScrolledSideways, openBrowser, openPage } from "./kit.ts";

describe.skipIf(executablePath === undefined)("the frame of the console", () => {
  let served: ServedApp;
  let browser: Browser;
  const at = (path: string): string => `${served.server.url}/console${path}`;

  beforeAll(async () => {
    served = await openServed();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  it("shows home, whole and without a complaint of the browser or of axe, light and dark, wide and narrow", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [1280, 390]) {
        const { page, problems } = await openPage(browser, { colorScheme, viewport: { width, height: 800 } });
        await page.goto(at("/"));
        await page.getByText("Nothing waits for a person.").waitFor();
        await page.getByText("Every part answers").waitFor();
        expect(await findBarriers(page)).toEqual([]);
        expect(await isScrolledSideways(page)).toBe(false);
        expect(problems).toEqual([]);
        await page.close();
      }
    }
  });

  it("finds a page by the palette, by keys alone", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(at("/"));
    await page.getByText("Every part answers").waitFor();
    await page.keyboard.press("Control+k");
    // Whoever types at once types into what has the focus: here, once it is open.
    await page.getByRole("combobox").waitFor();
    await page.keyboard.type("runs");
    await page.getByRole("option", { name: /^Runs/ }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/console/runs");
    expect(problems).toEqual([]);
    await page.close();
  });

  it("keeps filters in the address, and a link shows the same", async () => {
    const { page } = await openPage(browser);
    await page.goto(at("/settings"));
    await page.getByLabel("Find", { exact: true }).fill("server.host");
    await page.waitForURL(/find=server\.host/);
    const { page: other } = await openPage(browser);
    await other.goto(page.url());
    await other.getByText("STOCKROOM_SERVER_HOST").waitFor();
    expect(await other.getByLabel("Find", { exact: true }).inputValue()).toBe("server.host");
    await other.getByText("STOCKROOM_SERVER_PORT").waitFor({ state: "detached" });
    await page.close();
    await other.close();
  });

  it("remembers the colours that were chosen", async () => {
    const { page } = await openPage(browser);
    await page.goto(at("/"));
    const ground = async (): Promise<unknown> => await page.evaluate("getComputedStyle(document.body).backgroundColor");
    const before = await ground();
    for (const name of ["As the system", "Light"]) {
      await page.getByRole("button", { name: "This machine" }).click();
      await page.getByRole("button", { name: `Colours: ${name}` }).click();
    }
    expect(await ground()).not.toBe(before);
    await page.reload();
    await page.getByText("Every part answers").waitFor();
    expect(await ground()).not.toBe(before);
    await page.close();
  });

  it("says that it is live in every tab, also when the one that listened is closed", async () => {
    const context = await browser.newContext();
    const [first, second] = [await context.newPage(), await context.newPage()];
    const live = "Changes come by themselves";
    await first.goto(at("/"));
    await first.getByTitle(live).waitFor();
    await second.goto(at("/"));
    await second.getByTitle(live).waitFor();
    await first.close();
    // It takes the stream over, and shows what comes on it.
    await second.goto(at("/objects"));
    await second.getByTitle(live).waitFor();
    await served.app.objects.put(operator, "told/one.txt", textBytes("one"));
    await second.getByText("told/").waitFor();
    expect(await second.getByTitle(live).count()).toBe(1);
    await context.close();
  });

  it("gives out files under a policy that lets no other script in, and packs them", async () => {
    const answer = await fetch(at("/"));
    expect(answer.headers.get("content-security-policy")).toContain("script-src 'self';");
    const script = /src="(\/console\/assets\/[^"]+\.js)"/.exec(await answer.text())?.[1] ?? "";
    const file = await fetch(`${served.server.url}${script}`, { headers: { "accept-encoding": "br" } });
    expect(file.headers.get("content-encoding")).toBe("br");
    expect(file.headers.get("cache-control")).toContain("immutable");
    const gone = await fetch(`${served.server.url}/console/assets/../../package.json`);
    expect(gone.status).toBe(404);
    expect((await fetch(at("/assets/none.js"))).status).toBe(404);
  });
});
