// Killed at a named point of a group's run and started again: one run, one set of exports, one notice, the same bytes.

import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { makePlace } from "../kit/app.ts";
import { walk, walkTwice, type Walk } from "./walks.ts";

const script = path.resolve(import.meta.dirname, "forecast-child.ts");
const settings = { STOCKROOM_FORECAST_SETTLE_MS: "300" };

const points = [
  "forecast.run.planned",
  "forecast.run.forecast",
  "forecast.run.exported",
  "forecast.run.aggregated",
  "forecast.run.published",
  "objects.written#5",
  "objects.committed#6",
  "objects.committed#9",
  "workflow.step.before#9",
  "workflow.step.recorded#12",
  // Every step of the walk, done and not yet recorded: three intakes, their plans, and the 13 further steps of the run that trains.
  ...Array.from({ length: 20 }, (_, step) => `workflow.step.done#${step + 1}`),
];

let undisturbed: Walk;

beforeAll(async () => {
  const place = await makePlace();
  undisturbed = await walk(script, place, settings);
  await place.remove();
}, 300_000);

test("the undisturbed walk ends with one run", () => {
  expect(undisturbed.errors).toBe("");
  expect(JSON.parse(undisturbed.last)).toMatchObject({
    unfinished: [],
    done: [["shop", expect.any(String)]],
    notices: ["The forecast of shop is ready"],
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
