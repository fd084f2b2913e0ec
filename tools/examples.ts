// Makes examples/data, the small files that the README works on: `node tools/examples.ts`. The same bytes every time.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import type { Body } from "../src/platform/bytes.ts";
import { csvLine } from "../src/classify/sample/csv.ts";
import { makeShop } from "../src/classify/sample/shop.ts";
import { makeCatalogue } from "../src/forecast/sample/catalogue.ts";
import { sampleDefaults } from "../src/forecast/workflows/defaults/sample.ts";
import { makePhoto, makeQuarters } from "../src/images/engine/pictures/fixtures/photos.ts";

const table = (columns: readonly string[], rows: Iterable<readonly string[]>): string => [columns, ...rows].map(csvLine).join("");

/** Labelled items, a month's sales and the rule book of one country; and items the engine has not seen, with and without codes. */
function classified(): [string, string][] {
  const shop = makeShop({ seed: 7, items: 800, noise: 0.005, countries: ["GBR"] });
  const columns = shop.labelledColumns("GBR").filter((name) => name !== "code.GBR-CUSTOMS");
  const rows = [...shop.labelledRows("GBR")].map((row) => row.slice(0, columns.length));
  const unseen = rows.slice(400);
  const sales = [...shop.salesRows("GBR", "2026-10")].slice(0, 200);
  const scheme = shop.schemes().find((one) => one.scheme === "GBR-WASTE");
  return [
    ["GBR-WASTE.json", `${JSON.stringify(scheme, undefined, 2)}\n`],
    ["june.csv", table(columns, rows.slice(0, 400))],
    ["sales.csv", table(shop.salesColumns, sales)],
    ["test.csv", table(columns, unseen)],
    [
      "new.csv",
      table(
        columns.slice(0, -1),
        unseen.map((row) => row.slice(0, -1)),
      ),
    ],
  ];
}

/** Two years of weekly demand in two stores, with prices that are known ahead, what the items are, and what is on the shelf. */
async function forecastable(): Promise<[string, string][]> {
  const catalogue = makeCatalogue({ seed: 11, items: 6, stores: 2, frequency: "W", length: 120, horizon: 8, start: "2024-02-26" });
  const text = async (body: Body): Promise<string> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };
  const stock = catalogue.items.flatMap(({ id, rate }) => catalogue.stores.map((store) => [id, store, String(Math.ceil(rate))]));
  return [
    ["demand.csv", await text(catalogue.target())],
    ["prices.csv", await text(catalogue.related())],
    ["items.csv", await text(catalogue.metadata())],
    ["stock.csv", table(["item_id", "location", "on_hand"], stock)],
    ["forecast-defaults.yaml", sampleDefaults({ frequency: "W", horizon: 8, holidays: undefined })],
  ];
}

/** Every file by its name below examples/data. */
export async function makeExamples(): Promise<Map<string, Uint8Array>> {
  const texts = [...classified(), ...(await forecastable())];
  return new Map<string, Uint8Array>([
    ...texts.map(([name, text]) => [name, Buffer.from(text)] as const),
    ["pictures/roof.jpg", await (await makePhoto(480, 320, 1)).jpeg({ quality: 75 }).toBuffer()],
    ["pictures/quarters.png", await makeQuarters(120, 80).png({ palette: true }).toBuffer()],
  ]);
}

if (import.meta.main) {
  const folder = path.join(import.meta.dirname, "../examples/data");
  for (const [name, bytes] of await makeExamples()) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
    process.stdout.write(`${name} ${bytes.length}\n`);
  }
}
