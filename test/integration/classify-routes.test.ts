// The module over HTTP, in a real app with a small shop: every route with good and bad words, pages under attack, answers up to the restated report.

import { request } from "node:http";
import path from "node:path";
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gather } from "../../src/platform/bytes.ts";
import { makeShop } from "../../src/classify/sample/shop.ts";
import { html } from "../../src/platform/web/html.ts";
import type { App } from "../../src/app.ts";
import type {
  LineList,
  ModelList,
  PeriodList,
  PeriodReport,
  ReviewList,
  SchemeList,
  StartedRuns,
  VerdictList,
  WholeScheme,
} from "../../src/classify/module.ts";
import type { ApiError } from "../../src/server/api.ts";
import { openServer, type OpenServer, type ServerSettings } from "../../src/server/index.ts";
import { makePlace, openAt, operator, settled, textBytes, waitFor, type TestPlace } from "../kit/app.ts";

const shop = makeShop({ seed: 5, items: 160, countries: ["GBR"], months: ["2026-09", "2026-10"] });
const period = "2026-10";

// Sold more often than anything else, so that they head the queue; words no model has seen, so that they are in it.
const attack = `<script>alert(1)</script>`;
const attacks = [
  `h1,GBR,he,אוזניות ${attack},"Acme\u202e ""x""","' onfocus='alert(2)' & <img src=x onerror=alert(3)>",2026-10-03,900000,10`,
  `h2,GBR,en,"${"endless ".repeat(500)}",,"</textarea></form><form action=""//evil.example"">",2026-10-03,800000,10`,
  `h3,GBR,en,"${"😀".repeat(400)}",\`tick\`,"a\u0001b",2026-10-03,700000,10`,
];

let place: TestPlace;
let app: App;
let server: OpenServer;

const serve = async (settings: Partial<ServerSettings> = {}): Promise<OpenServer> =>
  await openServer({
    deps: app,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000, ...settings },
    version: "1.2.3",
    modules: app.modules,
  });

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "1" });
  await writeFile(path.join(place.home, "items.csv"), "id,country,title,units\na,GBR,kettle,2\n");
  await writeFile(
    path.join(place.home, "stockroom.yaml"),
    `classify:
  warehouses:
    files: { kind: duckdb }
  extracts:
    - { name: sold, kind: sales, warehouse: files, sql: "select * from '${path.join(place.home, "items.csv")}'" }
`,
  );
  app = await openAt(place, { work: true, quiet: true });
  server = await serve();
  for (const file of shop.files()) {
    const isSales = file.key.includes("/sales/");
    if (isSales) await settled(app);
    const text = Buffer.from(await gather(file.body())).toString("utf8");
    const rows = isSales && file.key.includes(period) ? `${text}${attacks.join("\n")}\n` : text;
    await app.objects.put(operator, file.key, textBytes(rows), { contentType: file.contentType });
  }
  await settled(app);
}, 180_000);

afterAll(async () => {
  await server.close();
  await app.close();
  await place.remove();
});

const call = async (way: string, init: RequestInit = {}): Promise<Response> =>
  await fetch(`${server.url}${way}`, { redirect: "manual", ...init });
const api = async <T>(way: string): Promise<T> => {
  const response = await call(`/api/classify/${way}`);
  const text = await response.text();
  expect([way, response.status, response.status === 200 ? "" : text]).toEqual([way, 200, ""]);
  return JSON.parse(text);
};
const post = async (way: string, body?: unknown): Promise<Response> =>
  await call(`/api/classify/${way}`, {
    method: "POST",
    ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
const errorOf = async (response: Response): Promise<ApiError & { readonly status: number }> => ({
  ...JSON.parse(await response.text()),
  status: response.status,
});

describe("lists", () => {
  test("tell lines, models, verdicts, schemes and periods as the commands do", async () => {
    const { lines } = await api<LineList>("lines");
    expect(lines.map((line) => [line.line, line.models, line.lastVerdict])).toEqual([
      ["GBR-GBR-CUSTOMS", 1, "first"],
      ["GBR-GBR-WASTE", 1, "first"],
    ]);
    expect((await api<LineList>("lines?date=2020-01-01")).lines.map((line) => line.champion)).toEqual([undefined, undefined]);

    const models = await api<ModelList>("models");
    expect(models.models.map((model) => [model.id, model.champion])).toEqual(lines.map((line) => [line.champion, true]));
    expect(await api<ModelList>("models?limit=1")).toMatchObject({ models: [{ line: "GBR-GBR-CUSTOMS" }], total: 2 });
    expect(await api<ModelList>("models?line=GBR-GBR-WASTE")).toMatchObject({ models: [{ line: "GBR-GBR-WASTE" }], total: 1 });

    expect(await api<VerdictList>("verdicts?line=GBR-GBR-WASTE")).toMatchObject({
      verdicts: [{ decision: "first", promoted: true }],
      total: 1,
    });
    expect(await api<VerdictList>("verdicts?date=2020-01-01T10:00:00Z")).toEqual({ verdicts: [], total: 0 });

    const { schemes } = await api<SchemeList>("schemes");
    expect(schemes.map((scheme) => scheme.scheme)).toEqual(["GBR-CUSTOMS", "GBR-WASTE"]);
    expect(schemes[1]?.versions.map((version) => typeof version.codes)).toEqual(["number", "number"]);
    const whole = await api<WholeScheme>("schemes?scheme=GBR-WASTE");
    expect(whole.schemes[0].scheme.versions[0]?.codes[0]).toMatchObject({ code: expect.any(String), name: expect.any(String) });

    expect((await api<PeriodList>("periods")).periods).toMatchObject([
      { period: "2026-10", countries: 1, reported: ["GBR"] },
      { period: "2026-09", countries: 1, reported: ["GBR"] },
    ]);
  });

  test("a report stands with its first figures and its revisions", async () => {
    const report = await api<PeriodReport>(`report?period=${period}&country=GBR&revision=0`);
    expect(report).toMatchObject({ period, unreported: [], reports: [{ country: "GBR", revision: 0, outdated: false }] });
    const [gbr] = report.reports;
    expect(gbr?.figures.length).toBeGreaterThan(5);
    for (const { first, ...figure } of gbr?.figures ?? []) expect(first).toEqual(figure);
    expect(await api<PeriodReport>("report?period=2020-01")).toEqual({ period: "2020-01", reports: [], unreported: [] });
  });

  test.each([
    ["lines?date=2026-02-30", "DATE"],
    ["lines?date=yesterday", "DATE"],
    ["lines?date=%2B200000-01-01T00:00:00Z", "DATE"],
    ["lines?line=GBR-X", "QUERY_BAD"],
    ["lines?date=2026-01-01&date=2026-01-02", "QUERY_BAD"],
    ["lines?date=%00", "QUERY_BAD"],
    ["models?line=nonsense", "LINE_NAME"],
    ["models?line=", "LINE_NAME"],
    ["models?limit=0", "LIMIT"],
    ["models?limit=1e3", "LIMIT"],
    ["models?limit=1001", "LIMIT"],
    ["verdicts?limit=-1", "LIMIT"],
    ["verdicts?line=gbr-x", "LINE_NAME"],
    ["verdicts?date=2026-13-01", "DATE"],
    ["schemes?scheme=NONE", "SCHEME_MISSING"],
    ["schemes?scheme=%00", "QUERY_BAD"],
    ["periods?x=1", "QUERY_BAD"],
    ["report", "QUERY_BAD"],
    ["report?period=2026", "PERIOD_NAME"],
    ["report?period=2026-13", "PERIOD_NAME"],
    ["report?period=2026-10&country=gb", "COUNTRY_NAME"],
    ["report?period=2026-10&revision=0", "REPORT_REVISION"],
    ["report?period=2026-10&country=GBR&revision=x", "REPORT_REVISION"],
    ["report?period=2026-10&country=GBR&revision=7", "REPORT_REVISION_MISSING"],
    ["report?period=2026-10&country=FRA&revision=0", "REPORT_REVISION_MISSING"],
    ["review?kind=high", "REVIEW_KIND"],
    ["review?line=x", "LINE_NAME"],
    ["review?period=10-2026", "PERIOD_NAME"],
    ["review?limit=501", "LIMIT"],
    ["review?state=done", "REVIEW_STATE"],
    ["audit/verify?fast=1", "QUERY_BAD"],
    ["audit/item?id=h1", "QUERY_BAD"],
    ["audit/item?id=h1&period=now", "PERIOD_NAME"],
    ["audit/nothing", "ROUTE_MISSING"],
  ])("%s is refused with %s, in the server's shape", async (way, code) => {
    const error = await errorOf(await call(`/api/classify/${way}`));
    expect(error).toMatchObject({
      code,
      kind: code.endsWith("_MISSING") ? "missing" : "input",
      status: code.endsWith("_MISSING") ? 404 : 400,
    });
    expect(error.message).toMatch(/^Expected /);
  });
});

describe("review", () => {
  test("gives the items' own words, and every reading is on record", async () => {
    const { reviews, counts } = await api<ReviewList>(`review?period=${period}&kind=low&limit=6`);
    expect(new Set(reviews.map((review) => review.item["id"]))).toEqual(new Set(["h1", "h2", "h3"]));
    expect(reviews.find((review) => review.item["id"] === "h1")?.item["title"]).toBe(`אוזניות ${attack}`);
    expect(counts.filter((row) => row.state === "waiting").reduce((sum, row) => sum + row.count, 0)).toBeGreaterThan(6);
    const uses = await app.vault.uses({ role: "review", limit: 50 });
    expect(uses.some((use) => use.purpose === "http GET /api/classify/review" && use.allowed)).toBe(true);
  });

  test("takes an answer once, and shows it in the item's story", async () => {
    const { reviews } = await api<ReviewList>("review?line=GBR-GBR-CUSTOMS&kind=low&limit=1");
    const [review] = reviews;
    const way = `review/${encodeURIComponent(review?.id ?? "")}`;
    expect(await errorOf(await post(way, { code: "none such", by: "ann" }))).toMatchObject({ status: 400, code: "REVIEW_CODE" });
    expect(await errorOf(await post(way, { code: review?.runnerUp, by: "  " }))).toMatchObject({ status: 400, code: "REVIEW_ANSWER" });
    for (const body of [
      {},
      { code: "1" },
      { code: "1", by: "a", more: "b" },
      { code: 1, by: "a" },
      { code: "1", by: "a\u0000" },
      [],
      "x",
      { code: "1", by: "a".repeat(101) },
    ]) {
      expect([body, await errorOf(await post(way, body))]).toMatchObject([body, { status: 400, code: "BODY_BAD" }]);
    }
    expect(await errorOf(await post("review/none", { code: "1", by: "ann" }))).toMatchObject({ status: 404, code: "REVIEW_MISSING" });
    expect(await errorOf(await post("review/%00", { code: "1", by: "ann" }))).toMatchObject({ status: 400, code: "PATH_BAD" });
    const asForm = await call(`/api/classify/${way}`, { method: "POST", body: new URLSearchParams({ code: "1", by: "ann" }) });
    expect(asForm.status).toBe(400);
    expect((await api<ReviewList>("review?line=GBR-GBR-CUSTOMS&kind=low&limit=1")).reviews[0]?.id).toBe(review?.id);

    const kept = await post(way, { code: review?.runnerUp, by: " ann " });
    expect([kept.status, await kept.json()]).toMatchObject([200, { state: "answered", answer: review?.runnerUp, reviewer: "ann" }]);
    expect(await errorOf(await post(way, { code: review?.runnerUp, by: "bob" }))).toMatchObject({ status: 409, code: "REVIEW_ANSWERED" });
    const answered = await api<ReviewList>("review?line=GBR-GBR-CUSTOMS&state=answered");
    expect(answered.reviews).toMatchObject([{ id: review?.id, answer: review?.runnerUp, reviewer: "ann" }]);
    const change = { code: review?.predicted, by: "bob", reason: "misread" };
    expect(await errorOf(await post(`${way}/amend`, { ...change, reason: " " }))).toMatchObject({ status: 400, code: "REVIEW_ANSWER" });
    expect(await errorOf(await post(`${way}/amend`, { code: "1", by: "bob" }))).toMatchObject({ status: 400, code: "BODY_BAD" });
    expect(await errorOf(await post(`${way}/amend`, { ...change, code: review?.runnerUp }))).toMatchObject({
      status: 409,
      code: "REVIEW_SAME",
    });
    expect(await errorOf(await post("review/none/amend", change))).toMatchObject({ status: 404, code: "REVIEW_MISSING" });
    expect(await (await post(`${way}/amend`, change)).json()).toMatchObject({ answer: review?.predicted, reviewer: "bob" });
    expect((await post(`${way}/amend`, { ...change, code: review?.runnerUp, by: "ann" })).status).toBe(200);
    const { stories } = await api<{ stories: readonly Record<string, unknown>[] }>(
      `audit/item?id=${review?.item["id"]}&period=${review?.period}`,
    );
    expect(stories.find((story) => story["line"] === "GBR-GBR-CUSTOMS")).toMatchObject({
      reviewed_code: review?.runnerUp,
      reviewer: "ann",
    });
  });
});

/** A browser as far as these pages need one: it keeps cookies and sends the forms it was shown. */
function makeBrowser(origin: string) {
  const cookies = new Map<string, string>();
  const open = async (
    way: string,
    init: RequestInit = {},
  ): Promise<{ status: number; location: string | null; text: string; headers: Headers }> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await call(way, { ...init, headers: { cookie, ...(init.headers as Record<string, string> | undefined) } });
    for (const set of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      expect(set).toMatch(/; HttpOnly; SameSite=Lax$/);
      cookies.set(name, value);
    }
    return { status: response.status, location: response.headers.get("location"), text: await response.text(), headers: response.headers };
  };
  return {
    cookies,
    open,
    send: async (way: string, fields: Record<string, string>, headers: Record<string, string> = { origin }) =>
      await open(way, { method: "POST", body: new URLSearchParams(fields), headers }),
  };
}

const unescaped = (text: string): string =>
  text
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&#96;", "`")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
const hidden = (text: string, name: string): string => unescaped(new RegExp(`name="${name}"\\s+value="([^"]*)"`).exec(text)?.[1] ?? "");

describe("pages", () => {
  test("tell lines, periods and what waits, and the front page leads to them", async () => {
    expect(await (await call("/")).text()).toContain('<a href="/classify">');
    const { text, headers } = await makeBrowser(server.url).open("/classify");
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    for (const part of [
      "GBR-GBR-WASTE",
      "first champion",
      "/classify/report?period=2026-10&amp;country=GBR",
      "/classify/review?line=GBR-GBR-WASTE&amp;kind=low",
    ]) {
      expect(text).toContain(part);
    }
  });

  test("show items' words as words: no markup of theirs, no endless text, no script at all", async () => {
    const { text, headers } = await makeBrowser(server.url).open(`/classify/review?period=${period}`);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/);
    const [, style = ""] = /<style>(.*?)<\/style>/s.exec(text) ?? [];
    const hash = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(style))).toString("base64");
    expect(policy).toContain(hash);
    expect(text).toContain("אוזניות &lt;script&gt;alert(1)&lt;/script&gt;");
    expect(text).toContain("&#39; onfocus=&#39;alert(2)&#39; &amp; &lt;img src=x onerror=alert(3)&gt;");
    expect(text).not.toMatch(/<(script|img|textarea|iframe|object|link)/i);
    expect(text).not.toMatch(/<[^>]*\son\w+\s*=/i);
    expect(text).not.toMatch(/<form[^>]*evil/);
    expect(text).not.toMatch(/style="/);
    expect(text).not.toContain("\u0001");
    expect(text).toMatch(/<h3 id="item-[0-9a-f]+" dir="auto">/);
    expect(text).toContain("the whole text (4,000 characters)");
    // Cutting never leaves half a character.
    expect(text.isWellFormed()).toBe(true);
    expect(text).not.toContain("\ufffd…");
  });

  test("take an answer only from a form of ours, then lead back to the queue; the report shows it after its restatement", async () => {
    const browser = makeBrowser(server.url);
    const way = "/classify/review?line=GBR-GBR-WASTE&period=2026-10&kind=low";
    const before = await browser.open(way);
    expect(before.text).toContain("Say who you are");
    expect(before.text).not.toContain('name="review"');
    const token = hidden(before.text, "token");
    const named = await browser.send("/classify/review/name", { token, by: "Zoë <b>; x", line: "GBR-GBR-WASTE", period, kind: "low" });
    expect([named.status, named.location]).toEqual([303, way]);

    const queue = await browser.open(way);
    expect(queue.text).toContain("<bdi>Zoë &lt;b&gt;; x</bdi>");
    const review = hidden(queue.text, "review");
    const { reviews } = await api<ReviewList>("review?line=GBR-GBR-WASTE&period=2026-10&kind=low&limit=1");
    const [first] = reviews;
    expect(review).toBe(first?.id);
    const versions = (await api<WholeScheme>("schemes?scheme=GBR-WASTE")).schemes[0].scheme.versions;
    const codes =
      versions.find((version) => version.version === first?.schemeVersion)?.codes.filter((code) => code.heading === undefined) ?? [];
    expect(codes.length).toBeGreaterThan(3);
    for (const { code, name } of codes) expect(queue.text).toContain(html`<option value="${code}">${code} · ${name}</option>`.toString());
    expect(queue.text).toContain("Confirm");
    const other = codes.find((code) => code.code !== first?.predicted)?.code ?? "";

    const form = {
      token: hidden(queue.text, "token"),
      by: hidden(queue.text, "by"),
      review,
      code: other,
      line: "GBR-GBR-WASTE",
      period,
      kind: "low",
    };
    const stranger = makeBrowser(server.url);
    const strangers = { ...form, token: hidden((await stranger.open(way)).text, "token") };
    const bare = makeBrowser(server.url);
    const refused = [
      ["no origin", await browser.send("/classify/review", form, {}), "FORM_ORIGIN"],
      ["another page", await browser.send("/classify/review", form, { origin: "http://evil.example" }), "ORIGIN_FORBIDDEN"],
      ["a page without origin", await browser.send("/classify/review", form, { origin: "null" }), "ORIGIN_FORBIDDEN"],
      [
        "a sibling site",
        await browser.send("/classify/review", form, { origin: server.url, "sec-fetch-site": "same-site" }),
        "ORIGIN_FORBIDDEN",
      ],
      ["no cookie", await bare.send("/classify/review", form), "FORM_TOKEN"],
      ["another browser's token", await browser.send("/classify/review", strangers), "FORM_TOKEN"],
      ["a cut token", await browser.send("/classify/review", { ...form, token: form.token.slice(1) }), "FORM_TOKEN"],
      ["an empty token", await browser.send("/classify/review", { ...form, token: "" }), "FORM_TOKEN"],
    ] as const;
    for (const [what, answer, code] of refused) {
      expect([what, answer.status, answer.text.includes(code)]).toEqual([what, 403, true]);
    }
    const bad = [
      ["no such code", await browser.send("/classify/review", { ...form, code: "<b>" }), "REVIEW_CODE"],
      ["a field of nobody", await browser.send("/classify/review", { ...form, more: "x" }), "FORM_BAD"],
      [
        "a field twice",
        await browser.open("/classify/review", {
          method: "POST",
          headers: { origin: server.url, "content-type": "application/x-www-form-urlencoded" },
          body: "code=1&code=2",
        }),
        "FORM_BAD",
      ],
      ["no name", await browser.send("/classify/review/name", { token: form.token, by: " " }), "REVIEW_NAME"],
    ] as const;
    for (const [what, answer, code] of bad) {
      expect([what, answer.status, answer.text.includes(code)]).toEqual([what, 400, true]);
      expect(answer.text).not.toContain("<b>");
    }
    expect((await browser.send("/classify/review", { ...form, by: "x".repeat(20_000) })).status).toBe(400);
    expect((await api<ReviewList>("review?line=GBR-GBR-WASTE&period=2026-10&kind=low&limit=1")).reviews[0]?.id).toBe(review);

    const kept = await browser.send("/classify/review", form);
    expect([kept.status, kept.location]).toEqual([303, `${way}&done=${review}`]);
    const after = await browser.open(kept.location ?? "");
    expect(after.text).toMatch(/Kept:\s*<strong>/);
    expect(hidden(after.text, "review")).not.toBe(review);
    const again = await browser.send("/classify/review", { ...form, by: "late" });
    expect([again.status, again.text.includes("REVIEW_ANSWERED")]).toEqual([409, true]);

    const answeredWay = "/classify/review?line=GBR-GBR-WASTE&state=answered";
    const shown = await browser.open(answeredWay);
    expect(shown.text).toMatch(/<button>Amend<\/button>/);
    const amend = { token: hidden(shown.text, "token"), by: form.by, review, line: "GBR-GBR-WASTE", state: "answered" };
    const amended = await browser.send("/classify/review", { ...amend, code: first?.predicted ?? "", reason: "misread" });
    expect([amended.status, amended.location]).toEqual([303, `${answeredWay}&done=${review}`]);
    const unreasoned = await browser.send("/classify/review", { ...amend, code: other, reason: " " });
    expect([unreasoned.status, unreasoned.text.includes("REVIEW_ANSWER")]).toEqual([400, true]);
    expect((await browser.send("/classify/review", { ...amend, code: other, reason: "it was right" })).status).toBe(303);

    const outdated = await browser.open("/classify/report?period=2026-10&country=GBR");
    expect(outdated.text).toContain("since revision 0 change the figures");
    const run = await app.workflows.start("classify.restate", {}, { id: "restate/test" });
    expect(await app.workflows.outcome(run)).toMatchObject({ kind: "done", value: { written: 1 } });
    const { reports } = await api<PeriodReport>("report?period=2026-10&country=GBR");
    const figure = reports[0]?.figures.find((one) => one.scheme === "GBR-WASTE" && one.code === other);
    expect(reports[0]).toMatchObject({ revision: 1, outdated: false, revisions: [{ revision: 0 }, { revision: 1 }] });
    expect((figure?.items ?? 0) - (figure?.first?.items ?? 0)).toBe(1);
    const restated = await browser.open("/classify/report?period=2026-10&country=GBR");
    expect(restated.text).toContain("First figures");
    expect(restated.text).toContain("Revision 1");
    expect(restated.text).toContain("moved");
    expect((await browser.open("/classify/report?period=2026-10&country=GBR&revision=0")).text).not.toContain('moved"');
  });

  test("say what is wrong as a page, and never repeat it as markup", async () => {
    const browser = makeBrowser(server.url);
    for (const [way, status, code] of [
      [`/classify/review?line=${encodeURIComponent(attack)}`, 400, "LINE_NAME"],
      ["/classify/review?limit=101", 400, "LIMIT"],
      [`/classify/review?${encodeURIComponent(attack)}=1`, 400, "QUERY_BAD"],
      [`/classify/review?done=${encodeURIComponent(attack)}`, 404, "REVIEW_MISSING"],
      ["/classify/report", 400, "QUERY_BAD"],
      ["/classify/report?period=x", 400, "PERIOD_NAME"],
      ["/classify/report?period=2026-10&country=GBR&revision=99", 404, "REPORT_REVISION_MISSING"],
      ["/classify?x=1", 400, "QUERY_BAD"],
    ] as const) {
      const answer = await browser.open(way);
      expect([way, answer.status, answer.text.includes(code)]).toEqual([way, status, true]);
      expect(answer.text).not.toContain("<script");
      expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    }
    expect((await browser.open("/classify/review?line=&period=&kind=")).status).toBe(200);
  });
});

describe("runs", () => {
  test.each([
    ["train", { line: "x" }, 400, "LINE_NAME"],
    ["train", { line: "FRA-FRA-WASTE" }, 404, "LINE_MISSING"],
    ["train", { period }, 400, "BODY_BAD"],
    ["compare", { line: "x" }, 400, "LINE_NAME"],
    ["compare", { model: "none" }, 404, "MODEL_MISSING"],
    ["infer", {}, 400, "BODY_BAD"],
    ["infer", { period: "2026" }, 400, "PERIOD_NAME"],
    ["infer", { period: "2020-01" }, 404, "SALES_MISSING"],
    ["infer", { period, line: "FRA-FRA-WASTE" }, 404, "LINE_MISSING"],
    ["compare", { line: "GBR-GBR-WATSE" }, 404, "LINE_MISSING"],
    ["extract", { name: "none" }, 404, "EXTRACT_MISSING"],
    ["extract", { name: "sold", period: "x" }, 400, "PERIOD_NAME"],
  ])("%s %j is refused", async (command, body, status, code) => {
    expect(await errorOf(await post(command, body))).toMatchObject({ status, code });
  });

  test("are started with 202 and their ids, and can be followed", async () => {
    const ids: string[] = [];
    for (const [command, body, count, workflow] of [
      ["train", { line: "GBR-GBR-WASTE" }, 1, "classify.train"],
      ["compare", undefined, 2, "classify.compare"],
      ["infer", { period, line: "GBR-GBR-WASTE" }, 1, "classify.infer"],
      ["extract", { name: "sold", period: "2026-08" }, 1, "classify.extract"],
    ] as const) {
      const response = await post(command, body);
      expect([command, response.status]).toEqual([command, 202]);
      const { runs }: StartedRuns = JSON.parse(await response.text());
      expect(runs).toHaveLength(count);
      for (const id of runs) {
        const run = await call(`/api/runs/${encodeURIComponent(id)}`);
        expect(await run.json()).toMatchObject({ id, workflow });
      }
      ids.push(...runs);
    }
    for (const id of ids) await app.workflows.outcome(id);
    await settled(app);
    const extracted = await app.objects.head("classify/sales/2026-08/GBR/sold.csv");
    expect(extracted?.writtenBy).toContain("extract");
  }, 120_000);
});

describe("who may", () => {
  test("with a token everything asks for it, pages and forms included", async () => {
    const token = "a-token-of-more-than-sixteen";
    const closed = await serve({ token });
    try {
      const ways = [
        "/classify",
        "/classify/review",
        "/classify/report?period=2026-10",
        "/api/classify/lines",
        "/api/classify/review",
        "/api/classify/audit/verify",
      ];
      for (const way of ways) {
        const refused = await fetch(`${closed.url}${way}`);
        expect([way, refused.status, JSON.parse(await refused.text()).code]).toEqual([way, 401, "TOKEN_WANTED"]);
        if (way.endsWith("verify")) continue;
        expect([way, (await fetch(`${closed.url}${way}`, { headers: { authorization: `Bearer ${token}` } })).status]).toEqual([way, 200]);
      }
      for (const way of ["/classify/review", "/classify/review/name", "/api/classify/train", "/api/classify/review/x"]) {
        expect([way, (await fetch(`${closed.url}${way}`, { method: "POST" })).status]).toEqual([way, 401]);
      }
    } finally {
      await closed.close();
    }
  });

  test("on this machine another web page may do nothing", async () => {
    const status = async (way: string, headers: Record<string, string>): Promise<number | undefined> =>
      await new Promise((resolve, reject) => {
        const asked = request(`${server.url}${way}`, { method: "POST", headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.on("error", reject);
        asked.end();
      });
    for (const way of ["/api/classify/train", "/api/classify/review/x", "/classify/review"]) {
      expect([way, await status(way, { origin: "http://evil.example" })]).toEqual([way, 403]);
      expect([way, await status(way, { host: "evil.example" })]).toEqual([way, 403]);
      expect([way, await status(way, { "sec-fetch-site": "cross-site" })]).toEqual([way, 403]);
    }
  });

  test("a role without its grant reads nothing over HTTP either", async () => {
    const grant = { role: "review", zone: "predictions", access: "read" } as const;
    await app.vault.setGrant(grant, false);
    try {
      expect(await errorOf(await call("/api/classify/review"))).toMatchObject({ status: 403, code: "VAULT_NO_GRANT" });
      const page = await call("/classify/review");
      expect([page.status, (await page.text()).includes("VAULT_NO_GRANT")]).toEqual([403, true]);
    } finally {
      await app.vault.setGrant(grant, true);
    }
    expect((await call("/api/classify/review")).status).toBe(200);
  });
});

describe("audit", () => {
  test("proves the log, bounds how many prove it at once, and tells of a changed row with 409", async () => {
    expect(await api("audit/verify")).toMatchObject({ ok: true, problems: [] });
    const blocked = async (count: number): Promise<boolean> => {
      const [row] = await app.database.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%from stockroom.classify_audit%'`,
      );
      return row?.count === count;
    };
    const gone = new AbortController();
    const { patient, impatient } = await app.database.transaction(async (tx) => {
      await tx.query("lock table stockroom.classify_audit in access exclusive mode");
      const patient = call("/api/classify/audit/verify");
      const impatient = call("/api/classify/audit/verify", { signal: gone.signal }).catch((error: Error) => error.name);
      await waitFor("both readings to wait for the log", async () => await blocked(2));
      const busy = await call("/api/classify/audit/item?id=h1&period=2026-10");
      expect(busy.headers.get("retry-after")).toBe("5");
      expect(await errorOf(busy)).toMatchObject({ status: 503, code: "AUDIT_BUSY" });
      gone.abort();
      return { patient, impatient };
    });
    expect(await impatient).toBe("AbortError");
    expect((await patient).status).toBe(200);
    // Who goes away leaves room for others.
    await waitFor("room for two readings", async () => {
      const two = await Promise.all([call("/api/classify/audit/verify"), call("/api/classify/audit/verify")]);
      return two.every((answer) => answer.status === 200);
    });
    await app.database.transaction(async (tx) => {
      await tx.query("alter table stockroom.classify_audit disable trigger all");
      await tx.query("update stockroom.classify_audit set record = jsonb_set(record, '{line}', '\"ZZZ-TEST\"') where seq = 3");
    });
    const error = await errorOf(await call("/api/classify/audit/verify"));
    expect(error).toMatchObject({ status: 409, code: "AUDIT_TAMPERED" });
    expect(error.message).toContain("row 3");
  });

  test("tells everything decided about an item, and nothing of one that is not there", async () => {
    const { stories } = await api<{ stories: readonly object[] }>(`audit/item?id=h1&period=${period}`);
    expect(stories).toMatchObject([{ line: "GBR-GBR-CUSTOMS" }, { line: "GBR-GBR-WASTE" }]);
    expect(await api("audit/item?id=none&period=2026-10")).toEqual({ stories: [] });
  });
});
