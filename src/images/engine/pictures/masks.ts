// Masks: pictures with round edges.
//
//   M1. Only numbers go into the SVG text of a mask.

import type { JsonValue, RoundCorner } from "../plan.ts";
import { type Draft, layOver, settle, sizeNow } from "./draft.ts";
import { isFields } from "./operations.ts";

/** A length above zero, or what stands in for it: zero and nonsense count as not given, as the classic handler has it. */
const lengthOr = (value: JsonValue, otherwise: number): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.min(value, 1e6) : otherwise;

/** `roundCrop`: keeps an ellipse and cuts away the empty edges. */
export async function roundCrop(draft: Draft, value: JsonValue): Promise<void> {
  if (value !== true && !isFields(value)) return;
  const fields = isFields(value) ? value : {};
  const { width, height } = await settle(draft);
  const radius = Math.min(width, height) / 2;
  const rx = lengthOr(fields["rx"], radius);
  const ry = lengthOr(fields["ry"], radius);
  const cx = lengthOr(fields["left"], width / 2);
  const cy = lengthOr(fields["top"], height / 2);
  const mask = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><ellipse cx="${cx}" cy="${cy}" rx="${rx}" ry="${ry}"/></svg>`;
  layOver(draft, { input: Buffer.from(mask), blend: "dest-in", left: 0, top: 0 }, height);
  await settle(draft);
  if (width < 3 || height < 3) return;
  // The emptiness around the ellipse, never a colour of the picture.
  draft.pipeline.trim({ background: { r: 0, g: 0, b: 0, alpha: 0 }, threshold: 10 });
  draft.shape.trims = true;
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
    layOver(
      draft,
      { input: svg(`<rect width="${width}" height="${height}" rx="${rx}" ry="${ry}"/>`), blend: "dest-in", left: 0, top: 0 },
      height,
    );
    return;
  }
  const outline =
    `M0 0H${width}V${height}H0ZM${rx} 0A${rx} ${ry} 0 0 0 0 ${ry}V${height - ry}A${rx} ${ry} 0 0 0 ${rx} ${height}` +
    `H${width - rx}A${rx} ${ry} 0 0 0 ${width} ${height - ry}V${ry}A${rx} ${ry} 0 0 0 ${width - rx} 0Z`;
  const input = svg(`<path fill="rgb(${Math.round(r)},${Math.round(g)},${Math.round(b)})" fill-rule="evenodd" d="${outline}"/>`);
  layOver(draft, { input, left: 0, top: 0 }, height);
}
