// Formats: their names, what else they are called, and their content types. The one table for reading, writing and URLs.

/** Formats that are written, as sharp names them; each is the name of an edit as well, with the encoder's options. */
export const formatNames = ["jpeg", "png", "webp", "gif", "avif", "tiff", "heif"] as const;

export type FormatName = (typeof formatNames)[number];

/** Kinds of originals that are read. `avif` stands for HEIF files with AV1 inside, `heif` for the others. */
export type SourceKind = FormatName | "svg";

/** What an answer can be written as. */
export type OutputFormat = FormatName | "raw";

/** Other words for a format. */
export const formatAliases = { jpg: "jpeg", tif: "tiff", heic: "heif" } as const satisfies Readonly<Record<string, FormatName>>;

const contentTypes: Readonly<Record<SourceKind | OutputFormat, string>> = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  avif: "image/avif",
  tiff: "image/tiff",
  heif: "image/heif",
  svg: "image/svg+xml",
  raw: "image/raw",
};

/** A format's name as sharp has it, in lower case; a word that names none stays as it is. */
export function formatName(word: string): string {
  const name = word.toLowerCase();
  return Object.hasOwn(formatAliases, name) ? formatAliases[name as keyof typeof formatAliases] : name;
}

/** The format a word names, if it is one that is written. */
export function outputFormat(word: unknown): OutputFormat | undefined {
  if (typeof word !== "string") return undefined;
  const name = formatName(word);
  return name === "raw" ? "raw" : formatNames.find((each) => each === name);
}

/** The content type of an original of this kind. */
export const sourceType = (kind: SourceKind): string => contentTypes[kind];

/** The content type of an answer. What is written under the name of HEIF is AV1, which browsers know as AVIF; HEVC cannot be written. */
export const writtenType = (format: OutputFormat): string => contentTypes[format === "heif" ? "avif" : format];
