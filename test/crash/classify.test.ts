// Promise 1 and 2 for the classification flow: killed at any named point, the app goes on as if nothing had been.
//
// A walk puts a small shop and works it off. It is killed (SIGKILL) at a fault point, started again on the same home and database, and must end
// with exactly what an undisturbed walk ends with: the same models, verdicts, figures, notices and objects, nothing in between, nothing twice.

import { spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { makePlace, waitFor, type TestPlace } from "../kit/app.ts";
import type { Aftermath } from "./child.ts";
import { pointsOf, readPassed } from "./walks.ts";

const script = path.resolve(import.meta.dirname, "child.ts");

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly aftermath: Aftermath | undefined;
  readonly errors: string;
}

async function walk(place: TestPlace, fault?: string): Promise<Ended> {
  const child = spawn(process.execPath, [script, "work"], {
    cwd: place.home,
    env: {
      ...process.env,
      ...place.env,
      STOCKROOM_CLASSIFY_TRAIN_TRIALS: "2",
      STOCKROOM_WORKFLOW_THREADS: "2",
      ...(fault === undefined ? {} : { STOCKROOM_FAULT: fault }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.on("close", (exit, by) => {
      resolve([exit, by]);
    }),
  );
  const last = out.trim().split("\n").at(-1) ?? "";
  return { signal, code, aftermath: last.startsWith("{") ? (JSON.parse(last) as Aftermath) : undefined, errors };
}

const place = await makePlace();
const record = path.join(place.home, "passed.txt");
const first = await walk(place, `>${record}`);
if (first.aftermath === undefined) throw new Error(`the undisturbed walk did not end: ${first.errors}`);
const undisturbed = first.aftermath;
/** Every point the walk passes, at the middle one of its passes, so that the crash hits different runs. */
const points = pointsOf(await readPassed(record), "classify.", { platform: true });
await place.remove();

describe("killed at a named point and started again", () => {
  test("the undisturbed walk leaves nothing in between", () => {
    expect(undisturbed.unfinished).toEqual([]);
    expect(undisturbed.dead).toEqual([]);
    // The columns of a training go with it; their key is that of the run, so a resumed walk that left any would differ.
    expect(undisturbed.objects.filter((object) => object.startsWith("classify/prepared/"))).toEqual([]);
    expect(undisturbed.lines).toHaveLength(4);
    expect(undisturbed.reports.length).toBeGreaterThanOrEqual(4);
    for (const name of ["classify.train.fit", "classify.compare.judge-1", "classify.infer.stored", "classify.report.report"])
      expect(points).toContainEqual(expect.stringMatching(`^${name}#`));
  });

  test.each(points)(
    "at %s",
    async (point) => {
      const own = await makePlace();
      const killed = await walk(own, point);
      // A point that is never passed would make this test a check that cannot fail.
      expect(killed.signal).toBe("SIGKILL");
      const resumed = await walk(own);
      expect(resumed.aftermath).toEqual(undisturbed);
      await own.remove();
    },
    240_000,
  );
});

describe("two workers on one database", () => {
  let shared: TestPlace;
  afterAll(async () => await shared.remove());

  test("the runs of the one that is killed are finished by the other, each once", async () => {
    shared = await makePlace();
    const env = { ...process.env, ...shared.env, STOCKROOM_CLASSIFY_TRAIN_TRIALS: "2", STOCKROOM_WORKFLOW_THREADS: "2" };
    const helper = spawn(process.execPath, [script, "serve"], { cwd: shared.home, env, stdio: ["ignore", "pipe", "pipe"] });
    await waitFor(
      "the second worker to open",
      async () => await new Promise<boolean>((resolve) => helper.stdout.once("data", () => resolve(true))),
    );
    const main = walk(shared);
    // Killed as soon as it holds work of its own.
    await waitFor("the second worker to take a run", async () => {
      const { Client } = await import("pg");
      const client = new Client({ connectionString: shared.databaseUrl });
      await client.connect();
      try {
        const found = await client.query(
          "select 1 from stockroom.run where state = 'running' and executor like '%-1' and workflow like 'classify.%' limit 1",
        );
        return (found.rowCount ?? 0) > 0;
      } catch {
        return false;
      } finally {
        await client.end();
      }
    });
    helper.kill("SIGKILL");
    const ended = await main;
    expect(ended.aftermath).toEqual(undisturbed);
  }, 300_000);
});
