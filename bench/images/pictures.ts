// What one picture costs: our plan against raw sharp doing the same in the same process, and what each effort of an encoder costs.
//
//     node bench/images/pictures.ts [--quick]
//
// CPU time of this process (user + system, all threads), not wall time: the machine may be busy. Ours and raw sharp take turns, so that
// both see the same neighbours, and the ratio is that of the two medians.

import process from "node:process";
import sharp, { type Sharp } from "sharp";
import { encodeMs } from "../../src/images/engine/pictures/effort.ts";
import { requestOf } from "../../test/kit/pictures.ts";
import { likeness, makePhoto } from "../../src/images/engine/pictures/fixtures/photos.ts";
import type { Edits } from "../../src/images/engine/plan.ts";
import { transform } from "../../src/images/engine/pictures/transform.ts";
import { type Cell, machine, writeResult } from "../machine.ts";

const quick = process.argv.includes("--quick");
const rounds = quick ? 5 : 15;
sharp.cache(false);
sharp.concurrency(1);

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const photo12 = await (await makePhoto(4000, 3000, 1)).jpeg({ quality: 88 }).toBuffer();
const photo2k = await makePhoto(2048, 1365, 2);
const logo = await sharp(
  Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="160"><rect width="400" height="160" rx="30" fill="#0a58ca" fill-opacity="0.8"/><text x="40" y="105" font-size="70" fill="white">stockroom</text></svg>',
  ),
)
  .png()
  .toBuffer();
const readOverlay = (): Promise<Uint8Array> => Promise.resolve(logo);

interface Shape {
  readonly name: string;
  readonly original: Uint8Array;
  readonly edits: Edits;
  readonly outputFormat?: string;
  /** The same by hand. */
  readonly raw: (pipeline: Sharp) => Sharp;
  readonly target: number;
}

const inFormat = async (format: "jpeg" | "png" | "webp" | "avif"): Promise<Buffer> =>
  format === "avif" ? photo2k.clone().avif({ effort: 2 }).toBuffer() : photo2k.clone().toFormat(format).toBuffer();
const fit512 = { resize: { width: 512, height: 512, fit: "inside" } };
const sameFormat = await Promise.all(
  (["jpeg", "png", "webp", "avif"] as const).map(async (format): Promise<Shape> => ({
    name: `2K ${format.toUpperCase()} -> fit 512, same format`,
    original: await inFormat(format),
    edits: fit512,
    raw: (pipeline) => {
      const resized = pipeline.resize({ width: 512, height: 512, fit: "inside" });
      return format === "avif" ? resized.avif({ effort: 0 }) : resized;
    },
    target: 1.08,
  })),
);

const shapes: readonly Shape[] = [
  { name: "12 MP JPEG -> 800 px JPEG", original: photo12, edits: { resize: { width: 800 } }, raw: (s) => s.resize(800), target: 1.08 },
  {
    name: "12 MP JPEG -> 800 px WebP",
    original: photo12,
    edits: { resize: { width: 800 } },
    outputFormat: "webp",
    raw: (s) => s.resize(800).webp(),
    target: 1.08,
  },
  {
    name: "12 MP JPEG -> 800 px AVIF",
    original: photo12,
    edits: { resize: { width: 800 } },
    outputFormat: "avif",
    raw: (s) => s.resize(800).avif({ effort: 0 }),
    target: 1.08,
  },
  ...sameFormat,
];

interface Compared {
  readonly ours: number;
  readonly raw: number;
  readonly alike: number;
}

async function compare(ours: () => Promise<Uint8Array>, raw: () => Promise<Uint8Array>, times = rounds): Promise<Compared> {
  const alike = await likeness(await ours(), await raw());
  const mine: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < times; round++) {
    const first = round % 2 === 0;
    if (first) mine.push(await cpuMs(ours));
    theirs.push(await cpuMs(raw));
    if (!first) mine.push(await cpuMs(ours));
  }
  return { ours: median(mine), raw: median(theirs), alike };
}

const rows: Cell[][] = [];
const facts: Record<string, Compared> = {};
for (const { name, original, edits, outputFormat, raw, target } of shapes) {
  const plan = requestOf(edits, outputFormat === undefined ? {} : { outputFormat });
  const compared = await compare(
    async () => (await transform(original, plan, { readOverlay })).body,
    () => raw(sharp(original)).toBuffer(),
  );
  facts[name] = compared;
  const ratio = compared.ours / compared.raw;
  rows.push([name, compared.ours, compared.raw, ratio, `<= ${target}`, ratio <= target ? "met" : "missed", compared.alike]);
  console.log(name, compared, ratio.toFixed(3));
}

// A watermark against the plain resize of our own, and against the same by hand.
const marked: Edits = {
  resize: { width: 800 },
  overlayWith: { bucket: "photos", key: "logo.png", wRatio: "25", alpha: "30", options: { left: "-20", top: "-20" } },
};
const plain = requestOf({ resize: { width: 800 } }, {});
const watermark = await compare(
  async () => (await transform(photo12, requestOf(marked, {}), { readOverlay })).body,
  async () => (await transform(photo12, plain, { readOverlay })).body,
);
const markRatio = watermark.ours / watermark.raw;
console.log("watermark", watermark, markRatio.toFixed(3));

// What the classic way costs: two decodes of the base, an encode and a decode of each part on the way.
const classicWay = async (): Promise<Uint8Array> => {
  const base = sharp(photo12).withMetadata().resize(800);
  const sized = await sharp(await base.clone().toBuffer()).metadata();
  const overlay = await sharp(logo)
    .resize({ width: Math.floor(sized.width * 0.25), fit: "inside" })
    .composite([{ input: Buffer.from([255, 255, 255, 178]), raw: { width: 1, height: 1, channels: 4 }, tile: true, blend: "dest-in" }])
    .toBuffer();
  const { width, height } = await sharp(overlay).metadata();
  return base.composite([{ input: overlay, left: sized.width - 20 - width, top: sized.height - 20 - height }]).toBuffer();
};
const classic = await compare(
  async () => (await transform(photo12, requestOf(marked, {}), { readOverlay })).body,
  classicWay,
  Math.ceil(rounds / 2),
);
console.log("watermark against the classic way", classic);

// Effort: what the cost model of effort.ts is held against.
const effortRows: Cell[][] = [];
for (const width of quick ? [800] : [400, 800, 1600, 4000]) {
  const { data, info } = await sharp(photo12).resize(width).raw().toBuffer({ resolveWithObject: true });
  const pixels = info.width * info.height;
  const open = (): Sharp => sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } });
  const tries: readonly (readonly ["avif" | "webp", number])[] = [
    ...(width > 1600 ? [0] : [0, 1, 2, 3, ...(width <= 800 ? [4] : [])]).map((effort) => ["avif", effort] as const),
    ...(width > 1600 ? [0] : [0, 2, 4, 6]).map((effort) => ["webp", effort] as const),
  ];
  for (const [format, effort] of tries) {
    const times: number[] = [];
    let size = 0;
    for (let i = 0; i < (effort >= 3 && format === "avif" ? 1 : 3); i++) {
      times.push(await cpuMs(async () => (size = (await open()[format]({ effort }).toBuffer()).length)));
    }
    const ms = median(times);
    effortRows.push([
      `${info.width} x ${info.height}`,
      format,
      effort,
      Math.round(ms),
      Math.round(ms / (pixels / 1e6)),
      Math.round(encodeMs(format, effort, pixels)),
      size,
    ]);
  }
}

const text = writeResult("images-pictures", {
  title: "Pictures: CPU a request against raw sharp",
  about:
    `sharp ${sharp.versions.sharp} on libvips ${sharp.versions.vips}, libaom ${sharp.versions.aom}. Ours (sniff, header, limits, plan, encode) and raw sharp take turns in one process on the same bytes, ${rounds} times each; the figures are medians of user + system ` +
    "milliseconds over all threads. libvips has one thread a picture and no cache on both sides. Likeness is SSIM of the two answers (1: the same picture). " +
    "Photos are generated (fractal noise, edges, grain).",
  command: "node bench/images/pictures.ts",
  tables: [
    { caption: "Against raw sharp", columns: ["shape", "ours, CPU ms", "raw sharp, CPU ms", "ratio", "target", "", "likeness"], rows },
    {
      caption: "A watermark on 12 MP JPEG -> 800 px",
      columns: ["compared", "with, CPU ms", "against, CPU ms", "ratio", "target", ""],
      rows: [
        ["watermark against our plain resize", watermark.ours, watermark.raw, markRatio, "<= 1.25", markRatio <= 1.25 ? "met" : "missed"],
        ["watermark against the classic handler's way (sharp calls alone)", classic.ours, classic.raw, classic.ours / classic.raw, "-", ""],
      ],
    },
    {
      caption: "What an effort costs",
      columns: ["size", "format", "effort", "CPU ms", "CPU ms a megapixel", "estimate (effort.ts), ms", "bytes"],
      rows: effortRows,
    },
  ],
  notes: [
    "AVIF is compared at effort 0, which is what our plan picks for 800 x 600 on an idle machine; the classic handler's effort 4 is in the last table.",
    "The logo of the watermark is the same each time, as in a shop: what was made of it is kept (8 MB at most), so its own decoding is not in the figure.",
    "The estimates are meant to lie above the figures: they are for busier pictures than these.",
  ],
  notMeasured: [
    "Real photographs: none can be had here; generated ones have no faces, text or camera noise, and AVIF's cost depends on such things.",
    "HTTP, sources and caches (bench/images/service.ts), and other machines than this one.",
    "Wall time: other work ran on the same cores.",
  ],
  facts: { shapes: facts, watermark, classic },
  machine: machine([]),
});
console.log(text);
