// Compare: challenger against champion on the items neither has seen, and the verdict.
//
//   C1. Both label the test set by the very workflow that labels production (`classify.infer`).
//   C2. The verdict, the change of champion, the audit record, the event and the notice are one transaction.
//   C4. Labels of one file cannot outvote those kept from before, and no code's share or weight jumps without a person's word (engine/holding.ts): such a
//       promotion is held. What is judged well enough to be promoted or kept joins the line's test items; nothing ever replaces them.
//   C3. Comparing the same challenger twice is comparing it once (the verdict's id is the challenger's).

import { appendEvent } from "../../platform/database/outbox.ts";
import type { Tx } from "../../platform/database/contract.ts";
import type { RunContext, WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { reviveError, StockroomError } from "../../platform/errors.ts";
import { concludeVerdict, findJumps, type Jump } from "../engine/holding.ts";
import type { ObjectRef } from "../store/keys.ts";
import { insertAudit } from "../store/audit.ts";
import { insertGround, lockLine } from "../store/champions.ts";
import { findChampion, getModel, insertVerdict, type ModelRow } from "../store/lines.ts";
import type { InferInput, InferResult } from "./infer.ts";
import { judgeJob, type JudgeResult } from "./jobs/judge-job.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";
import { readHistory, type TrialInput, type TrialResult } from "./trial.ts";

export type CompareInput = { readonly model: string };

export type CompareResult = { readonly verdict: string; readonly decision: string; readonly promoted: boolean; readonly reason: string };

type Judged = JudgeResult & { readonly jumps: readonly Jump[] };

export function makeCompare(
  deps: ClassifyDeps,
  infer: WorkflowDefinition<InferInput, InferResult>,
  trial: WorkflowDefinition<TrialInput, TrialResult>,
): WorkflowDefinition<CompareInput, CompareResult> {
  return {
    name: "classify.compare",
    queue: "classify.light",
    title: (input) => `compare ${input.model} with the champion`,
    run: async (context, input) => {
      for (let round = 1; ; round++) {
        const pair = await context.step(`pair-${round}`, async () => await findPair(deps, input.model));
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
        if (outcome.kind === "cancelled") throw cancelled(childId);
        const predictions = outcome.value.predictions;
        const first = await context.step(`judge-${round}`, async (signal) => await judge(deps, context.runId, pair, predictions, signal));
        const jumps = first.verdict.decision === "promote" ? await tryOnSales(deps, context, trial, pair, round) : [];
        const judged = { ...first, jumps };
        const decided = await context.step(`verdict-${round}`, async () => {
          const decided = await decide(deps, pair, judged, predictions);
          const { line, challenger, champion } = pair;
          deps.log.info("compared with the champion", {
            runId: context.runId,
            line,
            challenger,
            champion,
            ...(decided.kind === "decided" ? decided.result : {}),
          });
          return decided;
        });
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

async function findPair(deps: ClassifyDeps, model: string): Promise<Pair> {
  const challenger = await getModel(deps.database, model);
  const champion = await findChampion(deps.database, challenger.line);
  return {
    line: challenger.line,
    test: challenger.test,
    challenger: challenger.id,
    champion: champion === undefined || champion.id === challenger.id ? null : champion.id,
  };
}

type Pair = { readonly line: string; readonly test: ObjectRef; readonly challenger: string; readonly champion: string | null };

async function judge(
  deps: ClassifyDeps,
  runId: string,
  pair: Pair,
  predictions: InferResult["predictions"],
  signal: AbortSignal,
): Promise<JudgeResult> {
  const actor = actAs("compare", runId);
  const handleOf = async (model: string) => {
    const object = predictions.find((prediction) => prediction.model === model);
    if (object === undefined)
      throw new StockroomError("fault", "COMPARE_PREDICTIONS", `Expected predictions of ${model} but the test run gave none.`);
    return await deps.objects.readHandle(actor, object.key, object.version);
  };
  return await deps.compute.run(
    judgeJob,
    {
      test: await deps.objects.readHandle(actor, pair.test.key, pair.test.version),
      challenger: await handleOf(pair.challenger),
      champion: pair.champion === null ? null : await handleOf(pair.champion),
      alpha: deps.settings.gate.alpha,
      seed: deps.settings.train.seed,
    },
    { signal },
  );
}

/** What a challenger about to be promoted would change in the line's newest sales; nothing when the line has coded none. */
async function tryOnSales(
  deps: ClassifyDeps,
  context: RunContext,
  trial: WorkflowDefinition<TrialInput, TrialResult>,
  pair: Pair,
  round: number,
): Promise<readonly Jump[]> {
  const history = await context.step(`history-${round}`, async () => (await readHistory(deps, pair.line)) ?? null);
  if (history === null) return [];
  const input: TrialInput = { line: pair.line, model: pair.challenger, period: history.period };
  const child = await context.startChild(trial, input, {
    id: `trial/${pair.challenger}/${history.period}/against/${pair.champion ?? "nobody"}`,
    priority: 1,
  });
  const outcome = await context.childResult<TrialResult>(child);
  if (outcome.kind === "failed") throw reviveError(outcome.error);
  if (outcome.kind === "cancelled") throw cancelled(child);
  const { shareJump, weightJump } = deps.settings.gate;
  return findJumps(outcome.value.sums, history.current, history.former, { share: shareJump, weight: weightJump });
}

const cancelled = (runId: string): StockroomError =>
  new StockroomError(
    "conflict",
    "COMPARE_CANCELLED",
    `Expected the run ${runId} to finish but it was cancelled. Retry it with \`stockroom runs retry\`.`,
  );

type Decided = { readonly kind: "changed" } | { readonly kind: "decided"; readonly result: CompareResult };

async function decide(deps: ClassifyDeps, pair: Pair, judged: Judged, predictions: InferResult["predictions"]): Promise<Decided> {
  const id = `verdict/${pair.challenger}`;
  const at = timeOf(deps);
  const verdict = concludeVerdict(judged.verdict, judged.ground, judged.jumps);
  const promoted = verdict.promoted;
  return await deps.database.transaction(async (tx) => {
    // Two verdicts on one line must not both see the former champion.
    await lockLine(tx, pair.line);
    const now = await findChampion(tx, pair.line);
    if ((now?.id ?? null) !== pair.champion && now?.id !== pair.challenger) {
      return { kind: "changed" };
    }
    const challenger: ModelRow = await getModel(tx, pair.challenger);
    const isNew = await insertVerdict(tx, {
      id,
      line: pair.line,
      challenger: pair.challenger,
      champion: pair.champion ?? undefined,
      decision: verdict.decision,
      promoted,
      reason: verdict.reason,
      verdict: { ...verdict, changes: judged.changes },
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
      await insertAudit(tx, deps.vault, {
        at,
        kind: "verdict",
        record: {
          id,
          line: pair.line,
          challenger: pair.challenger,
          champion: pair.champion,
          decision: verdict.decision,
          promoted,
          reason: verdict.reason,
        },
        written: [
          { table: "classify_verdict", where: { id } },
          { table: "classify_champion", where: { verdict: id } },
        ],
      });
      // Labels that contradict those kept, or await a person's word, are not kept as test items.
      if (verdict.decision !== "held" && (verdict.ground === null || verdict.ground.holds))
        await insertTest(tx, deps, challenger, "kept", at);
      if (promoted) {
        await appendEvent(tx, {
          kind: "classify.champion.changed",
          subject: pair.line,
          data: { line: pair.line, model: pair.challenger, former: pair.champion, first: pair.champion === null },
          dedupe: `champion/${pair.challenger}`,
        });
      }
      await deps.postNotice(tx, {
        topic: "mlops",
        id,
        severity: verdict.decision === "held" ? "warning" : "info",
        title: titleOf(pair.line, verdict.decision, promoted),
        body: `${verdict.reason}${nothingText(challenger)}\n\nChallenger ${pair.challenger}${pair.champion === null ? "" : `, champion ${pair.champion}`}. See \`stockroom classify verdicts list ${pair.line}\`.${
          verdict.decision === "held"
            ? ` To promote it: \`stockroom classify champions approve ${pair.line} --reason "..."\`; to leave things as they are: \`stockroom classify champions reject ${pair.line} --reason "..."\`; or on the page /classify/champions.`
            : ""
        }`,
        facts: { line: pair.line, challenger: pair.challenger, champion: pair.champion, decision: verdict.decision, promoted },
      });
    }
    return { kind: "decided", result: { verdict: id, decision: verdict.decision, promoted, reason: verdict.reason } };
  });
}

function titleOf(line: string, decision: string, promoted: boolean): string {
  if (decision === "held") return `${line}: a promotion waits for a person`;
  return promoted ? `${line}: new champion` : `${line}: the challenger was not promoted`;
}

/** Keeps a model's test items for the comparisons to come. */
export async function insertTest(
  tx: Tx,
  deps: Pick<ClassifyDeps, "vault">,
  { id, line, test, ground }: ModelRow,
  labels: "kept" | "latest",
  at: string,
): Promise<void> {
  if (!(await insertGround(tx, { model: id, line, object: test, base: ground, labels, at }))) return;
  const written = [{ table: "classify_ground", where: { model: id } }] as const;
  await insertAudit(tx, deps.vault, { at, kind: "test-items", record: { model: id, line, object: { ...test }, labels }, written });
}

/** A champion that leaves every item to people says why. */
function nothingText(challenger: ModelRow): string {
  const why = challenger.metrics["why_nothing_automatic"];
  return typeof why === "string" ? `\n\n${challenger.id} decides nothing by itself: ${why}` : "";
}
