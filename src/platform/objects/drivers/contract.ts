// Driver: where sealed bytes lie. Knows paths and bytes, nothing of keys, zones, versions or rows.
//
// `driver-laws.ts` is the one suite every driver passes.
//   D1. A path is lower-case letters, digits, `-` and `/`, made by the store; safe on every file system and in every bucket.
//   D2. When `write` or `promote` has resolved, the bytes survive a loss of power; when they have thrown, nothing is left at the path.
//   D3. What is at a path never changes: `write` refuses a path that is taken.
//   D4. `promote` and `remove` may be called again after a crash.
//   D5. Any two calls may run at the same time, from any number of processes.

import type { Body } from "../../bytes.ts";

export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
  /** By the clock of the place where it lies. */
  readonly modifiedMs: number;
}

export interface ReadOptions {
  /** First byte, from 0. */
  readonly start?: number;
  /** One past the last byte. */
  readonly end?: number;
  readonly signal?: AbortSignal;
}

export interface Driver {
  /** Gives the number of bytes written. Throws `busy` `STORE_FULL`, `conflict` `STORE_PATH_TAKEN`, `busy` `STORE_REFUSED`. */
  write(path: string, body: Body, signal?: AbortSignal): Promise<number>;
  /** Moves `from` to `to`. Harmless when that has been done already; throws `missing` `STORE_NO_FILE` when neither is there. */
  promote(from: string, to: string): Promise<void>;
  /** Throws `missing` `STORE_NO_FILE` at the first pull. */
  read(path: string, options?: ReadOptions): Body;
  stat(path: string): Promise<StoredFile | undefined>;
  /** Harmless when there is nothing. */
  remove(path: string): Promise<void>;
  /** Everything below `folder` (`""`: all), in no order, names not made by the store included. */
  list(folder: string): AsyncIterable<StoredFile>;
}
