// Infer: the champions of a country's lines code one file of sales; or two models code a test set, by the same way.
//
//   F1. One pass over the file serves every line: the rows are read and hashed once.
//   F2. Predictions, figures, review items and the inference rows become visible in one transaction (coding.ts).
//   F3. A resumed step writes the same bytes under the same keys, so it makes nothing new.

import { createHash } from "node:crypto";
import { StockroomError } from "../../platform/errors.ts";
import { faultPoint } from "../../platform/faults.ts";
import { removeListed, unlessGone } from "../../platform/objects/gone.ts";
import type { RunContext, WorkflowDefinition } from "../../platform/workflow/contract.ts";
import { nearestName, parseLine } from "../engine/lines.ts";
import { prefixes, readKey, type ObjectRef } from "../store/keys.ts";
import { getModel, listLines } from "../store/lines.ts";
import { insertCoding, kindsText } from "./coding.ts";
import { completePeriod, listSales } from "./completion.ts";
import { actAs, timeOf, type ClassifyDeps } from "./deps.ts";
import type { LabelResult, LineTask } from "./jobs/label-contract.ts";
import { makeLineTask, runLabelling, type LineModel } from "./labelling.ts";
import { listRejectedObjects } from "./rejected.ts";
import { importWaitingSchemes } from "./schemes.ts";

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

type PeriodInput = InferInput & { readonly kind: "period" };
type TestInput = InferInput & { readonly kind: "test" };

export function makeInfer(deps: ClassifyDeps): WorkflowDefinition<InferInput, InferResult> {
  return {
    name: "classify.infer",
    queue: "classify.heavy",
    title: (input) =>
      input.kind === "test"
        ? `label the unseen items of ${input.line}`
        : `code ${input.key}${input.lines === null ? "" : ` for ${input.lines.join(", ")}`}`,
    // With today's champions, as `classify infer` does. The items of a test are labelled for a comparison that is over.
    rerun: (input) => (input.kind === "period" ? input : undefined),
    run: async (context, input) => {
      if (input.kind === "test") return await context.step("label", async (signal) => await labelTest(deps, context, input, signal));
      const coders = await context.step("plan", async () => {
        await importWaitingSchemes(deps, context.runId);
        return await findCoders(deps, input);
      });
      if (coders.lines.length === 0 || coders.waiting.length > 0) {
        await context.step("tell", async () => {
          await notifyWaiting(deps, input, coders);
          return null;
        });
      }
      if (coders.lines.length === 0) return { items: 0, badRows: 0, predictions: [], waiting: coders.waiting };
      const result = await context.step("label", async (signal) => await labelSales(deps, context, input, coders, signal));
      await context.step("complete", async () => {
        await completePeriod(deps, coders.period, coders.country);
        return null;
      });
      return { ...result, waiting: coders.waiting };
    },
  };
}

interface Coders {
  readonly period: string;
  readonly country: string;
  readonly lines: readonly LineModel[];
  readonly waiting: readonly string[];
}

/** Splits a country's lines into those that can code the file and those without a champion yet. */
async function findCoders(deps: ClassifyDeps, input: PeriodInput): Promise<Coders> {
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
  const ready: LineModel[] = [];
  const waiting: string[] = [];
  for (const line of lines) {
    if (line.champion === undefined) waiting.push(line.line);
    else ready.push({ line: line.line, model: line.champion });
  }
  return { period: place.period, country: place.country, lines: ready, waiting };
}

/** Says which sales no line codes, or not every line: nobody looks for figures that were never promised. */
async function notifyWaiting(deps: ClassifyDeps, input: ObjectRef, coders: Coders): Promise<void> {
  const { country, waiting, lines } = coders;
  const all = await listLines(deps.database);
  const near = nearestName(country, [...new Set(all.map((line) => line.country))]);
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

/** Every model codes the test set in the version the first of them has learned. */
async function labelTest(deps: ClassifyDeps, context: RunContext, input: TestInput, signal: AbortSignal): Promise<InferResult> {
  const actor = actAs("compare", context.runId);
  const { line, test, models } = input;
  const [first] = models;
  if (first === undefined)
    throw new StockroomError("fault", "INFER_NO_MODEL", "Expected at least one model to label a test set but there is none.");
  const challenger = await getModel(deps.database, first);
  const { country, scheme } = parseLine(line);
  const hashOf = (model: string): string => model.replace(/^.*@/, "");
  const folder = `${prefixes.predictions}tests/${country}/${scheme}/${hashOf(challenger.id)}`;
  const lines: LineTask[] = [];
  for (const model of models) {
    const options = { line, model, purpose: context.runId, role: "compare", review: null, period: null } as const;
    lines.push((await makeLineTask(deps, { ...options, predictions: `${folder}/by-${hashOf(model)}.csv` })).task);
  }
  const result = await runLabelling(deps, context, signal, {
    source: await deps.objects.readHandle(actor, test.key, test.version),
    lines,
    versions: { kind: "fixed", version: challenger.schemeVersion },
  });
  faultPoint("classify.infer.labelled");
  const staged = result.lines.map((labelled) => labelled.predictions);
  const entries = await deps.objects.commit(actor, staged, { contentType: "text/csv", announce: false });
  return { ...resultOf(result, new Map(entries.map((entry) => [entry.key, entry]))), waiting: [] };
}

function resultOf(result: LabelResult, objects: ReadonlyMap<string, ObjectRef>): Omit<InferResult, "waiting"> {
  return {
    items: result.items,
    badRows: result.badRows,
    predictions: result.lines.map((labelled) => {
      const object = objects.get(labelled.predictions.handle.key);
      return { line: labelled.line, model: labelled.model, key: object?.key ?? "", version: object?.version ?? "" };
    }),
  };
}

async function labelSales(
  deps: ClassifyDeps,
  context: RunContext,
  input: PeriodInput,
  { period, country, lines }: Coders,
  signal: AbortSignal,
): Promise<Omit<InferResult, "waiting">> {
  const actor = actAs("infer", context.runId);
  const open = async ({ key, version }: ObjectRef) => await unlessGone(deps.objects.readHandle(actor, key, version));
  const source = await open(input);
  // Deleted before it was coded: there is nothing to code.
  if (source === undefined) return { items: 0, badRows: 0, predictions: [] };
  const others = (await listSales(deps, period)).filter(
    (object) => object.country === country && object.key !== input.key && object.version < input.version,
  );
  const part = partOf(input.key, others);
  const tasks: LineTask[] = [];
  const schemeRevisions = new Map<string, number | undefined>();
  for (const one of lines) {
    const name = `${period}/${country}/${parseLine(one.line).scheme}${part}.csv`;
    const made = await makeLineTask(deps, {
      ...one,
      purpose: context.runId,
      role: "infer",
      predictions: `${prefixes.predictions}${name}`,
      review: `${prefixes.review}${name}`,
      period,
    });
    tasks.push(made.task);
    schemeRevisions.set(one.line, made.scheme?.revision);
  }
  const rejected = await deps.objects.writeHandle(actor, `${prefixes.predictions}${period}/${country}/rejected${part}.jsonl`);
  const result = await runLabelling(deps, context, signal, {
    source,
    others: (await Promise.all(others.map(open))).flatMap((handle) => handle ?? []),
    lines: tasks,
    versions: { kind: "by-date", period, country },
    reviewPerLine: deps.settings.review.perLine,
    auditPerLine: deps.settings.review.auditPerLine,
    rejected,
  });
  faultPoint("classify.infer.labelled");
  deps.log.info("coded the items", {
    runId: context.runId,
    key: input.key,
    lines: lines.length,
    items: result.items,
    badRows: result.badRows,
  });
  if (result.rejected === null) await deps.objects.discard([rejected]);
  // Listed by these: what was set apart of a version that is no longer the current one tells nothing.
  const labels = { run: context.runId.slice(0, 200), sales: `${input.key}@${input.version}` };
  const staged = [
    ...result.lines.map((labelled) => labelled.predictions),
    ...result.lines.flatMap((labelled) => (labelled.review === null ? [] : [labelled.review])),
    ...(result.rejected === null ? [] : [result.rejected]),
  ];
  // Replaced or deleted meanwhile: it counts nowhere, and would lie over what is kept of the version that does.
  if ((await deps.objects.head(input.key))?.version !== input.version) {
    await deps.objects.discard(staged.map(({ handle }) => handle));
    return resultOf({ ...result, lines: [] }, new Map());
  }
  await checkBadRows(deps, context, { input, period, country, result, labels });
  const at = timeOf(deps);
  const sales = { key: input.key, version: input.version };
  const objects = new Map<string, ObjectRef>();
  await deps.objects.commit(actor, staged, {
    contentType: "text/csv",
    announce: false,
    labels,
    alongside: async (tx, entries) => {
      for (const entry of entries) objects.set(entry.key, { key: entry.key, version: entry.version });
      await insertCoding(tx, deps, { runId: context.runId, period, country, sales, result, schemeRevisions, objects, at });
    },
  });
  faultPoint("classify.infer.stored");
  // Without rows set apart by a coding of one line alone, those that the others' coding set apart still are.
  if (result.rejected !== null || input.lines === null) {
    const others = (await listRejectedObjects(deps, period, country)).filter(
      ({ key, labels: of }) => of["sales"] === labels.sales && key !== result.rejected?.handle.key,
    );
    await removeListed(deps.objects, actor, others);
  }
  return resultOf(result, objects);
}

/** A file most of whose rows cannot be used is coded by nobody. Throws `input` `TOO_MANY_BAD_ROWS`; the rows set apart are kept. */
async function checkBadRows(
  deps: ClassifyDeps,
  context: RunContext,
  file: {
    readonly input: PeriodInput;
    readonly period: string;
    readonly country: string;
    readonly result: LabelResult;
    readonly labels: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const { input, period, country, result, labels } = file;
  const { badRows, rejected } = result;
  const rows = result.items + badRows;
  // A file with a header alone is a month in which nothing was sold.
  if (badRows <= rows * deps.settings.sales.maxBadShare) return;
  if (rejected !== null) {
    const actor = actAs("infer", context.runId);
    await deps.objects.commit(actor, [rejected], { contentType: "application/jsonl", announce: false, labels });
  }
  throw new StockroomError(
    "input",
    "TOO_MANY_BAD_ROWS",
    `Expected most rows of ${input.key} to be usable but ${badRows} of ${rows} are not (${kindsText(result.kinds)}): ${result.reasons.join("; ")}. Nothing of it was coded. Repair the file and put it again; \`stockroom classify rejected --period ${period} --country ${country}\` lists the rows.`,
    { facts: { key: input.key, rows, badRows } },
  );
}

/**
 * `.part-1` of classify/sales/2026-10/GBR/part-1.csv; "" when the country has one file. A file that was stored after another one of this name (it differs
 * in its ending or folder) has a hash of its key as well: what is kept of the two stands side by side.
 */
function partOf(key: string, earlier: readonly ObjectRef[]): string {
  const name = nameOf(key);
  const own = earlier.some((other) => nameOf(other.key) === name) ? [createHash("sha256").update(key).digest("hex").slice(0, 8)] : [];
  return [name, ...own].map((part) => (part === "" ? "" : `.${part}`)).join("");
}

function nameOf(key: string): string {
  const [, , ...rest] = key.slice(prefixes.sales.length).split("/");
  return rest.join("-").replace(/(\.(csv|tsv|jsonl|parquet|gz))+$/i, "");
}
