// Pictures in the console: what is wanted, its URL (signed), the original beside it, boxes drawn, formats compared, why one is not there.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFront } from "../../src/images/http/routes.ts";
import { images } from "../../src/images/module.ts";
import { imageSettings } from "../../src/images/service/settings.ts";
import type { Front } from "../../src/platform/module.ts";
import { openServer, type OpenServer } from "../../src/server/index.ts";
import { openTestServer } from "../integration/server-kit.ts";
import { executablePath, findBarriers, isScrolledSideways, openBrowser, openPage } from "./kit.ts";

describe.skipIf(executablePath === undefined)("pictures", () => {
  let folder = "";
  let app: Awaited<ReturnType<typeof openTestServer>>;
  let browser: Browser;
  const opened: { server: OpenServer; front: Front }[] = [];

  /** A server of pictures, with these settings besides its source. */
  const serve = async (more: object): Promise<string> => {
    const settings = imageSettings.parse({ sources: { photos: "." }, accessLog: false, ...more });
    const front = await openFront({ settings, folder, env: {}, log: app.log });
    if (front === undefined) throw new Error("Expected pictures but no front was opened.");
    const home = { id: "test", standing: "active" as const, elsewhere: undefined };
    const server = await openServer({
      deps: { ...app, home },
      settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000 },
      version: "test",
      modules: [{ module: images, parts: { deps: undefined }, isOpen: true, front }],
    });
    opened.push({ server, front });
    return server.url;
  };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "console-pictures-"));
    const plain = sharp({ create: { width: 200, height: 100, channels: 3, background: "#c00" } });
    await writeFile(path.join(folder, "red.jpg"), await plain.jpeg().toBuffer());
    app = await openTestServer();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    for (const { server, front } of opened) {
      await server.close();
      await front.close();
    }
    await app.close();
    await rm(folder, { recursive: true });
  });

  it("says what to set where no pictures are served", async () => {
    const home = { id: "test", standing: "active" as const, elsewhere: undefined };
    const server = await openServer({
      deps: { ...app, home },
      settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000 },
      version: "test",
      modules: [{ module: images, parts: { deps: undefined }, isOpen: true, front: undefined }],
    });
    const { page } = await openPage(browser);
    await page.goto(`${server.url}/console/pictures`);
    await page.getByText("No pictures are served here.").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.close();
    await server.close();
  });

  it("makes what is wanted, draws a crop, compares formats, and says why there is none", async () => {
    const url = await serve({});
    const { page, problems } = await openPage(browser);
    await page.goto(`${url}/console/pictures?w=100&fit=inside`);
    await page.getByRole("img", { name: "The picture this URL makes" }).waitFor();
    await page.getByRole("link", { name: "/images/fit-in/100x0/red.jpg" }).waitFor();
    await page.getByText("Draw on the original (200 × 100)").click();
    const box = await page.locator(".pictures-crop").boundingBox();
    if (box === null) throw new Error("Expected the original to be drawn on.");
    await page.mouse.move(box.x + box.width / 4, box.y + box.height / 4);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.up();
    await page.waitForURL(/crop=50x25/);
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByRole("img", { name: "As avif 85" }).waitFor();
    await page.getByText("<picture>", { exact: true }).click();
    await page.getByText('type="image/avif"').waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(problems).toEqual([]);
    await page.goto(`${url}/console/pictures?key=none.jpg`);
    await page.getByText("No picture: the answer is 404").waitFor();
    await page.close();
  });

  it("keeps a preset, narrow and dark, without barriers", async () => {
    const url = opened[0]?.server.url ?? (await serve({}));
    const { page, problems } = await openPage(browser, { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
    await page.goto(`${url}/console/pictures?w=50`);
    await page.getByRole("img", { name: "The picture this URL makes" }).waitFor();
    await page.getByLabel("Save as a preset").fill("small");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByLabel("Width").fill("150");
    await page.waitForURL(/w=150/);
    await page.getByRole("button", { name: "small", exact: true }).click();
    await page.waitForURL(/w=50/);
    expect(await isScrolledSideways(page)).toBe(false);
    expect(await findBarriers(page)).toEqual([]);
    expect(problems).toEqual([]);
    await page.close();
  });

  it("signs where URLs must be signed", async () => {
    const url = await serve({ signature: { enabled: true, keys: ["a-secret-of-some-length"] }, playground: { sign: true } });
    expect((await fetch(`${url}/images/100x0/red.jpg`)).status).toBe(400);
    const { page, problems } = await openPage(browser);
    await page.goto(`${url}/console/pictures?w=100`);
    await page.getByRole("img", { name: "The picture this URL makes" }).waitFor();
    const link = page.getByRole("link", { name: /signature=/ });
    const href = (await link.getAttribute("href")) ?? "";
    expect((await fetch(`${url}${href}`)).status).toBe(200);
    await page.getByText("URLs are signed here").waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });
});
