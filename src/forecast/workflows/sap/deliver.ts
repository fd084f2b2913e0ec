// Deliver: a forecast into an ERP, batch by batch, each row's answer kept.
//
//   V1. One import is one (target, export version): asked for again, it is the same import.
//   V2. A batch is sent once. It is sent again under its request id only when its receiver has said that it knows repeats, and within the time it
//       remembers them; or those of its rows are that a reading back shows not to be there. Otherwise its rows are unsure, the import stops there,
//       and a person says what became of them (`settleBatch`). A row is told as taken only upon an answer, a reading back, or that word.
//   V3. Rows the ERP refuses end in the answers and in a notice; a resumed import sends those rows and no others.
//   V4. Of the forecasts of a group the newest one is what stands in a target in the end: an older import sends no batch once a newer one has begun,
//       and ends as superseded, which is told. Of forecasts of different groups the newest one is what stands for a series in a target in the
//       end: rows of an older one are not sent any more, and have that as their answer. That two groups share series is told.

import { createHash } from "node:crypto";
import { StockroomError } from "../../../platform/errors.ts";
import { faultPoint } from "../../../platform/faults.ts";
import type { Tx } from "../../../platform/database/contract.ts";
import { readTable } from "../../../platform/formats/index.ts";
import type { WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import { prefixes, type ObjectRef } from "../../store/keys.ts";
import {
  beginImport,
  claimSeries,
  clearDoubt,
  endImport,
  getImport,
  isSuperseded,
  insertBatch,
  listBatches,
  listUnanswered,
  markSuperseded,
  passBatches,
  reopenBatch,
  supersedeOlder,
  unmarkBatch,
  type ImportRow as ImportState,
  type SharedSeries,
} from "../../store/sap.ts";
import { actAs, timeOf, type ForecastDeps } from "../deps.ts";
import { readCredentials } from "./extract.ts";
import { checkFields, fillRow, seriesFields, seriesOf } from "./fill.ts";
import { getNamed, type SapTarget } from "./settings.ts";
import { makePartReader, partKey, readAnswers, rowsInPart } from "./import-rows.ts";
import { sendBatch } from "./send.ts";
import type { Answer, ImportRow, SapWriter } from "./writers/contract.ts";
import { openWriter } from "./writers/open.ts";

/** `resume` sends what an earlier import's receiver refused; `unsure` says what to do with a batch that was perhaps taken. */
export type DeliverInput =
  | { readonly kind: "new"; readonly target: string; readonly group: string; readonly export: ObjectRef }
  | { readonly kind: "resume"; readonly import: string; readonly requestedAt: string };

export type DeliverResult = {
  readonly import: string;
  readonly rows: number;
  readonly taken: number;
  readonly refused: number;
  /** A newer forecast of the group goes there: the rest was not sent. */
  readonly superseded?: true;
};

/** The import's identity (V1). */
export function importIdOf(target: string, source: ObjectRef): string {
  return createHash("sha256").update(`${target}\n${source.key}\n${source.version}`).digest("hex").slice(0, 20);
}

/** Throws `missing` `SAP_TARGET_MISSING` naming those there are. */
export const getTarget = (deps: Pick<ForecastDeps, "settings">, name: string): SapTarget =>
  getNamed("target", deps.settings.sap.targets, name);

type ImportPlan = {
  readonly id: string;
  readonly target: string;
  readonly rows: number;
  readonly madeAt: string;
  readonly round: number;
  readonly batchRows: number;
  readonly group: string;
};

export function makeSapDeliver(deps: ForecastDeps): WorkflowDefinition<DeliverInput, DeliverResult> {
  return {
    name: "forecast.sap.deliver",
    queue: "forecast.sap",
    outward: true,
    title: (input) => (input.kind === "new" ? `import ${input.group} into ${input.target}` : `resume import ${input.import}`),
    run: async (context, input) => {
      const plan = await context.step("split", async (signal) =>
        input.kind === "new" ? await split(deps, context.runId, input, signal) : await planResume(deps, input),
      );
      const target = getTarget(deps, plan.target);
      const seqs = plan.round === 1 ? undefined : await context.step("refused", async () => await refusedRows(deps, context.runId, plan));
      const total = seqs?.length ?? plan.rows;
      const batches = Math.ceil(total / plan.batchRows);
      const reader = makePartReader(deps, context.runId, plan.id);
      const writer = makeLazyWriter(deps, context.runId, target);
      try {
        for (let batch = 1; batch <= batches; batch++) {
          const from = (batch - 1) * plan.batchRows;
          const to = Math.min(total, from + plan.batchRows);
          const sent = await context.step(`batch-${batch}`, async (signal) => {
            const rows = await reader.rows(seqs === undefined ? range(from + 1, to) : seqs.slice(from, to));
            const place = { import: plan.id, group: plan.group, round: plan.round, batch, madeAt: plan.madeAt };
            return await sendBatch(
              { deps, runId: context.runId, target, open: async () => await writer.open(), reader, signal },
              place,
              rows,
            );
          });
          if (sent === "superseded") {
            const ended = await context.step("superseded", async () => await endSuperseded(deps, plan));
            return { import: plan.id, rows: plan.rows, taken: ended.sent, refused: ended.failed, superseded: true };
          }
          faultPoint("forecast.sap.batch");
          context.progress(to, total, "rows answered");
        }
      } finally {
        await writer.close();
      }
      const ended = await context.step("end", async () => await end(deps, context.runId, plan));
      return { import: plan.id, rows: plan.rows, taken: ended.sent, refused: ended.failed };
    },
  };
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Fills the target's fields from the export and keeps the rows in sealed parts. */
async function split(
  deps: ForecastDeps,
  runId: string,
  input: DeliverInput & { readonly kind: "new" },
  signal: AbortSignal,
): Promise<ImportPlan> {
  const target = getTarget(deps, input.target);
  const actor = actAs("deliver", runId);
  const id = importIdOf(input.target, input.export);
  const { body } = await deps.objects.get(actor, input.export.key, { version: input.export.version, signal });
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
  const naming = seriesFields(target, table.columns);
  const all = new Set<string>();
  let lines: string[] = [];
  let seq = 0;
  let part = 0;
  const flush = async (): Promise<void> => {
    part += 1;
    await deps.objects.put(actor, partKey(id, part), Buffer.from(lines.join("\n")), {
      contentType: "application/jsonl",
      announce: false,
      signal,
    });
    lines = [];
  };
  for await (const batch of table.batches) {
    for (const row of batch.rows) {
      seq += 1;
      const fields = fillRow(target, columns, row);
      const series = seriesOf(naming, fields);
      all.add(series);
      lines.push(JSON.stringify({ seq, fields, series } satisfies ImportRow));
      if (lines.length === rowsInPart) await flush();
    }
  }
  if (lines.length > 0) await flush();
  const madeAt = timeOf(deps);
  const row = {
    id,
    target: target.name,
    group: input.group,
    source: input.export,
    rows: seq,
    batchRows: target.batchRows,
    at: madeAt,
  };
  const shared = await deps.database.transaction(async (tx) => {
    await beginImport(tx, row);
    for (const older of await supersedeOlder(tx, id, madeAt)) await tellSuperseded(deps, tx, older);
    const found = await claimSeries(tx, id, [...all]);
    await tellShared(deps, tx, row, found);
    return found;
  });
  // Of another group, a batch that was begun before our claim stood is to arrive before our first one.
  if (shared.length > 0) await passBatches(deps.database, target.name, signal);
  const state = await getImport(deps.database, id);
  return { ...importPlanOf(state, target), rows: seq, madeAt: state.startedAt, round: 1 };
}

/** The size of batches stays that of the import's beginning: other ones would be other rows under the same ids. */
function importPlanOf(state: ImportState, target: Pick<SapTarget, "batchRows">): Pick<ImportPlan, "id" | "target" | "group" | "batchRows"> {
  return { id: state.id, target: state.target, group: state.group, batchRows: state.batchRows ?? target.batchRows };
}

async function planResume(deps: ForecastDeps, input: DeliverInput & { readonly kind: "resume" }): Promise<ImportPlan> {
  const state = await getImport(deps.database, input.import);
  if (state.state === "unsure") {
    throw new StockroomError(
      "conflict",
      "SAP_IMPORT_UNSURE",
      `Expected every row of import ${state.id} to be certain but of ${state.unsure} nobody knows whether ${state.target} took them. Settle them first: \`stockroom forecast imports show ${state.id}\` lists them.`,
    );
  }
  if (state.state === "superseded" || (await isSuperseded(deps.database, state.id))) {
    throw new StockroomError(
      "conflict",
      "SAP_IMPORT_SUPERSEDED",
      `Expected import ${state.id} to be the newest of ${state.group} into ${state.target} but a newer forecast has gone there since, which its rows would overwrite. Nothing was sent. Look at the newer one: \`stockroom forecast imports list\`.`,
    );
  }
  if (state.state === "running") {
    throw new StockroomError(
      "conflict",
      "SAP_IMPORT_RUNNING",
      `Expected import ${state.id} to have ended but it still runs or lies in the dead letters. Let it end, or redrive it (\`stockroom dead list\`).`,
    );
  }
  const rounds = (await listBatches(deps.database, state.id)).map((batch) => batch.round);
  const target = getTarget(deps, state.target);
  return { ...importPlanOf(state, target), rows: state.rows, madeAt: timeOf(deps), round: Math.max(1, ...rounds) + 1 };
}

/** Ends an import whose rest is not to be sent (V4). */
async function endSuperseded(deps: ForecastDeps, plan: ImportPlan): Promise<{ readonly sent: number; readonly failed: number }> {
  return await deps.database.transaction(async (tx) => {
    await markSuperseded(tx, plan.id);
    const ended = await endImport(tx, plan.id, timeOf(deps));
    await tellSuperseded(deps, tx, ended);
    return { sent: ended.sent, failed: ended.failed };
  });
}

async function tellSuperseded(deps: ForecastDeps, tx: Tx, row: ImportState): Promise<void> {
  await deps.postNotice(tx, {
    topic: "forecast",
    id: `forecast.import.superseded/${row.id}`,
    severity: "warning",
    title: `A forecast of ${row.group} was superseded on its way into ${row.target}`,
    body: `Import ${row.id} (${row.rows} rows) sends nothing more, because a newer forecast of ${row.group} goes into ${row.target}: the older one would overwrite it. What had gone there is overwritten row by row; rows that the newer forecast does not have stay as the older one left them. \`stockroom forecast imports show ${row.id}\` says how far it had come.`,
    facts: { import: row.id, target: row.target, group: row.group, rows: row.rows },
  });
}

/** Tells that other groups write the same series; exports of folders follow each other under a new name each time, which is as it should be. */
async function tellShared(
  deps: ForecastDeps,
  tx: Tx,
  row: { readonly id: string; readonly target: string; readonly group: string; readonly source: ObjectRef },
  all: readonly SharedSeries[],
): Promise<void> {
  const isFolder = (key: string): boolean => key.startsWith(prefixes.exports) && (key.split("/").at(-2) ?? "").startsWith("direct-");
  const shared = all.filter((one) => !(isFolder(row.source.key) && isFolder(one.sourceKey)));
  if (shared.length === 0) return;
  const said = shared.map(
    (one) =>
      `${one.count} of ${one.group} (import ${one.import}), whose forecast is ${one.theirsCounts ? "the newer one and stays there" : "the older one and is overwritten"}`,
  );
  await deps.postNotice(tx, {
    topic: "forecast",
    id: `forecast.import.shared/${row.id}`,
    severity: "warning",
    title: `${row.group} writes series into ${row.target} that another group writes, too`,
    body: `Import ${row.id} of ${row.group} has series in common with ${said.join("; ")}. In the end the newest forecast of each series stands in ${row.target}, whichever group it is of. If both are wanted, let a field of the target tell them apart, or give one group a target of its own; else leave these items to one group.`,
    facts: { import: row.id, target: row.target, group: row.group, series: shared.reduce((sum, one) => sum + one.count, 0) },
  });
}

/** The rows the last round's receiver refused. */
async function refusedRows(
  deps: Pick<ForecastDeps, "objects" | "database">,
  runId: string,
  plan: Pick<ImportPlan, "id" | "round">,
): Promise<readonly number[]> {
  const batches = await listBatches(deps.database, plan.id);
  const last = Math.max(0, ...batches.filter((batch) => batch.round < plan.round).map((batch) => batch.round));
  const seqs: number[] = [];
  for (const batch of batches) {
    if (batch.round !== last || batch.failed === 0) continue;
    for (const answer of await readAnswers(deps, runId, batch.answers)) if (!answer.taken) seqs.push(answer.seq);
  }
  return seqs;
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
export async function readRefused(deps: ForecastDeps, purpose: string, importId: string): Promise<readonly RefusedRow[]> {
  const state = await getImport(deps.database, importId);
  const batches = await listBatches(deps.database, state.id);
  const last = Math.max(0, ...batches.map((batch) => batch.round));
  const reader = makePartReader(deps, purpose, state.id);
  const refused: RefusedRow[] = [];
  for (const { round, batch, failed, answers } of batches) {
    if (round !== last || failed === 0) continue;
    const bad = (await readAnswers(deps, purpose, answers)).filter((answer) => !answer.taken && answer.unsure !== true);
    const rows = await reader.rows(bad.map(({ seq }) => seq));
    for (const [at, { seq, messages }] of bad.entries()) refused.push({ seq, batch, round, fields: rows[at]?.fields ?? {}, messages });
  }
  return refused;
}

function makeLazyWriter(deps: ForecastDeps, runId: string, target: SapTarget): { open(): Promise<SapWriter>; close(): Promise<void> } {
  let opened: Promise<SapWriter> | undefined;
  return {
    async open() {
      opened ??= readCredentials(deps, "deliver", runId, "credentials" in target ? target.credentials : undefined).then(
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

/** Rows of which nobody knows whether the ERP took them. */
export interface UnsureRows {
  readonly round: number;
  readonly batch: number;
  readonly at: string;
  readonly reason: string;
  readonly rows: readonly ImportRow[];
}

/** The unsure rows of an import, batch by batch. Throws `missing` `SAP_IMPORT_MISSING`. */
export async function readUnsure(deps: ForecastDeps, purpose: string, importId: string): Promise<readonly UnsureRows[]> {
  const state = await getImport(deps.database, importId);
  const reader = makePartReader(deps, purpose, state.id);
  const all: UnsureRows[] = [];
  for (const { round, batch, at, unsure, reason, part } of await listUnanswered(deps.database, importId)) {
    if (unsure === 0 || part === undefined) continue;
    const seqs = (await readAnswers(deps, purpose, part)).filter((answer) => answer.unsure === true).map(({ seq }) => seq);
    all.push({ round, batch, at, reason: reason ?? "", rows: await reader.rows(seqs) });
  }
  return all;
}

/**
 * A person's word on the rows of a batch that were perhaps taken: `taken` keeps them as answered, `lost` lets them be sent again; rows of the batch
 * whose answer came stay as answered. Gives the run to be redriven, once nothing of the import is unsure any more.
 *
 * Throws `conflict` `SAP_BATCH_CERTAIN`.
 */
export async function settleBatch(
  deps: Pick<ForecastDeps, "objects" | "database" | "clock" | "settings">,
  importId: string,
  batch: number,
  as: "taken" | "lost",
  purpose: string,
): Promise<string | undefined> {
  const state = await getImport(deps.database, importId);
  const open = (await listUnanswered(deps.database, importId)).findLast((one) => one.batch === batch);
  if (open === undefined) {
    throw new StockroomError(
      "conflict",
      "SAP_BATCH_CERTAIN",
      `Expected batch ${batch} of import ${importId} to have been sent without an answer but it was not. There is nothing to settle.`,
    );
  }
  const { round, part } = open;
  if (as === "lost") {
    if (part === undefined) await unmarkBatch(deps.database, importId, round, batch);
    else await reopenBatch(deps.database, importId, round, batch);
  } else {
    const known = part === undefined ? await unknownRows(deps, state, round, batch, purpose) : await readAnswers(deps, purpose, part);
    const answers = known.map((answer): Answer => (answer.unsure === true ? settledByHand(answer.seq) : answer));
    const key = `${prefixes.imports}${importId}/answers-${round}-${String(batch).padStart(6, "0")}.jsonl`;
    const text = answers.map((one) => JSON.stringify(one)).join("\n");
    const entry = await deps.objects.put(actAs("deliver", purpose), key, Buffer.from(text), {
      contentType: "application/jsonl",
      announce: false,
    });
    const failed = answers.filter((answer) => !answer.taken).length;
    const kept = { round, batch, sent: answers.length, failed, answers: { key: entry.key, version: entry.version } };
    await insertBatch(deps.database, importId, kept, timeOf(deps));
  }
  return (await clearDoubt(deps.database, importId)) ? state.runId : undefined;
}

const settledByHand = (seq: number): Answer => ({
  seq,
  taken: true,
  messages: [{ type: "I", id: "STOCKROOM", text: "settled by hand", field: "" }],
});

/** The rows of a batch whose process died before it could say anything of them. */
async function unknownRows(
  deps: Pick<ForecastDeps, "objects" | "database" | "settings">,
  state: ImportState,
  round: number,
  batch: number,
  purpose: string,
): Promise<readonly Answer[]> {
  const batchRows = state.batchRows ?? getTarget(deps, state.target).batchRows;
  const refused = round === 1 ? undefined : await refusedRows(deps, purpose, { id: state.id, round });
  const from = (batch - 1) * batchRows;
  const to = Math.min(refused?.length ?? state.rows, from + batchRows);
  const seqs = refused?.slice(from, to) ?? range(from + 1, to);
  return seqs.map((seq): Answer => ({ seq, taken: false, unsure: true, messages: [] }));
}

async function end(deps: ForecastDeps, runId: string, plan: ImportPlan): Promise<{ readonly sent: number; readonly failed: number }> {
  const batches = await listBatches(deps.database, plan.id);
  const firstBad = batches.find((batch) => batch.round === plan.round && batch.failed > 0);
  const refused = firstBad === undefined ? undefined : (await readAnswers(deps, runId, firstBad.answers)).find((answer) => !answer.taken);
  return await deps.database.transaction(async (tx) => {
    const ended = await endImport(tx, plan.id, timeOf(deps));
    const said = refused?.messages.map((message) => `${message.id} ${message.text}`.trim()).join("; ") ?? "";
    await deps.postNotice(tx, {
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
    return { sent: ended.sent, failed: ended.failed };
  });
}
