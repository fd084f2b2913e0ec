// Explain: the tables of an explanation, made in a thread.

import { gather } from "../../../platform/bytes.ts";
import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import type { ExplainSummary } from "../../store/answers.ts";
import { unpackPanel } from "../pipeline/pieces.ts";
import { unpackFitted } from "../run/pieces.ts";
import { idColumns, round } from "../run/rows.ts";
import { explainForecast } from "./explanation.ts";
import { table } from "./monitor-job.ts";

export interface ExplainJobInput {
  readonly panel: ReadHandle;
  readonly model: ReadHandle;
  /** Null: all items, a sample of many. */
  readonly item: string | null;
  readonly attributes: WriteHandle;
  readonly series: WriteHandle;
}

export interface ExplainJobOutput {
  readonly summary: ExplainSummary;
  readonly staged: readonly StagedObject[];
}

/** Gives undefined where too little was there to learn a model from. */
export const explainJob: ComputeTask<ExplainJobInput, ExplainJobOutput | undefined> = { module: import.meta.url, name: "forecast.explain" };

/** Attributes in the summary; the table has all of them. */
const summarized = 12;

export async function run(input: ExplainJobInput, tools: TaskTools): Promise<ExplainJobOutput | undefined> {
  const { signal } = tools;
  const answer = await explainForecast(
    {
      panel: async () => await unpackPanel(openHandle(input.panel, signal)),
      globalModel: async () => unpackFitted(await gather(openHandle(input.model, signal))),
    },
    input.item,
  );
  if (answer === undefined) return undefined;
  const { panel, attributes, series } = answer;
  const attributeRows = attributes.map(({ attribute, score, strength, impact }) => [
    attribute,
    round(score),
    round(strength),
    round(impact),
  ]);
  const columns = [...idColumns(panel), "base", "mean", ...attributes.map(({ attribute }) => `impact_${attribute}`)];
  const seriesRows = series.map(({ ids, base, mean, impacts }) => [...ids, round(base), round(mean), ...impacts.map(round)]);
  return {
    summary: { series: series.length, attributes: attributes.slice(0, summarized) },
    staged: [
      await writeThrough(input.attributes, table(["attribute", "score", "strength", "impact"], attributeRows), signal),
      await writeThrough(input.series, table(columns, seriesRows), signal),
    ],
  };
}
