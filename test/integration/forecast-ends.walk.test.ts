// How forecasts end, and what is told of it: superseded, failed, cancelled, waiting; groups that go; words that meet nothing.

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  beginRun,
  endUndone,
  findLatest,
  getRun,
  listGroups,
  listRuns,
  runIdOf,
  trainIdOf,
  type ForecastGroup,
} from "../../src/forecast/store/runs.ts";
import { removeGroup } from "../../src/forecast/workflows/pipeline/remove.ts";
import { removePieces } from "../../src/forecast/workflows/pipeline/cleanup.ts";
import { piecesPrefix } from "../../src/forecast/workflows/pipeline/pieces.ts";
import type { App } from "../../src/app.ts";
import type { OpenServer } from "../../src/server/index.ts";
import { shopDefaults, shopMetadata, shopRelated, shopTarget } from "../kit/forecast-shop.ts";
import { openServed, operator, settled, textBytes, waitFor, type ServedApp } from "../kit/app.ts";
import { withRival } from "../kit/workflow.ts";

let served: ServedApp;
let app: App;
let server: OpenServer;

const size = { items: 2, months: 30 } as const;

const put = async (key: string, text: string): Promise<string> => (await app.objects.put(operator, key, textBytes(text))).version;

const group = async (name: string): Promise<ForecastGroup | undefined> =>
  (await listGroups(app.database)).find((each) => each.name === name);

const notices = async () => await app.notices.list({ limit: 200 });

const pieces = async (name: string): Promise<readonly string[]> => (await app.objects.list(`forecast/runs/${name}/`)).map(({ key }) => key);

beforeAll(async () => {
  served = await openServed({ STOCKROOM_FORECAST_SETTLE_MS: "0" });
  ({ app, server } = served);
});

afterAll(async () => await served.close());

test("wrong settings alarm once, however much is uploaded; files wait for them, and for each other", async () => {
  await put("forecast/train/shop.csv", shopTarget(size));
  await settled(app);
  expect(await group("shop")).toMatchObject({ state: "waiting", why: "waits for forecast-defaults.yaml" });
  await put("forecast-defaults.yaml", shopDefaults().replace("ForecastHorizon: 3", "ForecastHorizon: soon"));
  await put("forecast/train/shop.csv", shopTarget({ ...size, seed: 2 }));
  await put("forecast/train/other.csv", shopTarget(size));
  await settled(app);
  expect((await notices()).filter(({ severity }) => severity === "alarm")).toHaveLength(1);
  expect(await app.workflows.deadLetters()).toHaveLength(1);
  expect(await group("other")).toMatchObject({ state: "waiting", why: "waits for forecast-defaults.yaml to be without mistakes" });
  const again = await fetch(`${server.url}/api/forecast/groups/other`, { method: "DELETE" });
  expect([again.status, await again.json()]).toEqual([200, { group: "other", files: 1, pieces: 0 }]);
  await put("forecast-defaults.yaml", shopDefaults());
  await settled(app);
  // Of Default's datasets the target alone is needed.
  expect(await group("shop")).toMatchObject({ state: "idle", runs: 1 });
  expect(await group("other")).toBeUndefined();
  expect((await fetch(`${server.url}/api/forecast/groups/other`, { method: "DELETE" })).status).toBe(404);
});

test("a file the settings do not name is a warning in the notice, the list, the page and the answer", async () => {
  await put("forecast/train/shop.related.csv", shopRelated(size));
  await put("forecast/train/shop.csv", shopTarget({ ...size, seed: 3 }));
  await settled(app);
  const run = await findLatest(app.database, "shop");
  const told = /related file of shop but the settings of shop name no related series, so it is not read; add a dataset/;
  expect(run?.summary).toMatchObject({ warnings: [expect.stringMatching(told)] });
  const notice = (await notices()).find(({ id }) => id === `forecast.done/${run?.id}`);
  expect(notice).toMatchObject({ severity: "warning", body: expect.stringMatching(told) });
  const answer = await fetch(`${server.url}/api/forecast/runs/${run?.id}`);
  expect(await answer.json()).toMatchObject({ run: { summary: { warnings: [expect.stringMatching(told)] } } });
  expect(await (await fetch(`${server.url}/forecast`)).text()).toMatch(told);
});

test("a file that cannot be read is told before anything trains, by group, reason and link; the forecast is failed, not running", async () => {
  const version = await put("forecast/train/shop.csv", "item_id,store,timestamp,demand\nitem_0,store_0,never,many\n");
  await settled(app);
  const runId = runIdOf("shop", version);
  // It was found in the queue of checks: what trains in the other one is not waited for.
  expect((await app.workflows.show(runId)).queue).toBe("forecast.check");
  await expect(app.workflows.show(trainIdOf(runId))).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
  const [run] = await listRuns(app.database, { group: "shop", limit: 1 });
  expect(run).toMatchObject({ state: "failed", runId });
  expect(run?.why).toMatch(/Expected/);
  expect(await group("shop")).toMatchObject({ state: "failed", why: run?.why, runId });
  const notice = (await notices()).find(({ topic, title }) => topic === "forecast" && title === "The forecast of shop failed");
  expect(notice).toMatchObject({ severity: "alarm", facts: { group: "shop", run: runId } });
  expect(notice?.body).toContain(`/api/runs/${encodeURIComponent(runId)}`);
  const page = await (await fetch(`${server.url}/forecast`)).text();
  expect(page).toContain(`/api/runs/${encodeURIComponent(runId)}`);
  expect((await findLatest(app.database, "shop"))?.state).toBe("done");
});

test("a cancelled forecast is cancelled, leaves no pieces, and can go on after all", async () => {
  const before = await pieces("shop");
  const version = await put("forecast/train/shop.csv", shopTarget({ items: 6, months: 40, seed: 4 }));
  const runId = runIdOf("shop", version);
  await waitFor(
    "its training to be under way",
    async () => (await group("shop"))?.state === "running" && (await pieces("shop")).length > before.length,
  );
  await app.workflows.cancel(runId);
  await settled(app);
  const [run] = await listRuns(app.database, { group: "shop", limit: 1 });
  expect(run).toMatchObject({ state: "cancelled", runId });
  expect(await group("shop")).toMatchObject({ state: "cancelled" });
  expect(await pieces("shop")).toEqual(before);
  await app.workflows.retry(runId);
  await settled(app);
  expect(await getRun(app.database, run?.id ?? "")).toMatchObject({ state: "done" });
  expect(await group("shop")).toMatchObject({ state: "idle" });
  expect((await app.workflows.show(trainIdOf(runId))).state).toBe("done");
});

test("pieces that two forecasts of one content share stay until the last of them has ended", async () => {
  const done = await findLatest(app.database, "shop");
  if (done === undefined) throw new Error("no forecast");
  const before = await pieces("shop");
  const actor = { role: "forecast", purpose: "test" } as const;
  await app.objects.put(actor, `${piecesPrefix("shop", done.content)}try-0`, textBytes("x"), { announce: false });
  const remove = async () => await removePieces(app.forecast.deps, "test", "shop", done.content);
  const runId = runIdOf("shop", "another");
  await beginRun(app.database, { ...done, id: "another", runId, request: "another" });
  expect(await remove()).toBe(0);
  await endUndone(app.database, runId, "superseded", new Date().toISOString());
  expect(await remove()).toBe(1);
  expect(await pieces("shop")).toEqual(before);
});

test("an adjustment that meets no series is refused with what is near, the same one twice asks", async () => {
  const say = async (more: Readonly<Record<string, unknown>>) => {
    const body = {
      group: "shop",
      kind: "add",
      value: 5,
      where: "item_id = item_1",
      from: "2025-05-01",
      author: "Ada",
      reason: "fair",
      ...more,
    };
    const answer = await fetch(`${server.url}/api/forecast/adjustments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: answer.status, answer: await answer.text() };
  };
  const none = await say({ where: "item_id = itm_1" });
  expect(none.status).toBe(400);
  expect(none.answer).toMatch(/ADJUSTMENT_NO_SERIES.*no item_id is \\"itm_1\\"; near it: item_1/);
  expect((await say({ where: "item_id = item_1 and store = store_0" })).answer).toContain("no series meets all conditions together");
  expect(await say({})).toMatchObject({ status: 202 });
  const twice = await say({ reason: "fair, as said", where: "item_id=item_1" });
  expect([twice.status, twice.answer]).toEqual([409, expect.stringContaining("ADJUSTMENT_SAID")]);
  expect(await say({ again: true })).toMatchObject({ status: 202 });
  expect(await say({ value: 6 })).toMatchObject({ status: 202 });
  await settled(app);
});

test("a group that is removed is on no list, its files and pieces are gone, its exports stay", async () => {
  const run = await findLatest(app.database, "shop");
  const answer = await fetch(`${server.url}/api/forecast/groups/shop`, { method: "DELETE" });
  expect(await answer.json()).toMatchObject({ group: "shop", files: expect.any(Number) });
  expect(await group("shop")).toBeUndefined();
  expect(await findLatest(app.database, "shop")).toBeUndefined();
  expect(await pieces("shop")).toEqual([]);
  expect(await app.objects.list("forecast/train/")).toEqual([]);
  expect(await app.objects.head(run?.exports["forecast"]?.key ?? "")).toBeDefined();
  await put("forecast/train/shop.metadata.csv", shopMetadata(size));
  await settled(app);
  expect(await group("shop")).toMatchObject({ state: "waiting", why: "waits for forecast/train/shop.csv" });
});

test("a group that is removed while it trains leaves nothing behind, and is not shown again by what still ends", async () => {
  const version = await put("forecast/train/shop.csv", shopTarget({ items: 6, months: 40, seed: 5 }));
  await waitFor(
    "its training to be under way",
    async () => (await group("shop"))?.state === "running" && (await pieces("shop")).length > 0,
  );
  const answer = await fetch(`${server.url}/api/forecast/groups/shop`, { method: "DELETE" });
  expect(await answer.json()).toMatchObject({ group: "shop" });
  await settled(app);
  expect(await group("shop")).toBeUndefined();
  expect(await pieces("shop")).toEqual([]);
  expect(await app.objects.list("forecast/train/")).toEqual([]);
  expect((await app.workflows.show(runIdOf("shop", version))).state).toBe("cancelled");
});

test("a group goes although somebody else takes away at the same time what it lists", async () => {
  await put("forecast/train/shop.csv", shopTarget({ ...size, seed: 6 }));
  await settled(app);
  const run = await findLatest(app.database, "shop");
  const all = (await pieces("shop")).length;
  expect(all).toBeGreaterThan(1);
  const { deps } = app.forecast;
  const actor = { role: "forecast", purpose: "test" } as const;
  const raced = { ...deps, objects: withRival(deps.objects, actor) };
  const key = `${piecesPrefix("shop", run?.content ?? "")}try-0`;
  await app.objects.put(actor, key, textBytes("x"), { announce: false });
  await app.objects.put(actor, `${key}0`, textBytes("x"), { announce: false });
  expect(await removePieces(raced, "test", "shop", run?.content ?? "")).toBeGreaterThan(0);
  expect(await removeGroup(raced, app.workflows, "shop", "test")).toMatchObject({ group: "shop" });
  expect(await group("shop")).toBeUndefined();
  expect(await pieces("shop")).toEqual([]);
  expect(await app.objects.list("forecast/train/")).toEqual([]);
});

test("series that none of the named models suits are a warning in the notice, which counts the others", async () => {
  const named = shopDefaults().replace("Default:", "few:").replace("PerformAutoML: true", "AlgorithmArn: arn:aws:forecast:::algorithm/ETS");
  await put("forecast-defaults.yaml", `${shopDefaults()}${named}`);
  await put("forecast/train/few.metadata.csv", shopMetadata(size));
  const rows = shopTarget({ ...size, seed: 8 })
    .trimEnd()
    .split("\n");
  const empty = rows.filter((row) => row.startsWith("item_1,")).map((row) => row.replace(/[^,]*$/, ""));
  await put("forecast/train/few.csv", [...rows.filter((row) => !row.startsWith("item_1,")), ...empty, ""].join("\n"));
  await settled(app);
  const run = await findLatest(app.database, "few");
  const notice = (await notices()).find(({ id }) => id === `forecast.done/${run?.id}`);
  expect(notice?.body).toMatch(/^1 series were forecast 3 steps/);
  expect(notice).toMatchObject({
    severity: "warning",
    body: expect.stringMatching(/1 of 2 series have no forecast: none of the models that were named \(ets\)/),
  });
  await put("forecast-defaults.yaml", shopDefaults());
  await settled(app);
});

test.each(["constructor", "Default"])("a group named %s is a group as any other", async (name) => {
  await put(`forecast/train/${name}.csv`, shopTarget(size));
  await put(`forecast/train/${name}.metadata.csv`, shopMetadata(size));
  await settled(app);
  const found = await group(name);
  expect([found?.state, found?.why]).toEqual(["idle", undefined]);
});
