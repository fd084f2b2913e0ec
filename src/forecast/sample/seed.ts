// Seed: the sample shop's demand, put into an open app like any upload; the forecast that follows is the app's own doing.
//
//   S1. Putting it again puts the same bytes: nothing is stored or trained twice.

import type { Body } from "../../platform/bytes.ts";
import type { SampleTools } from "../../platform/module.ts";
import { defaultsKey, prefixes } from "../store/keys.ts";
import { sampleDefaults } from "../workflows/defaults/sample.ts";
import { makeCatalogue } from "./catalogue.ts";

const weeks = 130;
const horizonWeeks = 8;

/** The files of the sample: settings first, the target last, so that its upload finds the others there. */
function sampleFiles(): readonly { readonly key: string; readonly contentType: string; body(): Body | Uint8Array }[] {
  const catalogue = makeCatalogue({ seed: 11, items: 14, stores: 4, newItems: 1, frequency: "W", length: weeks, horizon: horizonWeeks });
  return [
    {
      key: defaultsKey,
      contentType: "application/yaml",
      body: () => Buffer.from(sampleDefaults({ frequency: "W", horizon: horizonWeeks, holidays: undefined })),
    },
    { key: `${prefixes.train}shop.metadata.csv`, contentType: "text/csv", body: () => catalogue.metadata() },
    { key: `${prefixes.train}shop.related.csv`, contentType: "text/csv", body: () => catalogue.related() },
    { key: `${prefixes.train}shop.csv`, contentType: "text/csv", body: () => catalogue.target() },
  ];
}

/** Puts the sample and waits until the app has nothing left to do. */
export async function seed(tools: SampleTools): Promise<{ readonly stored: number; readonly files: number }> {
  const files = sampleFiles();
  let stored = 0;
  for (const file of files) {
    tools.signal.throwIfAborted();
    const known = await tools.objects.head(file.key);
    const entry = await tools.objects.put(tools.actor, file.key, file.body(), { contentType: file.contentType, signal: tools.signal });
    if (entry.version !== known?.version) stored += 1;
  }
  tools.say(
    stored === 0 ? `demand: ${files.length} files, all there already` : `demand: ${stored} files put: the forecast starts by itself`,
  );
  while (!(await tools.workflows.idle())) {
    tools.signal.throwIfAborted();
    const [run] = (await tools.workflows.list({ state: "running", limit: 10 })).filter((one) => one.progress !== undefined);
    if (run?.progress !== undefined) tools.progress(run.progress.done, run.progress.total, `${run.title}: ${run.progress.note}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { stored, files: files.length };
}
