import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labelledRows, openClassify, type ClassifyParts } from "../../../test/kit/classify.ts";
import { runUntil, runWorkflow, tester, withRival, type RunOptions, type WorkflowRun } from "../../../test/kit/workflow.ts";
import { findChampion, listModels, listVerdicts } from "../store/lines.ts";
import { setChampion } from "./champions.ts";
import { makeCompare, type CompareResult } from "./compare.ts";
import { makeInfer } from "./infer.ts";
import { makeLineTask } from "./labelling.ts";
import { makeCleanUp, makeTrain, type TrainInput, type TrainResult } from "./train.ts";
import { makeTrial } from "./trial.ts";

let parts: ClassifyParts;
beforeAll(async () => {
  parts = await openClassify();
});
afterAll(async () => await parts.close());

const train = async (input: TrainInput, runId: string, recorded?: ReadonlyMap<string, unknown>): Promise<WorkflowRun<TrainResult>> =>
  await runWorkflow(makeTrain(parts.deps), input, { runId, ...(recorded === undefined ? {} : { recorded }) });

const leftColumns = async (): Promise<number> => (await parts.objects.list("classify/prepared/")).length;

describe("a training", () => {
  test("reads its files in the first step alone: the same model comes of it when they are gone before the next", async () => {
    const file = await parts.put("classify/labelled/GBR/a.csv", labelledRows(120));
    const input = { line: "GBR-WASTE", ...file };
    const whole = await train(input, "train/1");
    expect(whole.ran).toEqual(["prepare", "fit", "clear"]);
    expect(whole.output.isNew).toBe(true);
    expect(await leftColumns()).toBe(0);
    expect((await train(input, "train/2")).output).toMatchObject({ model: whole.output.model, isNew: false });

    // Another process goes on where one stood between the steps: the columns are there, the file is not.
    const recorded = await runUntil(makeTrain(parts.deps), input, "fit", { runId: "train/3" });
    expect(await leftColumns()).toBe(1);
    await parts.objects.remove(tester, file.key);
    const resumed = await train(input, "train/3", recorded);
    expect(resumed.ran).toEqual(["fit", "clear"]);
    expect(resumed.output.model).toBe(whole.output.model);
    expect(await leftColumns()).toBe(0);
    // And one that died after clearing and before that was recorded.
    const cleared = new Map([...resumed.recorded].filter(([name]) => name !== "clear"));
    expect((await train(input, "train/3", cleared)).ran).toEqual(["clear"]);
  });

  test("that its file starts again leaves the former model the profile of its own items", async () => {
    const file = await parts.put("classify/labelled/ESP/a.csv", labelledRows(120));
    const input = { line: "ESP-WASTE", ...file };
    const profileOf = async (model: string): Promise<string | undefined> => {
      const options = { line: input.line, model, purpose: "test", role: "infer", predictions: "classify/predictions/x.csv" } as const;
      return (await makeLineTask(parts.deps, { ...options, review: null, period: "2026-10" })).task.profile?.entry.version;
    };
    const former = (await train(input, "train/esp/1")).output.model;
    const own = await profileOf(former);
    await parts.put("classify/labelled/ESP/b.csv", labelledRows(150, "WASTE", 1000));
    const later = (await train(input, "train/esp/2")).output.model;
    expect(later).not.toBe(former);
    expect(await profileOf(former)).toBe(own);
    expect(await profileOf(later)).not.toBe(own);
  });

  test("that an earlier release prepared, without columns, makes them and goes on", async () => {
    const input = { line: "DEU-WASTE", ...(await parts.put("classify/labelled/DEU/a.csv", labelledRows(120))) };
    const whole = await train(input, "train/now");
    const { columns: _columns, ...former } = whole.recorded.get("prepare") as { readonly columns: unknown };
    const resumed = await train(input, "train/then", new Map([["prepare", former]]));
    expect(resumed.ran).toEqual(["columns", "fit", "clear"]);
    expect(resumed.output.model).toBe(whole.output.model);
    expect(await leftColumns()).toBe(0);
  });

  test("that was cancelled leaves its items for a week; taken up again later, it reads its files again", async () => {
    const input = { line: "NLD-WASTE", ...(await parts.put("classify/labelled/NLD/a.csv", labelledRows(120))) };
    const whole = await train(input, "train/nld/whole");
    const recorded = await runUntil(makeTrain(parts.deps), input, "fit", { runId: "train/nld/cancelled" });
    const night = async (): Promise<void> => void (await runWorkflow(makeCleanUp(parts.deps), {}, { runId: `night/${parts.clock.now()}` }));
    const day = 86_400_000;
    parts.clock.advance(6 * day);
    await night();
    expect(await leftColumns()).toBe(1);
    parts.clock.advance(2 * day);
    await night();
    expect(await leftColumns()).toBe(0);
    const resumed = await train(input, "train/nld/cancelled", recorded);
    expect(resumed.ran).toEqual(["fit", "clear"]);
    expect(resumed.output.model).toBe(whole.output.model);
    expect(await leftColumns()).toBe(0);
  });

  test("that never ended is tidied away although somebody else takes some of it away meanwhile", async () => {
    const input = { line: "NLD-WASTE", ...(await parts.put("classify/labelled/NLD/a.csv", labelledRows(120))) };
    for (const run of ["one", "two"]) await runUntil(makeTrain(parts.deps), input, "fit", { runId: `train/nld/${run}` });
    parts.clock.advance(8 * 86_400_000);
    const night = await runWorkflow(
      makeCleanUp({ ...parts.deps, objects: withRival(parts.objects, tester) }),
      {},
      { runId: "night/raced" },
    );
    expect(night.output).toEqual({ removed: 1 });
    expect(await leftColumns()).toBe(0);
  });

  test("learns from the others when somebody removes a labelled file between the list and its reading", async () => {
    const left = await parts.put("classify/labelled/BEL/b.csv", labelledRows(120));
    await parts.put("classify/labelled/BEL/a.csv", labelledRows(60, "WASTE", 500));
    const objects = withRival(parts.objects, tester, (key) => key.endsWith("BEL/a.csv"));
    const raced = await runWorkflow(makeTrain({ ...parts.deps, objects }), { line: "BEL-WASTE", ...left }, { runId: "train/raced" });
    expect(raced.output.isNew).toBe(true);
    const [model] = await listModels(parts.database, "BEL-WASTE");
    expect(model?.trainedOn).toMatchObject([left]);
    expect(model?.counts).toMatchObject({ rows: 120 });
  });

  test("without files, or with too few labels, says what to do, and leaves no model", async () => {
    await expect(train({ line: "FRA-WASTE", key: "classify/labelled/FRA/a.csv", version: "1" }, "train/none")).rejects.toMatchObject({
      code: "LABELLED_MISSING",
      kind: "missing",
    });
    const few = await parts.put("classify/labelled/FRA/a.csv", labelledRows(12));
    await expect(train({ line: "FRA-WASTE", ...few }, "train/few")).rejects.toMatchObject({ code: "FIT_TOO_FEW", kind: "input" });
    expect(await listModels(parts.database, "FRA-WASTE")).toEqual([]);
  });
});

describe("a comparison", () => {
  let first: string;
  let second: string;
  const compare = async (
    model: string,
    child: NonNullable<RunOptions["child"]> = async (one) => await one.run(),
  ): Promise<WorkflowRun<CompareResult>> => {
    const definition = makeCompare(parts.deps, makeInfer(parts.deps), makeTrial(parts.deps));
    return await runWorkflow(definition, { model }, { runId: `compare/${model}`, child });
  };

  beforeAll(async () => {
    const one = await parts.put("classify/labelled/ITA/a.csv", labelledRows(90));
    first = (await train({ line: "ITA-WASTE", ...one }, "train/ita/1")).output.model;
    const two = await parts.put("classify/labelled/ITA/b.csv", labelledRows(120, "WASTE", 1000));
    second = (await train({ line: "ITA-WASTE", ...two }, "train/ita/2")).output.model;
  });

  test("whose coding failed or was cancelled ends with that, and decides nothing", async () => {
    const error = { kind: "input", code: "TOLD_SO", message: "no", facts: {} } as const;
    await expect(compare(first, () => ({ kind: "failed", error }))).rejects.toMatchObject({ code: "TOLD_SO", kind: "input" });
    await expect(compare(first, () => ({ kind: "cancelled" }))).rejects.toMatchObject({ code: "COMPARE_CANCELLED", kind: "conflict" });
    expect(await listVerdicts(parts.database, "ITA-WASTE")).toEqual([]);
  });

  test("without a champion crowns the challenger, once however often it is made", async () => {
    const run = await compare(first);
    expect(run.output).toMatchObject({ decision: "first", promoted: true });
    expect(run.ran).toEqual(["pair-1", "judge-1", "verdict-1"]);
    expect((await findChampion(parts.database, "ITA-WASTE"))?.id).toBe(first);
    expect(await parts.events()).toContain("classify.champion.changed ITA-WASTE");
    expect((await compare(first)).output.verdict).toBe(run.output.verdict);
    expect(await listVerdicts(parts.database, "ITA-WASTE")).toHaveLength(1);
  });

  test("is made again when the champion changes meanwhile", async () => {
    const third = await parts.put("classify/labelled/ITA/c.csv", labelledRows(150, "WASTE", 2000));
    const late = (await train({ line: "ITA-WASTE", ...third }, "train/ita/3")).output.model;
    parts.clock.advance(60_000);
    let asked = 0;
    const run = await compare(second, async (one) => {
      asked += 1;
      const outcome = await one.run();
      // While the answers are on their way, a person makes another model champion.
      if (asked === 1) await setChampion(parts.deps, "ITA-WASTE", late, { reason: "test", by: "ann" });
      return outcome;
    });
    expect(run.ran).toEqual(["pair-1", "judge-1", "verdict-1", "pair-2", "judge-2", "verdict-2"]);
    const [verdict] = await listVerdicts(parts.database, "ITA-WASTE");
    expect(verdict).toMatchObject({ challenger: second, champion: late });
  });
});
