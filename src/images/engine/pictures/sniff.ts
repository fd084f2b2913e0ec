// Sniff: what kind of picture bytes are, by their first bytes and never by a name or a header that came with them; and about how large it is.
//
//   S1. Only kinds listed here ever reach a decoder; the many others that libvips knows (PDF, FITS, raw camera files, its own .v) do not.
//   S2. The size is for bounding how much is done at once, and may be a guess; what is allowed is judged by what the pixel library reads (header.ts).

import type { SourceKind } from "../formats.ts";

const ascii = (bytes: Uint8Array, from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString("latin1");

const avifBrands = new Set(["avif", "avis"]);
const heifBrands = new Set(["heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"]);

/** The kind of picture, or undefined when it is none of ours. Reads at most the first kilobyte. */
export function sniffPicture(bytes: Uint8Array): SourceKind | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "jpeg";
  const start = ascii(bytes, 0, 16);
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) return "gif";
  if (start.startsWith("RIFF") && start.slice(8, 12) === "WEBP") return "webp";
  if (start.startsWith("II*\0") || start.startsWith("MM\0*") || start.startsWith("II+\0") || start.startsWith("MM\0+")) return "tiff";
  if (start.slice(4, 8) === "ftyp") return heifKind(bytes);
  return looksLikeSvg(bytes) ? "svg" : undefined;
}

function heifKind(bytes: Uint8Array): SourceKind | undefined {
  const length = Math.min(256, Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32BE(0));
  const brands: string[] = [ascii(bytes, 8, 12)];
  for (let at = 16; at + 4 <= length; at += 4) brands.push(ascii(bytes, at, at + 4));
  if (brands.some((brand) => avifBrands.has(brand))) return "avif";
  return brands.some((brand) => heifBrands.has(brand)) ? "heif" : undefined;
}

/** XML whose first element is `svg`; whether it is a harmless one is for `checkSvg` to say. */
function looksLikeSvg(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 1024))
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trimStart();
  if (!head.startsWith("<")) return false;
  // Comments, the declaration, processing instructions and a document type may stand before the element.
  const rest = head.replace(/^(?:<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!DOCTYPE[^[>]*(?:\[[\s\S]*?\]\s*)?>|\s)+/i, "");
  return /^<(?:[a-z][\w.-]*:)?svg[\s>/]/i.test(rest) || /^<!(?:--|DOCTYPE\s+svg)/i.test(rest);
}

/** About how many pixels one frame of an original holds; where its header is not plain, a guess from its bytes. Takes microseconds. */
export function estimatePixels(bytes: Uint8Array): number {
  const size = sizeOf(bytes);
  // A modern codec holds about a byte in every four pixels of a photo.
  return size === undefined ? bytes.byteLength * 4 : Math.max(1, size.width * size.height);
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function sizeOf(bytes: Uint8Array): Size | undefined {
  if (bytes.byteLength < 30) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (sniffPicture(bytes)) {
    case "png":
      return { width: view.getUint32(16), height: view.getUint32(20) };
    case "gif":
      return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
    case "jpeg":
      return jpegSize(bytes, view);
    case "webp":
      if (ascii(bytes, 12, 16) !== "VP8X") return undefined;
      return { width: 1 + (view.getUint32(24, true) & 0xffffff), height: 1 + (view.getUint32(26, true) >>> 8) };
    default:
      return undefined;
  }
}

/** Walks the segments to the one that begins the frame (SOF0 to SOF15, but for the tables among those numbers). */
function jpegSize(bytes: Uint8Array, view: DataView): Size | undefined {
  let at = 2;
  while (at + 9 < bytes.byteLength) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
