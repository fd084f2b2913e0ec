// Filters: thumbor's `filters:name(value)` as classic edits, one entry of a table each.
//
// Owns: where filters stand in a path and what each means. Does not own: the words around them, and whether the edits are allowed.
//   F1. Filters are applied in alphabetical order of their text, whatever their order in the path.
//   F2. An unknown filter is left out, as the classic handler does, and remembered by name for those who ask what a URL means.
//   F3. Finding them takes time linear in the path.

import type { Area, JsonValue, RoundCorner } from "../plan.ts";
import { readColor } from "./colors.ts";
import { isObject } from "./json.ts";
import { badEdit, cannotDecode } from "./refusal.ts";

/** What filters fill in: classic edits, and beside them what the classic words cannot say. */
export interface FilterResult {
  edits: Record<string, JsonValue>;
  focal?: Area;
  maxBytes?: number;
  roundCorner?: RoundCorner;
  /** Quality of whatever format comes out, when neither the name of the file nor a filter says which. */
  quality?: number;
  /** Filters that nobody knows, by name. */
  unknownFilters?: string[];
}

interface Surroundings {
  /** What stands after the last dot of the path. */
  readonly extension: string;
  readonly strict: boolean;
}

type Filter = (value: string, result: FilterResult, around: Surroundings) => void;

interface FoundFilters {
  /** `name(value)` each, in the order of the path. */
  readonly texts: readonly string[];
  /** Where each chain of filters stands, from its `filters:` to behind its last bracket. */
  readonly spans: readonly (readonly [start: number, end: number])[];
}

/** Finds every chain `filters:a(..):b(..)` of a path. A filter ends at its first closing bracket; write `%29` for one inside a value. */
export function findFilters(path: string): FoundFilters {
  const texts: string[] = [];
  const spans: [number, number][] = [];
  let at = path.indexOf("filters:");
  while (at >= 0) {
    let end = at + "filters".length;
    while (path[end] === ":") {
      const close = path.indexOf(")", end);
      // No bracket closes from here on, so nothing further can be a filter either.
      if (close < 0) return { texts, spans: end === at + "filters".length ? spans : [...spans, [at, end]] };
      texts.push(path.slice(end + 1, close + 1));
      end = close + 1;
    }
    spans.push([at, end]);
    at = path.indexOf("filters:", end);
  }
  return { texts, spans };
}

/** Applies the filters in alphabetical order (F1) onto `result`. */
export function applyFilters(texts: readonly string[], result: FilterResult, around: Surroundings): void {
  for (const text of [...texts].sort()) {
    // The last one, as the classic handler has it: what follows an unclosed filter up to a bracket of the key is no value.
    const open = text.lastIndexOf("(");
    if (open < 0) continue;
    const name = text.slice(text.lastIndexOf(":", open) + 1, open);
    const filter = classicFilters.get(name) ?? (around.strict ? undefined : thumborFilters.get(name));
    if (filter === undefined) (result.unknownFilters ??= []).push(name.slice(0, 60));
    else filter(text.slice(open + 1, -1), result, around);
  }
}

const resizeOf = (result: FilterResult): Record<string, JsonValue> => {
  const resize = { ...(result.edits["resize"] as Record<string, JsonValue> | undefined) };
  result.edits["resize"] = resize;
  return resize;
};

/** Adds v -> v * a + b to what linear does already. */
function tone(result: FilterResult, a: number, b: number): void {
  const before = result.edits["linear"];
  const [firstA, firstB] = isObject(before) ? [Number(before["a"]), Number(before["b"])] : [1, 0];
  result.edits["linear"] = { a: firstA * a, b: firstB * a + b };
}

const strip: Filter = (_, { edits }) => {
  edits["rotate"] = null;
};

const filterFormats = new Set(["heic", "heif", "jpeg", "png", "raw", "tiff", "webp", "gif", "avif"]);

/** The format whose options hold the quality of a file with this extension. */
function qualityFormat(name: unknown, strict: boolean): string | undefined {
  if (typeof name !== "string") return undefined;
  const word = strict ? name : name.toLowerCase();
  if (word === "jpg" || word === "jpeg") return "jpeg";
  if (word === "tif" || word === "tiff") return "tiff";
  return ["png", "webp", "heif", "gif", "avif"].includes(word) ? word : undefined;
}

/** The filters of the classic handler. */
const classicFilters = new Map<string, Filter>([
  ["autojpg", (_, { edits }) => void (edits["toFormat"] = "jpeg")],
  ["background_color", (value, { edits }) => void (edits["flatten"] = { background: colorOf("background_color", value) })],
  [
    "blur",
    (value, { edits }) => {
      const [radius, sigma] = numbersOf(value);
      edits["blur"] = finite("blur", sigma === undefined || Number.isNaN(sigma) ? (radius ?? Number.NaN) / 2 : sigma, value);
    },
  ],
  [
    "convolution",
    (value, { edits }) => {
      const [matrix = "", columns] = decode(value).split(",");
      const kernel = matrix.split(";").map(Number);
      const width = Number(columns);
      if (!Number.isSafeInteger(width) || width < 1 || !kernel.every(Number.isFinite)) {
        throw badEdit("convolution", "numbers parted by ; and the number of columns", value);
      }
      edits["convolve"] = { width, height: Math.ceil(kernel.length / width), kernel };
    },
  ],
  ["equalize", (_, { edits }) => void (edits["normalize"] = true)],
  [
    "fill",
    (value, result) => {
      const resize = resizeOf(result);
      resize["fit"] = "contain";
      resize["background"] = colorOf("fill", value);
    },
  ],
  [
    "format",
    (value, { edits }, { strict }) => {
      const word = value.replaceAll(/[^0-9a-z]/gi, "").replace(/jpg/i, "jpeg");
      const format = strict ? word : word.toLowerCase();
      if (filterFormats.has(format)) edits["toFormat"] = format;
    },
  ],
  ["grayscale", (_, { edits }) => void (edits["grayscale"] = true)],
  ["no_upscale", (_, result) => void (resizeOf(result)["withoutEnlargement"] = true)],
  [
    "proportion",
    (value, result) => {
      const resize = resizeOf(result);
      const ratio = finite("proportion", Number(decode(value)), value);
      const { width, height } = resize;
      if (typeof width === "number" && typeof height === "number" && width !== 0 && height !== 0) {
        resize["width"] = width * ratio;
        resize["height"] = height * ratio;
      } else resize["ratio"] = ratio;
    },
  ],
  [
    "quality",
    (value, result, { extension, strict }) => {
      const quality = finite("quality", Number(decode(value)), value);
      const format = qualityFormat(extension, strict) ?? qualityFormat(result.edits["toFormat"], strict);
      if (format !== undefined) result.edits[format] = { quality };
      else if (!strict) result.quality = quality;
    },
  ],
  [
    "rgb",
    (value, { edits }) => {
      const [r, g, b] = numbersOf(value).map((percent) => 255 * (percent / 100));
      if (![r, g, b].every(Number.isFinite)) throw badEdit("rgb", "three percentages", value);
      edits["tint"] = { r, g, b };
    },
  ],
  ["rotate", (value, { edits }) => void (edits["rotate"] = value === "" ? undefined : finite("rotate", Number(decode(value)), value))],
  ["sharpen", (value, { edits }) => void (edits["sharpen"] = finite("sharpen", 1 + (numbersOf(value)[1] ?? Number.NaN) / 2, value))],
  [
    "stretch",
    (_, result) => {
      const resize = resizeOf(result);
      if (resize["fit"] !== "inside") resize["fit"] = "fill";
    },
  ],
  ["strip_exif", strip],
  ["strip_icc", strip],
  ["upscale", (_, result) => void (resizeOf(result)["fit"] = "inside")],
  [
    "watermark",
    (value, { edits }) => {
      // Blanks after the commas come encoded from a browser. Those inside a name are part of it.
      const parts = value.replaceAll(/\s+/g, "").split(",");
      const [bucket, key, x, y, alpha, wRatio, hRatio] = parts.map((part) => decode(part).trim());
      const options: Record<string, JsonValue> = {};
      if (isOffset(x)) options["left"] = x;
      if (isOffset(y)) options["top"] = y;
      edits["overlayWith"] = { bucket, key, alpha, wRatio, hRatio, options };
    },
  ],
  ["animated", (value, { edits }) => void (edits["animated"] = value.toLowerCase() !== "false")],
  [
    "smart_crop",
    (value, { edits }) => {
      const [face, padding] = decode(value).split(",");
      const whole = (text: string | undefined): number | undefined => (text ? Number.parseInt(text, 10) : undefined);
      edits["smartCrop"] = { faceIndex: whole(face), padding: whole(padding) };
    },
  ],
]);

/** Thumbor's filters that the classic handler never knew. */
const thumborFilters = new Map<string, Filter>([
  ["brightness", (value, result) => tone(result, 1, (percent("brightness", value) * 255) / 100)],
  [
    "contrast",
    (value, result) => {
      // Around the middle grey: v -> (v - 128) * factor + 128.
      const factor = 1 + percent("contrast", value) / 100;
      tone(result, factor, 128 - 128 * factor);
    },
  ],
  [
    "saturation",
    (value, { edits }) => {
      const saturation = finite("saturation", numbersOf(value)[0], value);
      if (saturation < 0) throw badEdit("saturation", "a factor from 0", value);
      edits["modulate"] = { ...(edits["modulate"] as object | undefined), saturation };
    },
  ],
  [
    "focal",
    (value, result) => {
      const match = /^(\d{1,7})x(\d{1,7}):(\d{1,7})x(\d{1,7})$/.exec(decode(value).trim());
      const [left, top, right, bottom] = (match ?? []).slice(1).map(Number);
      if (left === undefined || top === undefined || right === undefined || bottom === undefined || right <= left || bottom <= top) {
        throw badEdit("focal", "LEFTxTOP:RIGHTxBOTTOM in pixels", value);
      }
      result.focal = { left, top, width: right - left, height: bottom - top };
    },
  ],
  [
    "max_bytes",
    (value, result) => {
      const bytes = Number(decode(value));
      if (!Number.isSafeInteger(bytes) || bytes < 1) throw badEdit("max_bytes", "a whole number of bytes", value);
      result.maxBytes = bytes;
    },
  ],
  [
    "round_corner",
    (value, result) => {
      const [radii = "", ...rest] = decode(value).split(",");
      const [rx, ry = rx] = radii.split("|").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
      const [r = 255, g = 255, b = 255] = rest.slice(0, 3).map((part) => (part.trim() === "" ? 255 : Number(part)));
      if (
        rx === undefined ||
        ry === undefined ||
        !(rx >= 0 && ry >= 0 && rx < 1e6 && ry < 1e6) ||
        ![r, g, b].every((part) => part >= 0 && part <= 255)
      ) {
        throw badEdit("round_corner", "RX|RY,R,G,B", value);
      }
      const transparent = ["1", "true"].includes((rest[3] ?? "").trim().toLowerCase());
      result.roundCorner = { rx, ry, background: { r, g, b }, transparent };
    },
  ],
]);

/**
 * The names of all filters, for the documents and the tests.
 *
 * @testing
 */
export const filterNames: readonly string[] = [...classicFilters.keys(), ...thumborFilters.keys()];

/** Whether a watermark's x or y is a place: whole pixels, or 0p to 100p and -1p to -100p of the base. All else centres. */
function isOffset(text: string | undefined): text is string {
  if (text === undefined) return false;
  return /^(?:100|[1-9]?\d|-(?:100|[1-9]\d?))p$/.test(text) || !Number.isNaN(Number(text));
}

function colorOf(name: string, value: string): { [name: string]: number } {
  const color = readColor(decode(value));
  if (color === undefined) throw badEdit(name, "a CSS colour name or hex digits", value);
  return { ...color };
}

/** Numbers parted by commas; an empty part is no number. */
function numbersOf(value: string): number[] {
  return decode(value)
    .split(",")
    .map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
}

function finite(name: string, number: number, value: string): number {
  if (!Number.isFinite(number)) throw badEdit(name, "a number", value);
  return number;
}

function percent(name: string, value: string): number {
  const amount = finite(name, numbersOf(value)[0], value);
  if (amount < -100 || amount > 100) throw badEdit(name, "-100 to 100", value);
  return amount;
}

/** Undoes the percent-encoding of a value; browsers encode the blank in `rgb(10, 10, 10)` and the bar in `round_corner(20|30)`. */
function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw cannotDecode("Expected percent-encoded UTF-8 in a filter but its bytes are none. Encode it with encodeURIComponent.");
  }
}
