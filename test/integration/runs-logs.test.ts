// The log of a run at the command line: followed until the run has ended, with all its lines.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { App } from "../../src/app.ts";
import { makePlace, openAt, operator, settled, textBytes, waitFor, type TestPlace } from "../kit/app.ts";
import { labelledRows } from "../kit/classify.ts";
import { runWords } from "../kit/command.ts";

let place: TestPlace;
let app: App;
beforeAll(async () => {
  place = await makePlace({ STOCKROOM_CLASSIFY_TRAIN_TRIALS: "2" });
  app = await openAt(place, { work: true, quiet: true });
}, 120_000);
afterAll(async () => {
  await app.close();
  await place.remove();
});

test("a run is followed to its end, and looked at afterwards by step and level", async () => {
  await app.objects.put(operator, "classify/labelled/GBR/first.csv", textBytes(labelledRows(60).join("\n")));
  let id = "";
  await waitFor("the training", async () => {
    id = (await app.workflows.list({ workflow: "classify.train" }))[0]?.id ?? "";
    return id !== "";
  });
  const followed = await runWords(place, app, ["runs", "logs", id, "-f"]);
  expect(followed).toMatchObject({ exit: 0, said: "it is done\n" });
  const printed = followed.out.trimEnd().split("\n");
  expect(
    printed.map((line) => /\[(\w+)\] (.*?) (?:line|trials|model)=/.exec(line)?.slice(1)).filter((found) => found !== undefined),
  ).toEqual([
    ["prepare", "gathered what the line learns from"],
    ["fit", "tried parameters"],
    ["fit", "tried parameters"],
    ["fit", "tried parameters"],
    ["fit", "learned a new model"],
  ]);
  const { out } = await runWords(place, app, ["runs", "logs", id, "--step", "prepare", "--json"]);
  expect(JSON.parse(out)).toMatchObject({ level: "info", step: "prepare", facts: { line: "GBR-WASTE" } });
  expect(await runWords(place, app, ["runs", "logs", id, "--level", "error"])).toEqual({ exit: 0, out: "", said: "no lines\n" });
  expect(await runWords(place, app, ["runs", "logs", id, "--level", "loud"])).toMatchObject({ exit: 2 });
  expect(await runWords(place, app, ["runs", "logs", "none", "-f"])).toMatchObject({
    exit: 2,
    said: expect.stringContaining("RUN_UNKNOWN"),
  });
  await settled(app);
}, 120_000);
