// Explain: the impact of each attribute on the forecast of some series, in a thread.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { gather } from "../../../platform/bytes.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import type { Cell } from "../../../platform/formats/index.ts";
import type { Panel } from "../../engine/contract.ts";
import type { Explanation } from "../../engine/explain/explain.ts";
import { explainWithEvents } from "../../engine/explain/with-events.ts";
import { unpackPanel } from "../pipeline/pieces.ts";
import { unpackGlobal } from "../run/pieces.ts";
import { idColumns, idsOf, round } from "../run/rows.ts";
import { table } from "./monitor-job.ts";

export interface ExplainJobInput {
  readonly panel: ReadHandle;
  readonly model: ReadHandle;
  /** Null: all items, a sample of many. */
  readonly item: string | null;
  readonly attributes: WriteHandle;
  readonly series: WriteHandle;
}

export interface ExplainedAttribute {
  readonly attribute: string;
  /** -1..1, relative to the strongest, effects both ways cancelling. */
  readonly score: number;
  /** 0..1, the same without cancelling. */
  readonly strength: number;
  /** Units of demand over the horizon, all explained series together. */
  readonly impact: number;
}

export interface ExplainJobOutput {
  readonly explained: number;
  readonly attributes: readonly ExplainedAttribute[];
  readonly staged: readonly StagedObject[];
}

/** Gives undefined where too little was there to learn a model from. */
export const explainJob: ComputeTask<ExplainJobInput, ExplainJobOutput | undefined> = { module: import.meta.url, name: "forecast.explain" };

/** Series looked at when no item is named; the shares settle long before. */
const sampled = 200;

export async function run(input: ExplainJobInput, tools: TaskTools): Promise<ExplainJobOutput | undefined> {
  const { signal } = tools;
  const model = unpackGlobal(await gather(openHandle(input.model, signal)));
  if (model.kind === "unfit") return undefined;
  const panel = await unpackPanel(openHandle(input.panel, signal));
  const indices = pickSeries(panel, input.item);
  const explanation = explainWithEvents(model, panel, indices, { cut: panel.grid.length, horizon: panel.grid.horizon });
  const attributes = attributesOf(explanation);
  const rows = attributes.map(({ attribute, score, strength, impact }): Cell[] => [
    attribute,
    round(score),
    round(strength),
    round(impact),
  ]);
  const staged = [
    await writeThrough(input.attributes, table(["attribute", "score", "strength", "impact"], rows), signal),
    await writeThrough(
      input.series,
      table(
        [...idColumns(panel), "base", "mean", ...explanation.attributes.map((name) => `impact_${name}`)],
        seriesRows(panel, explanation),
      ),
      signal,
    ),
  ];
  return { explained: indices.length, attributes, staged };
}

/** The series of an item, or of all items a sample of at most 200 spread evenly. Throws `missing` `EXPLAIN_NO_ITEM`. */
export function pickSeries(panel: Pick<Panel, "itemIds">, item: string | null): readonly number[] {
  const all = panel.itemIds.map((_, index) => index);
  if (item === null)
    return all.length <= sampled ? all : Array.from({ length: sampled }, (_, at) => Math.floor((at * all.length) / sampled));
  const found = all.filter((index) => panel.itemIds[index] === item);
  if (found.length > 0) return found;
  throw new StockroomError("missing", "EXPLAIN_NO_ITEM", `Expected an item of the run but "${item}" is none. Look it up in forecast.csv.`, {
    facts: { item },
  });
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** What each attribute does to all explained series together, strongest first. */
export function attributesOf({ attributes, horizon, series, scores, strengths }: Explanation): readonly ExplainedAttribute[] {
  return attributes.map((attribute, a) => ({
    attribute,
    score: scores[a] ?? 0,
    strength: strengths[a] ?? 0,
    impact: series.reduce((total, { impacts }) => total + sum(impacts.subarray(a * horizon, (a + 1) * horizon)), 0),
  }));
}

function seriesRows(panel: Panel, { attributes, horizon, series }: Explanation): Cell[][] {
  return series.map(({ series: index, base, mean, impacts }) => [
    ...idsOf(panel, index),
    round(sum(base)),
    round(sum(mean)),
    ...attributes.map((_, a) => round(sum(impacts.subarray(a * horizon, (a + 1) * horizon)))),
  ]);
}
