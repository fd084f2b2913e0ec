// Costs: what every edit, every format and every decoder is expected to cost, so that a plan is judged before a pixel is decoded.
//
// Owns: the one table of costs and its sums. Does not own: the sizes it is asked about (geometry.ts), what is done with a plan that costs too much (price.ts).
//   K1. Every figure is CPU milliseconds for a megapixel and bytes held for a pixel, measured by bench/images/costs.ts on generated photographs and on
//       noise; the larger one stands here, rounded up.
//   K2. The table is a record over all edits: nothing is free because somebody forgot it.
//   K3. A value that the edit itself would refuse costs nothing here: it never gets as far.

import type { EditName, JsonValue } from "../plan.ts";
import { encodeMs } from "./effort.ts";

/** What something takes: CPU milliseconds of one core and bytes held at its peak. */
export interface Cost {
  readonly cpuMs: number;
  readonly bytes: number;
}

/** CPU milliseconds a megapixel, bytes a pixel. */
interface Rate {
  readonly ms: number;
  readonly held: number;
}

const megapixels = (pixels: number): number => pixels / 1e6;
const of = ({ ms, held }: Rate, pixels: number): Cost => ({ cpuMs: ms * megapixels(pixels), bytes: held * pixels });

/** Both together, held at the same time. */
export const together = (a: Cost, b: Cost): Cost => ({ cpuMs: a.cpuMs + b.cpuMs, bytes: a.bytes + b.bytes });
export const nothing: Cost = { cpuMs: 0, bytes: 0 };

/** Decoders, a pixel of the original. Those that hold bytes cannot be read line by line. */
const decoders: Readonly<Record<string, Rate>> = {
  jpeg: { ms: 6, held: 1 },
  "progressive jpeg": { ms: 16, held: 5 },
  png: { ms: 16, held: 2 },
  "interlaced png": { ms: 26, held: 5 },
  webp: { ms: 35, held: 9 },
  gif: { ms: 15, held: 7 },
  tiff: { ms: 16, held: 4 },
  avif: { ms: 60, held: 22 },
  heif: { ms: 60, held: 22 },
  svg: { ms: 60, held: 14 },
  raw: { ms: 2, held: 0 },
};

/** A WebP that is read at a smaller size is never held whole: what it takes beside the pixels that remain. */
const scaledWebp: Rate = { ms: 30, held: 2 };

/** What reading a WebP at a smaller size costs: every pixel is looked at, only `to` are held. */
export const scaledWebpCost = (from: number, to: number): Cost => together(of(scaledWebp, from), of({ ms: 0, held: 9 }, to));

/** What decoding costs; `pixels` of all frames that are read. Deeper samples than 8 bits cost twice. */
export function decodeCost(kind: string, pixels: number, { progressive, deep }: { progressive: boolean; deep: boolean }): Cost {
  const name = progressive && kind === "jpeg" ? "progressive jpeg" : progressive && kind === "png" ? "interlaced png" : kind;
  const { ms, held } = decoders[name] ?? { ms: 60, held: 22 };
  return of({ ms: deep ? ms * 2 : ms, held: deep ? held * 2 : held }, pixels);
}

type Fields = { readonly [name: string]: JsonValue };
const fieldsOf = (value: JsonValue): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const numberOf = (value: JsonValue, otherwise: number): number =>
  typeof value === "number" && Number.isFinite(value) ? Math.min(Math.max(0, value), mostNumber) : otherwise;

/** Larger than any edit takes; a cost stays a number whatever came. */
const mostNumber = 1e6;

/** A whole picture kept because its pixels are wanted in another order. */
const kept = 4;

/** Edits, a pixel of the picture they work on: of its final size, or of the size before the resize where that is said. */
const edits: Readonly<Record<EditName, (value: JsonValue) => Rate>> = {
  removeAlpha: () => ({ ms: 2, held: 0 }),
  ensureAlpha: () => ({ ms: 6, held: 0 }),
  extractChannel: () => ({ ms: 3, held: 0 }),
  bandbool: () => ({ ms: 14, held: 0 }),
  tint: () => ({ ms: 25, held: 1 }),
  greyscale: () => ({ ms: 10, held: 0 }),
  grayscale: () => ({ ms: 10, held: 0 }),
  pipelineColourspace: () => ({ ms: 40, held: 2 }),
  pipelineColorspace: () => ({ ms: 40, held: 2 }),
  toColourspace: () => ({ ms: 250, held: 15 }),
  toColorspace: () => ({ ms: 250, held: 15 }),
  rotate: (value) => (typeof value === "number" && value % 90 !== 0 ? { ms: 40, held: 8 } : { ms: 6, held: kept }),
  flip: () => ({ ms: 6, held: kept }),
  flop: () => ({ ms: 4, held: 1 }),
  affine: () => ({ ms: 35, held: 2 }),
  sharpen: (value) => {
    const sigma = numberOf(value, numberOf(fieldsOf(value)["sigma"], 0));
    return sigma === 0 ? { ms: 22, held: 1 } : { ms: 80 + 9 * sigma, held: 2 + 0.5 * sigma };
  },
  median: (value) => (value === false ? { ms: 0, held: 0 } : { ms: 260, held: 1 }),
  blur: (value) => {
    const fields = fieldsOf(value);
    const sigma = numberOf(value, numberOf(fields["sigma"], 1));
    const long = numberOf(fields["minAmplitude"], 0.2) < 0.2 ? 2 : 1;
    if (fields["precision"] === "float") return { ms: 25 + 19 * sigma * long, held: 4 };
    if (fields["precision"] === "approximate") return { ms: 65 + 1.6 * sigma, held: 2 };
    return { ms: 25 + 1.2 * sigma * long, held: 2 + 0.07 * sigma };
  },
  flatten: () => ({ ms: 6, held: 0 }),
  unflatten: () => ({ ms: 15, held: 1 }),
  gamma: () => ({ ms: 8, held: 0 }),
  negate: () => ({ ms: 4, held: 0 }),
  normalise: () => ({ ms: 80, held: 9 }),
  normalize: () => ({ ms: 80, held: 9 }),
  clahe: (value) => {
    const { width, height, maxSlope } = fieldsOf(value);
    if (maxSlope === 0) return { ms: 60 + 12 * numberOf(width, 3), held: 3 };
    return { ms: 500 + 20 * Math.min(30, numberOf(height, 3)) + 0.5 * numberOf(width, 3), held: 4 + 0.012 * numberOf(width, 3) };
  },
  convolve: (value) => ({ ms: 12 + 2.5 * numberOf(fieldsOf(value)["width"], 3) * numberOf(fieldsOf(value)["height"], 3), held: 1 }),
  threshold: () => ({ ms: 12, held: 0 }),
  linear: () => ({ ms: 20, held: 0 }),
  recomb: () => ({ ms: 14, held: 1 }),
  modulate: () => ({ ms: 85, held: 3 }),
  extend: () => ({ ms: 4, held: 1 }),
  crop: () => ({ ms: 0, held: 0 }),
  extract: () => ({ ms: 0, held: 0 }),
  // Looked at, then read again: of the picture before its resize.
  trim: () => ({ ms: 230, held: kept }),
  animated: () => ({ ms: 0, held: 0 }),
  toFormat: () => ({ ms: 0, held: 0 }),
  jpeg: () => ({ ms: 0, held: 0 }),
  png: () => ({ ms: 0, held: 0 }),
  webp: () => ({ ms: 0, held: 0 }),
  gif: () => ({ ms: 0, held: 0 }),
  avif: () => ({ ms: 0, held: 0 }),
  tiff: () => ({ ms: 0, held: 0 }),
  heif: () => ({ ms: 0, held: 0 }),
  // Those that work in several steps add them one by one as they are planned.
  resize: () => ({ ms: 0, held: 0 }),
  overlayWith: () => ({ ms: 0, held: 0 }),
  smartCrop: () => ({ ms: 0, held: 0 }),
  roundCrop: () => ({ ms: 0, held: 0 }),
  contentModeration: () => ({ ms: 0, held: 0 }),
  joinChannel: () => ({ ms: 15, held: 2 }),
  boolean: () => ({ ms: 15, held: 2 }),
};

/** Pixels past which edges are looked for in a smaller picture: a fifth of a second a megapixel is too much for twelve. */
const mostTrimmed = 6_000_000;

/** Pixels of that smaller picture, or of the picture itself. */
export const trimmedPixels = (source: number): number => (source > mostTrimmed ? 2_000_000 : source);

/** What one edit costs on so many pixels. */
export const editCost = (name: EditName, value: JsonValue, pixels: number): Cost => of(edits[name](value), pixels);

/** What a change of size costs: reading every pixel, writing every new one. */
export const resizeCost = (from: number, to: number): Cost => together(of({ ms: 3, held: 0 }, from), of({ ms: 28, held: 0.3 }, to));

/** Making pixels that stay: written once, handed on once. */
export const rawCost = (pixels: number): Cost => of({ ms: 4, held: 8 }, pixels);

/** Keeping a whole picture because it is turned or mirrored. */
export const keptCost = (pixels: number): Cost => of({ ms: 4, held: kept }, pixels);

/** Laying a picture or a mask over another, with transparency. */
export const layerCost = (pixels: number): Cost => of({ ms: 36, held: 10 }, pixels);

/** The picture a detector is shown, of at most a megapixel, and its answer where that is found here. */
export const lookCost: Cost = { cpuMs: 60, bytes: 8_000_000 };

export type EncodeOptions = { readonly [name: string]: unknown };

const numberIn = (options: EncodeOptions, name: string, otherwise: number): number => {
  const value = options[name];
  return typeof value === "number" ? value : otherwise;
};

/** What a palette costs: finding its colours, which grows with the effort and not with pixels beyond a megapixel, and the pixels. */
function paletteCost(effort: number, pixels: number, frames: number, dithers: boolean): number {
  const found = effort >= 10 ? 8_500 : effort >= 4 ? 3_700 : 0;
  const one = megapixels(pixels / frames);
  return (
    frames * Math.min(1, one) * found +
    megapixels(pixels) * ((dithers ? 450 : 330) * (frames > 1 ? 1.4 : 1) + (effort >= 3 ? 60 : 0) + (effort >= 7 ? 350 : 0))
  );
}

/** The library writes a palette as soon as one of its options is named. */
const hasPalette = (options: EncodeOptions): boolean =>
  options["palette"] === true || ["quality", "effort", "colours", "colors", "dither"].some((name) => options[name] !== undefined);

type Encoder = (options: EncodeOptions, pixels: number, frames: number) => Cost;

const encoders: Readonly<Record<string, Encoder>> = {
  jpeg: (options, pixels) => {
    const quality = numberIn(options, "quality", 80);
    const trellis = options["mozjpeg"] === true || options["trellisQuantisation"] === true || options["optimiseScans"] === true;
    const scans = options["optimizeScans"] === true || options["progressive"] === true;
    // Trellis looks at every coefficient, and a high quality leaves many.
    const ms = trellis ? (quality > 90 ? 1_150 : quality > 80 ? 300 : 120) : scans ? 60 : quality > 90 ? 30 : 16;
    return of({ ms, held: trellis && quality > 90 ? 18 : 8 }, pixels);
  },
  png: (options, pixels) => {
    if (hasPalette(options)) {
      const effort = numberIn(options, "effort", 7);
      return { cpuMs: paletteCost(effort, pixels, 1, numberIn(options, "dither", 1) > 0), bytes: pixels * (effort >= 4 ? 64 : 12) };
    }
    const level = numberIn(options, "compressionLevel", 6);
    return of({ ms: options["adaptiveFiltering"] === true ? (level > 6 ? 430 : 250) : level > 6 ? 90 : 60, held: 6 }, pixels);
  },
  webp: (options, pixels) => {
    const effort = Math.min(6, Math.max(0, Math.round(numberIn(options, "effort", 4))));
    const several = options["mixed"] === true || options["minSize"] === true ? 8 : 1;
    if (options["lossless"] === true || options["nearLossless"] === true) {
      const rates = options["nearLossless"] === true ? [120, 400, 700, 900, 1_100, 1_300, 1_600] : [150, 280, 420, 560, 680, 980, 1_300];
      // Past a megapixel its search for repetitions grows faster than the picture: 5.6 s for four megapixels at the lowest effort.
      const long = Math.max(0, megapixels(pixels) - 1) * (effort === 0 ? 1_850 : 2_800);
      const { cpuMs, bytes } = of({ ms: rates[effort] ?? 1_600, held: effort < 2 ? 34 : 50 }, pixels);
      return { cpuMs: (cpuMs + long) * several, bytes };
    }
    const sharp = (options["smartSubsample"] === true ? 1.4 : 1) * (options["smartDeblock"] === true ? 1.6 : 1);
    const fine = numberIn(options, "quality", 80) > 90 ? 1.8 : 1;
    const searches = sharp > 1 || effort > 5 || (fine > 1 && effort > 1);
    return { cpuMs: encodeMs("webp", effort, pixels) * sharp * fine * several, bytes: pixels * (searches ? 38 : 16) };
  },
  avif: (options, pixels) => {
    const effort = numberIn(options, "effort", 4);
    const lossless = options["lossless"] === true;
    const fine = lossless || numberIn(options, "quality", 50) > 80;
    const deep = numberIn(options, "bitdepth", 8) > 8;
    const full = options["chromaSubsampling"] === "4:4:4" || options["chromaSubsampling"] === undefined;
    // Deeper samples cost twice where the encoder searches, and nothing at the lowest efforts, which are bound by other things.
    const factor = (fine ? 2.6 : 1) * (deep ? (effort > 2 ? 1.8 : 1.15) : 1) * (full && fine ? 1.5 : 1);
    return { cpuMs: encodeMs("avif", effort, pixels) * factor, bytes: pixels * (46 + (deep ? 20 : 0) + (fine ? 30 : 0)) };
  },
  gif: (options, pixels, frames) => {
    const effort = numberIn(options, "effort", 7);
    const dithers = numberIn(options, "dither", 1) > 0;
    return { cpuMs: paletteCost(effort, pixels, frames, dithers), bytes: (pixels / frames) * (effort >= 4 ? 64 : 22) + pixels * 4 };
  },
  tiff: (options, pixels) => {
    const { compression = "jpeg" } = options;
    return of({ ms: compression === "webp" ? 130 : compression === "none" ? 10 : 75, held: 8 }, pixels);
  },
  raw: (_options, pixels) => rawCost(pixels),
};

/** What writing costs; `pixels` of all frames together. */
export function encodeCost(format: string, options: EncodeOptions, pixels: number, frames: number): Cost {
  return (encoders[format === "heif" ? "avif" : format] ?? encoders["gif"])?.(options, pixels, frames) ?? nothing;
}

/** Whether every pixel, or nearly every one, is asked back as it was. */
export const isLossless = (options: EncodeOptions): boolean => options["lossless"] === true || options["nearLossless"] === true;

/** The quality that stands in for it: at arm's length nobody sees a difference. */
const nearlyAll = { webp: 95, avif: 80 };

/**
 * The same options with less and less effort, the ones given first: what may be tried when they cost too much. The last is the least that gives
 * a picture of that kind.
 */
export function lessAndLess(format: string, given: EncodeOptions): readonly EncodeOptions[] {
  const steps: EncodeOptions[] = [given];
  const then = (change: EncodeOptions): void => void steps.push({ ...(steps.at(-1) ?? given), ...change });
  const efforts = (from: number, to: number): void => {
    for (let effort = Math.round(from) - 1; effort >= to; effort--) then({ effort });
  };
  if (format === "webp") {
    if (given["mixed"] === true || given["minSize"] === true) then({ mixed: false, minSize: false });
    efforts(numberIn(given, "effort", 4), 0);
    if (given["smartSubsample"] === true || given["smartDeblock"] === true) then({ smartSubsample: false, smartDeblock: false });
    if (isLossless(given)) then({ lossless: false, nearLossless: false, quality: nearlyAll.webp });
  } else if (format === "avif" || format === "heif") {
    efforts(numberIn(given, "effort", 4), 0);
    if (isLossless(given)) then({ lossless: false, quality: nearlyAll.avif });
  } else if (format === "gif") {
    efforts(numberIn(given, "effort", 7), 1);
    then({ dither: 0 });
  } else if (format === "png") {
    if (hasPalette(given)) {
      efforts(numberIn(given, "effort", 7), 1);
      then({ dither: 0 });
    } else if (given["adaptiveFiltering"] === true || numberIn(given, "compressionLevel", 6) > 6) {
      then({ adaptiveFiltering: false });
      then({ compressionLevel: 6 });
    }
  } else if (format === "jpeg") {
    const plain = { mozjpeg: false, trellisQuantisation: false, optimiseScans: false, optimizeScans: false, overshootDeringing: false };
    if (encodeCost("jpeg", given, 1e6, 1).cpuMs > 60) then(plain);
  }
  return steps;
}
