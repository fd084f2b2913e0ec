// Problems: what may be wrong with a picture or an edit, in the classic codes.
//
// Owns: the codes of this part and which status each has. Does not own: how an error is shown to a browser.
//   P1. `facts.status` is the HTTP status; a user's mistake is 4xx and never a `fault`.
//   P2. What libvips says of undecodable bytes never reaches a user as a fault: it is the file that is wrong.

import { type Facts, isStockroomError, StockroomError } from "../../../platform/errors.ts";

/** The bytes are no picture we read, are damaged, or hold more than the limits allow. 400 `InstantiationError`. */
export function notAPicture(message: string, facts: Facts = {}, cause?: unknown): StockroomError {
  return problem(400, "InstantiationError", message, facts, cause);
}

/** An edit whose value cannot be carried out. 400 with the classic code of that edit. */
export function badEdit(code: string, message: string, facts: Facts = {}): StockroomError {
  return problem(400, code, message, facts);
}

/** 400 `OverlayImageException`, as the classic handler has it for an overlay that does not fit. */
export function overlayTooLarge(
  base: { readonly width: number; readonly height: number },
  layer: { readonly width: number; readonly height: number },
): StockroomError {
  const sizes = { width: layer.width, height: layer.height, baseWidth: base.width, baseHeight: base.height };
  const message =
    `Expected an overlay no larger than the picture under it (${base.width} x ${base.height}) but it is ${layer.width} x ${layer.height}. ` +
    "Give wRatio or hRatio, or a smaller overlay.";
  return problem(400, "OverlayImageException", message, sizes);
}

export function problem(status: number, code: string, message: string, facts: Facts = {}, cause?: unknown): StockroomError {
  const kind = status >= 500 ? (status === 503 ? "busy" : "fault") : status === 404 ? "missing" : status === 403 ? "denied" : "input";
  return new StockroomError(kind, code, message, { facts: { ...facts, status }, ...(cause === undefined ? {} : { cause }) });
}

// Each line: what libvips or sharp says, and whose fault that is.
const sayings: readonly { readonly says: RegExp; readonly make: (said: string, cause: unknown) => StockroomError }[] = [
  {
    says: /same dimensions or smaller/,
    make: (_, cause) =>
      problem(
        400,
        "OverlayImageException",
        "Expected an overlay no larger than the picture under it. Give wRatio or hRatio, or a smaller overlay.",
        {},
        cause,
      ),
  },
  {
    says: /bad extract area/,
    make: (_, cause) =>
      problem(400, "Crop::AreaOutOfBounds", "Expected an area within the picture but it reaches outside. Give a smaller one.", {}, cause),
  },
  {
    says: /exceeds pixel limit|pixel limit/i,
    make: (_, cause) => notAPicture("Expected a picture within the pixel limit but it has more pixels.", {}, cause),
  },
  {
    says: /too large for the|exceeds maximum|dimensions? too large|too wide or too high|Processed image is too large/i,
    make: (said, cause) =>
      problem(400, "InvalidResizeException", `Expected a size that the output format can hold. ${said}. Ask for a smaller one.`, {}, cause),
  },
  {
    says: /timeout: /,
    make: (_, cause) =>
      problem(
        503,
        "ProcessingTimeout",
        "Expected a picture that can be made in time but it took longer. Try again, or ask for a smaller one.",
        {},
        cause,
      ),
  },
  {
    says: /^Expected |not supported for multi-page|cannot be (?:used|applied)|Cannot extract channel|Invalid convolution kernel|Unable to parse color|colour|must (?:have|be) at least/i,
    make: (said, cause) =>
      problem(400, "InvalidEdit", `Expected edits that can be applied but the pixel library says: ${said}. Correct them.`, {}, cause),
  },
  {
    says: /VipsJpeg|vipspng|libpng|pngload|spngload|webp(?:2vips|load)?|gif|heif|avif|tiff|TIFF|svg|librsvg|Input buffer|unsupported image format|corrupt|premature|truncat|end of (?:file|stream|JPEG)|decode|bad seek|unable to parse|Bitstream/i,
    make: (said, cause) =>
      notAPicture(
        `Expected a whole, undamaged picture but its data cannot be decoded (${said.slice(0, 120)}). Upload it again.`,
        {},
        cause,
      ),
  },
  {
    // What libvips says begins with the name of its operation; the file could be read, so it is what was asked of it.
    says: /^(?!out of memory)[a-z_0-9]+: /i,
    make: (said, cause) =>
      problem(
        400,
        "InvalidEdit",
        `Expected edits that can be applied to this picture but the pixel library says: ${said.slice(0, 120)}. Correct them.`,
        {},
        cause,
      ),
  },
];

/** Names what sharp threw: ours as it is, a damaged file or an impossible edit as 4xx, all else 500 `ProcessingFailure`. */
export function explainFailure(thrown: unknown): unknown {
  if (isStockroomError(thrown)) return thrown;
  if (!(thrown instanceof Error) || thrown.name === "AbortError") return thrown;
  const said = thrown.message.split("\n", 1)[0]?.trim() ?? "";
  const saying = sayings.find((each) => each.says.test(thrown.message));
  return (
    saying?.make(said, thrown) ??
    problem(
      500,
      "ProcessingFailure",
      "Expected to make the picture but the pixel library failed. Try again, and look at the log if it fails again.",
      { said: said.slice(0, 200) },
      thrown,
    )
  );
}
