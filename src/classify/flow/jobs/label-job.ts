// Label: one pass over a file of items; every model codes every row; predictions, review items and figures come out together.
//
//   L1. Memory does not grow with the file: rows live for one batch, but for the bounded review candidates.
//   L2. An item is coded in the version valid on its date. Where the model's version is another one, the mapping decides, and what it splits
//       or drops goes to a person.
//   L3. The audit sample is drawn by a hash of item, period and seed: the same file draws the same items, in any order of rows.
//   L4. Same file, same models, same bytes out.

import type { ComputeTask, TaskTools } from "../../../base/compute/contract.ts";
import { gather, makePipe, type Pipe } from "../../../base/bytes.ts";
import { hashText } from "../../../base/random.ts";
import type { ReadTicket, StagedObject, WriteTicket } from "../../../base/objects/contract.ts";
import { openTicket, writeThrough } from "../../../base/objects/tickets.ts";
import { readTable, writeTable, type BadRow } from "../../../base/tables/index.ts";
import { hashItemText, mix32, type Item } from "../../engine/dataset.ts";
import { compareProfiles, lookOf, openProfile, type DriftLevel, type Profile, type Profiler } from "../../engine/drift.ts";
import { decodeModel, hasLearned, type Model } from "../../engine/model.ts";
import { openPredictors, type Prediction } from "../../engine/predict.ts";
import { recode, versionOn, type Scheme } from "../../engine/schemes.ts";
import type { CodeFigures } from "../../engine/words.ts";
import { cell, dayOf, findColumns, type ColumnSettings, type ItemColumns } from "./items.ts";
import { badRowLines } from "./survey-job.ts";
import { makeItemReader, openVersion } from "./labelled.ts";

/** One line's part in the pass. */
export interface LineTask {
  readonly line: string;
  readonly model: string;
  readonly modelTicket: ReadTicket;
  /** How the items of training looked; null: no drift is measured. */
  readonly profile: ReadTicket | null;
  readonly modelSchemeVersion: string;
  /** Null: the scheme was never imported; the model's codes stand as they are. */
  readonly scheme: Scheme | null;
  readonly predictions: WriteTicket;
  readonly review: WriteTicket | null;
  /** Items of the period somebody was ever asked about. What the model says of them is told, so that answers can be laid over it. */
  readonly asked: readonly AskedItem[];
}

export interface AskedItem {
  readonly item: string;
  /** Of an item without one: the period's first day. */
  readonly day: string;
  readonly answered: boolean;
}

export interface LabelInput {
  readonly source: ReadTicket;
  readonly columns: ColumnSettings;
  readonly lines: readonly LineTask[];
  /** `by-date`: the version valid on each item's day (without one: on the period's first day). `fixed`: one version for all, of a test. */
  readonly versions: { readonly kind: "by-date"; readonly period: string } | { readonly kind: "fixed"; readonly version: string };
  readonly reviewPerLine: number;
  readonly auditPerLine: number;
  /** Least calibrated probability of an automatic decision. */
  readonly floor: number;
  readonly drift: { readonly watch: number; readonly alarm: number };
  readonly seed: number;
  readonly rejected: WriteTicket | null;
}

/** What the model made of one item. */
export interface ItemSeen {
  readonly itemId: string;
  readonly day: string;
  readonly decision: "auto" | "review";
  readonly schemeVersion: string;
  readonly predicted: string;
  readonly runnerUp: string;
  readonly probability: number;
  readonly units: number;
  readonly kg: number;
}

export interface ReviewPick extends ItemSeen {
  readonly kind: "low" | "audit";
  /** Zero-based row of the review object. */
  readonly row: number;
}

export interface LabelledLine {
  readonly line: string;
  readonly model: string;
  readonly predictions: StagedObject;
  readonly review: StagedObject | null;
  readonly reviews: readonly ReviewPick[];
  /** Those of the asked items that are in the file. */
  readonly seen: readonly ItemSeen[];
  readonly items: number;
  readonly autoItems: number;
  readonly figures: Readonly<Record<string, Readonly<Record<string, CodeFigures>>>>;
  /** Without words of items. */
  readonly drift: {
    readonly level: DriftLevel;
    readonly psi: number;
    readonly summary: string;
    readonly features: Readonly<Record<string, number>>;
  };
}

export interface LabelResult {
  readonly items: number;
  readonly badRows: number;
  readonly reasons: readonly string[];
  readonly rejected: StagedObject | null;
  readonly lines: readonly LabelledLine[];
}

export const labelJob: ComputeTask<LabelInput, LabelResult> = { module: import.meta.url, name: "classify.label" };

const predictionColumns = [
  "id",
  "date",
  "units",
  "kg",
  "code",
  "probability",
  "decision",
  "runner_up",
  "evidence",
  "scheme_version",
  "model",
  "reason",
] as const;
/** Items whose look is counted for drift. */
const profiledItems = 10_000;
const keptBadRows = 100_000;

export async function run(input: LabelInput, tools: TaskTools): Promise<LabelResult> {
  const { source } = input;
  const bad: BadRow[] = [];
  let badRows = 0;
  const reject = (row: BadRow): void => {
    badRows += 1;
    if (bad.length < keptBadRows) bad.push(row);
  };
  const models: Model[] = [];
  for (const line of input.lines)
    models.push(decodeModel(await gather(openTicket(line.modelTicket, tools.signal)), line.modelTicket.entry.key));
  const table = await readTable(openTicket(source, tools.signal), { name: source.entry.key, onBadRow: reject, signal: tools.signal });
  const columns = findColumns(table.columns, input.columns, source.entry.key);
  const reading = makeReading(table.columns, models, input.floor);
  const lines: LineWork[] = [];
  for (const [index, line] of input.lines.entries())
    lines.push(await openLine(input, line, models[index], columns, table.columns, tools.signal));

  const stride = Math.max(1, Math.floor(source.entry.bytes / (120 * profiledItems)));
  let items = 0;
  try {
    for await (const batch of table.batches) {
      const good = batch.rows.flatMap((row, index) => readSold(row, columns, input.columns, batch.lines[index] ?? 0, reject));
      for (const group of reading) {
        const read = good.map((sold) => group.read(sold.row));
        const answers = group.predict(read);
        for (const [at, model] of group.models.entries()) lines[model]?.take(good, read, answers[at] ?? [], items, stride);
      }
      for (const line of lines) await line.flush();
      items += good.length;
      tools.progress(items, 0, "items coded");
    }
  } catch (error) {
    for (const line of lines) await line.fail(error);
    throw error;
  }
  const done: LabelledLine[] = [];
  for (const line of lines) done.push(await line.finish());
  const rejected = badRows === 0 || input.rejected === null ? null : await writeThrough(input.rejected, badRowLines(bad), tools.signal);
  return { items, badRows, reasons: bad.slice(0, 3).map((row) => `line ${row.line}: ${row.reason}`), rejected, lines: done };
}

interface Reading {
  /** Indices of the models that read an item by the same columns. */
  readonly models: readonly number[];
  readonly read: (row: readonly string[]) => Item;
  /** One list of answers for each of the models. */
  readonly predict: (items: readonly Item[]) => Prediction[][];
}

/** Models that read an item by the same columns share the reading and the hashing. */
function makeReading(names: readonly string[], models: readonly Model[], floor: number): readonly Reading[] {
  const groups = new Map<string, number[]>();
  for (const [index, model] of models.entries()) {
    const key = JSON.stringify(model.card.columns);
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  return [...groups.values()].map((indices) => {
    const members = indices.map((index) => models[index]);
    return { models: indices, read: makeItemReader(names, members[0].card.columns), predict: openPredictors(members, { floor }).predict };
  });
}

interface Sold {
  readonly row: readonly string[];
  readonly id: string;
  readonly day: string;
  readonly units: number;
  readonly kg: number;
}

/** Reads what is sold, or sets the row apart. */
function readSold(
  row: readonly string[],
  columns: ItemColumns,
  names: ColumnSettings,
  line: number,
  reject: (row: BadRow) => void,
): Sold[] {
  const bad = (column: string, index: number, expected: string): Sold[] => {
    reject({
      line,
      column: undefined,
      code: "ITEM_VALUE",
      reason: `Expected ${expected} in the column "${column}" but received "${cell(row, index).slice(0, 40)}". Correct the row and put the file again.`,
      sample: row.join(",").slice(0, 200),
    });
    return [];
  };
  const day = dayOf(cell(row, columns.date));
  if (day === undefined) return bad(names.date, columns.date, "a date such as 2026-10-31");
  const units = numberOf(cell(row, columns.units), 1);
  if (units === undefined) return bad(names.units, columns.units, "a number of 0 or more");
  const kg = numberOf(cell(row, columns.kg), 0);
  if (kg === undefined) return bad(names.kg, columns.kg, "a weight in kg of 0 or more");
  return [{ row, id: cell(row, columns.id), day, units, kg }];
}

function numberOf(text: string, absent: number): number | undefined {
  if (text === "") return absent;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

interface Candidate extends Omit<ReviewPick, "row"> {
  readonly row: readonly string[];
  readonly evidence: string;
  readonly reason: string;
  /** Larger comes first. */
  readonly rank: number;
  readonly text: number;
}

/** What becomes of a model's code on an item's day. */
interface Outcome {
  readonly code: string;
  readonly version: string;
  /** False: only a person can say. */
  readonly certain: boolean;
}

interface LineWork {
  take(sold: readonly Sold[], items: readonly Item[], answers: readonly Prediction[], firstRow: number, stride: number): void;
  flush(): Promise<void>;
  finish(): Promise<LabelledLine>;
  fail(error: unknown): Promise<void>;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

async function openLine(
  input: LabelInput,
  task: LineTask,
  model: Model,
  columns: ItemColumns,
  names: readonly string[],
  signal: AbortSignal,
): Promise<LineWork> {
  const outcomeOf = makeOutcomes(input, task);
  const pipe: Pipe<(string | number)[][]> = makePipe(2);
  const written = writeThrough(task.predictions, writeTable(pipe, { format: "csv", columns: predictionColumns }), signal);
  // Met where it is awaited; until then it must not count as unhandled.
  void written.catch(() => undefined);
  const reference =
    task.profile === null
      ? undefined
      : (JSON.parse(Buffer.from(await gather(openTicket(task.profile, signal))).toString("utf8")) as Profile);
  const profiler: Profiler | undefined = reference === undefined ? undefined : openProfile(reference.columns, reference);
  const figures = new Map<string, Map<string, Mutable<CodeFigures>>>();
  const low = makePicks(input.reviewPerLine);
  const audit = makePicks(input.auditPerLine);
  // Another draw every month: the same items again would tell nothing new.
  const salt = hashText(`${input.seed}/${task.line}/${input.versions.kind === "by-date" ? input.versions.period : "test"}`);
  const period = input.versions.kind === "by-date" ? input.versions.period : undefined;
  const asked = new Map(task.asked.map((one) => [`${one.item}\n${one.day}`, one.answered]));
  const seen: ItemSeen[] = [];
  let pending: (string | number)[][] = [];
  let items = 0;
  let autoItems = 0;

  const figureOf = (version: string, code: string): Mutable<CodeFigures> => {
    let codes = figures.get(version);
    if (codes === undefined) figures.set(version, (codes = new Map()));
    let figure = codes.get(code);
    if (figure === undefined) {
      figure = { items: 0, units: 0, kg: 0, autoItems: 0, autoUnits: 0, autoKg: 0, doubtItems: 0, doubtUnits: 0, doubtKg: 0 };
      codes.set(code, figure);
    }
    return figure;
  };

  return {
    take(sold, read, answers, firstRow, stride) {
      for (const [index, one] of sold.entries()) {
        const answer = answers[index];
        const item = read[index];
        const outcome = outcomeOf(answer.code, one.day);
        const reason = outcome.certain ? answer.reason : "no certain code on that day";
        const decision = reason === "" ? "auto" : "review";
        const runnerUp = outcomeOf(answer.runnerUp, one.day).code;
        const probability = Math.round(answer.probability * 1e6) / 1e6;
        const evidence = answer.evidence.map((word) => `${word.text === "" ? word.column : word.text}:${word.weight.toFixed(2)}`).join(" ");
        pending.push([
          one.id,
          one.day,
          one.units,
          one.kg,
          outcome.code,
          probability,
          decision,
          runnerUp,
          evidence,
          outcome.version,
          task.model,
          reason,
        ]);
        const figure = figureOf(outcome.version, outcome.code);
        figure.items += 1;
        figure.units += one.units;
        figure.kg += one.kg;
        items += 1;
        const candidate = {
          itemId: one.id,
          day: one.day === "" && period !== undefined ? `${period}-01` : one.day,
          decision,
          schemeVersion: outcome.version,
          predicted: outcome.code,
          runnerUp,
          probability,
          units: one.units,
          kg: one.kg,
        } as const;
        const answered = asked.size === 0 ? undefined : asked.get(`${one.id}\n${candidate.day}`);
        if (answered !== undefined) seen.push(candidate);
        if (decision === "auto") {
          autoItems += 1;
          figure.autoItems += 1;
          figure.autoUnits += one.units;
          figure.autoKg += one.kg;
          const draw = mix32(hashText(one.id) ^ salt);
          if (audit.wants(-draw)) audit.add({ ...candidate, evidence, reason, row: one.row, kind: "audit", rank: -draw, text: draw });
        } else {
          const doubt = 1 - probability;
          figure.doubtItems += doubt;
          figure.doubtUnits += doubt * one.units;
          figure.doubtKg += doubt * one.kg;
          // What a person answered takes no place of what waits for one.
          if (answered !== true && low.wants(one.units))
            low.add({ ...candidate, evidence, reason, row: one.row, kind: "low", rank: one.units, text: hashItemText(item) });
        }
        if (profiler !== undefined && (firstRow + index) % stride === 0) {
          profiler.addItem(lookOf(item));
          // A model is surer of what it has learned from, and the reference is of unseen items: only those compare.
          if (!hasLearned(model, item)) profiler.addPrediction(answer.code, answer.probability);
        }
      }
    },
    async flush() {
      const batch = pending;
      pending = [];
      // When the writer has failed, its own error is the one to hear.
      await Promise.race([pipe.write(batch), written]);
    },
    async finish() {
      pipe.end();
      const predictions = await written;
      const picks = [...audit.list(), ...low.list()];
      const review =
        task.review === null || picks.length === 0 ? null : await writeThrough(task.review, reviewTable(names, columns, picks), signal);
      const report =
        reference === undefined || profiler === undefined ? undefined : compareProfiles(reference, profiler.finish(), input.drift);
      return {
        line: task.line,
        model: task.model,
        predictions,
        review,
        reviews:
          review === null
            ? []
            : picks.map(({ row: _row, evidence: _evidence, reason: _reason, rank: _rank, text: _text, ...pick }, row) => ({
                ...pick,
                row,
              })),
        seen,
        items,
        autoItems,
        figures: Object.fromEntries([...figures].map(([version, codes]) => [version, tidyFigures(codes)])),
        drift:
          report === undefined
            ? { level: "ok", psi: 0, summary: "not measured", features: {} }
            : {
                level: report.level,
                psi: report.psi,
                summary: report.summary,
                features: Object.fromEntries(report.features.map((one) => [one.name, one.excess])),
              },
      };
    },
    async fail(cause) {
      pipe.fail(cause);
      await Promise.allSettled([written]);
    },
  };
}

/** Sums of floats to a thousandth, codes in order: what is kept does not depend on the order of adding. */
function tidyFigures(codes: ReadonlyMap<string, CodeFigures>): Record<string, CodeFigures> {
  const tidy = (value: number): number => Math.round(value * 1000) / 1000;
  return Object.fromEntries(
    [...codes]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, figure]) => [
        code,
        {
          items: figure.items,
          units: tidy(figure.units),
          kg: tidy(figure.kg),
          autoItems: figure.autoItems,
          autoUnits: tidy(figure.autoUnits),
          autoKg: tidy(figure.autoKg),
          doubtItems: tidy(figure.doubtItems),
          doubtUnits: tidy(figure.doubtUnits),
          doubtKg: tidy(figure.doubtKg),
        },
      ]),
  );
}

/** Makes the way from the model's codes to the codes of a day; every (code, version) is worked out once. */
function makeOutcomes(input: LabelInput, task: LineTask): (code: string, day: string) => Outcome {
  const { scheme, modelSchemeVersion: own } = task;
  if (scheme === null || own === openVersion) return (code) => ({ code, version: own, certain: true });
  const fixed = input.versions.kind === "fixed" ? input.versions.version : undefined;
  const firstDay = input.versions.kind === "by-date" ? `${input.versions.period}-01` : "";
  const versions = new Map<string, string | undefined>();
  const versionFor = (day: string): string | undefined => {
    if (fixed !== undefined) return fixed;
    const known = versions.get(day);
    if (known !== undefined || versions.has(day)) return known;
    const valid = versionOn(scheme, day === "" ? firstDay : day)?.version;
    versions.set(day, valid);
    return valid;
  };
  const outcomes = new Map<string, Outcome>();
  return (code, day) => {
    const version = versionFor(day);
    // No version is valid on that day: the model's own codes, for a person to look at.
    if (version === undefined) return { code, version: own, certain: false };
    if (version === own) return { code, version, certain: true };
    const key = `${version}\n${code}`;
    let outcome = outcomes.get(key);
    if (outcome === undefined) {
      const mapped = recode(scheme, code, own, version);
      if (mapped.kind === "same" || mapped.kind === "mapped") outcome = { code: mapped.code, version, certain: true };
      else outcome = { code: mapped.kind === "ambiguous" ? (mapped.candidates[0] ?? "") : "", version, certain: false };
      outcomes.set(key, outcome);
    }
    return outcome;
  };
}

/** The highest-ranking candidates, one for each text, in memory bounded by their number. */
function makePicks(most: number): { wants(rank: number): boolean; add(candidate: Candidate): void; list(): readonly Candidate[] } {
  let kept: Candidate[] = [];
  let bar = Number.NEGATIVE_INFINITY;
  const settle = (): void => {
    const seen = new Set<number>();
    kept = kept
      .toSorted((a, b) => b.rank - a.rank || a.text - b.text)
      .filter((candidate) => !seen.has(candidate.text) && seen.add(candidate.text))
      .slice(0, most);
    const last = kept[most - 1];
    if (last !== undefined) bar = last.rank;
  };
  return {
    wants: (rank) => most > 0 && rank > bar,
    add(candidate) {
      kept.push(candidate);
      if (kept.length >= most * 4 + 64) settle();
    },
    list() {
      settle();
      return kept;
    },
  };
}

/** The picked rows as they came, with what the model made of them; code columns of a test are left out. */
function reviewTable(names: readonly string[], columns: ItemColumns, picks: readonly Candidate[]): AsyncIterable<Uint8Array> {
  const codeColumns = new Set([...columns.codes.values(), columns.code]);
  const kept = names.flatMap((name, index) => (codeColumns.has(index) ? [] : [{ name, index }]));
  const rows = picks.map((pick) => [
    ...kept.map(({ index }) => cell(pick.row, index)),
    pick.kind,
    pick.predicted,
    pick.probability,
    pick.runnerUp,
    pick.evidence,
    pick.reason,
  ]);
  const batches = (async function* () {
    yield rows;
  })();
  return writeTable(batches, {
    format: "csv",
    columns: [...kept.map(({ name }) => name), "kind", "predicted", "probability", "runner_up", "evidence", "reason"],
  });
}
