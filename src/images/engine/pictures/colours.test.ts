// Colours asked for are the colours that come, whatever space the original is in. Judged by pixels.

import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { requestOf } from "../../../../test/kit/pictures.ts";
import type { Edits, ImageRequest } from "../plan.ts";
import { makeAnimation, pixelAt } from "./fixtures/photos.ts";
import { transform } from "./transform.ts";

const originals = new Map<string, Buffer>();
let logo: Buffer;
beforeAll(async () => {
  const grey = () => sharp({ create: { width: 60, height: 40, channels: 3, background: "#808080" } });
  const clear = Buffer.from(Array.from({ length: 60 * 40 * 2 }, (_, at) => (at % 2 === 0 ? 128 : 255)));
  originals.set("grey PNG", await grey().toColourspace("b-w").png().toBuffer());
  originals.set("grey JPEG", await grey().toColourspace("b-w").jpeg().toBuffer());
  originals.set("grey TIFF", await grey().toColourspace("b-w").tiff().toBuffer());
  originals.set("16-bit grey PNG", await grey().toColourspace("grey16").png().toBuffer());
  originals.set(
    "grey PNG with alpha",
    await sharp(clear, { raw: { width: 60, height: 40, channels: 2 } })
      .toColourspace("grey16")
      .png()
      .toBuffer(),
  );
  originals.set("palette PNG", await grey().png({ palette: true, colours: 2 }).toBuffer());
  originals.set("CMYK JPEG", await grey().toColourspace("cmyk").jpeg().toBuffer());
  originals.set(
    "GIF",
    await sharp({ create: { width: 60, height: 40, channels: 3, background: "#c04040" } })
      .gif()
      .toBuffer(),
  );
  originals.set("animated GIF", await makeAnimation(60, 40, 3));
  logo = await sharp({ create: { width: 10, height: 10, channels: 4, background: { r: 30, g: 160, b: 90, alpha: 1 } } })
    .png()
    .toBuffer();
});

const green = { r: 30, g: 160, b: 90 };
const cases: readonly (readonly [name: string, edits: Edits, x: number, y: number, more: Partial<ImageRequest>])[] = [
  ["fill", { resize: { width: 100, height: 40, fit: "contain", background: green } }, 3, 20, {}],
  ["extend", { extend: { top: 9, left: 9, bottom: 9, right: 9, background: { ...green, alpha: 1 } } }, 3, 3, {}],
  ["an overlay", { overlayWith: { key: "logo", options: { left: 0, top: 0 } } }, 5, 5, {}],
  ["an overlay on what was made grey", { grayscale: true, overlayWith: { key: "logo", options: { left: 0, top: 0 } } }, 5, 5, {}],
  ["round corners", {}, 0, 0, { roundCorner: { rx: 12, ry: 12, background: green, transparent: false } }],
];

describe("a colour that an edit names", () => {
  for (const compat of ["open", "strict"] as const) {
    it.each(cases)(`%s, ${compat}`, async (_name, edits, x, y, more) => {
      for (const [name, original] of originals) {
        const made = await transform(original, requestOf(edits, { compat, ...more }), { readOverlay: async () => logo });
        const { r, g, b } = await pixelAt(made.body, x, y);
        // JPEG keeps colours at half the places.
        const near = Math.max(Math.abs(r - 30), Math.abs(g - 160), Math.abs(b - 90)) <= 24;
        expect([name, near || `${r},${g},${b}`]).toEqual([name, true]);
      }
    });
  }

  it("lies under clear places, and tints what is grey", async () => {
    const clear = await sharp({ create: { width: 20, height: 20, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
      .toColourspace("grey16")
      .png()
      .toBuffer();
    expect((await sharp(clear).metadata()).channels).toBe(2);
    const under = await transform(clear, requestOf({ flatten: { background: { r: 0, g: 255, b: 0 } } }), { readOverlay: async () => logo });
    expect(await pixelAt(under.body, 5, 5)).toMatchObject({ r: 0, g: 255, b: 0 });
    for (const name of ["grey PNG", "grey JPEG", "16-bit grey PNG"]) {
      const original = originals.get(name) ?? logo;
      const { r, g, b } = await pixelAt(
        (await transform(original, requestOf({ tint: { r: 255, g: 80, b: 0 } }), { readOverlay: async () => logo })).body,
        5,
        5,
      );
      expect([name, r > 200 && g < 100 && b < 30]).toEqual([name, true]);
    }
  });

  it("leaves grey what is only made grey", async () => {
    for (const [name, original] of originals) {
      const made = await transform(original, requestOf({ grayscale: true, resize: { width: 30 } }), { readOverlay: async () => logo });
      const { r, g, b } = await pixelAt(made.body, 9, 9);
      expect([name, r === g && g === b]).toEqual([name, true]);
    }
  });
});

describe("EXIF's turn", () => {
  it("is made once: no tag stays on pixels that were turned", async () => {
    const lying = await sharp({ create: { width: 60, height: 40, channels: 3, background: "#c08040" } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const readOverlay = async (): Promise<Buffer> => logo;
    const edits: Edits[] = [
      { rotate: undefined },
      { rotate: undefined, resize: { width: 10 } },
      { rotate: undefined, roundCrop: true },
      { rotate: undefined, overlayWith: { key: "logo" } },
      { rotate: undefined, crop: { left: 1, top: 1, width: 10, height: 20 } },
      { crop: { left: 1, top: 1, width: 10, height: 20 }, rotate: undefined },
      { rotate: undefined, boolean: { key: "logo", operator: "or" } },
    ];
    for (const compat of ["open", "strict"] as const) {
      for (const keepMetadata of [undefined, true] as const) {
        for (const each of edits) {
          const request = requestOf(each, { compat, outputFormat: "jpeg", ...(keepMetadata === true ? { keepMetadata } : {}) });
          const { orientation = 1 } = await sharp((await transform(lying, request, { readOverlay })).body).metadata();
          expect([compat, Object.keys(each), orientation]).toEqual([compat, Object.keys(each), 1]);
        }
      }
    }
    // What nobody turned keeps its tag in strict.
    const kept = await transform(lying, requestOf({ resize: { width: 30 } }, { compat: "strict" }), { readOverlay });
    expect((await sharp(kept.body).metadata()).orientation).toBe(6);
  });
});

describe("sides", () => {
  it("bind what is made and not what it is made of", async () => {
    const tall = await sharp({ create: { width: 300, height: 20_000, channels: 3, background: "#c08040" } })
      .jpeg()
      .toBuffer();
    const readOverlay = async (): Promise<Buffer> => logo;
    for (const compat of ["open", "strict"] as const) {
      for (const edits of [
        { resize: { width: 100 } },
        { resize: { width: 100, height: 100 } },
        { crop: { left: 0, top: 19_000, width: 100, height: 500 }, resize: { width: 50 } },
        { resize: { height: 5_000, fit: "inside" }, grayscale: true },
        { resize: { ratio: 0.5 } },
        { trim: {}, resize: { width: 100 } },
        { resize: { width: 200, height: 200, fit: "contain", background: "red" } },
        { roundCrop: true, resize: { width: 100 } },
      ] satisfies Edits[]) {
        const made = await transform(tall, requestOf(edits, { compat, outputFormat: "webp" }), { readOverlay });
        expect([edits, made.width > 0 && made.format]).toEqual([edits, "webp"]);
      }
      await expect(
        transform(tall, requestOf({ grayscale: true }, { compat, outputFormat: "webp" }), { readOverlay }),
      ).rejects.toMatchObject({
        code: "InvalidResizeException",
        facts: { status: 400 },
      });
    }
    expect((await transform(tall, requestOf({ grayscale: true }), { readOverlay })).height).toBe(20_000);
  });
});
