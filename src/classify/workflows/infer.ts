// Infer: the champions of a country's lines code one file of sales; or two models code a test set, by the same way.
//
//   F1. One pass over the file serves every line: the rows are read and hashed once.
//   F2. Predictions, figures, review items and the inference rows become visible in one transaction.
//   F3. A resumed step writes the same bytes under the same keys, so it makes nothing new.
//   F5. What people have answered on the file's items is laid over the coding in that same transaction (workflows/answers.ts).
//   F4. A period is told as coded once for each set of inferences, by whoever sees the last piece fall (store/inferences.ts I2).

import { createHash } from "node:crypto";
import { StockroomError } from "../../platform/errors.ts";
import { faultPoint } from "../../platform/faults.ts";
import type { WriteHandle } from "../../platform/objects/contract.ts";
import type { Tx } from "../../platform/database/contract.ts";
import { appendEvent } from "../../platform/database/outbox.ts";
import type { RunContext, WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { nearest, parseLine } from "../engine/lines.ts";
import { prefixes, readKey, type ObjectRef } from "../store/keys.ts";
import { findAnswers, listAsked, lockAnswers, nameItem } from "../store/answers.ts";
import { insertAudit } from "../store/audit.ts";
import { isAutomatic } from "../store/champions.ts";
import {
  earlierInferences,
  fingerprintOf,
  insertCompletion,
  insertInference,
  lockPeriod,
  readCompletion,
  type Completion,
} from "../store/inferences.ts";
import { findChampion, getModel, listLines, type ModelRow } from "../store/lines.ts";
import { findPlaces, queueReviews, type NewReview } from "../store/reviews.ts";
import { findScheme, type SchemeRevision } from "../store/schemes.ts";
import { labelJob, type LabelledLine, type LabelResult, type LineTask } from "./jobs/label-job.ts";
import { settleAnswers } from "./answers.ts";
import { settleSchemes } from "./schemes.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";

export type InferInput =
  | { readonly kind: "period"; readonly key: string; readonly version: string; readonly lines: readonly string[] | null }
  | { readonly kind: "test"; readonly line: string; readonly test: ObjectRef; readonly models: readonly string[] };

export type InferResult = {
  readonly items: number;
  readonly badRows: number;
  readonly predictions: readonly { readonly line: string; readonly model: string; readonly key: string; readonly version: string }[];
  /** Lines without a champion yet: coded as soon as they have one. */
  readonly waiting: readonly string[];
};

type PlannedLine = { readonly line: string; readonly model: string };

export function makeInfer(deps: ClassifyDeps): WorkflowDefinition<InferInput, InferResult> {
  return {
    name: "classify.infer",
    queue: "classify.heavy",
    title: (input) =>
      input.kind === "test"
        ? `label the unseen items of ${input.line}`
        : `code ${input.key}${input.lines === null ? "" : ` for ${input.lines.join(", ")}`}`,
    run: async (context, input) => {
      if (input.kind === "test") {
        const planned = input.models.map((model) => ({ line: input.line, model }));
        return await context.step("label", async (signal) => await labelTest(deps, context, input.line, input.test, planned, signal));
      }
      const plan = await context.step("plan", async () => {
        await settleSchemes(deps, context.runId);
        return await planLines(deps, input);
      });
      if (plan.lines.length === 0 || plan.waiting.length > 0) {
        await context.step("tell", async () => {
          await notifyWaiting(deps, input, plan);
          return null;
        });
      }
      if (plan.lines.length === 0) return { items: 0, badRows: 0, predictions: [], waiting: plan.waiting };
      const result = await context.step("label", async (signal) => await labelSales(deps, context, input, plan.lines, signal));
      await context.step("complete", async () => {
        await completePeriod(deps, plan.period, plan.country);
        return null;
      });
      return { ...result, waiting: plan.waiting };
    },
  };
}

interface Plan {
  readonly period: string;
  readonly country: string;
  readonly lines: readonly PlannedLine[];
  readonly waiting: readonly string[];
}

async function planLines(deps: ClassifyDeps, input: InferInput & { readonly kind: "period" }): Promise<Plan> {
  const place = readKey(input.key);
  if (place.kind !== "sales") {
    throw new StockroomError(
      "input",
      "SALES_KEY",
      `Expected sales under ${prefixes.sales}PERIOD/COUNTRY.csv (e.g. ${prefixes.sales}2026-10/GBR.csv) but received ${input.key}. Put the file under such a key.`,
      { facts: { key: input.key } },
    );
  }
  const lines = (await listLines(deps.database, { country: place.country })).filter(
    (line) => input.lines === null || input.lines.includes(line.line),
  );
  const planned: PlannedLine[] = [];
  const waiting: string[] = [];
  for (const line of lines) {
    if (line.champion === undefined) waiting.push(line.line);
    else planned.push({ line: line.line, model: line.champion });
  }
  return { period: place.period, country: place.country, lines: planned, waiting };
}

/** Sales that no line codes, or not every line, are told: nobody looks for figures that were never promised. */
async function notifyWaiting(deps: ClassifyDeps, input: ObjectRef, plan: Plan): Promise<void> {
  const { country, waiting, lines } = plan;
  const all = await listLines(deps.database);
  const near = nearest(country, [...new Set(all.map((line) => line.country))]);
  const title = waiting.length > 0 ? `${input.key} waits for ${waiting.join(", ")}` : `${input.key} is coded by no line`;
  const body =
    waiting.length > 0
      ? `${waiting.join(", ")} ${waiting.length === 1 ? "has" : "have"} no champion yet; the file is coded by ${waiting.length === 1 ? "it" : "them"} as soon as there is one.${lines.length === 0 ? " Until then it is in no figure." : ""}`
      : `${country} has no line, so these sales are in no figure.${near === undefined || near === country ? "" : ` Did you mean ${near}?`} Put labelled items under ${prefixes.labelled}${country}/, or the sales under the right country.`;
  await deps.database.transaction(async (tx) => {
    await deps.postNotice(tx, {
      topic: "mlops",
      id: `classify.waiting/${input.key}@${input.version}/${waiting.join(",")}`,
      severity: "warning",
      title,
      body,
      facts: { key: input.key, version: input.version, country },
    });
  });
}

/** Beside every model lies how its training items looked. */
export function profileKey(modelKey: string): string {
  return modelKey.replace(/\.model$/, ".profile.json");
}

/** Everything the job needs to know of one line, handles included. The handles never leave this step. */
export async function taskOf(
  deps: ClassifyDeps,
  purpose: string,
  role: "infer" | "compare",
  planned: PlannedLine,
  keys: { readonly predictions: string; readonly review: string | null; readonly period: string | null },
): Promise<{ readonly task: LineTask; readonly model: ModelRow; readonly scheme: SchemeRevision | undefined }> {
  const actor = actAs(role, purpose);
  const model = await getModel(deps.database, planned.model);
  const scheme = await findScheme(deps.database, parseLine(planned.line).scheme);
  const task: LineTask = {
    line: planned.line,
    model: planned.model,
    modelHandle: await deps.objects.readHandle(actor, model.object.key, model.object.version),
    modelSchemeVersion: model.schemeVersion,
    scheme: scheme?.scheme ?? null,
    automatic: role === "compare" || (await isAutomatic(deps.database, planned.line)),
    profile: role === "compare" ? null : await deps.objects.readHandle(actor, profileKey(model.object.key)),
    predictions: await deps.objects.writeHandle(actor, keys.predictions),
    review: keys.review === null ? null : await deps.objects.writeHandle(actor, keys.review),
    asked: keys.period === null ? [] : await listAsked(deps.database, planned.line, keys.period),
    usualKg: keys.period === null ? {} : await usualKg(deps.database, planned.line, model.schemeVersion, keys.period),
  };
  return { task, model, scheme };
}

async function labelTest(
  deps: ClassifyDeps,
  context: RunContext,
  line: string,
  test: ObjectRef,
  planned: readonly PlannedLine[],
  signal: AbortSignal,
): Promise<InferResult> {
  const actor = actAs("compare", context.runId);
  const [first] = planned;
  if (first === undefined)
    throw new StockroomError("fault", "INFER_NO_MODEL", "Expected at least one model to label a test set but there is none.");
  const challenger = await getModel(deps.database, first.model);
  const { country, scheme } = parseLine(line);
  const tasks: LineTask[] = [];
  for (const one of planned) {
    const predictions = `${prefixes.predictions}tests/${country}/${scheme}/${challenger.id.replace(/^.*@/, "")}/by-${one.model.replace(/^.*@/, "")}.csv`;
    tasks.push((await taskOf(deps, context.runId, "compare", one, { predictions, review: null, period: null })).task);
  }
  const result = await deps.compute.run(
    labelJob,
    {
      others: [],
      source: await deps.objects.readHandle(actor, test.key, test.version),
      columns: deps.settings.columns,
      lines: tasks,
      versions: { kind: "fixed", version: challenger.schemeVersion },
      limits: deps.settings.sales,
      reviewPerLine: 0,
      auditPerLine: 0,
      floor: deps.settings.review.floor,
      drift: deps.settings.drift,
      seed: deps.settings.train.seed,
      rejected: null,
    },
    { signal, onProgress: (done, total, note) => context.progress(done, total, note) },
  );
  faultPoint("classify.infer.labelled");
  const entries = await deps.objects.commit(
    actor,
    result.lines.map((labelled) => labelled.predictions),
    { contentType: "text/csv", announce: false },
  );
  return {
    items: result.items,
    badRows: result.badRows,
    predictions: result.lines.map((labelled, index) => ({
      line,
      model: labelled.model,
      key: entries[index]?.key ?? "",
      version: entries[index]?.version ?? "",
    })),
    waiting: [],
  };
}

async function labelSales(
  deps: ClassifyDeps,
  context: RunContext,
  input: InferInput & { readonly kind: "period" },
  planned: readonly PlannedLine[],
  signal: AbortSignal,
): Promise<Omit<InferResult, "waiting">> {
  const place = readKey(input.key);
  if (place.kind !== "sales") throw new StockroomError("fault", "SALES_KEY", `Expected a sales key but received ${input.key}.`);
  const actor = actAs("infer", context.runId);
  const part = partOf(input.key);
  const tasks: LineTask[] = [];
  const facts = new Map<string, { readonly model: ModelRow; readonly scheme: SchemeRevision | undefined }>();
  for (const one of planned) {
    const { scheme } = parseLine(one.line);
    const name = `${place.period}/${place.country}/${scheme}${part}`;
    const made = await taskOf(deps, context.runId, "infer", one, {
      predictions: `${prefixes.predictions}${name}.csv`,
      review: `${prefixes.review}${name}.csv`,
      period: place.period,
    });
    tasks.push(made.task);
    facts.set(one.line, made);
  }
  const rejectedKey = `${prefixes.predictions}${place.period}/${place.country}/rejected${part}.jsonl`;
  const rejected: WriteHandle = await deps.objects.writeHandle(actor, rejectedKey);
  const others = (await listSales(deps, place.period)).filter(
    (object) => object.country === place.country && object.key !== input.key && object.version < input.version,
  );
  const result = await deps.compute.run(
    labelJob,
    {
      source: await deps.objects.readHandle(actor, input.key, input.version),
      others: await Promise.all(others.map(async ({ key, version }) => await deps.objects.readHandle(actor, key, version))),
      columns: deps.settings.columns,
      lines: tasks,
      versions: { kind: "by-date", period: place.period, country: place.country },
      limits: deps.settings.sales,
      reviewPerLine: deps.settings.review.perLine,
      auditPerLine: deps.settings.review.auditPerLine,
      floor: deps.settings.review.floor,
      drift: deps.settings.drift,
      seed: deps.settings.train.seed,
      rejected,
    },
    { signal, onProgress: (done, total, note) => context.progress(done, total, note) },
  );
  faultPoint("classify.infer.labelled");
  const all = result.items + result.badRows;
  // Listed by these: what was set apart of a version that is no longer the current one tells nothing.
  const labels = { run: context.runId.slice(0, 200), sales: `${input.key}@${input.version}` };
  if (result.rejected === null) await deps.objects.discard([rejected]);
  // A file with a header alone is a month in which nothing was sold.
  if (result.badRows > all * deps.settings.sales.maxBadShare) {
    if (result.rejected !== null) {
      await deps.objects.commit(actor, [result.rejected], { contentType: "application/jsonl", announce: false, labels });
    }
    throw new StockroomError(
      "input",
      "TOO_MANY_BAD_ROWS",
      `Expected most rows of ${input.key} to be usable but ${result.badRows} of ${all} are not (${kindsText(result.kinds)}): ${result.reasons.join("; ")}. Nothing of it was coded. Mend the file and put it again; \`stockroom classify rejected --period ${place.period} --country ${place.country}\` lists the rows.`,
      { facts: { key: input.key, rows: all, badRows: result.badRows } },
    );
  }
  const staged = [
    ...result.lines.map((labelled) => labelled.predictions),
    ...result.lines.flatMap((labelled) => (labelled.review === null ? [] : [labelled.review])),
    ...(result.rejected === null ? [] : [result.rejected]),
  ];
  const at = timeOf(deps);
  const keys = new Map<string, ObjectRef>();
  await deps.objects.commit(actor, staged, {
    contentType: "text/csv",
    announce: false,
    labels,
    alongside: async (tx, entries) => {
      for (const entry of entries) keys.set(entry.key, { key: entry.key, version: entry.version });
      // All before the log's own lock, in one order, so that nobody waits in a circle.
      for (const line of result.lines.map((labelled) => labelled.line).toSorted()) await lockAnswers(tx, line);
      for (const labelled of result.lines) {
        await insertLine(tx, deps, context.runId, input, labelled, facts.get(labelled.line)?.scheme?.revision, keys, result, at);
      }
      await notifyReading(tx, deps, input, result, { all, period: place.period, country: place.country });
    },
  });
  faultPoint("classify.infer.stored");
  return {
    items: result.items,
    badRows: result.badRows,
    predictions: result.lines.map((labelled) => {
      const ref = keys.get(labelled.predictions.handle.key);
      return { line: labelled.line, model: labelled.model, key: ref?.key ?? "", version: ref?.version ?? "" };
    }),
  };
}

/** Bad rows and what was found of the file are told, once for each version of it. */
async function notifyReading(
  tx: Tx,
  deps: ClassifyDeps,
  input: ObjectRef,
  result: LabelResult,
  of: { readonly all: number; readonly period: string; readonly country: string },
): Promise<void> {
  const { badRows, notes } = result;
  if (badRows === 0 && notes.length === 0) return;
  const apart =
    badRows === 0
      ? ""
      : `${badRows} of ${of.all} rows were set apart and are in no figure (${kindsText(result.kinds)}); the others were coded. The first reasons: ${result.reasons.join("; ")}. \`stockroom classify rejected --period ${of.period} --country ${of.country}\` lists them with line, column and value.`;
  await deps.postNotice(tx, {
    topic: "mlops",
    id: `classify.bad-rows/${input.key}@${input.version}`,
    severity: badRows === 0 ? "info" : "warning",
    title: badRows === 0 ? `${input.key}: how it was read` : `${badRows} rows of ${input.key} were set apart`,
    body: [apart, ...notes].filter((text) => text !== "").join(" "),
    facts: { key: input.key, version: input.version, badRows, rows: of.all },
  });
}

/** `3 ITEM_PERIOD, 1 ITEM_ID_TWICE`. */
function kindsText(kinds: LabelResult["kinds"]): string {
  return Object.entries(kinds)
    .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([code, count]) => `${count} ${code}`)
    .join(", ");
}

/** Units that must have been sold of a code before its usual weight is believed. */
const fewestUnits = 100;

/** Kg a unit of each code of a version in a line's earlier months. */
async function usualKg(tx: Tx, line: string, version: string, period: string): Promise<Readonly<Record<string, number>>> {
  const sums = new Map<string, { units: number; kg: number }>();
  for (const inference of await earlierInferences(tx, line, period)) {
    for (const [code, figures] of Object.entries(inference.figures[version] ?? {})) {
      const sum = sums.get(code) ?? { units: 0, kg: 0 };
      sums.set(code, sum);
      sum.units += figures.units;
      sum.kg += figures.kg;
    }
  }
  return Object.fromEntries([...sums].flatMap(([code, { units, kg }]) => (units >= fewestUnits && kg > 0 ? [[code, kg / units]] : [])));
}

/** `.part-1` of classify/sales/2026-10/GBR/part-1.csv; "" when the country has one file. */
function partOf(key: string): string {
  const [, , ...rest] = key.slice(prefixes.sales.length).split("/");
  const stem = rest.join("-").replace(/(\.(csv|tsv|jsonl|parquet|gz))+$/i, "");
  return rest.length === 0 ? "" : `.${stem}`;
}

/** Names an inference by what went into it, so that a resumed run finds its own row. */
export function inferenceId(runId: string, line: string): string {
  return createHash("sha256").update(`${runId}\n${line}`).digest("hex").slice(0, 24);
}

async function insertLine(
  tx: Tx,
  deps: ClassifyDeps,
  runId: string,
  input: InferInput & { readonly kind: "period" },
  labelled: LabelledLine,
  schemeRevision: number | undefined,
  keys: ReadonlyMap<string, ObjectRef>,
  { badRows, shared }: Pick<LabelResult, "badRows" | "shared">,
  at: string,
): Promise<void> {
  const place = readKey(input.key);
  const predictions = keys.get(labelled.predictions.handle.key);
  if (place.kind !== "sales" || predictions === undefined) {
    throw new StockroomError("fault", "INFER_UNSTORED", `Expected the predictions of ${labelled.line} to be stored but they are not.`);
  }
  const id = inferenceId(runId, labelled.line);
  const sales = { key: input.key, version: input.version };
  const isNew = await insertInference(tx, {
    id,
    period: place.period,
    country: place.country,
    line: labelled.line,
    model: labelled.model,
    sales,
    predictions,
    schemeRevision,
    items: labelled.items,
    autoItems: labelled.autoItems,
    reviewItems: labelled.items - labelled.autoItems,
    badRows,
    shared,
    figures: labelled.figures,
    drift: { ...labelled.drift },
    runId,
    at,
  });
  if (!isNew) return;
  const review = labelled.review === null ? undefined : keys.get(labelled.review.handle.key);
  await askPeople(tx, deps, id, place.period, labelled, review, at);
  await insertAudit(tx, deps.vault, {
    at,
    kind: "inference",
    record: {
      id,
      line: labelled.line,
      period: place.period,
      model: labelled.model,
      sales: { ...sales },
      predictions: { ...predictions },
      items: labelled.items,
      autoItems: labelled.autoItems,
    },
    objects: [
      { ...predictions, sha256: labelled.predictions.sha256 },
      ...(review === undefined || labelled.review === null ? [] : [{ ...review, sha256: labelled.review.sha256 }]),
    ],
    written: [
      { table: "classify_inference", where: { id } },
      { table: "classify_review", where: { inference: id } },
    ],
  });
  if (labelled.drift.level === "alarm") {
    await deps.postNotice(tx, {
      topic: "mlops",
      id: `classify.drift/${id}`,
      severity: "alarm",
      title: `${labelled.line}: the sales of ${place.period} are unlike the training data`,
      body: `${labelled.drift.summary} The bound is ${deps.settings.drift.alarm}. Look at the review queue and train on newer labels.`,
      facts: { line: labelled.line, period: place.period, psi: labelled.drift.psi },
    });
  }
}

/** Queues what a person should look at, and lays over the coding what people have answered on its items under other codings. */
async function askPeople(
  tx: Tx,
  deps: ClassifyDeps,
  inference: string,
  period: string,
  labelled: LabelledLine,
  object: ObjectRef | undefined,
  at: string,
): Promise<void> {
  const { line } = labelled;
  const shared = { inference, line, period };
  const reviewId = (name: string): string => createHash("sha256").update(`${inference}\n${name}`).digest("hex").slice(0, 16);
  const made = new Map<string, NewReview>();
  for (const { decision: _decision, ...pick } of object === undefined ? [] : labelled.reviews) {
    const id = reviewId(String(pick.row));
    // An item without an id is known by this very review only.
    const itemId = pick.itemId === "" ? `review/${id}` : pick.itemId;
    made.set(slotOf({ ...pick, itemId }), { ...pick, ...shared, id, itemId, object: object ?? { key: "", version: "" } });
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
  await queueReviews(tx, [...made.values()]);
  await settleAnswers(tx, deps, line, [...made.values()], at);
}

/** An item stands in a file as sold and as returned: two rows, of which an answer moves both. */
const slotOf = (seen: { readonly itemId: string; readonly day: string; readonly units: number }): string =>
  `${nameItem({ item: seen.itemId, day: seen.day })}${seen.units < 0 ? " returned" : ""}`;

/** The current sales of a period. */
export async function listSales(
  deps: Pick<ClassifyDeps, "objects">,
  period: string,
): Promise<readonly (ObjectRef & { readonly country: string })[]> {
  return (await deps.objects.list(`${prefixes.sales}${period}/`, { limit: 100_000 })).flatMap((entry) => {
    const place = readKey(entry.key);
    return place.kind === "sales" ? [{ country: place.country, key: entry.key, version: entry.version }] : [];
  });
}

/** Tells that a country's period is coded, and that a whole period is, when the last piece has fallen. Harmless to repeat. */
export async function completePeriod(deps: ClassifyDeps, period: string, country: string): Promise<void> {
  const sales = await listSales(deps, period);
  await deps.database.transaction(async (tx) => {
    await lockPeriod(tx, period, "*");
    const everyLine = await listLines(tx);
    const lines = everyLine.filter((line) => line.champion !== undefined);
    const read = async (name: string) =>
      await readCompletion(
        tx,
        period,
        name,
        sales.filter((object) => object.country === name),
        lines.filter((line) => line.country === name).map((line) => line.line),
      );
    const mine = await read(country);
    if (mine.missing.length > 0 || mine.inferences.length === 0) return;
    const at = timeOf(deps);
    const fingerprint = fingerprintOf(mine.inferences);
    const keepWhole = async (name: string, print: string): Promise<boolean> => {
      if (!(await insertCompletion(tx, period, name, print, at))) return false;
      const where = { period, country: name, fingerprint: print };
      await insertAudit(tx, deps.vault, { at, kind: "completion", record: where, written: [{ table: "classify_completion", where }] });
      return true;
    };
    if (!(await keepWhole(country, fingerprint))) return;
    await appendEvent(tx, {
      kind: "classify.period.coded",
      subject: `${period}/${country}`,
      data: { period, country, fingerprint },
      dedupe: `coded/${period}/${country}/${fingerprint}`,
    });
    // Every country that has lines, with all of them: one whose sales have not come, or whose line has no champion yet, is not coded.
    const countries = [...new Set(everyLine.map((line) => line.country))];
    const all: Completion[] = [];
    for (const name of countries) all.push(await read(name));
    const isWhole = (completion: Completion): boolean => completion.sales.length > 0 && completion.missing.length === 0;
    if (lines.length === everyLine.length && all.every(isWhole)) {
      const inferences = all.flatMap((completion) => completion.inferences);
      const whole = fingerprintOf(inferences);
      if (await keepWhole("*", whole)) {
        await deps.postNotice(tx, {
          topic: "stakeholders",
          id: `classify.period/${period}/${whole}`,
          severity: "info",
          title: `${period}: every country is coded`,
          body: `${countries.length} countries, ${new Set(inferences.map((row) => row.line)).size} lines. See \`stockroom classify report --period ${period}\`.`,
          facts: { period, countries: countries.length, lines: new Set(inferences.map((row) => row.line)).size },
        });
      }
    }
  });
}

/** After a line's first champion: the sales that came before it are coded now. */
export function makeCatchUp(
  deps: ClassifyDeps,
  infer: WorkflowDefinition<InferInput, InferResult>,
): WorkflowDefinition<{ readonly line: string }, { readonly started: readonly string[] }> {
  return {
    name: "classify.catch-up",
    queue: "classify.light",
    title: (input) => `code the sales that waited for ${input.line}`,
    run: async (context, input) => {
      const waiting = await context.step("find", async () => await salesWithout(deps, input.line));
      const started: string[] = [];
      for (const object of waiting) {
        const child: InferInput = { kind: "period", key: object.key, version: object.version, lines: [input.line] };
        started.push(await context.startChild(infer, child, { id: `infer/${object.key}@${object.version}/${input.line}` }));
      }
      return { started };
    },
  };
}

async function salesWithout(deps: ClassifyDeps, line: string): Promise<readonly ObjectRef[]> {
  const { country } = parseLine(line);
  if ((await findChampion(deps.database, line)) === undefined) return [];
  const entries = await deps.objects.list(prefixes.sales, { limit: 100_000 });
  const coded = new Set(
    (
      await deps.database.query<{ sales_key: string; sales_version: string }>(
        "select distinct sales_key, sales_version from stockroom.classify_inference where line = $1",
        [line],
      )
    ).map((row) => `${row.sales_key}@${row.sales_version}`),
  );
  return entries.flatMap((entry) => {
    const place = readKey(entry.key);
    if (place.kind !== "sales" || place.country !== country || coded.has(`${entry.key}@${entry.version}`)) return [];
    return [{ key: entry.key, version: entry.version }];
  });
}
