// Format: which format is answered, as far as it can be known, first without the original and then with its type.
//
//   F1. edits.toFormat, then what the reader takes (auto), then outputFormat, then the original's.
//   F2. An SVG with edits becomes a PNG unless somebody said otherwise; without edits it stays what it is.

import { reviveError } from "../../../platform/errors.ts";
import { type FormatName, formatName, formatNames } from "../formats.ts";
import { comesAsJson, editEntries } from "../plan.ts";
import type { Edits, FormatOrigin, ImageRequest, JsonValue, RequestType } from "../plan.ts";
import { isObject, toNumber } from "./json.ts";

/** What the reader's `Accept` allows to be chosen for it, best first. */
export function acceptedFormats(
  accept: string | undefined,
  wanted: { readonly webp: boolean; readonly avif: boolean; readonly strict: boolean },
): string[] {
  if (accept === undefined) return [];
  const takes = (type: string): boolean => (wanted.strict ? accept.includes(type) : named(accept, type));
  return [...(wanted.avif && takes("image/avif") ? ["avif"] : []), ...(wanted.webp && takes("image/webp") ? ["webp"] : [])];
}

/** Only a type that is written out counts: every browser sends `image/*`, also those that show no AVIF. `q=0` means never. */
function named(accept: string, type: string): boolean {
  for (const part of accept.split(",")) {
    const [name = "", ...parameters] = part.split(";");
    if (name.trim().toLowerCase() !== type) continue;
    const weight = parameters.map((parameter) => /^\s*q\s*=\s*(.*)$/i.exec(parameter)?.[1]).find((found) => found !== undefined);
    return weight === undefined || Number(weight) > 0;
  }
  return false;
}

/** The format and who chose it, before the original is known. */
export function chooseFormat(
  toFormat: JsonValue,
  accepted: readonly string[],
  outputFormat: string | undefined,
  strict: boolean,
): { readonly outputFormat?: string; readonly formatFrom: FormatOrigin } {
  const name = (format: string): string => (strict ? format : formatName(format));
  if (typeof toFormat === "string" && toFormat !== "") return { outputFormat: name(toFormat), formatFrom: "edits" };
  const best = accepted[0];
  if (best !== undefined) return { outputFormat: best, formatFrom: "accept" };
  if (outputFormat !== undefined) return { outputFormat: name(outputFormat), formatFrom: "request" };
  return { formatFrom: "source" };
}

/** WebP effort as the classic handler reads it: a whole number from 0 to 6, else 4. */
export function readEffort(given: unknown): number {
  const effort = Math.trunc(toNumber(given));
  return effort >= 0 && effort <= 6 ? effort + 0 : 4;
}

/** The format of a word, if it is one whose encoder takes a quality; each is the name of an edit as well. */
const formatOf = (word: string | undefined): FormatName | undefined =>
  formatNames.find((each) => word !== undefined && each === formatName(word));

/**
 * Completes a request with the type of its original: the format of an SVG, the quality of the format that comes out.
 *
 * Calling it again changes nothing. `contentType` undefined: what is not known stays open. Throws what is wrong with the edits.
 */
export function completeRequest(request: ImageRequest, contentType: string | undefined): ImageRequest {
  if (request.problem !== undefined) throw reviveError(request.problem);
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  let complete = request;
  const isSvg = type === "image/svg+xml";
  if (isSvg && request.formatFrom !== "edits" && request.formatFrom !== "svg") complete = completeSvg(request);
  else if (type === "image/gif" && request.formatFrom === "accept" && request.outputFormat === "avif") complete = withoutAvif(request);
  const edits = moveQuality(complete.edits, complete.requestType, complete.outputFormat);
  const asked = complete.outputFormat ?? (type?.startsWith("image/") ? type.slice("image/".length) : undefined);
  const format = formatOf(asked);
  if (complete.quality === undefined || format === undefined) return edits === complete.edits ? complete : { ...complete, edits };
  const { quality, ...rest } = complete;
  const options = edits[format];
  return { ...rest, edits: { ...edits, [format]: { ...(isObject(options) ? options : {}), quality } } };
}

function completeSvg(request: ImageRequest): ImageRequest {
  const hasEdits = Object.keys(request.edits).length > 0;
  if (hasEdits) return request.formatFrom === "source" ? { ...request, outputFormat: "png", formatFrom: "svg" } : request;
  // Nothing is to be done to it: only a format that the request itself names makes a picture of pixels out of it.
  if (request.formatFrom === "source" || (request.formatFrom === "request" && request.compat === "open")) return request;
  const { outputFormat: _, ...rest } = request;
  return { ...rest, formatFrom: "source" };
}

/** Our AVIF has one frame; a GIF may have many. */
function withoutAvif(request: ImageRequest): ImageRequest {
  const autoFormats = request.autoFormats?.filter((format) => format !== "avif") ?? [];
  const { outputFormat: _, ...rest } = request;
  const next = autoFormats[0];
  return next === undefined ? { ...rest, autoFormats, formatFrom: "source" } : { ...rest, autoFormats, outputFormat: next };
}

/** Thumbor's quality() names the format of the file; when another comes out, the options move there, to the end. */
function moveQuality(edits: Edits, requestType: RequestType, outputFormat: string | undefined): Edits {
  const to = formatOf(outputFormat);
  const from = editEntries(edits).find(([name]) => formatOf(name) !== undefined)?.[0];
  if (comesAsJson[requestType] || to === undefined || from === undefined || from === to) return edits;
  const { [from]: options, ...rest } = edits;
  return { ...rest, [to]: options };
}

/** The Content-Type that answers a picture of this request, or undefined while the original's type is not known. */
export function answerTypeOf(request: ImageRequest, sourceType: string | undefined): string | undefined {
  const { outputFormat, compat } = request;
  if (outputFormat === undefined) return sourceType;
  // What is written under the name of HEIF is AV1, which browsers know as AVIF; the classic handler says the name as it was asked for.
  return compat === "open" && outputFormat === "heif" ? "image/avif" : `image/${outputFormat}`;
}
