// Asked: what all questions to a finished run have in common: an id made of the question, and an answer kept whole in one transaction.
//
//   K1. The id is a hash of the run and the question: asked again, by anyone, it is the answer that is there.

import { createHash } from "node:crypto";
import { faultPoint } from "../../../platform/faults.ts";
import type { StagedObject } from "../../../platform/objects/contract.ts";
import { appendEvent } from "../../../platform/database/outbox.ts";
import { prefixes } from "../../store/keys.ts";
import { findAnswer, insertAnswer, type AnswerKind, type AnswerBase, type Scenario } from "../../store/answers.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";

/** An interface of plain values as the JSON it is: TypeScript takes an interface for none. */
export type Plain<T> = T extends object ? { readonly [K in keyof T]: Plain<T[K]> } : T;

/** What came of a question; the figures are in the row. */
export type Answered = { readonly id: string; readonly run: string; readonly isNew: boolean };

/** The id of a question (K1). */
export function askedId(kind: AnswerKind, question: readonly unknown[]): string {
  return createHash("sha256")
    .update(JSON.stringify([kind, ...question]))
    .digest("hex")
    .slice(0, 12);
}

/** Where the tables of an answer lie. Ends in a slash. */
export const answerPrefix = (group: string, id: string): string => `${prefixes.scenarios}${group}/${id}/`;

/** Gives the answer that is there, if there is one. */
export async function findAnswered(deps: Pick<ForecastDeps, "database">, id: string): Promise<Answered | undefined> {
  const known = await findAnswer(deps.database, id);
  return known === undefined ? undefined : { id, run: known.run, isNew: false };
}

/** Makes the tables of an answer visible, and with them its row and its event. */
export async function commitAnswer(
  deps: ForecastDeps,
  purpose: string,
  question: Omit<AnswerBase, "exports" | "at"> & Scenario,
  staged: readonly StagedObject[],
  signal: AbortSignal,
): Promise<Answered> {
  const { id, group, run, kind } = question;
  const prefix = answerPrefix(group, id);
  let isNew = false;
  await deps.objects.commit(actAs("plan", purpose), staged, {
    announce: false,
    signal,
    alongside: async (tx, entries) => {
      const exports = Object.fromEntries(
        entries.map((entry) => [entry.key.slice(prefix.length).replace(/\.csv$/, ""), { key: entry.key, version: entry.version }]),
      );
      isNew = await insertAnswer(tx, { ...question, exports, at: timeOf(deps) });
      if (!isNew) return;
      await appendEvent(tx, {
        kind: "forecast.answered",
        subject: group,
        data: { group, run, scenario: id, kind },
        dedupe: `forecast.answered/${id}`,
      });
    },
  });
  faultPoint("forecast.plan.kept");
  return { id, run, isNew };
}
