// Tools: what the pictures part may use of the world, handed to it with each picture.
//
// Owns: the seams. Does not own: who stands behind them (service/detect, store, the handler).

import type { PictureLimits } from "./limits.ts";

/** A face as fractions of the picture it was found in; `confidence` is 0..1 or 0..100, only its order counts. */
export interface Face {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly confidence: number;
}

/** What a detector may want to know beside the bytes. */
export interface PictureFacts {
  /** The same for the same original and the same edits before it: what to memoize results by. */
  readonly id: string;
  readonly contentType: "image/jpeg";
  readonly width: number;
  readonly height: number;
  readonly signal?: AbortSignal;
}

/** Finds faces. `picture` is an upright JPEG of at most 1,024 pixels a side. */
export interface FaceDetector {
  faces(picture: Uint8Array, facts: PictureFacts): Promise<readonly Face[]>;
  /** What `faces` answered for this id before, so that the JPEG need not be made. */
  recall?(id: string): readonly Face[] | undefined;
}

/** `confidence` is in percent, as minConfidence is; up to 1 it counts as a fraction. */
export interface ModerationLabel {
  readonly name: string;
  readonly confidence: number;
}

/** Names what should not be shown. `picture` as for `FaceDetector`. */
export interface Moderator {
  labels(picture: Uint8Array, facts: PictureFacts): Promise<readonly ModerationLabel[]>;
  recall?(id: string): readonly ModerationLabel[] | undefined;
}

/** The bytes of an answer. */
export interface Encoded {
  readonly body: Uint8Array;
  readonly contentType: string;
  /** Of one frame. */
  readonly width: number;
  readonly height: number;
  readonly format: string;
  /** What could not be done as it was asked for, in single words: `first-frame`, `left-out`, `less-effort`, `lossy`, `other-format`, `near-edges`, `smaller`: docs/explanation/images-differences.md. */
  readonly notes?: readonly string[];
}

export interface Tools {
  /** Reads another allowed original, for overlays. Throws the classic errors when it may not or cannot. */
  readonly readOverlay: (bucket: string, key: string, signal: AbortSignal) => Promise<Uint8Array>;
  readonly detector?: FaceDetector | undefined;
  readonly moderator?: Moderator | undefined;
  readonly limits?: Partial<PictureLimits> | undefined;
  /** Makes this very picture where it can be ended, when it is expected to be heavy. Absent: everything is made here. */
  readonly isolated?: (() => Promise<Encoded>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Pictures waiting for a place, 0 when idle: the more, the less the encoder tries. */
  readonly load?: number | undefined;
  /** Names the original and its version, for `PictureFacts.id`. Default: a hash of its bytes. */
  readonly originalId?: string | undefined;
}
