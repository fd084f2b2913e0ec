// The forecast pages: a group's fan, an adjustment with its preview and undo, a what-if, settings with a mistake, links, who may change what.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEntrance, openServer, type OpenServer } from "../../src/server/index.ts";
import { openServed, operator, settled, textBytes, waitFor, type ServedApp } from "../kit/app.ts";
import { shopDefaults, shopMetadata, shopRelated, shopTarget } from "../kit/forecast-shop.ts";
import { executablePath, findBarriers, isScrolledSideways, openBrowser, openPage } from "./kit.ts";

const slowMs = 300_000;
const walkMs = 400_000;

describe.skipIf(executablePath === undefined)("the forecasts of the console", () => {
  let served: ServedApp;
  /** The same app behind a guard that knows who comes. */
  let guarded: OpenServer;
  let viewer: string;
  let browser: Browser;
  const at = (path: string): string => `${served.server.url}/console${path}`;
  const open = async (path: string, options: Parameters<typeof openPage>[1] = {}): Promise<{ page: Page; problems: string[] }> => {
    const opened = await openPage(browser, options);
    opened.page.setDefaultTimeout(90_000);
    await opened.page.goto(path.startsWith("http") ? path : at(path));
    return opened;
  };

  beforeAll(async () => {
    served = await openServed();
    const { app } = served;
    const put = async (key: string, text: string): Promise<void> => void (await app.objects.put(operator, key, textBytes(text)));
    await put("forecast-defaults.yaml", shopDefaults({ related: true }));
    await put("forecast/stock/shop.csv", "item_id,store,on_hand,pack_size\nitem_0,store_0,0,12\nitem_1,store_1,500,12\n");
    await put("forecast/train/shop.metadata.csv", shopMetadata({ items: 4 }));
    await put("forecast/train/shop.related.csv", shopRelated({ items: 4, months: 32 }));
    await put("forecast/train/shop.csv", shopTarget({ items: 4, months: 30 }));
    await waitFor("the forecast of the shop", async () => await app.workflows.idle(), slowMs);
    // Without a token, users or a provider everybody on this machine may do everything.
    const server = { ...app.settings.server, token: "a-token-of-the-server" };
    const entrance = openEntrance({ ...app, settings: { ...app.settings, server } });
    const maker = { id: "local", roles: ["administrator"], via: "local" } as const;
    viewer = (await entrance.identity.tokens.add({ name: "Vera", roles: ["viewer"], days: 1, machine: true }, maker)).secret;
    guarded = await openServer({
      deps: app,
      entrance,
      settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000, token: server.token },
      version: "1.2.3",
      modules: app.modules,
    });
    browser = await openBrowser();
  }, slowMs + 60_000);
  afterAll(async () => {
    await browser.close();
    await guarded.close();
    await served.close();
  });

  it(
    "leads from the list to a node's fan and says how its quantiles were summed",
    async () => {
      const { page, problems } = await open("/forecasts");
      await page.getByRole("link", { name: "shop", exact: true }).click();
      await page.getByText(/Quantiles do not add up/).waitFor();
      await page.getByRole("button", { name: /^juice/ }).click();
      await page.waitForURL(/at=category%3Djuice/);
      await page.getByRole("heading", { name: "category juice" }).waitFor();
      await page.getByRole("button", { name: "Show as a table" }).first().click();
      await page.getByRole("columnheader", { name: "10 % to 90 %, low" }).waitFor();
      expect(problems).toEqual([]);
      await page.close();
    },
    walkMs,
  );

  it(
    "finds a series by the palette, and shows its fan",
    async () => {
      const { page, problems } = await open("/forecasts");
      await page.getByRole("link", { name: "shop", exact: true }).waitFor();
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox", { name: /^Find/ }).waitFor();
      await page.keyboard.type("item_2");
      await page
        .getByRole("option", { name: /item_2 · store_\d series, shop/ })
        .first()
        .click();
      await page.waitForURL(/at=identifier%3Ditem_2/);
      await page.getByRole("heading", { name: /^item item_2/ }).waitFor();
      expect(problems).toEqual([]);
      await page.close();
    },
    walkMs,
  );

  it(
    "keeps an adjustment after its preview, shows it, and takes it back",
    async () => {
      const { page, problems } = await open("/forecasts/shop?tab=adjust&at=identifier%3Ditem_0");
      const cell = page.getByRole("gridcell").first();
      await cell.click();
      await page.keyboard.press("Shift+ArrowRight");
      await page.waitForURL(/cells=0\.0-0\.1/);
      const form = page.getByRole("region", { name: "Change the chosen cells" });
      await form.getByLabel("What").selectOption("set");
      await form.getByLabel("Units").fill("500");
      const preview = page.getByRole("table", { name: "Preview of the cells" });
      await preview.getByText("500").first().waitFor();
      expect(await preview.getByRole("row").count()).toBe(3);
      // The stock of item_0 is empty, so that its order follows the forecast.
      await page.getByRole("table", { name: "Preview of the orders" }).waitFor();
      expect(await (await fetch(`${served.server.url}/api/forecast/adjustments?group=shop`)).json()).toEqual({ adjustments: [] });
      await form.getByLabel("Reason").fill("festival");
      await form.getByLabel("Who says so").fill("Ada");
      await form.getByRole("button", { name: "Keep" }).click();
      await page.getByText("1 adjustment kept").waitFor();
      await page.getByRole("cell", { name: "festival" }).waitFor();
      await page.getByRole("button", { name: "Undo" }).click();
      await page.getByText("Nothing: the system's forecast stands as it is.").waitFor();
      await page.getByLabel("Also what was taken back").check();
      await page.getByText("taken back by Ada").waitFor();
      expect(problems).toEqual([]);
      await page.close();
      await settled(served.app);
    },
    walkMs,
  );

  it(
    "asks two what-ifs by sliders and shows them side by side",
    async () => {
      const { page, problems } = await open("/forecasts/shop?tab=whatif&at=category%3Djuice");
      const slider = page.getByRole("slider");
      await slider.focus();
      for (const letter of ["A", "B"]) {
        await slider.press("ArrowLeft");
        await page.getByLabel("Who says so").fill("Ada");
        await page
          .getByText(letter === "A" ? "price *= 0.99 where category = juice" : "price *= 0.98 where category = juice")
          .first()
          .waitFor();
        await page.getByRole("button", { name: "Ask" }).click();
        await page.getByRole("heading", { name: new RegExp(`^${letter}: `) }).waitFor();
      }
      await page.getByRole("table", { name: "A beside B" }).getByText("item_1 · store_1").waitFor();
      await slider.press("End");
      await page.getByText(/Beyond that the models guess/).waitFor();
      expect(problems).toEqual([]);
      // The link shows a colleague the same view.
      const { page: other } = await open(page.url());
      await other.getByRole("table", { name: "A beside B" }).waitFor();
      expect(await other.getByRole("slider").inputValue()).toBe("50");
      await other.close();
      await page.close();
    },
    walkMs,
  );

  it(
    "shows a mistake of the settings at its line, and saves them without it",
    async () => {
      const { page, problems } = await open("/forecasts/shop?tab=settings");
      const box = page.getByRole("textbox", { name: "Settings of all groups" });
      const before = await box.inputValue();
      const line = before.split("\n").findIndex((text) => text.includes("ForecastHorizon: 3")) + 1;
      await box.fill(before.replace("ForecastHorizon: 3", "ForecastHorizon: soon"));
      await page.getByRole("button", { name: `Line ${line}`, exact: true }).click();
      expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
      await box.fill(`${before}# looked through\n`);
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved. The next forecast of each group uses them.").waitFor();
      const stored = await served.app.objects.read(operator, "forecast-defaults.yaml");
      expect(Buffer.from(stored).toString("utf8")).toBe(`${before}# looked through\n`);
      expect(problems).toEqual([]);
      await page.close();
    },
    walkMs,
  );

  it(
    "has no barrier and no sideways scrolling on any tab, narrow and dark too",
    async () => {
      const tabs = ["", "accuracy", "exceptions", "adjust", "value", "whatif", "why", "orders", "compare", "exports", "settings"];
      for (const [path, heading] of [
        ["/forecasts", "Forecasts"],
        ["/imports", "ERP imports"],
        ...tabs.map((tab) => [`/forecasts/shop?tab=${tab}`, "shop"]),
      ]) {
        const { page, problems } = await open(path ?? "", { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
        await page.getByRole("heading", { name: heading ?? "", exact: true }).waitFor();
        await page.locator("main .waiting").first().waitFor({ state: "detached" });
        expect([path, await findBarriers(page)]).toEqual([path, []]);
        expect([path, await isScrolledSideways(page)]).toEqual([path, false]);
        expect([path, problems]).toEqual([path, []]);
        await page.close();
      }
    },
    walkMs,
  );

  it(
    "shows a viewer no way to change anything",
    async () => {
      const extraHTTPHeaders = { authorization: `Bearer ${viewer}` };
      for (const [tab, seen] of [
        ["adjust", "What planners said"],
        ["settings", "forecast-defaults.yaml"],
        ["whatif", "Answers"],
        ["orders", "shop"],
      ]) {
        const { page } = await open(`${guarded.url}/console/forecasts/shop?tab=${tab ?? ""}&cells=0.0-0.0&value=5`, { extraHTTPHeaders });
        await page.getByRole("heading", { name: seen ?? "" }).waitFor();
        await page.locator("main .waiting").first().waitFor({ state: "detached" });
        for (const name of ["Keep", "Save", "Ask", "Propose", "Take back"])
          expect([tab, name, await page.getByRole("button", { name, exact: true }).count()]).toEqual([tab, name, 0]);
        await page.close();
      }
    },
    walkMs,
  );
});
