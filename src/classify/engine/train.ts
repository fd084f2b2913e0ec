// Train: weights of a softmax regression from prepared items.
//
// Owns: order, epochs, rates, dropout, importance of classes. Does not own: the arithmetic (kernel), the choice of hyperparameters (search).
//   T1. One model is trained by one thread: the same items, hyperparameters and seed give the same weights, bit for bit, with either learner.
//   T2. Items not named have no part in anything, document frequencies included.
// `copyEntries` takes its parameters by place: it is called for every item of every epoch.

import { makeRandom } from "../../platform/random.ts";
import { openLearner, type KernelKind, type Learner } from "./kernel.ts";
import { countFrequencies, type Prepared } from "./prepare.ts";
import { classifyFrequency, makeTermWeighter, type Hyperparameters, type TermWeighter } from "./term-weights.ts";

/** A trained model still in its learner. */
export interface Trained {
  readonly parameters: Hyperparameters;
  readonly items: number;
  /** Class of frequency per feature (see `classifyFrequency`); 0 where no training item has it. */
  readonly frequencyClasses: Uint8Array;
  readonly learner: Learner;
}

export interface TrainOptions {
  readonly seed: number;
  readonly kernel?: KernelKind;
  /** Looked at between chunks, also by a loop that never yields. */
  readonly signal?: AbortSignal;
}

const STAGE_ITEMS = 256;

/** Trains on the items named, of which every label is known. Cost: about 6 microseconds an item and epoch with 40 classes and 115 features. */
export function train(prepared: Prepared, items: Uint32Array, parameters: Hyperparameters, options: TrainOptions): Trained {
  const frequencyClasses = Uint8Array.from(countFrequencies(prepared, items), classifyFrequency);
  const weighted = weightItems(prepared, items, makeTermWeighter(prepared.spec, parameters, frequencyClasses, items.length));
  const classes = prepared.classes.length;
  const learner = openLearner(
    { features: prepared.buckets.length, classes, maxItems: STAGE_ITEMS, maxEntries: STAGE_ITEMS * 16 + weighted.longest * 16 },
    options.kernel,
  );
  const importances = weightClasses(prepared.labels, items, classes, parameters.classPower);
  const random = makeRandom(options.seed).fork("train");
  // A linear congruential generator of 32 bits is random enough to hide features, and some hundred million draws must cost little.
  let hiding = random.fork("dropout").below(2 ** 32) | 0;
  const hidden = Math.floor(parameters.dropout * 2 ** 32);
  const order = Uint32Array.from(items.keys());
  const total = parameters.epochs * items.length;
  const slope = total === 0 ? 0 : -parameters.rate / total;
  const keep = 1 / (1 - parameters.dropout);
  const { entryFeatures, entryValues } = learner;
  let done = 0;
  for (let epoch = 0; epoch < parameters.epochs; epoch++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      const swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    let next = 0;
    while (next < order.length) {
      let staged = 0;
      let end = 0;
      while (staged < STAGE_ITEMS && next < order.length) {
        const place = order[next];
        const [from, to] = [weighted.starts[place], weighted.starts[place + 1]];
        if (end + to - from > learner.maxEntries) break;
        learner.starts[staged] = end;
        if (hidden === 0) end = copyEntries(weighted, from, to, entryFeatures, entryValues, end);
        else {
          for (let entry = from; entry < to; entry++) {
            hiding = (Math.imul(hiding, 1664525) + 1013904223) | 0;
            if (hiding >>> 0 < hidden) continue;
            entryFeatures[end] = weighted.features[entry];
            entryValues[end] = weighted.values[entry] * keep;
            end += 1;
          }
        }
        const label = prepared.labels[items[place]];
        learner.labels[staged] = label;
        learner.importances[staged] = importances[label];
        staged += 1;
        next += 1;
      }
      learner.starts[staged] = end;
      learner.train(staged, parameters.rate + slope * done, slope);
      done += staged;
      options.signal?.throwIfAborted();
    }
  }
  return { parameters, items: items.length, frequencyClasses, learner };
}

/** Scores of prepared items, `classes` numbers each. */
export function scoreItems(prepared: Prepared, items: Uint32Array, trained: Trained): Float32Array {
  const { learner } = trained;
  const classes = prepared.classes.length;
  const out = new Float32Array(items.length * classes);
  const termWeighter = makeTermWeighter(prepared.spec, trained.parameters, trained.frequencyClasses, trained.items);
  let next = 0;
  while (next < items.length) {
    let staged = 0;
    let end = 0;
    const first = next;
    while (staged < learner.maxItems && next < items.length) {
      const [from, to] = [prepared.starts[items[next]], prepared.starts[items[next] + 1]];
      if (end + to - from > learner.maxEntries) break;
      learner.starts[staged++] = end;
      end = termWeighter.weight(prepared.entries, from, to, learner.entryFeatures, learner.entryValues, end);
      next += 1;
    }
    learner.starts[staged] = end;
    learner.score(staged);
    for (let item = 0; item < staged; item++) {
      out.set(learner.scores.subarray(item * learner.width, item * learner.width + classes), (first + item) * classes);
    }
  }
  return out;
}

/** Entry by entry: for a hundred of them a loop is quicker than two views and two copies. */
function copyEntries(
  { features, values }: Weighted,
  from: number,
  to: number,
  toFeatures: Uint32Array,
  toValues: Float32Array,
  at: number,
): number {
  const shift = at - from;
  for (let entry = from; entry < to; entry++) {
    toFeatures[entry + shift] = features[entry];
    toValues[entry + shift] = values[entry];
  }
  return to + shift;
}

interface Weighted {
  readonly starts: Uint32Array;
  readonly features: Uint32Array;
  readonly values: Float32Array;
  /** Entries of the longest item of the whole dataset. */
  readonly longest: number;
}

function weightItems(prepared: Prepared, items: Uint32Array, termWeighter: TermWeighter): Weighted {
  let room = 0;
  let longest = 0;
  for (const item of items) room += prepared.starts[item + 1] - prepared.starts[item];
  for (let item = 0; item < prepared.size; item++) longest = Math.max(longest, prepared.starts[item + 1] - prepared.starts[item]);
  const starts = new Uint32Array(items.length + 1);
  const features = new Uint32Array(room);
  const values = new Float32Array(room);
  let end = 0;
  for (let place = 0; place < items.length; place++) {
    const item = items[place];
    end = termWeighter.weight(prepared.entries, prepared.starts[item], prepared.starts[item + 1], features, values, end);
    starts[place + 1] = end;
  }
  return { starts, features, values, longest };
}

/** Importance per class, 1 on average over the items. */
function weightClasses(labels: Int32Array, items: Uint32Array, classes: number, power: number): Float32Array {
  const sizes = new Float64Array(classes);
  for (const item of items) sizes[labels[item]] += 1;
  const raw = sizes.map((size) =>
    size === 0 ? 0 : power === 0 ? 1 : power === 1 ? 1 / size : power === 0.5 ? Math.sqrt(1 / size) : Math.sqrt(Math.sqrt(1 / size)),
  );
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += raw[c] * sizes[c];
  return Float32Array.from(raw, (weight) => (sum === 0 ? 0 : (weight * items.length) / sum));
}
