import { expect, test } from "vitest";
import { renderReport } from "../../workflows/run/report/page.ts";
import { dashboardHeaders } from "./dashboard.ts";

test("a page that was exported runs its own script, and no other page runs any", async () => {
  const total = { name: "all", first: 0, history: [1], mean: [2], quantiles: [], backtests: [] };
  const none = { series: [], calibration: [], tiles: [], worst: [], best: [], categories: [], winners: [], notes: [], facts: [] };
  const page = await renderReport({ title: "t", subtitle: "s", dates: [], split: 0, horizon: 1, levels: [], labels: [], total, ...none });
  expect(dashboardHeaders(page)["content-security-policy"]).toMatch(/script-src 'sha256-[\w+/]+='; .*frame-ancestors 'none'$/);
  expect(dashboardHeaders(page.replace("script-src", "script-src *"))["content-security-policy"]).not.toContain("script-src");
});
