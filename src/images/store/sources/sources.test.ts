import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Source } from "./contract.ts";
import { openFolder } from "./folder.ts";
import { openHttp } from "./http.ts";
import type { HttpSourceOptions } from "./http.ts";
import { openSources, readNamedSource, readSource } from "./open.ts";
import { openS3 } from "./s3.ts";

const limits = { maxBytes: 1_000_000, timeoutMs: 5_000 };
const never = new AbortController().signal;
const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const textOf = async (found: Awaited<ReturnType<Source["read"]>>): Promise<string | undefined> =>
  found === undefined ? undefined : Buffer.from(found.body as Uint8Array).toString();

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ port: number; asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, asked, server };
}

describe("a folder", () => {
  let outside: string;
  let root: string;
  beforeEach(async () => {
    outside = await mkdtemp(path.join(tmpdir(), "pictures-"));
    root = path.join(outside, "root");
    await mkdir(path.join(root, "a"), { recursive: true });
    await writeFile(path.join(root, "a", "cat 1.jpg"), "cat");
    await writeFile(path.join(root, ".secret.jpg"), "secret");
    await writeFile(path.join(outside, "passwd"), "secret");
    await mkdir(path.join(outside, "root-twin"));
    await writeFile(path.join(outside, "root-twin", "x.jpg"), "secret");
    closing.push(async () => await rm(outside, { recursive: true }));
  });

  it("reads what is in it, with type, date and version", async () => {
    const source = await openFolder(root, limits);
    const found = await source.read("a/cat 1.jpg", never);
    expect(await textOf(found)).toBe("cat");
    expect(found?.contentType).toBe("image/jpeg");
    expect(found?.lastModified).toBeInstanceOf(Date);
    expect(await source.readIfChanged("a/cat 1.jpg", found?.version ?? "", never)).toBe("unchanged");
    await utimes(path.join(root, "a", "cat 1.jpg"), 1, 1);
    const again = await source.readIfChanged("a/cat 1.jpg", found?.version ?? "", never);
    expect(again).not.toBe("unchanged");
    expect(await source.list?.(10)).toEqual(["a/cat 1.jpg"]);
  });

  it("gives nothing outside it, however the key is written", async () => {
    const source = await openFolder(root, limits);
    const climbs = [
      "../passwd",
      "a/../../passwd",
      "a/../a/cat 1.jpg",
      "./a/cat 1.jpg",
      "/etc/passwd",
      "//etc/passwd",
      "a//cat 1.jpg",
      "..",
      ".",
      "",
      "a",
      "a/",
      "..\\passwd",
      "a\\..\\..\\passwd",
      "%2e%2e/passwd",
      "%2e%2e%2fpasswd",
      "..%2fpasswd",
      "..%c0%afpasswd",
      "../root-twin/x.jpg",
      "a/cat 1.jpg\0.png",
      "\0",
      "....//passwd",
      "..;/passwd",
      ".secret.jpg",
      "a/.../x",
      "~/passwd",
      "file:///etc/passwd",
      "C:\\x",
      "\u2025/passwd",
      "．．/passwd",
      "a".repeat(5000),
      `${"a/".repeat(600)}x`,
    ];
    for (const key of climbs) expect([key, await source.read(key, never)]).toEqual([key, undefined]);
  });

  it("follows links within it and none that lead out", async () => {
    await symlink(path.join(outside, "passwd"), path.join(root, "out.jpg"));
    await symlink(outside, path.join(root, "up"));
    await symlink("a/cat 1.jpg", path.join(root, "in.jpg"));
    await symlink("loop.jpg", path.join(root, "loop.jpg"));
    await symlink("/dev/zero", path.join(root, "zero.jpg"));
    const source = await openFolder(root, limits);
    for (const key of ["out.jpg", "up/passwd", "up/root-twin/x.jpg", "loop.jpg", "zero.jpg", "up/root/a/../../passwd"])
      expect([key, await source.read(key, never)]).toEqual([key, undefined]);
    expect(await textOf(await source.read("in.jpg", never))).toBe("cat");
  });

  it("never waits for a pipe, and refuses what is too large before reading it", async () => {
    execFileSync("mkfifo", [path.join(root, "pipe.jpg")]);
    const source = await openFolder(root, { ...limits, maxBytes: 2 });
    expect(await source.read("pipe.jpg", never)).toBeUndefined();
    await expect(source.read("a/cat 1.jpg", never)).rejects.toMatchObject({ code: "TooLargeImageException" });
  });

  it("says so when it is not there", async () => {
    await expect(openFolder(path.join(root, "none"), limits)).rejects.toMatchObject({ code: "IMAGE_SOURCE_FOLDER", kind: "input" });
  });
});

describe("a web origin", () => {
  const open = (options: Omit<HttpSourceOptions, "limits"> & Partial<HttpSourceOptions>) => {
    const source = openHttp({ limits, ...options });
    closing.push(async () => await source.close?.());
    return source;
  };
  const jpeg = (response: ServerResponse, body = "cat", headers: Record<string, string> = {}): void =>
    void response.writeHead(200, { "content-type": "image/jpeg", ...headers }).end(body);

  it("reads below its base, and asks whether it changed", async () => {
    const { port, asked } = await listen((request, response) => {
      if (request.headers["if-none-match"] === '"1"') response.writeHead(304).end();
      else if (request.url?.includes("none") === true) response.writeHead(404).end();
      else jpeg(response, "cat", { etag: '"1"', "cache-control": "max-age=60", "last-modified": "Wed, 21 Oct 2015 07:28:00 GMT" });
    });
    const source = open({ url: `http://127.0.0.1:${port}/base`, allowPrivate: true });
    const found = await source.read("a b/ä?#.jpg", never);
    expect(asked).toEqual(["/base/a%20b/%C3%A4%3F%23.jpg"]);
    expect(found).toMatchObject({ contentType: "image/jpeg", cacheControl: "max-age=60", version: 'etag "1"' });
    expect(await source.readIfChanged("x.jpg", 'etag "1"', never)).toBe("unchanged");
    expect(await source.read("none.jpg", never)).toBeUndefined();
  });

  it("never climbs out of its base", async () => {
    const { port, asked } = await listen((_request, response) => jpeg(response));
    const source = open({ url: `http://127.0.0.1:${port}/base/`, allowPrivate: true });
    for (const key of ["../x", "a/../../x", "%2e%2e/x", "%2E./x", ".", "..", "", "a\\..\\..\\x", "\0", "a\r\nx: y"])
      expect([key, await source.read(key, never)]).toEqual([key, undefined]);
    // Encoded once more they are only odd names.
    for (const key of ["..%2fx", "%252e%252e/x", "//evil.example/x", "@evil.example/x", "?x", "#x"]) await source.read(key, never);
    expect(asked).toHaveLength(6);
    expect(asked.filter((url) => !url.startsWith("/base/"))).toEqual([]);
  });

  it("refuses every private address, literal or by name, and sends nothing to it", async () => {
    const { port, asked } = await listen((_request, response) => jpeg(response));
    const forms = [
      "127.0.0.1",
      "2130706433",
      "0x7f.1",
      "0177.0.0.1",
      "127.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "[64:ff9b::7f00:1]",
      "[2002:7f00:1::]",
      "0.0.0.0",
      "localhost",
    ];
    for (const host of forms) {
      const source = open({ url: `http://${host}:${port}/` });
      await expect(source.read("x.jpg", never)).rejects.toMatchObject({ code: "ImageSource::AddressForbidden", kind: "denied" });
    }
    expect(asked).toEqual([]);
  });

  it("resolves a name once, so that rebinding gains nothing", async () => {
    const { port, asked } = await listen((_request, response) => jpeg(response));
    const resolved = vi.fn<(name: string) => void>();
    // The first answer is public, every later one is ours: what is connected to must be what was judged.
    const source = open({
      url: `http://rebind.example:${port}/`,
      limits: { ...limits, timeoutMs: 300 },
      lookup: (name, done) => {
        resolved(name);
        done(null, [{ address: resolved.mock.calls.length === 1 ? "192.0.2.1" : "127.0.0.1", family: 4 }]);
      },
    });
    for (let i = 0; i < 3; i++) await expect(source.read("x.jpg", never)).rejects.toMatchObject({ code: "ImageSource::AddressForbidden" });
    const mixed = open({
      url: `http://mixed.example:${port}/`,
      lookup: (_name, done) =>
        done(null, [
          { address: "8.8.8.8", family: 4 },
          { address: "127.0.0.1", family: 4 },
        ]),
    });
    await expect(mixed.read("x.jpg", never)).rejects.toMatchObject({ code: "ImageSource::AddressForbidden" });
    expect(asked).toEqual([]);
  });

  it("checks every redirect, and follows no more than three", async () => {
    const inner = await listen((_request, response) => jpeg(response, "secret"));
    const targets: Record<string, string> = {
      "/other": `http://127.0.0.1:${inner.port}/x.jpg`,
      "/metadata": "http://169.254.169.254/latest/meta-data/",
      "/decimal": `http://2130706433:${inner.port}/x.jpg`,
      "/file": "file:///etc/passwd",
      "/loop": "/loop",
      "/user": "http://a:b@localhost/x.jpg",
      "/bad": "http://[",
      "/near": "/picture.jpg",
    };
    const { port } = await listen((request, response) => {
      const to = targets[request.url ?? ""];
      if (to === undefined) jpeg(response);
      else response.writeHead(302, { location: to }).end();
    });
    const source = open({ url: `http://127.0.0.1:${port}/`, allowPrivate: true });
    for (const key of ["other", "metadata", "decimal", "file", "user"])
      await expect(source.read(key, never)).rejects.toMatchObject({ code: "ImageSource::HostForbidden" });
    for (const key of ["loop", "bad"]) await expect(source.read(key, never)).rejects.toMatchObject({ code: "ImageSource::Redirects" });
    expect(await textOf(await source.read("near", never))).toBe("cat");
    expect(inner.asked).toEqual([]);
  });

  it("takes keys that are whole addresses only of hosts on its list", async () => {
    const { port, asked } = await listen((_request, response) => jpeg(response));
    const source = open({ url: "https://cdn.example.com/", hosts: [`127.0.0.1:${port}`, "*.pictures.example"], allowPrivate: true });
    expect(source.takes("https://a.pictures.example/x")).toBe(true);
    for (const bad of [
      "https://pictures.example/x",
      "https://evilpictures.example/x",
      "https://a.pictures.example.evil/x",
      "https://a.pictures.example:81/x",
      "ftp://a.pictures.example/x",
    ])
      expect([bad, source.takes(bad)]).toEqual([bad, false]);
    await expect(source.read("https://evil.example/x.jpg", never)).rejects.toMatchObject({ code: "ImageSource::HostForbidden" });
    expect(asked).toEqual([]);
  });

  it("bounds size and time, also of an origin that dribbles", async () => {
    const { port } = await listen((request, response) => {
      response.writeHead(200, { "content-type": "image/jpeg", ...(request.url === "/said" ? { "content-length": "5000000" } : {}) });
      if (request.url === "/said") response.flushHeaders();
      else if (request.url === "/huge") response.end(Buffer.alloc(2_000_000));
      else {
        const drip = setInterval(() => response.write("x"), 20);
        response.on("close", () => clearInterval(drip));
      }
    });
    const source = open({ url: `http://127.0.0.1:${port}/`, allowPrivate: true, limits: { ...limits, timeoutMs: 300 } });
    await expect(source.read("said", never)).rejects.toMatchObject({ code: "TooLargeImageException" });
    await expect(source.read("huge", never)).rejects.toMatchObject({ code: "TooLargeImageException" });
    await expect(source.read("drip", never)).rejects.toMatchObject({ code: "ImageSource::TimedOut", facts: { status: 424 } });
  });

  it("takes nothing that says it is no picture", async () => {
    const { port } = await listen((request, response) => {
      if (request.url === "/html") response.writeHead(200, { "content-type": "text/html" }).end("<html>");
      else if (request.url === "/gzip") response.writeHead(200, { "content-type": "image/jpeg", "content-encoding": "gzip" }).end("x");
      else if (request.url === "/500") response.writeHead(500).end();
      else response.socket?.destroy();
    });
    const source = open({ url: `http://127.0.0.1:${port}/`, allowPrivate: true });
    for (const key of ["html", "gzip"]) await expect(source.read(key, never)).rejects.toMatchObject({ code: "InstantiationError" });
    await expect(source.read("500", never)).rejects.toMatchObject({ code: "ImageSource::Refused" });
    await expect(source.read("gone", never)).rejects.toMatchObject({ code: "ImageSource::Unreachable" });
  });
});

describe("a bucket of S3", () => {
  it("reads, tells what is missing, and asks whether it changed", async () => {
    const { port, asked } = await listen((request, response) => {
      if (request.url?.includes("none") === true) {
        response.writeHead(404, { "content-type": "application/xml" }).end("<Error><Code>NoSuchKey</Code><Message>no</Message></Error>");
      } else if (request.url?.includes("denied") === true) {
        response.writeHead(403, { "content-type": "application/xml" }).end("<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
      } else if (request.headers["if-none-match"] === '"e1"') response.writeHead(304).end();
      else
        response
          .writeHead(200, {
            "content-type": "image/png",
            "cache-control": "max-age=5",
            etag: '"e1"',
            "last-modified": "Wed, 21 Oct 2015 07:28:00 GMT",
            "content-length": "3",
          })
          .end("cat");
    });
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    closing.push(() => void vi.unstubAllEnvs());
    const source = await openS3({ bucket: "shop", prefix: "p/", region: "eu-west-1", endpoint: `http://127.0.0.1:${port}`, limits });
    closing.push(async () => await source.close?.());
    const found = await source.read("a b/ä.png", never);
    expect(await textOf(found)).toBe("cat");
    expect(found).toMatchObject({
      contentType: "image/png",
      cacheControl: "max-age=5",
      version: '"e1"',
      lastModified: new Date("2015-10-21T07:28:00Z"),
    });
    expect(asked[0]).toMatch(/^\/shop\/p\/a%20b\/%C3%A4\.png/);
    expect(await source.readIfChanged("a.png", '"e1"', never)).toBe("unchanged");
    expect(await source.read("none.png", never)).toBeUndefined();
    await expect(source.read("denied.png", never)).rejects.toMatchObject({ code: "AccessDenied", kind: "fault" });
  });
});

describe("opening sources", () => {
  it("reads the short forms and refuses others", () => {
    expect(readSource("s3://shop-eu/pictures", "/x")).toEqual({ kind: "s3", bucket: "shop-eu", prefix: "pictures/" });
    expect(readSource("s3://shop", "/x")).toEqual({ kind: "s3", bucket: "shop", prefix: "" });
    expect(readSource("https://a.example/b", "/x")).toEqual({ kind: "http", url: "https://a.example/b" });
    expect(readSource("pics", "/x")).toEqual({ kind: "folder", folder: "/x/pics" });
    expect(readNamedSource("photos=a=b", "/x")).toEqual(["photos", { kind: "folder", folder: "/x/a=b" }]);
    for (const bad of ["ftp://x/y", "gs://bucket", ""]) expect(() => readSource(bad, "/x")).toThrow(/Expected/);
    for (const bad of ["photos", "=x", "a b=x", "../x=y"]) expect(() => readNamedSource(bad, "/x")).toThrow(/Expected/);
  });

  it("gives a key that is an address to the source that has its host, and to no other", async () => {
    const { port, asked } = await listen((_request, response) => void response.writeHead(200, { "content-type": "image/jpeg" }).end("cat"));
    const folder = await mkdtemp(path.join(tmpdir(), "pictures-"));
    closing.push(async () => await rm(folder, { recursive: true }));
    const sources = await openSources(
      { photos: { kind: "folder", folder }, web: { kind: "http", url: `http://127.0.0.1:${port}/`, allowPrivate: true } },
      limits,
    );
    closing.push(async () => await sources.close());
    expect(sources.buckets).toEqual(["photos", "web"]);
    expect(await textOf(await sources.read("photos", `http:/127.0.0.1:${port}/x.jpg`, never))).toBe("cat");
    expect(asked).toEqual(["/x.jpg"]);
    await expect(sources.read("photos", "http://127.0.0.1:1/x.jpg", never)).rejects.toMatchObject({ code: "ImageSource::HostForbidden" });
    expect(await sources.read("none", "x", never)).toBeUndefined();
  });
});
