// Protocol: what the server and a picture process say to each other, one picture at a time.

import type { ErrorRecord } from "../../../platform/errors.ts";
import type { PictureLimits } from "../../engine/pictures/limits.ts";
import type { Encoded, Face, ModerationLabel, PictureFacts } from "../../engine/pictures/tools.ts";
import type { ImageRequest } from "../../engine/plan.ts";

/** A picture to be made. Everything in it can be cloned. */
export interface Order {
  readonly original: Uint8Array;
  readonly request: ImageRequest;
  readonly limits: Partial<PictureLimits>;
  readonly load: number;
  readonly originalId: string;
  readonly hasDetector: boolean;
  readonly hasModerator: boolean;
}

/** What the process wants to know on the way. */
export type Question =
  | { readonly what: "overlay"; readonly bucket: string; readonly key: string }
  | { readonly what: "faces" | "labels"; readonly picture: Uint8Array; readonly facts: Omit<PictureFacts, "signal"> };

export type Known = Uint8Array | readonly Face[] | readonly ModerationLabel[];

export type ToChild =
  | { readonly kind: "make"; readonly order: Order }
  | { readonly kind: "answer"; readonly asked: number; readonly value: Known }
  | { readonly kind: "refusal"; readonly asked: number; readonly error: ErrorRecord };

export type ToParent =
  | { readonly kind: "question"; readonly asked: number; readonly question: Question }
  | { readonly kind: "made"; readonly made: Encoded }
  | { readonly kind: "failed"; readonly error: ErrorRecord };
