// Explain: what prices, promotions, seasons and attributes do to the forecast of a finished run, kept as tables.

import { unlessGone } from "../../../platform/objects/gone.ts";
import type { WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import { getRun } from "../../store/runs.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import { answerPrefix, askedId, findAnswered, commitAnswer, type Answered } from "./asked.ts";
import { explainJob } from "./explain-job.ts";
import { noGlobalModel, pickSeries } from "./explanation.ts";
import { findFinished, globalKey, panelKey, readNames } from "./stored.ts";

/** `item` null: all of them. */
export type ExplainInput = { readonly run: string; readonly item: string | null; readonly author: string };

const idOf = (input: Pick<ExplainInput, "run" | "item">): string => askedId("explain", [input.run, input.item]);

export const explainRunId = (input: Pick<ExplainInput, "run" | "item">): string => `forecast.explain/${idOf(input)}`;

/** Who asks when the settings do (`ExplainPredictor: true`). */
export const settingsAuthor = "system";

export function makeExplain(deps: ForecastDeps): WorkflowDefinition<ExplainInput, Answered | null> {
  return {
    name: "forecast.explain",
    queue: "forecast.plan",
    title: (input) => `explain ${input.item ?? "all items"} of ${input.run}`,
    run: async (context, input) =>
      await context.step("explain", async (signal): Promise<Answered | null> => {
        const id = idOf(input);
        const known = await findAnswered(deps, id);
        if (known !== undefined) return known;
        const run = await getRun(deps.database, input.run);
        const actor = actAs("plan", context.runId);
        const model = await unlessGone(deps.objects.readHandle(actor, globalKey(run)));
        if (model === undefined) return silent(input);
        const prefix = answerPrefix(run.group, id);
        const answer = await deps.compute.run(
          explainJob,
          {
            panel: await deps.objects.readHandle(actor, panelKey(run)),
            model,
            item: input.item,
            attributes: await deps.objects.writeHandle(actor, `${prefix}attributes.csv`),
            series: await deps.objects.writeHandle(actor, `${prefix}series.csv`),
          },
          { signal },
        );
        if (answer === undefined) return silent(input);
        return await commitAnswer(
          deps,
          context.runId,
          {
            id,
            kind: "explain",
            group: run.group,
            run: run.id,
            title: input.item ?? "all items",
            author: input.author,
            asked: { item: input.item },
            summary: answer.summary,
          },
          answer.staged,
          signal,
        );
      }),
  };
}

/** Asked for by the settings of a group whose series are too few to learn from each other, there is nothing to tell; a person is told why. */
function silent(input: ExplainInput): null {
  if (input.author === settingsAuthor) return null;
  throw noGlobalModel();
}

/** Makes the question of a group's latest forecast or of a run. Throws `missing` `EXPLAIN_NO_ITEM`. Starts nothing. */
export async function askExplain(
  deps: Pick<ForecastDeps, "objects" | "database">,
  word: string,
  item: string | null,
  author: string,
): Promise<{ readonly input: ExplainInput; readonly id: string; readonly answer: string }> {
  const run = await findFinished(deps.database, word);
  if (item !== null) pickSeries(await readNames(deps, actAs("plan", `explain ${author}`), run), item);
  const input: ExplainInput = { run: run.id, item, author };
  return { input, id: explainRunId(input), answer: idOf(input) };
}
