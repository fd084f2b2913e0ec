// Catalogues with columns of their own, uploaded: looked at, read by their proposal, trained on; asked about where they do not tell; kept by sender and key.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { App } from "../../src/app.ts";
import { listLines } from "../../src/classify/store/lines.ts";
import type { StoredObject } from "../../src/server/api.ts";
import { openServer, type OpenServer } from "../../src/server/index.ts";
import { makePlace, openAt, operator, settled, textBytes, waitFor, type TestPlace } from "../kit/app.ts";
import { runWords, type Told } from "../kit/command.ts";

let place: TestPlace;
let app: App;
let server: OpenServer;

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "1", STOCKROOM_INBOX_SETTLE_MS: "50" });
  app = await openAt(place, { work: true, quiet: true });
  server = await openServer({
    deps: app,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 64_000_000 },
    version: "1.2.3",
    modules: app.modules,
  });
});

afterAll(async () => {
  await server.close();
  await app.close();
  await place.remove();
});

const goods = ["Wasserkocher", "Bratpfanne", "Stehlampe"];
const groups = ["Küche > Kocher", "Küche > Pfannen", "Wohnen > Lampen"];

/** A German shop's export in Latin-1 terms: other names, semicolons, paths; `more` a further column. */
const catalogue = (rows: number, { header = "Artikelnr;Bezeichnung;Marke;Warengruppe", more = "" } = {}): string =>
  `${[header, ...Array.from({ length: rows }, (_, i) => `A${i};${goods[i % 3]} Größe ${i};Marke ${i % 5};${groups[i % 3]}${more}`)].join("\n")}\n`;

const put = async (key: string, body: string | Buffer, sender?: string): Promise<StoredObject> => {
  const answer = await fetch(`${server.url}/objects/${key}${sender === undefined ? "" : `?sender=${encodeURIComponent(sender)}`}`, {
    method: "PUT",
    body,
  });
  const told: unknown = await answer.json();
  await settled(app);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the test then checks
  return told as StoredObject;
};
const stockroom = async (...words: readonly string[]): Promise<Told> => await runWords(place, app, words);
const linesOf = async (country: string): Promise<readonly (readonly [line: string, models: number, hasChampion: boolean])[]> =>
  (await listLines(app.database, { country })).map(({ line, models, champion }) => [line, models, champion !== undefined]);
const asked = async (): Promise<readonly string[]> =>
  (await app.workflows.deadLetters({ state: "waiting" })).map(({ error }) => error.message);

test("a stranger's catalogue becomes a line with a champion, and sales of the usual columns are coded by it", async () => {
  const { understood = [] } = await put("classify/labelled/DEU/katalog.csv", Buffer.from(catalogue(240), "latin1"));
  expect(understood.length).toBeLessThanOrEqual(10);
  expect(understood.join("\n")).toMatch(/windows-1252.*\ncode: Warengruppe .*\ntext: Bezeichnung/s);
  expect(understood.join("\n")).toMatch(/scheme: WARENGRUPPE, after the column/);
  expect(await linesOf("DEU")).toEqual([["DEU-WARENGRUPPE", 1, true]]);
  const sold = ["id,title,units,kg", ...Array.from({ length: 30 }, (_, i) => `s${i},${goods[i % 3]} Größe ${500 + i},2,3.5`)].join("\n");
  await app.objects.put(operator, "classify/sales/2026-10/DEU.csv", textBytes(sold));
  await settled(app);
  const report = JSON.parse(await (await fetch(`${server.url}/api/classify/report?period=2026-10`)).text());
  const figures: readonly { readonly code: string; readonly items: number }[] = report.reports[0].figures;
  expect(Object.fromEntries(figures.map(({ code, items }) => [code, items]))).toEqual(
    Object.fromEntries(groups.map((group) => [group, 10])),
  );
  expect(await asked()).toEqual([]);
});

test("the next file is read alike; a harmful change is asked about, trains nothing, and forgetting answers it", async () => {
  const wider = await put(
    "classify/labelled/DEU/2026-11/katalog.csv",
    catalogue(250, { header: "Artikelnr;Bezeichnung;Marke;Warengruppe;Lager", more: ";ja" }),
  );
  expect(wider.understood?.join("\n")).toMatch(/new: Lager; not used/);
  expect(await linesOf("DEU")).toEqual([["DEU-WARENGRUPPE", 2, true]]);
  const renamed = await put("classify/labelled/DEU/katalog.csv", catalogue(260, { header: "Artikelnr;Name;Marke;Gruppe" }));
  expect(renamed.understood?.at(-1)).toMatch(/^question: .*"Warengruppe", which was in use, is gone.*mappings forget/s);
  expect(await asked()).toEqual([expect.stringMatching(/"Bezeichnung", which was in use, is gone/)]);
  expect(await linesOf("DEU")).toEqual([["DEU-WARENGRUPPE", 2, true]]);
  expect((await stockroom("classify", "mappings", "list", "DEU/katalog")).out.replaceAll(/\s+/g, " ")).toMatch(
    /operator .*proposal .*Warengruppe/,
  );
  expect(await stockroom("classify", "mappings", "forget", "DEU/katalog")).toMatchObject({
    exit: 0,
    out: expect.stringMatching(/looked at now/),
  });
  await settled(app);
  expect(await asked()).toEqual([]);
  // Nothing says that "Gruppe" holds the codes of the scheme before: an answer does, and the line is trained again.
  expect((await linesOf("DEU")).map(([line]) => line)).toEqual(["DEU-GRUPPE", "DEU-WARENGRUPPE"]);
  const said = await stockroom("classify", "mappings", "set", "classify/labelled/DEU/katalog.csv", "--scheme", "WARENGRUPPE");
  expect(said).toMatchObject({ exit: 0, out: expect.stringMatching(/is looked at now/) });
  await settled(app);
  expect((await linesOf("DEU")).find(([line]) => line === "DEU-WARENGRUPPE")?.[1]).toBe(3);
}, 60_000);

test("a question holds for one sender; the answer over HTTP lets its run go on", async () => {
  const rows = catalogue(90, { header: "nr;ding;a;b" }).replaceAll(
    /;Marke \d;[^\n]*/g,
    (text) => `;A${text.length % 3};B${text.charCodeAt(7) % 4}`,
  );
  const { understood = [] } = await put("classify/labelled/FRA/liste.csv", rows, "shop-lyon");
  expect(understood.at(-1)).toMatch(/Which of "a", "b" holds the right code\?/);
  const body = JSON.stringify({ file: "FRA/liste", intake: { map: { a: "label" } } });
  const said = await fetch(`${server.url}/api/classify/mappings`, { method: "PUT", body, headers: { "content-type": "application/json" } });
  expect(await said.json()).toMatchObject({ sender: "shop-lyon", prefix: "classify/labelled/FRA/liste", goesOn: true });
  await settled(app);
  expect((await linesOf("FRA")).map(([line, models]) => [line, models])).toEqual([["FRA-A", 1]]);
  // The inbox is another sender: nobody has answered for it.
  await mkdir(path.join(place.home, "inbox/classify/labelled/FRA"), { recursive: true });
  await writeFile(path.join(place.home, "inbox/classify/labelled/FRA/liste.csv"), `${rows}x;y 3;A1;B1\n`);
  await waitFor("the inbox file to be asked about", async () => (await asked()).length > 0);
  expect((await stockroom("classify", "mappings", "list", "--json")).out).toMatch(/"sender": "shop-lyon"/);
});

test("the sender is named by the command and over HTTP alike, and a bad name is refused", async () => {
  await writeFile(path.join(place.home, "own.csv"), catalogue(60));
  const told = await stockroom("put", "own.csv", "classify/labelled/ITA/own.csv", "--sender", "erp@milano", "--json");
  expect(JSON.parse(told.out)).toMatchObject({ labels: { sender: "erp@milano" } });
  expect(await stockroom("put", "own.csv", "classify/labelled/ITA/own.csv", "--sender", "a b")).toMatchObject({
    exit: 2,
    said: expect.stringMatching(/--sender as a name of up to 100 letters|Expected --sender/),
  });
  const same = await stockroom("put", "own.csv", "classify/labelled/ITA/own.csv", "--sender", "other");
  expect(same.said).toMatch(/lay there already from the sender erp@milano/);
  const bad = await fetch(`${server.url}/objects/classify/labelled/ITA/x.csv?sender=${encodeURIComponent("a/b")}`, {
    method: "PUT",
    body: "x",
  });
  expect([bad.status, await bad.text()]).toEqual([400, expect.stringMatching(/sender.*a name of up to 100 letters/)]);
  await settled(app);
  expect((await stockroom("classify", "mappings", "list", "ITA/own", "--json")).out).toMatch(/"sender": "erp@milano"/);
});
