// Sources: where originals come from. One small contract, three implementations (folder, S3, HTTP) and whatever a caller brings.
//
//   S1. `read` gives `undefined` for what is not there, and throws for what may not or cannot be had now.
//   S2. A version names content: the same version is never two contents.
//   S3. Nothing outside what the settings name is ever read, whatever the key says.

/** An original as its source gives it. */
export interface SourceObject {
  readonly body: Uint8Array | ReadableStream<Uint8Array>;
  readonly contentType?: string | undefined;
  readonly cacheControl?: string | undefined;
  readonly expires?: string | Date | undefined;
  readonly lastModified?: string | Date | undefined;
  /** Names the content (an ETag, a version id). Absent: a digest of the bytes is taken. */
  readonly version?: string | undefined;
}

/** The seam through which originals are read. Safe to call any number of times at once. */
export interface Sources {
  read(bucket: string, key: string, signal: AbortSignal): Promise<SourceObject | undefined>;
  /** Reads only if the source's version is another than `version`, which this source gave before. Absent: `read` is used. */
  readIfChanged?(bucket: string, key: string, version: string, signal: AbortSignal): Promise<SourceObject | "unchanged" | undefined>;
}

/** One bucket's worth of a source. */
export interface Source {
  read(key: string, signal: AbortSignal): Promise<SourceObject | undefined>;
  readIfChanged(key: string, version: string, signal: AbortSignal): Promise<SourceObject | "unchanged" | undefined>;
  /** Some keys, for the playground; absent where listing is not for free. */
  list?(most: number): Promise<readonly string[]>;
  close?(): Promise<void>;
}
