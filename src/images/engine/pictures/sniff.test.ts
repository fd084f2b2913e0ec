import * as fc from "fast-check";
import sharp from "sharp";
import { expect, it } from "vitest";
import { formatNames, sourceType } from "../formats.ts";
import { contentTypeOf } from "../../../platform/objects/types.ts";
import { estimatePixels, sniffPicture } from "./sniff.ts";

it("knows the size of real pictures", async () => {
  const picture = sharp({ create: { width: 301, height: 207, channels: 3, background: "#123" } });
  for (const format of ["jpeg", "png", "gif"] as const)
    expect([format, estimatePixels(await picture.clone().toFormat(format).toBuffer())]).toEqual([format, 301 * 207]);
  const alpha = await sharp({ create: { width: 301, height: 207, channels: 4, background: "#1238" } })
    .webp()
    .toBuffer();
  expect(estimatePixels(alpha)).toBe(301 * 207);
  const progressive = await picture
    .clone()
    .withExif({ IFD0: { Artist: "x".repeat(3_000) } })
    .jpeg({ progressive: true })
    .toBuffer();
  expect(estimatePixels(progressive)).toBe(301 * 207);
});

it("answers a number for whatever bytes come", () => {
  const starts = [[0xff, 0xd8], [0x89, 0x50, 0x4e, 0x47], [0x47, 0x49, 0x46, 0x38], [...Buffer.from("RIFF0000WEBPVP8X")], []];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }), (start, rest) => {
      const pixels = estimatePixels(Uint8Array.from([...start, ...rest]));
      expect(Number.isFinite(pixels) && pixels >= 0).toBe(true);
    }),
  );
});

it("tells the kind of what we write, as every other table has it", async () => {
  const picture = sharp({ create: { width: 30, height: 20, channels: 3, background: "#123" } });
  for (const format of formatNames.filter((name) => name !== "heif"))
    expect([format, sniffPicture(await picture.clone().toFormat(format).toBuffer())]).toEqual([format, format]);
  expect(sniffPicture(Buffer.from('<?xml version="1.0"?><!-- a --><svg xmlns="x"/>'))).toBe("svg");
  for (const kind of [...formatNames, "svg"] as const)
    expect([kind, contentTypeOf(`a.${kind}`, undefined)]).toEqual([kind, sourceType(kind)]);
});

it("takes no name's or header's word for it", () => {
  for (const text of ["%PDF-1.4", "<html><svg/></html>", "GIF88a", "RIFF0000AVI ", "", "II*", "....ftypmp42...."])
    expect([text, sniffPicture(Buffer.from(text.padEnd(40)))]).toEqual([text, undefined]);
});
