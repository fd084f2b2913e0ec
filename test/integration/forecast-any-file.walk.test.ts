// Files with columns of their own, uploaded: read by a sure proposal, asked about, answered, and read the same way the next time.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { App } from "../../src/app.ts";
import { findLatest, listGroups, listRuns, type ForecastRunRow } from "../../src/forecast/store/runs.ts";
import { understoodIn } from "../../src/forecast/workflows/views/understood.ts";
import type { FileLook, StoredObject } from "../../src/server/api.ts";
import { openServer, type OpenServer } from "../../src/server/index.ts";
import { makePlace, openAt, operator, settled, textBytes, waitFor, type TestPlace } from "../kit/app.ts";
import { runWords, type Told } from "../kit/command.ts";
import { shopDefaults, shopTarget } from "../kit/forecast-shop.ts";

let place: TestPlace;
let app: App;
let server: OpenServer;

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_FORECAST_SETTLE_MS: "0", STOCKROOM_INBOX_SETTLE_MS: "50" });
  app = await openAt(place, { work: true, quiet: true });
  server = await openServer({
    deps: app,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 64_000_000 },
    version: "1.2.3",
    modules: app.modules,
  });
  await put("forecast-defaults.yaml", shopDefaults());
});

afterAll(async () => {
  await server.close();
  await app.close();
  await place.remove();
});

const put = async (key: string, text: string): Promise<void> => {
  await app.objects.put(operator, key, textBytes(text));
  await settled(app);
};
const stockroom = async (...words: readonly string[]): Promise<Told> => await runWords(place, app, ["forecast", ...words]);
const latest = async (group: string): Promise<ForecastRunRow | undefined> => await findLatest(app.database, group);
const stateOf = async (group: string): Promise<string> => {
  const found = (await listGroups(app.database)).find(({ name }) => name === group);
  return `${found?.state}: ${found?.why}`;
};

interface Export {
  readonly months?: number;
  readonly from?: number;
  readonly header?: string;
  readonly decimal?: string;
  readonly delimiter?: string;
  readonly more?: (month: number) => readonly string[];
  readonly date?: (at: Date) => string;
}

const two = (value: number): string => String(value).padStart(2, "0");
const german = (at: Date): string => `${two(at.getUTCDate())}.${two(at.getUTCMonth() + 1)}.${at.getUTCFullYear()}`;

/** An export of a German shop system: three items in two branches, by month, on the 28th. */
function branchExport(options: Export = {}): string {
  const {
    months = 30,
    from = 0,
    header = "Datum;Artikel;Filiale;Menge;Kunden",
    decimal = ",",
    delimiter = ";",
    more = () => [],
    date = german,
  } = options;
  const lines = [header.replaceAll(";", delimiter)];
  for (let month = from; month < from + months; month++) {
    for (const [i, item] of ["Tee", "Saft", "Milch"].entries()) {
      for (const branch of ["Nord", "Sued"]) {
        const amount = `${20 + 3 * i + (month % 12)}${decimal}5`;
        lines.push(
          [date(new Date(Date.UTC(2022, month, 28))), item, branch, amount, String(40 + ((month * 7 + i) % 11)), ...more(month)].join(
            delimiter,
          ),
        );
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

test("a file with the usual columns is read as it stands, and nothing is kept of it", async () => {
  await put("forecast/train/strict.csv", shopTarget({ items: 2, months: 30 }));
  const run = await latest("strict");
  expect(run?.summary).toMatchObject({ warnings: [], series: 2 });
  expect(understoodIn(run)).toEqual([]);
  expect((await stockroom("mappings", "list", "strict")).said).toMatch(/No mapping is kept/);
});

test("an export is read by what it tells, and that is told wherever the forecast is shown", async () => {
  await put("forecast/train/branch.csv", branchExport());
  const run = await latest("branch");
  // The settings forecast by store: the one place of the file is taken for it.
  expect(run?.summary).toMatchObject({ series: 6, badRows: 0 });
  const told =
    /branch\.csv has other columns than item_id, timestamp, demand and was read as .*timestamp Datum, item Artikel, .*demand Menge.*Kunden/;
  // The shop sells the same each year: beside it stands that repeating the last season was nearer.
  expect(run?.summary?.["warnings"]).toContainEqual(expect.stringMatching(told));
  expect(understoodIn(run)).toMatchObject([{ kind: "target", by: "proposal" }]);
  expect(understoodIn(run)[0]?.lines.length).toBeLessThanOrEqual(10);
  const notice = (await app.notices.list({ limit: 100 })).find(({ id }) => id === `forecast.done/${run?.id}`);
  expect(notice).toMatchObject({ severity: "warning", body: expect.stringMatching(told) });
  expect((await stockroom("show", "branch")).out.replaceAll(/\s+/g, " ")).toMatch(/was looked at.*Datum \(.*dd\.mm\.yyyy/);
  expect((await stockroom("list", "--json")).out).toMatch(told);
  const text = async (at: string): Promise<string> => await (await fetch(`${server.url}${at}`)).text();
  expect(await text("/forecast")).toMatch(/how forecast\/train\/branch\.csv was read[\s\S]*Datum/);
  expect(await text("/forecast/branch")).toMatch(told);
  expect(await text(`/api/forecast/runs/${run?.id}`)).toMatch(told);
  const { body } = await app.objects.get(operator, run?.exports["forecast"]?.key ?? "");
  let csv = "";
  for await (const chunk of body) csv += Buffer.from(chunk).toString();
  expect(csv.split("\n")[0]).toMatch(/^item_id,store,timestamp/);
});

test("the answer to an upload says how its columns are read; of the usual ones, nothing more than before", async () => {
  const putHttp = async (key: string, body: string): Promise<StoredObject> => {
    const answer = await fetch(`${server.url}/objects/${key}`, { method: "PUT", body });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the test then checks
    return (await answer.json()) as StoredObject;
  };
  expect(await putHttp("forecast/train/strict.csv", shopTarget({ items: 2, months: 30 }))).not.toHaveProperty("understood");
  const { understood = [] } = await putHttp("forecast/train/answered.csv", branchExport({ months: 29 }));
  expect(understood.length).toBeLessThanOrEqual(10);
  expect(understood.join("\n")).toMatch(/timestamp: Datum .*\nitem: Artikel .*\ndimension: Filiale/);
  const asked = await putHttp("forecast/train/answered2.csv", branchExport({ header: "Datum;Artikel;Filiale;a;b" }));
  expect(asked.understood?.at(-1)).toMatch(/^question: .*Which of "a", "b" says how much was sold\?.*intake:/s);
  await settled(app);
});

test("an archive of one export is looked into as well", async () => {
  await app.objects.put(operator, "forecast/train/packed.zip", zipSync({ "export.csv": textBytes(branchExport()) }));
  await settled(app);
  expect(await stateOf("packed")).toMatch(/^idle/);
  expect((await latest("packed"))?.summary).toMatchObject({ series: 6 });
});

test("a file is looked at without being stored", async () => {
  const objects = (await app.objects.list("", { limit: 1_000 })).length;
  const answer = await fetch(`${server.url}/api/look?name=branch.csv`, { method: "POST", body: branchExport() });
  const told: FileLook = JSON.parse(await answer.text());
  expect(answer.status).toBe(200);
  expect(told).toMatchObject({
    profile: { rows: 180, format: "csv" },
    proposals: { forecast: { questions: [], plan: { demand: "Menge" }, intake: { decimal: ",", map: { Datum: "timestamp" } } } },
    advice: { forecast: expect.arrayContaining([expect.stringMatching(/^demand: Menge/)]) },
  });
  expect(told.first).toHaveLength(20);
  expect((await app.objects.list("", { limit: 1_000 })).length).toBe(objects);
  // And of a catalogue, what classification would learn from it.
  const catalogue = `sku;Bezeichnung;Warengruppe\n${Array.from({ length: 60 }, (_, i) => `S${i};Ding ${i} gross;W${i % 4}`).join("\n")}\n`;
  const looked: FileLook = JSON.parse(
    await (await fetch(`${server.url}/api/look?name=catalogue.csv`, { method: "POST", body: catalogue })).text(),
  );
  expect(looked.proposals).toMatchObject({
    classify: {
      questions: [],
      plan: { text: ["Bezeichnung"], label: { columns: ["Warengruppe"] } },
      flags: expect.arrayContaining(["--map"]),
    },
  });
  const broken = await fetch(`${server.url}/api/look?name=x.xlsx`, { method: "POST", body: "PK\u0003\u0004nothing" });
  expect([broken.status, await broken.text()]).toEqual([400, expect.stringMatching(/TABLE_ARCHIVE_BROKEN/)]);
  const large = await fetch(`${server.url}/api/look`, { method: "POST", body: new Uint8Array(33 << 20) }).catch(() => undefined);
  // The answer comes before the body is through, so a client that still sends may find the connection closed.
  const outcome = large === undefined ? "closed" : `${large.status} ${JSON.parse(await large.text()).code}`;
  expect(["closed", "400 LOOK_TOO_LARGE"]).toContain(outcome);
});

test("the next export of the same sender is read the same way, and what is new in it is told", async () => {
  await put(
    "forecast/train/branch.csv",
    branchExport({ months: 31, header: "Datum;Artikel;Filiale;Menge;Kunden;Retouren", more: (month) => [String(month % 3)] }),
  );
  const run = await latest("branch");
  expect(understoodIn(run)).toMatchObject([{ by: "kept", changes: ["new: Retouren; not used"] }]);
  expect(run?.summary).toMatchObject({
    series: 6,
    warnings: [expect.stringMatching(/made otherwise than the file before it: new: Retouren/)],
  });
  // The same again trains nothing.
  const before = run?.id;
  await put(
    "forecast/train/2026/branch.csv",
    branchExport({ months: 31, header: "Datum;Artikel;Filiale;Menge;Kunden;Retouren", more: (month) => [String(month % 3)] }),
  );
  expect((await latest("branch"))?.id).toBe(before);
});

test("a change that could give other numbers is a question before anything runs, and forgetting answers it", async () => {
  const runs = (await listRuns(app.database, { group: "branch", limit: 10 })).length;
  await put("forecast/train/branch.csv", branchExport({ months: 32, decimal: "." }));
  expect(await stateOf("branch")).toMatch(/failed: .*decimal sign of "Menge" is \. now \(.*\) and was ,.*mappings forget branch/s);
  expect(await latest("branch")).toMatchObject({ id: (await latest("branch"))?.id });
  expect((await stockroom("mappings", "list", "branch", "--json")).out).toMatch(/"sender": "operator"/);
  const forgotten = await stockroom("mappings", "forget", "branch");
  expect(forgotten).toMatchObject({ exit: 0, out: expect.stringMatching(/its forecast goes on/) });
  await settled(app);
  expect(await stateOf("branch")).toMatch(/^idle/);
  expect(understoodIn(await latest("branch"))).toMatchObject([{ by: "proposal" }]);
  expect((await listRuns(app.database, { group: "branch", limit: 10 })).length).toBe(runs + 1);
  await put("forecast/train/branch.csv", branchExport({ months: 33, decimal: ".", header: "Datum;Artikel;Filiale;Stueck;Kunden" }));
  expect(await stateOf("branch")).toMatch(/failed: .*the column "Menge", which was in use, is gone/);
});

test("what a file does not tell is one question with the settings that answer it; the answer holds for the next file", async () => {
  const both = (at: Date): string =>
    `${two(((at.getUTCMonth() * 5 + at.getUTCFullYear()) % 12) + 1)}/${two(at.getUTCMonth() + 1)}/${at.getUTCFullYear()}`;
  // Rows in no order: nothing tells day from month.
  const mixed = (months: number): string => {
    const [header = "", ...rows] = branchExport({ months, date: both, delimiter: ";" }).trimEnd().split("\n");
    return `${[header, ...rows.toSorted((a, b) => ((a.length * 7 + a.charCodeAt(11)) % 5) - ((b.length * 7 + b.charCodeAt(11)) % 5) || (a < b ? 1 : -1))].join("\n")}\n`;
  };
  await put("forecast/train/asked.csv", mixed(30));
  expect(await stateOf("asked")).toMatch(
    /failed: .*begin with the day or the month\?.*asked:\n {2}intake:\n {4}dateFormat: dd\/mm\/yyyy.*mappings set asked --date-format dd\/mm\/yyyy/s,
  );
  expect((await stockroom("mappings", "set", "asked", "--date-format", "dd/mm/yyyy")).out).toMatch(/its forecast goes on/);
  await settled(app);
  expect(await stateOf("asked")).toMatch(/^idle/);
  await put("forecast/train/asked.csv", mixed(31));
  expect(understoodIn(await latest("asked"))).toMatchObject([
    { by: "kept", lines: expect.arrayContaining([expect.stringMatching(/dd\/mm\/yyyy/)]) },
  ]);
  // The inbox is another sender: nobody has answered for it.
  await mkdir(path.join(place.home, "inbox/forecast/train"), { recursive: true });
  await writeFile(path.join(place.home, "inbox/forecast/train/asked.csv"), mixed(32));
  await waitFor("the inbox file to be asked about", async () => (await stateOf("asked")).startsWith("failed"));
});

test("settings say it, with their mistakes told by place, and files beside the target are looked at too", async () => {
  const block = (intake: string): string => `${shopDefaults({ related: true })}said:\n  intake:\n${intake}`;
  const wrong = block("    map: { Wann: timestamp }\n    dateFormat: yy.dd\n    related:\n      knwon: [Preis]\n      decimal: ;\n");
  await put("forecast-defaults.yaml", wrong);
  const notice = (await app.notices.list({ limit: 50 })).find(({ body }) => /said\.intake/.test(body));
  expect(notice?.body).toMatch(/said\.intake\.dateFormat: Expected dateFormat as .*"yy\.dd"/);
  expect(notice?.body).toMatch(/said\.intake\.related\.knwon: .*Did you mean known\?/);
  expect(notice?.body).toMatch(/:\d+:\d+: said\.intake\.related\.decimal/);
  await put("forecast-defaults.yaml", block("    map: { Wann: timestamp, Was: item_id, Filiale: store, Zahl: demand }\n    known: []\n"));
  const header = "Wann;Was;Filiale;Zahl;Anzahl";
  const prices = (months: number): string =>
    [
      "Stand;Produkt;Preis brutto;Aktion",
      ...Array.from({ length: months }, (_, month) =>
        ["Tee", "Saft", "Milch"].map(
          (item) =>
            `${german(new Date(Date.UTC(2022, month, 1)))};${item};${month % 4 === 0 ? "1,50" : "2,25"};${month % 4 === 0 ? "ja" : "nein"}`,
        ),
      ).flat(),
    ].join("\n");
  const items = "Produkt;Warengruppe;Lieferant\nTee;heiss;A\nSaft;kalt;A\nMilch;kalt;B\n";
  await app.objects.put(operator, "forecast/train/said.related.csv", textBytes(prices(40)));
  await app.objects.put(operator, "forecast/train/said.metadata.csv", textBytes(items));
  await put("forecast/train/said.csv", branchExport({ header }));
  expect(await stateOf("said")).toMatch(/^idle/);
  const run = await latest("said");
  expect(understoodIn(run)).toMatchObject([
    { kind: "target", by: "settings" },
    {
      kind: "related",
      by: "proposal",
      lines: expect.arrayContaining([
        expect.stringMatching(/item: Produkt \(100 % of its values/),
        expect.stringMatching(/known: Preis brutto/),
      ]),
    },
    { kind: "metadata", by: "proposal", lines: expect.arrayContaining([expect.stringMatching(/metadata: Warengruppe/)]) },
  ]);
  expect(run?.summary).toMatchObject({ series: 6, badRows: 0 });
});
