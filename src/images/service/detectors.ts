// Detectors: who looks for faces and for what should not be shown, as the settings or the caller say.
//
//   E1. Nothing is loaded and no thread is started before the first picture wants to be looked at.
//   E2. A detector of whatever kind is asked once for each original.

import { openCompute } from "../../platform/compute/index.ts";
import type { Compute } from "../../platform/compute/index.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { FaceDetector, Moderator } from "../engine/pictures/tools.ts";
import { makeHttpDetector, makeHttpModerator } from "./detect/http.ts";
import { makeLocalDetector } from "./detect/local.ts";
import { makeRekognitionDetector, makeRekognitionModerator } from "./detect/rekognition.ts";
import type { RekognitionClient } from "./detect/rekognition.ts";
import { memoizeFaces, memoizeLabels } from "./detect/memoize.ts";
import type { ImageSettings } from "./settings.ts";

export interface Detectors {
  readonly detector: FaceDetector | undefined;
  readonly moderator: Moderator | undefined;
  close(): Promise<void>;
}

/** Makes them; the caller's own come before the settings. Throws `input` `IMAGES_REKOGNITION` when its client is asked for and not installed. */
export async function makeDetectors(
  { faces, moderation }: Pick<ImageSettings, "faces" | "moderation">,
  given: { readonly detector?: FaceDetector | undefined; readonly moderator?: Moderator | undefined; readonly log: Log },
): Promise<Detectors> {
  let pool: Compute | undefined;
  const compute = (): Compute => (pool ??= openCompute({ log: given.log, threads: 1 }));
  let client: RekognitionClient | undefined;
  const rekognition = async (region: string | undefined): Promise<RekognitionClient> => (client ??= await openRekognition(region));

  let detector = given.detector === undefined ? undefined : memoizeFaces(given.detector);
  if (detector === undefined) {
    if (faces.kind === "local") detector = makeLocalDetector({ compute, minConfidence: faces.minConfidence });
    else if (faces.kind === "http") detector = memoizeFaces(makeHttpDetector(faces));
    else if (faces.kind === "rekognition") detector = memoizeFaces(makeRekognitionDetector(await rekognition(faces.region)));
  }
  let moderator = given.moderator === undefined ? undefined : memoizeLabels(given.moderator);
  if (moderator === undefined && moderation !== undefined) {
    moderator = memoizeLabels(
      moderation.kind === "http" ? makeHttpModerator(moderation) : makeRekognitionModerator(await rekognition(moderation.region)),
    );
  }
  return { detector, moderator, close: async () => await pool?.close() };
}

/** The client is the caller's to install: few want it, and it is large. */
async function openRekognition(region: string | undefined): Promise<RekognitionClient> {
  const name = "@aws-sdk/client-rekognition";
  try {
    const { Rekognition } = (await import(name)) as { Rekognition: new (options: { region?: string }) => RekognitionClient };
    return new Rekognition(region === undefined ? {} : { region });
  } catch (cause) {
    throw new StockroomError(
      "input",
      "IMAGES_REKOGNITION",
      `Expected the package ${name} but it cannot be loaded. Run: npm install ${name}`,
      { cause },
    );
  }
}
