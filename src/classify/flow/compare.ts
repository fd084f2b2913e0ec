// Compare: challenger against champion on the items neither has seen, and the verdict.
//
//   C1. Both label the test set by the very workflow that labels production (`classify.infer`).
//   C2. The verdict, the change of champion, the audit record, the event and the notice are one transaction.
//   C3. Comparing the same challenger twice is comparing it once (the verdict's id is the challenger's).

import { appendEvent } from "../../base/records/outbox.ts";
import type { WorkflowDefinition } from "../../base/workflow/contract.ts";
import { reviveError, StockroomError } from "../../base/errors.ts";
import type { Verdict } from "../engine/gate.ts";
import type { ObjectRef } from "../engine/words.ts";
import { keepAudit } from "../store/audit.ts";
import { findChampion, getModel, keepVerdict, type ModelRow } from "../store/lines.ts";
import type { InferInput, InferResult } from "./infer.ts";
import { judgeJob } from "./jobs/judge-job.ts";
import { actAs, timeOf, type ClassifyParts } from "./parts.ts";

export type CompareInput = { readonly model: string };

export type CompareResult = { readonly verdict: string; readonly decision: string; readonly promoted: boolean; readonly reason: string };

type Judged = { readonly verdict: Verdict; readonly champion: string | null };

export function makeCompare(
  parts: ClassifyParts,
  infer: WorkflowDefinition<InferInput, InferResult>,
): WorkflowDefinition<CompareInput, CompareResult> {
  return {
    name: "classify.compare",
    queue: "classify.light",
    title: (input) => `compare ${input.model} with the champion`,
    run: async (context, input) => {
      for (let round = 1; ; round++) {
        const pair = await context.step(`pair-${round}`, async () => await findPair(parts, input.model));
        const child: InferInput = {
          kind: "test",
          line: pair.line,
          test: pair.test,
          models: pair.champion === null ? [pair.challenger] : [pair.challenger, pair.champion],
        };
        const childId = await context.startChild(infer, child, {
          id: `test/${pair.challenger}/against/${pair.champion ?? "nobody"}`,
          priority: 1,
        });
        const outcome = await context.childResult<InferResult>(childId);
        if (outcome.kind === "failed") throw reviveError(outcome.error);
        if (outcome.kind === "cancelled") {
          throw new StockroomError(
            "conflict",
            "COMPARE_CANCELLED",
            `Expected the test run ${childId} to finish but it was cancelled. Retry it with \`stockroom runs retry\`.`,
          );
        }
        const predictions = outcome.value.predictions;
        const judged = await context.step(`judge-${round}`, async (signal) => await judge(parts, context.runId, pair, predictions, signal));
        const decided = await context.step(`verdict-${round}`, async () => await decide(parts, pair, judged, predictions));
        // Another challenger won meanwhile: the comparison is made again, against the new champion.
        if (decided.kind === "decided") return decided.result;
        if (round === 5) {
          throw new StockroomError(
            "busy",
            "CHAMPION_CHANGED",
            `Expected ${pair.line} to keep its champion during a comparison but it changed 5 times running.`,
          );
        }
      }
    },
  };
}

async function findPair(parts: ClassifyParts, model: string): Promise<Pair> {
  const challenger = await getModel(parts.records, model);
  const champion = await findChampion(parts.records, challenger.line);
  return {
    line: challenger.line,
    test: challenger.test,
    challenger: challenger.id,
    champion: champion === undefined || champion.id === challenger.id ? null : champion.id,
  };
}

type Pair = { readonly line: string; readonly test: ObjectRef; readonly challenger: string; readonly champion: string | null };

async function judge(
  parts: ClassifyParts,
  runId: string,
  pair: Pair,
  predictions: InferResult["predictions"],
  signal: AbortSignal,
): Promise<Judged> {
  const actor = actAs("compare", runId);
  const ticketOf = async (model: string) => {
    const object = predictions.find((prediction) => prediction.model === model);
    if (object === undefined)
      throw new StockroomError("fault", "COMPARE_PREDICTIONS", `Expected predictions of ${model} but the test run gave none.`);
    return await parts.objects.readTicket(actor, object.key, object.version);
  };
  const verdict = await parts.compute.run(
    judgeJob,
    {
      test: await parts.objects.readTicket(actor, pair.test.key, pair.test.version),
      challenger: await ticketOf(pair.challenger),
      champion: pair.champion === null ? null : await ticketOf(pair.champion),
      alpha: parts.settings.gate.alpha,
      seed: parts.settings.train.seed,
    },
    { signal },
  );
  return { verdict, champion: pair.champion };
}

type Decided = { readonly kind: "changed" } | { readonly kind: "decided"; readonly result: CompareResult };

async function decide(parts: ClassifyParts, pair: Pair, judged: Judged, predictions: InferResult["predictions"]): Promise<Decided> {
  const id = `verdict/${pair.challenger}`;
  const at = timeOf(parts);
  const { verdict } = judged;
  const promoted = verdict.promoted;
  return await parts.records.transaction(async (tx) => {
    // Two verdicts on one line must not both see the former champion.
    await tx.query("select pg_advisory_xact_lock(hashtext($1))", [`classify.line/${pair.line}`]);
    const now = await findChampion(tx, pair.line);
    if ((now?.id ?? null) !== pair.champion && now?.id !== pair.challenger) {
      return { kind: "changed" };
    }
    const challenger: ModelRow = await getModel(tx, pair.challenger);
    const isNew = await keepVerdict(tx, {
      id,
      line: pair.line,
      challenger: pair.challenger,
      champion: pair.champion ?? undefined,
      decision: verdict.decision,
      promoted,
      reason: verdict.reason,
      verdict: { ...verdict },
      data: {
        test: pair.test,
        predictions,
        trainedOn: challenger.trainedOn,
        parameters: challenger.parameters,
        seed: challenger.seed,
        schemeVersion: challenger.schemeVersion,
      },
      at,
    });
    if (isNew) {
      await keepAudit(tx, parts.vault, at, "verdict", {
        id,
        line: pair.line,
        challenger: pair.challenger,
        champion: pair.champion,
        decision: verdict.decision,
        promoted,
        reason: verdict.reason,
      });
      if (promoted) {
        await appendEvent(tx, {
          kind: "classify.champion.changed",
          subject: pair.line,
          data: { line: pair.line, model: pair.challenger, former: pair.champion, first: pair.champion === null },
          dedupe: `champion/${pair.challenger}`,
        });
      }
      await parts.postNotice(tx, {
        topic: "mlops",
        id,
        severity: "info",
        title: promoted ? `${pair.line}: new champion` : `${pair.line}: the challenger was not promoted`,
        body: `${verdict.reason}\n\nChallenger ${pair.challenger}${pair.champion === null ? "" : `, champion ${pair.champion}`}. See \`stockroom classify verdicts ${pair.line}\`.`,
        facts: { line: pair.line, challenger: pair.challenger, champion: pair.champion, decision: verdict.decision, promoted },
      });
    }
    return { kind: "decided", result: { verdict: id, decision: verdict.decision, promoted, reason: verdict.reason } };
  });
}
