// Geometry: how large a picture is after each edit, before any pixel is touched.
//
// Owns: the arithmetic of sizes and places: what sharp will make of a list of calls, faces to crops, where an overlay lands.
// Does not own: calling sharp.
//   G1. `followSize` says what sharp does: held to it by a property test over random plans. Where the outcome hangs on pixels (trim) it
//       says an upper bound and `exact: false`.
//   G2. It sees every intermediate size, so that a limit holds for steps whose result is cut away again.

import type { Area } from "../plan.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Fit = "cover" | "contain" | "fill" | "inside" | "outside";

/** The part of sharp's state that decides sizes; made by `operations.ts` beside the calls themselves. */
export interface Shape {
  /** Of one frame, as stored, before any turning. */
  readonly source: Size;
  readonly kind: string;
  /** Quarter turns come first when EXIF says so. */
  readonly orientSwaps: boolean;
  resize?: {
    readonly width?: number;
    readonly height?: number;
    readonly fit: Fit;
    readonly withoutEnlargement: boolean;
    readonly withoutReduction: boolean;
    readonly fastShrinkOnLoad: boolean;
  };
  /** Degrees; a multiple of 90 or any. */
  angle?: number;
  rotateBefore?: boolean;
  orientBefore?: boolean;
  flips?: boolean;
  before?: Area;
  after?: Area;
  trims?: boolean;
  trimMargin?: number;
  gamma?: boolean;
  pipelineSpace?: boolean;
  affine?: readonly number[];
  extend?: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
}

export interface Followed extends Size {
  /** Whether the size is what will come out, and not only an upper bound. */
  readonly exact: boolean;
  /** Every size that is made on the way, the last one included; none while the picture is as it came. */
  readonly steps: readonly Size[];
  /** The size it is read at, when the decoder makes it smaller. */
  readonly onLoad?: Size;
  /** The first area that reaches outside of the picture it is cut from. */
  readonly outside?: Area;
}

/** Follows sharp's fixed order: orient, turn (when asked before), trim, cut, shrink, turn, fit to canvas, turn by angle, cut, affine, extend. */
export function followSize(shape: Shape): Followed {
  const steps: Size[] = [];
  let outside: Area | undefined;
  let exact = true;
  let onLoad: Size | undefined;
  let now: Size = shape.source;
  const to = (size: Size): void => {
    now = size;
    steps.push(size);
  };
  const quarter = shape.angle !== undefined && shape.angle % 90 === 0;
  const quarterSwaps = quarter && Math.abs(shape.angle ?? 0) % 180 === 90;
  const freeAngle = shape.angle !== undefined && !quarter;
  const turnsBefore = shape.rotateBefore === true && (freeAngle || (quarter && (shape.angle ?? 0) % 360 !== 0) || shape.flips === true);
  const orientsBefore = (turnsBefore || shape.orientBefore === true) && shape.orientSwaps;
  let orientSwaps = shape.orientSwaps;
  if (orientsBefore) {
    to(swapped(now));
    orientSwaps = false;
  }
  if (turnsBefore && quarterSwaps) to(swapped(now));
  if (turnsBefore && freeAngle) {
    to(turned(now, shape.angle ?? 0));
    exact = false;
  }
  if (shape.trims === true) {
    // The margin is only given back from what was cut away, so a trimmed picture is never larger than it was.
    exact = false;
  }
  if (shape.before !== undefined) {
    if (exact && !contains(now, shape.before)) outside ??= shape.before;
    to({ width: shape.before.width, height: shape.before.height });
  }
  if (shape.resize !== undefined) {
    const { width = 0, height = 0 } = shape.resize;
    const target = orientSwaps ? { width: height, height: width } : { width, height };
    let shrink = resolveShrink(now, target, shape.resize);
    const preShrinks =
      (width > 0 || height > 0) &&
      shape.gamma !== true &&
      shape.before === undefined &&
      shape.trims !== true &&
      shape.pipelineSpace !== true &&
      !turnsBefore &&
      !orientsBefore;
    if (preShrinks) {
      now = shrunkOnLoad(now, Math.min(shrink.across, shrink.down), shape.kind, shape.resize.fastShrinkOnLoad);
      onLoad = now;
      shrink = resolveShrink(now, target, shape.resize);
    }
    to({ width: scaled(now.width, shrink.across), height: scaled(now.height, shrink.down) });
    if (orientSwaps) now = swapped(now);
    if (quarterSwaps && !turnsBefore) to(swapped(now));
    if (width > 0 || height > 0)
      to(toCanvas(now, { width: width > 0 ? width : now.width, height: height > 0 ? height : now.height }, shape.resize.fit));
  } else {
    if (orientSwaps) to(swapped(now));
    if (quarterSwaps && !turnsBefore) to(swapped(now));
  }
  if (freeAngle && !turnsBefore) {
    to(turned(now, shape.angle ?? 0));
    exact = false;
  }
  if (shape.after !== undefined) {
    if (exact && !contains(now, shape.after)) outside ??= shape.after;
    to({ width: shape.after.width, height: shape.after.height });
  }
  if (shape.affine !== undefined) {
    const [a = 1, b = 0, c = 0, d = 1] = shape.affine;
    to({
      width: Math.ceil(Math.abs(a) * now.width + Math.abs(b) * now.height) + 2,
      height: Math.ceil(Math.abs(c) * now.width + Math.abs(d) * now.height) + 2,
    });
    exact = false;
  }
  if (shape.extend !== undefined) {
    const { top, bottom, left, right } = shape.extend;
    to({ width: now.width + left + right, height: now.height + top + bottom });
  }
  return { ...now, exact, steps, ...(onLoad === undefined ? {} : { onLoad }), ...(outside === undefined ? {} : { outside }) };
}

const swapped = (size: Size): Size => ({ width: size.height, height: size.width });

/** The box around a turned rectangle, a pixel wider than needed for the library's rounding. */
function turned(size: Size, degrees: number): Size {
  const radians = (degrees * Math.PI) / 180;
  const cos = Math.abs(Math.cos(radians));
  const sin = Math.abs(Math.sin(radians));
  return { width: Math.ceil(size.width * cos + size.height * sin) + 1, height: Math.ceil(size.width * sin + size.height * cos) + 1 };
}

/** As libvips rounds sizes: halves go up. */
const scaled = (side: number, shrink: number): number => Math.max(1, Math.floor(side * (1 / shrink) + 0.5));

/** As the WebP decoder is told its size: halves go to the even number. */
function toEven(side: number, shrink: number): number {
  const size = side * (1 / shrink);
  const down = Math.floor(size);
  return Math.max(1, size - down === 0.5 ? down + (down % 2) : Math.round(size));
}

interface Shrink {
  readonly across: number;
  readonly down: number;
}

function resolveShrink(size: Size, target: Size, resize: NonNullable<Shape["resize"]>): Shrink {
  let across = target.width > 0 ? size.width / target.width : 1;
  let down = target.height > 0 ? size.height / target.height : 1;
  if (target.width > 0 && target.height > 0) {
    if (resize.fit === "cover" || resize.fit === "outside") across = down = Math.min(across, down);
    else if (resize.fit === "contain" || resize.fit === "inside") across = down = Math.max(across, down);
  } else if (resize.fit !== "fill") {
    if (target.width > 0) down = across;
    else if (target.height > 0) across = down;
  }
  if (resize.withoutReduction) {
    across = Math.min(1, across);
    down = Math.min(1, down);
  } else if (resize.withoutEnlargement) {
    across = Math.max(1, across);
    down = Math.max(1, down);
  }
  return { across: Math.min(across, size.width), down: Math.min(down, size.height) };
}

/** JPEG decodes at 1/2, 1/4 or 1/8 and drops what is no whole pixel; WebP at any scale. */
function shrunkOnLoad(size: Size, shrink: number, kind: string, fast: boolean): Size {
  if (kind === "jpeg") {
    const factor = fast ? 1 : 2;
    let by = shrink >= 8 * factor ? 8 : shrink >= 4 * factor ? 4 : shrink >= 2 * factor ? 2 : 1;
    if (by > 1 && Math.trunc(shrink) === by) by /= 2;
    return { width: Math.floor(size.width / by), height: Math.floor(size.height / by) };
  }
  if (kind === "webp" && fast && shrink > 1) {
    return { width: toEven(size.width, shrink), height: toEven(size.height, shrink) };
  }
  if (kind === "svg") {
    return { width: scaled(size.width, shrink), height: scaled(size.height, shrink) };
  }
  return size;
}

function toCanvas(size: Size, canvas: Size, fit: Fit): Size {
  if (fit === "contain") return { width: Math.max(size.width, canvas.width), height: Math.max(size.height, canvas.height) };
  if (fit === "cover") return { width: Math.min(size.width, canvas.width), height: Math.min(size.height, canvas.height) };
  return size;
}

/** Whether an area lies in a picture and holds at least a pixel. */
export function contains(size: Size, area: Area): boolean {
  return (
    area.left >= 0 &&
    area.top >= 0 &&
    area.width >= 1 &&
    area.height >= 1 &&
    area.left + area.width <= size.width &&
    area.top + area.height <= size.height
  );
}

/** A rectangle as fractions of a picture. */
export interface Fractions {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Pulls a detector's box into the picture: detectors say boxes that reach over the edge. */
export function clampFractions(box: Fractions): Fractions {
  const clamp = (value: number): number => Math.min(1, Math.max(0, value));
  const left = clamp(box.left);
  const top = clamp(box.top);
  return { left, top, width: Math.min(clamp(box.width), 1 - left), height: Math.min(clamp(box.height), 1 - top) };
}

/** The pixels around a face: padding on each side, cut off at the edges of the picture; may be empty when padding is negative. */
export function areaAround(face: Fractions, paddingPixels: number, size: Size): Area {
  const left = Math.max(0, Math.floor(face.left * size.width - paddingPixels));
  const top = Math.max(0, Math.floor(face.top * size.height - paddingPixels));
  return {
    left,
    top,
    width: Math.min(Math.floor(face.width * size.width + paddingPixels * 2), size.width - left),
    height: Math.min(Math.floor(face.height * size.height + paddingPixels * 2), size.height - top),
  };
}

/**
 * Where an overlay begins along one side: pixels, or percent of the base as `"NNp"`; negative counts from the far edge.
 * Undefined when the option is no number, as the classic handler then leaves it out.
 */
export function overlayOffset(option: unknown, baseSide: number, overlaySide: number): number | undefined {
  if (typeof option !== "string" && typeof option !== "number") return undefined;
  const text = String(option);
  const number = Number.parseInt(text.replace("p", ""), 10);
  if (Number.isNaN(number)) return undefined;
  if (text.endsWith("p")) {
    const part = (baseSide * number) / 100;
    return Math.floor(number < 0 ? baseSide + part - overlaySide : part);
  }
  return number < 0 ? baseSide + number - overlaySide : number;
}

/**
 * The largest area of the canvas's shape that lies in the picture, its middle as near the middle of `focal` as the edges allow.
 */
export function areaForFocal(size: Size, canvas: Size, focal: Area): Area {
  const scale = Math.min(size.width / canvas.width, size.height / canvas.height);
  const width = Math.max(1, Math.min(size.width, Math.round(canvas.width * scale)));
  const height = Math.max(1, Math.min(size.height, Math.round(canvas.height * scale)));
  const place = (middle: number, side: number, whole: number): number => Math.round(Math.min(Math.max(0, middle - side / 2), whole - side));
  return {
    left: place(focal.left + focal.width / 2, width, size.width),
    top: place(focal.top + focal.height / 2, height, size.height),
    width,
    height,
  };
}
