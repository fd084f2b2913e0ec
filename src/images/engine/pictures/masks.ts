// Masks: pictures with round edges.
//
//   M1. Only numbers go into the SVG text of a mask.

import type { Draft } from "./contract.ts";
import type { JsonValue, RoundCorner } from "../plan.ts";
import { layerCost } from "./costs.ts";
import { eachFrame, layOver, measure, makePixels, sizeNow } from "./draft.ts";
import { cut, isFields } from "./operations.ts";
import { spend } from "./price.ts";

/** A length above zero, or what stands in for it: zero and nonsense count as not given, as the classic handler has it. */
const lengthOr = (value: JsonValue, otherwise: number): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.min(value, 1e6) : otherwise;

/** `roundCrop`: keeps an ellipse and cuts away the empty edges. */
export async function roundCrop(draft: Draft, value: JsonValue): Promise<void> {
  if (value !== true && !isFields(value)) return;
  const fields = isFields(value) ? value : {};
  const { width, height } = await makePixels(draft);
  const radius = Math.min(width, height) / 2;
  const rx = lengthOr(fields["rx"], radius);
  const ry = lengthOr(fields["ry"], radius);
  const cx = lengthOr(fields["left"], width / 2);
  const cy = lengthOr(fields["top"], height / 2);
  const mask = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><ellipse cx="${cx}" cy="${cy}" rx="${rx}" ry="${ry}"/></svg>`;
  await keepInside(draft, Buffer.from(mask), height);
  await makePixels(draft);
  if (width < 3 || height < 3) return;
  if (draft.animated) {
    // Every frame is cut alike: to the box of the ellipse.
    const left = Math.min(width - 1, Math.max(0, Math.floor(cx - rx)));
    const top = Math.min(height - 1, Math.max(0, Math.floor(cy - ry)));
    const right = Math.max(left + 1, Math.min(width, Math.ceil(cx + rx)));
    const bottom = Math.max(top + 1, Math.min(height, Math.ceil(cy + ry)));
    cut(draft, { left, top, width: right - left, height: bottom - top });
    return;
  }
  // The emptiness around the ellipse, never a colour of the picture.
  draft.pipeline.trim({ background: { r: 0, g: 0, b: 0, alpha: 0 }, threshold: 10 });
  draft.shape.trims = true;
}

/** Leaves of every frame what lies under the mask. */
async function keepInside(draft: Draft, mask: Buffer, height: number): Promise<void> {
  // A mask clears all around it, so on one tall picture of frames the mask of each would clear the others.
  // Drawn here, at the size of the picture, and laid over it.
  if (draft.walk !== undefined) {
    const { width } = measure(draft);
    spend(draft.walk, layerCost(width * height * draft.frames));
  }
  if (draft.animated) await eachFrame(draft, (frame) => frame.composite([{ input: mask, blend: "dest-in", left: 0, top: 0 }]));
  else layOver(draft, { input: mask, blend: "dest-in", left: 0, top: 0 }, height);
}

/** Thumbor's `round_corner`, over the finished picture. `canBeClear`: whether the format to be written can hold transparency. */
export async function roundCorners(draft: Draft, corner: RoundCorner, canBeClear: boolean): Promise<void> {
  const { width, height } = await sizeNow(draft);
  const rx = Math.min(corner.rx, width / 2);
  const ry = Math.min(corner.ry, height / 2);
  const { r, g, b } = corner.background;
  const svg = (inner: string): Buffer =>
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${inner}</svg>`);
  if (corner.transparent && canBeClear) {
    await keepInside(draft, svg(`<rect width="${width}" height="${height}" rx="${rx}" ry="${ry}"/>`), height);
    return;
  }
  const outline =
    `M0 0H${width}V${height}H0ZM${rx} 0A${rx} ${ry} 0 0 0 0 ${ry}V${height - ry}A${rx} ${ry} 0 0 0 ${rx} ${height}` +
    `H${width - rx}A${rx} ${ry} 0 0 0 ${width} ${height - ry}V${ry}A${rx} ${ry} 0 0 0 ${width - rx} 0Z`;
  const input = svg(`<path fill="rgb(${Math.round(r)},${Math.round(g)},${Math.round(b)})" fill-rule="evenodd" d="${outline}"/>`);
  layOver(draft, { input, left: 0, top: 0 }, height);
}
