import * as fc from "fast-check";
import sharp from "sharp";
import { expect, it } from "vitest";
import { estimateCost } from "./estimate-cost.ts";

it("knows the size of real pictures", async () => {
  const picture = sharp({ create: { width: 301, height: 207, channels: 3, background: "#123" } });
  for (const format of ["jpeg", "png", "gif"] as const)
    expect([format, estimateCost(await picture.clone().toFormat(format).toBuffer())]).toEqual([format, 301 * 207]);
  const alpha = await sharp({ create: { width: 301, height: 207, channels: 4, background: "#1238" } })
    .webp()
    .toBuffer();
  expect(estimateCost(alpha)).toBe(301 * 207);
  const progressive = await picture
    .clone()
    .withExif({ IFD0: { Artist: "x".repeat(3_000) } })
    .jpeg({ progressive: true })
    .toBuffer();
  expect(estimateCost(progressive)).toBe(301 * 207);
});

it("answers a number for whatever bytes come", () => {
  const starts = [[0xff, 0xd8], [0x89, 0x50, 0x4e, 0x47], [0x47, 0x49, 0x46, 0x38], [...Buffer.from("RIFF0000WEBPVP8X")], []];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }), (start, rest) => {
      const pixels = estimateCost(Uint8Array.from([...start, ...rest]));
      expect(Number.isFinite(pixels) && pixels >= 0).toBe(true);
    }),
  );
});
