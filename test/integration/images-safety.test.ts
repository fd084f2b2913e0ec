// Everything hostile that can be asked of a picture server, over real HTTP: refused with a clear 4xx, and the server goes on.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createHmac } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blackPng, longGif, mapSources, startPictures, textBomb } from "./images-kit.ts";
import type { Got, TestPictures } from "./images-kit.ts";

let photo: Buffer;
let pictures: TestPictures;
const svg = (inner: string, before = ""): Buffer =>
  Buffer.from(
    `${before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="20" height="20">${inner}</svg>`,
  );
const entities = `<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">${"bcdefghij"
  .split("")
  .map((name, at) => `<!ENTITY ${name} "${`&${"abcdefghi"[at]};`.repeat(10)}">`)
  .join("")}]>`;

const hostile = (): Record<string, Uint8Array> => ({
  "good.jpg": photo,
  "large.png": blackPng(10_000, 5_001),
  "promise.png": blackPng(60_000, 60_000, 1),
  "most.png": blackPng(2 ** 31 - 1, 2 ** 31 - 1, 1),
  "text.png": blackPng(10, 10, 10, [textBomb(60_000_000)]),
  "frames.gif": longGif(100_000),
  "short.gif": longGif(3),
  "cut.jpg": photo.subarray(0, photo.byteLength / 2),
  "stub.jpg": photo.subarray(0, 20),
  "empty.jpg": Buffer.alloc(0),
  "html.jpg": Buffer.from("<html><script>alert(1)</script></html>"),
  "script.png": Buffer.from("#!/bin/sh\nid"),
  "pdf.jpg": Buffer.from("%PDF-1.4\n%%EOF"),
  "noise.webp": Buffer.from(Array.from({ length: 3_000 }, (_, n) => (n * 7919) % 251)),
  "script.svg": svg("<script>alert(1)</script><rect width='9' height='9'/>"),
  "event.svg": svg('<rect width="9" height="9" onload="alert(1)"/>'),
  "href.svg": svg('<image xlink:href="http://169.254.169.254/latest/meta-data" width="9" height="9"/>'),
  "file.svg": svg('<image href="file:///etc/passwd" width="9" height="9"/>'),
  "css.svg": svg('<style>@import url("http://127.0.0.1/x.css");</style>'),
  "foreign.svg": svg('<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="http://127.0.0.1"/></foreignObject>'),
  "xxe.svg": svg("<text>&x;</text>", '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
  "laughs.svg": svg("<text>&j;</text>", entities),
  "huge.svg": Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="100000" height="100000"><rect width="9" height="9"/></svg>'),
});

beforeAll(async () => {
  const noise = sharp({
    create: { width: 400, height: 300, channels: 3, background: "#000", noise: { type: "gaussian", mean: 128, sigma: 30 } },
  });
  photo = await noise.jpeg().toBuffer();
  pictures = await startPictures({ sources: mapSources(hostile()) });
});
afterAll(async () => await pictures.close());

const refused = (got: Got): { status: number; code: string } => {
  expect(got.headers["content-type"]).toBe("application/json");
  const { status, code, message } = JSON.parse(got.body.toString()) as { status: number; code: string; message: string };
  expect([status, typeof message]).toEqual([got.status, "string"]);
  expect(message).not.toMatch(/\/work\/|node_modules|at .*:\d+:\d+/);
  return { status, code };
};
const isAlive = async (): Promise<void> => expect((await pictures.get("/30x30/good.jpg")).status).toBe(200);

describe("pictures that are none, or too many", () => {
  it("refuses every bomb and every lie", async () => {
    const bad = [
      "large.png",
      "promise.png",
      "most.png",
      "cut.jpg",
      "stub.jpg",
      "empty.jpg",
      "html.jpg",
      "script.png",
      "pdf.jpg",
      "noise.webp",
      "huge.svg",
    ];
    for (const key of bad) {
      const { status, code } = refused(await pictures.get(`/100x100/${key}`));
      expect([key, status, code]).toEqual([key, 400, "InstantiationError"]);
    }
    // A long animation is refused as one; its first frame alone is a picture like any other.
    expect(refused(await pictures.get("/20x20/frames.gif")).status).toBe(400);
    expect((await pictures.get("/20x20/short.gif")).status).toBe(200);
    await isAlive();
  });

  it("makes nothing of a text that unpacks to sixty megabytes", async () => {
    const before = process.memoryUsage().rss;
    const got = await pictures.get("/5x5/text.png");
    expect([200, 400]).toContain(got.status);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    await isAlive();
  });

  it("refuses to make more than it may", async () => {
    for (const target of [
      "/30000x30000/good.jpg",
      "/30000x0/good.jpg",
      "/filters:proportion(1000)/good.jpg",
      "/1000000x1/good.jpg",
      "/99999999999999999999x9/good.jpg",
      "/30000x30000/filters:fill(red)/good.jpg",
    ]) {
      const { status } = refused(await pictures.get(target));
      expect([target, status]).toEqual([target, 400]);
    }
    const extend = { key: "good.jpg", edits: { extend: { top: 60_000, left: 60_000, bottom: 0, right: 0 } } };
    expect(refused(await pictures.get(`/${Buffer.from(JSON.stringify(extend)).toString("base64")}`)).status).toBe(400);
    await isAlive();
  });

  it("lets no drawing run, load or grow", async () => {
    for (const key of ["script.svg", "event.svg", "href.svg", "file.svg", "css.svg", "foreign.svg", "xxe.svg", "laughs.svg"]) {
      for (const target of [`/${key}`, `/20x20/${key}`]) {
        const got = await pictures.get(target);
        // Refused, or answered without what was harmful in it.
        const harmless = got.status === 200 && !/script|onload|169\.254|passwd|@import|iframe/i.test(got.body.toString("latin1"));
        expect([target, harmless || refused(got).status === 400]).toEqual([target, true]);
      }
    }
    await isAlive();
  });
});

describe("paths", () => {
  it("never leads out of the folder, in no encoding", async () => {
    const outside = await mkdtemp(path.join(tmpdir(), "pictures-"));
    const root = path.join(outside, "root");
    await mkdir(path.join(root, "a"), { recursive: true });
    await writeFile(path.join(outside, "secret.jpg"), photo);
    await writeFile(path.join(root, "a", "b.jpg"), photo);
    await symlink(outside, path.join(root, "up"));
    const shelf = await startPictures({ sources: { photos: root } });
    try {
      const dots = [
        "..",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%252e%252e",
        "%c0%ae%c0%ae",
        "%u002e%u002e",
        "..%00",
        "..%20",
        "%e2%80%a5",
        "..;",
        "....",
        "．．",
      ];
      const slashes = ["/", "%2f", "%5c", "\\", "%252f", "%c0%af", "//", "%2F/"];
      const targets = dots.flatMap((dot) =>
        slashes.flatMap((slash) => ["/", "/a/", "/50x50/", "/fit-in/50x50/a/"].map((front) => `${front}${dot}${slash}secret.jpg`)),
      );
      const more = [
        "/up/secret.jpg",
        "/50x50/up/secret.jpg",
        `/${outside}/secret.jpg`,
        `//${outside}/secret.jpg`,
        `/file://${outside}/secret.jpg`,
        "/a/b.jpg%00.png",
        "/s3:..%2f/secret.jpg",
      ];
      const inJson = ["../secret.jpg", "a/../../secret.jpg", "..\\secret.jpg", `${outside}/secret.jpg`, "up/secret.jpg", "a/b.jpg\0"].map(
        (key) => `/${Buffer.from(JSON.stringify({ key })).toString("base64")}`,
      );
      const overlay = Buffer.from(
        JSON.stringify({ key: "a/b.jpg", edits: { overlayWith: { bucket: "photos", key: "../secret.jpg" } } }),
      ).toString("base64");
      for (const target of [...targets, ...more, ...inJson, `/${overlay}`]) {
        const got = await shelf.get(encodeURI(target).replaceAll("%25", "%"));
        expect([target, got.status >= 400 && got.status < 500]).toEqual([target, true]);
      }
      expect((await shelf.get("/50x50/a/b.jpg")).status).toBe(200);
    } finally {
      await shelf.close();
      await rm(outside, { recursive: true });
    }
  });

  it("takes a signature for its own path and query only", async () => {
    const signed = await startPictures({
      sources: mapSources({ "a.jpg": photo, "b.jpg": photo }),
      environment: { SOURCE_BUCKETS: "photos", ENABLE_SIGNATURE: "Yes", SIGNATURE_SECRET: "key" },
    });
    try {
      const signature = createHmac("sha256", "key").update("/10x10/a.jpg?width=20").digest("hex");
      expect((await signed.get(`/10x10/a.jpg?width=20&signature=${signature}`)).status).toBe(200);
      for (const target of [
        `/10x10/b.jpg?width=20&signature=${signature}`,
        `/10x10/a.jpg?width=21&signature=${signature}`,
        `/10x10/a.jpg?signature=${signature}`,
        `/10x10/a.jpg?width=20&x=1&signature=${signature}`,
        `/10x10/a.jpg?width=20&signature=${signature.toUpperCase()}`,
        `/10x10/a.jpg?width=20&signature=${signature}0`,
        `/10x10//a.jpg?width=20&signature=${signature}`,
        `/10x10/%61.jpg?width=20&signature=${signature}`,
      ]) {
        expect([target, refused(await signed.get(target))]).toEqual([target, { status: 403, code: "SignatureDoesNotMatch" }]);
      }
      expect(refused(await signed.get("/10x10/a.jpg?width=20")).status).toBe(400);
    } finally {
      await signed.close();
    }
  });
});

describe("origins", () => {
  it("asks no private address, no stranger, and waits for nobody for ever", async () => {
    const asked: string[] = [];
    const origin = createServer((request, response) => {
      asked.push(request.url ?? "");
      if (request.url === "/good.jpg") response.writeHead(200, { "content-type": "image/jpeg" }).end(photo);
      else if (request.url === "/away.jpg") response.writeHead(302, { location: "http://169.254.169.254/x.jpg" }).end();
      else if (request.url === "/html.jpg") response.writeHead(200, { "content-type": "text/html" }).end("<html>");
      else {
        response.writeHead(200, { "content-type": "image/jpeg", "content-length": "100000" });
        const drip = setInterval(() => response.write("x"), 50);
        response.on("close", () => clearInterval(drip));
      }
    });
    await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
    const { port } = origin.address() as AddressInfo;
    const near = await startPictures({
      sources: { web: { url: `http://127.0.0.1:${port}/`, allowPrivate: true } },
      limits: { sourceTimeoutMs: 400 },
    });
    const far = await startPictures({
      sources: { web: { url: `http://localhost:${port}/`, hosts: ["127.0.0.1", "169.254.169.254", "[::1]", `127.0.0.1:${port}`] } },
    });
    try {
      expect((await near.get("/50x50/good.jpg")).status).toBe(200);
      // Dribbling origins keep their own places only: others are answered meanwhile.
      const slow = Promise.all(Array.from({ length: 20 }, (_, n) => near.get(`/50x50/slow${n}.jpg`)));
      expect((await near.get("/50x50/good.jpg")).status).toBe(200);
      for (const got of await slow) expect([424, 503]).toContain(refused(got).status);
      expect(refused(await near.get("/50x50/away.jpg"))).toMatchObject({ status: 403, code: "ImageSource::HostForbidden" });
      expect(refused(await near.get("/50x50/html.jpg")).status).toBe(400);
      const before = asked.length;
      const keys = [
        "good.jpg",
        `http://127.0.0.1:${port}/good.jpg`,
        `http://2130706433:${port}/good.jpg`,
        `http://0x7f.1:${port}/good.jpg`,
        `http://0177.0.0.1:${port}/good.jpg`,
        `http://127.1:${port}/good.jpg`,
        `http://[::ffff:7f00:1]:${port}/good.jpg`,
        "http://169.254.169.254/x.jpg",
        "http://[::1]/x.jpg",
        "http://user@127.0.0.1/x.jpg",
        "https://evil.example/x.jpg",
      ];
      for (const key of keys) expect([key, refused(await far.get(`/50x50/${encodeURIComponent(key)}`)).status]).toEqual([key, 403]);
      expect(asked.length).toBe(before);
    } finally {
      await near.close();
      await far.close();
      origin.closeAllConnections();
      await new Promise((resolve) => origin.close(resolve));
    }
  });
});

describe("requests", () => {
  it("survives what no browser sends", async () => {
    const odd = [
      "/%",
      "/%zz.jpg",
      "/%00",
      "/",
      "//",
      "/?",
      "/?signature=&expires=",
      `/${"a".repeat(12_000)}`,
      "/__proto__",
      "/constructor.jpg",
      `/${Buffer.from('{"key":"good.jpg","edits":{"__proto__":{"resize":{"width":1}}}}').toString("base64")}`,
      `/${Buffer.from("null").toString("base64")}`,
      `/${Buffer.from("[]").toString("base64")}`,
      "/filters:((((((/good.jpg",
      `/${"filters:blur(1):".repeat(500)}/good.jpg`,
      "/good.jpg?width=1&width[]=2",
      "/good.jpg?rotate=NaN&width=-1",
      "http://elsewhere.example/good.jpg",
    ];
    for (const target of odd) {
      const got = await pictures.get(encodeURI(target).replaceAll("%25", "%"));
      expect([target.slice(0, 60), got.status < 500]).toEqual([target.slice(0, 60), true]);
    }
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
      expect([method, (await pictures.get("/good.jpg", {}, method)).status]).toEqual([method, 405]);
    // A cache before us may keep the answer under another host's name.
    const { host } = new URL(pictures.url);
    const own = await pictures.get(`http://${host}/good.jpg`);
    const foreign = await pictures.get("http://elsewhere.example/good.jpg");
    const twice = await pictures.get("/good.jpg", ["host", host, "host", "elsewhere.example"]);
    expect([own.status, foreign.status, twice.status]).toEqual([200, 400, 400]);
    expect(JSON.parse(twice.body.toString())).toMatchObject({ status: 400, code: "HOST_BAD" });
    const header = await pictures.get(
      `/${Buffer.from(JSON.stringify({ key: "good.jpg", headers: { "x-a": "b\r\nset-cookie: c=d", "set-cookie": "a=b", "x-é": "ü" } })).toString("base64")}`,
    );
    expect(header.status).toBeLessThan(500);
    expect(header.headers["set-cookie"]).toBeUndefined();
    await isAlive();
  });
});
