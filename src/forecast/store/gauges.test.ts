import { afterAll, beforeAll, expect, test } from "vitest";
import { openDeps, type TestDeps } from "../../../test/kit/workflow.ts";
import { forecastGauges } from "./gauges.ts";
import { forecastMigrations } from "./migrations.ts";
import { beginRun, endRun, hideGroup, requestGroup } from "./runs.ts";

let parts: TestDeps;
beforeAll(async () => {
  parts = await openDeps({ migrations: forecastMigrations, zones: [], grants: [] });
});
afterAll(async () => await parts.close());

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

/** Rows of a gauge, ages in whole days. */
async function gauge(name: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const sql = forecastGauges.find((each) => each.name === name)?.sql ?? "";
  const rows = await parts.database.query(sql);
  return rows.map((row) => (name.endsWith("_seconds") ? { days: Math.round(Number(row["value"]) / 86_400) } : row));
}

async function forecast(group: string, endedDaysAgo: number): Promise<void> {
  const at = daysAgo(endedDaysAgo);
  const id = `${group}-run`;
  await requestGroup(parts.database, group, "v1", at);
  const row = { id, group, runId: `forecast/${group}/v1`, request: "v1", content: group, recipe: "r", inputs: {}, settings: {} };
  await beginRun(parts.database, { ...row, reuses: undefined, startedAt: at });
  await endRun(parts.database, id, { summary: {}, exports: {}, at });
}

test("a group that was removed is counted no more, nor is its forecast old", async () => {
  await forecast("tea", 2);
  await forecast("bread", 30);
  await requestGroup(parts.database, "new", "v1", daysAgo(0));
  expect(await gauge("stockroom_forecast_age_seconds")).toEqual([{ days: 30 }]);
  await hideGroup(parts.database, "bread", daysAgo(0));
  expect(await gauge("stockroom_forecast_age_seconds")).toEqual([{ days: 2 }]);
  expect((await gauge("stockroom_forecast_groups")).toSorted((a, b) => (String(a["forecast"]) < String(b["forecast"]) ? -1 : 1))).toEqual([
    { forecast: "no", value: 1 },
    { forecast: "yes", value: 1 },
  ]);
});
