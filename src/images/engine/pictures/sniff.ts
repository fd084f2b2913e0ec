// Sniff: what kind of picture bytes are, by their first bytes and never by a name or a header that came with them.
//
//   S1. Only kinds listed here ever reach a decoder; the many others that libvips knows (PDF, FITS, raw camera files, its own .v) do not.

/** Kinds that are read, as sharp names them. `avif` stands for HEIF files with AV1 inside, `heif` for the others. */
export type SourceKind = "jpeg" | "png" | "webp" | "gif" | "tiff" | "avif" | "heif" | "svg";

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

const types: Record<SourceKind, string> = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  tiff: "image/tiff",
  avif: "image/avif",
  heif: "image/heif",
  svg: "image/svg+xml",
};

/** The content type of a kind, as HTTP writes it. */
export function contentTypeOf(kind: SourceKind): string {
  return types[kind];
}
