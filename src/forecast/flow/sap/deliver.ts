// Deliver: a forecast into an ERP, batch by batch, each row's answer kept.
//
//   V1. One import is one (target, export version): asked for again, it is the same import.
//   V2. A batch keeps its request id for ever, so that a receiver that knows repeats carries it out once, whatever dies in between.
//   V3. Rows the ERP refuses end in the answers and in a notice; a resumed import sends those rows and no others.

import { createHash } from "node:crypto";
import { gather } from "../../../base/bytes.ts";
import { isStockroomError, StockroomError } from "../../../base/errors.ts";
import { faultPoint } from "../../../base/faults.ts";
import { readTable } from "../../../base/tables/index.ts";
import type { RunContext, WorkflowDefinition } from "../../../base/workflow/contract.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import {
  beginImport,
  endImport,
  findMark,
  getImport,
  keepBatch,
  listBatches,
  markBatch,
  unmarkBatch,
  type ImportRow as ImportState,
} from "../../store/sap.ts";
import { actAs, timeOf, type ForecastParts } from "../parts.ts";
import { readCredentials } from "./extract.ts";
import { checkFields, fillRow } from "./fill.ts";
import type { SapTarget } from "./settings.ts";
import type { Answer, ImportRow, SapWriter } from "./writers/contract.ts";
import { openWriter } from "./writers/open.ts";

/** `resume` sends what an earlier import's receiver refused; `unsure` says what to do with a batch that was perhaps taken. */
export type DeliverInput =
  | { readonly kind: "new"; readonly target: string; readonly group: string; readonly export: ObjectRef }
  | { readonly kind: "resume"; readonly import: string; readonly requestedAt: string };

export type DeliverResult = { readonly import: string; readonly rows: number; readonly taken: number; readonly refused: number };

/** The import's identity (V1). */
export function importIdOf(target: string, source: ObjectRef): string {
  return createHash("sha256").update(`${target}\n${source.key}\n${source.version}`).digest("hex").slice(0, 20);
}

/** Rows in one object of an import. */
const rowsInPart = 10_000;

/** Throws `missing` `SAP_TARGET_MISSING` naming those there are. */
export function getTarget(parts: Pick<ForecastParts, "settings">, name: string): SapTarget {
  const { targets } = parts.settings.sap;
  const found = targets.find((target) => target.name === name);
  if (found !== undefined) return found;
  throw new StockroomError(
    "missing",
    "SAP_TARGET_MISSING",
    `Expected a target named "${name}" in the settings (forecast.sap.targets) but ${targets.length === 0 ? "there is none" : `there are ${targets.map((one) => one.name).join(", ")}`}.`,
  );
}

type Plan = { readonly id: string; readonly target: string; readonly rows: number; readonly madeAt: string; readonly round: number };

export function makeSapDeliver(parts: ForecastParts): WorkflowDefinition<DeliverInput, DeliverResult> {
  return {
    name: "forecast.sap.deliver",
    queue: "forecast.sap",
    title: (input) => (input.kind === "new" ? `import ${input.group} into ${input.target}` : `resume import ${input.import}`),
    run: async (context, input) => {
      const plan = await context.step("split", async (signal) =>
        input.kind === "new" ? await split(parts, context.runId, input, signal) : await planResume(parts, input),
      );
      const target = getTarget(parts, plan.target);
      const seqs = plan.round === 1 ? undefined : await context.step("refused", async () => await refusedRows(parts, context.runId, plan));
      const total = seqs?.length ?? plan.rows;
      const batches = Math.ceil(total / target.batchRows);
      const reader = makePartReader(parts, context.runId, plan.id);
      const writer = makeLazyWriter(parts, context.runId, target);
      try {
        for (let batch = 1; batch <= batches; batch++) {
          const from = (batch - 1) * target.batchRows;
          const to = Math.min(total, from + target.batchRows);
          await context.step(`batch-${batch}`, async (signal) => {
            const rows = await reader.rows(seqs === undefined ? range(from + 1, to) : seqs.slice(from, to));
            return await sendBatch(parts, context, target, await writer.open(), plan, batch, rows, signal);
          });
          faultPoint("forecast.sap.batch");
          context.progress(to, total, "rows answered");
        }
      } finally {
        await writer.close();
      }
      const ended = await context.step("end", async () => await end(parts, context.runId, plan));
      return { import: plan.id, rows: plan.rows, taken: ended.sent, refused: ended.failed };
    },
  };
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

const partKey = (id: string, part: number): string => `${prefixes.imports}${id}/rows-${String(part).padStart(6, "0")}.jsonl`;

/** Fills the target's fields from the export and keeps the rows in sealed parts. */
async function split(
  parts: ForecastParts,
  runId: string,
  input: DeliverInput & { readonly kind: "new" },
  signal: AbortSignal,
): Promise<Plan> {
  const target = getTarget(parts, input.target);
  const actor = actAs("deliver", runId);
  const id = importIdOf(input.target, input.export);
  const { body } = await parts.objects.get(actor, input.export.key, { version: input.export.version, signal });
  const table = await readTable(body, {
    name: input.export.key,
    signal,
    onBadRow: (row) => {
      throw new StockroomError(
        "fault",
        "SAP_EXPORT",
        `Expected every row of ${input.export.key} to be readable but line ${row.line} is not: ${row.reason}`,
      );
    },
  });
  checkFields(target, table.columns);
  const columns = new Map(table.columns.map((column, index) => [column, index]));
  let lines: string[] = [];
  let seq = 0;
  let part = 0;
  const flush = async (): Promise<void> => {
    part += 1;
    await parts.objects.put(actor, partKey(id, part), Buffer.from(lines.join("\n")), {
      contentType: "application/jsonl",
      announce: false,
      signal,
    });
    lines = [];
  };
  for await (const batch of table.batches) {
    for (const row of batch.rows) {
      seq += 1;
      lines.push(JSON.stringify({ seq, fields: fillRow(target, columns, row) } satisfies ImportRow));
      if (lines.length === rowsInPart) await flush();
    }
  }
  if (lines.length > 0) await flush();
  const madeAt = timeOf(parts);
  await beginImport(parts.records, { id, target: target.name, group: input.group, source: input.export, rows: seq, at: madeAt });
  const state = await getImport(parts.records, id);
  return { id, target: target.name, rows: seq, madeAt: state.startedAt, round: 1 };
}

async function planResume(parts: ForecastParts, input: DeliverInput & { readonly kind: "resume" }): Promise<Plan> {
  const state = await getImport(parts.records, input.import);
  if (state.state === "running") {
    throw new StockroomError(
      "conflict",
      "SAP_IMPORT_RUNNING",
      `Expected import ${state.id} to have ended but it still runs or lies in the dead letters. Let it end, or redrive it (\`stockroom dead list\`).`,
    );
  }
  const rounds = (await listBatches(parts.records, state.id)).map((batch) => batch.round);
  return { id: state.id, target: state.target, rows: state.rows, madeAt: timeOf(parts), round: Math.max(1, ...rounds) + 1 };
}

/** The rows the last round's receiver refused. */
async function refusedRows(
  parts: Pick<ForecastParts, "objects" | "records">,
  runId: string,
  plan: Pick<Plan, "id" | "round">,
): Promise<readonly number[]> {
  const batches = await listBatches(parts.records, plan.id);
  const last = Math.max(0, ...batches.filter((batch) => batch.round < plan.round).map((batch) => batch.round));
  const seqs: number[] = [];
  for (const batch of batches) {
    if (batch.round !== last || batch.failed === 0) continue;
    for (const answer of await readAnswers(parts, runId, batch.answers)) if (!answer.taken) seqs.push(answer.seq);
  }
  return seqs;
}

/** The answers of one batch. */
export async function readAnswers(parts: Pick<ForecastParts, "objects">, purpose: string, ref: ObjectRef): Promise<readonly Answer[]> {
  const { body } = await parts.objects.get(actAs("deliver", purpose), ref.key, { version: ref.version });
  return linesOf(await gather(body)).map((line): Answer => JSON.parse(line));
}

/** A row the ERP refused and has not taken since, with what it was and what was said of it. */
export interface RefusedRow {
  readonly seq: number;
  readonly batch: number;
  readonly round: number;
  readonly fields: ImportRow["fields"];
  readonly messages: Answer["messages"];
}

/** The rows of an import that were refused in its last round, in their order. Throws `missing` `SAP_IMPORT_MISSING`. */
export async function readRefused(parts: ForecastParts, purpose: string, importId: string): Promise<readonly RefusedRow[]> {
  const state = await getImport(parts.records, importId);
  const batches = await listBatches(parts.records, state.id);
  const last = Math.max(0, ...batches.map((batch) => batch.round));
  const reader = makePartReader(parts, purpose, state.id);
  const refused: RefusedRow[] = [];
  for (const { round, batch, failed, answers } of batches) {
    if (round !== last || failed === 0) continue;
    const bad = (await readAnswers(parts, purpose, answers)).filter((answer) => !answer.taken);
    const rows = await reader.rows(bad.map(({ seq }) => seq));
    for (const [at, { seq, messages }] of bad.entries()) refused.push({ seq, batch, round, fields: rows[at]?.fields ?? {}, messages });
  }
  return refused;
}

function linesOf(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** Reads rows by number; keeps the part it read last. */
function makePartReader(parts: ForecastParts, runId: string, id: string): { rows(seqs: readonly number[]): Promise<readonly ImportRow[]> } {
  let held: { readonly part: number; readonly lines: readonly string[] } | undefined;
  return {
    async rows(seqs) {
      const rows: ImportRow[] = [];
      for (const seq of seqs) {
        const part = Math.floor((seq - 1) / rowsInPart) + 1;
        if (held?.part !== part)
          held = { part, lines: linesOf(await parts.objects.read(actAs("deliver", runId), partKey(id, part), { maxBytes: 2 ** 30 })) };
        const line = held.lines[(seq - 1) % rowsInPart];
        if (line === undefined)
          throw new StockroomError("fault", "SAP_IMPORT_ROWS", `Expected row ${seq} of import ${id} in the store but it is not there.`);
        const row: ImportRow = JSON.parse(line);
        rows.push(row);
      }
      return rows;
    },
  };
}

function makeLazyWriter(parts: ForecastParts, runId: string, target: SapTarget): { open(): Promise<SapWriter>; close(): Promise<void> } {
  let opened: Promise<SapWriter> | undefined;
  return {
    async open() {
      opened ??= readCredentials(parts, "deliver", runId, "credentials" in target ? target.credentials : undefined).then(
        async (credentials) => await openWriter(target, credentials),
      );
      return await opened;
    },
    async close() {
      await opened?.then(
        async (writer) => await writer.close(),
        () => undefined,
      );
    },
  };
}

type Sent = { readonly sent: number; readonly failed: number };

async function sendBatch(
  parts: ForecastParts,
  context: RunContext,
  target: SapTarget,
  writer: SapWriter,
  plan: Plan,
  batch: number,
  rows: readonly ImportRow[],
  signal: AbortSignal,
): Promise<Sent> {
  const isNew = await markBatch(parts.records, plan.id, plan.round, batch, timeOf(parts));
  const known = isNew
    ? undefined
    : (await listBatches(parts.records, plan.id)).find((one) => one.round === plan.round && one.batch === batch);
  if (known !== undefined) return { sent: known.sent, failed: known.failed };
  if (!isNew && !target.repeatable) throw unsure(plan, batch, rows);
  const requestId = createHash("sha256").update(`${plan.id}/${plan.round}/${batch}`).digest("hex").slice(0, 32);
  let answers: readonly Answer[];
  try {
    answers = await writer.write(rows, { requestId, madeAt: plan.madeAt, signal });
  } catch (error) {
    if (!target.repeatable && isStockroomError(error) && error.code === "SAP_UNSURE") throw unsure(plan, batch, rows);
    // Every other error of a writer says that the batch was not carried out.
    if (isStockroomError(error)) await unmarkBatch(parts.records, plan.id, plan.round, batch);
    throw error;
  }
  faultPoint("forecast.sap.sent");
  const failed = answers.filter((answer) => !answer.taken).length;
  const key = `${prefixes.imports}${plan.id}/answers-${plan.round}-${String(batch).padStart(6, "0")}.jsonl`;
  const entry = await parts.objects.put(
    actAs("deliver", context.runId),
    key,
    Buffer.from(answers.map((answer) => JSON.stringify(answer)).join("\n")),
    {
      contentType: "application/jsonl",
      announce: false,
    },
  );
  const kept = { round: plan.round, batch, sent: rows.length, failed, answers: { key: entry.key, version: entry.version } };
  await keepBatch(parts.records, plan.id, kept, timeOf(parts));
  return { sent: rows.length, failed };
}

function unsure(plan: Plan, batch: number, rows: readonly ImportRow[]): StockroomError {
  return new StockroomError(
    "input",
    "SAP_UNSURE",
    `Expected an answer to batch ${batch} of import ${plan.id} (rows ${rows[0]?.seq} to ${rows.at(-1)?.seq}) but it died on the way and the receiver knows no repeats. Look in the ERP whether the rows are there, then say \`stockroom forecast imports settle ${plan.id} --batch ${batch} --as taken\` or \`--as lost\`, and redrive the dead letter.`,
    { facts: { import: plan.id, batch, round: plan.round } },
  );
}

/** A person's word on a batch that was perhaps taken: `taken` keeps it as answered, `lost` lets it be sent again. */
export async function settleBatch(
  parts: Pick<ForecastParts, "objects" | "records" | "clock" | "settings">,
  importId: string,
  batch: number,
  as: "taken" | "lost",
  purpose: string,
): Promise<void> {
  const state = await getImport(parts.records, importId);
  const round = await findMark(parts.records, importId, batch);
  if (round === undefined) {
    throw new StockroomError(
      "conflict",
      "SAP_BATCH_CERTAIN",
      `Expected batch ${batch} of import ${importId} to have been sent without an answer but it was not. There is nothing to settle.`,
    );
  }
  if (as === "lost") {
    await unmarkBatch(parts.records, importId, round, batch);
    return;
  }
  const { batchRows } = getTarget(parts, state.target);
  const refused = round === 1 ? undefined : await refusedRows(parts, purpose, { id: importId, round });
  const from = (batch - 1) * batchRows;
  const to = Math.min(refused?.length ?? state.rows, from + batchRows);
  const seqs = refused?.slice(from, to) ?? range(from + 1, to);
  const answers = seqs.map((seq): Answer => ({
    seq,
    taken: true,
    messages: [{ type: "I", id: "STOCKROOM", text: "settled by hand", field: "" }],
  }));
  const key = `${prefixes.imports}${importId}/answers-${round}-${String(batch).padStart(6, "0")}.jsonl`;
  const entry = await parts.objects.put(actAs("deliver", purpose), key, Buffer.from(answers.map((one) => JSON.stringify(one)).join("\n")), {
    contentType: "application/jsonl",
    announce: false,
  });
  await keepBatch(
    parts.records,
    importId,
    { round, batch, sent: seqs.length, failed: 0, answers: { key: entry.key, version: entry.version } },
    timeOf(parts),
  );
}

async function end(parts: ForecastParts, runId: string, plan: Plan): Promise<ImportState> {
  const batches = await listBatches(parts.records, plan.id);
  const firstBad = batches.find((batch) => batch.round === plan.round && batch.failed > 0);
  const refused = firstBad === undefined ? undefined : (await readAnswers(parts, runId, firstBad.answers)).find((answer) => !answer.taken);
  return await parts.records.transaction(async (tx) => {
    const ended = await endImport(tx, plan.id, timeOf(parts));
    const said = refused?.messages.map((message) => `${message.id} ${message.text}`.trim()).join("; ") ?? "";
    await parts.postNotice(tx, {
      topic: "forecast",
      id: `forecast.import/${plan.id}/${plan.round}`,
      severity: ended.failed > 0 ? "warning" : "info",
      title:
        ended.failed > 0
          ? `${ended.failed} of ${ended.rows} rows were refused by ${plan.target}`
          : `${ended.rows} rows are in ${plan.target}`,
      body:
        ended.failed > 0
          ? `${plan.target} took ${ended.sent} rows of ${ended.group} and refused ${ended.failed}. The first refusal: ${said || "without a message"}. \`stockroom forecast imports show ${plan.id}\` lists them; when the cause is mended, \`stockroom forecast imports resume ${plan.id}\` sends them and no others.`
          : `${plan.target} took all ${ended.rows} rows of ${ended.group}.`,
      facts: { import: plan.id, target: plan.target, group: ended.group, rows: ended.rows, taken: ended.sent, refused: ended.failed },
    });
    return ended;
  });
}
