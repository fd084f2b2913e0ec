// Open: bytes to a pipeline, with the same checks for every picture whatever it is used for.

import sharp, { type Sharp } from "sharp";
import type { Compat } from "../plan.ts";
import { readHeader } from "./header.ts";
import { checkInput, type PictureLimits } from "./limits.ts";

let tuned = false;

/**
 * Sets libvips for a server, once a process: no operation cache (each picture is another), one thread a picture, SIMD.
 *
 * Several pictures at once fill the cores; threads within one would only cost their switching.
 */
export function tuneSharp(): void {
  if (tuned) return;
  tuned = true;
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.simd(true);
}

/** How an original is read: the classic handler shows what it can of a damaged file, we refuse it. */
export function readingOptions(
  limits: PictureLimits,
  compat: Compat,
): { failOn: "none" | "error"; limitInputPixels: number; sequentialRead: true } {
  return { failOn: compat === "strict" ? "none" : "error", limitInputPixels: limits.maxInputPixels, sequentialRead: true };
}

/** Opens one frame (the first by default) of another picture (an overlay, a channel), upright unless strict. Throws 400 `InstantiationError`. */
export async function openPicture(
  bytes: Uint8Array,
  { limits, compat }: { readonly limits: PictureLimits; readonly compat: Compat },
  frame = 0,
): Promise<Sharp> {
  tuneSharp();
  const header = await readHeader(bytes, limits);
  if (header.kind === "svg") checkInput(header, 1, { ...limits, maxInputPixels: limits.maxSvgPixels });
  const pipeline = sharp(bytes, { ...readingOptions(limits, compat), ...(frame === 0 ? {} : { page: frame }) });
  return compat === "open" && header.orientation > 1 ? pipeline.autoOrient() : pipeline;
}
