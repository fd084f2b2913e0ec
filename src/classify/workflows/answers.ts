// Answers over codings: what people said is laid over whatever a coding says of the same items.
//
//   N1. An answer in the coding's version holds there by itself; one of another version is carried over where the mapping leaves no choice, as a row
//       of its own; otherwise the item waits again, with the former answer beside it.

import type { Tx } from "../../platform/database/contract.ts";
import { standingOf } from "../engine/answers.ts";
import { parseLine } from "../engine/lines.ts";
import { addAnswer, findAnswers, nameItem, type AnswerRow } from "../store/answers.ts";
import { insertAudit } from "../store/audit.ts";
import type { ReviewRow } from "../store/reviews.ts";
import { findScheme } from "../store/schemes.ts";
import type { ClassifyDeps } from "./deps.ts";

type Asking = Pick<ReviewRow, "id" | "itemId" | "day" | "schemeVersion" | "period">;

/** Carries answers over to reviews that ask in another version, and takes back those whose code is gone. The caller holds `lockAnswers`. */
export async function applyAnswers(
  tx: Tx,
  deps: Pick<ClassifyDeps, "vault">,
  line: string,
  reviews: readonly Asking[],
  at: string,
): Promise<void> {
  const keys = reviews.map((review) => ({ item: review.itemId, day: review.day }));
  const answers = await findAnswers(tx, line, keys);
  if (answers.size === 0) return;
  const scheme = (await findScheme(tx, parseLine(line).scheme))?.scheme ?? null;
  const added: AnswerRow[] = [];
  const seen = new Set<string>();
  for (const review of reviews) {
    const known = answers.get(nameItem({ item: review.itemId, day: review.day })) ?? [];
    const name = JSON.stringify([review.itemId, review.day, review.schemeVersion]);
    if (known.length === 0 || seen.has(name)) continue;
    seen.add(name);
    const standing = standingOf(scheme, known, review.schemeVersion);
    if (standing.kind !== "carried" && standing.kind !== "lapsed") continue;
    const source = known.find((one) => one.id === standing.id);
    if (source === undefined) continue;
    added.push(
      await addAnswer(tx, {
        line,
        item: review.itemId,
        day: review.day,
        schemeVersion: review.schemeVersion,
        period: review.period,
        answer: standing.kind === "carried" ? standing.code : undefined,
        kind: standing.kind,
        reviewer: source.reviewer,
        reason:
          standing.kind === "carried"
            ? `${source.answer ?? ""} of version ${source.schemeVersion}, by the mapping`
            : `version ${review.schemeVersion} has no code ${source.answer ?? ""} any more`,
        review: review.id,
        source: source.id,
        at,
      }),
    );
  }
  if (added.length === 0) return;
  await insertAudit(tx, deps.vault, {
    at,
    kind: "answers-settled",
    record: {
      line,
      answers: added.map((row) => ({
        id: row.id,
        item: row.item,
        day: row.day,
        kind: row.kind,
        answer: row.answer ?? null,
        source: row.source,
      })),
    },
    written: [{ table: "classify_answer", where: { id: added.map((row) => row.id) } }],
  });
}
