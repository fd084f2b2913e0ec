// Seed: puts the sample shop into an open app and follows the whole classification flow on it.
//
//   S1. Putting the shop again puts the same bytes: nothing is stored, trained or coded twice.
//   S2. It only puts files; everything after that is the app's own doing.

import type { SampleTools } from "../../platform/module.ts";
import type { RunRow } from "../../platform/workflow/contract.ts";
import { prefixes } from "../store/keys.ts";
import { makeShop, type ShopFile, type ShopOptions } from "./shop.ts";

export interface SeedResult {
  /** Files that were new to the store. */
  readonly stored: number;
  readonly files: number;
}

/** The shop of `npm start`: small enough for about a minute, large enough that models decide by themselves. */
export const sampleShop: ShopOptions = { seed: 7, items: 6_000, noise: 0.005, countries: ["DEU", "GBR", "ITA", "JPN", "POL"] };

/** Puts the shop, stage by stage, and waits after each until the app has nothing left to do. */
export async function seed(tools: SampleTools, options: ShopOptions = sampleShop): Promise<SeedResult> {
  const files = [...makeShop(options).files()];
  const isSales = (file: ShopFile): boolean => file.key.startsWith(prefixes.sales);
  const isScheme = (file: ShopFile): boolean => file.key.startsWith(prefixes.schemes);
  const stages = [
    { what: "rule books (schemes)", files: files.filter(isScheme) },
    {
      what: "labelled items, one file a country: trainings start by themselves",
      files: files.filter((file) => !isScheme(file) && !isSales(file)),
    },
    { what: "monthly sales: every line's champion codes them, reports follow", files: files.filter(isSales) },
  ];
  let stored = 0;
  for (const stage of stages) {
    const before = stored;
    for (const file of stage.files) {
      tools.signal.throwIfAborted();
      const known = await tools.objects.head(file.key);
      const entry = await tools.objects.put(tools.actor, file.key, file.body(), { contentType: file.contentType, signal: tools.signal });
      if (entry.version !== known?.version) stored += 1;
    }
    tools.say(
      stored === before ? `${stage.what}: ${stage.files.length} files, all there already` : `${stage.what}: ${stored - before} files put`,
    );
    await waitForRuns(tools);
  }
  return { stored, files: files.length };
}

/** Waits until nothing is queued or running, telling how far it is. */
async function waitForRuns(tools: SampleTools): Promise<void> {
  const started = new Set((await tools.workflows.list({ limit: 10_000 })).filter(hasEnded).map((run) => run.id));
  while (!(await tools.workflows.idle())) {
    tools.signal.throwIfAborted();
    const runs = (await tools.workflows.list({ limit: 10_000 })).filter((run) => !started.has(run.id));
    const done = runs.filter(hasEnded).length;
    const running = runs.find((run) => run.state === "running");
    tools.progress(done, runs.length, running?.title ?? "");
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

const hasEnded = (run: RunRow): boolean =>
  run.state === "done" || run.state === "failed" || run.state === "cancelled" || run.state === "dead";
