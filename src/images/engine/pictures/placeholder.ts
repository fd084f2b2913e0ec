// Placeholder: what a page shows while the picture loads.
//
// Owns: BlurHash, the tiny picture as a data URL, the dominant colour. Does not own: how they are asked for.
//   H1. They are made of at most 32 x 32 pixels, so that one costs little more than decoding.

import type { Sharp } from "sharp";
import type { PlaceholderKind } from "../plan.ts";

interface Small {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

async function shrink(pipeline: Sharp, side: number): Promise<Small> {
  const { data, info } = await pipeline
    .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true })
    .flatten({ background: "white" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** The placeholder as the value that is answered in JSON. */
export async function makePlaceholder(pipeline: Sharp, kind: PlaceholderKind): Promise<Readonly<Record<string, string>>> {
  if (kind === "lqip") {
    const tiny = await pipeline
      .resize({ width: 16, height: 16, fit: "inside", withoutEnlargement: true })
      .webp({ quality: 30, alphaQuality: 30, effort: 4 })
      .toBuffer();
    return { lqip: `data:image/webp;base64,${tiny.toString("base64")}` };
  }
  const small = await shrink(pipeline, 32);
  if (kind === "color") return { color: dominantColor(small) };
  const wide = small.width >= small.height;
  return { blurhash: encodeBlurHash(small, wide ? 4 : 3, wide ? 3 : 4) };
}

/** The commonest colour, as `#rrggbb`: the mean of the fullest of 512 boxes of the colour cube, where near-greys count a little less. */
export function dominantColor({ data }: Small): string {
  const boxes = new Map<number, { weight: number; count: number; r: number; g: number; b: number }>();
  for (let at = 0; at + 2 < data.length; at += 3) {
    const [r = 0, g = 0, b = 0] = data.subarray(at, at + 3);
    const key = ((r >> 5) << 6) | ((g >> 5) << 3) | (b >> 5);
    const box = boxes.get(key) ?? { weight: 0, count: 0, r: 0, g: 0, b: 0 };
    box.weight += 1 + (Math.max(r, g, b) - Math.min(r, g, b)) / 255;
    box.count += 1;
    box.r += r;
    box.g += g;
    box.b += b;
    boxes.set(key, box);
  }
  const [first] = [...boxes.values()].sort((a, b) => b.weight - a.weight);
  const { r, g, b, count } = first ?? { r: 255, g: 255, b: 255, count: 1 };
  return `#${[r, g, b]
    .map((sum) =>
      Math.round(sum / count)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

function base83(value: number, length: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < length; i++) {
    text = (digits[rest % 83] ?? "0") + text;
    rest = Math.floor(rest / 83);
  }
  return text;
}

const toLinear = (value: number): number => {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
};

const toSrgb = (value: number): number => {
  const v = Math.min(1, Math.max(0, value));
  return Math.trunc((v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055) * 255 + 0.5);
};

const signedRoot = (value: number): number => Math.sign(value) * Math.sqrt(Math.abs(value));

/** The BlurHash of RGB pixels: a few cosine terms in linear light, written in base 83 (the public BlurHash format). */
export function encodeBlurHash({ data, width, height }: Small, across: number, down: number): string {
  const cosines = (count: number, terms: number): Float64Array[] =>
    Array.from({ length: terms }, (_, term) => Float64Array.from({ length: count }, (__, at) => Math.cos((Math.PI * term * at) / count)));
  const horizontal = cosines(width, across);
  const vertical = cosines(height, down);
  const linear = Float64Array.from({ length: 256 }, (_, value) => toLinear(value));
  const factors: [number, number, number][] = [];
  for (const row of vertical) {
    for (const column of horizontal) {
      const sum: [number, number, number] = [0, 0, 0];
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const basis = (row[y] ?? 0) * (column[x] ?? 0);
          const at = (y * width + x) * 3;
          sum[0] += basis * (linear[data[at] ?? 0] ?? 0);
          sum[1] += basis * (linear[data[at + 1] ?? 0] ?? 0);
          sum[2] += basis * (linear[data[at + 2] ?? 0] ?? 0);
        }
      }
      const scale = (factors.length === 0 ? 1 : 2) / (width * height);
      factors.push([sum[0] * scale, sum[1] * scale, sum[2] * scale]);
    }
  }
  const [mean = [0, 0, 0], ...waves] = factors;
  const largest = Math.max(0, ...waves.flat().map(Math.abs));
  const step = waves.length === 0 ? 0 : Math.max(0, Math.min(82, Math.floor(largest * 166 - 0.5)));
  const scale = waves.length === 0 ? 1 : (step + 1) / 166;
  const quantised = (value: number): number => Math.max(0, Math.min(18, Math.floor(signedRoot(value / scale) * 9 + 9.5)));
  const [r, g, b] = mean;
  return [
    base83(across - 1 + (down - 1) * 9, 1),
    base83(step, 1),
    base83((toSrgb(r) << 16) | (toSrgb(g) << 8) | toSrgb(b), 4),
    ...waves.map(([wr, wg, wb]) => base83(quantised(wr) * 361 + quantised(wg) * 19 + quantised(wb), 2)),
  ].join("");
}
