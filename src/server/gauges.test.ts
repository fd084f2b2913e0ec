import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modules } from "../modules.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../../test/kit/app.ts";
import type { App } from "../app.ts";
import { makeMemoryLog } from "../platform/log.ts";
import { makeGauges } from "./gauges.ts";

let place: TestPlace;
let app: App;

beforeAll(async () => {
  place = await makePlace();
  app = await openAt(place, { work: true, quiet: true });
});
afterAll(async () => {
  await app.close();
  await place.remove();
});

test("every query of every module gives its labels and a number; runs that end are timed once", async () => {
  const registry = new Registry();
  const log = makeMemoryLog();
  const queries = modules.flatMap(({ gauges = [] }) => gauges);
  // As Prometheus names numbers: of those that go down again none ends as a counter.
  for (const { name } of queries) expect(name).toMatch(/^stockroom_(classify|forecast|images)_(?!.*_total$)[a-z_]+$/);
  const update = makeGauges(registry, app.database, log, queries);
  await update();
  expect(log.lines).toEqual([]);
  // A file that nothing can be made of: its run ends badly.
  await app.objects.put(operator, "classify/labelled/GBR/none.csv", textBytes("id,title\n1,kettle\n"));
  await settled(app);
  for (let i = 0; i < 3; i++) await update();
  const text = await registry.metrics();
  expect(text).toMatch(/^stockroom_scrape_ok 1$/m);
  expect(text).toMatch(/^stockroom_runs\{state="dead"\} 1$/m);
  expect(text).toMatch(/^stockroom_run_seconds_count\{workflow="classify\.intake",state="dead"\} 1$/m);
  expect(text).toMatch(/^stockroom_dead_letters_waiting 1$/m);
  expect(text).toMatch(/^stockroom_outbox_waiting 0$/m);
  expect(text).not.toMatch(/undefined|null|NaN/);
});

test("a query that fails is told, and the page goes on", async () => {
  const registry = new Registry();
  const log = makeMemoryLog();
  const bad = { name: "stockroom_classify_bad", help: "broken", labels: [], sql: "select nothing from nowhere" };
  await makeGauges(registry, app.database, log, [bad])();
  expect(await registry.metrics()).toMatch(/^stockroom_scrape_ok 0$/m);
  expect(log.lines).toHaveLength(1);
});
