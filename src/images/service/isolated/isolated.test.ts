import { afterAll, describe, expect, it } from "vitest";
import sharp from "sharp";
import { requestOf } from "../../../../test/kit/pictures.ts";
import type { Edits, ImageRequest } from "../../engine/plan.ts";
import type { Tools } from "../../engine/pictures/tools.ts";
import { transform } from "../../engine/pictures/transform.ts";
import { openIsolated } from "./isolated.ts";
import type { Order } from "./protocol.ts";

const isolated = openIsolated();
afterAll(async () => await isolated.close());

const requestIn = (edits: Edits, outputFormat = "png"): ImageRequest => requestOf(edits, { outputFormat });
const order = (original: Uint8Array, request: ImageRequest): Order => ({
  original,
  request,
  limits: {},
  load: 0,
  originalId: "a",
  hasDetector: false,
  hasModerator: false,
});
const drawing = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><circle cx="20" cy="15" r="9" fill="red"/></svg>',
);
const logo = await sharp({ create: { width: 8, height: 8, channels: 4, background: "#0a0" } })
  .png()
  .toBuffer();

describe("pictures made in processes of their own", () => {
  it("are those that are made here, other pictures and undefined values included", async () => {
    const tools: Tools = { readOverlay: async () => logo };
    const request = requestIn({
      rotate: undefined,
      overlayWith: { bucket: "shop", key: "logo", options: { left: 1, top: 1 } },
      resize: { width: 20 },
    });
    const here = await transform(drawing, request, tools);
    const there = await isolated.make(order(drawing, request), tools);
    expect(Buffer.from(there.body).equals(Buffer.from(here.body))).toBe(true);
    // One process after the other picture, not a new one.
    await isolated.make(order(drawing, request), tools);
    expect(isolated.size).toBe(1);
  });

  it("fail as they would here", async () => {
    const outside = requestIn({ crop: { left: 0, top: 0, width: 900, height: 9 } });
    await expect(isolated.make(order(drawing, outside), { readOverlay: async () => logo })).rejects.toMatchObject({
      code: "Crop::AreaOutOfBounds",
      kind: "input",
      facts: { status: 400 },
    });
  });

  it("end with their signal, whatever they are waiting for or working on", async () => {
    const leaving = new AbortController();
    const reason = new Error("the caller has gone");
    const before = isolated.size;
    const making = isolated.make(order(drawing, requestIn({ overlayWith: { bucket: "shop", key: "logo" } })), {
      readOverlay: () => {
        leaving.abort(reason);
        return new Promise(() => undefined);
      },
      signal: leaving.signal,
    });
    await expect(making).rejects.toBe(reason);
    expect(isolated.size).toBe(before - 1);
  });

  it("end with their signal while they are drawn", async () => {
    const leaving = new AbortController();
    const reason = new Error("the caller has gone");
    // Given its overlay, the process works for a second or so: the signal comes as soon as it has begun.
    const heavy = requestIn({ overlayWith: { bucket: "shop", key: "logo" }, resize: { width: 2_400 }, blur: 60 });
    const before = isolated.size;
    const making = isolated.make(order(drawing, heavy), {
      readOverlay: async () => {
        setImmediate(() => leaving.abort(reason));
        return logo;
      },
      signal: leaving.signal,
    });
    await expect(making).rejects.toBe(reason);
    expect(isolated.size).toBeLessThanOrEqual(before);
  });

  it("are refused when nobody waits any more, and leave no process behind", async () => {
    const other = openIsolated();
    await expect(
      other.make(order(drawing, requestIn({})), { readOverlay: async () => logo, signal: AbortSignal.abort(new Error("gone")) }),
    ).rejects.toThrow("gone");
    expect(other.size).toBe(0);
    await other.make(order(drawing, requestIn({ resize: { width: 9 } })), { readOverlay: async () => logo });
    expect(other.size).toBe(1);
    await other.close();
    expect(other.size).toBe(0);
  });
});
