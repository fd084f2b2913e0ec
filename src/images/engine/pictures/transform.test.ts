import sharp, { type Sharp } from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { requestOf } from "../../../../test/kit/pictures.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { Edits, ImageRequest } from "../plan.ts";
import { likeness, makeAnimation, makePhoto, makeQuarters, pixelAt } from "./fixtures/photos.ts";
import type { Face, Tools } from "./tools.ts";
import { transform } from "./transform.ts";

const request = (edits: Edits, more: Partial<ImageRequest> = {}): ImageRequest =>
  requestOf(edits, { requestType: "default", bucket: "shop", ...more });

const others = new Map<string, Buffer>();
const tools: Tools = {
  readOverlay: async (bucket, key) => {
    const found = others.get(`${bucket}/${key}`);
    if (found === undefined)
      throw new StockroomError("missing", "NoSuchKey", "The specified key does not exist.", { facts: { status: 404 } });
    return found;
  },
  signal: new AbortController().signal,
};

const run = (
  original: Uint8Array,
  edits: Edits,
  more: Partial<ImageRequest> = {},
  extra: Partial<Tools> = {},
): ReturnType<typeof transform> => transform(original, request(edits, more), { ...tools, ...extra });

const refusal = (code: string, status = 400): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(/^Expected .+ but .+\.$/s), facts: expect.objectContaining({ status }) });

/** Near a colour: JPEG moves them a little. */
const near = (colour: { r: number; g: number; b: number }, [r, g, b]: readonly number[]): boolean =>
  Math.abs(colour.r - (r ?? 0)) < 30 && Math.abs(colour.g - (g ?? 0)) < 30 && Math.abs(colour.b - (b ?? 0)) < 30;
const red = [220, 30, 30];
const green = [30, 200, 30];
const blue = [30, 30, 220];
const white = [245, 245, 245];

let photo: Buffer;
let quarters: Buffer;
let clear: Buffer;

beforeAll(async () => {
  photo = await (await makePhoto(640, 480, 7)).jpeg({ quality: 92 }).toBuffer();
  quarters = await makeQuarters(200, 100).jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).toBuffer();
  clear = await sharp({ create: { width: 120, height: 80, channels: 4, background: { r: 10, g: 200, b: 60, alpha: 0.5 } } })
    .png()
    .toBuffer();
  others.set(
    "shop/logo.png",
    await sharp({ create: { width: 40, height: 20, channels: 4, background: { r: 250, g: 0, b: 250, alpha: 1 } } })
      .png()
      .toBuffer(),
  );
  others.set(
    "shop/huge.png",
    await sharp({ create: { width: 900, height: 20, channels: 4, background: "#ffffff" } })
      .png()
      .toBuffer(),
  );
  others.set("shop/broken.png", Buffer.from("no picture"));
});

describe("against raw sharp with the same operations", () => {
  const cases: readonly [string, Edits, (pipeline: Sharp) => Sharp][] = [
    ["resize by width", { resize: { width: 200 } }, (s) => s.resize({ width: 200 })],
    ["resize with text", { resize: { width: "200.4", height: "99.6" } }, (s) => s.resize({ width: 200, height: 100 })],
    [
      "contain",
      { resize: { width: 200, height: 200, fit: "contain", background: "#ff0000" } },
      (s) => s.resize({ width: 200, height: 200, fit: "contain", background: "#ff0000" }),
    ],
    ["inside", { resize: { width: 200, height: 200, fit: "inside" } }, (s) => s.resize({ width: 200, height: 200, fit: "inside" })],
    ["fill", { resize: { width: 200, height: 200, fit: "fill" } }, (s) => s.resize({ width: 200, height: 200, fit: "fill" })],
    [
      "attention",
      { resize: { width: 200, height: 200, position: "attention" } },
      (s) => s.resize({ width: 200, height: 200, position: "attention" }),
    ],
    [
      "without enlargement",
      { resize: { width: 2000, withoutEnlargement: true } },
      (s) => s.resize({ width: 2000, withoutEnlargement: true }),
    ],
    ["ratio of the source", { resize: { ratio: 0.25 } }, (s) => s.resize({ width: 160, height: 120, fit: "inside" })],
    [
      "ratio of the size",
      { resize: { width: 100, height: 50, ratio: "2", fit: "fill" } },
      (s) => s.resize({ width: 200, height: 100, fit: "fill" }),
    ],
    [
      "crop, then resize",
      { crop: { left: 10, top: 20, width: 300, height: 200 }, resize: { width: 150 } },
      (s) => s.extract({ left: 10, top: 20, width: 300, height: 200 }).resize({ width: 150 }),
    ],
    [
      "resize, then crop",
      { resize: { width: 300 }, crop: { left: 10, top: 20, width: 100, height: 100 } },
      (s) => s.resize({ width: 300 }).extract({ left: 10, top: 20, width: 100, height: 100 }),
    ],
    ["rotate, then resize", { rotate: 90, resize: { width: 100 } }, (s) => s.rotate(90).resize({ width: 100 })],
    ["rotate by an angle", { rotate: 30 }, (s) => s.rotate(30)],
    ["flip and flop", { flip: true, flop: true }, (s) => s.flip().flop()],
    ["no flip", { flip: false, resize: { width: 100 } }, (s) => s.resize({ width: 100 })],
    ["grayscale", { grayscale: true }, (s) => s.greyscale()],
    ["tint", { tint: { r: 255, g: 100, b: 0 } }, (s) => s.tint({ r: 255, g: 100, b: 0 })],
    ["blur", { blur: 4 }, (s) => s.blur(4)],
    ["sharpen as the classic says it", { sharpen: 2 }, (s) => s.sharpen({ sigma: 2 })],
    ["sharpen", { sharpen: { sigma: 1.5, m1: 1 } }, (s) => s.sharpen({ sigma: 1.5, m1: 1 })],
    ["median", { median: 3 }, (s) => s.median(3)],
    ["normalize", { normalize: true }, (s) => s.normalise()],
    ["negate", { negate: true }, (s) => s.negate()],
    ["gamma", { gamma: 2 }, (s) => s.gamma(2)],
    ["modulate", { modulate: { brightness: 1.2, saturation: 0.5 } }, (s) => s.modulate({ brightness: 1.2, saturation: 0.5 })],
    ["linear", { linear: { a: 1.1, b: -10 } }, (s) => s.linear(1.1, -10)],
    [
      "convolve",
      { convolve: { width: 3, height: 3, kernel: [-1, 0, 1, -2, 0, 2, -1, 0, 1] } },
      (s) => s.convolve({ width: 3, height: 3, kernel: [-1, 0, 1, -2, 0, 2, -1, 0, 1] }),
    ],
    [
      "recomb",
      {
        recomb: [
          [0.3, 0.7, 0.1],
          [0.3, 0.6, 0.1],
          [0.2, 0.5, 0.1],
        ],
      },
      (s) =>
        s.recomb([
          [0.3, 0.7, 0.1],
          [0.3, 0.6, 0.1],
          [0.2, 0.5, 0.1],
        ]),
    ],
    ["threshold", { threshold: 100 }, (s) => s.threshold(100)],
    ["clahe", { clahe: { width: 30, height: 30 } }, (s) => s.clahe({ width: 30, height: 30 })],
    ["extend", { extend: { top: 10, left: 5, background: "#00ff00" } }, (s) => s.extend({ top: 10, left: 5, background: "#00ff00" })],
    ["affine", { affine: [1, 0.3, 0.1, 0.7] }, (s) => s.affine([1, 0.3, 0.1, 0.7])],
    ["extractChannel", { extractChannel: "green" }, (s) => s.extractChannel("green")],
    ["bandbool", { bandbool: "and" }, (s) => s.bandbool("and")],
    ["toColourspace", { toColourspace: "b-w" }, (s) => s.toColourspace("b-w")],
    ["quality", { jpeg: { quality: 40, progressive: true } }, (s) => s.jpeg({ quality: 40, progressive: true })],
    [
      "many at once",
      { resize: { width: 200 }, rotate: 180, grayscale: true, blur: 1, negate: true },
      (s) => s.resize({ width: 200 }).rotate(180).greyscale().blur(1).negate(),
    ],
  ];
  it.each(cases)("%s: the same bytes", async (_, edits, call) => {
    const ours = await run(photo, edits);
    const theirs = await call(sharp(photo)).toBuffer({ resolveWithObject: true });
    expect({ width: ours.width, height: ours.height, type: ours.contentType }).toEqual({
      width: theirs.info.width,
      height: theirs.info.height,
      type: "image/jpeg",
    });
    expect(Buffer.compare(Buffer.from(ours.body), theirs.data)).toBe(0);
  });

  it("ignores edits nobody knows, and every value of composite, toFile and raw", async () => {
    const plain = await run(photo, { resize: { width: 100 } });
    const unknown: object = { composite: [{ input: "/etc/passwd" }], toFile: "/tmp/x", raw: true, nonsense: {}, __proto__x: 1 };
    const odd = await run(photo, { ...unknown, resize: { width: 100 } });
    expect(Buffer.compare(Buffer.from(odd.body), Buffer.from(plain.body))).toBe(0);
  });

  it("gives the same bytes for the same plan", async () => {
    const edits: Edits = { resize: { width: 120 }, overlayWith: { bucket: "shop", key: "logo.png", wRatio: "50" } };
    const [a, b] = await Promise.all([run(photo, edits, { outputFormat: "avif" }), run(photo, edits, { outputFormat: "avif" })]);
    expect(Buffer.compare(Buffer.from(a.body), Buffer.from(b.body))).toBe(0);
  });
});

describe("formats", () => {
  it.each([
    ["jpeg", "image/jpeg", "jpeg"],
    ["png", "image/png", "png"],
    ["webp", "image/webp", "webp"],
    ["avif", "image/avif", "heif"],
    ["heif", "image/avif", "heif"],
    ["tiff", "image/tiff", "tiff"],
    ["gif", "image/gif", "gif"],
  ])("writes %s, and it looks like the original", async (outputFormat, contentType, seenAs) => {
    const made = await run(photo, { resize: { width: 320 } }, { outputFormat });
    expect(made.contentType).toBe(contentType);
    expect((await sharp(made.body).metadata()).format).toBe(seenAs);
    expect(await likeness(photo, made.body)).toBeGreaterThan(0.93);
  });

  it("writes raw pixels", async () => {
    const made = await run(quarters, {}, { outputFormat: "raw" });
    expect([made.contentType, made.body.length]).toEqual(["image/raw", 200 * 100 * 3]);
  });

  it("takes the last edit that names a format when nothing else does", async () => {
    expect((await run(photo, { resize: { width: 50 }, webp: { quality: 30 } })).contentType).toBe("image/webp");
    expect((await run(photo, { toFormat: "JPG" })).contentType).toBe("image/jpeg");
  });

  it.each(["jpeg", "webp", "avif", "png"])("reads %s, 16-bit, grey, CMYK, clear and tiny ones alike", async (outputFormat) => {
    const sixteen = await sharp(photo).toColourspace("rgb16").png().toBuffer();
    const grey = await sharp(photo).greyscale().jpeg().toBuffer();
    const cmyk = await sharp(photo).toColourspace("cmyk").jpeg().toBuffer();
    const dot = await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    for (const original of [sixteen, grey, cmyk]) {
      const made = await run(original, { resize: { width: 160 } }, { outputFormat });
      expect([made.width, made.height]).toEqual([160, 120]);
      expect((await sharp(made.body).metadata()).space).toMatch(/^(?:srgb|b-w)$/);
      expect(await likeness(original, made.body)).toBeGreaterThan(0.8);
    }
    expect((await run(dot, { resize: { width: 3 } }, { outputFormat })).width).toBe(3);
    const see = await run(clear, { resize: { width: 60 } }, { outputFormat });
    expect((await sharp(see.body).metadata()).hasAlpha).toBe(outputFormat !== "jpeg");
  });

  it("draws SVG as PNG, at the size asked for", async () => {
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10" fill="#1e1edc"/></svg>',
    );
    const made = await run(svg, { resize: { width: 400 } });
    expect([made.contentType, made.width, made.height]).toEqual(["image/png", 400, 200]);
    expect(near(await pixelAt(made.body, 399, 199), blue)).toBe(true);
  });

  it("returns the original's own bytes when nothing is asked", async () => {
    const made = await run(photo, {});
    expect(made.body).toBe(photo);
    expect(made).toMatchObject({ contentType: "image/jpeg", width: 640, height: 480, format: "jpeg" });
    expect((await run(photo, {}, { outputFormat: "jpeg", formatFrom: "accept" })).body).toBe(photo);
  });
});

describe("EXIF orientation", () => {
  const stored = async (orientation: number): Promise<Buffer> => {
    // The pixels as a camera held that way stores them.
    const upright = makeQuarters(200, 100);
    const turns: Record<number, (s: Sharp) => Sharp> = {
      1: (s) => s,
      2: (s) => s.flop(),
      3: (s) => s.rotate(180),
      4: (s) => s.flip(),
      5: (s) => s.rotate(270).flop(),
      6: (s) => s.rotate(270),
      7: (s) => s.rotate(90).flop(),
      8: (s) => s.rotate(90),
    };
    const turned = await (turns[orientation]?.(upright) ?? upright).png().toBuffer();
    const pixels =
      orientation === 5 || orientation === 7
        ? await sharp(await (orientation === 5 ? makeQuarters(200, 100).rotate(270) : makeQuarters(200, 100).rotate(90)).png().toBuffer())
            .flip()
            .toBuffer()
        : turned;
    return sharp(pixels)
      .withMetadata({ orientation, exif: { IFD3: { GPSLatitude: "51/1 30/1 0/1" }, IFD0: { Artist: "somebody" } } })
      .jpeg({ quality: 95, chromaSubsampling: "4:4:4" })
      .toBuffer();
  };
  const upright = async (body: Uint8Array): Promise<boolean> => {
    const { width, height } = await sharp(body).metadata();
    const at = (x: number, y: number): ReturnType<typeof pixelAt> => pixelAt(body, Math.floor(width * x), Math.floor(height * y));
    const [a, b, c, d] = [await at(0.25, 0.25), await at(0.75, 0.25), await at(0.25, 0.75), await at(0.75, 0.75)];
    return near(a, red) && near(b, green) && near(c, blue) && near(d, white);
  };

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("%i: upright and without EXIF on every path that changes pixels", async (orientation) => {
    const original = await stored(orientation);
    const paths: readonly [Edits, Partial<ImageRequest>][] = [
      [{ resize: { width: 100 } }, {}],
      [{ resize: { width: 100, height: 50 } }, {}],
      [{ grayscale: false }, {}],
      [{}, { outputFormat: "webp" }],
      [{ rotate: undefined, resize: { width: 120 } }, { requestType: "thumbor" }],
      [{ rotate: null, resize: { width: 120 } }, { requestType: "thumbor" }],
      [{ resize: { width: 100 } }, { maxBytes: 50_000 }],
      [{ overlayWith: { bucket: "shop", key: "logo.png", wRatio: 10, options: { left: 0, top: 0 } } }, {}],
      [{ crop: { left: 0, top: 0, width: 200, height: 100 } }, {}],
    ];
    for (const [edits, more] of paths) {
      const made = await run(original, edits, more);
      expect(made.width).toBeGreaterThan(made.height);
      expect(await upright(made.body)).toBe(true);
      const { orientation: left, exif } = await sharp(made.body).metadata();
      expect([left ?? 1, exif]).toEqual([1, undefined]);
    }
  });

  it("leaves the picture as it lies when Base64 JSON says rotate null", async () => {
    const made = await run(await stored(6), { rotate: null, resize: { width: 50 } });
    expect([made.width, made.height]).toEqual([50, 100]);
    expect((await sharp(made.body).metadata()).exif).toBeUndefined();
  });

  it("turns first and then by the angle, in open; strict keeps the tag and the stored sides", async () => {
    const original = await stored(6);
    const open = await run(original, { rotate: 90 });
    expect([open.width, open.height]).toEqual([100, 200]);
    const strict = await run(original, { resize: { width: 50 } }, { compat: "strict" });
    expect([strict.width, strict.height]).toEqual([50, 100]);
    const { orientation, exif } = await sharp(strict.body).metadata();
    expect(orientation).toBe(6);
    expect(exif?.includes("somebody")).toBe(true);
  });

  it("keeps what was asked to be kept, and turns it all the same", async () => {
    const made = await run(await stored(6), { resize: { width: 100 } }, { keepMetadata: true });
    const { exif, orientation } = await sharp(made.body).metadata();
    expect([made.width, made.height, orientation ?? 1]).toEqual([100, 50, 1]);
    expect(exif?.includes("somebody")).toBe(true);
  });

  it("turns a picture resized before the turn without cutting it", async () => {
    const made = await run(quarters, { resize: { width: 100, height: 50 }, rotate: 90 });
    expect([made.width, made.height]).toEqual([50, 100]);
    expect(near(await pixelAt(made.body, 10, 10), blue)).toBe(true);
  });

  it("converts a wide gamut to sRGB, the tag going with it", async () => {
    const wide = await sharp({ create: { width: 20, height: 20, channels: 3, background: { r: 0, g: 255, b: 0 } } })
      .withIccProfile("p3")
      .png()
      .toBuffer();
    const made = await run(wide, { resize: { width: 10 } });
    const plain = await sharp(wide).resize(10).toBuffer();
    expect((await sharp(made.body).metadata()).hasProfile).toBe(false);
    expect(await pixelAt(made.body, 5, 5)).toEqual(await pixelAt(plain, 5, 5));
  });
});

describe("overlayWith", () => {
  const magenta = [250, 0, 250];
  it.each([
    ["in the middle", {}, 100, 50],
    ["from the left and top", { left: "10", top: "5" }, 12, 7],
    ["from the right and bottom", { left: -10, top: "-5" }, 188, 93],
    ["by percent", { left: "50p", top: "50p" }, 102, 52],
    ["by percent from the right", { left: "-10p", top: "-10p" }, 178, 88],
    ["by gravity", { gravity: "southeast" }, 198, 98],
    ["by one side only", { left: "0" }, 2, 50],
  ])("lies %s", async (_, options, x, y) => {
    const made = await run(quarters, { overlayWith: { bucket: "shop", key: "logo.png", options } }, { outputFormat: "png" });
    expect([made.width, made.height]).toEqual([200, 100]);
    expect(near(await pixelAt(made.body, x, y), magenta)).toBe(true);
  });

  it("is sized in percent of the base, after the resize before it", async () => {
    const made = await run(
      quarters,
      { resize: { width: 400 }, overlayWith: { bucket: "shop", key: "logo.png", wRatio: "50", hRatio: 100, options: { left: 0, top: 0 } } },
      { outputFormat: "png" },
    );
    expect(near(await pixelAt(made.body, 197, 97), magenta)).toBe(true);
    expect(near(await pixelAt(made.body, 203, 20), magenta)).toBe(false);
  });

  it.each([
    ["0", 250],
    [50, 235],
    ["100", 220],
    ["101", 250],
    ["1.5", 250],
  ])("is %s percent clear", async (alpha, expected) => {
    const made = await run(
      quarters,
      { overlayWith: { bucket: "shop", key: "logo.png", alpha, options: { left: 0, top: 0 } } },
      { outputFormat: "png" },
    );
    expect(Math.abs((await pixelAt(made.body, 5, 5)).r - expected)).toBeLessThan(5);
  });

  it("lies at the same place of every frame of an animation", async () => {
    const animation = await makeAnimation(80, 60, 5);
    const made = await run(animation, {
      resize: { width: 80 },
      overlayWith: { bucket: "shop", key: "logo.png", options: { left: 0, top: 0 } },
    });
    const { pages, height } = await sharp(made.body).metadata();
    expect([pages, height, made.height]).toEqual([5, 60, 60]);
    for (let page = 0; page < 5; page++)
      expect(near(await pixelAt(await sharp(made.body, { page }).png().toBuffer(), 5, 5), magenta)).toBe(true);
  });

  it("is refused when larger than the base, when no picture, when misnamed; what the reader throws passes through", async () => {
    await expect(run(quarters, { overlayWith: { bucket: "shop", key: "huge.png" } })).rejects.toEqual(refusal("OverlayImageException"));
    await expect(run(quarters, { overlayWith: { bucket: "shop", key: "logo.png" }, resize: { width: 10 } })).rejects.toEqual(
      refusal("OverlayImageException"),
    );
    await expect(run(quarters, { overlayWith: { bucket: "shop", key: "broken.png" } })).rejects.toEqual(refusal("OverlayImageException"));
    await expect(run(quarters, { overlayWith: "logo.png" })).rejects.toEqual(refusal("InvalidEdit"));
    await expect(run(quarters, { overlayWith: { bucket: "shop", key: "none.png" } })).rejects.toEqual(refusal("OverlayImageException"));
    const ill = { readOverlay: () => Promise.reject(new StockroomError("busy", "ILL", "Expected the source to be well.")) };
    await expect(run(quarters, { overlayWith: { bucket: "shop", key: "logo.png" } }, {}, ill)).rejects.toMatchObject({ code: "ILL" });
  });

  it("never lets options name another input", async () => {
    const options = {
      input: "/etc/passwd",
      raw: { width: 1, height: 1, channels: 4 },
      limitInputPixels: 0,
      failOn: "none",
      left: 0,
      top: 0,
    };
    const made = await run(quarters, { overlayWith: { bucket: "shop", key: "logo.png", options } }, { outputFormat: "png" });
    expect(near(await pixelAt(made.body, 5, 5), magenta)).toBe(true);
  });
});

describe("smartCrop and contentModeration", () => {
  const faces: readonly Face[] = [
    { left: 0.1, top: 0.1, width: 0.2, height: 0.2, confidence: 0.6 },
    { left: 0.5, top: 0.5, width: 0.25, height: 0.5, confidence: 0.9 },
  ];
  const detector = (found: readonly Face[] = faces) => ({ faces: async () => found });

  it("cuts to the surest face, or the one asked for, with padding to the edges", async () => {
    const first = await run(quarters, { smartCrop: true }, {}, { detector: detector() });
    expect([first.width, first.height]).toEqual([50, 50]);
    expect(near(await pixelAt(first.body, 25, 25), white)).toBe(true);
    const second = await run(quarters, { smartCrop: { faceIndex: 1, padding: 15 } }, {}, { detector: detector() });
    expect([second.width, second.height]).toEqual([70, 50]);
    expect(near(await pixelAt(second.body, 20, 20), red)).toBe(true);
  });

  it("then resizes what is left, and finds faces of a resized picture where they are", async () => {
    const after = await run(quarters, { smartCrop: true, resize: { width: 20 } }, {}, { detector: detector() });
    expect([after.width, after.height]).toEqual([20, 20]);
    const before = await run(quarters, { resize: { width: 400 }, smartCrop: true }, {}, { detector: detector() });
    expect([before.width, before.height]).toEqual([100, 100]);
    expect(near(await pixelAt(before.body, 50, 50), white)).toBe(true);
  });

  it("leaves the picture whole without faces; refuses an index too high and padding that leaves nothing", async () => {
    const whole = await run(quarters, { smartCrop: true }, {}, { detector: detector([]) });
    expect([whole.width, whole.height]).toEqual([200, 100]);
    await expect(run(quarters, { smartCrop: { faceIndex: 2 } }, {}, { detector: detector() })).rejects.toEqual(
      refusal("SmartCrop::FaceIndexOutOfRange"),
    );
    await expect(run(quarters, { smartCrop: { padding: -40 } }, {}, { detector: detector() })).rejects.toEqual(
      refusal("SmartCrop::PaddingOutOfBounds"),
    );
  });

  it("shows the detector an upright JPEG, once an original however it is resized", async () => {
    const lying = await sharp(quarters).rotate(270).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const seen: { id: string; width: number; height: number; format: string | undefined }[] = [];
    const known = new Map<string, readonly Face[]>();
    const watching = {
      recall: (id: string) => known.get(id),
      faces: async (picture: Uint8Array, facts: { id: string; width: number; height: number }) => {
        seen.push({ id: facts.id, width: facts.width, height: facts.height, format: (await sharp(picture).metadata()).format });
        known.set(facts.id, faces);
        return faces;
      },
    };
    await run(lying, { smartCrop: true }, {}, { detector: watching, originalId: "shop/a@1" });
    const again = await run(lying, { resize: { width: 100 }, smartCrop: true }, {}, { detector: watching, originalId: "shop/a@1" });
    expect(near(await pixelAt(again.body, 10, 10), white)).toBe(true);
    expect(seen).toEqual([{ id: "shop/a@1", width: 200, height: 100, format: "jpeg" }]);
    await run(
      lying,
      { crop: { left: 0, top: 0, width: 50, height: 50 }, smartCrop: true },
      {},
      { detector: watching, originalId: "shop/a@1" },
    );
    expect(seen.at(-1)).toMatchObject({ width: 50, height: 50 });
    expect(seen).toHaveLength(2);
  });

  it("without a detector cuts to what draws attention, in the shape that is asked for", async () => {
    const sky = sharp({ create: { width: 400, height: 200, channels: 3, background: "#a0c4e8" } });
    const spot = await sharp({ create: { width: 30, height: 30, channels: 3, background: "#ff2000" } })
      .png()
      .toBuffer();
    const original = await sky
      .composite([{ input: spot, left: 340, top: 80 }])
      .jpeg()
      .toBuffer();
    const made = await run(original, { smartCrop: true, resize: { width: 50, height: 50 } });
    expect([made.width, made.height]).toEqual([50, 50]);
    const { data } = await sharp(made.body).raw().toBuffer({ resolveWithObject: true });
    let reddish = 0;
    for (let i = 0; i < data.length; i += 3) if ((data[i] ?? 0) > 200 && (data[i + 1] ?? 0) < 100) reddish += 1;
    expect(reddish).toBeGreaterThan(20);
  });

  it.each([
    [true, [{ name: "Violence", confidence: 90 }], true],
    [true, [{ name: "Violence", confidence: 70 }], false],
    [true, [{ name: "Violence", confidence: 0.9 }], true],
    [true, [{ name: "Violence", confidence: 0.7 }], false],
    [{ minConfidence: 60 }, [{ name: "Violence", confidence: 70 }], true],
    [{ moderationLabels: ["Drugs"] }, [{ name: "Violence", confidence: 99 }], false],
    [{ moderationLabels: ["Violence"], blur: 9.2 }, [{ name: "Violence", confidence: 99 }], true],
    [{ blur: 0 }, [{ name: "Violence", confidence: 99 }], false],
    [true, [], false],
    [false, [{ name: "Violence", confidence: 99 }], false],
  ])("contentModeration %j with %j blurs: %s", async (value, labels, blurs) => {
    const made = await run(photo, { contentModeration: value }, {}, { moderator: { labels: async () => labels } });
    expect(made.body.length < photo.length / 3 || (await likeness(photo, made.body)) < 0.7).toBe(blurs);
  });

  it("shows nothing unmoderated when no moderator is set up", async () => {
    await expect(run(photo, { contentModeration: true })).rejects.toEqual(refusal("ContentModeration::NotConfigured", 500));
  });
});

describe("round edges", () => {
  it("roundCrop keeps an ellipse and cuts the empty edges away", async () => {
    const made = await run(quarters, { roundCrop: true }, { outputFormat: "png" });
    expect(Math.abs(made.width - 100) <= 2 && Math.abs(made.height - 100) <= 2).toBe(true);
    expect((await pixelAt(made.body, 1, 1)).alpha).toBe(0);
    expect((await pixelAt(made.body, 50, 50)).alpha).toBe(255);
    const part = await run(quarters, { roundCrop: { rx: 20, ry: 10, left: 40, top: 30 } }, { outputFormat: "png" });
    expect(Math.abs(part.width - 40) <= 2 && Math.abs(part.height - 20) <= 2).toBe(true);
    expect(near(await pixelAt(part.body, 20, 10), red)).toBe(true);
  });

  it("roundCrop goes on with later edits and takes no words for numbers", async () => {
    const made = await run(quarters, { roundCrop: { rx: '10"/><script/>' }, resize: { width: 30, height: 30 } }, { outputFormat: "webp" });
    expect([made.width, made.height]).toEqual([30, 30]);
  });

  it("round_corner is clear or coloured", async () => {
    const corner = { rx: 20, ry: 20, background: { r: 0, g: 0, b: 0 }, transparent: true };
    const hole = await run(quarters, { resize: { width: 200 } }, { outputFormat: "png", roundCorner: corner });
    expect((await pixelAt(hole.body, 0, 0)).alpha).toBe(0);
    expect((await pixelAt(hole.body, 100, 0)).alpha).toBe(255);
    const solid = await run(
      quarters,
      { resize: { width: 200 } },
      { outputFormat: "png", roundCorner: { ...corner, transparent: false, background: { r: 30, g: 30, b: 220 } } },
    );
    expect(near(await pixelAt(solid.body, 0, 0), blue)).toBe(true);
    expect(near(await pixelAt(solid.body, 40, 20), red)).toBe(true);
  });
});

describe("thumbor's own words", () => {
  it("focal keeps its part in view", async () => {
    const left = await run(quarters, { resize: { width: 50, height: 50 } }, { focal: { left: 0, top: 0, width: 40, height: 100 } });
    expect([left.width, left.height]).toEqual([50, 50]);
    expect(near(await pixelAt(left.body, 48, 5), red)).toBe(true);
    const right = await run(
      quarters,
      { crop: { left: 100, top: 0, width: 100, height: 100 }, resize: { width: 25, height: 50 } },
      { focal: { left: 190, top: 0, width: 10, height: 10 } },
    );
    expect([right.width, right.height]).toEqual([25, 50]);
    expect(near(await pixelAt(right.body, 3, 3), green)).toBe(true);
  });

  it.each(["jpeg", "webp", "avif"])("max_bytes finds the best quality of %s that fits", async (outputFormat) => {
    const free = await run(photo, { resize: { width: 320 } }, { outputFormat });
    const maxBytes = Math.round(free.body.length * 0.6);
    const made = await run(photo, { resize: { width: 320 } }, { outputFormat, maxBytes });
    expect(made.body.length).toBeLessThanOrEqual(maxBytes);
    expect(made.body.length).toBeGreaterThan(maxBytes * 0.5);
    const most = await run(photo, { resize: { width: 320 } }, { outputFormat, maxBytes: 10 });
    expect(most.width).toBe(320);
    expect(await likeness(photo, made.body)).toBeGreaterThan(await likeness(photo, most.body));
  });

  it("trims by the colour of the corner that is asked for", async () => {
    const inner = await sharp({ create: { width: 60, height: 40, channels: 3, background: "#d01010" } })
      .png()
      .toBuffer();
    const framed = await sharp(inner).extend({ top: 10, left: 10, background: "white" }).toBuffer();
    const both = await sharp(await sharp(framed).toBuffer())
      .extend({ bottom: 8, right: 8, background: "black" })
      .toBuffer();
    const first = await run(both, { trim: {} });
    expect(first.width).toBe(78);
    const last = await run(both, { trim: {} }, { trimFrom: "bottom-right" });
    expect([last.width, last.height]).toEqual([70, 50]);
  });
});

describe("animations", () => {
  it.each(["gif", "webp"] as const)("keeps frames, delays and loops from GIF to %s, also after a crop", async (outputFormat) => {
    const animation = await makeAnimation(80, 60, 6);
    const made = await run(animation, { crop: { left: 0, top: 0, width: 40, height: 30 }, resize: { width: 20 } }, { outputFormat });
    const { pages, delay, loop, pageHeight } = await sharp(made.body, { animated: true }).metadata();
    expect({ pages, delay, loop, pageHeight, width: made.width, height: made.height }).toEqual({
      pages: 6,
      delay: [80, 80, 80, 80, 80, 80],
      loop: 3,
      pageHeight: 15,
      width: 20,
      height: 15,
    });
  });

  it("shows the first frame in formats that stand still and says so, and when asked to", async () => {
    const animation = await makeAnimation(80, 60, 6);
    for (const outputFormat of ["jpeg", "png", "avif"]) {
      const still = await run(animation, {}, { outputFormat });
      expect([still.width, still.height, still.notes]).toEqual([80, 60, ["first-frame"]]);
      expect(near(await pixelAt(still.body, 5, 5), [255, 50, 0])).toBe(true);
    }
    const still = await run(animation, { animated: false, resize: { width: 40 } });
    expect([(await sharp(still.body).metadata()).pages ?? 1, still.notes]).toEqual([1, undefined]);
    // In strict a WebP stands still unless asked, as in the classic handler.
    const webp = await makeAnimation(80, 60, 4, "webp");
    const classic = await run(webp, { resize: { width: 40 } }, { compat: "strict" });
    expect([(await sharp(classic.body).metadata()).pages ?? 1, classic.notes]).toEqual([1, ["first-frame"]]);
    expect((await sharp((await run(webp, { animated: true, resize: { width: 40 } })).body).metadata()).pages).toBe(4);
  });

  it("keep moving wherever the format can, also when the browser chooses it", async () => {
    for (const source of ["gif", "webp"] as const) {
      const animation = await makeAnimation(80, 60, 4, source);
      const ways: readonly (readonly [Partial<ImageRequest>, string])[] = [
        [{}, source],
        [{ outputFormat: "avif", formatFrom: "accept", autoFormats: ["avif", "webp"] }, "webp"],
        [{ outputFormat: "avif", formatFrom: "accept", autoFormats: ["avif"] }, source],
        [{ outputFormat: "gif" }, "gif"],
        [{ outputFormat: "webp" }, "webp"],
      ];
      for (const [more, format] of ways) {
        const made = await run(animation, { resize: { width: 40 } }, more);
        const { pages, delay } = await sharp(made.body, { animated: true }).metadata();
        expect([source, made.format, pages, delay, made.notes]).toEqual([source, format, 4, [80, 80, 80, 80], undefined]);
      }
    }
    const untouched = await makeAnimation(80, 60, 4, "webp");
    const auto = { outputFormat: "avif", formatFrom: "accept", autoFormats: ["avif"] } as const;
    expect(Buffer.from((await run(untouched, {}, auto)).body).equals(untouched)).toBe(true);
  });

  it("leaves out what the classic handler leaves out of animations, in strict", async () => {
    const animation = await makeAnimation(80, 60, 3);
    const edits = { rotate: 90, roundCrop: true, smartCrop: true, contentModeration: true, resize: { width: 40 } };
    const made = await run(animation, edits, { compat: "strict" });
    expect([made.width, made.height]).toEqual([40, 30]);
  });

  it("turns, mirrors and cuts every frame", async () => {
    // Frame by frame another colour, and a mark in the upper left corner.
    const frames = [0, 120, 240].map((red) => {
      const pixels = Buffer.alloc(40 * 20 * 3);
      for (let at = 0; at < 40 * 20; at++) pixels.set(at % 40 < 10 && at < 40 * 5 ? [0, 255, 0] : [red, 0, 90], at * 3);
      return pixels;
    });
    const raw = { width: 40, height: 60, channels: 3, pageHeight: 20 } as const;
    const animation = await sharp(Buffer.concat(frames), { raw })
      .webp({ lossless: true, delay: [50, 60, 70] })
      .toBuffer();
    const places: readonly (readonly [Edits, number, number, number, number])[] = [
      [{ rotate: 90 }, 20, 40, 18, 3],
      [{ rotate: 180 }, 40, 20, 37, 18],
      [{ rotate: -90 }, 20, 40, 2, 37],
      [{ flip: true }, 40, 20, 3, 18],
      [{ flop: true }, 40, 20, 37, 2],
      [{ crop: { left: 0, top: 0, width: 20, height: 20 }, rotate: 90 }, 20, 20, 18, 3],
      [{ rotate: 90, resize: { width: 10 } }, 10, 20, 9, 1],
      [{ roundCrop: { rx: 100, ry: 100, left: 0, top: 0 } }, 40, 20, 3, 2],
    ];
    for (const [edits, width, height, x, y] of places) {
      const made = await run(animation, { ...edits, webp: { lossless: true } });
      const { pages, delay } = await sharp(made.body, { animated: true }).metadata();
      expect([edits, made.width, made.height, pages, delay]).toEqual([edits, width, height, 3, [50, 60, 70]]);
      for (const [page, red] of [0, 120, 240].entries()) {
        const still = await sharp(made.body, { page }).png().toBuffer();
        expect([edits, page, near(await pixelAt(still, x, y), [0, 255, 0])]).toEqual([edits, page, true]);
        const middle = await pixelAt(still, Math.floor(width / 2), Math.floor(height / 2));
        expect([edits, page, near(middle, [red, 0, 90])]).toEqual([edits, page, true]);
      }
    }
  });

  it("are looked at before they are shown, at their beginning, middle and end", async () => {
    const animation = await makeAnimation(80, 60, 7);
    const seen: number[] = [];
    const moderator = {
      labels: async (picture: Uint8Array) => {
        const { b } = await pixelAt(picture, 20, 20);
        seen.push(b);
        return b > 200 ? [{ name: "blue", confidence: 99 }] : [];
      },
    };
    const plain = await run(animation, { resize: { width: 80 } });
    const blurred = await run(animation, { contentModeration: { blur: 20 } }, {}, { moderator });
    expect(seen.map((b) => Math.round(b / 100))).toEqual([0, 1, 3]);
    expect((await sharp(blurred.body, { animated: true }).metadata()).pages).toBe(7);
    expect(Buffer.from(blurred.body).equals(plain.body)).toBe(false);
    const face = { left: 0.25, top: 0.25, width: 0.5, height: 0.5, confidence: 9 };
    const cropped = await run(animation, { smartCrop: true }, {}, { detector: { faces: async () => [face] } });
    expect([cropped.width, cropped.height, (await sharp(cropped.body, { animated: true }).metadata()).pages]).toEqual([40, 30, 7]);
    const attention = await run(animation, { smartCrop: true });
    expect([attention.width, attention.height, (await sharp(attention.body, { animated: true }).metadata()).pages]).toEqual([60, 60, 7]);
  });
});

describe("placeholders and info", () => {
  it("describes the picture as it is seen", async () => {
    const lying = await sharp(quarters).withMetadata({ orientation: 6 }).toBuffer();
    const made = await run(lying, {}, { answer: { kind: "info" } });
    expect(made.contentType).toBe("application/json");
    expect(JSON.parse(Buffer.from(made.body).toString())).toMatchObject({
      format: "jpeg",
      width: 100,
      height: 200,
      orientation: 6,
      pages: 1,
      hasAlpha: false,
      bytes: lying.length,
    });
  });

  it("makes a BlurHash, a tiny picture and a colour, after the edits", async () => {
    const one = async (placeholder: "blurhash" | "lqip" | "color", edits: Edits = {}): Promise<Record<string, string | number>> =>
      JSON.parse(Buffer.from((await run(quarters, edits, { answer: { kind: "placeholder", placeholder } })).body).toString());
    expect(await one("blurhash")).toMatchObject({
      width: 200,
      height: 100,
      blurhash: expect.stringMatching(/^[\w#$%*+,.:;=?@[\]^{|}~-]{28}$/),
    });
    const { lqip } = await one("lqip");
    const tiny = Buffer.from(String(lqip).split(",")[1] ?? "", "base64");
    expect((await sharp(tiny).metadata()).width).toBe(16);
    expect(await likeness(quarters, tiny)).toBeGreaterThan(0.5);
    expect((await one("color", { crop: { left: 0, top: 0, width: 100, height: 50 } }))["color"]).toMatch(
      /^#(?:d[a-f0-9]|e[0-3])(?:1|2)[a-f0-9](?:1|2)[a-f0-9]$/,
    );
  });
});

describe("errors", () => {
  it.each<[string, Edits, string]>([
    ["a crop with words", { crop: { left: "a", top: 0, width: 1, height: 1 } }, "Crop::AreaOutOfBounds"],
    ["a crop outside", { crop: { left: 600, top: 0, width: 100, height: 10 } }, "Crop::AreaOutOfBounds"],
    ["a crop of nothing", { crop: { left: 0, top: 0, width: 0, height: 10 } }, "Crop::AreaOutOfBounds"],
    ["a crop with less than nothing", { crop: { left: -1, top: 0, width: 10, height: 10 } }, "Crop::AreaOutOfBounds"],
    ["a crop with parts of pixels", { crop: { left: 0.5, top: 0, width: 10, height: 10 } }, "Crop::AreaOutOfBounds"],
    ["a crop that is none", { crop: true }, "Crop::AreaOutOfBounds"],
    [
      "a crop outside after a resize",
      { resize: { width: 100 }, crop: { left: 50, top: 0, width: 60, height: 10 } },
      "Crop::AreaOutOfBounds",
    ],
    ["a width of zero", { resize: { width: 0 } }, "InvalidResizeException"],
    ["a negative height", { resize: { height: "-5" } }, "InvalidResizeException"],
    ["a width that is no number", { resize: { width: "wide" } }, "InvalidResizeException"],
    ["endless width", { resize: { width: 1e308 } }, "InvalidResizeException"],
    ["70,000 pixels", { resize: { width: 70_000 } }, "InvalidResizeException"],
    ["70,000 by one", { resize: { width: 70_000, height: 1, fit: "fill" } }, "InvalidResizeException"],
    ["a ratio of a thousand", { resize: { ratio: 1000 } }, "InvalidResizeException"],
    [
      "an upscale that is cut again",
      { resize: { width: 16_000, height: 16_000 }, crop: { left: 0, top: 0, width: 1, height: 1 } },
      "InvalidResizeException",
    ],
    ["an endless extension", { extend: { top: 1e8 } }, "InvalidResizeException"],
    ["an affine blow-up", { affine: [900, 0, 0, 900] }, "InvalidResizeException"],
    ["an unknown fit", { resize: { width: 10, fit: "round" } }, "InvalidEdit"],
    ["a blur too strong", { blur: 5000 }, "InvalidEdit"],
    ["an enormous median", { median: 999 }, "InvalidEdit"],
    ["a gamma that is no number", { gamma: "x" }, "InvalidEdit"],
    ["no gamma, which is none of its values", { gamma: false }, "InvalidEdit"],
    ["a median that is no number", { median: "5" }, "InvalidEdit"],
    ["a threshold that is no number", { threshold: "high" }, "InvalidEdit"],
    ["a threshold in an object", { threshold: { value: 3 } }, "InvalidEdit"],
    ["a sharpness that is no number", { sharpen: "2" }, "InvalidEdit"],
    ["an opacity that is no number", { ensureAlpha: "half" }, "InvalidEdit"],
    ["bounds that are no object", { normalise: [1, 99] }, "InvalidEdit"],
    ["a negative that is no object", { negate: "yes" }, "InvalidEdit"],
    ["a trim that is no number", { trim: "10" }, "InvalidEdit"],
    ["no trim, which is none of its values", { trim: false }, "InvalidEdit"],
    ["an enormous kernel", { convolve: { width: 999, height: 999, kernel: [1] } }, "InvalidEdit"],
    ["a file as a channel", { joinChannel: "/etc/passwd" }, "InvalidEdit"],
    ["files as channels", { joinChannel: ["/etc/passwd"] }, "InvalidEdit"],
    [
      "a made picture as a channel",
      { joinChannel: { create: { width: 1e5, height: 1e5, channels: 3, background: "red" } } },
      "InvalidEdit",
    ],
    ["a file as operand", { boolean: "/etc/passwd" }, "InvalidEdit"],
    ["a colour that is none", { tint: "no colour" }, "InvalidEdit"],
    ["a colour space that is none", { toColourspace: "nowhere" }, "InvalidEdit"],
    ["a format that is none", { toFormat: "exe" }, "InvalidEdit"],
    ["a quality that is none", { jpeg: { quality: 400 } }, "InvalidEdit"],
    ["an angle that is none", { rotate: "left" }, "InvalidEdit"],
    ["a matrix that is none", { affine: [1, 2] }, "InvalidEdit"],
  ])("%s is a 400 with its code", async (_, edits, code) => {
    await expect(run(photo, edits)).rejects.toEqual(refusal(code));
  });

  it("joins channels and combines bits of other allowed pictures, by bucket and key", async () => {
    // The logo is one colour, (250, 0, 250): as a channel its grey, as an operand its bits.
    const joined = await run(quarters, { joinChannel: { bucket: "shop", key: "logo.png" } }, { outputFormat: "png" });
    expect([joined.width, (await sharp(joined.body).metadata()).channels]).toEqual([200, 4]);
    const { alpha } = await pixelAt(joined.body, 150, 80);
    expect(alpha > 50 && alpha < 150).toBe(true);
    const combined = await run(quarters, { boolean: { key: "logo.png", operator: "and" } }, { outputFormat: "png" });
    expect([combined.width, near(await pixelAt(combined.body, 150, 80), [240, 0, 240])]).toEqual([200, true]);
    expect(near(await pixelAt(combined.body, 150, 20), [30, 0, 30])).toBe(true);
  });

  it("strict: a bad value is a 400 too, a large answer the classic 413", async () => {
    await expect(run(photo, { blur: 5000 }, { compat: "strict" })).rejects.toEqual(refusal("InvalidEdit"));
    const large = await sharp(photo).resize({ width: 2200 }).png({ compressionLevel: 0 }).toBuffer();
    await expect(run(large, { png: { compressionLevel: 0 } }, { compat: "strict" })).rejects.toEqual(
      refusal("TooLargeImageException", 413),
    );
    expect((await run(large, { png: { compressionLevel: 0 } })).body.length).toBeGreaterThan(6_000_000);
  });

  it("stops when the caller has gone", async () => {
    await expect(run(photo, { resize: { width: 10 } }, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });
});
