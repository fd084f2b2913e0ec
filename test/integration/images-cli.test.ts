// The picture server as a user starts it: one command, real processes, no database.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const command = path.resolve(import.meta.dirname, "../../bin/stockroom");
let folder: string;
const running: ChildProcess[] = [];
const env = (more: Record<string, string> = {}): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: folder,
  STOCKROOM_HOME: path.join(folder, "home"),
  ...more,
});

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "pictures-"));
  const red = sharp({ create: { width: 60, height: 40, channels: 3, background: "#f00" } });
  await writeFile(path.join(folder, "red.jpg"), await red.jpeg().toBuffer());
});
afterAll(async () => {
  for (const child of running) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

const run = (args: readonly string[], more?: Record<string, string>) =>
  spawnSync(command, args, { cwd: folder, env: env(more), encoding: "utf8" });

async function up(
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<{ url: string; said: () => string; stop: () => Promise<number | null> }> {
  const child = spawn(command, ["up", "images", "--port", "0", ...args], {
    cwd: folder,
    env: env(more),
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  let text = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on("data", (piece: Buffer) => {
      text += piece.toString();
      const found = /served at (http:\S+)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`Expected a server but it ended with ${code}: ${text}`)));
  });
  return {
    url,
    said: () => text,
    stop: async () =>
      await new Promise((resolve) => {
        child.removeAllListeners("exit");
        child.once("exit", (code) => resolve(code));
        child.kill("SIGINT");
      }),
  };
}

describe("stockroom up images", () => {
  it("serves a folder, with a playground, and leaves nothing behind", async () => {
    const server = await up(["--source", "photos=."]);
    const answer = await fetch(`${server.url}/30x0/filters:format(png)/red.jpg`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/png"]);
    const page = await fetch(`${server.url}/playground`);
    const html = await page.text();
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(html).not.toMatch(/(?:src|href)="https?:|url\(/);
    expect(await (await fetch(`${server.url}/playground/pictures`)).json()).toMatchObject({
      pictures: [{ bucket: "photos", key: "red.jpg" }],
      signed: false,
    });
    expect(await server.stop()).toBe(0);
    expect(server.said()).toMatch(/"target":"\/30x0\/filters:format\(png\)\/red.jpg","status":200,"outcome":"made"/);
    // No database, no home.
    expect(await readdir(folder)).toEqual(["red.jpg"]);
  });

  it("takes the classic names, and signs for its playground only when told to", async () => {
    const server = await up(["--source", "photos=."], {
      AUTO_WEBP: "Yes",
      ENABLE_SIGNATURE: "Yes",
      SIGNATURE_SECRET: "key",
      SOURCE_BUCKETS: "photos",
    });
    expect((await fetch(`${server.url}/30x0/red.jpg`)).status).toBe(400);
    expect((await fetch(`${server.url}/playground/sign?target=/30x0/red.jpg`)).status).toBe(404);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
    const signed = run(["images", "url", "red.jpg", "--width", "20", "--sign", "--expires", "1h"], {
      SIGNATURE_SECRET: "key",
    }).stdout.trim();
    expect((await fetch(server.url + signed)).status).toBe(200);
    await server.stop();
    expect(server.said()).not.toMatch(/signature=[0-9a-f]/);
    const file = path.join(folder, "sign.yaml");
    await writeFile(file, "images:\n  playground: { sign: true }\n  metrics: true\n  sources: { photos: . }\n");
    const open = await up(["--config", file], { AUTO_WEBP: "Yes", ENABLE_SIGNATURE: "Yes", SIGNATURE_SECRET: "key" });
    const { target } = (await (await fetch(`${open.url}/playground/sign?target=/30x0/red.jpg`)).json()) as { target: string };
    const answer = await fetch(open.url + target, { headers: { accept: "image/webp" } });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/webp"]);
    expect((await fetch(`${open.url}/metrics`)).status).toBe(200);
    await open.stop();
    await rm(file);
  });

  it("reads the settings file, folders from where it stands", async () => {
    const file = path.join(folder, "stockroom.yaml");
    await writeFile(
      file,
      "classify:\n  columns:\n    text: [x]\nimages:\n  sources:\n    shelf: ./none\n    more: .\n  presets:\n    small:\n      edits:\n        resize: { width: 10 }\n  policy:\n    only: presets\n",
    );
    try {
      // Of a name that both have, the command line's place counts.
      const server = await up(["--config", file, "--source", "shelf=."]);
      expect((await fetch(`${server.url}/red.jpg?preset=small`)).status).toBe(200);
      expect((await fetch(`${server.url}/30x0/red.jpg`)).status).toBe(403);
      await server.stop();
    } finally {
      await rm(file);
    }
  });

  it("says what is wrong, and ends with 2", () => {
    for (const [args, code] of [
      [[], "IMAGES_NO_SOURCES"],
      [["--source", "photos"], "IMAGE_SOURCE"],
      [["--source", "photos=./none"], "IMAGE_SOURCE_FOLDER"],
      [["--source", "photos=ftp://x"], "IMAGE_SOURCE"],
      [["--source", "photos=.", "--demo"], "Expected --demo beside modules with a sample"],
    ] as const) {
      const { status, stderr } = run(["up", "images", "--port", "0", ...args]);
      expect([args, status, stderr.includes(code)]).toEqual([args, 2, true]);
    }
    const { status, stderr } = run(["up", "images", "--source", "photos=.", "--port", "0"], {
      ENABLE_SIGNATURE: "Yes",
      AUTO_WEBP: "perhaps",
    });
    expect(status).toBe(2);
    expect(stderr).toContain("AUTO_WEBP");
    expect(stderr).toContain("SIGNATURE_SECRET");
  });
});

describe("stockroom images", () => {
  it("explains as JSON, with the classic names beside", () => {
    const { status, stdout } = run([
      "images",
      "explain",
      "/fit-in/30x20/filters:grayscale()/red.jpg?rotate=90",
      "--env",
      "SOURCE_BUCKETS=photos,more",
      "--env",
      "AUTO_WEBP=Yes",
      "--header",
      "Accept=image/webp",
    ]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      requestType: "thumbor",
      bucket: "photos",
      key: "red.jpg",
      edits: { resize: { width: 30, height: 20, fit: "inside" }, grayscale: true, rotate: 90 },
      outputFormat: "webp",
      contentType: "image/webp",
    });
    const sourced = run(["images", "explain", "/30x20/red.jpg", "--source", "shelf=.", "--source", "more=."]);
    expect(JSON.parse(sourced.stdout)).toMatchObject({ bucket: "shelf", key: "red.jpg" });
    const refused = run(["images", "explain", "/red.exe"]);
    expect([refused.status, (JSON.parse(refused.stdout) as { code: string }).code]).toEqual([0, "RequestTypeError"]);
  });

  it("builds what explain understands", () => {
    const url = run([
      "images",
      "url",
      "a b.jpg",
      "--width",
      "30",
      "--format",
      "webp",
      "--quality",
      "50",
      "--edits",
      '{"grayscale":true}',
    ]).stdout.trim();
    expect(JSON.parse(run(["images", "explain", url]).stdout)).toMatchObject({
      key: "a b.jpg",
      edits: { grayscale: true, resize: { width: 30 }, webp: { quality: 50 }, toFormat: "webp" },
    });
    expect(run(["images", "url", "a.jpg", "--srcset", "10,20", "--form", "thumbor"]).stdout.trim()).toBe(
      "/10x0/a.jpg 10w, /20x0/a.jpg 20w",
    );
    expect(run(["images", "url", "a.jpg", "--width", "ten"]).status).toBe(2);
    expect(run(["images", "url", "a.jpg", "--expires", "2020-01-01"])).toMatchObject({ status: 2, stdout: "" });
    expect(run(["images", "url", "a.jpg", "--sign"]).status).toBe(2);
  });
});
