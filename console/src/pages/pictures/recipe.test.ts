import { describe, expect, it } from "vitest";
import { base64Of, jsonOf, pathOf, readBox, readNumber, sayBox, snippetsOf, type Recipe } from "./recipe.ts";

const plain: Recipe = {
  bucket: "photos",
  isFirst: true,
  key: "a shoe/red (1).jpg",
  width: 0,
  height: 0,
  fit: "cover",
  format: "",
  quality: 0,
  rotate: 0,
  blur: 0,
  grayscale: false,
  crop: undefined,
  focal: undefined,
};

describe("a recipe of a picture", () => {
  it("takes numbers as the server does, and nothing for one that is out of its range", () => {
    expect(readNumber("rotate", "-90")).toBe(-90);
    expect(readNumber("blur", "1.5")).toBe(1.5);
    expect(readNumber("w", "0")).toBe(0);
    expect(["", " ", "1.5", "-1", "x", "1e9"].map((text) => readNumber("w", text))).toEqual(Array.from({ length: 6 }, () => undefined));
    expect(readNumber("quality", "101")).toBeUndefined();
  });

  it("is the bare key when nothing is wanted", () => {
    expect(pathOf(plain)).toBe("/a%20shoe/red%20(1).jpg");
    expect(jsonOf(plain)).toEqual({ key: "a shoe/red (1).jpg" });
  });

  it("says everything in thumbor's words", () => {
    const all: Recipe = {
      ...plain,
      key: "shoe.jpg",
      bucket: "marks",
      isFirst: false,
      width: 300,
      height: 200,
      fit: "inside",
      format: "webp",
      quality: 60,
      rotate: 90,
      blur: 4,
      grayscale: true,
      crop: { left: 10, top: 20, right: 110, bottom: 220 },
      focal: { left: 1, top: 2, right: 3, bottom: 4 },
    };
    expect(pathOf(all)).toBe(
      "/10x20:110x220/fit-in/300x200/s3:marks/filters:blur(4):focal(1x2:3x4):format(webp):grayscale():quality(60):rotate(90)/shoe.jpg",
    );
    expect(pathOf({ ...plain, key: "shoe.jpg", width: 300, height: 200, fit: "stretch" })).toBe("/300x200/filters:stretch()/shoe.jpg");
  });

  it("keeps its shape in other widths", () => {
    expect(pathOf({ ...plain, key: "s.jpg", width: 300, height: 200 }, 600)).toBe("/600x400/s.jpg");
    expect(pathOf({ ...plain, key: "s.jpg" }, 400)).toBe("/400x0/s.jpg");
  });

  it("says the same as the classic handler's JSON", () => {
    expect(
      jsonOf({ ...plain, key: "s.jpg", width: 300, format: "jpeg", quality: 70, crop: { left: 10, top: 20, right: 110, bottom: 220 } }),
    ).toEqual({
      key: "s.jpg",
      edits: { crop: { left: 10, top: 20, width: 100, height: 200 }, resize: { width: 300, fit: "inside" }, jpeg: { quality: 70 } },
      outputFormat: "jpeg",
    });
    expect(atob(base64Of("ü"))).toBe("Ã¼");
  });

  it("reads boxes, and refuses those of no size", () => {
    expect(sayBox(readBox("1x2:30x40"))).toBe("1x2:30x40");
    for (const bad of ["", "1x2", "5x5:5x9", "9x9:1x1", "ax1:2x3"]) expect(readBox(bad)).toBeUndefined();
  });

  it("writes snippets that break out of no attribute", () => {
    for (const { name, text } of snippetsOf({ ...plain, key: `"><script>.jpg`, width: 100 }, (path) => `https://x.example/images${path}`)) {
      expect([name, text.includes("<script>")]).toEqual([name, name === "AWS handler, JSON"]);
    }
  });
});
