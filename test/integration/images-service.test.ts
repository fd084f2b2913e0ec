// Pictures over real HTTP: joining, bounds, validators, deadlines, with the real pixel library.

import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createImageHandler, explainRequest, imageUrl, makeLambda } from "../../src/images/library.ts";
import type { ImageHandlerOptions } from "../../src/images/library.ts";
import { mapSources, startPictures } from "./images-kit.ts";
import type { TestPictures } from "./images-kit.ts";

type Edits = NonNullable<Parameters<typeof imageUrl>[0]["edits"]>;

let photo: Buffer;
const open: TestPictures[] = [];
const start = async (options: ImageHandlerOptions): Promise<TestPictures> => {
  const pictures = await startPictures(options);
  open.push(pictures);
  return pictures;
};

/** A GIF of three frames of 40 x 30. */
async function animation(): Promise<Buffer> {
  const frames = await Promise.all(
    ["#f00", "#0f0", "#00f"].map((background) =>
      sharp({ create: { width: 40, height: 30, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  return await sharp(frames, { join: { animated: true } })
    .gif({ delay: [80, 80, 80] })
    .toBuffer();
}

beforeAll(async () => {
  const noise = sharp({
    create: { width: 800, height: 600, channels: 3, background: "#000", noise: { type: "gaussian", mean: 128, sigma: 30 } },
  });
  photo = await noise.jpeg().toBuffer();
});
afterEach(async () => {
  for (const pictures of open.splice(0)) await pictures.close();
});

describe("many at once", () => {
  it("makes 500 identical cold requests one read and one transform", async () => {
    const sources = mapSources({ "a.jpg": photo });
    const pictures = await start({ sources });
    const got = await Promise.all(Array.from({ length: 500 }, () => pictures.get("/300x200/a.jpg")));
    expect(new Set(got.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(got.map(({ body }) => body.toString("base64"))).size).toBe(1);
    expect([sources.reads, pictures.images.service.counts.transforms]).toEqual([1, 1]);
  });

  it("bounds 2,000 different ones, tells the rest when to come again, and answers hits meanwhile", async () => {
    const pictures = await start({ sources: mapSources({ "a.jpg": photo }), limits: { maxWaiting: 40 } });
    const hit = "/64x64/a.jpg";
    expect((await pictures.get(hit)).status).toBe(200);
    const before = process.memoryUsage().rss;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 10);
    const flood = Array.from({ length: 2_000 }, (_, n) => pictures.get(`/${100 + (n % 500)}x${100 + Math.floor(n / 500)}/a.jpg`));
    const hits = await Promise.all(Array.from({ length: 20 }, () => pictures.get(hit)));
    const got = await Promise.all(flood);
    clearInterval(watch);
    expect(hits.every(({ status, headers }) => status === 200 && String(headers["cache-status"]).startsWith("Stockroom; hit"))).toBe(true);
    const refused = got.filter(({ status }) => status === 503);
    const made = got.filter(({ status }) => status === 200);
    expect(made.length + refused.length).toBe(2_000);
    expect(made.length).toBeGreaterThanOrEqual(40);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ headers, body }) => Number(headers["retry-after"]) >= 1 && body.includes("ServiceBusy"))).toBe(true);
    // Both ends of 2,000 connections live in this process; the pictures themselves are few.
    expect(most - before).toBeLessThan(400 * 1024 * 1024);
    // And it works on as if nothing had been.
    expect((await pictures.get("/77x77/a.jpg")).status).toBe(200);
  });

  it("answers every AVIF of a burst within its deadline", async () => {
    const pictures = await start({ sources: mapSources({ "a.jpg": photo }), limits: { deadlineMs: 30_000 } });
    const got = await Promise.all(Array.from({ length: 50 }, (_, n) => pictures.get(`/${200 + n}x0/filters:format(avif)/a.jpg`)));
    expect(got.filter(({ status }) => status !== 200)).toEqual([]);
    expect(got.every(({ ms, headers }) => ms < 30_000 && headers["content-type"] === "image/avif")).toBe(true);
  });
});

describe("caches elsewhere", () => {
  it("are never told to keep a URL past its end", async () => {
    const shelf = {
      read: async (_bucket: string, key: string) =>
        key.startsWith("none")
          ? undefined
          : {
              body: photo,
              version: "1",
              cacheControl: "public, s-maxage=999999, immutable, stale-while-revalidate=86400",
              expires: "Wed, 01 Jan 2031 00:00:00 GMT",
              lastModified: "Mon, 01 Jan 2024 00:00:00 GMT",
            },
    };
    const headers = {
      "cache-control": "max-age=31536000, immutable",
      Expires: "Wed, 01 Jan 2031 00:00:00 GMT",
      "CDN-Cache-Control": "max-age=9999",
      "Surrogate-Control": "max-age=9999",
    };
    for (const compat of ["open", "strict"] as const) {
      const now = Date.parse("2026-06-01T00:00:00Z");
      const pictures = await start({
        sources: shelf,
        buckets: ["photos"],
        compat,
        fallback: { bucket: "photos", key: "sorry.jpg" },
        nowMs: () => now,
      });
      const json = Buffer.from(JSON.stringify({ key: "a.jpg", edits: { resize: { width: 50 } }, headers })).toString("base64");
      const first = await pictures.get(`/${json}?expires=20260601T000100Z`);
      const hit = await pictures.get(`/${json}?expires=20260601T000100Z`);
      const same = await pictures.get(`/${json}?expires=20260601T000100Z`, { "if-none-match": first.headers.etag ?? "" });
      const missing = await pictures.get(`/50x50/none.jpg?expires=20260601T000100Z`);
      expect([first.status, hit.status, same.status, missing.status]).toEqual([200, 200, 304, 404]);
      for (const got of [first, hit, same, missing]) {
        expect(got.headers["cache-control"]).toBe("max-age=60,public");
        for (const name of ["expires", "cdn-cache-control", "surrogate-control"]) expect(got.headers).not.toHaveProperty(name);
      }
      // Without an end the URL's own word holds.
      expect((await pictures.get(`/${json}`)).headers["cache-control"]).toBe("max-age=31536000, immutable");
      // The stand-in's own word holds too.
      expect((await pictures.get("/50x50/none.jpg")).headers["cache-control"]).toContain("s-maxage=999999");
    }
  });

  it("learn by date as well as by tag that nothing changed", async () => {
    const lastModified = "Mon, 01 Jan 2024 00:00:00 GMT";
    const pictures = await start({ sources: { read: async () => ({ body: photo, version: "1", lastModified }) }, buckets: ["photos"] });
    const status = async (headers: Record<string, string>): Promise<number> => (await pictures.get("/50x50/a.jpg", headers)).status;
    for (const round of ["made", "kept"]) {
      expect([round, await status({ "if-modified-since": lastModified })]).toEqual([round, 304]);
      expect(await status({ "if-modified-since": "Tue, 02 Jan 2024 00:00:00 GMT" })).toBe(304);
      expect(await status({ "if-modified-since": "Sun, 31 Dec 2023 23:59:59 GMT" })).toBe(200);
      expect(await status({ "if-modified-since": "yesterday" })).toBe(200);
      expect(await status({ "if-modified-since": lastModified, "if-none-match": '"another"' })).toBe(200);
    }
  });

  it("and callers with other screens get pictures of their own", async () => {
    const pictures = await start({ sources: mapSources({ "a.jpg": photo }), clientHints: true });
    const widthFor = async (headers: Record<string, string>): Promise<[number, string | undefined]> => {
      const got = await pictures.get("/a.jpg?width=auto", headers);
      return [(await sharp(got.body).metadata()).width, got.headers.vary];
    };
    const vary = "Sec-CH-Width, Width, Sec-CH-Viewport-Width, Viewport-Width, Sec-CH-DPR, DPR";
    for (let round = 0; round < 2; round++) {
      expect(await widthFor({ "sec-ch-width": "100" })).toEqual([100, vary]);
      expect(await widthFor({ "sec-ch-viewport-width": "200" })).toEqual([200, vary]);
      expect(await widthFor({ "sec-ch-viewport-width": "200", "sec-ch-dpr": "2" })).toEqual([400, vary]);
      expect(await widthFor({ "viewport-width": "300" })).toEqual([300, vary]);
      expect(await widthFor({ "sec-ch-width": "200" })).toEqual([200, vary]);
    }
  });

  it("and every header that a picture hangs on is told, and kept apart, however it is sent", async () => {
    const pictures = await start({ sources: mapSources({ "a.jpg": photo }), clientHints: true, autoWebp: true });
    const target = "/a.jpg?width=auto";
    const widthFor = async (headers: Record<string, string>): Promise<unknown> => {
      const { status, body, headers: told } = await pictures.get(target, headers);
      const vary = "Accept, Sec-CH-Width, Width, Sec-CH-Viewport-Width, Viewport-Width, Sec-CH-DPR, DPR";
      expect(told.vary).toBe(vary);
      return status === 200 ? (await sharp(body).metadata()).width : status;
    };
    for (let round = 0; round < 2; round++) {
      expect(await widthFor({ "SEC-ch-WIDTH": "100" })).toBe(100);
      // Two values are none, and the next header that says it counts; so do words that are no width.
      expect(await widthFor({ "sec-ch-width": "100, 300", width: "200" })).toBe(200);
      expect(await widthFor({ "sec-ch-width": "-5", "viewport-width": "300", dpr: "2" })).toBe(600);
      // One who asks for what cannot be is refused alone.
      expect(await widthFor({ "sec-ch-width": "1e9" })).toBe(400);
      expect(await widthFor({})).toBe(800);
    }
    const small = await pictures.get(target, { "sec-ch-width": "100" });
    const etag = small.headers.etag ?? "";
    expect((await pictures.get(target, { "sec-ch-width": "100", "if-none-match": etag })).status).toBe(304);
    const others: readonly Record<string, string>[] = [
      { "sec-ch-width": "200" },
      { "sec-ch-width": "100", accept: "image/webp" },
      { "sec-ch-viewport-width": "300" },
    ];
    for (const other of others) {
      expect((await pictures.get(target, { ...other, "if-none-match": etag })).status).toBe(200);
    }
  });
});

describe("one at a time", () => {
  it("answers with validators, and 304 to those who have it", async () => {
    const sources = mapSources({ "a.jpg": photo });
    const pictures = await start({ sources, autoWebp: true });
    const first = await pictures.get("/200x0/a.jpg", { accept: "image/webp" });
    expect(first.headers).toMatchObject({ "content-type": "image/webp", "content-length": String(first.body.byteLength), vary: "Accept" });
    const etag = first.headers.etag ?? "";
    const again = await pictures.get("/200x0/a.jpg", { accept: "image/webp", "if-none-match": etag });
    expect([again.status, again.body.byteLength, again.headers.etag]).toEqual([304, 0, etag]);
    // The same URL for another reader is another picture.
    const other = await pictures.get("/200x0/a.jpg", { accept: "image/png", "if-none-match": etag });
    expect([other.status, other.headers["content-type"]]).toEqual([200, "image/jpeg"]);
    const head = await pictures.get("/200x0/a.jpg", { accept: "image/webp" }, "HEAD");
    expect([head.status, head.body.byteLength, head.headers["content-length"]]).toEqual([200, 0, String(first.body.byteLength)]);
    expect(sources.reads).toBe(2);
  });

  it("gives the original untouched when nothing is asked of it", async () => {
    const pictures = await start({ sources: mapSources({ "a.jpg": photo }) });
    expect((await pictures.get("/a.jpg")).body.equals(photo)).toBe(true);
  });

  it("reads a second time only when the first reading of a path names nothing", async () => {
    const sources = mapSources({ "a.jpg": photo, "smart/b.jpg": photo });
    const pictures = await start({ sources });
    expect((await pictures.get("/100x100/smart/a.jpg")).status).toBe(200);
    expect((await pictures.get("/100x100/smart/b.jpg")).status).toBe(200);
    const hit = await pictures.get("/100x100/smart/a.jpg");
    expect(hit.headers["cache-status"]).toMatch(/^Stockroom; hit; ttl/);
    expect((await pictures.get("/100x100/smart/c.jpg")).status).toBe(404);
  });

  it("speaks the classic errors, CORS and fallback", async () => {
    const sorry = await sharp({ create: { width: 9, height: 9, channels: 3, background: "#f00" } })
      .png()
      .toBuffer();
    const plain = await start({
      sources: mapSources({}),
      environment: { SOURCE_BUCKETS: "photos, more", CORS_ENABLED: "Yes", CORS_ORIGIN: "https://shop.example" },
    });
    const missing = await plain.get("/none.jpg");
    expect(JSON.parse(missing.body.toString())).toMatchObject({ status: 404, code: "NoSuchKey" });
    expect(missing.headers).toMatchObject({
      "access-control-allow-origin": "https://shop.example",
      "access-control-allow-credentials": "true",
    });
    const target = imageUrl({ bucket: "secret", key: "a.jpg" }).target;
    expect(JSON.parse((await plain.get(target)).body.toString())).toMatchObject({ status: 403, code: "ImageBucket::CannotAccessBucket" });
    const strict = await start({
      sources: mapSources({ "sorry.png": sorry, "text.jpg": Buffer.from("no picture") }),
      compat: "strict",
      environment: {
        SOURCE_BUCKETS: "photos",
        ENABLE_DEFAULT_FALLBACK_IMAGE: "Yes",
        DEFAULT_FALLBACK_IMAGE_BUCKET: "photos",
        DEFAULT_FALLBACK_IMAGE_KEY: "sorry.png",
      },
    });
    for (const [url, status] of [
      ["/none.jpg", 404],
      ["/100x100/text.jpg", 400],
      ["/x.exe", 400],
    ] as const) {
      const got = await strict.get(url);
      expect([url, got.status, got.body.equals(sorry)]).toEqual([url, status, true]);
    }
  });

  it("checks signatures and expiry each time, hit or not", async () => {
    let now = Date.parse("2026-06-01T00:00:00Z");
    const pictures = await start({
      sources: mapSources({ "a.jpg": photo }),
      environment: { SOURCE_BUCKETS: "photos", ENABLE_SIGNATURE: "Yes", SIGNATURE_SECRET: "key" },
      nowMs: () => now,
    });
    const sign = (text: string): string => createHmac("sha256", "key").update(text).digest("hex");
    const path1 = "/100x100/a.jpg";
    const expires = "expires=20260601T000100Z";
    const signed = `${path1}?${expires}&signature=${sign(`${path1}?${expires}`)}`;
    const first = await pictures.get(signed);
    expect([first.status, first.headers["cache-control"]]).toEqual([200, "max-age=60,public"]);
    now += 10_000;
    expect((await pictures.get(signed)).headers).toMatchObject({
      "cache-control": "max-age=50,public",
      "cache-status": "Stockroom; hit; ttl=50",
    });
    expect((await pictures.get(signed.replace("100x100", "200x200"))).status).toBe(403);
    expect((await pictures.get(path1)).status).toBe(400);
    now += 60_000;
    expect(JSON.parse((await pictures.get(signed)).body.toString())).toMatchObject({ status: 400, code: "ImageRequestExpired" });
  });

  it("keeps results over a restart, in a folder", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "pictures-"));
    try {
      await writeFile(path.join(folder, "a.jpg"), photo);
      const options = { sources: { photos: folder }, cache: { folder: path.join(folder, ".cache") } };
      const one = await startPictures(options);
      const made = await one.get("/120x0/a.jpg");
      await one.close();
      const two = await start(options);
      const kept = await two.get("/120x0/a.jpg");
      expect([kept.status, kept.headers.etag]).toEqual([200, made.headers.etag]);
      expect(kept.body.equals(made.body)).toBe(true);
      expect(two.images.service.counts.transforms).toBe(0);
    } finally {
      for (const pictures of open.splice(0)) await pictures.close();
      await rm(folder, { recursive: true });
    }
  });

  it("shows its numbers and its health to this machine only", async () => {
    // Off unless asked for: a proxy on this machine looks like this machine, with or without a header that says whom it brings.
    const closed = await start({ sources: mapSources({ "a.jpg": photo }) });
    const callers: Record<string, string>[] = [{}, { host: "localhost" }, { "x-real-ip": "1.2.3.4" }];
    for (const more of callers) expect((await closed.get("/metrics", more)).status).toBe(404);
    const pictures = await start({ sources: mapSources({ "a.jpg": photo }), metrics: true });
    await pictures.get("/100x100/a.jpg");
    expect((await pictures.get("/health")).status).toBe(200);
    const metrics = await pictures.get("/metrics");
    expect(metrics.body.toString()).toContain('stockroom_images_answers_total{outcome="made"} 1');
    expect((await pictures.get("/metrics", { host: "evil.example" })).status).toBe(404);
    expect((await pictures.get("/metrics", { "x-forwarded-for": "1.2.3.4" })).status).toBe(404);
  });
});

describe("what cannot be done as it was asked for", () => {
  const errorOf = async (pictures: TestPictures, target: string): Promise<unknown> => {
    const { status, body } = await pictures.get(target);
    const { code } = JSON.parse(body.toString()) as { code: string };
    return [status, code];
  };

  it("has the classic codes when nobody can look at a picture", async () => {
    const blind = (): Promise<never> => Promise.reject(new Error("the inside of a cloud"));
    for (const compat of ["open", "strict"] as const) {
      const pictures = await start({
        sources: mapSources({ "a.jpg": photo }),
        buckets: ["photos"],
        compat,
        detector: { faces: blind },
        moderator: { labels: blind },
      });
      const moderated = imageUrl({ key: "a.jpg", edits: { contentModeration: true } }).target;
      const cropped = imageUrl({ key: "a.jpg", edits: { smartCrop: { faceIndex: 0 } } }).target;
      // Twice: a failure is remembered neither as a picture nor as a face.
      for (let round = 0; round < 2; round++) {
        expect(await errorOf(pictures, cropped)).toEqual([500, "SmartCrop::Error"]);
        expect(await errorOf(pictures, moderated)).toEqual([500, "Rekognition::DetectModerationLabelsError"]);
      }
      expect((await pictures.get(cropped)).body.toString()).not.toContain("cloud");
      expect((await pictures.get("/50x50/a.jpg")).status).toBe(200);
    }
  });

  it("gives way to the original's format where the browser's best has no room", async () => {
    const tall = await sharp({ create: { width: 20, height: 17_000, channels: 3, background: "#c08040" } })
      .jpeg()
      .toBuffer();
    const pictures = await start({ sources: mapSources({ "tall.jpg": tall }), autoWebp: true });
    const accept = { accept: "image/webp,*/*" };
    const large = await pictures.get("/10x16384/filters:stretch()/tall.jpg", accept);
    expect([large.status, large.headers["content-type"], large.headers.vary]).toEqual([200, "image/jpeg", "Accept"]);
    expect((await sharp(large.body).metadata()).height).toBe(16_384);
    const fitting = await pictures.get("/10x16383/filters:stretch()/tall.jpg", accept);
    expect([fitting.status, fitting.headers["content-type"]]).toEqual([200, "image/webp"]);
    expect(await errorOf(pictures, "/10x16384/filters:stretch():format(webp)/tall.jpg")).toEqual([400, "InvalidResizeException"]);
  });

  it("keeps an animation moving whatever its origin calls it", async () => {
    const gif = await animation();
    const origin = createServer((_asked, answer) => {
      answer.writeHead(200, { "content-type": "binary/octet-stream", "content-length": gif.byteLength });
      answer.end(gif);
    });
    await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = origin.address() as AddressInfo;
      const sources = { photos: { url: `http://127.0.0.1:${port}/`, allowPrivate: true } };
      for (const compat of ["open", "strict"] as const) {
        const pictures = await start({ sources, compat });
        for (const round of ["made", "kept"]) {
          const got = await pictures.get("/20x15/a.gif");
          expect([round, got.status, got.headers["content-type"]]).toEqual([round, 200, "image/gif"]);
          expect((await sharp(got.body).metadata()).pages).toBe(3);
        }
      }
      expect(await explainRequest("/20x15/a.gif", { sources })).toMatchObject({ bucket: "photos", contentType: "image/gif" });
    } finally {
      origin.close();
    }
  });

  it("says in strict which classic edits an animation goes without", async () => {
    const pictures = await start({ sources: mapSources({ "a.gif": await animation() }), buckets: ["photos"], compat: "strict" });
    const notesFor = async (edits: Edits): Promise<unknown> => {
      const { target } = imageUrl({ key: "a.gif", edits });
      const made = await pictures.get(target);
      const hit = await pictures.get(target);
      expect([made.status, hit.headers["x-picture-notes"]]).toEqual([200, made.headers["x-picture-notes"]]);
      return made.headers["x-picture-notes"];
    };
    expect(await notesFor({ resize: { width: 20 } })).toBeUndefined();
    expect(await notesFor({ resize: { width: 20 }, rotate: 90 })).toBe("left-out");
    expect(await notesFor({ roundCrop: true, smartCrop: true, contentModeration: true })).toBe("left-out");
  });
});

describe("a URL that ends", () => {
  it("is never kept longer, from the disk or by date", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "pictures-"));
    let now = Date.parse("2026-06-01T00:00:00Z");
    const lastModified = "Mon, 01 Jan 2024 00:00:00 GMT";
    const options = {
      sources: { read: async () => ({ body: photo, version: "1", lastModified, cacheControl: "max-age=999999", expires: "0" }) },
      buckets: ["photos"],
      cache: { folder },
      nowMs: () => now,
    };
    const target = "/120x0/a.jpg?expires=20260601T000100Z";
    try {
      const one = await startPictures(options);
      expect((await one.get(target)).headers["cache-control"]).toBe("max-age=60,public");
      await one.close();
      const two = await start(options);
      now += 10_000;
      const kept = await two.get(target);
      expect([kept.headers["cache-control"], kept.headers.expires]).toEqual(["max-age=50,public", undefined]);
      expect(two.images.service.counts.transforms).toBe(0);
      now += 10_500;
      const same = await two.get(target, { "if-modified-since": lastModified });
      expect([same.status, same.headers["cache-control"], same.headers.expires]).toEqual([304, "max-age=39,public", undefined]);
      // One that ends elsewhere, and one that never does, are the same picture with words of their own.
      expect((await two.get(target.replace("000100", "010000"))).headers["cache-control"]).toBe("max-age=3579,public");
      expect((await two.get("/120x0/a.jpg")).headers["cache-control"]).toBe("max-age=999999");
      expect((await two.get(target, { "if-modified-since": lastModified })).headers["cache-control"]).toBe("max-age=39,public");
      now += 60_000;
      expect((await two.get(target, { "if-modified-since": lastModified })).status).toBe(400);
      expect(two.images.service.counts.transforms).toBe(0);
    } finally {
      for (const pictures of open.splice(0)) await pictures.close();
      await rm(folder, { recursive: true });
    }
  });
});

describe("the library", () => {
  let handler: Awaited<ReturnType<typeof createImageHandler>>;
  beforeAll(async () => {
    handler = await createImageHandler({ sources: mapSources({ "a.jpg": photo }), environment: { SOURCE_BUCKETS: "photos" } });
  });
  afterAll(async () => await handler.close());

  it("turns a Request into a Response", async () => {
    const response = await handler(new Request("http://localhost/fit-in/100x100/a.jpg#x"));
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
    const { width, height } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
    expect([width, height]).toEqual([100, 75]);
    const head = await handler(new Request("http://localhost/fit-in/100x100/a.jpg", { method: "HEAD" }));
    expect([head.status, (await head.arrayBuffer()).byteLength]).toEqual([200, 0]);
    const same = await handler(
      new Request("http://localhost/fit-in/100x100/a.jpg", { headers: { "if-none-match": response.headers.get("etag") ?? "" } }),
    );
    expect([same.status, same.body]).toEqual([304, null]);
    const url = imageUrl({ key: "a.jpg", edits: { resize: { width: 40 } } });
    expect((await handler(new Request(`http://localhost${url.target}`))).status).toBe(200);
    expect(await handler.metrics()).toContain("stockroom_images_transforms_total 2");
  });

  it("explains with and without sources", async () => {
    const environment = { SOURCE_BUCKETS: "photos", AUTO_WEBP: "Yes" };
    const without = await explainRequest({ path: "/100x0/a.jpg", headers: { accept: "image/webp" } }, { environment });
    expect(without).toMatchObject({
      requestType: "thumbor",
      bucket: "photos",
      key: "a.jpg",
      outputFormat: "webp",
      contentType: "image/webp",
    });
    expect("cacheControl" in without).toBe(false);
    const sources = {
      read: async (_bucket: string, key: string) =>
        key === "a.jpg" ? { body: photo, contentType: "image/jpeg", lastModified: new Date(0) } : undefined,
    };
    expect(await explainRequest("/100x0/a.jpg", { environment, sources })).toMatchObject({
      contentType: "image/jpeg",
      cacheControl: "max-age=31536000,public",
      lastModified: "Thu, 01 Jan 1970 00:00:00 GMT",
    });
    expect(await explainRequest("/100x0/b.jpg", { environment, sources })).toMatchObject({ status: 404, code: "NoSuchKey" });
    // As it is served: the second reading where the first names nothing, and the type that the bytes have.
    const both = {
      read: async (_bucket: string, key: string) =>
        key === "smart/b.jpg" || key === "c.jpg" ? { body: new Blob([photo]).stream(), contentType: "binary/octet-stream" } : undefined,
    };
    for (const [target, key] of [
      ["/100x100/smart/b.jpg", "smart/b.jpg"],
      ["/100x100/smart/c.jpg", "c.jpg"],
    ] as const) {
      expect(await explainRequest(target, { environment, sources: both })).toMatchObject({ key, contentType: "image/jpeg" });
    }
    const none = await explainRequest("/100x100/smart/d.jpg", { environment, sources: both });
    expect(none).toMatchObject({ status: 404, code: "NoSuchKey" });
    expect(await explainRequest("/x.exe", { environment })).toMatchObject({ status: 400, code: "RequestTypeError" });
  });

  it("runs in Lambda, whichever service calls", async () => {
    const lambda = makeLambda(handler.service);
    const rest = await lambda({
      httpMethod: "GET",
      path: "/50x0/a.jpg",
      headers: { Accept: "*/*" },
      queryStringParameters: { grayscale: "1" },
    });
    const http = await lambda({
      version: "2.0",
      rawPath: "/50x0/a.jpg",
      rawQueryString: "grayscale=1",
      requestContext: { http: { method: "GET" }, stage: "$default" },
    });
    expect([rest.statusCode, rest.isBase64Encoded, rest.headers["content-type"]]).toEqual([200, true, "image/jpeg"]);
    expect(http.body).toBe(rest.body);
    const staged = await lambda({
      version: "2.0",
      rawPath: "/prod/50x0/a.jpg",
      requestContext: { http: { method: "HEAD" }, stage: "prod" },
    });
    expect([staged.statusCode, staged.body]).toEqual([200, ""]);
    const missing = await lambda({ httpMethod: "GET", path: "/none.jpg" });
    expect([missing.statusCode, missing.isBase64Encoded, (JSON.parse(missing.body) as { code: string }).code]).toEqual([
      404,
      false,
      "NoSuchKey",
    ]);
    const balanced = await lambda({
      httpMethod: "GET",
      path: "/50x0/a.jpg",
      multiValueHeaders: { accept: ["*/*"] },
      requestContext: { elb: {} },
    });
    expect(balanced.multiValueHeaders?.["content-type"]).toEqual(["image/jpeg"]);
  });
});
