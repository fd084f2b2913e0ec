// Replenish: from the forecast of a group and the stock file beside it to order proposals, kept as a table.
//
//   P1. The forecast is the one that is used: what planners made of it, else the system's.

import { StockroomError } from "../../../platform/errors.ts";
import type { WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import type { StockDefaults } from "../../engine/replenish/proposal.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import { getRun } from "../../store/runs.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import { answerPrefix, askedId, findAnswered, commitAnswer, type Answered, type Plain } from "./asked.ts";
import { chosenExport, findFinished } from "./stored.ts";
import { replenishJob } from "./replenish-job.ts";

export type ReplenishRunInput = {
  readonly run: string;
  /** The versions that are used: the forecast's, the stock's, the open orders'. */
  readonly forecast: ObjectRef;
  readonly stock: ObjectRef;
  readonly openOrders: ObjectRef | null;
  readonly defaults: Plain<StockDefaults>;
  readonly author: string;
};

const idOf = ({ run, forecast, stock, openOrders, defaults }: ReplenishRunInput): string =>
  askedId("replenish", [run, forecast, stock, openOrders, defaults]);

const replenishRunId = (input: ReplenishRunInput): string => `forecast.replenish/${idOf(input)}`;

export function makeReplenish(deps: ForecastDeps): WorkflowDefinition<ReplenishRunInput, Answered> {
  return {
    name: "forecast.replenish",
    queue: "forecast.plan",
    title: (input) => `propose orders from ${input.run}`,
    run: async (context, input) =>
      await context.step("propose", async (signal): Promise<Answered> => {
        const id = idOf(input);
        const known = await findAnswered(deps, id);
        if (known !== undefined) return known;
        const run = await getRun(deps.database, input.run);
        const actor = actAs("plan", context.runId);
        const prefix = answerPrefix(run.group, id);
        const handleOf = async (ref: ObjectRef) => await deps.objects.readHandle(actor, ref.key, ref.version);
        const bad = await deps.objects.writeHandle(actor, `${prefix}bad-rows.jsonl`);
        const { staged, summary } = await deps.compute.run(
          replenishJob,
          {
            forecast: await handleOf(input.forecast),
            stock: await handleOf(input.stock),
            openOrders: input.openOrders === null ? undefined : await handleOf(input.openOrders),
            defaults: input.defaults,
            orders: await deps.objects.writeHandle(actor, `${prefix}orders.csv`),
            bad,
          },
          { signal },
        );
        if (summary.badRows === 0) await deps.objects.discard([bad]);
        return await commitAnswer(
          deps,
          context.runId,
          {
            id,
            kind: "replenish",
            group: run.group,
            run: run.id,
            title: `orders from ${input.stock.key}`,
            author: input.author,
            asked: { forecast: input.forecast, stock: input.stock, openOrders: input.openOrders, defaults: input.defaults },
            summary,
          },
          staged,
          signal,
        );
      }),
  };
}

/**
 * Makes the question from what lies in the store now: the group's latest forecast (or a run's), `forecast/stock/<group>.csv` and, where there is
 * one, `forecast/stock/<group>.orders.csv`. Throws `missing` `REPLENISH_NO_STOCK`. Starts nothing.
 */
export async function askReplenish(
  deps: Pick<ForecastDeps, "objects" | "database">,
  word: string,
  defaults: StockDefaults,
  author: string,
): Promise<{ readonly input: ReplenishRunInput; readonly id: string; readonly answer: string }> {
  const run = await findFinished(deps.database, word);
  const stock = await findStock(deps, `${prefixes.stock}${run.group}`);
  if (stock === undefined) {
    throw new StockroomError(
      "missing",
      "REPLENISH_NO_STOCK",
      `Expected a table of stock at ${prefixes.stock}${run.group}.csv but there is none. Put one: \`stockroom put stock.csv ${prefixes.stock}${run.group}.csv\` (item_id, dimensions, on_hand ...).`,
    );
  }
  const input: ReplenishRunInput = {
    run: run.id,
    forecast: chosenExport(run),
    stock,
    openOrders: (await findStock(deps, `${prefixes.stock}${run.group}.orders`)) ?? null,
    defaults,
    author,
  };
  return { input, id: replenishRunId(input), answer: idOf(input) };
}

/** The newest file of that name in any format. */
export async function findStock(deps: Pick<ForecastDeps, "objects">, stem: string): Promise<ObjectRef | undefined> {
  const found = (await deps.objects.list(`${stem}.`, { limit: 1_000 })).filter((entry) =>
    /^\.(?:csv|tsv|jsonl|parquet)(?:\.gz)?$/.test(entry.key.slice(stem.length)),
  );
  const newest = found.toSorted((a, b) => (a.version < b.version ? 1 : -1))[0];
  return newest === undefined ? undefined : { key: newest.key, version: newest.version };
}
