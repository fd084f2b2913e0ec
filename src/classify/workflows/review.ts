// Review: what a person should look at, with the item's own words, and the answer given.
//
//   V1. Item text is read from the sealed review object when asked for; it rests nowhere else.
//   V2. An answer names a code of the scheme version the item was coded by, or is refused with those there are.
//   V3. An answer is a row, an audit record and an event in one transaction; the next training of the line learns from it.
//   V4. It belongs to the item, its day and the scheme version: every coding of the item that counts takes it up (workflows/answers.ts). Amending adds a
//       word and keeps the former one.

import { StockroomError } from "../../platform/errors.ts";
import { appendEvent } from "../../platform/database/outbox.ts";
import { readTable } from "../../platform/formats/index.ts";
import { isCode } from "../engine/answers.ts";
import { itemCodes } from "../engine/schemes.ts";
import { parseLine } from "../engine/lines.ts";
import { insertAudit } from "../store/audit.ts";
import { addAnswer, lockAnswers } from "../store/answers.ts";
import { lockLine } from "../store/champions.ts";
import { findAsking, getReview, listReviews, type ReviewQuery, type ReviewRow } from "../store/reviews.ts";
import { findScheme } from "../store/schemes.ts";
import { applyAnswers } from "./answers.ts";
import { watchPromise } from "./champions.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";

/** A review with the item's columns as the review object has them. */
export interface ReviewItem extends ReviewRow {
  readonly item: Readonly<Record<string, string>>;
  readonly evidence: string;
  /** Why the item was not decided automatically; "" for an audit sample. */
  readonly reason: string;
}

const ownColumns = new Set(["kind", "predicted", "probability", "runner_up", "evidence", "reason"]);

/** The queue with the items' text. */
export async function readReviews(deps: ClassifyDeps, purpose: string, query: ReviewQuery): Promise<readonly ReviewItem[]> {
  return await readWords(deps, purpose, await listReviews(deps.database, query));
}

/** Reviews with the items' text. Reads each review object once. */
export async function readWords(deps: ClassifyDeps, purpose: string, reviews: readonly ReviewRow[]): Promise<readonly ReviewItem[]> {
  const objects = new Map<string, ReviewRow[]>();
  for (const review of reviews) {
    const name = `${review.object.key}@${review.object.version}`;
    const known = objects.get(name);
    if (known === undefined) objects.set(name, [review]);
    else known.push(review);
  }
  const items = new Map<string, ReviewItem>();
  for (const group of objects.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { body } = await deps.objects.get(actAs("review", purpose), first.object.key, { version: first.object.version });
    const table = await readTable(body, { name: first.object.key, onBadRow: () => undefined, format: "csv", spreadsheet: true });
    const wanted = new Map(group.map((review) => [review.row, review]));
    let index = 0;
    for await (const batch of table.batches) {
      for (const row of batch.rows) {
        const review = wanted.get(index);
        index += 1;
        if (review === undefined) continue;
        const named = table.columns.map((name, column) => [name, row[column] ?? ""] as const);
        items.set(review.id, {
          ...review,
          item: Object.fromEntries(named.filter(([name, value]) => !ownColumns.has(name) && value !== "")),
          evidence: named.find(([name]) => name === "evidence")?.[1] ?? "",
          reason: named.find(([name]) => name === "reason")?.[1] ?? "",
        });
      }
    }
  }
  return reviews.flatMap((review) => items.get(review.id) ?? []);
}

export interface Answering {
  readonly code: string;
  readonly reviewer: string;
  /** Why an answer is amended; of a first answer "". */
  readonly reason: string;
}

/** Keeps an answer. Throws `missing` `REVIEW_MISSING`, `conflict` `REVIEW_ANSWERED`, `input` `REVIEW_CODE`, `REVIEW_ANSWER`. */
export async function answerReview(deps: ClassifyDeps, id: string, code: string, reviewer: string): Promise<ReviewRow> {
  return await keepWord(deps, id, "given", { code, reviewer, reason: "" });
}

/**
 * Replaces an answer by another one; the former one stays in the table and in the log.
 *
 * Throws what `answerReview` throws, but for `conflict` `REVIEW_OPEN` when there is no answer yet, and `REVIEW_SAME` when it is the same code.
 */
export async function amendReview(deps: ClassifyDeps, id: string, answering: Answering): Promise<ReviewRow> {
  return await keepWord(deps, id, "amended", answering);
}

async function keepWord(deps: ClassifyDeps, id: string, kind: "given" | "amended", answering: Answering): Promise<ReviewRow> {
  const { code, reviewer, reason } = answering;
  const { line, schemeVersion } = await getReview(deps.database, id);
  const { scheme } = parseLine(line);
  const known = (await findScheme(deps.database, scheme))?.scheme ?? null;
  if (code === "" || reviewer === "" || (kind === "amended" && reason === "")) {
    throw new StockroomError(
      "input",
      "REVIEW_ANSWER",
      `Expected a code${kind === "given" ? " and" : ","} the reviewer's name${kind === "given" ? "" : " and a reason"} but one of them is empty. Give ${kind === "given" ? "both" : "all three"}.`,
    );
  }
  if (!isCode(known, schemeVersion, code)) {
    const codes = known?.versions.flatMap((version) => (version.version === schemeVersion ? itemCodes(version) : [])) ?? [];
    throw new StockroomError(
      "input",
      "REVIEW_CODE",
      `Expected a code of ${scheme} ${schemeVersion} but received "${code}". It has ${codes.join(", ")}.`,
      { facts: { id } },
    );
  }
  const at = timeOf(deps);
  return await deps.database.transaction(async (tx) => {
    // Before the log's lock, as everywhere: the answer may end the line's automatic decisions.
    await lockLine(tx, line);
    await lockAnswers(tx, line);
    const review = await getReview(tx, id);
    checkWord(review, kind, code);
    const item = { item: review.itemId, day: review.day };
    const { period } = review;
    const kept = await addAnswer(tx, {
      ...item,
      line,
      schemeVersion,
      period,
      answer: code,
      kind,
      reviewer,
      reason,
      review: id,
      source: undefined,
      at,
    });
    await insertAudit(tx, deps.vault, {
      at,
      kind: "answer",
      record: {
        id,
        answerId: kept.id,
        line,
        period,
        ...item,
        schemeVersion,
        inference: review.inference,
        predicted: review.predicted,
        answer: code,
        reviewer,
        ...(kind === "given" ? {} : { former: review.answer, formerReviewer: review.reviewer, reason }),
      },
      written: [{ table: "classify_answer", where: { id: kept.id } }],
    });
    await applyAnswers(tx, deps, line, await findAsking(tx, line, [item]), at);
    await appendEvent(tx, {
      kind: "classify.review.answered",
      subject: line,
      data: { id, line, period },
      dedupe: `answer/${kept.id}`,
    });
    if (review.kind === "audit") await watchPromise(tx, deps, line);
    return await getReview(tx, id);
  });
}

function checkWord(review: ReviewRow, kind: "given" | "amended", code: string): void {
  const { id, answer, reviewer = "somebody", answeredAt = "an earlier time" } = review;
  const facts = { id, answer };
  if (kind === "given" && answer !== undefined) {
    throw new StockroomError(
      "conflict",
      "REVIEW_ANSWERED",
      `Expected review ${id} to be open but ${reviewer} answered "${answer}" at ${answeredAt}. To correct it: stockroom classify reviews amend ${id} CODE --by NAME --reason WHY`,
      { facts },
    );
  }
  if (kind === "amended" && answer === undefined) {
    throw new StockroomError(
      "conflict",
      "REVIEW_OPEN",
      `Expected review ${id} to have an answer to amend but it has none. Answer it: stockroom classify reviews answer ${id} CODE --by NAME`,
      { facts },
    );
  }
  if (kind === "amended" && answer === code) {
    throw new StockroomError(
      "conflict",
      "REVIEW_SAME",
      `Expected another code than the one that stands but ${reviewer} answered "${code}" at ${answeredAt} already. Nothing is to be changed.`,
      { facts },
    );
  }
}
