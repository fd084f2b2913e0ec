// Killed at a named point of a group's run and started again: one run, one set of exports, one notice, the same bytes.

import path from "node:path";
import { expect, test } from "vitest";
import { makePlace } from "../kit/app.ts";
import { pointsOf, walkRecorded, walkTwice } from "./walks.ts";

const script = path.resolve(import.meta.dirname, "forecast-child.ts");
const settings = { STOCKROOM_FORECAST_SETTLE_MS: "600" };

/** On a busy machine the three files may come to two runs, the first of which gives way: points of that walk are not sure to come again in another. */
async function walkInOneRun(): Promise<Awaited<ReturnType<typeof walkRecorded>>> {
  for (let tries = 1; ; tries++) {
    const place = await makePlace();
    const recorded = await walkRecorded(script, place, settings);
    await place.remove();
    if (tries === 10 || !recorded.passed.includes("forecast.run.supersede")) return recorded;
  }
}

const { walk: undisturbed, passed } = await walkInOneRun();

// Every step of the walk, done and not yet recorded, whichever steps there are: those of three intakes, of their plans, and of the run that trains.
const points = pointsOf(passed, "forecast.", { every: /^forecast\./ });

test("the undisturbed walk ends with one run, and passes the points that are known", () => {
  expect(undisturbed.errors).toBe("");
  expect(points).toEqual(expect.arrayContaining(["forecast.run.planned#1", "forecast.train.publish#1", "forecast.intake.request#3"]));
  expect(points.length).toBeGreaterThan(20);
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
