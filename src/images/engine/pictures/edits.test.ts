// Every edit a URL may name does something: judged by the pixels, with an example of each.

import sharp from "sharp";
import { beforeAll, expect, it } from "vitest";
import { requestOf } from "../../../../test/kit/pictures.ts";
import { editNames, type EditName, type Edits, type JsonValue } from "../plan.ts";
import { requestLimits } from "../requests/url.ts";
import { checkEdits } from "../requests/edits.ts";
import { makeAnimation, makePhoto } from "./fixtures/photos.ts";
import type { Tools } from "./tools.ts";
import { transform } from "./transform.ts";

interface Example {
  readonly value: JsonValue;
  /** Default: a photo. */
  readonly original?: "photo" | "clear" | "framed" | "frames";
  /** Edits without which this one has nothing to do. */
  readonly beside?: Edits;
}

const area = { left: 10, top: 10, width: 30, height: 20 };
const other = { bucket: "shop", key: "logo.png" };

/** A record over the union: an edit that is new has no example, and does not compile. */
const examples: Readonly<Record<EditName, Example>> = {
  resize: { value: { width: 40 } },
  crop: { value: area },
  extract: { value: area },
  extend: { value: 5 },
  trim: { value: true, original: "framed" },
  affine: { value: [1, 0.3, 0.1, 0.7] },
  rotate: { value: 90 },
  flip: { value: true },
  flop: { value: true },
  removeAlpha: { value: true, original: "clear" },
  ensureAlpha: { value: 0.5 },
  extractChannel: { value: "red" },
  joinChannel: { value: [other] },
  bandbool: { value: "and" },
  boolean: { value: { ...other, operator: "eor" } },
  tint: { value: "#ff0000" },
  greyscale: { value: true },
  grayscale: { value: true },
  pipelineColourspace: { value: "lab", beside: { linear: { a: 0.5, b: 0 } } },
  pipelineColorspace: { value: "lab", beside: { linear: { a: 0.5, b: 0 } } },
  toColourspace: { value: "b-w" },
  toColorspace: { value: "b-w" },
  sharpen: { value: 3 },
  median: { value: 5 },
  blur: { value: 5 },
  flatten: { value: { background: "#00ff00" }, original: "clear" },
  unflatten: { value: true, original: "framed" },
  gamma: { value: 2.2, beside: { resize: { width: 30 } } },
  negate: { value: true },
  normalise: { value: { lower: 20, upper: 80 } },
  normalize: { value: { lower: 20, upper: 80 } },
  clahe: { value: { width: 20, height: 20 } },
  convolve: { value: { width: 3, height: 3, kernel: [0, 1, 0, 1, -4, 1, 0, 1, 0] } },
  threshold: { value: 128 },
  linear: { value: { a: 0.5, b: 10 } },
  recomb: {
    value: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ],
  },
  modulate: { value: { hue: 90 } },
  overlayWith: { value: { ...other, options: { left: 5, top: 5 } } },
  smartCrop: { value: { faceIndex: 0 } },
  roundCrop: { value: true },
  contentModeration: { value: { minConfidence: 50 } },
  animated: { value: false, original: "frames" },
  toFormat: { value: "webp" },
  jpeg: { value: { quality: 5 } },
  png: { value: { colours: 4 } },
  webp: { value: { quality: 5 } },
  gif: { value: { colours: 4 } },
  avif: { value: { quality: 5 } },
  tiff: { value: { quality: 5, compression: "jpeg" } },
  heif: { value: { quality: 5 } },
};

const originals = new Map<string, Buffer>();
let tools: Tools;

beforeAll(async () => {
  const photo = await makePhoto(96, 64, 7);
  originals.set("photo", await photo.clone().png().toBuffer());
  originals.set("clear", await photo.clone().ensureAlpha(0.5).png().toBuffer());
  originals.set("framed", await photo.clone().extend({ top: 9, bottom: 9, left: 9, right: 9, background: "#ffffff" }).png().toBuffer());
  originals.set("frames", await makeAnimation(40, 30, 3));
  const logo = await sharp({ create: { width: 20, height: 10, channels: 4, background: "#ff00ff" } })
    .png()
    .toBuffer();
  tools = {
    readOverlay: async () => logo,
    detector: { faces: async () => [{ left: 0.2, top: 0.2, width: 0.3, height: 0.3, confidence: 0.9 }] },
    moderator: { labels: async () => [{ name: "Violence", confidence: 90 }] },
  };
});

async function make(original: string, edits: Edits): Promise<{ readonly type: string; readonly shape: string; readonly pixels: Buffer }> {
  const { body, contentType } = await transform(
    originals.get(original) ?? Buffer.alloc(0),
    requestOf(edits, { requestType: "default", bucket: "shop" }),
    tools,
  );
  const { data, info } = await sharp(body, { animated: true }).raw().toBuffer({ resolveWithObject: true });
  return { type: contentType, shape: `${info.width} x ${info.height} x ${info.channels}`, pixels: data };
}

it.each(editNames)("%s is an edit of URLs that changes the picture", async (name) => {
  const { value, original = "photo", beside = {} } = examples[name];
  const context = { buckets: ["shop"], strict: false, ...requestLimits };
  const edits = checkEdits({ ...beside, [name]: value }, context);
  expect(Object.keys(edits)).toContain(name);
  const edited = await make(original, edits);
  const without = await make(original, beside);
  const same = edited.type === without.type && edited.shape === without.shape && edited.pixels.equals(without.pixels);
  expect([name, same]).toEqual([name, false]);
});
