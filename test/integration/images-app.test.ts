// Pictures on the app's own port: below /images/, for everyone, beside routes that ask for a token.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import { openFront } from "../../src/images/http/routes.ts";
import { images } from "../../src/images/module.ts";
import { imageSettings } from "../../src/images/service/settings.ts";
import { openServer } from "../../src/server/index.ts";
import { openTestServer } from "./server-kit.ts";

it("serves pictures on the server's port, without its token, and counts them among its numbers", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "pictures-"));
  const app = await openTestServer();
  const { log } = app;
  const red = sharp({ create: { width: 60, height: 40, channels: 3, background: "#f00" } });
  await writeFile(path.join(folder, "red.jpg"), await red.jpeg().toBuffer());
  const settings = imageSettings.parse({ sources: { photos: "." }, accessLog: false });
  expect(await openFront({ settings: imageSettings.parse({}), folder, env: {}, log })).toBeUndefined();
  const pictures = await openFront({ settings, folder, env: {}, log });
  const token = "a-token-of-the-server";
  const server = await openServer({
    deps: app,
    settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000, token },
    version: "test",
    modules: [{ module: images, parts: { deps: undefined }, isOpen: true, front: pictures }],
  });
  try {
    const answer = await fetch(`${server.url}/images/30x0/red.jpg`);
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")]).toEqual([
      200,
      "image/jpeg",
      "max-age=31536000,public",
    ]);
    expect((await fetch(`${server.url}/images/none.jpg`)).status).toBe(404);
    // Its playground lists keys and signs: that is for those who have the token.
    const headers = { authorization: `Bearer ${token}` };
    for (const page of ["playground", "playground/pictures", "playground?x", "metrics", ""]) {
      expect([page, (await fetch(`${server.url}/images/${page}`)).status]).toEqual([page, 401]);
    }
    expect((await fetch(`${server.url}/images/playground`, { headers })).headers.get("content-type")).toContain("text/html");
    expect((await fetch(`${server.url}/images/playground/pictures`, { headers })).status).toBe(200);
    expect((await fetch(`${server.url}/images`)).status).toBe(401);
    expect((await fetch(`${server.url}/objects`)).status).toBe(401);
    const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    expect(await metrics.text()).toContain('stockroom_images_answers_total{outcome="made"} 1');
  } finally {
    await server.close();
    await pictures?.close();
    await app.close();
    await rm(folder, { recursive: true });
  }
});
