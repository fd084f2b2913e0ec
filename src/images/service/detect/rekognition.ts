// Rekognition: the classic handler's detector, through a client the caller has made.
//
// Owns: the two calls and their words. Does not own: the client, its credentials, its region.

import { StockroomError } from "../../../platform/errors.ts";
import type { FaceDetector, Moderator } from "../../engine/pictures/tools.ts";

/** What is used of `new Rekognition({})` of @aws-sdk/client-rekognition. */
export interface RekognitionClient {
  detectFaces(
    input: { Image: { Bytes: Uint8Array } },
    options?: { abortSignal?: AbortSignal },
  ): Promise<{
    readonly FaceDetails?: readonly {
      readonly Confidence?: number | undefined;
      readonly BoundingBox?:
        | {
            readonly Left?: number | undefined;
            readonly Top?: number | undefined;
            readonly Width?: number | undefined;
            readonly Height?: number | undefined;
          }
        | undefined;
    }[];
  }>;
  detectModerationLabels(
    input: { Image: { Bytes: Uint8Array }; MinConfidence?: number },
    options?: { abortSignal?: AbortSignal },
  ): Promise<{ readonly ModerationLabels?: readonly { readonly Name?: string | undefined; readonly Confidence?: number | undefined }[] }>;
}

const aborting = (signal: AbortSignal | undefined): { abortSignal?: AbortSignal } => (signal === undefined ? {} : { abortSignal: signal });

async function called<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (cause) {
    const said = cause instanceof Error ? cause.name : "";
    throw new StockroomError("busy", "DetectorUnavailable", `Expected an answer of Rekognition but it failed (${said}). Try again.`, {
      facts: { status: 502 },
      cause,
    });
  }
}

/** Faces as Rekognition sees them. Throws `busy` `DetectorUnavailable`. */
export function makeRekognitionDetector(client: RekognitionClient): FaceDetector {
  return {
    faces: async (picture, { signal }) => {
      const { FaceDetails = [] } = await called(() => client.detectFaces({ Image: { Bytes: picture } }, aborting(signal)));
      return FaceDetails.flatMap(({ BoundingBox: box, Confidence: confidence = 0 }) =>
        box === undefined ? [] : [{ left: box.Left ?? 0, top: box.Top ?? 0, width: box.Width ?? 0, height: box.Height ?? 0, confidence }],
      );
    },
  };
}

/** Labels as Rekognition gives them, from `minConfidence` percent (default 2: each request names its own bound above). Throws `busy` `DetectorUnavailable`. */
export function makeRekognitionModerator(client: RekognitionClient, minConfidence = 2): Moderator {
  return {
    labels: async (picture, { signal }) => {
      const answer = await called(() =>
        client.detectModerationLabels({ Image: { Bytes: picture }, MinConfidence: minConfidence }, aborting(signal)),
      );
      return (answer.ModerationLabels ?? []).map(({ Name = "", Confidence = 0 }) => ({ name: Name, confidence: Confidence }));
    },
  };
}
