// The pages of classification in a real browser: lines with a word on a promotion that waits and a roll-back, review by keys alone, the report and its
// restatement, and who sees what.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { insertAudit } from "../../src/classify/store/audit.ts";
import { listAutomatic, listChampions } from "../../src/classify/store/champions.ts";
import { insertVerdict, listModels } from "../../src/classify/store/lines.ts";
import { listReviews } from "../../src/classify/store/reviews.ts";
import { answerReview } from "../../src/classify/workflows/review.ts";
import { openEntrance, openServer, type OpenServer } from "../../src/server/index.ts";
import { openServed, operator, settled, textBytes, type ServedApp } from "../kit/app.ts";
import { labelledRows, salesRows } from "../kit/classify.ts";
import { verdictRow } from "../kit/classify-rows.ts";
import { executablePath, findBarriers, isScrolledSideways, openBrowser, openPage } from "./kit.ts";

const line = "GBR-WASTE";
const period = "2026-10";

const scheme = {
  scheme: "WASTE",
  country: "GBR",
  versions: [
    {
      version: "2026",
      valid_from: "2020-01-01",
      codes: [
        { code: "H", name: "Household equipment", heading: true },
        { code: "K", name: "Kettles and boilers", parent: "H" },
        { code: "T", name: "Toasters", parent: "H" },
        { code: "L", name: "Lamps and lights" },
      ],
    },
  ],
};

/** Three kinds of items, and three of one title that are sold most and come first. */
function soldRows(): readonly string[] {
  const [head = "", ...rows] = salesRows(40, period);
  const same = ["Bread toaster XL", "Bread-toaster XL", "Bread toaster (XL)"].map(
    (title, at) => `same${at},${period}-12,${title},5,${8 + at}`,
  );
  return [head, ...rows, ...same];
}

describe.skipIf(executablePath === undefined)("the pages of classification", () => {
  let served: ServedApp;
  let guarded: OpenServer;
  let browser: Browser;
  const put = async (key: string, text: string): Promise<void> => {
    await served.app.objects.put(operator, key, textBytes(text));
    await settled(served.app);
  };
  const at = (path: string): string => `${served.server.url}/console${path}`;

  beforeAll(async () => {
    served = await openServed({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "1" });
    await put("classify/schemes/waste.json", JSON.stringify(scheme));
    await put("classify/labelled/GBR/first.csv", labelledRows(90).join("\n"));
    await put("classify/labelled/GBR/second.csv", labelledRows(30, "WASTE", 500).join("\n"));
    await put(`classify/sales/${period}/GBR.csv`, soldRows().join("\n"));
    guarded = await openServer({
      deps: served.app,
      entrance: openEntrance(served.app),
      settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000 },
      version: "1.2.3",
      modules: served.app.modules,
    });
    browser = await openBrowser();
  }, 300_000);
  afterAll(async () => {
    await browser.close();
    await guarded.close();
    await served.close();
  });

  /** What is wrong with a state of a page, light and wide, dark and narrow: barriers, sideways scrolling, complaints of the browser. */
  async function flawsOf(path: string, isThere: (page: Page) => Promise<unknown>): Promise<readonly unknown[]> {
    const flaws: unknown[] = [];
    for (const [colorScheme, width] of [
      ["light", 1280],
      ["dark", 390],
    ] as const) {
      const { page, problems } = await openPage(browser, { colorScheme, viewport: { width, height: 900 } });
      await page.goto(at(path));
      await isThere(page);
      flaws.push(
        ...(await findBarriers(page)),
        ...problems,
        ...((await isScrolledSideways(page)) ? [`${path} is wider than ${width}`] : []),
      );
      await page.close();
    }
    return flaws;
  }

  it("shows every line with its champion, and a line's models, verdicts, drift and words", async () => {
    expect(await flawsOf("/lines", async (page) => await page.getByText("macro F1").first().waitFor())).toEqual([]);
    const here = `/lines/${line}`;
    expect(await flawsOf(here, async (page) => await page.getByRole("table", { name: "Models of this line" }).waitFor())).toEqual([]);
    expect(await flawsOf(`${here}?tab=verdicts`, async (page) => await page.getByText("Codes that changed").waitFor())).toEqual([]);
    expect(await flawsOf(`${here}?tab=drift`, async (page) => await page.getByRole("table", { name: /^Codings/ }).waitFor())).toEqual([]);
    expect(
      await flawsOf(`${here}?tab=words`, async (page) => await page.getByRole("table", { name: /^Every champion/ }).waitFor()),
    ).toEqual([]);
    expect(await flawsOf("/lines/GBR-NONE", async (page) => await page.getByText("There is no line GBR-NONE.").waitFor())).toEqual([]);
  }, 300_000);

  it("says in the matrix what the routes say, and leads to the line", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(at("/lines"));
    const [champion] = await listChampions(served.app.database, line);
    const cell = page.getByRole("cell").filter({ hasText: "macro F1" });
    await cell.getByText(champion?.model.split("@")[1]?.slice(0, 8) ?? "").waitFor();
    await cell.getByRole("link", { name: "WASTE" }).click();
    await page.getByRole("heading", { name: line }).waitFor();
    await page.goto(at("/lines?what=none"));
    await page.getByText("No line is like that.").waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });

  it("shows what was logged in each step of a run", async () => {
    const [trained] = await served.app.workflows.list({ workflow: "classify.train", state: "done" });
    const here = `/runs/${encodeURIComponent(trained?.id ?? "")}`;
    const lines = (page: Page) => page.getByRole("list", { name: "Lines of the log" });
    expect(await flawsOf(here, async (page) => await lines(page).getByText("learned a new model").waitFor())).toEqual([]);
    const { page, problems } = await openPage(browser);
    await page.goto(at(here));
    await lines(page).getByText("gathered what the line learns from").waitFor();
    await page.getByRole("button", { name: "fit", exact: true }).click();
    await page.waitForURL(/step=fit/);
    await lines(page).getByText("gathered what the line learns from").waitFor({ state: "detached" });
    await lines(page).getByText("learned a new model").waitFor();
    await page.getByLabel("Level").selectOption("error");
    await page.getByText("No line is like that.").waitFor();
    expect(problems).toEqual([]);
    await page.close();
  }, 120_000);

  it("finds what was decided about an item by its id, from the palette on", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(at("/lines"));
    await page.getByText("macro F1").first().waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: /^Find/ }).waitFor();
    await page.keyboard.type("same0");
    await page.getByRole("option", { name: /^same0 item by its id/ }).click();
    await page.getByRole("heading", { name: "Item same0" }).waitFor();
    await page.getByRole("region", { name: line }).waitFor();
    expect(problems).toEqual([]);
    await page.close();
    const there = async (page: Page) => await page.getByRole("region", { name: line }).waitFor();
    expect(await flawsOf("/items?id=same0", there)).toEqual([]);
    expect(await flawsOf("/items?id=nothing", async (page) => await page.getByText(/^No line coded nothing/).waitFor())).toEqual([]);
  }, 120_000);

  it("does a training again from its run's page, and shows the new run", async () => {
    const [trained] = await served.app.workflows.list({ workflow: "classify.train", state: "done" });
    const id = trained?.id ?? "";
    const { page, problems } = await openPage(browser);
    await page.goto(at(`/runs/${encodeURIComponent(id)}`));
    await page.getByRole("button", { name: "Do again" }).click();
    const dialog = page.getByRole("dialog", { name: /^Do again/ });
    expect(await findBarriers(page)).toEqual([]);
    await dialog.getByLabel("Reason").fill("the scheme was mended");
    await dialog.getByRole("button", { name: "Do again" }).click();
    await page.waitForURL(/again%2F/);
    await page
      .getByText(/\/again\/\d{4}-/)
      .first()
      .waitFor();
    await settled(served.app);
    const [word] = await served.app.events.list({ kind: "run.rerun" });
    expect(word).toMatchObject({ subject: id, data: { reason: "the scheme was mended" } });
    // The same items give the same model: nothing stands twice.
    const again = word?.data["run"];
    expect(await served.app.workflows.show(typeof again === "string" ? again : "")).toMatchObject({
      state: "done",
      output: { isNew: false },
    });
    expect(problems).toEqual([]);
    await page.close();
  }, 120_000);

  it("approves a promotion that waits with a reason, and rolls back", async () => {
    const { database, classify } = served.app;
    const models = await listModels(database, line);
    const [before] = await listChampions(database, line);
    const champion = before?.model ?? "";
    const challenger = models.find(({ id }) => id !== champion)?.id ?? "";
    expect(models).toHaveLength(2);
    // A promotion that waits takes a month of history to come by; it is written as it would be.
    const verdict = verdictRow("browser-held", line, challenger, {
      champion,
      decision: "held",
      promoted: false,
      reason: "a lead of 4.00 points; kg of K would jump. Held for a person.",
      at: new Date().toISOString(),
      verdict: {
        items: 40,
        codes: 3,
        difference: 0.04,
        interval: { low: 0.01, high: 0.07, confidence: 0.9 },
        challenger: { macroF1: 0.94, accuracy: 0.95, weightedF1: 0.95 },
        opponent: { kind: "champion", macroF1: 0.9, accuracy: 0.9, weightedF1: 0.9 },
        changes: [{ truth: "K", champion: "T", challenger: "K", items: 3 }],
        jumps: [{ version: "2026", code: "K", what: "share of kg", before: { low: 0.1, high: 0.2 }, after: 0.4 }],
      },
    });
    await database.transaction(async (tx) => {
      await insertVerdict(tx, verdict);
      const written = [{ table: "classify_verdict", where: { id: verdict.id } }] as const;
      await insertAudit(tx, classify.deps.vault, { at: verdict.at, kind: "verdict", record: {}, written });
    });
    expect(
      await flawsOf(`/lines/${line}?tab=verdicts&verdict=browser-held`, async (page) => await page.getByText("now right").waitFor()),
    ).toEqual([]);
    const { page, problems } = await openPage(browser);
    await page.goto(at(`/lines/${line}`));
    await page.getByText("A promotion waits for a person").waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    const act = page.getByRole("button", { name: "Approve the promotion" });
    expect(await act.isDisabled()).toBe(true);
    expect(await findBarriers(page)).toEqual([]);
    await page.getByLabel("Reason").fill("the new labels are right");
    await act.click();
    await page.getByText(`${line} has another champion now`).waitFor();
    await page.getByText("A promotion waits for a person").waitFor({ state: "detached" });
    expect(await listChampions(database, line)).toMatchObject([
      { model: challenger, kind: "approved", reason: "the new labels are right" },
      { model: champion },
    ]);

    await page.getByRole("button", { name: `Roll back to it: ${champion}` }).click();
    await page.getByLabel("Reason").fill("too many lamps");
    await page.getByRole("dialog").getByRole("button", { name: "Roll back to it" }).click();
    await page.getByRole("button", { name: `Roll back to it: ${challenger}` }).waitFor();
    expect((await listChampions(database, line))[0]).toMatchObject({ model: champion, kind: "set", reason: "too many lamps" });
    expect(problems).toEqual([]);
    await page.close();
  });

  it("ends automatic decisions of a line with a reason, and takes it back", async () => {
    const { page } = await openPage(browser);
    await page.goto(at(`/lines/${line}`));
    await page.getByRole("button", { name: "Send everything to people" }).click();
    await page.getByLabel("Reason").fill("a bad month");
    await page.getByRole("dialog").getByRole("button", { name: "Send everything to people" }).click();
    await page.getByText("on review: people decide all").waitFor();
    await page.getByRole("status").getByRole("button", { name: "Undo" }).first().click();
    await page.getByText("decides by itself where it is sure").waitFor();
    const words = await listAutomatic(served.app.database, line);
    expect(words).toMatchObject([{ automatic: true, reason: "taken back at once: a bad month" }]);
    await page.close();
  });

  it("gives one answer to all alike, after a look at them", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(at(`/review?line=${line}`));
    await page.locator("#review-title").waitFor();
    await page.getByLabel(/^Your name/).fill("bob");
    await page.locator("h1").click();
    expect(await page.locator("#review-title").innerText()).toMatch(/^Bread.toaster/);
    await page.getByRole("button", { name: /^Same answer for \d alike/ }).waitFor();
    await page.keyboard.press("a");
    await page.getByRole("dialog").getByText("same0", { exact: false }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: /for all \d$/ }).click();
    const rows = async () =>
      (await listReviews(served.app.database, { line, state: "answered", limit: 1_000 })).filter(({ itemId }) => itemId.startsWith("same"));
    await expect.poll(async () => (await rows()).length, { timeout: 30_000 }).toBe(3);
    expect(new Set((await rows()).map(({ answer }) => answer)).size).toBe(1);
    expect(problems).toEqual([]);
    await page.close();
  });

  it("reviews twenty items by keys alone", async () => {
    const { database } = served.app;
    const answered = async (): Promise<number> => (await listReviews(database, { line, state: "answered", limit: 1_000 })).length;
    const { page, problems } = await openPage(browser);
    await page.goto(at(`/review?line=${line}`));
    const title = page.locator("#review-title");
    await title.waitFor();
    // The evidence stands marked in the item's own words, and the law's words beside the code.
    await page.locator("#review-title mark").first().waitFor();
    await page.getByText("Household equipment").first().waitFor();
    await page.getByLabel(/^Your name/).focus();
    await page.keyboard.type("ann");
    // The name is a field: keys are its letters until it is left.
    await page.keyboard.press("Tab");
    await page.locator("h1").click();
    const before = await answered();
    const card = page.locator(".review-card");
    const next = async (key: string): Promise<void> => {
      const before = await card.innerText();
      await page.keyboard.press(key);
      await expect.poll(async () => await card.innerText(), { timeout: 30_000, interval: 20 }).not.toBe(before);
    };
    await next("s");
    for (let count = 0; count < 17; count++) await next("Enter");
    await next("2");
    await next("Enter");
    await page.keyboard.press("/");
    await page.keyboard.type("lights");
    expect(await findBarriers(page)).toEqual([]);
    await next("Enter");
    await page.getByText(/^20 answers here/).waitFor();
    await page.getByText(/an hour/).waitFor();
    // The last answer is taken back before it was sent, and given again.
    await page.keyboard.press("u");
    await page.getByText("Taken back before it was sent: nothing was kept of it.").first().waitFor();
    await next("2");
    await expect.poll(async () => (await answered()) - before, { timeout: 30_000 }).toBe(20);
    const rows = await listReviews(database, { line, state: "answered", limit: 1_000 });
    expect(rows.filter(({ reviewer }) => reviewer === "ann").length).toBeGreaterThanOrEqual(20);
    expect(rows.filter(({ answer, predicted }) => answer === predicted).length).toBeGreaterThanOrEqual(17);
    expect(problems).toEqual([]);

    // What was sent is amended, and it says so.
    await page.getByText("on the way").waitFor({ state: "detached" });
    await page.keyboard.press("u");
    await page
      .getByText(/is kept already. Your next answer amends it/)
      .first()
      .waitFor();
    const runnerUp = (await page.locator(".review-acts button").nth(1).innerText()).split(/\s+/)[1];
    const other = ["K", "T", "L"].find((code) => code !== runnerUp) ?? "";
    await page.keyboard.press("/");
    await page.keyboard.type(other);
    await page.keyboard.press("Enter");
    await expect
      .poll(async () => await database.query("select answer, reason from stockroom.classify_answer where kind = 'amended'"), {
        timeout: 30_000,
      })
      .toEqual([{ answer: other, reason: "undone at once by the reviewer" }]);
    await page.close();
  });

  it("shows a refused answer again with the server's words", async () => {
    const { page } = await openPage(browser);
    await page.goto(at(`/review?line=${line}`));
    await page.locator("#review-title").waitFor();
    await page.getByLabel(/^Your name/).fill("cy");
    await page.locator("h1").click();
    await expect.poll(async () => await page.getByRole("button", { name: /^Confirm/ }).isEnabled()).toBe(true);
    // Meanwhile somebody else answers the same item otherwise.
    const [first] = await listReviews(served.app.database, { line, state: "waiting", limit: 1 });
    const other = ["K", "T", "L"].find((code) => code !== first?.predicted) ?? "";
    await answerReview(served.app.classify.deps, first?.id ?? "", other, "dora");
    await page.keyboard.press("Enter");
    await page.locator(".review-card").getByText("REVIEW_ANSWERED").waitFor();
    expect(await page.locator(".review-card").innerText()).toContain(`dora answered "${other}"`);
    await page.close();
  });

  it("looks well in review, and with its keys", async () => {
    expect(
      await flawsOf(`/review?line=${line}`, async (page) => {
        await page.locator("#review-title").waitFor();
        await page.locator("h1").click();
        await page.keyboard.press("?");
        await page.getByRole("dialog", { name: "Keys" }).waitFor();
        await page.keyboard.press("Escape");
      }),
    ).toEqual([]);
    expect(await flawsOf("/review?kind=recode", async (page) => await page.getByText("Nothing waits for review here.").waitFor())).toEqual(
      [],
    );
  });

  it("restates a report that answers have changed, and shows both figures with the reason between", async () => {
    expect(
      await flawsOf(`/report?period=${period}`, async (page) => await page.getByRole("table", { name: /^Figures of GBR/ }).waitFor()),
    ).toEqual([]);
    const { page, problems } = await openPage(browser, { acceptDownloads: true });
    await page.goto(at(`/report?period=${period}&country=GBR`));
    await page.getByText(/^Answers or codings since the last revision/).waitFor();
    await page.getByRole("button", { name: "Restate" }).click();
    await page.getByRole("button", { name: "Write the next revision" }).click();
    await page.getByText("GBR has revision 1 now").waitFor();
    const revisions = page.getByRole("table", { name: "Revisions of GBR" });
    await revisions.getByRole("link", { name: "1", exact: true }).waitFor();
    await page.getByText(/^Answers or codings since the last revision/).waitFor({ state: "detached" });
    const [csv] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    expect(csv.suggestedFilename()).toBe(`report-${period}-GBR.csv`);
    const [xlsx] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "XLSX" }).click()]);
    expect(xlsx.suggestedFilename()).toBe(`report-${period}-GBR.xlsx`);
    const { default: readXlsx } = await import("read-excel-file/node");
    const sheet = await readXlsx(await xlsx.path());
    expect(JSON.stringify(sheet)).toContain("Kettles and boilers");
    await revisions.getByRole("link", { name: "first" }).click();
    await page.getByText("revision 0, the last is 1").waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });

  it("shows a reviewer the review without words on champions, and a viewer neither", async () => {
    const post = async (path: string, body: unknown): Promise<{ secret?: string }> => {
      const answer = await fetch(`${guarded.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      expect(answer.status).toBe(201);
      return (await answer.json()) as { secret?: string };
    };
    const tokens = new Map<string, string>();
    for (const role of ["reviewer", "viewer"])
      tokens.set(role, (await post("/api/tokens", { name: role, roles: [role], machine: true })).secret ?? "");
    // From the first user on, everybody says who they are.
    await post("/api/users", { name: "anna", roles: ["administrator"], password: "a password of some length" });
    for (const [role, sees] of [
      ["reviewer", true],
      ["viewer", false],
    ] as const) {
      const { page } = await openPage(browser, { extraHTTPHeaders: { authorization: `Bearer ${tokens.get(role) ?? ""}` } });
      await page.goto(`${guarded.url}/console/lines/${line}`);
      await page.getByRole("table", { name: "Models of this line" }).waitFor();
      expect(await page.getByRole("button", { name: /Roll back|Make it champion|Send everything|Let it decide/ }).count()).toBe(0);
      expect(await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Review" }).count()).toBe(sees ? 1 : 0);
      await page.goto(`${guarded.url}/console/report?period=${period}`);
      await page.getByRole("table", { name: /^Figures of GBR/ }).waitFor();
      expect(await page.getByRole("button", { name: "Restate" }).count()).toBe(0);
      await page.goto(`${guarded.url}/console/review`);
      if (sees) await page.locator("#review-title").waitFor();
      else
        await page
          .getByText(/ROLE|may not|Expected/)
          .first()
          .waitFor();
      await page.close();
    }
  });
});
