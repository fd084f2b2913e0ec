// Predict: what a model says of items, how sure it is, and why.
//
// Owns: finding known features, calibrated answers, evidence. Does not own: files, the model.
//   R1. An answer depends on the item and the model alone, not on its neighbours in the batch.
//   R2. Models whose features are the same, but for how many bits of a key count, read an item once.
//   R3. One predictor is used by one thread at a time.

import { calibrateRow } from "./calibration.ts";
import type { Item } from "./dataset.ts";
import { reasonForReview, type ReviewReason } from "./decisions.ts";
import { openExtractor, type Extractor } from "./features.ts";
import { openVocabularyCheck, type UnknownText } from "./vocabulary.ts";
import { openAnswers, type KernelKind, type Answers } from "./kernel.ts";
import type { Model } from "./model.ts";
import { makeTermWeighter, orderByFrequency } from "./term-weights.ts";

/** A word (or category) of the item and how much it spoke for the code against the runner-up, in logits. */
export interface Evidence {
  readonly column: string;
  readonly text: string;
  readonly weight: number;
}

export interface Prediction {
  readonly code: string;
  /** Calibrated; 0..1. */
  readonly probability: number;
  readonly runnerUp: string;
  readonly runnerUpProbability: number;
  readonly decision: "auto" | "review";
  /** Why a person must look; "" when the decision is automatic. */
  readonly reason: ReviewReason | "";
  /** The strongest first, at most three; empty unless asked for. */
  readonly evidence: readonly Evidence[];
}

export interface PredictorOptions {
  /** Default true; without it labelling is about a fifth faster. */
  readonly evidence?: boolean;
  /** A floor of the calibrated probability above the model's own; a lower one changes nothing. */
  readonly floor?: number;
  readonly kernel?: KernelKind;
}

export interface Predictor {
  readonly model: Model;
  predict(items: readonly Item[]): Prediction[];
}

/** Few enough that the weights a chunk touched are still near when evidence asks for them again. */
const CHUNK = 64;
const EVIDENCE = 3;

/** Opens one model for answers. */
export function openPredictor(model: Model, options: PredictorOptions = {}): Predictor {
  const many = openPredictors([model], options);
  return { model, predict: (items) => many.predict(items)[0] };
}

/** Opens several models, of one country say, that answer for the same items; `predict` gives one list per model. */
export function openPredictors(
  models: readonly Model[],
  options: PredictorOptions = {},
): { readonly predict: (items: readonly Item[]) => Prediction[][] } {
  const readers = new Map<string, { extractor: Extractor; answerers: { index: number; answerer: Answerer }[] }>();
  for (const [index, model] of models.entries()) {
    // The keys of an extractor are whole; each model takes the bits it wants.
    const key = JSON.stringify({ ...model.spec, bits: 0 });
    const reader = readers.get(key) ?? { extractor: openExtractor(model.spec), answerers: [] };
    readers.set(key, reader);
    reader.answerers.push({ index, answerer: makeAnswerer(model, reader.extractor, options) });
  }
  return {
    predict: (items) => {
      const out: Prediction[][] = models.map(() => []);
      for (const { extractor, answerers } of readers.values()) {
        for (let from = 0; from < items.length; from += CHUNK) {
          const to = Math.min(items.length, from + CHUNK);
          extractor.forget();
          for (const { answerer } of answerers) answerer.begin();
          for (let item = from; item < to; item++) {
            extractor.read(items[item]);
            for (const { answerer } of answerers) answerer.take();
          }
          for (const { index, answerer } of answerers) answerer.answer(items, from, to, out[index]);
        }
      }
      return out;
    },
  };
}

/** One model's part in a chunk: `begin`, `take` after each item read, `answer`. */
interface Answerer {
  begin(): void;
  take(): void;
  answer(items: readonly Item[], from: number, to: number, out: Prediction[]): void;
}

function makeAnswerer(model: Model, extractor: Extractor, options: PredictorOptions): Answerer {
  const withEvidence = options.evidence ?? true;
  const classes = model.classes.length;
  const { ranks, rowOf, frequencyClasses, order, shift, unknown } = openVocabulary(model);
  const termWeighter = makeTermWeighter(model.spec, model.parameters, frequencyClasses, model.items);
  const segment = model.card.segment === "" ? -1 : model.card.columns.categories.indexOf(model.card.segment);

  let stage = openStage(model, order, 1 << 15, options.kernel);
  let features = new Uint32Array(1 << 12);
  let picked = new Uint32Array(1 << 15);
  let owners = new Uint32Array(1 << 15);
  const firstTokens = new Uint32Array(CHUNK + 1);
  const text = openVocabularyCheck(model.spec);
  const unknownTexts = Array<UnknownText>(CHUNK).fill("");
  const row = new Float64Array(classes);
  let staged = 0;
  let end = 0;

  return {
    begin: () => {
      staged = 0;
      end = 0;
      firstTokens[0] = 0;
    },
    take: () => {
      const { count, keys, kinds, amounts, owners: spokenFor } = extractor;
      if (features.length < count) features = new Uint32Array(count * 2);
      text.begin();
      for (let entry = 0; entry < count; entry++) {
        const bucket = keys[entry] >>> shift;
        const place = (bucket >>> 5) << 1;
        const word = ranks[place];
        const bit = 1 << (bucket & 31);
        const feature = (word & bit) === 0 ? unknown : rowOf[ranks[place + 1] + countBits(word & (bit - 1))];
        features[entry] = feature;
        text.add(kinds[entry], frequencyClasses[feature]);
      }
      unknownTexts[staged] = text.finish();
      if (end + count > stage.maxEntries) {
        stage = copyStage(stage, openStage(model, order, (end + count) * 2, options.kernel), staged, end);
        picked = new Uint32Array(stage.maxEntries);
        const wider = new Uint32Array(stage.maxEntries);
        wider.set(owners.subarray(0, end));
        owners = wider;
      }
      stage.starts[staged] = end;
      const from = end;
      end = termWeighter.weight(
        { features, kinds, amounts },
        0,
        count,
        stage.entryFeatures,
        stage.entryValues,
        end,
        withEvidence ? picked : undefined,
      );
      if (withEvidence) for (let entry = from; entry < end; entry++) owners[entry] = spokenFor[picked[entry]];
      staged += 1;
      stage.starts[staged] = end;
      firstTokens[staged] = extractor.tokens;
    },
    answer: (items, from, to, out) => {
      stage.score(staged);
      for (let item = 0; item < to - from; item++) {
        const top = calibrateRow(model.calibration, stage.scores, item * stage.width, classes, row, 0);
        let second = top === 0 ? 1 : 0;
        for (let c = 0; c < classes; c++) if (c !== top && row[c] > row[second]) second = c;
        const reason = reasonForReview(model.decisions, {
          top: row[top],
          second: row[second],
          segment: segment < 0 ? "" : items[from + item].categories[segment],
          unknownText: unknownTexts[item],
          ...(options.floor === undefined ? {} : { floor: options.floor }),
        });
        out.push({
          code: model.classes[top],
          probability: row[top],
          runnerUp: model.classes[second],
          runnerUpProbability: row[second],
          decision: reason === undefined ? "auto" : "review",
          reason: reason ?? "",
          evidence: withEvidence ? findEvidence({ stage, owners, extractor, firstTokens }, item, top, second) : [],
        });
      }
    },
  };
}

/** The features a model knows, as the kernel numbers them: by row, not by feature. */
interface Vocabulary {
  /** See `rankBuckets`. */
  readonly ranks: Int32Array;
  readonly rowOf: Uint32Array;
  readonly frequencyClasses: Uint8Array;
  /** The feature of each row. */
  readonly order: Uint32Array;
  /** A bucket is the key without so many low bits. */
  readonly shift: number;
  /** One row more than there are stands for all unknown features: its frequency 0 keeps it out. */
  readonly unknown: number;
}

function openVocabulary(model: Model): Vocabulary {
  const unknown = model.buckets.length;
  const order = orderByFrequency(model.frequencyClasses);
  const frequencyClasses = new Uint8Array(unknown + 1);
  const rowOf = new Uint32Array(unknown + 1).fill(unknown);
  for (let row = 0; row < unknown; row++) {
    rowOf[order[row]] = row;
    frequencyClasses[row] = model.frequencyClasses[order[row]];
  }
  return { ranks: rankBuckets(model), rowOf, frequencyClasses, order, shift: 32 - model.spec.bits, unknown };
}

/** What a chunk has left behind for evidence. */
interface Staged {
  readonly stage: Answers;
  /** The token of each entry. */
  readonly owners: Uint32Array;
  readonly extractor: Extractor;
  /** The first token of each item. */
  readonly firstTokens: Uint32Array;
}

let tokenScores = new Float64Array(1 << 10);

/** The tokens of an item that spoke most for its code against the runner-up. */
function findEvidence({ stage, owners, extractor, firstTokens }: Staged, item: number, top: number, second: number): Evidence[] {
  const [first, last] = [firstTokens[item], firstTokens[item + 1]];
  const tokens = last - first;
  if (tokens > tokenScores.length) tokenScores = new Float64Array(tokens * 2);
  // One array for all predictors of a thread: nothing of it outlives this call.
  const scores = tokenScores;
  scores.fill(0, 0, tokens);
  const { starts, entryFeatures, entryValues } = stage;
  for (let entry = starts[item]; entry < starts[item + 1]; entry++) {
    scores[owners[entry] - first] += stage.leadOf(entryFeatures[entry], entryValues[entry], top, second);
  }
  const found: Evidence[] = [];
  for (let rank = 0; rank < EVIDENCE; rank++) {
    let best = -1;
    // Token 0 is the constant every item has: it is no evidence.
    for (let token = 1; token < tokens; token++) if (best < 0 || scores[token] > scores[best]) best = token;
    if (best < 0 || !(scores[best] > 0)) break;
    const { namespace, text } = extractor.token(first + best);
    found.push({ column: extractor.namespaces[namespace].name, text, weight: scores[best] });
    scores[best] = 0;
  }
  return found;
}

/**
 * The features by rank: feature numbers rise with the buckets, so a bucket's feature is how many buckets stand before it.
 *
 * A word of 32 buckets and a count, side by side, take 1 MB for 2^22 buckets, where a table of feature numbers would take 16 and miss the cache each time.
 */
function rankBuckets(model: Model): Int32Array {
  const ranks = new Int32Array(2 * Math.max(1, 2 ** (model.spec.bits - 5)));
  for (const bucket of model.buckets) ranks[(bucket >>> 5) << 1] |= 1 << (bucket & 31);
  for (let place = 2; place < ranks.length; place += 2) ranks[place + 1] = ranks[place - 1] + countBits(ranks[place - 2]);
  return ranks;
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function openStage(model: Model, order: Uint32Array, maxEntries: number, kind: KernelKind | undefined): Answers {
  return openAnswers(
    { scales: model.scales, weights: model.weights, order },
    { features: model.buckets.length, classes: model.classes.length, maxItems: CHUNK, maxEntries },
    kind,
  );
}

/** Texts of thousands of words are rare; the stage is copied into a wider one when one comes. */
function copyStage(stage: Answers, wider: Answers, staged: number, end: number): Answers {
  wider.starts.set(stage.starts.subarray(0, staged + 1));
  wider.entryFeatures.set(stage.entryFeatures.subarray(0, end));
  wider.entryValues.set(stage.entryValues.subarray(0, end));
  return wider;
}
