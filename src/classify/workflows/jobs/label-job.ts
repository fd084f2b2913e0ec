// Label: one pass over a file of items; every model codes every row; predictions, review items and figures come out together.
//
//   L1. Memory does not grow with the file: rows live for one batch, but for the bounded review candidates.
//   L2. An item is coded in the version valid on its date. Where the model's version is another one, the mapping decides, and what it splits
//       or drops goes to a person.
//   L3. The audit sample is drawn by a hash of item, period and seed: the same file draws the same items, in any order of rows.
//   L4. Same file, same models, same bytes out.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { gather, makePipe, type Pipe } from "../../../platform/bytes.ts";
import { hashText } from "../../../platform/random.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "../../../platform/objects/contract.ts";
import { openHandle, writeThrough } from "../../../platform/objects/handles.ts";
import {
  encodingNotes,
  numberNotes,
  readNumbers,
  readTable,
  writeTable,
  type BadRow,
  type NumberedBatch,
} from "../../../platform/formats/index.ts";
import { hashItemText, mix32, type Item } from "../../engine/dataset.ts";
import { compareProfiles, featurize, openProfile, type DriftLevel, type Profile, type Profiler } from "../../engine/drift.ts";
import { decodeModel, wasTrainedOn, type Model } from "../../engine/model.ts";
import { openPredictors, type Prediction } from "../../engine/predict.ts";
import { recode, versionOn, type Scheme } from "../../engine/schemes.ts";
import type { CodeFigures, CodeMoves, Triple } from "../../engine/figures.ts";
import type { ClassifySettings } from "../settings.ts";
import { cell, dialectOf, findColumns, howToSay, rowsWithTexts, type ColumnSettings, type ItemColumns } from "./items.ts";
import { checkSoldColumns, makeSoldReader, type Sold } from "./sold.ts";
import { badRowLines } from "./survey-job.ts";
import { makeItemReader, openVersion } from "./labelled.ts";

/** One line's part in the pass. */
export interface LineTask {
  readonly line: string;
  readonly model: string;
  readonly modelHandle: ReadHandle;
  /** How the items of training looked; null: no drift is measured. */
  readonly profile: ReadHandle | null;
  readonly modelSchemeVersion: string;
  /** Null: the scheme was never imported; the model's codes stand as they are. */
  readonly scheme: Scheme | null;
  /** False: the line's audit sample broke its promise, or a person said so; every item goes to a person. */
  readonly automatic: boolean;
  readonly predictions: WriteHandle;
  readonly review: WriteHandle | null;
  /** Kg a unit of each code of the model's version in earlier months, where enough were sold. */
  readonly usualKg: Readonly<Record<string, number>>;
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
  readonly source: ReadHandle;
  /** Other current files of the same sales that were stored earlier: items that are in them too are counted and told. */
  readonly others: readonly ReadHandle[];
  readonly columns: ColumnSettings;
  readonly lines: readonly LineTask[];
  /** `by-date`: the version valid on each item's day (without one: on the period's first day). `fixed`: one version for all, of a test. */
  readonly versions:
    | { readonly kind: "by-date"; readonly period: string; readonly country: string }
    | { readonly kind: "fixed"; readonly version: string };
  readonly limits: ClassifySettings["sales"];
  readonly reviewPerLine: number;
  readonly auditPerLine: number;
  /** Least calibrated probability of an automatic decision. */
  readonly floor: number;
  readonly drift: { readonly watch: number; readonly alarm: number };
  readonly seed: number;
  readonly rejected: WriteHandle | null;
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
  /** `former`: decided by itself, and here only because the same item as sold is asked about. */
  readonly kind: "low" | "audit" | "former";
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
  /** Items that are also in another current file, by its `KEY@VERSION`: they are in the figures of both. */
  readonly shared: Readonly<Record<string, number>>;
  readonly reasons: readonly string[];
  /** How many of the bad rows for each code of reason. */
  readonly kinds: Readonly<Record<string, number>>;
  /** How the file was read, where that was found rather than known. */
  readonly notes: readonly string[];
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
  const kinds: Record<string, number> = {};
  let badRows = 0;
  const reject = (row: BadRow): void => {
    badRows += 1;
    kinds[row.code] = (kinds[row.code] ?? 0) + 1;
    if (bad.length < keptBadRows) bad.push(row);
  };
  const models: Model[] = [];
  for (const line of input.lines)
    models.push(decodeModel(await gather(openHandle(line.modelHandle, tools.signal)), line.modelHandle.entry.key));
  const name = source.entry.key;
  const place = input.versions.kind === "by-date" ? input.versions : undefined;
  // A test set is a file of our own: it is in UTF-8 with decimal points, whatever people's files are in.
  const { encoding, decimal } = place === undefined ? { encoding: "utf-8", decimal: "." as const } : dialectOf(source.entry, input.columns);
  const table = await readTable(openHandle(source, tools.signal), { name, onBadRow: reject, signal: tools.signal, encoding });
  const columns = findColumns(table.columns, input.columns, name);
  if (place !== undefined) checkSoldColumns(columns, input.columns, name);
  const amounts = [
    { name: input.columns.units, index: columns.units, signs: false },
    { name: input.columns.kg, index: columns.kg, signs: false },
  ].filter(({ index }) => index >= 0);
  const features = [...new Set(models.flatMap((model) => model.card.columns.numbers))]
    .map((column) => ({ name: column, index: table.columns.indexOf(column) }))
    .filter(({ index }) => index >= 0);
  const wanted = [...amounts, ...features.filter(({ index }) => !amounts.some((one) => one.index === index))];
  const numbers = readNumbers(table, { name, columns: wanted, onBadRow: reject, decimal, delimiter: table.delimiter, howToSay });
  const places = features.map(({ index }) => ({ index, from: wanted.findIndex((one) => one.index === index) }));
  const otherNames = tallyNames();
  const readSold = makeSoldReader({ columns, names: input.columns, limits: input.limits, place, reject, onOtherName: otherNames.add });
  const reading = makeReading(table.columns, models, input.floor);
  const lines: LineWork[] = [];
  for (const [index, line] of input.lines.entries())
    lines.push(await openLine(input, line, models[index], columns, table.columns, tools.signal));

  const elsewhere = await readOtherIds(input, tools.signal);
  const shared: Record<string, number> = {};
  const stride = Math.max(1, Math.floor(source.entry.bytes / (120 * profiledItems)));
  let items = 0;
  try {
    for await (const batch of numbers.batches) {
      const good = readSold(withNumberTexts(batch, places));
      const read = reading.map((group) => good.map((sold) => group.read(sold.row)));
      const answers = reading.map((group, g) => group.predict(read[g] ?? []));
      const kept = place === undefined ? good.map((_, index) => index) : plausible(good, reading, answers, input, columns, reject);
      const pick = <T>(list: readonly T[]): readonly T[] =>
        kept.length === good.length ? list : kept.flatMap((index) => list.slice(index, index + 1));
      for (const [g, group] of reading.entries()) {
        for (const [at, model] of group.models.entries())
          lines[model]?.take(pick(good), pick(read[g] ?? []), pick(answers[g]?.[at] ?? []), items, stride);
      }
      for (const { id } of elsewhere.size === 0 ? [] : pick(good)) {
        const other = elsewhere.get(id);
        if (other !== undefined) shared[other] = (shared[other] ?? 0) + 1;
      }
      for (const line of lines) await line.flush();
      items += kept.length;
      tools.progress(items, 0, "items coded");
    }
  } catch (error) {
    for (const line of lines) await line.fail(error);
    throw error;
  }
  const done: LabelledLine[] = [];
  for (const line of lines) done.push(await line.finish());
  const rejected = badRows === 0 || input.rejected === null ? null : await writeThrough(input.rejected, badRowLines(bad), tools.signal);
  const reasons = bad.slice(0, 3).map((row) => `line ${row.line}: ${row.reason}`);
  const notes = [
    ...encodingNotes(name, table.encoding?.()),
    ...numberNotes(numbers.summary(), { constant: false }),
    ...otherNames.notes(place?.country ?? ""),
  ];
  return {
    items,
    badRows,
    shared,
    reasons,
    kinds,
    notes: [...notes, ...Object.entries(shared).map(describeShared)],
    rejected,
    lines: done,
  };
}

/** Other names of the file's own country, and how many rows have each. */
function tallyNames(): { readonly add: (name: string) => void; readonly notes: (country: string) => readonly string[] } {
  const counts = new Map<string, number>();
  return {
    // A copy: a slice would keep its piece of the file in memory.
    add: (name) => void counts.set(counts.has(name) ? name : Buffer.from(name).toString(), (counts.get(name) ?? 0) + 1),
    notes: (country) =>
      [...counts].map(
        ([name, rows]) => `${rows} rows name the country "${name.slice(0, 40).toWellFormed()}", which is ${country}; they count.`,
      ),
  };
}

const describeShared = ([other, count]: readonly [string, number]): string =>
  `${count} of its items are also in ${other.slice(0, other.lastIndexOf("@"))} and count in both: delete one of the files, or leave them in one`;

/** The ids of other files of the same sales, each with the file. */
async function readOtherIds(input: LabelInput, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const handle of input.others) {
    const { key, version } = handle.entry;
    const table = await readTable(openHandle(handle, signal), {
      name: key,
      onBadRow: () => undefined,
      signal,
      encoding: dialectOf(handle.entry, input.columns).encoding,
    });
    const at = table.columns.indexOf(input.columns.id);
    for await (const batch of table.batches) for (const row of batch.rows) ids.set(cell(row, at), `${key}@${version}`);
  }
  return ids;
}

/** Rows with the numbers that models read in canonical text, however the file writes them. */
function withNumberTexts(batch: NumberedBatch, places: readonly { readonly index: number; readonly from: number }[]): NumberedBatch {
  if (places.length === 0) return batch;
  const indices = places.map(({ index }) => index);
  const numbers = places.map(({ from }) => batch.numbers[from] ?? new Float64Array(batch.rows.length));
  return { ...batch, rows: rowsWithTexts(batch.rows, indices, numbers) };
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

/** The rows whose weight can be that of their code, by what was usual in earlier months; the others are set apart, for every line alike. */
function plausible(
  sold: readonly Sold[],
  reading: readonly Reading[],
  answers: readonly (readonly (readonly Prediction[])[])[],
  input: LabelInput,
  columns: ItemColumns,
  reject: (row: BadRow) => void,
): readonly number[] {
  const factor = input.limits.maxWeightFactor;
  const checks = reading.flatMap((group, g) =>
    group.models.flatMap((model, at) => {
      const task = input.lines[model];
      return task === undefined || Object.keys(task.usualKg).length === 0 ? [] : [{ task, own: answers[g]?.[at] ?? [] }];
    }),
  );
  if (checks.length === 0 || columns.kg < 0) return sold.map((_, index) => index);
  return sold.flatMap((one, index) => {
    const unitKg = one.units === 0 ? Number.NaN : one.kg / one.units;
    for (const { task, own } of checks) {
      const answer = own[index];
      const usual = answer?.decision === "auto" ? task.usualKg[answer.code] : undefined;
      if (usual === undefined || !(unitKg > usual * factor || unitKg * factor < usual)) continue;
      const show = (kg: number): string => String(Number(kg.toPrecision(3)));
      reject({
        line: one.line,
        column: columns.kg + 1,
        code: "ITEM_ABSURD",
        reason: `Expected about ${show(usual)} kg a unit, as is usual for ${answer?.code} of ${task.line}, but received ${show(unitKg)} (column "${input.columns.kg}": "${cell(one.row, columns.kg).slice(0, 40)}"). Correct it, or raise classify.sales.maxWeightFactor.`,
        sample: one.row.join(",").slice(0, 200).toWellFormed(),
      });
      return [];
    }
    return [index];
  });
}

/** What an item's probabilities say of where it may belong instead. */
function addMoves(own: Sums, second: Sums, answer: Prediction, automatic: boolean, amounts: Triple): void {
  const p = answer.probability;
  const q = Math.min(1 - p, answer.runnerUpProbability);
  const squares = amounts.map((amount) => amount * amount) as unknown as Triple; // of three comes three
  const [leaves, comes] = [own.moves, second.moves];
  const out = automatic ? leaves.autoOut : leaves.reviewOut;
  addTo(out, amounts, 1 - p);
  if (own === second) return;
  addTo(automatic ? leaves.autoSpread : leaves.reviewSpread, squares, p * (1 - p));
  addTo(automatic ? leaves.autoRest : leaves.reviewRest, amounts, 1 - p - q);
  addTo(automatic ? comes.autoIn : comes.reviewIn, amounts, q);
  addTo(automatic ? comes.autoSpread : comes.reviewSpread, squares, q * (1 - q));
}

type Sums = { -readonly [Key in keyof Omit<CodeFigures, "returned" | "moves">]: number } & {
  readonly returned: [number, number, number];
  readonly moves: { readonly [Key in keyof CodeMoves]: [number, number, number] };
};

function noFigures(): Sums {
  const none = (): [number, number, number] => [0, 0, 0];
  return {
    items: 0,
    units: 0,
    kg: 0,
    autoItems: 0,
    autoUnits: 0,
    autoKg: 0,
    doubtItems: 0,
    doubtUnits: 0,
    doubtKg: 0,
    returned: none(),
    moves: {
      autoOut: none(),
      autoIn: none(),
      autoRest: none(),
      autoSpread: none(),
      reviewOut: none(),
      reviewIn: none(),
      reviewRest: none(),
      reviewSpread: none(),
      splitOut: none(),
      splitIn: none(),
    },
  };
}

/** Adds an item's amounts, each times a share. */
function addTo(sum: [number, number, number], amounts: Triple, share: number): void {
  for (let i = 0; i < 3; i++) sum[i] = (sum[i] ?? 0) + (amounts[i] ?? 0) * share;
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
  /** The other codes it may be, where a law has split the model's code. */
  readonly others: readonly string[];
}

/** Why a person must look; "" for an automatic decision. */
function reasonOf(task: LineTask, outcome: Outcome, answer: Prediction): string {
  if (!task.automatic) return "the line is on review";
  return outcome.certain ? answer.reason : "no certain code on that day";
}

interface LineWork {
  take(sold: readonly Sold[], items: readonly Item[], answers: readonly Prediction[], firstRow: number, stride: number): void;
  flush(): Promise<void>;
  finish(): Promise<LabelledLine>;
  fail(error: unknown): Promise<void>;
}

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
  const written = writeThrough(
    task.predictions,
    writeTable(pipe, { format: "csv", columns: predictionColumns, spreadsheet: true }),
    signal,
  );
  // Met where it is awaited; until then it must not count as unhandled.
  void written.catch(() => undefined);
  const reference =
    task.profile === null
      ? undefined
      : (JSON.parse(Buffer.from(await gather(openHandle(task.profile, signal))).toString("utf8")) as Profile);
  const profiler: Profiler | undefined = reference === undefined ? undefined : openProfile(reference.columns, reference);
  const figures = new Map<string, Map<string, Sums>>();
  const low = makePicks(input.reviewPerLine);
  const audit = makePicks(input.auditPerLine);
  // Another draw every month: the same items again would tell nothing new.
  const salt = hashText(`${input.seed}/${task.line}/${input.versions.kind === "by-date" ? input.versions.period : "test"}`);
  const period = input.versions.kind === "by-date" ? input.versions.period : undefined;
  const asked = new Map(task.asked.map((one) => [`${one.item}\n${one.day}`, one.answered]));
  const seen: ItemSeen[] = [];
  /** Returned items: an answer on the item as sold moves them too, so they are asked about together. */
  const returned = new Map<string, Candidate>();
  let pending: (string | number)[][] = [];
  let items = 0;
  let autoItems = 0;

  const figureOf = (version: string, code: string): Sums => {
    let codes = figures.get(version);
    if (codes === undefined) figures.set(version, (codes = new Map()));
    let figure = codes.get(code);
    if (figure === undefined) {
      figure = noFigures();
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
        const reason = reasonOf(task, outcome, answer);
        const decision = reason === "" ? "auto" : "review";
        const second = outcomeOf(answer.runnerUp, one.day);
        const runnerUp = second.code;
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
        const amounts: Triple = [1, Math.abs(one.units), Math.abs(one.kg)];
        if (one.units < 0) addTo(figure.returned, amounts, 1);
        addMoves(figure, figureOf(second.version, second.code), answer, decision === "auto", amounts);
        if (outcome.others.length > 0) {
          addTo(figure.moves.splitOut, amounts, 1);
          for (const other of outcome.others) addTo(figureOf(outcome.version, other).moves.splitIn, amounts, 1);
        }
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
        if (one.units < 0 && task.review !== null) {
          const kind = decision === "auto" ? "former" : "low";
          returned.set(`${one.id}\n${candidate.day}`, { ...candidate, evidence, reason, row: one.row, kind, rank: 0, text: 0 });
        }
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
          figure.doubtUnits += doubt * amounts[1];
          figure.doubtKg += doubt * amounts[2];
          // What a person answered takes no place of what waits for one.
          if (answered !== true && low.wants(amounts[1]))
            low.add({ ...candidate, evidence, reason, row: one.row, kind: "low", rank: amounts[1], text: hashItemText(item) });
        }
        if (profiler !== undefined && (firstRow + index) % stride === 0) {
          profiler.addItem(featurize(item));
          // A model is surer of what it has learned from, and the reference is of unseen items: only those compare.
          if (!wasTrainedOn(model, item)) profiler.addPrediction(answer.code, answer.probability);
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
      const drawn = [...audit.list(), ...low.list()];
      const picks = [...drawn, ...drawn.flatMap((pick) => (pick.units < 0 ? [] : (returned.get(`${pick.itemId}\n${pick.day}`) ?? [])))];
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
        figures: Object.fromEntries([...figures].map(([version, codes]) => [version, roundFigures(codes)])),
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
function roundFigures(codes: ReadonlyMap<string, Sums>): Record<string, CodeFigures> {
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  const triple = (sum: Triple): Triple => [round(sum[0]), round(sum[1]), round(sum[2])];
  return Object.fromEntries(
    [...codes]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, figure]) => [
        code,
        {
          items: figure.items,
          units: round(figure.units),
          kg: round(figure.kg),
          autoItems: figure.autoItems,
          autoUnits: round(figure.autoUnits),
          autoKg: round(figure.autoKg),
          doubtItems: round(figure.doubtItems),
          doubtUnits: round(figure.doubtUnits),
          doubtKg: round(figure.doubtKg),
          ...(figure.returned[0] > 0 ? { returned: triple(figure.returned) } : {}),
          moves: Object.fromEntries(Object.entries(figure.moves).map(([name, sum]) => [name, triple(sum)])) as unknown as CodeMoves, // the same keys
        },
      ]),
  );
}

/** Makes the way from the model's codes to the codes of a day; every (code, version) is worked out once. */
function makeOutcomes(input: LabelInput, task: LineTask): (code: string, day: string) => Outcome {
  const { scheme, modelSchemeVersion: own } = task;
  if (scheme === null || own === openVersion) return (code) => ({ code, version: own, certain: true, others: [] });
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
    if (version === undefined) return { code, version: own, certain: false, others: [] };
    if (version === own) return { code, version, certain: true, others: [] };
    const key = `${version}\n${code}`;
    let outcome = outcomes.get(key);
    if (outcome === undefined) {
      const mapped = recode(scheme, code, own, version);
      if (mapped.kind === "same" || mapped.kind === "mapped") outcome = { code: mapped.code, version, certain: true, others: [] };
      else {
        const [first = "", ...others] = mapped.kind === "ambiguous" ? mapped.candidates : [];
        outcome = { code: first, version, certain: false, others };
      }
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
    spreadsheet: true,
    columns: [...kept.map(({ name }) => name), "kind", "predicted", "probability", "runner_up", "evidence", "reason"],
  });
}
