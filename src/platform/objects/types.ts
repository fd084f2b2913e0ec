// Types: the content type of bytes whose sender named none, by the ending of their name. One table for every way in.

const types: Readonly<Record<string, string>> = {
  csv: "text/csv",
  tsv: "text/tab-separated-values",
  txt: "text/plain",
  md: "text/markdown",
  html: "text/html",
  json: "application/json",
  jsonl: "application/jsonl",
  ndjson: "application/jsonl",
  yaml: "application/yaml",
  yml: "application/yaml",
  xml: "application/xml",
  pdf: "application/pdf",
  parquet: "application/vnd.apache.parquet",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  gz: "application/gzip",
  zip: "application/zip",
  zst: "application/zstd",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  avif: "image/avif",
  gif: "image/gif",
  svg: "image/svg+xml",
  tif: "image/tiff",
  tiff: "image/tiff",
  heic: "image/heic",
  heif: "image/heif",
};

const generic = "application/octet-stream";

/** What clients send who were told nothing: `curl --data-binary` says "a form", `wget` and most libraries say "bytes". */
const sayNothing = new Set(["", generic, "binary/octet-stream", "application/x-www-form-urlencoded"]);

/**
 * The type as the sender named it; else, or if that says nothing, by the ending of `name`.
 *
 * @example
 * contentTypeOf("classify/labelled/GBR/June.CSV", undefined); // "text/csv"
 */
export function contentTypeOf(name: string, sent: string | undefined): string {
  if (sent !== undefined && !sayNothing.has((sent.split(";")[0] ?? "").trim().toLowerCase())) return sent;
  const [, ending = ""] = /\.([^./]+)$/.exec(name) ?? [];
  const low = ending.toLowerCase();
  return (Object.hasOwn(types, low) ? types[low] : undefined) ?? generic;
}
