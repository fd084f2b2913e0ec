// Preview: what a planner is about to say, checked as if it were said and laid over the group's latest forecast, without keeping anything.

import type { StockDefaults } from "../../engine/replenish/proposal.ts";
import { listAdjustments } from "../../store/adjustments.ts";
import { listAnswers } from "../../store/answers.ts";
import { prefixes } from "../../store/keys.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import { numberedOf } from "./adjusted.ts";
import { countSeries, readAdjustment, saysSame, type AdjustmentAsked } from "./adjustments.ts";
import { previewJob, type Preview } from "./preview-job.ts";
import { findStock } from "./replenish.ts";
import { exportOf, findFinished, panelKey, readNames } from "./stored.ts";

/** What holds where a row of stock says nothing and no orders were proposed of the group yet; as when they are asked for without a word. */
const usual: StockDefaults = { leadTime: 1, reviewPeriod: 1, service: { kind: "cycle", level: 0.95 } };

export interface PreviewAsked {
  readonly group: string;
  /** In the order in which they would be said. */
  readonly words: readonly Omit<AdjustmentAsked, "group" | "author" | "reason">[];
  readonly limit: number;
}

/** Throws as `sayAdjustment` for what could not be said, and as `findFinished` without a finished forecast. */
export async function previewAdjustments(
  deps: Pick<ForecastDeps, "database" | "objects" | "checks" | "clock">,
  { group, words, limit }: PreviewAsked,
  purpose: string,
  signal: AbortSignal,
): Promise<Preview & { readonly run: string }> {
  const run = await findFinished(deps.database, group);
  const actor = actAs("plan", purpose);
  const names = await readNames(deps, actor, run);
  // Whoever previews says who and why when it is kept.
  const rows = words.map((word) => readAdjustment({ ...word, group, author: "preview", reason: "preview" }, timeOf(deps)));
  for (const row of rows) countSeries(names, row, run);
  const standing = await listAdjustments(deps.database, { group: run.group, standing: true });
  const again = standing.filter((said) => rows.some((row) => saysSame(said, row)));
  // Beside the orders that were proposed last, those of a preview are from the same words.
  const [proposed] = await listAnswers(deps.database, { kinds: ["replenish"], group: run.group, limit: 1 });
  const handleOf = async (ref: { readonly key: string; readonly version: string } | undefined) =>
    ref === undefined ? undefined : await deps.objects.readHandle(actor, ref.key, ref.version);
  const { key, version } = exportOf(run, "forecast");
  const preview = await deps.checks.run(
    previewJob,
    {
      forecast: await deps.objects.readHandle(actor, key, version),
      panel: await deps.objects.readHandle(actor, panelKey(run)),
      standing: numberedOf(standing),
      words: rows.map(({ kind, value, conditions, fromAt, untilAt }) => ({
        kind,
        value,
        conditions,
        fromMs: Date.parse(fromAt),
        untilMs: Date.parse(untilAt),
      })),
      stock: await handleOf(await findStock(deps, `${prefixes.stock}${run.group}`)),
      openOrders: await handleOf(await findStock(deps, `${prefixes.stock}${run.group}.orders`)),
      defaults: proposed?.asked.defaults ?? usual,
      limit,
    },
    { signal },
  );
  const warnings = again.map(
    ({ id, author, reason }) => `Adjustment ${id} says the same already (${author}: ${reason}). Here it is laid over once more.`,
  );
  return { run: run.id, ...preview, warnings: [...warnings, ...preview.warnings] };
}
