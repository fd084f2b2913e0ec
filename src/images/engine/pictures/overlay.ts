// Overlay: another picture laid over this one (`overlayWith`, thumbor's watermark).
//
// Owns: its size, its transparency and its place. Does not own: who may read it (the caller), the arithmetic of places (geometry.ts).
//   V1. The overlay is sized against the picture as it is where the edit stands in the order of keys, and lies above all later edits.

import { createHash } from "node:crypto";
import type { OverlayOptions } from "sharp";
import type { Draft, Walk } from "./contract.ts";
import { isStockroomError } from "../../../platform/errors.ts";
import type { JsonValue } from "../plan.ts";
import { layOver, sizeNow } from "./draft.ts";
import { layerCost, rawCost, resizeCost } from "./costs.ts";
import { followSize, overlayOffset, type Size } from "./geometry.ts";
import { checkOutput } from "./limits.ts";
import { openPicture } from "./open.ts";
import { isFields, pick, pictureName, readOther, type PictureName, walkOther } from "./operations.ts";
import { spend } from "./price.ts";
import { explainFailure, overlayTooLarge, problem } from "./problems.ts";

/** Whole percent from 0 to 100, as number or text; all else counts as not given. */
function percent(value: JsonValue): number | undefined {
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  return /^(?:100|[1-9]?\d)$/.test(text) ? Number(text) : undefined;
}

/** What an overlay may be told beside its place; never where its pixels come from. */
const passed = ["blend", "gravity", "tile", "premultiplied"];

/** Lays the overlay on the draft. Throws 400 `OverlayImageException` when it is no picture or larger than the base, or not there, and what else `readOverlay` throws. */
export async function overlayWith(draft: Draft, value: JsonValue): Promise<void> {
  const name = pictureName("overlayWith", value);
  const fields = isFields(value) ? value : {};
  const base = await sizeNow(draft);
  const bytes = await readOverlay(draft, name);
  draft.tools.signal?.throwIfAborted();
  const wRatio = percent(fields["wRatio"]);
  const hRatio = percent(fields["hRatio"]);
  const box: { width?: number; height?: number } = {
    ...(wRatio === undefined ? {} : { width: Math.max(1, Math.floor((base.width * wRatio) / 100)) }),
    ...(hRatio === undefined ? {} : { height: Math.max(1, Math.floor((base.height * hRatio) / 100)) }),
  };
  if (draft.walk !== undefined) return walkOverlay(draft, draft.walk, { bytes, box, base });
  const layer = await prepared(draft, bytes, box, percent(fields["alpha"]) ?? 0);
  if (layer.width > base.width || layer.height > base.height) throw overlayTooLarge(base, layer);
  const options = isFields(fields["options"]) ? fields["options"] : {};
  const place = placeOf(options, base, layer, draft);
  const { data, width, height } = layer;
  if (blendsLater(draft, options)) {
    // The middle as sharp rounds it.
    const { left = Math.floor((base.width - width + 1) / 2), top = Math.floor((base.height - height + 1) / 2) } = place;
    draft.layers.push({ data, width, height, left, top });
    return;
  }
  layOver(
    draft,
    { input: data, raw: { width, height, channels: 4 }, ...(pick(options, passed) as Partial<OverlayOptions>), ...place },
    base.height,
  );
}

/** What the overlay will cost: being opened and made smaller, and being laid over. */
async function walkOverlay(
  draft: Draft,
  walk: Walk,
  {
    bytes,
    box,
    base,
  }: { readonly bytes: Uint8Array; readonly box: { readonly width?: number; readonly height?: number }; readonly base: Size },
): Promise<void> {
  const header = await walkOther(draft, walk, bytes).catch((thrown: unknown) => {
    throw undecodable(thrown);
  });
  const resize = { ...box, fit: "inside", withoutEnlargement: false, withoutReduction: false, fastShrinkOnLoad: true } as const;
  const source = { width: header.width, height: header.height };
  const layer = followSize({ source, kind: header.kind, orientSwaps: false, resize });
  checkOutput(layer, 1, draft.limits);
  spend(walk, resizeCost(header.width * header.height, layer.width * layer.height));
  spend(walk, rawCost(layer.width * layer.height));
  const pixels = base.width * base.height * draft.frames;
  const options = isFields(draft.request.edits["overlayWith"]) ? draft.request.edits["overlayWith"]["options"] : {};
  spend(walk, blendsLater(draft, isFields(options) ? options : {}) ? rawCost(pixels) : layerCost(pixels));
}

/** The overlay's bytes; one that is not there is a mistake of this edit and not a missing original. */
async function readOverlay(draft: Draft, name: PictureName): Promise<Uint8Array> {
  try {
    return await readOther(draft, name);
  } catch (thrown) {
    if (!isStockroomError(thrown) || thrown.kind !== "missing") throw thrown;
    throw problem(
      400,
      "OverlayImageException",
      `Expected an overlay under the key ${JSON.stringify(name.key).slice(0, 200)} but there is none. Correct its key.`,
      {},
      thrown,
    );
  }
}

/** What sharp does after it composites: with one of these the overlay must be its own affair. */
const afterComposite = new Set([
  "gamma",
  "linear",
  "normalise",
  "normalize",
  "clahe",
  "boolean",
  "bandbool",
  "tint",
  "removeAlpha",
  "ensureAlpha",
  "extractChannel",
  "negate",
  "joinChannel",
  "toColourspace",
  "toColorspace",
  "pipelineColourspace",
  "pipelineColorspace",
]);

/** Whether the overlay may be laid on when all else is done, only on the pixels under it. */
function blendsLater(draft: Draft, options: { readonly [name: string]: JsonValue }): boolean {
  const { edits, keepMetadata } = draft.request;
  return (
    draft.compat === "open" &&
    !draft.animated &&
    keepMetadata !== true &&
    draft.overlays.length === 0 &&
    (options["blend"] === undefined || options["blend"] === "over") &&
    passed.every((name) => name === "blend" || options[name] === undefined) &&
    !Object.keys(edits).some((name) => afterComposite.has(name))
  );
}

interface Opened extends Size {
  readonly data: Buffer;
}

// A shop lays one logo over all its pictures: what was made of it is kept, by a hash of its bytes, while there is part.
const maxKeptBytes = 8_000_000;
const kept = new Map<string, Opened>();
let keptBytes = 0;

async function prepared(draft: Draft, bytes: Uint8Array, box: { width?: number; height?: number }, alphaPercent: number): Promise<Opened> {
  const { limits, compat } = draft;
  const hash = createHash("sha256").update(bytes).digest("base64");
  const name = JSON.stringify([hash, box.width, box.height, alphaPercent, compat, limits]);
  const known = kept.get(name);
  if (known !== undefined) {
    // To the young end of the map.
    kept.delete(name);
    kept.set(name, known);
    return known;
  }
  const made = await pixelsOf(draft, bytes, box, alphaPercent);
  const size = made.data.byteLength;
  if (size > maxKeptBytes / 2 || kept.has(name)) return made;
  kept.set(name, made);
  keptBytes += size;
  for (const [oldest, { data }] of kept) {
    if (keptBytes <= maxKeptBytes) break;
    kept.delete(oldest);
    keptBytes -= data.byteLength;
  }
  return made;
}

async function pixelsOf(draft: Draft, bytes: Uint8Array, box: { width?: number; height?: number }, alphaPercent: number): Promise<Opened> {
  try {
    const picture = await openPicture(bytes, draft);
    const { data, info } = await picture
      .resize({ ...box, fit: "inside" })
      .ensureAlpha()
      .toColourspace("srgb")
      .timeout({ seconds: draft.limits.maxSeconds })
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    checkOutput(info, 1, draft.limits);
    const opacity = 1 - alphaPercent / 100;
    if (opacity < 1) for (let at = 3; at < data.length; at += 4) data[at] = Math.round((data[at] ?? 0) * opacity);
    return { data, width: info.width, height: info.height };
  } catch (thrown) {
    throw undecodable(thrown);
  }
}

const undecodable = (thrown: unknown): Error =>
  problem(
    400,
    "OverlayImageException",
    "Expected an overlay that can be decoded but it cannot. Check the object it names.",
    {},
    explainFailure(thrown),
  );

/** Left and top in pixels; nothing when neither is a number, so that `gravity` (or the middle) decides. */
function placeOf(options: { readonly [name: string]: JsonValue }, base: Size, layer: Size, draft: Draft): { left?: number; top?: number } {
  const left = overlayOffset(options["left"], base.width, layer.width);
  const top = overlayOffset(options["top"], base.height, layer.height);
  if (draft.compat === "strict") return { ...(left === undefined ? {} : { left }), ...(top === undefined ? {} : { top }) };
  const everyFrame = draft.animated && options["gravity"] === undefined && options["tile"] === undefined;
  if (left === undefined && top === undefined && !everyFrame) return {};
  return { left: left ?? Math.floor((base.width - layer.width) / 2), top: top ?? Math.floor((base.height - layer.height) / 2) };
}
