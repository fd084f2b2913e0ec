// Contract: a finished answer, and what keeps them.

/** A finished answer. */
export interface Stored {
  /** Of the original it was made of. */
  readonly version: string;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** What the source said of the original. */
  readonly source: {
    readonly contentType?: string;
    readonly cacheControl?: string;
    readonly expires?: string;
    readonly lastModified?: string;
  };
  /** What could not be done as it was asked for, told with every answer. */
  readonly notes?: readonly string[];
  /** When its version was last known to be the source's, in ms since 1970. */
  readonly checkedAtMs: number;
}

export interface PictureCache {
  peek(id: string): Stored | undefined;
  find(id: string): Promise<Stored | undefined>;
  put(id: string, stored: Stored): void;
  delete(id: string): void;
  readonly memoryBytes: number;
  readonly memoryEntries: number;
  readonly diskBytes: number;
  close(): Promise<void>;
}
