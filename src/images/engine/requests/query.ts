// Query: what query parameters mean, over any kind of path.
//
// Owns: the classic query edits; in `open` also info, placeholder, preset, quality, dpr, metadata, format=auto, width=auto and the client hints.
//   Q1. Each classic name replaces its whole edit; unknown names mean nothing.
//   Q2. What a client hint changed is told in `vary`, so that no cache answers one screen with another's picture.

import type { Answer, JsonValue, PlaceholderKind } from "../plan.ts";
import { isObject } from "./json.ts";
import { badEdit } from "./refusal.ts";
import type { Url } from "./url.ts";

const classicNames = new Set(["format", "fit", "width", "height", "rotate", "flip", "flop", "grayscale", "greyscale"]);
const ownNames = new Set(["info", "placeholder", "preset", "quality", "dpr", "metadata"]);

/** Whether a query name changes what a URL means (`signature` aside). */
export function isMeaningful(name: string, strict: boolean): boolean {
  return classicNames.has(name) || name === "expires" || (!strict && ownNames.has(name));
}

const isOn = (value: string): boolean => !["0", "false", ""].includes(value.toLowerCase());
const whole = (value: string): number | null => (value === "" ? null : Number.parseInt(value, 10));
const side = (value: string): number | null => (value === "0" ? null : whole(value));

/** The edits of the query in its order; `auto` values of `open` are left out and read elsewhere. */
export function queryEdits(url: Url, strict: boolean): Record<string, JsonValue> {
  const edits: Record<string, JsonValue> = {};
  const resize = (name: string, value: JsonValue): void => {
    edits["resize"] = { ...(edits["resize"] as object | undefined), [name]: value };
  };
  for (const [name, value] of url.query) {
    const auto = !strict && value === "auto";
    if (name === "format" && !auto) edits["toFormat"] = value;
    else if (name === "fit") resize("fit", value);
    else if ((name === "width" || name === "height") && !auto) resize(name, side(value));
    else if (name === "rotate") edits["rotate"] = whole(value);
    else if (name === "flip" || name === "flop") edits[name] = isOn(value);
    else if (name === "grayscale" || name === "greyscale") edits["greyscale"] = isOn(value);
  }
  return edits;
}

/** What a query asks for beyond edits. */
export interface QueryWishes {
  readonly answer: Answer;
  readonly preset?: string;
  readonly quality?: number;
  readonly keepMetadata?: true;
  /** `format=auto`: the format by Accept, whatever the settings say. */
  readonly autoFormat?: true;
  /** `width=auto`: the width by client hints. */
  readonly autoWidth?: true;
}

const placeholders: Readonly<Record<string, PlaceholderKind>> = { "": "blurhash", blurhash: "blurhash", lqip: "lqip", color: "color" };

/** Reads the words of `open`; `strict` has none of them. Throws `ImageEdits::CannotParseEdits` (400) for values they do not have. */
export function queryWishes(url: Url, strict: boolean): QueryWishes {
  if (strict) return { answer: { kind: "picture" } };
  const { query } = url;
  const wishes: { -readonly [K in keyof QueryWishes]: QueryWishes[K] } = { answer: { kind: "picture" } };
  const placeholder = query.get("placeholder");
  if (placeholder !== undefined) {
    if (!Object.hasOwn(placeholders, placeholder)) throw badEdit("placeholder", "blurhash, lqip or color", placeholder);
    wishes.answer = { kind: "placeholder", placeholder: placeholders[placeholder] };
  }
  const info = query.get("info");
  if (info !== undefined && (info === "" || isOn(info))) wishes.answer = { kind: "info" };
  const preset = query.get("preset");
  if (preset !== undefined) wishes.preset = preset;
  const quality = query.get("quality");
  if (quality !== undefined) wishes.quality = readQuality(quality);
  const metadata = query.get("metadata");
  if (metadata !== undefined) {
    if (metadata !== "keep" && metadata !== "strip") throw badEdit("metadata", "keep or strip", metadata);
    if (metadata === "keep") wishes.keepMetadata = true;
  }
  if (query.get("format") === "auto") wishes.autoFormat = true;
  if (query.get("width") === "auto") wishes.autoWidth = true;
  return wishes;
}

/** A quality from a URL or a preset: a whole number from 1 to 100. */
export function readQuality(given: unknown): number {
  const quality = typeof given === "string" && given.trim() !== "" ? Number(given) : given;
  if (typeof quality === "number" && Number.isInteger(quality) && quality >= 1 && quality <= 100) return quality;
  throw badEdit("quality", "a whole number from 1 to 100", given);
}

/** A resize after the screen was heeded. */
export interface Fitted {
  readonly edits: Record<string, JsonValue>;
  readonly dpr?: number;
  readonly vary: readonly string[];
}

/** Hinted widths are rounded up to this, so that every screen does not make its own entry in a cache. */
const hintStepPixels = 100;
const maxDpr = 4;

/**
 * Multiplies the size by the pixel density (`dpr=` or the hint), and fills in `width=auto` by the hints.
 *
 * A density that is no number above 0 is ignored, above 4 it counts as 4. Sides that are not given stay so.
 */
export function fitToScreen(edits: Record<string, JsonValue>, url: Url, autoWidth: boolean, clientHints: boolean): Fitted {
  const vary: string[] = [];
  const hint = (...names: readonly string[]): number | undefined => {
    if (!clientHints) return undefined;
    for (const name of names) {
      const value = positive(url.header(name.toLowerCase()));
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const asked = url.query.get("dpr");
  // Every hint that could have been heeded, also those that did not come: with them the answer might have been another.
  const heeds = (names: readonly string[]): void => {
    if (clientHints) vary.push(...names);
  };
  if (autoWidth) heeds(["Sec-CH-Width", "Width", "Sec-CH-Viewport-Width", "Viewport-Width"]);
  const density = (): number | undefined => {
    const dpr = asked === undefined ? hint("Sec-CH-DPR", "DPR") : positive(asked);
    return dpr === undefined ? undefined : Math.min(dpr, maxDpr);
  };
  if (autoWidth) {
    if (asked === undefined) heeds(["Sec-CH-DPR", "DPR"]);
    const physical = hint("Sec-CH-Width", "Width");
    const dpr = physical === undefined ? (density() ?? 1) : 1;
    const logical = physical ?? hint("Sec-CH-Viewport-Width", "Viewport-Width");
    if (logical === undefined) return { edits, vary };
    const width = Math.ceil((logical * dpr) / hintStepPixels) * hintStepPixels;
    return { edits: { ...edits, resize: { withoutEnlargement: true, ...(edits["resize"] as object | undefined), width } }, vary };
  }
  const resize = edits["resize"];
  if (!isObject(resize) || (!isSize(resize["width"]) && !isSize(resize["height"]))) return { edits, vary };
  if (asked === undefined) heeds(["Sec-CH-DPR", "DPR"]);
  const dpr = density();
  if (dpr === undefined || dpr === 1) return { edits, vary };
  const scaled: Record<string, JsonValue> = { ...resize };
  for (const name of ["width", "height"]) if (isSize(resize[name])) scaled[name] = Math.max(1, Math.round(Number(resize[name]) * dpr));
  return { edits: { ...edits, resize: scaled }, dpr, vary };
}

const isSize = (value: JsonValue): boolean => (typeof value === "number" || typeof value === "string") && Number(value) > 0;

function positive(text: string | undefined): number | undefined {
  const number = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) && number > 0 ? number : undefined;
}
