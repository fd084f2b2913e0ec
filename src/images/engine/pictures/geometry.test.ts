import * as fc from "fast-check";
import sharp, { type FitEnum } from "sharp";
import { describe, expect, it } from "vitest";
import { makeQuarters } from "./fixtures/photos.ts";
import { areaAround, areaForFocal, clampFractions, contains, followSize, overlayOffset, type Shape } from "./geometry.ts";

const side = fc.integer({ min: 1, max: 400 });
const fit = fc.constantFrom<keyof FitEnum>("cover", "contain", "fill", "inside", "outside");

describe("followSize", () => {
  // G1: what arithmetic says is what sharp does, or not less than that.
  it("says what sharp makes of any plan", async () => {
    const plan = fc.record({
      kind: fc.constantFrom<"jpeg" | "png" | "webp">("jpeg", "png", "webp"),
      width: fc.integer({ min: 1, max: 900 }),
      height: fc.integer({ min: 1, max: 900 }),
      orientation: fc.integer({ min: 1, max: 8 }),
      crop: fc.option(fc.tuple(fc.double({ min: 0, max: 0.9, noNaN: true }), fc.double({ min: 0.05, max: 1, noNaN: true })), {
        nil: undefined,
      }),
      resize: fc.option(
        fc.record({
          width: fc.option(side, { nil: undefined }),
          height: fc.option(side, { nil: undefined }),
          fit,
          small: fc.boolean(),
          large: fc.boolean(),
        }),
        { nil: undefined },
      ),
      angle: fc.option(fc.constantFrom(90, 180, 270, -90, 360, 45, 10.5), { nil: undefined }),
      turnFirst: fc.boolean(),
      extend: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async (p) => {
        const stored = await makeQuarters(p.width, p.height).withMetadata({ orientation: p.orientation }).toFormat(p.kind).toBuffer();
        const orientSwaps = p.orientation >= 5;
        const shape: Shape = { source: { width: p.width, height: p.height }, kind: p.kind, orientSwaps };
        const pipeline = sharp(stored);
        if (p.orientation > 1) pipeline.autoOrient();
        if (p.turnFirst && p.angle !== undefined) {
          pipeline.rotate(p.angle);
          shape.angle = p.angle;
        }
        if (p.crop !== undefined && p.angle === undefined) {
          const seen = followSize(shape);
          const [from, share] = p.crop;
          const left = Math.min(seen.width - 1, Math.floor(seen.width * from));
          const top = Math.min(seen.height - 1, Math.floor(seen.height * from));
          const area = {
            left,
            top,
            width: Math.max(1, Math.floor((seen.width - left) * share)),
            height: Math.max(1, Math.floor((seen.height - top) * share)),
          };
          pipeline.extract(area);
          shape.before = area;
          shape.orientBefore = p.orientation > 1;
        }
        if (p.resize !== undefined) {
          const { width, height, fit: how, small, large } = p.resize;
          pipeline.resize({
            ...(width === undefined ? {} : { width }),
            ...(height === undefined ? {} : { height }),
            fit: how,
            withoutEnlargement: small,
            withoutReduction: large,
          });
          shape.resize = {
            ...(width === undefined ? {} : { width }),
            ...(height === undefined ? {} : { height }),
            fit: how,
            withoutEnlargement: small,
            withoutReduction: large,
            fastShrinkOnLoad: true,
          };
          if (p.turnFirst && (p.angle ?? 0) % 360 !== 0 && (width ?? height) !== undefined) shape.rotateBefore = true;
        }
        // Nothing is said of a free turn before a resize: there `resize` makes the pixels first.
        fc.pre(!(p.turnFirst && (p.angle === 45 || p.angle === 10.5) && shape.rotateBefore === true));
        if (p.extend !== undefined) {
          pipeline.extend(p.extend);
          shape.extend = { top: p.extend, bottom: p.extend, left: p.extend, right: p.extend };
        }
        const said = followSize(shape);
        const { info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
        const least = { width: info.width, height: info.height };
        const slack = said.exact ? 0 : Number.POSITIVE_INFINITY;
        expect(said.width - least.width >= -(slack > 0 ? 1 : 0) && said.width - least.width <= slack).toBe(true);
        expect(said.height - least.height >= -(slack > 0 ? 1 : 0) && said.height - least.height <= slack).toBe(true);
      }),
      { numRuns: 250 },
    );
  });

  it("finds the first area that reaches outside", () => {
    const shape: Shape = { source: { width: 100, height: 50 }, kind: "png", orientSwaps: false };
    expect(followSize({ ...shape, before: { left: 0, top: 0, width: 100, height: 50 } }).outside).toBeUndefined();
    const far = { left: 1, top: 0, width: 100, height: 50 };
    expect(followSize({ ...shape, before: far }).outside).toEqual(far);
    expect(
      followSize({ ...shape, orientSwaps: true, orientBefore: true, before: { left: 0, top: 0, width: 50, height: 100 } }).outside,
    ).toBeUndefined();
  });
});

describe("overlayOffset", () => {
  it.each([
    ["10", 400, 100, 10],
    [10, 400, 100, 10],
    ["0", 400, 100, 0],
    ["-10", 400, 100, 290],
    ["50p", 400, 100, 200],
    ["-10p", 400, 100, 260],
    ["33p", 100, 10, 33],
    ["0p", 400, 100, 0],
    ["12.9", 400, 100, 12],
    ["-25p", 401, 100, 200],
    ["left", 400, 100, undefined],
    ["", 400, 100, undefined],
    [undefined, 400, 100, undefined],
    [null, 400, 100, undefined],
    [{}, 400, 100, undefined],
  ])("%j of %i with an overlay of %i begins at %j", (option, base, overlay, expected) => {
    expect(overlayOffset(option, base, overlay)).toBe(expected);
  });
});

describe("areaAround", () => {
  const size = { width: 1000, height: 500 };
  it.each([
    ["a face", { left: 0.2, top: 0.2, width: 0.1, height: 0.2 }, 0, { left: 200, top: 100, width: 100, height: 100 }],
    ["padding", { left: 0.2, top: 0.2, width: 0.1, height: 0.2 }, 40, { left: 160, top: 60, width: 180, height: 180 }],
    ["an edge", { left: 0, top: 0.9, width: 0.5, height: 0.1 }, 100, { left: 0, top: 350, width: 700, height: 150 }],
    ["the whole", { left: 0, top: 0, width: 1, height: 1 }, 50, { left: 0, top: 0, width: 1000, height: 500 }],
    ["less than nothing", { left: 0.5, top: 0.5, width: 0.1, height: 0.1 }, -60, { left: 560, top: 310, width: -20, height: -70 }],
  ])("%s", (_, face, padding, area) => {
    expect(areaAround(face, padding, size)).toEqual(area);
  });

  it("never leaves the picture, whatever a detector says", () => {
    const number = fc.double({ min: -2, max: 3, noNaN: true });
    fc.assert(
      fc.property(
        fc.record({ left: number, top: number, width: number, height: number }),
        fc.integer({ min: 0, max: 2000 }),
        (box, padding) => {
          const area = areaAround(clampFractions(box), padding, size);
          expect(area.width < 1 || area.height < 1 || contains(size, area)).toBe(true);
        },
      ),
    );
  });
});

describe("areaForFocal", () => {
  it("has the canvas's shape, lies in the picture and holds the middle of the focal area", () => {
    const whole = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(
        whole,
        whole,
        whole,
        whole,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (w, h, cw, ch, fx, fy) => {
          const focal = { left: Math.floor(fx * (w - 1)), top: Math.floor(fy * (h - 1)), width: 1, height: 1 };
          const area = areaForFocal({ width: w, height: h }, { width: cw, height: ch }, focal);
          expect(contains({ width: w, height: h }, area)).toBe(true);
          expect(area.width === w || area.height === h).toBe(true);
          const x = focal.left + 0.5;
          const y = focal.top + 0.5;
          expect(x >= area.left - 1 && x <= area.left + area.width + 1 && y >= area.top - 1 && y <= area.top + area.height + 1).toBe(true);
        },
      ),
    );
  });
});
