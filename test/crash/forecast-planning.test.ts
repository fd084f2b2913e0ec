// Killed while planners' words are laid over, a question is answered or an import is judged, and started again: each once, the same bytes.

import path from "node:path";
import { expect, test } from "vitest";
import { makePlace } from "../kit/app.ts";
import { pointsOf, walkRecorded, walkTwice } from "./walks.ts";

const script = path.resolve(import.meta.dirname, "forecast-planning-child.ts");
const settings = { STOCKROOM_FORECAST_SETTLE_MS: "100" };

const place = await makePlace();
const { walk: undisturbed, passed } = await walkRecorded(script, place, settings);
await place.remove();

// What planners add to the walk of forecast.test.ts: the steps and points of all other workflows of the module.
const points = pointsOf(
  passed.filter((name) => !/^forecast\.(?:intake|run|train)\./.test(name)),
  "forecast.",
  { every: /^/ },
);

test("the undisturbed walk adjusts, answers and judges once", () => {
  expect(undisturbed.errors).toBe("");
  expect(points).toEqual(expect.arrayContaining(["forecast.adjust.exported#1", "forecast.plan.kept#1", "forecast.monitor.kept#1"]));
  expect(JSON.parse(undisturbed.last)).toMatchObject({
    unfinished: [],
    kept: [
      expect.stringMatching(/adjusted .* 1$/),
      expect.stringMatching(/adjusted .* 1$/),
      expect.stringMatching(/^monitor/),
      expect.stringMatching(/^replenish/),
    ],
    events: [
      "forecast.answered",
      "forecast.done",
      "forecast.done",
      "forecast.exported",
      "forecast.exported",
      "forecast.exported",
      "forecast.monitored",
    ],
  });
});

test.each(points)(
  "killed at %s, it ends as if nothing had been",
  async (point) => {
    const { killed, resumed } = await walkTwice(script, point, settings);
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    expect(resumed).toMatchObject({ signal: null, errors: "" });
    expect(JSON.parse(resumed.last)).toEqual(JSON.parse(undisturbed.last));
  },
  300_000,
);
