// Kernel: the memory in which a model learns and answers, and the arithmetic on it.
//
// Owns: the layout, packing, the choice between WASM SIMD and the plain fallback. Does not own: features, order, rates.
//   N1. Both kinds give the same bits (see plain-kernel.ts); a machine without SIMD is slower, never different.
//   N2. One kernel is used by one thread at a time; threads each open their own.

import { StockroomError } from "../../platform/errors.ts";
import { type KernelCode, makePlainKernel } from "./plain-kernel.ts";
import { kernelBytes } from "./wasm/kernel-bytes.ts";

export type KernelKind = "simd" | "plain";

/** Where items are laid out for a kernel: item i has the entries `starts[i]` up to `starts[i + 1]`. */
export interface Stage {
  readonly maxItems: number;
  readonly maxEntries: number;
  readonly starts: Uint32Array;
  readonly entryFeatures: Uint32Array;
  readonly entryValues: Float32Array;
  /** `maxItems` rows of `width`, written by `score`. */
  readonly scores: Float32Array;
  readonly width: number;
  score(items: number): void;
}

/** A stage whose weights can be trained: `features` rows of `width` numbers. */
export interface Learner extends Stage {
  readonly weights: Float32Array;
  readonly labels: Int32Array;
  readonly importances: Float32Array;
  /** One pass over the staged items in their order; the rate of item i is `rate + i * slope`. */
  train(items: number, rate: number, slope: number): void;
}

export interface StageShape {
  readonly features: number;
  readonly classes: number;
  readonly maxItems: number;
  readonly maxEntries: number;
}

/** Whole-number weights as a model holds them. */
export interface PackedWeights {
  readonly scales: Float32Array;
  /** `scales.length` rows of as many numbers as there are classes. */
  readonly weights: Int8Array;
  /** The feature in each row of the kernel: those met most often first keep the warm rows together. */
  readonly order: Uint32Array;
}

const PAGE = 65_536;
/** WASM memories end at 4 GiB; past half of it a model is a mistake rather than a need. */
const MAX_BYTES = 2 ** 31;

// The part of WebAssembly used here; the types of Node leave it out.
declare const WebAssembly: {
  readonly validate: (bytes: Uint8Array) => boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

let compiled: object | undefined;
let simd: boolean | undefined;

/** Whether this runtime has WASM with SIMD. */
export function hasSimd(): boolean {
  simd ??= typeof WebAssembly === "object" && WebAssembly.validate(kernelBytes());
  return simd;
}

const usualKind = (): KernelKind => (hasSimd() ? "simd" : "plain");

/**
 * Opens a kernel that learns, with all weights zero.
 *
 * Throws `MODEL_TOO_LARGE` (an `input`) when features x classes do not fit into 2 GiB.
 */
export function openLearner(shape: StageShape, kind: KernelKind = usualKind()): Learner {
  const { features, classes, maxItems, maxEntries } = shape;
  const width = (classes + 3) & ~3;
  const plan = layOut({ ...shape, width });
  const [scratch, labelsAt, importancesAt] = [plan.place(width), plan.place(maxItems), plan.place(maxItems)];
  const [sums, weightsAt] = [plan.place(features), plan.place(features * width)];
  const { memory, code } = openMemory(plan.end(), shape, kind);
  const { starts, entryFeatures, entryValues, scores } = plan.at;
  return {
    ...viewStage(memory, plan.at, maxItems, maxEntries, width),
    weights: new Float32Array(memory, weightsAt, features * width),
    labels: new Int32Array(memory, labelsAt, maxItems),
    importances: new Float32Array(memory, importancesAt, maxItems),
    score: (items) => code.score(items, starts, entryFeatures, entryValues, weightsAt, width, scores),
    train: (items, rate, slope) =>
      code.train(items, starts, entryFeatures, entryValues, labelsAt, importancesAt, weightsAt, sums, width, classes, scratch, rate, slope),
  };
}

/** A stage over packed weights. */
export interface Answers extends Stage {
  /** What an entry of `value` adds to class `plus` over class `minus`. */
  leadOf(feature: number, value: number, plus: number, minus: number): number;
}

/** Opens a kernel that answers, from packed weights: a quarter of the memory, so that more of a model stays near the processor. */
export function openAnswers(packed: PackedWeights, shape: StageShape, kind: KernelKind = usualKind()): Answers {
  const { features, classes, maxItems, maxEntries } = shape;
  const width = (classes + 15) & ~15;
  const stride = 4 + ((classes + 3) & ~3);
  const plan = layOut({ ...shape, width });
  // The loop reads whole blocks of 16, past the last row too.
  const rows = plan.place((features * stride) / 4 + 4);
  const { memory, code } = openMemory(plan.end(), shape, kind);
  const bytes = new Int8Array(memory);
  const floats = new Float32Array(memory);
  for (let place = 0; place < features; place++) {
    const feature = packed.order[place];
    const row = rows + place * stride;
    floats[row >> 2] = packed.scales[feature];
    for (let c = 0; c < classes; c++) bytes[row + 4 + c] = packed.weights[feature * classes + c];
  }
  const { starts, entryFeatures, entryValues, scores } = plan.at;
  return {
    ...viewStage(memory, plan.at, maxItems, maxEntries, width),
    score: (items) => code.scorePacked(items, starts, entryFeatures, entryValues, rows, stride, width, scores),
    leadOf: (feature, value, plus, minus) => {
      const row = rows + feature * stride;
      return value * floats[row >> 2] * (bytes[row + 4 + plus] - bytes[row + 4 + minus]);
    },
  };
}

interface StagePlaces {
  readonly starts: number;
  readonly scores: number;
  readonly entryFeatures: number;
  readonly entryValues: number;
}

function layOut(shape: StageShape & { readonly width: number }): {
  readonly at: StagePlaces;
  readonly place: (words: number) => number;
  readonly end: () => number;
} {
  let end = 1024;
  const place = (words: number): number => {
    const at = end;
    end += Math.ceil(words / 4) * 16; // no bit arithmetic: it ends at 2 GiB, where the check must still see the sum
    return at;
  };
  const at = {
    starts: place(shape.maxItems + 1),
    scores: place(shape.maxItems * shape.width),
    entryFeatures: place(shape.maxEntries),
    entryValues: place(shape.maxEntries),
  };
  return { at, place, end: () => end };
}

function openMemory(bytes: number, shape: StageShape, kind: KernelKind): { readonly memory: ArrayBuffer; readonly code: KernelCode } {
  if (!(bytes <= MAX_BYTES)) {
    const { features, classes } = shape;
    throw new StockroomError(
      "input",
      "MODEL_TOO_LARGE",
      `Expected a model of at most 2 GiB but ${features} features of ${classes} classes need ${Math.round(bytes / 2 ** 20)} MiB. Use fewer hash bits or drop rare features.`,
      { facts: { features, classes } },
    );
  }
  const pages = Math.ceil(bytes / PAGE);
  if (kind === "plain") {
    const memory = new ArrayBuffer(pages * PAGE);
    return { memory, code: makePlainKernel(memory) };
  }
  const wasm = new WebAssembly.Memory({ initial: pages, maximum: pages });
  compiled ??= new WebAssembly.Module(kernelBytes());
  const code = new WebAssembly.Instance(compiled, { env: { memory: wasm } }).exports as KernelCode; // the exports of kernel.as.ts
  return { memory: wasm.buffer, code };
}

function viewStage(memory: ArrayBuffer, at: StagePlaces, maxItems: number, maxEntries: number, width: number): Omit<Stage, "score"> {
  return {
    maxItems,
    maxEntries,
    width,
    starts: new Uint32Array(memory, at.starts, maxItems + 1),
    scores: new Float32Array(memory, at.scores, maxItems * width),
    entryFeatures: new Uint32Array(memory, at.entryFeatures, maxEntries),
    entryValues: new Float32Array(memory, at.entryValues, maxEntries),
  };
}
