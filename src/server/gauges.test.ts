import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modules } from "../modules.ts";
import { makePlace, openAt, operator, settled, textBytes, type TestPlace } from "../../test/kit/app.ts";
import type { App } from "../app.ts";
import { StockroomError } from "../platform/errors.ts";
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
  // No champion, no age of it.
  expect(text).not.toMatch(/^stockroom_classify_champion_age_seconds /m);
});

test("a run waits for a worker since it was queued last, not since it was made", async () => {
  const registry = new Registry();
  const update = makeGauges(registry, app.database, makeMemoryLog(), []);
  const [before] = await app.database.query<{ id: string }>("select id from stockroom.run where state = 'dead'");
  const set =
    "update stockroom.run set state = $2, updated_at = clock_timestamp() - interval '100 s', created_at = created_at + $3::interval";
  await app.database.query(`${set} where id = $1`, [before?.id, "queued", "-30 days"]);
  await update();
  await app.database.query(`${set} where id = $1`, [before?.id, "dead", "30 days"]);
  expect(await registry.metrics()).toMatch(/^stockroom_queue_age_seconds\{queue="[a-z.]+"\} 1\d\d(\.\d+)?$/m);
});

const bad = { name: "stockroom_classify_bad", help: "broken", labels: [], sql: "select nothing from nowhere" };
const good = { name: "stockroom_classify_good", help: "whole", labels: [], sql: "select 7::float8 as value" };

test("a query that fails is told, and the others are asked all the same", async () => {
  const registry = new Registry();
  const log = makeMemoryLog();
  await makeGauges(registry, app.database, log, [bad, good])();
  const text = await registry.metrics();
  expect(text).toMatch(/^stockroom_scrape_ok 0$/m);
  expect(text).toMatch(/^stockroom_classify_good 7$/m);
  expect(text).not.toMatch(/^stockroom_classify_bad /m);
  expect(log.lines).toHaveLength(1);
});

test("of a database that does not answer no number is shown, neither an old one nor zero, and it is asked once", async () => {
  const registry = new Registry();
  const log = makeMemoryLog();
  let asked = 0;
  let isAway = false;
  const query: App["database"]["query"] = async (...given) => {
    asked += 1;
    if (isAway) throw new StockroomError("busy", "RECORDS_UNREACHABLE", "Expected the database to answer but it is away. Wait.");
    return await app.database.query(...given);
  };
  const update = makeGauges(registry, { ...app.database, query }, log, [good]);
  await update();
  expect(await registry.metrics()).toMatch(/^stockroom_dead_letters_waiting 1$/m);
  isAway = true;
  asked = 0;
  await update();
  const text = await registry.metrics();
  expect(text).toMatch(/^stockroom_scrape_ok 0$/m);
  expect(text).not.toMatch(/^stockroom_(runs|queue_\w+|dead_letters_waiting|outbox_\w+|classify_good)[ {]/m);
  expect([asked, log.lines.length]).toEqual([1, 1]);
});
