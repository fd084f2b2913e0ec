import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { makeAnimation } from "./fixtures/photos.ts";
import { isWholeGif } from "./gif.ts";

describe("a whole GIF", () => {
  it("reaches its trailer, whatever stands behind it", async () => {
    const still = await sharp({ create: { width: 9, height: 7, channels: 3, background: "red" } })
      .gif()
      .toBuffer();
    for (const gif of [still, await makeAnimation(20, 10, 5)]) {
      expect(isWholeGif(gif)).toBe(true);
      for (const more of ["\0\0\0", "\r\n", "Exif\0\0 of an editor", ";;", "\x2c\x21\xff"])
        expect(isWholeGif(Buffer.concat([gif, Buffer.from(more, "latin1")]))).toBe(true);
      // At no place can it be cut without being seen.
      for (let length = 0; length < gif.length; length++) expect([length, isWholeGif(gif.subarray(0, length))]).toEqual([length, false]);
    }
  });
});
