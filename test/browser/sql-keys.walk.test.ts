// SQL, keys and settings in the console.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openServed, operator, textBytes, type ServedApp } from "../kit/app.ts";
import { executablePath, findBarriers, isScrolledSideways, openBrowser, openPage } from "./kit.ts";

describe.skipIf(executablePath === undefined)("SQL, keys and settings", () => {
  let served: ServedApp;
  let browser: Browser;
  const at = (path: string): string => `${served.server.url}/console${path}`;

  beforeAll(async () => {
    served = await openServed();
    await served.app.objects.put(operator, "notes/one.txt", textBytes("one"));
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  it("asks by keys alone, shows rows, and a link with a parameter shows the same answer", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(at("/sql"));
    await page.getByRole("textbox", { name: "SQL" }).click();
    await page.keyboard.type("select key, bytes from object where key like :begins");
    await page.getByLabel("Stockroom's own tables").check();
    await page.getByLabel("begins").fill("notes/%");
    await page.getByRole("textbox", { name: "SQL" }).click();
    await page.keyboard.press("Control+Enter");
    await page.getByRole("cell", { name: "notes/one.txt" }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    const { page: other } = await openPage(browser, { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
    await other.goto(page.url());
    await other.getByRole("cell", { name: "notes/one.txt" }).waitFor();
    expect(await isScrolledSideways(other)).toBe(false);
    expect(await findBarriers(other)).toEqual([]);
    expect(problems).toEqual([]);
    await page.close();
    await other.close();
  });

  it("tells a mistake at its place, draws a chart, saves a query", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(at(`/sql?${new URLSearchParams({ q: "selec 1" }).toString()}`));
    await page.getByText("WAREHOUSE_SQL").waitFor();
    await page.goto(
      at(
        `/sql?${new URLSearchParams({ q: "select * from (values (date '2026-01-01', 3), (date '2026-01-02', 5)) t(day, sold)", as: "chart" }).toString()}`,
      ),
    );
    await page.getByRole("img", { name: "The answer" }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Show as a table" }).click();
    await page.getByRole("cell", { name: "2026-01-02" }).waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByLabel("Name").fill("Two days");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.goto(at("/sql"));
    await page.getByRole("button", { name: "Two days", exact: true }).click();
    await page.waitForURL(/q=select/);
    expect(problems).toEqual([]);
    await page.close();
  });

  it("gives and takes a grant back, with undo, and shows the use of keys", async () => {
    const { page, problems } = await openPage(browser);
    const has = async (): Promise<boolean> =>
      (await served.app.vault.grants()).some(({ role, zone, access }) => role === "inbox" && zone === "general" && access === "read");
    await page.goto(at("/keys?tab=grants"));
    expect(await has()).toBe(false);
    await page.getByRole("button", { name: "inbox may not read general" }).click();
    await page.getByRole("button", { name: "Give it" }).click();
    await page.getByRole("button", { name: "inbox may read general" }).waitFor();
    expect(await has()).toBe(true);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("button", { name: "inbox may not read general" }).waitFor();
    expect(await has()).toBe(false);
    expect(await findBarriers(page)).toEqual([]);
    await page.goto(at("/keys?tab=uses&zone=general"));
    await page.getByText("notes/one.txt").first().waitFor();
    await page.goto(at("/keys"));
    await page
      .getByRole("row", { name: /general/ })
      .getByRole("button", { name: "New key" })
      .click();
    await page.getByRole("button", { name: "Make a new key" }).click();
    await page.getByRole("row", { name: /general key 2/ }).waitFor();
    await page.goto(at("/keys?tab=audit"));
    await page.getByRole("button", { name: "Prove the log" }).click();
    await page.getByText("The log is whole").waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });

  it("shows settings with their origin, and finds one", async () => {
    const { page, problems } = await openPage(browser, { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
    await page.goto(at("/settings?find=server.host"));
    await page.getByText("STOCKROOM_SERVER_HOST").waitFor();
    expect(await isScrolledSideways(page)).toBe(false);
    expect(await findBarriers(page)).toEqual([]);
    await page.goto(at("/settings?set=1"));
    await page.getByText("environment", { exact: true }).first().waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });
});
