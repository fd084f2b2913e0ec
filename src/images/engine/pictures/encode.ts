// Encode: pixels to the bytes of one format.
//
// Owns: which format is written, with which options, which metadata goes with it, and the search for a size in bytes.
// Does not own: effort's cost model (effort.ts), which format was asked for (requests).
//   N1. Every format is written with sharp's own defaults unless the edits say otherwise: the classic handler's bytes are the measure.
//   N2. Metadata leaves the app only when asked for (or strict): no GPS by accident.

import type { OutputInfo, Sharp } from "sharp";
import type { Draft, Walk } from "./contract.ts";
import { type OutputFormat, outputFormat, writtenType } from "../formats.ts";
import { addsColours } from "./colours.ts";
import { type Cost, encodeCost, isLossless, lessAndLess, nothing, rawCost, together } from "./costs.ts";
import { measure, openPixels, makePixels } from "./draft.ts";
import { chooseEffort } from "./effort.ts";
import type { Size } from "./geometry.ts";
import { formatSides } from "./limits.ts";
import type { Encoded } from "./tools.ts";
import { checkWalk, fits, spend, stageCost, tooCostly } from "./price.ts";
import { badEdit, explainFailure } from "./problems.ts";

const optionNames: Record<OutputFormat, readonly string[]> = {
  jpeg: [
    "quality",
    "progressive",
    "chromaSubsampling",
    "optimiseCoding",
    "optimizeCoding",
    "mozjpeg",
    "trellisQuantisation",
    "overshootDeringing",
    "optimiseScans",
    "optimizeScans",
    "quantisationTable",
    "quantizationTable",
  ],
  png: ["progressive", "compressionLevel", "adaptiveFiltering", "palette", "quality", "effort", "colours", "colors", "dither"],
  webp: [
    "quality",
    "alphaQuality",
    "lossless",
    "nearLossless",
    "smartSubsample",
    "smartDeblock",
    "preset",
    "effort",
    "loop",
    "delay",
    "minSize",
    "mixed",
  ],
  avif: ["quality", "lossless", "effort", "chromaSubsampling", "bitdepth"],
  heif: ["quality", "lossless", "effort", "chromaSubsampling", "bitdepth"],
  gif: ["reuse", "progressive", "colours", "colors", "effort", "dither", "interFrameMaxError", "interPaletteMaxError", "loop", "delay"],
  tiff: ["quality", "compression", "predictor", "bitdepth", "xres", "yres", "resolutionUnit", "miniswhite"],
  raw: [],
};

/** Whether a format holds transparency. */
export function holdsAlpha(format: OutputFormat): boolean {
  return format !== "jpeg";
}

/** Whether a format holds an animation. */
export function holdsFrames(format: string | undefined): boolean {
  return format === "gif" || format === "webp";
}

/** The format to be written: what the request chose, else the last edit that names one, else the original's. */
export function outputFormatOf(asked: string | undefined, lastEdit: string | undefined, source: string): OutputFormat {
  return outputFormat(asked) ?? outputFormat(lastEdit) ?? outputFormat(source) ?? "png";
}

/** Writes the draft. Throws 400, 503 or 500 as `explainFailure` names it, and 400 `ImageEdits::TooCostly`. */
export async function encode(draft: Draft, wanted: OutputFormat): Promise<Encoded> {
  const { format, options, notes } = chooseWriting(draft, wanted, draft.spent);
  const { maxBytes } = draft.request;
  const within = maxBytes !== undefined && qualityOf(format, options) !== undefined;
  const made = await (within ? withinBytes(draft, format, options, maxBytes) : write(draft, format, options));
  const all = [...draft.notes, ...notes];
  return all.length > 0 ? { ...made, notes: all } : made;
}

/** Adds what the writing will cost to a plan that is only walked through. */
export function walkEncode(draft: Draft, walk: Walk, wanted: OutputFormat): void {
  const size = measure(draft);
  spend(walk, stageCost(draft, walk.pending));
  walk.pending = [];
  checkWalk(draft, walk.cost);
  walk.beforeWriting = walk.cost;
  const { format, options, cost } = chooseWriting(draft, wanted, walk.cost);
  spend(walk, cost);
  if (draft.request.maxBytes !== undefined && qualityOf(format, options) !== undefined)
    spend(walk, rawCost(size.width * size.height * draft.frames));
}

interface Writing {
  readonly format: OutputFormat;
  readonly options: Options;
  /** What about it is less than what was asked for. */
  readonly notes: readonly string[];
  readonly cost: Cost;
}

/** Tries of `max_bytes` beside the first: halving the qualities from 100 to 5. */
const mostTries = 7;

/**
 * The format and its options as they were asked for, or with as much less effort as the budget wants beside what was `spent` before.
 */
function chooseWriting(draft: Draft, wanted: OutputFormat, spent: Cost): Writing {
  const followed = measure(draft);
  const pixels = followed.width * followed.height * draft.frames;
  const formats = formatsToTry(draft, wanted, followed, pixels);
  const tries = draft.request.maxBytes === undefined ? 1 : mostTries;
  let last: Cost = nothing;
  for (const format of formats) {
    if (!hasSpace(followed, format)) continue;
    const given = writingOptions(draft, format, pixels);
    const steps = lessAndLess(format, given);
    for (const [at, options] of steps.entries()) {
      const { cpuMs, bytes } = encodeCost(format, options, pixels, draft.frames);
      last = { cpuMs: cpuMs * (qualityOf(format, options) === undefined ? 1 : tries), bytes };
      if (fits(spent, last)) return { format, options, notes: notesOf(draft, { wanted, format }, { given, options, at }), cost: last };
    }
  }
  if (formats.every((format) => !hasSpace(followed, format))) throw noSpace(followed, wanted);
  throw tooCostly(together(spent, last));
}

/** In single words, what about a writing is less than what was asked for. A format that only the browser likes best was not. */
function notesOf(
  draft: Draft,
  { wanted, format }: { readonly wanted: OutputFormat; readonly format: OutputFormat },
  { given, options, at }: { readonly given: Options; readonly options: Options; readonly at: number },
): readonly string[] {
  const notes: string[] = [];
  if (format !== wanted && draft.request.formatFrom !== "accept") notes.push("other-format");
  if (isLossless(given) && !isLossless(options)) notes.push("lossy");
  else if (at > 0) notes.push("less-effort");
  return notes;
}

/** The format that is wanted, and those that may stand in for it when it has no room for the picture or could not be written in time. */
function formatsToTry(draft: Draft, wanted: OutputFormat, size: Size, pixels: number): readonly OutputFormat[] {
  if (draft.compat === "strict") return [wanted];
  const isAv1 = wanted === "avif" || wanted === "heif";
  // WebP keeps transparency and is as widely read.
  const first: OutputFormat[] = isAv1 ? (chooseEffort({ format: "avif", pixels }) === undefined ? ["webp"] : [wanted, "webp"]) : [wanted];
  // Nobody named GIF: the animation is worth more than its format, and WebP writes a clip in a sixth of the time.
  if (wanted === "gif" && draft.animated && draft.request.formatFrom === "source" && draft.format === undefined) return ["gif", "webp"];
  // What the browser would like best is no condition.
  return draft.request.formatFrom === "accept" && !hasSpace(size, wanted)
    ? [...first, outputFormatOf(undefined, undefined, draft.header.kind)]
    : first;
}

const hasSpace = (size: Size, format: OutputFormat): boolean =>
  Math.max(size.width, size.height) <= (formatSides[format] ?? Number.POSITIVE_INFINITY);

/** 400 `InvalidResizeException` for a result with a side that its format has no room for. */
function noSpace({ width, height }: Size, format: OutputFormat): Error {
  return badEdit(
    "InvalidResizeException",
    `Expected at most ${formatSides[format] ?? 0} pixels a side, which is what ${format} can hold, but the edits make ${width} x ${height}. Ask for a smaller size or another format.`,
    { width, height },
  );
}

type Options = Record<string, unknown>;

function writingOptions(draft: Draft, format: OutputFormat, pixels: number): Options {
  const given = draft.formatOptions.get(format) ?? {};
  const options: Options = {};
  for (const name of optionNames[format]) if (given[name] !== undefined && given[name] !== null) options[name] = given[name];
  const { effort, compat } = draft.request;
  const { load } = draft.tools;
  if (format === "webp" && effort !== undefined) options["effort"] = effort;
  if (compat === "open" && (format === "avif" || format === "heif" || format === "webp")) {
    const asked = typeof options["effort"] === "number" ? options["effort"] : undefined;
    options["effort"] = chooseEffort({ format: format === "webp" ? "webp" : "avif", pixels, asked, load }) ?? 0;
  }
  if (draft.animated && (format === "gif" || format === "webp")) {
    // Pixels made early have forgotten how fast they move.
    const { delay, loop } = draft.header.metadata;
    if (delay !== undefined) options["delay"] ??= delay.slice(0, draft.frames);
    if (loop !== undefined) options["loop"] ??= loop;
  }
  // The library's own effort makes a palette for seconds a frame, and saves a tenth of the bytes.
  if (format === "gif" && compat === "open") options["effort"] ??= 1;
  // The palette of the original has none of the colours that an edit adds.
  if (format === "gif" && draft.header.kind === "gif" && addsColours(draft.request)) options["reuse"] = false;
  return options;
}

const writers: Record<OutputFormat, (pipeline: Sharp, options: Options) => Sharp> = {
  jpeg: (pipeline, options) => pipeline.jpeg(options),
  png: (pipeline, options) => pipeline.png(options),
  webp: (pipeline, options) => pipeline.webp(options),
  avif: (pipeline, options) => pipeline.avif(options),
  heif: (pipeline, options) => pipeline.heif({ ...options, compression: "av1" }),
  gif: (pipeline, options) => pipeline.gif(options),
  tiff: (pipeline, options) => pipeline.tiff(options),
  raw: (pipeline) => pipeline.raw(),
};

function keepMetadata(draft: Draft, pipeline: Sharp): void {
  const { request, header } = draft;
  const stripped = request.edits["rotate"] === null;
  if (stripped) return;
  if (draft.compat === "strict") {
    const { orientation } = header.metadata;
    // On pixels that were turned the tag would turn them again.
    pipeline.withMetadata(orientation === undefined || draft.turned ? {} : { orientation });
  } else if (request.keepMetadata === true) pipeline.keepMetadata();
}

async function write(draft: Draft, format: OutputFormat, options: Options): Promise<Encoded> {
  draft.tools.signal?.throwIfAborted();
  try {
    keepMetadata(draft, draft.pipeline);
    const pipeline = writers[format](draft.pipeline, options).timeout({ seconds: draft.limits.maxSeconds });
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
    return { body: data, contentType: writtenType(format), width: info.width, height: frameHeight(draft, info), format };
  } catch (thrown) {
    throw explainFailure(thrown);
  }
}

function frameHeight(draft: Draft, info: OutputInfo): number {
  return draft.animated ? (info.pageHeight ?? Math.round(info.height / draft.frames)) : info.height;
}

// ---- so many bytes and no more ----

const usualQuality: Partial<Record<OutputFormat, number>> = { jpeg: 80, webp: 80, avif: 50, heif: 50 };
const lowestQuality = 5;

function qualityOf(format: OutputFormat, options: Options): number | undefined {
  const usual = usualQuality[format];
  if (usual === undefined || options["lossless"] === true) return undefined;
  return typeof options["quality"] === "number" ? options["quality"] : usual;
}

/**
 * The best quality whose bytes fit, found by halving; the lowest one when none does. Pixels are made once, each try is an encode:
 * at most seven, AVIF at its lowest effort after the first.
 */
async function withinBytes(draft: Draft, format: OutputFormat, options: Options, maxBytes: number): Promise<Encoded> {
  const pixels = await makePixels(draft);
  const attempt = async (quality: number): Promise<Encoded> => {
    openPixels(draft, pixels);
    const cheap = format === "avif" || format === "heif" ? { effort: 0 } : {};
    return write(draft, format, { ...options, quality, ...cheap });
  };
  let high = qualityOf(format, options) ?? 80;
  let best = await attempt(high);
  if (best.body.byteLength <= maxBytes || high <= lowestQuality) return best;
  let low = lowestQuality;
  best = await attempt(low);
  if (best.body.byteLength > maxBytes) return best;
  while (high - low > 2) {
    const middle = Math.round((low + high) / 2);
    const tried = await attempt(middle);
    if (tried.body.byteLength <= maxBytes) {
      best = tried;
      low = middle;
    } else high = middle;
  }
  return best;
}
