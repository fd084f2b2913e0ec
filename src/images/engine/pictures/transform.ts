// Transform: an original and a request in, the bytes of the answer out.
//
// Owns: the order of work on one picture. Does not own: what a URL means (requests), who may read (store), how many at once (service).
//   T1. What a picture costs is known from its header and the plan before a pixel is decoded (price.ts); too much is refused then, and what is
//       heavy or draws a document is handed to whoever can end it (`tools.isolated`).
//   T2. Edits are applied in the order of their keys, on one sharp pipeline wherever that can be done.
//   T3. Same original, same plan, same effort: same bytes. (The effort nobody asked for depends on the load.)
//   T4. A fault of the file or the request is a 4xx with a classic code; any call may run beside any other.

import sharp, { type Sharp } from "sharp";
import type { Draft } from "./contract.ts";
import { isStockroomError } from "../../../platform/errors.ts";
import { formatNames, outputFormat, type OutputFormat, sourceType } from "../formats.ts";
import { comesAsJson, editEntries, type EditName, type Edits, type ImageRequest, type JsonValue } from "../plan.ts";
import { needsColours } from "./colours.ts";
import { measure, makePixels } from "./draft.ts";
import { type Cost, nothing } from "./costs.ts";
import { encode, holdsAlpha, holdsFrames, outputFormatOf, walkEncode } from "./encode.ts";
import { contentModeration, smartCrop } from "./faces.ts";
import { isWholeGif } from "./gif.ts";
import { type Header, liesOnSide, readHeader } from "./header.ts";
import { checkInput, type PictureLimits, pictureLimits } from "./limits.ts";
import { roundCorners, roundCrop } from "./masks.ts";
import { readingOptions, tuneSharp } from "./open.ts";
import { type Operation, operations } from "./operations.ts";
import { overlayWith } from "./overlay.ts";
import { makePlaceholder } from "./placeholder.ts";
import { checkWalk, openWalk, type Price, priceOf, silentPipeline } from "./price.ts";
import { explainFailure, notAPicture, problem } from "./problems.ts";
import type { Encoded, Tools } from "./tools.ts";

/** The answer's bytes; `width` and `height` are those of one frame. */
export type Transformed = Encoded;

/** How an edit is carried out. */
type Step =
  /** A call to sharp. */
  | Operation
  /** More than one pipeline, or another file. */
  | { readonly kind: "composition"; readonly apply: (draft: Draft, value: JsonValue) => Promise<void> }
  /** Heeded when the pipeline was opened. */
  | { readonly kind: "opening" };

/** Every edit a URL may name, with what is done for it. */
const steps: Readonly<Record<EditName, Step>> = {
  ...operations,
  overlayWith: { kind: "composition", apply: overlayWith },
  smartCrop: { kind: "composition", apply: smartCrop },
  roundCrop: { kind: "composition", apply: roundCrop },
  contentModeration: { kind: "composition", apply: contentModeration },
  animated: { kind: "opening" },
};

/** Does one edit to the draft. */
async function applyEdit(draft: Draft, name: EditName, value: JsonValue): Promise<void> {
  const step = steps[name];
  switch (step.kind) {
    case "operation":
      return await step.apply(draft, step.args(value, draft));
    case "composition":
      return await step.apply(draft, value);
    case "opening":
      return;
    default:
      step satisfies never;
  }
}

/** Whether an edit says which format is written. */
function namesFormat(name: EditName): boolean {
  const step = steps[name];
  return step.kind === "operation" && step.order === "last";
}

/** What the classic handler leaves out of animations; we do it to every frame. */
const stillOnly: ReadonlySet<EditName> = new Set(["rotate", "smartCrop", "roundCrop", "contentModeration"]);

/** What a base64 text of the classic handler's answer may be at most. */
const strictMaxBase64 = 6 * 1024 * 1024;

/**
 * Does what the request says to the original.
 *
 * Throws (each with `facts.status`): 400 `InstantiationError`, `InvalidResizeException`, `Crop::AreaOutOfBounds`,
 * `SmartCrop::PaddingOutOfBounds`, `SmartCrop::FaceIndexOutOfRange`, `OverlayImageException`, `InvalidEdit`; 413 `TooLargeImageException`
 * (strict only); 503 `ProcessingTimeout`; 500 `ProcessingFailure`, `ContentModeration::NotConfigured`; and whatever `readOverlay` throws.
 *
 * @example
 * const { body, contentType } = await transform(bytes, request, { readOverlay, signal });
 */
export async function transform(original: Uint8Array, request: ImageRequest, tools: Tools): Promise<Transformed> {
  const limits: PictureLimits = { ...pictureLimits, ...definedOf(tools.limits) };
  tuneSharp();
  tools.signal?.throwIfAborted();
  try {
    const answer = await answerOf(original, request, tools, limits);
    if (request.compat === "strict" && Math.ceil(answer.body.byteLength / 3) * 4 > strictMaxBase64) {
      throw problem(
        413,
        "TooLargeImageException",
        `Expected an answer of at most ${strictMaxBase64} characters in Base64 but it is larger. Ask for a smaller one.`,
        { bytes: answer.body.byteLength },
      );
    }
    return answer;
  } catch (thrown) {
    throw explainFailure(thrown);
  }
}

/** Edits in the order of their keys, but a trim before the resize: sharp looks for edges in the picture as it came. */
function inOrder(edits: Edits): readonly (readonly [EditName, JsonValue])[] {
  // The reader of URLs lets no other name through; whoever calls this as a library may have brought one.
  const entries = editEntries(edits).filter(([name]) => Object.hasOwn(steps, name));
  const resize = entries.findIndex(([name]) => name === "resize");
  const trim = entries.findIndex(([name]) => name === "trim");
  if (resize < 0 || trim < resize) return entries;
  return [...entries.slice(0, resize), ...entries.slice(trim, trim + 1), ...entries.slice(resize, trim), ...entries.slice(trim + 1)];
}

/** Leaves out fields that are there but undefined, which would undo a default. */
function definedOf<T extends object>(fields: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>;
}

async function answerOf(original: Uint8Array, asked: ImageRequest, tools: Tools, limits: PictureLimits): Promise<Transformed> {
  const header = await readHeader(original, limits);
  const request = keepFrames(asked, header);
  if (request.compat === "open" && header.kind === "gif" && !isWholeGif(original))
    throw notAPicture("Expected a whole GIF but its end is missing. Upload it again.");
  if (request.answer.kind === "info") return describe(original, header, request);
  const nothingAsked = Object.keys(request.edits).length === 0 && changesNothing(request, header) && isPlain(request);
  if (nothingAsked) {
    const { width, height } = upright(header, request);
    return { body: original, contentType: sourceType(header.kind), width, height, format: header.kind };
  }
  const { price, given, notes } = await affordable({ original, request, tools: readingOnce(tools), limits, header });
  if (price.isolated && tools.isolated !== undefined) return await tools.isolated();
  const draft = openDraft(given, price.beforeWriting);
  draft.notes.push(...notes);
  const format = await applyAll(draft);
  if (request.answer.kind === "placeholder") return placeholder(draft, request.answer.placeholder);
  const made = await encode(draft, format);
  // Another format was asked for by name, and it stands still: that is done, and said.
  const stands = isAnimation(header) && !draft.animated && request.edits["animated"] !== false;
  return stands ? { ...made, notes: [...(made.notes ?? []), "first-frame"] } : made;
}

/** Everything about one picture that is known before it is worked on. */
interface Given {
  readonly original: Uint8Array;
  readonly request: ImageRequest;
  readonly tools: Tools;
  readonly limits: PictureLimits;
  readonly header: Header;
}

/** Says the edits in their order to the draft's pipeline; gives back the format that is wanted. */
async function applyAll(draft: Draft): Promise<OutputFormat> {
  const { request, header, tools, walk } = draft;
  for (const [name, value] of inOrder(request.edits)) {
    if (draft.animated && draft.compat === "strict" && stillOnly.has(name)) {
      if (!draft.notes.includes("left-out")) draft.notes.push("left-out");
      continue;
    }
    tools.signal?.throwIfAborted();
    await applyEdit(draft, name, value);
    draft.applied.push([name, value === undefined ? null : value]);
    walk?.pending.push([name, value]);
  }
  if (draft.layers.length > 0) await makePixels(draft);
  measure(draft);
  const format = outputFormatOf(request.outputFormat, draft.format, header.kind);
  if (request.roundCorner !== undefined) await roundCorners(draft, request.roundCorner, holdsAlpha(format));
  return format;
}

/** What all of it is expected to cost; throws 400 when that is too much. Decodes nothing. */
async function walkThrough(given: Given): Promise<Price> {
  const walk = openWalk();
  if (given.header.kind === "svg") walk.draws = true;
  const draft = { ...openDraft(given, nothing, silentPipeline()), walk };
  const format = await applyAll(draft);
  if (given.request.answer.kind === "placeholder") await makePixels(draft);
  else walkEncode(draft, walk, format);
  checkWalk(draft, walk.cost);
  return priceOf(walk);
}

/** Edits that mean the same at any size of the picture. */
const scaleFree: ReadonlySet<EditName> = new Set([
  ...formatNames,
  "rotate",
  "flip",
  "flop",
  "removeAlpha",
  "ensureAlpha",
  "tint",
  "greyscale",
  "grayscale",
  "flatten",
  "unflatten",
  "gamma",
  "negate",
  "normalise",
  "normalize",
  "threshold",
  "linear",
  "recomb",
  "modulate",
  "toFormat",
  "animated",
]);

/**
 * The plan, or where it costs too much and says nothing of size the same plan for the picture at half of its size and less, as a decoder
 * gives it for little: a whole 48-megapixel picture cannot be turned with the memory that one URL may take.
 */
async function affordable(given: Given): Promise<{ readonly price: Price; readonly given: Given; readonly notes: readonly string[] }> {
  const { request, header } = given;
  try {
    return { price: await walkThrough(given), given, notes: [] };
  } catch (thrown) {
    const free = isPlain(request) && editEntries(request.edits).every(([name]) => scaleFree.has(name));
    if (!isTooCostly(thrown) || !free || header.pages > 1) throw thrown;
    const { width } = turnsUpright(request) ? upright(header, request) : header;
    for (const by of [2, 4]) {
      const edits: Edits = { resize: { width: Math.ceil(width / by) }, ...request.edits };
      const smaller = { ...given, request: { ...request, edits } };
      const price = await walkThrough(smaller).catch((error: unknown) => {
        if (isTooCostly(error)) return undefined;
        throw error;
      });
      if (price !== undefined) return { price, given: smaller, notes: ["smaller"] };
    }
    throw thrown;
  }
}

const isTooCostly = (thrown: unknown): boolean => isStockroomError(thrown) && thrown.code === "ImageEdits::TooCostly";

/** Other pictures are looked at when a plan is walked through and again when it is carried out: one reading is enough. */
function readingOnce(tools: Tools): Tools {
  const known = new Map<string, Promise<Uint8Array>>();
  return {
    ...tools,
    readOverlay: async (bucket, key, signal) => {
      const name = `${bucket}\n${key}`;
      const reading = known.get(name) ?? tools.readOverlay(bucket, key, signal);
      known.set(name, reading);
      return await reading;
    },
  };
}

const isAnimation = ({ pages, kind }: Header): boolean => pages > 1 && (kind === "gif" || kind === "webp");

/** Whether the original is an animation that the request wants to stay one. The classic handler keeps only GIFs moving unless asked. */
function wantsFrames({ edits, compat }: ImageRequest, header: Header): boolean {
  if (!isAnimation(header)) return false;
  return typeof edits["animated"] === "boolean" ? edits["animated"] : compat === "open" || header.kind === "gif";
}

/** A format that the reader's browser takes and that holds the frames, in place of one that does not: the best one, or the original's own. */
function keepFrames(request: ImageRequest, header: Header): ImageRequest {
  if (request.formatFrom !== "accept" || holdsFrames(request.outputFormat) || !wantsFrames(request, header)) return request;
  const { outputFormat: _, ...rest } = request;
  const next = request.autoFormats?.find(holdsFrames);
  return next === undefined ? { ...rest, formatFrom: "source" } : { ...rest, outputFormat: next };
}

/** Whether neither the URL nor the browser asks for another format than the original's. */
function changesNothing(request: ImageRequest, header: Header): boolean {
  if (request.outputFormat === undefined || request.formatFrom === "source") return true;
  // A browser that takes AVIF gains nothing from writing an AVIF again.
  return request.formatFrom === "accept" && request.outputFormat === header.kind;
}

const isPlain = (request: ImageRequest): boolean =>
  request.answer.kind === "picture" && request.roundCorner === undefined && request.maxBytes === undefined && request.focal === undefined;

/** Whether EXIF's turn is applied before the first edit. */
function turnsUpright(request: ImageRequest): boolean {
  const { edits, compat, requestType } = request;
  const says = "rotate" in edits;
  if (compat === "strict") return says && edits["rotate"] === undefined;
  // `null` in Base64 JSON is a wish not to be turned; in thumbor's words it is only how stripping metadata is written.
  return !(says && edits["rotate"] === null && comesAsJson[requestType]);
}

function upright(header: Header, request: ImageRequest): { width: number; height: number } {
  const swaps = request.compat === "open" && liesOnSide(header.orientation);
  return swaps ? { width: header.height, height: header.width } : { width: header.width, height: header.height };
}

function openDraft({ original, request, tools, limits, header }: Given, spent: Cost, stand?: Sharp): Draft {
  const { edits, compat } = request;
  const wanted = wantsFrames(request, header);
  const named = inOrder(edits).findLast(([name]) => namesFormat(name));
  const [name, value] = named ?? [];
  const format = outputFormatOf(request.outputFormat, name === "toFormat" ? outputFormat(value) : name, header.kind);
  // Other formats would show the frames in one tall strip.
  const animated = wanted && request.answer.kind === "picture" && (compat === "strict" || holdsFrames(format));
  const frames = animated ? header.pages : 1;
  const drawn = header.kind === "svg" ? limits.maxSvgPixels : Number.MAX_SAFE_INTEGER;
  const bounds: PictureLimits = {
    ...limits,
    maxInputPixels: Math.min(limits.maxInputPixels, drawn),
    maxOutputPixels: Math.min(limits.maxOutputPixels, drawn),
  };
  checkInput(header, frames, bounds);
  const pipeline = stand ?? sharp(original, { ...readingOptions(limits, compat), ...(animated ? { animated: true } : {}) });
  const turns = turnsUpright(request) && !animated;
  if (turns && header.orientation > 1) pipeline.autoOrient();
  const inSrgb = needsColours(header, request);
  if (inSrgb) pipeline.pipelineColourspace("srgb");
  return {
    original,
    pipeline,
    shape: {
      source: { width: header.width, height: header.height },
      kind: header.kind,
      orientSwaps: turns && liesOnSide(header.orientation),
      ...(inSrgb ? { pipelineSpace: true } : {}),
    },
    header,
    request,
    compat,
    limits: bounds,
    tools,
    frames,
    animated,
    turned: turns,
    // A detector is shown the picture upright (unless strict); if this one lies, places differ.
    inPlace: header.orientation === 1 || turns === (compat === "open"),
    overlays: [],
    layers: [],
    formatOptions: new Map(),
    spent,
    notes: [],
    applied: [],
  };
}

function json(value: unknown, size: { readonly width: number; readonly height: number }): Transformed {
  return { body: Buffer.from(`${JSON.stringify(value)}\n`), contentType: "application/json", format: "json", ...size };
}

async function placeholder(draft: Draft, kind: Parameters<typeof makePlaceholder>[1]): Promise<Transformed> {
  let size = measure(draft);
  // A second resize would replace the first one.
  if (draft.applied.length > 0 || draft.overlays.length > 0) size = { ...size, ...(await makePixels(draft)) };
  const { width, height } = size;
  return json({ ...(await makePlaceholder(draft.pipeline, kind)), width, height }, { width, height });
}

/** `?info`: what the header says. `width` and `height` as the picture is seen. */
function describe(original: Uint8Array, header: Header, request: ImageRequest): Transformed {
  const { metadata } = header;
  const size = upright(header, request);
  const facts = {
    format: header.kind,
    contentType: sourceType(header.kind),
    ...size,
    pages: header.pages,
    orientation: header.orientation,
    bytes: original.byteLength,
    space: metadata.space,
    channels: metadata.channels,
    depth: metadata.depth,
    density: metadata.density,
    hasAlpha: metadata.hasAlpha,
    hasProfile: metadata.hasProfile,
    isProgressive: metadata.isProgressive,
    chromaSubsampling: metadata.chromaSubsampling,
    loop: metadata.loop,
    delay: metadata.delay,
  };
  return json(facts, size);
}
