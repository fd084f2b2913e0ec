// Operations: every edit that sharp itself carries out, each as a value.
//
// Owns: which names exist, what their values must look like, what they do to the shape. Does not own: edits that need more than one
// pipeline or another file (overlay.ts, faces.ts, masks.ts), the encoder's options (encode.ts).
//   O1. A bad value dies in `args`, before the pipeline is touched: 400 `InvalidEdit`, or the classic code of that edit.
//   O2. No value names a file, a URL or raw pixels; what reads another picture names it by bucket and key, through the caller's rights.
//   O3. `order` says when an operation takes effect: "key" where its key stands, "last" when the picture is written. Within sharp the order
//       of some is fixed (blur after resize, tint after both), and classic URLs rely on that.

import type { Sharp } from "sharp";
import { isStockroomError } from "../../../base/errors.ts";
import type { Area, JsonValue } from "../plan.ts";
import { type Draft, eachFrame, measure, settle } from "./draft.ts";
import { areaForFocal, type Fit } from "./geometry.ts";
import { openPicture } from "./open.ts";
import { badEdit } from "./problems.ts";

export interface Operation<Args = unknown> {
  readonly order: "key" | "last";
  /** The value of the edit as an exact type; throws what is wrong with it. */
  readonly args: (value: JsonValue, draft: Draft) => Args;
  readonly apply: (draft: Draft, args: Args) => void | Promise<void>;
}

/** Keeps `Args` between the two functions of one operation while all stand in one table. */
const operation = <Args>(each: Operation<Args>): Operation => each as Operation;

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

/** Only the fields that are named, with their values as they came; sharp checks their types. */
export function pick(fields: Fields, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => fields[name] !== undefined && fields[name] !== null).map((name) => [name, fields[name]]),
  );
}

/** A call that sharp checks by itself and that moves no pixel: the classic handler hands the value over as it is. */
const handsOver = (call: (pipeline: Sharp, value: never) => unknown): Operation =>
  operation<JsonValue>({
    order: "key",
    args: (value) => value,
    apply: (draft, value) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sharp validates at run time what JSON may hold
      call(draft.pipeline, value as never);
    },
  });

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
  throw badEdit("InvalidResizeException", "The image size is invalid.", { [name]: JSON.stringify(value)?.slice(0, 40) });
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
  const rest = pick(value, ["position", "background", "kernel", "withoutEnlargement", "withoutReduction", "fastShrinkOnLoad"]);
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
    if ((width !== undefined || height !== undefined) && !measure(draft).exact) await settle(draft);
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
  const now = before === undefined ? measure(draft) : await settle(draft);
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
      "The cropping area you provided exceeds the boundaries of the original image. Please try choosing a correct cropping value.",
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
    const rest = pick(value, ["background", "extendWith"]);
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
    return isFields(value) ? pick(value, ["background", "threshold", "lineArt", "margin"]) : {};
  },
  apply: async (draft, options) => {
    // Sharp would trim before it cuts, and the place of the cut means the picture as it was.
    if (draft.shape.before !== undefined) await settle(draft);
    const fromCorner = draft.request.trimFrom === "bottom-right" && options["background"] === undefined;
    const background = fromCorner ? { background: await cornerColour(draft) } : {};
    draft.pipeline.trim({ ...options, ...background });
    draft.shape.trims = true;
    if ((draft.shape.angle ?? 0) % 360 !== 0) draft.shape.rotateBefore = true;
    draft.inPlace = false;
  },
});

/** The colour of the last pixel of the picture so far. */
async function cornerColour(draft: Draft): Promise<{ r: number; g: number; b: number; alpha: number }> {
  const { width, height } = await settle(draft);
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
    if (draft.animated && draft.compat === "open") return eachFrame(draft, (frame) => frame.affine(four));
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
      if (angle % 360 !== 0) await eachFrame(draft, (frame) => frame.rotate(angle));
      return;
    }
    // Sharp would cut the turned picture to the size asked for before the turn.
    if (resizes && angle % 180 !== 0 && draft.compat === "open") await settle(draft);
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
  args: (value) => (isNumber(value) ? wholeIn("median", value, 1, maxKernelSide) : undefined),
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
  args: (value) => (isNumber(value) ? numberIn("gamma", value, 1, 3) : undefined),
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
      if (Array.isArray(each) && each.length >= 1 && each.length <= 5 && each.every(isNumber)) return each.filter(isNumber);
      return wrong(name, "a number or a list of numbers", each);
    };
    if (isNumber(value)) return [value, undefined];
    if (isFields(value)) return [term("linear.a", value["a"]), term("linear.b", value["b"])];
    if (Array.isArray(value)) return [term("linear", value), undefined];
    return wrong("linear", "a number, a list or { a, b }", value);
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

/** The pixels of another picture, at exactly the size this one has now: one channel, or as many as this one has. */
async function pixelsLike(draft: Draft, edit: string, name: PictureName, grey: boolean): Promise<Buffer> {
  const { width, height } = await settle(draft);
  const bytes = await readOther(draft, name).catch((thrown: unknown) => {
    // The original is there; what is missing is what an edit names.
    if (!isStockroomError(thrown) || thrown.kind !== "missing") throw thrown;
    throw badEdit("InvalidEdit", `Expected a picture under the key of ${edit} but there is none. Correct its key.`, { edit });
  });
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

const formatNames = ["jpeg", "png", "webp", "gif", "avif", "tiff", "heif", "raw"];

/** The name sharp has for a format, or undefined when we write no such format. */
export function formatName(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const name = value.toLowerCase();
  const known = name === "jpg" ? "jpeg" : name === "heic" ? "heif" : name === "tif" ? "tiff" : name;
  return formatNames.includes(known) ? known : undefined;
}

const formatOperation = (name: string): Operation =>
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
  args: (value) => formatName(isFields(value) ? value["id"] : value) ?? wrong("toFormat", `one of ${formatNames.join(", ")}`, value),
  apply: (draft, name) => {
    draft.format = name;
  },
});

const greyscale = toggles((pipeline, on) => pipeline.greyscale(on));

const normalise = operation<Record<string, unknown> | undefined>({
  order: "key",
  args: (value) => (value === false ? undefined : isFields(value) ? pick(value, ["lower", "upper"]) : {}),
  apply: (draft, options) => {
    if (options !== undefined) draft.pipeline.normalise(options);
  },
});

/** Every edit that sharp carries out by itself, by its name. */
export const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ["resize", resize],
  ["crop", crop],
  ["extract", extract],
  ["extend", extend],
  ["trim", trim],
  ["affine", affine],
  ["rotate", rotate],
  ["flip", flip],
  ["flop", toggles((pipeline, on) => pipeline.flop(on), true)],
  ["removeAlpha", toggles((pipeline, on) => (on ? pipeline.removeAlpha() : pipeline))],
  [
    "ensureAlpha",
    operation<number | undefined>({
      order: "key",
      args: (value) => (isNumber(value) ? value : undefined),
      apply: (draft, alpha) => void draft.pipeline.ensureAlpha(alpha),
    }),
  ],
  ["extractChannel", handsOver((pipeline, channel) => pipeline.extractChannel(channel))],
  ["joinChannel", joinChannel],
  ["bandbool", handsOver((pipeline, operator) => pipeline.bandbool(operator))],
  ["boolean", boolean],
  ["tint", handsOver((pipeline, colour) => pipeline.tint(colour))],
  ["greyscale", greyscale],
  ["grayscale", greyscale],
  ["pipelineColourspace", colourspace("pipelineColourspace", true)],
  ["pipelineColorspace", colourspace("pipelineColorspace", true)],
  ["toColourspace", colourspace("toColourspace", false)],
  ["toColorspace", colourspace("toColorspace", false)],
  [
    "sharpen",
    operation<JsonValue>({
      order: "key",
      // A bare number was sharp's old way to give sigma, and thumbor's filter still gives it so.
      args: (value) => (isNumber(value) ? { sigma: numberIn("sharpen", value, 0.000001, 10) } : value),
      apply: (draft, value) => {
        if (value === false) return;
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sharp validates at run time what JSON may hold
        draft.pipeline.sharpen(isFields(value) ? (pick(value, ["sigma", "m1", "m2", "x1", "y2", "y3"]) as { sigma: number }) : undefined);
      },
    }),
  ],
  ["median", median],
  ["blur", handsOver((pipeline, sigma) => pipeline.blur(sigma))],
  ["flatten", handsOver((pipeline, options) => pipeline.flatten(options))],
  ["unflatten", toggles((pipeline, on) => (on ? pipeline.unflatten() : pipeline))],
  ["gamma", gamma],
  ["negate", handsOver((pipeline, options) => pipeline.negate(options))],
  ["normalise", normalise],
  ["normalize", normalise],
  ["clahe", clahe],
  ["convolve", convolve],
  ["threshold", handsOver((pipeline, level) => pipeline.threshold(level))],
  ["linear", linear],
  ["recomb", handsOver((pipeline, matrix) => pipeline.recomb(matrix))],
  ["modulate", handsOver((pipeline, options) => pipeline.modulate(options))],
  ["toFormat", toFormat],
  ...formatNames.filter((name) => name !== "raw").map((name) => [name, formatOperation(name)] as const),
]);
