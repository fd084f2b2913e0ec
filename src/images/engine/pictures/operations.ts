// Operations: every edit that sharp itself carries out, each as a value.
//
// Owns: which names exist, what their values must look like, what they do to the shape. Does not own: edits that need more than one
// pipeline or another file (overlay.ts, faces.ts, masks.ts), the encoder's options (encode.ts).
//   O1. A bad value dies in `args`, before the pipeline is touched: 400 `InvalidEdit`, or the classic code of that edit.
//   O2. No value names a file, a URL or raw pixels; what reads another picture names it by bucket and key, through the caller's rights.
//   O3. `order` says when an operation takes effect: "key" where its key stands, "last" when the picture is written. Within sharp the order
//       of some is fixed (blur after resize, tint after both), and classic URLs rely on that.

import sharp, { type Sharp } from "sharp";
import type { Draft, Walk } from "./contract.ts";
import { isStockroomError } from "../../../platform/errors.ts";
import { type FormatName, formatNames, outputFormat } from "../formats.ts";
import type { Area, EditName, JsonValue } from "../plan.ts";
import { eachFrame, measure, makePixels } from "./draft.ts";
import { areaForFocal, type Fit } from "./geometry.ts";
import { decodeCost, resizeCost, together, trimmedPixels } from "./costs.ts";
import { type Header, readHeader } from "./header.ts";
import { openPicture, readingOptions } from "./open.ts";
import { checkOther, spend, traits } from "./price.ts";
import { maxBlurSigma } from "./limits.ts";
import { badEdit } from "./problems.ts";

export interface Operation<Args = unknown> {
  readonly kind: "operation";
  readonly order: "key" | "last";
  /** The value of the edit as an exact type; throws what is wrong with it. */
  readonly args: (value: JsonValue, draft: Draft) => Args;
  readonly apply: (draft: Draft, args: Args) => void | Promise<void>;
}

/** Keeps `Args` between the two functions of one operation while all stand in one table. */
const operation = <Args>(each: Omit<Operation<Args>, "kind">): Operation => ({ kind: "operation", ...each }) as Operation;

type Fields = { readonly [name: string]: JsonValue };

export const isFields = (value: JsonValue): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

const wrong = (name: string, expected: string, value: JsonValue): never => {
  const shown = JSON.stringify(value)?.slice(0, 60) ?? "nothing";
  throw badEdit("InvalidEdit", `Expected ${expected} for ${name} but received ${shown}.`, { edit: name });
};

const isNumber = (value: JsonValue): value is number => typeof value === "number" && Number.isFinite(value);

function numberIn(name: string, value: JsonValue, min: number, max: number): number {
  return isNumber(value) && value >= min && value <= max ? value : wrong(name, `a number from ${min} to ${max}`, value);
}

function wholeIn(name: string, value: JsonValue, min: number, max: number): number {
  return isNumber(value) && Number.isInteger(value) && value >= min && value <= max
    ? value
    : wrong(name, `a whole number from ${min} to ${max}`, value);
}

/** `true` or nothing stands for the library's own value; anything else is read. */
function orUsual<Value>(value: JsonValue, read: (value: JsonValue) => Value): Value | undefined {
  return value === undefined || value === null || value === true ? undefined : read(value);
}

/** Whether an edit is wanted, by a value that says no more; refused if it is neither. */
const isWanted = (name: string, value: JsonValue, expected: string): boolean =>
  value === undefined || value === null || typeof value === "boolean" ? value !== false : wrong(name, expected, value);

/** Only the fields that are named, with their values as they came; sharp checks their types. */
export function pick(fields: Fields, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => fields[name] !== undefined && fields[name] !== null).map((name) => [name, fields[name]]),
  );
}

/** A call that moves no pixel, with a value that `args` made sure of. */
const plain = <Args>(args: (value: JsonValue) => Args, call: (pipeline: Sharp, args: Args) => unknown): Operation =>
  operation<Args>({ order: "key", args, apply: (draft, value) => void call(draft.pipeline, value) });

type Rgb = { readonly r: number; readonly g: number; readonly b: number; readonly alpha?: number };

/** A colour as text (a CSS name, hex digits, `rgb(...)`, which the library reads) or as numbers. */
function colourIn(name: string, value: JsonValue): string | Rgb {
  if (typeof value === "string" && value.length > 0 && value.length <= 60) {
    // The library's own reader says at once what it cannot read.
    try {
      sharp({ create: { width: 1, height: 1, channels: 3, background: value } });
      return value;
    } catch {
      return wrong(name, "a colour", value);
    }
  }
  if (!isFields(value)) return wrong(name, "a colour", value);
  const channel = (each: string): number => numberIn(`${name}.${each}`, value[each], 0, 255);
  const alpha = value["alpha"];
  return {
    r: channel("r"),
    g: channel("g"),
    b: channel("b"),
    ...(alpha === undefined || alpha === null ? {} : { alpha: numberIn(`${name}.alpha`, alpha, 0, 1) }),
  };
}

/** Only the fields that are there, each read by its own rule. */
function fieldsIn<Rules extends Readonly<Record<string, (name: string, value: JsonValue) => unknown>>>(
  edit: string,
  value: Fields,
  rules: Rules,
): { [Name in keyof Rules]?: ReturnType<Rules[Name]> } {
  const entries = Object.entries(rules)
    .filter(([name]) => value[name] !== undefined && value[name] !== null)
    .map(([name, rule]) => [name, rule(`${edit}.${name}`, value[name])] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the entries are those of the rules
  return Object.fromEntries(entries) as { [Name in keyof Rules]?: ReturnType<Rules[Name]> };
}

const between =
  (min: number, max: number) =>
  (name: string, value: JsonValue): number =>
    numberIn(name, value, min, max);
const wholeBetween =
  (min: number, max: number) =>
  (name: string, value: JsonValue): number =>
    wholeIn(name, value, min, max);
const truth = (name: string, value: JsonValue): boolean => (typeof value === "boolean" ? value : wrong(name, "true or false", value));
const oneOf =
  <Word extends string>(...words: readonly Word[]) =>
  (name: string, value: JsonValue): Word =>
    words.find((word) => word === value) ?? wrong(name, `one of ${words.join(", ")}`, value);

type Blur = { sigma: number; precision?: "integer" | "float" | "approximate"; minAmplitude?: number };

/** `true`: a light blur of 3 x 3; a number: its deviation; or the library's own object. */
function blurArgs(value: JsonValue): Blur | boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === "boolean") return value;
  const sigma = between(0.3, maxBlurSigma);
  if (!isFields(value)) return { sigma: sigma("blur", value) };
  const precision = oneOf("integer", "float", "approximate");
  const { sigma: wanted, ...rest } = fieldsIn("blur", value, { sigma, precision, minAmplitude: between(0.001, 1) });
  if (wanted === undefined) return wrong("blur.sigma", `a number from 0.3 to ${maxBlurSigma}`, value["sigma"]);
  return { sigma: wanted, ...rest };
}

const recombArgs = (value: JsonValue): number[][] => {
  const rows: readonly JsonValue[] = Array.isArray(value) ? value : [];
  const side = rows.length;
  const numbers = rows.map((row: JsonValue) => (Array.isArray(row) ? (row as readonly JsonValue[]).filter(isNumber) : []));
  if ((side !== 3 && side !== 4) || !numbers.every((row) => row.length === side))
    return wrong("recomb", "3 rows of 3 numbers, or 4 of 4", value);
  return numbers;
};

const channelNames = ["red", "green", "blue", "alpha"] as const;
const positions =
  "top,right top,right,right bottom,bottom,left bottom,left,left top,north,northeast,east,southeast,south,southwest,west,northwest,center,centre,entropy,attention";
const kernels = ["nearest", "linear", "cubic", "mitchell", "lanczos2", "lanczos3", "mks2013", "mks2021"] as const;

/** Operations that may be switched off by `false`. */
const toggles = (call: (pipeline: Sharp, on: boolean) => unknown, moves = false): Operation =>
  operation<boolean>({
    order: "key",
    args: (value) => value !== false,
    apply: (draft, on) => {
      call(draft.pipeline, on);
      if (!moves || !on) return;
      draft.shape.flips = true;
      draft.inPlace = false;
    },
  });

const flip = operation<boolean>({
  order: "key",
  args: (value) => value !== false,
  apply: async (draft, on) => {
    // As one tall picture the frames would change places and the animation run backwards.
    if (on && draft.animated && draft.compat === "open") return eachFrame(draft, (frame) => frame.flip());
    draft.pipeline.flip(on);
    if (!on) return;
    draft.shape.flips = true;
    draft.inPlace = false;
  },
});

const colourspaces = ["srgb", "rgb", "b-w", "bw", "cmyk", "lab", "lch", "labs", "hsv", "xyz", "scrgb", "rgb16", "grey16", "multiband"];

const colourspace = (name: string, pipelineWide: boolean): Operation =>
  operation<string>({
    order: "key",
    args: (value) =>
      typeof value === "string" && colourspaces.includes(value.toLowerCase()) ? value : wrong(name, "a colour space", value),
    apply: (draft, space) => {
      if (pipelineWide) {
        draft.pipeline.pipelineColourspace(space);
        draft.shape.pipelineSpace = true;
      } else {
        draft.pipeline.toColourspace(space);
        draft.space = space;
      }
    },
  });

// ---- sizes ----

interface ResizeArgs {
  readonly width?: number;
  readonly height?: number;
  readonly fit?: Fit;
  readonly rest: Record<string, unknown>;
}

const fits: readonly string[] = ["cover", "contain", "fill", "inside", "outside"] satisfies Fit[];

function side(name: "width" | "height", value: JsonValue): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const number = Math.round(Number(value));
  if (number > 0 && number <= 1e8 && typeof value !== "boolean") return number;
  throw badEdit(
    "InvalidResizeException",
    `Expected a ${name} above 0 pixels but received ${JSON.stringify(value)?.slice(0, 40)}. Correct the size.`,
    { [name]: JSON.stringify(value)?.slice(0, 40) },
  );
}

function resizeArgs(value: JsonValue, draft: Draft): ResizeArgs {
  if (!isFields(value)) return wrong("resize", "an object", value);
  let width = side("width", value["width"]);
  let height = side("height", value["height"]);
  let fit = value["fit"];
  const given = value["ratio"];
  if (given !== undefined && given !== null && given !== 0 && given !== "") {
    const ratio = Number(given);
    if (!(ratio > 0) || !Number.isFinite(ratio)) return wrong("resize.ratio", "a number above zero", given);
    const of = width !== undefined && height !== undefined ? { width, height } : measure(draft);
    width = side("width", Math.max(1, Math.round(of.width * ratio)));
    height = side("height", Math.max(1, Math.round(of.height * ratio)));
    fit ??= "inside";
  }
  if (fit !== undefined && fit !== null && (typeof fit !== "string" || !fits.includes(fit)))
    return wrong("resize.fit", `one of ${fits.join(", ")}`, fit);
  const rest = fieldsIn("resize", value, {
    position: (name, each) => (isNumber(each) ? wholeIn(name, each, 0, 17) : oneOf(...positions.split(","))(name, each)),
    background: colourIn,
    kernel: oneOf(...kernels),
    withoutEnlargement: truth,
    withoutReduction: truth,
    fastShrinkOnLoad: truth,
  });
  return {
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(typeof fit === "string" ? { fit: fit as Fit } : {}),
    rest,
  };
}

const resize = operation<ResizeArgs>({
  order: "key",
  args: resizeArgs,
  apply: async (draft, args) => {
    const { width, height, rest } = args;
    // What is left of a trimmed picture may be a line, and a line as wide as asked for would be endlessly high: look first.
    if ((width !== undefined || height !== undefined) && !measure(draft).exact) await makePixels(draft);
    const fit = await aimAtFocal(draft, args);
    draft.pipeline.resize({
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
      ...(fit === undefined ? {} : { fit }),
      ...rest,
    });
    draft.shape.resize = {
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
      fit: fit ?? "cover",
      withoutEnlargement: rest["withoutEnlargement"] === true,
      withoutReduction: rest["withoutReduction"] === true,
      fastShrinkOnLoad: rest["fastShrinkOnLoad"] !== false,
    };
    const turns = (draft.shape.angle ?? 0) % 360 !== 0;
    if (turns && (width !== undefined || height !== undefined)) draft.shape.rotateBefore = true;
    // Only a whole picture keeps its fractions.
    if (width !== undefined && height !== undefined && (fit ?? "cover") !== "inside" && fit !== "outside" && fit !== "fill")
      draft.inPlace = false;
    measure(draft);
  },
});

/** With a focal area, cuts the size's shape around it first; what is left is stretched by less than a pixel. */
async function aimAtFocal(draft: Draft, { width, height, fit }: ResizeArgs): Promise<Fit | undefined> {
  const { focal } = draft.request;
  const { before } = draft.shape;
  if (focal === undefined || width === undefined || height === undefined || (fit ?? "cover") !== "cover" || draft.animated) return fit;
  // After a turn or a trim nobody can say where the focal area is now; after a crop it is where it was, less the corner.
  if (!draft.inPlace && (before === undefined || draft.shape.angle !== undefined || draft.shape.flips === true)) return fit;
  const now = before === undefined ? measure(draft) : await makePixels(draft);
  const area = areaForFocal(
    now,
    { width, height },
    { ...focal, left: focal.left - (before?.left ?? 0), top: focal.top - (before?.top ?? 0) },
  );
  if (area.width !== now.width || area.height !== now.height) cut(draft, area);
  return "fill";
}

/** Throws the classic code unless `value` is an area of whole numbers with something in it. */
function areaArgs(value: JsonValue): Area {
  const fields = isFields(value) ? value : {};
  const { left, top, width, height } = fields;
  const whole = (each: JsonValue): each is number => isNumber(each) && Number.isInteger(each) && each >= 0 && each <= 1e8;
  if (!whole(left) || !whole(top) || !whole(width) || !whole(height) || width < 1 || height < 1) {
    throw badEdit(
      "Crop::AreaOutOfBounds",
      `Expected an area with whole left, top, width and height but received ${JSON.stringify(value)?.slice(0, 80) ?? "nothing"}. Correct the area.`,
    );
  }
  return { left, top, width, height };
}

/** Cuts an area out of the picture as it is now. */
export function cut(draft: Draft, area: Area): void {
  const { shape } = draft;
  const resizes = shape.resize?.width !== undefined || shape.resize?.height !== undefined;
  const turns = (shape.angle ?? 0) % 360 !== 0;
  draft.pipeline.extract(area);
  if (!resizes && shape.before === undefined) shape.before = area;
  else shape.after = area;
  if (turns && !resizes) shape.rotateBefore = true;
  if (shape.orientSwaps || draft.header.orientation > 1) shape.orientBefore = true;
  draft.inPlace = false;
  measure(draft);
}

const crop = operation<Area>({ order: "key", args: areaArgs, apply: cut });

const extract = operation<Area>({
  order: "key",
  args: (value) => areaArgs(value),
  apply: cut,
});

interface ExtendArgs {
  readonly sides: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
  readonly rest: Record<string, unknown>;
}

const extend = operation<ExtendArgs>({
  order: "key",
  args: (value) => {
    if (isNumber(value)) {
      const all = wholeIn("extend", value, 1, 1e8);
      return { sides: { top: all, bottom: all, left: all, right: all }, rest: {} };
    }
    if (!isFields(value)) return wrong("extend", "a number or an object", value);
    const of = (name: string): number => wholeIn(`extend.${name}`, value[name] ?? 0, 0, 1e8);
    const rest = fieldsIn("extend", value, { background: colourIn, extendWith: oneOf("background", "copy", "repeat", "mirror") });
    return { sides: { top: of("top"), bottom: of("bottom"), left: of("left"), right: of("right") }, rest };
  },
  apply: (draft, { sides, rest }) => {
    draft.pipeline.extend({ ...sides, ...rest });
    draft.shape.extend = sides;
    draft.inPlace = false;
    measure(draft);
  },
});

const trim = operation<Record<string, unknown>>({
  order: "key",
  args: (value) => {
    if (isNumber(value)) return { threshold: numberIn("trim", value, 0, 1e6) };
    if (!isFields(value)) return orUsual(value, (each) => wrong("trim", "a number or an object", each)) ?? {};
    return fieldsIn("trim", value, { background: colourIn, threshold: between(0, 1e6), lineArt: truth, margin: wholeBetween(0, 100_000) });
  },
  apply: async (draft, options) => {
    // Sharp would trim before it cuts, and the place of the cut means the picture as it was.
    if (draft.shape.before !== undefined) await makePixels(draft);
    const fromCorner = draft.request.trimFrom === "bottom-right" && options["background"] === undefined;
    const { shape } = draft;
    const untouched = shape.kind !== "raw" && [shape.resize, shape.angle, shape.affine, shape.extend].every((each) => each === undefined);
    const pixels = shape.source.width * shape.source.height;
    if (untouched && shape.flips !== true && !fromCorner && !draft.animated && trimmedPixels(pixels) < pixels)
      return await trimNear(draft, options);
    const background = fromCorner ? { background: await cornerColour(draft) } : {};
    draft.pipeline.trim({ ...options, ...background });
    draft.shape.trims = true;
    if ((draft.shape.angle ?? 0) % 360 !== 0) draft.shape.rotateBefore = true;
    draft.inPlace = false;
  },
});

/** Cuts a large picture near its edges, which are looked for in a smaller one: never inside of them, and outside by a few pixels at most. */
async function trimNear(draft: Draft, { margin, ...options }: Record<string, unknown>): Promise<void> {
  const { width, height } = measure(draft);
  const pixels = width * height;
  draft.notes.push("near-edges");
  if (draft.walk !== undefined) {
    const small = trimmedPixels(pixels);
    spend(draft.walk, together(decodeCost(draft.shape.kind, pixels, traits(draft.header)), resizeCost(pixels, small)));
    cut(draft, { left: 0, top: 0, width, height });
    return;
  }
  const reader = sharp(draft.original, readingOptions(draft.limits, draft.compat)).timeout({ seconds: draft.limits.maxSeconds });
  if (draft.turned) reader.autoOrient();
  const small = await reader
    .resize({ width: Math.max(1, Math.round(width * Math.sqrt(trimmedPixels(pixels) / pixels))) })
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width: across, height: down, channels } = small.info;
  const { info } = await sharp(small.data, { raw: { width: across, height: down, channels } })
    .trim(options)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const more = typeof margin === "number" ? margin : 0;
  // A pixel further out than where the small picture has its edge, for what was blended across it.
  const from = (offset: number, scale: number): number => (offset === 0 ? 0 : Math.max(0, Math.floor((offset - 1) * scale) - more));
  const to = (end: number, most: number, scale: number, whole: number): number =>
    end >= most ? whole : Math.min(whole, Math.ceil((end + 1) * scale) + more);
  const x = -(info.trimOffsetLeft ?? 0);
  const y = -(info.trimOffsetTop ?? 0);
  const left = from(x, width / across);
  const top = from(y, height / down);
  const right = to(x + info.width, across, width / across, width);
  const bottom = to(y + info.height, down, height / down, height);
  cut(draft, { left, top, width: right - left, height: bottom - top });
}

/** The colour of the last pixel of the picture so far. */
async function cornerColour(draft: Draft): Promise<{ r: number; g: number; b: number; alpha: number }> {
  const { width, height } = await makePixels(draft);
  if (draft.walk !== undefined) return { r: 0, g: 0, b: 0, alpha: 1 };
  const pixel = await draft.pipeline
    .clone()
    .extract({ left: width - 1, top: height - 1, width: 1, height: 1 })
    .ensureAlpha()
    .raw()
    .toBuffer();
  const [r = 0, g = 0, b = 0, alpha = 255] = pixel;
  return { r, g, b, alpha: alpha / 255 };
}

const affine = operation<readonly number[]>({
  order: "key",
  args: (value) => {
    const list: readonly JsonValue[] = Array.isArray(value) ? value : [];
    const flat = list.flatMap((each: JsonValue) => (Array.isArray(each) ? (each as readonly JsonValue[]) : [each]));
    if (flat.length !== 4 || !flat.every((each) => isNumber(each) && Math.abs(each) <= 1000)) return wrong("affine", "four numbers", value);
    return flat.filter(isNumber);
  },
  apply: async (draft, matrix) => {
    const four: [number, number, number, number] = [matrix[0] ?? 1, matrix[1] ?? 0, matrix[2] ?? 0, matrix[3] ?? 1];
    if (draft.animated && draft.compat === "open") return eachFrame(draft, (frame) => frame.affine(four), { affine: four });
    draft.pipeline.affine(four);
    draft.shape.affine = matrix;
    draft.inPlace = false;
    measure(draft);
  },
});

const rotate = operation<number | undefined>({
  order: "key",
  // `null` and `undefined` say what happens to EXIF and were read before the pipeline was opened.
  args: (value) => (value === null || value === undefined ? undefined : numberIn("rotate", value, -1e6, 1e6)),
  apply: async (draft, angle) => {
    if (angle === undefined) return;
    const resizes = draft.shape.resize?.width !== undefined || draft.shape.resize?.height !== undefined;
    if (draft.animated && draft.compat === "open") {
      if (angle % 360 !== 0) await eachFrame(draft, (frame) => frame.rotate(angle), { angle });
      return;
    }
    // Sharp would cut the turned picture to the size asked for before the turn.
    if (resizes && angle % 180 !== 0 && draft.compat === "open") await makePixels(draft);
    draft.pipeline.rotate(angle);
    draft.shape.angle = angle;
    if (angle % 360 !== 0) draft.inPlace = false;
    measure(draft);
  },
});

// ---- neighbourhoods ----

/** Cost grows with the square of these; past them one small URL would hold a core for minutes. */
const maxKernelSide = 51;

const median = operation<number | undefined>({
  order: "key",
  args: (value) => orUsual(value, (size) => wholeIn("median", size, 1, maxKernelSide)),
  apply: (draft, size) => {
    draft.pipeline.median(size);
  },
});

const convolve = operation<{
  readonly width: number;
  readonly height: number;
  readonly kernel: number[];
  readonly scale?: number;
  readonly offset?: number;
}>({
  order: "key",
  args: (value) => {
    if (!isFields(value)) return wrong("convolve", "an object", value);
    const width = wholeIn("convolve.width", value["width"], 3, maxKernelSide);
    const height = wholeIn("convolve.height", value["height"], 3, maxKernelSide);
    const list: JsonValue = value["kernel"];
    const kernel = Array.isArray(list) ? list.filter(isNumber) : [];
    if (kernel.length !== width * height) return wrong("convolve.kernel", `${width * height} numbers`, list);
    const { scale, offset } = value;
    return { width, height, kernel, ...(isNumber(scale) ? { scale } : {}), ...(isNumber(offset) ? { offset } : {}) };
  },
  apply: (draft, kernel) => {
    draft.pipeline.convolve(kernel);
  },
});

const clahe = operation<{ readonly width: number; readonly height: number; readonly maxSlope?: number }>({
  order: "key",
  args: (value) => {
    if (!isFields(value)) return wrong("clahe", "an object", value);
    const { maxSlope } = value;
    return {
      width: wholeIn("clahe.width", value["width"], 1, 1000),
      height: wholeIn("clahe.height", value["height"], 1, 1000),
      ...(maxSlope === undefined ? {} : { maxSlope: wholeIn("clahe.maxSlope", maxSlope, 0, 100) }),
    };
  },
  apply: (draft, options) => {
    draft.pipeline.clahe(options);
  },
});

const gamma = operation<number | undefined>({
  order: "key",
  args: (value) => orUsual(value, (given) => numberIn("gamma", given, 1, 3)),
  apply: (draft, value) => {
    draft.pipeline.gamma(value);
    draft.shape.gamma = true;
  },
});

const linear = operation<readonly [number | number[] | undefined, number | number[] | undefined]>({
  order: "key",
  args: (value) => {
    const term = (name: string, each: JsonValue): number | number[] | undefined => {
      if (each === undefined || each === null) return undefined;
      if (isNumber(each)) return each;
      if (Array.isArray(each) && each.length >= 1 && each.length <= 4 && each.every(isNumber)) return each.filter(isNumber);
      return wrong(name, "a number or a list of at most 4", each);
    };
    if (isNumber(value)) return [value, undefined];
    if (Array.isArray(value)) return [term("linear", value), undefined];
    if (!isFields(value)) return wrong("linear", "a number, a list or { a, b }", value);
    const [a, b] = [term("linear.a", value["a"]), term("linear.b", value["b"])];
    if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return wrong("linear.b", `${a.length} numbers, as in a`, value["b"]);
    return [a, b];
  },
  apply: (draft, [a, b]) => {
    const ones = (like: number | number[] | undefined, fill: number): number | number[] =>
      Array.isArray(like) ? like.map(() => fill) : fill;
    draft.pipeline.linear(a ?? ones(b, 1), b ?? ones(a, 0));
  },
});

// ---- other pictures ----

export interface PictureName {
  readonly bucket?: string;
  readonly key: string;
}

/** Bucket and key of another picture; never a path, a URL or pixels. */
export function pictureName(name: string, value: JsonValue): PictureName {
  if (!isFields(value)) return wrong(name, "an object with bucket and key", value);
  const { bucket, key } = value;
  if (typeof key !== "string" || key === "") return wrong(`${name}.key`, "a key", key);
  if (bucket !== undefined && bucket !== null && typeof bucket !== "string") return wrong(`${name}.bucket`, "a bucket", bucket);
  return { key, ...(typeof bucket === "string" ? { bucket } : {}) };
}

/** The bytes of another picture, as the caller's rights allow. */
export function readOther(draft: Draft, name: PictureName): Promise<Uint8Array> {
  return draft.tools.readOverlay(name.bucket ?? draft.request.bucket, name.key, draft.tools.signal ?? new AbortController().signal);
}

/** Looks at another picture without decoding it, and adds what opening it will cost. */
export async function walkOther(draft: Draft, walk: Walk, bytes: Uint8Array): Promise<Header> {
  const header = await readHeader(bytes, draft.limits);
  if (header.kind === "svg") walk.draws = true;
  spend(walk, checkOther(header));
  return header;
}

/** The pixels of another picture, at exactly the size this one has now: one channel, or as many as this one has. */
async function pixelsLike(draft: Draft, edit: string, name: PictureName, grey: boolean): Promise<Buffer> {
  const { width, height } = await makePixels(draft);
  const bytes = await readOther(draft, name).catch((thrown: unknown) => {
    // The original is there; what is missing is what an edit names.
    if (!isStockroomError(thrown) || thrown.kind !== "missing") throw thrown;
    throw badEdit("InvalidEdit", `Expected a picture under the key of ${edit} but there is none. Correct its key.`, { edit });
  });
  if (draft.walk !== undefined) {
    const header = await walkOther(draft, draft.walk, bytes);
    spend(draft.walk, resizeCost(header.width * header.height, width * height));
    spend(draft.walk, { cpuMs: 0, bytes: width * height * 8 });
    return Buffer.alloc(0);
  }
  const other = (await openPicture(bytes, draft)).resize({ width, height, fit: "fill" });
  if (grey) other.flatten({ background: "black" }).greyscale().toColourspace("b-w");
  else if (draft.channels === 4) other.ensureAlpha();
  else other.removeAlpha();
  return other.png({ compressionLevel: 0 }).toBuffer();
}

const joinChannel = operation<readonly PictureName[]>({
  order: "key",
  args: (value) => {
    const list: readonly JsonValue[] = Array.isArray(value) ? value : [value];
    if (list.length > 4) return wrong("joinChannel", "at most four pictures", value);
    return list.map((each) => pictureName("joinChannel", each));
  },
  apply: async (draft, names) => {
    const pixels: Buffer[] = [];
    for (const name of names) pixels.push(await pixelsLike(draft, "joinChannel", name, true));
    draft.pipeline.joinChannel(pixels);
  },
});

const boolean = operation<PictureName & { readonly operator: "and" | "or" | "eor" }>({
  order: "key",
  args: (value) => {
    const operator = isFields(value) ? value["operator"] : undefined;
    if (operator !== "and" && operator !== "or" && operator !== "eor") return wrong("boolean.operator", "and, or or eor", operator);
    return { ...pictureName("boolean", value), operator };
  },
  apply: async (draft, { operator, ...name }) => {
    const operand = await pixelsLike(draft, "boolean", name, false);
    draft.pipeline.boolean(operand, operator);
  },
});

// ---- formats ----

const format = (name: FormatName): Operation =>
  operation<Record<string, unknown>>({
    order: "last",
    args: (value) => (isFields(value) ? { ...value } : {}),
    apply: (draft, options) => {
      draft.formatOptions.set(name, options);
      draft.format = name;
    },
  });

const toFormat = operation<string>({
  order: "last",
  args: (value) => outputFormat(isFields(value) ? value["id"] : value) ?? wrong("toFormat", `one of ${formatNames.join(", ")}, raw`, value),
  apply: (draft, name) => {
    draft.format = name;
  },
});

const greyscale = toggles((pipeline, on) => pipeline.greyscale(on));

const normalise = operation<Record<string, unknown> | undefined>({
  order: "key",
  args: (value) => {
    if (!isFields(value)) return isWanted("normalise", value, "true, false or { lower, upper }") ? {} : undefined;
    const given = fieldsIn("normalise", value, { lower: between(0, 99), upper: between(1, 100) });
    return (given.lower ?? 1) < (given.upper ?? 99) ? given : wrong("normalise.lower", "less than upper", value);
  },
  apply: (draft, options) => {
    if (options !== undefined) draft.pipeline.normalise(options);
  },
});

/** Edits that sharp carries out by itself. */
export type OperationName = Exclude<EditName, "overlayWith" | "smartCrop" | "roundCrop" | "contentModeration" | "animated">;

/** What sharp does for each of them. */
export const operations: Readonly<Record<OperationName, Operation>> = {
  resize,
  crop,
  extract,
  extend,
  trim,
  affine,
  rotate,
  flip,
  flop: toggles((pipeline, on) => pipeline.flop(on), true),
  removeAlpha: toggles((pipeline, on) => (on ? pipeline.removeAlpha() : pipeline)),
  ensureAlpha: operation<number | undefined>({
    order: "key",
    args: (value) => orUsual(value, (alpha) => numberIn("ensureAlpha", alpha, 0, 1)),
    apply: (draft, alpha) => void draft.pipeline.ensureAlpha(alpha),
  }),
  extractChannel: plain(
    (value) => (isNumber(value) ? wholeBetween(0, 4)("extractChannel", value) : oneOf(...channelNames)("extractChannel", value)),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- whole and from 0 to 4, which the library refuses itself where it has fewer
    (pipeline, channel) => pipeline.extractChannel(channel as 0),
  ),
  joinChannel,
  bandbool: plain(
    (value) => oneOf("and", "or", "eor")("bandbool", value),
    (pipeline, operator) => pipeline.bandbool(operator),
  ),
  boolean,
  tint: plain(
    (value) => colourIn("tint", value),
    (pipeline, colour) => pipeline.tint(colour),
  ),
  greyscale,
  grayscale: greyscale,
  pipelineColourspace: colourspace("pipelineColourspace", true),
  pipelineColorspace: colourspace("pipelineColorspace", true),
  toColourspace: colourspace("toColourspace", false),
  toColorspace: colourspace("toColorspace", false),
  sharpen: operation<{ sigma: number } | boolean>({
    order: "key",
    // A bare number was sharp's old way to give sigma, and thumbor's filter still gives it so.
    args: (value) => {
      if (isNumber(value)) return { sigma: numberIn("sharpen", value, 0.000001, 10) };
      if (!isFields(value)) return isWanted("sharpen", value, "true, false, a number or { sigma }");
      const many = between(0, 1_000_000);
      const { sigma, ...rest } = fieldsIn("sharpen", value, {
        sigma: between(0.000001, 10),
        m1: many,
        m2: many,
        x1: many,
        y2: many,
        y3: many,
      });
      return sigma === undefined ? wrong("sharpen.sigma", "a number from 0.000001 to 10", value["sigma"]) : { sigma, ...rest };
    },
    apply: (draft, value) => {
      if (value !== false) draft.pipeline.sharpen(value === true ? undefined : value);
    },
  }),
  median,
  blur: plain(blurArgs, (pipeline, blur) => pipeline.blur(blur)),
  flatten: plain(
    (value) => {
      return isFields(value)
        ? fieldsIn("flatten", value, { background: colourIn })
        : isWanted("flatten", value, "true, false or { background }");
    },
    (pipeline, options) => pipeline.flatten(options),
  ),
  unflatten: toggles((pipeline, on) => (on ? pipeline.unflatten() : pipeline)),
  gamma,
  negate: plain(
    (value) => (isFields(value) ? fieldsIn("negate", value, { alpha: truth }) : isWanted("negate", value, "true, false or { alpha }")),
    (pipeline, options) => pipeline.negate(options),
  ),
  normalise,
  normalize: normalise,
  clahe,
  convolve,
  threshold: plain(
    (value) => (value === false ? 0 : (orUsual(value, (level) => wholeIn("threshold", level, 0, 255)) ?? 128)),
    (pipeline, level) => pipeline.threshold(level),
  ),
  linear,
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as many numbers as rows, 3 or 4
  recomb: plain(recombArgs, (pipeline, matrix) => pipeline.recomb(matrix as unknown as Parameters<Sharp["recomb"]>[0])),
  modulate: plain(
    (value) => {
      const rules = {
        brightness: between(0, 1_000),
        saturation: between(0, 1_000),
        hue: between(-1e6, 1e6),
        lightness: between(-1_000, 1_000),
      };
      return isFields(value) ? fieldsIn("modulate", value, rules) : wrong("modulate", "an object", value);
    },
    (pipeline, options) => pipeline.modulate(options),
  ),
  toFormat,
  jpeg: format("jpeg"),
  png: format("png"),
  webp: format("webp"),
  gif: format("gif"),
  avif: format("avif"),
  tiff: format("tiff"),
  heif: format("heif"),
};
