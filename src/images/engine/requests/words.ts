// Words: edits as a thumbor path, the way back of thumbor.ts.
//
// Owns: which word says which edit; how a key is written so that no part of it is taken for a word. Does not own: whether the path that comes out
// means what was asked (build.ts reads it back and says so).

import type { ImageRequest, JsonValue } from "../plan.ts";
import { isObject } from "./json.ts";

/** What a thumbor path can say. */
export type Sayable = Pick<ImageRequest, "bucket" | "key" | "edits"> &
  Partial<Pick<ImageRequest, "focal" | "maxBytes" | "roundCorner" | "trimFrom">>;

/** Writes a path in thumbor's words; what has no word is left out. `namesBucket`: whether the bucket must be said. */
export function writeWords(request: Sayable, namesBucket: boolean): string {
  const { edits } = request;
  const parts: string[] = [];
  if (edits["trim"] !== undefined) {
    const threshold = isObject(edits["trim"]) ? edits["trim"]["threshold"] : undefined;
    const corner = request.trimFrom ?? (threshold === undefined ? undefined : "top-left");
    parts.push(
      ["trim", corner, threshold]
        .filter((part) => part !== undefined)
        .map(blank)
        .join(":"),
    );
  }
  const { crop, resize } = edits;
  if (isObject(crop)) {
    const [left = 0, top = 0, width = 0, height = 0] = ["left", "top", "width", "height"].map((side) => Number(crop[side]));
    parts.push(`${left}x${top}:${left + width}x${top + height}`);
  }
  const filters = isObject(resize) ? sayResize(resize, edits, parts) : [];
  for (const [name, value] of Object.entries(edits)) filters.push(...sayEdit(name, value));
  filters.push(...sayBeyond(request));
  if (namesBucket) parts.push(`s3:${request.bucket}`);
  if (filters.length > 0) parts.push(`filters:${filters.sort().join(":")}`);
  return `/${[...parts, writeKey(request.key)].join("/")}`;
}

function sayResize(resize: { readonly [name: string]: JsonValue }, edits: ImageRequest["edits"], parts: string[]): string[] {
  const { width, height, fit, ratio, background, withoutEnlargement, position } = resize;
  const filters: string[] = [];
  const sides = [width ?? 0, height ?? 0].map(String);
  const bothSides = sides.every((side) => side !== "0");
  if (fit === "inside" && (bothSides || sides.every((side) => side === "0"))) parts.push("fit-in");
  if (sides.some((side) => side !== "0")) {
    parts.push(`${edits["flop"] === true ? "-" : ""}${sides[0]}x${edits["flip"] === true ? "-" : ""}${sides[1]}`);
  }
  if (typeof position === "string") parts.push(...position.replace("attention", "smart").split(" "));
  if (fit === "contain" && isObject(background)) filters.push(`fill(${hex(background)})`);
  if (fit === "fill") filters.push("stretch()");
  if (withoutEnlargement === true) filters.push("no_upscale()");
  if (ratio !== undefined) filters.push(`proportion(${blank(ratio)})`);
  return filters;
}

/** The filter that says an edit, or none. */
function sayEdit(name: string, value: JsonValue): string[] {
  switch (name) {
    case "rotate":
      return [value === null ? "strip_exif()" : `rotate(${blank(value)})`];
    case "blur":
      return typeof value === "number" ? [`blur(${value * 2})`] : [];
    case "sharpen":
      return typeof value === "number" ? [`sharpen(0,${(value - 1) * 2})`] : [];
    case "grayscale":
    case "greyscale":
      return value === true ? ["grayscale()"] : [];
    case "normalize":
    case "normalise":
      return value === true ? ["equalize()"] : [];
    case "flatten":
      return isObject(value) && isObject(value["background"]) ? [`background_color(${hex(value["background"])})`] : [];
    case "tint":
      return isObject(value) ? [`rgb(${["r", "g", "b"].map((channel) => (Number(value[channel]) * 100) / 255).join(",")})`] : [];
    case "convolve":
      return isObject(value) && Array.isArray(value["kernel"])
        ? [`convolution(${value["kernel"].join(";")},${blank(value["width"])})`]
        : [];
    case "toFormat":
      return [`format(${blank(value)})`];
    case "jpeg":
    case "png":
    case "webp":
    case "avif":
    case "tiff":
    case "heif":
    case "gif":
      return isObject(value) ? [`quality(${blank(value["quality"])})`] : [];
    case "animated":
      return [`animated(${blank(value)})`];
    case "modulate":
      return isObject(value) ? [`saturation(${blank(value["saturation"])})`] : [];
    case "linear":
      return isObject(value) ? sayTone(Number(value["a"] ?? 1), Number(value["b"] ?? 0)) : [];
    case "smartCrop":
      return isObject(value)
        ? [`smart_crop(${[value["faceIndex"], value["padding"]].map(blank).join(",").replace(/,$/, "")})`]
        : ["smart_crop()"];
    case "overlayWith":
      return isObject(value) ? [sayWatermark(value)] : [];
    default:
      return [];
  }
}

function sayWatermark(overlay: { readonly [name: string]: JsonValue }): string {
  const options = isObject(overlay["options"]) ? overlay["options"] : {};
  const { bucket, key, alpha, wRatio, hRatio } = overlay;
  // What is no place means the middle, which thumbor's own word for it says best.
  const place = (value: JsonValue): JsonValue => value ?? "center";
  const values = [bucket, key, place(options["left"]), place(options["top"]), alpha, wRatio, hRatio];
  while (values.length > 4 && values.at(-1) === undefined) values.pop();
  return `watermark(${values.map((value, index) => (index === 1 ? escapeKey(blank(value)) : escapeValue(blank(value)))).join(",")})`;
}

/** v * a + b as a brightness before a contrast. */
function sayTone(a: number, b: number): string[] {
  const brightness = a === 0 ? 0 : (((b - 128) / a + 128) * 100) / 255;
  return [...(brightness === 0 ? [] : [`brightness(${brightness})`]), ...(a === 1 ? [] : [`contrast(${(a - 1) * 100})`])];
}

function sayBeyond({ focal, maxBytes, roundCorner }: Sayable): string[] {
  const filters: string[] = [];
  if (focal !== undefined) filters.push(`focal(${focal.left}x${focal.top}:${focal.left + focal.width}x${focal.top + focal.height})`);
  if (maxBytes !== undefined) filters.push(`max_bytes(${maxBytes})`);
  if (roundCorner !== undefined) {
    const { rx, ry, background, transparent } = roundCorner;
    const { r, g, b } = background;
    filters.push(`round_corner(${rx}%7C${ry},${r},${g},${b}${transparent ? ",1" : ""})`);
  }
  return filters;
}

/** A plain value as text, nothing as an empty one. */
function blank(value: JsonValue): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function hex(color: { readonly [name: string]: JsonValue }): string {
  const digits = (value: number): string => Math.round(value).toString(16).padStart(2, "0");
  const alpha = color["alpha"];
  const channels = ["r", "g", "b"].map((channel) => digits(Number(color[channel]))).join("");
  return typeof alpha === "number" && alpha < 1 ? channels + digits(alpha * 255) : channels;
}

/** A value inside a filter's brackets: nothing that could end it or part it. */
const escapeValue = (text: string): string => encodeURIComponent(text).replaceAll("(", "%28").replaceAll(")", "%29");
const escapeKey = (key: string): string => key.split("/").map(escapeValue).join("/");

const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
const folders =
  /^(?:unsafe|meta|trim|smart|left|right|center|top|middle|bottom|[\w-]{27}=|(?:adaptive-)?(?:full-)?fit-in|(?:-?\d*|orig)x(?:-?\d*|orig))$/;
const known = /\.(?:jpg|jpeg|png|webp|tiff|tif|svg|gif|avif)$/i;

/** A key as the end of a path: what looks like a word has its first letter encoded, which every reader undoes. */
export function writeKey(key: string): string {
  const segments = key.split("/").map((segment, index, all) => {
    let text = encodeURIComponent(segment);
    if (segment !== "x" && folders.test(segment)) text = percent(segment) + encodeURIComponent(segment.slice(1));
    if (index === all.length - 1 && !known.test(segment)) text = text.replaceAll(".", "%2e");
    return text.replaceAll("fit-in", "%66it-in").replaceAll(/filters(?=%3A)/g, "%66ilters");
  });
  return segments.join("/");
}
