// What the console weighs, and how soon it can be used: the files a browser fetches, and the time from the address to a page that answers.
//
//   node bench/console.ts http://127.0.0.1:8080
//
// The server must run (`stockroom up --demo`). Each measurement is a new browser context without a cache, seven a page in turn; medians.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { chromium, type Browser } from "playwright-core";
import { writeResult } from "./machine.ts";

const rounds = 7;
const assets = path.resolve(import.meta.dirname, "../console/dist/assets");
const executablePath = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((file) => existsSync(file));

/** Pages, and what stands on them once they have their answers. */
const pages = [
  { path: "/", name: "Home", ready: "Every part answers" },
  { path: "/runs", name: "Runs", ready: "Copy as" },
  { path: "/forecasts", name: "Forecasts", ready: "shop" },
  { path: "/sql", name: "SQL", ready: "forecasts" },
] as const;

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const packedBytes = (name: string): number => gzipSync(readFileSync(path.join(assets, name)), { level: 9 }).length;

/** Packed bytes of what a page fetches, and milliseconds until it is ready. */
async function open(browser: Browser, url: string, ready: string): Promise<{ readonly bytes: number; readonly ms: number }> {
  const context = await browser.newContext();
  const page = await context.newPage();
  let bytes = 0;
  page.on("response", (response) => {
    const [, name] = /\/console\/assets\/([^?]+)$/.exec(response.url()) ?? [];
    if (name !== undefined) bytes += packedBytes(name);
  });
  const start = performance.now();
  await page.goto(url);
  await page.locator("main").getByText(ready).first().waitFor({ state: "attached" });
  const ms = performance.now() - start;
  await page.waitForLoadState("networkidle", { timeout: 5_000 }).catch(() => undefined);
  await context.close();
  return { bytes, ms };
}

async function main(): Promise<void> {
  const url = process.argv[2] ?? "http://127.0.0.1:8080";
  if (executablePath === undefined) throw new Error("Expected Chromium but there is none. Install Debian's package chromium.");
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  try {
    const rows: (readonly [string, number, number])[] = [];
    for (const { path, name, ready } of pages) {
      const measured: Awaited<ReturnType<typeof open>>[] = [];
      for (let round = 0; round < rounds; round++) measured.push(await open(browser, `${url}/console${path}`, ready));
      rows.push([
        name,
        Math.round(median(measured.map(({ bytes }) => bytes)) / 100) / 10,
        Math.round(median(measured.map(({ ms }) => ms))),
      ]);
    }
    const files = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name));
    const text = writeResult("console", {
      title: "The console",
      about:
        "Scripts and styles that a browser without a cache fetches for a page, gzipped, and the time until the page has its answers, on loopback in headless Chromium, with the sample shop; medians of seven.",
      command: "node bench/console.ts",
      tables: [
        { caption: "A page", columns: ["page", "kB gzipped", "ms until it has its answers"], rows },
        {
          caption: "All files together",
          columns: ["files", "kB gzipped"],
          rows: [[files.length, Math.round(files.reduce((sum, name) => sum + packedBytes(name), 0) / 100) / 10]],
        },
      ],
      notMeasured: ["a slow network or a telephone", "the server's own brotli, which is smaller than gzip", "other consoles"],
    });
    process.stdout.write(text);
  } finally {
    await browser.close();
  }
}

await main();
