// Faces: edits that must first be told what is seen in the picture (`smartCrop`, `contentModeration`).
//
// Owns: what a detector is shown, how its answer becomes a crop or a blur. Does not own: detectors (service/detect).
//   F1. A detector sees the original when its places are still those of the original, so that its answer holds for every size of it.
//   F3. Of an animation faces are looked for in the first frame, what should not be shown in the first, the middle and the last one.
//   F2. Without a moderator nothing passes: content nobody looked at is not shown as if somebody had.

import { createHash } from "node:crypto";
import sharp from "sharp";
import type { Draft, Walk } from "./contract.ts";
import type { JsonValue } from "../plan.ts";
import { lookCost, resizeCost } from "./costs.ts";
import { measure, oneFrame, makePixels, sizeNow } from "./draft.ts";
import { areaAround, clampFractions } from "./geometry.ts";
import { maxBlurSigma } from "./limits.ts";
import { openPicture } from "./open.ts";
import { cut, isFields } from "./operations.ts";
import { checkOther, spend } from "./price.ts";
import { badEdit, problem } from "./problems.ts";
import type { ModerationLabel, PictureFacts } from "./tools.ts";

const detectionSide = 1024;

/** Asks somebody who looks at pictures about one frame; what they said before for this id spares making the picture. */
async function ask<Answer>(
  draft: Draft,
  who: { recall?: (id: string) => Answer | undefined },
  look: (picture: Uint8Array, facts: PictureFacts) => Promise<Answer>,
  { failure, frame = 0 }: { readonly failure: { readonly code: string; readonly message: string }; readonly frame?: number },
): Promise<Answer> {
  const { signal, originalId } = draft.tools;
  const original = originalId ?? createHash("sha256").update(draft.original).digest("base64url");
  const seesOriginal = draft.inPlace;
  const whole = seesOriginal ? original : `${original}\n${JSON.stringify(draft.applied)}`;
  const id = frame === 0 ? whole : `${whole}\nframe ${frame}`;
  const known = who.recall?.(id);
  if (known !== undefined) return known;
  const source = seesOriginal ? await openPicture(draft.original, draft, frame) : await oneFrame(draft, frame);
  const { data, info } = await source
    .resize({ width: detectionSide, height: detectionSide, fit: "inside", withoutEnlargement: true })
    .flatten({ background: "white" })
    .timeout({ seconds: draft.limits.maxSeconds })
    .jpeg({ quality: 85 })
    .toBuffer({ resolveWithObject: true });
  signal?.throwIfAborted();
  const { width, height } = info;
  try {
    return await look(data, { id, contentType: "image/jpeg", width, height, ...(signal === undefined ? {} : { signal }) });
  } catch (thrown) {
    signal?.throwIfAborted();
    throw problem(500, failure.code, failure.message, {}, thrown);
  }
}

/** The classic answers when nobody can look: the details are in the log, behind `cause`. */
const blind = {
  faces: { code: "SmartCrop::Error", message: "Smart Crop could not be applied. Please contact the system administrator." },
  labels: {
    code: "Rekognition::DetectModerationLabelsError",
    message: "Rekognition call failed. Please contact the system administrator.",
  },
};

const whole = (value: JsonValue): number | undefined => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

/**
 * `smartCrop`: cuts to a face, the most certain one first. No face leaves the picture whole; without a detector libvips looks for
 * what draws attention instead.
 */
export async function smartCrop(draft: Draft, value: JsonValue): Promise<void> {
  if (value !== true && !isFields(value)) return;
  const fields = isFields(value) ? value : {};
  const faceIndex = whole(fields["faceIndex"]) ?? 0;
  const padding = whole(fields["padding"]) ?? 0;
  const { detector } = draft.tools;
  if (detector === undefined) return cropToAttention(draft);
  if (draft.walk !== undefined) return walkLook(draft, draft.walk, 1);
  const faces = await ask(draft, recaller(detector), (picture, facts) => detector.faces(picture, facts), { failure: blind.faces });
  const byConfidence = faces.toSorted((a, b) => b.confidence - a.confidence);
  const face = byConfidence.length === 0 ? { left: 0, top: 0, width: 1, height: 1 } : byConfidence[faceIndex];
  if (face === undefined) {
    throw badEdit(
      "SmartCrop::FaceIndexOutOfRange",
      `Expected a faceIndex below ${faces.length}, the number of faces found, but received ${faceIndex}. Faces are counted from 0 by falling confidence.`,
      { faceIndex, faces: faces.length },
    );
  }
  const area = areaAround(clampFractions(face), padding, await sizeNow(draft));
  if (area.width < 1 || area.height < 1) {
    throw badEdit(
      "SmartCrop::PaddingOutOfBounds",
      `Expected padding that leaves something of the face but received ${padding}. Give a larger one.`,
      { padding },
    );
  }
  cut(draft, area);
}

/** What it costs to show the picture to somebody; how large a face is nobody knows yet. */
async function walkLook(draft: Draft, walk: Walk, frames: number): Promise<void> {
  const { header } = draft;
  if (draft.inPlace) spend(walk, checkOther(header));
  else await makePixels(draft);
  for (let frame = 0; frame < frames; frame++) spend(walk, lookCost);
}

function recaller<Answer>(who: { recall?(id: string): Answer | undefined }): { recall?: (id: string) => Answer | undefined } {
  return who.recall === undefined ? {} : { recall: (id) => who.recall?.(id) };
}

/** A square, or the shape a later resize asks for, where the eye goes first. */
async function cropToAttention(draft: Draft): Promise<void> {
  const { width, height } = measure(draft);
  const resize = isFields(draft.request.edits["resize"]) ? draft.request.edits["resize"] : {};
  const asked = { width: Number(resize["width"]), height: Number(resize["height"]) };
  const shape = asked.width > 0 && asked.height > 0 ? asked.width / asked.height : 1;
  const side = Math.min(width, height * shape);
  const target = { width: Math.max(1, Math.round(side)), height: Math.max(1, Math.round(side / shape)) };
  if (target.width >= width && target.height >= height) return;
  if (draft.walk !== undefined) {
    await makePixels(draft);
    spend(draft.walk, resizeCost(width * height, target.width * target.height));
    cut(draft, { left: 0, top: 0, ...target });
    return;
  }
  if (draft.animated) {
    // All frames are cut where the first one draws the eye.
    const { info } = await (
      await oneFrame(draft, 0)
    )
      .resize({ ...target, fit: "cover", position: sharp.strategy.attention })
      .raw()
      .toBuffer({ resolveWithObject: true });
    cut(draft, { left: -(info.cropOffsetLeft ?? 0), top: -(info.cropOffsetTop ?? 0), width: info.width, height: info.height });
    return;
  }
  await makePixels(draft);
  const now = measure(draft);
  draft.pipeline.resize({
    width: Math.min(target.width, now.width),
    height: Math.min(target.height, now.height),
    fit: "cover",
    position: sharp.strategy.attention,
  });
  await makePixels(draft);
}

/** Moderators say how sure they are in percent or as a fraction; in doubt the surer reading hides more. */
const percentOf = (confidence: number): number => (confidence <= 1 ? confidence * 100 : confidence);

/** `contentModeration`: blurs the picture when a moderator names something in it that should not be shown. */
export async function contentModeration(draft: Draft, value: JsonValue): Promise<void> {
  if (value !== true && !isFields(value)) return;
  const fields = isFields(value) ? value : {};
  const minConfidence = whole(fields["minConfidence"]) ?? 75;
  const blur = Math.ceil(whole(fields["blur"]) ?? 50);
  const only: JsonValue = fields["moderationLabels"];
  const { moderator } = draft.tools;
  if (moderator === undefined) {
    throw problem(
      500,
      "ContentModeration::NotConfigured",
      "Expected a moderator but none is set up. Configure one, or leave contentModeration out.",
    );
  }
  if (draft.walk !== undefined) {
    await walkLook(draft, draft.walk, draft.animated ? 3 : 1);
    if (blur >= 0.3 && blur <= 1000) draft.walk.pending.push(["blur", Math.min(blur, maxBlurSigma)]);
    return;
  }
  // What should not be shown may come later in an animation than in its first frame.
  const frames = draft.animated ? [...new Set([0, Math.floor(draft.frames / 2), draft.frames - 1])] : [0];
  const labels: ModerationLabel[] = [];
  for (const frame of frames) {
    const look = { failure: blind.labels, frame };
    labels.push(...(await ask(draft, recaller(moderator), (picture, facts) => moderator.labels(picture, facts), look)));
  }
  const found = labels.filter(
    ({ name, confidence }) => percentOf(confidence) >= minConfidence && (!Array.isArray(only) || only.includes(name)),
  );
  if (found.length > 0 && blur >= 0.3 && blur <= 1000) draft.pipeline.blur(Math.min(blur, maxBlurSigma));
}
