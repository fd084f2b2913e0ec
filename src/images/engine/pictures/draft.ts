// Draft: a picture on its way: the calls made to sharp so far, and the shape they will have.
//
// Owns: the pair of pipeline and shape, kept in step. Does not own: which edits exist.
//   D1. Pixels are made as late as possible: one decode and one encode for nearly every plan, so that sharp may shrink while it decodes.
//   D2. `makePixels` is the only place that makes pixels early, for edits that must see or measure what came before them.

import sharp, { type OverlayOptions, type Sharp } from "sharp";
import { StockroomError } from "../../../platform/errors.ts";
import type { Draft, Pixels } from "./contract.ts";
import { type Followed, followSize, type Shape, type Size } from "./geometry.ts";
import { blend, inColours, isColoured } from "./blend.ts";
import { layerCost, rawCost, together } from "./costs.ts";
import { checkOutput } from "./limits.ts";
import { spend, walkPixels } from "./price.ts";
import { badEdit, overlayTooLarge } from "./problems.ts";

/** The size of the picture so far; throws 400 when it was cut outside of itself or grew past the limits. */
export function measure(draft: Draft): Followed {
  const followed = followSize(draft.shape);
  if (followed.outside !== undefined) {
    const { left, top, width, height } = followed.outside;
    throw badEdit(
      "Crop::AreaOutOfBounds",
      `Expected an area inside the picture but received left ${left}, top ${top}, width ${width}, height ${height}. Give a smaller one.`,
      { left, top, width, height },
    );
  }
  // The original as it came is bounded by the limits of input alone.
  for (const step of followed.steps) checkOutput(step, draft.frames, draft.limits);
  return followed;
}

/** The size the picture has now, made of pixels only when arithmetic cannot say. */
export async function sizeNow(draft: Draft): Promise<Size> {
  const followed = measure(draft);
  return followed.exact ? followed : makePixels(draft);
}

/** Makes the pixels of everything asked so far and goes on from them. Costs a decode; nothing later can shrink while decoding. */
export async function makePixels(draft: Draft): Promise<Pixels> {
  const expected = measure(draft);
  if (draft.walk !== undefined) return walkPixels(draft, draft.walk, expected);
  draft.tools.signal?.throwIfAborted();
  // No clone: it would copy the original's bytes.
  const { data, info } = await draft.pipeline
    .toColourspace("srgb")
    .timeout({ seconds: draft.limits.maxSeconds })
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  draft.tools.signal?.throwIfAborted();
  const frameHeight = draft.animated ? Math.round(info.height / draft.frames) : info.height;
  const channels = rawChannels(info.channels);
  const pixels = (channels === 1 || channels === 2) && draft.layers.some(isColoured) ? inColours(data, channels) : { data, channels };
  draft.channels = pixels.channels;
  for (const layer of draft.layers) {
    if (layer.width > info.width || layer.height > info.height) throw overlayTooLarge(info, layer);
    blend(pixels.data, { width: info.width, height: info.height, channels: pixels.channels }, layer);
  }
  draft.layers.length = 0;
  draft.overlays.length = 0;
  const size = { width: info.width, height: frameHeight };
  openPixels(draft, { ...size, ...pixels });
  draft.shape = { source: size, kind: "raw", orientSwaps: false };
  draft.inPlace = false;
  return { ...size, ...pixels };
}

/** Goes on from pixels that were made before; they are not copied. */
export function openPixels(draft: Draft, { data, width, height, channels }: Pixels): void {
  draft.pipeline = sharp(data, {
    raw: { width, height: height * draft.frames, channels, ...(draft.animated ? { pageHeight: height } : {}) },
    limitInputPixels: false,
    ...(draft.animated ? { animated: true } : {}),
  });
  if (draft.space !== undefined) draft.pipeline.toColourspace(draft.space);
}

/** One frame of an animation, or the whole of a still picture, as a picture of its own. Makes pixels. */
export async function oneFrame(draft: Draft, at: number): Promise<Sharp> {
  const { data, width, height, channels } = await makePixels(draft);
  const bytes = width * height * channels;
  return sharp(data.subarray(at * bytes, (at + 1) * bytes), { raw: { width, height, channels } });
}

/**
 * Does to every frame of an animation what the pixel library does to still pictures only: it would take the frames for one tall picture.
 *
 * `change` must give each frame the same size; `shape` says which, for those who only want to know.
 */
export async function eachFrame(draft: Draft, change: (frame: Sharp) => Sharp, shape: Partial<Shape> = {}): Promise<void> {
  const { data, width, height, channels } = await makePixels(draft);
  const after = followSize({ source: { width, height }, kind: "raw", orientSwaps: false, ...shape });
  for (const step of after.steps) checkOutput(step, draft.frames, draft.limits);
  if (draft.walk !== undefined) {
    spend(draft.walk, together(rawCost(after.width * after.height * draft.frames), layerCost(width * height * draft.frames)));
    draft.shape = { source: { width: after.width, height: after.height }, kind: "raw", orientSwaps: false };
    return;
  }
  const bytes = width * height * channels;
  const made: Buffer[] = [];
  let last = { width, height, channels };
  for (let at = 0; at < draft.frames; at++) {
    draft.tools.signal?.throwIfAborted();
    const frame = change(sharp(data.subarray(at * bytes, (at + 1) * bytes), { raw: { width, height, channels } }));
    const { data: pixels, info } = await frame.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    made.push(pixels);
    last = { width: info.width, height: info.height, channels: rawChannels(info.channels) };
    checkOutput(last, draft.frames, draft.limits);
  }
  openPixels(draft, { ...last, data: Buffer.concat(made) });
  draft.channels = last.channels;
  draft.shape = { source: { width: last.width, height: last.height }, kind: "raw", orientSwaps: false };
}

/** Raw pixels of more than four channels (a joined one) cannot travel on. */
function rawChannels(channels: number): 1 | 2 | 3 | 4 {
  if (channels === 1 || channels === 2 || channels === 3 || channels === 4) return channels;
  throw new StockroomError("input", "InvalidEdit", `Expected at most 4 channels but the edits make ${channels}.`, {
    facts: { status: 400 },
  });
}

/** Lays pictures over this one, at the same place of every frame, above what already lies there. */
export function layOver(draft: Draft, layer: OverlayOptions, frameHeight: number): void {
  const { top } = layer;
  const many = draft.animated && draft.compat === "open" && top !== undefined;
  for (let frame = 0; frame < (many ? draft.frames : 1); frame++) {
    draft.overlays.push(many ? { ...layer, top: top + frame * frameHeight } : layer);
  }
  draft.pipeline.composite(draft.overlays);
}
