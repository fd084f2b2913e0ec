// Model: one trained artefact as a value and as a file.
//
// Owns: what a model is made of, the file format, quantisation. Does not own: how it was trained, how it answers.
//   L1. The file is a function of the model alone: encode(decode(bytes)) gives the same bytes.
//   L2. A file with a wrong magic, a newer version, a missing end or a flipped bit is refused, never half read.
//   L3. Weights are whole numbers of -127..127 times a scale per feature, in memory as on disk: what was measured is what answers.
//
// The file: "STOCKMDL", version (u32), header length (u32), header (JSON), sections in the header's order, SHA-256 of all before it.
// Numbers are little endian. Buckets, seen texts: differences as LEB128; frequencies: u8; scales: f32; weights: i8, feature by feature.

import { createHash } from "node:crypto";
import { StockroomError } from "../../platform/errors.ts";
import type { Calibration } from "./calibration.ts";
import { hashItemText, type Item, type ItemColumnNames } from "./dataset.ts";
import type { Decisions } from "./decisions.ts";
import type { FeatureSpec } from "./features.ts";
import type { Prepared } from "./prepare.ts";
import type { Reading } from "./reading.ts";
import type { TrialResult } from "./search.ts";
import type { Trained } from "./train.ts";
import type { Hyperparameters } from "./term-weights.ts";

/** Where a model comes from and what it was worth; for people and for tables. */
export interface ModelCard {
  /** ISO date given by the caller; never the clock's. */
  readonly date: string;
  readonly data: {
    readonly name: string;
    /** SHA-256 of the input, or of what the caller took for it. */
    readonly hash: string;
    readonly rows: number;
    readonly badRows: number;
  };
  readonly label: string;
  readonly columns: ItemColumnNames;
  /** Absent: strictly, by the names of its columns. */
  readonly reading?: Reading;
  /** The category column whose values have thresholds of their own; "" for none. */
  readonly segment: string;
  readonly items: { readonly train: number; readonly validation: number };
  /** Folds that judged every item once, in the place of items set aside. */
  readonly folds?: number;
  /** On the validation items. */
  readonly metrics: Readonly<Record<"accuracy" | "macroF1" | "weightedF1" | "logLoss" | "ece" | "coverage", number>>;
  readonly seed: number;
  readonly trials: readonly TrialResult[];
}

/** A trained model: plain data. */
export interface Model {
  readonly card: ModelCard;
  readonly classes: readonly string[];
  readonly spec: FeatureSpec;
  readonly parameters: Hyperparameters;
  readonly calibration: Calibration;
  readonly decisions: Decisions;
  /** Training items, for document frequencies. */
  readonly items: number;
  /** Hash bucket of each feature, rising. */
  readonly buckets: Uint32Array;
  /** How many training items have the feature, as a class (see `classifyFrequency`). */
  readonly frequencyClasses: Uint8Array;
  /** Weight of class c for feature f is `weights[f * classes.length + c] * scales[f]`. */
  readonly scales: Float32Array;
  readonly weights: Int8Array;
  /** Hashes of the texts learned from, rising. */
  readonly seen: Uint32Array;
}

/** The part of a model that training gives. */
export type ModelWeights = Pick<Model, "buckets" | "frequencyClasses" | "scales" | "weights" | "items">;

/** Rounds trained weights to whole numbers and drops the features training never met. */
export function quantise(prepared: Prepared, trained: Trained): ModelWeights {
  const classes = prepared.classes.length;
  const { frequencyClasses } = trained;
  const { width, weights: exact } = trained.learner;
  const fewest = Math.max(1, trained.parameters.minItems);
  const kept = prepared.byBucket.filter((feature) => frequencyClasses[feature] >= fewest);
  const scales = new Float32Array(kept.length);
  const weights = new Int8Array(kept.length * classes);
  let end = 0;
  for (let f = 0; f < kept.length; f++) {
    const from = kept[f] * width;
    const to = from + classes;
    let most = 0;
    for (let at = from; at < to; at++) {
      const size = Math.abs(exact[at]);
      if (size > most) most = size;
    }
    scales[f] = most / 127;
    if (scales[f] > 0) {
      const perScale = 1 / scales[f];
      for (let at = from; at < to; at++) weights[end + at - from] = Math.floor(exact[at] * perScale + 0.5);
    }
    end += classes;
  }
  return {
    buckets: Uint32Array.from(kept, (feature) => prepared.buckets[feature]),
    frequencyClasses: Uint8Array.from(kept, (feature) => frequencyClasses[feature]),
    scales,
    weights,
    items: trained.items,
  };
}

/** Whether a text like the item's was learned from. */
export function wasTrainedOn({ seen }: Model, item: Item): boolean {
  const text = hashItemText(item);
  let low = 0;
  let high = seen.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (seen[middle] < text) low = middle + 1;
    else high = middle;
  }
  return seen[low] === text;
}

const MAGIC = "STOCKMDL";
const VERSION = 1;
const CHECKSUM_BYTES = 32;
const PREFIX_BYTES = 16;

interface Header extends Omit<Model, "buckets" | "frequencyClasses" | "scales" | "weights" | "seen"> {
  readonly features: number;
  readonly sections: readonly { readonly name: string; readonly bytes: number }[];
}

/** Puts a model into one file. */
export function encodeModel(model: Model): Uint8Array {
  const { buckets, frequencyClasses, scales, weights, seen, ...plain } = model;
  const sections: readonly (readonly [name: string, bytes: Uint8Array])[] = [
    ["buckets", packWhole(differences(buckets))],
    ["frequencies", frequencyClasses],
    ["scales", packFloats(scales)],
    ["weights", new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)],
    ["seen", packWhole(differences(seen))],
  ];
  const header: Header = {
    ...plain,
    features: buckets.length,
    sections: sections.map(([name, bytes]) => ({ name, bytes: bytes.byteLength })),
  };
  const json = Buffer.from(sortedJson(header), "utf8");
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, "latin1");
  prefix.writeUInt32LE(VERSION, 8);
  prefix.writeUInt32LE(json.byteLength, 12);
  const body = Buffer.concat([prefix, json, ...sections.map(([, bytes]) => bytes)]);
  return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}

/**
 * Reads a model file; throws an `input` with one of `MODEL_NOT_A_MODEL`, `MODEL_VERSION`, `MODEL_TRUNCATED`, `MODEL_CHECKSUM`.
 *
 * `name` is what errors call the file.
 */
export function decodeModel(bytes: Uint8Array, name = "the model file"): Model {
  const refuse = (code: string, what: string, advice: string): never => {
    throw new StockroomError("input", code, `Expected ${name} to be a model but ${what}. ${advice}`, {
      facts: { bytes: bytes.byteLength },
    });
  };
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.byteLength < PREFIX_BYTES || file.toString("latin1", 0, 8) !== MAGIC) {
    refuse("MODEL_NOT_A_MODEL", "it does not begin as one", "Give a file made by `stockroom classify fit`.");
  }
  const version = file.readUInt32LE(8);
  if (version !== VERSION) {
    refuse(
      "MODEL_VERSION",
      `its format is version ${version} and this program reads ${VERSION}`,
      "Use the program it was made with, or fit anew.",
    );
  }
  const end = file.byteLength - CHECKSUM_BYTES;
  const headerEnd = PREFIX_BYTES + file.readUInt32LE(12);
  const cutShort = (): never => refuse("MODEL_TRUNCATED", "its end is missing", "Copy it again.");
  if (headerEnd > end) cutShort();
  const checksum = createHash("sha256").update(file.subarray(0, end)).digest();
  const intact = checksum.equals(file.subarray(end));
  let header: Header;
  try {
    header = JSON.parse(file.toString("utf8", PREFIX_BYTES, headerEnd)) as Header; // the checksum below vouches for its shape
  } catch {
    return refuse("MODEL_CHECKSUM", "its bytes have been changed", "Copy it again, or fit anew.");
  }
  if (!intact) {
    const whole = headerEnd + sumBytes(header) + CHECKSUM_BYTES;
    if (whole > file.byteLength) cutShort();
    refuse("MODEL_CHECKSUM", "its bytes have been changed", "Copy it again, or fit anew.");
  }
  const { features, sections, ...plain } = header;
  const places = new Map<string, Buffer>();
  let at = headerEnd;
  for (const section of sections) {
    places.set(section.name, file.subarray(at, at + section.bytes));
    at += section.bytes;
  }
  const section = (wanted: string): Buffer => places.get(wanted) ?? Buffer.alloc(0);
  const weights = section("weights");
  return {
    ...plain,
    buckets: sums(unpackWhole(section("buckets"), features)),
    frequencyClasses: Uint8Array.from(section("frequencies")),
    scales: unpackFloats(section("scales")),
    weights: new Int8Array(weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength)),
    seen: sums(unpackWhole(section("seen"))),
  };
}

function sumBytes(header: Header): number {
  return Array.isArray(header.sections) ? header.sections.reduce((sum, section) => sum + Number(section.bytes), 0) : 0;
}

/** JSON with keys in order, so that a model made in another order of assignments gives the same bytes. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function differences(rising: Uint32Array): Uint32Array {
  return rising.map((value, i) => (i === 0 ? value : value - rising[i - 1]));
}

function sums(steps: Uint32Array): Uint32Array {
  let sum = 0;
  return steps.map((step) => (sum += step));
}

function packWhole(values: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 5);
  let end = 0;
  for (const value of values) {
    let rest = value;
    while (rest > 127) {
      bytes[end++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[end++] = rest;
  }
  return bytes.slice(0, end);
}

function unpackWhole(bytes: Uint8Array, count?: number): Uint32Array {
  const values = new Uint32Array(count ?? bytes.length);
  let next = 0;
  let value = 0;
  let shift = 0;
  for (const byte of bytes) {
    value |= (byte & 127) << shift;
    shift += 7;
    if (byte > 127) continue;
    values[next++] = value >>> 0;
    value = 0;
    shift = 0;
  }
  return values.slice(0, next);
}

function packFloats(values: Float32Array): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  for (let i = 0; i < values.length; i++) bytes.writeFloatLE(values[i], i * 4);
  return bytes;
}

function unpackFloats(bytes: Buffer): Float32Array {
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}
