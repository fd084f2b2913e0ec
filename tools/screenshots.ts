// Pictures of the console's pages for the documents, of a server that runs with the sample shop:
//
//   node tools/screenshots.ts http://127.0.0.1:8080

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { z } from "zod";

const folder = path.resolve(import.meta.dirname, "../docs/console");
const executablePath = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((file) => existsSync(file));

/** Every page, with what the picture shows. */
const shots = [
  { name: "home", path: "/", about: "Home: health, the newest file, what waits for a person" },
  { name: "upload", path: "/upload", about: "Drop a file: what is understood of it, before anything is stored" },
  { name: "runs", path: "/runs", about: "Runs: facets, over time, saved views" },
  { name: "run", path: "/runs/RUN", about: "A run: its steps in time, what was logged in each, what it was given and made" },
  { name: "dead", path: "/dead", about: "Dead letters: why, repair, redrive" },
  { name: "events", path: "/events", about: "Events, notices, schedules" },
  { name: "objects", path: "/objects", about: "Objects by folder" },
  { name: "lines", path: "/lines", about: "Lines and models: who is champion where" },
  { name: "review", path: "/review", about: "Review, by keyboard" },
  { name: "items", path: "/items?ITEM", about: "What was decided about an item" },
  { name: "report", path: "/report", about: "The report, first and present figures" },
  { name: "forecasts", path: "/forecasts", about: "Forecasts of all groups" },
  { name: "forecast", path: "/forecasts/shop", about: "A forecast: any node with its fan" },
  { name: "adjust", path: "/forecasts/shop?tab=adjust", about: "Adjust: cells, a preview, a reason" },
  { name: "whatif", path: "/forecasts/shop?tab=whatif", about: "What if: prices and promotions by sliders" },
  { name: "value", path: "/forecasts/shop?tab=value", about: "Whose forecast was better" },
  { name: "why", path: "/forecasts/shop?tab=why", about: "Why a forecast is as it is" },
  { name: "orders", path: "/forecasts/shop?tab=orders", about: "Orders with their reasons" },
  { name: "compare", path: "/forecasts/shop?tab=compare", about: "Two forecasts beside each other" },
  { name: "imports", path: "/imports", about: "What was brought into the ERP" },
  {
    name: "sql",
    path: `/sql?${new URLSearchParams({ q: "select country, count(*) items from classify_predictions group by country", as: "chart" }).toString()}`,
    about: "SQL with its answer as a chart",
  },
  { name: "keys", path: "/keys?tab=grants", about: "Who may read and write which zone" },
  { name: "system", path: "/system", about: "Health and growth: who works, what the store holds, how much room there is" },
  { name: "settings", path: "/settings", about: "Settings: value, origin, meaning" },
  { name: "pictures", path: "/pictures", about: "Pictures: what is asked for, what it costs, how it is written" },
] as const;

/** The newest run of a workflow that is done, and an item that was coded. */
async function findShown(url: string): Promise<{ readonly run: string; readonly item: string }> {
  const ask = async (way: string): Promise<unknown> => await (await fetch(`${url}${way}`)).json();
  const { runs } = z
    .object({ runs: z.array(z.object({ id: z.string() })) })
    .parse(await ask("/api/runs?workflow=classify.train&state=done&limit=1"));
  const { reviews } = z
    .object({ reviews: z.array(z.object({ itemId: z.string(), period: z.string() })) })
    .parse(await ask("/api/classify/review?limit=1"));
  return {
    run: encodeURIComponent(runs[0]?.id ?? ""),
    item: new URLSearchParams({ id: reviews[0]?.itemId ?? "", period: reviews[0]?.period ?? "" }).toString(),
  };
}

async function main(): Promise<void> {
  const url = process.argv[2] ?? "http://127.0.0.1:8080";
  if (executablePath === undefined) throw new Error("Expected Chromium but there is none. Install Debian's package chromium.");
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"],
  });
  mkdirSync(folder, { recursive: true });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(120_000);
    const { run, item } = await findShown(url);
    for (const { name, path: place } of shots) {
      await page.goto(`${url}/console${place.replace("RUN", run).replace("ITEM", item)}`);
      await page.locator("main h1").waitFor();
      // Until nothing is loading any more; a live page never falls silent on the network.
      await page
        .locator(".waiting")
        .first()
        .waitFor({ state: "detached", timeout: 60_000 })
        .catch(() => undefined);
      await page.waitForTimeout(1_000);
      // Few colours are on a page: a palette keeps the repository small and loses nothing that is seen.
      const small = sharp(await page.screenshot()).png({ palette: true, colours: 64, effort: 10 });
      await small.toFile(path.join(folder, `${name}.png`));
    }
  } finally {
    await browser.close();
  }
  const rows = shots.map(({ name, about }) => `### ${about}\n\n![${about}](${name}.png)\n`);
  writeFileSync(
    path.join(folder, "README.md"),
    `# The console\n\n\`http://127.0.0.1:8080/console/\` of a running Stockroom. Ctrl-K finds pages, runs, items, groups and their series, lines and keys; every filter stands in the URL; "Copy as" gives the\ncommand and the curl line of what is shown or done. Made by \`node tools/screenshots.ts\` with the sample shop.\n\n${rows.join("\n")}`,
  );
}

await main();
