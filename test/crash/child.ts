// One process of a crash test: opens the app of a place, puts a tiny shop, works until nothing is left, prints what came of it.
//
// argv: the number of shop items; `work` (put and work to the end) or `serve` (work until killed, put nothing).

import process from "node:process";
import { makeShop } from "../../src/classify/sample/shop.ts";
import { currentInferences } from "../../src/classify/store/inferences.ts";
import { listLines, listModels, listVerdicts } from "../../src/classify/store/lines.ts";
import { listReported, listRevisions, readFigures } from "../../src/classify/store/reports.ts";
import { openApp, type App } from "../../src/app.ts";

export const crashShop = { seed: 5, items: 300, countries: ["DEU", "GBR"], months: ["2026-09", "2026-10"] };

/** What a place holds, without times and versions: equal for an undisturbed and a resumed walk. */
export interface Aftermath {
  readonly lines: readonly unknown[];
  readonly verdicts: readonly unknown[];
  readonly inferences: readonly unknown[];
  readonly reports: readonly unknown[];
  readonly notices: readonly string[];
  readonly objects: readonly string[];
  readonly dead: readonly string[];
  readonly unfinished: readonly string[];
}

export async function describePlace(app: App): Promise<Aftermath> {
  const lines = await listLines(app.database);
  const models = await listModels(app.database);
  const verdicts = await listVerdicts(app.database);
  const inferences = (await Promise.all(crashShop.months.map(async (period) => await currentInferences(app.database, period)))).flat();
  const reports = [];
  for (const one of await listReported(app.database)) {
    for (const revision of await listRevisions(app.database, one.period, one.country)) {
      reports.push({
        ...one,
        revision: revision.revision,
        figures: await readFigures(app.database, one.period, one.country, revision.revision),
      });
    }
  }
  const notices = await app.notices.list({ limit: 100_000 });
  const objects = await app.objects.list("", { limit: 100_000 });
  const runs = await app.workflows.list({ limit: 100_000 });
  return {
    lines: lines.map((line) => ({ line: line.line, models: line.models, champion: line.champion, macroF1: line.macroF1 })),
    verdicts: verdicts
      .map((verdict) => ({ id: verdict.id, promoted: verdict.promoted, reason: verdict.reason }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    inferences: inferences
      .map((row) => ({ line: row.line, period: row.period, model: row.model, items: row.items, auto: row.autoItems, figures: row.figures }))
      .toSorted((a, b) => (a.period + a.line < b.period + b.line ? -1 : 1)),
    reports,
    notices: notices.map((notice) => `${notice.topic}: ${withoutVersions(notice.id)}`).toSorted(),
    // Anchors hold the head of the audit log, whose rows hold times.
    objects: objects.map((entry) => `${withoutVersions(entry.key)} ${entry.key.includes("/anchors/") ? "" : entry.sha256}`).toSorted(),
    dead: (await app.workflows.deadLetters()).map((letter) => letter.title),
    unfinished: [
      ...runs.filter((run) => !["done", "cancelled"].includes(run.state)).map((run) => `${run.id} ${run.state}`),
      ...models
        .filter((model) => !verdicts.some((verdict) => verdict.challenger === model.id))
        .map((model) => `${model.id} without verdict`),
    ],
  };
}

/** Object versions come from a sequence that a crash may skip numbers of; what is named after them differs by that alone. */
const withoutVersions = (text: string): string => text.replaceAll(/\b\d{12}\b/g, "0").replaceAll(/\b[0-9a-f]{24}\b/g, "#");

async function main(mode: string): Promise<void> {
  const app = await openApp({ cwd: process.cwd(), env: process.env, work: true });
  process.stdout.write("open\n");
  if (mode === "serve") {
    await new Promise(() => setInterval(() => undefined, 60_000));
    return;
  }
  const files = [...makeShop(crashShop).files()];
  const actor = { role: "operator", purpose: "crash test" };
  const isSales = (key: string): boolean => key.includes("/sales/");
  const settle = async (): Promise<void> => {
    while (!(await app.workflows.idle())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  for (const file of files) if (!isSales(file.key)) await app.objects.put(actor, file.key, file.body());
  await settle();
  for (const file of files) if (isSales(file.key)) await app.objects.put(actor, file.key, file.body());
  await settle();
  process.stdout.write(`${JSON.stringify(await describePlace(app))}\n`);
  await app.close();
}

if (import.meta.main) await main(process.argv[2] ?? "work");
