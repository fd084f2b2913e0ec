// Contract: a picture on its way, as every step of the engine is given it.

import type { OverlayOptions, Sharp } from "sharp";
import type { Compat, EditName, ImageRequest, JsonValue } from "../plan.ts";
import type { Layer } from "./blend.ts";
import type { Cost } from "./costs.ts";
import type { Shape, Size } from "./geometry.ts";
import type { Header } from "./header.ts";
import type { PictureLimits } from "./limits.ts";
import type { Tools } from "./tools.ts";

/** What the encoder is told by edits named after formats: `jpeg: { quality: 70 }`. */
export type FormatOptions = { readonly [name: string]: unknown };

export interface Draft {
  readonly original: Uint8Array;
  pipeline: Sharp;
  shape: Shape;
  readonly header: Header;
  readonly request: ImageRequest;
  readonly compat: Compat;
  readonly limits: PictureLimits;
  readonly tools: Tools;
  /** Frames that travel through the pipeline, one for a still picture. */
  readonly frames: number;
  readonly animated: boolean;
  /** Whether EXIF's turn was made in the pixels, so that the tag may not stay. */
  readonly turned: boolean;
  /** Whether every call so far keeps each pixel where it was, so that places in the original are places here. */
  inPlace: boolean;
  /** Laid over by sharp. */
  readonly overlays: OverlayOptions[];
  /** Laid over by `blend` once the pixels are made. */
  readonly layers: Layer[];
  readonly formatOptions: Map<string, FormatOptions>;
  /** The last edit that named a format. */
  format?: string;
  /** Of the pixels that `makePixels` made last. */
  channels?: number;
  /** What `toColourspace` asked of the result. */
  space?: string;
  /** Present while the plan is only walked through to learn what it costs: then no pixel is made. */
  readonly walk?: Walk;
  /** What everything but the writing is expected to take; what the writer has left follows from it. */
  readonly spent: Cost;
  /** In single words, what could not be done as it was asked for. */
  readonly notes: string[];
  /** Names of the edits applied so far, for the identity of what a detector sees. */
  readonly applied: [string, unknown][];
}

/** Pixels that were made: all frames one below the other; `width` and `height` are those of one. */
export interface Pixels extends Size {
  readonly data: Buffer;
  readonly channels: 1 | 2 | 3 | 4;
}

/** The sums of a walk. */
export interface Walk {
  /** What was added so far: CPU sums up, of the bytes of one stage and the next the larger remains. */
  cost: Cost;
  /** Edits since pixels were made last, not yet added. */
  pending: [EditName, JsonValue][];
  /** The same before the writing was added. */
  beforeWriting: Cost;
  /** Whether something is drawn by a renderer of documents, which nothing can stop. */
  draws: boolean;
}
