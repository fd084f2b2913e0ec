// The console's pages of operation on a real app: runs in bulk, dead letters mended, files dropped, objects, what runs by the clock.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import type { OpenServer } from "../../src/server/index.ts";
import { makePlace, openAt, operator, serve, textBytes, waitFor, type TestPlace } from "../kit/app.ts";
import { executablePath, findBarriers, isScrolledSideways, openBrowser, openPage } from "./kit.ts";

const defaults = `Default:
  DatasetGroup: { Domain: RETAIL }
  Datasets:
    - Domain: RETAIL
      DatasetType: TARGET_TIME_SERIES
      DataFrequency: M
      TimestampFormat: yyyy-MM-dd
      Schema:
        Attributes:
          - { AttributeName: item_id, AttributeType: string }
          - { AttributeName: timestamp, AttributeType: timestamp }
          - { AttributeName: demand, AttributeType: float }
  Predictor:
    MaxAge: 0
    PerformAutoML: true
    ForecastHorizon: 3
    FeaturizationConfig: { ForecastFrequency: M }
    EvaluationParameters: { NumberOfBacktestWindows: 2, BackTestWindowOffset: 3 }
  Forecast: { ForecastTypes: ["0.10", "0.50", "0.90"] }
`;

/** Monthly sales of two items as a German shop system writes them; `header` names its columns. */
const verkauf = (header: string, months = 30): string => {
  const rows = Array.from({ length: months }, (_, month) => {
    const day = `28.${String((month % 12) + 1).padStart(2, "0")}.${2023 + Math.floor(month / 12)}`;
    return ["Käse", "Brot"].map((item, i) => `${day};${item};${20 + 3 * i + (month % 12)},5;${40 + ((month * 7 + i) % 11)}`);
  });
  return `${[header, ...rows.flat()].join("\n")}\n`;
};

/** A page on which a busy machine has time. */
async function openCalm(...given: Parameters<typeof openPage>): Promise<{ page: Page; problems: string[] }> {
  const opened = await openPage(...given);
  opened.page.setDefaultTimeout(120_000);
  return opened;
}

describe.skipIf(executablePath === undefined)("the pages of operation", () => {
  let place: TestPlace;
  let app: App;
  let server: OpenServer;
  let browser: Browser;
  const at = (path: string): string => `${server.url}/console${path}`;

  // Nothing works here: what is queued stays queued until a person does something.
  beforeAll(async () => {
    place = await makePlace();
    app = await openAt(place, { work: false, quiet: true });
    server = await serve(app);
    browser = await openBrowser();
    for (const n of [1, 2, 3])
      await app.workflows.start(
        "classify.train",
        { line: "GBR-UK15", key: `classify/labelled/GBR/${n}.csv`, version: "1" },
        { id: `bulk/${n}` },
      );
    await app.objects.put(operator, "notes/a/one.csv", textBytes("a,b\n1,2\n"));
    await app.objects.put(operator, "notes/two.csv", textBytes("a,b\n1,2\n"));
    await app.objects.put(operator, "notes/two.csv", textBytes("a,b\n1,3\n"));
  }, 300_000);
  afterAll(async () => {
    await browser.close();
    await server.close();
    await app.close();
    await place.remove();
  });

  it("are whole without a complaint of the browser or of axe, light and dark, wide and narrow", async () => {
    const shown = [
      ["/runs", "Runs that began each day (UTC)"],
      ["/runs/bulk%2F1", "No step is done yet."],
      ["/dead", "Nothing waits: every run came to its end."],
      ["/events", "object.stored"],
      ["/events?tab=notices", "Nobody was told anything yet."],
      ["/events?tab=schedules", "classify.restate"],
      ["/events?tab=subscriptions", "No process has yet said what it waits for."],
      ["/objects?prefix=notes/", "two.csv"],
      ["/objects?key=notes/two.csv", "newest"],
      ["/upload", "Drop a file here, or choose one"],
      ["/system", "No process takes up runs: what is started waits."],
    ] as const;
    for (const [path, text] of shown) {
      const { page, problems } = await openCalm(browser, { colorScheme: "light" });
      await page.goto(at(path));
      await page.getByText(text).first().waitFor();
      expect([path, await findBarriers(page)]).toEqual([path, []]);
      await page.emulateMedia({ colorScheme: "dark" });
      await page.setViewportSize({ width: 390, height: 800 });
      expect([path, await findBarriers(page)]).toEqual([path, []]);
      expect([path, await isScrolledSideways(page)]).toEqual([path, false]);
      expect(problems).toEqual([]);
      await page.close();
    }
  }, 600_000);

  it("stop many runs at once, with the reason kept", async () => {
    const { page, problems } = await openCalm(browser);
    await page.goto(at("/runs?workflow=classify.train"));
    await page.getByLabel("Choose bulk/1").check();
    await page.getByLabel("Choose bulk/2").check();
    await page.getByRole("button", { name: "Cancel chosen" }).click();
    const dialog = page.getByRole("dialog", { name: "Cancel 2 runs" });
    expect(await findBarriers(page)).toEqual([]);
    await dialog.getByLabel("Reason").fill("the labels were wrong");
    await dialog.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByText("2 runs stop at their next step.").waitFor();
    const states = async (): Promise<unknown> => {
      const all = await app.workflows.list();
      return all.map(({ id, state }) => `${id} ${state}`).toSorted();
    };
    expect(await states()).toEqual(["bulk/1 cancelled", "bulk/2 cancelled", "bulk/3 queued"]);
    const words = (await app.events.list({ kind: "run.cancelled" })).map(
      ({ subject, data }) => `${subject}: ${JSON.stringify(data["reason"])}`,
    );
    expect(words.toSorted()).toEqual(['bulk/1: "the labels were wrong"', 'bulk/2: "the labels were wrong"']);
    await page.getByRole("button", { name: "cancelled 2" }).click();
    await page.waitForURL(/state=cancelled/);
    await page
      .getByRole("link", { name: /bulk|GBR-UK15/ })
      .first()
      .click();
    await page.getByText("the labels were wrong").waitFor();
    expect(problems).toEqual([]);
    await page.close();
  }, 240_000);

  it("choose a stretch of time on the bars, and show those that began in it", async () => {
    const { page, problems } = await openCalm(browser);
    await page.goto(at("/runs"));
    await page.getByRole("img", { name: "Runs that began each day (UTC)" }).waitFor();
    const plot = page.locator(".u-over");
    const box = await plot.boundingBox();
    if (box === null) throw new Error("Expected bars to drag over.");
    // The last of sixty days is today's, at the right edge; the middle is long before anything began.
    const drag = async (from: number, to: number): Promise<void> => {
      await page.mouse.move(box.x + box.width * from, box.y + 20);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * to, box.y + 20, { steps: 5 });
      await page.mouse.up();
    };
    await drag(0.3, 0.5);
    await page.waitForURL(/since=.*until=/);
    await page.getByText("No run is like that.").waitFor();
    await page.getByRole("button", { name: "Show all times" }).click();
    await page.getByRole("table", { name: "Runs" }).waitFor();
    await drag(0.9, 0.999);
    await page.waitForURL(/since=/);
    await page.getByText("Those that began").waitFor();
    await page.getByLabel("Choose bulk/3").waitFor();
    await page.goto(at("/runs?until=2020-01-01"));
    await page.getByText("No run is like that.").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(problems).toEqual([]);
    await page.close();
  }, 300_000);

  it("keep a view of a list under a name", async () => {
    const { page } = await openCalm(browser);
    await page.goto(at("/runs?state=cancelled"));
    await page.getByRole("button", { name: "Save this view" }).click();
    await page.getByLabel("Name").fill("stopped by hand");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.goto(at("/runs"));
    await page.getByRole("link", { name: "stopped by hand" }).click();
    await page.waitForURL(/state=cancelled/);
    expect(await page.getByRole("button", { name: /^cancelled/ }).getAttribute("aria-pressed")).toBe("true");
    await page.close();
  }, 240_000);

  it("pause a schedule with a reason and resume it", async () => {
    const { page, problems } = await openCalm(browser);
    await page.goto(at("/events?tab=schedules"));
    await page.getByRole("button", { name: "Pause classify.restate" }).click();
    await page.getByLabel("Reason (kept with it)").fill("the month is closed by hand");
    await page.getByRole("button", { name: "Pause", exact: true }).last().click();
    await page.getByText("the month is closed by hand").waitFor();
    const paused = async (): Promise<unknown> =>
      (await app.workflows.schedules()).find(({ name }) => name === "classify.restate")?.paused?.reason;
    expect(await paused()).toBe("the month is closed by hand");
    await page.getByRole("button", { name: "Resume classify.restate" }).click();
    await page.getByRole("button", { name: "Pause classify.restate" }).waitFor();
    expect(await paused()).toBeUndefined();
    expect(problems).toEqual([]);
    await page.close();
  }, 240_000);

  it("lead through folders to an object, and remove it once it is confirmed", async () => {
    const { page, problems } = await openCalm(browser);
    await page.goto(at("/objects"));
    await page.getByRole("link", { name: "notes/" }).click();
    await page.getByRole("link", { name: "a/", exact: true }).waitFor();
    await page.getByRole("link", { name: "two.csv" }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download" }).nth(1).click();
    expect((await download).suggestedFilename()).toBe("two.csv");
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("There is no such object, or it was removed.").waitFor();
    expect(await app.objects.head("notes/two.csv")).toBeUndefined();
    expect(problems).toEqual([]);
    await page.close();
  }, 240_000);
});

describe.skipIf(executablePath === undefined)("a file on its way", () => {
  let place: TestPlace;
  let app: App;
  let server: OpenServer;
  let browser: Browser;
  const at = (path: string): string => `${server.url}/console${path}`;
  const put = async (key: string, text: string): Promise<void> => void (await app.objects.put(operator, key, textBytes(text)));

  beforeAll(async () => {
    place = await makePlace();
    app = await openAt(place, { work: true, quiet: true });
    server = await serve(app);
    browser = await openBrowser();
    await put("forecast-defaults.yaml", defaults);
    // Two columns that could both be the demand.
    await put("forecast/train/filiale.csv", verkauf("Datum;Artikel;a;b"));
    await waitFor("a dead letter", async () => (await app.workflows.deadLetters({ state: "waiting" })).length > 0);
  }, 300_000);
  afterAll(async () => {
    await browser.close();
    await server.close();
    await app.close();
    await place.remove();
  });

  it("that a stranger dropped is read with its German columns, mapped and followed to its result", async () => {
    const { page, problems } = await openCalm(browser);
    await page.goto(at("/"));
    await page.getByText("Drop a file here, or choose one").waitFor();
    await page.locator("input[type=file]").setInputFiles({
      name: "Verkauf.csv",
      mimeType: "text/csv",
      // Windows-1252: ä is one byte.
      buffer: Buffer.from(verkauf("Datum;Artikelnummer;Menge;Kunden"), "latin1"),
    });
    await page.getByRole("heading", { name: "Verkauf.csv" }).waitFor();
    await page.getByText("semicolons").first().waitFor();
    await page.getByRole("definition").filter({ hasText: "windows-1252" }).waitFor();
    await page.getByText("Datum (dd.mm.yyyy)").waitFor();
    await page.getByRole("cell", { name: "Käse" }).first().waitFor();
    expect(await page.getByLabel("What Artikelnummer is").inputValue()).toBe("item");
    await page.getByText("forecast/train/Verkauf.csv").first().waitFor();
    await page.getByRole("link", { name: "forecast.intake" }).waitFor();
    expect(await app.objects.head("forecast/train/Verkauf.csv")).toBeUndefined();
    await page.getByLabel("What Kunden is").selectOption("left out");
    await page.getByLabel("What Menge is").selectOption("left out");
    await page.getByLabel("What Kunden is").selectOption("demand");
    await page.getByText(/--map .*Kunden=demand/).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Store it and start" }).click();
    await page.waitForURL(/version=/);
    await page.getByText("All have ended well.").waitFor({ timeout: 240_000 });
    expect(await findBarriers(page)).toEqual([]);
    const { mappings } = (await (await fetch(`${server.url}/api/forecast/mappings?group=Verkauf`)).json()) as {
      mappings: { intake: { map: Record<string, string> } }[];
    };
    expect(mappings[0]?.intake.map).toMatchObject({ Datum: "timestamp", Artikelnummer: "item_id", Kunden: "demand" });
    expect(problems).toEqual([]);
    await page.close();
  }, 900_000);

  it("with codes is read by the columns that a person chose, now and the next time", async () => {
    const { page, problems } = await openCalm(browser);
    const kinds = ["kettle steel", "toaster bread", "lamp desk"];
    const rows = Array.from({ length: 120 }, (_, n) => `A${n};${kinds[n % 3]} ${n};${["K", "T", "L"][n % 3]};${["x", "y"][n % 2]}`);
    await page.goto(at("/upload"));
    await page.locator("input[type=file]").setInputFiles({
      name: "artikel.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(`${["Artikelnummer;Bezeichnung;Warengruppe;Regal", ...rows].join("\n")}\n`),
    });
    await page.getByRole("heading", { name: "artikel.csv" }).waitFor();
    await page.getByLabel("The file is").selectOption("labelled");
    await page.getByLabel("Country").fill("GBR");
    expect(await page.getByLabel("What Warengruppe is").inputValue()).toBe("code");
    await page.getByLabel("What Warengruppe is").selectOption("left out");
    await page.getByText("Choose the column with the right codes.").waitFor();
    await page.getByLabel("What Regal is").selectOption("code");
    await page.getByLabel("Rule book of the codes").fill("SHELF");
    await page.getByText(/--map .*Regal=label/).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Store it and start" }).click();
    await page.waitForURL(/version=/);
    await page.getByText("All have ended well.").waitFor({ timeout: 240_000 });
    const { mappings } = (await (await fetch(`${server.url}/api/classify/mappings?file=GBR/artikel`)).json()) as {
      mappings: { intake: { map: Record<string, string>; scheme?: string } }[];
    };
    expect(mappings[0]?.intake).toMatchObject({ map: { Regal: "label", Bezeichnung: "text" }, scheme: "SHELF" });
    await waitFor("a line of the shelf", async () => {
      const { lines } = (await (await fetch(`${server.url}/api/classify/lines`)).json()) as { lines: { line: string }[] };
      return lines.some(({ line }) => line === "GBR-SHELF");
    });
    expect(problems).toEqual([]);
    await page.close();
  }, 900_000);

  it("that failed is told on home before what only waits, repaired in its place and redriven", async () => {
    await app.workflows.start("classify.train", { line: "none", key: "none", version: "1" }, { id: "hopeless" });
    await app.workflows.outcome("hopeless");
    const { page, problems } = await openCalm(browser);
    await page.goto(at("/"));
    const list = page.getByRole("table", { name: "What waits for a person, worst first" });
    await list.getByText("dead letter").first().waitFor();
    const kinds = await list.locator("tbody tr td:nth-child(2)").allInnerTexts();
    const weights = kinds.map((kind) => (kind === "dead letter" ? 3 : kind === "review" ? 1 : 2));
    expect(weights).toEqual(weights.toSorted((a, b) => b - a));

    const letter = (await app.workflows.deadLetters({ state: "waiting" })).find(({ runId }) => runId.startsWith("forecast/filiale/"));
    await page.goto(at(`/dead?id=${letter?.id ?? ""}`));
    await page.getByRole("heading", { name: "Repair the file" }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByLabel("Repaired file").setInputFiles({
      name: "filiale.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(verkauf("Datum;Artikel;Menge;Kunden")),
    });
    await page.getByRole("link", { name: "see what it started" }).waitFor();
    await page.getByRole("button", { name: "Redrive all the same" }).click();
    await waitFor(
      "the letter to be redriven",
      async () => (await app.workflows.deadLetter(letter?.id ?? "")).state === "redriven",
      240_000,
    );
    const word = await waitFor("the word of who redrove it", async () => (await app.events.list({ kind: "dead.redriven" }))[0]);
    expect(word.data["reason"]).toMatch(/^repaired: forecast\/train\/filiale\.csv version /);
    // The repaired file has a run of its own; the former one reads the file that it was started for, and is given up again.
    const repaired = await waitFor(
      "the repaired file to be forecast",
      async () =>
        (await app.workflows.list({ workflow: "forecast.run", state: "done" })).find(({ id }) => id.startsWith("forecast/filiale/")),
      240_000,
    );
    expect(repaired.id).not.toBe(letter?.runId);
    await waitFor("the former run to end again", async () => (await app.workflows.show(letter?.runId ?? "")).state === "dead", 240_000);

    await page.goto(at("/dead"));
    await page.getByRole("button", { name: /^Choose all/ }).click();
    await page.getByRole("button", { name: "Drop chosen" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("there is no such line");
    await page.getByRole("dialog").getByRole("button", { name: "Drop", exact: true }).click();
    await page.getByText("Nothing waits: every run came to its end.").waitFor();
    expect((await app.events.list({ kind: "dead.dropped" }))[0]?.data["reason"]).toBe("there is no such line");
    expect(problems).toEqual([]);
    await page.close();
  }, 900_000);
});
