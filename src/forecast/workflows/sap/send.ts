// Send: one batch of an import, so that no row is there twice and none is told as taken without proof (deliver.V2).
//
// Concurrency: one run sends a batch at a time; the batch's row (sap.A2) tells a second one what the first has done.

import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { isStockroomError, StockroomError } from "../../../platform/errors.ts";
import { faultPoint } from "../../../platform/faults.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import {
  doubtBatch,
  findClaimed,
  hasSaidRepeats,
  inTurn,
  isSuperseded,
  insertBatch,
  listBatches,
  markBatch,
  splitBatch,
  unmarkBatch,
  type BatchMark,
} from "../../store/sap.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import { readAnswers } from "./import-rows.ts";
import type { SapTarget } from "./settings.ts";
import type { Answer, BatchRequest, ImportRow, SapWriter } from "./writers/contract.ts";

/** What a batch is sent with. */
export interface Sender {
  readonly deps: ForecastDeps;
  readonly runId: string;
  readonly target: SapTarget;
  readonly writer: SapWriter;
  /** Rows of the import by number. */
  readonly reader: { rows(seqs: readonly number[]): Promise<readonly ImportRow[]> };
  readonly signal: AbortSignal;
}

/** The same before the way into the receiver is open. */
export type SenderBefore = Omit<Sender, "writer"> & { readonly open: () => Promise<SapWriter> };

/** Which batch. */
export interface BatchPlace {
  readonly import: string;
  readonly group: string;
  readonly round: number;
  readonly batch: number;
  readonly madeAt: string;
}

type Sent = { readonly sent: number; readonly failed: number };

/** How often a batch is repeated to a receiver that knows repeats, before its step fails and is tried again later. */
const mostRepeats = 8;

/** What is known of a batch while it is sent. */
interface Progress {
  /** Answers so far, by row. */
  readonly known: Map<number, Answer>;
  /** It is not certain that the rows without an answer are not there. */
  perhaps: boolean;
  why: string;
  /** Names, with the place, the request; the rows of one attempt are always the same ones. */
  attempt: number;
  sending: readonly ImportRow[];
  /** The rows to be sent are no longer those that were sent under this attempt's id. */
  isChanged: boolean;
  /** Whole answers that did not speak of every row. */
  halves: number;
  readonly firstSentAt: number;
}

/**
 * Sends a batch when it is the import's turn, and not at all when a newer forecast of the group has begun to go there (deliver.ts V4).
 *
 * Throws `input` `SAP_UNSURE` when nobody can tell of some rows, and whatever the writer throws.
 */
export async function sendBatch(before: SenderBefore, place: BatchPlace, rows: readonly ImportRow[]): Promise<Sent | "superseded"> {
  const { deps, target, signal } = before;
  return await inTurn(deps.database, { target: target.name, group: place.group }, signal, async () => {
    if (await isSuperseded(deps.database, place.import)) return "superseded";
    const { open, ...sender } = before;
    return await sendInTurn({ ...sender, writer: await open() }, place, rows);
  });
}

async function sendInTurn(sender: Sender, place: BatchPlace, rows: readonly ImportRow[]): Promise<Sent> {
  const { deps, writer } = sender;
  const mark = await markBatch(deps.database, place.import, place.round, place.batch, timeOf(deps));
  const kept = (await listBatches(deps.database, place.import)).find((one) => one.round === place.round && one.batch === place.batch);
  if (kept !== undefined) {
    await writer.forget?.(requestOf(sender, place, mark.attempt));
    return { sent: kept.sent, failed: kept.failed };
  }
  if (mark.unsure > 0) throw unsure(place, mark.unsure, rows.length, "a person has not settled it yet");
  const progress = await beginProgress(sender, mark, rows);
  await withhold(sender, place, progress, rows);
  for (let times = 0; progress.known.size < rows.length; times++) {
    if (progress.perhaps && !(await maySend(sender, place, progress, rows, times))) continue;
    await sendOnce(sender, place, progress);
  }
  faultPoint("forecast.sap.sent");
  const answers = rows.flatMap((row) => progress.known.get(row.seq) ?? []);
  const failed = answers.filter((answer) => !answer.taken).length;
  const ref = await storeAnswers(sender, place, "answers", answers);
  const repeats = (await writer.knowsRepeats?.(requestOf(sender, place, progress.attempt)).catch(() => false)) === true;
  await insertBatch(
    deps.database,
    place.import,
    { round: place.round, batch: place.batch, sent: rows.length, failed, answers: ref },
    timeOf(deps),
    repeats,
  );
  await writer.forget?.(requestOf(sender, place, progress.attempt));
  return { sent: rows.length, failed };
}

async function beginProgress(sender: Sender, mark: BatchMark, rows: readonly ImportRow[]): Promise<Progress> {
  const part = mark.part === undefined ? [] : await readAnswers(sender.deps, sender.runId, mark.part);
  const known = new Map(part.filter((answer) => answer.unsure !== true).map((answer) => [answer.seq, answer]));
  return {
    known,
    perhaps: !mark.isNew,
    why: "the process that sent it ended before the answer was kept.",
    attempt: mark.attempt,
    sending: rows.filter((row) => !known.has(row.seq)),
    isChanged: false,
    halves: 0,
    firstSentAt: Date.parse(mark.at),
  };
}

/** Answers the rows whose series a newer forecast of another group writes: they are not sent (deliver.ts V4). */
async function withhold(sender: Sender, place: BatchPlace, progress: Progress, rows: readonly ImportRow[]): Promise<void> {
  const { deps, target } = sender;
  const series = new Set(progress.sending.flatMap((row) => row.series ?? []));
  const claimed = await findClaimed(deps.database, place.import, [...series]);
  if (claimed.size === 0) return;
  for (const row of progress.sending) {
    const group = row.series === undefined ? undefined : claimed.get(row.series);
    if (group === undefined) continue;
    const text = `not sent any more: the forecast of ${group} for this series, which goes into ${target.name} too, is newer`;
    progress.known.set(row.seq, { seq: row.seq, taken: false, messages: [{ type: "W", id: "STOCKROOM", text, field: "" }] });
  }
  progress.sending = rows.filter((row) => !progress.known.has(row.seq));
  // Perhaps they have been sent all together before: then the others are not to be sent under the same id.
  if (progress.perhaps) progress.isChanged = true;
  else if (progress.sending.length > 0) await goOnApart(sender, place, progress, rows);
}

/** The rest of a batch as a request of its own; the answers so far are kept with it. */
async function goOnApart(sender: Sender, place: BatchPlace, progress: Progress, rows: readonly ImportRow[]): Promise<void> {
  const ref = await storeAnswers(sender, place, "part", partOf(progress, rows));
  progress.attempt = await splitBatch(sender.deps.database, place.import, place.round, place.batch, ref);
  progress.sending = rows.filter((row) => !progress.known.has(row.seq));
  progress.perhaps = false;
  progress.isChanged = false;
}

/** The same id whenever the same rows are sent. */
function requestOf(sender: Sender, place: BatchPlace, attempt: number): BatchRequest {
  const name = `${place.import}/${place.round}/${place.batch}${attempt === 1 ? "" : `/${attempt}`}`;
  const requestId = createHash("sha256").update(name).digest("hex").slice(0, 32);
  return { requestId, madeAt: place.madeAt, signal: sender.signal };
}

async function sendOnce(sender: Sender, place: BatchPlace, progress: Progress): Promise<void> {
  const { deps, writer } = sender;
  try {
    const answers = await writer.write(progress.sending, requestOf(sender, place, progress.attempt));
    const sent = new Set(progress.sending.map((row) => row.seq));
    for (const answer of answers) if (sent.has(answer.seq) && answer.unsure !== true) progress.known.set(answer.seq, answer);
    // A row nobody spoke of is as unsure as one of which that was said.
    progress.perhaps = progress.sending.some((row) => !progress.known.has(row.seq));
    progress.why = "the answer did not speak of them.";
    if (progress.perhaps) progress.halves += 1;
  } catch (error) {
    if (!isStockroomError(error)) throw error;
    if (error.code !== "SAP_UNSURE") {
      // Every other error of a writer says that the batch was not carried out. An earlier sending is as unsure as it was.
      if (!progress.perhaps) await unmarkBatch(deps.database, place.import, place.round, place.batch);
      throw error;
    }
    progress.perhaps = true;
    progress.why = error.message;
  }
}

/**
 * Whether the batch may be sent (again) although it was perhaps carried out: with the same id to a receiver that knows repeats, or, with another id,
 * those rows that are shown not to be there. False: look again at what is open. Throws `SAP_UNSURE` when there is no telling.
 */
async function maySend(sender: Sender, place: BatchPlace, progress: Progress, rows: readonly ImportRow[], times: number): Promise<boolean> {
  if (await isRepeatable(sender, place, progress)) {
    if (times >= mostRepeats) {
      throw new StockroomError(
        "busy",
        "SAP_BUSY",
        `Expected an answer to batch ${place.batch} of import ${place.import} but none arrived, ${times} times. It is asked for again later.`,
      );
    }
    await pause(Math.min(60_000, sender.target.pauseMs * 2 ** times), undefined, { signal: sender.signal });
    return true;
  }
  const absent = await lookUp(sender, place, progress, rows);
  if (progress.known.size === rows.length) return false;
  if (absent) {
    await goOnApart(sender, place, progress, rows);
    return false;
  }
  throw await stop(sender, place, progress, rows);
}

async function isRepeatable(sender: Sender, place: BatchPlace, progress: Progress): Promise<boolean> {
  const { deps, target, writer } = sender;
  // A receiver that gave half an answer twice has no other one.
  if (target.repeatable === false || progress.halves > 1 || progress.isChanged) return false;
  // Files keep their receipts; other receivers forget.
  if (target.kind !== "file" && deps.clock.now() - progress.firstSentAt > target.remembers) return false;
  if (target.kind === "module" && target.repeatable === true) return true;
  if (target.kind === "soap" && (await hasSaidRepeats(deps.database, place.import))) return true;
  return (await writer.knowsRepeats?.(requestOf(sender, place, progress.attempt))) === true;
}

/** Takes what can be read back as answered; true when the rows that are left are shown not to be there. */
async function lookUp(sender: Sender, place: BatchPlace, progress: Progress, rows: readonly ImportRow[]): Promise<boolean> {
  const { writer } = sender;
  if (writer.readBack === undefined) return false;
  const open = rows.filter((row) => !progress.known.has(row.seq));
  const witness = await findWitness(sender, place, progress, rows);
  const held = await writer.readBack([...open, ...witness], sender.signal);
  if (held === undefined) return false;
  for (const { seq } of open) {
    if (held.get(seq) !== true) continue;
    progress.known.set(seq, {
      seq,
      taken: true,
      messages: [{ type: "I", id: "STOCKROOM", text: "read back from the receiver", field: "" }],
    });
  }
  // What is not seen is not there only where what is there is seen.
  return [...open, ...witness].some(({ seq }) => held.get(seq) === true);
}

/** A row that the receiver has taken for certain, to see whether it shows what it holds. */
async function findWitness(
  sender: Sender,
  place: BatchPlace,
  progress: Progress,
  rows: readonly ImportRow[],
): Promise<readonly ImportRow[]> {
  const own = rows.find((row) => progress.known.get(row.seq)?.taken === true);
  if (own !== undefined) return [own];
  const { deps } = sender;
  const before = (await listBatches(deps.database, place.import)).findLast((batch) => batch.sent > batch.failed);
  if (before === undefined) return [];
  const taken = (await readAnswers(deps, sender.runId, before.answers)).find((answer) => answer.taken);
  return taken === undefined ? [] : await sender.reader.rows([taken.seq]);
}

const partOf = (progress: Progress, rows: readonly ImportRow[]): readonly Answer[] =>
  rows.map((row): Answer => progress.known.get(row.seq) ?? { seq: row.seq, taken: false, unsure: true, messages: [] });

async function storeAnswers(sender: Sender, place: BatchPlace, name: "answers" | "part", answers: readonly Answer[]): Promise<ObjectRef> {
  const key = `${prefixes.imports}${place.import}/${name}-${place.round}-${String(place.batch).padStart(6, "0")}.jsonl`;
  const text = answers.map((answer) => JSON.stringify(answer)).join("\n");
  const entry = await sender.deps.objects.put(actAs("deliver", sender.runId), key, Buffer.from(text), {
    contentType: "application/jsonl",
    announce: false,
  });
  return { key: entry.key, version: entry.version };
}

/** Writes down that nobody knows, tells it, and gives the error that stops the import. */
async function stop(sender: Sender, place: BatchPlace, progress: Progress, rows: readonly ImportRow[]): Promise<StockroomError> {
  const { deps, target, runId } = sender;
  const open = rows.filter((row) => !progress.known.has(row.seq));
  const part = await storeAnswers(sender, place, "part", partOf(progress, rows));
  const error = unsure(place, open.length, rows.length, progress.why, open);
  await deps.database.transaction(async (tx) => {
    await doubtBatch(tx, place.import, { round: place.round, batch: place.batch, unsure: open.length, reason: progress.why, part, runId });
    await deps.postNotice(tx, {
      topic: "forecast",
      id: `forecast.import.unsure/${place.import}/${place.round}/${place.batch}/${progress.attempt}`,
      severity: "warning",
      title: `${open.length} rows of ${place.group} are perhaps in ${target.name}`,
      body: error.message,
      facts: { import: place.import, target: target.name, group: place.group, batch: place.batch, rows: open.length },
    });
  });
  return error;
}

function unsure(place: BatchPlace, open: number, all: number, why: string, rows: readonly ImportRow[] = []): StockroomError {
  const which = rows.length === 0 ? `${open} rows` : `rows ${rows[0]?.seq} to ${rows.at(-1)?.seq}`;
  return new StockroomError(
    "input",
    "SAP_UNSURE",
    `Expected an answer to batch ${place.batch} of import ${place.import} but ${open === all ? "none came" : `${open} of its ${all} rows have none`} (${which}): ${why} It is not sent again, because the rows might then be there twice. Look in the ERP whether they are there, then say \`stockroom forecast imports settle ${place.import} --batch ${place.batch} --as taken\` or \`--as lost\`; the import goes on by itself.`,
    { facts: { import: place.import, batch: place.batch, round: place.round, rows: open } },
  );
}
