import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestOf } from "../../../../test/kit/pictures.ts";
import { editNames, type Edits, type ImageRequest } from "../plan.ts";
import { editCost, encodeCost, lessAndLess } from "./costs.ts";
import { makeAnimation, makePhoto, makePngBomb } from "./fixtures/photos.ts";
import sharp from "sharp";
import { transform } from "./transform.ts";

const readOverlay = (): Promise<Uint8Array> => Promise.reject(new Error("nothing else is read"));

describe("the table of costs", () => {
  it("asks for no number that is none, whatever the value", () => {
    fc.assert(
      fc.property(fc.constantFrom(...editNames), fc.jsonValue({ maxDepth: 3 }), (name, value) => {
        const { cpuMs, bytes } = editCost(name, value, 1e6);
        expect(Number.isFinite(cpuMs) && Number.isFinite(bytes) && bytes >= 0).toBe(true);
      }),
    );
  });

  it("grows with the pixels, and falls with every step of less effort to one that a small picture can afford", () => {
    const options = [{}, { effort: 10 }, { effort: 6, lossless: true }, { effort: 6, nearLossless: true, mixed: true }, { palette: true }];
    for (const format of ["jpeg", "png", "webp", "avif", "heif", "gif", "tiff", "raw"]) {
      for (const given of [...options, { mozjpeg: true, quality: 100 }, { adaptiveFiltering: true, compressionLevel: 9 }]) {
        const steps = lessAndLess(format, given).map((each) => encodeCost(format, each, 1e6, 1));
        for (const [at, step] of steps.entries()) expect(step.cpuMs <= (steps[at - 1]?.cpuMs ?? Number.POSITIVE_INFINITY)).toBe(true);
        expect([format, given, (steps.at(-1)?.cpuMs ?? 0) < 1_000]).toEqual([format, given, true]);
        expect(encodeCost(format, given, 4e6, 1).cpuMs).toBeGreaterThan(encodeCost(format, given, 1e6, 1).cpuMs);
      }
    }
  });
});

describe("a plan past its budget", () => {
  const twelve = makePngBomb(4_000, 3_000);
  const ones = (side: number): number[] => Array.from({ length: side * side }, () => 0.5);
  const costly: readonly Edits[] = [
    { blur: { sigma: 150, precision: "float" } },
    { blur: { sigma: 40, precision: "float", minAmplitude: 0.001 } },
    { convolve: { width: 51, height: 51, kernel: ones(51) } },
    { convolve: { width: 15, height: 15, kernel: ones(15) } },
    { clahe: { width: 100, height: 100 } },
    { median: 9, clahe: { width: 3, height: 3 } },
    { toColourspace: "cmyk" },
    { resize: { width: 8_000, height: 6_000, fit: "fill" }, modulate: { hue: 90 }, sharpen: { sigma: 9 } },
    { affine: [2, 0, 0, 2] },
  ];
  it.each(costly.map((edits) => [JSON.stringify(edits).slice(0, 80), edits] as const))(
    "%s is refused before a pixel is decoded",
    async (_name, edits) => {
      for (const compat of ["open", "strict"] as const) {
        // The file holds only its first rows: whoever decodes it says something else.
        await expect(transform(twelve, requestOf(edits, { compat }), { readOverlay })).rejects.toMatchObject({
          code: "ImageEdits::TooCostly",
          kind: "input",
          facts: { status: 400 },
        });
      }
    },
  );

  it("is made with less effort where that is enough, and says so", async () => {
    const photo = await (await makePhoto(600, 400, 3)).png({ compressionLevel: 1 }).toBuffer();
    const less: readonly (readonly [Edits, string])[] = [
      [{ gif: { effort: 10 } }, "gif"],
      [{ avif: { effort: 9, bitdepth: 12 } }, "avif"],
    ];
    for (const [edits, outputFormat] of less) {
      for (const compat of ["open", "strict"] as const) {
        const made = await transform(photo, requestOf({ resize: { width: 1_200 }, ...edits }, { outputFormat, compat }), { readOverlay });
        // An effort that open lowers by its own rule is no surprise; in strict it is.
        const says = compat === "strict" || outputFormat === "gif";
        expect([outputFormat, made.format, made.notes]).toEqual([outputFormat, outputFormat, says ? ["less-effort"] : undefined]);
      }
    }
  });

  it("gives up what costs most before it is refused, and says what", async () => {
    // Two grey fields with a coloured one between them: as large as a telephone's picture, and quick to write.
    const middle = await sharp({ create: { width: 2_000, height: 1_200, channels: 3, background: "#c03020" } })
      .png()
      .toBuffer();
    const large = sharp({ create: { width: 4_000, height: 3_000, channels: 3, background: "#888" } });
    const twelve = await large
      .composite([{ input: middle, left: 1_100, top: 700 }])
      .jpeg()
      .toBuffer();
    const ask = (edits: Edits, more: Partial<ImageRequest> = {}) => transform(twelve, requestOf(edits, more), { readOverlay });

    const lossy = await ask({ webp: { lossless: true } }, { outputFormat: "webp" });
    expect([lossy.format, lossy.width, lossy.notes]).toEqual(["webp", 4_000, ["lossy"]]);

    const trimmed = await ask({ trim: {} });
    expect(trimmed.notes).toEqual(["near-edges"]);
    // Nothing of the field is gone, and what is left around it is a few pixels.
    expect(trimmed.width - 2_000).toBeGreaterThanOrEqual(0);
    expect(trimmed.width - 2_000).toBeLessThanOrEqual(12);
    expect(trimmed.height - 1_200).toBeGreaterThanOrEqual(0);
    expect(trimmed.height - 1_200).toBeLessThanOrEqual(12);
    const { data, info } = await sharp(trimmed.body).raw().toBuffer({ resolveWithObject: true });
    const at = (info.width * Math.floor(info.height / 2) + 10) * 3;
    expect((data[at] ?? 0) - (data[at + 1] ?? 0)).toBeGreaterThan(100);

    const framed = await ask({ resize: { width: 500 }, trim: { margin: 20 } });
    expect([framed.width, framed.notes]).toEqual([500, ["near-edges"]]);
  });

  it("turns the largest pictures of telephones at a size that memory allows, whichever way they lie", async () => {
    const whole = sharp({ create: { width: 8_064, height: 6_048, channels: 3, background: "#357" } });
    for (const orientation of [1, 6]) {
      const photo = await whole.clone().withMetadata({ orientation }).jpeg().toBuffer();
      const made = await transform(photo, requestOf({ rotate: 90 }), { readOverlay });
      const expected = orientation === 1 ? [3_024, 4_032] : [4_032, 3_024];
      expect([made.width, made.height, made.notes]).toEqual([...expected, ["smaller"]]);
    }
  });

  it("is no clip without a named format: WebP moves as well, for less", async () => {
    const clip = await makeAnimation(400, 300, 60);
    const made = await transform(clip, requestOf({ resize: { width: 380 } }), { readOverlay });
    const { delay = [], width } = await sharp(made.body).metadata();
    const lasts = (delays: readonly number[] = []): number => delays.reduce((sum, each) => sum + each, 0);
    // Frames that are alike are joined, and stay as long as both.
    expect([made.format, width, made.notes]).toEqual(["webp", 380, ["other-format"]]);
    expect(lasts(delay)).toBe(lasts((await sharp(clip).metadata()).delay));
  });

  it("is not an animation of usual size", async () => {
    const animation = await makeAnimation(320, 200, 40);
    const made = await transform(animation, requestOf({ resize: { width: 300 }, tint: { r: 255, g: 90, b: 0 } }), { readOverlay });
    expect(made.format).toBe("gif");
  });
});

describe("heavy pictures and drawings", () => {
  it("are handed to whoever can end them, others are not", async () => {
    const made = { body: Buffer.from("isolated"), contentType: "image/png", width: 1, height: 1, format: "png" };
    const apartOf = async (original: Uint8Array, request: ImageRequest): Promise<boolean> =>
      (await transform(original, request, { readOverlay, isolated: async () => made })).body === made.body;
    const photo = await (await makePhoto(600, 400, 3)).jpeg().toBuffer();
    const drawing = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    expect(await apartOf(photo, requestOf({ resize: { width: 300 } }))).toBe(false);
    expect(await apartOf(photo, requestOf({ resize: { width: 300 } }, { outputFormat: "avif" }))).toBe(false);
    expect(await apartOf(drawing, requestOf({ resize: { width: 300 } }))).toBe(true);
    expect(await apartOf(photo, requestOf({ resize: { width: 4_000 }, blur: 60 }))).toBe(true);
  });
});
