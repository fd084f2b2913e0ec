import * as fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { blend } from "./blend.ts";

describe("blend", () => {
  // B1: sharp's own composite is the measure.
  it("gives what sharp's composite gives, anywhere, over any alpha", async () => {
    const side = fc.integer({ min: 1, max: 9 });
    const place = fc.integer({ min: -8, max: 9 });
    const picture = fc.record({
      baseChannels: fc.constantFrom(3 as const, 4 as const),
      w: side,
      h: side,
      lw: side,
      lh: side,
      left: place,
      top: place,
      noise: fc.uint8Array({ minLength: 700, maxLength: 700 }),
    });
    await fc.assert(
      fc.asyncProperty(picture, async ({ baseChannels, w, h, lw, lh, left, top, noise }) => {
        const width = Math.max(w, lw);
        const height = Math.max(h, lh);
        const base = Uint8Array.from({ length: width * height * baseChannels }, (_, i) => noise[i % 700] ?? 0);
        const data = Uint8Array.from({ length: lw * lh * 4 }, (_, i) => noise[(i * 7 + 3) % 700] ?? 0);
        const raw = { width, height, channels: baseChannels };
        const theirs = await sharp(Buffer.from(base), { raw })
          .composite([{ input: Buffer.from(data), raw: { width: lw, height: lh, channels: 4 }, left, top }])
          .raw()
          .toBuffer({ resolveWithObject: true });
        blend(base, raw, { data, width: lw, height: lh, left, top });
        for (let i = 0; i < width * height; i++) {
          const alpha = theirs.info.channels === 4 ? (theirs.data[i * 4 + 3] ?? 0) : 255;
          for (let c = 0; c < 3; c++) {
            const difference = Math.abs((base[i * baseChannels + c] ?? 0) - (theirs.data[i * theirs.info.channels + c] ?? 0));
            // Colours of what is nearly clear are lost in sharp's own rounding.
            expect(difference * alpha).toBeLessThanOrEqual(2 * 255);
          }
          expect(Math.abs((baseChannels === 4 ? (base[i * 4 + 3] ?? 0) : 255) - alpha)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("touches nothing outside of the base", () => {
    const base = new Uint8Array([1, 2, 3]);
    blend(base, { width: 1, height: 1, channels: 3 }, { data: new Uint8Array(4).fill(255), width: 1, height: 1, left: 5, top: -5 });
    expect([...base]).toEqual([1, 2, 3]);
  });
});
