// Edits: which operations a URL may name, and what can be said about their values without the picture.
//
// Owns: the allow-list, checks that need no bytes, the numbers of `resize`, keys that leave their folder. Does not own: what the picture decides
// (is the crop inside it, is the overlay smaller) and what only the pixel library knows of its own options.
//   E1. No name outside the allow-list survives; composite, toFile and raw never do.
//   E2. No value names a file: overlays and the operands of joinChannel and boolean are named by allowed bucket and key.
//   E3. Values that pass are kept as they came (numeric texts stay texts), so that the edits print as the classic handler's do.

import { isStockroomError, type StockroomError } from "../../../platform/errors.ts";
import { formatAliases, formatNames } from "../formats.ts";
import { editNames, type EditName, type Edits, type JsonValue } from "../plan.ts";
import { cleanJson, isObject, type JsonObject } from "./json.ts";
import { badEdit, bucketDenied, refusal, show } from "./refusal.ts";

/** Every name an edit may have. */
export const allowedEdits: ReadonlySet<string> = new Set(editNames);

/** What the checks must know of the request around the edits. */
export interface EditsContext {
  readonly buckets: readonly string[];
  readonly strict: boolean;
  readonly maxEdits: number;
  readonly maxKeyBytes: number;
  /** Takes what is wrong with a value, which then stays as it came; absent: it is thrown. */
  readonly onProblem?: (problem: StockroomError) => void;
}

const fits = new Set(["contain", "cover", "fill", "inside", "outside"]);
/** The classic handler's words for formats, and ours. */
const strictFormats: ReadonlySet<string> = new Set([...formatNames, "jpg", "raw"]);
const formats: ReadonlySet<string> = new Set([...strictFormats, ...Object.keys(formatAliases)]);
const overlayOptions = new Set(["left", "top", "gravity", "blend", "tile", "premultiplied", "density"]);

/**
 * Checks edits as they came from JSON, a path or a query, and gives back those that may be applied, in their order.
 *
 * Throws the classic codes: `InvalidResizeException`, `Crop::AreaOutOfBounds`, `SmartCrop::FaceIndexOutOfRange`,
 * `SmartCrop::PaddingOutOfBounds`, `OverlayImageException` (400), `ImageBucket::CannotAccessBucket` (403), and
 * `ImageEdits::CannotParseEdits` (400) for what the classic handler answers with a 500 or a damaged picture.
 */
export function checkEdits(raw: unknown, context: EditsContext): Edits {
  if (raw === undefined || raw === null) return {};
  if (!isObject(raw)) throw badEdit("edits", "an object", raw);
  const entries = Object.entries(raw);
  if (entries.length > context.maxEdits) {
    throw badEdit("edits", `at most ${context.maxEdits} edits`, entries.length);
  }
  const edits: Record<string, JsonValue> = {};
  for (const [name, value] of entries) {
    if (isEditName(name)) edits[name] = checkEdit(name, cleanJson(value), context);
  }
  return edits;
}

const isEditName = (name: string): name is EditName => allowedEdits.has(name);

function checkEdit(name: EditName, value: JsonValue, context: EditsContext): JsonValue {
  try {
    return checks[name]?.(value, context) ?? value;
  } catch (error) {
    if (context.onProblem === undefined || !isStockroomError(error)) throw error;
    context.onProblem(error);
    return value;
  }
}

type Check = (value: JsonValue, context: EditsContext) => JsonValue;

/** Those whose values can be judged without the picture. */
const checks: { readonly [Name in EditName]?: Check } = {
  resize(value) {
    if (!isObject(value)) throw invalidResize(value);
    readResize(value);
    const fit = value["fit"];
    if (fit !== undefined && fit !== null && !(typeof fit === "string" && fits.has(fit))) {
      throw badEdit("resize.fit", "contain, cover, fill, inside or outside", fit);
    }
    return value;
  },
  rotate(value) {
    if (value === null || value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw badEdit("rotate", "a number of degrees, or null", value);
  },
  crop(value) {
    const sides = isObject(value) ? ["left", "top", "width", "height"].map((side) => value[side]) : [];
    const [left, top, width, height] = sides;
    if (isWhole(left) && isWhole(top) && isWhole(width) && isWhole(height) && width > 0 && height > 0) return value;
    throw refusal(
      400,
      "Crop::AreaOutOfBounds",
      `Expected crop with whole left, top, width and height inside the picture but received ${describeArea(value)}. Correct the area.`,
    );
  },
  overlayWith: checkOverlay,
  smartCrop(value) {
    if (!isObject(value)) return value;
    const { faceIndex, padding } = value;
    if (isGiven(faceIndex) && !isWhole(numberOf(faceIndex))) {
      throw refusal(
        400,
        "SmartCrop::FaceIndexOutOfRange",
        `Expected a whole faceIndex from 0 but received ${show(faceIndex)}. Faces are counted from 0 by falling confidence.`,
      );
    }
    if (isGiven(padding) && !Number.isFinite(numberOf(padding))) {
      throw refusal(400, "SmartCrop::PaddingOutOfBounds", `Expected padding in pixels but received ${show(padding)}. Give a number.`);
    }
    return value;
  },
  roundCrop(value) {
    if (!isObject(value)) return value;
    for (const side of ["rx", "ry", "top", "left"]) {
      if (isGiven(value[side]) && !Number.isFinite(numberOf(value[side])))
        throw badEdit(`roundCrop.${side}`, "a number of pixels", value[side]);
    }
    return value;
  },
  contentModeration(value) {
    if (!isObject(value)) return value;
    for (const name of ["minConfidence", "blur"]) {
      if (isGiven(value[name]) && !Number.isFinite(numberOf(value[name])))
        throw badEdit(`contentModeration.${name}`, "a number", value[name]);
    }
    const labels = value["moderationLabels"];
    if (isGiven(labels) && !(Array.isArray(labels) && labels.every((label) => typeof label === "string"))) {
      throw badEdit("contentModeration.moderationLabels", "a list of names", labels);
    }
    return value;
  },
  animated(value) {
    if (typeof value === "boolean") return value;
    throw badEdit("animated", "true or false", value);
  },
  toFormat(value, { strict }) {
    if (value === undefined || value === null || value === "") return value;
    checkFormat("toFormat", value, strict);
    return value;
  },
  jpeg: checkQuality("jpeg"),
  png: checkQuality("png"),
  webp: checkQuality("webp"),
  avif: checkQuality("avif"),
  tiff: checkQuality("tiff"),
  heif: checkQuality("heif"),
  gif: checkQuality("gif"),
  joinChannel: checkOperand("joinChannel"),
  boolean: checkOperand("boolean"),
};

/** Throws `UnsupportedOutputImageFormatException` unless `value` is a format that can be written. */
export function checkFormat(name: string, value: unknown, strict: boolean): asserts value is string {
  if (typeof value === "string" && (strict ? strictFormats : formats).has(strict ? value : value.toLowerCase())) return;
  throw refusal(
    // The classic handler answers 500; a user's mistake is none of our faults.
    400,
    "UnsupportedOutputImageFormatException",
    `Expected jpeg, png, webp, avif, gif, tiff, heif or raw for ${name} but received ${show(value)}. Correct the URL.`,
  );
}

function checkOverlay(value: JsonValue, context: EditsContext): JsonValue {
  if (!isObject(value)) throw badOverlay(`an object with bucket and key but received ${show(value)}`);
  const { bucket, key, options } = value;
  if (bucket !== undefined && !(typeof bucket === "string" && context.buckets.includes(bucket))) throw bucketDenied(bucket);
  if (typeof key !== "string" || key === "") throw badOverlay(`the key of the overlay as text but received ${show(key)}`);
  checkKey(key, context.maxKeyBytes);
  for (const name of ["alpha", "wRatio", "hRatio"]) {
    const given = value[name];
    if (isGiven(given) && typeof given !== "string" && typeof given !== "number")
      throw badOverlay(`a number for ${name} but received ${show(given)}`);
  }
  const checked: Record<string, JsonValue> = { ...value };
  if (bucket === undefined) checked["bucket"] = context.buckets[0];
  if (options !== undefined && options !== null) {
    if (!isObject(options)) throw badOverlay(`an object for options but received ${show(options)}`);
    // Left out, not refused, as unknown edits are: input, raw, create, text, limitInputPixels and what else reads files or lifts limits.
    checked["options"] = Object.fromEntries(Object.entries(options).filter(([name]) => overlayOptions.has(name)));
  }
  return checked;
}

const badOverlay = (expected: string) => refusal(400, "OverlayImageException", `Expected for overlayWith ${expected}. Correct the URL.`);

function checkQuality(format: string): Check {
  return (value) => {
    const quality = isObject(value) ? value["quality"] : undefined;
    if (!isGiven(quality) || (isWhole(quality) && quality >= 1 && quality <= 100)) return value;
    throw badEdit(`${format}.quality`, "a whole number from 1 to 100", quality);
  };
}

/** joinChannel and boolean: other pictures by bucket and key, where the pixel library would take any path of the machine. */
function checkOperand(name: string): Check {
  return (value, context) => {
    for (const operand of Array.isArray(value) ? value : [value]) {
      const isNamed = isObject(operand) && Object.keys(operand).every((each) => each === "bucket" || each === "key" || each === "operator");
      const key = isNamed ? operand["key"] : undefined;
      if (!isNamed || typeof key !== "string" || key === "") throw badEdit(name, "an object with bucket and key", operand);
      const { bucket } = operand;
      if (isGiven(bucket) && !(typeof bucket === "string" && context.buckets.includes(bucket))) throw bucketDenied(bucket);
      checkKey(key, context.maxKeyBytes);
    }
    return value;
  };
}

/** The numbers of a resize as they are applied. */
export interface ResizeSize {
  /** Whole pixels, at least 1; absent: by the other side or the source. */
  readonly width?: number;
  readonly height?: number;
  /** Multiplies the given size, or the source's when none is given. */
  readonly ratio?: number;
}

/** Reads width, height and ratio of a resize: numeric texts count, sides are rounded. Throws `InvalidResizeException` (400). */
export function readResize(resize: JsonObject): ResizeSize {
  const size: { width?: number; height?: number; ratio?: number } = {};
  for (const side of ["width", "height"] as const) {
    const given = resize[side];
    if (given === undefined || given === null) continue;
    const pixels = Math.round(numberOf(given));
    if (!(pixels > 0 && Number.isSafeInteger(pixels))) throw invalidResize(given, side);
    size[side] = pixels;
  }
  const ratio = resize["ratio"];
  if (ratio !== undefined && ratio !== null && ratio !== 0 && ratio !== "") {
    const factor = numberOf(ratio);
    if (!(factor > 0 && Number.isFinite(factor))) throw invalidResize(ratio, "ratio");
    size.ratio = factor;
  }
  return size;
}

const invalidResize = (got: unknown, side = "resize") =>
  refusal(
    400,
    "InvalidResizeException",
    `Expected ${side === "resize" ? "an object" : "a number above 0"} for ${side} but received ${show(got)}. Correct the size.`,
  );

/**
 * Checks that a key stays inside its bucket, however its dots and slashes are written.
 *
 * Throws `ImageKey::NotAllowed` (400). A key is a name, not a path: `a//b` and a leading slash are left as they are.
 */
export function checkKey(key: string, maxKeyBytes: number): void {
  if (Buffer.byteLength(key) > maxKeyBytes) throw badKey(key, `at most ${maxKeyBytes} bytes`);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(key)) throw badKey(key, "no control characters");
  if (!key.isWellFormed()) throw badKey(key, "whole characters");
  // Origins and folders may decode once more than we do, or fold wide dots and slashes; each further reading is looked at as well.
  let reading = key.normalize("NFKC");
  for (let round = 0; round < 5; round++) {
    if (reading.split(/[/\\]/).includes("..")) throw badKey(key, "no .. between slashes");
    const next = decodeLeniently(reading).normalize("NFKC");
    if (next === reading) return;
    reading = next;
  }
  throw badKey(key, "a name that is not encoded over and over");
}

const badKey = (key: string, expected: string) =>
  refusal(400, "ImageKey::NotAllowed", `Expected a key with ${expected} but received ${show(key)}. Correct the key.`);

/** Decodes what can be decoded, also the `%u002e` of old servers and the overlong `%c0%ae`; leaves the rest. */
function decodeLeniently(text: string): string {
  if (!text.includes("%")) return text;
  return text
    .replaceAll(/%c0%ae|%e0%80%ae/gi, ".")
    .replaceAll(/%c0%af|%e0%80%af|%c1%9c/gi, "/")
    .replaceAll(/%u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** A number, or a text that is one; NaN for all else (an empty text is no number). */
function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}

function describeArea(value: JsonValue): string {
  if (!isObject(value)) return show(value);
  return ["left", "top", "width", "height"].map((side) => `${side} ${show(value[side])}`).join(", ");
}
