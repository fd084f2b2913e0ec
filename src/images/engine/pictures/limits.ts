// Limits: how much one picture may cost, checked before anything is decoded.
//
// Owns: the numbers and the checks on what a header promises. Does not own: the size of the downloaded file (store), the number of
// pictures at work at once (service).
//   L1. No decoder starts on a picture whose header promises more than `maxInputPixels` over all frames that would be read.
//   L2. No step of a plan makes more than `maxOutputPixels` pixels over all frames, nor a side above `maxSide`.
//   L3. A number that is not finite never passes.

import { badEdit, notAPicture } from "./problems.ts";

export interface PictureLimits {
  /** Pixels of the original, all frames that are read together. */
  readonly maxInputPixels: number;
  /** Pixels of any step's result, all frames together. */
  readonly maxOutputPixels: number;
  /** Pixels along one side of any step's result; what a format holds is less for some (`formatSides`). */
  readonly maxSide: number;
  /** Frames of an animation. */
  readonly maxFrames: number;
  readonly maxSvgBytes: number;
  /** Pixels an SVG is drawn at: a renderer cannot be stopped. */
  readonly maxSvgPixels: number;
  /** Seconds one decode-and-encode may take before libvips gives up. */
  readonly maxSeconds: number;
}

/**
 * What a picture may cost unless told otherwise.
 *
 * 49 million pixels let the 48-megapixel pictures of telephones (8064 x 6048) through and stop a 50-megapixel bomb; decoded one is at most
 * 196 MB, and mostly streamed.
 */
export const pictureLimits: PictureLimits = {
  maxInputPixels: 49_000_000,
  maxOutputPixels: 49_000_000,
  maxSide: 65_535,
  maxFrames: 1_000,
  maxSvgBytes: 2_000_000,
  maxSvgPixels: 9_000_000,
  maxSeconds: 25,
};

/** Pixels along one side that a format can hold; a format that is not named ends at `maxSide`. */
export const formatSides: Readonly<Record<string, number>> = { webp: 16_383, avif: 16_384, heif: 16_384, jpeg: 65_535, gif: 65_535 };

/** Throws 400 `InstantiationError` when the original holds more than is allowed. Sizes are those of one frame. */
export function checkInput(size: { readonly width: number; readonly height: number }, frames: number, limits: PictureLimits): void {
  if (!(size.width >= 1) || !(size.height >= 1) || !(frames >= 1)) throw notAPicture("Expected a picture with at least one pixel.");
  if (frames > limits.maxFrames) {
    throw notAPicture(`Expected at most ${limits.maxFrames} frames but the animation has ${frames}.`, { frames });
  }
  const pixels = size.width * size.height * frames;
  if (!(pixels <= limits.maxInputPixels)) {
    const { width, height } = size;
    const many = frames > 1 ? ` in ${frames} frames` : "";
    throw notAPicture(`Expected at most ${limits.maxInputPixels} pixels but the picture has ${width} x ${height}${many}.`, {
      width,
      height,
      frames,
    });
  }
}

/** Throws 400 `InvalidResizeException` when a step would make more than is allowed. */
export function checkOutput(size: { readonly width: number; readonly height: number }, frames: number, limits: PictureLimits): void {
  const { width, height } = size;
  if (width <= limits.maxSide && height <= limits.maxSide && width * height * frames <= limits.maxOutputPixels) return;
  throw badEdit(
    "InvalidResizeException",
    `Expected at most ${limits.maxSide} pixels a side and ${limits.maxOutputPixels} in all but the edits make ${Math.ceil(width)} x ${Math.ceil(height)}` +
      `${frames > 1 ? ` in ${frames} frames` : ""}. Ask for a smaller size.`,
    { width: Math.ceil(width), height: Math.ceil(height), frames },
  );
}

/** Greatest deviation of a blur: at 300 libvips leaves its fast path, takes over 20 s for six megapixels, and nothing can stop it. */
export const maxBlurSigma = 150;
