import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import fastify from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mountConsole } from "./console.ts";

const script = "export const words = 'stockroom ';\n".repeat(200);
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "console-"));
  await mkdir(path.join(folder, "assets"));
  await writeFile(path.join(folder, "index.html"), "x");
  await writeFile(path.join(folder, "assets/a-1.js"), script);
});
afterAll(async () => await rm(folder, { recursive: true }));

test("files are packed for who takes it, each when it is first asked for, and given as they are to all others", async () => {
  const server = fastify();
  mountConsole(server, folder);
  const get = async (url: string, encoding: string) =>
    await server.inject({ method: "GET", url, headers: { "accept-encoding": encoding } });
  const asked = await Promise.all([1, 2].map(async () => await get("/console/assets/a-1.js", "gzip, br")));
  for (const { headers, rawPayload } of asked) {
    expect(headers).toMatchObject({ "content-encoding": "br", "cache-control": "public, max-age=31536000, immutable" });
    expect(brotliDecompressSync(rawPayload).toString()).toBe(script);
  }
  const plain = await get("/console/assets/a-1.js", "identity");
  expect([plain.headers["content-encoding"], plain.body]).toEqual([undefined, script]);
  // What would grow by packing is not packed.
  expect((await get("/console/", "br")).headers["content-encoding"]).toBeUndefined();
  expect((await get("/console/assets/none.js", "br")).statusCode).toBe(500);
  await server.close();
});
