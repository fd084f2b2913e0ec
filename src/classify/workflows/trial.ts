// Trial: what a challenger would make of the line's newest sales, beside what the line has made of them and of the periods before.
//
//   T1. Nothing of a trial is kept but its sums: the predictions are thrown away, no figure, review or notice comes of it.
//   T2. It reads sales, so it acts as `infer`; the comparison that asks for it may not read them.

import type { RunContext, WorkflowDefinition } from "../../platform/workflow/contract.ts";
import type { CodeSums, Sums } from "../engine/holding.ts";
import { parseLine } from "../engine/lines.ts";
import { prefixes } from "../store/keys.ts";
import { currentInferences, listCodedPeriods, type InferenceRow } from "../store/inferences.ts";
import { makeLineTask, runLabelling } from "./labelling.ts";
import { actAs, type ClassifyDeps } from "./deps.ts";

export type TrialInput = { readonly line: string; readonly model: string; readonly period: string };

export type TrialResult = { readonly sums: Sums };

/** Periods that count as the line's history. */
const historyPeriods = 12;

export function makeTrial(deps: ClassifyDeps): WorkflowDefinition<TrialInput, TrialResult> {
  return {
    name: "classify.trial",
    queue: "classify.heavy",
    title: (input) => `try ${input.model} on the sales of ${input.period}`,
    run: async (context, input) => await context.step("label", async (signal) => ({ sums: await tryOut(deps, context, input, signal) })),
  };
}

async function tryOut(deps: ClassifyDeps, context: RunContext, input: TrialInput, signal: AbortSignal): Promise<Sums> {
  const actor = actAs("infer", context.runId);
  const all: Sums[] = [];
  const inferences = (await currentInferences(deps.database, input.period)).filter((row) => row.line === input.line);
  for (const [index, { sales }] of inferences.entries()) {
    const predictions = `${prefixes.predictions}trials/${input.line}/${input.period}.${index}.csv`;
    const { task } = await makeLineTask(deps, {
      line: input.line,
      model: input.model,
      purpose: context.runId,
      role: "infer",
      predictions,
      review: null,
      period: null,
    });
    const result = await runLabelling(deps, context, signal, {
      source: await deps.objects.readHandle(actor, sales.key, sales.version),
      lines: [{ ...task, profile: null }],
      versions: { kind: "by-date", period: input.period, country: parseLine(input.line).country },
    });
    await deps.objects.discard(result.lines.map((labelled) => labelled.predictions.handle));
    all.push(...result.lines.map((labelled) => labelled.figures));
  }
  return addSums(all);
}

/** What a line has coded: its newest period, and the periods before it. */
export interface LineHistory {
  readonly period: string;
  readonly current: Sums;
  readonly former: readonly Sums[];
}

/** Reads a line's sums by period; undefined when it has coded nothing that counts. */
export async function readHistory(deps: Pick<ClassifyDeps, "database">, line: string): Promise<LineHistory | undefined> {
  const coded: { period: string; sums: Sums }[] = [];
  for (const period of await listCodedPeriods(deps.database, line, historyPeriods + 1)) {
    const own = (await currentInferences(deps.database, period)).filter((row) => row.line === line);
    if (own.length > 0) coded.push({ period, sums: addSums(own.map((row: InferenceRow) => row.figures)) });
  }
  const [newest, ...former] = coded;
  return newest === undefined ? undefined : { period: newest.period, current: newest.sums, former: former.map(({ sums }) => sums) };
}

function addSums(all: readonly Sums[]): Sums {
  const sums: Record<string, Record<string, CodeSums>> = {};
  for (const one of all) {
    for (const [version, codes] of Object.entries(one)) {
      const own = (sums[version] ??= {});
      for (const [code, { items, units, kg }] of Object.entries(codes)) {
        const former = own[code] ?? { items: 0, units: 0, kg: 0 };
        own[code] = { items: former.items + items, units: former.units + units, kg: former.kg + kg };
      }
    }
  }
  return sums;
}
