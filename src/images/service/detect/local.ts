// The local detector: faces found on this machine, by an optional package, in a thread of the pool.
//
// Owns: the seam between the module's detector and the task. Does not own: the network (faces-task.ts), memoizing (memoize.ts).

import type { Compute, ComputeTask } from "../../../platform/compute/index.ts";
import type { Face, FaceDetector } from "../../engine/pictures/tools.ts";
import { type FacesInput, faceApiFolder } from "./faces-task.ts";
import { memoizeFaces } from "./memoize.ts";

export interface LocalDetectorOptions {
  /** The app's pool, or one of the caller's own; opened only when the first face is looked for. The caller closes it. */
  readonly compute: () => Compute;
  /** Boxes less certain than this do not count, 0..1. Default 0.5. */
  readonly minConfidence?: number;
  /** Originals whose faces are remembered. Default 10,000 (about 2 MB). */
  readonly maxAnswers?: number;
}

const task: ComputeTask<FacesInput, readonly Face[]> = {
  name: "images.faces",
  module: new URL(import.meta.url.endsWith(".ts") ? "./faces-task.ts" : "../../service/detect/faces-task.js", import.meta.url).href,
};

/**
 * Finds faces with @vladmandic/face-api when that optional package is installed; undefined when it is not, and the pictures part then crops to
 * what draws attention.
 *
 * The first call loads the network (about 0.5 s), each further original costs under a second of one core, and none costs twice.
 *
 * @example
 * const detector = makeLocalDetector({ compute: () => app.compute });
 */
export function makeLocalDetector({ compute, minConfidence = 0.5, maxAnswers }: LocalDetectorOptions): FaceDetector | undefined {
  if (faceApiFolder() === undefined) return undefined;
  return memoizeFaces(
    {
      faces: (picture, { signal }) =>
        compute().run(task, { jpeg: Uint8Array.from(picture), minConfidence }, signal === undefined ? {} : { signal }),
    },
    maxAnswers === undefined ? {} : { maxAnswers },
  );
}
