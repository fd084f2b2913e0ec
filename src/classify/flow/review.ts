// Review: what a person should look at, with the item's own words, and the answer given.
//
//   V1. Item text is read from the sealed review object when asked for; it rests nowhere else.
//   V2. An answer names a code of the scheme version the item was coded by, or is refused with those there are.
//   V3. An answer is a row, an audit record and an event in one transaction; the next training of the line learns from it.

import { StockroomError } from "../../base/errors.ts";
import { appendEvent } from "../../base/records/outbox.ts";
import { readTable } from "../../base/tables/index.ts";
import { itemCodes } from "../engine/schemes.ts";
import { parseLine } from "../engine/words.ts";
import { keepAudit } from "../store/audit.ts";
import { getReview, keepAnswer, listReviews, type ReviewQuery, type ReviewRow } from "../store/reviews.ts";
import { findScheme } from "../store/schemes.ts";
import { actAs, timeOf, type ClassifyParts } from "./parts.ts";

/** A review with the item's columns as the review object has them. */
export interface ReviewItem extends ReviewRow {
  readonly item: Readonly<Record<string, string>>;
  readonly evidence: string;
  /** Why the item was not decided automatically; "" for an audit sample. */
  readonly reason: string;
}

const ownColumns = new Set(["kind", "predicted", "probability", "runner_up", "evidence", "reason"]);

/** The queue with the items' text. Reads each review object once. */
export async function readReviews(parts: ClassifyParts, purpose: string, query: ReviewQuery): Promise<readonly ReviewItem[]> {
  const reviews = await listReviews(parts.records, query);
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
    const { body } = await parts.objects.get(actAs("review", purpose), first.object.key, { version: first.object.version });
    const table = await readTable(body, { name: first.object.key, onBadRow: () => undefined, format: "csv" });
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

/** Keeps an answer. Throws `missing` `REVIEW_MISSING`, `conflict` `REVIEW_ANSWERED`, `input` `REVIEW_CODE`. */
export async function answerReview(parts: ClassifyParts, id: string, code: string, reviewer: string): Promise<ReviewRow> {
  const review = await getReview(parts.records, id);
  const { scheme } = parseLine(review.line);
  const known = await findScheme(parts.records, scheme);
  const version = known?.scheme.versions.find((one) => one.version === review.schemeVersion);
  if (version !== undefined && !itemCodes(version).includes(code)) {
    throw new StockroomError(
      "input",
      "REVIEW_CODE",
      `Expected a code of ${scheme} ${review.schemeVersion} but received "${code}". It has ${itemCodes(version).join(", ")}.`,
      { facts: { id } },
    );
  }
  if (code === "" || reviewer === "") {
    throw new StockroomError("input", "REVIEW_ANSWER", "Expected a code and the reviewer's name but one of them is empty. Give both.");
  }
  const at = timeOf(parts);
  return await parts.records.transaction(async (tx) => {
    const answered = await keepAnswer(tx, id, code, reviewer, at);
    await keepAudit(tx, parts.vault, at, "answer", {
      id,
      line: answered.line,
      period: answered.period,
      inference: answered.inference,
      predicted: answered.predicted,
      answer: code,
      reviewer,
    });
    await appendEvent(tx, {
      kind: "classify.review.answered",
      subject: answered.line,
      data: { id, line: answered.line, period: answered.period },
      dedupe: `answer/${id}`,
    });
    return answered;
  });
}
