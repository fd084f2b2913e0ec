// Coding: what one file of sales coded by a run leaves behind, in one transaction.
//
// Owns: the inference rows, review items, notices and audit records of a coded file. Does not own: the coding (jobs/label-job.ts), the objects (labelling.ts).
//   F2. Predictions, figures, review items and the inference rows become visible in one transaction; the caller opens it.
//   F5. What people have answered on the file's items is laid over the coding in that same transaction (workflows/answers.ts).

import { rowsOf } from "../../platform/figures.ts";
import { createHash } from "node:crypto";
import type { Tx } from "../../platform/database/contract.ts";
import { StockroomError } from "../../platform/errors.ts";
import { findAnswers, lockAnswers, nameItem } from "../store/answers.ts";
import { insertAudit } from "../store/audit.ts";
import { insertInference } from "../store/inferences.ts";
import type { ObjectRef } from "../store/keys.ts";
import { findPlaces, queueReviews, type NewReview } from "../store/reviews.ts";
import { applyAnswers } from "./answers.ts";
import type { ClassifyDeps } from "./deps.ts";
import type { LabelledLine, LabelResult } from "./jobs/label-contract.ts";

/** A file of sales that a run has coded. */
export interface Coding {
  readonly runId: string;
  readonly period: string;
  readonly country: string;
  readonly sales: ObjectRef;
  readonly result: Pick<LabelResult, "items" | "badRows" | "shared" | "kinds" | "reasons" | "notes" | "lines">;
  /** The revision of its scheme that each line was coded by. */
  readonly schemeRevisions: ReadonlyMap<string, number | undefined>;
  /** The objects written, by key. */
  readonly objects: ReadonlyMap<string, ObjectRef>;
  readonly at: string;
}

type CodingDeps = Pick<ClassifyDeps, "vault" | "postNotice" | "settings">;

/** Writes the rows of every line and what is to be said of the file. Harmless to repeat. */
export async function insertCoding(tx: Tx, deps: CodingDeps, coding: Coding): Promise<void> {
  const { lines } = coding.result;
  // All before the log's own lock, in one order, so that nobody waits in a circle.
  for (const line of lines.map((labelled) => labelled.line).toSorted()) await lockAnswers(tx, line);
  for (const labelled of lines) await insertCodedLine(tx, deps, coding, labelled);
  await notifyReading(tx, deps, coding);
}

/** Names an inference by what went into it, so that a resumed run finds its own row. */
function inferenceId(runId: string, line: string): string {
  return createHash("sha256").update(`${runId}\n${line}`).digest("hex").slice(0, 24);
}

async function insertCodedLine(tx: Tx, deps: CodingDeps, coding: Coding, labelled: LabelledLine): Promise<void> {
  const { runId, period, country, sales, objects, at } = coding;
  const { line, model, items, autoItems, drift } = labelled;
  const predictions = objects.get(labelled.predictions.handle.key);
  if (predictions === undefined)
    throw new StockroomError("fault", "INFER_UNSTORED", `Expected the predictions of ${line} to be stored but they are not.`);
  const id = inferenceId(runId, line);
  const isNew = await insertInference(tx, {
    id,
    period,
    country,
    line,
    model,
    sales,
    predictions,
    schemeRevision: coding.schemeRevisions.get(line),
    items,
    autoItems,
    reviewItems: items - autoItems,
    badRows: coding.result.badRows,
    shared: coding.result.shared,
    figures: labelled.figures,
    drift: { ...drift },
    runId,
    at,
  });
  if (!isNew) return;
  const review = labelled.review === null ? undefined : objects.get(labelled.review.handle.key);
  const made = await makeReviews(tx, { id, period, review }, labelled);
  await queueReviews(tx, made);
  await applyAnswers(tx, deps, line, made, at);
  await insertAudit(tx, deps.vault, {
    at,
    kind: "inference",
    record: { id, line, period, model, sales: { ...sales }, predictions: { ...predictions }, items, autoItems },
    objects: [
      { ...predictions, sha256: labelled.predictions.sha256 },
      ...(review === undefined || labelled.review === null ? [] : [{ ...review, sha256: labelled.review.sha256 }]),
    ],
    written: [
      { table: "classify_inference", where: { id } },
      { table: "classify_review", where: { inference: id } },
    ],
  });
  if (drift.level !== "alarm") return;
  await deps.postNotice(tx, {
    topic: "mlops",
    id: `classify.drift/${id}`,
    severity: "alarm",
    title: `${line}: the sales of ${period} are unlike the training data`,
    body: `${drift.summary} The bound is ${deps.settings.drift.alarm}. Look at the review queue and train on newer labels.`,
    facts: { line, period, psi: drift.psi },
  });
}

/** What a person should look at, and the items of the file that people have answered under other codings. */
async function makeReviews(
  tx: Tx,
  inference: { readonly id: string; readonly period: string; readonly review: ObjectRef | undefined },
  labelled: LabelledLine,
): Promise<readonly NewReview[]> {
  const { line } = labelled;
  const { period, review } = inference;
  const shared = { inference: inference.id, line, period };
  const reviewId = (name: string): string => createHash("sha256").update(`${inference.id}\n${name}`).digest("hex").slice(0, 16);
  const made = new Map<string, NewReview>();
  for (const { decision: _decision, ...pick } of review === undefined ? [] : labelled.reviews) {
    const id = reviewId(String(pick.row));
    // An item without an id is known by this very review only.
    const itemId = pick.itemId === "" ? `review/${id}` : pick.itemId;
    made.set(slotOf({ ...pick, itemId }), { ...pick, ...shared, id, itemId, object: review ?? { key: "", version: "" } });
  }
  // Nobody answers on this line until the commit (the caller holds its lock): an answer given while the file was read is found now.
  const answers = await findAnswers(
    tx,
    line,
    labelled.seen.map((one) => ({ item: one.itemId, day: one.day })),
  );
  const places = await findPlaces(
    tx,
    [...answers.values()].flatMap((words) => words.map((word) => word.review)),
  );
  for (const { decision, ...seen } of labelled.seen) {
    const name = nameItem({ item: seen.itemId, day: seen.day });
    const slot = slotOf(seen);
    const place = places.get(answers.get(name)?.[0]?.review ?? "");
    if (place === undefined || made.has(slot)) continue;
    made.set(slot, { ...seen, ...shared, ...place, id: reviewId(slot), kind: decision === "auto" ? "former" : "low" });
  }
  return [...made.values()];
}

/** An item stands in a file as sold and as returned: two rows, of which an answer moves both. */
const slotOf = (seen: { readonly itemId: string; readonly day: string; readonly units: number }): string =>
  `${nameItem({ item: seen.itemId, day: seen.day })}${seen.units < 0 ? " returned" : ""}`;

/** Says once for each version of a file which rows were set apart and how it was read. */
async function notifyReading(tx: Tx, deps: CodingDeps, { sales, period, country, result }: Coding): Promise<void> {
  const { items, badRows, notes } = result;
  if (badRows === 0 && notes.length === 0) return;
  const rows = items + badRows;
  const apart =
    badRows === 0
      ? ""
      : `${badRows} of ${rows} rows were set apart and are in no figure (${kindsText(result.kinds)}); the others were coded. The first reasons: ${result.reasons.join("; ")}. \`stockroom classify rejected --period ${period} --country ${country}\` lists them with line, column and value.`;
  await deps.postNotice(tx, {
    topic: "mlops",
    id: `classify.bad-rows/${sales.key}@${sales.version}`,
    severity: badRows === 0 ? "info" : "warning",
    title: badRows === 0 ? `${sales.key}: how it was read` : `${rowsOf(badRows, sales.key)} set apart`,
    body: [apart, ...notes].filter((text) => text !== "").join(" "),
    facts: { key: sales.key, version: sales.version, badRows, rows },
  });
}

/** `3 ITEM_PERIOD, 1 ITEM_ID_TWICE`. */
export function kindsText(kinds: LabelResult["kinds"]): string {
  return Object.entries(kinds)
    .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([code, count]) => `${count} ${code}`)
    .join(", ");
}
