// A real browser on a real app, for the tests of the console: Debian's Chromium, driven by Playwright. Everything stays on loopback.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { readFileSync } from "node:fs";

export const executablePath = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((file) => existsSync(file));
if (executablePath === undefined) console.warn("no Chromium here: the tests of the console are skipped");

export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({
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
}

/** A page that notes what goes wrong on it: errors of scripts, refusals of the policy, answers of 500. `problems` must stay empty. */
export async function openPage(
  browser: Browser,
  options: Parameters<Browser["newPage"]>[0] = {},
): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  // Well below a test's own bound: what is waited for in vain is named.
  page.setDefaultTimeout(45_000);
  const problems: string[] = [];
  page.on("pageerror", (error) => void problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) problems.push(message.text());
  });
  page.on("response", (response) => {
    if (response.status() >= 500) problems.push(`${response.status()} ${response.url()}`);
  });
  return { page, problems };
}

const axeSource = readFileSync(path.join(path.dirname(createRequire(import.meta.url).resolve("axe-core")), "axe.min.js"), "utf8");

/** What axe finds that is serious or worse, each with its place. */
export async function findBarriers(page: Page): Promise<readonly string[]> {
  // As the devtools do it: past the page's policy, which allows no script but ours.
  await page.evaluate(axeSource);
  return await page.evaluate(async () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- axe's own shape, as far as it is used
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  });
}

/** Whether the page is wider than its window. */
export const isScrolledSideways = async (page: Page): Promise<boolean> =>
  await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1");
