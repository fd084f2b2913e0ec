// Colours: which edits bring colours into a picture that it did not have, and what must be done before them.
//
//   C1. An edit that names a colour works on sRGB. The pixel library does it in the space of the original, where a grey one has no room for it.
//   C2. A palette holds for the colours it was made of: with other ones it is made anew.

import type { Edits, ImageRequest, JsonValue } from "../plan.ts";
import type { Header } from "./header.ts";

const isFields = (value: JsonValue): value is { readonly [name: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Edits that only move pixels or leave them out; a mix of neighbours is still near a palette that was made for both. */
const moves = new Set([
  "resize",
  "crop",
  "extract",
  "flip",
  "flop",
  "animated",
  "smartCrop",
  "toFormat",
  "jpeg",
  "png",
  "webp",
  "gif",
  "avif",
  "tiff",
  "heif",
]);

const hasBackground = (value: JsonValue): boolean => isFields(value) && value["background"] !== undefined && value["background"] !== null;

/** Whether a picture may have colours afterwards that it had not before. */
export function addsColours({ edits, roundCorner }: ImageRequest): boolean {
  return roundCorner !== undefined || Object.entries(edits).some(([name, value]) => !moves.has(name) || (name === "resize" && pads(value)));
}

const pads = (value: JsonValue): boolean => isFields(value) && (value["fit"] === "contain" || hasBackground(value));

/** Edits that name a colour, or mix the channels of one. */
const named: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  flatten: hasBackground,
  extend: hasBackground,
  resize: hasBackground,
  trim: hasBackground,
  tint: () => true,
  recomb: () => true,
  boolean: () => true,
  modulate: () => true,
};

const namesColour = (edits: Edits): boolean => Object.entries(edits).some(([name, value]) => named[name]?.(value));

/** Spaces in which a colour means what it says (CMYK is brought to sRGB by the library before any edit). */
const coloured = new Set(["srgb", "rgb", "rgb16", "cmyk"]);

/** Whether the original must be brought to sRGB before its edits (C1). Costs shrinking while decoding, so only where it is needed. */
export function needsColours({ metadata }: Header, request: ImageRequest): boolean {
  if (request.edits["pipelineColourspace"] !== undefined || request.edits["pipelineColorspace"] !== undefined) return false;
  const grey = (metadata.channels ?? 3) < 3 || !coloured.has(metadata.space ?? "srgb");
  return grey && (request.roundCorner !== undefined || namesColour(request.edits));
}
