// Killed while planners' words are laid over, a question is answered or an import is judged, and started again: each once, the same bytes.

import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { makePlace } from "../kit/app.ts";
import { walk, walkTwice, type Walk } from "./walks.ts";

const script = path.resolve(import.meta.dirname, "forecast-planning-child.ts");
const settings = { STOCKROOM_FORECAST_SETTLE_MS: "100" };

const points = ["forecast.adjust.exported", "forecast.plan.kept", "forecast.monitor.kept"];

let undisturbed: Walk;

beforeAll(async () => {
  const place = await makePlace();
  undisturbed = await walk(script, place, settings);
  await place.remove();
}, 300_000);

test("the undisturbed walk adjusts, answers and judges once", () => {
  expect(undisturbed.errors).toBe("");
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
